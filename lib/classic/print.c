// SPDX-License-Identifier: GPL-2.0-only
/* An instruction in the words of bpf_asm, which reads it again. */
#include <string.h>

#include "classic/classic.h"

static const char *load_operand(struct arena *arena, const struct sock_filter *insn)
{
	enum classic_extension extension = classic_extension_of(insn);

	if (extension < CLASSIC_EXTENSION_COUNT)
		return arena_printf(arena, "#%s", classic_extension_name(extension));
	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		return arena_printf(arena, "#0x%x", insn->k);
	case BPF_LEN:
		return "#len";
	case BPF_MEM:
		return arena_printf(arena, "M[%u]", insn->k);
	case BPF_MSH:
		return arena_printf(arena, "4*([%d]&0xf)", (int32_t)insn->k);
	case BPF_IND:
		return arena_printf(arena, "[x + %d]", (int32_t)insn->k);
	default:
		return arena_printf(arena, "[%d]", (int32_t)insn->k);
	}
}

static const char *operand_of(struct arena *arena, const struct sock_filter *insn)
{
	return BPF_SRC(insn->code) == BPF_X ? "x" : arena_printf(arena, "#0x%x", insn->k);
}

static const char *print_jump(struct arena *arena, const struct sock_filter *insn, uint32_t at)
{
	static const char *const names[] = { "jmp", "jeq", "jgt", "jge", "jset" };
	const char *name = names[BPF_OP(insn->code) >> 4];

	if (BPF_OP(insn->code) == BPF_JA)
		return arena_printf(arena, "%s l%u", name, at + 1 + insn->k);
	return arena_printf(arena, "%s %s, l%u, l%u", name, operand_of(arena, insn), at + 1 + insn->jt, at + 1 + insn->jf);
}

static const char *print_calculation(struct arena *arena, const struct sock_filter *insn)
{
	static const char *const names[] = { "add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "mod", "xor" };
	const char *name = names[BPF_OP(insn->code) >> 4];

	return BPF_OP(insn->code) == BPF_NEG ? name : arena_printf(arena, "%s %s", name, operand_of(arena, insn));
}

const char *classic_print_instruction(struct arena *arena, const struct classic_program *program, uint32_t at)
{
	static const char *const loads[] = { [BPF_W >> 3] = "ld", [BPF_H >> 3] = "ldh", [BPF_B >> 3] = "ldb" };
	const struct sock_filter *insn = &program->instructions[at];

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return arena_printf(arena, "%s %s", loads[BPF_SIZE(insn->code) >> 3], load_operand(arena, insn));
	case BPF_LDX:
		return arena_printf(arena, "%s %s", BPF_MODE(insn->code) == BPF_MSH ? "ldxb" : "ldx", load_operand(arena, insn));
	case BPF_ST:
	case BPF_STX:
		return arena_printf(arena, "%s M[%u]", BPF_CLASS(insn->code) == BPF_ST ? "st" : "stx", insn->k);
	case BPF_ALU:
		return print_calculation(arena, insn);
	case BPF_JMP:
		return print_jump(arena, insn, at);
	case BPF_RET:
		return BPF_RVAL(insn->code) == BPF_A ? "ret a" : arena_printf(arena, "ret #0x%x", insn->k);
	default:
		return BPF_MISCOP(insn->code) == BPF_TAX ? "tax" : "txa";
	}
}

/* ---- As tcpdump -d prints it ---- */

static const char *listed_operand(struct arena *arena, const struct sock_filter *insn, uint32_t at)
{
	uint16_t operation = BPF_OP(insn->code);

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
		return BPF_MODE(insn->code) == BPF_LEN ? "#pktlen" : load_operand(arena, insn);
	case BPF_ST:
	case BPF_STX:
		return arena_printf(arena, "M[%u]", insn->k);
	case BPF_RET:
		return BPF_RVAL(insn->code) == BPF_A ? "" : arena_printf(arena, "#%d", (int32_t)insn->k);
	case BPF_JMP:
		return operation == BPF_JA ? arena_printf(arena, "%u", at + 1 + insn->k) : operand_of(arena, insn);
	case BPF_ALU:
		if (operation == BPF_NEG)
			return "";
		if (BPF_SRC(insn->code) == BPF_X || operation == BPF_AND || operation == BPF_OR || operation == BPF_XOR)
			return operand_of(arena, insn);
		return arena_printf(arena, "#%d", (int32_t)insn->k);
	default:
		return "";
	}
}

void classic_print_listing(const struct classic_program *program, FILE *out)
{
	struct arena *arena = arena_new();

	for (uint32_t i = 0; i < program->count; i++) {
		const struct sock_filter *insn = &program->instructions[i];
		const char *words = classic_print_instruction(arena, program, i), *operand = listed_operand(arena, insn, i);
		bool is_jump = BPF_CLASS(insn->code) == BPF_JMP && BPF_OP(insn->code) != BPF_JA;
		const char *name = BPF_CLASS(insn->code) == BPF_JMP && !is_jump ? "ja" : arena_strndup(arena, words, strcspn(words, " "));

		if (is_jump)
			fprintf(out, "(%03u) %-8s %-16s jt %u\tjf %u\n", i, name, operand, i + 1 + insn->jt, i + 1 + insn->jf);
		else if (*operand)
			fprintf(out, "(%03u) %-8s %s\n", i, name, operand);
		else
			fprintf(out, "(%03u) %s\n", i, name);
	}
	arena_free(arena);
}
