// SPDX-License-Identifier: GPL-2.0-only
#include "tree/regions.h"

#include <string.h>

#include "rules/intervals.h"

#define CONSTRAINT_NONE UINT32_MAX	 /* nothing satisfies it */
#define CONSTRAINT_ALL	(UINT32_MAX - 1) /* everything does */

static uint64_t dimension_max(const struct regions *regions, uint32_t dimension)
{
	return regions->list->dimensions[dimension].max;
}

/* Intern the intervals that lie in scratch. */
static uint32_t intern_constraint(struct regions *regions, uint32_t dimension)
{
	uint64_t max = dimension_max(regions, dimension);
	uint32_t count = regions->scratch.count, number;
	const struct interval *intervals = regions->scratch.items;
	uint32_t header[2] = { dimension, count };
	struct interval *packed;

	if (count == 0)
		return CONSTRAINT_NONE;
	if (count == 1 && intervals[0].low == 0 && intervals[0].high == max)
		return CONSTRAINT_ALL;
	/* The bytes to intern are the struct with its array: the header takes the place of one half interval. */
	_Static_assert(sizeof(header) == sizeof(struct region_constraint), "header and struct region_constraint differ");
	vector_reserve(regions->arena, &regions->scratch, 1);
	packed = regions->scratch.items;
	memmove((char *)packed + sizeof(header), packed, count * sizeof(*packed));
	memcpy(packed, header, sizeof(header));
	number = intern(regions->constraint_table, packed, sizeof(header) + count * sizeof(*packed));
	if (number == regions->constraint_facts.count) {
		const struct region_constraint *constraint = region_constraint(regions, number);
		const struct dimension *asked = &regions->list->dimensions[dimension];
		struct constraint_facts facts = { .dimension = dimension,
						  .concerned = facts_concern(asked),
						  .may = regions->all };

		facts.bounds = 2 * count - (constraint->intervals[0].low == 0) - (constraint->intervals[count - 1].high == max);
		if (facts.concerned) {
			facts.may = facts_may(asked, constraint->intervals, count);
			facts.sure = facts_sure(asked, constraint->intervals, count);
		}
		vector_push(regions->arena, &regions->constraint_facts, facts);
	}
	return number;
}

const struct region_constraint *region_constraint(const struct regions *regions, uint32_t constraint)
{
	return intern_data(regions->constraint_table, constraint, NULL);
}

/* Add an interval behind those in scratch, merging it with the last one where they touch. */
static void push_interval(struct regions *regions, struct interval interval)
{
	struct interval *last = regions->scratch.count ? &regions->scratch.items[regions->scratch.count - 1] : NULL;

	if (last && last->high + 1 >= interval.low)
		last->high = last->high > interval.high ? last->high : interval.high;
	else
		vector_push(regions->arena, &regions->scratch, interval);
}

/* The least number from VALUE on that has no bit outside MASK, or MASK + 1 when there is none. */
static uint64_t next_within_mask(uint64_t value, uint64_t mask)
{
	uint64_t outside = value & ~mask, below;

	if (!outside)
		return value;
	below = UINT64_MAX >> __builtin_clzll(outside); /* the highest bit outside the mask, and all under it */
	if ((value | below | ~mask) == UINT64_MAX)
		return mask + 1;
	return ((value | below | ~mask) + 1) & mask;
}

/*
 * Of a masked field only some numbers can come: move each bound to the next of them, so that bounds between which
 * nothing lies are the same bound.
 */
static struct interval within_mask(struct interval interval, uint64_t mask)
{
	interval.low = next_within_mask(interval.low, mask);
	if (interval.high >= mask)
		interval.high = mask;
	else
		interval.high = next_within_mask(interval.high + 1, mask) - 1;
	return interval;
}

static uint32_t add_constraint(struct regions *regions, const struct constraint *constraint)
{
	const struct dimension *dimension = &regions->list->dimensions[constraint->dimension];

	regions->scratch.count = 0;
	for (uint32_t i = 0; i < constraint->count; i++) {
		struct interval interval = constraint->intervals[i];

		if (dimension->kind == DIMENSION_FIELD)
			interval = within_mask(interval, dimension->max);
		if (interval.low <= interval.high)
			push_interval(regions, interval);
	}
	return intern_constraint(regions, constraint->dimension);
}

/* Summed up over a region's constraints, so that the hash of one with a constraint replaced is known before it is made. */
static uint64_t hash_constraint(uint32_t constraint)
{
	uint64_t hash = (constraint + 1) * 0x9e3779b97f4a7c15u;

	return (hash ^ hash >> 32) * 0xbf58476d1ce4e5b9u;
}

static uint32_t hash_region(uint64_t sum)
{
	return sum >> 32;
}

