// SPDX-License-Identifier: GPL-2.0-only
/*
 * A profile is one choice of: well formed or not, network, transport, and kind of protocol; ether_type follows. Which go
 * together is what the decided parsing says (rules/packet_parse.c): a malformed packet has no transport; a later
 * fragment has a protocol and no transport; ICMP is looked into under IPv4 only, ICMPv6 under IPv6 only.
 */
#include "tree/facts.h"

#include <netinet/in.h>

#include "rules/intervals.h"

enum protocol_kind { KIND_TCP, KIND_UDP, KIND_SCTP, KIND_ICMP, KIND_ICMPV6, KIND_REST, KIND_COUNT };

static const uint8_t kind_protocols[KIND_REST] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6 };
static const uint8_t kind_transports[KIND_REST] = { WEIR_TRANSPORT_TCP, WEIR_TRANSPORT_UDP, WEIR_TRANSPORT_SCTP,
						    WEIR_TRANSPORT_ICMP, WEIR_TRANSPORT_ICMPV6 };
static const struct interval rest_protocols[] = { { 0, 0 }, { 2, 5 }, { 7, 16 }, { 18, 57 }, { 59, 131 }, { 133, 255 } };
_Static_assert(IPPROTO_ICMP == 1 && IPPROTO_TCP == 6 && IPPROTO_UDP == 17 && IPPROTO_ICMPV6 == 58 && IPPROTO_SCTP == 132,
	       "rest_protocols leaves out what has a kind of its own");

/* Numbered through: malformed, then network, then transport or not, then kind of protocol. */
#define NETWORKS      (WEIR_NETWORK_IPV6 + 1)
#define PROFILE_COUNT 64

struct profile {
	bool malformed, header; /* header: a transport header lies in the packet */
	enum weir_network network;
	enum protocol_kind kind;
};

/* Without IP there is one profile for each network, with it one for each kind and with and without a transport header. */
static bool profile_of(unsigned number, struct profile *ret_profile)
{
	struct profile profile = { .malformed = number & 1, .header = number >> 1 & 1, .kind = KIND_REST };
	unsigned rest = number >> 2;

	if (rest < WEIR_NETWORK_IPV4) {
		profile.network = (enum weir_network)rest;
	} else {
		rest -= WEIR_NETWORK_IPV4;
		profile.network = WEIR_NETWORK_IPV4 + rest / KIND_COUNT;
		profile.kind = rest % KIND_COUNT;
	}
	if (profile.network >= NETWORKS || (profile.header && (profile.malformed || profile.network < WEIR_NETWORK_IPV4)))
		return false;
	*ret_profile = profile;
	return true;
}

static uint64_t transport_of(const struct profile *profile)
{
	bool foreign = profile->kind == (profile->network == WEIR_NETWORK_IPV4 ? KIND_ICMPV6 : KIND_ICMP);

	if (!profile->header)
		return WEIR_TRANSPORT_NONE;
	return profile->kind == KIND_REST || foreign ? WEIR_TRANSPORT_OTHER : kind_transports[profile->kind];
}

/* The values that a field can have in packets of a profile. */
static struct interval_list values_of(const struct profile *profile, enum weir_field field, struct interval *room)
{
	static const uint16_t types[] = { 0, 0x0806, 0x0806, 0x0800, 0x86dd };

	switch (field) {
	case WEIR_FIELD_MALFORMED:
		*room = profile->malformed ? (struct interval){ 1, 255 } : (struct interval){ 0, 0 };
		break;
	case WEIR_FIELD_NETWORK:
		*room = (struct interval){ profile->network, profile->network };
		break;
	case WEIR_FIELD_TRANSPORT:
		*room = (struct interval){ transport_of(profile), transport_of(profile) };
		break;
	case WEIR_FIELD_ETHER_TYPE:
		*room = (struct interval){ types[profile->network], types[profile->network] };
		if (profile->network == WEIR_NETWORK_OTHER)
			room->high = 0xffff;
		break;
	default: /* protocol */
		if (profile->network < WEIR_NETWORK_IPV4)
			*room = (struct interval){ 0, 0 };
		else if (profile->kind == KIND_REST)
			return (struct interval_list){ sizeof(rest_protocols) / sizeof(*rest_protocols), rest_protocols };
		else
			*room = (struct interval){ kind_protocols[profile->kind], kind_protocols[profile->kind] };
	}
	return (struct interval_list){ 1, room };
}

profile_set facts_all(void)
{
	struct profile profile;
	profile_set all = 0;

	for (unsigned i = 0; i < PROFILE_COUNT; i++)
		all |= (profile_set)profile_of(i, &profile) << i;
	return all;
}

bool facts_concern(const struct dimension *dimension)
{
	if (dimension->kind != DIMENSION_FIELD)
		return false;
	switch (dimension->field) {
	case WEIR_FIELD_MALFORMED:
	case WEIR_FIELD_NETWORK:
	case WEIR_FIELD_TRANSPORT:
	case WEIR_FIELD_PROTOCOL:
		return dimension->mask == 0xff;
	case WEIR_FIELD_ETHER_TYPE:
		return dimension->mask == 0xffff;
	default:
		return false;
	}
}

/* The profiles whose values of a dimension are to these intervals as RELATED says. */
static profile_set profiles_where(const struct dimension *dimension, const struct interval *intervals, uint32_t count,
				  bool (*related)(const struct interval *, uint32_t, const struct interval *, uint32_t))
{
	struct profile profile;
	struct interval room;
	profile_set set = 0;

	for (unsigned i = 0; i < PROFILE_COUNT; i++) {
		struct interval_list values;

		if (!profile_of(i, &profile))
			continue;
		values = values_of(&profile, dimension->field, &room);
		set |= (profile_set)related(values.items, values.count, intervals, count) << i;
	}
	return set;
}

profile_set facts_may(const struct dimension *dimension, const struct interval *intervals, uint32_t count)
{
	return profiles_where(dimension, intervals, count, intervals_meet);
}

profile_set facts_sure(const struct dimension *dimension, const struct interval *intervals, uint32_t count)
{
	return profiles_where(dimension, intervals, count, intervals_subset);
}

struct interval facts_range(const struct dimension *dimension, profile_set profiles)
{
	struct interval range = { UINT64_MAX, 0 }, room;
	struct profile profile;

	for (unsigned i = 0; i < PROFILE_COUNT; i++) {
		struct interval_list values;

		if (!(profiles >> i & 1) || !profile_of(i, &profile))
			continue;
		values = values_of(&profile, dimension->field, &room);
		if (values.items[0].low < range.low)
			range.low = values.items[0].low;
		if (values.items[values.count - 1].high > range.high)
			range.high = values.items[values.count - 1].high;
	}
	return range;
}

struct weir_flow facts_example(profile_set profiles)
{
	struct weir_flow flow = { 0 };
	struct profile profile;
	struct interval room;

	for (unsigned i = 0; i < PROFILE_COUNT; i++) {
		if (!(profiles >> i & 1) || !profile_of(i, &profile))
			continue;
		flow.malformed = profile.malformed;
		flow.network = profile.network;
		flow.transport = (uint8_t)transport_of(&profile);
		flow.protocol = (uint8_t)values_of(&profile, WEIR_FIELD_PROTOCOL, &room).items[0].low;
		flow.ether_type = (uint16_t)values_of(&profile, WEIR_FIELD_ETHER_TYPE, &room).items[0].low;
		break;
	}
	return flow;
}
