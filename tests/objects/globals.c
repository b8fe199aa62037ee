// SPDX-License-Identifier: GPL-2.0-only
/* Drops what its globals say, logs it by weir_log at several levels, and has programs for other hooks. */
#include <weir/bpf_log.h>

const volatile __u32 drop_from = 0; /* an IPv4 address, network byte order */
const volatile int threshold = -3;
const volatile char word[16] = "nothing";
const volatile __u8 numbers[4] = { 1, 2, 3, 4 };
const volatile _Bool chatty = 0;
__u64 seen = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} shared SEC(".maps");

SEC("xdp")
int choose(struct xdp_md *ctx)
{
	struct weir_cursor at = weir_cursor_of(ctx);
	struct weir_ethernet *ethernet;
	struct weir_ipv4 *ip;
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&shared, &key);
	__be16 type;

	__sync_fetch_and_add(&seen, 1);
	if (count)
		__sync_fetch_and_add(count, 1);
	ethernet = weir_take_ethernet(&at, &type);
	if (!ethernet || type != bpf_htons(WEIR_ETHERTYPE_IPV4))
		return XDP_PASS;
	ip = weir_take_ipv4(&at);
	if (!ip)
		return XDP_PASS;
	weir_log_debug(ctx, "debug {mac}", ethernet->saddr);
	if (chatty)
		weir_log(ctx, "word {s} threshold {} numbers {u8} {x} {{}} {i16}", (char *)word, threshold, numbers[3], 255, 65535);
	if (!drop_from || ip->saddr != drop_from)
		return XDP_PASS;
	weir_log_warn(ctx, "from {ip4}", ip->saddr);
	return XDP_DROP;
}

SEC("tracepoint/syscalls/sys_enter_getpid")
int tracepoint(void *ctx)
{
	(void)ctx;
	return 0;
}

SEC("raw_tp/sched_switch")
int switches(void *ctx)
{
	__u32 key = 1;
	__u64 *count = bpf_map_lookup_elem(&shared, &key);

	(void)ctx;
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

SEC("socket")
int sees(struct __sk_buff *skb)
{
	weir_log(skb, "socket {} bytes", skb->len);
	return 0;
}

SEC("cgroup_skb/egress")
int leaves(struct __sk_buff *skb)
{
	weir_log(skb, "cgroup {} bytes", skb->len);
	return 1;
}

SEC("uprobe")
int called(void *ctx)
{
	(void)ctx;
	weir_log(ctx, "called");
	return 0;
}

char _license[] SEC("license") = "GPL";
