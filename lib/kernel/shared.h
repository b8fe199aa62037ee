/* SPDX-License-Identifier: GPL-2.0-only */
/* What all policies share: the ring buffer of events and the map of socket owners with the programs that fill it. */
#ifndef WEIR_KERNEL_SHARED_H
#define WEIR_KERNEL_SHARED_H

#include "kernel/kernel.h"

/* The descriptor of the ring buffer, made and pinned when it is not there; or -errno with a diagnostic. */
int shared_events(const struct kernel *kernel, struct diagnostics *diagnostics);

/*
 * The same of the map of owners, and its programs attached at the root of cgroup2. Where that is not possible, events do not name
 * the process: a warning and -ENOTSUP, which is no reason to stop.
 */
int shared_owners(const struct kernel *kernel, struct diagnostics *diagnostics);

/* Remove those that no policy needs; the ring buffer stays while somebody reads it. */
void shared_tidy(const struct kernel *kernel);

#endif
