// SPDX-License-Identifier: GPL-2.0-only
/*
 * One function a predicate: int predicate(ctx, struct weir_flow *flow), 1 where the packet meets it, else 0. At tc it has a
 * program for packets that begin with an Ethernet header and one for those that begin with an IP header; which of them it is
 * stands in the code when it is loaded, and the verifier takes the other one away.
 */
#include "code/predicate.h"

#include "code/instructions.h"

static void emit_answer(struct draft *draft, uint32_t label, uint32_t answer)
{
	if (!draft_is_asked(draft, label))
		return; /* the kernel refuses what nothing leads to */
	draft_place(draft, label);
	draft_emit(draft, move_constant(BPF_REG_0, answer));
	draft_exit(draft);
}

static void emit_program(struct draft *draft, enum weir_hook hook, const struct classic_program *program,
			 const struct predicate_exits *exits)
{
	if (program)
		emit_classic(draft, hook, program, exits);
	else
		draft_jump(draft, exits->no);
}

void emit_predicate(struct draft *draft, const struct rule_list *list, uint32_t dimension)
{
	const struct predicate *predicate = list->dimensions[dimension].predicate;
	const struct classic_program *ethernet = predicate->programs[CLASSIC_ETHERNET], *raw = predicate->programs[CLASSIC_RAW];
	const struct predicate_exits exits = { draft_label(draft), draft_label(draft) };
	uint32_t raw_begins = draft_label(draft);
	bool both = list->hook == WEIR_HOOK_TC_INGRESS || list->hook == WEIR_HOOK_TC_EGRESS || list->hook == WEIR_HOOK_TC_ACTION;

	draft_function(draft, FUNCTION_PREDICATE, dimension);
	draft_branch(draft, branch_constant(BPF_JEQ, BPF_REG_2, 0), exits.no); /* never: there always is a flow */
	if (predicate->kind == PREDICATE_HTTP) {
		emit_http(draft, &predicate->http, &exits);
	} else if (both) {
		draft_refer(draft, REFERENCE_RAW_IP, 0);
		draft_emit(draft, move_constant(BPF_REG_0, 0));
		draft_branch(draft, branch_constant_32(BPF_JNE, BPF_REG_0, 0), raw_begins);
		emit_program(draft, list->hook, ethernet, &exits);
		draft_place(draft, raw_begins);
		emit_program(draft, list->hook, raw, &exits);
	} else {
		emit_program(draft, list->hook, ethernet ? ethernet : raw, &exits);
	}
	emit_answer(draft, exits.no, 0);
	emit_answer(draft, exits.yes, 1);
}
