/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The functions whose place is taken by those that are generated from a policy (lib/kernel/splice.c), and what
 * these call. Weak, so that clang believes nothing about what they do; the stub of classify calls whatever
 * generated code may call, so that libbpf brings it along. A stub that was not replaced drops every packet.
 */
#ifndef WEIR_BPF_STUB_H
#define WEIR_BPF_STUB_H

#include "act.h"
#include "classic.h"
#include "context.h"
#include "http.h"

/* A rule without a verdict was met. */
__weak __noinline int pass(CONTEXT *ctx, struct weir_flow *flow, __u32 outcome)
{
	if (flow)
		act_record(ctx, flow, outcome);
	return 0;
}

/* Is what the packet has of the set's key in the set? 1 or 0. There may be several of these, or none. */
__weak __noinline int set_member(struct weir_flow *flow)
{
	return flow ? flow->malformed : 0;
}

/* Does the packet meet a condition that is computed from its bytes? 1 or 0. There may be several of these, or none. */
__weak __noinline int predicate(CONTEXT *ctx, struct weir_flow *flow)
{
	struct weir_http_text text = {};

	return ctx && flow ? flow->malformed + http_text(ctx, flow, &text) : 0;
}

/* The outcome (WEIR_OUTCOME) of the rule that decides. */
__weak __noinline int classify(CONTEXT *ctx, struct weir_flow *flow)
{
	if (!flow)
		return WEIR_OUTCOME(WEIR_SLOT_POLICY, WEIR_VERDICT_DROP, 0);
	pass(ctx, flow, set_member(flow) + predicate(ctx, flow) + classic_all(ctx, flow));
	return WEIR_OUTCOME(WEIR_SLOT_POLICY, WEIR_VERDICT_DROP, 0);
}

#endif
