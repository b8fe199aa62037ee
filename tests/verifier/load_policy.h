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

/* The words of --form: "fits", "code", "data", "tables". False: another one. */
bool policy_form(const char *word, struct code_options *options);

/* False with diagnostics. Always to be unloaded. */
bool policy_load(const char *name, const char *text, const struct code_options *options, struct loaded_policy *ret_policy);
/* The same from a file; what cannot be read is a diagnostic, too. */
bool policy_load_file(const char *name, const struct code_options *options, struct loaded_policy *ret_policy);
void policy_unload(struct loaded_policy *policy);

#endif
