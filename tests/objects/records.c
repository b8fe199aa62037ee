// SPDX-License-Identifier: GPL-2.0-only
/* Tells of each packet in every way that a reader reads, with buffers that are soon full; and has globals of each type. */
#include <weir/bpf_log.h>

struct record {
	__u64 number;
	char padding[504];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} events SEC(".maps");

WEIR_RING(ring, 4096);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

enum colour { RED, GREEN = 7 };
const volatile __u16 port = 0;
const volatile __s64 wide = 0;
const volatile _Bool yes = 0;
const volatile enum colour colour = RED;
const volatile __u8 mac[6] = { 0 };
const volatile __u16 list[4] = { 9, 9, 9, 9 };
const volatile struct {
	__u8 bytes[16];
} address6 = { { 0 } };
const volatile struct {
	int x, y;
} point = { 0 };

SEC("xdp")
int tells(struct xdp_md *ctx)
{
	struct weir_address6 constant = { { 0xfe, 0x80, [15] = 1 } };
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&seen, &key), number = count ? *count : 0;
	struct record *record = weir_reserve(ring, struct record);

	if (record) {
		record->number = number;
		bpf_ringbuf_submit(record, 0);
	}
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &number, sizeof(number));
	if (count)
		__sync_fetch_and_add(count, 1);
	weir_log(ctx, "port {} wide {} yes {} colour {} list {} {} {}", port, wide, yes, colour, list[0], list[1], list[3]);
	weir_log(ctx, "mac {x}:{x} address {x}:{x} point {} constant {ip6}", mac[0], mac[5], address6.bytes[0],
		 address6.bytes[15], point.x, &constant);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
