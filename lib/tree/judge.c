// SPDX-License-Identifier: GPL-2.0-only
/* The walk that the kernel's program does, in C. */
#include "tree/tree.h"

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
	judgement->decided = UINT32_MAX;
	for (uint32_t i = 0; i < tree->deciding_count && tree->least[i] < judgement->decided;) {
		leaf = find_leaf(tree, tree->deciding[i], packet, lookup, context);
		i++;
		if (leaf->rule_count > 0 && leaf->rules[0] < judgement->decided) {
			judgement->decided = leaf->rules[0];
			i = tree->next[judgement->decided];
		}
	}
	for (uint32_t i = 0; i < tree->passing_count; i++) {
		leaf = find_leaf(tree, tree->passing[i], packet, lookup, context);
		for (uint32_t r = 0; r < leaf->rule_count && leaf->rules[r] < judgement->decided; r++)
			insert_passed(judgement, leaf->rules[r]);
	}
}
