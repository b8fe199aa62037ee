// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's answer. The chain is loaded as `weir apply` loads it, its sets filled by the same code, and run by
 * BPF_PROG_TEST_RUN; nothing is attached. Who decided and who was passed is read off the counters, which are compared with
 * those of the packet before.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "differential.h"
#include "kernel/load.h"
#include "kernel/set_fill.h"

struct kernel_side {
	const struct rule_list *rules;
	struct arena *arena;
	struct loaded_chain loaded;
	int *sets;
	int events_fd;
	uint32_t slots;
	unsigned cpus;
	struct weir_counter *raw;	   /* of all slots and CPUs */
	struct weir_counter *before, *now; /* summed over the CPUs */
	uint32_t *rule_of_slot, *keys;
	bool logs;
	struct ring_buffer *events; /* NULL: nothing logs */
	struct weir_event *seen;    /* of this packet, at most one for each rule */
	uint32_t seen_count;
};

#define NO_RULE UINT32_MAX

static int note_event(void *context, void *data, size_t size)
{
	struct kernel_side *side = context;

	if (size >= sizeof(struct weir_event) && side->seen_count < side->rules->rule_count)
		memcpy(&side->seen[side->seen_count++], data, sizeof(struct weir_event));
	return 0;
}

static bool fill_sets(struct kernel_side *side, struct diagnostics *diagnostics)
{
	const struct apply_options options = { 0 };

	for (uint32_t i = 0; i < side->rules->set_count; i++) {
		const struct rule_set *set = &side->rules->sets[i];
		struct set_request request = {
			.set = set->set, .anonymous = set->anonymous, .prefixes = set->prefixes, .options = &options
		};

		side->sets[i] = set_fill(&request, diagnostics);
		if (side->sets[i] < 0)
			return false;
	}
	return true;
}

static bool load(struct kernel_side *side, const struct compiled_chain *chain, struct diagnostics *diagnostics)
{
	struct load_request request = {
		.code = chain->code,
		.chain_id = 1,
		.counters_fd = -1,
		.counter_slots = side->slots,
		.events_fd = -1,
		.owners_fd = -1,
		.sets = side->sets,
	};

	for (uint32_t i = 0; i < side->rules->rule_count; i++)
		side->logs |= side->rules->rules[i].log;
	if (side->logs) {
		request.events_fd = side->events_fd = kernel_events_create();
		side->events = ring_buffer__new(side->events_fd, note_event, side, NULL);
	}
	return kernel_load(&request, &side->loaded, diagnostics) == 0;
}

struct kernel_side *kernel_side_open(const struct compiled_chain *chain, struct diagnostics *diagnostics)
{
	struct arena *arena = arena_new();
	struct kernel_side *side = arena_new_object(arena, struct kernel_side);

	side->arena = arena;
	side->rules = chain->rules;
	side->loaded = (struct loaded_chain){ .program_fd = -1, .counters_fd = -1 };
	side->events_fd = -1;
	side->slots = WEIR_SLOT_FIRST_RULE + side->rules->rule_count;
	side->cpus = (unsigned)libbpf_num_possible_cpus();
	side->raw = arena_new_array(arena, struct weir_counter, (size_t)side->slots * side->cpus);
	side->before = arena_new_array(arena, struct weir_counter, side->slots);
	side->now = arena_new_array(arena, struct weir_counter, side->slots);
	side->keys = arena_new_array(arena, uint32_t, side->slots);
	side->seen = arena_new_array(arena, struct weir_event, side->rules->rule_count);
	side->rule_of_slot = arena_new_array(arena, uint32_t, side->slots);
	side->sets = arena_new_array(arena, int, side->rules->set_count);
	for (uint32_t i = 0; i < side->rules->set_count; i++)
		side->sets[i] = -1;
	for (uint32_t i = 0; i < side->slots; i++)
		side->rule_of_slot[i] = NO_RULE;
	for (uint32_t i = 0; i < side->rules->rule_count; i++)
		side->rule_of_slot[side->rules->rules[i].slot] = i;
	/* One rule, a slot for each reason. */
	for (uint32_t i = 0; i < WEIR_MALFORMED_COUNT; i++)
		side->rule_of_slot[WEIR_SLOT_MALFORMED + i] = side->rules->rule_count - 2;
	if (fill_sets(side, diagnostics) && load(side, chain, diagnostics))
		return side;
	kernel_side_close(side);
	return NULL;
}

void kernel_side_close(struct kernel_side *side)
{
	if (!side)
		return;
	ring_buffer__free(side->events);
	loaded_chain_close(&side->loaded);
	for (uint32_t i = 0; i < side->rules->set_count; i++)
		if (side->sets[i] >= 0)
			close(side->sets[i]);
	if (side->events_fd >= 0)
		close(side->events_fd);
	arena_free(side->arena);
}

