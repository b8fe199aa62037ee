/* SPDX-License-Identifier: GPL-2.0-only */
/* One tree over some of the rules: the recursion, its memory, and the nodes that all trees of a chain share. */
#ifndef WEIR_TREE_GROW_H
#define WEIR_TREE_GROW_H

#include "tree/cut.h"
#include "tree/tree.h"

struct grower;

/* How much one tree may cost: nodes that are not there yet, and work. Counted, not timed: the same rules meet the same end
 * everywhere. */
struct budget {
	uint64_t nodes, work;
};

/* OPTIONS lives as long as the call. */
struct grower *grower_new(struct arena *arena, const struct rule_list *list, const struct tree_options *options);
/* As how many rules each counts (cut.h). */
const uint32_t *grower_heat(const struct grower *grower);
/* The weight of a rule: 1 for each of its boxes, and 1 for each of their bounds. */
uint64_t grower_rule_weight(struct grower *grower, uint32_t rule);
/* For each of its boxes a region, or REGION_NONE. */
const uint32_t *grower_rule_regions(struct grower *grower, uint32_t rule);
const struct regions *grower_regions(const struct grower *grower);
/*
 * Grow a tree over COUNT rules, given by ascending index, all with a verdict (DECIDING) or all without. False when that
 * would cost more than the budget. Nodes that were made on the way to a failure remain; grower_nodes has all.
 */
bool grower_grow(struct grower *grower, const uint32_t *rules, size_t count, bool deciding, struct budget budget,
		 uint32_t *ret_root);
/* All nodes, children before their parents. */
const struct tree_node *grower_nodes(const struct grower *grower, uint32_t *ret_count);

#endif
