// SPDX-License-Identifier: GPL-2.0-only
/* Instructions of eBPF in the words that the kernel's verifier and bpftool use. */
#include "report/disasm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/json.h"

#ifndef BPF_MEMSX
#define BPF_MEMSX 0x80
#endif

static const char *const operations[16] = { "+=",  "-=", "*=", "/=", "|=",   "&=",     "<<=", ">>=",
					    "neg", "%=", "^=", "=",  "s>>=", "endian", "?",   "?" };
static const char *const comparisons[16] = { "jmp",  "==", ">", ">=", "&",  "!=",  "s>", "s>=",
					     "call", "exit", "<", "<=", "s<", "s<=", "?",  "?" };
static const char *const sizes[] = { "u32", "u16", "u8", "u64" };
static const char *const signed_sizes[] = { "s32", "s16", "s8", "s64" };

static const char *size_of(uint8_t code)
{
	return sizes[BPF_SIZE(code) >> 3];
}

static const char *calculation(struct arena *arena, const struct bpf_insn *insn)
{
	char width = BPF_CLASS(insn->code) == BPF_ALU ? 'w' : 'r';
	const char *operation = operations[BPF_OP(insn->code) >> 4];
	bool is_signed = (BPF_OP(insn->code) == BPF_DIV || BPF_OP(insn->code) == BPF_MOD) && insn->off == 1;

	if (BPF_OP(insn->code) == BPF_END)
		return arena_printf(arena, "r%d = %s%d r%d", insn->dst_reg,
				    BPF_CLASS(insn->code) == BPF_ALU64		 ? "bswap"
				    : BPF_SRC(insn->code) == BPF_TO_BE ? "be"
								       : "le",
				    insn->imm, insn->dst_reg);
	if (BPF_OP(insn->code) == BPF_NEG)
		return arena_printf(arena, "%c%d = -%c%d", width, insn->dst_reg, width, insn->dst_reg);
	if (BPF_OP(insn->code) == BPF_MOV && BPF_SRC(insn->code) == BPF_X && insn->off == -1) /* of this CPU */
		return arena_printf(arena, "%c%d = &(void __percpu *)(%c%d)", width, insn->dst_reg, width, insn->src_reg);
	if (BPF_OP(insn->code) == BPF_MOV && BPF_SRC(insn->code) == BPF_X && insn->off)
		return arena_printf(arena, "%c%d = (s%d)%c%d", width, insn->dst_reg, insn->off, width, insn->src_reg);
	if (is_signed)
		operation = arena_printf(arena, "s%s", operation);
	if (BPF_SRC(insn->code) == BPF_X)
		return arena_printf(arena, "%c%d %s %c%d", width, insn->dst_reg, operation, width, insn->src_reg);
	return arena_printf(arena, "%c%d %s %d", width, insn->dst_reg, operation, insn->imm);
}

static const char *atomic(struct arena *arena, const struct bpf_insn *insn)
{
	static const char *const names[16] = { [BPF_ADD >> 4] = "add", [BPF_AND >> 4] = "and", [BPF_OR >> 4] = "or", [BPF_XOR >> 4] = "xor" };
	const char *suffix = BPF_SIZE(insn->code) == BPF_DW ? "64" : "", *name = names[BPF_OP(insn->imm) >> 4];

	if (insn->imm == BPF_CMPXCHG)
		return arena_printf(arena, "r0 = atomic%s_cmpxchg((%s *)(r%d %+d), r0, r%d)", suffix, size_of(insn->code), insn->dst_reg,
				    insn->off, insn->src_reg);
	if (insn->imm == BPF_XCHG)
		return arena_printf(arena, "r%d = atomic%s_xchg((%s *)(r%d %+d), r%d)", insn->src_reg, suffix, size_of(insn->code),
				    insn->dst_reg, insn->off, insn->src_reg);
	if (insn->imm & BPF_FETCH)
		return arena_printf(arena, "r%d = atomic%s_fetch_%s((%s *)(r%d %+d), r%d)", insn->src_reg, suffix, name ? name : "?",
				    size_of(insn->code), insn->dst_reg, insn->off, insn->src_reg);
	return arena_printf(arena, "lock *(%s *)(r%d %+d) %s r%d", size_of(insn->code), insn->dst_reg, insn->off,
			    operations[BPF_OP(insn->imm) >> 4], insn->src_reg);
}

