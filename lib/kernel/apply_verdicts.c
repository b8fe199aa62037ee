// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a chain's verdicts need of the machine: the interfaces that `fwd to` names, in the network namespace of the chain, and the
 * AF_XDP sockets that the chain of the old generation had.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/apply.h"
#include "kernel/netns.h"

static int say(struct application *apply, const struct policy_rule *rule, const char *netns)
{
	struct diagnostic *said =
		diagnose(apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, rule->to_place, "no such interface '%s'%s%s%s",
			 rule->to, netns ? " in network namespace '" : "", netns ? netns : "", netns ? "'" : "");

	diagnostic_hint(apply->diagnostics, said, "packets are forwarded within the chain's namespace: ip%s%s link",
			netns ? " -n " : "", netns ? netns : "");
	return -ENODEV;
}

static int find_forwards(struct application *apply, uint32_t index)
{
	const struct manifest_chain *next = &apply->next.chains[index];
	struct apply_chain *chain = &apply->chains[index];
	const char *netns = next->attachment_count ? next->attachments[0].netns : NULL;
	_cleanup_(netns_leave) int home = -1;
	int r = netns_enter(netns, &home);

	if (r)
		return r;
	chain->actions = arena_new_array(apply->arena, struct weir_action, chain->rules->rule_count);
	for (uint32_t i = 0; i < chain->rules->rule_count; i++)
		chain->actions[i] = chain->rules->rules[i].action;
	for (uint32_t i = 0; i < chain->policy->rule_count; i++) {
		const struct policy_rule *rule = &chain->policy->rules[i];

		if (rule->verdict != WEIR_VERDICT_FORWARD)
			continue;
		chain->actions[i].target = if_nametoindex(rule->to);
		if (!chain->actions[i].target)
			r = say(apply, rule, netns);
	}
	return r;
}

int apply_find_forwards(struct application *apply)
{
	int r = 0;

	for (uint32_t i = 0; i < apply->next.chain_count; i++)
		r = find_forwards(apply, i) ?: r;
	return r;
}

int apply_old_xsks(const struct application *apply, uint32_t chain)
{
	const struct manifest_chain *next = &apply->next.chains[chain];

	for (uint32_t c = 0; apply->old && c < apply->old->chain_count; c++)
		if (strcmp(apply->old->chains[c].name, next->name) == 0 && apply->old->chains[c].hook == next->hook)
			return bpf_obj_get(apply_pin_path(apply, apply->old, "xsks", c));
	return -ENOENT;
}
