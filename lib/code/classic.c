// SPDX-License-Identifier: GPL-2.0-only
/*
 * Classic BPF to eBPF. In: a program that classic_check has passed. Out: instructions that go to one of two labels. It is
 * written apart from the interpreter in lib/classic, which must agree with it. The register map, and loads: classic_load.h.
 *
 * What cannot be reached is left out, since the kernel refuses it; jumps only go forward, so one pass finds it.
 */
#include <stddef.h>

#include "code/classic_load.h"
#include "code/instructions.h"

/* ---- What is reached ---- */

/* Nothing comes behind it: a return, or a load that is surely past the end. */
static bool is_end(const struct translation *translation, const struct sock_filter *insn)
{
	return BPF_CLASS(insn->code) == BPF_RET || classic_loads_nothing(translation, insn);
}

static void mark_reached(struct translation *translation)
{
	const struct sock_filter *insns = translation->program->instructions;

	translation->reached[0] = true;
	for (uint32_t i = 0; i < translation->program->count; i++) {
		if (!translation->reached[i] || is_end(translation, &insns[i]))
			continue;
		if (BPF_CLASS(insns[i].code) != BPF_JMP) {
			translation->reached[i + 1] = true;
		} else if (BPF_OP(insns[i].code) == BPF_JA) {
			translation->reached[i + 1 + insns[i].k] = true;
		} else {
			translation->reached[i + 1 + insns[i].jt] = true;
			translation->reached[i + 1 + insns[i].jf] = true;
		}
	}
}

/* ---- All but loads ---- */

static struct bpf_insn calculate_32(const struct sock_filter *insn)
{
	bool by_x = BPF_SRC(insn->code) == BPF_X;

	return instruction(BPF_ALU | BPF_OP(insn->code) | BPF_SRC(insn->code), A, by_x ? X : 0, 0, by_x ? 0 : (int32_t)insn->k);
}

static void emit_shift(struct translation *translation, const struct sock_filter *insn)
{
	struct draft *draft = translation->draft;
	uint32_t fits = draft_label(draft), done = draft_label(draft);

	if (BPF_SRC(insn->code) == BPF_K) {
		draft_emit(draft, insn->k < 32 ? calculate_32(insn) : move_constant(A, 0));
		return;
	}
	draft_branch(draft, branch_constant_32(BPF_JLT, X, 32), fits);
	draft_emit(draft, move_constant(A, 0));
	draft_jump(draft, done);
	draft_place(draft, fits);
	draft_emit(draft, calculate_32(insn));
	draft_place(draft, done);
}

static void emit_calculation(struct translation *translation, const struct sock_filter *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_LSH:
	case BPF_RSH:
		emit_shift(translation, insn);
		return;
	case BPF_NEG:
		draft_emit(translation->draft, instruction(BPF_ALU | BPF_NEG, A, 0, 0, 0));
		return;
	case BPF_DIV:
	case BPF_MOD:
		if (BPF_SRC(insn->code) == BPF_X)
			draft_branch(translation->draft, branch_constant_32(BPF_JEQ, X, 0), translation->exits->no);
	}
	draft_emit(translation->draft, calculate_32(insn));
}

static struct bpf_insn compare_32(uint8_t operation, const struct sock_filter *insn)
{
	bool by_x = BPF_SRC(insn->code) == BPF_X;

	return instruction(BPF_JMP32 | operation | BPF_SRC(insn->code), A, by_x ? X : 0, 0, by_x ? 0 : (int32_t)insn->k);
}

/* The jump that is not taken falls through where it can: a jump to what is written next is taken back by draft_place. */
static void emit_jump(struct translation *translation, uint32_t at)
{
	static const uint8_t opposite[16] = { [BPF_JEQ >> 4] = BPF_JNE, [BPF_JGT >> 4] = BPF_JLE, [BPF_JGE >> 4] = BPF_JLT };
	const struct sock_filter *insn = &translation->program->instructions[at];
	const uint32_t *behind = &translation->labels[at + 1];
	uint8_t operation = BPF_OP(insn->code);
	struct draft *draft = translation->draft;

	if (operation == BPF_JA) {
		draft_jump(draft, behind[insn->k]);
	} else if (insn->jt == insn->jf) {
		draft_jump(draft, behind[insn->jt]);
	} else if (insn->jt == 0 && opposite[operation >> 4]) {
		draft_branch(draft, compare_32(opposite[operation >> 4], insn), behind[insn->jf]);
		draft_jump(draft, behind[0]);
	} else {
		draft_branch(draft, compare_32(operation, insn), behind[insn->jt]);
		draft_jump(draft, behind[insn->jf]);
	}
}

/* A return of a constant is not written: who comes to it goes to the exit. */
static bool is_constant_return(const struct sock_filter *insn)
{
	return insn->code == (BPF_RET | BPF_K);
}

