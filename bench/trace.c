// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nanoseconds that classify() takes, on flows drawn from the rules of a policy:
 *
 *	hot	one flow over and over: every branch is predicted, everything is in the nearest cache
 *	zipf	4,096 flows, of which the nth comes 1/n times as often as the first
 *	uniform	65,536 flows, a rule for each drawn from all alike
 *
 *	trace [--form=FORM] [--tune] ROUNDS TEMPLATE POLICY...
 *
 * TEMPLATE: build/bench/trace-LAYER.bpf.o; the chain's hook must be of that layer. FORM: fits, code, data, tables, vectors.
 * With --tune a policy is compiled anew with the counts that its rules have of its Zipf trace, as `weir apply --tune` does.
 *
 * The first policy is what the others are measured against; it should have no rules. The trace of each of the others is run
 * through both, in turns, and the best round of each counts.
 */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compile.h"
#include "draw.h"
#include "kernel/load.h"
#include "load_policy.h"
#include "memory.h"
#include "rows.h"
#include "rules/packet.h"

#define FLOWS	   65536 /* as in trace.bpf.c */
#define ZIPF_FLOWS 4096

struct trace_subject {
	const char *name;
	struct arena *arena;
	const struct compiled *compiled;
	struct loaded_chain loaded;
	struct weir_flow *flows; /* shared with the program */
	uint32_t best;		 /* ns a packet, of the trace that is measured now */
};

struct measuring {
	int rounds;
	bool tune;
	struct code_options options;
	const void *template;
	size_t template_size;
};

enum trace_kind { TRACE_HOT, TRACE_ZIPF, TRACE_UNIFORM, TRACE_COUNT };
static const char *const trace_names[] = { "hot", "zipf", "uniform" };

/* ---- Loading ---- */

static bool load_subject(const char *file, const struct measuring *measuring, struct trace_subject *subject)
{
	struct source source = { .name = file };
	struct diagnostics diagnostics;
	struct load_request request = { .chain_id = 1,
					.counters_fd = -1,
					.events_fd = -1,
					.owners_fd = -1,
					.template = measuring->template,
					.template_size = measuring->template_size };

	subject->name = file;
	subject->arena = arena_new();
	diagnostics_init(&diagnostics, subject->arena);
	source.text = map_file(file, &source.length);
	if (source.text)
		subject->compiled =
			compile(subject->arena, host_system(), &source, "measured", &measuring->options, &diagnostics);
	if (subject->compiled) {
		request.code = subject->compiled->chains[0].code;
		if (kernel_load(&request, &subject->loaded, &diagnostics) == 0)
			subject->flows = map_memory(subject->loaded.program_fd, "trace_flows", FLOWS * sizeof(struct weir_flow));
	}
	if (!subject->flows)
		diagnostics_print(&diagnostics, stderr, false);
	return subject->flows;
}

static void unload_subject(struct trace_subject *subject)
{
	if (subject->flows) {
		munmap(subject->flows, FLOWS * sizeof(*subject->flows));
		loaded_chain_close(&subject->loaded);
	}
	arena_free(subject->arena);
}

/* ---- Traces ---- */

/* COUNT flows, each within a rule drawn from all alike. */
static void draw_flows(const struct rule_list *list, struct weir_flow *flows, uint32_t count)
{
	static const struct packet_context context = { .iif = 1 };
	bool ipv6 = speaks_of_ipv6(list);
	uint32_t rules = list->rule_count - 2; /* without weir's own */
	uint64_t state = 1;

	for (uint32_t i = 0; i < count; i++) {
		const struct rule *rule = &list->rules[next_number(&state) % rules];
		struct bounds bounds = pack_rule(list, &rule->boxes[0], ipv6);
		uint8_t frame[FRAME_BYTES];

		draw_within(&bounds, &state, frame);
		packet_parse(WEIR_HOOK_XDP_INGRESS, &context, frame, sizeof(frame), &flows[i]);
	}
}

/* Which of COUNT flows comes each time, the nth with a weight of 1/n. */
static void draw_zipf(const struct weir_flow *from, struct weir_flow *flows)
{
	double *sums = calloc(ZIPF_FLOWS, sizeof(*sums)), sum = 0;
	uint64_t state = 2;

	for (uint32_t i = 0; i < ZIPF_FLOWS; i++)
		sums[i] = sum += 1.0 / (i + 1);
	for (uint32_t i = 0; i < FLOWS; i++) {
		double point = (double)(next_number(&state) >> 11) / (double)(1ull << 53) * sum;
		uint32_t low = 0, high = ZIPF_FLOWS - 1;

		while (low < high) {
			uint32_t middle = (low + high) / 2;

			if (sums[middle] < point)
				low = middle + 1;
			else
				high = middle;
		}
		flows[i] = from[low];
	}
	free(sums);
}

