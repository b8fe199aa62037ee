/* SPDX-License-Identifier: GPL-2.0-only */
/* A tree that is data, a table, or bit vectors: how a packet's outcome is found in it, and its maps. */
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
	uint32_t number;   /* of the part, deciding ones first */
	uint32_t function; /* the number of the one that finds; with vectors another one follows */
	bool deciding;
	const uint32_t *functions; /* for each dimension that is computed, the function that does */
	struct find_pool *pool;
	struct arena *arena; /* of the code: for what is in the maps */
};

struct walk;
struct slots;
struct vectors;

/* One of them: its maps are made before classify(), which refers to them, its function behind it. A table is looked into in place. */
struct find {
	uint32_t outcomes;   /* the number of the map that has them */
	uint32_t most_rules; /* of a passing tree: at one leaf */
	uint32_t function;   /* the number of the one that finds; 0: none is needed */
	struct walk *walk;   /* a tree, */
	struct slots *slots; /* a table, */
	struct vectors *vectors;
};

/* Behind the last find_new. */
void find_pool_end(struct draft *draft, const struct find_pool *pool);
struct find find_new(struct draft *draft, const struct find_request *request);
void emit_find(struct draft *draft, const struct find *find);

/* The three kinds (find_tree.c, find_table.c, find_vectors.c). */
struct find walk_new(struct draft *draft, const struct find_request *request);
void emit_walk(struct draft *draft, const struct walk *walk);
struct find slots_new(struct draft *draft, const struct find_request *request);
/* r0 = the element that the flow in r7 has, or to NONE; r1 to r5 and the first FOUND_STACK bytes of the stack are lost. */
void emit_slots(struct draft *draft, const struct slots *slots, uint32_t none);
struct find vectors_new(struct draft *draft, const struct find_request *request);
void emit_vectors(struct draft *draft, const struct vectors *vectors);
/* Their other function, which looks into one block. */
void emit_vectors_block(struct draft *draft, const struct vectors *vectors);

/* Load a field, masked, from the flow in r7; r3 is needed for wide masks. */
void emit_field(struct draft *draft, const struct dimension *dimension, uint8_t reg);
/* The value in r1 compared with a number, to LABEL. */
void emit_branch(struct draft *draft, uint8_t operation, uint64_t number, uint32_t label);
/* To NONE when a value lies outside of what is asked for. */
void emit_shared(struct draft *draft, const struct rule_list *rules, const struct constraint *shared, uint32_t count,
		 uint32_t none);
/* Have a value computed that is no field, by that function, with the ctx in r6 and the flow in r7. It comes back in r0. */
void emit_computed(struct draft *draft, const struct dimension *dimension, uint32_t function);

#endif
