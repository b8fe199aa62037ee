// SPDX-License-Identifier: GPL-2.0-only
/*
 * The differential test: random policies, random packets, and everyone who can judge.
 *
 *	matches		each rule's matches judged by themselves (rules/match.h): holds the lowering
 *	evaluator	rules_judge over the boxes: the truth of the others
 *	tree		tree_judge
 *	kernel		the loaded program, by BPF_PROG_TEST_RUN: return code, and counters before and after
 *
 * All must agree on the verdict, on the rule that decides, and on the rules that were passed. Prints its seed first; on a
 * difference the policy, the packet in hex and in words, and what each one said.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "differential.h"
#include "step/ebpf.h"
#include "kernel/load.h"
#include "rules/match.h"

#define PACKETS_A_POLICY 1000

struct options {
	uint64_t seed, packets, each; /* each: packets for one policy */
	unsigned seconds;	      /* 0: no limit */
	unsigned rules;		      /* of a policy; 0: a few */
	bool kernel;
	bool show; /* print each policy */
};

struct totals {
	uint64_t policies, packets, kernel_packets, kernel_refused;
	uint64_t by_form[TREE_ALL_VECTORS + 1];
	uint64_t by_rule, by_policy, passed,
		faults[WEIR_MALFORMED_COUNT]; /* what the packets came to: is the test worth something? */
};

/* A policy under test. */
struct subject_policy {
	const char *text;
	uint64_t seed;
	const struct compiled_chain *chain;
	struct kernel_side *kernel; /* NULL: not asked */
	struct ebpf_machine *machine;
	uint32_t *passed[4]; /* one memory for each who judges */
};

static bool is_cgroup(enum weir_hook hook)
{
	return hook == WEIR_HOOK_CGROUP_INGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;
}

/* ---- Judging by matches ---- */

static bool rule_holds(const struct rule_list *list, const struct policy_rule *rule, const struct judged_packet *packet)
{
	if (!rule_concerns(rule, packet->flow))
		return false;
	for (uint32_t i = 0; i < rule->match_count; i++)
		if (!match_holds(list, &rule->matches[i], packet))
			return false;
	return true;
}

static void judge_by_matches(const struct rule_list *list, const struct judged_packet *packet, struct judgement *judgement)
{
	const struct policy_chain *chain = list->chain;

	judgement->passed_count = 0;
	for (uint32_t i = 0; i < chain->rule_count; i++) {
		if (!rule_holds(list, &chain->rules[i], packet))
			continue;
		if (chain->rules[i].verdict != WEIR_VERDICT_CONTINUE) {
			judgement->decided = i;
			return;
		}
		judgement->passed[judgement->passed_count++] = i;
	}
	judgement->decided = chain->rule_count + (packet->flow->malformed ? 0 : 1);
}

/* ---- Comparing ---- */

static bool same(const struct judgement *a, const struct judgement *b)
{
	return a->decided == b->decided && a->passed_count == b->passed_count &&
	       memcmp(a->passed, b->passed, a->passed_count * sizeof(*a->passed)) == 0;
}

static void print_judgement(const char *who, const struct rule_list *list, const struct judgement *judgement)
{
	printf("  %-10s", who);
	for (uint32_t i = 0; i < judgement->passed_count; i++)
		printf(" passed %u,", judgement->passed[i]);
	printf(" decided by %u (line %u: %s)\n", judgement->decided, list->rules[judgement->decided].place.line,
	       list->rules[judgement->decided].text);
}

static void print_packet(const struct test_packet *packet, const struct weir_flow *flow)
{
	struct arena *arena = arena_new();

	printf("packet: %s\n  mark %u iif %u oif %u, %zu bytes:", packet_print(arena, flow), packet->context.mark,
	       packet->context.iif, packet->context.oif, packet->length);
	for (size_t i = 0; i < packet->length; i++)
		printf("%s%02x", i % 32 ? i % 2 ? "" : " " : "\n  ", packet->frame[i]);
	putchar('\n');
	for (enum weir_field field = 0; field < WEIR_FIELD_COUNT; field++)
		if (flow_field(flow, field))
			printf("  field %u = 0x%" PRIx64, field, flow_field(flow, field));
	putchar('\n');
	arena_free(arena);
}

static void report(const struct subject_policy *subject, const struct test_packet *packet, const struct weir_flow *flow,
		   const char *who)
{
	printf("not ok 1 - %s does not agree with the evaluator: again with --seed %" PRIu64 "\n---- policy\n%s---- rules\n", who,
	       subject->seed, subject->text);
	rules_print(subject->chain->rules, stdout);
	print_packet(packet, flow);
}

