// SPDX-License-Identifier: GPL-2.0-only
/* The generated code of a chain for the debugger. */
#include <inttypes.h>
#include <string.h>

#include "report/why.h"
#include "step/ebpf.h"
#include "step/step.h"

struct gone_through {
	const struct compiled_chain *chain;
	struct ebpf_machine *machine;
	struct weir_flow flow;
	struct packet_context context;
	struct judged_packet packet;
	uint64_t before[11];
	uint32_t passed_before;
};

static const char *begin(void *context, const struct why_packet *packet)
{
	struct gone_through *through = context;
	enum weir_hook hook = through->chain->rules->hook;
	const char *unseen;

	through->context = packet->context;
	through->packet = (struct judged_packet){ &through->flow, &through->context, packet->data, packet->length };
	unseen = why_packet_at_hook(hook, &through->context, &through->packet.data, &through->packet.length);
	if (unseen)
		return unseen;
	packet_parse(hook, &through->context, through->packet.data, through->packet.length, &through->flow);
	ebpf_begin(through->machine, &through->packet);
	memcpy(through->before, through->machine->registers, sizeof(through->before));
	through->passed_before = 0;
	return NULL;
}

static bool step(void *context)
{
	struct gone_through *through = context;

	memcpy(through->before, through->machine->registers, sizeof(through->before));
	through->passed_before = through->machine->passed_count;
	return ebpf_step(through->machine);
}

static uint32_t at(void *context)
{
	return ((struct gone_through *)context)->machine->at;
}

/* The name of a function before its first instruction, of a set before a look-up that stands here. */
static void print_heading(const struct code *code, uint32_t at, FILE *out)
{
	for (uint32_t i = 0; i < code->function_count; i++)
		if (code->functions[i].first == at) {
			code_print_function(code, i, out);
			fputs(": ", out);
		}
	for (uint32_t i = 0; i < code->look_up_count; i++)
		if (code->look_ups[i].instruction == at)
			fprintf(out, "in %s? ", code->tree->rules->sets[code->tree->rules->dimensions[code->look_ups[i].dimension].set].name);
}

static void print_rule(const struct code *code, uint32_t at, FILE *out)
{
	for (uint32_t i = 0; i < code->line_count; i++) {
		const struct rule *rule = &code->tree->rules->rules[code->lines[i].rule];

		if (code->lines[i].instruction == at)
			fprintf(out, "    ; %s", rule->text);
	}
}

static bool print_instruction(void *context, uint32_t instruction, FILE *out)
{
	const struct code *code = ((struct gone_through *)context)->chain->code;

	if (code->instructions[instruction].code == 0)
		return false; /* the second half of a wide one */
	print_heading(code, instruction, out);
	code_print_instruction(code, instruction, out);
	print_rule(code, instruction, out);
	return true;
}

/* A register in words: an address by what lies there. */
static void print_value(const struct gone_through *through, uint64_t value, FILE *out)
{
	const struct ebpf_machine *machine = through->machine;
	uint64_t flow = (uint64_t)&machine->flow, data = (uint64_t)through->packet.data;

	if (value == 0x00010000)
		fputs("ctx", out);
	else if (value >= flow && value < flow + sizeof(machine->flow))
		fprintf(out, "flow + %" PRIu64, value - flow);
	else if (data && value >= data && value <= data + through->packet.length)
		fprintf(out, "packet + %" PRIu64, value - data);
	else if (value >= (uint64_t)machine->frames && value <= (uint64_t)(machine->frames + EBPF_FRAMES))
		fprintf(out, "stack %" PRId64, (int64_t)(value - machine->registers[BPF_REG_10]));
	else if (value == EBPF_UNKNOWN)
		fputs("unknown", out);
	else
		fprintf(out, "0x%" PRIx64, value);
}

static void print_registers(void *context, FILE *out)
{
	const struct gone_through *through = context;

	for (int i = 0; i <= BPF_REG_10; i++) {
		fprintf(out, "r%-3d ", i);
		print_value(through, through->machine->registers[i], out);
		fputc('\n', out);
	}
}

static void print_changes(void *context, FILE *out)
{
	const struct gone_through *through = context;

	for (int i = 0; i < BPF_REG_10; i++) {
		if (through->machine->registers[i] == through->before[i] || through->machine->registers[i] == EBPF_UNKNOWN)
			continue;
		fprintf(out, " r%d = ", i);
		print_value(through, through->machine->registers[i], out);
	}
	if (through->machine->passed_count != through->passed_before) {
		uint32_t rule = ebpf_rule_of(through->chain->rules, through->machine->passed[through->passed_before]);

		fprintf(out, " passed: %s", through->chain->rules->rules[rule].text);
	}
}

static void print_result(void *context, FILE *out)
{
	const struct gone_through *through = context;
	uint32_t outcome = (uint32_t)through->machine->registers[BPF_REG_0], index;
	const struct rule *rule;

	if (through->machine->fault) {
		fprintf(out, "fault: %s\n", through->machine->fault);
		return;
	}
	index = ebpf_rule_of(through->chain->rules, outcome);
	rule = &through->chain->rules->rules[index < through->chain->rules->rule_count ? index : 0];
	fprintf(out, "returns 0x%08x: ", outcome);
	if (rule->place.line)
		fprintf(out, "%s:%u: ", rule->place.source->name, rule->place.line);
	fprintf(out, "%s\n", rule->text);
}

static bool matched(void *context)
{
	const struct gone_through *through = context;
	uint32_t outcome = (uint32_t)through->machine->registers[BPF_REG_0];

	return !through->machine->fault &&
	       (outcome & WEIR_OUTCOME_VERDICT_MASK) != WEIR_VERDICT_DROP << WEIR_OUTCOME_VERDICT_SHIFT;
}

struct step_program step_chain(struct arena *arena, const struct compiled *compiled, uint32_t chain)
{
	struct gone_through *through = arena_new_object(arena, struct gone_through);

	through->chain = &compiled->chains[chain];
	through->machine = ebpf_new(arena, through->chain->code);
	return (struct step_program){
		.title = arena_printf(arena, "chain %s (%s)", compiled->policy->chains[chain].name,
				      hook_name(compiled->policy->chains[chain].hook)),
		.count = through->chain->code->instruction_count,
		.context = through,
		.begin = begin,
		.step = step,
		.at = at,
		.print_instruction = print_instruction,
		.print_registers = print_registers,
		.print_changes = print_changes,
		.print_result = print_result,
		.matched = matched,
	};
}
