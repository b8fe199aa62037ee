/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the layers: the type of the context, how bytes are read through it, and what it knows
 * beside the bytes. A program says which layer it is for (LAYER_XDP, LAYER_TC or LAYER_CGROUP) before it
 * includes this. All that stands behind is the same for every layer.
 */
#ifndef WEIR_BPF_CONTEXT_H
#define WEIR_BPF_CONTEXT_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "weir_abi.h"

/* Set before the load, const afterwards: the verifier takes away the branches that they rule out. */
const volatile __u32 hook;	    /* enum weir_hook */
const volatile __u32 chain_id;	    /* stands in events */
const volatile bool raw_ip;	    /* the interface has no Ethernet header */
const volatile bool log_events;	    /* some rule logs */
const volatile bool count_elements; /* some rule matches by a set whose elements count */
const volatile bool have_actions;   /* some rule has a row in weir_actions */
const volatile bool have_marks;	    /* some rule counts by mark */
const volatile bool have_xsks;	    /* some rule hands packets to an AF_XDP socket */
const volatile bool redirects;	    /* some rule's verdict is redirect or dnat */
const volatile bool have_connections; /* the same, or the chain carries back the replies of one that does */
const volatile __u32 first_reply, last_reply; /* source ports of replies that may have to be changed */
const volatile bool more_verdicts;  /* some rule's verdict is neither accept nor drop */
const volatile bool know_owners;    /* the map of socket owners is there */
const volatile bool know_buffers;   /* a program may see whether a frame lies in one buffer */
const volatile bool want_ether;	    /* some rule looks at a MAC address, or an event may carry it */
const volatile bool want_addresses; /* the same for IPv4 and IPv6 addresses */
const volatile bool want_payload;   /* some rule looks into the payload of TCP */

#ifdef LAYER_XDP
#define CONTEXT struct xdp_md
#else
#define CONTEXT struct __sk_buff
#endif

/* Copy SIZE bytes at OFFSET, wherever the packet has them: 0, or not 0 when it has not. */
static __always_inline long context_load(CONTEXT *ctx, __u32 offset, void *to, __u32 size)
{
#ifdef LAYER_XDP
	return bpf_xdp_load_bytes(ctx, offset, to, size);
#else
	return bpf_skb_load_bytes(ctx, offset, to, size);
#endif
}

/*
 * Does the frame lie in one buffer, as nearly all do? The kernel knows, and from 6.2 on it lets a program look into its own
 * context, at no cost; asking the helper for the length is a call, dear beside the rest. The number of the call and the
 * offset of xdp_buff.flags are the running kernel's, and lib/kernel/splice.c fills them in.
 */
static __always_inline bool context_is_one_buffer(CONTEXT *ctx)
{
	__u64 flags = 1;

	if (know_buffers)
		asm volatile("r1 = %[ctx]\n\t"
			     "call %[cast]\n\t"
			     "%[flags] = *(u32 *)(r0 + 0)"
			     : [flags] "=r"(flags)
			     : [ctx] "r"(ctx), [cast] "i"(WEIR_CALL_KERNEL_CONTEXT)
			     : "r0", "r1", "r2", "r3", "r4", "r5");
	return !(flags & 1); /* XDP_FLAGS_HAS_FRAGS */
}

/* Bytes in the whole packet. */
static __always_inline __u32 context_length(CONTEXT *ctx)
{
#ifdef LAYER_XDP
	return context_is_one_buffer(ctx) ? ctx->data_end - ctx->data : bpf_xdp_get_buff_len(ctx);
#else
	return ctx->len;
#endif
}

/*
 * What a counter adds for a packet of LENGTH bytes. Where packets leave it is what the qdisc behind adds: one that is still to be
 * cut into segments (GSO) counts as all of them, each with its headers.
 */
static __always_inline void context_weigh(CONTEXT *ctx, __u32 length, __u32 *ret_packets, __u64 *ret_bytes)
{
	*ret_packets = 1;
	*ret_bytes = length;
#ifdef LAYER_TC
	if (hook == WEIR_HOOK_TC_EGRESS && ctx->gso_segs > 1) {
		*ret_packets = ctx->gso_segs;
		*ret_bytes = ctx->wire_len;
	}
#else
	(void)ctx;
#endif
}

/* Does the packet begin with an Ethernet header? */
static __always_inline bool context_has_link(void)
{
#ifdef LAYER_CGROUP
	return false;
#else
	return !raw_ip;
#endif
}

static __always_inline bool context_egress(void)
{
	return hook == WEIR_HOOK_TC_EGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;
}

/* The tag that the card took off the frame: 1 and its TCI, or 0. Where XDP runs it is lost. */
static __always_inline __u32 context_offloaded_tag(CONTEXT *ctx, __u16 *ret_tci)
{
#ifdef LAYER_TC
	if (ctx->vlan_present) {
		*ret_tci = ctx->vlan_tci;
		return 1;
	}
#else
	(void)ctx, (void)ret_tci;
#endif
	return 0;
}

/* Fill mark and interfaces. */
static __always_inline void context_describe(CONTEXT *ctx, struct weir_flow *flow)
{
#ifdef LAYER_XDP
	flow->iif = ctx->ingress_ifindex;
#else
	flow->mark = ctx->mark;
	flow->iif = ctx->ingress_ifindex;
	if (context_egress())
		flow->oif = ctx->ifindex;
	else if (!flow->iif)
		flow->iif = ctx->ifindex;
#endif
}

#endif
