// SPDX-License-Identifier: GPL-2.0-only
/*
 * One match to parts. In: a match of the checked policy. Out: a part for each thing it takes for granted (that the packet
 * has such a header), and one for its value: intervals, the answer of a set, or for IPv6 a union over two fields.
 */
#include "rules/lowering.h"
#include "rules/subject_fields.h"

static const struct interval no = { 0, 0 }, yes = { 1, 1 };

static void add_part(struct lowering *lowering, struct dimension dimension, struct interval_list list, int match)
{
	if (!intervals_full(list, dimension.max))
		vector_push(lowering->arena, &lowering->parts, (struct part){ dimension, list, match, false });
}

static void add_demands(struct lowering *lowering, const struct demand *demands, int match, bool implied)
{
	for (unsigned i = 0; i < SUBJECT_DEMANDS; i++) {
		struct interval *intervals;

		if (!demands[i].count)
			continue;
		intervals = arena_copy(lowering->arena, demands[i].intervals, sizeof(*intervals) * demands[i].count);
		vector_push(
			lowering->arena, &lowering->parts,
			(struct part){ dimension_of_field(demands[i].field), { demands[i].count, intervals }, match, implied });
	}
}

static void add_set(struct lowering *lowering, const struct policy_match *match, uint32_t set, int index)
{
	struct dimension dimension = { .kind = DIMENSION_SET, .max = 1, .set = set, .key_count = match->subject_count };

	for (uint32_t i = 0; i < match->subject_count; i++)
		dimension.keys[i] = subject_fields(match->subjects[i])->field;
	add_part(lowering, dimension, (struct interval_list){ 1, match->negated ? &no : &yes }, index);
}

static void add_predicate(struct lowering *lowering, const struct policy_match *match, int index)
{
	struct dimension dimension = { .kind = DIMENSION_PREDICATE, .max = 1, .predicate = match->predicate };

	add_part(lowering, dimension, (struct interval_list){ 1, match->negated ? &no : &yes }, index);
}

void lower_union_as_set(struct lowering *lowering, const struct alternatives *alternatives)
{
	add_set(lowering, alternatives->match, lower_anonymous_set(lowering, alternatives->match), alternatives->index);
}

static struct interval_list match_intervals(struct arena *arena, const struct policy_match *match)
{
	struct interval *intervals = arena_new_array(arena, struct interval, match->range_count);

	for (uint32_t i = 0; i < match->range_count; i++)
		intervals[i] = (struct interval){ match->ranges[i].low.lo, match->ranges[i].high.lo };
	return (struct interval_list){ match->range_count, intervals };
}

/* ---- Masks ---- */

#define MOST_MASKS 8	/* of a field that are dimensions of their own */
#define LISTED_MAX 0xff /* of a field whose values can be listed */

void lower_find_masks(struct lowering *lowering)
{
	uint64_t masks[WEIR_FIELD_COUNT][MOST_MASKS];
	uint32_t counts[WEIR_FIELD_COUNT] = { 0 };

	for (uint32_t r = 0; r < lowering->chain->rule_count; r++)
		for (uint32_t m = 0; m < lowering->chain->rules[r].match_count; m++) {
			const struct policy_match *match = &lowering->chain->rules[r].matches[m];
			enum weir_field field = match->masked ? subject_fields(match->subjects[0])->field : 0;
			uint32_t at = 0;

			if (!match->masked || lowering->listed[field] || field_max(field) > LISTED_MAX)
				continue;
			while (at < counts[field] && masks[field][at] != match->mask)
				at++;
			if (at == MOST_MASKS)
				lowering->listed[field] = true;
			else if (at == counts[field])
				masks[field][counts[field]++] = match->mask;
		}
}

/* The values that are in LIST under a mask, or with != those that are not. */
static struct interval_list masked_values(struct arena *arena, const struct policy_match *match, struct interval_list list,
					  uint64_t max)
{
	struct interval *intervals = arena_new_array(arena, struct interval, max / 2 + 1);
	uint32_t count = 0;

	for (uint64_t value = 0; value <= max; value++) {
		if (intervals_contain(list.items, list.count, value & match->mask) == match->negated)
			continue;
		if (count && intervals[count - 1].high + 1 == value)
			intervals[count - 1].high = value;
		else
			intervals[count++] = (struct interval){ value, value };
	}
	return (struct interval_list){ count, intervals };
}

static void add_ranges(struct lowering *lowering, const struct policy_match *match, enum weir_field field, int index)
{
	struct dimension dimension = dimension_of_field(field);
	struct interval_list list = match_intervals(lowering->arena, match);

	if (match->masked && lowering->listed[field]) {
		add_part(lowering, dimension, masked_values(lowering->arena, match, list, dimension.max), index);
		return;
	}
	if (match->masked)
		dimension.max = dimension.mask = match->mask & field_max(field);
	list = intervals_clip(lowering->arena, list, dimension.max);
	if (match->negated)
		list = intervals_complement(lowering->arena, list, dimension.max);
	add_part(lowering, dimension, list, index);
}

/* ---- IPv6: ranges of 128 bits to products of two halves ---- */

static struct value value_after(struct value value)
{
	value.lo++;
	value.hi += value.lo == 0;
	return value;
}

static struct value value_before(struct value value)
{
	value.hi -= value.lo == 0;
	value.lo--;
	return value;
}

