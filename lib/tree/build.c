// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: a rule_list. Out: the trees that judge it (tree.h): those of the rules with a verdict as part.c parts them; the others
 * as one tree or, when that cost more than its budget, in halves.
 */
#include "base/limits.h"
#include "tree/part.h"
#include "tree/tree.h"

/* A passing tree is only a saving over asking its rules apart, so it stays small. */
#define PASSING_SPARE_NODES	256
#define PASSING_SPARE_WORK	1000000
#define PASSING_WORK_PER_WEIGHT 64

struct builder {
	const struct rule_list *list;
	struct grower *grower;
	struct arena *arena; /* of the build only */
	struct parting parting;
	VECTOR(uint32_t) passing_roots;
	uint32_t too_large; /* rules whose tree alone is too large */
	uint32_t too_large_rule;
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
	if (count == 1 || budget.nodes > LIMIT_TREE_NODES)
		budget.nodes = LIMIT_TREE_NODES;
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
		builder->parting = part_rules(builder->arena, builder->grower, builder->list, rules, count);
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

static void keep_parting(const struct parting *parting, const uint32_t *numbers, struct arena *arena, struct tree *tree)
{
	uint32_t count = parting->parts.count, *roots = arena_new_array(arena, uint32_t, count);
	uint32_t *least = arena_new_array(arena, uint32_t, count), least_so_far = UINT32_MAX;
	const char **kinds = arena_new_array(arena, const char *, count);

	for (uint32_t i = count; i-- > 0;) {
		const struct part *part = &parting->parts.items[i];

		roots[i] = numbers[part->root];
		kinds[i] = part->kinds;
		if (part->rules[0] < least_so_far)
			least_so_far = part->rules[0];
		least[i] = least_so_far;
	}
	tree->deciding_count = count;
	tree->deciding = roots;
	tree->deciding_kinds = kinds;
	tree->least = least;
	tree->next = arena_copy(arena, parting->next, tree->rules->rule_count * sizeof(uint32_t));
}

/* Nodes that some root leads to, renumbered without gaps and moved to the tree's own arena. */
static void keep_reached(struct builder *builder, struct arena *arena, struct tree *tree)
{
	uint32_t count, kept = 0, *numbers;
	const struct tree_node *nodes = grower_nodes(builder->grower, &count);
	bool *marks = arena_new_array(builder->arena, bool, count);
	bool *reached = arena_new_array(arena, bool, builder->list->rule_count);
	struct tree_node *fresh;

	for (size_t i = 0; i < builder->parting.parts.count; i++)
		marks[builder->parting.parts.items[i].root] = true;
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
	for (size_t i = 0; i < builder->passing_roots.count; i++)
		builder->passing_roots.items[i] = numbers[builder->passing_roots.items[i]];
	tree->nodes = fresh;
	tree->reached = reached;
	tree->passing_count = builder->passing_roots.count;
	tree->passing = arena_copy(arena, builder->passing_roots.items, tree->passing_count * sizeof(uint32_t));
	keep_parting(&builder->parting, numbers, arena, tree);
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

static void report_too_many_nodes(const struct rule_list *list, uint32_t count, struct diagnostics *diagnostics)
{
	struct diagnostic *diagnostic;

	diagnostic = diagnose(diagnostics, SEVERITY_ERROR, list->chain->place,
			      "chain '%s' needs a decision tree of %u nodes, %u is the limit", list->chain->name, count,
			      LIMIT_TREE_NODES);
	diagnostic_hint(
		diagnostics, diagnostic,
		"write rules that differ only in an address or a port as one rule with a named set, or part the chain in two");
}

const struct tree *tree_build(struct arena *arena, const struct rule_list *rules, struct diagnostics *diagnostics)
{
	struct builder builder = { .list = rules, .arena = arena_new() };
	struct tree *tree = arena_new_object(arena, struct tree);

	tree->rules = rules;
	builder.grower = grower_new(builder.arena, rules);
	grow_kind(&builder, true);
	grow_kind(&builder, false);
	if (builder.too_large) {
		report_too_large(&builder, diagnostics);
		tree = NULL;
	} else {
		keep_reached(&builder, arena, tree);
	}
	arena_free(builder.arena);
	if (tree && tree->node_count > LIMIT_TREE_NODES) {
		report_too_many_nodes(rules, tree->node_count, diagnostics);
		return NULL;
	}
	return tree;
}
