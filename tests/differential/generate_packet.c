// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random packets. A wish (the fields a packet should have) is made from a box of some rule and from pools, written out as a
 * frame that has these fields as far as a frame can, and then perhaps damaged: cut, padded, a byte changed, a length false.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "differential.h"

struct frame {
	struct random *random;
	struct test_packet *packet;
	const struct weir_flow *wish;
	unsigned vlan_tags;
};

static void set_field(struct weir_flow *flow, enum weir_field field, uint64_t value)
{
	switch (field) {
#define X(id, member, bits)                                                                                                      \
	case WEIR_FIELD_##id:                                                                                                    \
		flow->member = (__typeof__(flow->member))value;                                                                  \
		break;
		WEIR_FIELDS(X)
#undef X
	case WEIR_FIELD_COUNT:
		break;
	}
}

/* ---- The wish ---- */

static void wish_by_chance(struct random *random, struct weir_flow *wish)
{
	static const uint32_t addresses[] = { 0x0a000001, 0x0a000002, 0x0a0000ff, 0x0a000100,
					      0x0aff0000, 0xc0a80101, 0,	  0xffffffff };
	static const uint64_t his[] = { 0x20010db800000000, 0x20010db800000001, 0xfe80000000000000, 0, UINT64_MAX };
	static const uint64_t los[] = { 0, 1, 2, 0xff, 0x8000000000000000, UINT64_MAX };
	static const uint16_t ports[] = { 0, 22, 53, 80, 443, 1024, 8080, 65535 };
	static const uint8_t protocols[] = { 6, 6, 6, 17, 17, 1, 58, 132, 47, 0, 44, 59, 50, 255 };
	static const uint8_t networks[] = { WEIR_NETWORK_IPV4, WEIR_NETWORK_IPV4,     WEIR_NETWORK_IPV6, WEIR_NETWORK_IPV6,
					    WEIR_NETWORK_ARP,  WEIR_NETWORK_ARP_IPV4, WEIR_NETWORK_OTHER };
	static const uint8_t flags[] = { 0, 1, 2, 0x12, 0x10, 4, 0x29, 0xff, 0xc2 };
	static const uint8_t types[] = { 0, 3, 8, 11, 128, 129, 135, 255 };

	wish->saddr4 = random_of(random, addresses);
	wish->daddr4 = random_of(random, addresses);
	wish->saddr_hi = random_of(random, his);
	wish->saddr_lo = random_of(random, los);
	wish->daddr_hi = random_of(random, his);
	wish->daddr_lo = random_of(random, los);
	wish->ether_saddr = 0x020000000000 | random_below(random, 3);
	wish->ether_daddr = 0x020000000000 | random_below(random, 3);
	wish->ether_type = random_chance(random, 50) ? 0x88cc : (uint16_t)random_below(random, 0x600);
	wish->vlan_tags = random_chance(random, 80) ? 0 : (uint8_t)random_below(random, 4);
	wish->vlan_id = (uint16_t)random_below(random, 4096);
	wish->arp_operation = (uint16_t)random_below(random, 3);
	wish->network = random_of(random, networks);
	wish->protocol = random_of(random, protocols);
	wish->dscp = (uint8_t)random_below(random, 64);
	wish->hop_limit = (uint8_t)random_below(random, 256);
	wish->sport = random_of(random, ports);
	wish->dport = random_of(random, ports);
	wish->tcp_flags = random_of(random, flags);
	wish->icmp_type = random_of(random, types);
	wish->icmp_code = (uint8_t)random_below(random, 4);
	wish->mark = (uint32_t)random_below(random, 9);
	wish->iif = (uint32_t)random_below(random, 9);
	if (random_chance(random, 12))
		wish->frag_off = random_chance(random, 50) ? 0x2000 : (uint16_t)random_below(random, 0x4000) & 0x2003;
}

/* A value inside the constraint, preferably at a border; sometimes just outside. */
static uint64_t pick_value(struct random *random, const struct constraint *constraint)
{
	const struct interval *interval = &constraint->intervals[random_below(random, constraint->count)];
	uint64_t width = interval->high - interval->low;

	switch (random_below(random, 8)) {
	case 0:
		return interval->low - 1;
	case 1:
		return interval->high + 1;
	case 2:
	case 3:
		return interval->high;
	case 4:
		return width == UINT64_MAX ? random_next(random) : interval->low + random_below(random, width + 1);
	}
	return interval->low;
}

