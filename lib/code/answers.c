// SPDX-License-Identifier: GPL-2.0-only
#include "code/answers.h"

#include <string.h>

#include "code/find.h"
#include "code/instructions.h"

/* With FOUND_STACK 64 bytes, and 24 of emit_tree.c, since all calls share 512; less those at which 64 bits begin. */
#define MOST_ANSWERS 35
#define UNKNOWN	     2

/* In how many trees of instructions each dimension is asked. */
static void count_trees(const struct tree *tree, const struct tree_part *part, bool *marks, uint8_t *trees)
{
	if (part->form != TREE_CODE)
		return;
	memset(marks, 0, tree->node_count);
	marks[part->root] = true;
	for (uint32_t i = part->root + 1; i-- > 0;) {
		const struct tree_node *node = &tree->nodes[i];

		if (!marks[i] || node->leaf)
			continue;
		marks[node->low] = marks[node->high] = true;
	}
	for (uint32_t d = 0; d < tree->rules->dimension_count; d++) {
		bool asked = false;

		for (uint32_t i = 0; i <= part->root && tree->rules->dimensions[d].kind == DIMENSION_PREDICATE && !asked; i++)
			asked = marks[i] && !tree->nodes[i].leaf && tree->nodes[i].dimension == d;
		trees[d] += asked && trees[d] < 2;
	}
}

struct answers answers_new(struct arena *arena, const struct tree *tree)
{
	struct answers answers = { .numbers = arena_new_array(arena, uint8_t, tree->rules->dimension_count) };
	bool *marks = arena_new_array(arena, bool, tree->node_count);
	uint8_t *trees = arena_new_array(arena, uint8_t, tree->rules->dimension_count);

	for (uint32_t i = 0; i < tree->deciding_count; i++)
		count_trees(tree, &tree->deciding[i], marks, trees);
	for (uint32_t i = 0; i < tree->passing_count; i++)
		count_trees(tree, &tree->passing[i], marks, trees);
	for (uint32_t d = 0; d < tree->rules->dimension_count && answers.count < MOST_ANSWERS; d++)
		if (trees[d] > 1)
			answers.numbers[d] = (uint8_t)++answers.count;
	return answers;
}

/* -25 to -31, -33 to -39, ... */
static int16_t place_of(uint32_t number)
{
	return (int16_t)(-FOUND_STACK - (int)(number + (number - 1) / 7));
}

uint32_t answers_stack(const struct answers *answers)
{
	return FOUND_STACK + 8 * ((answers->count + 6) / 7);
}

void answers_begin(const struct answers *answers, struct draft *draft)
{
	for (uint32_t i = 1; i <= answers->count; i++)
		draft_emit(draft, store_constant(BPF_B, BPF_REG_10, place_of(i), UNKNOWN));
}

void answers_ask(const struct answers *answers, struct draft *draft, const struct tree *tree, uint32_t dimension, uint32_t function)
{
	uint32_t number = answers->numbers[dimension], known;

	if (!number) {
		emit_computed(draft, &tree->rules->dimensions[dimension], function);
		return;
	}
	known = draft_label(draft);
	draft_emit(draft, load(BPF_B, BPF_REG_0, BPF_REG_10, place_of(number)));
	draft_branch(draft, branch_constant_32(BPF_JNE, BPF_REG_0, UNKNOWN), known);
	emit_computed(draft, &tree->rules->dimensions[dimension], function);
	draft_emit(draft, store(BPF_B, BPF_REG_10, place_of(number), BPF_REG_0));
	draft_place(draft, known);
}
