// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "host/netns.h"

#define OWN_NETNS "/proc/thread-self/ns/net"

int netns_enter(const char *netns, int *ret_home)
{
	_cleanup_close_ int home = -1, there = -1;

	if (!netns)
		return 0;
	there = netns_open(netns);
	if (there < 0)
		return there;
	home = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	if (setns(there, CLONE_NEWNET))
		return errno == EINVAL ? -ENOENT : -errno;
	*ret_home = TAKE_FD(home);
	return 0;
}

void netns_leave(int *home)
{
	int saved = errno;

	/* Coming home cannot fail with the descriptor of a namespace that we were in; if it did, all that follows would lie. */
	if (*home >= 0 && setns(*home, CLONE_NEWNET))
		abort();
	closep(home);
	errno = saved;
}

int netns_inode(const char *netns, uint64_t *ret_inode)
{
	_cleanup_close_ int fd = netns ? netns_open(netns) : open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return netns ? fd : -errno;
	if (fstat(fd, &status))
		return -errno;
	*ret_inode = status.st_ino;
	return 0;
}

/* A number of a namespace's file is given to another when the namespace is gone; its cookie never is, but kernels below 5.14 have
 * none. */
int netns_cookie(uint64_t *ret_cookie)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(*ret_cookie);
	uint64_t cookie;

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length))
		return netns_inode(NULL, ret_cookie);
	*ret_cookie = cookie;
	return 0;
}

/* ---- A namespace of which the name is not known here ---- */

static bool fits(uint64_t inode, uint64_t cookie)
{
	uint64_t found;

	if (inode)
		return netns_inode(NULL, &found) == 0 && found == inode;
	return netns_cookie(&found) == 0 && found == cookie;
}

struct search {
	uint64_t inode, cookie;
	VECTOR(uint64_t) seen;
	struct arena *arena;
};

static int try_path(struct search *search, const char *path, int *ret_home)
{
	struct stat status;
	int r;

	if (stat(path, &status) || (search->inode && status.st_ino != search->inode))
		return -ENOENT;
	for (size_t i = 0; i < search->seen.count; i++)
		if (search->seen.items[i] == status.st_ino)
			return -ENOENT;
	vector_push(search->arena, &search->seen, status.st_ino);
	r = netns_enter(path, ret_home);
	if (r)
		return r;
	if (fits(search->inode, search->cookie))
		return 0;
	netns_leave(ret_home);
	return -ENOENT;
}

/* Each FOLDER/NAMEbehind is the file of a namespace, or nothing. */
static int try_folder(struct search *search, const char *folder, const char *behind, int *ret_home)
{
	DIR *names = opendir(folder);
	const struct dirent *entry;
	int r = -ENOENT;

	while (names && r && (entry = readdir(names)))
		if (entry->d_name[0] != '.')
			r = try_path(search, arena_printf(search->arena, "%s/%s%s", folder, entry->d_name, behind), ret_home);
	if (names)
		closedir(names);
	return r;
}

int netns_enter_that(const char *netns, uint64_t inode, uint64_t cookie, int *ret_home)
{
	struct search search = { .inode = inode, .cookie = cookie };
	int r = netns_enter(netns, ret_home);

	if (r == 0 && fits(inode, cookie))
		return 0;
	if (r && r != -ENOENT)
		return r;
	netns_leave(ret_home);
	search.arena = arena_new();
	r = try_folder(&search, "/run/netns", "", ret_home);
	r = r ? try_folder(&search, "/proc", "/ns/net", ret_home) : 0;
	arena_free(search.arena);
	return r ? -ENOENT : 0;
}
