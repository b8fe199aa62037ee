// SPDX-License-Identifier: GPL-2.0-only
/* What comes for TCP port 80 goes to one of 8080 to 8087, by the queue it came in at; the answers are from port 80 again. */
#include <weir/bpf.h>

#define PORT  80
#define FIRST 8080
#define PORTS 8

/* The TCP header, and where it begins; NULL: none, or not in IPv4, or in an earlier fragment. */
static __always_inline struct weir_tcp *find_tcp(struct __sk_buff *skb, __u32 *ret_offset)
{
	struct weir_cursor at = weir_cursor_pull(skb, sizeof(struct weir_ethernet) + 60 + sizeof(struct weir_tcp));
	struct weir_ipv4 *ip;
	__be16 type;

	if (!weir_take_ethernet(&at, &type) || type != bpf_htons(WEIR_ETHERTYPE_IPV4))
		return NULL;
	ip = weir_take_ipv4(&at);
	if (!ip || ip->protocol != WEIR_PROTOCOL_TCP || !weir_ipv4_is_first(ip))
		return NULL;
	*ret_offset = (__u32)((long)at.at - (long)skb->data);
	return weir_take(&at, struct weir_tcp);
}

static __always_inline void set_port(struct __sk_buff *skb, __u32 tcp, __u32 where, __be16 from, __be16 to)
{
	bpf_l4_csum_replace(skb, tcp + __builtin_offsetof(struct weir_tcp, checksum), from, to, sizeof(to));
	bpf_skb_store_bytes(skb, tcp + where, &to, sizeof(to), 0);
}

SEC("tc/ingress")
int lb_main(struct __sk_buff *skb)
{
	__u32 offset;
	struct weir_tcp *tcp = find_tcp(skb, &offset);

	if (tcp && tcp->dport == bpf_htons(PORT))
		set_port(skb, offset, __builtin_offsetof(struct weir_tcp, dport), tcp->dport,
			 bpf_htons(FIRST + skb->queue_mapping % PORTS));
	return TC_ACT_PIPE;
}

SEC("tc/egress")
int lb_back(struct __sk_buff *skb)
{
	__u32 offset;
	struct weir_tcp *tcp = find_tcp(skb, &offset);

	if (tcp && (__u16)(bpf_ntohs(tcp->sport) - FIRST) < PORTS)
		set_port(skb, offset, __builtin_offsetof(struct weir_tcp, sport), tcp->sport, bpf_htons(PORT));
	return TC_ACT_PIPE;
}

char _license[] SEC("license") = "GPL";
