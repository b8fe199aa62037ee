// SPDX-License-Identifier: GPL-2.0-only
/* The id of a cgroup is the handle of its directory, by which the kernel opens it at once. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "kernel/attach.h"
#include "report/events.h"

#define HANDLE_KERNFS 0xfe /* FILEID_KERNFS, which uapi headers do not name */

const char *cgroup_path(struct arena *arena, uint64_t id)
{
	const char *mount = cgroup_mount(arena);
	struct {
		_Alignas(struct file_handle) unsigned char bytes[sizeof(struct file_handle) + sizeof(uint64_t)];
	} storage = { 0 };
	struct file_handle *handle = (struct file_handle *)&storage;
	_cleanup_close_ int mount_fd = mount ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	_cleanup_close_ int fd = -1;
	char link[64], path[4096];
	size_t prefix;
	ssize_t length;

	if (mount_fd < 0)
		return NULL;
	handle->handle_bytes = sizeof(id);
	handle->handle_type = HANDLE_KERNFS;
	memcpy(handle->f_handle, &id, sizeof(id));
	fd = open_by_handle_at(mount_fd, handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0)
		return NULL;
	path[length] = '\0';
	prefix = strlen(mount);
	if (strncmp(path, mount, prefix) != 0)
		return NULL; /* outside of what this cgroup namespace sees */
	return path[prefix] ? arena_strdup(arena, path + prefix) : "/";
}
