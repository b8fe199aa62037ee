// SPDX-License-Identifier: GPL-2.0-only
#include "step/ebpf.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>

#include "code/instructions.h"

/* Handles in place of addresses: of the context and of maps. No memory lies there. */
#define CONTEXT_HANDLE 0x00010000ull
#define MAP_HANDLE     0x00020000ull

static uint32_t outcome_of(const struct code *code, uint32_t rule)
{
	const struct rule *of = &code->tree->rules->rules[rule];

	return rule_outcome(of, of->slot);
}

static uint8_t *copy_data(struct arena *arena, const struct code *code, const struct code_data *data)
{
	uint8_t *bytes = arena_copy(arena, data->bytes, (size_t)data->value_size * data->count);

	for (uint32_t i = 0; data->rules && i < data->count; i++)
		if (data->rules[i] != CODE_NO_RULE) {
			uint32_t outcome = outcome_of(code, data->rules[i]);

			memcpy(bytes + (size_t)i * data->value_size + offsetof(struct code_outcome, outcome), &outcome, sizeof(outcome));
		}
	return bytes;
}

struct ebpf_machine *ebpf_new(struct arena *arena, const struct code *code)
{
	struct ebpf_machine *machine = arena_new_object(arena, struct ebpf_machine);

	machine->code = code;
	machine->references = arena_new_array(arena, const struct code_reference *, code->instruction_count);
	for (uint32_t i = 0; i < code->reference_count; i++)
		machine->references[code->references[i].instruction] = &code->references[i];
	machine->data = arena_new_array(arena, uint8_t *, code->data_count);
	for (uint32_t i = 0; i < code->data_count; i++)
		machine->data[i] = copy_data(arena, code, &code->data[i]);
	machine->passed = arena_new_array(arena, uint32_t, code->tree->rules->rule_count);
	return machine;
}

void ebpf_begin(struct ebpf_machine *machine, const struct judged_packet *packet)
{
	machine->packet = packet;
	machine->flow = *packet->flow;
	machine->classic = predicate_packet(machine->code->tree->rules->hook, packet);
	memset(machine->registers, 0, sizeof(machine->registers));
	memset(&machine->frames[0], 0, sizeof(machine->frames[0]));
	machine->registers[BPF_REG_1] = CONTEXT_HANDLE;
	machine->registers[BPF_REG_2] = (uint64_t)&machine->flow;
	machine->registers[BPF_REG_10] = (uint64_t)(machine->frames[0].stack + EBPF_STACK / 8);
	machine->depth = machine->at = 0;
	machine->steps = 0;
	machine->ended = false;
	machine->fault = NULL;
	machine->passed_count = 0;
}

static void fail(struct ebpf_machine *machine, const char *why)
{
	if (!machine->fault)
		machine->fault = why;
	machine->ended = true;
}

/* ---- Memory ---- */

static bool lies_in(uint64_t address, size_t size, const void *begin, size_t length)
{
	uint64_t from = (uint64_t)begin;

	return address >= from && size <= length && address - from <= length - size;
}

static bool is_writable(const struct ebpf_machine *machine, uint64_t address, size_t size)
{
	for (uint32_t i = 0; i <= machine->depth; i++)
		if (lies_in(address, size, machine->frames[i].stack, EBPF_STACK))
			return true;
	return false;
}

static bool is_readable(const struct ebpf_machine *machine, uint64_t address, size_t size)
{
	if (is_writable(machine, address, size) || lies_in(address, size, &machine->flow, sizeof(machine->flow)) ||
	    (machine->packet->data && lies_in(address, size, machine->packet->data, machine->packet->length)))
		return true;
	for (uint32_t i = 0; i < machine->code->data_count; i++)
		if (lies_in(address, size, machine->data[i], (size_t)machine->code->data[i].value_size * machine->code->data[i].count))
			return true;
	return false;
}

