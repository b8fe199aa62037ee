// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/faults.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/attach.h"

#include "faults.skel.h"

static const struct place nowhere;

static void object_closep(struct bpf_object **object)
{
	bpf_object__close(*object); /* NULL is fine */
}

static const char *links_folder(const struct kernel *kernel, struct arena *arena)
{
	return arena_printf(arena, "%s/faults_links", kernel->path);
}

static const char *map_path(const struct kernel *kernel, struct arena *arena)
{
	return arena_printf(arena, "%s/faults", kernel->path);
}

/* Load the programs; those links that stand are pinned in FOLDER, and the map at PATH. */
static int attach(struct arena *arena, const char *folder, const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "weir");
	_cleanup_(object_closep) struct bpf_object *object = NULL;
	struct bpf_program *program;
	const void *bytes;
	size_t size;
	int r;

	bytes = faults_bpf__elf_bytes(&size);
	object = bpf_object__open_mem(bytes, size, &options);
	if (!object)
		return -errno;
	r = bpf_object__load(object);
	r = r ?: pins_make_directory(folder);
	bpf_object__for_each_program(program, object)
	{
		_cleanup_close_ int link = r ? -1 : bpf_raw_tracepoint_open(NULL, bpf_program__fd(program));

		if (r == 0)
			r = link < 0 ? link : bpf_obj_pin(link, arena_printf(arena, "%s/%s", folder, bpf_program__name(program)));
	}
	return r ?: bpf_obj_pin(bpf_map__fd(bpf_object__find_map_by_name(object, "weir_faults")), path);
}

static void remove_all(const struct kernel *kernel, struct arena *arena)
{
	const char *folder = links_folder(kernel, arena);
	struct names names;

	unlink(map_path(kernel, arena));
	if (pins_list(arena, folder, &names))
		return;
	for (size_t i = 0; i < names.count; i++)
		link_remove(arena_printf(arena, "%s/%s", folder, names.items[i]));
	rmdir(folder);
}

int faults_prepare(const struct kernel *kernel, struct diagnostics *diagnostics)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *path = map_path(kernel, arena);
	libbpf_print_fn_t print;
	struct diagnostic *said;
	int fd = bpf_obj_get(path), r;

	if (fd >= 0)
		return fd;
	remove_all(kernel, arena); /* of one that was interrupted: the map comes last */
	print = libbpf_set_print(NULL);
	r = attach(arena, links_folder(kernel, arena), path);
	libbpf_set_print(print);
	fd = r ? r : bpf_obj_get(path);
	if (fd >= 0)
		return fd;
	remove_all(kernel, arena);
	said = diagnose(diagnostics, SEVERITY_WARNING, nowhere,
			"what XDP verdicts fail at will not be counted: the kernel lets nobody stand at its tracepoints (%s)",
			strerror(-fd));
	diagnostic_hint(diagnostics, said, "packets are judged all the same");
	return -ENOTSUP;
}

int faults_begin(int faults_fd, uint32_t id, uint32_t old_id)
{
	struct weir_faults faults = { 0 };

	if (old_id)
		bpf_map_lookup_elem(faults_fd, &old_id, &faults);
	return bpf_map_update_elem(faults_fd, &id, &faults, BPF_ANY);
}

bool faults_read(const struct kernel *kernel, struct arena *arena, uint32_t id, struct weir_faults *ret_faults)
{
	_cleanup_close_ int fd = bpf_obj_get(map_path(kernel, arena));

	return fd >= 0 && bpf_map_lookup_elem(fd, &id, ret_faults) == 0;
}

static bool program_named(const struct manifests *manifests, uint32_t id)
{
	for (size_t m = 0; m < manifests->count; m++)
		for (uint32_t c = 0; c < manifests->items[m]->chain_count; c++)
			if (manifests->items[m]->chains[c].program_id == id)
				return true;
	return false;
}

void faults_tidy(const struct kernel *kernel, struct arena *arena, const struct manifests *manifests)
{
	_cleanup_close_ int fd = bpf_obj_get(map_path(kernel, arena));
	uint32_t keys[WEIR_FAULT_ROWS], count = 0, *at = NULL;
	bool needed = false;

	if (fd < 0)
		return;
	while (count < WEIR_FAULT_ROWS && bpf_map_get_next_key(fd, at, &keys[count]) == 0)
		at = &keys[count++];
	for (uint32_t i = 0; i < count; i++) {
		bool named = program_named(manifests, keys[i]);

		needed |= named;
		if (!named)
			bpf_map_delete_elem(fd, &keys[i]);
	}
	if (!needed)
		remove_all(kernel, arena);
}
