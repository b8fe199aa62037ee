// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: a rule_list. Out: the trees that judge it (tree.h): those of the rules with a verdict as part.c parts them; the others
 * as one tree or, when that cost more than its budget, in halves.
 */
#include "base/limits.h"
#include "tree/form.h"
#include "tree/part.h"
#include "tree/tree.h"
#include "tree/vectors.h"

/* A passing tree is only a saving over asking its rules apart, so it stays small. */
#define PASSING_SPARE_NODES	256
#define PASSING_SPARE_WORK	1000000
#define PASSING_WORK_PER_WEIGHT 64

struct builder {
	const struct rule_list *list;
	const struct tree_options *options;
	struct grower *grower;
	struct arena *arena; /* of the build only */
	struct parting parting;
	VECTOR(uint32_t) passing_roots;
	uint32_t too_large; /* rules whose tree alone is too large */
	uint32_t too_large_rule;
	bool too_many_bits; /* of vectors */
};

/* Rules without a verdict whose tree costs too much are parted in two halves, and each half is tried. */
static void grow_passing(struct builder *builder, const uint32_t *rules, size_t count)
{
	struct budget budget = { PASSING_SPARE_NODES, PASSING_SPARE_WORK };
	uint32_t root;

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		uint64_t weight = grower_rule_weight(builder->grower, rules[i]);

		budget.nodes += weight;
		budget.work += PASSING_WORK_PER_WEIGHT * weight;
	}
	if (count == 1 || budget.nodes > LIMIT_DATA_NODES)
		budget.nodes = count == 1 ? LIMIT_TREE_NODES : LIMIT_DATA_NODES;
	if (grower_grow(builder->grower, rules, count, false, budget, &root)) {
		vector_push(builder->arena, &builder->passing_roots, root);
	} else if (count > 1) {
		grow_passing(builder, rules, count / 2);
		grow_passing(builder, &rules[count / 2], count - count / 2);
	} else if (builder->too_large++ == 0) {
		builder->too_large_rule = rules[0];
	}
}

static void grow_kind(struct builder *builder, bool deciding)
{
	uint32_t *rules = arena_new_array(builder->arena, uint32_t, builder->list->rule_count);
	size_t count = 0;

	for (uint32_t i = 0; i < builder->list->rule_count; i++) {
		const struct rule *rule = &builder->list->rules[i];

		if (rule->box_count > 0 && (rule->verdict != WEIR_VERDICT_CONTINUE) == deciding)
			rules[count++] = i;
	}
	if (deciding) {
		builder->parting = part_rules(builder->arena, builder->grower, builder->list, builder->options, rules, count);
		builder->too_large = builder->parting.too_large;
		builder->too_large_rule = builder->parting.too_large_rule;
	} else {
		grow_passing(builder, rules, count);
	}
}

/* Mark what can be reached from a node. Children have lower numbers, so one pass downwards does it. */
static uint32_t mark_reached(const struct tree_node *nodes, uint32_t count, bool *marks)
{
	uint32_t marked = 0;

	for (uint32_t i = count; i-- > 0;) {
		marked += marks[i];
		if (!marks[i] || nodes[i].leaf)
			continue;
		marks[nodes[i].low] = true;
		marks[nodes[i].high] = true;
	}
	return marked;
}

/* The parts as they stay: their roots by the new NUMBERS. */
static void keep_parts(struct builder *builder, const uint32_t *numbers, struct arena *arena, struct tree *tree)
{
	const struct parting *parting = &builder->parting;
	struct tree_part *deciding = arena_new_array(arena, struct tree_part, parting->parts.count);
	struct tree_part *passing = arena_new_array(arena, struct tree_part, builder->passing_roots.count);
	uint32_t least = UINT32_MAX;

	for (size_t i = parting->parts.count; i-- > 0;) {
		const struct part *part = &parting->parts.items[i];

		least = part->rules[0] < least ? part->rules[0] : least;
		deciding[i] = (struct tree_part){ .table = part->table,
						  .root = part->table || part->vectors ? 0 : numbers[part->root],
						  .kinds = part->kinds,
						  .first = part->rules[0],
						  .least = least };
		if (!part->vectors)
			continue;
		deciding[i].vectors = vectors_build(arena, builder->list, part->rules, part->rule_count);
		builder->too_many_bits |= !deciding[i].vectors;
	}
	for (size_t i = 0; i < builder->passing_roots.count; i++)
		passing[i] = (struct tree_part){ .root = numbers[builder->passing_roots.items[i]] };
	tree->deciding_count = parting->parts.count;
	tree->passing_count = builder->passing_roots.count;
	form_survey(tree->nodes, tree->node_count, deciding, tree->deciding_count);
	form_survey(tree->nodes, tree->node_count, passing, tree->passing_count);
	tree->deciding = deciding;
	tree->passing = passing;
	tree->next = arena_copy(arena, parting->next, tree->rules->rule_count * sizeof(uint32_t));
}

