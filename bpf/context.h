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
const volatile bool know_owners;    /* the map of socket owners is there */
const volatile bool want_ether;	    /* some rule looks at a MAC address, or an event may carry it */
const volatile bool want_addresses; /* the same for IPv4 and IPv6 addresses */
const volatile bool want_length;    /* some rule looks at the length, or an event carries it */

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

/* Bytes in the whole packet. */
static __always_inline __u32 context_length(CONTEXT *ctx)
{
#ifdef LAYER_XDP
	return bpf_xdp_get_buff_len(ctx);
#else
	return ctx->len;
#endif
}

/*
 * At XDP asking for the length is a call into the kernel, dear beside the rest. A frame whose first buffer is no
 * longer than an Ethernet frame is believed to be that one buffer, until a header speaks of more. Told too short is then
 * only a frame that has bytes in further buffers behind an IP packet that ends in the first: what lies there is padding,
 * and the counter of bytes lacks it. Where a rule or an event looks at the length, it is always asked for.
 */
#define LONGEST_PLAIN_FRAME 1522

static __always_inline bool context_length_is_guess(void)
{
#ifdef LAYER_XDP
	return !want_length;
#else
	return false;
#endif
}

static __always_inline __u32 context_first_length(CONTEXT *ctx)
{
	__u32 length = ctx->data_end - ctx->data;

	return context_length_is_guess() && length <= LONGEST_PLAIN_FRAME ? length : context_length(ctx);
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
