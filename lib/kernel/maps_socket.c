// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps over a Unix socket, as tc has it: one or more datagrams, each with up to 64 descriptors beside it (SCM_RIGHTS) and a
 * structure that says how many maps there are in all, what object they are of, and for each descriptor of this datagram what it
 * is. It is a contract between programs of one machine, in host byte order.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "kernel/maps.h"

#define WIRE_VERSION 1
#define WIRE_MAPS    64	  /* of one datagram */
#define MAPS_MOST    4096 /* of what is taken from a socket */

struct wire_map {
	uint32_t type, key_size, value_size, max_entries, flags;
	uint32_t id;
	uint32_t pinning, inner_id, inner_index; /* 0 */
};

struct wire {
	uint16_t version;
	uint16_t maps; /* in all datagrams */
	char object[64];
	uint64_t device, inode; /* of the object's file; 0: it has none */
	struct wire_map map[WIRE_MAPS];
};
_Static_assert(offsetof(struct wire, device) == 72 && offsetof(struct wire, map) == 88 && sizeof(struct wire_map) == 36,
	       "the datagram is not the one that tc has");

union control {
	char bytes[CMSG_SPACE(sizeof(int) * WIRE_MAPS)];
	struct cmsghdr header;
};

static const struct place nowhere;

static int make_address(const char *path, struct sockaddr_un *address, struct diagnostics *diagnostics)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (!*path || strlen(path) >= sizeof(address->sun_path)) {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "'%s' cannot be the name of a socket: it has 1 to %zu bytes", path,
			 sizeof(address->sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(address->sun_path, path);
	return 0;
}

/* ---- Out ---- */

static int send_some(int fd, const struct kernel_maps *maps, uint32_t first, uint32_t count)
{
	struct wire wire = { .version = WIRE_VERSION, .maps = (uint16_t)maps->count };
	union control control = { 0 };
	struct iovec data = { .iov_base = &wire, .iov_len = offsetof(struct wire, map) + count * sizeof(struct wire_map) };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof(int) * count)
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int) * count);
	snprintf(wire.object, sizeof(wire.object), "%s", maps->policy);
	for (uint32_t i = 0; i < count; i++) {
		const struct kernel_map *map = &maps->items[first + i];

		wire.map[i] = (struct wire_map){ .type = map->kernel_type,
						 .key_size = map->key_size,
						 .value_size = map->value_size,
						 .max_entries = map->max_entries,
						 .flags = map->flags,
						 .id = map->id };
		memcpy(CMSG_DATA(header) + i * sizeof(int), &map->fd, sizeof(int));
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int kernel_maps_send(const struct kernel_maps *maps, const char *path, struct diagnostics *diagnostics)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	struct diagnostic *said;
	int r = fd < 0 ? -errno : make_address(path, &address, diagnostics);

	if (r)
		return r;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		r = -errno;
	for (uint32_t i = 0; r == 0 && i < maps->count; i += WIRE_MAPS)
		r = send_some(fd, maps, i, maps->count - i < WIRE_MAPS ? maps->count - i : WIRE_MAPS);
	if (r == 0)
		return 0;
	said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "the maps cannot be sent to %s: %s", path,
			r == -ENOENT || r == -ECONNREFUSED ? "nobody listens there" : strerror(-r));
	if (r == -ENOENT || r == -ECONNREFUSED)
		diagnostic_hint(
			diagnostics, said,
			"begin who is to have them first: weir exec --import, tc exec bpf import, or a program of your own");
	return r;
}

/* ---- In ---- */

/* A datagram: its head to WIRE, its descriptors, which are the caller's now, to FDS; how many, or -errno. */
static int receive_some(int fd, struct wire *wire, int fds[WIRE_MAPS])
{
	union control control = { 0 };
	struct iovec data = { .iov_base = wire, .iov_len = sizeof(*wire) };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header;
	uint32_t count = 0;

	if (length < 0)
		return -errno;
	for (header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
			count = (uint32_t)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(fds, CMSG_DATA(header), count * sizeof(int));
		}
	if ((size_t)length >= offsetof(struct wire, map) + count * sizeof(struct wire_map) && count > 0 &&
	    wire->version == WIRE_VERSION && wire->maps <= MAPS_MOST && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return (int)count;
	for (uint32_t i = 0; i < count; i++)
		close(fds[i]);
	return -EPROTO;
}

/* Descriptors of others must be maps; what they are says the kernel, by what number they are known the sender. */
static int receive_all(int fd, struct arena *arena, struct kernel_maps *maps)
{
	uint32_t wanted = 1;
	int r = 0;

	maps->items = arena_new_array(arena, struct kernel_map, MAPS_MOST + WIRE_MAPS);
	while (r == 0 && maps->count < wanted) {
		int fds[WIRE_MAPS];
		struct wire wire;
		int count = receive_some(fd, &wire, fds);

		if (count < 0)
			return count;
		maps->policy = arena_strndup(arena, wire.object, strnlen(wire.object, sizeof(wire.object)));
		wanted = wire.maps;
		for (int i = 0; i < count; i++) {
			struct kernel_map *map = &maps->items[maps->count++];

			*map = (struct kernel_map){ .fd = fds[i], .id = wire.map[i].id };
			r = kernel_map_describe(arena, map) ? -EPROTO : r;
		}
	}
	return r;
}

/* A socket at which nobody listens is what was left of one who was killed: it makes way. */
static int bind_at(int fd, const struct sockaddr_un *address)
{
	const struct sockaddr *any = (const struct sockaddr *)address;
	struct stat there;

	if (bind(fd, any, sizeof(*address)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (lstat(address->sun_path, &there) || !S_ISSOCK(there.st_mode))
		return -EADDRINUSE;
	if (connect(fd, any, sizeof(*address)) == 0 || errno != ECONNREFUSED || unlink(address->sun_path))
		return -EADDRINUSE;
	return bind(fd, any, sizeof(*address)) ? -errno : 0;
}

int kernel_maps_receive(struct arena *arena, const char *path, struct kernel_maps *ret_maps, struct diagnostics *diagnostics)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct kernel_maps maps = { 0 };
	struct sockaddr_un address;
	struct diagnostic *said;
	int r = fd < 0 ? -errno : make_address(path, &address, diagnostics);

	if (r)
		return r;
	/* Before it has a name, so that at no time somebody else may write to it. */
	r = fchmod(fd, 0600) ? -errno : bind_at(fd, &address);
	if (r) {
		said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot make the socket %s: %s", path,
				strerror(-r));
		if (r == -EADDRINUSE)
			diagnostic_hint(diagnostics, said, "something of that name is there: take another, or remove it");
		return r;
	}
	r = receive_all(fd, arena, &maps);
	unlink(path);
	if (r) {
		kernel_maps_close(&maps);
		if (r != -EINTR)
			diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere,
				 "what came to %s is not maps as tc and weir send them%s%s", path, r == -EPROTO ? "" : ": ",
				 r == -EPROTO ? "" : strerror(-r));
		return r;
	}
	*ret_maps = maps;
	return 0;
}
