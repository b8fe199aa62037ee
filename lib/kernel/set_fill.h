/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of a set for a new generation. When the policy's elements are those that the old table has, the old one goes on, with
 * all that was added live. Otherwise a new one is filled with the policy's elements and the live ones of the old, so that
 * programs go from the old contents to the new ones in one step, and a failed apply has touched nothing.
 */
#ifndef WEIR_KERNEL_SET_FILL_H
#define WEIR_KERNEL_SET_FILL_H

#include "kernel/manifest.h"
#include "kernel/set_table.h"

struct set_request {
	const struct policy_set *set; /* with its elements */
	bool anonymous, prefixes;
	const struct manifest_set *old; /* NULL: none to go on with */
	const char *old_path;		/* its pin */
	const struct apply_options *options;
};

/* The descriptor of the set's map, which the caller closes; or -errno with a diagnostic. */
int set_fill(const struct set_request *request, struct diagnostics *diagnostics);

#endif
