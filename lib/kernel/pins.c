// SPDX-License-Identifier: GPL-2.0-only
/*
 * The directory in bpffs: found, mounted, made, locked. Out: an open struct kernel whose directory conforms to
 * its manifests (recover.h) when it was opened for a change.
 */
#include "kernel/pins.h"

#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "kernel/guard.h"
#include "kernel/load.h"
#include "kernel/recover.h"

#define BPFFS			"/sys/fs/bpf"
#define TEXT(x)			#x
#define VERSION_FOLDER(version) "v" TEXT(version)

static const struct place nowhere;

/* ---- Names and folders ---- */

const char *pins_escape(struct arena *arena, const char *name)
{
	char *folder = arena_alloc(arena, strlen(name) * 3 + 1), *out = folder;

	for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
		if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_' || *c == '-')
			*out++ = (char)*c;
		else
			out += sprintf(out, "%%%02x", *c);
	}
	return folder;
}

const char *pins_policy_path(struct arena *arena, const struct kernel *kernel, const char *policy)
{
	return arena_printf(arena, "%s/%s", kernel->policies, pins_escape(arena, policy));
}

const char *pins_unescape(struct arena *arena, const char *folder)
{
	char *name = arena_alloc(arena, strlen(folder) + 1), *out = name;

	for (const char *c = folder; *c; c++) {
		unsigned int byte;

		if (*c == '%' && sscanf(c + 1, "%2x", &byte) == 1 && c[1] && c[2]) {
			*out++ = (char)byte;
			c += 2;
		} else {
			*out++ = *c;
		}
	}
	return name;
}

int pins_make_directory(const char *path)
{
	return mkdir(path, 0700) && errno != EEXIST ? -errno : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int pins_list(struct arena *arena, const char *path, struct names *ret_names)
{
	VECTOR(const char *) names = { 0 };
	struct dirent *entry;
	DIR *directory = opendir(path);

	if (!directory && errno != ENOENT)
		return -errno;
	while (directory && (entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			vector_push(arena, &names, arena_strdup(arena, entry->d_name));
	if (directory)
		closedir(directory);
	if (names.count)
		qsort(names.items, names.count, sizeof(*names.items), by_name);
	*ret_names = (struct names){ .count = names.count, .items = names.items };
	return 0;
}

int pins_remove_tree(const char *path)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct stat status;
	struct names names;
	int r;

	/* A link goes, and what it points to stays. */
	if (lstat(path, &status) == 0 && !S_ISDIR(status.st_mode))
		return unlink(path) && errno != ENOENT ? -errno : 0;
	r = pins_list(arena, path, &names);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = pins_remove_tree(arena_printf(arena, "%s/%s", path, names.items[i]));
	if (r == 0 && rmdir(path) && errno != ENOENT)
		r = -errno;
	return r;
}

bool pins_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int pins_lock_holder(int fd)
{
	_cleanup_fclose_ FILE *locks = fopen("/proc/locks", "re");
	struct stat status;
	char line[256];

	if (!locks || fstat(fd, &status))
		return 0;
	while (fgets(line, sizeof(line), locks)) {
		unsigned int major_number, minor_number;
		unsigned long inode;
		int pid;

		if (sscanf(line, "%*s FLOCK %*s WRITE %d %x:%x:%lu", &pid, &major_number, &minor_number, &inode) == 4 &&
		    inode == status.st_ino && makedev(major_number, minor_number) == status.st_dev)
			return pid > 0 ? pid : 0;
	}
	return 0;
}

/* ---- What must be there before anything is ---- */

static bool has_capability(const struct __user_cap_data_struct *data, int capability)
{
	return data[capability / 32].effective & 1u << capability % 32;
}

/* Loading and attaching takes these; CAP_SYS_ADMIN stands for all of them. */
static int check_privileges(struct diagnostics *diagnostics)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	struct diagnostic *said;

	if (syscall(SYS_capget, &header, data) ||
	    (has_capability(data, CAP_NET_ADMIN) &&
	     (has_capability(data, CAP_SYS_ADMIN) || (has_capability(data, CAP_BPF) && has_capability(data, CAP_PERFMON)))))
		return 0;
	said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere,
			"weir may not use eBPF here: it needs root, or the capabilities CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN");
	diagnostic_hint(diagnostics, said, "run it as root (sudo weir ...); weir check and weir why need no privileges");
	return -EPERM;
}

static bool is_bpffs(const char *path)
{
	struct statfs status;

	return statfs(path, &status) == 0 && (uint32_t)status.f_type == BPF_FS_MAGIC;
}

