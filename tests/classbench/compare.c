// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large policies judged by everyone, packet by packet: the rules one after another, the tree, and the kernel's program by
 * BPF_PROG_TEST_RUN, of which return code and the counter of the rule that should have decided are looked at.
 *
 *	compare [--packets N] [--seed N] [--form FORM] POLICY...	FORM: fits, code, data, tables, vectors
 *
 * For policies whose rules all have a verdict and one box. Packets are drawn from the rules: within them, at their ends, just
 * outside, from two rules crosswise, and at random.
 *
 * Ten thousand rules one after another would take most of the time, so they are looked through by packed bounds first, and only
 * what these let through is asked whole. One packet of SLOW_EACH goes to the evaluator itself.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../verifier/load_policy.h"
#include "draw.h"
#include "rules/intervals.h"
#include "rules/packet.h"

#define SLOW_EACH 64

struct options {
	uint64_t packets, seed;
	struct code_options code;
};

struct compared {
	const char *name;
	const struct compiled_chain *chain;
	const struct loaded_chain *loaded;
	struct bounds *bounds; /* by rule */
	uint64_t *expected;    /* by slot: packets that the kernel should have counted */
	struct weir_counter *counters;
	int cpus;
};

static bool box_holds(const struct rule_list *list, const struct box *box, const struct weir_flow *flow)
{
	for (uint32_t i = 0; i < box->count; i++) {
		const struct constraint *constraint = &box->constraints[i];
		const struct dimension *dimension = &list->dimensions[constraint->dimension];

		if (!intervals_contain(constraint->intervals, constraint->count,
				       flow_field(flow, dimension->field) & dimension->mask))
			return false;
	}
	return true;
}

static uint32_t judge_one_after_another(const struct compared *compared, const struct weir_flow *flow)
{
	const struct rule_list *list = compared->chain->rules;
	bool ipv6 = flow->network == WEIR_NETWORK_IPV6;
	const uint64_t values[BOUND_COUNT] = { ipv6 ? flow->saddr_hi : flow->saddr4,
					       ipv6 ? flow->daddr_hi : flow->daddr4,
					       flow->saddr_lo,
					       flow->daddr_lo,
					       flow->sport,
					       flow->dport };

	for (uint32_t i = 0; i < list->rule_count; i++) {
		const struct interval *bounds = compared->bounds[i].of;
		bool within = true;

		for (unsigned b = 0; b < BOUND_COUNT && within; b++)
			within = values[b] >= bounds[b].low && values[b] <= bounds[b].high;
		if (within && box_holds(list, &list->rules[i].boxes[0], flow))
			return i;
	}
	return list->rule_count;
}

/* ---- Packets ---- */

static void draw_frame(const struct compared *compared, uint64_t *state, uint8_t frame[FRAME_BYTES])
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE, IPPROTO_ESP, IPPROTO_SCTP };
	uint32_t rules = compared->chain->rules->rule_count - 2, way = next_number(state) % 16;
	const struct bounds *one = &compared->bounds[next_number(state) % rules];
	const struct bounds *other = way < 4 ? &compared->bounds[next_number(state) % rules] : one;
	unsigned outside = way < 8 ? next_number(state) % BOUND_COUNT : BOUND_COUNT;
	uint8_t protocol = way % 2 ? one->protocol : other->protocol;
	uint64_t values[BOUND_COUNT];

	for (unsigned i = 0; i < BOUND_COUNT; i++) {
		const struct bounds *from = next_number(state) % 2 ? one : other;

		values[i] = way == 15 ? next_number(state) : pick_value(&from->of[i], i == outside, state);
	}
	if (!protocol || next_number(state) % 32 == 0)
		protocol = protocols[next_number(state) % sizeof(protocols)];
	build_frame(values, one->ipv6, protocol, frame);
	if (next_number(state) % 64 == 0) /* IPv4: a later fragment; IPv6: another traffic class */
		frame[one->ipv6 ? ETHER_BYTES + 1 : ETHER_BYTES + 7] = 0x40;
}

/* ---- The kernel ---- */

static bool is_cgroup(enum weir_hook hook)
{
	return hook == WEIR_HOOK_CGROUP_INGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;
}

static uint32_t code_of(enum weir_hook hook, bool drop)
{
	if (hook == WEIR_HOOK_XDP_INGRESS)
		return drop ? XDP_DROP : XDP_PASS;
	if (is_cgroup(hook))
		return !drop;
	return drop ? TC_ACT_SHOT : (uint32_t)TC_ACT_UNSPEC;
}

/* NULL when the kernel says that RULE decides, else what it says. */
static const char *ask_kernel(struct compared *compared, const uint8_t *frame, const struct weir_flow *flow, uint32_t rule)
{
	const struct rule *decided = &compared->chain->rules->rules[rule];
	uint32_t slot = decided->slot == WEIR_SLOT_MALFORMED ? decided->slot + flow->malformed : decided->slot;
	enum weir_hook hook = compared->chain->rules->hook;
	uint8_t data[FRAME_BYTES];
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = data, .data_size_in = FRAME_BYTES, .repeat = 1);
	uint64_t packets = 0;

	memcpy(data, frame, FRAME_BYTES);
	if (is_cgroup(hook)) /* which does not see it; with this type the kernel makes no demands on what is behind it */
		put(data + 12, 0x88b5, 2);
	if (bpf_prog_test_run_opts(compared->loaded->program_fd, &options))
		return "cannot run the program";
	if (options.retval != code_of(hook, decided->verdict == WEIR_VERDICT_DROP))
		return "another verdict";
	if (bpf_map_lookup_elem(compared->loaded->counters_fd, &slot, compared->counters))
		return "cannot read the counters";
	for (int cpu = 0; cpu < compared->cpus; cpu++)
		packets += compared->counters[cpu].packets;
	return packets == ++compared->expected[slot] ? NULL : "another rule";
}

