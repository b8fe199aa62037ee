/* SPDX-License-Identifier: GPL-2.0-only */
/* Random programs of classic BPF that are valid, and random packets that make them load, branch and divide. */
#ifndef WEIR_TESTS_RANDOM_PROGRAM_H
#define WEIR_TESTS_RANDOM_PROGRAM_H

#include <stdint.h>
#include <string.h>

#include "classic/classic.h"

#define PROGRAM_MOST 40
#define WORDS	     3 /* of memory; the first instructions set them, since libpcap's interpreter leaves noise in them */

static inline uint32_t draw(uint64_t *state, uint32_t bound)
{
	*state += 0x9e3779b97f4a7c15;
	return (uint32_t)(((*state ^ *state >> 29) * 0xbf58476d1ce4e5b9) >> 32) % bound;
}

/* Numbers that matter: small ones, ends of ranges, what stands in packets. */
static inline uint32_t draw_constant(uint64_t *state)
{
	static const uint32_t pool[] = { 0,  1,	 2,  3,	 4,  8,	 13,	 14,	 15,	    16,		31,	    32,	  33, 59,
					 60, 61, 63, 64, 65, 80, 0x0800, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };

	return draw(state, 4) ? pool[draw(state, sizeof(pool) / sizeof(*pool))] : draw(state, 0xffffffff);
}

static inline struct sock_filter draw_load(uint64_t *state, bool strict)
{
	static const uint16_t codes[] = {
		BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS,  BPF_LD | BPF_W | BPF_IND,
		BPF_LD | BPF_H | BPF_IND, BPF_LD | BPF_B | BPF_IND, BPF_LDX | BPF_B | BPF_MSH, BPF_LD | BPF_IMM,
		BPF_LD | BPF_MEM,	  BPF_LD | BPF_LEN,	    BPF_LDX | BPF_IMM,	       BPF_LDX | BPF_MEM,
		BPF_LDX | BPF_LEN,	  BPF_ST,		    BPF_STX,
	};
	struct sock_filter insn = { .code = codes[draw(state, sizeof(codes) / sizeof(*codes))] };

	if (BPF_CLASS(insn.code) >= BPF_ST || BPF_MODE(insn.code) == BPF_MEM)
		insn.k = BPF_MEMWORDS - 1 - draw(state, WORDS);
	else if (BPF_MODE(insn.code) == BPF_IMM)
		insn.k = draw_constant(state);
	else if (BPF_MODE(insn.code) != BPF_LEN)
		insn.k = draw(state, 30) ? draw(state, 62) : strict ? draw_constant(state) >> 1 : draw_constant(state);
	return insn;
}

static inline struct sock_filter draw_calculation(uint64_t *state)
{
	static const uint16_t operations[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR,  BPF_AND,
					       BPF_LSH, BPF_RSH, BPF_NEG, BPF_MOD, BPF_XOR };
	uint16_t operation = operations[draw(state, sizeof(operations) / sizeof(*operations))];
	struct sock_filter insn = { .code = BPF_ALU | operation, .k = draw_constant(state) };

	if (operation == BPF_NEG)
		insn.k = 0;
	else if (draw(state, 2))
		insn.code |= BPF_X;
	if ((operation == BPF_DIV || operation == BPF_MOD) && !insn.k)
		insn.k = 3;
	if (operation == BPF_LSH || operation == BPF_RSH)
		insn.k %= 32;
	return insn;
}

static inline struct sock_filter draw_jump(uint64_t *state, uint32_t behind)
{
	static const uint16_t operations[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	uint32_t reach = behind > 8 ? 8 : behind;

	if (!draw(state, 8))
		return (struct sock_filter){ .code = BPF_JMP | BPF_JA, .k = draw(state, reach) };
	return (struct sock_filter){ .code = BPF_JMP | operations[draw(state, 4)] | (draw(state, 3) ? BPF_K : BPF_X),
				     .jt = (uint8_t)draw(state, reach),
				     .jf = (uint8_t)draw(state, reach),
				     .k = draw_constant(state) };
}

/* STRICT: no negative offset, which is an extension of Linux. */
static inline struct classic_program draw_program(uint64_t *state, struct sock_filter instructions[PROGRAM_MOST], bool strict)
{
	uint32_t count = WORDS + 1 + draw(state, PROGRAM_MOST - WORDS);

	for (uint32_t i = 0; i < WORDS; i++)
		instructions[i] = (struct sock_filter){ .code = BPF_ST, .k = BPF_MEMWORDS - 1 - i };
	for (uint32_t i = WORDS; i + 1 < count; i++) {
		uint32_t kind = draw(state, 20);

		if (kind < 9)
			instructions[i] = draw_load(state, strict);
		else if (kind < 14)
			instructions[i] = draw_calculation(state);
		else if (kind < 17)
			instructions[i] = draw_jump(state, count - i - 1);
		else if (kind < 19)
			instructions[i] = (struct sock_filter){ .code = BPF_MISC | (draw(state, 2) ? BPF_TAX : BPF_TXA) };
		else
			instructions[i] = (struct sock_filter){ .code = BPF_LD | BPF_W | BPF_ABS, .k = draw(state, 60) };
	}
	instructions[count - 1] = (struct sock_filter){ .code = BPF_RET | (draw(state, 4) ? BPF_A : BPF_K), .k = draw(state, 3) };
	return (struct classic_program){ count, instructions };
}

/* Bytes that are often 0, small, or those of an IPv4 header. */
static inline uint32_t draw_packet(uint64_t *state, uint8_t *bytes, uint32_t most)
{
	uint32_t length = draw(state, 4) ? draw(state, most + 1) : most;

	for (uint32_t i = 0; i < length; i++)
		bytes[i] = draw(state, 3) ? (uint8_t)draw(state, 4) : (uint8_t)draw(state, 256);
	if (length > 24 && draw(state, 2)) {
		memcpy(bytes + 12, "\x08\x00\x45", 3);
		bytes[23] = 6;
	}
	return length;
}

#endif
