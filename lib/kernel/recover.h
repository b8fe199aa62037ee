/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Make kernel and bpffs conform to the manifests. It is the one way in which anything is taken away: the clean-up behind an
 * apply, the undoing of one that failed, the repair after one that was killed and the removal of a policy are all this.
 */
#ifndef WEIR_KERNEL_RECOVER_H
#define WEIR_KERNEL_RECOVER_H

#include "kernel/kernel.h"

/* Has a change been interrupted (or is one going on)? Reads only. */
bool recover_needed(const struct kernel *kernel);

/* All policies, then what they share. The lock is held. A policy that cannot be put right is a warning. */
int recover_all(struct kernel *kernel, struct diagnostics *diagnostics);

/* One policy by its folder. -EINVAL: its manifest cannot be read; nothing is changed then. */
int recover_policy(const char *path);

/* Remove what all policies share and none needs any more, and folders that are empty. */
void recover_tidy(struct kernel *kernel);

#endif
