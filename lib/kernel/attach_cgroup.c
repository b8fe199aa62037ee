// SPDX-License-Identifier: GPL-2.0-only
/* cgroups: links, several beside each other; a program attached the old way without BPF_F_ALLOW_MULTI shuts others out. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <mntent.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "kernel/attach.h"

#define QUERY_MAX 256 /* programs at one cgroup; the kernel allows 64 */

static enum bpf_attach_type attach_type(enum weir_hook hook)
{
	return hook == WEIR_HOOK_CGROUP_INGRESS ? BPF_CGROUP_INET_INGRESS : BPF_CGROUP_INET_EGRESS;
}

const char *cgroup_mount(struct arena *arena)
{
	FILE *mounts = setmntent("/proc/mounts", "re");
	const char *found = NULL;
	struct mntent *entry;
	struct statfs status;

	if (!mounts)
		return NULL;
	while (!found && (entry = getmntent(mounts)))
		/* What was mounted over it hides it, and the list still has it. */
		if (strcmp(entry->mnt_type, "cgroup2") == 0 && statfs(entry->mnt_dir, &status) == 0 &&
		    status.f_type == CGROUP2_SUPER_MAGIC)
			found = arena_strdup(arena, entry->mnt_dir);
	endmntent(mounts);
	return found;
}

/* Descriptor of the cgroup, if it is still the one that the manifest means. */
static int open_cgroup(const struct manifest_attachment *at)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *mount = cgroup_mount(arena);
	int fd = mount ? open(arena_printf(arena, "%s%s", mount, at->target), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return fd >= 0 ? fd : mount ? -errno : -ENOENT;
}

int cgroup_create(const struct manifest_attachment *at, int program_fd)
{
	_cleanup_close_ int fd = open_cgroup(at);

	return fd < 0 ? fd : bpf_link_create(program_fd, fd, attach_type(at->hook), NULL);
}

int cgroup_foreign(struct arena *arena, const struct manifest_attachment *at, const struct program_ids *ids,
		   struct foreign_programs *ret_programs)
{
	_cleanup_close_ int fd = open_cgroup(at);
	VECTOR(struct state_foreign) found = { 0 };
	uint32_t programs[QUERY_MAX], count = QUERY_MAX, flags;
	int r = fd < 0 ? fd : bpf_prog_query(fd, attach_type(at->hook), 0, &flags, programs, &count);

	if (r)
		return r;
	for (uint32_t i = 0; i < count; i++)
		if (!program_ids_contain(ids, programs[i]))
			vector_push(arena, &found,
				    (struct state_foreign){ .program_id = programs[i],
							    .program_name = program_name(arena, programs[i]) });
	*ret_programs = (struct foreign_programs){ .count = (uint32_t)found.count, .items = found.items };
	return 0;
}

/* Id of a program at PATH that is there without MULTI, and whether cgroups below may override it. */
static uint32_t single_program(const char *path, enum weir_hook hook, bool *ret_override)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint32_t programs[QUERY_MAX], count = QUERY_MAX, flags = 0;

	if (fd < 0 || bpf_prog_query(fd, attach_type(hook), 0, &flags, programs, &count) || count == 0 ||
	    flags & BPF_F_ALLOW_MULTI)
		return 0;
	*ret_override = flags & BPF_F_ALLOW_OVERRIDE;
	return programs[0];
}

uint32_t cgroup_exclusive_program(struct arena *arena, const char *mount, const char *path, enum weir_hook hook,
				  const char **ret_where)
{
	char *at = arena_strdup(arena, path);
	bool override, itself = true;

	for (;;) {
		uint32_t id = single_program(arena_printf(arena, "%s%s", mount, at), hook, &override);
		char *slash;

		/* From above only one that may not be overridden shuts us out. */
		if (id && (itself || !override)) {
			*ret_where = at[0] ? at : "/";
			return id;
		}
		slash = strrchr(at, '/');
		if (!slash || !at[0])
			return 0;
		*slash = '\0';
		itself = false;
	}
}
