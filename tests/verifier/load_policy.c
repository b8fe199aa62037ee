// SPDX-License-Identifier: GPL-2.0-only
#include "load_policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kernel/set_fill.h"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static bool fill_sets(struct loaded_policy *policy, const struct rule_list *list, int *maps)
{
	static const struct apply_options options = { 0 };

	for (uint32_t i = 0; i < list->set_count; i++) {
		const struct rule_set *set = &list->sets[i];
		struct set_request request = {
			.set = set->set, .anonymous = set->anonymous, .prefixes = set->prefixes, .options = &options
		};

		maps[i] = set_fill(&request, &policy->diagnostics);
		if (maps[i] < 0)
			return false;
	}
	return true;
}

static bool load_chain(struct loaded_policy *policy, const struct compiled_chain *chain, struct loaded_chain *loaded)
{
	uint32_t set_count = chain->rules->set_count;
	int *maps = arena_new_array(policy->arena, int, set_count);
	struct load_request request = {
		.code = chain->code, .chain_id = 1, .counters_fd = -1, .events_fd = -1, .owners_fd = -1, .sets = maps
	};
	bool whole;

	for (uint32_t i = 0; i < set_count; i++)
		maps[i] = -1;
	whole = fill_sets(policy, chain->rules, maps) && kernel_load(&request, loaded, &policy->diagnostics) == 0;
	/* The program holds the maps now. */
	for (uint32_t i = 0; i < set_count; i++)
		if (maps[i] >= 0)
			close(maps[i]);
	return whole;
}

bool policy_form(const char *word, struct code_options *options)
{
	static const char *const words[] = {
		[TREE_AS_FITS] = "fits",      [TREE_ALL_CODE] = "code",	      [TREE_ALL_DATA] = "data",
		[TREE_ALL_TABLES] = "tables", [TREE_ALL_VECTORS] = "vectors",
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(word, words[i]) == 0) {
			options->tree.wish = (enum tree_wish)i;
			return true;
		}
	return false;
}

static struct loaded_policy begin_policy(void)
{
	struct loaded_policy policy = { .arena = arena_new() };

	return policy;
}

/* POLICY has an arena and its diagnostics. */
static bool load_text(const char *name, const char *text, const struct code_options *options, struct loaded_policy *policy)
{
	struct source *source = arena_new_object(policy->arena, struct source);
	uint64_t start = now_ns();
	uint32_t count;

	*source = (struct source){ .name = name, .text = text, .length = strlen(text) };
	policy->compiled = compile(policy->arena, host_system(), source, "measured", options, &policy->diagnostics);
	policy->compile_ns = now_ns() - start;
	if (!policy->compiled)
		return false;
	count = policy->compiled->policy->chain_count;
	policy->chains = arena_new_array(policy->arena, struct loaded_chain, count);
	for (uint32_t i = 0; i < count; i++)
		policy->chains[i] = (struct loaded_chain){ .program_fd = -1, .counters_fd = -1 };
	for (uint32_t i = 0; i < count; i++)
		if (!load_chain(policy, &policy->compiled->chains[i], &policy->chains[i]))
			return false;
	return true;
}

bool policy_load(const char *name, const char *text, const struct code_options *options, struct loaded_policy *ret_policy)
{
	*ret_policy = begin_policy();
	diagnostics_init(&ret_policy->diagnostics, ret_policy->arena);
	return load_text(name, text, options, ret_policy);
}

static char *read_text(struct arena *arena, const char *name)
{
	FILE *in = fopen(name, "r");
	char *text = NULL;
	long size;

	if (!in)
		return NULL;
	if (fseek(in, 0, SEEK_END) == 0 && (size = ftell(in)) >= 0) {
		rewind(in);
		text = arena_alloc(arena, (size_t)size + 1);
		if (fread(text, 1, (size_t)size, in) != (size_t)size)
			text = NULL;
	}
	fclose(in);
	return text;
}

bool policy_load_file(const char *name, const struct code_options *options, struct loaded_policy *ret_policy)
{
	const char *text;

	*ret_policy = begin_policy();
	diagnostics_init(&ret_policy->diagnostics, ret_policy->arena);
	text = read_text(ret_policy->arena, name);
	if (!text)
		diagnose(&ret_policy->diagnostics, SEVERITY_ERROR_SURROUNDINGS, (struct place){ 0 }, "%s: %s", name,
			 strerror(errno));
	return text && load_text(name, text, options, ret_policy);
}

void policy_unload(struct loaded_policy *policy)
{
	for (uint32_t i = 0; policy->chains && i < policy->compiled->policy->chain_count; i++)
		loaded_chain_close(&policy->chains[i]);
	arena_free(policy->arena);
	*policy = (struct loaded_policy){ 0 };
}
