// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: a tree. Out: classify(), then a function for each set (set_member.c) and predicate (predicate.c) it asks, then one for each
 * tree that is data and each table (find.c).
 *
 * classify's registers:
 *	r0	its answer, and what the functions it calls gave back
 *	r1-r5	arguments; r2 the value of the dimension that is compared, r3 a constant of 64 bits
 *	r6	ctx	where there are passing trees or predicates, or trees to be found in
 *	r7	flow
 *	r8	the outcome of the rule that decides so far, where more trees are asked
 *	r9	the index of that rule; what stands behind it does not count
 *
 * A node is written once, its one child right behind it where that is not written yet, the other one later. The leaf of a
 * deciding tree is so short that it is written again where the last copy is far away or nothing needs to jump to it. A
 * node that is only come to from comparisons of the same dimension finds the value in r2.
 *
 * With one deciding tree a leaf is the answer. With several (tree.h has their order) a leaf of rule r in tree t is
 *
 *		if r9 < r goto end of t			unless no earlier tree has a rule before r
 *		r0 = outcome of r, exit			when no later tree has a rule before r that it meets
 *	or	r8 = outcome of r, r9 = r, goto the start of tree next[r]
 *
 * and the end of a tree, where also those go for whom it names no rule, is
 *
 *		if r9 <= the least rule of all later trees: answer r8
 *
 * Where a tree is data, or a table, its function says which element of a map is the packet's outcome; what a leaf has as
 *constants is read from there.
 *
 *	fp-8	the number of that element, for the look-up
 *	fp-16	whether the next one is passed, too		passing trees
 *	fp-24	ctx, while r6 counts the elements		passing trees
 *
 * Nothing the verifier learns about values in one tree must reach the next, or it looks at each combination: fields are loaded
 * anew (from memory, of which it knows nothing), and r9, a known constant at each leaf, is mixed with an unknown at the
 * start and the end of each tree.
 */
#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "code/answers.h"
#include "code/draft.h"
#include "code/find.h"
#include "code/instructions.h"
#include "code/predicate.h"
#include "code/set_member.h"

#define NEAR_LEAF    20000 /* a copy of a leaf that many instructions back is still jumped to */
#define LEAST_NODES  1024  /* that remain instructions where a part becomes data: fewer are never too much */
#define VALUE	     BPF_REG_2
#define NO_FUNCTION  UINT32_MAX
#define ENTRY_UNSEEN UINT32_MAX	      /* no way to the node is known yet */
#define ENTRY_MIXED  (UINT32_MAX - 1) /* r2 is not the same on all ways */

/* The comparison at a node: of two cuts that part one number from the rest only one is left. */
struct test {
	bool equal; /* value == bound ? yes : no, else value < bound */
	uint32_t dimension;
	uint64_t bound;
	uint32_t yes, no;
};

struct leaf_copy {
	uint32_t label, near; /* near: the instruction about where it stands */
};

struct emitter {
	struct draft *draft;
	const struct tree *tree;
	struct arena *arena;
	uint32_t *functions;			    /* for each dimension that is no field, its function */
	uint32_t least_decided;			    /* the least index of a rule that some leaf decides for */
	struct find *finds;			    /* for each tree, deciding ones first: where it is data or a table */
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

static const struct dimension *node_dimension(const struct emitter *emitter, uint32_t dimension)
{
	return &emitter->tree->rules->dimensions[dimension];
}

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

/* Write a node's comparison with the jump to one child; the other one, which must come next, comes back. */
static uint32_t emit_test(struct emitter *emitter, uint32_t number)
{
	struct test test = node_test(emitter, number);
	bool is_called = node_dimension(emitter, test.dimension)->kind != DIMENSION_FIELD;
	bool jump_if_yes = fitness_behind(emitter, test.yes) < fitness_behind(emitter, test.no);
	uint32_t target;

	if (is_called)
		answers_ask(&emitter->answers, emitter->draft, emitter->tree, test.dimension, emitter->functions[test.dimension]);
	else if (emitter->entries[number] != test.dimension)
		emit_field(emitter->draft, node_dimension(emitter, test.dimension), VALUE);
	target = label_of(emitter, jump_if_yes ? test.yes : test.no);
	if (is_called)
		draft_branch(emitter->draft, branch_constant_32(jump_if_yes ? BPF_JEQ : BPF_JNE, BPF_REG_0, 0), target);
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

static void emit_tree(struct emitter *emitter, uint32_t root)
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

/* ---- Trees that are data, and tables ---- */

/* Call the function of tree PART, by its number among all trees, and look up what it says, into r0. */
static void emit_find_call(struct emitter *emitter, uint32_t part)
{
	struct draft *draft = emitter->draft;
	uint32_t function = emitter->first_find;

	for (uint32_t i = 0; i < part; i++)
		function += emitter->finds[i].walk || emitter->finds[i].slots;
	draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6));
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_7));
	draft_refer(draft, REFERENCE_FUNCTION, function);
	draft_emit(draft, call_function());
	draft_branch(draft, branch_constant_32(BPF_JEQ, BPF_REG_0, 0), emitter->next);
	draft_emit(draft, store(BPF_W, BPF_REG_10, -8, BPF_REG_0));
}