/* ---- Comparing ---- */

static bool differs(const struct compared *compared, const char *who, uint32_t truth, uint32_t got, const struct weir_flow *flow)
{
	struct arena *arena = arena_new();
	const struct rule *rules = compared->chain->rules->rules;

	printf("# %s: %s\n#   rule by rule: %u (%s)\n#   %s: %u (%s)\n", compared->name, packet_print(arena, flow), truth,
	       rules[truth].text, who, got, got < compared->chain->rules->rule_count ? rules[got].text : "none");
	arena_free(arena);
	return false;
}

static bool compare_packet(struct compared *compared, uint64_t number, uint64_t *state)
{
	const struct rule_list *list = compared->chain->rules;
	static const struct packet_context context = { .iif = 1 };
	size_t strip = is_cgroup(list->hook) ? ETHER_BYTES : 0;
	struct judgement judgement = { 0 };
	uint8_t frame[FRAME_BYTES];
	struct weir_flow flow;
	const struct judged_packet judged = { &flow, &context, frame + strip, FRAME_BYTES - strip };
	const char *why;
	uint32_t truth;

	draw_frame(compared, state, frame);
	packet_parse(list->hook, &context, frame + strip, FRAME_BYTES - strip, &flow);
	truth = judge_one_after_another(compared, &flow);
	if (number % SLOW_EACH == 0) {
		rules_judge(list, &judged, rules_answer, (void *)list, &judgement);
		if (judgement.decided != truth)
			return differs(compared, "evaluator", truth, judgement.decided, &flow);
	}
	tree_judge(compared->chain->tree, &judged, rules_answer, (void *)list, &judgement);
	if (judgement.decided != truth)
		return differs(compared, "tree", truth, judgement.decided, &flow);
	why = ask_kernel(compared, frame, &flow, truth);
	return !why || differs(compared, why, truth, list->rule_count, &flow);
}

static bool compare_chain(struct compared *compared, const struct options *options)
{
	const struct rule_list *list = compared->chain->rules;
	bool ipv6 = speaks_of_ipv6(list);
	uint64_t state = options->seed;
	bool same = true;

	compared->cpus = libbpf_num_possible_cpus();
	compared->bounds = calloc(list->rule_count, sizeof(*compared->bounds));
	compared->expected = calloc(WEIR_SLOT_FIRST_RULE + list->rule_count, sizeof(*compared->expected));
	compared->counters = calloc((size_t)compared->cpus, sizeof(*compared->counters));
	for (uint32_t i = 0; i < list->rule_count; i++)
		compared->bounds[i] = pack_rule(list, &list->rules[i].boxes[0], ipv6);
	for (uint64_t i = 0; i < options->packets && same; i++)
		same = compare_packet(compared, i, &state);
	free(compared->bounds);
	free(compared->expected);
	free(compared->counters);
	return same;
}

static bool compare_policy(char *name, const struct options *options)
{
	struct compared compared = { .name = basename(name) };
	struct loaded_policy policy;
	bool same = policy_load_file(name, &options->code, &policy);

	if (!same) {
		diagnostics_print(&policy.diagnostics, stdout, false);
	} else {
		compared.chain = &policy.compiled->chains[0];
		compared.loaded = &policy.chains[0];
		same = compare_chain(&compared, options);
		printf("# %s: %u rules in %u trees, %u instructions (%u verified); %s\n", compared.name,
		       compared.chain->rules->rule_count - 2, compared.chain->tree->deciding_count,
		       compared.chain->code->instruction_count, compared.loaded->verified_instructions,
		       compared.chain->tree->why);
	}
	policy_unload(&policy);
	return same;
}

int main(int argc, char **argv)
{
	static const struct option known[] = { { "packets", required_argument, NULL, 'p' },
					       { "seed", required_argument, NULL, 's' },
					       { "form", required_argument, NULL, 'f' },
					       { 0 } };
	struct options options = { .packets = 50000, .seed = 1, .code.long_jump = kernel_features()->long_jump };
	const char *form = "";
	int number = 0, failed = 0, option;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((option = getopt_long(argc, argv, "-", known, NULL)) >= 0) {
		if (option == '?' || (option == 'f' && !policy_form(form = optarg, &options.code)))
			return 1;
		if (option == 'p')
			options.packets = strtoull(optarg, NULL, 0);
		if (option == 's')
			options.seed = strtoull(optarg, NULL, 0);
		if (option == 1) { /* options count for the policies behind them */
			bool same = compare_policy(optarg, &options);

			printf("%sok %d - %s%s%s: %" PRIu64
			       " packets are judged alike rule by rule, by the tree and in the kernel\n",
			       same ? "" : "not ", ++number, basename(optarg), *form ? " as " : "", form, options.packets);
			failed |= !same;
		}
	}
	printf("1..%d\n", number);
	return failed;
}
