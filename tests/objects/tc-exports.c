// SPDX-License-Identifier: GPL-2.0-only
/* A classifier with two maps that no file pins, as tc hands them to an agent: the ids are the object's own. */
#include "legacy.h"

struct bpf_elf_map SECTION("maps") map_stats = { BPF_MAP_TYPE_ARRAY, 4, 16, 256, 0, 1, 0, 0, 0 };
struct bpf_elf_map SECTION("maps") map_classes = { BPF_MAP_TYPE_HASH, 4, 8, 32, 0, 7, 0, 0, 0 };

SECTION("cls")
int pick(struct __sk_buff *skb)
{
	__u32 mark = skb->mark;

	return lookup(&map_stats, &mark) && lookup(&map_classes, &mark) ? 0 : -1;
}

char __license[] SECTION("license") = "GPL";
