// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: a tree that becomes instructions. Out: these, as a part of classify() (emit.c has its registers, and what a leaf does).
 *
 * A node is written once, its one child right behind it where that is not written yet, the other one later. The leaf of a
 * deciding tree is so short that it is written again where the last copy is far away or nothing needs to jump to it. A
 * node that is only come to from comparisons of the same dimension finds the value in r2.
 */
#include <string.h>

#include "code/emit.h"
#include "code/instructions.h"
#include "code/set_member.h"

#define NEAR_LEAF    20000	      /* a copy of a leaf that many instructions back is still jumped to */
#define ENTRY_UNSEEN UINT32_MAX	      /* no way to the node is known yet */
#define ENTRY_MIXED  (UINT32_MAX - 1) /* r2 is not the same on all ways */

/* The comparison at a node: of two cuts that part one number from the rest only one is left. */
struct test {
	bool equal; /* value == bound ? yes : no, else value < bound */
	uint32_t dimension;
	uint64_t bound;
	uint32_t yes, no;
};

static bool is_cut(const struct tree_node *node, uint32_t dimension, uint64_t bound)
{
	return !node->leaf && node->dimension == dimension && node->bound == bound;
}

static struct test node_test(const struct emitter *emitter, uint32_t number)
{
	const struct tree_node *node = &emitter->tree->nodes[number];
	const struct tree_node *low = &emitter->tree->nodes[node->low], *high = &emitter->tree->nodes[node->high];
	struct test test = { .dimension = node->dimension, .bound = node->bound, .yes = node->low, .no = node->high };

	if (node_dimension(emitter, node->dimension)->kind != DIMENSION_FIELD)
		return test;
	if (node->bound < UINT64_MAX && is_cut(high, node->dimension, node->bound + 1) && high->high == node->low) {
		test.equal = true;
		test.yes = high->low;
		test.no = node->low;
	} else if (is_cut(low, node->dimension, node->bound - 1) && low->low == node->high) {
		test.equal = true;
		test.bound = node->bound - 1;
		test.yes = low->high;
		test.no = node->high;
	}
	return test;
}

static void note_entry(struct emitter *emitter, uint32_t child, uint32_t dimension)
{
	if (emitter->entries[child] == ENTRY_UNSEEN)
		emitter->entries[child] = dimension;
	else if (emitter->entries[child] != dimension)
		emitter->entries[child] = ENTRY_MIXED;
}

/* Children have lower numbers than their parents, so all ways to a node are known when it is come to. */
static void find_entries(struct emitter *emitter, uint32_t root)
{
	for (uint32_t i = 0; i < emitter->tree->node_count; i++)
		emitter->entries[i] = ENTRY_UNSEEN;
	emitter->entries[root] = ENTRY_MIXED;
	for (uint32_t i = root + 1; i-- > 0;) {
		struct test test;

		if (emitter->entries[i] == ENTRY_UNSEEN || emitter->tree->nodes[i].leaf)
			continue;
		test = node_test(emitter, i);
		note_entry(emitter, test.yes, test.dimension);
		note_entry(emitter, test.no, test.dimension);
	}
}

/* ---- Leaves ---- */

static void emit_outcome(struct emitter *emitter, uint8_t reg, uint32_t index)
{
	const struct rule *rule = &emitter->tree->rules->rules[index];

	draft_refer(emitter->draft, REFERENCE_OUTCOME, index);
	draft_emit(emitter->draft, move_constant(reg, rule_outcome(rule, rule->slot)));
}

static void emit_deciding_leaf(struct emitter *emitter, const struct tree_node *leaf)
{
	uint32_t rule = leaf->rules[0], next = emitter->tree->next[rule];
	bool final = next == emitter->tree->deciding_count;

	if (rule < emitter->least_named)
		emitter->least_named = rule;
	draft_line(emitter->draft, rule);
	if (emitter->least_before < rule)
		draft_branch(emitter->draft, branch_constant_32(BPF_JLT, BPF_REG_9, rule), emitter->next);
	if (final && !emitter->has_passing) {
		emit_outcome(emitter, BPF_REG_0, rule);
		draft_exit(emitter->draft);
		return;
	}
	emit_outcome(emitter, BPF_REG_8, rule);
	if (!final || emitter->needs_decided)
		draft_emit(emitter->draft, move_constant(BPF_REG_9, rule));
	draft_jump(emitter->draft, final ? emitter->decided : emitter->starts[next]);
}