static struct tree_table *keep_table(const struct tree_table *table, struct arena *arena)
{
	struct tree_table *kept = arena_copy(arena, table, sizeof(*table));

	kept->dimensions = arena_copy(arena, table->dimensions, table->dimension_count * sizeof(*table->dimensions));
	kept->keys = arena_copy(arena, table->keys, (size_t)table->count * table->dimension_count * sizeof(*table->keys));
	kept->rules = arena_copy(arena, table->rules, table->count * sizeof(*table->rules));
	kept->shared =
		arena_copy(arena, table->shared, table->shared_count * sizeof(*table->shared)); /* intervals are the rules' */
	return kept;
}

/* Nodes that some root leads to, renumbered without gaps and moved to the tree's own arena; and the tables. */
static void keep_reached(struct builder *builder, struct arena *arena, struct tree *tree)
{
	uint32_t count, kept = 0, *numbers;
	const struct tree_node *nodes = grower_nodes(builder->grower, &count);
	bool *marks = arena_new_array(builder->arena, bool, count);
	bool *reached = arena_new_array(arena, bool, builder->list->rule_count);
	struct tree_node *fresh;

	for (size_t i = 0; i < builder->parting.parts.count; i++) {
		struct part *part = &builder->parting.parts.items[i];

		if (part->vectors) {
			for (uint32_t r = 0; r < part->rule_count; r++)
				reached[part->rules[r]] = !builder->parting.covered[part->rules[r]];
			continue;
		}
		if (!part->table) {
			marks[part->root] = true;
			continue;
		}
		part->table = keep_table(part->table, arena);
		for (uint32_t r = 0; r < part->table->count; r++)
			reached[part->table->rules[r]] = !builder->parting.covered[part->table->rules[r]];
	}
	for (size_t i = 0; i < builder->passing_roots.count; i++)
		marks[builder->passing_roots.items[i]] = true;
	tree->node_count = mark_reached(nodes, count, marks);
	fresh = arena_new_array(arena, struct tree_node, tree->node_count);
	numbers = arena_new_array(builder->arena, uint32_t, count);
	for (uint32_t i = 0; i < count; i++) {
		if (!marks[i])
			continue;
		fresh[kept] = nodes[i];
		fresh[kept].low = numbers[nodes[i].low];
		fresh[kept].high = numbers[nodes[i].high];
		fresh[kept].rules = arena_copy(arena, nodes[i].rules, nodes[i].rule_count * sizeof(uint32_t));
		for (uint32_t r = 0; r < nodes[i].rule_count; r++)
			reached[nodes[i].rules[r]] = !builder->parting.covered[nodes[i].rules[r]];
		numbers[i] = kept++;
	}
	tree->nodes = fresh;
	tree->reached = reached;
	keep_parts(builder, numbers, arena, tree);
}

static void report_too_large(const struct builder *builder, struct diagnostics *diagnostics)
{
	const struct rule *rule = &builder->list->rules[builder->too_large_rule];
	struct diagnostic *diagnostic;

	diagnostic = diagnose(diagnostics, SEVERITY_ERROR, rule->place,
			      "this rule alone needs a decision tree of more than %u nodes", LIMIT_TREE_NODES);
	diagnostic_hint(diagnostics, diagnostic,
			"lists with != or of IPv6 addresses multiply with each other: put the longest of them into a named set");
}

const struct tree *tree_build(struct arena *arena, const struct rule_list *rules, const struct tree_options *options,
			      struct diagnostics *diagnostics)
{
	static const struct tree_options none = { .wish = TREE_AS_FITS };
	struct builder builder = { .list = rules, .options = options ? options : &none, .arena = arena_new() };
	struct tree *tree = arena_new_object(arena, struct tree);

	tree->rules = rules;
	tree->tuned = builder.options->packets;
	builder.grower = grower_new(builder.arena, rules, builder.options);
	grow_kind(&builder, true);
	grow_kind(&builder, false);
	if (builder.too_large) {
		report_too_large(&builder, diagnostics);
		tree = NULL;
	} else if (builder.parting.nodes > LIMIT_DATA_NODES) {
		form_report_too_many(rules->chain, builder.parting.nodes, diagnostics);
		tree = NULL;
	} else {
		keep_reached(&builder, arena, tree);
		if (builder.too_many_bits) {
			form_report_too_many_bits(rules->chain, diagnostics);
			tree = NULL;
		}
	}
	arena_free(builder.arena);
	return tree && form_choose(arena, tree, options ? options : &none, diagnostics) ? tree : NULL;
}

const struct tree *tree_for(struct arena *arena, const struct tree *tree, const struct rule_list *rules)
{
	struct tree *same;

	if (tree->tuned || !rules_alike(tree->rules, rules))
		return NULL;
	same = arena_copy(arena, tree, sizeof(*tree));
	same->rules = rules;
	return same;
}
