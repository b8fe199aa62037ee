/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes to struct weir_flow. Every packet is parsed whole, link to transport, whatever the rules look at, so
 * that no rule changes what counts as malformed.
 *
 * The same functions are compiled twice. First with packet.direct: headers are read in place, in the linear
 * part of the packet; what does not lie there, and IPv6 extension headers, end it with PARSE_BEYOND. Then
 * parse_loaded() begins anew and copies each header out, from wherever it lies: its answer is final. Nearly
 * all packets never come there.
 *
 * A function gives 0 or the reason why the packet is malformed (enum weir_malformed). It fills its header's
 * fields when the header is whole, never before, and the transport's only when nothing is wrong with it.
 */
#ifndef WEIR_BPF_PARSE_H
#define WEIR_BPF_PARSE_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>

#include "context.h"

#define PARSE_BEYOND 255 /* not in the linear part: parse_loaded decides */

struct packet {
	CONTEXT *ctx;
	const void *data, *data_end; /* the linear part */
	__u32 length;		     /* of the whole packet */
	bool direct;		     /* known at compile time */
};

/* Room for any header, aligned as the stack must be read. */
struct header_copy {
	__u64 words[5];
};

/* Are there SIZE bytes at OFFSET? Then *ret_header points at them, in place or at what was put into COPY. */
static __always_inline bool packet_header(const struct packet *packet, __u32 offset, __u32 size, struct header_copy *copy,
					  const void **ret_header)
{
	const void *header = copy;

	if (packet->direct) {
		header = packet->data + offset;
		asm volatile("" : "+r"(header)); /* one pointer for the check and for every access */
		if (header + size > packet->data_end)
			return false;
	} else if (context_load(packet->ctx, offset, copy, size)) {
		return false;
	}
	*ret_header = header;
	return true;
}

/* What a header that is not there means. */
static __always_inline int packet_missing(const struct packet *packet)
{
	return packet->direct ? PARSE_BEYOND : WEIR_MALFORMED_SHORT;
}

static __always_inline __u16 be16_at(const void *header, __u32 offset)
{
	return bpf_ntohs(*(const __be16 *)(header + offset));
}

static __always_inline __u32 be32_at(const void *header, __u32 offset)
{
	return bpf_ntohl(*(const __be32 *)(header + offset));
}

static __always_inline __u64 be64_at(const void *header, __u32 offset)
{
	return bpf_be64_to_cpu(*(const __be64 *)(header + offset));
}

static __always_inline __u8 byte_at(const void *header, __u32 offset)
{
	return *(const __u8 *)(header + offset);
}

static __always_inline bool parse_is_tag(__u16 ether_type)
{
	return ether_type == ETH_P_8021Q || ether_type == ETH_P_8021AD || ether_type == 0x9100;
}

/* Ethernet and the VLAN tags behind it. */
static __always_inline int parse_link(const struct packet *packet, struct weir_flow *flow, __u32 *ret_offset)
{
	struct header_copy copy;
	__u32 tags, offset = ETH_HLEN;
	__u16 ether_type, tci = 0;
	const void *header;

	tags = context_offloaded_tag(packet->ctx, &tci);
	flow->vlan_tags = tags;
	if (tags)
		flow->vlan_id = tci & 0xfff;
	if (!packet_header(packet, 0, ETH_HLEN, &copy, &header))
		return packet_missing(packet);
	if (want_ether) {
		flow->ether_daddr = (__u64)be32_at(header, 0) << 16 | be16_at(header, 4);
		flow->ether_saddr = (__u64)be16_at(header, 6) << 32 | be32_at(header, 8);
	}
	ether_type = be16_at(header, 12);
	for (__u32 i = 0; i <= WEIR_MAX_VLAN_TAGS && parse_is_tag(ether_type); i++) {
		if (tags == WEIR_MAX_VLAN_TAGS) {
			flow->ether_type = ether_type;
			return WEIR_MALFORMED_VLAN_LIMIT;
		}
		if (!packet_header(packet, offset, 4, &copy, &header)) {
			flow->ether_type = ether_type;
			return packet_missing(packet);
		}
		if (!tags)
			flow->vlan_id = be16_at(header, 0) & 0xfff;
		ether_type = be16_at(header, 2);
		flow->vlan_tags = ++tags;
		offset += 4;
	}
	flow->ether_type = ether_type;
	*ret_offset = offset;
	return 0;
}

