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
 *
 * A tree becomes instructions. What is too large for that becomes data that a loop walks through; and many rules that each ask
 * for one number of the same fields are no tree at all but a table of these numbers, as rules that overlap too much for
 * trees are bit vectors (docs/decisions/forms.md).
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

enum tree_form { TREE_CODE, TREE_DATA, TREE_TABLE, TREE_VECTORS };

/*
 * Rows of numbers, one for each dimension asked for, and the rule that asks for them all. Of rules with the same row the first.
 */
struct tree_table {
	uint32_t dimension_count, count;
	const uint32_t *dimensions; /* ascending */
	const uint64_t *keys;	    /* the rows one behind the other, sorted, each once */
	const uint32_t *rules;	    /* by row */
	/* What they all ask for beside it, lists and ranges of other fields. */
	uint32_t shared_count;
	const struct constraint *shared;
};

/*
 * Bit vectors. A bit for each box of the rules, in order. VECTOR_BLOCK boxes are a block; in a block each dimension has borders,
 * and for the values from one border to the next a row, which says chunk for chunk which boxes hold there.
 */
#define VECTOR_WORDS	  4
#define VECTOR_CHUNK_BITS (VECTOR_WORDS * 64)
#define VECTOR_CHUNKS	  16
#define VECTOR_BLOCK	  (VECTOR_CHUNKS * VECTOR_CHUNK_BITS)

struct vector_chunk {
	uint64_t words[VECTOR_WORDS];
};

struct vector_row {
	uint16_t chunks[VECTOR_CHUNKS]; /* numbers among the column's */
};

struct vector_column {
	uint32_t border_count; /* and rows */
	uint32_t first_row, first_chunk;
	const uint64_t *borders; /* ascending, the first is 0 */
};

struct vector_block {
	uint32_t first, count;		     /* boxes */
	const struct vector_column *columns; /* by dimension */
};

struct tree_vectors {
	uint32_t dimension_count, box_count, block_count, row_count, chunk_count, shared_count;
	const uint32_t *dimensions; /* ascending */
	const uint32_t *order;	    /* numbers in dimensions: those first that tell the most */
	const uint32_t *rules;	    /* by box, ascending */
	const struct vector_block *blocks;
	const struct vector_row *rows;
	const struct vector_chunk *chunks;
	const struct constraint *shared; /* no box holds for a value outside of these */
};

struct tree_part {
	enum tree_form form;
	uint32_t root;			    /* CODE, DATA */
	uint32_t node_count, depth;	    /* CODE, DATA: the nodes it leads to, and the most cuts on one way */
	const struct tree_table *table;	    /* TABLE */
	const struct tree_vectors *vectors; /* VECTORS */
	const char *kinds;		    /* of a deciding one, what its rules have in common, for people */
	uint32_t first;			    /* of a deciding one, its least rule; */
	uint32_t least;			    /* the least one of it and all later ones */
};

struct tree {
	const struct rule_list *rules;
	uint32_t node_count;
	const struct tree_node *nodes;
	uint32_t deciding_count, passing_count;
	const struct tree_part *deciding, *passing;
	const uint32_t *next; /* for each rule with a verdict: the deciding tree to ask after it; deciding_count: none */
	const bool *reached;  /* for each rule: does some leaf name it? */
	bool tuned;	      /* by how many packets rules decided */
	const char *why;      /* it has these forms, for people */
};

/* Which forms: by size and by what pays; or, for tests and measurements, of one kind wherever that can be. */
enum tree_wish { TREE_AS_FITS, TREE_ALL_CODE, TREE_ALL_DATA, TREE_ALL_TABLES, TREE_ALL_VECTORS };

struct tree_options {
	enum tree_wish wish;
	/*
	 * How many packets a rule decided, to have fewer comparisons for those that decide many; NULL: all are alike. Which rule
	 * decides a packet is the same either way. The same numbers give the same tree.
	 */
	uint64_t (*packets)(void *context, const struct policy_chain *chain, const struct rule *rule);
	void *packets_context;
};

/* Build. NULL with a diagnostic when a limit is passed. OPTIONS: NULL for none. */
const struct tree *tree_build(struct arena *arena, const struct rule_list *rules, const struct tree_options *options,
			      struct diagnostics *diagnostics);

/* What tree_build would make of RULES, from the TREE of others that are alike: at no cost. NULL: it is not the same. */
const struct tree *tree_for(struct arena *arena, const struct tree *tree, const struct rule_list *rules);

/*
 * The same with so many trees as data that no more than NODES become instructions, and with the reason, for people: NULL for that
 * limit itself. NULL when that cannot be.
 */
const struct tree *tree_with_less_code(struct arena *arena, const struct tree *tree, uint32_t nodes, const char *reason);
/* Nodes of the trees that become instructions. */
uint32_t tree_code_nodes(const struct tree *tree);

/* In a word: "instructions", "data", "a table", "bit vectors". */
const char *tree_form_name(enum tree_form form);

/* Judge a packet by walking the tree, as the kernel's program does. */
void tree_judge(const struct tree *tree, const struct judged_packet *packet, dimension_lookup lookup, void *context,
		struct judgement *judgement);

/* `weir check --emit=tree`. */
void tree_print(const struct tree *tree, FILE *out);

#endif
