// SPDX-License-Identifier: GPL-2.0-only
/*
 * int find(ctx, struct weir_flow *flow), for a tree that is data and for bit vectors; what they and tables have in common.
 *
 *	r1	ctx, r2 flow at the beginning; then r6 and r7 (find_tree.c and find_vectors.c have the rest)
 */
#include "code/find.h"

#include "code/instructions.h"
#include "code/set_member.h"

void emit_field(struct draft *draft, const struct dimension *dimension, uint8_t reg)
{
	static const uint8_t bits[] = {
#define X(id, member, width) width,
		WEIR_FIELDS(X)
#undef X
	};
	struct field_place place = field_place(dimension->field);

	draft_emit(draft, load(load_size(place.bytes), reg, BPF_REG_7, place.offset));
	if (dimension->mask == UINT64_MAX >> (64 - bits[dimension->field]))
		return;
	if (dimension->mask <= UINT32_MAX) {
		draft_emit(draft, calculate_constant_32(BPF_AND, reg, (uint32_t)dimension->mask));
		return;
	}
	draft_wide(draft, BPF_REG_3, 0, dimension->mask);
	draft_emit(draft, calculate_register(BPF_AND, reg, BPF_REG_3));
}

void emit_computed(struct draft *draft, const struct dimension *dimension, uint32_t function)
{
	if (dimension->kind == DIMENSION_PREDICATE) {
		draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6));
		draft_emit(draft, move_register(BPF_REG_2, BPF_REG_7));
	} else {
		draft_emit(draft, move_register(BPF_REG_1, BPF_REG_7));
	}
	draft_refer(draft, REFERENCE_FUNCTION, function);
	draft_emit(draft, call_function());
}

void emit_branch(struct draft *draft, uint8_t operation, uint64_t number, uint32_t label)
{
	if (number == (uint64_t)(int32_t)number) {
		draft_branch(draft, branch_constant(operation, BPF_REG_1, (int32_t)number), label);
		return;
	}
	draft_wide(draft, BPF_REG_2, 0, number);
	draft_branch(draft, branch_register(operation, BPF_REG_1, BPF_REG_2), label);
}

/* Intervals are sorted: what is above one and below the next is in none. */
void emit_shared(struct draft *draft, const struct rule_list *rules, const struct constraint *all, uint32_t count, uint32_t none)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct constraint *shared = &all[i];
		const struct dimension *dimension = &rules->dimensions[shared->dimension];
		uint32_t inside = draft_label(draft);

		emit_field(draft, dimension, BPF_REG_1);
		for (uint32_t k = 0; k < shared->count; k++) {
			const struct interval *interval = &shared->intervals[k];

			if (interval->low > 0)
				emit_branch(draft, BPF_JLT, interval->low, none);
			if (k + 1 < shared->count)
				emit_branch(draft, BPF_JLE, interval->high, inside);
			else if (interval->high < dimension->max)
				emit_branch(draft, BPF_JGT, interval->high, none);
		}
		draft_place(draft, inside);
	}
}

struct find find_new(struct draft *draft, const struct find_request *request)
{
	struct find find;

	if (request->part->form == TREE_TABLE)
		return slots_new(draft, request);
	find = request->part->form == TREE_VECTORS ? vectors_new(draft, request) : walk_new(draft, request);
	find.function = request->function;
	return find;
}

void emit_find(struct draft *draft, const struct find *find)
{
	uint32_t body = draft_label(draft);

	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_2, 0), body);
	draft_emit(draft, move_constant(BPF_REG_0, 0));
	draft_exit(draft);
	draft_place(draft, body);
	draft_emit(draft, move_register(BPF_REG_6, BPF_REG_1));
	draft_emit(draft, move_register(BPF_REG_7, BPF_REG_2));
	if (find->walk)
		emit_walk(draft, find->walk);
	else
		emit_vectors(draft, find->vectors);
}