static void emit_find_outcome(struct emitter *emitter, uint32_t part)
{
	struct draft *draft = emitter->draft;

	draft_refer(draft, REFERENCE_DATA, emitter->finds[part].outcomes);
	draft_wide(draft, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0);
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_10));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_2, -8));
	draft_emit(draft, call_helper(HELPER_MAP_LOOKUP_ELEM));
	draft_branch(draft, branch_constant(BPF_JEQ, BPF_REG_0, 0), emitter->next);
}

/* A deciding tree: as its leaves would be, with what they have as constants in the map. */
static void emit_found_deciding(struct emitter *emitter, uint32_t part)
{
	const struct tree *tree = emitter->tree;
	struct draft *draft = emitter->draft;

	emit_find_call(emitter, part);
	emit_find_outcome(emitter, part);
	draft_emit(draft, load(BPF_W, BPF_REG_1, BPF_REG_0, offsetof(struct code_outcome, rule)));
	if (emitter->least_before != UINT32_MAX)
		draft_branch(draft, branch_register_32(BPF_JLT, BPF_REG_9, BPF_REG_1), emitter->next);
	if (part + 1 == tree->deciding_count && !emitter->has_passing) {
		draft_emit(draft, load(BPF_W, BPF_REG_0, BPF_REG_0, offsetof(struct code_outcome, outcome)));
		draft_exit(draft);
		return;
	}
	draft_emit(draft, load(BPF_W, BPF_REG_8, BPF_REG_0, offsetof(struct code_outcome, outcome)));
	draft_emit(draft, move_register(BPF_REG_9, BPF_REG_1));
	draft_emit(draft, load(BPF_W, BPF_REG_1, BPF_REG_0, offsetof(struct code_outcome, next)));
	for (uint32_t next = part + 1; next < tree->deciding_count; next++)
		draft_branch(draft, branch_constant_32(BPF_JEQ, BPF_REG_1, next), emitter->starts[next]);
	draft_jump(draft, emitter->decided);
}

/* A passing tree: elements behind each other, until one says that it is the last. */
static void emit_found_passing(struct emitter *emitter, uint32_t part)
{
	struct draft *draft = emitter->draft;
	uint32_t loop = draft_label(draft), done = emitter->next, end = draft_label(draft);

	emit_find_call(emitter, part);
	draft_emit(draft, store(BPF_DW, BPF_REG_10, -24, BPF_REG_6));
	draft_emit(draft, move_constant(BPF_REG_6, emitter->finds[part].most_rules));
	emitter->next = end;
	draft_place(draft, loop);
	emit_find_outcome(emitter, part);
	draft_emit(draft, load(BPF_W, BPF_REG_1, BPF_REG_0, offsetof(struct code_outcome, rule)));
	if (emitter->needs_decided)
		draft_branch(draft, branch_register_32(BPF_JLT, BPF_REG_9, BPF_REG_1), end);
	draft_emit(draft, load(BPF_W, BPF_REG_1, BPF_REG_0, offsetof(struct code_outcome, next)));
	draft_emit(draft, store(BPF_DW, BPF_REG_10, -16, BPF_REG_1));
	draft_emit(draft, load(BPF_W, BPF_REG_3, BPF_REG_0, offsetof(struct code_outcome, outcome)));
	draft_emit(draft, load(BPF_DW, BPF_REG_1, BPF_REG_10, -24));
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_7));
	draft_refer(draft, REFERENCE_PASS, 0);
	draft_emit(draft, call_function());
	draft_emit(draft, load(BPF_DW, BPF_REG_1, BPF_REG_10, -16));
	draft_branch(draft, branch_constant(BPF_JEQ, BPF_REG_1, 0), end);
	draft_emit(draft, load(BPF_W, BPF_REG_1, BPF_REG_10, -8));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_1, 1));
	draft_emit(draft, store(BPF_W, BPF_REG_10, -8, BPF_REG_1));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_6, -1));
	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_6, 0), loop);
	draft_place(draft, end);
	draft_emit(draft, load(BPF_DW, BPF_REG_6, BPF_REG_10, -24));
	emitter->next = done;
}

