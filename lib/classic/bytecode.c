// SPDX-License-Identifier: GPL-2.0-only
/* The line that tc takes: how many instructions, then for each its code, jt, jf and k in decimal, behind commas (or line ends). */
#include <inttypes.h>
#include <string.h>

#include "classic/classic.h"

struct reader {
	struct arena *arena;
	const char *text, *at;
	struct classic_fault fault;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct reader *reader)
{
	while (is_blank(*reader->at))
		reader->at++;
}

static bool fail(struct reader *reader, const char *message)
{
	size_t length = strcspn(reader->at, " \t\r\n,");

	reader->fault = (struct classic_fault){ message, (size_t)(reader->at - reader->text), length ? length : 1 };
	return false;
}

/* number = decimal digits, up to MAX. WHAT for the message: "the number of instructions". */
static bool number(struct reader *reader, const char *what, uint64_t max, uint64_t *ret_value)
{
	const char *start;
	uint64_t value = 0;

	skip_blanks(reader);
	start = reader->at;
	for (; *reader->at >= '0' && *reader->at <= '9' && reader->at - start < 12; reader->at++)
		value = value * 10 + (uint64_t)(*reader->at - '0');
	if (reader->at == start)
		return fail(reader, arena_printf(reader->arena, "expected %s, a number", what));
	if (value > max) {
		reader->at = start;
		return fail(reader, arena_printf(reader->arena, "%s is at most %" PRIu64, what, max));
	}
	*ret_value = value;
	return true;
}

/* separator = "," | newline, and any more newlines */
static bool separator(struct reader *reader)
{
	bool found = false;

	for (skip_blanks(reader); *reader->at == '\n' || (*reader->at == ',' && !found); skip_blanks(reader)) {
		found = true;
		reader->at++;
	}
	return found;
}

static bool instruction(struct reader *reader, struct sock_filter *ret_instruction)
{
	uint64_t code, jt, jf, k;

	if (!number(reader, "the code of an instruction", UINT16_MAX, &code) ||
	    !number(reader, "where it jumps when true", UINT8_MAX, &jt) ||
	    !number(reader, "where it jumps when false", UINT8_MAX, &jf) ||
	    !number(reader, "the constant of an instruction", UINT32_MAX, &k))
		return false;
	*ret_instruction = (struct sock_filter){ (uint16_t)code, (uint8_t)jt, (uint8_t)jf, (uint32_t)k };
	return true;
}

static bool read_program(struct reader *reader, struct classic_program *ret_program)
{
	struct sock_filter *instructions;
	uint64_t count;

	while (*reader->at == '\n' || is_blank(*reader->at))
		reader->at++;
	if (!number(reader, "the number of instructions", CLASSIC_LIMIT, &count))
		return false;
	instructions = arena_new_array(reader->arena, struct sock_filter, count);
	for (uint64_t i = 0; i < count; i++) {
		if (!separator(reader))
			return fail(reader, arena_printf(reader->arena, "expected ',' and instruction %" PRIu64 " of %" PRIu64, i + 1, count));
		if (!instruction(reader, &instructions[i]))
			return false;
	}
	separator(reader);
	if (*reader->at)
		return fail(reader, arena_printf(reader->arena, "more than the %" PRIu64 " instructions that it says", count));
	*ret_program = (struct classic_program){ (uint32_t)count, instructions };
	return true;
}

bool classic_from_bytecode(struct arena *arena, const char *text, struct classic_program *ret_program, struct classic_fault *ret_fault)
{
	struct reader reader = { .arena = arena, .text = text, .at = text };

	if (read_program(&reader, ret_program))
		return true;
	*ret_fault = reader.fault;
	return false;
}

void classic_print_bytecode(const struct classic_program *program, FILE *out)
{
	fprintf(out, "%u", program->count);
	for (uint32_t i = 0; i < program->count; i++) {
		const struct sock_filter *insn = &program->instructions[i];

		fprintf(out, ",%u %u %u %u", insn->code, insn->jt, insn->jf, insn->k);
	}
}
