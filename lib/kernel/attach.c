// SPDX-License-Identifier: GPL-2.0-only
/* What attachments at all hooks have in common: links, programs by id, and which hook's file is asked. */
#include "kernel/attach.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/netns.h"

/* ---- Programs ---- */

uint32_t program_id(int program_fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(program_fd, &info, &length) ? 0 : info.id;
}

const char *program_name(struct arena *arena, uint32_t id)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) || !info.name[0])
		return "?";
	return arena_strndup(arena, info.name, strnlen(info.name, sizeof(info.name)));
}

bool program_ids_contain(const struct program_ids *ids, uint32_t id)
{
	for (size_t i = 0; i < ids->count; i++)
		if (ids->items[i] == id)
			return true;
	return false;
}

struct program_ids program_ids_of(struct arena *arena, const struct manifest *const *manifests, size_t count)
{
	VECTOR(uint32_t) ids = { 0 };

	for (size_t m = 0; m < count; m++)
		for (uint32_t c = 0; manifests[m] && c < manifests[m]->chain_count; c++)
			vector_push(arena, &ids, manifests[m]->chains[c].program_id);
	return (struct program_ids){ .count = ids.count, .items = ids.items };
}

/* ---- Links ---- */

static int link_info(int fd, struct bpf_link_info *info)
{
	uint32_t length = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &length);
}

/* A link whose interface or cgroup went away, or that was detached by somebody, has no target any more. */
static bool link_has_target(const struct manifest_attachment *at, const struct bpf_link_info *info)
{
	if (at->how == HOW_CGROUP)
		return info->cgroup.cgroup_id != 0;
	return info->xdp.ifindex != 0; /* tcx has its ifindex at the same place */
}

static int link_look(const struct manifest_attachment *at, const char *link_path, struct attachment_status *ret_status)
{
	_cleanup_close_ int fd = bpf_obj_get(link_path);
	struct bpf_link_info info;
	int r;

	if (fd == -ENOENT) {
		*ret_status = (struct attachment_status){ 0 };
		return 0;
	}
	r = fd < 0 ? fd : link_info(fd, &info);
	if (r)
		return r;
	*ret_status = (struct attachment_status){ .present = link_has_target(at, &info),
						  .program_id = info.prog_id,
						  .link_id = info.id };
	return 0;
}

static int link_set_program(const struct manifest_attachment *at, const char *link_path, int program_fd)
{
	_cleanup_close_ int fd = bpf_obj_get(link_path), old = -1;
	struct bpf_link_info info;
	LIBBPF_OPTS(bpf_link_update_opts, options, .flags = BPF_F_REPLACE);
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = link_info(fd, &info);
	if (r)
		return r;
	if (!link_has_target(at, &info) || info.prog_id == program_id(program_fd))
		return 0;
	old = bpf_prog_get_fd_by_id(info.prog_id);
	if (old < 0)
		return old;
	options.old_prog_fd = (uint32_t)old; /* nobody else's hand in between */
	r = bpf_link_update(fd, program_fd, &options);
	/* The interface may have gone since we looked. */
	if (r && link_info(fd, &info) == 0 && !link_has_target(at, &info))
		return 0;
	return r;
}

/* Detached at once, not when the kernel comes to free the link, and even when somebody else holds it. */
int link_remove(const char *link_path)
{
	_cleanup_close_ int fd = bpf_obj_get(link_path);

	if (fd >= 0)
		bpf_link_detach(fd);
	return unlink(link_path) && errno != ENOENT ? -errno : 0;
}

/* ---- Attachments ---- */

/*
 * Into the namespace of an interface. One of the same name may have taken its place, and in it an interface the same number: that
 * is not where the attachment is.
 */
static int enter_netns(const struct manifest_attachment *at, int *home)
{
	return netns_enter_that(at->netns, at->netns_inode, 0, home);
}

int attachment_create(const struct kernel *kernel, struct manifest_attachment *at, const char *link_path, int program_fd,
		      enum attach_mode mode)
{
	_cleanup_(netns_leave) int home = -1;
	_cleanup_close_ int link = -1;
	int r = at->how != HOW_CGROUP ? enter_netns(at, &home) : 0;

	if (r)
		return r;
	if (at->how == HOW_ACTION)
		return action_create(at, program_fd);
	if (!attachment_has_link(at))
		return clsact_create(kernel, at, program_fd);
	if (at->how == HOW_CGROUP)
		link = cgroup_create(at, program_fd);
	else if (at->how == HOW_TCX)
		link = tcx_create(at, program_fd);
	else
		link = xdp_create(at, mode, program_fd);
	return link < 0 ? link : bpf_obj_pin(link, link_path);
}

int attachment_set_program(const struct manifest_attachment *at, const char *link_path, int program_fd,
			   const struct program_ids *ids)
{
	_cleanup_(netns_leave) int home = -1;
	int r;

	if (attachment_has_link(at))
		return link_set_program(at, link_path, program_fd);
	r = enter_netns(at, &home);
	if (r)
		return r == -ENOENT ? 0 : r;
	return at->how == HOW_ACTION ? action_set_program(at, program_fd, ids) : clsact_set_program(at, program_fd, ids);
}

int attachment_remove(const struct manifest_attachment *at, const char *link_path, const struct program_ids *ids)
{
	_cleanup_(netns_leave) int home = -1;
	int r;

	if (attachment_has_link(at))
		return link_remove(link_path);
	r = enter_netns(at, &home);
	if (r)
		return r == -ENOENT ? 0 : r;
	return at->how == HOW_ACTION ? action_remove(at, ids) : clsact_remove(at, ids);
}

int attachment_look(const struct manifest_attachment *at, const char *link_path, const struct program_ids *ids,
		    struct attachment_status *ret_status)
{
	_cleanup_(netns_leave) int home = -1;
	int r;

	if (attachment_has_link(at))
		return link_look(at, link_path, ret_status);
	r = enter_netns(at, &home);
	if (r)
		return r;
	return at->how == HOW_ACTION ? action_look(at, ids, ret_status) : clsact_look(at, ids, ret_status);
}

int attachment_foreign(struct arena *arena, const struct manifest_attachment *at, const struct program_ids *ids,
		       struct foreign_programs *ret_programs)
{
	_cleanup_(netns_leave) int home = -1;
	struct state_foreign *only;
	uint32_t id;
	bool native;
	int r = at->ifindex ? enter_netns(at, &home) : 0;

	if (r)
		return r;
	if (at->how == HOW_ACTION) {
		*ret_programs = (struct foreign_programs){ 0 }; /* an index has one program */
		return 0;
	}
	if (at->how == HOW_CGROUP)
		return cgroup_foreign(arena, at, ids, ret_programs);
	if (at->how == HOW_TCX || !attachment_has_link(at))
		return tc_foreign(arena, at, ids, ret_programs);
	r = xdp_program(at->ifindex, &id, &native);
	if (r)
		return r;
	*ret_programs = (struct foreign_programs){ 0 };
	if (id && !program_ids_contain(ids, id)) {
		only = arena_new_object(arena, struct state_foreign);
		*only = (struct state_foreign){ .program_id = id, .program_name = program_name(arena, id) };
		*ret_programs = (struct foreign_programs){ .count = 1, .items = only };
	}
	return 0;
}
