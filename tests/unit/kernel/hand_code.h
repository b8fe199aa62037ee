/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests: a chain whose code is written by hand, loaded and run without the stages before. Needs root. */
#ifndef WEIR_TESTS_HAND_CODE_H
#define WEIR_TESTS_HAND_CODE_H

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/load.h"
#include "../../tap.h"

#define MOV(to, value)                                                                                                           \
	{                                                                                                                        \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (value)                                             \
	}
#define MOV_REG(to, from)                                                                                                        \
	{                                                                                                                        \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from)                                          \
	}
#define ADD(to, value)                                                                                                           \
	{                                                                                                                        \
		.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (to), .imm = (value)                                             \
	}
#define ADD_REG(to, from)                                                                                                        \
	{                                                                                                                        \
		.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = (to), .src_reg = (from)                                          \
	}
#define LOAD32(to, from, offset)                                                                                                 \
	{                                                                                                                        \
		.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = (to), .src_reg = (from), .off = (offset)                           \
	}
#define STORE32(to, offset, from)                                                                                                \
	{                                                                                                                        \
		.code = BPF_STX | BPF_MEM | BPF_W, .dst_reg = (to), .src_reg = (from), .off = (offset)                           \
	}
#define IF_NULL(reg, over)                                                                                                       \
	{                                                                                                                        \
		.code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = (reg), .imm = 0, .off = (over)                                     \
	}
#define CALL_FUNCTION                                                                                                            \
	{                                                                                                                        \
		.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = -1                                                \
	}
#define CALL_HELPER(id)                                                                                                          \
	{                                                                                                                        \
		.code = BPF_JMP | BPF_CALL, .imm = (id)                                                                          \
	}
#define LOAD_MAP(to)                                                                                                             \
	{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = (to) },                                                                  \
	{                                                                                                                        \
		.code = 0                                                                                                        \
	}
#define EXIT                                                                                                                     \
	{                                                                                                                        \
		.code = BPF_JMP | BPF_EXIT                                                                                       \
	}

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Rules: 0 decides, then weir's own two. Tests change what they need. */
struct hand_chain {
	struct source source;
	struct policy_chain policy_chain;
	struct rule rules[4];
	struct rule_list list;
	struct tree tree;
	struct code code;
	struct load_request request;
};

static inline void hand_chain_init(struct hand_chain *chain, enum weir_hook hook, enum weir_verdict verdict)
{
	struct place place = { &chain->source, 14, 5, 1 };

	*chain = (struct hand_chain){ .source = { .name = "edge.weir", .text = "" } };
	chain->policy_chain = (struct policy_chain){ .name = "edge", .hook = hook, .place = { &chain->source, 1, 7, 4 } };
	chain->rules[0] =
		(struct rule){ .verdict = verdict, .slot = WEIR_SLOT_FIRST_RULE, .place = place, .text = "ip saddr @list drop" };
	chain->rules[1] = (struct rule){
		.verdict = WEIR_VERDICT_CONTINUE, .slot = WEIR_SLOT_FIRST_RULE + 1, .place = place, .text = "log"
	};
	chain->rules[1].place.line = 15;
	chain->rules[2] =
		(struct rule){ .verdict = WEIR_VERDICT_DROP, .slot = WEIR_SLOT_MALFORMED, .text = "malformed packets drop" };
	chain->rules[3] = (struct rule){ .verdict = WEIR_VERDICT_ACCEPT, .slot = WEIR_SLOT_POLICY, .text = "policy accept" };
	chain->list = (struct rule_list){ .hook = hook, .chain = &chain->policy_chain, .rule_count = 4, .rules = chain->rules };
	chain->tree = (struct tree){ .rules = &chain->list };
	chain->code = (struct code){ .tree = &chain->tree };
	chain->request = (struct load_request){
		.code = &chain->code, .chain_id = 7, .counters_fd = -1, .counter_slots = 18, .events_fd = -1, .owners_fd = -1
	};
}

/* One function, classify, of these instructions. */
static inline void hand_chain_classify(struct hand_chain *chain, const struct bpf_insn *instructions, uint32_t count)
{
	static struct code_function classify;

	classify = (struct code_function){ FUNCTION_CLASSIFY, 0, count, 0, 0 };
	chain->code.instructions = instructions;
	chain->code.instruction_count = count;
	chain->code.functions = &classify;
	chain->code.function_count = 1;
}

/* Run the program once. What it returned, or -errno. */
static inline int run_program(int fd, const void *data, size_t length)
{
	static uint8_t out[1 << 17];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = data, .data_size_in = length, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = 1);
	int error = bpf_prog_test_run_opts(fd, &options);

	return error ? -errno : (int)options.retval;
}

/* What that means at a hook. */
static inline enum weir_verdict verdict_of(enum weir_hook hook, int result)
{
	switch (hook) {
	case WEIR_HOOK_XDP_INGRESS:
		return result == XDP_PASS ? WEIR_VERDICT_ACCEPT : result == XDP_DROP ? WEIR_VERDICT_DROP : WEIR_VERDICT_CONTINUE;
	case WEIR_HOOK_TC_INGRESS:
	case WEIR_HOOK_TC_EGRESS:
		return result == -1 ? WEIR_VERDICT_ACCEPT : result == 2 ? WEIR_VERDICT_DROP : WEIR_VERDICT_CONTINUE;
	default:
		return (result & 1) == 1 ? WEIR_VERDICT_ACCEPT : WEIR_VERDICT_DROP;
	}
}

/* The sum over all CPUs. */
static inline struct weir_counter read_counter(int fd, uint32_t slot)
{
	struct weir_counter values[256], sum = {};

	memset(values, 0, sizeof(values));
	if (bpf_map_lookup_elem(fd, &slot, values))
		return sum;
	for (size_t i = 0; i < LENGTH(values); i++) {
		sum.packets += values[i].packets;
		sum.bytes += values[i].bytes;
	}
	return sum;
}

/* TCP 10.0.0.1:1234 > 10.0.0.2:80, syn, as an Ethernet frame. */
static const uint8_t tcp_frame[60] = {
	2, 0, 0, 0,  0, 2, 2, 0,    0,	  0, 0,	 1, 0x08, 0x00, 0x45, 0xb8, 0, 40, 0, 1,    0x40, 0,	64,   6, 0, 0, 10,
	0, 0, 1, 10, 0, 0, 2, 0x04, 0xd2, 0, 80, 0, 0,	  0,	1,    0,    0, 0,  0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0,
};

#endif