/* A packet that begins with its IP header: the version tells which. */
static __always_inline int parse_version(const struct packet *packet, struct weir_flow *flow)
{
	struct header_copy copy;
	const void *header;

	if (!packet_header(packet, 0, 1, &copy, &header))
		return packet_missing(packet);
	switch (byte_at(header, 0) >> 4) {
	case 4:
		flow->ether_type = ETH_P_IP;
		return 0;
	case 6:
		flow->ether_type = ETH_P_IPV6;
		return 0;
	}
	return WEIR_MALFORMED_BAD_HEADER;
}

static __always_inline int parse_arp(const struct packet *packet, struct weir_flow *flow, __u32 offset)
{
	struct header_copy copy;
	const void *header;

	if (!packet_header(packet, offset, 8, &copy, &header))
		return packet_missing(packet);
	if (be32_at(header, 0) != (1u << 16 | ETH_P_IP) || be16_at(header, 4) != (6 << 8 | 4)) {
		flow->network = WEIR_NETWORK_ARP;
		flow->arp_operation = be16_at(header, 6);
		return 0;
	}
	if (!packet_header(packet, offset, 28, &copy, &header))
		return packet_missing(packet);
	flow->network = WEIR_NETWORK_ARP_IPV4;
	flow->arp_operation = be16_at(header, 6);
	/* The sender's address stands at an odd multiple of two. */
	flow->saddr4 = (__u32)be16_at(header, 14) << 16 | be16_at(header, 16);
	flow->daddr4 = be32_at(header, 24);
	return 0;
}

/* TCP, whose header names its own length. */
static __always_inline int parse_tcp(const struct packet *packet, struct weir_flow *flow, __u32 offset, __u32 end, int cut)
{
	struct header_copy copy;
	const void *header;
	__u32 length;

	if (offset + 20 > end)
		return cut;
	if (!packet_header(packet, offset, 20, &copy, &header))
		return packet_missing(packet);
	length = (byte_at(header, 12) >> 4) * 4;
	if (length < 20)
		return WEIR_MALFORMED_BAD_HEADER;
	if (offset + length > end)
		return cut;
	flow->transport = WEIR_TRANSPORT_TCP;
	flow->transport_offset = offset;
	flow->sport = be16_at(header, 0);
	flow->dport = be16_at(header, 2);
	flow->tcp_flags = byte_at(header, 13);
	if (want_payload && offset + length < end) {
		flow->payload = offset + length;
		flow->payload_length = end - (offset + length) > 0xffff ? 0xffff : end - (offset + length);
	}
	return 0;
}

/* The header behind the network's, which must lie before END. CUT: what it is when it does not. */
static __always_inline int parse_transport(const struct packet *packet, struct weir_flow *flow, __u32 offset, __u32 end, int cut)
{
	struct header_copy copy;
	const void *header;
	__u32 transport, size = 8;

	switch (flow->protocol) {
	case IPPROTO_TCP:
		return parse_tcp(packet, flow, offset, end, cut);
	case IPPROTO_UDP:
		transport = WEIR_TRANSPORT_UDP;
		break;
	case IPPROTO_SCTP:
		transport = WEIR_TRANSPORT_SCTP;
		size = 12;
		break;
	case IPPROTO_ICMP:
		transport = flow->network == WEIR_NETWORK_IPV4 ? WEIR_TRANSPORT_ICMP : WEIR_TRANSPORT_OTHER;
		break;
	case IPPROTO_ICMPV6:
		transport = flow->network == WEIR_NETWORK_IPV6 ? WEIR_TRANSPORT_ICMPV6 : WEIR_TRANSPORT_OTHER;
		break;
	default:
		transport = WEIR_TRANSPORT_OTHER;
	}
	if (transport == WEIR_TRANSPORT_OTHER) {
		flow->transport = transport;
		flow->transport_offset = offset;
		return 0;
	}
	if (offset + size > end)
		return cut;
	/* no more of it is looked at */
	if (!packet_header(packet, offset, 4, &copy, &header))
		return packet_missing(packet);
	flow->transport = transport;
	flow->transport_offset = offset;
	if (transport == WEIR_TRANSPORT_ICMP || transport == WEIR_TRANSPORT_ICMPV6) {
		flow->icmp_type = byte_at(header, 0);
		flow->icmp_code = byte_at(header, 1);
	} else {
		flow->sport = be16_at(header, 0);
		flow->dport = be16_at(header, 2);
	}
	return 0;
}

