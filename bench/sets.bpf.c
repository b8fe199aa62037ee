/* SPDX-License-Identifier: GPL-2.0-only */
/* For bench/sets.c: another key each time, looked up in what is measured. Counts what was found. */
#define LAYER_XDP

#include "context.h"
#include "act.h"
#include "stub.h"

#define KEYS (1u << 18)

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

const volatile __u32 wide; /* keys are IPv6 addresses */

__u32 next_key;
__u32 found;

static __always_inline struct key *take_key(void)
{
	__u32 index = next_key++ % KEYS;

	return bpf_map_lookup_elem(&keys, &index);
}

SEC("weir/xdp_ingress")
int weir_xdp(struct xdp_md *ctx)
{
	struct weir_flow flow = {};
	struct key *key = take_key();

	if (!key)
		return 0;
	flow.network = key->hi ? WEIR_NETWORK_IPV6 : WEIR_NETWORK_IPV4;
	flow.saddr4 = key->lo;
	flow.saddr_hi = key->hi;
	flow.saddr_lo = key->lo;
	found += classify(ctx, &flow) >> WEIR_OUTCOME_VERDICT_SHIFT == WEIR_VERDICT_DROP;
	return 0;
}

SEC("xdp")
int measure_nothing(struct xdp_md *ctx)
{
	struct key *key = take_key();

	(void)ctx;
	if (key)
		found += key->lo & 1;
	return 0;
}

SEC("xdp")
int measure_hash(struct xdp_md *ctx)
{
	struct key *key = take_key();
	__u32 narrow;

	(void)ctx;
	if (!key)
		return 0;
	narrow = key->lo;
	found += (key->hi ? bpf_map_lookup_elem(&hash6, key) : bpf_map_lookup_elem(&hash4, &narrow)) != NULL;
	return 0;
}

SEC("xdp")
int measure_lpm(struct xdp_md *ctx)
{
	struct prefix prefix = { .length = 128 };
	struct key *key = take_key();
	struct {
		__u32 length, address;
	} narrow;
	__u64 halves[2];

	(void)ctx;
	if (!key)
		return 0;
	if (key->hi) {
		halves[0] = bpf_cpu_to_be64(key->hi);
		halves[1] = bpf_cpu_to_be64(key->lo);
		__builtin_memcpy(prefix.address, halves, sizeof(halves));
		found += bpf_map_lookup_elem(&lpm6, &prefix) != NULL;
		return 0;
	}
	narrow.length = 32;
	narrow.address = bpf_htonl(key->lo);
	found += bpf_map_lookup_elem(&lpm4, &narrow) != NULL;
	return 0;
}

char _license[] SEC("license") = "GPL";