static void write_trace(const struct rule_list *list, enum trace_kind trace, struct weir_flow *flows)
{
	struct weir_flow *drawn = calloc(ZIPF_FLOWS, sizeof(*drawn));

	if (trace == TRACE_UNIFORM) {
		draw_flows(list, flows, FLOWS);
	} else {
		draw_flows(list, drawn, trace == TRACE_HOT ? 1 : ZIPF_FLOWS);
		if (trace == TRACE_ZIPF)
			draw_zipf(drawn, flows);
		for (uint32_t i = 0; trace == TRACE_HOT && i < FLOWS; i++)
			flows[i] = drawn[0];
	}
	free(drawn);
}

/* ---- Tuning ---- */

static uint64_t counted(void *context, const struct policy_chain *chain, const struct rule *rule)
{
	(void)chain;
	return ((const uint64_t *)context)[rule->slot];
}

/* Count what each rule decides of the Zipf trace, and load the policy anew, tuned by that. */
static bool load_tuned(struct measuring *measuring, struct trace_subject *subject)
{
	const struct compiled_chain *chain = &subject->compiled->chains[0];
	uint64_t *packets = calloc(WEIR_SLOT_FIRST_RULE + chain->rules->rule_count, sizeof(*packets));
	struct measuring again = *measuring;
	const char *file = subject->name;
	bool fine;

	write_trace(chain->rules, TRACE_ZIPF, subject->flows);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct judged_packet packet = { .flow = &subject->flows[i] };
		struct judgement judgement = { 0 };

		tree_judge(chain->tree, &packet, rules_answer, (void *)chain->rules, &judgement);
		packets[chain->rules->rules[judgement.decided].slot]++;
	}
	unload_subject(subject);
	*subject = (struct trace_subject){ 0 };
	again.options.tree.packets = counted;
	again.options.tree.packets_context = packets;
	fine = load_subject(file, &again, subject);
	free(packets);
	return fine;
}

/* ---- Measuring ---- */

static bool run(struct trace_subject *subject)
{
	uint8_t packet[64] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0xb5 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet), .repeat = FLOWS);

	if (bpf_prog_test_run_opts(subject->loaded.program_fd, &options)) {
		perror(subject->name);
		return false;
	}
	if (!subject->best || options.duration < subject->best)
		subject->best = options.duration;
	return true;
}

static bool measure(struct trace_subject *empty, struct trace_subject *subject, const struct measuring *measuring)
{
	const struct rule_list *list = subject->compiled->chains[0].rules;
	char *name = strdup(subject->name), what[128];
	bool fine = true;

	snprintf(what, sizeof(what), "%s %.*s%s", hook_name(list->hook), (int)strcspn(basename(name), "."), basename(name),
		 measuring->tune ? " tuned" : "");
	for (enum trace_kind trace = 0; trace < TRACE_COUNT && fine; trace++) {
		write_trace(list, trace, subject->flows);
		memcpy(empty->flows, subject->flows, FLOWS * sizeof(*empty->flows));
		empty->best = subject->best = 0;
		for (int i = 0; i < measuring->rounds && fine; i++)
			fine = run(empty) && run(subject);
		if (fine)
			row("rules", what, trace_names[trace], subject->best, empty->best);
	}
	free(name);
	return fine;
}

int main(int argc, char **argv)
{
	struct measuring measuring = { .options.long_jump = kernel_features()->long_jump };
	struct trace_subject empty = { 0 };
	bool fine = true;
	int first = 1;

	for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++) {
		if (strcmp(argv[first], "--tune") == 0)
			measuring.tune = true;
		else
			fine &= strncmp(argv[first], "--form=", 7) == 0 && policy_form(argv[first] + 7, &measuring.options);
	}
	if (!fine || argc < first + 4) {
		fputs("usage: trace [--form=FORM] [--tune] ROUNDS TEMPLATE EMPTY-POLICY POLICY...\n", stderr);
		return 1;
	}
	measuring.rounds = atoi(argv[first]);
	measuring.template = map_file(argv[first + 1], &measuring.template_size);
	fine = measuring.template && load_subject(argv[first + 2], &measuring, &empty);
	for (int i = first + 3; i < argc && fine; i++) {
		struct trace_subject subject = { 0 };

		fine = load_subject(argv[i], &measuring, &subject) && (!measuring.tune || load_tuned(&measuring, &subject)) &&
		       measure(&empty, &subject, &measuring);
		unload_subject(&subject);
	}
	if (empty.arena)
		unload_subject(&empty);
	return !fine;
}
