// SPDX-License-Identifier: GPL-2.0-only
/* Rows in memory and maps in the kernel. Where a kernel has no batches for a map, elements go one by one. */
#include "kernel/set_table.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"

#define BATCH		4096
#define KERNEL_ENOTSUPP 524 /* what the kernel says of an operation that a map does not have; no name in user space */

uint64_t set_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t set_expiry(uint64_t now, uint64_t timeout_s)
{
	if (timeout_s == 0 || timeout_s > (UINT64_MAX - now) / 1000000000u)
		return 0;
	return now + timeout_s * 1000000000u;
}

/* ---- Order ---- */

struct order {
	uint32_t key_size;
	bool prefix;
};

static int compare_rows(const void *left, const void *right, void *context)
{
	const struct set_row *a = left, *b = right;
	const struct order *order = context;
	uint32_t length_a, length_b;
	int r;

	if (!order->prefix)
		return memcmp(a->key, b->key, order->key_size);
	r = memcmp(a->key + sizeof(uint32_t), b->key + sizeof(uint32_t), order->key_size);
	memcpy(&length_a, a->key, sizeof(length_a));
	memcpy(&length_b, b->key, sizeof(length_b));
	return r ? r : length_a < length_b ? -1 : length_a > length_b;
}

void set_rows_sort(struct set_rows *rows, uint32_t key_size, bool prefix)
{
	struct order order = { .key_size = key_size, .prefix = prefix };

	if (rows->count > 1)
		qsort_r(rows->items, rows->count, sizeof(*rows->items), compare_rows, &order);
}

struct set_row *set_rows_find(const struct set_rows *rows, const struct set_row *row, uint32_t key_size, bool prefix)
{
	struct order order = { .key_size = key_size, .prefix = prefix };
	size_t low = 0, high = rows->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = compare_rows(row, &rows->items[middle], &order);

