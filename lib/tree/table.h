/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules that each ask for one number of the same fields, and are alike in all others: a table of these numbers finds the first of
 * them in one look.
 */
#ifndef WEIR_TREE_TABLE_H
#define WEIR_TREE_TABLE_H

#include "tree/tree.h"

/* A rule that asks for more fields stays in a tree. */
#define TABLE_MOST_FIELDS 16
/* So many ranges of one field at most are asked for before a look. */
#define TABLE_MOST_INTERVALS 8

struct table_group {
	uint32_t count;
	uint32_t *rules; /* ascending */
	const struct tree_table *table;
};

struct table_groups {
	VECTOR(struct table_group) items; /* the largest first */
};

/*
 * Group those of RULES, ascending, that can stand in a table, by what they ask for. Groups of fewer than LEAST are left
 * out. What comes back lives in ARENA.
 */
struct table_groups table_find(struct arena *arena, const struct rule_list *list, const uint32_t *rules, size_t count,
			       size_t least);

/* The row of a table that a packet has, or table->count. */
uint32_t table_row(const struct tree_table *table, const struct rule_list *list, const struct weir_flow *flow);

#endif
