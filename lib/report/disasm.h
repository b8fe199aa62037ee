/* SPDX-License-Identifier: GPL-2.0-only */
/* A program of the kernel's as text and JSON: instructions in the kernel's own words, the lines they came from beside them. */
#ifndef WEIR_REPORT_DISASM_H
#define WEIR_REPORT_DISASM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "kernel/program.h"

/* One instruction, as `bpftool prog dump xlated` has it: "(79) r1 = *(u64 *)(r1 +0)". */
const char *disasm_instruction(struct arena *arena, const struct kernel_program *program, uint32_t at);

struct disasm_style {
	bool opcodes; /* the bytes of each instruction, too */
	bool machine; /* the machine's code in place of instructions */
};

void disasm_print(const struct kernel_program *program, const struct disasm_style *style, FILE *out);
/* The caller's reference; NULL only without memory. */
json_t *disasm_json(const struct kernel_program *program, bool machine);

#endif
