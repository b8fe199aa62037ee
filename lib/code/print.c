// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: emitted code. Out: text, an instruction a line, numbered within its function:
 *
 *	classify:
 *	     0  if r2 != 0 goto 3
 *	; line 14: tcp dport 80 drop
 *	     9  w0 = outcome of rule 0
 *	; in blocklist? yes 30, no 42
 *	    12  *(u32 *)(r10 -4) = 0
 *
 * What is only known at the load (maps, outcomes, calls) is printed by its name.
 */
#include <inttypes.h>

#include "code/code.h"
#include "code/instructions.h"

struct printer {
	const struct code *code;
	FILE *out;
	const struct code_function *function;
	uint32_t next_reference, next_line, next_look_up;
};

static const char *const operations[16] = {
	[BPF_ADD >> 4] = "+=", [BPF_SUB >> 4] = "-=", [BPF_MUL >> 4] = "*=",  [BPF_DIV >> 4] = "/=",
	[BPF_OR >> 4] = "|=",  [BPF_AND >> 4] = "&=", [BPF_LSH >> 4] = "<<=", [BPF_RSH >> 4] = ">>=",
	[BPF_MOD >> 4] = "%=", [BPF_XOR >> 4] = "^=", [BPF_MOV >> 4] = "=",   [BPF_ARSH >> 4] = "s>>=",
};

static const char *const comparisons[16] = {
	[BPF_JEQ >> 4] = "==", [BPF_JGT >> 4] = ">", [BPF_JGE >> 4] = ">=", [BPF_JSET >> 4] = "&",
	[BPF_JNE >> 4] = "!=", [BPF_JLT >> 4] = "<", [BPF_JLE >> 4] = "<=",
};

static const char *size_name(uint8_t code)
{
	switch (code & 0x18) {
	case BPF_B:
		return "u8";
	case BPF_H:
		return "u16";
	case BPF_W:
		return "u32";
	default:
		return "u64";
	}
}

/* The reference of this instruction; NULL when it has none. They are asked in order. */
static const struct code_reference *take_reference(struct printer *printer, uint32_t instruction)
{
	const struct code *code = printer->code;

	if (printer->next_reference < code->reference_count &&
	    code->references[printer->next_reference].instruction == instruction)
		return &code->references[printer->next_reference++];
	return NULL;
}

static const char *set_name(const struct printer *printer, uint32_t set)
{
	return printer->code->tree->rules->sets[set].name;
}

const char *code_template_name(enum code_template template)
{
	static const char *const names[] = {
#define X(id, name) name,
		CODE_TEMPLATES(X)
#undef X
	};

	return names[template];
}

/* "set_member 2 (blocklist)", "predicate 3 (pcap "tcp port 80")" */
static void print_function_name(struct printer *printer, const struct code_function *function)
{
	const struct dimension *dimension = &printer->code->tree->rules->dimensions[function->dimension];

	if (function->kind == FUNCTION_CLASSIFY)
		fputs("classify", printer->out);
	else if (function->kind == FUNCTION_FIND)
		fprintf(printer->out, "find %u", function->part + 1);
	else if (function->kind == FUNCTION_BLOCK)
		fprintf(printer->out, "block %u", function->part + 1);
	else if (function->kind == FUNCTION_SET_COUNT)
		fputs("set_count", printer->out);
	else if (function->kind == FUNCTION_SET_MEMBER || function->kind == FUNCTION_COUNT_MEMBER)
		fprintf(printer->out, "%s %u (%s)", function->kind == FUNCTION_SET_MEMBER ? "set_member" : "count_member",
			function->dimension, set_name(printer, dimension->set));
	else
		fprintf(printer->out, "predicate %u (%s)", function->dimension, dimension->predicate->text);
}

