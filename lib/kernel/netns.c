// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

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
