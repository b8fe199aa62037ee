/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the emitter share: classify() while it is written. emit.c has its registers. */
#ifndef WEIR_CODE_EMIT_H
#define WEIR_CODE_EMIT_H

#include "code/answers.h"
#include "code/find.h"

#define VALUE	    BPF_REG_2
#define NO_FUNCTION UINT32_MAX

struct leaf_copy {
	uint32_t label, near; /* near: the instruction about where it stands */
};

struct emitter {
	struct draft *draft;
	const struct tree *tree;
	struct arena *arena;
	uint32_t *functions;			    /* of each dimension that is no field; NO_FUNCTION: a set, looked up in place */
	uint32_t least_decided;			    /* the least index of a rule that some leaf decides for */
	struct find *finds;			    /* for each tree, deciding ones first: where it is not instructions */
	struct find_pool pool;			    /* of those that are data */
	uint32_t first_find;			    /* the number of the function of the first of them */
	bool has_finds, has_passing, needs_decided; /* some rule without verdict stands behind one that may decide */
	bool has_predicates;
	struct answers answers; /* of predicates that several trees ask */
	uint32_t *starts;	/* labels of the deciding trees */
	uint32_t decided;	/* label: r8 and r9 are final, the passing trees come, or the answer */
	/* The tree that is written now. */
	bool deciding;
	uint32_t least_before;	  /* the least rule that the deciding trees before name; */
	uint32_t least_named;	  /* they and this one */
	uint32_t next;		  /* label: where it goes on when no rule is named */
	uint32_t *entries;	  /* for each node, what r2 holds on the way to it: a dimension, or ENTRY_ */
	uint32_t *labels;	  /* for each node but deciding leaves; DRAFT_UNPLACED: none asked for */
	struct leaf_copy *copies; /* for each deciding leaf its last copy */
	VECTOR(uint32_t) pending; /* nodes to be written */
	VECTOR(uint32_t) pending_leaves;
};

static inline const struct dimension *node_dimension(const struct emitter *emitter, uint32_t dimension)
{
	return &emitter->tree->rules->dimensions[dimension];
}

/* The tree that is written now, from its root, as instructions (emit_tree.c). */
void emit_tree(struct emitter *emitter, uint32_t root);
/* Tree PART, by its number among all trees, that is found in with a function (emit_found.c). */
void emit_found_deciding(struct emitter *emitter, uint32_t part);
void emit_found_passing(struct emitter *emitter, uint32_t part);

#endif
