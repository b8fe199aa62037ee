/* SPDX-License-Identifier: GPL-2.0-only */
/* What each layer is told for a verdict. docs/verdicts.md has the table for people. */
#ifndef WEIR_BPF_VERDICTS_H
#define WEIR_BPF_VERDICTS_H

#include "context.h"
#include "effects.h"

#if defined(LAYER_XDP)
#define CODE_ACCEPT XDP_PASS
#define CODE_DROP   XDP_DROP
#define CODE_FAILED XDP_ABORTED /* a drop that the kernel's tracepoints tell of */
#elif defined(LAYER_TC)
/* What weir does not stop goes on to whoever stands behind it: TCX_NEXT has the same number. */
#define CODE_ACCEPT TC_ACT_UNSPEC
#define CODE_DROP   TC_ACT_SHOT
#define CODE_FAILED TC_ACT_SHOT
#else
#define CODE_ACCEPT 1
#define CODE_DROP   0
#define CODE_FAILED 0
#endif

#ifdef LAYER_XDP
/* Sockets of receivers, who put them in; a socket that is closed goes by itself. The map outlives a change of policy. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, WEIR_XSK_ROWS);
	__type(key, __u32);
	__type(value, __u32);
} weir_xsks SEC(".maps");
#endif

#ifndef LAYER_CGROUP
static __always_inline int verdict_forward(__u32 slot)
{
	struct weir_action *action = bpf_map_lookup_elem(&weir_actions, &slot);

	return action ? bpf_redirect(action->target, 0) : CODE_FAILED;
}

/*
 * Back to where it came from. The Ethernet addresses change places: with the old ones nobody would take it, since its destination
 * is this host.
 */
static __always_inline int verdict_bounce(CONTEXT *ctx)
{
	__u16 addresses[6], swapped[6];

	if (!raw_ip) {
		if (context_load(ctx, 0, addresses, sizeof(addresses)))
			return CODE_FAILED;
		__builtin_memcpy(swapped, addresses + 3, 6);
		__builtin_memcpy(swapped + 3, addresses, 6);
#ifdef LAYER_XDP
		if (bpf_xdp_store_bytes(ctx, 0, swapped, sizeof(swapped)))
			return CODE_FAILED;
	}
	return XDP_TX;
#else
		if (bpf_skb_store_bytes(ctx, 0, swapped, sizeof(swapped), 0))
			return CODE_FAILED;
	}
	return bpf_redirect(ctx->ifindex, 0);
#endif
}
#endif

#ifdef LAYER_XDP
/* A socket that is not there is a failure: the packet was not to go anywhere else. */
static __always_inline int verdict_xsk(CONTEXT *ctx, __u32 outcome)
{
	__u32 slot = outcome & WEIR_OUTCOME_SLOT_MASK, row = ctx->rx_queue_index;
	struct weir_action *action;

	if (have_actions && outcome & WEIR_OUTCOME_ACTION) {
		action = bpf_map_lookup_elem(&weir_actions, &slot);
		if (!action)
			return CODE_FAILED;
		if (action->flags & WEIR_ACTION_TARGET)
			row = action->target;
	}
	return bpf_redirect_map(&weir_xsks, row, CODE_FAILED);
}
#endif

#ifdef LAYER_TC
/* The class that a classifier names; 0: none. */
static __always_inline int verdict_class(CONTEXT *ctx, __u32 slot)
{
	struct weir_action *action = bpf_map_lookup_elem(&weir_actions, &slot);

	if (!action)
		return 0;
	if (!(action->flags & WEIR_ACTION_TARGET_MARK))
		return action->target;
	return ctx->mark <= 0xffff ? action->target | ctx->mark : 0;
}
#endif

/* The verdicts beside accept and drop. What is none cannot come; if it does, nothing passes. */
static __always_inline int act_verdict(CONTEXT *ctx, __u32 outcome)
{
	switch ((outcome & WEIR_OUTCOME_VERDICT_MASK) >> WEIR_OUTCOME_VERDICT_SHIFT) {
#ifdef LAYER_TC
	case WEIR_VERDICT_FINAL:
		return TC_ACT_OK;
#endif
#ifndef LAYER_CGROUP
	case WEIR_VERDICT_FORWARD:
		return have_actions ? verdict_forward(outcome & WEIR_OUTCOME_SLOT_MASK) : CODE_FAILED;
	case WEIR_VERDICT_BOUNCE:
		return verdict_bounce(ctx);
#endif
#ifdef LAYER_XDP
	case WEIR_VERDICT_XSK:
		return have_xsks ? verdict_xsk(ctx, outcome) : CODE_FAILED;
#endif
	default:
		(void)ctx;
		return CODE_FAILED;
	}
}

#endif
