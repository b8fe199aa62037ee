// SPDX-License-Identifier: GPL-2.0-only
/*
 * What matches on HTTP add to a packet: nanoseconds by BPF_PROG_TEST_RUN of a chain with such a rule, and of the same chain
 *without it, for packets that are no request, and that are one.
 *
 *	http ROUNDS
 *
 * Subjects take turns, and the best run of each counts, as in test_run.c.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "load_policy.h"
#include "rows.h"
#include "rules/packet.h"

#define REPEAT 20000
#define MOST   16

struct hook_case {
	const char *words, *target;
};

static const struct hook_case hooks[] = { { "xdp ingress", "lo" }, { "tc ingress", "lo" }, { "cgroup ingress", "\"/\"" } };

/* PATTERNS: how many paths, of which none is asked for; 0: none, and RULE stands as it is. */
static const struct {
	const char *name, *rule;
	unsigned patterns;
} subjects[] = {
	{ "without", "tcp dport 81 accept", 0 },
	{ "method", "tcp dport 80 http method { POST, DELETE } accept", 0 },
	{ "path", "tcp dport 80 http path \"/private*\" accept", 0 },
	{ "path, 100 texts", NULL, 100 },
	{ "host", "tcp dport 80 http host \"private.example.com\" accept", 0 },
};
#define SUBJECT_ROWS (sizeof(subjects) / sizeof(subjects[0]))

static const struct {
	const char *name, *words;
} packets[] = {
	{ "SYN", "tcp 10.0.0.1:1234 > 10.0.0.2:80 syn" },
	{ "no request", "tcp 10.0.0.1:1234 > 10.0.0.2:80 ack length 500" },
	{ "GET /index.html", "tcp 10.0.0.1:1234 > 10.0.0.2:80 ack http GET /index.html www.example.com" },
	{ "GET, 60 bytes", "tcp 10.0.0.1:1234 > 10.0.0.2:80 ack http GET "
			   "/a/path/of/sixty/bytes/as/applications/have/them/in/nineties.js www.example.com" },
};
#define PACKETS (sizeof(packets) / sizeof(packets[0]))

static char *write_policy(const struct hook_case *hook, size_t subject)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "chain measured {\n\thook %s on %s\n\tpolicy drop\n", hook->words, hook->target);
	if (subjects[subject].patterns) {
		fputs("\ttcp dport 80 http path { ", out);
		for (unsigned i = 0; i < subjects[subject].patterns; i++)
			fprintf(out, "%s\"/private/%u*\"", i ? ", " : "", i);
		fputs(" } accept\n", out);
	} else {
		fprintf(out, "\t%s\n", subjects[subject].rule);
	}
	fputs("}\n", out);
	fclose(out);
	return text;
}

static bool measure(const struct hook_case *hook, int rounds, const uint8_t *data, size_t length, const char *packet)
{
	struct loaded_policy policies[SUBJECT_ROWS] = { 0 };
	uint32_t best[SUBJECT_ROWS] = { 0 };
	bool fine = true;

	for (size_t i = 0; i < SUBJECT_ROWS && fine; i++) {
		struct code_options options = { .long_jump = kernel_features()->long_jump };
		char *text = write_policy(hook, i);

		fine = policy_load("measured.weir", text, &options, &policies[i]);
		if (!fine)
			diagnostics_print(&policies[i].diagnostics, stderr, false);
		free(text);
	}
	for (int round = 0; round < rounds && fine; round++)
		for (size_t i = 0; i < SUBJECT_ROWS && fine; i++) {
			LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = data, .data_size_in = (uint32_t)length,
				    .repeat = REPEAT);

			fine = bpf_prog_test_run_opts(policies[i].chains[0].program_fd, &options) == 0;
			if (!best[i] || options.duration < best[i])
				best[i] = options.duration;
		}
	for (size_t i = 0; i < SUBJECT_ROWS; i++) {
		char name[64];

		snprintf(name, sizeof(name), "%s, %s", hook->words, packet);
		if (fine)
			row("http", name, subjects[i].name, best[i], best[0]);
		if (policies[i].arena)
			policy_unload(&policies[i]);
	}
	return fine;
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct diagnostics diagnostics;
	bool fine = argc == 2;

	diagnostics_init(&diagnostics, arena);
	for (size_t h = 0; h < sizeof(hooks) / sizeof(hooks[0]) && fine; h++)
		for (size_t p = 0; p < PACKETS && fine; p++) {
			struct packet_context context;
			const uint8_t *data;
			size_t length;

			fine = packet_from_words(arena, packets[p].words, &data, &length, &context, &diagnostics) == 0 &&
			       measure(&hooks[h], atoi(argv[1]), data, length, packets[p].name);
		}
	arena_free(arena);
	return fine ? 0 : 1;
}
