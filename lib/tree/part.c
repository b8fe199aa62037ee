// SPDX-License-Identifier: GPL-2.0-only
/*
 * One tree is best as long as the rules do not cut each other up. Rules that are wide in the source address and narrow in the
 * destination, beside others that are the other way round, do: each of the one kind meets each of the other. So
 * rules are sorted by which of their addresses are narrow, a few ways to make trees of these kinds are tried, and the one is
 * taken whose trees cost the least: what a packet takes, on packets drawn from the rules, and a little for the size.
 *
 * Any parting is right, whatever its order, since next says where an earlier rule may still be found (tree.h).
 *
 * All in integers, so that the answer is the same on every machine.
 */
#include "tree/part.h"

#include "base/limits.h"
#include "tree/kind.h"
#include "tree/overlap.h"
#include "tree/sample.h"
#include "tree/table.h"
#include "tree/vectors.h"

/*
 * A good tree has about half as many nodes as its rules have bounds. What is beyond that are rules that cut
 * each other up: some is worth a single walk.
 */
#define SPARE_NODES	4096
#define SPARE_WORK	1000000
#define WORK_PER_WEIGHT 64

#define SAMPLES		512
#define COST_COMPARE	(2 * 256) /* for each packet; in 1/256 */
#define COST_TREE	(4 * 256)
#define COST_DOUBLING	12 /* of the nodes beyond FREE_NODES; in 1/256 by the fraction of the logarithm */
#define FREE_NODES	1600
#define COST_DATA	(100 * 256) /* of what becomes data, whatever it saves */
#define COST_IMPOSSIBLE UINT64_MAX
#define WORTH_IT	64  /* more trees than one must be better by one part of so many */
#define SMALL_TREE	256 /* nodes of one tree that need not be bettered */
#define MANY_RULES	20000
#define SOME_RULES	1024 /* about so many are tried first where there are */
#define SOME_STEP	4    /* times as many */

/* Sets of kinds, a bit for each; 0: no more trees. */
#define ONE(kind)   (1u << (kind))
#define NEITHER	    ONE(0)
#define SOURCE	    ONE(NARROW_SOURCE)
#define DESTINATION ONE(NARROW_DESTINATION)
#define BOTH	    ONE(NARROW_SOURCE | NARROW_DESTINATION)
#define EVERYTHING  (BOTH | DESTINATION | SOURCE | NEITHER)

/*
 * From many trees to few: where two kinds cannot share one, more of them cannot either. A candidate that makes one tree of two of
 * another one's is tried when that other is the best so far (AFTER, a bit for each); anything is when nothing was possible.
 */
#define FIRST 0xff
static const struct candidate {
	uint8_t trees[KIND_COUNT], after;
} candidates[] = {
	{ { BOTH | DESTINATION, SOURCE, NEITHER }, FIRST },
	{ { BOTH | SOURCE, DESTINATION, NEITHER }, FIRST },
	{ { BOTH | DESTINATION, SOURCE | NEITHER }, 1 << 0 },
	{ { BOTH | SOURCE, DESTINATION | NEITHER }, 1 << 1 },
	{ { EVERYTHING }, 1 << 2 | 1 << 3 },
	{ { BOTH, DESTINATION, SOURCE, NEITHER }, 0 },
};
#define CANDIDATES    (sizeof(candidates) / sizeof(*candidates))
#define ANY_CANDIDATE ((1u << CANDIDATES) - 1)

/* The ways to try. */
static const struct narrowness narrownesses[] = { { 24, 24, 24 }, { 16, 16, 8 } };
#define NARROWNESSES (sizeof(narrownesses) / sizeof(*narrownesses))

