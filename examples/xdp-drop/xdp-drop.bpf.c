// SPDX-License-Identifier: GPL-2.0-only
/* Packets from an address of the blocklist are dropped; every IPv4 packet is logged, with what became of it. */
#include <weir/bpf_log.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* an address, in host byte order */
	__type(value, __u32);
} BLOCKLIST SEC(".maps");

SEC("xdp")
int xdp_firewall(struct xdp_md *ctx)
{
	struct weir_cursor at = weir_cursor_of(ctx);
	struct weir_ipv4 *ip;
	__u32 source, action;
	__be16 type;

	if (!weir_take_ethernet(&at, &type) || type != bpf_htons(WEIR_ETHERTYPE_IPV4))
		return XDP_PASS;
	ip = weir_take_ipv4(&at);
	if (!ip)
		return XDP_PASS;
	source = bpf_ntohl(ip->saddr);
	action = bpf_map_lookup_elem(&BLOCKLIST, &source) ? XDP_DROP : XDP_PASS;
	weir_log(ctx, "SRC: {ip4}, ACTION: {}", ip->saddr, action);
	return action;
}

char _license[] SEC("license") = "GPL";
