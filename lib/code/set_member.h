/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_CODE_SET_MEMBER_H
#define WEIR_CODE_SET_MEMBER_H

#include "code/draft.h"

/*
 * Write a look-up in the set of DIMENSION, for the flow in r7, to one of the labels; all other registers, and the first
 * FOUND_STACK bytes of the stack, are lost.
 */
void emit_set_look_up(struct draft *draft, const struct rule_list *list, uint32_t dimension, uint32_t member, uint32_t none);
/* Write the function set_member(flow) for a dimension that is a set, or with COUNTS the one that counts, called as set_count(). */
void emit_set_member(struct draft *draft, const struct rule_list *list, uint32_t dimension, bool counts);

/* Behind all other functions: those that count at elements, if some rule that is REACHED matches by such a set (set_count.c). */
void emit_set_count(struct draft *draft, const struct rule_list *list, const bool *reached);

/* Where a field lies in struct weir_flow, and in how many bytes. */
struct field_place {
	int16_t offset;
	uint8_t bytes;
};
struct field_place field_place(enum weir_field field);
/* The size of a load of so many bytes: BPF_B, BPF_H, BPF_W or BPF_DW. */
uint8_t load_size(uint8_t bytes);

#endif
