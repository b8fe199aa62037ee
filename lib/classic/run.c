// SPDX-License-Identifier: GPL-2.0-only
/* The interpreter: one instruction after another, as plain as can be, since the translation is compared with it. */
#include <string.h>

#include "classic/classic.h"

/* The offset in the packet that K and X mean; UINT64_MAX: none. */
static uint64_t packet_offset(const struct classic_machine *machine, uint32_t k, uint32_t x)
{
	if (k < 0x80000000)
		return (uint64_t)k + x;
	if (k >= (uint32_t)SKF_NET_OFF)
		return (uint64_t)machine->packet->network + (k - (uint32_t)SKF_NET_OFF) + x;
	if (k >= (uint32_t)SKF_LL_OFF && machine->packet->has_link)
		return (uint64_t)(k - (uint32_t)SKF_LL_OFF) + x;
	return UINT64_MAX;
}

static uint32_t load(struct classic_machine *machine, uint64_t offset, unsigned size)
{
	uint32_t value = 0;

	if (offset > machine->packet->length || size > machine->packet->length - offset) {
		machine->ended = true;
		return 0;
	}
	for (unsigned i = 0; i < size; i++)
		value = value << 8 | machine->packet->data[offset + i];
	return value;
}

static uint16_t native_16(const uint8_t *bytes)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/*
 * The offset of the netlink attribute of type WANTED between AT and END; 0: there is none. Its numbers are in the machine's order.
 * One that says that it is longer than the room, or shorter than its own header, ends the search.
 */
static uint32_t find_attribute(const struct classic_packet *packet, uint64_t at, uint64_t end, uint32_t wanted)
{
	for (unsigned i = 0; i < CLASSIC_ATTRIBUTES && at + 4 <= end; i++) {
		uint32_t length = native_16(packet->data + at), type = native_16(packet->data + at + 2);

		if (length < 4 || length > end - at)
			return 0;
		if ((type & 0x3fff) == wanted)
			return (uint32_t)at;
		at += (length + 3) & ~3u;
	}
	return 0;
}

uint32_t classic_attribute(const struct classic_packet *packet, uint32_t a, uint32_t x, bool nested)
{
	uint32_t length;

	if (packet->length < 4 || a > packet->length - 4)
		return 0;
	if (!nested)
		return find_attribute(packet, a, packet->length, x);
	length = native_16(packet->data + a);
	if (length > packet->length - a || length < 4)
		return 0;
	return find_attribute(packet, a + 4, (uint64_t)a + length, x);
}

static uint32_t extension(struct classic_machine *machine, enum classic_extension asked)
{
	switch (asked) {
	case CLASSIC_ATTRIBUTE:
	case CLASSIC_NESTED_ATTRIBUTE:
		return classic_attribute(machine->packet, machine->a, machine->x, asked == CLASSIC_NESTED_ATTRIBUTE);
	case CLASSIC_XOR:
		return machine->a ^ machine->x;
	case CLASSIC_INTERFACE:
		machine->ended = !machine->packet->extensions[asked]; /* as in the kernel: no interface, no match */
		return machine->packet->extensions[asked];
	default:
		return machine->packet->extensions[asked];
	}
}

static void run_load(struct classic_machine *machine, const struct sock_filter *insn)
{
	static const unsigned sizes[] = { [BPF_W >> 3] = 4, [BPF_H >> 3] = 2, [BPF_B >> 3] = 1 };
	uint32_t *to = BPF_CLASS(insn->code) == BPF_LD ? &machine->a : &machine->x;

	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		*to = insn->k;
		break;
	case BPF_LEN:
		*to = (uint32_t)machine->packet->length;
		break;
	case BPF_MEM:
		*to = machine->memory[insn->k];
		break;
	case BPF_MSH:
		*to = (load(machine, packet_offset(machine, insn->k, 0), 1) & 15) * 4;
		break;
	case BPF_ABS:
		if (classic_extension_of(insn) < CLASSIC_EXTENSION_COUNT)
			*to = extension(machine, classic_extension_of(insn));
		else
			*to = load(machine, packet_offset(machine, insn->k, 0), sizes[BPF_SIZE(insn->code) >> 3]);
		break;
	case BPF_IND:
		*to = load(machine, packet_offset(machine, insn->k, machine->x), sizes[BPF_SIZE(insn->code) >> 3]);
		break;
	}
}

static uint32_t divide(struct classic_machine *machine, uint32_t by, bool rest)
{
	if (by)
		return rest ? machine->a % by : machine->a / by;
	machine->ended = true;
	return 0;
}

static void run_calculation(struct classic_machine *machine, const struct sock_filter *insn)
{
	uint32_t a = machine->a, b = BPF_SRC(insn->code) == BPF_X ? machine->x : insn->k;

	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		a += b;
		break;
	case BPF_SUB:
		a -= b;
		break;
	case BPF_MUL:
		a *= b;
		break;
	case BPF_DIV:
		a = divide(machine, b, false);
		break;
	case BPF_MOD:
		a = divide(machine, b, true);
		break;
	case BPF_OR:
		a |= b;
		break;
	case BPF_AND:
		a &= b;
		break;
	case BPF_XOR:
		a ^= b;
		break;
	case BPF_LSH:
		a = b < 32 ? a << b : 0;
		break;
	case BPF_RSH:
		a = b < 32 ? a >> b : 0;
		break;
	case BPF_NEG:
		a = -a;
		break;
	}
	machine->a = a;
}

static uint32_t jump_distance(const struct classic_machine *machine, const struct sock_filter *insn)
{
	uint32_t b = BPF_SRC(insn->code) == BPF_X ? machine->x : insn->k;
	bool taken = false;

	switch (BPF_OP(insn->code)) {
	case BPF_JA:
		return insn->k;
	case BPF_JEQ:
		taken = machine->a == b;
		break;
	case BPF_JGT:
		taken = machine->a > b;
		break;
	case BPF_JGE:
		taken = machine->a >= b;
		break;
	case BPF_JSET:
		taken = machine->a & b;
		break;
	}
	return taken ? insn->jt : insn->jf;
}

void classic_begin(struct classic_machine *machine, const struct classic_program *program, const struct classic_packet *packet)
{
	*machine = (struct classic_machine){ .program = program, .packet = packet };
}

bool classic_step(struct classic_machine *machine)
{
	const struct sock_filter *insn = &machine->program->instructions[machine->at];

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
		run_load(machine, insn);
		break;
	case BPF_ST:
		machine->memory[insn->k] = machine->a;
		break;
	case BPF_STX:
		machine->memory[insn->k] = machine->x;
		break;
	case BPF_ALU:
		run_calculation(machine, insn);
		break;
	case BPF_JMP:
		machine->at += jump_distance(machine, insn);
		break;
	case BPF_RET:
		machine->result = BPF_RVAL(insn->code) == BPF_A ? machine->a : insn->k;
		machine->ended = true;
		break;
	default:
		if (BPF_MISCOP(insn->code) == BPF_TAX)
			machine->x = machine->a;
		else
			machine->a = machine->x;
	}
	if (!machine->ended)
		machine->at++;
	return !machine->ended;
}

uint32_t classic_run(const struct classic_program *program, const struct classic_packet *packet)
{
	struct classic_machine machine;

	classic_begin(&machine, program, packet);
	while (classic_step(&machine))
		;
	return machine.result;
}
