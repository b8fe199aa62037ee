// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nanoseconds a packet, by BPF_PROG_TEST_RUN, of a chain of N rules on each hook, and of the floor: a program of
 * the same type that only says drop. The packet, 64 bytes of TCP, is dropped by the rule in the middle.
 *
 *	test_run ROUNDS RULES...
 *
 * Floor and subjects take turns, each in many short runs, and the best run of each counts: what other programs on the machine
 * take away is noise that only ever adds.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code/instructions.h"
#include "rows.h"
#include "load_policy.h"

#define MOST_MEASURED 16
#define REPEAT	      20000

struct measured {
	uint32_t rules;
	bool is_floor;
	int fd;
	uint32_t best; /* ns a packet */
	uint8_t packet[64];
	struct loaded_policy policy;
};

struct hook_case {
	const char *words, *target;
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
	uint32_t drop;
};

static const struct hook_case hooks[] = {
	{ "xdp ingress", "lo", BPF_PROG_TYPE_XDP, BPF_XDP, XDP_DROP },
	{ "tc ingress", "lo", BPF_PROG_TYPE_SCHED_CLS, 0, TC_ACT_SHOT },
	{ "tc egress", "lo", BPF_PROG_TYPE_SCHED_CLS, 0, TC_ACT_SHOT },
	{ "cgroup ingress", "\"/\"", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, 0 },
	{ "cgroup egress", "\"/\"", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, 0 },
};

/* Addresses that do not follow each other. */
static uint32_t rule_address(uint32_t rule)
{
	return 0x0a000000 | ((rule + 1) * 2654435761u & 0xffffff);
}

static uint32_t rule_port(uint32_t rule)
{
	return 1 + rule % 60000;
}

static char *write_policy(const struct hook_case *hook, uint32_t rules)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "chain measured {\n\thook %s on %s\n\tpolicy %s\n", hook->words, hook->target, rules ? "accept" : "drop");
	for (uint32_t i = 0; i < rules; i++)
		fprintf(out, "\tip saddr %u.%u.%u.%u tcp dport %u drop\n", rule_address(i) >> 24, rule_address(i) >> 16 & 255,
			rule_address(i) >> 8 & 255, rule_address(i) & 255, rule_port(i));
	fputs("}\n", out);
	fclose(out);
	return text;
}

static void write_packet(uint8_t packet[64], uint32_t rule)
{
	static const uint8_t frame[64] = {
		2, 0, 0,  0, 0, 2, 2,  0, 0, 0, 0,    1,    8, 0,  0x45, 0, 0, 50, 0, 1, 0, 0, 64,   6,
		0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 80, 0,	 0, 0, 1,  0, 0, 0, 0, 0x50, 2
	};

	memcpy(packet, frame, sizeof(frame));
	for (int i = 0; i < 4; i++)
		packet[26 + i] = rule_address(rule) >> (24 - 8 * i);
	packet[36] = rule_port(rule) >> 8;
	packet[37] = rule_port(rule) & 255;
}

/* The floor: return the drop. */
static bool load_floor(const struct hook_case *hook, struct measured *subject)
{
	struct bpf_insn instructions[] = { move_constant(BPF_REG_0, hook->drop), instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0) };
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = hook->attach_type);

	subject->is_floor = true;
	subject->fd = bpf_prog_load(hook->type, "floor", "GPL", instructions, 2, &options);
	write_packet(subject->packet, 0);
	return subject->fd >= 0;
}

static bool load_rules(const struct hook_case *hook, uint32_t rules, struct measured *subject)
{
	char *text = write_policy(hook, rules);
	struct code_options options = { .long_jump = kernel_features()->long_jump };
	bool loaded = policy_load("measured.weir", text, &options, &subject->policy);

	subject->rules = rules;
	subject->fd = -1;
	if (loaded)
		subject->fd = subject->policy.chains[0].program_fd;
	else
		diagnostics_print(&subject->policy.diagnostics, stderr, false);
	write_packet(subject->packet, rules / 2);
	free(text);
	return loaded;
}

static bool run(const struct hook_case *hook, struct measured *subject, uint32_t repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = subject->packet, .data_size_in = sizeof(subject->packet),
		    .repeat = repeat);

	if (bpf_prog_test_run_opts(subject->fd, &options) || options.retval != hook->drop) {
		fprintf(stderr, "%s, %u rules: returned %u, not %u\n", hook->words, subject->rules, options.retval, hook->drop);
		return false;
	}
	if (!subject->best || options.duration < subject->best)
		subject->best = options.duration;
	return true;
}

static bool measure_hook(const struct hook_case *hook, int rounds, const uint32_t *rules, int count)
{
	struct measured subjects[MOST_MEASURED] = { 0 };
	bool fine = load_floor(hook, &subjects[0]);
	char variant[32];

	for (int i = 0; i < count && fine; i++)
		fine = load_rules(hook, rules[i], &subjects[i + 1]);
	for (int round = 0; round < rounds && fine; round++)
		for (int i = 0; i <= count && fine; i++)
			fine = run(hook, &subjects[i], REPEAT);
	if (fine)
		row("test-run", hook->words, "floor", subjects[0].best, subjects[0].best);
	for (int i = 1; i <= count; i++) {
		snprintf(variant, sizeof(variant), "%u rules", subjects[i].rules);
		if (fine)
			row("test-run", hook->words, variant, subjects[i].best, subjects[0].best);
		if (subjects[i].policy.arena)
			policy_unload(&subjects[i].policy);
	}
	close(subjects[0].fd);
	return fine;
}

int main(int argc, char **argv)
{
	uint32_t rules[MOST_MEASURED];
	int count = argc - 2;
	bool fine = true;

	if (argc < 3 || count >= MOST_MEASURED) {
		fputs("usage: test_run ROUNDS RULES...\n", stderr);
		return 1;
	}
	for (int i = 0; i < count; i++)
		rules[i] = (uint32_t)atoi(argv[i + 2]);
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		fine &= measure_hook(&hooks[i], atoi(argv[1]), rules, count);
	return !fine;
}
