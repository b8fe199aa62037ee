// SPDX-License-Identifier: GPL-2.0-only
/*
 *	policy edge (edge.weir): 2 chains, 1 set
 *	  set blocklist    ipv4_addr, 3 elements, room for 1048576
 *	  chain edge       xdp ingress on eth0: 5 rules, else accept
 */
#include "report/summary.h"

#include <string.h>

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void print_set(const struct policy_set *set, int width, FILE *out)
{
	fprintf(out, "  set %-*s    ", width, set->name);
	for (uint32_t i = 0; i < set->components; i++)
		fprintf(out, "%s%s", i ? " . " : "", value_type_name(set->types[i]));
	fprintf(out, ", %u element%s", set->element_count, plural(set->element_count));
	if (!set->grows)
		fprintf(out, ", room for %u", set->size);
	fputc('\n', out);
}

static void print_chain(const struct policy_chain *chain, int width, FILE *out)
{
	static const char *const on[] = {
		[TARGET_NAMED] = " on ", [TARGET_VETH_OF] = " on veth of ", [TARGET_CONTAINER] = " on container "
	};

	fprintf(out, "  chain %-*s  %s", width, chain->name, hook_as_written(chain));
	for (uint32_t i = 0; i < chain->target_count; i++)
		fprintf(out, "%s%s", i ? ", " : on[chain->target_kind], chain->targets[i]);
	if (chain->netns)
		fprintf(out, " netns %s", chain->netns);
	if (chain->parent)
		fprintf(out, " parent %x:", chain->parent >> 16);
	if (chain->parent & 0xffff)
		fprintf(out, "%x", chain->parent & 0xffff);
	fprintf(out, ": %u rule%s, else %s\n", chain->rule_count, plural(chain->rule_count),
		chain->policy == WEIR_VERDICT_DROP ? "drop" : "accept");
}

void summary_print(const struct compiled *compiled, FILE *out)
{
	const struct policy *policy = compiled->policy;
	int width = 0;

	for (uint32_t i = 0; i < policy->set_count; i++)
		width = (int)strlen(policy->sets[i].name) > width ? (int)strlen(policy->sets[i].name) : width;
	for (uint32_t i = 0; i < policy->chain_count; i++)
		width = (int)strlen(policy->chains[i].name) > width ? (int)strlen(policy->chains[i].name) : width;
	fprintf(out, "policy %s (%s): %u chain%s, %u set%s\n", policy->name, policy->source->name, policy->chain_count,
		plural(policy->chain_count), policy->set_count, plural(policy->set_count));
	for (uint32_t i = 0; i < policy->set_count; i++)
		print_set(&policy->sets[i], width, out);
	for (uint32_t i = 0; i < policy->chain_count; i++)
		print_chain(&policy->chains[i], width, out);
}
