/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For bench/sets.c: another key each time, looked up in what is measured, BATCH of them in a run, as packets come in batches.
 * What was found is counted, and the time written down whenever a part of the keys is done.
 */
#define LAYER_XDP

#include "context.h"
#include "act.h"
#include "stub.h"

#define KEYS  (1u << 18)
#define PART  (1u << 14)
#define BATCH 64

/* Read in order, so that fetching a key is nearly free. */
struct key {
	__u64 hi, lo; /* of an IPv4 address in lo */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KEYS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct key);
} keys SEC(".maps");

/* CLOCK_MONOTONIC, in ns, when each part of the keys was begun, and at the end. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KEYS / PART + 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} stamps SEC(".maps");

struct prefix {
	__u32 length;
	__u8 address[16]; /* of IPv4 the first four bytes */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 8);
} hash4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, 16);
	__uint(value_size, 8);
} hash6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, 8);
	__uint(value_size, 8);
} lpm4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__uint(key_size, 20);
	__uint(value_size, 8);
} lpm6 SEC(".maps");

__u32 next_key;
__u32 found;

static __always_inline void stamp(__u32 part)
{
	__u64 *at = bpf_map_lookup_elem(&stamps, &part);

	if (at)
		*at = bpf_ktime_get_ns();
}

/* A part is a whole number of batches, so the time is looked at between them. */
static __always_inline void begin_batch(void)
{
	if (next_key % PART == 0)
		stamp(next_key / PART);
}

static __always_inline void end_batch(void)
{
	next_key += BATCH;
	if (next_key < KEYS)
		return;
	stamp(KEYS / PART);
	next_key = 0;
}

static __always_inline struct key *take_key(__u32 i)
{
	__u32 index = next_key + i;

	return bpf_map_lookup_elem(&keys, &index);
}

#define FOR_EACH_KEY(ctx, look_up)                                                                                               \
	begin_batch();                                                                                                           \
	for (__u32 i = 0; i < BATCH; i++) {                                                                                      \
		struct key *key = take_key(i);                                                                                   \
                                                                                                                                 \
		if (key)                                                                                                         \
			look_up(ctx, key);                                                                                       \
	}                                                                                                                        \
	end_batch();                                                                                                             \
	return 0

static __always_inline void look_up_weir(struct xdp_md *ctx, const struct key *key)
{
	struct weir_flow flow = {};
	__u32 outcome;

	flow.network = key->hi ? WEIR_NETWORK_IPV6 : WEIR_NETWORK_IPV4;
	flow.saddr4 = key->lo;
	flow.saddr_hi = key->hi;
	flow.saddr_lo = key->lo;
	outcome = classify(ctx, &flow);
	if (count_elements)
		set_count(&flow, outcome, 1, flow.length);
	found += outcome >> WEIR_OUTCOME_VERDICT_SHIFT == WEIR_VERDICT_DROP;
}

SEC("weir/xdp_ingress")
int weir_xdp(struct xdp_md *ctx)
{
	FOR_EACH_KEY(ctx, look_up_weir);
}

static __always_inline void look_up_nothing(struct xdp_md *ctx, const struct key *key)
{
	(void)ctx;
	found += key->lo & 1;
}

SEC("xdp")
int measure_nothing(struct xdp_md *ctx)
{
	FOR_EACH_KEY(ctx, look_up_nothing);
}

static __always_inline void look_up_hash(struct xdp_md *ctx, const struct key *key)
{
	__u32 narrow = key->lo;

	(void)ctx;
	found += (key->hi ? bpf_map_lookup_elem(&hash6, key) : bpf_map_lookup_elem(&hash4, &narrow)) != NULL;
}

SEC("xdp")
int measure_hash(struct xdp_md *ctx)
{
	FOR_EACH_KEY(ctx, look_up_hash);
}

static __always_inline void look_up_lpm(struct xdp_md *ctx, const struct key *key)
{
	struct prefix prefix = { .length = 128 };
	struct {
		__u32 length, address;
	} narrow;
	__u64 halves[2];

	(void)ctx;
	if (key->hi) {
		halves[0] = bpf_cpu_to_be64(key->hi);
		halves[1] = bpf_cpu_to_be64(key->lo);
		__builtin_memcpy(prefix.address, halves, sizeof(halves));
		found += bpf_map_lookup_elem(&lpm6, &prefix) != NULL;
		return;
	}
	narrow.length = 32;
	narrow.address = bpf_htonl(key->lo);
	found += bpf_map_lookup_elem(&lpm4, &narrow) != NULL;
}

SEC("xdp")
int measure_lpm(struct xdp_md *ctx)
{
	FOR_EACH_KEY(ctx, look_up_lpm);
}

char _license[] SEC("license") = "GPL";
