// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two rules meet when a box of one meets a box of the other and there is a profile that both are for. Each rule is compared with
 * thousands of others, so what tells most of them apart comes first, packed: the bounds of addresses and ports.
 */
#include "tree/overlap.h"

enum { BOUND_SADDR, BOUND_DADDR, BOUND_SPORT, BOUND_DPORT, BOUND_COUNT };

struct summary {
	struct interval bounds[BOUND_COUNT]; /* of addresses: of the one family that the rule is for, else all */
	profile_set profiles;
};

struct overlap {
	struct grower *grower;
	const struct rule_list *list;
	struct summary *summaries;
	profile_set ipv4, ipv6; /* those of packets of this network */
};

/* Where the bounds of a dimension are kept; BOUND_COUNT: nowhere. */
static unsigned bound_of(const struct dimension *dimension, bool ipv4, bool ipv6)
{
	if (dimension->kind != DIMENSION_FIELD || (dimension->mask & (dimension->mask + 1)))
		return BOUND_COUNT;
	switch (dimension->field) {
	case WEIR_FIELD_SADDR4:
		return ipv4 ? BOUND_SADDR : BOUND_COUNT;
	case WEIR_FIELD_DADDR4:
		return ipv4 ? BOUND_DADDR : BOUND_COUNT;
	case WEIR_FIELD_SADDR_HI:
		return ipv6 ? BOUND_SADDR : BOUND_COUNT;
	case WEIR_FIELD_DADDR_HI:
		return ipv6 ? BOUND_DADDR : BOUND_COUNT;
	case WEIR_FIELD_SPORT:
		return dimension->mask == 0xffff ? BOUND_SPORT : BOUND_COUNT;
	case WEIR_FIELD_DPORT:
		return dimension->mask == 0xffff ? BOUND_DPORT : BOUND_COUNT;
	default:
		return BOUND_COUNT;
	}
}

static profile_set profiles_of_network(enum weir_network network)
{
	static const struct dimension dimension = { .field = WEIR_FIELD_NETWORK, .mask = 0xff, .max = 0xff };
	struct interval interval = { network, network };

	return facts_sure(&dimension, &interval, 1);
}

/* The bounds of one box, for a rule of one family or of none. */
static void summarise_box(const struct overlap *overlap, uint32_t region, bool ipv4, bool ipv6, struct interval *bounds)
{
	const struct regions *regions = grower_regions(overlap->grower);
	const struct region *box = &regions->items.items[region];

	for (unsigned i = 0; i < BOUND_COUNT; i++)
		bounds[i] = (struct interval){ 0, UINT64_MAX };
	for (uint32_t i = 0; i < box->count; i++) {
		const struct region_constraint *constraint = region_constraint(regions, box->constraints[i]);
		unsigned at = bound_of(&overlap->list->dimensions[constraint->dimension], ipv4, ipv6);

		if (at < BOUND_COUNT)
			bounds[at] = (struct interval){ constraint->intervals[0].low,
							constraint->intervals[constraint->count - 1].high };
	}
}

static void summarise_rule(struct overlap *overlap, uint32_t rule)
{
	const uint32_t *boxes = grower_rule_regions(overlap->grower, rule);
	struct summary *summary = &overlap->summaries[rule];
	uint32_t count = overlap->list->rules[rule].box_count;
	struct interval bounds[BOUND_COUNT];
	bool ipv4, ipv6;

	for (uint32_t i = 0; i < count; i++)
		if (boxes[i] != REGION_NONE)
			summary->profiles |= grower_regions(overlap->grower)->items.items[boxes[i]].profiles;
	ipv4 = !(summary->profiles & ~overlap->ipv4);
	ipv6 = !(summary->profiles & ~overlap->ipv6);
	for (unsigned i = 0; i < BOUND_COUNT; i++)
		summary->bounds[i] = (struct interval){ UINT64_MAX, 0 };
	for (uint32_t b = 0; b < count; b++) {
		if (boxes[b] == REGION_NONE)
			continue;
		summarise_box(overlap, boxes[b], ipv4, ipv6, bounds);
		for (unsigned i = 0; i < BOUND_COUNT; i++) {
			if (bounds[i].low < summary->bounds[i].low)
				summary->bounds[i].low = bounds[i].low;
			if (bounds[i].high > summary->bounds[i].high)
				summary->bounds[i].high = bounds[i].high;
		}
	}
}

struct overlap *overlap_new(struct arena *arena, struct grower *grower, const struct rule_list *list)
{
	struct overlap *overlap = arena_new_object(arena, struct overlap);

	overlap->grower = grower;
	overlap->list = list;
	overlap->ipv4 = profiles_of_network(WEIR_NETWORK_IPV4);
	overlap->ipv6 = profiles_of_network(WEIR_NETWORK_IPV6);
	overlap->summaries = arena_new_array(arena, struct summary, list->rule_count);
	for (uint32_t i = 0; i < list->rule_count; i++)
		summarise_rule(overlap, i);
	return overlap;
}

static bool summaries_meet(const struct summary *a, const struct summary *b)
{
	for (unsigned i = 0; i < BOUND_COUNT; i++)
		if (a->bounds[i].low > b->bounds[i].high || b->bounds[i].low > a->bounds[i].high)
			return false;
	return a->profiles & b->profiles;
}

bool overlap_meet(const struct overlap *overlap, uint32_t a, uint32_t b)
{
	const struct regions *regions = grower_regions(overlap->grower);
	const uint32_t *a_boxes, *b_boxes;

	if (!summaries_meet(&overlap->summaries[a], &overlap->summaries[b]))
		return false;
	a_boxes = grower_rule_regions(overlap->grower, a);
	b_boxes = grower_rule_regions(overlap->grower, b);
	for (uint32_t i = 0; i < overlap->list->rules[a].box_count; i++)
		for (uint32_t j = 0; j < overlap->list->rules[b].box_count; j++)
			if (a_boxes[i] != REGION_NONE && b_boxes[j] != REGION_NONE &&
			    regions_meet(regions, a_boxes[i], b_boxes[j]))
				return true;
	return false;
}

static bool summary_covers(const struct summary *a, const struct summary *b)
{
	for (unsigned i = 0; i < BOUND_COUNT; i++)
		if (a->bounds[i].low > b->bounds[i].low || a->bounds[i].high < b->bounds[i].high)
			return false;
	return !(b->profiles & ~a->profiles);
}

bool overlap_covers(const struct overlap *overlap, uint32_t a, uint32_t b)
{
	const uint32_t *a_boxes, *b_boxes;

	if (!summary_covers(&overlap->summaries[a], &overlap->summaries[b]))
		return false;
	a_boxes = grower_rule_regions(overlap->grower, a);
	b_boxes = grower_rule_regions(overlap->grower, b);
	for (uint32_t j = 0; j < overlap->list->rules[b].box_count; j++) {
		bool covered = b_boxes[j] == REGION_NONE;

		for (uint32_t i = 0; i < overlap->list->rules[a].box_count && !covered; i++)
			covered = a_boxes[i] != REGION_NONE &&
				  region_packets_within(grower_regions(overlap->grower), b_boxes[j], a_boxes[i]);
		if (!covered)
			return false;
	}
	return true;
}
