// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the rules of a policy in force have counted, for compiling it anew (tree_options.packets). A rule is known by its text, as
 * it is when its counter goes on; of several with one text the first counts, since it decides.
 */
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "kernel/kernel.h"

struct tuned_chain {
	const struct state_chain *state;
	const struct state_rule **rules; /* by text, then in order */
};

struct tuning {
	uint32_t count;
	struct tuned_chain *chains;
};

static int by_text(const void *left, const void *right)
{
	const struct state_rule *a = *(const struct state_rule *const *)left, *b = *(const struct state_rule *const *)right;
	int order = strcmp(a->text, b->text);

	return order ? order : a < b ? -1 : a > b;
}

static const struct tuned_chain *find_chain(const struct tuning *tuning, const struct policy_chain *chain)
{
	for (uint32_t i = 0; i < tuning->count; i++)
		if (tuning->chains[i].state->hook == chain->hook && strcmp(tuning->chains[i].state->name, chain->name) == 0)
			return &tuning->chains[i];
	return NULL;
}

static uint64_t find_packets(const struct tuned_chain *chain, const char *text)
{
	uint32_t low = 0, high = chain->state->rule_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(chain->rules[middle]->text, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < chain->state->rule_count && strcmp(chain->rules[low]->text, text) == 0 ? chain->rules[low]->counter.packets
											    : 0;
}

static uint64_t packets_of(void *context, const struct policy_chain *chain, const struct rule *rule)
{
	const struct tuned_chain *found = find_chain(context, chain);
	uint64_t packets = 0;

	if (!found)
		return 0;
	if (rule->slot == WEIR_SLOT_POLICY)
		return found->state->policy_counter.packets;
	for (uint32_t i = 0; rule->slot == WEIR_SLOT_MALFORMED && i < WEIR_MALFORMED_COUNT; i++)
		packets += found->state->malformed[i].packets;
	return rule->slot == WEIR_SLOT_MALFORMED ? packets : find_packets(found, rule->text);
}

static struct tuning *tuning_by(struct arena *arena, const struct state_policy *policy)
{
	struct tuning *tuning = arena_new_object(arena, struct tuning);

	tuning->count = policy->chain_count;
	tuning->chains = arena_new_array(arena, struct tuned_chain, policy->chain_count);
	for (uint32_t c = 0; c < policy->chain_count; c++) {
		const struct state_chain *chain = &policy->chains[c];

		tuning->chains[c].state = chain;
		tuning->chains[c].rules = arena_new_array(arena, const struct state_rule *, chain->rule_count);
		for (uint32_t i = 0; i < chain->rule_count; i++)
			tuning->chains[c].rules[i] = &chain->rules[i];
		if (chain->rule_count > 1)
			qsort(tuning->chains[c].rules, chain->rule_count, sizeof(*tuning->chains[c].rules), by_text);
	}
	return tuning;
}

int tune_by_counters(struct weir_kernel *kernel, struct arena *arena, const char *name, struct tree_options *options,
		     struct diagnostics *diagnostics)
{
	const struct state *state;
	struct diagnostic *said;
	int error = kernel_state(kernel->kernel, arena, name, &state, diagnostics);

	if (!error && state->policy_count) {
		options->packets = packets_of;
		options->packets_context = tuning_by(arena, &state->policies[0]);
	} else if (!error) {
		said = diagnose(diagnostics, SEVERITY_WARNING, (struct place){ 0 },
				"no policy '%s' is in force: there are no counters to tune by", name);
		diagnostic_hint(diagnostics, said, "apply it, let it count for a while, and apply it again with --tune");
	}
	return error;
}