static const char *wide(struct arena *arena, const struct bpf_insn *insn)
{
	uint64_t value = (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32;

	switch (insn->src_reg) {
	case BPF_PSEUDO_MAP_FD:
		return arena_printf(arena, "r%d = map[id:%d]", insn->dst_reg, insn->imm);
	case BPF_PSEUDO_MAP_VALUE:
		return arena_printf(arena, "r%d = map[id:%d][0]+%u", insn->dst_reg, insn[0].imm, (uint32_t)insn[1].imm);
	case BPF_PSEUDO_FUNC:
		return arena_printf(arena, "r%d = subprog[%+d]", insn->dst_reg, insn->imm);
	}
	return arena_printf(arena, "r%d = 0x%" PRIx64, insn->dst_reg, value);
}

static const char *call(struct arena *arena, const struct kernel_program *program, uint32_t at)
{
	const struct bpf_insn *insn = &program->instructions[at];
	const char *name;

	if (insn->src_reg != BPF_PSEUDO_CALL) {
		name = kernel_program_callee(program, insn->imm);
		return arena_printf(arena, "call %s#%d", name ? name : "unknown", insn->imm);
	}
	/* Of a program that became machine code, the distance is in the offset, and the immediate counts functions. */
	if (program->machine_bytes && (uint32_t)insn->imm < program->function_count)
		return arena_printf(arena, "call pc%+d#%s", insn->off, program->functions[insn->imm].name);
	return arena_printf(arena, "call pc%+d", insn->imm);
}

static const char *jump(struct arena *arena, const struct kernel_program *program, uint32_t at)
{
	const struct bpf_insn *insn = &program->instructions[at];
	char width = BPF_CLASS(insn->code) == BPF_JMP32 ? 'w' : 'r';
	const char *comparison = comparisons[BPF_OP(insn->code) >> 4];

	switch (BPF_OP(insn->code)) {
	case BPF_CALL:
		return call(arena, program, at);
	case BPF_EXIT:
		return "exit";
	case BPF_JA:
		return width == 'w' ? arena_printf(arena, "gotol pc%+d", insn->imm) : arena_printf(arena, "goto pc%+d", insn->off);
	}
	if (BPF_SRC(insn->code) == BPF_X)
		return arena_printf(arena, "if %c%d %s %c%d goto pc%+d", width, insn->dst_reg, comparison, width, insn->src_reg, insn->off);
	return arena_printf(arena, "if %c%d %s 0x%x goto pc%+d", width, insn->dst_reg, comparison, (uint32_t)insn->imm, insn->off);
}

static const char *words_of(struct arena *arena, const struct kernel_program *program, uint32_t at)
{
	const struct bpf_insn *insn = &program->instructions[at];

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return insn->code == (BPF_LD | BPF_IMM | BPF_DW) ? wide(arena, insn) : "?";
	case BPF_LDX:
		return arena_printf(arena, "r%d = *(%s *)(r%d %+d)", insn->dst_reg,
				    BPF_MODE(insn->code) == BPF_MEMSX ? signed_sizes[BPF_SIZE(insn->code) >> 3] : size_of(insn->code),
				    insn->src_reg, insn->off);
	case BPF_ST:
		if (BPF_MODE(insn->code) == 0xc0)
			return "nospec";
		return arena_printf(arena, "*(%s *)(r%d %+d) = %d", size_of(insn->code), insn->dst_reg, insn->off, insn->imm);
	case BPF_STX:
		if (BPF_MODE(insn->code) == BPF_ATOMIC)
			return atomic(arena, insn);
		return arena_printf(arena, "*(%s *)(r%d %+d) = r%d", size_of(insn->code), insn->dst_reg, insn->off, insn->src_reg);
	case BPF_ALU:
	case BPF_ALU64:
		return calculation(arena, insn);
	default:
		return jump(arena, program, at);
	}
}

const char *disasm_instruction(struct arena *arena, const struct kernel_program *program, uint32_t at)
{
	return arena_printf(arena, "(%02x) %s", program->instructions[at].code, words_of(arena, program, at));
}

/* ---- Programs ---- */

static bool is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static void print_bytes(const void *bytes, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%02x", i ? " " : "", ((const uint8_t *)bytes)[i]);
}

static void print_line(const struct program_line *line, FILE *out)
{
	const char *text = line->text + strspn(line->text, " \t");

	if (line->line)
		fprintf(out, "; %s:%u: %s\n", line->file, line->line, text);
	else if (*text)
		fprintf(out, "; %s\n", text);
}