static int run(struct kernel_side *side, const struct test_packet *packet, uint32_t *ret_code, struct __sk_buff *ret_after)
{
	bool cgroup = side->rules->hook == WEIR_HOOK_CGROUP_INGRESS || side->rules->hook == WEIR_HOOK_CGROUP_EGRESS;
	uint8_t frame[GREATEST_PACKET];
	struct __sk_buff context = { .mark = packet->context.mark, .ingress_ifindex = packet->context.iif, .ifindex = 1 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (__u32)packet->length, .repeat = 1);
	int error;

	memcpy(frame, packet->frame, packet->length);
	/* A cgroup does not see the Ethernet header; with this type the kernel makes no demands on what is behind it. */
	if (cgroup && packet->length >= 14)
		frame[12] = 0x88, frame[13] = 0xb5;
	if (side->rules->hook != WEIR_HOOK_XDP_INGRESS) {
		options.ctx_in = &context;
		options.ctx_size_in = sizeof(context);
		options.ctx_out = ret_after;
		options.ctx_size_out = sizeof(*ret_after);
	}
	error = bpf_prog_test_run_opts(side->loaded.program_fd, &options);
	*ret_code = options.retval;
	return error;
}

static int read_counters(struct kernel_side *side)
{
	LIBBPF_OPTS(bpf_map_batch_opts, options);
	uint32_t next, count = side->slots;
	int error = bpf_map_lookup_batch(side->loaded.counters_fd, NULL, &next, side->keys, side->raw, &count, &options);

	/* -ENOENT: that was all of it. */
	if (error && errno != ENOENT)
		return -errno;
	memset(side->now, 0, sizeof(*side->now) * side->slots);
	for (uint32_t i = 0; i < count; i++)
		for (unsigned cpu = 0; cpu < side->cpus; cpu++) {
			side->now[side->keys[i]].packets += side->raw[i * side->cpus + cpu].packets;
			side->now[side->keys[i]].bytes += side->raw[i * side->cpus + cpu].bytes;
		}
	return 0;
}

/* The code that stands for a verdict at a hook; -1000: none does. No socket is in the map of those that are handed packets. */
static int code_of(enum weir_hook hook, enum weir_verdict verdict)
{
	static const int xdp[WEIR_VERDICT_COUNT] = { [WEIR_VERDICT_ACCEPT] = XDP_PASS,
						     [WEIR_VERDICT_DROP] = XDP_DROP,
						     [WEIR_VERDICT_FORWARD] = XDP_REDIRECT,
						     [WEIR_VERDICT_BOUNCE] = XDP_TX,
						     [WEIR_VERDICT_XSK] = XDP_ABORTED };
	static const int tc[WEIR_VERDICT_COUNT] = { [WEIR_VERDICT_ACCEPT] = TC_ACT_UNSPEC,
						    [WEIR_VERDICT_DROP] = TC_ACT_SHOT,
						    [WEIR_VERDICT_FINAL] = TC_ACT_OK,
						    [WEIR_VERDICT_FORWARD] = TC_ACT_REDIRECT,
						    [WEIR_VERDICT_BOUNCE] = TC_ACT_REDIRECT,
						    [WEIR_VERDICT_REDIRECT] = TC_ACT_UNSPEC,
						    [WEIR_VERDICT_DNAT] = TC_ACT_UNSPEC };

	static const int action[WEIR_VERDICT_COUNT] = { [WEIR_VERDICT_ACCEPT] = TC_ACT_PIPE,
							[WEIR_VERDICT_DROP] = TC_ACT_SHOT,
							[WEIR_VERDICT_FINAL] = TC_ACT_OK,
							[WEIR_VERDICT_RECLASSIFY] = TC_ACT_RECLASSIFY,
							[WEIR_VERDICT_DEFAULT] = TC_ACT_UNSPEC };

	if (!hook_has_verdict(hook, verdict, NULL) || verdict == WEIR_VERDICT_CONTINUE)
		return -1000;
	if (hook == WEIR_HOOK_XDP_INGRESS)
		return xdp[verdict];
	if (hook == WEIR_HOOK_TC_ACTION)
		return action[verdict];
	return hook == WEIR_HOOK_TC_INGRESS || hook == WEIR_HOOK_TC_EGRESS ? tc[verdict] : verdict == WEIR_VERDICT_ACCEPT;
}

/* What the program's code means, with DECIDED's verdict before others of the same code; -1: no code that it may return. */
static int verdict_of(enum weir_hook hook, uint32_t code, enum weir_verdict decided)
{
	if (code_of(hook, decided) == (int)code)
		return (int)decided;
	for (int verdict = 0; verdict < WEIR_VERDICT_COUNT; verdict++)
		if (code_of(hook, (enum weir_verdict)verdict) == (int)code)
			return verdict;
	return -1;
}