static const char *helper_name(int32_t helper)
{
	switch (helper) {
	case HELPER_MAP_LOOKUP_ELEM:
		return "bpf_map_lookup_elem";
	case HELPER_KTIME_GET_COARSE_NS:
		return "bpf_ktime_get_coarse_ns";
	case HELPER_PRANDOM:
		return "bpf_get_prandom_u32";
	case HELPER_PROCESSOR:
		return "bpf_get_smp_processor_id";
	case HELPER_SKB_LOAD_BYTES:
		return "bpf_skb_load_bytes";
	case HELPER_XDP_LOAD_BYTES:
		return "bpf_xdp_load_bytes";
	default:
		return "?";
	}
}

static void print_call(struct printer *printer, const struct bpf_insn *insn, const struct code_reference *reference)
{
	const struct code *code = printer->code;

	if (reference && reference->kind == REFERENCE_PASS) {
		fputs("call pass", printer->out);
	} else if (reference && reference->kind == REFERENCE_HTTP) {
		fputs("call http_text", printer->out);
	} else if (reference && reference->kind == REFERENCE_TEMPLATE) {
		fprintf(printer->out, "call %s", code_template_name((enum code_template)reference->index));
	} else if (reference) {
		fputs("call ", printer->out);
		print_function_name(printer, &code->functions[reference->index]);
	} else {
		fprintf(printer->out, "call %s", helper_name(insn->imm));
	}
}

static void print_jump(struct printer *printer, const struct bpf_insn *insn, uint32_t number,
		       const struct code_reference *reference)
{
	uint32_t target = number + 1 + insn->off - printer->function->first;
	char width = BPF_CLASS(insn->code) == BPF_JMP32 ? 'w' : 'r';

	switch (BPF_OP(insn->code)) {
	case BPF_JA:
		target = BPF_CLASS(insn->code) == BPF_JMP32 ? number + 1 + insn->imm - printer->function->first : target;
		fprintf(printer->out, "goto %u", target);
		return;
	case BPF_CALL:
		print_call(printer, insn, reference);
		return;
	case BPF_EXIT:
		fputs("exit", printer->out);
		return;
	}
	fprintf(printer->out, "if %c%u %s ", width, insn->dst_reg, comparisons[BPF_OP(insn->code) >> 4]);
	if (BPF_SRC(insn->code) == BPF_X)
		fprintf(printer->out, "%c%u", width, insn->src_reg);
	else if (reference)
		fprintf(printer->out, "outcome of rule %u", reference->index);
	else if (width == 'w')
		fprintf(printer->out, "%u", (uint32_t)insn->imm);
	else
		fprintf(printer->out, "%d", insn->imm);
	fprintf(printer->out, " goto %u", target);
}

static void print_calculation(struct printer *printer, const struct bpf_insn *insn, const struct code_reference *reference)
{
	char width = BPF_CLASS(insn->code) == BPF_ALU ? 'w' : 'r';

	if (BPF_OP(insn->code) == BPF_END) {
		fprintf(printer->out, "r%u = be%d r%u", insn->dst_reg, insn->imm, insn->dst_reg);
		return;
	}
	if (BPF_OP(insn->code) == BPF_NEG) {
		fprintf(printer->out, "%c%u = -%c%u", width, insn->dst_reg, width, insn->dst_reg);
		return;
	}
	fprintf(printer->out, "%c%u %s ", width, insn->dst_reg, operations[BPF_OP(insn->code) >> 4]);
	if (reference && reference->kind == REFERENCE_RAW_IP)
		fputs("raw_ip", printer->out);
	else if (reference)
		fprintf(printer->out, "outcome of rule %u", reference->index);
	else if (BPF_SRC(insn->code) == BPF_X)
		fprintf(printer->out, "%c%u", width, insn->src_reg);
	else if (width == 'w')
		fprintf(printer->out, "%u", (uint32_t)insn->imm);
	else
		fprintf(printer->out, "%d", insn->imm);
}

