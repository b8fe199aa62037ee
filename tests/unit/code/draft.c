// SPDX-License-Identifier: GPL-2.0-only
#include "../../tap.h"

#include "code/draft.h"
#include "code/instructions.h"
#include "interpreter.h"

/*
 * if r1 == i goto answer i, for each i; a filling that jumps nowhere; the answers. So each jump goes as far as the filling is
 * long, and all of them need an island at about the same place.
 */
static const struct code *many_far_jumps(struct arena *arena, uint32_t count, uint32_t filling, bool long_jump)
{
	struct draft draft = { .arena = arena };
	struct code_options options = { .long_jump = long_jump };
	struct code *code = arena_new_object(arena, struct code);
	uint32_t *labels = arena_new_array(arena, uint32_t, count);

	draft_function(&draft, FUNCTION_CLASSIFY, 0);
	for (uint32_t i = 0; i < count; i++) {
		labels[i] = draft_label(&draft);
		draft_branch(&draft, branch_constant(BPF_JEQ, BPF_REG_1, (int32_t)i), labels[i]);
	}
	for (uint32_t i = 0; i < filling; i += 2) {
		draft_emit(&draft, move_constant(BPF_REG_0, UINT32_MAX));
		draft_exit(&draft);
	}
	for (uint32_t i = 0; i < count; i++) {
		draft_place(&draft, labels[i]);
		draft_line(&draft, i);
		draft_emit(&draft, move_constant(BPF_REG_0, i));
		draft_exit(&draft);
	}
	return draft_finish(&draft, arena, &options, code) ? code : NULL;
}

static uint32_t count_wrong(struct arena *arena, const struct code *code, uint32_t count)
{
	struct interpreter interpreter = interpreter_new(arena, code);
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < count; i++) {
		wrong += interpret(&interpreter, 0, (uint64_t[INTERPRETER_ARGUMENTS]){ i, 0 }) != i;
		wrong += code->instructions[code->lines[i].instruction].imm != (int32_t)i;
	}
	wrong += interpret(&interpreter, 0, (uint64_t[INTERPRETER_ARGUMENTS]){ count, 0 }) != UINT32_MAX;
	if (interpreter.fault)
		printf("# %s\n", interpreter.fault);
	return wrong;
}

static void check_far_jumps(uint32_t count, uint32_t filling, uint32_t islands)
{
	for (int long_jump = 0; long_jump < 2; long_jump++) {
		struct arena *arena = arena_new();
		const struct code *code = many_far_jumps(arena, count, filling, long_jump);

		CHECK(code != NULL);
		if (code) {
			CHECK_NUMBER(count_wrong(arena, code, count), 0);
			CHECK_NUMBER(code->instruction_count, 3 * count + filling + (long_jump && islands ? count : islands));
			CHECK_NUMBER(code->functions[0].count, code->instruction_count);
		}
		arena_free(arena);
	}
}

TEST(near_jumps_need_no_islands)
{
	check_far_jumps(100, 20000, 0);
}

TEST(a_far_jump_goes_over_one_island_or_several)
{
	check_far_jumps(1, 40000, 1);
	check_far_jumps(1, 300000, 10);
}

TEST(so_many_islands_that_they_push_each_other_away_still_work)
{
	for (int long_jump = 0; long_jump < 2; long_jump++) {
		struct arena *arena = arena_new();
		const struct code *code = many_far_jumps(arena, 4000, 60000, long_jump);

		CHECK(code != NULL);
		if (code)
			CHECK_NUMBER(count_wrong(arena, code, 4000), 0);
		arena_free(arena);
	}
}

TEST(jumps_that_cannot_be_led_are_refused)
{
	struct arena *arena = arena_new();

	/* All of one reach is jumps, so that no island can stand there. */
	CHECK(many_far_jumps(arena, 40000, 100, false) == NULL);
	arena_free(arena);
}

TEST(a_jump_to_the_next_instruction_is_taken_back)
{
	struct arena *arena = arena_new();
	struct draft draft = { .arena = arena };
	uint32_t next = draft_label(&draft), alias = draft_label(&draft);

	draft_emit(&draft, move_constant(BPF_REG_0, 1));
	draft_jump(&draft, next);
	draft_place(&draft, alias);
	draft_place(&draft, next);
	draft_exit(&draft);
	CHECK_NUMBER(draft.instructions.count, 2);
	CHECK_NUMBER(draft.jumps.count, 0);
	CHECK_NUMBER(draft.labels.items[next], 1);
	CHECK_NUMBER(draft.labels.items[alias], 1);
	arena_free(arena);
}

/* answers 0 to count - 1, each with a jump to it right behind the next one: if r1 == i goto answer i */
static const struct code *short_back_jumps(struct arena *arena, uint32_t count, bool allowed)
{
	struct draft draft = { .arena = arena };
	struct code_options options = { .no_short_back = !allowed };
	struct code *code = arena_new_object(arena, struct code);
	uint32_t ask = draft_label(&draft);

	draft_function(&draft, FUNCTION_CLASSIFY, 0);
	draft_jump(&draft, ask);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t answer = draft_label(&draft);

		draft_place(&draft, answer);
		draft_line(&draft, i);
		draft_emit(&draft, move_constant(BPF_REG_0, i));
		draft_exit(&draft);
		draft_place(&draft, ask);
		draft_branch(&draft, branch_constant(BPF_JEQ, BPF_REG_1, (int32_t)i), answer);
		ask = draft_label(&draft);
		draft_jump(&draft, ask);
	}
	draft_place(&draft, ask);
	draft_emit(&draft, move_constant(BPF_REG_0, UINT32_MAX));
	draft_exit(&draft);
	return draft_finish(&draft, arena, &options, code) ? code : NULL;
}

/* Jumps back over fewer than 60 instructions. */
static uint32_t count_short_back(const struct code *code)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < code->instruction_count; i++) {
		const struct bpf_insn *insn = &code->instructions[i];

		count += BPF_CLASS(insn->code) == BPF_JMP && insn->off < 0 && insn->off > -60;
	}
	return count;
}

TEST(short_jumps_back_are_led_over_islands_when_that_is_asked_for)
{
	struct arena *arena = arena_new();
	const struct code *code = short_back_jumps(arena, 5000, true);

	CHECK(code != NULL);
	if (code) {
		CHECK_NUMBER(count_short_back(code), 5000);
		CHECK_NUMBER(count_wrong(arena, code, 5000), 0);
	}
	code = short_back_jumps(arena, 5000, false);
	CHECK(code != NULL);
	if (code) {
		CHECK_NUMBER(count_wrong(arena, code, 5000), 0);
		CHECK(count_short_back(code) < 40); /* those at the end have no room behind them */
	}
	arena_free(arena);
}

int main(void)
{
	RUN(near_jumps_need_no_islands);
	RUN(a_far_jump_goes_over_one_island_or_several);
	RUN(so_many_islands_that_they_push_each_other_away_still_work);
	RUN(jumps_that_cannot_be_led_are_refused);
	RUN(a_jump_to_the_next_instruction_is_taken_back);
	RUN(short_jumps_back_are_led_over_islands_when_that_is_asked_for);
	return tap_end();
}
