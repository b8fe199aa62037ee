// SPDX-License-Identifier: GPL-2.0-only
/* A classifier and two actions that share maps, as tc has objects: maps with id and pinning, one of them a map of maps. */
#include "legacy.h"

struct bpf_elf_map SECTION("maps") map_marks = { BPF_MAP_TYPE_ARRAY, 4, 16, 256, 0, 1, 2, 0, 0 };
struct bpf_elf_map SECTION("maps") map_own = { BPF_MAP_TYPE_HASH, 4, 8, 32, 0, 7, 1, 0, 0 };
struct bpf_elf_map SECTION("maps") map_inner = { BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 42, 0, 0, 3 };
struct bpf_elf_map SECTION("maps") map_outer = { BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 8, 0, 43, 0, 42, 0 };

struct sums {
	__u64 packets, bytes;
};

SECTION("cls")
int count_marks(struct __sk_buff *skb)
{
	__u32 mark = skb->mark, three = 3, nil = 0;
	struct sums *sums = mark < 256 ? lookup(&map_marks, &mark) : 0;
	void *inner = lookup(&map_outer, &three);
	__u64 *through = inner ? lookup(inner, &nil) : 0;

	if (sums) {
		__sync_fetch_and_add(&sums->packets, 1);
		__sync_fetch_and_add(&sums->bytes, skb->len);
	}
	if (through)
		__sync_fetch_and_add(through, 1);
	return mark == 66 ? 0 : -1;
}

SECTION("action-mark")
int set_mark(struct __sk_buff *skb)
{
	skb->mark = 5;
	return TC_ACT_PIPE;
}

SECTION("action-shot")
int shoot(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 seen = skb->mark;

	update(&map_own, &key, &seen, 0);
	return TC_ACT_SHOT;
}

char __license[] SECTION("license") = "GPL";
