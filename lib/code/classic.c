// SPDX-License-Identifier: GPL-2.0-only
/*
 * Classic BPF to eBPF. In: a program that classic_check has passed. Out: instructions that go to one of two labels. It is
 * written apart from the interpreter in lib/classic, which must agree with it.
 *
 *	r0-r5	scratch; arguments and answers of helpers
 *	r6	ctx
 *	r7	A	both zero-extended: everything that sets them is of 32 bits
 *	r8	X
 *	r9	where the packet's first buffer begins
 *	fp-8	flow
 *	fp-16	what a helper loaded
 *	fp-80	16 words of memory
 *
 * A load looks into the first buffer, and where that ends asks a helper, which finds what lies in others; what is past the
 * packet's end is no match. Most programs load at a few places that are known beforehand. If the first buffer reaches as far as
 * the furthest of them, a copy of the program runs that does not ask at each of these; else one that does.
 *
 * What cannot be reached is left out, since the kernel refuses it; jumps only go forward, so one pass finds it.
 */
#include <stddef.h>

#include "code/instructions.h"
#include "code/predicate.h"

#define A	       BPF_REG_7
#define X	       BPF_REG_8
#define FLOW_OFFSET    (-8)
#define LOADED_OFFSET  (-16)
#define MEMORY_OFFSET  (-80)
#define DIRECT_REACH   0x7000 /* of a load from the first buffer: offsets of an instruction have 16 bits, packet pointers too */

/* A load that goes on with a helper, which is written behind the program. */
struct detour {
	const struct sock_filter *insn;
	uint32_t begin, back; /* labels */
};

struct translation {
	struct draft *draft;
	bool xdp;
	bool in_place; /* the packet may be read where it lies */
	const struct classic_program *program;
	const struct predicate_exits *exits;
	bool *reached;	  /* by instruction */
	uint32_t *labels; /* by instruction, of this copy */
	uint32_t extent;  /* bytes at the packet's beginning that are known to be in the first buffer */
	VECTOR(struct detour) detours;
};

static unsigned load_bytes(const struct sock_filter *insn)
{
	return BPF_SIZE(insn->code) == BPF_W ? 4 : BPF_SIZE(insn->code) == BPF_H ? 2 : 1;
}

static bool is_packet_load(const struct sock_filter *insn)
{
	uint16_t mode = BPF_MODE(insn->code);

	return (BPF_CLASS(insn->code) == BPF_LD && (mode == BPF_ABS || mode == BPF_IND)) ||
	       (BPF_CLASS(insn->code) == BPF_LDX && mode == BPF_MSH);
}

static bool is_indirect(const struct sock_filter *insn)
{
	return BPF_CLASS(insn->code) == BPF_LD && BPF_MODE(insn->code) == BPF_IND;
}

/* ---- What is reached, and how far into the packet ---- */

static void mark_reached(struct translation *translation)
{
	const struct sock_filter *insns = translation->program->instructions;

	translation->reached[0] = true;
	for (uint32_t i = 0; i < translation->program->count; i++) {
		if (!translation->reached[i] || BPF_CLASS(insns[i].code) == BPF_RET)
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

/* How far loads at known places go, when that is near; *RET_COUNT: how many there are. */
static uint32_t known_extent(const struct translation *translation, uint32_t *ret_count)
{
	uint32_t extent = 0;

	*ret_count = 0;
	for (uint32_t i = 0; i < translation->program->count; i++) {
		const struct sock_filter *insn = &translation->program->instructions[i];

		if (!translation->reached[i] || !is_packet_load(insn) || is_indirect(insn) || insn->k >= DIRECT_REACH)
			continue;
		++*ret_count;
		if (insn->k + load_bytes(insn) > extent)
			extent = insn->k + load_bytes(insn);
	}
	return extent;
}

/* ---- Loads ---- */

static void emit_packet_bounds(struct translation *translation, uint8_t data, uint8_t end)
{
	int16_t data_at = translation->xdp ? offsetof(struct xdp_md, data) : offsetof(struct __sk_buff, data);
	int16_t end_at = translation->xdp ? offsetof(struct xdp_md, data_end) : offsetof(struct __sk_buff, data_end);

	if (data)
		draft_emit(translation->draft, load(BPF_W, data, BPF_REG_6, data_at));
	if (end)
		draft_emit(translation->draft, load(BPF_W, end, BPF_REG_6, end_at));
}

/* What was loaded, from the packet's order to the machine's; of MSH the length that it means. */
static void emit_loaded(struct translation *translation, const struct sock_filter *insn)
{
	bool msh = BPF_CLASS(insn->code) == BPF_LDX;

	if (load_bytes(insn) > 1) /* never of MSH */
		draft_emit(translation->draft, to_network_order(A, load_bytes(insn) * 8));
	if (msh) {
		draft_emit(translation->draft, instruction(BPF_ALU | BPF_AND | BPF_K, X, 0, 0, 15));
		draft_emit(translation->draft, instruction(BPF_ALU | BPF_LSH | BPF_K, X, 0, 0, 2));
	}
}

static uint8_t ebpf_size(const struct sock_filter *insn)
{
	return BPF_SIZE(insn->code); /* W, H and B are the same numbers */
}

static uint8_t load_target(const struct sock_filter *insn)
{
	return BPF_CLASS(insn->code) == BPF_LDX ? X : A;
}

/* r1 = the offset, all 64 bits of it: X + k does not wrap around. */
static void emit_offset(struct translation *translation, const struct sock_filter *insn)
{
	draft_emit(translation->draft, move_constant(BPF_REG_1, insn->k));
	if (is_indirect(insn))
		draft_emit(translation->draft, calculate_register(BPF_ADD, BPF_REG_1, X));
}

static void emit_packet_load(struct translation *translation, const struct sock_filter *insn)
{
	struct draft *draft = translation->draft;
	struct detour detour = { insn, draft_label(draft), draft_label(draft) };
	int32_t bytes = (int32_t)load_bytes(insn);

	if (!is_indirect(insn) && (uint64_t)insn->k + (uint32_t)bytes <= translation->extent) {
		draft_emit(draft, load(ebpf_size(insn), load_target(insn), BPF_REG_9, (int16_t)insn->k));
		emit_loaded(translation, insn);
		return;
	}
	vector_push(draft->arena, &translation->detours, detour);
	if (!translation->in_place || insn->k >= DIRECT_REACH) {
		draft_jump(draft, detour.begin);
	} else {
		emit_packet_bounds(translation, 0, BPF_REG_3);
		draft_emit(draft, move_register(BPF_REG_2, BPF_REG_9));
		if (is_indirect(insn)) {
			emit_offset(translation, insn);
			draft_branch(draft, branch_constant(BPF_JGT, BPF_REG_1, DIRECT_REACH), detour.begin);
			draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_2, BPF_REG_1));
		} else {
			draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_2, (int32_t)insn->k));
		}
		draft_emit(draft, move_register(BPF_REG_4, BPF_REG_2));
		draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_4, bytes));
		draft_branch(draft, branch_register(BPF_JGT, BPF_REG_4, BPF_REG_3), detour.begin);
		draft_emit(draft, load(ebpf_size(insn), load_target(insn), BPF_REG_2, 0));
	}
	draft_place(draft, detour.back);
	emit_loaded(translation, insn);
}

