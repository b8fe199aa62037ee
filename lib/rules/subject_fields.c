// SPDX-License-Identifier: GPL-2.0-only
#include "rules/subject_fields.h"

#include <netinet/in.h>

/* For the table below, which is read as: subject, field of its value, what it needs, what that implies. */
#define NETWORK(low, high)                                                                                                       \
	{                                                                                                                        \
		WEIR_FIELD_NETWORK, 1,                                                                                           \
		{                                                                                                                \
			{                                                                                                        \
				WEIR_NETWORK_##low, WEIR_NETWORK_##high                                                          \
			}                                                                                                        \
		}                                                                                                                \
	}
#define TRANSPORT(low, high)                                                                                                     \
	{                                                                                                                        \
		WEIR_FIELD_TRANSPORT, 1,                                                                                         \
		{                                                                                                                \
			{                                                                                                        \
				WEIR_TRANSPORT_##low, WEIR_TRANSPORT_##high                                                      \
			}                                                                                                        \
		}                                                                                                                \
	}
#define PROTOCOL(number)                                                                                                         \
	{                                                                                                                        \
		WEIR_FIELD_PROTOCOL, 1,                                                                                          \
		{                                                                                                                \
			{                                                                                                        \
				number, number                                                                                   \
			}                                                                                                        \
		}                                                                                                                \
	}
#define ETHER_TYPE(number)                                                                                                       \
	{                                                                                                                        \
		WEIR_FIELD_ETHER_TYPE, 1,                                                                                        \
		{                                                                                                                \
			{                                                                                                        \
				number, number                                                                                   \
			}                                                                                                        \
		}                                                                                                                \
	}
#define AT_LEAST_ONE(id, max)                                                                                                    \
	{                                                                                                                        \
		WEIR_FIELD_##id, 1,                                                                                              \
		{                                                                                                                \
			{                                                                                                        \
				1, max                                                                                           \
			}                                                                                                        \
		}                                                                                                                \
	}

#define ANY_LINK .what = "link-layer header"
#define TAGGED	 .needs = { AT_LEAST_ONE(VLAN_TAGS, 0xff) }, .what = "VLAN tag"
#define ANY_ARP	 .needs = { NETWORK(ARP, ARP_IPV4) }, .implies = { ETHER_TYPE(0x0806) }, .what = "ARP header"
#define ARP_OF_IPV4                                                                                                              \
	.needs = { NETWORK(ARP_IPV4, ARP_IPV4) }, .implies = { ETHER_TYPE(0x0806) }, .what = "ARP header with IPv4 addresses"
#define HAS_IPV4 .needs = { NETWORK(IPV4, IPV4) }, .implies = { ETHER_TYPE(0x0800) }, .what = "IPv4 header"
#define HAS_IPV6 .needs = { NETWORK(IPV6, IPV6) }, .implies = { ETHER_TYPE(0x86dd) }, .what = "IPv6 header"
#define WITH_ICMP                                                                                                                \
	.needs = { TRANSPORT(ICMP, ICMP) }, .implies = { NETWORK(IPV4, IPV4), PROTOCOL(IPPROTO_ICMP) }, .what = "ICMP header"
#define WITH_ICMPV6                                                                                                              \
	.needs = { TRANSPORT(ICMPV6, ICMPV6) }, .implies = { NETWORK(IPV6, IPV6), PROTOCOL(IPPROTO_ICMPV6) },                    \
	.what = "ICMPv6 header"
#define WITH_TCP .needs = { TRANSPORT(TCP, TCP) }, .implies = { NETWORK(IPV4, IPV6), PROTOCOL(IPPROTO_TCP) }, .what = "TCP header"
#define WITH_UDP .needs = { TRANSPORT(UDP, UDP) }, .implies = { NETWORK(IPV4, IPV6), PROTOCOL(IPPROTO_UDP) }, .what = "UDP header"
#define WITH_SCTP                                                                                                                \
	.needs = { TRANSPORT(SCTP, SCTP) }, .implies = { NETWORK(IPV4, IPV6), PROTOCOL(IPPROTO_SCTP) }, .what = "SCTP header"
