// SPDX-License-Identifier: GPL-2.0-only
/*
 * What matches on HTTP add to a packet: nanoseconds by BPF_PROG_TEST_RUN of a chain with such a rule, and of the same chain
 * without it, for packets that are no request, and that are one; and for packets that are made to take long.
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

#define REPEAT	       20000
#define REPEAT_SLOW    100
#define ROUNDS_SLOW    20   /* at most */
#define HEADERS	       54   /* Ethernet, IPv4, TCP */
#define PAYLOAD_COMMON 1460 /* what an Ethernet frame of 1,500 bytes holds */
#define PAYLOAD_REACH  2048 /* as far as weir reads */

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

/* Payloads made to be read byte by byte to their end: FIRST, then PART until it is full, and LAST at its end. */
static const struct {
	const char *name, *first, *part, *last;
} attacks[] = {
	{ "letters without a blank", "", "A", "" },
	{ "path of %41%41", "GET /", "%41", "" },
	{ "path of /a/../", "GET /", "a/../", "" },
	{ "path of long parts and /../", "GET /",
	  "%41aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/../", "" },
	{ "lines of one letter, Host: [::1]", "GET / HTTP/1.1\n", "a\n", "\nHost: [::1]\n\n" },
};
#define ATTACKS (sizeof(attacks) / sizeof(attacks[0]))

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

struct measured {
	const char *bench, *name;
	const uint8_t *data;
	size_t length;
	uint32_t repeat;
};

static bool measure(const struct hook_case *hook, const struct loaded_policy *policies, int rounds, const struct measured *packet)
{
	uint32_t best[SUBJECT_ROWS] = { 0 };
	char name[128];

	for (int round = 0; round < rounds; round++)
		for (size_t i = 0; i < SUBJECT_ROWS; i++) {
			LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet->data, .data_size_in = (uint32_t)packet->length,
				    .repeat = (int)packet->repeat);

			if (bpf_prog_test_run_opts(policies[i].chains[0].program_fd, &options))
				return false;
			if (!best[i] || options.duration < best[i])
				best[i] = options.duration;
		}
	snprintf(name, sizeof(name), "%s, %s", hook->words, packet->name);
	for (size_t i = 0; i < SUBJECT_ROWS; i++)
		row(packet->bench, name, subjects[i].name, best[i], best[0]);
	return true;
}

static struct measured request(struct arena *arena, const char *words, struct diagnostics *diagnostics)
{
	struct measured made = { .bench = "http", .repeat = REPEAT };
	struct packet_context context;

	if (packet_from_words(arena, words, &made.data, &made.length, &context, diagnostics))
		made.data = NULL;
	return made;
}

static struct measured attack(struct arena *arena, size_t index, size_t payload, struct diagnostics *diagnostics)
{
	const char *begin = attacks[index].first, *part = attacks[index].part, *end = attacks[index].last;
	size_t first = strlen(begin), last = strlen(end);
	struct measured made = request(
		arena, arena_printf(arena, "tcp 10.0.0.1:1234 > 10.0.0.2:80 ack length %zu", HEADERS + payload), diagnostics);
	uint8_t *data;

	if (!made.data)
		return made;
	made.bench = "http-slow";
	made.name = arena_printf(arena, "%zu bytes, %s", payload, attacks[index].name);
	made.repeat = REPEAT_SLOW;
	made.data = data = arena_copy(arena, made.data, made.length);
	data += made.length - payload;
	for (size_t i = 0; i < payload; i++)
		data[i] = (uint8_t)(i < first ? begin[i] : part[(i - first) % strlen(part)]);
	memcpy(data + payload - last, end, last);
	return made;
}

static bool measure_hook(struct arena *arena, const struct hook_case *hook, int rounds, struct diagnostics *diagnostics)
{
	struct loaded_policy policies[SUBJECT_ROWS] = { 0 };
	bool fine = true;

	for (size_t i = 0; i < SUBJECT_ROWS && fine; i++) {
		struct code_options options = { .long_jump = kernel_features()->long_jump };
		char *text = write_policy(hook, i);

		fine = policy_load("measured.weir", text, &options, &policies[i]);
		if (!fine)
			diagnostics_print(&policies[i].diagnostics, stderr, false);
		free(text);
	}
	for (size_t p = 0; p < PACKETS && fine; p++) {
		struct measured measured = request(arena, packets[p].words, diagnostics);

		measured.name = packets[p].name;
		fine = measured.data && measure(hook, policies, rounds, &measured);
	}
	for (size_t a = 0; a < 2 * ATTACKS && fine; a++) {
		struct measured measured = attack(arena, a % ATTACKS, a < ATTACKS ? PAYLOAD_COMMON : PAYLOAD_REACH, diagnostics);

		fine = measured.data && measure(hook, policies, rounds < ROUNDS_SLOW ? rounds : ROUNDS_SLOW, &measured);
	}
	for (size_t i = 0; i < SUBJECT_ROWS; i++)
		if (policies[i].arena)
			policy_unload(&policies[i]);
	return fine;
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct diagnostics diagnostics;
	bool fine = argc == 2;

	diagnostics_init(&diagnostics, arena);
	for (size_t h = 0; h < sizeof(hooks) / sizeof(hooks[0]) && fine; h++)
		fine = measure_hook(arena, &hooks[h], atoi(argv[1]), &diagnostics);
	diagnostics_print(&diagnostics, stderr, false);
	arena_free(arena);
	return fine ? 0 : 1;
}