static void print_wide(struct printer *printer, const struct bpf_insn *insn, const struct code_reference *reference)
{
	uint64_t value = (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32;

	if (reference && reference->kind == REFERENCE_DATA)
		fprintf(printer->out, "r%u = map %s", insn->dst_reg, printer->code->data[reference->index].name);
	else if (reference)
		fprintf(printer->out, "r%u = map of %s", insn->dst_reg, set_name(printer, reference->index));
	else
		fprintf(printer->out, "r%u = 0x%" PRIx64, insn->dst_reg, value);
}

static void print_instruction(struct printer *printer, uint32_t number)
{
	const struct bpf_insn *insn = &printer->code->instructions[number];
	const struct code_reference *reference = take_reference(printer, number);

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		print_wide(printer, insn, reference);
		break;
	case BPF_LDX:
		fprintf(printer->out, "r%u = *(%s *)(r%u %+d)", insn->dst_reg, size_name(insn->code), insn->src_reg, insn->off);
		break;
	case BPF_ST:
		fprintf(printer->out, "*(%s *)(r%u %+d) = %d", size_name(insn->code), insn->dst_reg, insn->off, insn->imm);
		break;
	case BPF_STX:
		fprintf(printer->out, "%s*(%s *)(r%u %+d) %s r%u", BPF_MODE(insn->code) == BPF_ATOMIC ? "lock " : "",
			size_name(insn->code), insn->dst_reg, insn->off, BPF_MODE(insn->code) == BPF_ATOMIC ? "+=" : "=",
			insn->src_reg);
		break;
	case BPF_ALU:
	case BPF_ALU64:
		print_calculation(printer, insn, reference);
		break;
	default:
		print_jump(printer, insn, number, reference);
	}
}

void code_print_instruction(const struct code *code, uint32_t instruction, FILE *out)
{
	struct printer printer = { .code = code, .out = out, .function = code->functions };
	uint32_t low = 0, high = code->reference_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (code->references[middle].instruction < instruction)
			low = middle + 1;
		else
			high = middle;
	}
	printer.next_reference = low;
	print_instruction(&printer, instruction);
}

void code_print_function(const struct code *code, uint32_t function, FILE *out)
{
	struct printer printer = { .code = code, .out = out };

	print_function_name(&printer, &code->functions[function]);
}

static void print_line(struct printer *printer, const struct code_line *line)
{
	const struct rule *rule = &printer->code->tree->rules->rules[line->rule];

	if (rule->place.line)
		fprintf(printer->out, "; line %u: %s\n", rule->place.line, rule->text);
	else
		fprintf(printer->out, "; %s\n", rule->text);
}

static void print_look_up(struct printer *printer, const struct code_look_up *look_up)
{
	uint32_t set = printer->code->tree->rules->dimensions[look_up->dimension].set;

	fprintf(printer->out, "; in %s? yes %u, no %u\n", set_name(printer, set), look_up->member - printer->function->first,
		look_up->none - printer->function->first);
}

static void print_function(struct printer *printer)
{
	const struct code *code = printer->code;
	uint32_t first = printer->function->first;

	print_function_name(printer, printer->function);
	fputs(":\n", printer->out);
	for (uint32_t i = first; i < first + printer->function->count; i++) {
		for (; printer->next_line < code->line_count && code->lines[printer->next_line].instruction == i;
		     printer->next_line++)
			print_line(printer, &code->lines[printer->next_line]);
		if (printer->next_look_up < code->look_up_count && code->look_ups[printer->next_look_up].instruction == i)
			print_look_up(printer, &code->look_ups[printer->next_look_up++]);
		fprintf(printer->out, "%6u  ", i - first);
		print_instruction(printer, i);
		fputc('\n', printer->out);
		if (code->instructions[i].code == (BPF_LD | BPF_DW | BPF_IMM))
			i++; /* its second half */
	}
}

void code_print(const struct code *code, FILE *out)
{
	struct printer printer = { .code = code, .out = out };

	for (uint32_t i = 0; i < code->function_count; i++) {
		printer.function = &code->functions[i];
		print_function(&printer);
	}
	for (uint32_t i = 0; i < code->data_count; i++)
		fprintf(out, "map %s: %u elements of %u bytes\n", code->data[i].name, code->data[i].count,
			code->data[i].value_size);
}