static void emit_return(struct translation *translation)
{
	draft_branch(translation->draft, branch_constant_32(BPF_JEQ, A, 0), translation->exits->no);
	draft_jump(translation->draft, translation->exits->yes);
}

static void emit_instruction(struct translation *translation, uint32_t at)
{
	const struct sock_filter *insn = &translation->program->instructions[at];

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
		emit_classic_load(translation, insn);
		break;
	case BPF_ST:
	case BPF_STX:
		draft_emit(translation->draft,
			   store(BPF_W, BPF_REG_10, memory_place(insn->k), BPF_CLASS(insn->code) == BPF_ST ? A : X));
		break;
	case BPF_ALU:
		emit_calculation(translation, insn);
		break;
	case BPF_JMP:
		emit_jump(translation, at);
		return;
	case BPF_RET:
		emit_return(translation);
		return;
	default:
		draft_emit(translation->draft,
			   BPF_MISCOP(insn->code) == BPF_TAX ? move_register_32(X, A) : move_register_32(A, X));
	}
	if (!is_end(translation, insn))
		draft_jump(translation->draft, translation->labels[at + 1]);
}

/* The program once, with the first EXTENT bytes known to be there. */
static void emit_copy(struct translation *translation, uint32_t extent)
{
	translation->extent = extent;
	translation->detours.count = 0;
	for (uint32_t i = 0; i < translation->program->count; i++) {
		const struct sock_filter *insn = &translation->program->instructions[i];

		if (is_constant_return(insn))
			translation->labels[i] = insn->k ? translation->exits->yes : translation->exits->no;
		else
			translation->labels[i] = draft_label(translation->draft);
	}
	draft_jump(translation->draft, translation->labels[0]);
	for (uint32_t i = 0; i < translation->program->count; i++) {
		if (!translation->reached[i] || is_constant_return(&translation->program->instructions[i]))
			continue;
		draft_place(translation->draft, translation->labels[i]);
		emit_instruction(translation, i);
	}
	for (size_t i = 0; i < translation->detours.count; i++)
		emit_classic_detour(translation, &translation->detours.items[i]);
}

/* A, X and those words of memory that are looked at. */
static void emit_beginning(struct translation *translation)
{
	const struct sock_filter *insns = translation->program->instructions;
	struct draft *draft = translation->draft;
	uint32_t read = 0;

	for (uint32_t i = 0; i < translation->program->count; i++)
		if (translation->reached[i] && BPF_CLASS(insns[i].code) <= BPF_LDX && BPF_MODE(insns[i].code) == BPF_MEM)
			read |= 1u << insns[i].k;
	draft_emit(draft, move_register(BPF_REG_6, BPF_REG_1));
	draft_emit(draft, store(BPF_DW, BPF_REG_10, FLOW_OFFSET, BPF_REG_2));
	draft_emit(draft, move_constant(A, 0));
	draft_emit(draft, move_constant(X, 0));
	for (uint32_t word = 0; word < BPF_MEMWORDS; word++)
		if (read & 1u << word)
			draft_emit(draft, store_constant(BPF_W, BPF_REG_10, memory_place(word), 0));
	if (!translation->request->socket)
		emit_classic_bounds(translation, BPF_REG_9, 0);
}

/* A program for packets from the IP header on needs packets that have one. */
static void emit_network_check(struct translation *translation)
{
	if (!translation->request->behind_link)
		return;
	draft_emit(translation->draft, load(BPF_B, BPF_REG_3, BPF_REG_2, offsetof(struct weir_flow, network)));
	draft_branch(translation->draft, branch_constant_32(BPF_JLT, BPF_REG_3, WEIR_NETWORK_IPV4), translation->exits->no);
}

void emit_classic(struct draft *draft, const struct classic_request *request, const struct predicate_exits *exits)
{
	struct translation translation = {
		.draft = draft,
		.request = request,
		.xdp = request->hook == WEIR_HOOK_XDP_INGRESS,
		.tc = hook_is_tc(request->hook),
		.program = request->program,
		.exits = exits,
		.reached = arena_new_array(draft->arena, bool, request->program->count),
		.labels = arena_new_array(draft->arena, uint32_t, request->program->count),
	};
	uint32_t careful = draft_label(draft), count, extent;

	mark_reached(&translation);
	extent = classic_known_extent(&translation, &count);
	emit_network_check(&translation);
	emit_beginning(&translation);
	if (count > 1 && !request->tagged && !request->socket) {
		emit_classic_bounds(&translation, 0, BPF_REG_3);
		draft_emit(draft, move_register(BPF_REG_2, BPF_REG_9));
		draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_2, (int32_t)extent));
		draft_branch(draft, branch_register(BPF_JGT, BPF_REG_2, BPF_REG_3), careful);
		emit_copy(&translation, extent);
		draft_place(draft, careful);
	}
	emit_copy(&translation, 0);
}
