// SPDX-License-Identifier: GPL-2.0-only
/* What processes of a cgroup send to an address of the blocklist is dropped; every IPv4 packet is told by a perf event array. */
#include <weir/bpf.h>

#include "cgroup-skb-egress.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} EVENTS SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); /* an address, in host byte order */
	__type(value, __u32);
} BLOCKLIST SEC(".maps");

SEC("cgroup_skb/egress")
int cgroup_skb_egress(struct __sk_buff *skb)
{
	struct weir_cursor at = weir_cursor_of(skb); /* at a cgroup a packet begins with its IP header */
	struct packet_log entry;
	struct weir_ipv4 *ip;
	int action;

	if (skb->protocol != bpf_htons(WEIR_ETHERTYPE_IPV4))
		return 1;
	ip = weir_take_ipv4(&at);
	if (!ip)
		return 1;
	entry.ipv4_address = bpf_ntohl(ip->daddr);
	action = bpf_map_lookup_elem(&BLOCKLIST, &entry.ipv4_address) ? 0 : 1;
	entry.action = action;
	bpf_perf_event_output(skb, &EVENTS, BPF_F_CURRENT_CPU, &entry, sizeof(entry));
	return action; /* not entry's: the verifier wants to see that it is 0 or 1 */
}

char _license[] SEC("license") = "GPL";
