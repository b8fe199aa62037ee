// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: a tree that is data, a table, or bit vectors. Out: the part of classify() that asks it (emit.c has the registers). Its
 * function, or of a table what stands here, says which element of a map is the packet's outcome; what a leaf has as constants is
 * read from there.
 *
 *	fp-8	the number of that element, for the look-up
 *	fp-16	whether the next one is passed, too		passing trees; a table has it for itself
 *	fp-24	ctx, while r6 counts the elements		passing trees
 *
 * What predicates answered lies below these FOUND_STACK bytes (answers.h).
 */
#include <stddef.h>

#include "code/emit.h"
#include "code/instructions.h"

/* Call the function of tree PART, by its number among all trees, and look up what it says, into r0. */
static void emit_find_call(struct emitter *emitter, uint32_t part)
{
	struct draft *draft = emitter->draft;

	draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6));
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_7));
	draft_refer(draft, REFERENCE_FUNCTION, emitter->finds[part].function);
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

/* Has no tree behind a say where a rule of this one is met? */
static bool is_last_word(const struct tree *tree, uint32_t part)
{
	const struct tree_table *table = tree->deciding[part].table;

	for (uint32_t row = 0; table && row < table->count; row++)
		if (tree->next[table->rules[row]] != tree->deciding_count)
			return false;
	return table || part + 1 == tree->deciding_count;
}

/* A deciding tree: as its leaves would be, with what they have as constants in the map. */
void emit_found_deciding(struct emitter *emitter, uint32_t part)
{
	const struct tree *tree = emitter->tree;
	struct draft *draft = emitter->draft;

	if (emitter->finds[part].slots) {
		emit_slots(draft, emitter->finds[part].slots, emitter->next);
	} else {
		emit_find_call(emitter, part);
		emit_find_outcome(emitter, part);
	}
	draft_emit(draft, load(BPF_W, BPF_REG_1, BPF_REG_0, offsetof(struct code_outcome, rule)));
	if (emitter->least_before != UINT32_MAX)
		draft_branch(draft, branch_register_32(BPF_JLT, BPF_REG_9, BPF_REG_1), emitter->next);
	if (is_last_word(tree, part) && !emitter->has_passing) {
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
void emit_found_passing(struct emitter *emitter, uint32_t part)
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
