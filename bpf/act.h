/* SPDX-License-Identifier: GPL-2.0-only */
/* What follows from an outcome: a counter goes up, an event is written, and the verdict comes back. */
#ifndef WEIR_BPF_ACT_H
#define WEIR_BPF_ACT_H

#include "context.h"
#include "effects.h"
#include "verdicts.h"
#ifdef LAYER_TC
#include "redirect.h"
#endif
#ifndef LAYER_XDP
#include "owners.h"
#endif

/* Slots by weir_abi.h; the size is set before the load. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WEIR_SLOT_FIRST_RULE);
	__type(key, __u32);
	__type(value, struct weir_counter);
} weir_counters SEC(".maps");

/* Shared by all chains, as that of owners.h is; neither is made or needed where nothing logs. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} weir_events SEC(".maps");

static __always_inline void act_count(__u32 slot, __u32 packets, __u64 bytes)
{
	struct weir_counter *counter = bpf_map_lookup_elem(&weir_counters, &slot);

	if (!counter)
		return;
#ifdef LAYER_CGROUP
	/* Runs in a process as well, where a softirq on the same CPU may come between. */
	__sync_fetch_and_add(&counter->packets, packets);
	__sync_fetch_and_add(&counter->bytes, bytes);
#else
	counter->packets += packets;
	counter->bytes += bytes;
#endif
}

#ifndef LAYER_XDP
/* The sending socket, or that which listens when a connection is still being made; NULL: no socket sent the packet. */
static __always_inline struct bpf_sock *act_sender(CONTEXT *ctx)
{
	struct bpf_sock *any = ctx->sk, *whole;

	if (!any)
		return NULL;
	whole = bpf_sk_fullsock(any);
	return whole ? whole : bpf_get_listener_sock(any);
}

/* Who sent it, as the socket tells; the running task may be anybody. */
static __always_inline void act_name_sender(CONTEXT *ctx, struct weir_event *event)
{
	struct weir_socket_owner *owner;
	struct bpf_sock *sender;

	event->socket_cookie = bpf_get_socket_cookie(ctx);
	if (!context_egress())
		return;
	event->cgroup_id = bpf_skb_cgroup_id(ctx);
	if (!know_owners)
		return;
	sender = act_sender(ctx);
	if (!sender)
		return;
	owner = bpf_sk_storage_get(&weir_owners, sender, 0, 0);
	if (owner) {
		event->owner = *owner;
		event->has_owner = 1;
	}
}
#endif

/* Write an event. Global: verified once, however many rules log. */
__weak __noinline int act_log(CONTEXT *ctx, struct weir_flow *flow, __u32 outcome)
{
	struct weir_event *event;

	if (!log_events || !flow)
		return 0;
	event = bpf_ringbuf_reserve(&weir_events, sizeof(*event), 0);
	if (!event) {
		act_count(WEIR_SLOT_EVENTS_LOST, 1, flow->length);
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event) - sizeof(event->flow));
	event->time_ns = bpf_ktime_get_ns();
	event->chain_id = chain_id;
	event->outcome = outcome;
#ifdef LAYER_XDP
	event->ifindex = ctx->ingress_ifindex;
#else
	event->ifindex = ctx->ifindex;
	act_name_sender(ctx, event);
#endif
	__builtin_memcpy(&event->flow, flow, sizeof(event->flow));
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/*
 * Count so many packets and bytes at the elements by which the rule of OUTCOME matched this one. Its place is taken by generated
 * code where elements count (lib/code/set_count.c).
 */
__weak __noinline int set_count(struct weir_flow *flow, __u32 outcome, __u64 packets, __u64 bytes)
{
	return flow ? flow->malformed + outcome + packets + bytes : 0;
}

static __always_inline void act_record(CONTEXT *ctx, struct weir_flow *flow, __u32 outcome)
{
	__u32 slot = outcome & WEIR_OUTCOME_SLOT_MASK, packets;
	__u64 bytes;

	if (slot == WEIR_SLOT_MALFORMED)
		slot += flow->malformed;
	context_weigh(ctx, flow->length, &packets, &bytes);
	act_count(slot, packets, bytes);
	if (count_elements)
		set_count(flow, outcome, packets, bytes);
	if (have_actions && outcome & WEIR_OUTCOME_ACTION)
		act_effects(ctx, flow, outcome);
	if (log_events && outcome & WEIR_OUTCOME_LOG)
		act_log(ctx, flow, outcome);
}

/* The code that the hook is given. What is none of the verdicts cannot come; if it does, nothing passes. */
static __always_inline int act(CONTEXT *ctx, struct weir_flow *flow, __u32 outcome)
{
	__u32 verdict = (outcome & WEIR_OUTCOME_VERDICT_MASK) >> WEIR_OUTCOME_VERDICT_SHIFT;

	act_record(ctx, flow, outcome);
#ifdef LAYER_TC
	if (have_connections) {
		if (verdict == WEIR_VERDICT_ACCEPT)
			return redirect_accepted(ctx, flow);
		if (redirects && verdict == WEIR_VERDICT_REDIRECT)
			return redirect_to_socket(ctx, flow, outcome & WEIR_OUTCOME_SLOT_MASK);
		if (redirects && verdict == WEIR_VERDICT_DNAT)
			return redirect_by_rewriting(ctx, flow, outcome & WEIR_OUTCOME_SLOT_MASK);
	}
#endif
	if (verdict == WEIR_VERDICT_ACCEPT)
		return CODE_ACCEPT;
	if (more_verdicts && verdict != WEIR_VERDICT_DROP)
		return act_verdict(ctx, outcome);
	return CODE_DROP;
}

#ifdef LAYER_TC
/* As an action of tc's: all five codes of tc-bpf(8). What is malformed is dropped, as everywhere. */
static __always_inline int act_action(CONTEXT *ctx, struct weir_flow *flow, __u32 outcome)
{
	act_record(ctx, flow, outcome);
	switch ((outcome & WEIR_OUTCOME_VERDICT_MASK) >> WEIR_OUTCOME_VERDICT_SHIFT) {
	case WEIR_VERDICT_ACCEPT:
		return TC_ACT_PIPE;
	case WEIR_VERDICT_FINAL:
		return TC_ACT_OK;
	case WEIR_VERDICT_RECLASSIFY:
		return TC_ACT_RECLASSIFY;
	case WEIR_VERDICT_DEFAULT:
		return TC_ACT_UNSPEC;
	default:
		return TC_ACT_SHOT;
	}
}

/* As a qdisc's classifier: a class, -1 for the filter's own, or 0: the next filter is asked. It cannot drop. */
static __always_inline int act_class(CONTEXT *ctx, struct weir_flow *flow, __u32 outcome)
{
	act_record(ctx, flow, outcome);
	if (have_actions && (outcome & WEIR_OUTCOME_VERDICT_MASK) == WEIR_VERDICT_CLASS << WEIR_OUTCOME_VERDICT_SHIFT)
		return verdict_class(ctx, outcome & WEIR_OUTCOME_SLOT_MASK);
	return 0;
}
#endif

#endif
