/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A chain's generated code, run in user space instruction by instruction: for going through it, and as one more judge in the
 * tests. What the template does (parsing, counting) is not part of it: the flow is handed in, a call of pass() is written down.
 * Memory is bounded as the kernel's verifier bounds it; code that reaches beyond ends with a fault.
 *
 * Sets have the elements of the policy, and asking one is one step; a random number and the CPU are 0.
 */
#ifndef WEIR_STEP_EBPF_H
#define WEIR_STEP_EBPF_H

#include "code/code.h"
#include "compile.h"

#define EBPF_FRAMES	8
#define EBPF_STACK	512 /* bytes of a function's own */
#define EBPF_UNKNOWN	0xdead0000dead0000 /* a register that a call leaves nothing in */
#define EBPF_STEP_LIMIT 1000000 /* instructions; as many as the kernel verifies */

struct ebpf_frame {
	uint64_t stack[EBPF_STACK / 8];
	uint64_t saved[4];   /* r6 to r9 of who called */
	uint32_t back;	     /* where it goes on there */
};

struct ebpf_machine {
	const struct code *code;
	const struct judged_packet *packet;
	const struct code_reference **references; /* by instruction */
	uint8_t **data;				  /* of the array maps, outcomes filled in */
	struct classic_packet classic;		  /* what is beside the packet's bytes */
	struct weir_flow flow;
	uint64_t registers[11];
	struct ebpf_frame frames[EBPF_FRAMES];
	uint32_t depth; /* of calls */
	uint32_t at;	/* the next instruction */
	uint64_t steps;
	bool ended;
	const char *fault; /* NULL: none */
	uint32_t passed_count, *passed; /* outcomes that pass() was called with; room for rule_count of them */
};

/* For a chain; in ARENA. */
struct ebpf_machine *ebpf_new(struct arena *arena, const struct code *code);
/* Stand before the first instruction of classify(), with a packet that stays until the next. */
void ebpf_begin(struct ebpf_machine *machine, const struct judged_packet *packet);
/* Do the next instruction. False: that was the last; the outcome is in r0, unless there is a fault. */
bool ebpf_step(struct ebpf_machine *machine);

/* The rule with that outcome; UINT32_MAX: none. */
uint32_t ebpf_rule_of(const struct rule_list *list, uint32_t outcome);

#endif