static size_t access_size(uint8_t code)
{
	static const size_t sizes[] = { [BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1, [BPF_DW >> 3] = 8 };

	return sizes[BPF_SIZE(code) >> 3];
}

/* What a program reads of its context: the kernel makes a pointer of data, and a number of the rest. */
static uint64_t read_context(struct ebpf_machine *machine, int64_t offset)
{
	const uint32_t *extensions = machine->classic.extensions;
	bool xdp = machine->code->tree->rules->hook == WEIR_HOOK_XDP_INGRESS;
	uint64_t data = (uint64_t)machine->packet->data;

	if (offset == (int64_t)(xdp ? offsetof(struct xdp_md, data) : offsetof(struct __sk_buff, data)))
		return data;
	if (offset == (int64_t)(xdp ? offsetof(struct xdp_md, data_end) : offsetof(struct __sk_buff, data_end)))
		return data + machine->packet->length;
	if (xdp && offset == offsetof(struct xdp_md, rx_queue_index))
		return extensions[CLASSIC_QUEUE];
	switch (xdp ? -1 : offset) {
	case offsetof(struct __sk_buff, pkt_type):
		return extensions[CLASSIC_PACKET_TYPE];
	case offsetof(struct __sk_buff, queue_mapping):
		return extensions[CLASSIC_QUEUE];
	case offsetof(struct __sk_buff, protocol):
		return __builtin_bswap16((uint16_t)extensions[CLASSIC_PROTOCOL]);
	case offsetof(struct __sk_buff, vlan_present):
		return extensions[CLASSIC_VLAN_PRESENT];
	case offsetof(struct __sk_buff, vlan_tci):
		return extensions[CLASSIC_VLAN_TCI];
	case offsetof(struct __sk_buff, vlan_proto):
		return __builtin_bswap16((uint16_t)extensions[CLASSIC_VLAN_TYPE]);
	case offsetof(struct __sk_buff, hash):
		return extensions[CLASSIC_HASH];
	}
	fail(machine, "it reads something of the context that nobody knows here");
	return 0;
}

static uint64_t read_memory(struct ebpf_machine *machine, uint64_t address, size_t size)
{
	uint64_t value = 0;

	if (!is_readable(machine, address, size)) {
		fail(machine, "it reads where it may not");
		return 0;
	}
	switch (size) { /* of a big-endian machine too */
	case 1:
		return *(const uint8_t *)address;
	case 2: {
		uint16_t half;

		memcpy(&half, (const void *)address, 2);
		return half;
	}
	case 4: {
		uint32_t word;

		memcpy(&word, (const void *)address, 4);
		return word;
	}
	}
	memcpy(&value, (const void *)address, 8);
	return value;
}

static void write_memory(struct ebpf_machine *machine, uint64_t address, size_t size, uint64_t value)
{
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	if (!is_writable(machine, address, size) || address % size)
		fail(machine, "it writes where it may not");
	else
		memcpy((void *)address, (const uint8_t *)&value + (little ? 0 : 8 - size), size);
}

/* ---- Calculation ---- */

static uint64_t swap(uint64_t value, const struct bpf_insn *insn)
{
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	bool turn = (BPF_SRC(insn->code) == BPF_TO_BE) == little;

	switch (insn->imm) {
	case 16:
		return turn ? __builtin_bswap16((uint16_t)value) : (uint16_t)value;
	case 32:
		return turn ? __builtin_bswap32((uint32_t)value) : (uint32_t)value;
	default:
		return turn ? __builtin_bswap64(value) : value;
	}
}

static uint64_t calculate(struct ebpf_machine *machine, const struct bpf_insn *insn, uint64_t a, uint64_t b)
{
	bool narrow = BPF_CLASS(insn->code) == BPF_ALU;
	unsigned shift = (unsigned)b & (narrow ? 31 : 63);

	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : a;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << shift;
	case BPF_RSH:
		return a >> shift;
	case BPF_ARSH:
		return narrow ? (uint64_t)((int32_t)a >> shift) : (uint64_t)((int64_t)a >> shift);
	case BPF_NEG:
		return -a;
	case BPF_MOV:
		return b;
	}
	fail(machine, "a calculation that weir does not emit");
	return 0;
}

