// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine itself behind struct host: files, /etc/services and /etc/protocols, interfaces here and in
 * other network namespaces. The only file before kernel/ that makes system calls; it needs no privileges
 * but for another namespace.
 */
#include "host/host.h"
#include "host/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "host/netns.h"

#define FIRST_READ (64 * 1024)

/* Files and pipes alike: read until the end, whatever stat says of the size. */
static int read_all(struct arena *arena, int fd, size_t expected, char **ret_text, size_t *ret_length)
{
	size_t capacity = expected + 1 > FIRST_READ ? expected + 1 : FIRST_READ, length = 0;
	char *text = arena_alloc(arena, capacity);

	for (;;) {
		ssize_t got;

		if (length + 1 >= capacity) {
			size_t larger = capacity < LIMIT_SOURCE_BYTES / 2 ? capacity * 2 : (size_t)LIMIT_SOURCE_BYTES + 2;
			char *grown = arena_alloc(arena, larger);

			memcpy(grown, text, length);
			text = grown;
			capacity = larger;
		}
		got = read(fd, text + length, capacity - length - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
		if (length > LIMIT_SOURCE_BYTES)
			return -EFBIG;
	}
	text[length] = 0;
	*ret_text = text;
	*ret_length = length;
	return 0;
}

static int host_read_file(void *context, struct arena *arena, const char *name, const struct source **ret_source)
{
	/* The link that the name is, udev or a container's manager makes; early at boot there is neither. */
	bool standard_input = strcmp(name, "/dev/stdin") == 0;
	_cleanup_close_ int fd =
		standard_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct source source = { 0 };
	struct stat status;
	char *text = NULL;
	int err;

	(void)context;
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (status.st_size > (off_t)LIMIT_SOURCE_BYTES)
		return -EFBIG;
	err = read_all(arena, fd, status.st_size > 0 ? (size_t)status.st_size + 1 : 0, &text, &source.length);
	if (err)
		return err;
	source.name = arena_strdup(arena, name);
	source.text = text;
	*ret_source = arena_copy(arena, &source, sizeof(source));
	return 0;
}

static int host_service(void *context, const char *name, const char *protocol, uint16_t *ret_port)
{
	struct servent entry, *found = NULL;
	char buffer[8192];

	(void)context;
	if (getservbyname_r(name, protocol, &entry, buffer, sizeof(buffer), &found) || !found)
		return -ENOENT;
	*ret_port = ntohs((uint16_t)found->s_port);
	return 0;
}

static int host_protocol(void *context, const char *name, uint8_t *ret_protocol)
{
	struct protoent entry, *found = NULL;
	char buffer[8192];

	(void)context;
	if (getprotobyname_r(name, &entry, buffer, sizeof(buffer), &found) || !found || found->p_proto > UINT8_MAX)
		return -ENOENT;
	*ret_protocol = (uint8_t)found->p_proto;
	return 0;
}

static int index_here(const char *name, uint32_t *ret_index)
{
	struct ifreq request = { 0 };
	_cleanup_close_ int fd = -1;

	if (strlen(name) >= sizeof(request.ifr_name))
		return -ENODEV;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	strcpy(request.ifr_name, name);
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return -errno;
	*ret_index = (uint32_t)request.ifr_ifindex;
	return 0;
}

struct visit {
	const char *name;
	int netns;
	uint32_t index;
	int err;
};

static void *visit_netns(void *data)
{
	struct visit *visit = data;

	if (setns(visit->netns, CLONE_NEWNET) < 0)
		visit->err = errno == EPERM ? -EACCES : -ENOENT;
	else
		visit->err = index_here(visit->name, &visit->index);
	return NULL;
}

/* A namespace is entered by a thread of its own, which ends in it: the caller's never changes. */
static int index_there(const char *name, const char *netns, uint32_t *ret_index)
{
	_cleanup_close_ int fd = netns_open(netns);
	struct visit visit = { .name = name, .netns = fd };
	pthread_t thread;
	int err;

	if (fd < 0)
		return fd;
	err = pthread_create(&thread, NULL, visit_netns, &visit);
	if (err)
		return -err;
	pthread_join(thread, NULL);
	if (!visit.err)
		*ret_index = visit.index;
	return visit.err;
}

static int host_interface(void *context, const char *name, const char *netns, uint32_t *ret_index)
{
	(void)context;
	return netns ? index_there(name, netns, ret_index) : index_here(name, ret_index);
}

const struct host *host_system(void)
{
	static const struct host host = {
		.read_file = host_read_file,
		.service = host_service,
		.protocol = host_protocol,
		.interface = host_interface,
		.filter = host_filter,
	};

	return &host;
}
