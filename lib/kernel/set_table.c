// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/set_table.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/cleanup.h"

#define SEEDS 8 /* tried before the table gets larger: one in very many has two full buckets */

static size_t mapping_bytes(uint32_t pages, uint32_t page_size)
{
	size_t system_page = (size_t)sysconf(_SC_PAGESIZE);

	return ((size_t)pages * page_size + system_page - 1) / system_page * system_page;
}

/* PROTECTION and FLAGS as of mmap. The table takes FD. */
static int map_pages(int fd, const struct set_shape *shape, int protection, int flags, struct set_table *ret_table)
{
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info);
	size_t bytes;
	void *memory;

	if (bpf_obj_get_info_by_fd(fd, &info, &length))
		return -errno;
	if (info.type != BPF_MAP_TYPE_ARRAY || !(info.map_flags & BPF_F_MMAPABLE) || info.value_size != shape->page_size)
		return -EINVAL;
	bytes = mapping_bytes(info.max_entries, info.value_size);
	memory = mmap(NULL, bytes, protection, MAP_SHARED | flags, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	*ret_table = (struct set_table){
		.map_fd = ret_table->map_fd,
		.image = { .shape = *shape, .memory = memory, .pages = info.max_entries },
		.bytes = bytes,
		.pages_fd = fd,
		.fixed = !(info.map_flags & BPF_F_INNER_MAP),
	};
	return 0;
}

void set_table_close(struct set_table *table)
{
	if (!table->image.memory)
		return;
	munmap(table->image.memory, table->bytes);
	table->image.memory = NULL;
	set_image_release(&table->image);
	closep(&table->pages_fd);
}

static int create_pages(const char *name, const struct set_shape *shape, uint32_t pages, bool fixed)
{
	struct bpf_map_create_opts options;

	memset(&options, 0, sizeof(options));
	options.sz = sizeof(options);
	options.map_flags = BPF_F_MMAPABLE | (fixed ? 0 : BPF_F_INNER_MAP);
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), shape->page_size, pages, &options);
}

static void map_name(const char *name, char ret_name[BPF_OBJ_NAME_LEN])
{
	snprintf(ret_name, BPF_OBJ_NAME_LEN, "%s", name);
	for (char *c = ret_name; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
			*c = '_';
}

/* A new map of pages with these rows in it. RET_TABLE tells whether it is to have a fixed number of them, and which; it keeps its
 * map_fd. */
static int create_filled(const char *name, const struct set_shape *shape, const struct set_rows rows[2],
			 struct set_table *ret_table)
{
	bool fixed = ret_table->fixed;
	uint32_t needed = set_image_pages(shape, rows, !fixed), pages = fixed ? ret_table->image.pages : needed;
	uint64_t seed;

	if (needed > pages)
		return -ENOSPC;

	for (int i = 0; i < SEEDS; i++) {
		_cleanup_(set_table_close) struct set_table table = { .map_fd = ret_table->map_fd };
		_cleanup_close_ int fd = create_pages(name, shape, pages, fixed);
		int r = fd < 0 ? fd : map_pages(fd, shape, PROT_READ | PROT_WRITE, MAP_POPULATE, &table);

		if (r)
			return r;
		TAKE_FD(fd);
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			return -EIO;
		r = set_image_fill(&table.image, rows, seed);
		if (r && r != -ENOSPC)
			return r;
		if (r)
			continue;
		*ret_table = table;
		table.image.memory = NULL;
		return 0;
	}
	return -ENOSPC;
}

int set_table_create(const char *name, const struct set_shape *shape, struct set_rows rows[2], uint32_t pages)
{
	_cleanup_(set_table_close) struct set_table table = { .map_fd = -1, .fixed = pages, .image.pages = pages };
	char short_name[BPF_OBJ_NAME_LEN];
	struct bpf_map_create_opts options;
	_cleanup_close_ int outer = -1;
	uint32_t key = 0;
	int r;

	map_name(name, short_name);
	r = create_filled(short_name, shape, rows, &table);
	if (r)
		return r;
	memset(&options, 0, sizeof(options));
	options.sz = sizeof(options);
	options.inner_map_fd = (uint32_t)table.pages_fd;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, short_name, sizeof(key), sizeof(uint32_t), 1, &options);
	if (outer < 0)
		return outer;
	r = bpf_map_update_elem(outer, &key, &table.pages_fd, BPF_ANY);
	return r ? r : TAKE_FD(outer);
}

