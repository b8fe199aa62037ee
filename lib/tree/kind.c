// SPDX-License-Identifier: GPL-2.0-only
#include "tree/kind.h"

static bool leaves_at_most(const struct constraint *constraint, unsigned bits)
{
	uint64_t open = 0;

	for (uint32_t i = 0; i < constraint->count; i++)
		open += constraint->intervals[i].high - constraint->intervals[i].low;
	return open >> bits == 0;
}

static unsigned narrow_side(const struct rule_list *list, const struct constraint *constraint,
			    const struct narrowness *narrowness)
{
	const struct dimension *dimension = &list->dimensions[constraint->dimension];

	if (dimension->kind != DIMENSION_FIELD)
		return 0;
	switch (dimension->field) {
	case WEIR_FIELD_SADDR4:
		return leaves_at_most(constraint, narrowness->open_ipv4) ? NARROW_SOURCE : 0;
	case WEIR_FIELD_DADDR4:
		return leaves_at_most(constraint, narrowness->open_ipv4) ? NARROW_DESTINATION : 0;
	case WEIR_FIELD_SADDR_HI:
		return leaves_at_most(constraint, narrowness->open_ipv6_high) ? NARROW_SOURCE : 0;
	case WEIR_FIELD_DADDR_HI:
		return leaves_at_most(constraint, narrowness->open_ipv6_high) ? NARROW_DESTINATION : 0;
	case WEIR_FIELD_ETHER_SADDR:
		return leaves_at_most(constraint, narrowness->open_ether) ? NARROW_SOURCE : 0;
	case WEIR_FIELD_ETHER_DADDR:
		return leaves_at_most(constraint, narrowness->open_ether) ? NARROW_DESTINATION : 0;
	default:
		return 0;
	}
}

unsigned rule_kind(const struct rule_list *list, const struct rule *rule, const struct narrowness *narrowness)
{
	unsigned kind = NARROW_SOURCE | NARROW_DESTINATION;

	for (uint32_t b = 0; b < rule->box_count; b++) {
		unsigned sides = 0;

		for (uint32_t i = 0; i < rule->boxes[b].count; i++)
			sides |= narrow_side(list, &rule->boxes[b].constraints[i], narrowness);
		kind &= sides;
	}
	return kind;
}
