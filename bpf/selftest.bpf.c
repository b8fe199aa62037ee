/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small programs whose answers are known, each for one thing that weir asks of a kernel. `weir selftest` loads them one by one, runs
 * them with the packet of selftest_packet.h, and compares.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "selftest_packet.h"

#define EXPECT_PORT(port) ((port) == SELFTEST_PORT ? SELFTEST_ANSWER : 1)

/* ---- Instructions ---- */

SEC("tc")
int arithmetic(struct __sk_buff *ctx)
{
	return selftest_arithmetic(ctx->len);
}

SEC("tc")
int jumps(struct __sk_buff *ctx)
{
	__s64 wide = (__s64)ctx->len - 51;
	__s32 half = (__s32)ctx->len - 51;
	int right = 0;

	/* -1, as signed and as unsigned numbers of both sizes. */
	asm volatile("if %[wide] s< 0 goto +1; goto +1; %[right] += 1" : [right] "+r"(right) : [wide] "r"(wide));
	asm volatile("if %[wide] > 5 goto +1; goto +1; %[right] += 2" : [right] "+r"(right) : [wide] "r"(wide));
	asm volatile("if %[half] s< 0 goto +1; goto +1; %[right] += 4" : [right] "+r"(right) : [half] "w"(half));
	asm volatile("if %[half] > 5 goto +1; goto +1; %[right] += 8" : [right] "+r"(right) : [half] "w"(half));
	return right == 15 ? SELFTEST_ANSWER : right;
}

static __noinline int local(int a, int b)
{
	return a * 100 + b;
}

__noinline int global(struct __sk_buff *ctx, int b)
{
	return ctx ? b - 39 : 0;
}

SEC("tc")
int calls(struct __sk_buff *ctx)
{
	return local(47, global(ctx, ctx->len));
}

struct memory {
	__u32 a, b;
};

__noinline int global_memory(struct memory *memory)
{
	return memory ? memory->a * 100 + memory->b : 0;
}

SEC("tc")
int calls_memory(struct __sk_buff *ctx)
{
	struct memory memory = { .a = 47, .b = ctx->len - 39 };

	return global_memory(&memory);
}

__u64 shared;

SEC("tc")
int atomics(struct __sk_buff *ctx)
{
	__u64 before;

	shared = ctx->len;
	before = __sync_fetch_and_add(&shared, 7);
	if (before != SELFTEST_LENGTH || __sync_val_compare_and_swap(&shared, SELFTEST_LENGTH + 7, 9) != SELFTEST_LENGTH + 7)
		return 1;
	return shared == 9 ? SELFTEST_ANSWER : 2;
}

/* ---- Packets ---- */

static __always_inline int read_port(void *data, void *end)
{
	if (data + SELFTEST_PORT_AT + 2 > end)
		return 2;
	return EXPECT_PORT(bpf_ntohs(*(__be16 *)(data + SELFTEST_PORT_AT)));
}

SEC("xdp")
int at_xdp(struct xdp_md *ctx)
{
	return read_port((void *)(long)ctx->data, (void *)(long)ctx->data_end);
}

SEC("xdp")
int xdp_load(struct xdp_md *ctx)
{
	__be16 port = 0;

	return bpf_xdp_load_bytes(ctx, SELFTEST_PORT_AT, &port, 2) ? 2 : EXPECT_PORT(bpf_ntohs(port));
}

SEC("xdp")
int xdp_length(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx) == SELFTEST_LENGTH ? SELFTEST_ANSWER : 1;
}

SEC("tc")
int at_tc(struct __sk_buff *ctx)
{
	return read_port((void *)(long)ctx->data, (void *)(long)ctx->data_end);
}

SEC("tc")
int tc_load(struct __sk_buff *ctx)
{
	__be16 port = 0;

	if (bpf_skb_pull_data(ctx, 0) || ctx->protocol != bpf_htons(SELFTEST_ETHER_TYPE))
		return 2;
	return bpf_skb_load_bytes(ctx, SELFTEST_PORT_AT, &port, 2) ? 3 : EXPECT_PORT(bpf_ntohs(port));
}

/* Begins at the IP header, and may only answer 0 or 1. */
SEC("cgroup_skb/egress")
int at_cgroup(struct __sk_buff *ctx)
{
	__be16 port = 0;

	return bpf_skb_load_bytes(ctx, SELFTEST_PORT_AT - 14, &port, 2) == 0 && bpf_ntohs(port) == SELFTEST_PORT;
}

/* ---- Maps ---- */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u32);
} hash SEC(".maps");

