// SPDX-License-Identifier: GPL-2.0-only
/* The ring buffer of events, the map of socket owners, and the programs that fill the latter (bpf/owners.bpf.c). */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "kernel/load.h"
#include "kernel/refusal.h"

#include "owners.skel.h"

#define EVENTS_BYTES   (1u << 20) /* about 5,900 events */
#define OWNERS_ENTRIES (1u << 16) /* sockets remembered; the least recently used gives way */

int kernel_events_create(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "weir_events", 0, 0, EVENTS_BYTES, NULL);

	return fd >= 0 ? fd : -errno;
}

int kernel_owners_create(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "weir_owners", sizeof(uint64_t), sizeof(struct weir_socket_owner),
				OWNERS_ENTRIES, NULL);

	return fd >= 0 ? fd : -errno;
}

static void object_closep(struct bpf_object **object)
{
	bpf_object__close(*object); /* NULL is fine */
}

static int owners_load(int owners_fd, struct bpf_object **ret_object)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "weir");
	_cleanup_(object_closep) struct bpf_object *object = NULL;
	struct bpf_map *map;
	const void *bytes;
	size_t size;
	int error;

	bytes = owners_bpf__elf_bytes(&size);
	object = bpf_object__open_mem(bytes, size, &options);
	if (!object)
		return -errno;
	map = bpf_object__find_map_by_name(object, "weir_owners");
	if (!map)
		return -ESRCH;
	error = bpf_map__reuse_fd(map, owners_fd);
	if (!error)
		error = bpf_object__load(object);
	if (!error)
		*ret_object = TAKE_PTR(object);
	return error;
}

static void links_close(int *links, int count)
{
	for (int i = 0; i < count; i++)
		closep(&links[i]);
}

/* A link to a cgroup allows other programs beside it (BPF_F_ALLOW_MULTI) by itself. */
static int owners_link(struct bpf_object *object, int cgroup_root_fd, int links[OWNERS_LINKS], const char *names[OWNERS_LINKS])
{
	/* Names that outlive the object. */
	static const char *const known[] = { "weir_own_create", "weir_own_conn4", "weir_own_conn6", "weir_own_send4",
					     "weir_own_send6",	"weir_own_bind4", "weir_own_bind6" };
	const int count = sizeof(known) / sizeof(known[0]);

	_Static_assert(sizeof(known) / sizeof(known[0]) <= OWNERS_LINKS, "more programs than load.h has room for");
	for (int i = 0; i < count; i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(object, known[i]);
		int fd = program ? bpf_link_create(bpf_program__fd(program), cgroup_root_fd,
						   bpf_program__expected_attach_type(program), NULL)
				 : -ESRCH;

		if (fd < 0) {
			int error = program ? -errno : fd;

			links_close(links, i);
			return error;
		}
		links[i] = fd;
		names[i] = known[i];
	}
	return count;
}

int kernel_owners_attach(int owners_fd, int cgroup_root_fd, int ret_links[OWNERS_LINKS], const char *ret_names[OWNERS_LINKS],
			 struct diagnostics *diagnostics)
{
	_cleanup_(object_closep) struct bpf_object *object = NULL;
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	const char *names[OWNERS_LINKS];
	int links[OWNERS_LINKS];
	int result = owners_load(owners_fd, &object);
	const char *what = "load the programs that record who made a socket";

	if (!result) {
		what = "attach the programs that record who made a socket to the root of cgroup2";
		result = owners_link(object, cgroup_root_fd, links, names);
	}
	libbpf_set_print(print);
	if (result < 0) {
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, (struct place){}, "cannot %s: %s", what,
			 error_print(diagnostics->arena, result));
		return result;
	}
	for (int i = 0; i < result; i++) {
		ret_links[i] = links[i];
		ret_names[i] = names[i];
	}
	return result;
}
