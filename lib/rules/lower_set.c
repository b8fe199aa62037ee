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

/* ---- Which lists ---- */

/* Tables for so many lists of a chain: a program has 64 maps, and named sets need some of them. */
#define LISTS_AS_SETS 24

static bool is_wide(const struct policy_match *match)
{
	return subject_fields(match->subjects[0])->wide;
}

static uint64_t hash_ranges(const struct policy_match *match)
{
	uint64_t hash = subject_type(match->subjects[0]);

	for (uint32_t i = 0; i < match->range_count; i++) {
		const uint64_t numbers[] = { match->ranges[i].low.hi, match->ranges[i].low.lo, match->ranges[i].high.hi,
					     match->ranges[i].high.lo };

		for (size_t n = 0; n < sizeof(numbers) / sizeof(*numbers); n++)
			hash = (hash ^ numbers[n]) * 0x100000001b3 + (hash >> 32);
	}
	return hash;
}

static bool is_long(const struct policy_match *match)
{
	return match->set < 0 && !match->predicate && lower_can_be_set(match) &&
	       match->range_count > (is_wide(match) ? LIMIT_IPV6_LIST_IN_TREE : LIMIT_LIST_IN_TREE);
}

void lower_find_lists(struct lowering *lowering)
{
	uint64_t known[LISTS_AS_SETS];
	uint32_t count = 0;

	for (uint32_t r = 0; r < lowering->chain->rule_count; r++)
		for (uint32_t m = 0; m < lowering->chain->rules[r].match_count; m++) {
			const struct policy_match *match = &lowering->chain->rules[r].matches[m];
			uint64_t hash = is_long(match) ? hash_ranges(match) : 0;
			uint32_t at = 0;

			if (!is_long(match))
				continue;
			while (at < count && known[at] != hash)
				at++;
			if (at < count)
				continue;
			if (count == LISTS_AS_SETS) {
				lowering->many_lists = true;
				return;
			}
			known[count++] = hash;
		}
}

bool lower_should_be_set(const struct lowering *lowering, const struct policy_match *match)
{
	if (!is_long(match))
		return false;
	return !lowering->many_lists || match->range_count > (is_wide(match) ? LOWERING_BOXES : LIMIT_MANY_LISTS_IN_TREE);
}

/* ---- A list as a set ---- */

struct elements {
	VECTOR(struct set_element) list;
};

/* A range as the prefixes that cover it, so that each element is one entry of the set's maps, and its size is known. */
static void add_prefixes(struct lowering *lowering, struct elements *elements, const struct policy_match *match,
			 struct value_range range)
{
	uint32_t bits = value_type_bits(subject_type(match->subjects[0]));
	struct set_element element = { .place = match->place };

	for (;;) {
		element.keys[0] = value_range_first_prefix(range, bits);
		vector_push(lowering->arena, &elements->list, element);
		if (value_compare(element.keys[0].high, range.high) >= 0)
			return;
		range.low = value_next(element.keys[0].high);
	}
}

static struct policy_set *new_set(struct lowering *lowering, const struct policy_match *match)
{
	struct policy_set *set = arena_new_object(lowering->arena, struct policy_set);
	struct elements elements = { 0 };

	for (uint32_t i = 0; i < match->range_count; i++)
		add_prefixes(lowering, &elements, match, match->ranges[i]);
	set->place = match->place;
	set->types[0] = subject_type(match->subjects[0]);
	set->components = 1;
	set->size = set->element_count = (uint32_t)elements.list.count;
	set->elements = elements.list.items;
	return set;
}

static bool same_elements(const struct policy_set *a, const struct policy_set *b)
{
	if (a->types[0] != b->types[0] || a->components != 1 || a->element_count != b->element_count)
		return false;
	for (uint32_t i = 0; i < a->element_count; i++)
		if (memcmp(&a->elements[i].keys[0], &b->elements[i].keys[0], sizeof(a->elements[i].keys[0])) != 0)
			return false;
	return true;
}

uint32_t lower_anonymous_set(struct lowering *lowering, const struct policy_match *match)
{
	struct rule_set set = { .anonymous = true, .prefixes = has_ranges(match) };
	struct policy_set *fresh = new_set(lowering, match);

	for (uint32_t i = lowering->policy->set_count; i < lowering->sets.count; i++)
		if (same_elements(lowering->sets.items[i].set, fresh))
			return i;
	if (lowering->sets.count >= LIMIT_SETS || fresh->size > LIMIT_SET_SIZE) {
		struct diagnostic *error;

		if (lowering->sets.count >= LIMIT_SETS)
			error = diagnose(lowering->diagnostics, SEVERITY_ERROR, match->place,
					 "this list is too long for the tree, and there are %d sets already", LIMIT_SETS);
		else
			error = diagnose(lowering->diagnostics, SEVERITY_ERROR, match->place,
					 "this list comes to %u prefixes, a set holds at most %u", fresh->size, LIMIT_SET_SIZE);
		diagnostic_hint(lowering->diagnostics, error, "give lists that belong together one named set");
		return 0;
	}
	set.name = fresh->name = arena_printf(lowering->arena, "__anonymous_%u", ++lowering->anonymous);
	set.set = fresh;
	vector_push(lowering->arena, &lowering->sets, set);
	return (uint32_t)lowering->sets.count - 1;
}
