/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XDP verdicts that were not carried out, by program: what the kernel's tracepoints xdp:xdp_exception (XDP_ABORTED, or a code
 * that the driver could not serve) and xdp:xdp_redirect_err tell. Programs that have no row are not weir's, and are not counted.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "weir_abi.h"

/* The kernel's own types, as far as they are looked at; their layout comes from the running kernel's BTF. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct bpf_prog_aux {
	__u32 id;
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
};
#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WEIR_FAULT_ROWS);
	__type(key, __u32);
	__type(value, struct weir_faults);
} weir_faults SEC(".maps");

static __always_inline struct weir_faults *faults_of(const struct bpf_prog *program)
{
	__u32 id = program->aux->id;

	return bpf_map_lookup_elem(&weir_faults, &id);
}

/* ARGUMENTS of both begin with the device and the program. */
SEC("tp_btf/xdp_exception")
int weir_exception(__u64 *arguments)
{
	struct weir_faults *faults = faults_of((const struct bpf_prog *)arguments[1]);

	if (faults)
		__sync_fetch_and_add(&faults->aborted, 1);
	return 0;
}

SEC("tp_btf/xdp_redirect_err")
int weir_redirect(__u64 *arguments)
{
	struct weir_faults *faults = faults_of((const struct bpf_prog *)arguments[1]);

	if (faults)
		__sync_fetch_and_add(&faults->redirects_failed, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
