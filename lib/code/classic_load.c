// SPDX-License-Identifier: GPL-2.0-only
/* Loads of classic BPF as eBPF: of packet bytes, of their length, of Linux's extensions, of words of memory (classic_load.h). */
#include <stddef.h>

#include "code/classic_load.h"
#include "code/instructions.h"

#define ETHER_BYTES   14
#define TAG_BYTES     4
#define LOADED_OFFSET (-16)
#define DIRECT_REACH  0x7000 /* of a load from the first buffer: offsets of an instruction have 16 bits, packet pointers too */

static unsigned load_bytes(const struct sock_filter *insn)
{
	return BPF_SIZE(insn->code) == BPF_W ? 4 : BPF_SIZE(insn->code) == BPF_H ? 2 : 1;
}

static bool is_packet_load(const struct sock_filter *insn)
{
	uint16_t mode = BPF_MODE(insn->code);

	return (BPF_CLASS(insn->code) == BPF_LD && (mode == BPF_ABS || mode == BPF_IND)) ||
	       (BPF_CLASS(insn->code) == BPF_LDX && mode == BPF_MSH);
}

/* A load that cannot be anywhere in the packet: from the link layer's header where there is none, or from before all headers. */
static bool is_nowhere(const struct translation *translation, const struct sock_filter *insn)
{
	if (insn->k < 0x80000000 || insn->k >= (uint32_t)SKF_NET_OFF)
		return false;
	return insn->k < (uint32_t)SKF_LL_OFF || translation->request->behind_link || translation->request->link == CLASSIC_RAW;
}

/* The offset without what it counts from. */
static uint32_t plain_offset(const struct sock_filter *insn)
{
	if (insn->k < 0x80000000)
		return insn->k;
	return insn->k - (uint32_t)(insn->k >= (uint32_t)SKF_NET_OFF ? SKF_NET_OFF : SKF_LL_OFF);
}

/* Does the load count from where the network header begins, behind tags that are only known with the packet? */
static bool from_network(const struct translation *translation, const struct sock_filter *insn)
{
	if (translation->request->link == CLASSIC_RAW)
		return false;
	return translation->request->behind_link || insn->k >= (uint32_t)SKF_NET_OFF;
}

static bool is_indirect(const struct sock_filter *insn)
{
	return BPF_CLASS(insn->code) == BPF_LD && BPF_MODE(insn->code) == BPF_IND;
}

bool classic_loads_nothing(const struct translation *translation, const struct sock_filter *insn)
{
	return is_packet_load(insn) && is_nowhere(translation, insn);
}

/* Where in the packet it loads is known beforehand, and near. */
static bool is_known_place(const struct translation *translation, const struct sock_filter *insn)
{
	return !is_indirect(insn) && !from_network(translation, insn) && !is_nowhere(translation, insn) &&
	       classic_extension_of(insn) >= CLASSIC_EXTENSION_COUNT && plain_offset(insn) < DIRECT_REACH;
}

uint32_t classic_known_extent(const struct translation *translation, uint32_t *ret_count)
{
	uint32_t extent = 0;

	*ret_count = 0;
	for (uint32_t i = 0; i < translation->program->count; i++) {
		const struct sock_filter *insn = &translation->program->instructions[i];

		if (!translation->reached[i] || !is_packet_load(insn) || !is_known_place(translation, insn))
			continue;
		++*ret_count;
		if (plain_offset(insn) + load_bytes(insn) > extent)
			extent = plain_offset(insn) + load_bytes(insn);
	}
	return extent;
}

/* ---- Loads ---- */

void emit_classic_bounds(struct translation *translation, uint8_t data, uint8_t end)
{
	int16_t data_at = translation->xdp ? offsetof(struct xdp_md, data) : offsetof(struct __sk_buff, data);
	int16_t end_at = translation->xdp ? offsetof(struct xdp_md, data_end) : offsetof(struct __sk_buff, data_end);

	if (data)
		draft_emit(translation->draft, load(BPF_W, data, BPF_REG_6, data_at));
	if (end)
		draft_emit(translation->draft, load(BPF_W, end, BPF_REG_6, end_at));
}

/* Of MSH, the length that was meant. */
static void emit_header_length(struct translation *translation, const struct sock_filter *insn)
{
	if (BPF_CLASS(insn->code) != BPF_LDX)
		return;
	draft_emit(translation->draft, instruction(BPF_ALU | BPF_AND | BPF_K, X, 0, 0, 15));
	draft_emit(translation->draft, instruction(BPF_ALU | BPF_LSH | BPF_K, X, 0, 0, 2));
}