#define WITH_PORTS .needs = { TRANSPORT(TCP, SCTP) }, .implies = { NETWORK(IPV4, IPV6) }, .what = "TCP, UDP or SCTP header"

/*
 * A protocol's name alone (`tcp drop`) asks what the packet carries, not whether the header lies in this packet: a
 * later fragment of a TCP packet is TCP too, and only its ports are missing. So it looks at the protocol number.
 */
#define CARRIES(number, low, high, name) .needs = { NETWORK(low, high), PROTOCOL(number) }, .what = name

#define ALONE	  .field = WEIR_FIELD_COUNT
#define VALUE(id) .field = WEIR_FIELD_##id

static const struct subject_fields table[SUBJECT_COUNT] = {
	[SUBJECT_ETHER_SADDR] = { VALUE(ETHER_SADDR), ANY_LINK },
	[SUBJECT_ETHER_DADDR] = { VALUE(ETHER_DADDR), ANY_LINK },
	[SUBJECT_ETHER_TYPE] = { VALUE(ETHER_TYPE), ANY_LINK },
	[SUBJECT_VLAN] = { ALONE, TAGGED },
	[SUBJECT_VLAN_ID] = { VALUE(VLAN_ID), TAGGED },
	[SUBJECT_ARP] = { ALONE, ANY_ARP },
	[SUBJECT_ARP_OPERATION] = { VALUE(ARP_OPERATION), ANY_ARP },
	[SUBJECT_ARP_SADDR_IP] = { VALUE(SADDR4), ARP_OF_IPV4 },
	[SUBJECT_ARP_DADDR_IP] = { VALUE(DADDR4), ARP_OF_IPV4 },
	[SUBJECT_IP] = { ALONE, HAS_IPV4 },
	[SUBJECT_IP_SADDR] = { VALUE(SADDR4), HAS_IPV4 },
	[SUBJECT_IP_DADDR] = { VALUE(DADDR4), HAS_IPV4 },
	[SUBJECT_IP_PROTOCOL] = { VALUE(PROTOCOL), HAS_IPV4 },
	[SUBJECT_IP_DSCP] = { VALUE(DSCP), HAS_IPV4 },
	[SUBJECT_IP_TTL] = { VALUE(HOP_LIMIT), HAS_IPV4 },
	[SUBJECT_IP_FRAG_OFF] = { VALUE(FRAG_OFF), HAS_IPV4 },
	[SUBJECT_IP_LENGTH] = { VALUE(IP_LENGTH), HAS_IPV4 },
	[SUBJECT_IP6] = { ALONE, HAS_IPV6 },
	[SUBJECT_IP6_SADDR] = { VALUE(SADDR_HI), .wide = true, HAS_IPV6 },
	[SUBJECT_IP6_DADDR] = { VALUE(DADDR_HI), .wide = true, HAS_IPV6 },
	[SUBJECT_IP6_NEXTHDR] = { VALUE(NEXT_HEADER), HAS_IPV6 },
	[SUBJECT_IP6_DSCP] = { VALUE(DSCP), HAS_IPV6 },
	[SUBJECT_IP6_HOPLIMIT] = { VALUE(HOP_LIMIT), HAS_IPV6 },
	[SUBJECT_IP6_LENGTH] = { VALUE(IP_LENGTH), HAS_IPV6 },
	[SUBJECT_ICMP] = { ALONE, CARRIES(IPPROTO_ICMP, IPV4, IPV4, "ICMP") },
	[SUBJECT_ICMP_TYPE] = { VALUE(ICMP_TYPE), WITH_ICMP },
	[SUBJECT_ICMP_CODE] = { VALUE(ICMP_CODE), WITH_ICMP },
	[SUBJECT_ICMPV6] = { ALONE, CARRIES(IPPROTO_ICMPV6, IPV6, IPV6, "ICMPv6") },
	[SUBJECT_ICMPV6_TYPE] = { VALUE(ICMP_TYPE), WITH_ICMPV6 },
	[SUBJECT_ICMPV6_CODE] = { VALUE(ICMP_CODE), WITH_ICMPV6 },
	[SUBJECT_TCP] = { ALONE, CARRIES(IPPROTO_TCP, IPV4, IPV6, "TCP") },
	[SUBJECT_TCP_SPORT] = { VALUE(SPORT), WITH_TCP },
	[SUBJECT_TCP_DPORT] = { VALUE(DPORT), WITH_TCP },
	[SUBJECT_TCP_FLAGS] = { VALUE(TCP_FLAGS), WITH_TCP },
	[SUBJECT_UDP] = { ALONE, CARRIES(IPPROTO_UDP, IPV4, IPV6, "UDP") },
	[SUBJECT_UDP_SPORT] = { VALUE(SPORT), WITH_UDP },
	[SUBJECT_UDP_DPORT] = { VALUE(DPORT), WITH_UDP },
	[SUBJECT_SCTP] = { ALONE, CARRIES(IPPROTO_SCTP, IPV4, IPV6, "SCTP") },
	[SUBJECT_SCTP_SPORT] = { VALUE(SPORT), WITH_SCTP },
	[SUBJECT_SCTP_DPORT] = { VALUE(DPORT), WITH_SCTP },
	[SUBJECT_TH_SPORT] = { VALUE(SPORT), WITH_PORTS },
	[SUBJECT_TH_DPORT] = { VALUE(DPORT), WITH_PORTS },
	[SUBJECT_META_L4PROTO] = { VALUE(PROTOCOL), .needs = { NETWORK(IPV4, IPV6) }, .what = "IP header" },
	[SUBJECT_META_LENGTH] = { VALUE(LENGTH), .what = "length" },
	/* Number 0 is no interface: the packet was made here, or where it goes is not known. */
	[SUBJECT_META_IIF] = { VALUE(IIF), .needs = { AT_LEAST_ONE(IIF, 0xffffffff) }, .what = "interface it came in by" },
	[SUBJECT_META_OIF] = { VALUE(OIF), .needs = { AT_LEAST_ONE(OIF, 0xffffffff) }, .what = "interface it goes out by" },
	[SUBJECT_META_MARK] = { VALUE(MARK), .what = "mark" },
	[SUBJECT_HTTP_METHOD] = { ALONE, WITH_TCP },
	[SUBJECT_HTTP_PATH] = { ALONE, WITH_TCP },
	[SUBJECT_HTTP_HOST] = { ALONE, WITH_TCP },
	[SUBJECT_PCAP] = { ALONE, .what = "packet" },
	[SUBJECT_BYTECODE] = { ALONE, .what = "packet" },
	[SUBJECT_META_MALFORMED] = { VALUE(MALFORMED), .needs = { AT_LEAST_ONE(MALFORMED, 0xff) }, .what = "fault" },
};

