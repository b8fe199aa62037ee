// SPDX-License-Identifier: GPL-2.0-only
/* Drops all TCP packets to a port that an interface receives. */
#include <weir/bpf.h>

const volatile __u16 port = 80;

SEC("tc/ingress")
int drop(struct __sk_buff *skb)
{
	struct weir_cursor at = weir_cursor_pull(skb, sizeof(struct weir_ethernet) + 60 + sizeof(struct weir_tcp));
	struct weir_ipv4 *ip;
	struct weir_tcp *tcp;
	__be16 type;

	if (!weir_take_ethernet(&at, &type) || type != bpf_htons(WEIR_ETHERTYPE_IPV4))
		return TC_ACT_OK;
	ip = weir_take_ipv4(&at);
	if (!ip || ip->protocol != WEIR_PROTOCOL_TCP || !weir_ipv4_is_first(ip))
		return TC_ACT_OK;
	tcp = weir_take(&at, struct weir_tcp);
	return tcp && tcp->dport == bpf_htons(port) ? TC_ACT_SHOT : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