/* The nearest folder above PATH (or itself) that exists. */
static const char *nearest_existing(struct arena *arena, const char *path)
{
	char *nearest = arena_strdup(arena, path);

	while (!pins_exists(nearest)) {
		char *slash = strrchr(nearest, '/');

		if (!slash)
			return ".";
		if (slash == nearest)
			return "/";
		*slash = '\0';
	}
	return nearest;
}

bool pins_can_lie_at(struct arena *arena, const char *path)
{
	return is_bpffs(nearest_existing(arena, path));
}

/*
 * Does some process that this one descends from live in another mount namespace? Then ours was made for a while
 * (`ip netns exec` and `unshare --mount` do so): what is mounted here ends with it, and the pins and the enforcement with that.
 */
static bool mount_namespace_is_passing(void)
{
	struct stat ours, theirs;
	char path[64], line[512];
	int pid = getppid();

	if (stat("/proc/self/ns/mnt", &ours))
		return false;
	for (int i = 0; i < 64 && pid > 0; i++) {
		_cleanup_fclose_ FILE *file = NULL;
		const char *behind_name;

		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
		if (stat(path, &theirs) == 0 && theirs.st_ino != ours.st_ino)
			return true;
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		file = fopen(path, "re");
		if (!file || !fgets(line, sizeof(line), file))
			return false;
		behind_name = strrchr(line, ')'); /* PID (NAME) STATE PARENT */
		if (!behind_name || sscanf(behind_name, ") %*c %d", &pid) != 1)
			return false;
	}
	return false;
}

static bool is_below_usual(const char *base)
{
	return strncmp(base, BPFFS "/", strlen(BPFFS "/")) == 0;
}

/* bpffs below BASE: mounted at its usual place when it is not there; elsewhere that is the user's to decide. */
static int ensure_bpffs(struct arena *arena, const char *base, struct diagnostics *diagnostics)
{
	struct diagnostic *said;
	int r;

	if (pins_can_lie_at(arena, base))
		return 0;
	if (!is_below_usual(base)) {
		said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "%s is not in a BPF file system", base);
		diagnostic_hint(diagnostics, said, "name a directory below " BPFFS ", or mount one there: mount -t bpf bpf %s",
				base);
		return -EINVAL;
	}
	if (mount_namespace_is_passing()) {
		said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere,
				"no BPF file system is mounted at " BPFFS ", and one that weir mounts here would end with this "
				"mount namespace, and all enforcement with it");
		diagnostic_hint(
			diagnostics, said,
			"'ip netns exec' makes such a namespace: run weir outside of it and name the network in the policy "
			"(on eth0 netns NAME), or enter with nsenter --net=/run/netns/NAME; or mount one yourself: mount -t bpf bpf " BPFFS);
		return -EINVAL;
	}
	if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME, "mode=0700") == 0)
		return 0;
	r = -errno;
	said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere,
			"no BPF file system is mounted at " BPFFS ", and weir could not mount it: %s", strerror(-r));
	diagnostic_hint(diagnostics, said,
			"mount it where you have the right to (in a container: on the host): mount -t bpf bpf " BPFFS);
	return r;
}

static int make_directories(struct arena *arena, const char *path)
{
	char *part = arena_strdup(arena, path);
	int r = 0;

	for (char *slash = strchr(part + 1, '/'); slash && r == 0; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = pins_make_directory(part);
		*slash = '/';
	}
	return r ? r : pins_make_directory(path);
}

/* ---- Open and lock ---- */

static bool same_directory(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
	       opened.st_dev == named.st_dev;
}

static bool is_trusted(const struct stat *status)
{
	return status->st_uid == 0 || status->st_uid == geteuid();
}

/*
 * A directory that somebody else may write to is no place for what is enforced: he could take it away. Where /sys/fs/bpf was
 * mounted for all to write, somebody may have made it before weir did. One that is not there is nobody's.
 */
static int check_ownership(const char *path, bool ours, struct diagnostics *diagnostics)
{
	struct diagnostic *said;
	struct stat status;

	/* Of a link its owner decides what it points to. */
	if (lstat(path, &status) || (is_trusted(&status) && stat(path, &status)))
		return errno == ENOENT ? 0 : -errno;
	if (is_trusted(&status)) {
		if (ours && (status.st_mode & (S_IWGRP | S_IWOTH)) && chmod(path, 0700))
			return -errno;
		return 0;
	}
	said = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere,
			"%s belongs to user %u, who could take away what weir enforces", path, status.st_uid);
	diagnostic_hint(diagnostics, said, "see what lies there and remove it, or name another directory with --pins");
	return -EPERM;
}

static int check_directories(const struct kernel *kernel, struct diagnostics *diagnostics)
{
	return check_ownership(kernel->base, false, diagnostics) ?: check_ownership(kernel->path, true, diagnostics);
}

