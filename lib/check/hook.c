// SPDX-License-Identifier: GPL-2.0-only
/* What each hook can serve, and why not where it cannot. */
#include "check/policy.h"

static const struct {
	const char *name;
	bool link_layer, leaving, xdp;
} hooks[] = {
	[WEIR_HOOK_XDP_INGRESS] = { "xdp ingress", true, false, true },
	[WEIR_HOOK_TC_INGRESS] = { "tc ingress", true, false, false },
	[WEIR_HOOK_TC_EGRESS] = { "tc egress", true, true, false },
	[WEIR_HOOK_CGROUP_INGRESS] = { "cgroup ingress", false, false, false },
	[WEIR_HOOK_CGROUP_EGRESS] = { "cgroup egress", false, true, false },
	[WEIR_HOOK_TC_ACTION] = { "tc action", true, false, false },
};

const char *hook_name(enum weir_hook hook)
{
	return hooks[hook].name;
}

const char *hook_as_written(const struct policy_chain *chain)
{
	static const char *const inside[] = {
		[WEIR_HOOK_XDP_INGRESS] = "xdp egress",
		[WEIR_HOOK_TC_INGRESS] = "tc egress",
		[WEIR_HOOK_TC_EGRESS] = "tc ingress",
	};

	return chain->target_kind == TARGET_VETH_OF ? inside[chain->hook] : hook_name(chain->hook);
}

bool hook_serves(enum weir_hook hook, enum subject subject, const char **ret_why)
{
	const char *why = NULL;

	switch (subject) {
	case SUBJECT_ETHER_SADDR:
	case SUBJECT_ETHER_DADDR:
	case SUBJECT_ETHER_TYPE:
	case SUBJECT_VLAN:
	case SUBJECT_VLAN_ID:
		if (!hooks[hook].link_layer)
			why = "a packet has no Ethernet header there";
		break;
	case SUBJECT_ARP:
	case SUBJECT_ARP_OPERATION:
	case SUBJECT_ARP_SADDR_IP:
	case SUBJECT_ARP_DADDR_IP:
		if (!hooks[hook].link_layer)
			why = "only IPv4 and IPv6 packets come by there, ARP belongs to no process";
		break;
	case SUBJECT_META_MARK:
		if (hooks[hook].xdp)
			why = "a packet gets its mark only behind XDP";
		break;
	case SUBJECT_META_OIF:
		if (!hooks[hook].leaving)
			why = "the way out of a packet that comes in is not known there";
		break;
	case SUBJECT_META_IIF:
		if (hook == WEIR_HOOK_TC_ACTION)
			why = "an action does not know whether a packet comes in or leaves";
		else if (hook == WEIR_HOOK_CGROUP_EGRESS)
			why = "what leaves a cgroup was made on this host and came in by no interface";
		break;
	default:
		break;
	}
	if (why && ret_why)
		*ret_why = why;
	return !why;
}

const char *verdict_name(enum weir_verdict verdict)
{
	static const char *const names[] = {
#define X(id, name) name,
		WEIR_VERDICTS(X)
#undef X
	};

	return names[verdict];
}

bool hook_has_effect(enum weir_hook hook, uint32_t flag, const char **ret_why)
{
	const char *why = NULL;

	switch (flag) {
	case WEIR_ACTION_MARK:
	case WEIR_ACTION_PRIORITY:
	case WEIR_ACTION_PRIORITY_MARK:
	case WEIR_ACTION_COUNT_MARK:
		if (hooks[hook].xdp)
			why = "a packet gets mark and priority only behind XDP";
		break;
	default:
		break;
	}
	if (why && ret_why)
		*ret_why = why;
	return !why;
}

bool hook_has_verdict(enum weir_hook hook, enum weir_verdict verdict, const char **ret_why)
{
	const char *why = NULL;

	switch (verdict) {
	case WEIR_VERDICT_FINAL:
		if (hooks[hook].xdp)
			why = "one program alone stands at XDP, so nobody is behind it";
		else if (!hooks[hook].link_layer)
			why = "all programs of a cgroup are asked, whatever one of them says";
		break;
	case WEIR_VERDICT_RECLASSIFY:
	case WEIR_VERDICT_DEFAULT:
		if (hook != WEIR_HOOK_TC_ACTION)
			why = "only an action of tc's can say that to the filter that called it";
		break;
	case WEIR_VERDICT_FORWARD:
		if (hook == WEIR_HOOK_TC_ACTION)
			why = "an action that forwards is tc's own mirred";
		else if (!hooks[hook].link_layer)
			why = "a program there lets a packet pass or drops it";
		break;
	case WEIR_VERDICT_BOUNCE:
		if (hook == WEIR_HOOK_TC_ACTION)
			why = "an action that forwards is tc's own mirred";
		else if (!hooks[hook].link_layer)
			why = "a program there lets a packet pass or drops it";
		else if (hooks[hook].leaving)
			why = "a packet that leaves would come by again for ever";
		break;
	case WEIR_VERDICT_CLASS:
		why = "only a chain that is a qdisc's classifier names classes";
		break;
	case WEIR_VERDICT_XSK:
		if (!hooks[hook].xdp)
			why = "only XDP hands packets to AF_XDP sockets";
		break;
	case WEIR_VERDICT_REDIRECT:
	case WEIR_VERDICT_DNAT:
		if (hooks[hook].xdp)
			why = "there is no socket yet to ask for, and no way back beside it";
		else if (!hooks[hook].link_layer)
			why = "a packet there has a socket already";
		else if (hook == WEIR_HOOK_TC_ACTION)
			why = "an action sees one direction, and the way back is another's";
		else if (hooks[hook].leaving && verdict == WEIR_VERDICT_REDIRECT)
			why = "a packet that leaves is not for a socket of this host";
		break;
	default:
		break;
	}
	if (why && ret_why)
		*ret_why = why;
	return !why;
}