/* The ranges, or with != what lies between them. */
static const struct value_range *wide_ranges(struct arena *arena, const struct policy_match *match, uint32_t *ret_count)
{
	const struct value max = { UINT64_MAX, UINT64_MAX };
	struct value_range *gaps;
	struct value next = { 0, 0 };
	uint32_t count = 0;

	*ret_count = match->range_count;
	if (!match->negated)
		return match->ranges;
	gaps = arena_new_array(arena, struct value_range, match->range_count + 1);
	for (uint32_t i = 0; i < match->range_count; i++) {
		if (value_compare(match->ranges[i].low, next) > 0)
			gaps[count++] = (struct value_range){ next, value_before(match->ranges[i].low) };
		next = value_after(match->ranges[i].high);
	}
	if (!match->range_count || value_compare(match->ranges[match->range_count - 1].high, max) != 0)
		gaps[count++] = (struct value_range){ next, max };
	*ret_count = count;
	return gaps;
}

static struct interval_list one_interval(struct arena *arena, uint64_t low, uint64_t high)
{
	const struct interval interval = { low, high };

	return (struct interval_list){ 1, arena_copy(arena, &interval, sizeof(interval)) };
}

struct wide {
	struct arena *arena;
	VECTOR(struct alternative) boxes; /* each with one upper half; ascending */
	VECTOR(struct interval) whole;	  /* upper halves of which every lower half belongs; one box together */
};

/* Part of a range that lies within one upper half: it joins the box before when that has the same one. */
static void add_partial(struct wide *wide, uint64_t high, uint64_t low_from, uint64_t low_to)
{
	struct alternative *last = wide->boxes.count ? &wide->boxes.items[wide->boxes.count - 1] : NULL;
	struct interval_list low = one_interval(wide->arena, low_from, low_to);

	if (last && last->high.items[0].low == high) {
		struct interval *joined = arena_new_array(wide->arena, struct interval, last->low.count + 1);

		for (uint32_t i = 0; i < last->low.count; i++)
			joined[i] = last->low.items[i];
		joined[last->low.count] = low.items[0];
		last->low = (struct interval_list){ last->low.count + 1, joined };
		return;
	}
	vector_push(wide->arena, &wide->boxes, (struct alternative){ one_interval(wide->arena, high, high), low });
}

static void add_whole(struct wide *wide, uint64_t from, uint64_t to)
{
	struct interval *last = wide->whole.count ? &wide->whole.items[wide->whole.count - 1] : NULL;

	if (last && last->high + 1 == from)
		last->high = to;
	else
		vector_push(wide->arena, &wide->whole, (struct interval){ from, to });
}

static void add_wide_range(struct wide *wide, struct value_range range)
{
	uint64_t from = range.low.hi, to = range.high.hi;

	if (from == to && (range.low.lo != 0 || range.high.lo != UINT64_MAX)) {
		add_partial(wide, from, range.low.lo, range.high.lo);
		return;
	}
	/* FROM is below TO when either end is ragged, so neither step can run over. */
	if (range.low.lo != 0)
		add_partial(wide, from++, range.low.lo, UINT64_MAX);
	if (range.high.lo != UINT64_MAX) {
		add_partial(wide, to, 0, range.high.lo);
		if (to == 0 || to - 1 < from)
			return;
		to--;
	}
	if (from <= to)
		add_whole(wide, from, to);
}

static void add_wide(struct lowering *lowering, const struct policy_match *match, enum weir_field field, int index)
{
	struct wide wide = { .arena = lowering->arena };
	struct alternatives alternatives = { .field = field, .match = match, .index = index };
	uint32_t count;
	const struct value_range *ranges = wide_ranges(lowering->arena, match, &count);

	for (uint32_t i = 0; i < count; i++)
		add_wide_range(&wide, ranges[i]);
	if (wide.whole.count) {
		struct interval_list whole = { (uint32_t)wide.whole.count, wide.whole.items };

		vector_push(
			lowering->arena, &wide.boxes,
			(struct alternative){ .high = intervals_full(whole, UINT64_MAX) ? (struct interval_list){ 0 } : whole });
	}
	alternatives.count = (uint32_t)wide.boxes.count;
	alternatives.items = wide.boxes.items;
	if (alternatives.count > 1) {
		vector_push(lowering->arena, &lowering->unions, alternatives);
		return;
	}
	if (!alternatives.count) { /* nothing is left: a part that never holds says it */
		add_part(lowering, dimension_of_field(field), (struct interval_list){ 0 }, index);
		return;
	}
	if (alternatives.items[0].high.count)
		add_part(lowering, dimension_of_field(field), alternatives.items[0].high, index);
	if (alternatives.items[0].low.count)
		add_part(lowering, dimension_of_field(field + 1), alternatives.items[0].low, index);
}

void lower_match(struct lowering *lowering, int index)
{
	const struct policy_match *match = &lowering->rule->matches[index];
	const struct subject_fields *fields = subject_fields(match->subjects[0]);
	struct demand needs[SUBJECT_DEMANDS];

	for (uint32_t i = 0; i < match->subject_count; i++) {
		match_needs(match, i, needs);
		add_demands(lowering, needs, index, false);
		add_demands(lowering, subject_fields(match->subjects[i])->implies, index, true);
	}
	if (match->predicate)
		add_predicate(lowering, match, index);
	else if (match->set >= 0)
		add_set(lowering, match, (uint32_t)match->set, index);
	else if (lower_should_be_set(lowering, match))
		add_set(lowering, match, lower_anonymous_set(lowering, match), index);
	else if (fields->wide && match->range_count)
		add_wide(lowering, match, fields->field, index);
	else if (match->range_count)
		add_ranges(lowering, match, fields->field, index);
}
