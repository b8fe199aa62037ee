/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small interpreter of the instructions that weir emits, so that the code can be tested without a kernel. Calls of the
 * template's pass() are written down; a set's map is a table in memory. What is not expected ends the run with a fault.
 */
#ifndef WEIR_TESTS_INTERPRETER_H
#define WEIR_TESTS_INTERPRETER_H

#include <string.h>

#include "code/code.h"
#include "code/instructions.h"

#define INTERPRETER_NOW	  1000ull /* what the clock says, in units of sets' expiries */
#define INTERPRETER_STACK 64
#define INTERPRETER_ARGUMENTS 3
#define INTERPRETER_MAPS  2 /* the number of the first map */

struct interpreter_table {
	const unsigned char *memory;
	uint32_t pages, page_size;
};

struct interpreter {
	const struct code *code;
	const struct code_reference **references; /* for each instruction */
	uint8_t **data;				  /* the code's maps, with their outcomes filled in */
	const struct interpreter_table *tables; /* for each set */
	uint32_t steps, passed_count;
	uint32_t *passed;
	const char *fault;
};

static inline struct interpreter interpreter_new(struct arena *arena, const struct code *code)
{
	struct interpreter interpreter = { .code = code };

	interpreter.references = arena_new_array(arena, const struct code_reference *, code->instruction_count);
	for (uint32_t i = 0; i < code->reference_count; i++)
		interpreter.references[code->references[i].instruction] = &code->references[i];
	interpreter.data = arena_new_array(arena, uint8_t *, code->data_count);
	for (uint32_t i = 0; i < code->data_count; i++) {
		const struct code_data *data = &code->data[i];

		interpreter.data[i] = arena_copy(arena, data->bytes, (size_t)data->count * data->value_size);
		for (uint32_t e = 0; data->rules && e < data->count; e++) {
			const struct rule *rule = &code->tree->rules->rules[data->rules[e]];
			uint32_t outcome;

			if (data->rules[e] == CODE_NO_RULE)
				continue;
			outcome = WEIR_OUTCOME(rule->slot, rule->verdict, rule->log);
			memcpy(interpreter.data[i] + (size_t)e * data->value_size, &outcome, sizeof(outcome));
		}
	}
	return interpreter;
}

static inline uint64_t interpret_load(uint8_t code, uint64_t address)
{
	uint64_t value = 0;

	switch (code & 0x18) {
	case BPF_B:
		return *(const uint8_t *)address;
	case BPF_H:
		memcpy(&value, (const void *)address, 2);
		return value;
	case BPF_W:
		memcpy(&value, (const void *)address, 4);
		return value;
	}
	memcpy(&value, (const void *)address, 8);
	return value;
}

/* False where the verifier would refuse: on the stack, what is stored must be aligned. */
static inline bool interpret_store(uint8_t code, uint64_t address, uint64_t value)
{
	static const size_t sizes[] = { 4, 2, 1, 8 };
	size_t size = sizes[code >> 3 & 3];

	memcpy((void *)address, &value, size);
	return address % size == 0;
}

static inline uint64_t interpret_calculation(const struct bpf_insn *insn, const uint64_t *registers, const char **fault)
{
	bool narrow = BPF_CLASS(insn->code) == BPF_ALU;
	uint64_t a = registers[insn->dst_reg], b = BPF_SRC(insn->code) == BPF_X ? registers[insn->src_reg] : (uint64_t)(int64_t)insn->imm;

	if (BPF_OP(insn->code) == BPF_END)
		return insn->imm == 32 ? __builtin_bswap32((uint32_t)a) : __builtin_bswap64(a);
	if (narrow)
		b = (uint32_t)b;
	switch (BPF_OP(insn->code)) {
	case BPF_MOV:
		a = b;
		break;
	case BPF_ADD:
		a += b;
		break;
	case BPF_SUB:
		a -= b;
		break;
	case BPF_MUL:
		a *= b;
		break;
	case BPF_AND:
		a &= b;
		break;
	case BPF_OR:
		a |= b;
		break;
	case BPF_ARSH:
		a = (uint64_t)((int64_t)a >> b);
		break;
	case BPF_XOR:
		a ^= b;
		break;
	case BPF_LSH:
		a <<= b;
		break;
	case BPF_RSH:
		a >>= b;
		break;
	default:
		*fault = "an operation nobody emits";
	}
	return narrow ? (uint32_t)a : a;
}

static inline bool interpret_comparison(const struct bpf_insn *insn, const uint64_t *registers, const char **fault)
{
	uint64_t a = registers[insn->dst_reg];
	uint64_t b = BPF_SRC(insn->code) == BPF_X ? registers[insn->src_reg] : (uint64_t)(int64_t)insn->imm;

	if (BPF_CLASS(insn->code) == BPF_JMP32) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JLT:
		return a < b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLE:
		return a <= b;
	}
	*fault = "a comparison nobody emits";
	return false;
}

static inline uint64_t interpret(struct interpreter *interpreter, uint32_t function, const uint64_t *arguments);

#define INTERPRETER_DATA 0x10000 /* added to the number of a map of the code's own */

/* The element of a map of the code's own. */
static inline uint64_t interpret_element(const struct interpreter *interpreter, uint32_t map, const uint8_t *key)
{
	const struct code_data *data = &interpreter->code->data[map];
	uint32_t number;

	memcpy(&number, key, sizeof(number));
	return number < data->count ? (uint64_t)(interpreter->data[map] + (size_t)number * data->value_size) : 0;
}

