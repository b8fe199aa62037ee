// SPDX-License-Identifier: GPL-2.0-only
#include "host/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "host/container.h"

static int open_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == EACCES || errno == EPERM ? -EACCES : -ENOENT;
}

static int open_of_process(int pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return open_path(path);
}

int netns_open(const char *netns)
{
	static const char *const folders[] = { "/run/netns/", "/var/run/netns/" };
	int pid, r = -ENOENT;
	char path[PATH_MAX];

	if (strchr(netns, '/'))
		return open_path(netns);
	if (sscanf(netns, "pid %d", &pid) == 1)
		return open_of_process(pid);
	if (strncmp(netns, "container ", 10) == 0) {
		r = container_pid(netns + 10, &pid);
		return r ? r : open_of_process(pid);
	}
	for (size_t i = 0; r == -ENOENT && i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (snprintf(path, sizeof(path), "%s%s", folders[i], netns) >= (int)sizeof(path))
			return -ENOENT;
		r = open_path(path);
	}
	return r;
}
