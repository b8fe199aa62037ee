// SPDX-License-Identifier: GPL-2.0-only
/*
 * Syntax tree in, checked policy out. Defines first, then sets, then chains; each mistake is told and the
 * rest looked at nonetheless.
 */
#include <string.h>

#include "base/limits.h"
#include "check/checker.h"

struct chains {
	VECTOR(struct policy_chain) list;
};

static bool find_chain_twice(struct checker *checker, const struct ast_chain *chain)
{
	for (const struct ast_chain *earlier = checker->ast->chains; earlier != chain; earlier = earlier->next) {
		struct diagnostic *d;

		if (strcmp(earlier->name, chain->name) != 0)
			continue;
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->place, "chain '%s' is declared twice", chain->name);
		diagnostic_related(checker->diagnostics, d, earlier->place, "first here");
		diagnostic_hint(checker->diagnostics, d, "give one of them another name, or put their rules together");
		return true;
	}
	return false;
}

/* "ctn2" and "/run/netns/ctn2" are the same. */
static const char *netns_name(const char *netns)
{
	static const char *const folders[] = { "/run/netns/", "/var/run/netns/" };

	for (size_t i = 0; netns && i < 2; i++)
		if (strncmp(netns, folders[i], strlen(folders[i])) == 0)
			return netns + strlen(folders[i]);
	return netns ? netns : "";
}

static uint32_t common_target(const struct policy_chain *a, const struct policy_chain *b, uint32_t *ret_other)
{
	for (uint32_t i = 0; i < a->target_count; i++)
		for (uint32_t j = 0; j < b->target_count; j++)
			if (strcmp(a->targets[i], b->targets[j]) == 0) {
				*ret_other = j;
				return i;
			}
	return a->target_count;
}

/* An interface has one XDP program. */
static void check_xdp_twice(struct checker *checker, const struct chains *chains, const struct policy_chain *chain)
{
	for (size_t i = 0; i < chains->list.count && chain->hook == WEIR_HOOK_XDP_INGRESS; i++) {
		const struct policy_chain *other = &chains->list.items[i];
		uint32_t theirs, ours;
		struct diagnostic *d;

		if (other->hook != chain->hook || other->target_kind != chain->target_kind ||
		    strcmp(netns_name(other->netns), netns_name(chain->netns)) != 0)
			continue;
		ours = common_target(chain, other, &theirs);
		if (ours == chain->target_count)
			continue;
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->target_places[ours],
			     "chains '%s' and '%s' both stand at xdp on '%s'", other->name, chain->name, chain->targets[ours]);
		diagnostic_related(checker->diagnostics, d, other->target_places[theirs], "chain '%s' here", other->name);
		diagnostic_hint(checker->diagnostics, d,
				"an interface has one XDP program: put their rules together, or use 'hook tc ingress' for one");
	}
}

static void check_chains(struct checker *checker, struct chains *chains)
{
	size_t count = 0;

	for (const struct ast_chain *ast = checker->ast->chains; ast; ast = ast->next) {
		struct policy_chain chain;
		bool twice, whole;

		if (++count == LIMIT_CHAINS + 1) {
			struct diagnostic *d = diagnose(checker->diagnostics, SEVERITY_ERROR, ast->place,
							"this policy has more than %d chains", LIMIT_CHAINS);

			diagnostic_hint(checker->diagnostics, d, "a chain may stand on several interfaces: 'on { eth0, eth1 }'");
			return;
		}
		twice = find_chain_twice(checker, ast);
		whole = check_chain(checker, ast, &chain);
		if (twice)
			continue;
		check_xdp_twice(checker, chains, &chain);
		if (whole)
			check_replies(checker, &chain);
		vector_push(checker->arena, &chains->list, chain);
	}
}

/* What redirects needs somebody at the way back. */
static void add_replies(struct checker *checker, struct chains *chains)
{
	size_t count = chains->list.count;
	struct policy_chain replies;

	for (uint32_t i = 0; i < count; i++)
		if (replies_chain(checker->arena, &chains->list.items[i], i, &replies))
			vector_push(checker->arena, &chains->list, replies);
}

/* "edge" of "/etc/weir/edge.weir" */
const char *policy_name_from_file(struct arena *arena, const struct source *source)
{
	const char *slash = strrchr(source->name, '/'), *base = slash ? slash + 1 : source->name, *suffix = ".weir";
	size_t length = strlen(base);

	if (length > strlen(suffix) && strcmp(base + length - strlen(suffix), suffix) == 0)
		length -= strlen(suffix);
	return arena_strndup(arena, base, length);
}

const struct policy *check_policy(struct arena *arena, const struct host *host, const struct ast *ast, const char *name,
				  struct diagnostics *diagnostics)
{
	struct checker checker = { .arena = arena, .host = host, .ast = ast, .diagnostics = diagnostics };
	struct policy *policy = arena_new_object(arena, struct policy);
	struct chains chains = { 0 };

	policy->name = name ? arena_strdup(arena, name) : policy_name_from_file(arena, ast->source);
	policy->source = ast->source;
	check_name(&checker, "policy", policy->name, (struct place){ .source = ast->source });
	check_defines(&checker);
	check_sets(&checker);
	check_chains(&checker, &chains);
	if (!ast->chains && !diagnostics->errors) {
		struct diagnostic *d = diagnose(diagnostics, SEVERITY_WARNING, (struct place){ .source = ast->source },
						"this policy has no chain, so it enforces nothing");

		diagnostic_hint(diagnostics, d, "add one: chain edge { hook xdp ingress on eth0; ... }");
	}
	if (diagnostics->errors)
		return NULL;
	add_replies(&checker, &chains);
	policy->sets = checker.sets.items;
	policy->set_count = (uint32_t)checker.sets.count;
	policy->chains = chains.list.items;
	policy->chain_count = (uint32_t)chains.list.count;
	return policy;
}