static int open_inner(int map_fd)
{
	uint32_t key = 0, id;
	int r = bpf_map_lookup_elem(map_fd, &key, &id);

	return r ? r : bpf_map_get_fd_by_id(id);
}

int set_table_open(int map_fd, const struct set_shape *shape, bool for_change, struct set_table *ret_table)
{
	struct set_table table = { .map_fd = map_fd };
	_cleanup_close_ int fd = -1;
	int r;

	do { /* one that is replaced between the two steps is gone */
		fd = open_inner(map_fd);
	} while (fd == -ENOENT);
	if (fd < 0)
		return fd;
	r = map_pages(fd, shape, for_change ? PROT_READ | PROT_WRITE : PROT_READ, 0, &table);
	if (r)
		return r;
	TAKE_FD(fd);
	*ret_table = table;
	return 0;
}

/* ---- Change ---- */

/*
 * Wait until all programs that run now have ended. Nobody says more plainly than the kernel itself: it does so before it comes
 * back from putting a map into another, be it the one that is there.
 */
static int wait_for_programs(const struct set_table *table)
{
	uint32_t key = 0;

	return bpf_map_update_elem(table->map_fd, &key, &table->pages_fd, BPF_ANY);
}

static int make_pages(struct set_table *table)
{
	int r = set_image_reclaim(&table->image);

	return r ? r : wait_for_programs(table);
}

int set_table_put(struct set_table *table, const struct set_row *row, bool prefix)
{
	int r = set_image_put(&table->image, row, prefix);

	if (r != -EAGAIN)
		return r;
	r = make_pages(table);
	r = r ? r : set_image_put(&table->image, row, prefix);
	return r == -EAGAIN ? -ENOSPC : r;
}

int set_table_take(struct set_table *table, const struct set_row *row, bool prefix, bool *ret_there)
{
	int r = set_image_take(&table->image, row, prefix, ret_there);

	if (r != -EAGAIN)
		return r;
	r = make_pages(table);
	r = r ? r : set_image_take(&table->image, row, prefix, ret_there);
	return r == -EAGAIN ? -ENOSPC : r;
}

/* What programs counted in the old table after it was read. */
static void catch_up(const struct set_table *old, struct set_table *fresh, const struct set_rows rows[2])
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct set_rows now[2] = { 0 };

	set_image_read(&old->image, arena, now);
	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < now[which].count; i++) {
			const struct set_row *row = &now[which].items[i], *before = set_rows_find(&rows[which], row);

			if (before && row->packets > before->packets)
				set_image_count_up(&fresh->image, row, which == ROWS_PREFIX, row->packets - before->packets,
						   row->bytes - before->bytes);
		}
}

int set_table_replace(struct set_table *table, struct set_rows rows[2])
{
	_cleanup_(set_table_close) struct set_table fresh = { .map_fd = table->map_fd,
							      .fixed = table->fixed,
							      .image.pages = table->image.pages };
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info), key = 0;
	struct set_table old;
	int r = bpf_obj_get_info_by_fd(table->map_fd, &info, &length);

	if (r)
		return r;
	for (int which = 0; which < 2; which++)
		set_rows_sort(&rows[which]);
	r = create_filled(info.name, &table->image.shape, rows, &fresh);
	r = r ? r : bpf_map_update_elem(table->map_fd, &key, &fresh.pages_fd, BPF_ANY);
	if (r)
		return r;
	if (table->image.shape.counted)
		catch_up(table, &fresh, rows);
	old = *table;
	*table = fresh;
	fresh = old;
	return 0;
}
