// SPDX-License-Identifier: GPL-2.0-only
/* Drops all ARP packets that an interface receives. */
#include <weir/bpf.h>

SEC("tc/ingress")
int drop(struct __sk_buff *skb)
{
	struct weir_cursor at = weir_cursor_of(skb);
	__be16 type;

	if (!weir_take_ethernet(&at, &type) || type != bpf_htons(WEIR_ETHERTYPE_ARP))
		return TC_ACT_OK;
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
