// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: rules with what is left of their boxes. Out: the cut that leaves the least to do. The bounds that are
 * left in a list, each a comparison still to be made, are its weight W, and the work behind it is taken to be
 * W * (log2 W + 16): the logarithm rewards halves of the same size, the 16 rewards a cut that settles a bound of many rules
 * at once. So what nearly all rules share (well formed, IPv4, TCP) is asked first and not again at a
 * thousand leaves, then the fields that tell rules apart are bisected.
 *
 * Where only one number of a dimension matters, both cuts around it are weighed as one, with two outcomes: that number or
 * another. Taken apart they would look bad, since everything lies on both sides of each.
 *
 * Where it is known how many packets each rule decides, a busy one counts as if it were many (its heat): halves are then halves
 * of the packets, and its way is the shorter the busier it is. Not so where nothing is left to ask of it, since then it lies on
 * both sides.
 *
 * All cuts are weighed in one pass a dimension: sort the bounds, sum up from the left what lies below and
 * take away what ends. All in integers, so that the answer is the same on every machine.
 */
#include "tree/cut.h"

#include <stdlib.h>

#define SETTLING	16 /* see above */
#define SET_EXTRA	4  /* in the same units: a look-up in a map costs as much as many comparisons, */
#define PREDICATE_EXTRA 8  /* and going through the packet's bytes as two of those */
#define FRACTION_BITS	8  /* of logarithms */

/*
 * A cut at this point gives the lower side LOW more weight than cuts before it did, and takes HIGH from the upper side.
 * INSIDE: what changes at this point for a packet that has just this number and needs no further cut here.
 */
struct end {
	uint64_t point;
	uint32_t low, high;
	int64_t inside;
};

struct dimension_ends {
	VECTOR(struct end) ends;
	uint64_t constrained; /* weight of the items with a constraint on it */
	uint64_t from_start;  /* weight that the lower side has before the first end */
};

struct cut_chooser {
	struct arena *arena;
	const struct regions *regions;
	const uint32_t *heat;
	struct dimension_ends *dimensions;
	VECTOR(uint32_t) touched;
	VECTOR(struct end) sorted; /* room for sorting */
};

struct cut_chooser *cut_chooser_new(struct arena *arena, const struct regions *regions, const uint32_t *heat)
{
	struct cut_chooser *chooser = arena_new_object(arena, struct cut_chooser);

	chooser->arena = arena;
	chooser->regions = regions;
	chooser->heat = heat;
	chooser->dimensions = arena_new_array(arena, struct dimension_ends, regions->list->dimension_count);
	return chooser;
}

/* W * (log2 W + SETTLING), with the logarithm's fraction taken as linear between powers of two. */
static uint64_t work_behind(uint64_t weight)
{
	uint64_t whole, fraction;

	if (weight == 0)
		return 0;
	whole = 63 - __builtin_clzll(weight);
	fraction = ((weight << FRACTION_BITS) >> whole) - (1u << FRACTION_BITS);
	return weight * (((whole + SETTLING) << FRACTION_BITS) + fraction);
}

/* HEAT: as how many rules the item counts; WEIGHT is of one. */
static void add_ends(struct cut_chooser *chooser, const struct region_constraint *constraint, uint32_t weight, uint32_t heat)
{
	struct dimension_ends *dimension = &chooser->dimensions[constraint->dimension];
	uint64_t max = chooser->regions->list->dimensions[constraint->dimension].max;
	bool open_low = constraint->intervals[0].low == 0;
	bool open_high = constraint->intervals[constraint->count - 1].high == max;
	/* What the item weighs beside its bounds on this dimension: it comes and goes with the first and last interval. */
	uint32_t beside = heat * (weight - (2 * constraint->count - open_low - open_high));

	if (dimension->constrained == 0)
		vector_push(chooser->arena, &chooser->touched, constraint->dimension);
	dimension->constrained += (uint64_t)heat * weight;
	if (open_low)
		dimension->from_start += beside;
	for (uint32_t i = 0; i < constraint->count; i++) {
		const struct interval *interval = &constraint->intervals[i];

		if (i > 0 || !open_low)
			vector_push(chooser->arena, &dimension->ends,
				    (struct end){ interval->low, i == 0 ? heat + beside : heat, heat, beside });
		if (i + 1 < constraint->count || !open_high)
			vector_push(chooser->arena, &dimension->ends,
				    (struct end){ interval->high + 1, heat, i + 1 == constraint->count ? heat + beside : heat,
						  -(int64_t)beside });
	}
}

static void merge_ends(const struct end *a, size_t a_count, const struct end *b, size_t b_count, struct end *into)
{
	size_t i = 0, j = 0;

	while (i < a_count && j < b_count) { /* which of them it is nobody can predict */
		bool second = b[j].point < a[i].point;

		*into++ = *(second ? &b[j] : &a[i]);
		j += second;
		i += !second;
	}
	while (i < a_count)
		*into++ = a[i++];
	while (j < b_count)
		*into++ = b[j++];
}

