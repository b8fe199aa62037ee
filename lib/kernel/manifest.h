/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The manifest of a policy: what is in force, in a pinned array map of one element that holds JSON. A manifest is
 * written once, frozen, and never changed: a new one takes its place by rename, and that is the moment of a change.
 *
 * The rules of each chain lie beside its program, in a map of the same kind: they are nearly all there is to read, and most who ask
 * what is attached where need none of them.
 *
 * All texts are valid UTF-8 (manifest_text) so that what is read compares equal with what was written.
 */
#ifndef WEIR_KERNEL_MANIFEST_H
#define WEIR_KERNEL_MANIFEST_H

#include "kernel/kernel.h"

enum attachment_how { HOW_NATIVE, HOW_GENERIC, HOW_TCX, HOW_CLSACT, HOW_CGROUP, HOW_CLASSIFIER, HOW_ACTION, HOW_COUNT };

struct manifest_attachment {
	enum weir_hook hook; /* the chain's */
	enum attachment_how how;
	const char *target; /* interface, or path of the cgroup below the mount, beginning with '/' */
	const char *netns;  /* NULL: none named */
	const char *
		of; /* whose cgroup, or whose interface's other end, the target is ("container web"); NULL: it was named itself */
	uint64_t netns_inode;	   /* of the interface */
	uint32_t ifindex;	   /* 0 at a cgroup */
	uint64_t cgroup_id;	   /* 0 at an interface */
	const char *link;	   /* its pin in links/; NULL with clsact */
	uint32_t priority;	   /* of a filter, whose handle is 1 */
	uint32_t parent, fallback; /* classifier: as in struct policy_chain; action: parent is its index */
};

/* Filters and actions of tc have no link, and go by what the manifest says of them. */
static inline bool attachment_has_link(const struct manifest_attachment *at)
{
	return at->how != HOW_CLSACT && at->how != HOW_CLASSIFIER && at->how != HOW_ACTION;
}

struct manifest_rule {
	const char *text, *comment, *log_prefix, *file;
	const char *to;	     /* what the verdict names */
	const char *effects; /* as effects_print has them */
	uint32_t line, slot;
	enum weir_verdict verdict;
	bool log;
};

struct manifest_chain {
	const char *name;
	enum weir_hook hook;
	enum weir_verdict policy;
	uint32_t line, chain_id;
	uint32_t counter_slots; /* size of the counters map */
	uint32_t connections;	/* of the table of connections; 0: there is none */
	uint32_t first_reply, last_reply; /* ports from which replies of its connections come, those of earlier applies too */
	uint32_t program_id, verified_instructions;
	uint64_t load_ns;
	const char *form; /* of its trees, and why; NULL: written before there was more than one */
	uint32_t rule_count, attachment_count;
	struct manifest_rule *rules; /* not in the manifest itself */
	struct manifest_attachment *attachments;
};

struct manifest_set {
	const char *name;
	bool anonymous;	       /* a long list of a chain; not to be changed */
	bool prefixes;	       /* has a prefix map */
	struct policy_set set; /* types, size, timeout, comment, file */
};

struct manifest {
	const char *name, *file;
	uint64_t applied_s, generation;
	bool logs;   /* some chain logs: the ring buffer is needed */
	bool owners; /* and one of them at egress: socket owners are, too */
	uint32_t chain_count, set_count;
	struct manifest_chain *chains;
	struct manifest_set *sets;
};

/* A text as a manifest can hold it: bytes that are no UTF-8 become '?'. NULL stays NULL. */
const char *manifest_text(struct arena *arena, const char *text);

/* Write to a new map and pin it at PATH, where nothing may be: all but the rules; the rules of a chain. */
int manifest_write(const struct manifest *manifest, const char *path);
int manifest_write_rules(const struct manifest_chain *chain, const char *path);

/* Read the one pinned at PATH; its chains have no rules. -ENOENT: there is none; -EINVAL: it cannot be understood. */
int manifest_read(struct arena *arena, const char *path, const struct manifest **ret_manifest);
/* That of a policy's FOLDER with its rules. NAME: "manifest", or "manifest_plan". -ENOENT also when its generation went meanwhile. */
int manifest_read_whole(struct arena *arena, const char *folder, const char *name, const struct manifest **ret_manifest);
/* That of POLICY. A negative errno with a diagnostic when there is none that can be read. */
int manifest_find(struct arena *arena, const struct kernel *kernel, const char *policy, const struct manifest **ret_manifest,
		  struct diagnostics *diagnostics);

struct manifests {
	size_t count;
	const struct manifest *const *items; /* by name */
};

/* Those of all policies in force; one that cannot be read is left out. */
int manifest_read_all(struct arena *arena, const struct kernel *kernel, struct manifests *ret_manifests);

/* "native" */
const char *attachment_how_name(enum attachment_how how);

/* Do both stand at the same hook of the same interface or cgroup? */
bool attachment_same_target(const struct manifest_attachment *a, const struct manifest_attachment *b);

#endif
