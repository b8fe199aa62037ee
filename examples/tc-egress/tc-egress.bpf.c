// SPDX-License-Identifier: GPL-2.0-only
/* What is sent to an address of the blocklist is dropped; every IPv4 packet that is sent is logged, with what became of it. */
#include <weir/bpf_log.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* an address, in host byte order */
	__type(value, __u32);
} BLOCKLIST SEC(".maps");

SEC("tc/egress")
int tc_egress(struct __sk_buff *skb)
{
	struct weir_cursor at = weir_cursor_pull(skb, sizeof(struct weir_ethernet) + 60);
	__u32 destination, action;
	struct weir_ipv4 *ip;
	__be16 type;

	if (!weir_take_ethernet(&at, &type) || type != bpf_htons(WEIR_ETHERTYPE_IPV4))
		return TC_ACT_PIPE;
	ip = weir_take_ipv4(&at);
	if (!ip)
		return TC_ACT_PIPE;
	destination = bpf_ntohl(ip->daddr);
	action = bpf_map_lookup_elem(&BLOCKLIST, &destination) ? TC_ACT_SHOT : TC_ACT_PIPE;
	weir_log(skb, "LOG: SRC {ip4}, ACTION {}", ip->daddr, action);
	return action;
}

char _license[] SEC("license") = "GPL";
