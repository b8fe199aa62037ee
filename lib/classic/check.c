// SPDX-License-Identifier: GPL-2.0-only
/* What a program must be so that it can be run: every instruction known, every jump forward and inside, a return at the end. */
#include <string.h>

#include "classic/classic.h"

/* A load by a constant from where the extensions are, of which there is none at that offset. */
static bool unknown_extension(const struct sock_filter *insn)
{
	return BPF_CLASS(insn->code) == BPF_LD && BPF_MODE(insn->code) == BPF_ABS && insn->k >= (uint32_t)SKF_AD_OFF &&
	       classic_extension_of(insn) == CLASSIC_NO_EXTENSION;
}

static const char *check_load(const struct sock_filter *insn)
{
	uint16_t mode = BPF_MODE(insn->code), size = BPF_SIZE(insn->code);

	if (unknown_extension(insn))
		return "Linux has no extension of that number";

	if (insn->code & ~(7 | 0x18 | 0xe0))
		return "no such instruction";
	if (mode == BPF_IMM || mode == BPF_LEN || mode == BPF_MEM)
		return size != BPF_W ? "no such instruction"
		       : mode == BPF_MEM && insn->k >= BPF_MEMWORDS ? "there are 16 words of memory, 0 to 15" : NULL;
	if (BPF_CLASS(insn->code) == BPF_LDX)
		return mode == BPF_MSH && size == BPF_B ? NULL : "no such instruction";
	return (mode == BPF_ABS || mode == BPF_IND) && size <= BPF_B ? NULL : "no such instruction";
}

static const char *check_calculation(const struct sock_filter *insn)
{
	uint16_t operation = BPF_OP(insn->code);

	if (insn->code & ~(7 | 8 | 0xf0) || operation > BPF_XOR)
		return "no such instruction";
	if (operation == BPF_NEG && BPF_SRC(insn->code) != BPF_K)
		return "no such instruction";
	if ((operation == BPF_DIV || operation == BPF_MOD) && BPF_SRC(insn->code) == BPF_K && !insn->k)
		return "a division by zero";
	return NULL;
}

static const char *check_jump(const struct classic_program *program, uint32_t at)
{
	const struct sock_filter *insn = &program->instructions[at];
	uint32_t behind = program->count - at - 1;

	if (insn->code == (BPF_JMP | BPF_JA))
		return insn->k < behind ? NULL : "a jump out of the program";
	if (insn->code & ~(7 | 8 | 0xf0) || BPF_OP(insn->code) > BPF_JSET || BPF_OP(insn->code) == BPF_JA)
		return "no such instruction";
	return insn->jt < behind && insn->jf < behind ? NULL : "a jump out of the program";
}

static const char *check_instruction(const struct classic_program *program, uint32_t at)
{
	const struct sock_filter *insn = &program->instructions[at];

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
		return check_load(insn);
	case BPF_ST:
	case BPF_STX:
		if (insn->code != BPF_ST && insn->code != BPF_STX)
			return "no such instruction";
		return insn->k < BPF_MEMWORDS ? NULL : "there are 16 words of memory, 0 to 15";
	case BPF_ALU:
		return check_calculation(insn);
	case BPF_JMP:
		return check_jump(program, at);
	case BPF_RET:
		return insn->code == (BPF_RET | BPF_K) || insn->code == (BPF_RET | BPF_A) ? NULL : "no such instruction";
	default:
		return insn->code == (BPF_MISC | BPF_TAX) || insn->code == (BPF_MISC | BPF_TXA) ? NULL : "no such instruction";
	}
}

const char *classic_check(const struct classic_program *program, uint32_t *ret_at)
{
	*ret_at = 0;
	if (!program->count)
		return "a program without instructions";
	if (program->count > CLASSIC_LIMIT)
		return "more than 4096 instructions";
	for (uint32_t i = 0; i < program->count; i++) {
		const char *wrong = check_instruction(program, i);

		*ret_at = i;
		if (wrong)
			return wrong;
	}
	return BPF_CLASS(program->instructions[program->count - 1].code) == BPF_RET ? NULL : "the last instruction is no return";
}

bool classic_equal(const struct classic_program *a, const struct classic_program *b)
{
	if (!a || !b)
		return a == b;
	return a->count == b->count && memcmp(a->instructions, b->instructions, a->count * sizeof(*a->instructions)) == 0;
}

bool classic_link_by_name(const char *name, enum classic_link *ret_link)
{
	for (int link = 0; link < CLASSIC_LINKS; link++)
		if (strcmp(name, classic_link_name((enum classic_link)link)) == 0) {
			*ret_link = (enum classic_link)link;
			return true;
		}
	return false;
}

const char *classic_link_name(enum classic_link link)
{
	return link == CLASSIC_ETHERNET ? "EN10MB" : "RAW";
}
