/* SPDX-License-Identifier: GPL-2.0-only */
/* What a rule does to a packet beside judging, counting and logging it. A policy without such rules has none of this. */
#ifndef WEIR_BPF_EFFECTS_H
#define WEIR_BPF_EFFECTS_H

#include "context.h"

/* Rows by counter slot (weir_abi.h); made, sized and filled with the program that reads it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_action);
} weir_actions SEC(".maps");

#ifndef LAYER_XDP
/* Kept over a change of policy, as the counters are. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, WEIR_MARK_ROWS);
	__type(key, struct weir_mark_key);
	__type(value, struct weir_counter);
} weir_marks SEC(".maps");

static __always_inline void effect_count_mark(CONTEXT *ctx, __u32 slot, __u32 length)
{
	const struct weir_mark_key key = { slot, ctx->mark };
	struct weir_counter *counter = bpf_map_lookup_elem(&weir_marks, &key);
	__u32 packets;
	__u64 bytes;

	if (!counter) {
		const struct weir_counter none = {};

		/* Another CPU may have been first, or there is no room: the look-up says which. */
		bpf_map_update_elem(&weir_marks, &key, &none, BPF_NOEXIST);
		counter = bpf_map_lookup_elem(&weir_marks, &key);
	}
	if (!counter)
		return;
	/* At a cgroup a softirq on the same CPU may come between; elsewhere this costs little beside the look-up. */
	context_weigh(ctx, length, &packets, &bytes);
	__sync_fetch_and_add(&counter->packets, packets);
	__sync_fetch_and_add(&counter->bytes, bytes);
}

static __always_inline void effect_meta(CONTEXT *ctx, const struct weir_action *action)
{
	__u32 flags = action->flags;

	if (flags & WEIR_ACTION_MARK)
		ctx->mark = (ctx->mark & action->mark_kept) ^ action->mark;
	if (flags & WEIR_ACTION_PRIORITY)
		ctx->priority = action->priority;
	if (flags & WEIR_ACTION_PRIORITY_MARK && ctx->mark <= 0xffff)
		ctx->priority = action->priority | ctx->mark;
}
#endif

/* Global: verified once, however many rules have effects. */
__weak __noinline int act_effects(CONTEXT *ctx, struct weir_flow *flow, __u32 outcome)
{
	__u32 slot = outcome & WEIR_OUTCOME_SLOT_MASK;
	struct weir_action *action;

	if (!have_actions || !flow)
		return 0;
	action = bpf_map_lookup_elem(&weir_actions, &slot);
	if (!action)
		return 0;
#ifdef LAYER_XDP
	(void)ctx;
#else
	effect_meta(ctx, action);
	if (have_marks && action->flags & WEIR_ACTION_COUNT_MARK)
		effect_count_mark(ctx, slot, flow->length);
#endif
	return 0;
}

#endif
