// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a chain's verdicts need of the machine: the interfaces that `fwd to` names, in the network namespace of the chain, and the
 * maps of the chain's old generation that go on: AF_XDP sockets, counters by mark.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

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

/* ---- Maps that outlive a change of policy ---- */

static const char *const kept_pins[KEPT_COUNT] = { [KEPT_XSKS] = "xsks", [KEPT_MARKS] = "marks" };

static bool slot_goes_on(const struct application *apply, uint32_t chain, uint32_t slot)
{
	for (uint32_t i = 0; i < apply->next.chains[chain].rule_count; i++)
		if (apply->chains[chain].slots[i] == slot)
			return apply->chains[chain].kept[i];
	return false;
}

/* A slot may have been another rule's. */
static int clear_marks(const struct application *apply, uint32_t chain, int fd)
{
	struct weir_mark_key key, next, *at = NULL;
	int r;

	while ((r = bpf_map_get_next_key(fd, at, &next)) == 0) {
		if (at && !slot_goes_on(apply, chain, key.slot))
			bpf_map_delete_elem(fd, &key);
		key = next;
		at = &key;
	}
	if (at && !slot_goes_on(apply, chain, key.slot))
		bpf_map_delete_elem(fd, &key);
	return errno == ENOENT ? 0 : r;
}

int apply_open_kept(const struct application *apply, uint32_t chain, int ret_fds[KEPT_COUNT])
{
	const struct manifest_chain *next = &apply->next.chains[chain];

	for (int i = 0; i < KEPT_COUNT; i++)
		ret_fds[i] = -1;
	for (uint32_t c = 0; apply->old && c < apply->old->chain_count; c++) {
		if (strcmp(apply->old->chains[c].name, next->name) != 0 || apply->old->chains[c].hook != next->hook)
			continue;
		ret_fds[KEPT_XSKS] = bpf_obj_get(apply_pin_path(apply, apply->old, kept_pins[KEPT_XSKS], c));
		if (!apply->options->reset)
			ret_fds[KEPT_MARKS] = bpf_obj_get(apply_pin_path(apply, apply->old, kept_pins[KEPT_MARKS], c));
		return ret_fds[KEPT_MARKS] > 0 ? clear_marks(apply, chain, ret_fds[KEPT_MARKS]) : 0;
	}
	return 0;
}

void apply_close_kept(int fds[KEPT_COUNT])
{
	for (int i = 0; i < KEPT_COUNT; i++)
		if (fds[i] > 0)
			close(fds[i]);
}

int apply_pin_kept(const struct application *apply, uint32_t chain)
{
	int r = 0;

	for (int i = 0; r == 0 && i < KEPT_COUNT; i++) {
		int fd = apply->chains[chain].loaded.kept_fds[i];

		r = fd > 0 ? bpf_obj_pin(fd, apply_pin_path(apply, &apply->next, kept_pins[i], chain)) : 0;
	}
	return r;
}