static void emit_deciding(struct emitter *emitter, uint32_t part)
{
	const struct tree_part *of = &emitter->tree->deciding[part];

	if (of->form == TREE_CODE) {
		emit_tree(emitter, of->root);
		return;
	}
	if (of->first < emitter->least_named)
		emitter->least_named = of->first;
	emit_found_deciding(emitter, part);
}

static void emit_passing(struct emitter *emitter, uint32_t number)
{
	const struct tree_part *of = &emitter->tree->passing[number];

	if (of->form == TREE_CODE)
		emit_tree(emitter, of->root);
	else
		emit_found_passing(emitter, emitter->tree->deciding_count + number);
}

/* ---- Functions ---- */

/* Mix r9 with what the verifier does not know, and take it out again. */
static void hide_decided(struct emitter *emitter)
{
	draft_emit(emitter->draft, load(BPF_W, VALUE, BPF_REG_7, offsetof(struct weir_flow, length)));
	draft_emit(emitter->draft, calculate_register(BPF_XOR, BPF_REG_9, VALUE));
	draft_emit(emitter->draft, calculate_register(BPF_XOR, BPF_REG_9, VALUE));
}

/* What stands behind the deciding trees: the kernel refuses what nothing leads to. */
static void emit_decided(struct emitter *emitter)
{
	struct draft *draft = emitter->draft;

	if (!draft_is_asked(draft, emitter->decided))
		return;
	draft_place(draft, emitter->decided);
	if (emitter->needs_decided)
		hide_decided(emitter);
	emitter->deciding = false;
	for (uint32_t i = 0; i < emitter->tree->passing_count; i++) {
		emitter->next = draft_label(draft);
		emit_passing(emitter, i);
		draft_place(draft, emitter->next);
	}
	draft_emit(draft, move_register(BPF_REG_0, BPF_REG_8));
	draft_exit(draft);
}

/* Tree PART of several. The last end is `decided`. */
static void emit_part(struct emitter *emitter, uint32_t part)
{
	struct draft *draft = emitter->draft;
	bool last = part + 1 == emitter->tree->deciding_count;

	if (part > 0 && !draft_is_asked(draft, emitter->starts[part]))
		return; /* what its rules match is decided before */
	draft_place(draft, emitter->starts[part]);
	if (part > 0)
		hide_decided(emitter);
	emitter->next = last ? emitter->decided : part == 0 ? emitter->starts[1] : draft_label(draft);
	emit_deciding(emitter, part);
	if (part == 0 || last || !draft_is_asked(draft, emitter->next))
		return;
	draft_place(draft, emitter->next);
	hide_decided(emitter);
	draft_branch(draft, branch_constant_32(BPF_JLE, BPF_REG_9, emitter->tree->deciding[part + 1].least), emitter->decided);
	draft_jump(draft, emitter->starts[part + 1]);
}

static void emit_parts(struct emitter *emitter)
{
	const struct tree *tree = emitter->tree;

	emitter->starts = arena_new_array(emitter->arena, uint32_t, tree->deciding_count);
	for (uint32_t i = 0; i < tree->deciding_count; i++)
		emitter->starts[i] = draft_label(emitter->draft);
	/* Only for the verifier, since the chain's policy matches everything. */
	draft_emit(emitter->draft, move_constant(BPF_REG_8, WEIR_OUTCOME(WEIR_SLOT_MALFORMED, WEIR_VERDICT_DROP, 0)));
	draft_emit(emitter->draft, move_constant(BPF_REG_9, UINT32_MAX));
	for (uint32_t i = 0; i < tree->deciding_count; i++) {
		emit_part(emitter, i);
		emitter->least_before = emitter->least_named;
	}
}