static void do_calculation(struct ebpf_machine *machine, const struct bpf_insn *insn)
{
	bool narrow = BPF_CLASS(insn->code) == BPF_ALU;
	uint64_t *to = &machine->registers[insn->dst_reg], a = *to;
	uint64_t b = BPF_SRC(insn->code) == BPF_X ? machine->registers[insn->src_reg] : (uint64_t)(int64_t)insn->imm;
	const struct code_reference *reference = machine->references[machine->at];

	if (BPF_OP(insn->code) == BPF_END) {
		*to = swap(a, insn);
		return;
	}
	if (reference && reference->kind == REFERENCE_RAW_IP)
		b = machine->packet->context->raw_ip;
	if (narrow) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	a = calculate(machine, insn, a, b);
	*to = narrow ? (uint32_t)a : a;
}

static bool compare(struct ebpf_machine *machine, const struct bpf_insn *insn)
{
	uint64_t a = machine->registers[insn->dst_reg];
	uint64_t b = BPF_SRC(insn->code) == BPF_X ? machine->registers[insn->src_reg] : (uint64_t)(int64_t)insn->imm;
	int64_t signed_a = (int64_t)a, signed_b = (int64_t)b;

	if (BPF_CLASS(insn->code) == BPF_JMP32) {
		a = (uint32_t)a;
		b = (uint32_t)b;
		signed_a = (int32_t)a;
		signed_b = (int32_t)b;
	}
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return a & b;
	case BPF_JSGT:
		return signed_a > signed_b;
	case BPF_JSGE:
		return signed_a >= signed_b;
	case BPF_JSLT:
		return signed_a < signed_b;
	case BPF_JSLE:
		return signed_a <= signed_b;
	}
	fail(machine, "a comparison that weir does not emit");
	return false;
}

/* ---- Calls ---- */

/* An element of an array map of this code; sets are not looked into, see do_call. */
static uint64_t look_up(struct ebpf_machine *machine)
{
	uint64_t handle = machine->registers[BPF_REG_1] - MAP_HANDLE, key = machine->registers[BPF_REG_2];
	const struct code_reference *references = machine->code->references;
	const struct code_data *data;
	uint32_t index;

	if (handle >= machine->code->reference_count || references[handle].kind != REFERENCE_DATA) {
		fail(machine, "it looks into what is no map");
		return 0;
	}
	data = &machine->code->data[references[handle].index];
	index = (uint32_t)read_memory(machine, key, sizeof(index));
	return index < data->count ? (uint64_t)(machine->data[references[handle].index] + (size_t)index * data->value_size) : 0;
}

static uint64_t load_bytes(struct ebpf_machine *machine)
{
	uint64_t offset = (uint32_t)machine->registers[BPF_REG_2], to = machine->registers[BPF_REG_3];
	uint64_t size = (uint32_t)machine->registers[BPF_REG_4];

	if (!is_writable(machine, to, size)) {
		fail(machine, "a helper is to write where it may not");
		return 0;
	}
	if (offset > machine->packet->length || size > machine->packet->length - offset)
		return (uint64_t)-14; /* EFAULT */
	memcpy((void *)to, machine->packet->data + offset, size);
	return 0;
}

