/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * weir log packets by a packet socket, where XDP is not to be had: as the filter of a socket that takes nothing. It sees what
 * tcpdump sees, here of incoming packets.
 */
#define LAYER_TC /* what the context knows is the same */

#include <linux/if_packet.h>

#include "log_packets.h"

SEC("socket")
int weir_log_socket(struct __sk_buff *ctx)
{
	__u64 now = bpf_ktime_get_ns();

	if (ctx->pkt_type != PACKET_OUTGOING && may_tell(now)) {
		struct weir_flow flow = {};

		context_describe(ctx, &flow);
		flow.length = ctx->len;
		/* A filter may not read the packet in place. */
		flow.malformed = parse_loaded(ctx, &flow);
		tell(&flow, now);
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
