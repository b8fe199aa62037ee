/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rule lists and flows made by a random generator, without any of the earlier stages, for the tests of tree and code.
 * Values come from small pools, so that rules overlap and flows meet them.
 */
#ifndef WEIR_TESTS_RANDOM_RULES_H
#define WEIR_TESTS_RANDOM_RULES_H

#include <stdlib.h>
#include <string.h>

#include "rules/intervals.h"
#include "rules/rules.h"

struct random {
	uint64_t state;
};

static inline uint64_t random_number(struct random *random)
{
	uint64_t z = (random->state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline uint32_t random_below(struct random *random, uint32_t limit)
{
	return random_number(random) % limit;
}

/* The dimensions of the lists: fields of each width, two under a mask, three sets. */
enum {
	RANDOM_MALFORMED,
	RANDOM_NETWORK,
	RANDOM_TRANSPORT,
	RANDOM_PROTOCOL,
	RANDOM_SADDR4,
	RANDOM_DADDR4,
	RANDOM_DPORT,
	RANDOM_FLAGS,
	RANDOM_FLAGS_MASKED,
	RANDOM_MARK_MASKED,
	RANDOM_ETHER,
	RANDOM_SADDR_HI,
	RANDOM_SADDR_LO,
	RANDOM_SET_IPV4,
	RANDOM_SET_PAIR,
	RANDOM_SET_IPV6,
	RANDOM_DIMENSIONS,
};

static const struct dimension random_dimensions[RANDOM_DIMENSIONS] = {
	{ .field = WEIR_FIELD_MALFORMED, .mask = 0xff, .max = 0xff },
	{ .field = WEIR_FIELD_NETWORK, .mask = 0xff, .max = 0xff },
	{ .field = WEIR_FIELD_TRANSPORT, .mask = 0xff, .max = 0xff },
	{ .field = WEIR_FIELD_PROTOCOL, .mask = 0xff, .max = 0xff },
	{ .field = WEIR_FIELD_SADDR4, .mask = 0xffffffff, .max = 0xffffffff },
	{ .field = WEIR_FIELD_DADDR4, .mask = 0xffffffff, .max = 0xffffffff },
	{ .field = WEIR_FIELD_DPORT, .mask = 0xffff, .max = 0xffff },
	{ .field = WEIR_FIELD_TCP_FLAGS, .mask = 0xff, .max = 0xff },
	{ .field = WEIR_FIELD_TCP_FLAGS, .mask = 0x12, .max = 0x12 },
	{ .field = WEIR_FIELD_MARK, .mask = 0xf0f0f0f0, .max = 0xf0f0f0f0 },
	{ .field = WEIR_FIELD_ETHER_SADDR, .mask = 0xffffffffffff, .max = 0xffffffffffff },
	{ .field = WEIR_FIELD_SADDR_HI, .mask = UINT64_MAX, .max = UINT64_MAX },
	{ .field = WEIR_FIELD_SADDR_LO, .mask = UINT64_MAX, .max = UINT64_MAX },
	{ .kind = DIMENSION_SET, .max = 1, .set = 0, .key_count = 1, .keys = { WEIR_FIELD_SADDR4 } },
	{ .kind = DIMENSION_SET, .max = 1, .set = 1, .key_count = 2, .keys = { WEIR_FIELD_SADDR4, WEIR_FIELD_SADDR_HI } },
	{ .kind = DIMENSION_SET, .max = 1, .set = 2, .key_count = 1, .keys = { WEIR_FIELD_SADDR_HI } },
};

static const struct policy_set random_policy_sets[3] = {
	{ .name = "v4", .types = { TYPE_IPV4_ADDR }, .components = 1 },
	{ .name = "pair", .types = { TYPE_IPV4_ADDR, TYPE_IPV6_ADDR }, .components = 2 },
	{ .name = "v6", .types = { TYPE_IPV6_ADDR }, .components = 1 },
};

static const struct rule_set random_sets[3] = {
	{ .name = "v4", .set = &random_policy_sets[0], .prefixes = true },
	{ .name = "pair", .set = &random_policy_sets[1] },
	{ .name = "v6", .set = &random_policy_sets[2], .prefixes = true },
};

static const struct policy_chain random_chain = { .name = "random" };

static const uint8_t random_protocols[8] = { 0, 1, 6, 17, 47, 58, 59, 132 };

/* A value that rules and flows share: few for each dimension, the ends of the range among them. */
static inline uint64_t random_value(struct random *random, uint32_t dimension)
{
	static const uint64_t wide[] = { 0,
					 1,
					 2,
					 0x7fffffff,
					 0x80000000,
					 0xffffffff,
					 0x100000000,
					 0x20010db800000000,
					 0xffffffff80000000,
					 0xffffffff7fffffff,
					 UINT64_MAX - 1,
					 UINT64_MAX };
	uint64_t mask = random_dimensions[dimension].mask;
	uint64_t max = random_dimensions[dimension].max;

	switch (dimension) {
	case RANDOM_MALFORMED:
		return random_below(random, 8) ? 0 : random_below(random, 4);
	case RANDOM_NETWORK:
		return random_below(random, WEIR_NETWORK_IPV6 + 1);
	case RANDOM_TRANSPORT:
		return random_below(random, WEIR_TRANSPORT_ICMPV6 + 1);
	case RANDOM_PROTOCOL:
		return random_protocols[random_below(random, 8)];
	case RANDOM_FLAGS:
		return random_below(random, 256);
	case RANDOM_SADDR4:
	case RANDOM_DADDR4:
		return 0x0a000000 + random_below(random, 40);
	case RANDOM_DPORT:
		return random_below(random, 10) ? random_below(random, 30) : 65535;
	case RANDOM_FLAGS_MASKED:
	case RANDOM_MARK_MASKED:
		return random_number(random) & mask & 0xf2;
	}
	return random_below(random, 2) ? wide[random_below(random, 12)] & max : random_below(random, 20);
}

static inline struct constraint random_constraint(struct arena *arena, struct random *random, uint32_t dimension)
{
	uint64_t max = dimension >= RANDOM_SET_IPV4 ? 1 : random_dimensions[dimension].max;
	uint32_t count = random_below(random, 4) ? 1 : 1 + random_below(random, 5);
	struct interval_list list = { 0 };

	if (dimension >= RANDOM_SET_IPV4) {
		struct interval *one = arena_new_object(arena, struct interval);

		one->low = one->high = random_below(random, 3) != 0;
		return (struct constraint){ dimension, 1, one };
	}
	for (uint32_t i = 0; i < count; i++) {
		uint64_t a = random_value(random, dimension), b = random_below(random, 2) ? a : random_value(random, dimension);
		struct interval interval = { a < b ? a : b, a < b ? b : a };
		struct interval_list without;

		/* Join by taking both away from everything and turning that round. */
		without = intervals_complement(arena, (struct interval_list){ 1, &interval }, max);
		if (list.count)
			without = intervals_intersect(arena, without, intervals_complement(arena, list, max));
		list = intervals_complement(arena, without, max);
	}
	if (random_below(random, 5) == 0)
		list = intervals_complement(arena, list, max);
	return (struct constraint){ dimension, list.count, list.items };
}

static inline bool constraint_is_full(const struct constraint *constraint)
{
	uint64_t max = random_dimensions[constraint->dimension].max;

	return constraint->count == 1 && constraint->intervals[0].low == 0 && constraint->intervals[0].high == max;
}

static inline struct box random_box(struct arena *arena, struct random *random, uint32_t dimensions)
{
	struct constraint *constraints = arena_new_array(arena, struct constraint, RANDOM_DIMENSIONS);
	static const struct interval zero = { 0, 0 };
	struct box box = { .constraints = constraints };

	for (uint32_t d = 0; d < dimensions; d++) {
		if (d == RANDOM_MALFORMED && random_below(random, 10)) {
			constraints[box.count++] = (struct constraint){ d, 1, &zero };
			continue;
		}
		if (random_below(random, d == RANDOM_PROTOCOL ? 4 : d <= RANDOM_DPORT ? 2 : 5))
			continue;
		constraints[box.count] = random_constraint(arena, random, d);
		if (!constraint_is_full(&constraints[box.count]))
			box.count++;
	}
	return box;
}

/* Close a list: weir's own two rules behind COUNT others. RULES has room for them. */
static inline struct rule_list *close_rules(struct arena *arena, struct rule *rules, uint32_t count)
{
	struct rule_list *list = arena_new_object(arena, struct rule_list);
	static const struct interval some = { 1, 255 };
	static const struct constraint malformed = { RANDOM_MALFORMED, 1, &some };
	static const struct box boxes[2] = { { 1, &malformed }, { 0, NULL } };

	rules[count] =
		(struct rule){ .box_count = 1, .boxes = &boxes[0], .verdict = WEIR_VERDICT_DROP, .text = "malformed packets" };
	rules[count + 1] =
		(struct rule){ .box_count = 1, .boxes = &boxes[1], .verdict = WEIR_VERDICT_ACCEPT, .text = "policy accept" };
	for (uint32_t i = 0; i < count + 2; i++)
		rules[i].slot = WEIR_SLOT_FIRST_RULE + i;
	*list = (struct rule_list){ .chain = &random_chain,
				    .dimension_count = RANDOM_DIMENSIONS,
				    .rule_count = count + 2,
				    .set_count = 3,
				    .dimensions = random_dimensions,
				    .rules = rules,
				    .sets = random_sets };
	return list;
}

/* COUNT rules over the first DIMENSIONS dimensions; of ten, CONTINUING have no verdict. */
static inline struct rule_list *random_rules(struct arena *arena, struct random *random, uint32_t count, uint32_t dimensions,
					     uint32_t continuing)
{
	struct rule *rules = arena_new_array(arena, struct rule, count + 2);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t box_count = random_below(random, 6) ? 1 : random_below(random, 4);
		struct box *boxes = arena_new_array(arena, struct box, box_count);

		for (uint32_t b = 0; b < box_count; b++)
			boxes[b] = random_box(arena, random, dimensions);
		rules[i] = (struct rule){ .box_count = box_count, .boxes = boxes, .text = "random", .place.line = i + 1 };
		rules[i].verdict = random_below(random, 10) < continuing ? WEIR_VERDICT_CONTINUE
				   : random_below(random, 2)		 ? WEIR_VERDICT_ACCEPT
									 : WEIR_VERDICT_DROP;
		rules[i].log = random_below(random, 2);
	}
	return close_rules(arena, rules, count);
}

/* Make of what was drawn field by field something that a parser could have found (tree/facts.h). */
static inline void settle_flow(struct random *random, struct weir_flow *flow)
{
	static const uint8_t carried[] = { 0, 0, 6, 17, 132, 1, 58 }, others[] = { 0, 47, 59, 255 };
	bool ipv6 = flow->network == WEIR_NETWORK_IPV6;

	if (flow->network < WEIR_NETWORK_IPV4)
		flow->transport = WEIR_TRANSPORT_NONE, flow->protocol = 0;
	if (flow->malformed)
		flow->transport = WEIR_TRANSPORT_NONE;
	if (flow->transport == WEIR_TRANSPORT_NONE)
		return;
	if (flow->transport == (ipv6 ? WEIR_TRANSPORT_ICMP : WEIR_TRANSPORT_ICMPV6))
		flow->transport = ipv6 ? WEIR_TRANSPORT_ICMPV6 : WEIR_TRANSPORT_ICMP;
	flow->protocol = carried[flow->transport];
	if (flow->transport == WEIR_TRANSPORT_OTHER)
		flow->protocol = random_below(random, 4) ? others[random_below(random, 4)] : ipv6 ? 1 : 58;
}

static inline struct weir_flow random_flow(struct random *random)
{
	struct weir_flow flow = { 0 };

	flow.malformed = random_value(random, RANDOM_MALFORMED);
	flow.network = random_value(random, RANDOM_NETWORK);
	flow.transport = random_value(random, RANDOM_TRANSPORT);
	flow.protocol = random_value(random, RANDOM_PROTOCOL);
	settle_flow(random, &flow);
	flow.saddr4 = random_value(random, RANDOM_SADDR4);
	flow.daddr4 = random_value(random, RANDOM_DADDR4);
	flow.dport = random_value(random, RANDOM_DPORT);
	flow.tcp_flags = random_value(random, RANDOM_FLAGS);
	flow.mark = random_number(random);
	flow.ether_saddr = random_value(random, RANDOM_ETHER);
	flow.saddr_hi = random_value(random, RANDOM_SADDR_HI);
	flow.saddr_lo = random_value(random, RANDOM_SADDR_LO);
	flow.length = random_below(random, 2000);
	return flow;
}

/*
 * COUNT rules of which each is narrow in one address or in none and has a range of ports: they cut each other up. Of
 * ten, CONTINUING have no verdict.
 */
static inline struct rule_list *cross_rules(struct arena *arena, struct random *random, uint32_t count, uint32_t continuing)
{
	struct rule *rules = arena_new_array(arena, struct rule, count + 2);
	static const struct interval zero = { 0, 0 }, ipv4 = { WEIR_NETWORK_IPV4, WEIR_NETWORK_IPV4 };

	for (uint32_t i = 0; i < count; i++) {
		struct constraint *constraints = arena_new_array(arena, struct constraint, 4);
		struct interval *intervals = arena_new_array(arena, struct interval, 2);
		struct box *box = arena_new_object(arena, struct box);
		uint32_t address = 0x0a000000 + random_below(random, 4000), port = random_below(random, 60000);
		uint32_t kind = random_below(random, 20);

		intervals[0] = (struct interval){ address, address + (random_below(random, 2) ? 0 : random_below(random, 50)) };
		intervals[1] = (struct interval){ port, port + random_below(random, 5000) };
		constraints[box->count++] = (struct constraint){ RANDOM_MALFORMED, 1, &zero };
		constraints[box->count++] = (struct constraint){ RANDOM_NETWORK, 1, &ipv4 };
		if (kind)
			constraints[box->count++] =
				(struct constraint){ kind % 2 ? RANDOM_SADDR4 : RANDOM_DADDR4, 1, &intervals[0] };
		constraints[box->count++] = (struct constraint){ RANDOM_DPORT, 1, &intervals[1] };
		box->constraints = constraints;
		rules[i] = (struct rule){ .box_count = 1, .boxes = box, .text = "cross", .place.line = i + 1 };
		rules[i].verdict = random_below(random, 10) < continuing ? WEIR_VERDICT_CONTINUE : WEIR_VERDICT_DROP;
	}
	return close_rules(arena, rules, count);
}

/* A flow for them: addresses and ports of all of their range. */
static inline struct weir_flow cross_flow(struct random *random)
{
	struct weir_flow flow = random_flow(random);

	flow.saddr4 = 0x0a000000 + random_below(random, 4100);
	flow.daddr4 = 0x0a000000 + random_below(random, 4100);
	flow.dport = random_below(random, 65536);
	return flow;
}

/* LISTS ranges of a field, sorted, with room between. */
static inline struct constraint wide_constraint(struct arena *arena, struct random *random, uint32_t dimension, uint32_t lists)
{
	struct interval *intervals = arena_new_array(arena, struct interval, lists);
	uint64_t max = random_dimensions[dimension].max, step = max / lists;

	for (uint32_t i = 0; i < lists; i++) {
		uint64_t a = random_number(random) % (step - 1), b = random_number(random) % (step - 1);

		intervals[i] = (struct interval){ i * step + (a < b ? a : b), i * step + (a < b ? b : a) };
	}
	if (random_below(random, 4) == 0)
		intervals[lists - 1].high = max;
	if (random_below(random, 4) == 0)
		intervals[0].low = 0;
	if (lists == 1 && intervals[0].low == 0 && intervals[0].high == max)
		intervals[0].low = 1;
	return (struct constraint){ dimension, lists, intervals };
}

/* COUNT rules with wide ranges of fields of each width, which overlap at random; of ports as many as LISTS each. */
static inline struct rule_list *overlapping_rules(struct arena *arena, struct random *random, uint32_t count, uint32_t lists)
{
	static const uint32_t fields[] = { RANDOM_SADDR4, RANDOM_DADDR4, RANDOM_DPORT, RANDOM_ETHER, RANDOM_SADDR_HI };
	struct rule *rules = arena_new_array(arena, struct rule, count + 2);
	static const struct interval zero = { 0, 0 };

	for (uint32_t i = 0; i < count; i++) {
		struct constraint *constraints = arena_new_array(arena, struct constraint, 7);
		struct box *box = arena_new_object(arena, struct box);

		constraints[box->count++] = (struct constraint){ RANDOM_MALFORMED, 1, &zero };
		for (uint32_t f = 0; f < 5; f++)
			constraints[box->count++] =
				wide_constraint(arena, random, fields[f], fields[f] == RANDOM_DPORT ? lists : 1);
		if (random_below(random, 8) == 0)
			constraints[box->count++] = random_constraint(arena, random, RANDOM_SET_IPV4);
		box->constraints = constraints;
		rules[i] = (struct rule){ .box_count = 1, .boxes = box, .text = "overlapping", .place.line = i + 1 };
		rules[i].verdict = WEIR_VERDICT_DROP;
	}
	return close_rules(arena, rules, count);
}

/* A flow for them: mostly at random, now and then at an end of a field's range. */
static inline struct weir_flow overlapping_flow(struct random *random)
{
	struct weir_flow flow = { 0 };

	flow.saddr4 = random_below(random, 8) ? random_number(random) : -random_below(random, 2);
	flow.daddr4 = random_below(random, 8) ? random_number(random) : -random_below(random, 2);
	flow.dport = random_below(random, 8) ? random_number(random) : -random_below(random, 2);
	flow.ether_saddr = random_number(random) & 0xffffffffffff;
	flow.saddr_hi =
		random_below(random, 8) ? random_below(random, 50) * 0x0505050505050505u : -(uint64_t)random_below(random, 2);
	flow.malformed = random_below(random, 50) == 0;
	return flow;
}

/* `ip saddr A tcp dport P drop`, with addresses that do not follow each other. */
static inline struct rule_list *exact_rules(struct arena *arena, uint32_t count)
{
	struct rule *rules = arena_new_array(arena, struct rule, count + 2);

	for (uint32_t i = 0; i < count; i++) {
		static const uint32_t dimensions[] = { RANDOM_MALFORMED, RANDOM_NETWORK, RANDOM_TRANSPORT, RANDOM_SADDR4,
						       RANDOM_DPORT };
		const uint64_t values[] = { 0, WEIR_NETWORK_IPV4, WEIR_TRANSPORT_TCP, (i + 1) * 2654435761u & 0xffffffff,
					    1 + i % 60000 };
		struct constraint *constraints = arena_new_array(arena, struct constraint, 5);
		struct interval *intervals = arena_new_array(arena, struct interval, 5);
		struct box *box = arena_new_object(arena, struct box);

		for (uint32_t d = 0; d < 5; d++) {
			intervals[d] = (struct interval){ values[d], values[d] };
			constraints[d] = (struct constraint){ dimensions[d], 1, &intervals[d] };
		}
		*box = (struct box){ 5, constraints };
		rules[i] = (struct rule){
			.box_count = 1, .boxes = box, .verdict = WEIR_VERDICT_DROP, .text = "exact", .place.line = i + 1
		};
	}
	return close_rules(arena, rules, count);
}

static inline bool same_judgement(const struct judgement *a, const struct judgement *b)
{
	return a->decided == b->decided && a->passed_count == b->passed_count &&
	       memcmp(a->passed, b->passed, a->passed_count * sizeof(*a->passed)) == 0;
}

#endif
