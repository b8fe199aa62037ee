// SPDX-License-Identifier: GPL-2.0-only
#include "compile.h"

struct compiling {
	struct arena *arena;
	const struct policy *policy;
	const struct code_options *options;
	struct diagnostics *diagnostics;
	const struct tree **trees; /* of the chains so far as they were built; NULL: it could not be */
};

/* The same rules often stand at several hooks: the tree of one chain serves them all. */
static const struct tree *find_tree(const struct compiling *compiling, uint32_t index, const struct rule_list *rules)
{
	const struct tree *tree = NULL;

	for (uint32_t i = 0; i < index && !tree; i++)
		if (compiling->trees[i])
			tree = tree_for(compiling->arena, compiling->trees[i], rules);
	return tree ? tree : tree_build(compiling->arena, rules, &compiling->options->tree, compiling->diagnostics);
}

static bool compile_chain(const struct compiling *compiling, uint32_t index, struct compiled_chain *ret_chain)
{
	struct arena *arena = compiling->arena;
	struct diagnostics *diagnostics = compiling->diagnostics;
	struct compiled_chain chain = { 0 };

	chain.rules = rules_lower(arena, compiling->policy, index, diagnostics);
	chain.tree = chain.rules ? find_tree(compiling, index, chain.rules) : NULL;
	compiling->trees[index] = chain.tree;
	if (chain.tree)
		rules_warn_shadowed(chain.rules, chain.tree->reached, diagnostics);
	chain.code = chain.tree ? code_emit(arena, chain.tree, compiling->options, diagnostics) : NULL;
	if (!chain.code)
		return false;
	chain.tree = chain.code->tree;
	*ret_chain = chain;
	return true;
}

const struct compiled *compile(struct arena *arena, const struct host *host, const struct source *source, const char *name,
			       const struct code_options *options, struct diagnostics *diagnostics)
{
	struct compiling compiling = { .arena = arena, .options = options, .diagnostics = diagnostics };
	struct compiled *compiled = arena_new_object(arena, struct compiled);
	struct compiled_chain *chains;
	bool whole = true;

	compiled->ast = syntax_parse(arena, host, source, diagnostics);
	compiled->policy = check_policy(arena, host, compiled->ast, name, diagnostics);
	if (!compiled->policy || diagnostics->errors)
		return NULL;
	compiling.policy = compiled->policy;
	compiling.trees = arena_new_array(arena, const struct tree *, compiled->policy->chain_count);
	chains = arena_new_array(arena, struct compiled_chain, compiled->policy->chain_count);
	for (uint32_t i = 0; i < compiled->policy->chain_count; i++)
		whole &= compile_chain(&compiling, i, &chains[i]);
	compiled->chains = chains;
	return whole && !diagnostics->errors ? compiled : NULL;
}
