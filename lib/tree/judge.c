// SPDX-License-Identifier: GPL-2.0-only
/* The walk that the kernel's program does, in C. */
#include "tree/table.h"
#include "tree/tree.h"
#include "tree/vectors.h"

static const struct tree_node *find_leaf(const struct tree *tree, uint32_t root, const struct judged_packet *packet,
					 dimension_lookup lookup, void *context)
{
	const struct tree_node *node = &tree->nodes[root];

	while (!node->leaf) {
		uint64_t value = packet_dimension(packet, tree->rules, node->dimension, lookup, context);

		node = &tree->nodes[value < node->bound ? node->low : node->high];
	}
	return node;
}

#define NO_RULE UINT32_MAX

/* The rule that a deciding tree names, or NO_RULE. */
static uint32_t ask_part(const struct tree *tree, const struct tree_part *part, const struct judged_packet *packet,
			 dimension_lookup lookup, void *context)
{
	const struct tree_node *leaf;
	uint32_t row;

	if (part->form == TREE_TABLE) {
		row = table_row(part->table, tree->rules, packet->flow);
		return row < part->table->count ? part->table->rules[row] : NO_RULE;
	}
	if (part->form == TREE_VECTORS)
		return vectors_find(part->vectors, tree->rules, packet, lookup, context);
	leaf = find_leaf(tree, part->root, packet, lookup, context);
	return leaf->rule_count > 0 ? leaf->rules[0] : NO_RULE;
}

/* Put a rule among the passed ones, which are few, at its place in the order. */
static void insert_passed(struct judgement *judgement, uint32_t rule)
{
	uint32_t at = judgement->passed_count++;

	for (; at > 0 && judgement->passed[at - 1] > rule; at--)
		judgement->passed[at] = judgement->passed[at - 1];
	judgement->passed[at] = rule;
}

void tree_judge(const struct tree *tree, const struct judged_packet *packet, dimension_lookup lookup, void *context,
		struct judgement *judgement)
{
	const struct tree_node *leaf;

	judgement->passed_count = 0;
	judgement->decided = NO_RULE;
	for (uint32_t i = 0; i < tree->deciding_count && tree->deciding[i].least < judgement->decided;) {
		uint32_t rule = ask_part(tree, &tree->deciding[i], packet, lookup, context);

		i++;
		if (rule < judgement->decided) {
			judgement->decided = rule;
			i = tree->next[rule];
		}
	}
	for (uint32_t i = 0; i < tree->passing_count; i++) {
		leaf = find_leaf(tree, tree->passing[i].root, packet, lookup, context);
		for (uint32_t r = 0; r < leaf->rule_count && leaf->rules[r] < judgement->decided; r++)
			insert_passed(judgement, leaf->rules[r]);
	}
}
