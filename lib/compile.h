/* SPDX-License-Identifier: GPL-2.0-only */
/* The compiler whole: the text of a policy, through every stage, to instructions. Needs no root and no kernel. */
#ifndef WEIR_COMPILE_H
#define WEIR_COMPILE_H

#include "base/arena.h"
#include "base/diagnostic.h"
#include "check/policy.h"
#include "code/code.h"
#include "host/host.h"
#include "rules/rules.h"
#include "syntax/ast.h"
#include "tree/tree.h"

struct compiled_chain {
	const struct rule_list *rules;
	const struct tree *tree;
	const struct code *code;
};

struct compiled {
	const struct ast *ast;
	const struct policy *policy;
	const struct compiled_chain *chains; /* one for each of policy->chains */
};

/*
 * Compile a policy. NAME: of the policy, NULL to take it from the source. NULL when DIAGNOSTICS has errors. What
 * comes back lives in ARENA and is const. The same input gives the same output.
 */
const struct compiled *compile(struct arena *arena, const struct host *host, const struct source *source, const char *name,
			       const struct code_options *options, struct diagnostics *diagnostics);

#endif
