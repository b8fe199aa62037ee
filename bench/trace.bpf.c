/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The template of a chain for measuring classify() alone, on another flow each time: they come from an array, as the parser
 * would have left them, and nothing is counted. Compiled for each layer (bench.mk).
 */
#ifdef LAYER_TC
#include <linux/pkt_cls.h>
#endif

#include "context.h"
#include "act.h"
#include "stub.h"

#define TRACE_FLOWS 65536

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TRACE_FLOWS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct weir_flow);
} trace_flows SEC(".maps");

__u32 trace_next;

static __always_inline int run(CONTEXT *ctx)
{
	__u32 number = trace_next++ % TRACE_FLOWS;
	struct weir_flow flow = {}, *from = bpf_map_lookup_elem(&trace_flows, &number);

	if (!from)
		return 0;
	flow = *from;
	return classify(ctx, &flow) & 1;
}

#ifdef LAYER_XDP
SEC("weir/xdp_ingress")
int weir_xdp(struct xdp_md *ctx)
{
	return run(ctx);
}
#elif defined(LAYER_TC)
SEC("weir/tc_ingress")
int weir_tc_ingress(struct __sk_buff *ctx)
{
	return run(ctx);
}
#else
SEC("weir/cgroup_egress")
int weir_cg_egress(struct __sk_buff *ctx)
{
	return run(ctx);
}
#endif

char _license[] SEC("license") = "GPL";
