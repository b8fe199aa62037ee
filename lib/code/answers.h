/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What predicates answered of a packet. One that several trees ask is gone through once a packet: its answer stays in a byte of
 * classify's stack, where the next tree finds it. Trees that are data have a function, and a stack, of their own, and ask themselves.
 *
 * The bytes lie where no 64 bits begin: there the verifier keeps no note of what is in them, and so does not look at the rest
 * of the program once for each combination of answers. They begin below what comes and goes between two of them.
 */
#ifndef WEIR_CODE_ANSWERS_H
#define WEIR_CODE_ANSWERS_H

#include "code/draft.h"

/* Bytes at the end of classify's stack that emit_found.c, find_table.c and look-ups in sets (set_member.c) use. */
#define FOUND_STACK 24

struct answers {
	uint32_t count;
	uint8_t *numbers; /* by dimension, from 1; 0: asked by one tree at most, or there was no more room */
};

struct answers answers_new(struct arena *arena, const struct tree *tree);
/* Bytes of the stack down to the last answer, a multiple of 8. */
uint32_t answers_stack(const struct answers *answers);
/* None is known yet. */
void answers_begin(const struct answers *answers, struct draft *draft);
/* r0 = the answer of DIMENSION, by the function of that number where it is not known; r6 is ctx, r7 the flow. */
void answers_ask(const struct answers *answers, struct draft *draft, const struct tree *tree, uint32_t dimension, uint32_t function);

#endif
