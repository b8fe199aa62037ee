/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What lies behind the opaque structures of weir.h. A message points into the texts of the policies it is about, and may
 * outlive the policy: so compilations live in arenas that are shared and counted.
 */
#ifndef WEIR_API_API_H
#define WEIR_API_API_H

#include "base/arena.h"
#include "base/diagnostic.h"
#include "compile.h"
#include "weir/weir.h"

struct shared_arena {
	struct arena *arena;
	unsigned int holders; /* atomic: policy and messages may be released by different threads */
};

struct shared_arena *shared_arena_new(void);
struct shared_arena *shared_arena_hold(struct shared_arena *shared);
void shared_arena_release(struct shared_arena *shared); /* NULL is fine */

struct weir_messages {
	struct arena *arena;
	struct diagnostics diagnostics;
	VECTOR(struct shared_arena *) held;
};

/* Keep what SHARED has as long as the messages may speak of it. */
void messages_hold(struct weir_messages *messages, struct shared_arena *shared);

/* An error of weir's own, without a place, when a call fails that filled in no message. Gives ERROR back. */
int messages_explain(struct weir_messages *messages, size_t errors_before, int error, const char *doing);

struct weir_policy {
	struct shared_arena *shared;
	const struct compiled *compiled;
};

struct kernel;

struct weir_kernel {
	struct arena *arena;
	struct kernel *kernel;
	bool change; /* it was opened for that, and holds the lock */
};

/* 0, or -EBADF with a message where KERNEL was not opened for a change. */
int kernel_wants_change(bool change, struct weir_messages *messages);

/*
 * Fill in OPTIONS what the rules of policy NAME in force have counted; what they point at lives in ARENA. A policy that is not in
 * force is a warning, and they stay as they were. 0 or -errno.
 */
int tune_by_counters(struct weir_kernel *kernel, struct arena *arena, const char *name, struct tree_options *options,
		     struct diagnostics *diagnostics);

/* The member of an options structure, or DEFAULT_VALUE where the caller's structure is NULL or too old to have it. */
#define OPTION(options, member, default_value)                                                                                   \
	((options) && (options)->size >= offsetof(__typeof__(*(options)), member) + sizeof((options)->member)                    \
		 ? (options)->member                                                                                             \
		 : (default_value))

#endif
