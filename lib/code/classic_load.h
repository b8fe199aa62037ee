/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the two halves of the translation of classic BPF: classic.c goes through the program, classic_load.c loads.
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
 */
#ifndef WEIR_CODE_CLASSIC_LOAD_H
#define WEIR_CODE_CLASSIC_LOAD_H

#include "code/draft.h"
#include "code/predicate.h"

#define A	      BPF_REG_7
#define X	      BPF_REG_8
#define FLOW_OFFSET   (-8)
#define MEMORY_OFFSET (-80)

/* A load that goes on with a helper, which is written behind the program. */
struct detour {
	const struct sock_filter *insn;
	uint32_t begin, back; /* labels */
};

struct translation {
	struct draft *draft;
	const struct classic_request *request;
	const struct classic_program *program;
	const struct predicate_exits *exits;
	bool xdp, tc;
	bool *reached;	  /* by instruction */
	uint32_t *labels; /* by instruction, of this copy */
	uint32_t extent;  /* bytes at the packet's beginning that are known to be in the first buffer */
	VECTOR(struct detour) detours;
};

static inline int16_t memory_place(uint32_t word)
{
	return (int16_t)(MEMORY_OFFSET + 4 * (int)word);
}

/* Is it a load that is surely past the packet's end? */
bool classic_loads_nothing(const struct translation *translation, const struct sock_filter *insn);

/* How far loads at known places go, when that is near; *RET_COUNT: how many there are. */
uint32_t classic_known_extent(const struct translation *translation, uint32_t *ret_count);

/* Where the packet's first buffer begins and ends, into registers; 0: not asked. */
void emit_classic_bounds(struct translation *translation, uint8_t data, uint8_t end);

/* LD or LDX; what it leaves for later is a detour, which is emitted behind the program. */
void emit_classic_load(struct translation *translation, const struct sock_filter *insn);
void emit_classic_detour(struct translation *translation, const struct detour *detour);

#endif