static void wish_member(struct random *random, const struct rule_list *rules, const struct dimension *dimension,
			struct weir_flow *wish)
{
	const struct policy_set *set = rules->sets[dimension->set].set;
	const struct set_element *element;

	if (!set->element_count)
		return;
	element = &set->elements[random_below(random, set->element_count)];
	for (uint32_t i = 0; i < dimension->key_count; i++) {
		enum weir_field field = dimension->keys[i];
		struct value value = random_chance(random, 50) ? element->keys[i].low : element->keys[i].high;
		bool wide = field == WEIR_FIELD_SADDR_HI || field == WEIR_FIELD_DADDR_HI;

		if (random_chance(random, 15))
			value.lo += random_chance(random, 50) ? 1 : UINT64_MAX;
		set_field(wish, field, wide ? value.hi : value.lo);
		if (wide)
			set_field(wish, field + 1, value.lo);
	}
}

static void wish_constraint(struct random *random, const struct rule_list *rules, const struct constraint *constraint,
			    struct weir_flow *wish)
{
	static const uint8_t carried[] = { 0, 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6 };
	const struct dimension *dimension = &rules->dimensions[constraint->dimension];
	uint64_t value;

	if (dimension->kind == DIMENSION_SET)
		wish_member(random, rules, dimension, wish);
	if (dimension->kind != DIMENSION_FIELD)
		return;
	value = pick_value(random, constraint);
	if (dimension->mask != dimension->max || dimension->field == WEIR_FIELD_TCP_FLAGS)
		value = (value & dimension->mask) | (random_next(random) & ~dimension->mask & 0xffff);
	if (dimension->field == WEIR_FIELD_NETWORK || dimension->field == WEIR_FIELD_TRANSPORT)
		value = constraint->intervals[0].low +
			random_below(random, constraint->intervals[0].high - constraint->intervals[0].low + 1);
	set_field(wish, dimension->field, value);
	if (dimension->field == WEIR_FIELD_TRANSPORT && value < sizeof(carried)) {
		wish->protocol = carried[value];
		if (wish->network != WEIR_NETWORK_IPV4 && wish->network != WEIR_NETWORK_IPV6)
			wish->network = random_chance(random, 50) ? WEIR_NETWORK_IPV4 : WEIR_NETWORK_IPV6;
		if (value == WEIR_TRANSPORT_ICMP)
			wish->network = WEIR_NETWORK_IPV4;
		if (value == WEIR_TRANSPORT_ICMPV6)
			wish->network = WEIR_NETWORK_IPV6;
	}
}

static void wish_rule(struct random *random, const struct rule_list *rules, struct weir_flow *wish)
{
	const struct rule *rule = &rules->rules[random_below(random, rules->rule_count)];
	const struct box *box;

	if (!rule->box_count)
		return;
	box = &rule->boxes[random_below(random, rule->box_count)];
	wish->malformed = 0;
	for (uint32_t i = 0; i < box->count; i++)
		if (random_chance(random, 95))
			wish_constraint(random, rules, &box->constraints[i], wish);
}

/* ---- The frame ---- */

static uint8_t *grow(struct frame *frame, size_t bytes)
{
	uint8_t *at = frame->packet->frame + frame->packet->length;

	memset(at, 0, bytes);
	frame->packet->length += bytes;
	return at;
}

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

static void put_random(struct frame *frame, size_t bytes)
{
	uint8_t *at = grow(frame, bytes);

	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)random_next(frame->random);
}

static void put_link(struct frame *frame)
{
	static const uint16_t types[] = { 0, ETH_P_ARP, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 };
	static const uint16_t tags[] = { ETH_P_8021Q, ETH_P_8021AD, 0x9100 };
	const struct weir_flow *wish = frame->wish;
	uint8_t *at = grow(frame, 12);

	put(at, wish->ether_daddr, 6);
	put(at + 6, wish->ether_saddr, 6);
	for (unsigned i = 0; i < frame->vlan_tags; i++) {
		at = grow(frame, 4);
		put(at, random_of(frame->random, tags), 2);
		put(at + 2, i ? random_next(frame->random) : wish->vlan_id | (random_next(frame->random) & 0xf000), 2);
	}
	put(grow(frame, 2), wish->network >= 1 && wish->network <= 4 ? types[wish->network] : wish->ether_type, 2);
}

