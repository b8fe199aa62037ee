// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: rules, in order, as unions of boxes. Out: nodes. Each step has the list of rules that can still match, with what is
 * left of their boxes (regions.h), tidies it, looks whether it had the same list before, and else cuts it in two (cut.h).
 *
 * Between: an item is a rule and a region; a list of items is interned, so that its number stands for it. Lists only
 * get shorter or lighter on the way down, so the recursion ends.
 */
#include "tree/grow.h"

#include <string.h>

#define NO_NODE	       UINT32_MAX
#define MAX_DEPTH      2000 /* of the recursion; the budget ends it long before for all but the oddest rules */
#define AT_ONCE	       16   /* items whose memory is asked for together: what they wait for is the memory */
#define PAIRWISE_ITEMS 24   /* up to so many, each is compared with each for covering the other */

/* A node as it is interned: no unset bytes. Of a leaf the rules come behind. */
struct node_key {
	uint32_t leaf, dimension;
	uint64_t bound;
	uint32_t low, high;
};

/* A list as it is interned: in its first place, that of an item, the profiles of the packets that can come here. */
#define LIST_HEAD 1
_Static_assert(sizeof(profile_set) == LIST_HEAD * sizeof(struct item), "the head of a list takes the place of its items");

struct list {
	const struct item *items;
	size_t count;
	profile_set profiles;
};

/* By number of a region or constraint, the round in which it was last seen. */
struct marks {
	uint32_t *items;
	size_t count, capacity;
};

struct grower {
	struct arena *arena;
	const struct rule_list *list;
	struct regions *regions;
	const uint32_t *heat; /* by rule */
	struct cut_chooser *chooser;
	struct intern_table *lists, *node_table;
	VECTOR(uint32_t) solved;	/* by number of list: its node, or NO_NODE */
	VECTOR(struct tree_node) nodes; /* by number in node_table */
	VECTOR(struct item) scratch[2]; /* lists in the making; a half for each side of a cut */
	VECTOR(uint32_t) scratch_words;
	/* For tidying a deciding list: which regions, and which constraints alone, earlier items of it are. */
	struct marks region_marks, constraint_marks;
	uint32_t round;
	uint32_t **rule_regions; /* by rule: a region for each box; NULL: not asked for yet */
	/* The tree that grows now. */
	bool deciding;
	struct budget budget;
	uint64_t work, steps;
	uint32_t depth;
	bool failed;
	VECTOR(uint32_t) solved_now; /* lists */
};

/*
 * As many more than one as a rule has of the packets that an average one decides. In integers: all numbers are shifted until
 * their sum times the number of rules fits.
 */
static const uint32_t *measure_heat(struct arena *arena, const struct rule_list *list, const struct tree_options *options)
{
	uint32_t *heat = arena_new_array(arena, uint32_t, list->rule_count);
	uint64_t *packets = arena_new_array(arena, uint64_t, list->rule_count), most = 0, sum = 0;
	unsigned shift = 0;

	for (uint32_t i = 0; options->packets && i < list->rule_count; i++) {
		packets[i] = options->packets(options->packets_context, list->chain, &list->rules[i]);
		most = packets[i] > most ? packets[i] : most;
	}
	while (most >> shift > UINT32_MAX)
		shift++;
	for (uint32_t i = 0; i < list->rule_count; i++)
		sum += packets[i] >> shift;
	for (uint32_t i = 0; i < list->rule_count; i++) {
		uint64_t each = sum ? (packets[i] >> shift) * list->rule_count / sum : 0;

		heat[i] = 1 + (uint32_t)(each < TREE_MOST_HEAT ? each : TREE_MOST_HEAT - 1);
	}
	return heat;
}

struct grower *grower_new(struct arena *arena, const struct rule_list *list, const struct tree_options *options)
{
	struct grower *grower = arena_new_object(arena, struct grower);

	grower->arena = arena;
	grower->list = list;
	grower->regions = regions_new(arena, list);
	grower->heat = measure_heat(arena, list, options);
	grower->chooser = cut_chooser_new(arena, grower->regions, grower->heat);
	grower->lists = intern_new(arena);
	grower->node_table = intern_new(arena);
	grower->rule_regions = arena_new_array(arena, uint32_t *, list->rule_count);
	return grower;
}

