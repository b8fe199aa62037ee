// SPDX-License-Identifier: GPL-2.0-only
#include "compile.h"

static bool compile_chain(struct arena *arena, const struct policy *policy, uint32_t index, const struct code_options *options,
			  struct compiled_chain *ret_chain, struct diagnostics *diagnostics)
{
	struct compiled_chain chain = { 0 };

	chain.rules = rules_lower(arena, policy, index, diagnostics);
	chain.tree = chain.rules ? tree_build(arena, chain.rules, &options->tree, diagnostics) : NULL;
	if (chain.tree)
		rules_warn_shadowed(chain.rules, chain.tree->reached, diagnostics);
	chain.code = chain.tree ? code_emit(arena, chain.tree, options, diagnostics) : NULL;
	if (!chain.code)
		return false;
	chain.tree = chain.code->tree;
	*ret_chain = chain;
	return true;
}

const struct compiled *compile(struct arena *arena, const struct host *host, const struct source *source, const char *name,
			       const struct code_options *options, struct diagnostics *diagnostics)
{
	struct compiled *compiled = arena_new_object(arena, struct compiled);
	struct compiled_chain *chains;
	bool whole = true;

	compiled->ast = syntax_parse(arena, host, source, diagnostics);
	compiled->policy = check_policy(arena, host, compiled->ast, name, diagnostics);
	if (!compiled->policy || diagnostics->errors)
		return NULL;
	chains = arena_new_array(arena, struct compiled_chain, compiled->policy->chain_count);
	for (uint32_t i = 0; i < compiled->policy->chain_count; i++)
		whole &= compile_chain(arena, compiled->policy, i, options, &chains[i], diagnostics);
	compiled->chains = chains;
	return whole && !diagnostics->errors ? compiled : NULL;
}