/* A number out of the frame with the VLAN tag in its place again. */
static uint64_t load_tagged(struct ebpf_machine *machine)
{
	uint64_t offset = (uint32_t)machine->registers[BPF_REG_2], value = 0;
	uint32_t tci = machine->classic.extensions[CLASSIC_VLAN_TCI], type = machine->classic.extensions[CLASSIC_VLAN_TYPE];
	const uint8_t tag[] = { (uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(tci >> 8), (uint8_t)tci };

	for (uint64_t i = offset; i < offset + (uint32_t)machine->registers[BPF_REG_3]; i++) {
		uint64_t at = i < 12 ? i : i - 4;

		if (i >= 12 && i < 16)
			value = value << 8 | tag[i - 12];
		else if (at < machine->packet->length)
			value = value << 8 | machine->packet->data[at];
		else
			return UINT64_MAX;
	}
	return value;
}

static uint64_t call_template(struct ebpf_machine *machine, enum code_template template)
{
	const uint64_t *registers = machine->registers;
	struct classic_packet packet = machine->classic;

	switch (template) {
	case CODE_TEMPLATE_PAYLOAD:
		packet.network = (uint32_t)registers[BPF_REG_3];
		return classic_payload_offset(&packet, machine->flow.ether_type);
	case CODE_TEMPLATE_ATTRIBUTE:
		return classic_attribute(&packet, (uint32_t)registers[BPF_REG_3], (uint32_t)registers[BPF_REG_4], registers[BPF_REG_5]);
	case CODE_TEMPLATE_TAGGED:
		return load_tagged(machine);
	case CODE_TEMPLATE_HARDWARE_TYPE:
		return packet.extensions[CLASSIC_HARDWARE_TYPE];
	}
	fail(machine, "it calls a function of the template that nobody knows here");
	return 0;
}

static uint64_t call_helper_of(struct ebpf_machine *machine, int32_t helper)
{
	switch (helper) {
	case HELPER_MAP_LOOKUP_ELEM:
		return look_up(machine);
	case HELPER_SKB_LOAD_BYTES:
	case HELPER_XDP_LOAD_BYTES:
		return load_bytes(machine);
	case HELPER_KTIME_GET_COARSE_NS:
	case HELPER_PRANDOM:
	case HELPER_PROCESSOR:
		return 0;
	}
	fail(machine, "a helper that weir does not call");
	return 0;
}

/* Go on in a function of the generated code. */
static void enter(struct ebpf_machine *machine, uint32_t function)
{
	struct ebpf_frame *frame;

	if (machine->depth + 1 == EBPF_FRAMES) {
		fail(machine, "calls too deep");
		return;
	}
	frame = &machine->frames[++machine->depth];
	memset(frame->stack, 0, sizeof(frame->stack));
	memcpy(frame->saved, &machine->registers[BPF_REG_6], sizeof(frame->saved));
	frame->back = machine->at + 1;
	machine->registers[BPF_REG_10] = (uint64_t)(frame->stack + EBPF_STACK / 8);
	machine->at = machine->code->functions[function].first;
}

static void leave(struct ebpf_machine *machine)
{
	struct ebpf_frame *frame = &machine->frames[machine->depth];

	if (machine->depth == 0) {
		machine->ended = true;
		return;
	}
	memcpy(&machine->registers[BPF_REG_6], frame->saved, sizeof(frame->saved));
	machine->at = frame->back;
	machine->depth--;
	machine->registers[BPF_REG_10] = (uint64_t)(machine->frames[machine->depth].stack + EBPF_STACK / 8);
}

/* A set's table is the kernel's, and the head of a request is read by the template: what asks them is one step. */
static bool is_one_step(const struct rule_list *list, const struct code_function *function)
{
	return function->kind == FUNCTION_SET_MEMBER ||
	       (function->kind == FUNCTION_PREDICATE && list->dimensions[function->dimension].predicate->kind == PREDICATE_HTTP);
}

/* The look-up that begins here; NULL: none does. */
static const struct code_look_up *look_up_here(const struct ebpf_machine *machine)
{
	for (uint32_t i = 0; i < machine->code->look_up_count; i++)
		if (machine->code->look_ups[i].instruction == machine->at)
			return &machine->code->look_ups[i];
	return NULL;
}

static uint64_t answer(const struct ebpf_machine *machine, uint32_t dimension)
{
	const struct rule_list *list = machine->code->tree->rules;

	return rules_answer((void *)list, &list->dimensions[dimension], machine->packet);
}

/* What a call, or what is one step as a call is, leaves in registers. */
static void forget_arguments(struct ebpf_machine *machine)
{
	for (int reg = BPF_REG_1; reg <= BPF_REG_5; reg++)
		machine->registers[reg] = EBPF_UNKNOWN;
}

static void do_look_up(struct ebpf_machine *machine, const struct code_look_up *look_up)
{
	machine->at = answer(machine, look_up->dimension) ? look_up->member : look_up->none;
	machine->registers[BPF_REG_0] = machine->registers[BPF_REG_6] = EBPF_UNKNOWN;
	machine->registers[BPF_REG_8] = machine->registers[BPF_REG_9] = EBPF_UNKNOWN;
	forget_arguments(machine);
}

static void do_call(struct ebpf_machine *machine, const struct bpf_insn *insn)
{
	const struct code_reference *reference = machine->references[machine->at];
	bool is_function = reference && reference->kind == REFERENCE_FUNCTION;
	const struct code_function *function = is_function ? &machine->code->functions[reference->index] : NULL;
	const struct rule_list *list = machine->code->tree->rules;
	uint64_t result = 0;

	if (is_function && !is_one_step(list, function)) {
		enter(machine, reference->index);
		return;
	}
	if (is_function)
		result = answer(machine, function->dimension);
	else if (reference && reference->kind == REFERENCE_TEMPLATE)
		result = call_template(machine, (enum code_template)reference->index);
	else if (!reference)
		result = call_helper_of(machine, insn->imm);
	else if (machine->passed_count < machine->code->tree->rules->rule_count)
		machine->passed[machine->passed_count++] = (uint32_t)machine->registers[BPF_REG_3];
	machine->registers[BPF_REG_0] = result;
	forget_arguments(machine);
	machine->at++;
}

/* ---- Steps ---- */

static void do_jump(struct ebpf_machine *machine, const struct bpf_insn *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_CALL:
		do_call(machine, insn);
		break;
	case BPF_EXIT:
		leave(machine);
		break;
	case BPF_JA:
		machine->at += 1 + (uint32_t)(BPF_CLASS(insn->code) == BPF_JMP32 ? insn->imm : insn->off);
		break;
	default:
		machine->at += 1 + (compare(machine, insn) ? (uint32_t)insn->off : 0);
	}
}

