/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decision tree. In: a rule_list. Out: a directed acyclic graph of cuts "dimension < bound", equal parts
 * shared, with which a packet is judged in a few comparisons however many rules there are. The same rules
 * always give the same tree.
 *
 * It answers in two steps, so that rules without a verdict cannot multiply the leaves:
 *	deciding trees, each for some of the rules with a verdict: it names the first of them that matches, or none.
 *	The least index over all trees decides. They are asked in order, but not all of them: when one has named rule r,
 *	and that is the least so far, next[r] is the next to ask, the first one in which an earlier rule can still match;
 *	passing trees, each for a few rules without a verdict: which of them matched. A rule behind the one that
 *	decided does not count.
 * One deciding tree is the normal case; rules that would cut each other up are parted into several (part.c).
 */
#ifndef WEIR_TREE_H
#define WEIR_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "rules/rules.h"

/* A cut (children: value < bound ? low : high) or a leaf. Children come before their parents in the array. */
struct tree_node {
	bool leaf;
	/* cut */
	uint32_t dimension;
	uint64_t bound; /* 1..max */
	uint32_t low, high;
	/* leaf: the deciding rule (one or none), or the passed ones, ascending */
	uint32_t rule_count;
	const uint32_t *rules;
};

struct tree {
	const struct rule_list *rules;
	uint32_t node_count;
	const struct tree_node *nodes;
	uint32_t deciding_count, passing_count;
	const uint32_t *deciding, *passing; /* roots */
	const char *const *deciding_kinds;  /* for each deciding tree, what its rules have in common, for people */
	const uint32_t *next;  /* for each rule with a verdict: the deciding tree to ask after it; deciding_count: none */
	const uint32_t *least; /* for each deciding tree: the least rule of it and all later ones */
	const bool *reached;   /* for each rule: does some leaf name it? */
};

/* Build. NULL with a diagnostic when a limit is passed. */
const struct tree *tree_build(struct arena *arena, const struct rule_list *rules, struct diagnostics *diagnostics);

/* Judge a packet by walking the tree, as the kernel's program does. */
void tree_judge(const struct tree *tree, const struct judged_packet *packet, dimension_lookup lookup, void *context,
		struct judgement *judgement);

/* `weir check --emit=tree`. */
void tree_print(const struct tree *tree, FILE *out);

#endif