/* What the rules that were met make of mark and priority, one after another. */
static const char *check_effects(const struct kernel_side *side, const struct judgement *judgement, uint32_t mark,
				 const struct __sk_buff *after)
{
	uint32_t priority = 0;

	if (side->rules->hook == WEIR_HOOK_XDP_INGRESS)
		return NULL;
	for (uint32_t i = 0; i <= judgement->passed_count; i++) {
		uint32_t rule = i < judgement->passed_count ? judgement->passed[i] : judgement->decided;
		const struct weir_action *action = &side->rules->rules[rule].action;

		if (action->flags & WEIR_ACTION_MARK)
			mark = (mark & action->mark_kept) ^ action->mark;
		if (action->flags & WEIR_ACTION_PRIORITY)
			priority = action->priority;
		if (action->flags & WEIR_ACTION_PRIORITY_MARK && mark < 65536)
			priority = action->priority + mark;
	}
	if (after->mark != mark)
		return "the packet left with another mark";
	return after->priority == priority ? NULL : "the packet left with another priority";
}

/* One slot went up: enter its rule. NULL, or what is wrong with that. */
static const char *enter(struct kernel_side *side, uint32_t slot, const struct weir_flow *flow, struct judgement *judgement,
			 uint32_t *deciding)
{
	uint32_t rule = side->rule_of_slot[slot];

	if (slot == WEIR_SLOT_EVENTS_LOST)
		return "an event was lost";
	if (rule == NO_RULE)
		return "a counter of no rule went up";
	if (side->now[slot].packets != side->before[slot].packets + 1)
		return "a counter went up by more than one";
	if (side->now[slot].bytes != side->before[slot].bytes + flow->length)
		return "a counter did not go up by the bytes of the packet";
	if (rule == side->rules->rule_count - 2 && slot != WEIR_SLOT_MALFORMED + (uint32_t)flow->malformed)
		return "the counter of another reason to be malformed went up";
	if (side->rules->rules[rule].verdict == WEIR_VERDICT_CONTINUE) {
		judgement->passed[judgement->passed_count++] = rule;
		return NULL;
	}
	judgement->decided = rule;
	return ++*deciding == 1 ? NULL : "two rules decided";
}

static const char *differing_field(const struct weir_flow *a, const struct weir_flow *b)
{
#define X(id, member, bits)                                                                                                      \
	if (a->member != b->member)                                                                                              \
		return "the flow of an event differs from the parser's in " #member;
	WEIR_FIELDS(X)
#undef X
	return a->fragment != b->fragment ? "the flow of an event differs from the parser's in fragment"
					  : "the flow of an event has noise in its padding";
}

/* For each rule with log that was met there must be an event, in their order, with every field of the packet in it. */
static const char *check_events(const struct kernel_side *side, const struct weir_flow *flow, const struct judgement *judgement)
{
	struct weir_flow parsed;
	uint32_t next = 0;

	for (uint32_t i = 0; i <= judgement->passed_count; i++) {
		const struct rule *rule =
			&side->rules->rules[i < judgement->passed_count ? judgement->passed[i] : judgement->decided];
		const struct weir_event *event = &side->seen[next];

		if (!rule->log)
			continue;
		if (next++ == side->seen_count)
			return "an event is missing";
		if (event->chain_id != 1 || event->outcome != rule_outcome(rule, rule->slot))
			return "an event speaks of another rule";
		parsed = *flow;
		if (!event->flow.payload) /* filled only where a rule looks there */
			parsed.payload = parsed.payload_length = 0;
		if (memcmp(&event->flow, &parsed, sizeof(parsed)) != 0)
			return differing_field(&event->flow, &parsed);
	}
	return next == side->seen_count ? NULL : "there are more events than rules that log";
}

int kernel_side_judge(struct kernel_side *side, const struct test_packet *packet, const struct weir_flow *flow,
		      struct judgement *judgement, enum weir_verdict *ret_verdict, const char **ret_why)
{
	struct weir_counter *swap;
	struct __sk_buff after = { 0 };
	uint32_t code, deciding = 0;
	const char *why = NULL;
	int verdict;

	if (run(side, packet, &code, &after))
		return -errno;
	side->seen_count = 0;
	if (side->events)
		ring_buffer__consume(side->events);
	if (read_counters(side)) {
		*ret_why = "the counters cannot be read";
		return -EBADMSG;
	}
	judgement->passed_count = 0;
	for (uint32_t slot = 0; slot < side->slots && !why; slot++)
		if (side->now[slot].packets != side->before[slot].packets)
			why = enter(side, slot, flow, judgement, &deciding);
	swap = side->before;
	side->before = side->now;
	side->now = swap;
	if (!why && !deciding)
		why = "no rule decided";
	if (!why)
		why = check_events(side, flow, judgement);
	if (!why)
		why = check_effects(side, judgement, packet->context.mark, &after);
	verdict = verdict_of(side->rules->hook, code, side->rules->rules[judgement->decided].verdict);
	if (!why && verdict < 0)
		why = "the program returned a code that is no verdict";
	if (why) {
		*ret_why = why;
		return -EBADMSG;
	}
	*ret_verdict = (enum weir_verdict)verdict;
	return 0;
}
