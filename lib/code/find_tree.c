// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tree as data. In: a tree. Out: its nodes, the outcomes of its leaves, and the function that walks:
 *
 *	value 0..n-1 = the fields it asks for
 *	child = root
 *	at most depth + 1 times
 *		if child's value >= n: answer child's number		a leaf
 *		node = nodes[child's number]
 *		child = value < node.bound ? node.low : node.high	without a branch: nobody could predict it
 *
 *	r0	what a helper gave back; the node; the answer
 *	r1-r5	scratch, arguments
 *	r6	ctx, while values are computed; then the child
 *	r7	flow, while values are loaded; then how many more steps
 *	r8	the value that is compared
 *	fp-8(n-i)	value i;   fp-8n-8	the number of the node, for the look-up
 */
#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "code/find.h"
#include "code/instructions.h"

struct walk {
	struct find_request request;
	uint8_t *values; /* for each dimension its value, or CODE_CHILD_LEAF */
	uint32_t dimensions[LIMIT_DATA_FIELDS];
	uint32_t value_count;
	uint32_t *numbers; /* for each node of the tree its number in the pool, among the nodes or outcomes */
	uint32_t node_count, outcome_count, most_rules; /* of the pool, with this tree */
};

static const struct tree_node *node_of(const struct walk *walk, uint32_t number)
{
	return &walk->request.tree->nodes[number];
}

/* ---- What is in the maps ---- */

/* Number the nodes, children first, and the outcomes; find the values. MARKS: what the root leads to. */
static void number_nodes(struct walk *walk, bool *marks)
{
	uint32_t root = walk->request.part->root;

	marks[root] = true;
	for (uint32_t i = root + 1; i-- > 0;) {
		const struct tree_node *node = node_of(walk, i);

		if (!marks[i] || node->leaf)
			continue;
		marks[node->low] = marks[node->high] = true;
	}
	walk->node_count = walk->request.pool->nodes.count;
	walk->outcome_count = walk->request.pool->outcomes.count;
	for (uint32_t i = 0; i <= root; i++) {
		const struct tree_node *node = node_of(walk, i);

		if (!marks[i])
			continue;
		if (!node->leaf) {
			walk->numbers[i] = walk->node_count++;
			if (walk->values[node->dimension] == CODE_CHILD_LEAF) {
				walk->values[node->dimension] = walk->value_count;
				walk->dimensions[walk->value_count++] = node->dimension;
			}
			continue;
		}
		walk->numbers[i] = node->rule_count ? walk->outcome_count : 0;
		walk->outcome_count += node->rule_count;
		walk->most_rules = node->rule_count > walk->most_rules ? node->rule_count : walk->most_rules;
	}
}

static uint32_t child_of(const struct walk *walk, uint32_t number)
{
	const struct tree_node *node = node_of(walk, number);

	return CODE_CHILD(node->leaf ? CODE_CHILD_LEAF : walk->values[node->dimension], walk->numbers[number]);
}

static void add_outcomes(const struct walk *walk, const struct tree_node *leaf)
{
	struct find_pool *pool = walk->request.pool;

	for (uint32_t r = 0; r < leaf->rule_count; r++) {
		uint32_t rule = leaf->rules[r];
		uint32_t next = walk->request.deciding ? walk->request.tree->next[rule] : r + 1 < leaf->rule_count;
		struct code_outcome outcome = { .rule = rule, .next = next, .used = 1 };

		vector_push(walk->request.arena, &pool->outcomes, outcome);
		vector_push(walk->request.arena, &pool->rules, rule);
	}
}

/* Nodes and outcomes in the order of their numbers. */
static void fill_pool(const struct walk *walk, const bool *marks)
{
	for (uint32_t i = 0; i <= walk->request.part->root; i++) {
		const struct tree_node *node = node_of(walk, i);
		struct code_node made = { 0 };

		if (!marks[i])
			continue;
		if (node->leaf) {
			add_outcomes(walk, node);
			continue;
		}
		made.bound = node->bound;
		made.low = child_of(walk, node->low);
		made.high = child_of(walk, node->high);
		vector_push(walk->request.arena, &walk->request.pool->nodes, made);
	}
}

static void begin_pool(struct draft *draft, struct find_pool *pool, struct arena *arena)
{
	if (pool->outcomes.count)
		return;
	vector_push(arena, &pool->outcomes, (struct code_outcome){ 0 });
	vector_push(arena, &pool->rules, CODE_NO_RULE);
	pool->nodes_data = draft_data(draft, (struct code_data){ .name = "nodes", .value_size = sizeof(struct code_node) });
	pool->outcomes_data =
		draft_data(draft, (struct code_data){ .name = "leaves", .value_size = sizeof(struct code_outcome) });
}

void find_pool_end(struct draft *draft, const struct find_pool *pool)
{
	if (!pool->outcomes.count)
		return;
	draft->data.items[pool->nodes_data].bytes = pool->nodes.items;
	draft->data.items[pool->nodes_data].count = pool->nodes.count;
	draft->data.items[pool->outcomes_data].bytes = pool->outcomes.items;
	draft->data.items[pool->outcomes_data].count = pool->outcomes.count;
	draft->data.items[pool->outcomes_data].rules = pool->rules.items;
}

struct find walk_new(struct draft *draft, const struct find_request *request)
{
	struct walk *walk = arena_new_object(draft->arena, struct walk);
	bool *marks = arena_new_array(draft->arena, bool, request->tree->node_count);
	struct find find = { .walk = walk };

	walk->request = *request;
	walk->values = arena_new_array(draft->arena, uint8_t, request->tree->rules->dimension_count);
	memset(walk->values, CODE_CHILD_LEAF, request->tree->rules->dimension_count);
	walk->numbers = arena_new_array(draft->arena, uint32_t, request->tree->node_count);
	begin_pool(draft, request->pool, request->arena);
	number_nodes(walk, marks);
	fill_pool(walk, marks);
	find.outcomes = request->pool->outcomes_data;
	find.most_rules = walk->most_rules;
	return find;
}

/* ---- The function ---- */

/* Value I in its place on the stack. */
static void emit_value(struct draft *draft, const struct walk *walk, uint32_t i)
{
	const struct dimension *dimension = &walk->request.tree->rules->dimensions[walk->dimensions[i]];
	int16_t place = (int16_t)(-8 * (int)(walk->value_count - i));

	if (dimension->kind == DIMENSION_FIELD) {
		emit_field(draft, dimension, BPF_REG_1);
		draft_emit(draft, store(BPF_DW, BPF_REG_10, place, BPF_REG_1));
		return;
	}
	emit_computed(draft, dimension, walk->request.functions[walk->dimensions[i]]);
	draft_emit(draft, store(BPF_DW, BPF_REG_10, place, BPF_REG_0));
}

/* r8 < r1 ? low : high, in r6. With bounds and values of 63 bits the sign of the difference tells; else it is the borrow. */
static void emit_choice(struct draft *draft, bool wide)
{
	draft_emit(draft, load(BPF_W, BPF_REG_6, BPF_REG_0, offsetof(struct code_node, low)));
	draft_emit(draft, load(BPF_W, BPF_REG_2, BPF_REG_0, offsetof(struct code_node, high)));
	if (wide) { /* (~r8 & r1) | ((~r8 | r1) & (r8 - r1)) */
		draft_emit(draft, move_register(BPF_REG_3, BPF_REG_8));
		draft_emit(draft, calculate_constant(BPF_XOR, BPF_REG_3, -1));
		draft_emit(draft, move_register(BPF_REG_4, BPF_REG_3));
		draft_emit(draft, calculate_register(BPF_AND, BPF_REG_4, BPF_REG_1));
		draft_emit(draft, calculate_register(BPF_OR, BPF_REG_3, BPF_REG_1));
	}
	draft_emit(draft, calculate_register(BPF_SUB, BPF_REG_8, BPF_REG_1));
	if (wide) {
		draft_emit(draft, calculate_register(BPF_AND, BPF_REG_8, BPF_REG_3));
		draft_emit(draft, calculate_register(BPF_OR, BPF_REG_8, BPF_REG_4));
	}
	draft_emit(draft, calculate_constant(BPF_ARSH, BPF_REG_8, 63));
	draft_emit(draft, calculate_register(BPF_XOR, BPF_REG_6, BPF_REG_2));
	draft_emit(draft, calculate_register(BPF_AND, BPF_REG_6, BPF_REG_8));
	draft_emit(draft, calculate_register(BPF_XOR, BPF_REG_6, BPF_REG_2));
}

static bool has_wide_value(const struct walk *walk)
{
	for (uint32_t i = 0; i < walk->value_count; i++)
		if (walk->request.tree->rules->dimensions[walk->dimensions[i]].max > INT64_MAX)
			return true;
	return false;
}

static void emit_loop(struct draft *draft, const struct walk *walk)
{
	uint32_t loop = draft_label(draft), leaf = draft_label(draft), none = draft_label(draft);
	int16_t values = (int16_t)(-8 * (int)walk->value_count), number = (int16_t)(values - 8);

	draft_emit(draft, move_constant(BPF_REG_7, walk->request.part->depth + 1));
	draft_emit(draft, move_constant(BPF_REG_6, child_of(walk, walk->request.part->root)));
	draft_place(draft, loop);
	draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6));
	draft_emit(draft, calculate_constant_32(BPF_RSH, BPF_REG_1, 24));
	draft_emit(draft, calculate_constant_32(BPF_AND, BPF_REG_6, CODE_CHILD_NUMBER));
	draft_branch(draft, branch_constant(BPF_JGE, BPF_REG_1, (int32_t)walk->value_count), leaf);
	draft_emit(draft, store(BPF_W, BPF_REG_10, number, BPF_REG_6));
	draft_emit(draft, calculate_constant(BPF_LSH, BPF_REG_1, 3));
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_10));
	draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_2, BPF_REG_1));
	draft_emit(draft, load(BPF_DW, BPF_REG_8, BPF_REG_2, values));
	draft_refer(draft, REFERENCE_DATA, walk->request.pool->nodes_data);
	draft_wide(draft, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0);
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_10));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_2, number));
	draft_emit(draft, call_helper(HELPER_MAP_LOOKUP_ELEM));
	draft_branch(draft, branch_constant(BPF_JEQ, BPF_REG_0, 0), none);
	draft_emit(draft, load(BPF_DW, BPF_REG_1, BPF_REG_0, offsetof(struct code_node, bound)));
	emit_choice(draft, has_wide_value(walk));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_7, -1));
	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_7, 0), loop);
	draft_place(draft, none); /* never come to: a way ends at a leaf, and what is no node has no parent */
	draft_emit(draft, move_constant(BPF_REG_6, 0));
	draft_place(draft, leaf);
	draft_emit(draft, move_register(BPF_REG_0, BPF_REG_6));
	draft_exit(draft);
}

void emit_walk(struct draft *draft, const struct walk *walk)
{
	for (uint32_t i = 0; i < walk->value_count; i++)
		emit_value(draft, walk, i);
	emit_loop(draft, walk);
}
