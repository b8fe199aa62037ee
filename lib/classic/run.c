// SPDX-License-Identifier: GPL-2.0-only
/* The interpreter: one instruction after another, as plain as can be, since the translation is compared with it. */
#include "classic/classic.h"

struct machine {
	const struct classic_packet *packet;
	uint32_t a, x, memory[BPF_MEMWORDS];
	bool ended; /* by a load past the end, or a division by zero */
};

static uint32_t load(struct machine *machine, uint64_t offset, unsigned size)
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

static void run_load(struct machine *machine, const struct sock_filter *insn)
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
		*to = (load(machine, insn->k, 1) & 15) * 4;
		break;
	case BPF_ABS:
		*to = load(machine, insn->k, sizes[BPF_SIZE(insn->code) >> 3]);
		break;
	case BPF_IND:
		*to = load(machine, (uint64_t)machine->x + insn->k, sizes[BPF_SIZE(insn->code) >> 3]);
		break;
	}
}

static uint32_t divide(struct machine *machine, uint32_t by, bool rest)
{
	if (by)
		return rest ? machine->a % by : machine->a / by;
	machine->ended = true;
	return 0;
}

static void run_calculation(struct machine *machine, const struct sock_filter *insn)
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

static uint32_t jump_distance(const struct machine *machine, const struct sock_filter *insn)
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

uint32_t classic_run(const struct classic_program *program, const struct classic_packet *packet)
{
	struct machine machine = { .packet = packet };

	for (const struct sock_filter *insn = program->instructions; !machine.ended; insn++) {
		switch (BPF_CLASS(insn->code)) {
		case BPF_LD:
		case BPF_LDX:
			run_load(&machine, insn);
			break;
		case BPF_ST:
			machine.memory[insn->k] = machine.a;
			break;
		case BPF_STX:
			machine.memory[insn->k] = machine.x;
			break;
		case BPF_ALU:
			run_calculation(&machine, insn);
			break;
		case BPF_JMP:
			insn += jump_distance(&machine, insn);
			break;
		case BPF_RET:
			return BPF_RVAL(insn->code) == BPF_A ? machine.a : insn->k;
		default:
			if (BPF_MISCOP(insn->code) == BPF_TAX)
				machine.x = machine.a;
			else
				machine.a = machine.x;
		}
	}
	return 0;
}