static uint32_t intern_region(struct regions *regions, const uint32_t *constraints, uint32_t count)
{
	struct region region = { .count = count, .weight = 1, .profiles = regions->all };
	uint32_t number;

	for (uint32_t i = 0; i < count; i++)
		region.hash += hash_constraint(constraints[i]);
	number = intern_hashed(regions->region_table, constraints, count * sizeof(*constraints), hash_region(region.hash));
	if (number < regions->items.count)
		return number;
	region.constraints = intern_data(regions->region_table, number, NULL);
	for (uint32_t i = 0; i < count; i++) {
		region.weight += regions->constraint_facts.items[constraints[i]].bounds;
		region.profiles &= regions->constraint_facts.items[constraints[i]].may;
	}
	vector_push(regions->arena, &regions->items, region);
	return number;
}

struct regions *regions_new(struct arena *arena, const struct rule_list *list)
{
	struct regions *regions = arena_new_object(arena, struct regions);

	regions->arena = arena;
	regions->list = list;
	regions->all = facts_all();
	regions->constraint_table = intern_new(arena);
	regions->region_table = intern_new(arena);
	regions->ranges = arena_new_array(arena, struct known_range, list->dimension_count);
	intern_region(regions, NULL, 0);
	return regions;
}

uint32_t region_of_box(struct regions *regions, const struct box *box)
{
	uint32_t *constraints = arena_new_array(regions->arena, uint32_t, box->count);
	uint32_t count = 0;

	for (uint32_t i = 0; i < box->count; i++) {
		uint32_t constraint = add_constraint(regions, &box->constraints[i]);

		if (constraint == CONSTRAINT_NONE)
			return REGION_NONE;
		if (constraint != CONSTRAINT_ALL)
			constraints[count++] = constraint;
	}
	return intern_region(regions, constraints, count);
}

static uint32_t constraint_below(struct regions *regions, const struct region_constraint *constraint, uint64_t bound)
{
	regions->scratch.count = 0;
	for (uint32_t i = 0; i < constraint->count && constraint->intervals[i].low < bound; i++) {
		struct interval interval = constraint->intervals[i];

		if (interval.high >= bound - 1)
			interval.high = dimension_max(regions, constraint->dimension);
		vector_push(regions->arena, &regions->scratch, interval);
	}
	return intern_constraint(regions, constraint->dimension);
}

static uint32_t constraint_above(struct regions *regions, const struct region_constraint *constraint, uint64_t bound)
{
	regions->scratch.count = 0;
	for (uint32_t i = 0; i < constraint->count; i++) {
		struct interval interval = constraint->intervals[i];

		if (interval.high < bound)
			continue;
		if (interval.low <= bound)
			interval.low = 0;
		vector_push(regions->arena, &regions->scratch, interval);
	}
	return intern_constraint(regions, constraint->dimension);
}

static void halve_constraint(struct regions *regions, uint32_t number, uint64_t bound, uint32_t *ret_low, uint32_t *ret_high)
{
	const struct region_constraint *constraint;
	struct constraint_facts *facts = &regions->constraint_facts.items[number];

	if (facts->cut != bound) {
		uint32_t below, above;

		constraint = region_constraint(regions, number);
		below = constraint_below(regions, constraint, bound);
		above = constraint_above(regions, constraint, bound);
		facts = &regions->constraint_facts.items[number];
		facts->cut = bound;
		facts->below = below;
		facts->above = above;
	}
	*ret_low = facts->below;
	*ret_high = facts->above;
}

/* The region with constraint AT replaced. */
static uint32_t replace_constraint(struct regions *regions, uint32_t region, uint32_t at, uint32_t constraint)
{
	uint32_t count = regions->items.items[region].count;
	const uint32_t *old = regions->items.items[region].constraints;

	if (constraint == CONSTRAINT_NONE)
		return REGION_NONE;
	if (constraint == old[at])
		return region;
	regions->scratch_constraints.count = 0;
	for (uint32_t i = 0; i < count; i++)
		if (i != at)
			vector_push(regions->arena, &regions->scratch_constraints, old[i]);
		else if (constraint != CONSTRAINT_ALL)
			vector_push(regions->arena, &regions->scratch_constraints, constraint);
	return intern_region(regions, regions->scratch_constraints.items, regions->scratch_constraints.count);
}

void region_halve(struct regions *regions, uint32_t region, uint32_t dimension, uint64_t bound, uint32_t *ret_low,
		  uint32_t *ret_high)
{
	struct region whole = regions->items.items[region];

	*ret_low = *ret_high = region;
	for (uint32_t i = 0; i < whole.count; i++) {
		uint32_t low, high;

		if (regions->constraint_facts.items[whole.constraints[i]].dimension != dimension)
			continue;
		halve_constraint(regions, whole.constraints[i], bound, &low, &high);
		*ret_low = replace_constraint(regions, region, i, low);
		*ret_high = replace_constraint(regions, region, i, high);
		return;
	}
}

