// SPDX-License-Identifier: GPL-2.0-only
/* Chains whose rules match alike have one tree between them; each is judged as if it stood alone. */
#include <stdlib.h>

#include "../check/machine.h"
#include "../../tap.h"
#include "base/cleanup.h"
#include "compile.h"

#define A     "ip saddr @bad drop\n"
#define B     "ip saddr 10.0.0.0/8 tcp dport { 22, 80-90 } log\n"
#define C     "udp sport != 53 ip daddr 10.1.0.0/16 accept\n"
#define D     "tcp flags & (syn | ack) == syn drop\n udp sport 7 drop\n"
#define RULES A B C D
#define SETS  "set bad { type ipv4_addr; elements = { 192.0.2.1 } }\nset other { type ipv4_addr; elements = { 192.0.2.2 } }\n"
#define TC    "chain t { hook tc ingress on eth0\n"

static uint64_t packets_by_chain(void *context, const struct policy_chain *chain, const struct rule *rule)
{
	(void)context;
	return chain->name[0] == 't' ? rule->slot : 1;
}

static const struct compiled *compile_text(struct arena *arena, const char *text, bool tuned)
{
	const struct code_options options = { .tree = { .packets = tuned ? packets_by_chain : NULL } };
	struct source source = { "alike.weir", text, strlen(text) };
	const struct compiled *compiled;
	struct diagnostics diagnostics;

	diagnostics_init(&diagnostics, arena);
	compiled = compile(arena, &machine, arena_copy(arena, &source, sizeof(source)), NULL, &options, &diagnostics);
	if (!compiled)
		diagnostics_print(&diagnostics, stdout, false);
	return compiled;
}

/* Trees and instructions of a chain, without its lines. */
static const char *print(struct arena *arena, const struct compiled_chain *chain)
{
	char *text = NULL;
	const char *kept;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (uint32_t i = 0; i < chain->code->instruction_count; i++) {
		code_print_instruction(chain->code, i, out);
		fputc('\n', out);
	}
	for (uint32_t i = 0; i < chain->tree->node_count; i++)
		fprintf(out, "%u %llu %u %u\n", chain->tree->nodes[i].dimension, (unsigned long long)chain->tree->nodes[i].bound,
			chain->tree->nodes[i].low, chain->tree->nodes[i].high);
	fclose(out);
	kept = arena_strdup(arena, text);
	free(text);
	return kept;
}

/* Have a chain with RULES and one at tc that goes on with TEXT one tree? */
static bool share(struct arena *arena, const char *text, bool tuned)
{
	const char *policy = arena_printf(arena, SETS "chain x { hook xdp ingress on eth0\n" RULES "}\n" TC "%s}\n", text);
	const struct compiled *both = compile_text(arena, policy, tuned);
	const struct compiled *alone = compile_text(arena, arena_printf(arena, SETS TC "%s}\n", text), tuned);

	CHECK(both && alone);
	if (!both || !alone)
		return false;
	CHECK_TEXT(print(arena, &both->chains[1]), print(arena, &alone->chains[0]));
	CHECK(both->chains[1].tree->rules == both->chains[1].rules && both->chains[1].code->tree == both->chains[1].tree);
	return both->chains[0].tree->nodes == both->chains[1].tree->nodes;
}

TEST(the_same_rules_at_several_hooks_have_one_tree)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct compiled *compiled = compile_text(arena,
						       SETS "chain x { hook xdp ingress on eth0\n" RULES "}\n" TC
							    "ip saddr 10.0.0.1 drop\n}\n"
							    "chain e { hook tc egress on eth0\n" RULES "}\n"
							    "chain g { hook cgroup egress on \"/\"\n" RULES "}\n",
						       false);

	CHECK(compiled != NULL);
	if (!compiled)
		return;
	CHECK(compiled->chains[2].tree->nodes == compiled->chains[0].tree->nodes);
	CHECK(compiled->chains[3].tree->nodes == compiled->chains[0].tree->nodes);
	CHECK(compiled->chains[1].tree->nodes != compiled->chains[0].tree->nodes);
	CHECK(share(arena, RULES, false));
}

TEST(what_rules_do_may_differ)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	CHECK(share(arena,
		    "policy drop\n ip saddr @bad accept\n ip saddr 10.0.0.0/8 tcp dport { 22, 80-90 } log prefix \"a\" meta mark set 7\n"
		    "udp sport != 53 ip daddr 10.1.0.0/16 log drop comment \"c\"\n" D,
		    false));
}

TEST(what_they_match_may_not)
{
	static const char *const others[] = {
		"ip saddr @other drop\n" B C D,
		A B "udp sport != 54 ip daddr 10.1.0.0/16 accept\n" D,
		A "ip saddr 10.0.0.0/8 tcp dport { 22, 80-91 } log\n" C D,
		A "ip saddr 10.0.0.0/8 tcp dport { 22, 80-90, 100 } log\n" C D,
		A B C "tcp flags & (syn | fin) == syn drop\n udp sport 7 drop\n",
		A B C "tcp flags & (syn | ack) == syn drop\n udp dport 7 drop\n",
		RULES "arp drop\n",
		A B C,
		B A C D,
		"ip saddr @bad log\n" B C D, /* it goes on */
		A "ip saddr 10.0.0.0/8 tcp dport { 22, 80-90 } drop\n" C D,
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		bool shared = share(arena, others[i], false);

		if (shared)
			printf("# number %zu shares\n", i);
		CHECK(!shared);
	}
}

TEST(what_was_tuned_by_one_chain_s_packets_is_not_another_s)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	CHECK(!share(arena, RULES, true));
}

int main(void)
{
	RUN(the_same_rules_at_several_hooks_have_one_tree);
	RUN(what_rules_do_may_differ);
	RUN(what_they_match_may_not);
	RUN(what_was_tuned_by_one_chain_s_packets_is_not_another_s);
	return tap_end();
}
