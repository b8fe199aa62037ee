/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What translated classic BPF calls where a few instructions would not do (lib/code/classic.c). Each is brought along only where
 * a program calls it. In user space lib/classic has the same, written apart.
 */
#ifndef WEIR_BPF_CLASSIC_H
#define WEIR_BPF_CLASSIC_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>

#include "context.h"

#define CLASSIC_EXTENSION_HEADERS 8
#define CLASSIC_ATTRIBUTES	  16

/* How long the transport header at OFFSET is; 0: not known. */
static __always_inline __u32 classic_transport_length(CONTEXT *ctx, __u8 protocol, __u32 offset)
{
	__u8 words;

	switch (protocol) {
	case IPPROTO_TCP:
		if (context_load(ctx, offset + 12, &words, 1))
			return 0;
		return words < 0x50 ? 20 : (words & 0xf0) >> 2;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
	case IPPROTO_IGMP:
		return 8;
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
		return 12;
	}
	return 0;
}

static __always_inline __u32 classic_ipv4_payload(CONTEXT *ctx, __u32 network)
{
	__u8 header[20];
	__u32 transport;

	if (context_load(ctx, network, header, sizeof(header)) || (header[0] & 15) < 5)
		return 0;
	transport = network + (header[0] & 15) * 4;
	if (header[6] & 0x1f || header[7])
		return transport;
	return transport + classic_transport_length(ctx, header[9], transport);
}

static __always_inline __u32 classic_ipv6_payload(CONTEXT *ctx, __u32 network)
{
	__u8 header[40], next;

	if (context_load(ctx, network, header, sizeof(header)))
		return 0;
	next = header[6];
	network += sizeof(header);
	for (int i = 0; i <= CLASSIC_EXTENSION_HEADERS; i++) {
		__u8 extension[8] = {};

		if (next == IPPROTO_FRAGMENT) {
			if (context_load(ctx, network, extension, 8))
				return 0;
			if (extension[2] || extension[3] & 0xf8)
				return network + 8;
			return network + 8 + classic_transport_length(ctx, extension[0], network + 8);
		}
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			return network + classic_transport_length(ctx, next, network);
		if (context_load(ctx, network, extension, 2))
			return 0;
		next = extension[0];
		network += (extension[1] + 1) * 8;
	}
	return 0;
}

/* SKF_AD_PAY_OFFSET: where the payload begins, for a packet whose network header is at NETWORK. */
__weak __noinline int classic_payload(CONTEXT *ctx, struct weir_flow *flow, __u32 network)
{
	if (!flow)
		return 0;
	switch (flow->ether_type) {
	case ETH_P_IP:
		return classic_ipv4_payload(ctx, network);
	case ETH_P_IPV6:
		return classic_ipv6_payload(ctx, network);
	case ETH_P_ARP:
		return network;
	}
	return 0;
}

/* SKF_AD_NLATTR and _NEST: the offset of the netlink attribute of type WANTED, among those from AT on or in the one that is there. */
__weak __noinline int classic_attribute(CONTEXT *ctx, struct weir_flow *flow, __u32 at, __u32 wanted, __u32 nested)
{
	__u64 offset = at, end;
	__u16 header[2];

	if (!flow || flow->length < 4 || at > flow->length - 4)
		return 0;
	end = flow->length;
	if (nested) {
		if (context_load(ctx, at, header, 4) || header[0] < 4 || header[0] > end - offset)
			return 0;
		end = offset + header[0];
		offset += 4;
	}
	for (int i = 0; i < CLASSIC_ATTRIBUTES; i++) {
		if (offset + 4 > end || context_load(ctx, offset, header, 4) || header[0] < 4 || header[0] > end - offset)
			return 0;
		if ((header[1] & 0x3fff) == wanted)
			return offset;
		offset += (header[0] + 3) & ~3u;
	}
	return 0;
}

#ifdef LAYER_TC
/*
 * SIZE bytes at OFFSET of the frame with the VLAN tag that the card took off in its place again, as a number; -1: they are not
 * all there. Bytes before the tag and behind it are read whole; only what overlaps it goes byte by byte.
 */
__weak __noinline __s64 classic_tagged(CONTEXT *ctx, __u32 offset, __u32 size)
{
	__u8 tag[4] = { 0x81, 0x00, ctx->vlan_tci >> 8, ctx->vlan_tci };
	__u64 value = 0;

	if (offset > 0x7fffffff)
		return -1;
	tag[0] = ctx->vlan_proto;
	tag[1] = ctx->vlan_proto >> 8;
	for (__u32 i = 0; i < 4; i++) {
		__u32 at = offset + i;
		__u8 byte;

		if (i >= size)
			break;
		if (at >= 12 && at < 16)
			byte = tag[(at - 12) & 3];
		else if (context_load(ctx, at < 12 ? at : at - 4, &byte, 1))
			return -1;
		value = value << 8 | byte;
	}
	return value;
}
#endif

#ifndef LAYER_XDP
/*
 * SKF_AD_HATYPE: of what kind the interface is. Only the kernel's own structures know; the number of the call and the offsets
 * of sk_buff.dev and net_device.type are filled in by lib/kernel/splice.c.
 */
__weak __noinline int classic_hardware_type(CONTEXT *ctx)
{
	__u64 type = 0;

	asm volatile("r1 = %[ctx]\n\t"
		     "call %[cast]\n\t"
		     "r1 = *(u64 *)(r0 + 0)\n\t"
		     "if r1 == 0 goto 1f\n\t"
		     "%[type] = *(u16 *)(r1 + 0)\n\t"
		     "1:"
		     : [type] "+r"(type)
		     : [ctx] "r"(ctx), [cast] "i"(WEIR_CALL_KERNEL_SKB)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
	return type;
}
#endif

/* Called by the stub of classify(), so that libbpf brings them along. */
static __always_inline int classic_all(CONTEXT *ctx, struct weir_flow *flow)
{
	int sum = classic_payload(ctx, flow, 14) + classic_attribute(ctx, flow, 14, 1, 0);

#ifdef LAYER_TC
	sum += classic_tagged(ctx, 14, 2);
#endif
#ifndef LAYER_XDP
	sum += classic_hardware_type(ctx);
#endif
	return sum;
}

#endif