/* ---- One packet ---- */

/*
 * BPF_PROG_TEST_RUN takes no frame without payload, and for sk_buffs none whose type promises an IP header that is not there.
 * Such packets are left to the tests with real traffic.
 */
static bool kernel_refuses(enum weir_hook hook, const struct test_packet *packet)
{
	unsigned type = packet->frame[12] << 8 | packet->frame[13];

	if (packet->length <= ETH_HLEN)
		return true;
	return hook != WEIR_HOOK_XDP_INGRESS &&
	       ((type == ETH_P_IP && packet->length < ETH_HLEN + 20) || (type == ETH_P_IPV6 && packet->length < ETH_HLEN + 40));
}

static bool compare_kernel(struct subject_policy *subject, const struct test_packet *packet, const struct weir_flow *flow,
			   const struct judgement *truth, struct totals *totals)
{
	const struct rule_list *list = subject->chain->rules;
	struct judgement judgement = { .passed = subject->passed[3] };
	enum weir_verdict verdict;
	const char *why = "";
	int error = kernel_side_judge(subject->kernel, packet, flow, &judgement, &verdict, &why);

	if (error == -EINVAL && kernel_refuses(list->hook, packet)) {
		totals->kernel_refused++;
		return true;
	}
	totals->kernel_packets++;
	if (!error && same(&judgement, truth) && verdict == list->rules[truth->decided].verdict)
		return true;
	report(subject, packet, flow, "the kernel");
	print_judgement("evaluator", list, truth);
	if (error)
		printf("  kernel     error %d: %s\n", error, why);
	else
		print_judgement("kernel", list, &judgement);
	if (!error)
		printf("  kernel     returned %s\n", verdict_name(verdict));
	return false;
}

static void count_outcome(const struct rule_list *list, const struct judgement *truth, const struct weir_flow *flow,
			  struct totals *totals)
{
	totals->by_rule += truth->decided + 2 < list->rule_count;
	totals->by_policy += truth->decided + 1 == list->rule_count;
	totals->passed += truth->passed_count;
	totals->faults[flow->malformed]++;
}

/* The generated code in user space, as `weir why --step` goes through it. */
static bool compare_interpreter(struct subject_policy *subject, const struct judged_packet *packet, const struct judgement *truth)
{
	const struct rule_list *list = subject->chain->rules;
	struct ebpf_machine *machine = subject->machine;

	ebpf_begin(machine, packet);
	while (ebpf_step(machine))
		;
	if (machine->fault || machine->passed_count != truth->passed_count ||
	    ebpf_rule_of(list, (uint32_t)machine->registers[0]) != truth->decided)
		return false;
	for (uint32_t i = 0; i < truth->passed_count; i++)
		if (ebpf_rule_of(list, machine->passed[i]) != truth->passed[i])
			return false;
	return true;
}

static void print_interpreted(const struct rule_list *list, const struct ebpf_machine *machine)
{
	printf("  interpreted");
	for (uint32_t i = 0; i < machine->passed_count; i++)
		printf(" passed %u,", ebpf_rule_of(list, machine->passed[i]));
	if (machine->fault)
		printf(" fault at instruction %u: %s\n", machine->at, machine->fault);
	else
		printf(" decided by %u\n", ebpf_rule_of(list, (uint32_t)machine->registers[0]));
}

static bool compare_packet(struct subject_policy *subject, const struct test_packet *packet, struct totals *totals)
{
	const struct rule_list *list = subject->chain->rules;
	size_t strip = is_cgroup(list->hook) && !packet->context.raw_ip ? 14 : 0;
	struct judgement truth = { .passed = subject->passed[0] };
	struct judgement matches = { .passed = subject->passed[1] }, tree = { .passed = subject->passed[2] };
	struct weir_flow flow;
	const struct judged_packet judged = { &flow, &packet->context, packet->frame + strip, packet->length - strip };

	if (packet->length < strip)
		return true;
	packet_parse(list->hook, &packet->context, packet->frame + strip, packet->length - strip, &flow);
	totals->packets++;
	rules_judge(list, &judged, rules_answer, (void *)list, &truth);
	count_outcome(list, &truth, &flow, totals);
	judge_by_matches(list, &judged, &matches);
	if (!same(&matches, &truth)) {
		report(subject, packet, &flow, "the matches by themselves");
		print_judgement("evaluator", list, &truth);
		print_judgement("matches", list, &matches);
		return false;
	}
	tree_judge(subject->chain->tree, &judged, rules_answer, (void *)list, &tree);
	if (!same(&tree, &truth)) {
		report(subject, packet, &flow, "the tree");
		print_judgement("evaluator", list, &truth);
		print_judgement("tree", list, &tree);
		return false;
	}
	if (!compare_interpreter(subject, &judged, &truth)) {
		report(subject, packet, &flow, "the code, interpreted,");
		print_judgement("evaluator", list, &truth);
		print_interpreted(list, subject->machine);
		return false;
	}
	/* BPF_PROG_TEST_RUN takes no frame shorter than an Ethernet header. */
	if (!subject->kernel || packet->length < 14)
		return true;
	return compare_kernel(subject, packet, &flow, &truth, totals);
}

