/* SPDX-License-Identifier: GPL-2.0-only */
/* A chain at XDP: the template into which a policy's classify() is put. */
#define LAYER_XDP

#include "context.h"
#include "parse.h"
#include "act.h"
#include "stub.h"

SEC("weir/xdp_ingress")
int weir_xdp(struct xdp_md *ctx)
{
	struct weir_flow flow = {};

	parse(ctx, &flow);
	return act(ctx, &flow, classify(ctx, &flow));
}

char _license[] SEC("license") = "GPL";
