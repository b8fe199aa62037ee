/* SPDX-License-Identifier: GPL-2.0-only */
/* weir log packets at XDP: before the kernel has done anything with a packet. */
#define LAYER_XDP

#include "log_packets.h"

SEC("xdp")
int weir_log_xdp(struct xdp_md *ctx)
{
	__u64 now = bpf_ktime_get_ns();

	if (may_tell(now)) {
		struct weir_flow flow = {};

		parse(ctx, &flow);
		tell(&flow, now);
	}
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