/* Two slots: a constant, or a map. */
static void do_wide(struct ebpf_machine *machine, const struct bpf_insn *insn)
{
	const struct code_reference *reference = machine->references[machine->at];
	uint64_t value = (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32;

	machine->registers[insn->dst_reg] = reference ? MAP_HANDLE + (uint64_t)(reference - machine->code->references) : value;
	machine->at += 2;
}

static void do_load(struct ebpf_machine *machine, const struct bpf_insn *insn)
{
	uint64_t base = machine->registers[insn->src_reg], value;

	if (base == CONTEXT_HANDLE)
		value = read_context(machine, insn->off);
	else
		value = read_memory(machine, base + (uint64_t)(int64_t)insn->off, access_size(insn->code));
	machine->registers[insn->dst_reg] = value;
	machine->at++;
}

bool ebpf_step(struct ebpf_machine *machine)
{
	const struct bpf_insn *insn = &machine->code->instructions[machine->at];
	const struct code_look_up *look_up = look_up_here(machine);
	uint64_t address;

	if (machine->ended)
		return false;
	if (++machine->steps > EBPF_STEP_LIMIT)
		fail(machine, "it does not end");
	if (look_up) {
		do_look_up(machine, look_up);
		return true;
	}
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		do_wide(machine, insn);
		break;
	case BPF_LDX:
		do_load(machine, insn);
		break;
	case BPF_ST:
	case BPF_STX:
		address = machine->registers[insn->dst_reg] + (uint64_t)(int64_t)insn->off;
		write_memory(machine, address, access_size(insn->code),
			     BPF_CLASS(insn->code) == BPF_ST ? (uint64_t)(int64_t)insn->imm : machine->registers[insn->src_reg]);
		machine->at++;
		break;
	case BPF_ALU:
	case BPF_ALU64:
		do_calculation(machine, insn);
		machine->at++;
		break;
	default:
		do_jump(machine, insn);
	}
	if (!machine->ended && machine->at >= machine->code->instruction_count)
		fail(machine, "it leaves the program");
	return !machine->ended;
}

uint32_t ebpf_rule_of(const struct rule_list *list, uint32_t outcome)
{
	for (uint32_t i = 0; i < list->rule_count; i++)
		if (list->rules[i].slot == (outcome & WEIR_OUTCOME_SLOT_MASK))
			return i;
	return UINT32_MAX;
}
