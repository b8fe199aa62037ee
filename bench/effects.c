// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an action adds to a packet, by BPF_PROG_TEST_RUN: a chain of one rule that meets every packet, with each statement and
 * verdict in turn, beside the same rule with `accept` alone (the floor of these rows).
 *
 *	effects ROUNDS
 *
 * They take turns, each in many short runs, and the best run of each counts.
 */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "load_policy.h"
#include "rows.h"

#define REPEAT 20000

static struct measured {
	const char *hook, *rule;
	uint32_t best; /* ns a packet */
	struct loaded_policy policy;
} subjects[] = {
	{ .hook = "tc egress", .rule = "accept" },
	{ .hook = "tc egress", .rule = "accept final" },
	{ .hook = "tc egress", .rule = "meta mark set 7 accept" },
	{ .hook = "tc egress", .rule = "meta priority set 1:10 accept" },
	{ .hook = "tc egress", .rule = "meta mark set 7 meta priority set 1:mark accept" },
	{ .hook = "tc egress", .rule = "counter by meta mark accept" },
	{ .hook = "xdp ingress", .rule = "accept" },
	{ .hook = "xdp ingress", .rule = "bounce" },
	{ .hook = "xdp ingress", .rule = "fwd to lo" },
};

#define COUNT (sizeof(subjects) / sizeof(subjects[0]))

static bool load(struct measured *subject)
{
	struct code_options options = { .long_jump = kernel_features()->long_jump };
	char text[256];

	snprintf(text, sizeof(text), "chain c {\n\thook %s on eth0\n\ttcp dport 80 %s\n}\n", subject->hook, subject->rule);
	if (policy_load("effects.weir", text, &options, &subject->policy))
		return true;
	diagnostics_print(&subject->policy.diagnostics, stderr, false);
	return false;
}

static bool run(struct measured *subject)
{
	uint8_t packet[64] = { 2, 0, 0,	 0, 0, 2, 2,  0, 0, 0, 0,    1,	   8, 0,  0x45, 0, 0, 50, 0, 1, 0, 0, 64,   6,
			       0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 80, 0,	0, 0, 1,  0, 0, 0, 0, 0x50, 2 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof(packet), .repeat = REPEAT);

	if (bpf_prog_test_run_opts(subject->policy.chains[0].program_fd, &options))
		return false;
	if (!subject->best || options.duration < subject->best)
		subject->best = options.duration;
	return true;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 15;
	uint32_t floor = 0;
	bool fine = true;

	for (size_t i = 0; i < COUNT && fine; i++)
		fine = load(&subjects[i]);
	for (int round = 0; round < rounds && fine; round++)
		for (size_t i = 0; i < COUNT && fine; i++)
			fine = run(&subjects[i]);
	for (size_t i = 0; i < COUNT; i++) {
		if (strcmp(subjects[i].rule, "accept") == 0)
			floor = subjects[i].best;
		if (fine)
			row("effects", subjects[i].hook, subjects[i].rule, subjects[i].best, floor);
		if (subjects[i].policy.arena)
			policy_unload(&subjects[i].policy);
	}
	return !fine;
}