static __always_inline int parse_ipv4(const struct packet *packet, struct weir_flow *flow, __u32 offset)
{
	struct header_copy copy;
	const void *header;
	__u32 header_length, length;
	__u16 position;

	if (!packet_header(packet, offset, 20, &copy, &header))
		return packet_missing(packet);
	header_length = (byte_at(header, 0) & 0xf) * 4;
	if (byte_at(header, 0) >> 4 != 4 || header_length < 20)
		return WEIR_MALFORMED_BAD_HEADER;
	if (offset + header_length > packet->length)
		return WEIR_MALFORMED_SHORT;

	flow->network = WEIR_NETWORK_IPV4;
	flow->dscp = byte_at(header, 1) >> 2;
	flow->ip_length = length = be16_at(header, 2);
	flow->frag_off = be16_at(header, 6);
	flow->hop_limit = byte_at(header, 8);
	flow->protocol = byte_at(header, 9);
	if (want_addresses) {
		flow->saddr4 = be32_at(header, 12);
		flow->daddr4 = be32_at(header, 16);
	}
	position = flow->frag_off & 0x1fff;
	flow->fragment = (flow->frag_off & 0x3fff) != 0;

	if (!length && packet->length - offset > 0xffff) /* BIG TCP: longer than the field can say */
		length = packet->length - offset;
	if (length < header_length)
		return WEIR_MALFORMED_BAD_LENGTH;
	if (offset + length > packet->length)
		return WEIR_MALFORMED_BAD_LENGTH;
	if (position) /* not the first: no header here; but one at 8 would overwrite the TCP flags of the first */
		return position == 1 && flow->protocol == IPPROTO_TCP ? WEIR_MALFORMED_TINY_FRAGMENT : 0;
	return parse_transport(packet, flow, offset + header_length, offset + length,
			       flow->fragment ? WEIR_MALFORMED_TINY_FRAGMENT : WEIR_MALFORMED_SHORT);
}

static __always_inline bool parse_is_extension(__u8 number)
{
	switch (number) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case 139: /* HIP */
	case 140: /* shim6 */
		return true;
	}
	return false;
}

/* Where a walk over extension headers stands. */
struct extension_walk {
	__u32 offset, end;
	bool first_fragment; /* a fragment header at position 0 with more to come was met */
	bool later_fragment; /* one at another position: what follows is not a header */
};

/* One extension header, of kind flow->protocol; the next kind takes its place there. */
static __always_inline int parse_extension(const struct packet *packet, struct weir_flow *flow, struct extension_walk *walk)
{
	struct header_copy copy;
	int cut = walk->first_fragment ? WEIR_MALFORMED_TINY_FRAGMENT : WEIR_MALFORMED_SHORT;
	const void *header;
	__u32 size = 8;
	__u16 position;

	if (walk->offset + size > walk->end)
		return cut;
	if (!packet_header(packet, walk->offset, size, &copy, &header))
		return packet_missing(packet);
	if (flow->protocol == IPPROTO_AH)
		size = (byte_at(header, 1) + 2) * 4;
	else if (flow->protocol != IPPROTO_FRAGMENT)
		size = (byte_at(header, 1) + 1) * 8;
	if (walk->offset + size > walk->end)
		return cut;
	if (flow->protocol == IPPROTO_FRAGMENT) {
		position = be16_at(header, 2);
		if (position & 0xfff9)
			flow->fragment = 1;
		if (position >> 3)
			walk->later_fragment = true;
		else if (position & 1)
			walk->first_fragment = true;
		if (position >> 3 == 1 && byte_at(header, 0) == IPPROTO_TCP) {
			flow->protocol = IPPROTO_TCP;
			return WEIR_MALFORMED_TINY_FRAGMENT;
		}
	}
	flow->protocol = byte_at(header, 0);
	walk->offset += size;
	return 0;
}

