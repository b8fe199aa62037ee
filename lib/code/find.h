/* SPDX-License-Identifier: GPL-2.0-only */
/* A tree that is data, or a table: the function that finds a packet's outcome in it, and its maps. */
#ifndef WEIR_CODE_FIND_H
#define WEIR_CODE_FIND_H

#include "code/draft.h"

/*
 * The maps of all trees of a chain that are data: one of nodes, one of outcomes, since a program may use but 64 maps. They are
 * filled tree by tree.
 */
struct find_pool {
	uint32_t nodes_data, outcomes_data; /* numbers in draft->data */
	VECTOR(struct code_node) nodes;
	VECTOR(struct code_outcome) outcomes; /* 0 is none */
	VECTOR(uint32_t) rules;		      /* by outcome */
};

struct find_request {
	const struct tree *tree;
	const struct tree_part *part;
	uint32_t number; /* of the part, deciding ones first */
	bool deciding;
	const uint32_t *functions; /* for each dimension that is computed, the function that does */
	struct find_pool *pool;
	struct arena *arena; /* of the code: for what is in the maps */
};

struct walk;
struct slots;

/* One of them: its maps are made before classify(), which refers to them, its function behind it. */
struct find {
	uint32_t outcomes;   /* the number of the map that has them */
	uint32_t most_rules; /* of a passing tree: at one leaf */
	struct walk *walk;   /* a tree; NULL: a table */
	struct slots *slots;
};

/* Behind the last find_new. */
void find_pool_end(struct draft *draft, const struct find_pool *pool);
struct find find_new(struct draft *draft, const struct find_request *request);
void emit_find(struct draft *draft, const struct find *find);

/* The two kinds (find_tree.c, find_table.c). */
struct find walk_new(struct draft *draft, const struct find_request *request);
void emit_walk(struct draft *draft, const struct walk *walk);
struct find slots_new(struct draft *draft, const struct find_request *request);
void emit_slots(struct draft *draft, const struct slots *slots);

/* Load a field, masked, from the flow in r7; r3 is needed for wide masks. */
void emit_field(struct draft *draft, const struct dimension *dimension, uint8_t reg);
/* Have a value computed that is no field, by that function, with the ctx in r6 and the flow in r7. It comes back in r0. */
void emit_computed(struct draft *draft, const struct dimension *dimension, uint32_t function);

#endif