struct parter {
	struct arena *arena;
	struct grower *grower;
	const struct rule_list *list;
	const struct tree_options *options;
	const uint32_t *rules;
	size_t count;
	struct overlap *overlap;
	uint8_t *kinds;	     /* by place in RULES */
	uint32_t impossible; /* a bit for each set of kinds: no tree of them keeps its budget */
	uint64_t most_nodes; /* that a tree may have */
	/* While there are vectors to go to: */
	size_t most_trees; /* of rules in halves */
	bool may_give_up;  /* before all has been tried */
	bool hopeless;	   /* it has */
	struct sample *samples;
	uint32_t sample_count;
};

/* ---- What a parting costs ---- */

static void draw_samples(struct parter *parter)
{
	const uint32_t *heat = grower_heat(parter->grower);
	uint64_t state = 0, whole = 0, before = 0;
	size_t rule = 0;

	parter->sample_count = parter->count < SAMPLES ? parter->count : SAMPLES;
	parter->samples = arena_new_array(parter->arena, struct sample, parter->sample_count);
	for (size_t i = 0; i < parter->count; i++)
		whole += heat[parter->rules[i]];
	for (uint32_t i = 0; i < parter->sample_count; i++) { /* of each rule by its heat */
		while (before + heat[parter->rules[rule]] <= i * whole / parter->sample_count)
			before += heat[parter->rules[rule++]];
		parter->samples[i] = sample_draw(parter->grower, parter->list, parter->rules[rule], &state);
	}
}

/* Each rule is compared with so many of another part; past them it is taken to meet one, and to be covered by none. */
#define COMPARED_RULES 8192

static uint32_t next_part(const struct parter *parter, const struct parting *parting, uint32_t rule, uint32_t part)
{
	while (++part < parting->parts.count) {
		const struct part *asked = &parting->parts.items[part];

		for (uint32_t i = 0; i < asked->rule_count && asked->rules[i] < rule; i++)
			if (i == COMPARED_RULES || overlap_meet(parter->overlap, asked->rules[i], rule))
				return part;
	}
	return part;
}

/* The rule that a tree names for a sample, or NO_RULE; *COMPARES grows by the comparisons. */
#define NO_RULE UINT32_MAX

static uint32_t walk(const struct parter *parter, uint32_t root, const struct sample *sample, uint64_t *compares)
{
	const struct tree_node *nodes;
	uint32_t count;

	nodes = grower_nodes(parter->grower, &count);
	while (!nodes[root].leaf) {
		uint64_t value = sample_dimension(sample, parter->list, nodes[root].dimension);

		root = value < nodes[root].bound ? nodes[root].low : nodes[root].high;
		++*compares;
	}
	return nodes[root].rule_count ? nodes[root].rules[0] : NO_RULE;
}