static __always_inline int parse_ipv6(const struct packet *packet, struct weir_flow *flow, __u32 offset)
{
	struct header_copy copy;
	struct extension_walk walk = { .offset = offset + 40 };
	const void *header;
	__u32 length;

	if (!packet_header(packet, offset, 40, &copy, &header))
		return packet_missing(packet);
	if (byte_at(header, 0) >> 4 != 6)
		return WEIR_MALFORMED_BAD_HEADER;

	flow->network = WEIR_NETWORK_IPV6;
	flow->dscp = be16_at(header, 0) >> 6 & 0x3f;
	flow->ip_length = length = be16_at(header, 4);
	flow->next_header = flow->protocol = byte_at(header, 6);
	flow->hop_limit = byte_at(header, 7);
	if (want_addresses) {
		flow->saddr_hi = be64_at(header, 8);
		flow->saddr_lo = be64_at(header, 16);
		flow->daddr_hi = be64_at(header, 24);
		flow->daddr_lo = be64_at(header, 32);
	}
	if (!length && packet->length - walk.offset > 0xffff) /* BIG TCP, with or without an option that tells */
		length = packet->length - walk.offset;
	walk.end = walk.offset + length;
	if (walk.end > packet->length)
		return WEIR_MALFORMED_BAD_LENGTH;

	if (packet->direct) {
		if (parse_is_extension(flow->protocol))
			return PARSE_BEYOND;
		return parse_transport(packet, flow, walk.offset, walk.end, WEIR_MALFORMED_SHORT);
	}
	for (int i = 0; i < WEIR_MAX_EXTENSION_HEADERS; i++) {
		int fault;

		if (!parse_is_extension(flow->protocol))
			break;
		fault = parse_extension(packet, flow, &walk);
		if (fault)
			return fault;
		if (walk.later_fragment)
			return 0;
	}
	if (parse_is_extension(flow->protocol))
		return WEIR_MALFORMED_EXTENSION_LIMIT;
	return parse_transport(packet, flow, walk.offset, walk.end,
			       walk.first_fragment ? WEIR_MALFORMED_TINY_FRAGMENT : WEIR_MALFORMED_SHORT);
}

static __always_inline int parse_headers(const struct packet *packet, struct weir_flow *flow)
{
	__u32 offset = 0;
	int fault;

	fault = context_has_link() ? parse_link(packet, flow, &offset) : parse_version(packet, flow);
	if (fault)
		return fault;
	if (flow->ether_type == ETH_P_IP)
		return parse_ipv4(packet, flow, offset);
	if (flow->ether_type == ETH_P_IPV6)
		return parse_ipv6(packet, flow, offset);
	if (flow->ether_type == ETH_P_ARP)
		return parse_arp(packet, flow, offset);
	return 0;
}

/* The slow way; global, so that it is verified once and by itself. */
__weak __noinline int parse_loaded(CONTEXT *ctx, struct weir_flow *flow)
{
	struct packet packet = { .ctx = ctx };

	if (!flow)
		return WEIR_MALFORMED_SHORT;
	packet.length = flow->length;
	return parse_headers(&packet, flow);
}

/* Fill a zeroed flow. */
static __always_inline void parse(CONTEXT *ctx, struct weir_flow *flow)
{
	struct packet packet = {
		.ctx = ctx,
		.data = (const void *)(long)ctx->data,
		.data_end = (const void *)(long)ctx->data_end,
		.direct = true,
	};
	int fault;

	context_describe(ctx, flow);
	packet.length = flow->length = context_length(ctx);
	fault = parse_headers(&packet, flow);
	if (fault == PARSE_BEYOND)
		fault = parse_loaded(ctx, flow);
	flow->malformed = fault;
}

#endif
