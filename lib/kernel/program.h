/* SPDX-License-Identifier: GPL-2.0-only */
/* A program as the kernel has it: its instructions after the verifier, the machine's code, and what line each came from. */
#ifndef WEIR_KERNEL_PROGRAM_H
#define WEIR_KERNEL_PROGRAM_H

#include <linux/bpf.h>
#include <stdint.h>

#include "base/arena.h"

struct program_line {
	uint32_t instruction; /* whose code begins here */
	const char *file, *text;
	uint32_t line;	  /* 0: none */
	uint32_t machine; /* where in the machine's code; LINE_NOWHERE: not known */
};
#define LINE_NOWHERE UINT32_MAX

struct program_function {
	uint32_t instruction; /* its first */
	const char *name;
	uint32_t machine_first, machine_bytes; /* of the machine's code; 0 bytes: not known */
};

/* A symbol of the kernel. */
struct program_symbol {
	uint64_t address;
	const char *name;
};

struct kernel_program {
	uint32_t id;
	const char *name;
	uint32_t instruction_count, line_count, function_count;
	const struct bpf_insn *instructions;
	const struct program_line *lines;	  /* ascending */
	const struct program_function *functions; /* ascending */
	uint32_t machine_bytes;
	const uint8_t *machine; /* NULL: the kernel does not show it, or does not compile */
	/* The functions that it calls in the kernel, as far as /proc/kallsyms tells; a call's immediate is the distance from call_base. */
	uint64_t call_base;
	uint32_t symbol_count;
	const struct program_symbol *symbols; /* by address */
};

/* Read program ID; lives in ARENA. 0 or -errno. */
int kernel_program_read(struct arena *arena, uint32_t id, struct kernel_program *ret_program);

/* The name of the function that a call's immediate stands for; NULL: not known. */
const char *kernel_program_callee(const struct kernel_program *program, int32_t immediate);

#endif
