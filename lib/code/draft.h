/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions while they are written: jumps name labels, and no jump knows yet how far it goes. draft_finish lays them out for
 * good. A jump of eBPF reaches 32,767 instructions; one that goes further is led over islands, jumps that
 * stand where nothing falls through.
 */
#ifndef WEIR_CODE_DRAFT_H
#define WEIR_CODE_DRAFT_H

#include <linux/bpf.h>

#include "code/code.h"

#define DRAFT_UNPLACED UINT32_MAX

struct draft_jump {
	uint32_t instruction, label;
};

struct draft_look_up {
	uint32_t instruction, dimension, member, none; /* member, none: labels */
};

struct draft {
	struct arena *arena;
	VECTOR(struct bpf_insn) instructions;
	VECTOR(uint32_t) labels;	 /* where they are placed, or DRAFT_UNPLACED */
	VECTOR(struct draft_jump) jumps; /* by ascending instruction */
	VECTOR(struct code_function) functions;
	VECTOR(struct code_reference) references;
	VECTOR(struct code_line) lines;
	VECTOR(struct draft_look_up) look_ups;
	VECTOR(struct code_data) data;
};

uint32_t draft_label(struct draft *draft);
/* Here it is. A jump to it that stands right before is taken back. */
void draft_place(struct draft *draft, uint32_t label);
/* Does some jump so far lead to it? */
bool draft_is_asked(const struct draft *draft, uint32_t label);
void draft_emit(struct draft *draft, struct bpf_insn instruction);
/* A conditional jump (its offset is filled in later). */
void draft_branch(struct draft *draft, struct bpf_insn instruction, uint32_t label);
void draft_jump(struct draft *draft, uint32_t label);
void draft_exit(struct draft *draft);
/* Two slots: a constant of 64 bits, or with SOURCE a pseudo register what stands for one. */
void draft_wide(struct draft *draft, uint8_t destination, uint8_t source, uint64_t value);
/* The next instruction is a reference; the next instruction belongs to a rule. */
void draft_refer(struct draft *draft, enum code_reference_kind kind, uint32_t index);
void draft_line(struct draft *draft, uint32_t rule);
/* The next instruction begins a look-up in the set of DIMENSION, which ends in a jump to one of the labels. */
void draft_look_up(struct draft *draft, uint32_t dimension, uint32_t member, uint32_t none);
/* A function begins here. ABOUT: its dimension, or the tree it finds in. */
void draft_function(struct draft *draft, enum code_function_kind kind, uint32_t about);
/* Its number. */
uint32_t draft_data(struct draft *draft, struct code_data data);

/* Lay out: into ARENA, or false when a jump cannot be led to its target. */
bool draft_finish(struct draft *draft, struct arena *arena, const struct code_options *options, struct code *ret_code);

#endif
