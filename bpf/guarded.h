/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of `weir guard` and the library both know, written once. Numbers are in host byte order. The maps of
 * guard_self.bpf.c are pinned: a change of their layout raises WEIR_ABI_VERSION.
 */
#ifndef WEIR_BPF_GUARDED_H
#define WEIR_BPF_GUARDED_H

#include <linux/types.h>

/* Who tried. */
struct weir_guard_process {
	__u32 pid; /* of the process (tgid) */
	__u32 uid;
	char command[16];
};

/* ---- weir guard nice ---- */

/* One record of the ring buffer: somebody set the nice value of a guarded process. */
struct weir_nice_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	struct weir_guard_process by, of;
	__s32 nice;
	__u32 refused;
};
_Static_assert(sizeof(struct weir_nice_event) == 8 + 24 + 24 + 8, "struct weir_nice_event has holes or has grown");

/* ---- weir guard self ---- */

/* What was tried: id, text for people. */
#define WEIR_GUARD_ACTIONS(X) \
	X(LINK, "detach or replace a link") \
	X(MAP, "change a map") \
	X(UNLINK, "remove a pin") \
	X(RENAME, "rename a pin") \
	X(UMOUNT, "unmount bpffs") \
	X(TC, "change the filters of tc")

enum weir_guard_action {
#define X(id, text) WEIR_GUARD_##id,
	WEIR_GUARD_ACTIONS(X)
#undef X
	WEIR_GUARD_ACTION_COUNT
};

/* A key of the map `guarded`. */
enum weir_guard_kind {
	WEIR_GUARDED_LINK,	/* number: id */
	WEIR_GUARDED_MAP,	/* number: id */
	WEIR_GUARDED_INTERFACE, /* number: index; netns: inode of its network namespace */
};

struct weir_guard_key {
	__u32 kind;
	__u32 number;
	__u32 netns;
};

/* The one element of the map `state`. */
struct weir_guard_state {
	__u64 identity;	       /* of weir's program file; 0: not yet known, and nothing is guarded */
	__u64 since_s;	       /* since 1970 */
	__u64 directory;       /* inode of weir's directory in bpffs */
	__u64 attempts;	       /* refused ones, since the guard was turned on */
	__u32 directory_device; /* of that bpffs, as the kernel writes it */
	__u32 learn_from;      /* the process whose program file is weir's, while identity is 0 */
	char path[256];	       /* of weir's program file, for people */
};
_Static_assert(sizeof(struct weir_guard_state) == 40 + 256, "struct weir_guard_state has holes or has grown");

/* An attempt that was refused; the map `attempts` has the last ones, by attempts % WEIR_GUARD_ATTEMPTS. */
#define WEIR_GUARD_ATTEMPTS 64

struct weir_guard_attempt {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 action;  /* enum weir_guard_action */
	__u32 number;  /* id of a link or map, index of an interface; 0: none */
	struct weir_guard_process by;
	char name[32]; /* of the pin; empty: none */
};
_Static_assert(sizeof(struct weir_guard_attempt) == 16 + 24 + 32, "struct weir_guard_attempt has holes or has grown");

#endif