static void emit_passing_leaf(struct emitter *emitter, const struct tree_node *leaf)
{
	for (uint32_t i = 0; i < leaf->rule_count; i++) {
		uint32_t rule = leaf->rules[i];

		draft_line(emitter->draft, rule);
		if (rule > emitter->least_decided)
			draft_branch(emitter->draft, branch_constant_32(BPF_JLT, BPF_REG_9, rule), emitter->next);
		draft_emit(emitter->draft, move_register(BPF_REG_1, BPF_REG_6));
		draft_emit(emitter->draft, move_register(BPF_REG_2, BPF_REG_7));
		emit_outcome(emitter, BPF_REG_3, rule);
		draft_refer(emitter->draft, REFERENCE_PASS, 0);
		draft_emit(emitter->draft, call_function());
	}
	draft_jump(emitter->draft, emitter->next);
}

static bool is_deciding_leaf(const struct emitter *emitter, uint32_t number)
{
	return emitter->deciding && emitter->tree->nodes[number].leaf && emitter->tree->nodes[number].rule_count > 0;
}

static bool is_none(const struct emitter *emitter, uint32_t number)
{
	return emitter->tree->nodes[number].leaf && emitter->tree->nodes[number].rule_count == 0;
}

static bool has_near_copy(const struct emitter *emitter, uint32_t number)
{
	const struct leaf_copy *copy = &emitter->copies[number];

	return copy->label != DRAFT_UNPLACED && emitter->draft->instructions.count - copy->near < NEAR_LEAF;
}

static bool is_placed(const struct emitter *emitter, uint32_t label)
{
	return label != DRAFT_UNPLACED && emitter->draft->labels.items[label] != DRAFT_UNPLACED;
}

/* Outcome and exit: not much more than a jump to it. */
static bool is_short_leaf(const struct emitter *emitter, uint32_t number)
{
	uint32_t rule = emitter->tree->nodes[number].rules[0];

	return emitter->least_before >= rule && emitter->tree->next[rule] == emitter->tree->deciding_count;
}

/* A new copy; it is the one that was asked for, when one was and is not written yet. */
static void write_leaf(struct emitter *emitter, uint32_t number)
{
	struct leaf_copy *copy = &emitter->copies[number];

	if (copy->label == DRAFT_UNPLACED || is_placed(emitter, copy->label))
		copy->label = draft_label(emitter->draft);
	copy->near = emitter->draft->instructions.count;
	draft_place(emitter->draft, copy->label);
	emit_deciding_leaf(emitter, &emitter->tree->nodes[number]);
}

/* ---- Nodes ---- */

/* The label to jump to for a node; it will be written if it is not yet. */
static uint32_t label_of(struct emitter *emitter, uint32_t number)
{
	if (is_none(emitter, number))
		return emitter->next;
	if (is_deciding_leaf(emitter, number)) {
		if (!has_near_copy(emitter, number)) {
			emitter->copies[number] =
				(struct leaf_copy){ draft_label(emitter->draft), emitter->draft->instructions.count };
			vector_push(emitter->arena, &emitter->pending_leaves, number);
		}
		return emitter->copies[number].label;
	}
	if (emitter->labels[number] == DRAFT_UNPLACED)
		emitter->labels[number] = draft_label(emitter->draft);
	if (!is_placed(emitter, emitter->labels[number]))
		vector_push(emitter->arena, &emitter->pending, number);
	return emitter->labels[number];
}

static bool is_written(const struct emitter *emitter, uint32_t number)
{
	return is_placed(emitter, emitter->labels[number]);
}

/* How well a node stands right behind its parent: 0 would take a jump, 1 a copy more than needed, 2 well. */
static int fitness_behind(const struct emitter *emitter, uint32_t number)
{
	if (is_none(emitter, number))
		return 0;
	if (is_deciding_leaf(emitter, number))
		return !has_near_copy(emitter, number) ? 2 : is_short_leaf(emitter, number);
	return is_written(emitter, number) ? 0 : 2;
}

static void emit_compare(struct emitter *emitter, const struct test *test, bool jump_if_yes, uint32_t target)
{
	const struct dimension *dimension = node_dimension(emitter, test->dimension);
	uint8_t operation = test->equal ? (jump_if_yes ? BPF_JEQ : BPF_JNE) : (jump_if_yes ? BPF_JLT : BPF_JGE);

	if (field_place(dimension->field).bytes <= 4) {
		draft_branch(emitter->draft, branch_constant_32(operation, VALUE, (uint32_t)test->bound), target);
	} else if (test->bound == (uint64_t)(int32_t)test->bound) {
		draft_branch(emitter->draft, branch_constant(operation, VALUE, (int32_t)test->bound), target);
	} else {
		draft_wide(emitter->draft, BPF_REG_3, 0, test->bound);
		draft_branch(emitter->draft, branch_register(operation, VALUE, BPF_REG_3), target);
	}
}

