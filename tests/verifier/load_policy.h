/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy's text, compiled and loaded into the kernel as `weir apply` does it, but neither pinned nor attached. */
#ifndef WEIR_TESTS_LOAD_POLICY_H
#define WEIR_TESTS_LOAD_POLICY_H

#include "compile.h"
#include "kernel/load.h"

struct loaded_policy {
	struct arena *arena;
	struct diagnostics diagnostics;
	const struct compiled *compiled;
	uint64_t compile_ns;
	struct loaded_chain *chains; /* one for each of the policy's */
};

/* False with diagnostics. Always to be closed. */
bool policy_load(const char *name, const char *text, bool long_jump, struct loaded_policy *ret_policy);
void policy_unload(struct loaded_policy *policy);

#endif
