// SPDX-License-Identifier: GPL-2.0-only
/* What a log line costs: a program that only passes, and the same with a line of three values. */
#include <weir/bpf_log.h>

SEC("xdp")
int silent(struct xdp_md *ctx)
{
	return ctx->rx_queue_index ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int logs(struct xdp_md *ctx)
{
	weir_log(ctx, "src {ip4}, port {u16}, action {}", ctx->ingress_ifindex, ctx->rx_queue_index, XDP_PASS);
	return ctx->rx_queue_index ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