void region_foresee_halves(struct regions *regions, uint32_t region, uint32_t dimension, uint64_t bound)
{
	struct region whole = regions->items.items[region];

	for (uint32_t i = 0; i < whole.count; i++) {
		uint64_t others = whole.hash - hash_constraint(whole.constraints[i]);
		uint32_t halves[2];

		if (regions->constraint_facts.items[whole.constraints[i]].dimension != dimension)
			continue;
		halve_constraint(regions, whole.constraints[i], bound, &halves[0], &halves[1]);
		for (int side = 0; side < 2; side++)
			if (halves[side] == CONSTRAINT_ALL)
				intern_foresee(regions->region_table, hash_region(others));
			else if (halves[side] != CONSTRAINT_NONE && halves[side] != whole.constraints[i])
				intern_foresee(regions->region_table, hash_region(others + hash_constraint(halves[side])));
		return;
	}
}

static bool constraint_within(const struct region_constraint *inner, const struct region_constraint *outer)
{
	for (uint32_t i = 0, o = 0; i < inner->count; i++) {
		while (o < outer->count && outer->intervals[o].high < inner->intervals[i].high)
			o++;
		if (o == outer->count || outer->intervals[o].low > inner->intervals[i].low)
			return false;
	}
	return true;
}

static bool lies_within(const struct regions *regions, uint32_t inner, uint32_t outer, bool by_profiles)
{
	const struct region *in = &regions->items.items[inner], *out = &regions->items.items[outer];
	const struct constraint_facts *facts = regions->constraint_facts.items;
	uint32_t i = 0;

	for (uint32_t o = 0; o < out->count; o++) {
		const struct constraint_facts *wanted = &facts[out->constraints[o]];

		if (by_profiles && wanted->concerned && !(in->profiles & ~wanted->sure))
			continue;
		while (i < in->count && facts[in->constraints[i]].dimension < wanted->dimension)
			i++;
		if (i == in->count || facts[in->constraints[i]].dimension != wanted->dimension)
			return false;
		if (in->constraints[i] != out->constraints[o] &&
		    !constraint_within(region_constraint(regions, in->constraints[i]),
				       region_constraint(regions, out->constraints[o])))
			return false;
	}
	return true;
}

bool region_within(const struct regions *regions, uint32_t inner, uint32_t outer)
{
	return lies_within(regions, inner, outer, false);
}

bool region_packets_within(const struct regions *regions, uint32_t inner, uint32_t outer)
{
	return lies_within(regions, inner, outer, true);
}

/* ---- What profiles tell ---- */

static struct interval range_among(struct regions *regions, uint32_t dimension, profile_set profiles)
{
	struct known_range *known = &regions->ranges[dimension];

	if (known->profiles != profiles)
		*known = (struct known_range){ profiles, facts_range(&regions->list->dimensions[dimension], profiles) };
	return known->range;
}

/* The first constraint from position *AT on that profiles concern; false when there is none. */
static bool find_concerned(const struct regions *regions, uint32_t region, uint32_t *at)
{
	const struct region *asked = &regions->items.items[region];

	for (; *at < asked->count; ++*at)
		if (regions->constraint_facts.items[asked->constraints[*at]].concerned)
			return true;
	return false;
}

uint32_t region_among(struct regions *regions, uint32_t region, profile_set profiles)
{
	uint32_t at = 0, unused;

	if (!(regions->items.items[region].profiles & profiles))
		return REGION_NONE;
	while (find_concerned(regions, region, &at)) {
		uint32_t constraint = regions->items.items[region].constraints[at];
		uint32_t dimension = regions->constraint_facts.items[constraint].dimension, narrowed = region;
		struct interval range;

		if (!(profiles & ~regions->constraint_facts.items[constraint].sure)) {
			region = replace_constraint(regions, region, at, CONSTRAINT_ALL);
			continue;
		}
		range = range_among(regions, dimension, profiles);
		if (range.low > 0)
			region_halve(regions, narrowed, dimension, range.low, &unused, &narrowed);
		if (narrowed != REGION_NONE && range.high < dimension_max(regions, dimension))
			region_halve(regions, narrowed, dimension, range.high + 1, &narrowed, &unused);
		if (narrowed == REGION_NONE)
			return REGION_NONE;
		at += regions->items.items[narrowed].count == regions->items.items[region].count;
		region = narrowed;
	}
	return region;
}

bool regions_meet(const struct regions *regions, uint32_t a, uint32_t b)
{
	const struct region *first = &regions->items.items[a], *second = &regions->items.items[b];

	if (!(first->profiles & second->profiles))
		return false;
	for (uint32_t i = 0, j = 0; i < first->count && j < second->count;) {
		const struct region_constraint *one = region_constraint(regions, first->constraints[i]);
		const struct region_constraint *other = region_constraint(regions, second->constraints[j]);

		if (one->dimension == other->dimension &&
		    !intervals_meet(one->intervals, one->count, other->intervals, other->count))
			return false;
		i += one->dimension <= other->dimension;
		j += other->dimension <= one->dimension;
	}
	return true;
}
