// SPDX-License-Identifier: GPL-2.0-only
/* Lists too long for the tree, as sets without a name. */
#include <string.h>

#include "base/limits.h"
#include "rules/lowering.h"
#include "rules/set_search.h"
#include "rules/subject_fields.h"

static bool single(const struct value_range *range)
{
	return value_compare(range->low, range->high) == 0;
}

static bool has_ranges(const struct policy_match *match)
{
	for (uint32_t i = 0; i < match->range_count; i++)
		if (!single(&match->ranges[i]))
			return true;
	return false;
}

bool lower_can_be_set(const struct policy_match *match)
{
	if (match->masked || match->subject_count != 1)
		return false;
	switch (subject_type(match->subjects[0])) {
	case TYPE_IPV4_ADDR:
	case TYPE_IPV6_ADDR:
	case TYPE_INET_SERVICE:
		return true;
	case TYPE_ETHER_ADDR: /* no prefix map: a range would have no place */
		return !has_ranges(match);
	case TYPE_NUMBER:
		return match->subjects[0] == SUBJECT_META_MARK && !has_ranges(match);
	default:
		return false;
	}
}

static bool same_elements(const struct policy_set *set, const struct policy_match *match)
{
	if (set->types[0] != subject_type(match->subjects[0]) || set->element_count != match->range_count)
		return false;
	for (uint32_t i = 0; i < match->range_count; i++)
		if (memcmp(&set->elements[i].keys[0], &match->ranges[i], sizeof(match->ranges[i])) != 0)
			return false;
	return true;
}

static const struct policy_set *new_set(struct lowering *lowering, const struct policy_match *match, const char *name)
{
	struct policy_set *set = arena_new_object(lowering->arena, struct policy_set);
	struct set_element *elements = arena_new_array(lowering->arena, struct set_element, match->range_count);

	for (uint32_t i = 0; i < match->range_count; i++) {
		elements[i].keys[0] = match->ranges[i];
		elements[i].place = match->place;
	}
	set->name = name;
	set->place = match->place;
	set->types[0] = subject_type(match->subjects[0]);
	set->components = 1;
	set->size = set->element_count = match->range_count;
	set->elements = elements;
	return set;
}

uint32_t lower_anonymous_set(struct lowering *lowering, const struct policy_match *match)
{
	struct rule_set set = { .anonymous = true, .prefixes = has_ranges(match) };

	for (uint32_t i = lowering->policy->set_count; i < lowering->sets.count; i++)
		if (same_elements(lowering->sets.items[i].set, match))
			return i;
	if (lowering->sets.count == LIMIT_SETS) {
		struct diagnostic *error =
			diagnose(lowering->diagnostics, SEVERITY_ERROR, match->place,
				 "this list is too long for the tree, and there are %d sets already", LIMIT_SETS);

		diagnostic_hint(lowering->diagnostics, error, "give lists that belong together one named set");
		return 0;
	}
	set.name = arena_printf(lowering->arena, "__anonymous_%u", ++lowering->anonymous);
	set.set = new_set(lowering, match, set.name);
	vector_push(lowering->arena, &lowering->sets, set);
	return (uint32_t)lowering->sets.count - 1;
}
