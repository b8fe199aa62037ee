// SPDX-License-Identifier: GPL-2.0-only
/* A parsed packet in the words that packet_from_words reads, as far as the flow still knows it. */
#include "check/names.h"
#include "check/policy.h"
#include "rules/packet.h"

static const char *ether_words(struct arena *arena, uint64_t address)
{
	return value_print(arena, TYPE_ETHER_ADDR, (struct value){ 0, address });
}

static const char *ipv4_words(struct arena *arena, uint32_t address)
{
	return value_print(arena, TYPE_IPV4_ADDR, (struct value){ 0, address });
}

static const char *ipv6_words(struct arena *arena, uint64_t hi, uint64_t lo)
{
	return value_print(arena, TYPE_IPV6_ADDR, (struct value){ hi, lo });
}

static const char *tcp_flags_words(struct arena *arena, uint8_t flags)
{
	const char *words = "";

	for (unsigned bit = 0; bit < 8; bit++)
		if (flags & 1u << bit)
			words = arena_printf(arena, "%s %s", words, name_word(TYPE_TCP_FLAGS, 1u << bit));
	return flags ? words : " flags 0";
}

static const char *icmp_words(struct arena *arena, const struct weir_flow *flow)
{
	bool six = flow->transport == WEIR_TRANSPORT_ICMPV6;
	const char *name = name_word(six ? TYPE_ICMPV6_TYPE : TYPE_ICMP_TYPE, flow->icmp_type);
	const char *words = name ? arena_printf(arena, " %s", name) : arena_printf(arena, " type %u", flow->icmp_type);

	return flow->icmp_code ? arena_printf(arena, "%s code %u", words, flow->icmp_code) : words;
}

/* "ip A > B protocol 47", "tcp A:P > B:P syn" and so on. */
static const char *ip_words(struct arena *arena, const struct weir_flow *flow)
{
	static const char *const transports[] = { NULL, NULL, "tcp", "udp", "sctp", "icmp", "icmpv6" };
	bool six = flow->network == WEIR_NETWORK_IPV6;
	const char *saddr = six ? ipv6_words(arena, flow->saddr_hi, flow->saddr_lo) : ipv4_words(arena, flow->saddr4);
	const char *daddr = six ? ipv6_words(arena, flow->daddr_hi, flow->daddr_lo) : ipv4_words(arena, flow->daddr4);
	const char *transport = transports[flow->transport];
	const char *open = six ? "[" : "", *close = six ? "]" : "";

	switch (flow->transport) {
	case WEIR_TRANSPORT_TCP:
	case WEIR_TRANSPORT_UDP:
	case WEIR_TRANSPORT_SCTP:
		return arena_printf(arena, "%s %s%s%s:%u > %s%s%s:%u%s", transport, open, saddr, close, flow->sport, open, daddr,
				    close, flow->dport,
				    flow->transport == WEIR_TRANSPORT_TCP ? tcp_flags_words(arena, flow->tcp_flags) : "");
	case WEIR_TRANSPORT_ICMP:
	case WEIR_TRANSPORT_ICMPV6:
		return arena_printf(arena, "%s %s > %s%s", transport, saddr, daddr, icmp_words(arena, flow));
	}
	return arena_printf(arena, "%s %s > %s protocol %u", six ? "ip6" : "ip", saddr, daddr, flow->protocol);
}

static const char *fragment_words(struct arena *arena, const struct weir_flow *flow)
{
	if (!flow->fragment)
		return "";
	if (flow->network == WEIR_NETWORK_IPV4)
		return arena_printf(arena, " frag %u%s", flow->frag_off & 0x1fff, flow->frag_off & 0x2000 ? "+" : "");
	return flow->transport == WEIR_TRANSPORT_NONE ? " later-fragment" : " first-fragment";
}

static const char *network_words(struct arena *arena, const struct weir_flow *flow)
{
	switch (flow->network) {
	case WEIR_NETWORK_ARP:
		return arena_printf(arena, "arp operation %u", flow->arp_operation);
	case WEIR_NETWORK_ARP_IPV4:
		if (flow->arp_operation == 1)
			return arena_printf(arena, "arp who-has %s tell %s", ipv4_words(arena, flow->daddr4),
					    ipv4_words(arena, flow->saddr4));
		if (flow->arp_operation == 2)
			return arena_printf(arena, "arp reply %s > %s", ipv4_words(arena, flow->saddr4),
					    ipv4_words(arena, flow->daddr4));
		return arena_printf(arena, "arp operation %u %s > %s", flow->arp_operation, ipv4_words(arena, flow->saddr4),
				    ipv4_words(arena, flow->daddr4));
	case WEIR_NETWORK_IPV4:
	case WEIR_NETWORK_IPV6:
		return arena_printf(arena, "%s%s", ip_words(arena, flow), fragment_words(arena, flow));
	}
	return arena_printf(arena, "ether %s > %s type 0x%04x", ether_words(arena, flow->ether_saddr),
			    ether_words(arena, flow->ether_daddr), flow->ether_type);
}

const char *packet_print(struct arena *arena, const struct weir_flow *flow)
{
	static const char *const faults[] = {
#define X(id, name, text) name,
		WEIR_MALFORMED(X)
#undef X
	};
	const char *words = network_words(arena, flow);

	if (flow->vlan_tags)
		words = arena_printf(arena, "%s vlan %u", words, flow->vlan_id);
	if (flow->vlan_tags > 1)
		words = arena_printf(arena, "%s (outermost of %u)", words, flow->vlan_tags);
	if (flow->dscp)
		words = arena_printf(arena, "%s dscp %u", words, flow->dscp);
	if (flow->mark)
		words = arena_printf(arena, "%s mark %u", words, flow->mark);
	if (flow->malformed)
		words = arena_printf(arena, "%s (malformed: %s)", words,
				     flow->malformed < WEIR_MALFORMED_COUNT ? faults[flow->malformed] : "?");
	return words;
}
