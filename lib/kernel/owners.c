// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring buffer of events, the map of socket owners, and the programs that fill the latter: those that stay
 * attached (bpf/owners.bpf.c), and the one that runs once for the sockets that are there already (bpf/seed.bpf.c).
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/load.h"
#include "kernel/refusal.h"

#include "owners.skel.h"
#include "seed.skel.h"

#define EVENTS_BYTES (1u << 20) /* about 5,900 events */

int kernel_events_create(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "weir_events", 0, 0, EVENTS_BYTES, NULL);

	return fd >= 0 ? fd : -errno;
}

static void object_closep(struct bpf_object **object)
{
	bpf_object__close(*object); /* NULL is fine */
}

static int object_open(const void *bytes, size_t size, struct bpf_object **ret_object, struct bpf_map **ret_map)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "weir");
	_cleanup_(object_closep) struct bpf_object *object = bpf_object__open_mem(bytes, size, &options);
	struct bpf_map *map;

	if (!object)
		return -errno;
	map = bpf_object__find_map_by_name(object, "weir_owners");
	if (!map)
		return -ESRCH;
	*ret_object = TAKE_PTR(object);
	*ret_map = map;
	return 0;
}

/* By way of the object, whose BTF the kernel wants to see with such a map. */
static int owners_create(void)
{
	_cleanup_(object_closep) struct bpf_object *object = NULL;
	struct bpf_program *program;
	const void *bytes;
	struct bpf_map *map;
	size_t size;
	int error, fd;

	bytes = owners_bpf__elf_bytes(&size);
	error = object_open(bytes, size, &object, &map);
	if (error)
		return error;
	bpf_object__for_each_program(program, object) bpf_program__set_autoload(program, false);
	error = bpf_object__load(object);
	if (error)
		return error;
	fd = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);
	return fd >= 0 ? fd : -errno;
}

int kernel_owners_create(void)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int fd = owners_create();

	libbpf_set_print(print);
	return fd;
}

/* Load programs that share the map. */
static int owners_load(const void *bytes, size_t size, int owners_fd, struct bpf_object **ret_object)
{
	_cleanup_(object_closep) struct bpf_object *object = NULL;
	struct bpf_map *map;
	int error = object_open(bytes, size, &object, &map);

	if (!error)
		error = bpf_map__reuse_fd(map, owners_fd);
	if (!error)
		error = bpf_object__load(object);
	if (!error)
		*ret_object = TAKE_PTR(object);
	return error;
}

/* An iterator does its work while it is read; there is nothing to read. */
static void iterator_run(int program_fd)
{
	_cleanup_close_ int link = bpf_link_create(program_fd, 0, BPF_TRACE_ITER, NULL);
	_cleanup_close_ int iterator = link >= 0 ? bpf_iter_create(link) : -1;
	char nothing[64];

	while (iterator >= 0) {
		ssize_t got = read(iterator, nothing, sizeof(nothing));

		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			break;
	}
}

/* The sockets that are there already. A kernel that does not allow it (no BTF of its own) leaves them for the other programs. */
static void owners_seed(int owners_fd)
{
	_cleanup_(object_closep) struct bpf_object *object = NULL;
	const struct bpf_program *program;
	const void *bytes;
	size_t size;

	bytes = seed_bpf__elf_bytes(&size);
	if (owners_load(bytes, size, owners_fd, &object))
		return;
	program = bpf_object__find_program_by_name(object, "weir_own_seed");
	if (program)
		iterator_run(bpf_program__fd(program));
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
	const char *what = "load the programs that record who made a socket";
	const void *bytes;
	size_t size;
	int result;

	bytes = owners_bpf__elf_bytes(&size);
	result = owners_load(bytes, size, owners_fd, &object);
	if (!result) {
		what = "attach the programs that record who made a socket to the root of cgroup2";
		result = owners_link(object, cgroup_root_fd, links, names);
	}
	if (result >= 0)
		owners_seed(owners_fd); /* after: a socket made meanwhile is known already */
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