static void print_instructions(const struct kernel_program *program, bool opcodes, FILE *out)
{
	struct arena *arena = arena_new();
	uint32_t line = 0, function = 0;

	for (uint32_t i = 0; i < program->instruction_count; i++) {
		if (function < program->function_count && program->functions[function].instruction == i)
			fprintf(out, "%s:\n", program->functions[function++].name);
		for (; line < program->line_count && program->lines[line].instruction <= i; line++)
			print_line(&program->lines[line], out);
		fprintf(out, "%4u: %s\n", i, disasm_instruction(arena, program, i));
		if (opcodes) {
			fputs("      ", out);
			print_bytes(&program->instructions[i], is_wide(&program->instructions[i]) ? 16 : 8, out);
			fputc('\n', out);
		}
		if (is_wide(&program->instructions[i]))
			i++;
	}
	arena_free(arena);
}

/* How many bytes fit into a row that begins at AT: no more than 16, and none of the code of the line that NEXT is. */
static uint32_t row_of(const struct kernel_program *program, uint32_t at, uint32_t end, uint32_t next)
{
	uint32_t stop = end - at < 16 ? end : at + 16;

	while (next < program->line_count && program->lines[next].machine == LINE_NOWHERE)
		next++;
	return next < program->line_count && program->lines[next].machine < stop ? program->lines[next].machine - at : stop - at;
}

static void print_function(const struct kernel_program *program, const struct program_function *function, FILE *out)
{
	uint32_t first = function->machine_first, end = first + function->machine_bytes, line = 0, row;

	fprintf(out, "%s: %u bytes\n", function->name, function->machine_bytes);
	while (line < program->line_count && program->lines[line].instruction < function->instruction)
		line++;
	for (uint32_t at = first; at < end; at += row) {
		for (; line < program->line_count; line++) {
			if (program->lines[line].machine == LINE_NOWHERE)
				continue;
			if (program->lines[line].machine > at)
				break;
			print_line(&program->lines[line], out);
		}
		row = row_of(program, at, end, line);
		fprintf(out, "%6x: ", at - first);
		print_bytes(program->machine + at, row, out);
		fputc('\n', out);
	}
}

static void print_machine(const struct kernel_program *program, FILE *out)
{
	if (!program->machine)
		fputs("the kernel does not show the machine's code: it has no JIT compiler for this machine, or net.core.bpf_jit_enable is 0, or\n"
		      "kernel.kptr_restrict keeps it back\n",
		      out);
	for (uint32_t i = 0; program->machine && i < program->function_count; i++)
		print_function(program, &program->functions[i], out);
}

void disasm_print(const struct kernel_program *program, const struct disasm_style *style, FILE *out)
{
	if (style->machine)
		print_machine(program, out);
	else
		print_instructions(program, style->opcodes, out);
}

/* ---- JSON ---- */

static json_t *hex_json(const void *bytes, size_t count)
{
	char *text = malloc(count * 2 + 1);
	json_t *json;

	if (!text)
		return NULL;
	text[0] = 0;
	for (size_t i = 0; i < count; i++)
		snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
	json = json_string(text);
	free(text);
	return json;
}

static json_t *instructions_json(const struct kernel_program *program, bool machine)
{
	struct arena *arena = arena_new();
	json_t *list = json_array();
	uint32_t line = 0;

	for (uint32_t i = 0; i < program->instruction_count; i++) {
		bool two = is_wide(&program->instructions[i]);
		json_t *one = json_pack("{s:i, s:o, s:o}", "at", (int)i, "text", json_text(disasm_instruction(arena, program, i)), "bytes",
					hex_json(&program->instructions[i], two ? 16 : 8));

		for (; line < program->line_count && program->lines[line].instruction <= i; line++)
			if (program->lines[line].instruction == i && program->lines[line].line) {
				json_object_set_new(one, "file", json_text(program->lines[line].file));
				json_object_set_new(one, "line", json_integer(program->lines[line].line));
				json_object_set_new(one, "source", json_text(program->lines[line].text));
				if (machine && program->lines[line].machine != LINE_NOWHERE)
					json_object_set_new(one, "machine_at", json_integer(program->lines[line].machine));
			}
		json_array_append_new(list, one);
		i += two;
	}
	arena_free(arena);
	return list;
}

json_t *disasm_json(const struct kernel_program *program, bool machine)
{
	json_t *functions = json_array(), *json;

	for (uint32_t i = 0; i < program->function_count; i++) {
		const struct program_function *function = &program->functions[i];
		json_t *one = json_pack("{s:o, s:i}", "name", json_text(function->name), "at", (int)function->instruction);

		if (machine && program->machine)
			json_object_set_new(one, "machine", hex_json(program->machine + function->machine_first, function->machine_bytes));
		json_array_append_new(functions, one);
	}
	json = json_pack("{s:i, s:o, s:o}", "program", (int)program->id, "functions", functions, "instructions",
			 instructions_json(program, machine && program->machine));
	return json;
}