/* The place in a part of the first rule that is not before this one. */
static uint32_t place_of(const struct part *part, uint32_t rule)
{
	uint32_t low = 0, high = part->rule_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (part->rules[middle] < rule)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * A rule that covers another matches what is drawn from that, too. So it is not before the first of its part that does, and most
 * often there is none that does before the rule asked for.
 */
static bool covers_some_of(const struct parter *parter, const struct part *part, uint32_t rule, const struct sample *sample)
{
	uint32_t first = 0, compared = 0;
	uint64_t compares = 0;

	if (!part->table && !part->vectors && sample)
		first = walk(parter, part->root, sample, &compares);
	if (first >= rule)
		return false;
	for (uint32_t i = place_of(part, first); i < part->rule_count && part->rules[i] < rule; i++)
		if (compared++ == COMPARED_RULES || overlap_covers(parter->overlap, part->rules[i], rule))
			return compared <= COMPARED_RULES;
	return false;
}

static bool is_covered_elsewhere(const struct parter *parter, const struct parting *parting, uint32_t rule, uint32_t part)
{
	uint64_t state = rule;
	struct sample sample = sample_draw(parter->grower, parter->list, rule, &state);
	bool holds = sample_holds(&sample, parter->list);

	for (uint32_t other = 0; other < parting->parts.count; other++)
		if ((other != part || parting->parts.items[other].vectors) &&
		    covers_some_of(parter, &parting->parts.items[other], rule, holds ? &sample : NULL))
			return true;
	return false;
}

static uint64_t walk_samples(const struct parter *parter, const struct parting *parting)
{
	uint64_t compares = 0, trees = 0;

	for (uint32_t i = 0; i < parter->sample_count; i++) {
		uint32_t least = NO_RULE;

		for (uint32_t part = 0; part < parting->parts.count;) {
			uint32_t rule = walk(parter, parting->parts.items[part].root, &parter->samples[i], &compares);

			trees++;
			if (rule < least) {
				least = rule;
				part = next_part(parter, parting, rule, part);
			} else {
				part++;
			}
		}
	}
	return (COST_COMPARE * compares + COST_TREE * trees) / parter->sample_count;
}

static uint64_t count_nodes(const struct parter *parter, const struct parting *parting)
{
	uint32_t count;
	const struct tree_node *nodes = grower_nodes(parter->grower, &count);
	struct arena *arena = arena_new();
	bool *marks = arena_new_array(arena, bool, count);
	uint64_t sum = 0;

	for (size_t i = 0; i < parting->parts.count; i++)
		marks[parting->parts.items[i].root] = true;
	for (uint32_t i = count; i-- > 0;) {
		if (!marks[i])
			continue;
		sum++;
		if (nodes[i].leaf)
			continue;
		marks[nodes[i].low] = true;
		marks[nodes[i].high] = true;
	}
	arena_free(arena);
	return sum;
}

static uint64_t size_cost(uint64_t nodes)
{
	uint64_t whole, fraction;

	if (nodes <= FREE_NODES)
		return 0;
	nodes = (nodes << 16) / FREE_NODES;
	whole = 63 - __builtin_clzll(nodes);
	fraction = ((nodes << 8) >> whole) - 256;
	return COST_DOUBLING * (((whole - 16) << 8) + fraction);
}

/* ---- Trying ---- */

static const char *const kind_names[1 << KIND_COUNT] = {
	[EVERYTHING] = "all rules",
	[BOTH | DESTINATION] = "destination narrow",
	[SOURCE | NEITHER] = "destination wide",
	[BOTH | SOURCE] = "source narrow",
	[DESTINATION | NEITHER] = "source wide",
	[SOURCE] = "source narrow, destination wide",
	[DESTINATION] = "source wide, destination narrow",
	[BOTH] = "both addresses narrow",
	[NEITHER] = "both addresses wide",
};

/* What a good tree of these rules may take, and a little more. */
static struct budget good_budget(const struct parter *parter, const uint32_t *rules, size_t count)
{
	struct budget budget = { .nodes = SPARE_NODES, .work = SPARE_WORK };

	for (size_t i = 0; i < count; i++) {
		uint64_t weight = grower_rule_weight(parter->grower, rules[i]);

		budget.nodes += weight;
		budget.work += WORK_PER_WEIGHT * weight;
	}
	if (count == 1)
		budget.nodes = LIMIT_TREE_NODES;
	else if (budget.nodes > LIMIT_DATA_NODES)
		budget.nodes = LIMIT_DATA_NODES;
	return budget;
}

static bool grow_part(const struct parter *parter, const uint32_t *rules, size_t count, unsigned kinds, struct parting *parting)
{
	struct part part = { .rule_count = count, .rules = rules, .kinds = kind_names[kinds] };
	struct budget budget = good_budget(parter, rules, count);

	if (budget.nodes > parter->most_nodes)
		budget.nodes = parter->most_nodes;
	if (!grower_grow(parter->grower, rules, count, true, budget, &part.root))
		return false;
	vector_push(parter->arena, &parting->parts, part);
	return true;
}

static const uint32_t *rules_of_kinds(const struct parter *parter, unsigned kinds, size_t *ret_count)
{
	uint32_t *rules = arena_new_array(parter->arena, uint32_t, parter->count);
	size_t count = 0;

	for (size_t i = 0; i < parter->count; i++)
		if (kinds >> parter->kinds[i] & 1)
			rules[count++] = parter->rules[i];
	*ret_count = count;
	return rules;
}

/* Are there among KINDS some of which no tree can be? */
static bool has_impossible(const struct parter *parter, unsigned kinds)
{
	for (unsigned some = 1; some <= kinds; some++)
		if ((some & kinds) == some && parter->impossible >> some & 1)
			return true;
	return false;
}

static uint64_t try_candidate(struct parter *parter, const uint8_t *trees, struct parting *ret_parting)
{
	struct parting parting = { 0 };
	uint64_t nodes;

	for (unsigned i = 0; i < KIND_COUNT && trees[i]; i++)
		if (has_impossible(parter, trees[i]))
			return COST_IMPOSSIBLE;
	for (unsigned i = 0; i < KIND_COUNT && trees[i]; i++) {
		size_t count;
		const uint32_t *rules = rules_of_kinds(parter, trees[i], &count);

		if (count && !grow_part(parter, rules, count, trees[i], &parting)) {
			parter->impossible |= 1u << trees[i];
			return COST_IMPOSSIBLE;
		}
	}
	nodes = count_nodes(parter, &parting);
	*ret_parting = parting;
	if (nodes > LIMIT_DATA_NODES)
		return COST_IMPOSSIBLE;
	return walk_samples(parter, &parting) + size_cost(nodes) + (nodes > LIMIT_TREE_NODES ? COST_DATA : 0);
}

/* Sort by another narrowness. False when that changes nothing. */
static bool sort_rules(struct parter *parter, const struct narrowness *narrowness)
{
	bool changed = false;

	for (size_t i = 0; i < parter->count; i++) {
		uint8_t kind = rule_kind(parter->list, &parter->list->rules[parter->rules[i]], narrowness);

		changed |= kind != parter->kinds[i];
		parter->kinds[i] = kind;
	}
	/* What was impossible, and has no kind of which some may have become another, is so still. */
	parter->impossible &= 1u << EVERYTHING | 1u << (SOURCE | NEITHER) | 1u << (DESTINATION | NEITHER) | 1u << NEITHER;
	return changed;
}

/*
 * One tree of all rules that need not be bettered: small; or of very many rules, which take long to try, and as large as a good one is.
 */
static bool one_is_good_enough(struct parter *parter, struct parting *ret_parting)
{
	struct budget budget = good_budget(parter, parter->rules, parter->count);
	struct parting parting = { 0 };

	parter->most_nodes = parter->count > MANY_RULES ? budget.nodes : SMALL_TREE;
	if (parter->count && !grow_part(parter, parter->rules, parter->count, EVERYTHING, &parting))
		return false;
	if (parter->count > MANY_RULES && count_nodes(parter, &parting) > budget.nodes - budget.nodes / 4)
		return false;
	*ret_parting = parting;
	return true;
}

/* The best of the WANTED candidates, a bit for each. *RET_PAID: it and what it makes fewer trees of; 0: none is possible. */
static bool choose_among(struct parter *parter, uint32_t wanted, struct parting *parting, uint32_t *ret_paid)
{
	uint64_t best = COST_IMPOSSIBLE;
	unsigned chosen = 0;

	*ret_paid = 0;
	parter->most_nodes = LIMIT_DATA_NODES;
	for (size_t i = 0; i < parter->count; i++)
		parter->kinds[i] = KIND_COUNT;
	for (unsigned n = 0; n < NARROWNESSES && best == COST_IMPOSSIBLE; n++) {
		if (!sort_rules(parter, &narrownesses[n]))
			break;
		for (unsigned c = 0; c < CANDIDATES; c++) {
			struct parting tried;
			uint64_t cost, nodes;

			if (!(wanted >> c & 1) || (best != COST_IMPOSSIBLE && !(candidates[c].after >> chosen & 1)))
				continue;
			cost = try_candidate(parter, candidates[c].trees, &tried);
			if (cost != COST_IMPOSSIBLE && tried.parts.count == 1)
				cost -= cost / WORTH_IT; /* one tree is simpler than several that are hardly better */
			if (cost >= best)
				continue;
			best = cost;
			chosen = c;
			*ret_paid = (candidates[c].after == FIRST ? 0 : *ret_paid) | 1u << c;
			*parting = tried;
			nodes = count_nodes(parter, &tried);
			if (nodes + nodes / 2 < parter->most_nodes)
				parter->most_nodes = nodes + nodes / 2; /* what is larger is not better */
		}
	}
	parter->most_nodes = LIMIT_DATA_NODES;
	return *ret_paid;
}

/*
 * The candidates that may pay, by what pays for every so many-th of the rules. Which one does differs little from there to all
 * of them (in ClassBench's sets it is the same from 600 of 10,000 on); and a tree for two kinds that is not worth it for some
 * of them is less so for all, which cut each other up more. The last rule, the chain's policy, is always among them. What grows
 * here is forgotten.
 */
static uint32_t try_some(const struct parter *parter)
{
	struct arena *arena = arena_new();
	size_t step = parter->count / SOME_RULES;
	uint32_t *rules = arena_new_array(arena, uint32_t, parter->count / step + 1), paid = 0;
	struct parter some = *parter;
	struct parting parting;

	some.arena = arena;
	some.count = 0;
	some.grower = grower_new(arena, parter->list, parter->options);
	some.rules = rules;
	some.kinds = arena_new_array(arena, uint8_t, parter->count / step + 1);
	for (size_t i = (parter->count - 1) % step; i < parter->count; i += step)
		rules[some.count++] = parter->rules[i];
	draw_samples(&some);
	if (!one_is_good_enough(&some, &parting))
		choose_among(&some, ANY_CANDIDATE, &parting, &paid);
	arena_free(arena);
	return paid ? paid : ANY_CANDIDATE;
}

/* So few rules of a kind are tried whole; of more, so many are tried before. */
#define PROBE_LEAST 1024
#define PROBE_RULES 256

/* Do some rules of a kind, from all over them, make no tree that keeps its budget? Then all of them will not either. */
static bool is_hopeless_kind(const struct parter *parter, unsigned kind)
{
	struct arena *arena;
	uint32_t some[PROBE_RULES], root;
	size_t count;
	const uint32_t *rules = rules_of_kinds(parter, ONE(kind), &count);
	bool grows;

	if (count < PROBE_LEAST)
		return false;
	arena = arena_new();
	for (size_t i = 0; i < PROBE_RULES; i++)
		some[i] = rules[i * count / PROBE_RULES];
	grows = grower_grow(grower_new(arena, parter->list, parter->options), some, PROBE_RULES, true,
			    good_budget(parter, some, PROBE_RULES), &root);
	arena_free(arena);
	return !grows;
}

/* Is there, however rules are sorted, a kind of which no tree will be? */
static bool is_hopeless(struct parter *parter)
{
	for (unsigned n = 0; n < NARROWNESSES; n++) {
		bool hopeless = false;

		sort_rules(parter, &narrownesses[n]);
		for (unsigned kind = 0; kind < KIND_COUNT && !hopeless; kind++)
			hopeless = is_hopeless_kind(parter, kind);
		if (!hopeless)
			return false;
	}
	return true;
}

/* False when none is possible. */
static bool choose(struct parter *parter, struct parting *parting)
{
	uint32_t promising = parter->count / SOME_RULES >= SOME_STEP ? try_some(parter) : ANY_CANDIDATE, paid;

	parter->hopeless = promising == ANY_CANDIDATE && parter->may_give_up && is_hopeless(parter);
	if (parter->hopeless)
		return false;
	if ((promising == ANY_CANDIDATE || parter->count > MANY_RULES) && one_is_good_enough(parter, parting))
		return true;
	return choose_among(parter, promising, parting, &paid) ||
	       choose_among(parter, ANY_CANDIDATE & ~promising, parting, &paid);
}

/* Rules that are too many for any tree: in two halves, in order, and each of these again. */
static void halve_rules(const struct parter *parter, const uint32_t *rules, size_t count, unsigned kinds, struct parting *parting)
{
	uint32_t before, after;

	if (!count || parting->nodes > LIMIT_DATA_NODES || parting->parts.count > parter->most_trees)
		return;
	grower_nodes(parter->grower, &before);
	if (grow_part(parter, rules, count, kinds, parting)) {
		grower_nodes(parter->grower, &after);
		parting->nodes += after - before;
		return;
	}
	if (count > 1) {
		halve_rules(parter, rules, count / 2, kinds, parting);
		halve_rules(parter, &rules[count / 2], count - count / 2, kinds, parting);
	} else if (parting->too_large++ == 0) {
		parting->too_large_rule = rules[0];
	}
}

static void halve_kinds(struct parter *parter, struct parting *parting)
{
	const uint8_t *trees = candidates[CANDIDATES - 1].trees;

	for (unsigned i = 0; i < KIND_COUNT; i++) {
		size_t count;
		const uint32_t *rules = rules_of_kinds(parter, trees[i], &count);

		halve_rules(parter, rules, count, trees[i], parting);
	}
}

/* ---- Tables ---- */

/* So many rules make a table worth its look beside a tree of others; where next to nothing is left for a tree, so few. */
#define TABLE_LEAST 2000
#define TABLE_ALONE 32
/* Next to nothing: so much of the tables, and weir's own two rules. */
#define TABLE_REST(rows) ((rows) / 16 + 2)
/* Each is a look for every packet that comes to it. */
#define TABLE_MOST 3

/* Tables of at least so many rows. */
static size_t least_rows(const struct parter *parter, const struct table_groups *groups)
{
	size_t rows = 0;

	if (parter->options->wish != TREE_AS_FITS)
		return 0;
	for (size_t g = 0; g < groups->items.count && g < TABLE_MOST; g++)
		rows += groups->items.items[g].count;
	return parter->count - rows <= TABLE_REST(rows) ? TABLE_ALONE : TABLE_LEAST;
}

/* Take the rules that a table serves better out of RULES: into tables, each a part of its own; the rest stays. */
static void take_tables(struct parter *parter, struct parting *tables)
{
	enum tree_wish wish = parter->options->wish;
	size_t few = wish == TREE_ALL_TABLES ? 2 : wish == TREE_AS_FITS ? TABLE_ALONE : SIZE_MAX;
	struct table_groups groups = table_find(parter->arena, parter->list, parter->rules, parter->count, few);
	bool *taken = arena_new_array(parter->arena, bool, parter->list->rule_count);
	uint32_t *rest = arena_new_array(parter->arena, uint32_t, parter->count);
	size_t rest_count = 0, least = least_rows(parter, &groups);

	for (size_t g = 0; g < groups.items.count && g < TABLE_MOST; g++) {
		const struct table_group *group = &groups.items.items[g];

		if (group->count < least)
			break;
		vector_push(parter->arena, &tables->parts,
			    (struct part){ .table = group->table,
					   .rules = group->rules,
					   .rule_count = group->count,
					   .kinds = "one number of each field" });
		for (uint32_t i = 0; i < group->count; i++)
			taken[group->rules[i]] = true;
	}
	for (size_t i = 0; i < parter->count; i++)
		if (!taken[parter->rules[i]])
			rest[rest_count++] = parter->rules[i];
	parter->rules = rest;
	parter->count = rest_count;
}

/* ---- Vectors ---- */

/* More trees than so many cost a packet more than the look into vectors. */
#define MOST_TREES 32
/* Each is a look for every packet, too. */
#define VECTORS_MOST 3
/* But rules about everything that overlap may leave trees of more nodes than go into LIMIT_INSTRUCTIONS: then there are more. */
#define VECTORS_MORE	    9
#define TREE_NODES_TOO_MANY 135000

/* A look has four maps, and a program 64, of which others and the sets of the chain need some. */
static unsigned more_looks(const struct rule_list *list)
{
	unsigned looks = VECTORS_MORE, sets = 0;

	for (uint32_t i = 0; i < list->dimension_count; i++)
		sets += list->dimensions[i].kind == DIMENSION_SET;
	while (looks > 0 && 4 * (VECTORS_MOST + looks) + sets > 52)
		looks--;
	return looks;
}

/* Take the rules that can stand in bit vectors out of RULES: one part of VECTORS; the rest stays. False when none can. */
static bool take_vectors(struct parter *parter, struct parting *vectors)
{
	uint32_t *taken = arena_new_array(parter->arena, uint32_t, parter->count);
	size_t count;

	vectors_choose(parter->list, parter->rules, parter->count, taken, &count);
	if (!count)
		return false;
	vector_push(parter->arena, &vectors->parts,
		    (struct part){ .vectors = true, .rules = taken, .rule_count = count, .kinds = "overlapping" });
	parter->rules = &taken[count];
	parter->count -= count;
	parter->impossible = 0;
	return true;
}

/* Trees for what is no table; where they would be too many, VECTORS for the rules that can stand there, and trees for the rest. */
static struct parting grow_trees(struct parter *parter, struct parting *vectors)
{
	enum tree_wish wish = parter->options->wish;
	unsigned left = wish == TREE_ALL_CODE || wish == TREE_ALL_DATA ? 0 : VECTORS_MOST;
	unsigned more = left ? more_looks(parter->list) : 0;

	for (;;) {
		struct parting trees = { 0 };

		if (wish == TREE_ALL_VECTORS && left && take_vectors(parter, vectors)) {
			left--;
			continue;
		}
		parter->most_trees = left ? MOST_TREES : SIZE_MAX;
		parter->may_give_up = left > 0;
		draw_samples(parter);
		if (choose(parter, &trees))
			return trees;
		if (!parter->hopeless)
			halve_kinds(parter, &trees);
		if (!parter->hopeless && (!left || (trees.parts.count <= MOST_TREES && trees.nodes <= LIMIT_DATA_NODES))) {
			if (left || !more || trees.nodes <= TREE_NODES_TOO_MANY)
				return trees;
			left = more;
			more = 0;
		}
		left = take_vectors(parter, vectors) ? left - 1 : 0;
	}
}

struct parting part_rules(struct arena *arena, struct grower *grower, const struct rule_list *list,
			  const struct tree_options *options, const uint32_t *rules, size_t count)
{
	struct parter parter = {
		.arena = arena, .grower = grower, .list = list, .options = options, .rules = rules, .count = count
	};
	struct parting parting = { 0 }, trees;

	take_tables(&parter, &parting);
	parter.overlap = overlap_new(arena, grower, list);
	parter.kinds = arena_new_array(arena, uint8_t, parter.count);
	trees = grow_trees(&parter, &parting);
	parting.too_large = trees.too_large;
	parting.too_large_rule = trees.too_large_rule;
	parting.nodes = trees.nodes;
	if (parting.too_large || parting.nodes > LIMIT_DATA_NODES)
		return parting;
	for (uint32_t i = 0; i < trees.parts.count; i++)
		vector_push(arena, &parting.parts, trees.parts.items[i]);
	parting.next = arena_new_array(arena, uint32_t, list->rule_count);
	parting.covered = arena_new_array(arena, bool, list->rule_count);
	for (uint32_t part = 0; part < parting.parts.count; part++)
		for (uint32_t i = 0; i < parting.parts.items[part].rule_count; i++) {
			uint32_t rule = parting.parts.items[part].rules[i];

			parting.next[rule] = next_part(&parter, &parting, rule, part);
			parting.covered[rule] = is_covered_elsewhere(&parter, &parting, rule, part);
		}
	return parting;
}
