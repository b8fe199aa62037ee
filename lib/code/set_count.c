// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of set elements. A packet counts at an element when a rule that matches by its set was met, as the rule's own counter
 * goes up: not when the set was merely asked on the way. So the template calls set_count(flow, outcome, packets, bytes)
 * where it counts so much for a rule, and that function asks the rule's sets once more, and counts.
 *
 *	r6	flow
 *	r7	the outcome, which names the rule
 *	r8	packets
 *	r9	bytes
 */
#include "code/instructions.h"
#include "code/set_member.h"

#define NO_FUNCTION UINT32_MAX

/* Does the rule ask that a packet is in this set? */
static bool rule_asks(const struct rule *rule, uint32_t dimension)
{
	for (uint32_t b = 0; b < rule->box_count; b++)
		for (uint32_t c = 0; c < rule->boxes[b].count; c++) {
			const struct constraint *constraint = &rule->boxes[b].constraints[c];

			if (constraint->dimension == dimension && constraint->count && constraint->intervals[0].low == 1)
				return true;
		}
	return false;
}

static bool dimension_counts(const struct rule_list *list, uint32_t dimension)
{
	const struct dimension *asked = &list->dimensions[dimension];

	return asked->kind == DIMENSION_SET && list->sets[asked->set].set->counted;
}

static bool is_asked(const struct rule_list *list, const bool *reached, uint32_t dimension)
{
	for (uint32_t i = 0; i < list->rule_count; i++)
		if (reached[i] && rule_asks(&list->rules[i], dimension))
			return true;
	return false;
}

static void emit_rule(struct draft *draft, const struct rule_list *list, uint32_t rule, const uint32_t *functions)
{
	uint32_t behind = draft_label(draft);

	draft_refer(draft, REFERENCE_OUTCOME, rule);
	draft_branch(draft, branch_constant_32(BPF_JNE, BPF_REG_7, 0), behind);
	for (uint32_t d = 0; d < list->dimension_count; d++) {
		if (functions[d] == NO_FUNCTION || !rule_asks(&list->rules[rule], d))
			continue;
		for (uint8_t i = 0; i < 4; i++)
			draft_emit(draft, move_register(BPF_REG_1 + i, BPF_REG_6 + i));
		draft_refer(draft, REFERENCE_FUNCTION, functions[d]);
		draft_emit(draft, call_function());
	}
	draft_emit(draft, move_constant(BPF_REG_0, 0));
	draft_exit(draft);
	draft_place(draft, behind);
}

static bool rule_counts(const struct rule_list *list, uint32_t rule, const uint32_t *functions)
{
	for (uint32_t d = 0; d < list->dimension_count; d++)
		if (functions[d] != NO_FUNCTION && rule_asks(&list->rules[rule], d))
			return true;
	return false;
}

void emit_set_count(struct draft *draft, const struct rule_list *list, const bool *reached)
{
	uint32_t *functions = arena_new_array(draft->arena, uint32_t, list->dimension_count);
	uint32_t body = draft_label(draft);
	bool any = false;

	for (uint32_t d = 0; d < list->dimension_count; d++) {
		functions[d] = NO_FUNCTION;
		if (!dimension_counts(list, d) || !is_asked(list, reached, d))
			continue;
		functions[d] = (uint32_t)draft->functions.count;
		emit_set_member(draft, list, d, true);
		any = true;
	}
	if (!any)
		return;
	draft_function(draft, FUNCTION_SET_COUNT, 0);
	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_1, 0), body);
	draft_emit(draft, move_constant(BPF_REG_0, 0));
	draft_exit(draft);
	draft_place(draft, body);
	for (uint8_t i = 0; i < 4; i++)
		draft_emit(draft, move_register(BPF_REG_6 + i, BPF_REG_1 + i));
	for (uint32_t i = 0; i < list->rule_count; i++)
		if (reached[i] && rule_counts(list, i, functions))
			emit_rule(draft, list, i, functions);
	draft_emit(draft, move_constant(BPF_REG_0, 0));
	draft_exit(draft);
}

bool code_counts(const struct code *code)
{
	return code->function_count && code->functions[code->function_count - 1].kind == FUNCTION_SET_COUNT;
}
