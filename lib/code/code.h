/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eBPF instructions. In: a tree. Out: the functions that take the place of classify(), set_member() and predicate() in a
 * chain's program, with what must be filled in when it is loaded.
 *
 *	int classify(ctx, struct weir_flow *flow)	returns WEIR_OUTCOME; calls pass(ctx, flow, outcome) for
 *							each rule without a verdict that the packet met, in order
 *	int set_member(struct weir_flow *flow)		one for each set dimension that is not looked up in classify() itself:
 *							1 member, 0 not
 *	int predicate(ctx, struct weir_flow *flow)	one for each predicate dimension: 1 the packet meets it, 0 not
 *	int find(ctx, struct weir_flow *flow)		one for each tree that is data or bit vectors: which element of the
 *							array map of its outcomes is the packet's; 0: it names no rule
 *	int block(ctx, struct weir_flow *flow, which)	for find() of bit vectors (find_vectors.c)
 *
 * What is data goes into array maps that belong to this program alone and never change.
 */
#ifndef WEIR_CODE_H
#define WEIR_CODE_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tree/tree.h"

enum code_reference_kind {
	REFERENCE_FUNCTION,   /* call of function `index` of this code: imm is relative to the next instruction */
	REFERENCE_PASS,	      /* call of the template's pass() */
	REFERENCE_TEMPLATE,   /* call of another function of the template, CODE_TEMPLATE_ `index` */
	REFERENCE_OUTCOME,    /* a 32-bit immediate that is the WEIR_OUTCOME of rule `index` */
	REFERENCE_SET,	      /* ld_imm64 of the map of set `index`: a descriptor */
	REFERENCE_HTTP,	      /* call of the template's http_text() */
	REFERENCE_RAW_IP,     /* a 32-bit immediate: 1 when packets begin with an IP header (load_request.raw_ip) */
	REFERENCE_DATA,	      /* the same of array map `index` of this code */
};

/* Functions of the template that generated code may call (bpf/classic.h). */
#define CODE_TEMPLATES(X) \
	X(PAYLOAD, "classic_payload") \
	X(ATTRIBUTE, "classic_attribute") \
	X(TAGGED, "classic_tagged") \
	X(HARDWARE_TYPE, "classic_hardware_type")

enum code_template {
#define X(id, name) CODE_TEMPLATE_##id,
	CODE_TEMPLATES(X)
#undef X
};
const char *code_template_name(enum code_template template);

struct code_reference {
	enum code_reference_kind kind;
	uint32_t instruction, index;
};

/* A look-up in a set that stands in classify(), and not in a function. */
struct code_look_up {
	uint32_t instruction, dimension; /* where it begins */
	uint32_t member, none;		 /* instructions: where it leads to */
};

struct code_line {
	uint32_t instruction;
	uint32_t rule; /* index in rule_list: whose code begins here */
};

enum code_function_kind {
	FUNCTION_CLASSIFY,
	FUNCTION_SET_MEMBER,
	FUNCTION_PREDICATE,
	FUNCTION_FIND,
	FUNCTION_BLOCK,	       /* behind the FIND of bit vectors, for one block of them */
	FUNCTION_COUNT_MEMBER, /* as SET_MEMBER, and counts at the element; with the arguments of set_count() */
	FUNCTION_SET_COUNT,    /* takes the place of set_count(); there when some rule matches by a set that counts */
};

struct code_function {
	enum code_function_kind kind;
	uint32_t first, count; /* instructions */
	uint32_t dimension;    /* SET_MEMBER, COUNT_MEMBER, PREDICATE: which */
	uint32_t part;	       /* FIND, BLOCK: which tree, deciding ones first */
};

/* What an element that stands for a rule begins with; a table's key comes behind. */
struct code_outcome {
	uint32_t outcome; /* filled in at load, as REFERENCE_OUTCOME */
	uint32_t rule;
	uint32_t next; /* deciding: the tree to ask next; passing: 1 when the next element is passed as well */
	uint32_t used; /* 1; 0: nothing is here */
};

/* A node of a tree that is data; each child as CODE_CHILD. */
struct code_node {
	uint64_t bound;
	uint32_t low, high;
};

/*
 * A child: which of the values that the loop has at hand is compared there, and the node; or the mark of a leaf and its outcome.
 * With the field in the parent, the value is there as soon as the node is.
 */
#define CODE_CHILD(value, number) ((uint32_t)(value) << 24 | (number))
#define CODE_CHILD_LEAF		  255u
#define CODE_CHILD_NUMBER	  0x00ffffffu

/* An array map and what is in it. */
struct code_data {
	const char *name; /* fits the kernel's */
	uint32_t value_size, count;
	const void *bytes;
	const uint32_t *rules; /* for each element the rule of its outcome, CODE_NO_RULE: none; NULL: no element has one */
};
#define CODE_NO_RULE UINT32_MAX

struct code {
	const struct tree *tree;
	bool long_jump, no_short_back, only_code; /* the options it was emitted with: the same, TREE_ALL_CODE */
	uint32_t instruction_count, function_count, reference_count, line_count, look_up_count;
	const struct bpf_insn *instructions;
	const struct code_function *functions; /* in order of their instructions; classify is the first */
	const struct code_reference *references;
	const struct code_line *lines;	     /* ascending by instruction */
	const struct code_look_up *look_ups; /* likewise */
	uint32_t data_count;
	const struct code_data *data;
};

/* What the running kernel allows; zeroed: the oldest that weir promises. */
struct code_options {
	bool long_jump; /* BPF_JMP32|BPF_JA, from 6.6 */
	bool no_short_back; /* jumps back go far, if over an island: for a kernel that could not translate it otherwise */
	struct tree_options tree;
};

/*
 * Emit. What becomes too many instructions, or goes further than jumps do, is emitted anew with more of it as data; code->tree is
 * the tree as it was emitted. NULL with a diagnostic when that does not help.
 */
const struct code *code_emit(struct arena *arena, const struct tree *tree, const struct code_options *options,
			     struct diagnostics *diagnostics);

/*
 * The same with at most half as many nodes of trees as instructions, the others as data, for a kernel that refused it as too
 * much; NULL when that cannot be.
 */
const struct code *code_with_less(struct arena *arena, const struct code *code);
/* The same without short jumps back; NULL when it is so already. */
const struct code *code_without_short_back(struct arena *arena, const struct code *code);

/* One instruction, without its number and a newline, its jumps by the number in the whole code; the name of a function. */
void code_print_instruction(const struct code *code, uint32_t instruction, FILE *out);
void code_print_function(const struct code *code, uint32_t function, FILE *out);

/* Is there a function SET_COUNT? */
bool code_counts(const struct code *code);

/* `weir check --emit=code`: one instruction a line, with the rule's line where its code begins. */
void code_print(const struct code *code, FILE *out);

#endif