/* The helper takes 32 bits of the offset; what has more lies past any packet's end. */
static void emit_detour(struct translation *translation, const struct detour *detour)
{
	struct draft *draft = translation->draft;
	const struct sock_filter *insn = detour->insn;

	draft_place(draft, detour->begin);
	emit_offset(translation, insn);
	draft_branch(draft, branch_constant(BPF_JGT, BPF_REG_1, INT32_MAX), translation->exits->no);
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_1));
	draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6));
	draft_emit(draft, move_register(BPF_REG_3, BPF_REG_10));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_3, LOADED_OFFSET));
	draft_emit(draft, move_constant(BPF_REG_4, load_bytes(insn)));
	draft_emit(draft, call_helper(translation->xdp ? HELPER_XDP_LOAD_BYTES : HELPER_SKB_LOAD_BYTES));
	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_0, 0), translation->exits->no);
	draft_emit(draft, load(ebpf_size(insn), load_target(insn), BPF_REG_10, LOADED_OFFSET));
	draft_jump(draft, detour->back);
}

static int16_t memory_place(uint32_t word)
{
	return (int16_t)(MEMORY_OFFSET + 4 * (int)word);
}

static void emit_load(struct translation *translation, const struct sock_filter *insn)
{
	struct draft *draft = translation->draft;
	uint8_t to = load_target(insn);

	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		draft_emit(draft, move_constant(to, insn->k));
		break;
	case BPF_LEN:
		draft_emit(draft, load(BPF_DW, BPF_REG_1, BPF_REG_10, FLOW_OFFSET));
		draft_emit(draft, load(BPF_W, to, BPF_REG_1, offsetof(struct weir_flow, length)));
		break;
	case BPF_MEM:
		draft_emit(draft, load(BPF_W, to, BPF_REG_10, memory_place(insn->k)));
		break;
	default:
		emit_packet_load(translation, insn);
	}
}

/* ---- The rest ---- */

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
		emit_load(translation, insn);
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
		draft_emit(translation->draft, BPF_MISCOP(insn->code) == BPF_TAX ? move_register_32(X, A) : move_register_32(A, X));
	}
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
		emit_detour(translation, &translation->detours.items[i]);
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
	if (translation->in_place)
		emit_packet_bounds(translation, BPF_REG_9, 0);
}

void emit_classic(struct draft *draft, enum weir_hook hook, const struct classic_program *program,
		  const struct predicate_exits *exits)
{
	struct translation translation = {
		.draft = draft,
		.xdp = hook == WEIR_HOOK_XDP_INGRESS,
		.in_place = hook != WEIR_HOOK_COUNT,
		.program = program,
		.exits = exits,
		.reached = arena_new_array(draft->arena, bool, program->count),
		.labels = arena_new_array(draft->arena, uint32_t, program->count),
	};
	uint32_t careful = draft_label(draft), count, extent;

	mark_reached(&translation);
	extent = known_extent(&translation, &count);
	emit_beginning(&translation);
	if (translation.in_place && count > 1) {
		emit_packet_bounds(&translation, 0, BPF_REG_3);
		draft_emit(draft, move_register(BPF_REG_2, BPF_REG_9));
		draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_2, (int32_t)extent));
		draft_branch(draft, branch_register(BPF_JGT, BPF_REG_2, BPF_REG_3), careful);
		emit_copy(&translation, extent);
		draft_place(draft, careful);
	}
	emit_copy(&translation, 0);
}
