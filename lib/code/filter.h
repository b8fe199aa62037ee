/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A condition in classic BPF as the beginning of a program in eBPF: what does not meet it leaves with an answer, what meets it
 * goes on with the program, which finds ctx in r1 as if nothing had been before.
 */
#ifndef WEIR_CODE_FILTER_H
#define WEIR_CODE_FILTER_H

#include "classic/classic.h"
#include "code/code.h"

struct filter_request {
	const struct classic_program *program; /* checked */
	bool xdp;			       /* else a socket filter, which may not read a packet where it lies */
	uint32_t otherwise;		       /* the answer for what does not meet it */
};

/* NULL: nothing meets it, or it is too long. */
const struct bpf_insn *code_filter(struct arena *arena, const struct filter_request *request, uint32_t *ret_count);

#endif
