// SPDX-License-Identifier: GPL-2.0-only
/*
 * One function a predicate: int predicate(ctx, struct weir_flow *flow), 1 where the packet meets it, else 0. At tc it has a program
 * for packets that begin with an Ethernet header and one for those that begin with an IP header; which of them it is stands
 * in the code when it is loaded, and the verifier takes the other one away. An expression there has a third one, for packets
 * whose VLAN tag the card took off: to it they look as they came.
 */
#include "code/predicate.h"

#include <stddef.h>

#include "code/instructions.h"

static void emit_answer(struct draft *draft, uint32_t label, uint32_t answer)
{
	if (!draft_is_asked(draft, label))
		return; /* the kernel refuses what nothing leads to */
	draft_place(draft, label);
	draft_emit(draft, move_constant(BPF_REG_0, answer));
	draft_exit(draft);
}

static void emit_program(struct draft *draft, const struct classic_request *request, const struct predicate_exits *exits)
{
	if (request->program)
		emit_classic(draft, request, exits);
	else
		draft_jump(draft, exits->no);
}

/* For packets that begin with an Ethernet header, at any hook that has such. */
static void emit_ethernet(struct draft *draft, const struct predicate *predicate, enum weir_hook hook,
			  const struct predicate_exits *exits)
{
	struct classic_request request = { .hook = hook,
					   .link = CLASSIC_ETHERNET,
					   .program = predicate->programs[CLASSIC_ETHERNET],
					   .behind_link = predicate->behind_link };
	uint32_t tagged = draft_label(draft);

	if (hook == WEIR_HOOK_XDP_INGRESS || !predicate->whole_frame || !request.program) {
		emit_program(draft, &request, exits);
		return;
	}
	draft_emit(draft, load(BPF_W, BPF_REG_0, BPF_REG_1, offsetof(struct __sk_buff, vlan_present)));
	draft_branch(draft, branch_constant_32(BPF_JNE, BPF_REG_0, 0), tagged);
	emit_program(draft, &request, exits);
	draft_place(draft, tagged);
	request.tagged = true;
	emit_program(draft, &request, exits);
}

void emit_predicate(struct draft *draft, const struct rule_list *list, uint32_t dimension)
{
	const struct predicate *predicate = list->dimensions[dimension].predicate;
	const struct classic_request raw = { .hook = list->hook, .link = CLASSIC_RAW, .program = predicate->programs[CLASSIC_RAW] };
	const struct predicate_exits exits = { draft_label(draft), draft_label(draft) };
	uint32_t raw_begins = draft_label(draft);

	draft_function(draft, FUNCTION_PREDICATE, dimension);
	draft_branch(draft, branch_constant(BPF_JEQ, BPF_REG_2, 0), exits.no); /* never: there always is a flow */
	if (predicate->kind == PREDICATE_HTTP) {
		emit_http(draft, &predicate->http, &exits);
	} else if (list->hook == WEIR_HOOK_XDP_INGRESS) {
		emit_ethernet(draft, predicate, list->hook, &exits);
	} else if (hook_is_tc(list->hook)) {
		draft_refer(draft, REFERENCE_RAW_IP, 0);
		draft_emit(draft, move_constant(BPF_REG_0, 0));
		draft_branch(draft, branch_constant_32(BPF_JNE, BPF_REG_0, 0), raw_begins);
		emit_ethernet(draft, predicate, list->hook, &exits);
		draft_place(draft, raw_begins);
		emit_program(draft, &raw, &exits);
	} else {
		emit_program(draft, &raw, &exits);
	}
	emit_answer(draft, exits.no, 0);
	emit_answer(draft, exits.yes, 1);
}