const uint32_t *grower_heat(const struct grower *grower)
{
	return grower->heat;
}

const struct regions *grower_regions(const struct grower *grower)
{
	return grower->regions;
}

const uint32_t *grower_rule_regions(struct grower *grower, uint32_t rule)
{
	const struct rule *asked = &grower->list->rules[rule];

	if (!grower->rule_regions[rule]) {
		grower->rule_regions[rule] = arena_new_array(grower->arena, uint32_t, asked->box_count);
		for (uint32_t i = 0; i < asked->box_count; i++)
			grower->rule_regions[rule][i] = region_of_box(grower->regions, &asked->boxes[i]);
	}
	return grower->rule_regions[rule];
}

uint64_t grower_rule_weight(struct grower *grower, uint32_t rule)
{
	const uint32_t *regions = grower_rule_regions(grower, rule);
	uint64_t weight = 0;

	for (uint32_t i = 0; i < grower->list->rules[rule].box_count; i++)
		if (regions[i] != REGION_NONE)
			weight += grower->regions->items.items[regions[i]].weight;
	return weight;
}

/* ---- Nodes ---- */

static uint32_t add_node(struct grower *grower, const void *key, size_t size, const struct tree_node *node)
{
	uint32_t number = intern(grower->node_table, key, size);

	if (number == grower->nodes.count)
		vector_push(grower->arena, &grower->nodes, *node);
	return number;
}

static uint32_t add_leaf(struct grower *grower, const uint32_t *rules, uint32_t count)
{
	struct tree_node node = { .leaf = true, .rule_count = count };
	uint32_t number;

	grower->scratch_words.count = 0;
	vector_push(grower->arena, &grower->scratch_words, 1);
	for (uint32_t i = 0; i < count; i++)
		vector_push(grower->arena, &grower->scratch_words, rules[i]);
	number = add_node(grower, grower->scratch_words.items, grower->scratch_words.count * sizeof(uint32_t), &node);
	grower->nodes.items[number].rules = (const uint32_t *)intern_data(grower->node_table, number, NULL) + 1;
	return number;
}

static uint32_t add_cut(struct grower *grower, struct cut cut, uint32_t low, uint32_t high)
{
	struct node_key key = { .dimension = cut.dimension, .bound = cut.bound, .low = low, .high = high };
	struct tree_node node = { .dimension = cut.dimension, .bound = cut.bound, .low = low, .high = high };

	if (low == high)
		return low;
	return add_node(grower, &key, sizeof(key), &node);
}

/* ---- Lists: tidied, then interned ---- */

static void mark_room(struct arena *arena, struct marks *marks, size_t wanted)
{
	while (marks->count < wanted)
		vector_push(arena, marks, 0);
}

/*
 * Does an earlier item cover this one? Cheap tests only: the same region before, or one whose only
 * constraint this one has too; each with each in short lists.
 */
static bool is_covered(struct grower *grower, const struct item *items, size_t count, uint32_t region)
{
	const struct region *asked = &grower->regions->items.items[region];

	if (grower->region_marks.items[region] == grower->round)
		return true;
	for (uint32_t i = 0; i < asked->count; i++)
		if (grower->constraint_marks.items[asked->constraints[i]] == grower->round)
			return true;
	for (size_t i = 0; count <= PAIRWISE_ITEMS && i < count; i++)
		if (region_within(grower->regions, region, items[i].region))
			return true;
	return false;
}

/* Keep the first item of each kind, and none behind one that holds for all. Tidies in place. */
static size_t tidy_deciding(struct grower *grower, struct item *items, size_t count)
{
	size_t kept = 0;

	grower->round++;
	mark_room(grower->arena, &grower->region_marks, grower->regions->items.count);
	mark_room(grower->arena, &grower->constraint_marks, grower->regions->constraint_facts.count);
	for (size_t i = 0; i < count; i++) {
		const struct region *region = &grower->regions->items.items[items[i].region];

		if (is_covered(grower, items, kept, items[i].region))
			continue;
		grower->region_marks.items[items[i].region] = grower->round;
		if (region->count == 1)
			grower->constraint_marks.items[region->constraints[0]] = grower->round;
		items[kept++] = items[i];
		if (items[i].region == REGION_WHOLE)
			break;
	}
	return kept;
}