static void emit_classify(struct emitter *emitter)
{
	struct draft *draft = emitter->draft;
	uint32_t body = draft_label(draft), nothing = draft_label(draft);

	draft_function(draft, FUNCTION_CLASSIFY, 0);
	if (emitter->has_passing || emitter->has_predicates || emitter->has_finds)
		draft_emit(draft, move_register(BPF_REG_6, BPF_REG_1));
	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_2, 0), body);
	draft_place(draft, nothing); /* never come to: there always is a flow, and the chain's policy decides the rest */
	draft_emit(draft, move_constant(BPF_REG_0, WEIR_OUTCOME(WEIR_SLOT_MALFORMED, WEIR_VERDICT_DROP, 0)));
	draft_exit(draft);
	draft_place(draft, body);
	draft_emit(draft, move_register(BPF_REG_7, BPF_REG_2));
	answers_begin(&emitter->answers, draft);
	emitter->deciding = true;
	emitter->decided = draft_label(draft);
	emitter->least_before = emitter->least_named = UINT32_MAX;
	emitter->next = nothing;
	if (emitter->tree->deciding_count > 1)
		emit_parts(emitter);
	else
		emit_deciding(emitter, 0);
	emit_decided(emitter);
}

/* Number the functions: classify is 0, then those of sets and predicates by their dimensions, then those that find. */
static void number_functions(struct emitter *emitter)
{
	const struct tree *tree = emitter->tree;
	uint32_t next = 1;

	for (uint32_t i = 0; i < tree->node_count; i++) {
		const struct dimension *dimension = node_dimension(emitter, tree->nodes[i].dimension);

		if (tree->nodes[i].leaf || dimension->kind == DIMENSION_FIELD)
			continue;
		emitter->functions[tree->nodes[i].dimension] = 0;
		emitter->has_predicates |= dimension->kind == DIMENSION_PREDICATE;
	}
	for (uint32_t i = 0; i < tree->rules->dimension_count; i++)
		if (emitter->functions[i] != NO_FUNCTION)
			emitter->functions[i] = next++;
	emitter->first_find = next;
}

/* The maps of those trees that are not instructions, into ARENA. */
static void make_finds(struct emitter *emitter, struct arena *arena)
{
	const struct tree *tree = emitter->tree;
	uint32_t count = tree->deciding_count + tree->passing_count;

	emitter->finds = arena_new_array(emitter->arena, struct find, count);
	for (uint32_t i = 0; i < count; i++) {
		bool deciding = i < tree->deciding_count;
		struct find_request request = { .tree = tree,
						.part = deciding ? &tree->deciding[i] : &tree->passing[i - tree->deciding_count],
						.number = i,
						.deciding = deciding,
						.functions = emitter->functions,
						.pool = &emitter->pool,
						.arena = arena };

		if (request.part->form == TREE_CODE)
			continue;
		emitter->finds[i] = find_new(emitter->draft, &request);
		emitter->has_finds = true;
	}
	find_pool_end(emitter->draft, &emitter->pool);
}

static void emit_finds(struct emitter *emitter)
{
	const struct tree *tree = emitter->tree;

	for (uint32_t i = 0; i < tree->deciding_count + tree->passing_count; i++) {
		if (!emitter->finds[i].walk && !emitter->finds[i].slots)
			continue;
		draft_function(emitter->draft, FUNCTION_FIND, i);
		emit_find(emitter->draft, &emitter->finds[i]);
	}
}

/* What must be kept for the passing trees. */
static void survey_rules(struct emitter *emitter)
{
	const struct rule_list *list = emitter->tree->rules;

	emitter->has_passing = emitter->tree->passing_count > 0;
	emitter->least_decided = UINT32_MAX;
	for (uint32_t i = 0; i < list->rule_count; i++) {
		if (!emitter->tree->reached[i])
			continue;
		if (list->rules[i].verdict == WEIR_VERDICT_CONTINUE)
			emitter->needs_decided |= i > emitter->least_decided;
		else if (emitter->least_decided == UINT32_MAX)
			emitter->least_decided = i;
	}
}

