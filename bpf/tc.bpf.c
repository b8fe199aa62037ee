/* SPDX-License-Identifier: GPL-2.0-only */
/* A chain at an interface, in or out: the templates into which a policy's classify() is put. */
#define LAYER_TC

#include <linux/pkt_cls.h>

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

SEC("weir/tc_ingress")
int weir_tc_ingress(struct __sk_buff *ctx)
{
	return run(ctx);
}

SEC("weir/tc_egress")
int weir_tc_egress(struct __sk_buff *ctx)
{
	return run(ctx);
}

/* The classifier of a qdisc that is there: tc filter ... parent 1: bpf, without direct-action. */
SEC("weir/tc_class")
int weir_tc_class(struct __sk_buff *ctx)
{
	struct weir_flow flow = {};

	parse(ctx, &flow);
	return act_class(ctx, &flow, classify(ctx, &flow));
}

/* An action that filters of others name: tc filter ... action bpf index 7. */
SEC("weir/tc_action")
int weir_tc_action(struct __sk_buff *ctx)
{
	struct weir_flow flow = {};

	parse(ctx, &flow);
	return act_action(ctx, &flow, classify(ctx, &flow));
}

char _license[] SEC("license") = "GPL";
