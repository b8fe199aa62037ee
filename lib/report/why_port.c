// SPDX-License-Identifier: GPL-2.0-only
/* What redirect and dnat would do with a packet, as far as the packet alone tells it. */
#include "report/why.h"

static void flow_key(const struct weir_flow *flow, struct weir_redirected_key *key)
{
	bool ipv4 = flow->network == WEIR_NETWORK_IPV4;

	*key = (struct weir_redirected_key){
		.saddr_hi = ipv4 ? 0 : flow->saddr_hi,
		.saddr_lo = ipv4 ? flow->saddr4 : flow->saddr_lo,
		.daddr_hi = ipv4 ? 0 : flow->daddr_hi,
		.daddr_lo = ipv4 ? flow->daddr4 : flow->daddr_lo,
		.sport = flow->sport,
		.dport = flow->dport,
		.protocol = flow->protocol,
		.network = flow->network,
	};
}

const char *why_port(struct arena *arena, const struct rule *rule, const struct weir_flow *flow)
{
	const struct weir_redirect *redirect = &rule->action.redirect;
	struct weir_redirected_key key;
	const char *text = NULL;

	if (rule->verdict != WEIR_VERDICT_REDIRECT && rule->verdict != WEIR_VERDICT_DNAT)
		return NULL;
	if (flow->transport != WEIR_TRANSPORT_TCP && flow->transport != WEIR_TRANSPORT_UDP)
		return "the packet has no ports, and goes on as it is";
	if (redirect->count == 1) {
		text = arena_printf(arena, "to port %u", redirect->first);
	} else if (redirect->choice == WEIR_CHOICE_HASH) {
		flow_key(flow, &key);
		text = arena_printf(arena, "to port %u, by hash",
				    redirect->first + weir_redirected_hash(&key, redirect->count, 0));
	} else {
		text = arena_printf(arena, "to the port of ports %u-%u %s", redirect->first,
				    redirect->first + redirect->count - 1u,
				    redirect->choice == WEIR_CHOICE_QUEUE ? "that belongs to its receive queue"
									   : "whose turn it is");
	}
	return arena_printf(arena, "%s%s; a connection that has a port keeps it", text,
			    !redirect->alive			     ? ""
			    : rule->verdict == WEIR_VERDICT_REDIRECT ? ", or another on which somebody listens"
								     : ", or another where it refused not long ago");
}