/* Variants that only the evaluator and the tree can be asked about: an offloaded tag, no link layer. */
static bool compare_beyond_kernel(struct random *random, struct subject_policy *subject, struct test_packet *packet,
				  struct totals *totals)
{
	struct kernel_side *kernel = TAKE_PTR(subject->kernel);
	bool agree;

	if (random_chance(random, 50)) {
		packet->context.has_offload_vlan = true;
		packet->context.offload_vlan_tci = (uint16_t)random_below(random, 65536);
	} else {
		packet->context.raw_ip = true;
		if (packet->length >= 14) {
			packet->length -= 14;
			memmove(packet->frame, packet->frame + 14, packet->length);
		}
	}
	agree = compare_packet(subject, packet, totals);
	subject->kernel = kernel;
	return agree;
}

/* ---- One policy ---- */

static void settle_context(enum weir_hook hook, struct test_packet *packet)
{
	/* A test run's device is the loopback, number 1; XDP's frames come in by it, and so do others without ingress_ifindex. */
	bool egress = hook == WEIR_HOOK_TC_EGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;

	if (hook == WEIR_HOOK_XDP_INGRESS || (!egress && !packet->context.iif))
		packet->context.iif = 1;
}

static bool run_packets(struct random *random, const struct options *options, struct subject_policy *subject,
			struct totals *totals)
{
	const struct rule_list *list = subject->chain->rules;
	struct test_packet packet;

	for (uint64_t i = 0; i < options->each && totals->packets < options->packets; i++) {
		generate_packet(random, list, &packet);
		settle_context(list->hook, &packet);
		if (!compare_packet(subject, &packet, totals))
			return false;
		if (random_chance(random, 5) && !compare_beyond_kernel(random, subject, &packet, totals))
			return false;
	}
	return true;
}

static bool run_chain(struct random *random, const struct options *options, struct subject_policy *subject,
		      struct diagnostics *diagnostics, struct totals *totals)
{
	uint32_t rules = subject->chain->rules->rule_count;
	_cleanup_free_ uint32_t *memory = calloc(4 * (size_t)rules, sizeof(*memory));
	bool agree;

	if (!memory)
		return false;
	for (unsigned i = 0; i < 4; i++)
		subject->passed[i] = memory + i * (size_t)rules;
	subject->machine = ebpf_new(diagnostics->arena, subject->chain->code);
	if (options->kernel) {
		subject->kernel = kernel_side_open(subject->chain, diagnostics);
		if (!subject->kernel) {
			printf("not ok 1 - the kernel does not take this policy: again with --seed %" PRIu64 "\n%s",
			       subject->seed, subject->text);
			diagnostics_print(diagnostics, stdout, false);
			return false;
		}
	}
	agree = run_packets(random, options, subject, totals);
	kernel_side_close(subject->kernel);
	return agree;
}

/* Numbers that are the same for the same rule, a few of them large. */
static uint64_t made_up_packets(void *context, const struct policy_chain *chain, const struct rule *rule)
{
	uint64_t number = (*(const uint64_t *)context + rule->slot) * 0x9e3779b97f4a7c15;

	(void)chain;
	return (number >> 32) >> (number % 32);
}

