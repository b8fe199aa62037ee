/* SPDX-License-Identifier: GPL-2.0-only */
/* Instructions of eBPF by name. */
#ifndef WEIR_CODE_INSTRUCTIONS_H
#define WEIR_CODE_INSTRUCTIONS_H

#include <linux/bpf.h>
#include <stdint.h>

#define HELPER_MAP_LOOKUP_ELEM	   1
#define HELPER_KTIME_GET_COARSE_NS 160
#define HELPER_PRANDOM		   7
#define HELPER_PROCESSOR	   8
#define HELPER_SKB_LOAD_BYTES	   26
#define HELPER_XDP_LOAD_BYTES	   189

static inline struct bpf_insn instruction(uint8_t code, uint8_t destination, uint8_t source, int16_t offset, int32_t immediate)
{
	return (struct bpf_insn){
		.code = code, .dst_reg = destination & 15, .src_reg = source & 15, .off = offset, .imm = immediate
	};
}

static inline struct bpf_insn move_constant(uint8_t destination, uint32_t value)
{
	return instruction(BPF_ALU | BPF_MOV | BPF_K, destination, 0, 0, (int32_t)value);
}

static inline struct bpf_insn move_register(uint8_t destination, uint8_t source)
{
	return instruction(BPF_ALU64 | BPF_MOV | BPF_X, destination, source, 0, 0);
}

/* The lower 32 bits; the upper ones become 0. */
static inline struct bpf_insn move_register_32(uint8_t destination, uint8_t source)
{
	return instruction(BPF_ALU | BPF_MOV | BPF_X, destination, source, 0, 0);
}

/* 64 bits; OPERATION such as BPF_ADD; VALUE is sign-extended. */
static inline struct bpf_insn calculate_constant(uint8_t operation, uint8_t destination, int32_t value)
{
	return instruction(BPF_ALU64 | operation | BPF_K, destination, 0, 0, value);
}

static inline struct bpf_insn calculate_register(uint8_t operation, uint8_t destination, uint8_t source)
{
	return instruction(BPF_ALU64 | operation | BPF_X, destination, source, 0, 0);
}

/* SIZE such as BPF_W. */
static inline struct bpf_insn load(uint8_t size, uint8_t destination, uint8_t source, int16_t offset)
{
	return instruction(BPF_LDX | BPF_MEM | size, destination, source, offset, 0);
}

static inline struct bpf_insn store(uint8_t size, uint8_t destination, int16_t offset, uint8_t source)
{
	return instruction(BPF_STX | BPF_MEM | size, destination, source, offset, 0);
}

static inline struct bpf_insn store_constant(uint8_t size, uint8_t destination, int16_t offset, int32_t value)
{
	return instruction(BPF_ST | BPF_MEM | size, destination, 0, offset, value);
}

static inline struct bpf_insn to_network_order(uint8_t destination, int32_t bits)
{
	return instruction(BPF_ALU | BPF_END | BPF_TO_BE, destination, 0, 0, bits);
}

static inline struct bpf_insn call_helper(int32_t helper)
{
	return instruction(BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static inline struct bpf_insn call_function(void)
{
	return instruction(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, -1);
}

/* Compare all 64 bits of a register with a sign-extended constant; OPERATION such as BPF_JEQ. */
static inline struct bpf_insn branch_constant(uint8_t operation, uint8_t destination, int32_t value)
{
	return instruction(BPF_JMP | operation | BPF_K, destination, 0, 0, value);
}

static inline struct bpf_insn branch_register(uint8_t operation, uint8_t destination, uint8_t source)
{
	return instruction(BPF_JMP | operation | BPF_X, destination, source, 0, 0);
}

/* Compare the lower 32 bits, unsigned for BPF_JLT and its like. */
static inline struct bpf_insn branch_constant_32(uint8_t operation, uint8_t destination, uint32_t value)
{
	return instruction(BPF_JMP32 | operation | BPF_K, destination, 0, 0, (int32_t)value);
}

/* The same of two registers. */
static inline struct bpf_insn branch_register_32(uint8_t operation, uint8_t destination, uint8_t source)
{
	return instruction(BPF_JMP32 | operation | BPF_X, destination, source, 0, 0);
}

/* Add 64 bits, whoever else does so at the same time. */
static inline struct bpf_insn add_atomically(uint8_t address, int16_t offset, uint8_t source)
{
	return instruction(BPF_STX | BPF_ATOMIC | BPF_DW, address, source, offset, BPF_ADD);
}

/* The lower 32 bits, the upper ones become zero. */
static inline struct bpf_insn calculate_constant_32(uint8_t operation, uint8_t destination, uint32_t value)
{
	return instruction(BPF_ALU | operation | BPF_K, destination, 0, 0, (int32_t)value);
}

#endif