/* What was loaded, from the packet's order to the machine's. */
static void emit_loaded(struct translation *translation, const struct sock_filter *insn)
{
	if (load_bytes(insn) > 1) /* never of MSH */
		draft_emit(translation->draft, to_network_order(A, load_bytes(insn) * 8));
	emit_header_length(translation, insn);
}

static uint8_t ebpf_size(const struct sock_filter *insn)
{
	return BPF_SIZE(insn->code); /* W, H and B are the same numbers */
}

static uint8_t load_target(const struct sock_filter *insn)
{
	return BPF_CLASS(insn->code) == BPF_LDX ? X : A;
}

/* REG = where the network header begins; r1 is used. */
static void emit_network(struct translation *translation, uint8_t reg)
{
	struct draft *draft = translation->draft;

	if (translation->request->link == CLASSIC_RAW) {
		draft_emit(draft, move_constant(reg, 0));
		return;
	}
	draft_emit(draft, load(BPF_DW, BPF_REG_1, BPF_REG_10, FLOW_OFFSET));
	draft_emit(draft, load(BPF_B, reg, BPF_REG_1, offsetof(struct weir_flow, vlan_tags)));
	if (translation->tc) { /* less the one that the card took off */
		draft_emit(draft, load(BPF_W, BPF_REG_1, BPF_REG_6, offsetof(struct __sk_buff, vlan_present)));
		draft_emit(draft, instruction(BPF_ALU | BPF_SUB | BPF_X, reg, BPF_REG_1, 0, 0));
	}
	draft_emit(draft, instruction(BPF_ALU | BPF_LSH | BPF_K, reg, 0, 0, 2));
	draft_emit(draft, instruction(BPF_ALU | BPF_ADD | BPF_K, reg, 0, 0, ETHER_BYTES));
}

/* r1 = the offset, all 64 bits of it: X + k does not wrap around. r2 is used. */
static void emit_offset(struct translation *translation, const struct sock_filter *insn)
{
	if (from_network(translation, insn)) {
		emit_network(translation, BPF_REG_2);
		draft_emit(translation->draft, move_constant(BPF_REG_1, plain_offset(insn)));
		draft_emit(translation->draft, calculate_register(BPF_ADD, BPF_REG_1, BPF_REG_2));
	} else {
		draft_emit(translation->draft, move_constant(BPF_REG_1, plain_offset(insn)));
	}
	if (is_indirect(insn))
		draft_emit(translation->draft, calculate_register(BPF_ADD, BPF_REG_1, X));
}

/* A frame with its tag in place again is not there as such: the template puts together what is asked for. */
static void emit_tagged_load(struct translation *translation, const struct sock_filter *insn)
{
	struct draft *draft = translation->draft;

	emit_offset(translation, insn);
	draft_branch(draft, branch_constant(BPF_JGT, BPF_REG_1, INT32_MAX), translation->exits->no);
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_1));
	draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6));
	draft_emit(draft, move_constant(BPF_REG_3, load_bytes(insn)));
	draft_refer(draft, REFERENCE_TEMPLATE, CODE_TEMPLATE_TAGGED);
	draft_emit(draft, call_function());
	draft_branch(draft, branch_constant(BPF_JSLT, BPF_REG_0, 0), translation->exits->no);
	draft_emit(draft, move_register_32(load_target(insn), BPF_REG_0));
	emit_header_length(translation, insn);
}

