// SPDX-License-Identifier: GPL-2.0-only
#include "code/filter.h"

#include <stddef.h>

#include "code/instructions.h"
#include "code/predicate.h"

#define HELPER_XDP_GET_BUFF_LEN 188
#define LENGTH_OFFSET		(-88) /* behind what emit_classic keeps on the stack */

static bool asks_length(const struct classic_program *program)
{
	for (uint32_t i = 0; i < program->count; i++)
		if (BPF_CLASS(program->instructions[i].code) == BPF_LD && BPF_MODE(program->instructions[i].code) == BPF_LEN)
			return true;
	return false;
}

/* r1 = ctx, r2 = a flow of which the length alone is there, and only where it is asked for. */
static void emit_arguments(struct draft *draft, const struct filter_request *request)
{
	draft_emit(draft, move_register(BPF_REG_6, BPF_REG_1));
	if (asks_length(request->program)) {
		if (request->xdp)
			draft_emit(draft, call_helper(HELPER_XDP_GET_BUFF_LEN));
		else
			draft_emit(draft, load(BPF_W, BPF_REG_0, BPF_REG_1, offsetof(struct __sk_buff, len)));
		draft_emit(draft, store(BPF_W, BPF_REG_10, LENGTH_OFFSET, BPF_REG_0));
	}
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_10));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_2, LENGTH_OFFSET - (int32_t)offsetof(struct weir_flow, length)));
	draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6));
}

const struct bpf_insn *code_filter(struct arena *arena, const struct filter_request *request, uint32_t *ret_count)
{
	struct draft draft = { .arena = arena };
	const struct predicate_exits exits = { draft_label(&draft), draft_label(&draft) };
	struct code_options options = { 0 };
	struct code code = { 0 };

	emit_arguments(&draft, request);
	emit_classic(&draft,
		     &(struct classic_request){ .hook = request->xdp ? WEIR_HOOK_XDP_INGRESS : WEIR_HOOK_COUNT,
						.program = request->program,
						.socket = !request->xdp },
		     &exits);
	if (!draft_is_asked(&draft, exits.yes))
		return NULL;
	if (draft_is_asked(&draft, exits.no)) {
		draft_place(&draft, exits.no);
		draft_emit(&draft, move_constant(BPF_REG_0, request->otherwise));
		draft_exit(&draft);
	}
	draft_place(&draft, exits.yes);
	draft_emit(&draft, move_register(BPF_REG_1, BPF_REG_6));
	if (!draft_finish(&draft, arena, &options, &code))
		return NULL;
	*ret_count = code.instruction_count;
	return code.instructions;
}
