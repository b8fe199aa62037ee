// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: a rule_list. Out: the trees that judge it (tree.h).
 *
 * The rules with a verdict are tried as one tree first, the others, too; rules whose tree costs more than its budget
 * are parted in two halves, in order, and each half is tried. So parted rules are asked one part after another, and the first
 * part that names a rule is right.
 *
 * Room is left here for a better parting: whatever parts the rules must only keep that a rule is never asked behind one of a
 * later part that overlaps it.
 */
#include "base/limits.h"
#include "tree/grow.h"
#include "tree/tree.h"

/*
 * A good tree has about half as many nodes as its rules have bounds. What is beyond that are rules that cut
 * each other up: some is worth a single walk. A passing tree is only a saving over asking its rules apart, so it stays small.
 */
#define DECIDING_SPARE_NODES 4096
#define PASSING_SPARE_NODES  256
#define SPARE_WORK	     1000000
#define WORK_PER_WEIGHT	     64

struct builder {
	const struct rule_list *list;
	struct grower *grower;
	struct arena *arena; /* of the build only */
	bool deciding;	     /* which trees are grown now */
	uint32_t spare;	     /* nodes that a deciding tree may have beyond its weight */
	VECTOR(uint32_t) deciding_roots, passing_roots;
	uint32_t too_large; /* rules whose tree alone is too large */
	uint32_t too_large_rule;
};

static void part_rules(struct builder *builder, const uint32_t *rules, size_t count)
{
	uint64_t weight = 0;
	struct budget budget;
	uint32_t root;

	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++)
		weight += grower_rule_weight(builder->grower, rules[i]);
	budget.nodes = weight + (builder->deciding ? builder->spare : PASSING_SPARE_NODES);
	if (count == 1 || budget.nodes > LIMIT_TREE_NODES)
		budget.nodes = LIMIT_TREE_NODES;
	budget.work = SPARE_WORK + WORK_PER_WEIGHT * weight;
	if (grower_grow(builder->grower, rules, count, builder->deciding, budget, &root)) {
		if (builder->deciding)
			vector_push(builder->arena, &builder->deciding_roots, root);
		else
			vector_push(builder->arena, &builder->passing_roots, root);
	} else if (count > 1) {
		part_rules(builder, rules, count / 2);
		part_rules(builder, &rules[count / 2], count - count / 2);
	} else if (builder->too_large++ == 0) {
		builder->too_large_rule = rules[0];
	}
}

static void part_kind(struct builder *builder, bool deciding)
{
	uint32_t *rules = arena_new_array(builder->arena, uint32_t, builder->list->rule_count);
	size_t count = 0;

	for (uint32_t i = 0; i < builder->list->rule_count; i++) {
		const struct rule *rule = &builder->list->rules[i];

		if (rule->box_count > 0 && (rule->verdict != WEIR_VERDICT_CONTINUE) == deciding)
			rules[count++] = i;
	}
	builder->deciding = deciding;
	part_rules(builder, rules, count);
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

/* Nodes that some root leads to, renumbered without gaps and moved to the tree's own arena. */
static void keep_reached(struct builder *builder, struct arena *arena, struct tree *tree)
{
	uint32_t count, kept = 0, *numbers;
	const struct tree_node *nodes = grower_nodes(builder->grower, &count);
	bool *marks = arena_new_array(builder->arena, bool, count);
	bool *reached = arena_new_array(arena, bool, builder->list->rule_count);
	struct tree_node *fresh;

	for (size_t i = 0; i < builder->deciding_roots.count; i++)
		marks[builder->deciding_roots.items[i]] = true;
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
			reached[nodes[i].rules[r]] = true;
		numbers[i] = kept++;
	}
	for (size_t i = 0; i < builder->deciding_roots.count; i++)
		builder->deciding_roots.items[i] = numbers[builder->deciding_roots.items[i]];
	for (size_t i = 0; i < builder->passing_roots.count; i++)
		builder->passing_roots.items[i] = numbers[builder->passing_roots.items[i]];
	tree->nodes = fresh;
	tree->reached = reached;
	tree->deciding_count = builder->deciding_roots.count;
	tree->passing_count = builder->passing_roots.count;
	tree->deciding = arena_copy(arena, builder->deciding_roots.items, tree->deciding_count * sizeof(uint32_t));
	tree->passing = arena_copy(arena, builder->passing_roots.items, tree->passing_count * sizeof(uint32_t));
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

/* Build with so much room for each deciding tree. A tree without an answer to whether it is too large, or NULL. */
static struct tree *build_spare(struct arena *arena, const struct rule_list *rules, uint32_t spare,
				struct diagnostics *diagnostics)
{
	struct builder builder = { .list = rules, .arena = arena_new(), .spare = spare };
	struct tree *tree = arena_new_object(arena, struct tree);

	tree->rules = rules;
	builder.grower = grower_new(builder.arena, rules);
	part_kind(&builder, true);
	part_kind(&builder, false);
	if (builder.too_large) {
		report_too_large(&builder, diagnostics);
		tree = NULL;
	} else {
		keep_reached(&builder, arena, tree);
	}
	arena_free(builder.arena);
	return tree;
}

const struct tree *tree_build(struct arena *arena, const struct rule_list *rules, struct diagnostics *diagnostics)
{
	struct tree *tree = build_spare(arena, rules, DECIDING_SPARE_NODES, diagnostics);

	/* Many parts that all take what they may come to more than the kernel verifies: then more and smaller ones. */
	if (tree && tree->deciding_count > 1 && tree->node_count > LIMIT_TREE_NODES / 2)
		tree = build_spare(arena, rules, 0, diagnostics);
	if (tree && tree->node_count > LIMIT_TREE_NODES) {
		report_too_many_nodes(rules, tree->node_count, diagnostics);
		return NULL;
	}
	return tree;
}