static void emit_packet_load(struct translation *translation, const struct sock_filter *insn)
{
	struct draft *draft = translation->draft;
	struct detour detour = { insn, draft_label(draft), draft_label(draft) };
	int32_t bytes = (int32_t)load_bytes(insn);

	if (is_nowhere(translation, insn)) {
		draft_jump(draft, translation->exits->no);
		return;
	}
	if (translation->request->tagged) {
		emit_tagged_load(translation, insn);
		return;
	}
	if (is_known_place(translation, insn) && (uint64_t)plain_offset(insn) + (uint32_t)bytes <= translation->extent) {
		draft_emit(draft, load(ebpf_size(insn), load_target(insn), BPF_REG_9, (int16_t)plain_offset(insn)));
		emit_loaded(translation, insn);
		return;
	}
	vector_push(draft->arena, &translation->detours, detour);
	if (translation->request->socket || plain_offset(insn) >= DIRECT_REACH) {
		draft_jump(draft, detour.begin);
	} else {
		emit_offset(translation, insn);
		draft_emit(draft, move_register(BPF_REG_2, BPF_REG_9));
		if (!is_known_place(translation, insn))
			draft_branch(draft, branch_constant(BPF_JGT, BPF_REG_1, DIRECT_REACH), detour.begin);
		draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_2, BPF_REG_1));
		emit_classic_bounds(translation, 0, BPF_REG_3);
		draft_emit(draft, move_register(BPF_REG_4, BPF_REG_2));
		draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_4, bytes));
		draft_branch(draft, branch_register(BPF_JGT, BPF_REG_4, BPF_REG_3), detour.begin);
		draft_emit(draft, load(ebpf_size(insn), load_target(insn), BPF_REG_2, 0));
	}
	draft_place(draft, detour.back);
	emit_loaded(translation, insn);
}

/* The helper takes 32 bits of the offset; what has more lies past any packet's end. */
void emit_classic_detour(struct translation *translation, const struct detour *detour)
{
	struct draft *draft = translation->draft;
	const struct sock_filter *insn = detour->insn;

	draft_place(draft, detour->begin);
	emit_offset(translation, insn);
	draft_branch(draft, branch_constant(BPF_JGT, BPF_REG_1, INT32_MAX), translation->exits->no);
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_1));
	draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6));
	draft_emit(draft, move_register(BPF_REG_3, BPF_REG_10));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_3, LOADED_OFFSET));
	draft_emit(draft, move_constant(BPF_REG_4, load_bytes(insn)));
	draft_emit(draft, call_helper(translation->xdp ? HELPER_XDP_LOAD_BYTES : HELPER_SKB_LOAD_BYTES));
	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_0, 0), translation->exits->no);
	draft_emit(draft, load(ebpf_size(insn), load_target(insn), BPF_REG_10, LOADED_OFFSET));
	draft_jump(draft, detour->back);
}

/* ---- Extensions ---- */

static void emit_from_flow(struct translation *translation, uint8_t size, size_t offset)
{
	draft_emit(translation->draft, load(BPF_DW, BPF_REG_1, BPF_REG_10, FLOW_OFFSET));
	draft_emit(translation->draft, load(size, A, BPF_REG_1, (int16_t)offset));
}

static void emit_from_context(struct translation *translation, size_t skb_offset)
{
	draft_emit(translation->draft, load(BPF_W, A, BPF_REG_6, (int16_t)skb_offset));
}

/* A = what a function of the template says, whose arguments behind ctx and flow are in place. */
static void emit_template_call(struct translation *translation, enum code_template template)
{
	struct draft *draft = translation->draft;

	draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6));
	draft_emit(draft, load(BPF_DW, BPF_REG_2, BPF_REG_10, FLOW_OFFSET));
	draft_refer(draft, REFERENCE_TEMPLATE, template);
	draft_emit(draft, call_function());
	draft_emit(draft, move_register_32(A, BPF_REG_0));
}

static void emit_payload(struct translation *translation)
{
	struct draft *draft = translation->draft;
	uint32_t none = draft_label(draft);

	emit_network(translation, BPF_REG_3);
	emit_template_call(translation, CODE_TEMPLATE_PAYLOAD);
	if (translation->request->behind_link) {
		draft_branch(draft, branch_constant_32(BPF_JEQ, A, 0), none);
		emit_network(translation, BPF_REG_2);
		draft_emit(draft, instruction(BPF_ALU | BPF_SUB | BPF_X, A, BPF_REG_2, 0, 0));
		draft_place(draft, none);
	}
}

static void emit_attribute(struct translation *translation, bool nested)
{
	draft_emit(translation->draft, move_register(BPF_REG_3, A));
	draft_emit(translation->draft, move_register(BPF_REG_4, X));
	draft_emit(translation->draft, move_constant(BPF_REG_5, nested));
	emit_template_call(translation, CODE_TEMPLATE_ATTRIBUTE);
}

static void emit_helper_number(struct translation *translation, int32_t helper)
{
	draft_emit(translation->draft, call_helper(helper));
	draft_emit(translation->draft, move_register_32(A, BPF_REG_0));
}

