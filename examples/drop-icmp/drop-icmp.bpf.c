// SPDX-License-Identifier: GPL-2.0-only
/* Drops all ICMP packets that an interface receives. */
#include <weir/bpf.h>

SEC("tc/ingress")
int drop(struct __sk_buff *skb)
{
	struct weir_cursor at = weir_cursor_pull(skb, sizeof(struct weir_ethernet) + 60);
	struct weir_ipv4 *ip;
	__be16 type;

	if (!weir_take_ethernet(&at, &type) || type != bpf_htons(WEIR_ETHERTYPE_IPV4))
		return TC_ACT_OK;
	ip = weir_take_ipv4(&at);
	return ip && ip->protocol == WEIR_PROTOCOL_ICMP ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