static void report_too_long(const struct rule_list *list, uint32_t count, struct diagnostics *diagnostics)
{
	struct diagnostic *diagnostic;

	if (count <= LIMIT_INSTRUCTIONS)
		diagnostic = diagnose(diagnostics, SEVERITY_ERROR, list->chain->place,
				      "the jumps of chain '%s' go further than the kernel allows", list->chain->name);
	else
		diagnostic = diagnose(diagnostics, SEVERITY_ERROR, list->chain->place,
				      "chain '%s' needs a program of %u instructions, %u is the limit", list->chain->name, count,
				      LIMIT_INSTRUCTIONS);
	diagnostic_hint(
		diagnostics, diagnostic,
		"write rules that differ only in an address or a port as one rule with a named set, or part the chain in two");
}

/* NULL when it becomes too long, *RET_COUNT instructions, or a jump goes too far. */
static const struct code *emit_whole(struct emitter *emitter, struct arena *arena, const struct code_options *options,
				     uint32_t *ret_count)
{
	const struct rule_list *list = emitter->tree->rules;
	struct code *code = arena_new_object(arena, struct code);

	number_functions(emitter);
	emitter->answers = answers_new(emitter->arena, emitter->tree);
	survey_rules(emitter);
	make_finds(emitter, arena);
	emit_classify(emitter);
	for (uint32_t i = 0; i < list->dimension_count; i++)
		if (emitter->functions[i] != NO_FUNCTION && list->dimensions[i].kind == DIMENSION_SET)
			emit_set_member(emitter->draft, list, i, false);
		else if (emitter->functions[i] != NO_FUNCTION)
			emit_predicate(emitter->draft, list, i);
	emit_finds(emitter);
	emit_set_count(emitter->draft, list, emitter->tree->reached);
	*ret_count = emitter->draft->instructions.count;
	code->tree = emitter->tree;
	code->long_jump = options->long_jump;
	code->only_code = options->tree.wish == TREE_ALL_CODE;
	return *ret_count <= LIMIT_INSTRUCTIONS && draft_finish(emitter->draft, arena, options, code) ? code : NULL;
}

static const struct code *emit_tree_as_it_is(struct arena *arena, const struct tree *tree, const struct code_options *options,
					     uint32_t *ret_count)
{
	struct arena *scratch = arena_new();
	struct draft draft = { .arena = scratch };
	struct emitter emitter = { .draft = &draft, .tree = tree, .arena = scratch };
	const struct code *code;

	emitter.functions = arena_new_array(scratch, uint32_t, tree->rules->dimension_count);
	memset(emitter.functions, 0xff, tree->rules->dimension_count * sizeof(uint32_t));
	emitter.entries = arena_new_array(scratch, uint32_t, tree->node_count);
	emitter.labels = arena_new_array(scratch, uint32_t, tree->node_count);
	emitter.copies = arena_new_array(scratch, struct leaf_copy, tree->node_count);
	memset(emitter.copies, 0xff, tree->node_count * sizeof(*emitter.copies));
	code = emit_whole(&emitter, arena, options, ret_count);
	arena_free(scratch);
	return code;
}

/* Emit with at most NODES of the trees as instructions, or fewer, until it fits; NULL when they cannot be as few as that. */
static const struct code *emit_with_at_most(struct arena *arena, const struct tree *tree, const struct code_options *options,
					    uint32_t nodes, const char *reason)
{
	const struct code *code = NULL;
	uint32_t count;

	for (; !code && nodes >= LEAST_NODES; nodes /= 2) {
		const struct tree *less = tree_with_less_code(arena, tree, nodes, reason);

		if (!less)
			break;
		code = emit_tree_as_it_is(arena, less, options, &count);
	}
	return code;
}

const struct code *code_emit(struct arena *arena, const struct tree *tree, const struct code_options *options,
			     struct diagnostics *diagnostics)
{
	uint32_t count;
	const struct code *code = emit_tree_as_it_is(arena, tree, options, &count);

	if (!code && options->tree.wish != TREE_ALL_CODE)
		code = emit_with_at_most(arena, tree, options, LIMIT_TREE_NODES / 2, NULL);
	if (!code)
		report_too_long(tree->rules, count, diagnostics);
	return code;
}

const struct code *code_with_less(struct arena *arena, const struct code *code)
{
	const struct code_options options = { .long_jump = code->long_jump };

	if (code->only_code)
		return NULL;
	return emit_with_at_most(arena, code->tree, &options, tree_code_nodes(code->tree) / 2,
				 "the kernel does not verify as many as instructions");
}