/*
 * Make the directory and lock it. While one waits for the lock, the command that holds it may remove the directory:
 * then what one holds is no longer what the path names, and it begins again.
 */
static int lock_directory(struct kernel *kernel)
{
	for (;;) {
		_cleanup_close_ int fd = -1;
		int r = make_directories(kernel->arena, kernel->path);

		if (r)
			return r;
		fd = open(kernel->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		while (flock(fd, LOCK_EX))
			if (errno != EINTR)
				return -errno;
		if (!same_directory(fd, kernel->path))
			continue;
		r = pins_make_directory(kernel->policies);
		if (r)
			return r;
		kernel->directory_fd = TAKE_FD(fd);
		kernel->locked = true;
		return 0;
	}
}

static int open_for_change(struct kernel *kernel, struct diagnostics *diagnostics)
{
	int r = ensure_bpffs(kernel->arena, kernel->base, diagnostics);

	if (r)
		return r;
	/* Before anything is made in a directory of somebody else's, and once more when nobody can put one there. */
	r = check_directories(kernel, diagnostics);
	if (r == 0)
		r = guard_permit(kernel, diagnostics);
	if (r)
		return r;
	r = lock_directory(kernel);
	if (r == 0 && check_directories(kernel, diagnostics))
		return -EPERM;
	if (r) {
		diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot make and lock the directory %s: %s",
			 kernel->path, strerror(-r));
		return r;
	}
	kernel_raise_memlock();
	return recover_all(kernel, diagnostics);
}

/* Reading takes no lock. What an interrupted change left is put right, unless the change is still going on. */
static int open_for_reading(struct kernel *kernel, struct diagnostics *diagnostics)
{
	int fd = open(kernel->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (fd < 0 && errno == ENOENT) {
		if (is_below_usual(kernel->base) && !pins_can_lie_at(kernel->arena, kernel->base) &&
		    mount_namespace_is_passing())
			diagnostic_hint(
				diagnostics,
				diagnose(diagnostics, SEVERITY_WARNING, nowhere,
					 "this mount namespace has no BPF file system: what is in force is not seen from here"),
				"'ip netns exec' makes such a namespace: run weir outside of it, or enter with nsenter --net=");
		return 0;
	}
	if (fd < 0) {
		r = -errno;
		diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot open %s: %s", kernel->path, strerror(-r));
		return r;
	}
	kernel->directory_fd = fd;
	r = check_directories(kernel, diagnostics);
	if (r)
		return r;
	if (recover_needed(kernel) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
		kernel->locked = true;
		r = recover_all(kernel, diagnostics);
		flock(fd, LOCK_UN);
		kernel->locked = false;
	}
	return r;
}

static void warn_other_versions(const struct kernel *kernel, struct diagnostics *diagnostics)
{
	struct names names;

	if (!is_bpffs(kernel->base) || pins_list(kernel->arena, kernel->base, &names))
		return;
	for (size_t i = 0; i < names.count; i++)
		if (names.items[i][0] == 'v' && strcmp(names.items[i], VERSION_FOLDER(WEIR_ABI_VERSION)))
			diagnose(
				diagnostics, SEVERITY_WARNING, nowhere,
				"%s/%s holds policies of another version of weir: they stay in force until that version removes them",
				kernel->base, names.items[i]);
}

int kernel_open(struct arena *arena, const char *pins, bool for_change, struct kernel **ret_kernel,
		struct diagnostics *diagnostics)
{
	_cleanup_(kernel_closep) struct kernel *kernel = NULL;
	int r = check_privileges(diagnostics);

	if (r)
		return r;
	kernel = calloc(1, sizeof(*kernel));
	if (!kernel)
		return -ENOMEM;
	libbpf_set_print(NULL); /* what it would say is in the errno, and the library does not print */
	kernel->arena = arena;
	kernel->directory_fd = -1;
	kernel->base = pins ? pins : KERNEL_PINS_DEFAULT;
	kernel->path = arena_printf(arena, "%s/" VERSION_FOLDER(WEIR_ABI_VERSION), kernel->base);
	kernel->policies = arena_printf(arena, "%s/policies", kernel->path);
	r = for_change ? open_for_change(kernel, diagnostics) : open_for_reading(kernel, diagnostics);
	if (r)
		return r;
	warn_other_versions(kernel, diagnostics);
	*ret_kernel = TAKE_PTR(kernel);
	return 0;
}

void kernel_close(struct kernel *kernel)
{
	if (!kernel)
		return;
	if (kernel->locked) {
		recover_tidy(kernel); /* a directory in which nothing came to lie goes again */
		guard_refresh(kernel);
	}
	closep(&kernel->directory_fd);
	free(kernel);
}

void kernel_closep(struct kernel **kernel)
{
	kernel_close(*kernel);
	*kernel = NULL;
}