static void put_arp(struct frame *frame)
{
	const struct weir_flow *wish = frame->wish;
	uint8_t *at = grow(frame, 28);

	put(at, 1, 2);
	put(at + 2, ETH_P_IP, 2);
	at[4] = 6;
	at[5] = 4;
	put(at + 6, wish->arp_operation, 2);
	put(at + 14, wish->saddr4, 4);
	put(at + 24, wish->daddr4, 4);
	if (wish->network == WEIR_NETWORK_ARP)
		at[random_below(frame->random, 6)] ^= 1u << random_below(frame->random, 8);
}

static void put_transport(struct frame *frame, unsigned protocol)
{
	const struct weir_flow *wish = frame->wish;
	bool ports = protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
	unsigned options =
		protocol == IPPROTO_TCP && random_chance(frame->random, 20) ? (unsigned)random_below(frame->random, 11) : 0;
	uint8_t *at = grow(frame, protocol == IPPROTO_TCP ? 20 + 4 * options : protocol == IPPROTO_SCTP ? 12 : 8);

	if (ports) {
		put(at, wish->sport, 2);
		put(at + 2, wish->dport, 2);
	}
	if (protocol == IPPROTO_TCP) {
		at[12] = (uint8_t)((5 + options) << 4);
		if (random_chance(frame->random, 4))
			at[12] = (uint8_t)random_next(frame->random);
		at[13] = wish->tcp_flags;
	}
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6) {
		at[0] = wish->icmp_type;
		at[1] = wish->icmp_code;
	}
	/* A header cut by the packet's own lengths, above all in a first fragment. */
	if (random_chance(frame->random, wish->frag_off ? 30 : 2))
		frame->packet->length -= 1 + random_below(frame->random, 8);
}

/* Data behind the transport header: as much as wished lengths ask for, where that is possible. */
static void put_payload(struct frame *frame, size_t network_at, size_t header)
{
	const struct weir_flow *wish = frame->wish;
	size_t length = frame->packet->length, wanted = length;

	if (wish->protocol == IPPROTO_TCP && length < 500 && random_chance(frame->random, 60)) {
		frame->packet->length += generate_request(frame->random, frame->packet->frame + length, 1000);
		return;
	}
	if (wish->ip_length && network_at + header + wish->ip_length > length)
		wanted = network_at + header + wish->ip_length;
	else if (wish->length > length)
		wanted = wish->length;
	else if (random_chance(frame->random, 50))
		wanted = length + random_below(frame->random, 40);
	if (wanted > length && wanted <= 1514)
		put_random(frame, wanted - length);
}

static void put_ipv4(struct frame *frame)
{
	const struct weir_flow *wish = frame->wish;
	size_t begin = frame->packet->length;
	unsigned options = random_chance(frame->random, 10) ? (unsigned)random_below(frame->random, 11) : 0;
	uint8_t *at = grow(frame, 20 + 4 * options);

	at[0] = (uint8_t)(0x45 + options);
	at[1] = (uint8_t)(wish->dscp << 2 | (random_next(frame->random) & 3));
	put(at + 6, wish->frag_off, 2);
	at[8] = wish->hop_limit;
	at[9] = wish->protocol;
	put(at + 12, wish->saddr4, 4);
	put(at + 16, wish->daddr4, 4);
	put_transport(frame, wish->protocol);
	put_payload(frame, begin, 0);
	put(at + 2, frame->packet->length - begin, 2);
	if (random_chance(frame->random, 3))
		put(at + 2, random_below(frame->random, 100), 2);
}

static bool is_extension(unsigned protocol)
{
	static const uint8_t kinds[] = { 0, 43, 44, 51, 60, 135, 139, 140 };

	return memchr(kinds, (int)protocol, sizeof(kinds)) != NULL;
}

