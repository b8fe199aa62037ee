// SPDX-License-Identifier: GPL-2.0-only
/* A program of classic BPF for the debugger. */
#include "rules/rules.h"
#include "step/step.h"

struct gone_through {
	struct arena *arena;
	const struct classic_program *program;
	enum classic_link link;
	struct classic_machine machine, before;
	struct classic_packet packet;
	struct weir_flow flow;
	struct packet_context context;
};

/* tc ingress knows most of what is beside a packet's bytes. */
static const char *begin(void *context, const struct why_packet *packet)
{
	struct gone_through *through = context;
	struct judged_packet judged = { &through->flow, &through->context, packet->data, packet->length };
	size_t strip;

	through->context = packet->context;
	packet_parse(WEIR_HOOK_TC_INGRESS, &through->context, packet->data, packet->length, &through->flow);
	if (packet->context.raw_ip && through->link == CLASSIC_ETHERNET)
		return "it has no Ethernet header, and the program is for EN10MB";
	if (!packet->context.raw_ip && through->link == CLASSIC_RAW) {
		strip = predicate_packet(WEIR_HOOK_TC_INGRESS, &judged).network;
		if (through->flow.network < WEIR_NETWORK_IPV4 || strip > packet->length)
			return "it has no IP header, and the program is for RAW";
		judged.data += strip;
		judged.length -= strip;
		through->context.raw_ip = true;
		packet_parse(WEIR_HOOK_TC_INGRESS, &through->context, judged.data, judged.length, &through->flow);
	}
	through->packet = predicate_packet(WEIR_HOOK_TC_INGRESS, &judged);
	classic_begin(&through->machine, through->program, &through->packet);
	through->before = through->machine;
	return NULL;
}

static bool step(void *context)
{
	struct gone_through *through = context;

	through->before = through->machine;
	return classic_step(&through->machine);
}

static uint32_t at(void *context)
{
	return ((struct gone_through *)context)->machine.at;
}

static bool print_instruction(void *context, uint32_t instruction, FILE *out)
{
	struct gone_through *through = context;

	fputs(classic_print_instruction(through->arena, through->program, instruction), out);
	return true;
}

static void print_registers(void *context, FILE *out)
{
	const struct classic_machine *machine = &((struct gone_through *)context)->machine;

	fprintf(out, "A     0x%08x %u\nX     0x%08x %u\n", machine->a, machine->a, machine->x, machine->x);
	for (unsigned i = 0; i < BPF_MEMWORDS; i++)
		if (machine->memory[i])
			fprintf(out, "M[%u]%s 0x%08x %u\n", i, i < 10 ? " " : "", machine->memory[i], machine->memory[i]);
}

static void print_changes(void *context, FILE *out)
{
	const struct gone_through *through = context;
	const struct classic_machine *now = &through->machine, *before = &through->before;

	if (now->a != before->a)
		fprintf(out, " A = 0x%x", now->a);
	if (now->x != before->x)
		fprintf(out, " X = 0x%x", now->x);
	for (unsigned i = 0; i < BPF_MEMWORDS; i++)
		if (now->memory[i] != before->memory[i])
			fprintf(out, " M[%u] = 0x%x", i, now->memory[i]);
}

static void print_result(void *context, FILE *out)
{
	const struct classic_machine *machine = &((struct gone_through *)context)->machine;

	if (BPF_CLASS(machine->program->instructions[machine->at].code) != BPF_RET)
		fputs("ends before a return: a load past the packet's end, or a division by zero\n", out);
	fprintf(out, "returns %u: %s\n", machine->result, machine->result ? "match" : "no match");
}

static bool matched(void *context)
{
	return ((struct gone_through *)context)->machine.result != 0;
}

struct step_program step_classic(struct arena *arena, const struct classic_program *program, enum classic_link link)
{
	struct gone_through *through = arena_new_object(arena, struct gone_through);

	through->arena = arena;
	through->program = program;
	through->link = link;
	return (struct step_program){
		.title = arena_printf(arena, "classic BPF for %s", classic_link_name(link)),
		.count = program->count,
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
