// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: a tree. Out: classify(), then a function for each set (set_member.c) and predicate (predicate.c) that it calls, then one
 * for each tree that is data and for bit vectors (find.c). What classify() has of a tree of instructions is in
 * emit_tree.c, of the others in emit_found.c.
 *
 * classify's registers:
 *	r0	its answer, and what the functions it calls gave back
 *	r1-r5	arguments; r2 the value of the dimension that is compared, r3 a constant of 64 bits
 *	r6	ctx	where there are passing trees or predicates, or trees to be found in
 *	r7	flow
 *	r8	the outcome of the rule that decides so far, where more trees are asked
 *	r9	the index of that rule; what stands behind it does not count
 * A look-up in a set that stands here (choose_look_ups) has r6, r8 and r9 for itself; what was there waits on the stack.
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
 * Nothing the verifier learns about values in one tree must reach the next, or it looks at each combination: fields are loaded
 * anew (from memory, of which it knows nothing), and r9, a known constant at each leaf, is mixed with an unknown at the
 * start and the end of each tree.
 */
#include <string.h>

#include "base/limits.h"
#include "code/emit.h"
#include "code/instructions.h"
#include "code/predicate.h"
#include "code/set_member.h"

#define MOST_PLACES 4	 /* where a set is looked up without a function: some hundred instructions each */
#define LEAST_NODES 1024 /* that remain instructions where a part becomes data: fewer are never too much */

/* ---- Trees ---- */

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

/* One that is no field needs a function. */
static void note_dimension(struct emitter *emitter, uint32_t number)
{
	const struct dimension *dimension = node_dimension(emitter, number);

	if (dimension->kind == DIMENSION_FIELD)
		return;
	emitter->functions[number] = 0;
	emitter->has_predicates |= dimension->kind == DIMENSION_PREDICATE;
}

/*
 * A set that few nodes ask is looked up there, without a call and a return. Trees that are data, and bit vectors, have a function
 * of their own, and call.
 */
static void choose_look_ups(struct emitter *emitter)
{
	const struct tree *tree = emitter->tree;
	uint32_t *askers = arena_new_array(emitter->arena, uint32_t, tree->rules->dimension_count);

	for (uint32_t i = 0; i < tree->deciding_count + tree->passing_count; i++) {
		enum tree_form form = i < tree->deciding_count ? tree->deciding[i].form : tree->passing[i - tree->deciding_count].form;

		if (form == TREE_DATA || form == TREE_VECTORS)
			return;
	}
	for (uint32_t i = 0; i < tree->node_count; i++)
		if (!tree->nodes[i].leaf)
			askers[tree->nodes[i].dimension]++;
	for (uint32_t i = 0; i < tree->rules->dimension_count; i++)
		if (askers[i] <= MOST_PLACES && tree->rules->dimensions[i].kind == DIMENSION_SET)
			emitter->functions[i] = NO_FUNCTION;
}

/* Number the functions: classify is 0, then those of sets and predicates by their dimensions, then those that find. */
static void number_functions(struct emitter *emitter)
{
	const struct tree *tree = emitter->tree;
	uint32_t next = 1;

	for (uint32_t i = 0; i < tree->node_count; i++)
		if (!tree->nodes[i].leaf)
			note_dimension(emitter, tree->nodes[i].dimension);
	for (uint32_t i = 0; i < tree->deciding_count; i++)
		for (uint32_t d = 0; tree->deciding[i].vectors && d < tree->deciding[i].vectors->dimension_count; d++)
			note_dimension(emitter, tree->deciding[i].vectors->dimensions[d]);
	choose_look_ups(emitter);
	for (uint32_t i = 0; i < tree->rules->dimension_count; i++)
		if (emitter->functions[i] != NO_FUNCTION)
			emitter->functions[i] = next++;
	emitter->first_find = next;
}

/* The maps of those trees that are not instructions, into ARENA. */
static void make_finds(struct emitter *emitter, struct arena *arena)
{
	const struct tree *tree = emitter->tree;
	uint32_t count = tree->deciding_count + tree->passing_count, function = emitter->first_find;

	emitter->finds = arena_new_array(emitter->arena, struct find, count);
	for (uint32_t i = 0; i < count; i++) {
		bool deciding = i < tree->deciding_count;
		struct find_request request = { .tree = tree,
						.part = deciding ? &tree->deciding[i] : &tree->passing[i - tree->deciding_count],
						.number = i,
						.function = function,
						.deciding = deciding,
						.functions = emitter->functions,
						.pool = &emitter->pool,
						.arena = arena };

		if (request.part->form == TREE_CODE)
			continue;
		emitter->finds[i] = find_new(emitter->draft, &request);
		function += emitter->finds[i].vectors ? 2 : emitter->finds[i].walk ? 1 : 0;
		emitter->has_finds |= emitter->finds[i].function > 0;
	}
	find_pool_end(emitter->draft, &emitter->pool);
}

static void emit_finds(struct emitter *emitter)
{
	const struct tree *tree = emitter->tree;

	for (uint32_t i = 0; i < tree->deciding_count + tree->passing_count; i++) {
		if (!emitter->finds[i].function)
			continue;
		draft_function(emitter->draft, FUNCTION_FIND, i);
		emit_find(emitter->draft, &emitter->finds[i]);
		if (!emitter->finds[i].vectors)
			continue;
		draft_function(emitter->draft, FUNCTION_BLOCK, i);
		emit_vectors_block(emitter->draft, emitter->finds[i].vectors);
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
	code->no_short_back = options->no_short_back;
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
	const struct code_options options = { .long_jump = code->long_jump, .no_short_back = code->no_short_back };

	if (code->only_code)
		return NULL;
	return emit_with_at_most(arena, code->tree, &options, tree_code_nodes(code->tree) / 2,
				 "the kernel does not verify as many as instructions");
}

const struct code *code_without_short_back(struct arena *arena, const struct code *code)
{
	const struct code_options options = { .long_jump = code->long_jump,
					      .no_short_back = true,
					      .tree.wish = code->only_code ? TREE_ALL_CODE : TREE_AS_FITS };
	uint32_t count;

	return code->no_short_back ? NULL : emit_tree_as_it_is(arena, code->tree, &options, &count);
}
