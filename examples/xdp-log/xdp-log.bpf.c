// SPDX-License-Identifier: GPL-2.0-only
/* Every packet passes; source address and port of TCP and UDP over IPv4 are logged. */
#include <weir/bpf_log.h>

SEC("xdp")
int xdp_firewall(struct xdp_md *ctx)
{
	struct weir_cursor at = weir_cursor_of(ctx);
	struct weir_ipv4 *ip;
	struct weir_udp *ports;
	__be16 type;

	if (!weir_take_ethernet(&at, &type) || type != bpf_htons(WEIR_ETHERTYPE_IPV4))
		return XDP_PASS;
	ip = weir_take_ipv4(&at);
	if (!ip || !weir_ipv4_is_first(ip) || (ip->protocol != WEIR_PROTOCOL_TCP && ip->protocol != WEIR_PROTOCOL_UDP))
		return XDP_PASS;
	ports = weir_take(&at, struct weir_udp); /* TCP has its ports at the same place */
	if (ports)
		weir_log(ctx, "SRC IP: {ip4}, SRC PORT: {be16}", ip->saddr, ports->sport);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
