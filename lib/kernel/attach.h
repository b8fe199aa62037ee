/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One attachment: a program at a hook of an interface or a cgroup. attach.c is what all hooks have in common (links);
 * attach_xdp.c, attach_tc.c and attach_cgroup.c know what differs. An attachment is named by its manifest's entry.
 */
#ifndef WEIR_KERNEL_ATTACH_H
#define WEIR_KERNEL_ATTACH_H

#include "kernel/manifest.h"
#include "kernel/pins.h"

/* Attach types that the headers of the oldest distributions do not name yet. */
#define ATTACH_TCX_INGRESS ((enum bpf_attach_type)46)
#define ATTACH_TCX_EGRESS  ((enum bpf_attach_type)47)

struct foreign_programs {
	uint32_t count;
	const struct state_foreign *items;
};

/* What the kernel says of an attachment. */
struct attachment_status {
	bool present;
	uint32_t program_id, link_id;
};

/*
 * Attach PROGRAM_FD as AT says; a link is pinned at LINK_PATH. XDP: MODE is what the policy asks for, and at->how is set to
 * what was had. The interface's namespace is entered and left.
 */
int attachment_create(const struct kernel *kernel, struct manifest_attachment *at, const char *link_path, int program_fd,
		      enum attach_mode mode);

/*
 * A filter of clsact is weir's when it has one of these programs, since somebody else may have put his in the place of one that
 * was taken away. A link is ours by its pin, whatever it runs.
 */
struct program_ids {
	size_t count;
	const uint32_t *items;
};

/* Make an attachment that is there run PROGRAM_FD; one that vanished is left alone. */
int attachment_set_program(const struct manifest_attachment *at, const char *link_path, int program_fd,
			   const struct program_ids *ids);

/* Take it away, its pin too. 0 also when it is gone. */
int attachment_remove(const struct manifest_attachment *at, const char *link_path, const struct program_ids *ids);
int link_remove(const char *link_path);

/* -errno when it cannot be known (a namespace that cannot be entered); else 0. */
int attachment_look(const struct manifest_attachment *at, const char *link_path, const struct program_ids *ids,
		    struct attachment_status *ret_status);

/* Programs at the same place that are not among IDS. */
int attachment_foreign(struct arena *arena, const struct manifest_attachment *at, const struct program_ids *ids,
		       struct foreign_programs *ret_programs);

/* ---- Hooks ---- */

/* Name of a program, or "?". */
const char *program_name(struct arena *arena, uint32_t id);
uint32_t program_id(int program_fd); /* 0: cannot be known */
bool program_ids_contain(const struct program_ids *ids, uint32_t id);
/* Those of the chains of COUNT manifests, some of which may be NULL. */
struct program_ids program_ids_of(struct arena *arena, const struct manifest *const *manifests, size_t count);

int xdp_create(struct manifest_attachment *at, enum attach_mode mode, int program_fd);
/* Id of the program at an interface's XDP hook, 0: none; the thread is in its namespace. */
int xdp_program(uint32_t ifindex, uint32_t *ret_program_id, bool *ret_native);
/* Is that program held by a link (which `ip link` cannot take away)? */
bool xdp_program_is_linked(uint32_t ifindex, uint32_t program_id);

int tcx_create(const struct manifest_attachment *at, int program_fd);
/* clsact: a priority that nobody uses at this interface and direction, and that is not in the TAKEN ones of this very apply. */
int clsact_free_priority(const struct manifest_attachment *at, const struct program_ids *taken, uint32_t *ret_priority);
int clsact_create(const struct kernel *kernel, const struct manifest_attachment *at, int program_fd);
int clsact_set_program(const struct manifest_attachment *at, int program_fd, const struct program_ids *ids);
int clsact_remove(const struct manifest_attachment *at, const struct program_ids *ids);
int clsact_look(const struct manifest_attachment *at, const struct program_ids *ids, struct attachment_status *ret_status);
/* A classifier's: the kernel refuses what is no qdisc with classes (-EOPNOTSUPP), or is not there. */
int classifier_qdisc_exists(uint32_t ifindex, uint32_t parent, bool *ret_exists);
/* Actions of tc, by their index; the thread is in the namespace. One that a filter uses cannot be removed (-EPERM). */
int action_program(const struct manifest_attachment *at, uint32_t *ret_program_id); /* -ENOENT: there is none */
int action_create(const struct manifest_attachment *at, int program_fd);
int action_set_program(const struct manifest_attachment *at, int program_fd, const struct program_ids *ids);
int action_remove(const struct manifest_attachment *at, const struct program_ids *ids);
int action_look(const struct manifest_attachment *at, const struct program_ids *ids, struct attachment_status *ret_status);
int tc_foreign(struct arena *arena, const struct manifest_attachment *at, const struct program_ids *ids,
	       struct foreign_programs *ret_programs);
/* The qdiscs that weir made and that have no filter any more. */
void clsact_tidy(const struct kernel *kernel, struct arena *arena);

int cgroup_create(const struct manifest_attachment *at, int program_fd);
int cgroup_foreign(struct arena *arena, const struct manifest_attachment *at, const struct program_ids *ids,
		   struct foreign_programs *ret_programs);
/* Where cgroup2 is mounted; NULL: nowhere. */
const char *cgroup_mount(struct arena *arena);
/* A program at the cgroup PATH (below MOUNT) or above it that allows no other beside or below it: its id and where; 0: none. */
uint32_t cgroup_exclusive_program(struct arena *arena, const char *mount, const char *path, enum weir_hook hook,
				  const char **ret_where);

#endif