static bool run_policy(struct random *random, const struct options *options, struct totals *totals)
{
	uint64_t seed = random->state; /* before anything was drawn */
	enum weir_hook hook = (enum weir_hook)random_below(random, WEIR_HOOK_COUNT);
	/* Each form has its turn, whatever the seed. */
	struct code_options code_options = { .long_jump = options->kernel && kernel_features()->long_jump,
					     .tree.wish = (enum tree_wish)(seed % (TREE_ALL_VECTORS + 1)) };
	struct arena *arena = arena_new();
	struct subject_policy subject = { .seed = seed, .text = generate_policy(random, arena, hook, options->rules) };
	bool tuned = seed / (TREE_ALL_VECTORS + 1) % 2;
	struct source source = { "random.weir", subject.text, strlen(subject.text) };
	struct diagnostics diagnostics;
	const struct compiled *compiled;
	bool agree = false;

	if (tuned) {
		code_options.tree.packets = made_up_packets;
		code_options.tree.packets_context = &seed;
	}
	if (options->show)
		fputs(subject.text, stdout);
	totals->policies++;
	diagnostics_init(&diagnostics, arena);
	compiled = compile(arena, differential_host(), &source, "random", &code_options, &diagnostics);
	if (compiled) {
		subject.chain = &compiled->chains[0];
		agree = run_chain(random, options, &subject, &diagnostics, totals);
	} else {
		printf("not ok 1 - a valid policy does not compile: again with --seed %" PRIu64 "\n%s", subject.seed,
		       subject.text);
		diagnostics_print(&diagnostics, stdout, false);
	}
	arena_free(arena);
	totals->by_form[code_options.tree.wish]++;
	return agree;
}

/* ---- The whole ---- */

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level, (void)format, (void)arguments;
	return 0;
}

static bool read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "packets", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 't' },
		{ "each", required_argument, NULL, 'e' },
		{ "rules", required_argument, NULL, 'r' },
		{ "no-kernel", no_argument, NULL, 'k' },
		{ "show", no_argument, NULL, 'v' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 's')
			options->seed = strtoull(optarg, NULL, 0);
		else if (option == 'p')
			options->packets = strtoull(optarg, NULL, 0);
		else if (option == 'e')
			options->each = strtoull(optarg, NULL, 0);
		else if (option == 't')
			options->seconds = (unsigned)strtoul(optarg, NULL, 0);
		else if (option == 'r')
			options->rules = (unsigned)strtoul(optarg, NULL, 0);
		else if (option == 'k')
			options->kernel = false;
		else if (option == 'v')
			options->show = true;
		else
			return false;
	}
	return optind == argc;
}

static void print_totals(const struct totals *totals)
{
	static const char *const names[] = {
#define X(id, name, text) name,
		WEIR_MALFORMED(X)
#undef X
	};

	printf("ok 1 - %" PRIu64 " packets of %" PRIu64 " policies judged alike, %" PRIu64 " of them by the kernel too (%" PRIu64
	       " were too short for a test run)\n",
	       totals->packets, totals->policies, totals->kernel_packets, totals->kernel_refused);
	printf("# decided by a rule %" PRIu64 ", by the chain's policy %" PRIu64 ", rules passed %" PRIu64 "; malformed:",
	       totals->by_rule, totals->by_policy, totals->passed);
	for (unsigned i = 0; i < WEIR_MALFORMED_COUNT; i++)
		printf(" %s %" PRIu64, names[i], totals->faults[i]);
	printf("\n# policies with their trees as fits best %" PRIu64 ", as instructions %" PRIu64 ", as data %" PRIu64
	       ", as tables where they can be %" PRIu64 ", as bit vectors %" PRIu64 "\n1..1\n",
	       totals->by_form[TREE_AS_FITS], totals->by_form[TREE_ALL_CODE], totals->by_form[TREE_ALL_DATA],
	       totals->by_form[TREE_ALL_TABLES], totals->by_form[TREE_ALL_VECTORS]);
}

int main(int argc, char **argv)
{
	struct options options = {
		.seed = (uint64_t)time(NULL), .packets = 1000000, .each = PACKETS_A_POLICY, .kernel = geteuid() == 0
	};
	struct totals totals = { 0 };
	time_t end;

	if (!read_options(argc, argv, &options)) {
		fprintf(stderr, "usage: differential [--seed N] [--packets N] [--each N] [--seconds N] [--rules N] [--no-kernel] [--show]\n");
		return 2;
	}
	end = time(NULL) + options.seconds;
	printf("# seed %" PRIu64 "%s\n", options.seed, options.kernel ? "" : ", without the kernel");
	fflush(stdout);
	libbpf_set_print(quiet);
	kernel_raise_memlock();
	for (uint64_t i = 0; totals.packets < options.packets && (!options.seconds || time(NULL) < end); i++) {
		/* Each policy has a seed of its own, so that one can be tried again alone. */
		struct random random = { options.seed + i };

		if (!run_policy(&random, &options, &totals))
			return 1;
	}
	print_totals(&totals);
	return 0;
}