const struct subject_fields *subject_fields(enum subject subject)
{
	return &table[subject];
}

bool match_needs(const struct policy_match *match, uint32_t component, struct demand ret_needs[SUBJECT_DEMANDS])
{
	const struct subject_fields *fields = &table[match->subjects[component]];
	bool any = false;

	for (unsigned i = 0; i < SUBJECT_DEMANDS; i++) {
		ret_needs[i] = fields->needs[i];
		any |= fields->needs[i].count != 0;
	}
	if (match->subjects[component] == SUBJECT_META_MALFORMED && match->set < 0 && match->range_count &&
	    !value_compare(match->ranges[0].low, (struct value){ 0, WEIR_MALFORMED_NONE })) {
		ret_needs[0].count = 0;
		return false;
	}
	return any;
}

uint32_t field_bits(enum weir_field field)
{
	static const uint8_t bits_of[] = {
#define X(id, member, bits) bits,
		WEIR_FIELDS(X)
#undef X
	};

	return bits_of[field];
}

uint64_t field_max(enum weir_field field)
{
	return field_bits(field) == 64 ? UINT64_MAX : (1ULL << field_bits(field)) - 1;
}

const char *field_name(enum weir_field field)
{
	static const char *const names[] = {
#define X(id, member, bits) #member,
		WEIR_FIELDS(X)
#undef X
	};

	return names[field];
}
