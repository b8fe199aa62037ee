// SPDX-License-Identifier: GPL-2.0-only
/* Every packet passes, and a line is logged for each. */
#include <weir/bpf_log.h>

SEC("xdp")
int xdp_hello(struct xdp_md *ctx)
{
	weir_log(ctx, "received a packet");
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
