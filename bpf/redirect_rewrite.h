/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changing a port in a packet, and in the headers that an ICMP error quotes. Checksums are brought on by the difference, so what was
 * right stays right and what was wrong stays wrong; where the card is still to compute one (CHECKSUM_PARTIAL), it does not
 * contain the ports, and the kernel leaves it alone. A GSO packet has one header, from which those of its segments are made.
 */
#ifndef WEIR_BPF_REDIRECT_REWRITE_H
#define WEIR_BPF_REDIRECT_REWRITE_H

#include <linux/in.h>

#include "parse.h"
#include "redirect_table.h"

#define PORT_SOURCE	 0
#define PORT_DESTINATION 2

/* Put PORT into the transport header; 0, or the packet could not be made writable and is not fit to go on. */
static __always_inline long rewrite_port(CONTEXT *ctx, const struct weir_flow *flow, __u32 which, __u16 port)
{
	__be16 old = bpf_htons(which == PORT_SOURCE ? flow->sport : flow->dport), new = bpf_htons(port);
	__u32 header = flow->transport_offset;
	long error;

	if (old == new)
		return 0;
	if (connection_is_tcp(flow))
		error = bpf_l4_csum_replace(ctx, header + 16, old, new, sizeof(new));
	else /* 0 says that there is none */
		error = bpf_l4_csum_replace(ctx, header + 6, old, new, BPF_F_MARK_MANGLED_0 | sizeof(new));
	return error ? error : bpf_skb_store_bytes(ctx, header + which, &new, sizeof(new), 0);
}

/* Is this an ICMP error, which quotes the packet that it is about? */
static __always_inline bool rewrite_is_error(const struct weir_flow *flow)
{
	if (flow->transport == WEIR_TRANSPORT_ICMP)
		return flow->icmp_type == 3 || flow->icmp_type == 4 || flow->icmp_type == 11 || flow->icmp_type == 12;
	return flow->transport == WEIR_TRANSPORT_ICMPV6 && flow->icmp_type >= 1 && flow->icmp_type <= 4;
}

/* Does the error say that nobody listens on the port? */
static __always_inline bool rewrite_is_refusal(const struct weir_flow *flow)
{
	if (flow->transport == WEIR_TRANSPORT_ICMP)
		return flow->icmp_type == 3 && flow->icmp_code == 3;
	return flow->icmp_type == 1 && flow->icmp_code == 4;
}

/*
 * The packet that an ICMP error quotes: its key, and where its ports are. False: it has none, or too little of it is there, or
 * (IPv6) extension headers other than that of fragments stand before them.
 */
static __always_inline bool rewrite_quoted(CONTEXT *ctx, const struct weir_flow *flow, struct weir_redirected_key *key,
					   __u32 *ret_ports)
{
	__u32 at = flow->transport_offset + 8;
	struct header_copy copy;
	__be16 ports[2];

	__builtin_memset(key, 0, sizeof(*key));
	key->network = flow->network;
	if (flow->network == WEIR_NETWORK_IPV4) {
		if (context_load(ctx, at, &copy, 20) || byte_at(&copy, 0) >> 4 != 4 || be16_at(&copy, 6) & 0x1fff)
			return false;
		key->protocol = byte_at(&copy, 9);
		key->saddr_lo = be32_at(&copy, 12);
		key->daddr_lo = be32_at(&copy, 16);
		at += (byte_at(&copy, 0) & 0xf) * 4;
	} else {
		if (context_load(ctx, at, &copy, 40) || byte_at(&copy, 0) >> 4 != 6)
			return false;
		key->protocol = byte_at(&copy, 6);
		key->saddr_hi = be64_at(&copy, 8);
		key->saddr_lo = be64_at(&copy, 16);
		key->daddr_hi = be64_at(&copy, 24);
		key->daddr_lo = be64_at(&copy, 32);
		at += 40;
		if (key->protocol == IPPROTO_FRAGMENT) { /* a first fragment that was too big */
			if (context_load(ctx, at, &copy, 8) || be16_at(&copy, 2) >> 3)
				return false;
			key->protocol = byte_at(&copy, 0);
			at += 8;
		}
	}
	if (key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP)
		return false;
	if (context_load(ctx, at, ports, sizeof(ports)))
		return false;
	key->sport = bpf_ntohs(ports[0]);
	key->dport = bpf_ntohs(ports[1]);
	*ret_ports = at;
	return true;
}

/*
 * An ICMP error about a packet of a connection that is rewritten: name the port that the one who gets the error knows. It quotes
 * what came in (BACK: the error goes out) or a reply (it comes in); the entry is the quoted connection's other direction. Only the
 * ports of the quotation are changed; its own checksum, which nobody checks, is not. Global for the stack's sake.
 */
__weak __noinline int rewrite_error(CONTEXT *ctx, struct weir_flow *flow, __u32 back)
{
	struct weir_redirected_key quoted, key;
	struct weir_redirected *connection;
	__u32 ports;
	__be16 old, new;

	if (!have_connections || !flow)
		return -1;
	if (!rewrite_quoted(ctx, flow, &quoted, &ports))
		return 0;
	connection_turn(&quoted, quoted.sport, true, &key); /* addresses and ports the other way round */
	key.sport = quoted.dport;
	key.dport = quoted.sport;
	connection = bpf_map_lookup_elem(&weir_connections, &key);
	if (!connection || connection_is_back(connection) != (back != 0))
		return 0;
	if (back && connection->state == WEIR_REDIRECTED_TRYING && rewrite_is_refusal(flow)) {
		connection_refused(&key, connection);
		if (key.protocol == IPPROTO_TCP)
			return -1; /* the client sends its SYN again; a client of UDP is told, so that it may */
	}
	old = bpf_htons(back ? quoted.dport : quoted.sport);
	new = bpf_htons(connection->port);
	if (old == new)
		return 0;
	if (bpf_l4_csum_replace(ctx, flow->transport_offset + 2, old, new, sizeof(new)))
		return -1;
	return bpf_skb_store_bytes(ctx, ports + (back ? PORT_DESTINATION : PORT_SOURCE), &new, sizeof(new), 0) ? -1 : 0;
}

#endif