/* Of one rule's boxes, keep what no other covers. */
static size_t tidy_passing(struct grower *grower, struct item *items, size_t count)
{
	size_t kept = 0;

	for (size_t first = 0, end; first < count; first = end) {
		size_t start = kept;
		bool whole = false;

		for (end = first; end < count && items[end].rule == items[first].rule; end++)
			whole |= items[end].region == REGION_WHOLE;
		if (whole) {
			items[kept++] = (struct item){ items[first].rule, REGION_WHOLE };
			continue;
		}
		for (size_t i = first; i < end; i++) {
			bool covered = false;

			for (size_t k = start; k < kept && kept - start <= PAIRWISE_ITEMS && !covered; k++)
				covered = region_within(grower->regions, items[i].region, items[k].region);
			if (!covered)
				items[kept++] = items[i];
		}
	}
	return kept;
}

/* Does an item still ask for what profiles tell of? */
static bool asks_for_profiles(const struct grower *grower, const struct item *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (grower->regions->items.items[items[i].region].profiles != grower->regions->all)
			return true;
	return false;
}

/*
 * The number of the list that lies in scratch of SIDE behind its head, where packets of PROFILES can come. When no item
 * asks for what they tell of, they do not matter, and the list is the same for all.
 */
static uint32_t intern_list(struct grower *grower, int side, profile_set profiles)
{
	size_t count = grower->scratch[side].count - LIST_HEAD;
	struct item *items = &grower->scratch[side].items[LIST_HEAD];
	uint32_t number;

	count = grower->deciding ? tidy_deciding(grower, items, count) : tidy_passing(grower, items, count);
	if (!asks_for_profiles(grower, items, count))
		profiles = grower->regions->all;
	memcpy(grower->scratch[side].items, &profiles, sizeof(profiles));
	number = intern(grower->lists, grower->scratch[side].items, (LIST_HEAD + count) * sizeof(struct item));
	if (number == grower->solved.count)
		vector_push(grower->arena, &grower->solved, NO_NODE);
	return number;
}

static struct list list_of(const struct grower *grower, uint32_t number)
{
	size_t size;
	const struct item *items = intern_data(grower->lists, number, &size);
	struct list list = { .items = items + LIST_HEAD, .count = size / sizeof(*items) - LIST_HEAD };

	memcpy(&list.profiles, items, sizeof(list.profiles));
	return list;
}

/* Empty scratch but for the head. */
static void begin_list(struct grower *grower, int side)
{
	grower->scratch[side].count = 0;
	for (int i = 0; i < LIST_HEAD; i++)
		vector_push(grower->arena, &grower->scratch[side], (struct item){ 0 });
}

static void push_item(struct grower *grower, int side, uint32_t rule, uint32_t region)
{
	if (region != REGION_NONE)
		vector_push(grower->arena, &grower->scratch[side], (struct item){ rule, region });
}

static void foresee_halves(struct grower *grower, const struct list *list, size_t from, struct cut cut)
{
	for (size_t i = from; i < list->count && i < from + AT_ONCE; i++)
		region_foresee_halves(grower->regions, list->items[i].region, cut.dimension, cut.bound);
}

static void halve_list(struct grower *grower, uint32_t number, struct cut cut, uint32_t *ret_low, uint32_t *ret_high)
{
	const struct dimension *dimension = &grower->list->dimensions[cut.dimension];
	struct list list = list_of(grower, number);
	const struct interval below = { 0, cut.bound - 1 }, above = { cut.bound, dimension->max };
	profile_set profiles[2] = { list.profiles, list.profiles };

	if (facts_concern(dimension)) {
		profiles[0] &= facts_may(dimension, &below, 1);
		profiles[1] &= facts_may(dimension, &above, 1);
	}
	begin_list(grower, 0);
	begin_list(grower, 1);
	for (size_t i = 0; i < list.count; i++) {
		uint32_t halves[2];

		if (i % AT_ONCE == 0)
			foresee_halves(grower, &list, i, cut);
		region_halve(grower->regions, list.items[i].region, cut.dimension, cut.bound, &halves[0], &halves[1]);
		for (int side = 0; side < 2; side++) {
			if (profiles[side] != list.profiles && halves[side] != REGION_NONE)
				halves[side] = region_among(grower->regions, halves[side], profiles[side]);
			push_item(grower, side, list.items[i].rule, halves[side]);
		}
	}
	*ret_low = intern_list(grower, 0, profiles[0]);
	*ret_high = intern_list(grower, 1, profiles[1]);
}