/* Maps are numbers: INTERPRETER_MAPS + 2 * set is the one that holds the table, the one after it the table. */
static inline uint64_t interpret_look_up(struct interpreter *interpreter, uint64_t map, uint32_t key)
{
	const struct interpreter_table *table = &interpreter->tables[(map - INTERPRETER_MAPS) >> 1];

	if (map & 1)
		return key < table->pages ? (uint64_t)table->memory + (uint64_t)key * table->page_size : 0;
	if (key != 0)
		interpreter->fault = "a table that is none";
	return map + 1;
}

static inline uint64_t interpret_call(struct interpreter *interpreter, uint32_t at, uint64_t *registers)
{
	const struct bpf_insn *insn = &interpreter->code->instructions[at];
	const struct code_reference *reference = interpreter->references[at];
	uint64_t result = 0;

	if (reference && reference->kind == REFERENCE_PASS) {
		interpreter->passed[interpreter->passed_count++] = registers[BPF_REG_3];
	} else if (reference) {
		if ((int64_t)at + 1 + insn->imm != interpreter->code->functions[reference->index].first)
			interpreter->fault = "a call that goes elsewhere than its reference says";
		result = interpret(interpreter, reference->index, &registers[BPF_REG_1]);
	} else if (insn->imm == HELPER_MAP_LOOKUP_ELEM) {
		uint64_t map = registers[BPF_REG_1];
		const uint8_t *key = (const uint8_t *)registers[BPF_REG_2];

		result = map >= INTERPRETER_DATA ? interpret_element(interpreter, map - INTERPRETER_DATA, key)
						 : interpret_look_up(interpreter, map, *(const uint32_t *)key);
	} else if (insn->imm == HELPER_KTIME_GET_COARSE_NS) {
		result = INTERPRETER_NOW << WEIR_SET_CLOCK_SHIFT;
	} else {
		interpreter->fault = "a helper nobody calls";
	}
	/* What a call may leave in them. */
	for (int reg = BPF_REG_1; reg <= BPF_REG_5; reg++)
		registers[reg] = 0xdeadbeefdeadbeef;
	return result;
}

/* One instruction; the next one's number comes back. */
static inline uint32_t interpret_step(struct interpreter *interpreter, uint32_t at, uint64_t *registers)
{
	const struct bpf_insn *insn = &interpreter->code->instructions[at];
	const struct code_reference *reference = interpreter->references[at];

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		registers[insn->dst_reg] = (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32;
		if (reference && reference->kind == REFERENCE_DATA)
			registers[insn->dst_reg] = INTERPRETER_DATA + reference->index;
		else if (reference)
			registers[insn->dst_reg] = INTERPRETER_MAPS + reference->index * 2;
		return at + 2;
	case BPF_LDX:
		registers[insn->dst_reg] = interpret_load(insn->code, registers[insn->src_reg] + insn->off);
		return at + 1;
	case BPF_ST:
		if (!interpret_store(insn->code, registers[insn->dst_reg] + insn->off, insn->imm))
			interpreter->fault = "a store that is not aligned";
		return at + 1;
	case BPF_STX:
		if (BPF_MODE(insn->code) == BPF_ATOMIC) {
			*(uint64_t *)(registers[insn->dst_reg] + (uint64_t)(int64_t)insn->off) += registers[insn->src_reg];
			return at + 1;
		}
		if (!interpret_store(insn->code, registers[insn->dst_reg] + insn->off, registers[insn->src_reg]))
			interpreter->fault = "a store that is not aligned";
		return at + 1;
	case BPF_ALU:
	case BPF_ALU64:
		registers[insn->dst_reg] = interpret_calculation(insn, registers, &interpreter->fault);
		return at + 1;
	}
	if (insn->code == (BPF_JMP | BPF_JA))
		return at + 1 + insn->off;
	if (insn->code == (BPF_JMP32 | BPF_JA))
		return at + 1 + insn->imm;
	if (insn->code == (BPF_JMP | BPF_CALL)) {
		registers[0] = interpret_call(interpreter, at, registers);
		return at + 1;
	}
	return at + 1 + (interpret_comparison(insn, registers, &interpreter->fault) ? insn->off : 0);
}

/* Call a function of the code with INTERPRETER_ARGUMENTS arguments. What it returns comes back; interpreter->fault says what went wrong. */
static inline uint64_t interpret(struct interpreter *interpreter, uint32_t function, const uint64_t *arguments)
{
	const struct code_function *called = &interpreter->code->functions[function];
	uint64_t stack[INTERPRETER_STACK], registers[11] = { 0 };
	uint32_t at = called->first;

	memset(stack, 0xa5, sizeof(stack));
	memcpy(&registers[BPF_REG_1], arguments, INTERPRETER_ARGUMENTS * sizeof(*arguments));
	registers[BPF_REG_10] = (uint64_t)&stack[INTERPRETER_STACK];
	while (!interpreter->fault) {
		if (at < called->first || at >= called->first + called->count)
			interpreter->fault = "a jump out of the function";
		else if (interpreter->code->instructions[at].code == (BPF_JMP | BPF_EXIT))
			break;
		else
			at = interpret_step(interpreter, at, registers);
		interpreter->steps++;
	}
	return registers[0];
}

#endif