SEC("tc")
int map_hash(struct __sk_buff *ctx)
{
	__u32 key = ctx->len, value = SELFTEST_ANSWER, *found;

	if (bpf_map_update_elem(&hash, &key, &value, BPF_NOEXIST))
		return 1;
	found = bpf_map_lookup_elem(&hash, &key);
	value = found ? *found : 2;
	key++;
	return bpf_map_lookup_elem(&hash, &key) ? 3 : value;
}

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

SEC("tc")
int map_counters(struct __sk_buff *ctx)
{
	__u32 key = ctx->len - 48, beyond = 4;
	__u64 *counter = bpf_map_lookup_elem(&counters, &key);

	if (!counter || bpf_map_lookup_elem(&counters, &beyond))
		return 1;
	*counter += SELFTEST_ANSWER;
	counter = bpf_map_lookup_elem(&counters, &key);
	return counter ? *counter : 2;
}

struct prefix {
	__u32 length;
	__be32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 16);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} prefixes SEC(".maps");

/* Filled by weir: 192.0.2.0/24 has the answer, 192.0.0.0/16 has not. */
SEC("tc")
int map_prefixes(struct __sk_buff *ctx)
{
	struct prefix key = { .length = 32 };
	__u32 *found;

	if (bpf_skb_load_bytes(ctx, 30, &key.address, 4))
		return 1;
	found = bpf_map_lookup_elem(&prefixes, &key);
	return found ? *found : 2;
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} ring SEC(".maps");

SEC("tc")
int map_ring(struct __sk_buff *ctx)
{
	__u32 *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);

	if (!record)
		return 1;
	*record = ctx->len;
	bpf_ringbuf_submit(record, 0);
	return SELFTEST_ANSWER;
}

SEC("tc")
int clock(struct __sk_buff *ctx)
{
	__u64 first = bpf_ktime_get_ns(), second = bpf_ktime_get_ns();

	return ctx && first && second >= first && second - first < 1000000000ull ? SELFTEST_ANSWER : 1;
}

SEC("tc")
int clock_coarse(struct __sk_buff *ctx)
{
	__u64 fine = bpf_ktime_get_ns(), coarse = bpf_ktime_get_coarse_ns();

	return ctx && coarse && coarse - fine + 1000000000ull < 2000000000ull ? SELFTEST_ANSWER : 1;
}

/* ---- Effects ---- */

SEC("xdp")
int xdp_store(struct xdp_md *ctx)
{
	__be16 port = bpf_htons(7);

	if (bpf_xdp_store_bytes(ctx, SELFTEST_PORT_AT, &port, 2) || bpf_xdp_load_bytes(ctx, SELFTEST_PORT_AT, &port, 2))
		return 2;
	return bpf_ntohs(port) == 7 ? SELFTEST_ANSWER : 1;
}

SEC("tc")
int tc_store(struct __sk_buff *ctx)
{
	__be16 port = bpf_htons(7);

	if (bpf_skb_store_bytes(ctx, SELFTEST_PORT_AT, &port, 2, 0) || bpf_skb_load_bytes(ctx, SELFTEST_PORT_AT, &port, 2))
		return 2;
	return bpf_ntohs(port) == 7 ? SELFTEST_ANSWER : 1;
}

/* What the answer means, the kernel says: XDP_REDIRECT and TC_ACT_REDIRECT. */
SEC("xdp")
int xdp_redirect(struct xdp_md *ctx)
{
	return ctx && bpf_redirect(1, 0) == XDP_REDIRECT ? SELFTEST_ANSWER : 1;
}

SEC("tc")
int tc_redirect(struct __sk_buff *ctx)
{
	return ctx && bpf_redirect(1, BPF_F_INGRESS) == 7 ? SELFTEST_ANSWER : 1;
}

/* ---- Whose packet it is ---- */

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, __u64);
} storage SEC(".maps");

SEC("cgroup/sock_create")
int socket_owner(struct bpf_sock *ctx)
{
	__u64 *owner = bpf_sk_storage_get(&storage, ctx, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (owner)
		*owner = bpf_get_current_pid_tgid();
	return 1;
}

/* ---- What is traced and guarded ---- */

__u32 called;

SEC("tp_btf/inet_sock_set_state")
int at_tracepoint(void *ctx)
{
	(void)ctx;
	called++;
	return 0;
}

SEC("kprobe/tcp_connect")
int at_kprobe(void *ctx)
{
	(void)ctx;
	called++;
	return 0;
}

SEC("fentry/set_user_nice")
int at_fentry(unsigned long long *ctx)
{
	called += ctx[0] != 0;
	return 0;
}

SEC("lsm/task_setnice")
int at_lsm(unsigned long long *ctx)
{
	called++;
	return ctx[2];
}

char _license[] SEC("license") = "GPL";
