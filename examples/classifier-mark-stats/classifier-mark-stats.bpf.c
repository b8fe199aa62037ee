// SPDX-License-Identifier: GPL-2.0-only
/* Counts packets and bytes by mark, 0 to 255; the mark is the minor number of a class of the qdisc whose filter this is. */
#include <weir/bpf.h>

#define MARKS 256

const volatile __u32 major = 0; /* of the qdisc: 1 for "1:"; 0: this is not a qdisc's filter, and others may look, too */

struct tuple {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MARKS);
	__type(key, __u32);
	__type(value, struct tuple);
} map_stats SEC(".maps");

SEC("tc/egress")
int cls_main(struct __sk_buff *skb)
{
	__u32 mark = skb->mark;
	struct tuple *sums = bpf_map_lookup_elem(&map_stats, &mark);

	if (!sums)
		return major ? 0 : TC_ACT_PIPE; /* a mark beyond: no match */
	__sync_fetch_and_add(&sums->packets, 1);
	__sync_fetch_and_add(&sums->bytes, skb->len);
	return major ? (int)(major << 16 | mark) : TC_ACT_PIPE;
}

char _license[] SEC("license") = "GPL";
