/* SPDX-License-Identifier: GPL-2.0-only */
/* Maps as objects had them before BTF, for tests: a row of numbers in the section `maps`. No header of libbpf's, which has them no more. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#define SECTION(name) __attribute__((section(name), used))

/* tc's. */
struct bpf_elf_map {
	__u32 type, size_key, size_value, max_elem, flags, id, pinning, inner_id, inner_idx;
};

/* libbpf's before 1.0, and Aya's, which has two words more. */
struct bpf_map_def {
	__u32 type, key_size, value_size, max_entries, map_flags;
};
struct aya_map_def {
	__u32 type, key_size, value_size, max_entries, map_flags, id, pinning;
};

static void *(*lookup)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static long (*update)(void *map, const void *key, const void *value, __u64 flags) = (void *)BPF_FUNC_map_update_elem;
static void *(*reserve)(void *ring, __u64 size, __u64 flags) = (void *)BPF_FUNC_ringbuf_reserve;
static void (*submit)(void *data, __u64 flags) = (void *)BPF_FUNC_ringbuf_submit;
static long (*perf_output)(void *ctx, void *map, __u64 flags, void *data, __u64 size) = (void *)BPF_FUNC_perf_event_output;
