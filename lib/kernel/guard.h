/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * weir guards itself: programs at the kernel's security hooks (bpf/guard_self.bpf.c), pinned in PINS/v1/guard/ beside what they
 * guard, so that they outlive the command. What is guarded is written into a map whenever a command of weir's has changed
 * something.
 */
#ifndef WEIR_KERNEL_GUARD_H
#define WEIR_KERNEL_GUARD_H

#include "guarded.h"
#include "kernel/kernel.h"

/*
 * Turn it on: the caller's program file becomes the one that may change things. 0 also when it was on. KERNEL is open for change.
 */
int guard_on(struct kernel *kernel, struct diagnostics *diagnostics);
/* Turn it off. 0 also when it was off. */
int guard_off(struct kernel *kernel, struct diagnostics *diagnostics);

/* Write down anew what is there to be guarded; nothing when the guard is off. */
void guard_refresh(struct kernel *kernel);

/* 0 where the guard is off, or this program is the one that it lets change things; else an error, and -EPERM. */
int guard_permit(struct kernel *kernel, struct diagnostics *diagnostics);

struct guard_status {
	bool on;
	struct weir_guard_state state;
	uint32_t links, maps, interfaces; /* guarded */
	uint32_t attempt_count;
	const struct weir_guard_attempt *attempts; /* the last ones, oldest first */
};

int guard_look(struct kernel *kernel, struct arena *arena, struct guard_status *ret_status);

#endif