/* What weir's parser has of it is taken from there, so that all hooks and the evaluator agree. */
static void emit_extension(struct translation *translation, enum classic_extension extension)
{
	struct draft *draft = translation->draft;
	bool egress = translation->request->hook == WEIR_HOOK_TC_EGRESS || translation->request->hook == WEIR_HOOK_CGROUP_EGRESS;

	switch (extension) {
	case CLASSIC_PROTOCOL:
		if (translation->tc && translation->request->link == CLASSIC_ETHERNET) {
			emit_from_context(translation, offsetof(struct __sk_buff, protocol));
			draft_emit(draft, to_network_order(A, 16));
		} else {
			emit_from_flow(translation, BPF_H, offsetof(struct weir_flow, ether_type));
		}
		break;
	case CLASSIC_PACKET_TYPE:
		emit_from_context(translation, offsetof(struct __sk_buff, pkt_type));
		break;
	case CLASSIC_INTERFACE:
		emit_from_flow(translation, BPF_W, egress ? offsetof(struct weir_flow, oif) : offsetof(struct weir_flow, iif));
		draft_branch(draft, branch_constant_32(BPF_JEQ, A, 0), translation->exits->no);
		break;
	case CLASSIC_ATTRIBUTE:
	case CLASSIC_NESTED_ATTRIBUTE:
		emit_attribute(translation, extension == CLASSIC_NESTED_ATTRIBUTE);
		break;
	case CLASSIC_MARK:
		emit_from_flow(translation, BPF_W, offsetof(struct weir_flow, mark));
		break;
	case CLASSIC_QUEUE:
		emit_from_context(translation, translation->xdp ? offsetof(struct xdp_md, rx_queue_index)
								: offsetof(struct __sk_buff, queue_mapping));
		break;
	case CLASSIC_HARDWARE_TYPE:
		emit_template_call(translation, CODE_TEMPLATE_HARDWARE_TYPE);
		break;
	case CLASSIC_HASH:
		emit_from_context(translation, offsetof(struct __sk_buff, hash));
		break;
	case CLASSIC_CPU:
		emit_helper_number(translation, HELPER_PROCESSOR);
		break;
	case CLASSIC_XOR:
		draft_emit(draft, instruction(BPF_ALU | BPF_XOR | BPF_X, A, X, 0, 0));
		break;
	case CLASSIC_VLAN_TCI:
		emit_from_context(translation, offsetof(struct __sk_buff, vlan_tci));
		break;
	case CLASSIC_VLAN_PRESENT:
		emit_from_context(translation, offsetof(struct __sk_buff, vlan_present));
		break;
	case CLASSIC_PAYLOAD:
		emit_payload(translation);
		break;
	case CLASSIC_RANDOM:
		emit_helper_number(translation, HELPER_PRANDOM);
		break;
	default: /* VLAN_TYPE */
		emit_from_context(translation, offsetof(struct __sk_buff, vlan_proto));
		draft_emit(draft, to_network_order(A, 16));
	}
}

/* ---- Loads of all kinds ---- */

/* Bytes of the packet as the program sees it. */
static void emit_length(struct translation *translation, uint8_t to)
{
	struct draft *draft = translation->draft;

	if (translation->request->behind_link)
		emit_network(translation, BPF_REG_2);
	draft_emit(draft, load(BPF_DW, BPF_REG_1, BPF_REG_10, FLOW_OFFSET));
	draft_emit(draft, load(BPF_W, to, BPF_REG_1, offsetof(struct weir_flow, length)));
	if (translation->request->behind_link)
		draft_emit(draft, instruction(BPF_ALU | BPF_SUB | BPF_X, to, BPF_REG_2, 0, 0));
	if (translation->request->tagged)
		draft_emit(draft, instruction(BPF_ALU | BPF_ADD | BPF_K, to, 0, 0, TAG_BYTES));
}

void emit_classic_load(struct translation *translation, const struct sock_filter *insn)
{
	struct draft *draft = translation->draft;
	uint8_t to = load_target(insn);

	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		draft_emit(draft, move_constant(to, insn->k));
		break;
	case BPF_LEN:
		emit_length(translation, to);
		break;
	case BPF_MEM:
		draft_emit(draft, load(BPF_W, to, BPF_REG_10, memory_place(insn->k)));
		break;
	default:
		if (classic_extension_of(insn) < CLASSIC_EXTENSION_COUNT)
			emit_extension(translation, classic_extension_of(insn));
		else
			emit_packet_load(translation, insn);
	}
}
