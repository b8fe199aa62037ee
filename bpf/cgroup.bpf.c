/* SPDX-License-Identifier: GPL-2.0-only */
/* A chain at a cgroup, in or out: the templates into which a policy's classify() is put. */
#define LAYER_CGROUP

#include "context.h"
#include "parse.h"
#include "act.h"
#include "stub.h"

static __always_inline int run(struct __sk_buff *ctx)
{
	struct weir_flow flow = {};

	parse(ctx, &flow);
	return act(ctx, &flow, classify(ctx, &flow));
}

SEC("weir/cgroup_ingress")
int weir_cg_ingress(struct __sk_buff *ctx)
{
	return run(ctx);
}

SEC("weir/cgroup_egress")
int weir_cg_egress(struct __sk_buff *ctx)
{
	return run(ctx);
}

char _license[] SEC("license") = "GPL";