		if (r == 0)
			return &rows->items[middle];
		if (r < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* ---- Reading ---- */

static void take_rows(struct arena *arena, struct set_rows *rows, uint32_t key_size, const unsigned char *keys,
		      const struct weir_set_value *values, uint32_t count)
{
	vector_reserve(arena, rows, count);
	for (uint32_t i = 0; i < count; i++) {
		struct set_row *row = &rows->items[rows->count++];

		*row = (struct set_row){ .value = values[i] };
		memcpy(row->key, keys + (size_t)i * key_size, key_size);
	}
}

static int read_singly(struct arena *arena, int fd, uint32_t key_size, struct set_rows *rows)
{
	unsigned char key[SET_ROW_KEY], next[SET_ROW_KEY];
	struct weir_set_value value;
	bool first = true;
	int r;

	while ((r = bpf_map_get_next_key(fd, first ? NULL : key, next)) == 0) {
		first = false;
		memcpy(key, next, key_size);
		if (bpf_map_lookup_elem(fd, key, &value) == 0)
			take_rows(arena, rows, key_size, key, &value, 1);
	}
	return r == -ENOENT ? 0 : r;
}

static bool has_no_batches(int error)
{
	return error == -KERNEL_ENOTSUPP || error == -EINVAL || error == -EOPNOTSUPP;
}

/* SIZE doubles where the kernel says that a bucket of the hash does not fit. */
int set_rows_read(struct arena *arena, int fd, uint32_t key_size, struct set_rows *rows)
{
	size_t before = rows->count;
	unsigned char at[SET_ROW_KEY], next[SET_ROW_KEY];
	bool first = true;
	uint32_t size = BATCH;

	for (;;) {
		_cleanup_free_ unsigned char *keys = malloc((size_t)size * key_size);
		_cleanup_free_ struct weir_set_value *values = malloc(size * sizeof(*values));
		int r = keys && values ? 0 : -ENOMEM;

		while (r == 0) {
			uint32_t count = size;

			r = bpf_map_lookup_batch(fd, first ? NULL : at, next, keys, values, &count, NULL);
			if (r && r != -ENOENT)
				break;
			take_rows(arena, rows, key_size, keys, values, count);
			memcpy(at, next, sizeof(at));
			first = false;
			if (r == 0 && count == 0)
				return 0;
		}
		if (r == -ENOENT)
			return 0;
		if (has_no_batches(r)) {
			rows->count = before;
			return read_singly(arena, fd, key_size, rows);
		}
		if (r != -ENOSPC || size > 1u << 24)
			return r;
		size *= 2;
	}
}

/* ---- Writing ---- */

static int full(int error)
{
	return error == -E2BIG ? -ENOSPC : error;
}

static int write_chunk(int fd, uint32_t key_size, const struct set_row *rows, uint32_t count, uint32_t *ret_done)
{
	_cleanup_free_ unsigned char *keys = malloc((size_t)count * key_size);
	_cleanup_free_ struct weir_set_value *values = malloc(count * sizeof(*values));
	uint32_t done = count;
	int r = 0;

	*ret_done = 0;
	if (!keys || !values)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		memcpy(keys + (size_t)i * key_size, rows[i].key, key_size);
		values[i] = rows[i].value;
	}
	if (count > 1) {
		r = bpf_map_update_batch(fd, keys, values, &done, NULL);
		if (!has_no_batches(r)) {
			*ret_done = done;
			return full(r);
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		r = bpf_map_update_elem(fd, rows[i].key, &rows[i].value, BPF_ANY);
		if (r)
			return full(r);
		*ret_done = i + 1;
	}
	return 0;
}

int set_rows_write(int fd, uint32_t key_size, const struct set_rows *rows, const struct set_progress *progress, size_t *ret_done)
{
	size_t done = 0;
	int r = 0;

	while (r == 0 && done < rows->count) {
		uint32_t chunk = rows->count - done > BATCH ? BATCH : (uint32_t)(rows->count - done), went_in;

		r = write_chunk(fd, key_size, rows->items + done, chunk, &went_in);
		done += went_in;
		if (progress && progress->report && rows->count > BATCH)
			progress->report(progress->context, progress->what, done, rows->count);
	}
	*ret_done = done;
	return r;
}

static int delete_chunk(int fd, uint32_t key_size, const struct set_row *rows, uint32_t count, bool *present)
{
	_cleanup_free_ unsigned char *keys = malloc((size_t)count * key_size);
	uint32_t at = 0;

	if (!keys)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		memcpy(keys + (size_t)i * key_size, rows[i].key, key_size);
	/* A batch stops at the first that is not there: that one is noted, and the rest goes on behind it. */
	while (at < count) {
		uint32_t done = count - at;
		int r = bpf_map_delete_batch(fd, keys + (size_t)at * key_size, &done, NULL);

		if (has_no_batches(r)) {
			done = 0;
			r = bpf_map_delete_elem(fd, keys + (size_t)at * key_size);
			done = r == 0;
		}
		if (r && r != -ENOENT)
			return r;
		for (uint32_t i = 0; present && i < done; i++)
			present[at + i] = true;
		at += done + (r == -ENOENT);
	}
	return 0;
}

int set_rows_delete(int fd, uint32_t key_size, const struct set_rows *rows, bool *present)
{
	int r = 0;

	for (size_t done = 0; r == 0 && done < rows->count; done += BATCH) {
		uint32_t chunk = rows->count - done > BATCH ? BATCH : (uint32_t)(rows->count - done);

		r = delete_chunk(fd, key_size, rows->items + done, chunk, present ? present + done : NULL);
	}
	return r;
}

/* ---- How many there are ---- */

int set_count_pin(const char *path, uint32_t rows)
{
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "weir_set_count", sizeof(uint32_t), sizeof(rows), 1, NULL);
	int r = fd < 0 ? fd : set_count_write(fd, rows);

	return r ? r : bpf_obj_pin(fd, path);
}

int set_count_read(int count_fd, uint32_t *ret_rows)
{
	uint32_t key = 0, rows;
	int r = bpf_map_lookup_elem(count_fd, &key, &rows);

	if (r == 0)
		*ret_rows = rows;
	return r;
}

int set_count_write(int count_fd, uint32_t rows)
{
	uint32_t key = 0;

	return bpf_map_update_elem(count_fd, &key, &rows, BPF_ANY);
}

/* ---- Prefixes with timeouts ---- */

static bool covers(const struct set_row *outer, const struct set_row *inner)
{
	const unsigned char *a = outer->key + sizeof(uint32_t), *b = inner->key + sizeof(uint32_t);
	uint32_t length, inner_length;

	memcpy(&length, outer->key, sizeof(length));
	memcpy(&inner_length, inner->key, sizeof(inner_length));
	if (length > inner_length || memcmp(a, b, length / 8) != 0)
		return false;
	return length % 8 == 0 || (a[length / 8] ^ b[length / 8]) >> (8 - length % 8) == 0;
}

/* Sorted rows: a stack of those that cover the present one. A chain of prefixes in each other is no longer than an address has
 * bits. */
void set_settle_rows(struct set_rows *rows, uint32_t key_size)
{
	const struct set_row *stack[8 * WEIR_MAX_SET_KEY + 1];
	size_t depth = 0;

	set_rows_sort(rows, key_size, true);
	for (size_t i = 0; i < rows->count; i++) {
		struct set_row *row = &rows->items[i];
		uint64_t expires = row->value.own_expires_ns;

		while (depth > 0 && !covers(stack[depth - 1], row))
			depth--;
		if (depth > 0 && expires != 0) {
			uint64_t outer = stack[depth - 1]->value.expires_ns;

			expires = outer == 0 || outer > expires ? outer : expires;
		}
		row->value.expires_ns = expires;
		if (depth < sizeof(stack) / sizeof(stack[0]))
			stack[depth++] = row;
	}
}

int set_settle_prefixes(struct arena *arena, int prefix_fd, uint32_t key_size)
{
	uint32_t map_key_size = key_size + (uint32_t)sizeof(uint32_t);
	struct set_rows rows = { 0 }, changed = { 0 };
	uint64_t *before;
	size_t done;
	int r = set_rows_read(arena, prefix_fd, map_key_size, &rows);

	if (r)
		return r;
	set_rows_sort(&rows, key_size, true);
	before = arena_new_array(arena, uint64_t, rows.count);
	for (size_t i = 0; i < rows.count; i++)
		before[i] = rows.items[i].value.expires_ns;
	set_settle_rows(&rows, key_size);
	for (size_t i = 0; i < rows.count; i++)
		if (rows.items[i].value.expires_ns != before[i])
			vector_push(arena, &changed, rows.items[i]);
	return set_rows_write(prefix_fd, map_key_size, &changed, NULL, &done);
}