/* One extension header of a kind, the next one's number left for later. */
static uint8_t *put_extension(struct frame *frame, unsigned kind)
{
	unsigned units = (unsigned)random_below(frame->random, 3);
	uint8_t *at;

	if (kind == IPPROTO_FRAGMENT) {
		static const uint16_t fields[] = { 0, 1, 1, 1, 8, 9, 16, 0xfff9, 2, 6 };

		at = grow(frame, 8);
		put(at + 2, random_of(frame->random, fields), 2);
		return at;
	}
	at = grow(frame, kind == IPPROTO_AH ? (units + 2) * 4 : (units + 1) * 8);
	at[1] = (uint8_t)units;
	if (random_chance(frame->random, 2))
		at[1] = (uint8_t)random_next(frame->random);
	return at;
}

static void put_ipv6(struct frame *frame)
{
	static const uint8_t kinds[] = { 0, 43, 44, 51, 60, 60, 135, 139, 140 };
	const struct weir_flow *wish = frame->wish;
	size_t begin = frame->packet->length;
	uint8_t *at = grow(frame, 40), *next = at + 6;
	unsigned count = random_chance(frame->random, 25)
				 ? 1 + (unsigned)random_below(frame->random, random_chance(frame->random, 30) ? 11 : 3)
				 : 0;

	put(at, 0x60000000 | (uint32_t)wish->dscp << 22 | (random_next(frame->random) & 0x3fffff), 4);
	at[7] = wish->hop_limit;
	put(at + 8, wish->saddr_hi, 8);
	put(at + 16, wish->saddr_lo, 8);
	put(at + 24, wish->daddr_hi, 8);
	put(at + 32, wish->daddr_lo, 8);
	if (wish->next_header && is_extension(wish->next_header) && !count)
		count = 1;
	for (unsigned i = 0; i < count; i++) {
		unsigned kind = !i && is_extension(wish->next_header) ? wish->next_header : random_of(frame->random, kinds);

		*next = (uint8_t)kind;
		next = put_extension(frame, kind);
	}
	*next = !count && wish->next_header ? wish->next_header : wish->protocol;
	put_transport(frame, *next);
	put_payload(frame, begin, 40);
	put(at + 4, frame->packet->length - begin - 40, 2);
	if (random_chance(frame->random, 3))
		put(at + 4, random_below(frame->random, 100), 2);
}

static void damage(struct frame *frame, bool wanted)
{
	struct test_packet *packet = frame->packet;
	unsigned percent = wanted ? 60 : 8;

	if (random_chance(frame->random, percent))
		packet->length = random_below(frame->random, packet->length + 1);
	if (random_chance(frame->random, percent) && packet->length > 12)
		packet->frame[12 + random_below(frame->random, packet->length - 12)] = (uint8_t)random_next(frame->random);
	if (random_chance(frame->random, 5))
		put_random(frame, random_below(frame->random, 30));
}

void generate_packet(struct random *random, const struct rule_list *rules, struct test_packet *ret_packet)
{
	struct weir_flow wish = { 0 };
	struct frame frame = { .random = random, .packet = ret_packet, .wish = &wish };

	wish_by_chance(random, &wish);
	if (random_chance(random, 85))
		wish_rule(random, rules, &wish);
	if (random_chance(random, 10))
		wish_rule(random, rules, &wish); /* something between two rules */
	if (rules->hook >= WEIR_HOOK_CGROUP_INGRESS && random_chance(random, 95)) {
		wish.vlan_tags = 0;
		if (wish.network != WEIR_NETWORK_IPV6)
			wish.network = WEIR_NETWORK_IPV4;
	}
	frame.vlan_tags = wish.vlan_tags > 3 ? 3 : wish.vlan_tags;
	ret_packet->length = 0;
	ret_packet->context = (struct packet_context){ .mark = wish.mark, .iif = wish.iif, .oif = 1 };
	put_link(&frame);
	if (wish.network == WEIR_NETWORK_IPV4)
		put_ipv4(&frame);
	else if (wish.network == WEIR_NETWORK_IPV6)
		put_ipv6(&frame);
	else if (wish.network == WEIR_NETWORK_ARP || wish.network == WEIR_NETWORK_ARP_IPV4)
		put_arp(&frame);
	else
		put_random(&frame, random_below(random, 60));
	damage(&frame, wish.malformed != 0);
}
