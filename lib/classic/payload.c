// SPDX-License-Identifier: GPL-2.0-only
/* Where the payload begins. The kernel's programs have the same in bpf/classic.h, written apart. */
#include <netinet/in.h>

#include "classic/classic.h"

#define EXTENSION_HEADERS 8 /* as many as weir walks elsewhere */

/* A byte of the packet, or -1 behind its end. */
static int byte_at(const struct classic_packet *packet, uint64_t offset)
{
	return offset < packet->length ? packet->data[offset] : -1;
}

/* How long the header of a transport protocol is that begins at OFFSET. */
static uint32_t transport_length(const struct classic_packet *packet, int protocol, uint32_t offset)
{
	int words;

	switch (protocol) {
	case IPPROTO_TCP:
		words = byte_at(packet, offset + 12);
		if (words < 0)
			return 0;
		return words >> 4 < 5 ? 20 : (uint32_t)(words >> 4) * 4;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
	case IPPROTO_IGMP:
		return 8;
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
		return 12;
	default:
		return 0;
	}
}

static uint32_t ipv4_payload(const struct classic_packet *packet)
{
	uint32_t at = packet->network;
	int first = byte_at(packet, at);

	if (byte_at(packet, at + 19) < 0 || (first & 15) < 5)
		return 0;
	at += (uint32_t)(first & 15) * 4;
	if ((packet->data[packet->network + 6] & 0x1f) || packet->data[packet->network + 7])
		return at;
	return at + transport_length(packet, packet->data[packet->network + 9], at);
}

static uint32_t ipv6_payload(const struct classic_packet *packet)
{
	uint32_t at = packet->network + 40;
	int next = byte_at(packet, packet->network + 6);

	if (byte_at(packet, packet->network + 39) < 0)
		return 0;
	for (int i = 0; i <= EXTENSION_HEADERS; i++) {
		if (next == IPPROTO_FRAGMENT) {
			if (byte_at(packet, at + 7) < 0)
				return 0;
			if (packet->data[at + 2] || packet->data[at + 3] & 0xf8)
				return at + 8;
			return at + 8 + transport_length(packet, packet->data[at], at + 8);
		}
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			return at + transport_length(packet, next, at);
		if (byte_at(packet, at + 1) < 0)
			return 0;
		next = packet->data[at];
		at += (packet->data[at + 1] + 1u) * 8;
	}
	return 0;
}

uint32_t classic_payload_offset(const struct classic_packet *packet, uint16_t network_type)
{
	switch (network_type) {
	case 0x0800:
		return ipv4_payload(packet);
	case 0x86dd:
		return ipv6_payload(packet);
	case 0x0806:
		return packet->network;
	default:
		return 0;
	}
}