/* Merge sort from the bottom up, which takes what is sorted already as it is: rules often are. */
static void sort_ends(struct cut_chooser *chooser, struct dimension_ends *dimension)
{
	size_t count = dimension->ends.count;
	struct end *from, *into, *swap;
	size_t width;

	for (width = 1; width < count && dimension->ends.items[width - 1].point <= dimension->ends.items[width].point;)
		width++;
	if (width >= count)
		return;
	chooser->sorted.count = 0;
	vector_reserve(chooser->arena, &chooser->sorted, count);
	from = dimension->ends.items;
	into = chooser->sorted.items;
	for (width = 1; width < count; width *= 2) {
		for (size_t at = 0; at < count; at += 2 * width) {
			size_t middle = at + width < count ? at + width : count;
			size_t end = at + 2 * width < count ? at + 2 * width : count;

			merge_ends(&from[at], middle - at, &from[middle], end - middle, &into[at]);
		}
		swap = from;
		from = into;
		into = swap;
	}
	if (from != dimension->ends.items)
		for (size_t i = 0; i < count; i++)
			dimension->ends.items[i] = from[i];
}

/*
 * When all ends of a dimension are those of one number, and all who do not ask for it lie on both sides of it: what asking for it
 * costs. False when that is not so.
 */
static bool weigh_alone(const struct dimension_ends *dimension, uint64_t whole, uint64_t *ret_cost)
{
	const struct end *ends = dimension->ends.items;
	uint64_t apart = whole - dimension->constrained + dimension->from_start, above = whole;
	int64_t inside = (int64_t)apart;
	size_t count = dimension->ends.count;

	if (count < 2 || ends[0].point + 1 != ends[count - 1].point)
		return false;
	for (size_t i = 0; i < count; i++) {
		above -= ends[i].high;
		inside += ends[i].point == ends[0].point ? ends[i].inside : 0;
	}
	*ret_cost = work_behind((uint64_t)inside) + work_behind(apart);
	return above == apart;
}

static uint64_t extra_cost(const struct dimension *dimension)
{
	switch (dimension->kind) {
	case DIMENSION_SET:
		return SET_EXTRA;
	case DIMENSION_PREDICATE:
		return PREDICATE_EXTRA;
	default:
		return 0;
	}
}

/* The cheapest cut of one dimension, when it is cheaper than *BEST_COST. */
static void weigh_dimension(struct cut_chooser *chooser, uint32_t number, uint64_t whole, uint64_t *best_cost, struct cut *best)
{
	struct dimension_ends *dimension = &chooser->dimensions[number];
	const struct end *ends = dimension->ends.items;
	uint64_t low = whole - dimension->constrained + dimension->from_start, high, extra = 0;
	size_t count = dimension->ends.count;

	if (weigh_alone(dimension, whole, &high)) {
		if (high < *best_cost) {
			*best_cost = high;
			*best = (struct cut){ number, ends[0].point, true };
		}
		return;
	}
	high = whole;
	extra = whole * (extra_cost(&chooser->regions->list->dimensions[number]) << FRACTION_BITS);
	for (size_t i = 0; i < count;) {
		uint64_t point = ends[i].point, more_low = 0, cost;

		for (; i < count && ends[i].point == point; i++) {
			more_low += ends[i].low;
			high -= ends[i].high;
		}
		cost = work_behind(low) + work_behind(high) + extra;
		if (cost < *best_cost) {
			*best_cost = cost;
			*best = (struct cut){ number, point, false };
		}
		low += more_low;
	}
}

/* Sets and predicates that the first rule asks for and nothing else: there is no way round them. The cheapest of them. */
static bool must_ask(const struct cut_chooser *chooser, const struct item *first, struct cut *ret_cut)
{
	const struct region *region = &chooser->regions->items.items[first->region];
	const struct dimension *dimensions = chooser->regions->list->dimensions;
	uint32_t cheapest = UINT32_MAX;

	for (uint32_t i = 0; i < region->count; i++) {
		uint32_t dimension = chooser->regions->constraint_facts.items[region->constraints[i]].dimension;

		if (dimensions[dimension].kind == DIMENSION_FIELD)
			return false;
		if (cheapest == UINT32_MAX || extra_cost(&dimensions[dimension]) < extra_cost(&dimensions[cheapest]))
			cheapest = dimension;
	}
	*ret_cut = (struct cut){ cheapest, 1, false };
	return true;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

struct cut cut_choose(struct cut_chooser *chooser, const struct item *items, size_t count, bool deciding, uint64_t *work)
{
	uint64_t whole = 0, best_cost = UINT64_MAX;
	struct cut best = { 0 };

	if (deciding && must_ask(chooser, &items[0], &best))
		return best;
	chooser->touched.count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct region *region = &chooser->regions->items.items[items[i].region];
		uint32_t heat = region->count ? chooser->heat[items[i].rule] : 1;

		whole += (uint64_t)heat * region->weight;
		*work += 1 + region->weight;
		for (uint32_t c = 0; c < region->count; c++)
			add_ends(chooser, region_constraint(chooser->regions, region->constraints[c]), region->weight, heat);
	}
	if (chooser->touched.count > 1)
		qsort(chooser->touched.items, chooser->touched.count, sizeof(uint32_t), compare_numbers);
	for (size_t i = 0; i < chooser->touched.count; i++) {
		struct dimension_ends *dimension = &chooser->dimensions[chooser->touched.items[i]];

		sort_ends(chooser, dimension);
		weigh_dimension(chooser, chooser->touched.items[i], whole, &best_cost, &best);
		dimension->ends.count = 0;
		dimension->constrained = dimension->from_start = 0;
	}
	return best;
}