/* ---- The recursion ---- */

static uint32_t solve(struct grower *grower, uint32_t number);

/* Cut a list and solve what comes out; a node, or NO_NODE when the budget is passed. */
static uint32_t solve_cut(struct grower *grower, uint32_t number, struct cut cut)
{
	struct cut behind = { cut.dimension, cut.bound + 1, false };
	uint32_t low, high;

	halve_list(grower, number, cut, &low, &high);
	low = solve(grower, low);
	high = cut.alone ? solve_cut(grower, high, behind) : solve(grower, high);
	return grower->failed ? NO_NODE : add_cut(grower, cut, low, high);
}

/* A list that needs no further cut becomes a leaf; NO_NODE for one that does. */
static uint32_t finish_list(struct grower *grower, const struct item *items, size_t count)
{
	uint32_t *rules;

	if (grower->deciding)
		return count == 0			 ? add_leaf(grower, NULL, 0)
		       : items[0].region == REGION_WHOLE ? add_leaf(grower, &items[0].rule, 1)
							 : NO_NODE;
	for (size_t i = 0; i < count; i++)
		if (items[i].region != REGION_WHOLE)
			return NO_NODE;
	rules = arena_new_array(grower->arena, uint32_t, count);
	for (size_t i = 0; i < count; i++)
		rules[i] = items[i].rule;
	return add_leaf(grower, rules, count);
}

static uint32_t solve(struct grower *grower, uint32_t number)
{
	struct list list = list_of(grower, number);
	uint32_t node = grower->solved.items[number];
	struct cut cut;

	if (node != NO_NODE || grower->failed)
		return node;
	node = finish_list(grower, list.items, list.count);
	grower->steps += node == NO_NODE || !grower->deciding; /* a deciding leaf is one of few */
	if (node == NO_NODE) {
		cut = cut_choose(grower->chooser, list.items, list.count, grower->deciding, &grower->work);
		if (grower->work > grower->budget.work || ++grower->depth > MAX_DEPTH || grower->steps > grower->budget.nodes) {
			grower->failed = true;
			return NO_NODE;
		}
		node = solve_cut(grower, number, cut);
		grower->depth--;
	}
	grower->solved.items[number] = node;
	if (node != NO_NODE)
		vector_push(grower->arena, &grower->solved_now, number);
	return node;
}

bool grower_grow(struct grower *grower, const uint32_t *rules, size_t count, bool deciding, struct budget budget,
		 uint32_t *ret_root)
{
	uint32_t root;

	grower->deciding = deciding;
	grower->budget = budget;
	grower->work = 0;
	grower->steps = 0;
	grower->solved_now.count = 0;
	grower->depth = 0;
	grower->failed = false;
	begin_list(grower, 0);
	for (size_t i = 0; i < count; i++) {
		const uint32_t *regions = grower_rule_regions(grower, rules[i]);

		for (uint32_t b = 0; b < grower->list->rules[rules[i]].box_count; b++)
			if (regions[b] != REGION_NONE)
				push_item(grower, 0, rules[i], region_among(grower->regions, regions[b], grower->regions->all));
	}
	root = solve(grower, intern_list(grower, 0, grower->regions->all));
	if (grower->failed) {
		/* Or the next attempt would find half of its work done, and a budget would be no limit. */
		for (size_t i = 0; i < grower->solved_now.count; i++)
			grower->solved.items[grower->solved_now.items[i]] = NO_NODE;
		return false;
	}
	*ret_root = root;
	return true;
}

const struct tree_node *grower_nodes(const struct grower *grower, uint32_t *ret_count)
{
	*ret_count = grower->nodes.count;
	return grower->nodes.items;
}
