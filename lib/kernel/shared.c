// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/shared.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "kernel/attach.h"
#include "kernel/faults.h"
#include "kernel/load.h"
#include "kernel/manifest.h"
#include "kernel/pins.h"

static const struct place nowhere;

int shared_events(const struct kernel *kernel, struct diagnostics *diagnostics)
{
	const char *path = arena_printf(kernel->arena, "%s/events", kernel->path);
	_cleanup_close_ int fd = bpf_obj_get(path);
	int r = 0;

	if (fd < 0) {
		fd = kernel_events_create();
		r = fd < 0 ? fd : bpf_obj_pin(fd, path);
	}
	if (r) {
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "the kernel refused the ring buffer for events: %s",
			 strerror(-r));
		return r;
	}
	return TAKE_FD(fd);
}

/* The links are pinned in a folder that gets its name when it is whole. */
static int attach_owners(const struct kernel *kernel, int owners, struct diagnostics *diagnostics)
{
	const char *links = arena_printf(kernel->arena, "%s/owners_links", kernel->path);
	const char *making = arena_printf(kernel->arena, "%s_next", links), *mount = cgroup_mount(kernel->arena);
	_cleanup_close_ int root = mount ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int fds[OWNERS_LINKS], count, r;
	const char *names[OWNERS_LINKS];

	if (pins_exists(links))
		return 0;
	if (root < 0)
		return -ENOENT;
	r = pins_remove_tree(making);
	r = r ? r : pins_make_directory(making);
	if (r)
		return r;
	count = kernel_owners_attach(owners, root, fds, names, diagnostics);
	for (int i = 0; i < count; i++) {
		r = r ? r
		      : bpf_obj_pin(fds[i], arena_printf(kernel->arena, "%s/%s", making, pins_escape(kernel->arena, names[i])));
		close(fds[i]);
	}
	if (count < 0 || r) {
		pins_remove_tree(making);
		return count < 0 ? count : r;
	}
	return rename(making, links) ? -errno : 0;
}

int shared_owners(const struct kernel *kernel, struct diagnostics *diagnostics)
{
	const char *path = arena_printf(kernel->arena, "%s/owners", kernel->path);
	_cleanup_close_ int fd = bpf_obj_get(path);
	struct diagnostics aside;
	struct diagnostic *said;
	int r = 0;

	diagnostics_init(&aside, diagnostics->arena);
	if (fd < 0) {
		fd = kernel_owners_create();
		r = fd < 0 ? fd : bpf_obj_pin(fd, path);
	}
	r = r ? r : attach_owners(kernel, fd, &aside);
	if (r == 0)
		return TAKE_FD(fd);
	said = diagnose(diagnostics, SEVERITY_WARNING, nowhere, "events will not name the process that sent a packet: %s",
			aside.list.count ? aside.list.items[0].message : strerror(-r));
	diagnostic_hint(diagnostics, said, "%s",
			r == -ENOENT ? "mount cgroup2, and apply again" : "packets are filtered all the same");
	return -ENOTSUP;
}

/* ---- What nobody needs ---- */

static void remove_events(const struct kernel *kernel, struct arena *arena)
{
	const char *reader = arena_printf(arena, "%s/events_reader", kernel->path);
	_cleanup_close_ int fd = open(reader, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB))
		return;
	unlink(arena_printf(arena, "%s/events", kernel->path));
	rmdir(reader);
}

static void remove_owners(const struct kernel *kernel, struct arena *arena)
{
	const char *folders[] = { "owners_links", "owners_links_next" };
	struct names names;

	for (size_t f = 0; f < 2; f++) {
		const char *folder = arena_printf(arena, "%s/%s", kernel->path, folders[f]);

		if (pins_list(arena, folder, &names))
			continue;
		for (size_t i = 0; i < names.count; i++)
			link_remove(arena_printf(arena, "%s/%s", folder, names.items[i]));
		rmdir(folder);
	}
	unlink(arena_printf(arena, "%s/owners", kernel->path));
}

void shared_tidy(const struct kernel *kernel)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	bool logs = false, owners = false;
	struct manifests manifests;
	struct names folders;

	/* A policy that cannot be read may need them. */
	if (manifest_read_all(arena, kernel, &manifests) || pins_list(arena, kernel->policies, &folders) ||
	    folders.count != manifests.count)
		return;
	for (size_t i = 0; i < manifests.count; i++) {
		logs |= manifests.items[i]->logs;
		owners |= manifests.items[i]->owners;
	}
	if (!logs)
		remove_events(kernel, arena);
	if (!owners)
		remove_owners(kernel, arena);
	faults_tidy(kernel, arena, &manifests);
	clsact_tidy(kernel, arena);
}