/* Is there something in a register that a look-up in a set takes? */
static bool is_kept(const struct emitter *emitter, uint8_t reg)
{
	bool several = emitter->tree->deciding_count > 1, passing = !emitter->deciding;

	switch (reg) {
	case BPF_REG_6:
		return emitter->has_passing || emitter->has_predicates;
	case BPF_REG_8:
		return several || passing;
	default:
		return several || (passing && emitter->needs_decided);
	}
}

/* Onto the stack, below all else, or BACK. False when there is nothing. */
static bool keep_registers(struct emitter *emitter, bool back)
{
	static const uint8_t taken[] = { BPF_REG_6, BPF_REG_8, BPF_REG_9 };
	int lowest = -(int)answers_stack(&emitter->answers), place = lowest;

	for (size_t i = 0; i < sizeof(taken); i++) {
		if (!is_kept(emitter, taken[i]))
			continue;
		place -= 8;
		draft_emit(emitter->draft, back ? load(BPF_DW, taken[i], BPF_REG_10, (int16_t)place)
						: store(BPF_DW, BPF_REG_10, (int16_t)place, taken[i]));
	}
	return place < lowest;
}

/* Look the packet up in a set where the node stands: to TARGET where it is none, or with IF_MEMBER where it is one; else on behind. */
static void emit_look_up(struct emitter *emitter, uint32_t dimension, bool if_member, uint32_t target)
{
	struct draft *draft = emitter->draft;
	bool kept = keep_registers(emitter, false);
	uint32_t there = kept ? draft_label(draft) : target, behind = draft_label(draft);

	emit_set_look_up(draft, emitter->tree->rules, dimension, if_member ? there : behind, if_member ? behind : there);
	if (kept) {
		draft_place(draft, there);
		keep_registers(emitter, true);
		draft_jump(draft, target);
	}
	draft_place(draft, behind);
	keep_registers(emitter, true);
}

/* Write a node's comparison with the jump to one child; the other one, which must come next, comes back. */
static uint32_t emit_test(struct emitter *emitter, uint32_t number)
{
	struct test test = node_test(emitter, number);
	bool is_field = node_dimension(emitter, test.dimension)->kind == DIMENSION_FIELD;
	bool is_called = !is_field && emitter->functions[test.dimension] != NO_FUNCTION;
	bool jump_if_yes = fitness_behind(emitter, test.yes) < fitness_behind(emitter, test.no);
	uint32_t target;

	if (is_called)
		answers_ask(&emitter->answers, emitter->draft, emitter->tree, test.dimension, emitter->functions[test.dimension]);
	else if (is_field && emitter->entries[number] != test.dimension)
		emit_field(emitter->draft, node_dimension(emitter, test.dimension), VALUE);
	target = label_of(emitter, jump_if_yes ? test.yes : test.no);
	if (is_called)
		draft_branch(emitter->draft, branch_constant_32(jump_if_yes ? BPF_JEQ : BPF_JNE, BPF_REG_0, 0), target);
	else if (!is_field)
		emit_look_up(emitter, test.dimension, !jump_if_yes, target); /* yes is 0 */
	else
		emit_compare(emitter, &test, jump_if_yes, target);
	return jump_if_yes ? test.no : test.yes;
}

/* Write a node and what stands behind it, until nothing falls through; then the leaves that were asked for near by. */
static void emit_chain(struct emitter *emitter, uint32_t number)
{
	for (;;) {
		if (is_deciding_leaf(emitter, number)) {
			if (has_near_copy(emitter, number) && !is_short_leaf(emitter, number))
				draft_jump(emitter->draft, emitter->copies[number].label);
			else
				write_leaf(emitter, number);
			break;
		}
		if (is_none(emitter, number) || is_written(emitter, number)) {
			draft_jump(emitter->draft, label_of(emitter, number));
			break;
		}
		if (emitter->labels[number] == DRAFT_UNPLACED)
			emitter->labels[number] = draft_label(emitter->draft);
		draft_place(emitter->draft, emitter->labels[number]);
		if (emitter->tree->nodes[number].leaf) {
			emit_passing_leaf(emitter, &emitter->tree->nodes[number]);
			break;
		}
		number = emit_test(emitter, number);
	}
	for (size_t i = 0; i < emitter->pending_leaves.count; i++) {
		uint32_t leaf = emitter->pending_leaves.items[i];

		if (!is_placed(emitter, emitter->copies[leaf].label))
			write_leaf(emitter, leaf);
	}
	emitter->pending_leaves.count = 0;
}

void emit_tree(struct emitter *emitter, uint32_t root)
{
	memset(emitter->labels, 0xff, emitter->tree->node_count * sizeof(*emitter->labels));
	find_entries(emitter, root);
	emit_chain(emitter, root);
	while (emitter->pending.count > 0) {
		uint32_t number = emitter->pending.items[--emitter->pending.count];

		if (!is_written(emitter, number))
			emit_chain(emitter, number);
	}
}
