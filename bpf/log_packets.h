/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `weir log packets` does at each of its places: look at a packet, tell of it, change nothing. In each second at most RATE
 * packets of an interface are told; the others are only counted, and cost a look at the clock.
 */
#ifndef WEIR_BPF_LOG_PACKETS_H
#define WEIR_BPF_LOG_PACKETS_H

#include "context.h"
#include "parse.h"
#include "seen_packet.h"

#define SECOND 1000000000ll

const volatile __u32 source; /* which of the interfaces this program stands at */
const volatile __u64 rate;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} packets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_seen_counts);
} counts SEC(".maps");

/* The second that goes on, of all processors. */
__u64 second_began, second_told;

static __always_inline bool within_rate(__u64 now)
{
	__u64 began = second_began;

	/* One processor begins the next second; the others go on in it. */
	if ((__s64)(now - began) >= SECOND && __sync_val_compare_and_swap(&second_began, began, now) == began)
		second_told = 0;
	/* Read first: a flood must not write to what all processors share. */
	return second_told < rate && __sync_fetch_and_add(&second_told, 1) < rate;
}

static __always_inline void tell(const struct weir_flow *flow, __u64 now)
{
	struct weir_seen_packet *seen = bpf_ringbuf_reserve(&packets, sizeof(*seen), 0);
	struct weir_seen_counts *count;
	__u32 zero = 0;

	if (!seen) {
		count = bpf_map_lookup_elem(&counts, &zero);
		if (count)
			count->lost++;
		return;
	}
	seen->time_ns = now;
	seen->source = source;
	seen->padding = 0;
	__builtin_memcpy(&seen->flow, flow, sizeof(*flow));
	bpf_ringbuf_submit(seen, 0);
}

/* May it be told? If not, it is counted. */
static __always_inline bool may_tell(__u64 now)
{
	struct weir_seen_counts *count;
	__u32 zero = 0;

	if (within_rate(now))
		return true;
	count = bpf_map_lookup_elem(&counts, &zero);
	if (count)
		count->suppressed++;
	return false;
}

#endif
