// SPDX-License-Identifier: GPL-2.0-only
#include "rules/set_search.h"

struct value flow_value(const struct weir_flow *flow, enum weir_field field)
{
	if (field == WEIR_FIELD_SADDR_HI)
		return (struct value){ flow->saddr_hi, flow->saddr_lo };
	if (field == WEIR_FIELD_DADDR_HI)
		return (struct value){ flow->daddr_hi, flow->daddr_lo };
	return (struct value){ 0, flow_field(flow, field) };
}

/* Where KEY lies against an element: -1 before, 0 in it, 1 behind. Only the first component may be a range in earnest. */
static int element_compare(const struct set_element *element, const struct value *key, uint32_t components)
{
	for (uint32_t i = 0; i < components; i++) {
		if (value_compare(key[i], element->keys[i].low) < 0)
			return -1;
		if (value_compare(key[i], element->keys[i].high) > 0)
			return 1;
	}
	return 0;
}

static bool merged_search(const struct rule_set *set, struct value key)
{
	uint32_t from = 0, to = set->merged_count;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (value_compare(set->merged[middle].high, key) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from < set->merged_count && value_compare(set->merged[from].low, key) <= 0;
}

bool set_search(const struct rule_set *set, const struct value key[SET_MAX_COMPONENTS])
{
	uint32_t from = 0, to = set->set->element_count;

	if (set->merged)
		return merged_search(set, key[0]);
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		int order = element_compare(&set->set->elements[middle], key, set->set->components);

		if (order == 0)
			return true;
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return false;
}

void set_prepare(struct arena *arena, struct rule_set *set)
{
	const struct policy_set *checked = set->set;
	struct value_range *merged;
	bool overlap = false;

	set->merged = NULL;
	set->merged_count = 0;
	if (checked->components != 1)
		return;
	for (uint32_t i = 1; i < checked->element_count && !overlap; i++)
		overlap = value_compare(checked->elements[i].keys[0].low, checked->elements[i - 1].keys[0].high) <= 0;
	if (!overlap)
		return;
	merged = arena_new_array(arena, struct value_range, checked->element_count);
	for (uint32_t i = 0; i < checked->element_count; i++) {
		struct value_range range = checked->elements[i].keys[0];
		struct value_range *last = set->merged_count ? &merged[set->merged_count - 1] : NULL;

		if (!last || value_compare(range.low, last->high) > 0)
			merged[set->merged_count++] = range;
		else if (value_compare(range.high, last->high) > 0)
			last->high = range.high;
	}
	set->merged = merged;
}
