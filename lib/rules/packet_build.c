// SPDX-License-Identifier: GPL-2.0-only
/* A described packet to bytes: headers one behind the other, then lengths and checksums, which need to know the rest. */
#include "rules/packet_build.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#define ARP_BODY		 28
#define DEFAULT_FRAGMENT_PAYLOAD 16

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static void put64(uint8_t *at, uint64_t value)
{
	put32(at, (uint32_t)(value >> 32));
	put32(at + 4, (uint32_t)value);
}

static uint32_t sum(const uint8_t *data, size_t length, uint32_t total)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		total += (uint32_t)data[i] << 8 | data[i + 1];
	if (length & 1)
		total += (uint32_t)data[length - 1] << 8;
	return total;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

/* SCTP's checksum, bit by bit: packets written by hand are few. */
static uint32_t crc32c(const uint8_t *data, size_t length)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++) {
		crc ^= data[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	return ~crc;
}

static bool later_fragment(const struct described_packet *packet)
{
	return packet->fragment && packet->fragment_offset;
}

static size_t network_header(const struct described_packet *packet)
{
	switch (packet->network) {
	case DESCRIBED_OTHER:
		return 0;
	case DESCRIBED_ARP:
		return ARP_BODY;
	case DESCRIBED_IPV4:
		return 20;
	case DESCRIBED_IPV6:
		return packet->fragment ? 48 : 40;
	}
	return 0;
}

static size_t transport_header(const struct described_packet *packet)
{
	if (packet->network != DESCRIBED_IPV4 && packet->network != DESCRIBED_IPV6)
		return 0;
	if (later_fragment(packet))
		return DEFAULT_FRAGMENT_PAYLOAD;
	switch (packet->protocol) {
	case IPPROTO_TCP:
		return 20;
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return 8;
	case IPPROTO_SCTP:
		return 12;
	}
	return 0;
}

static uint8_t *put_ethernet(uint8_t *at, const struct described_packet *packet)
{
	static const uint16_t types[] = { 0, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6 };
	unsigned type = packet->network == DESCRIBED_OTHER ? packet->ether_type : types[packet->network];

	memcpy(at, packet->ether_daddr, 6);
	memcpy(at + 6, packet->ether_saddr, 6);
	at += 12;
	for (unsigned i = 0; i < packet->vlan_count; i++, at += 4) {
		/* the outer of two tags is a service tag */
		put16(at, i + 1 < packet->vlan_count ? ETH_P_8021AD : ETH_P_8021Q);
		put16(at + 2, packet->vlans[i]);
	}
	put16(at, type);
	return at + 2;
}

static void put_arp(uint8_t *at, const struct described_packet *packet)
{
	put16(at, 1);
	put16(at + 2, packet->arp_of_ipv4 ? ETH_P_IP : ETH_P_IPV6);
	at[4] = 6;
	at[5] = 4;
	put16(at + 6, packet->arp_operation);
	memcpy(at + 8, packet->ether_saddr, 6);
	put32(at + 14, (uint32_t)packet->source.lo);
	if (packet->arp_operation != 1)
		memcpy(at + 18, packet->ether_daddr, 6);
	put32(at + 24, (uint32_t)packet->destination.lo);
}

static void put_ipv4(uint8_t *at, const struct described_packet *packet, size_t length)
{
	at[0] = 0x45;
	at[1] = (uint8_t)(packet->dscp << 2);
	put16(at + 2, (unsigned)length);
	put16(at + 6, packet->fragment ? packet->fragment_offset | (packet->more_fragments ? 0x2000u : 0) : 0);
	at[8] = packet->hop_limit;
	at[9] = packet->protocol;
	put32(at + 12, (uint32_t)packet->source.lo);
	put32(at + 16, (uint32_t)packet->destination.lo);
	put16(at + 10, fold(sum(at, 20, 0)));
}

static void put_ipv6(uint8_t *at, const struct described_packet *packet, size_t length)
{
	put32(at, 6u << 28 | (uint32_t)packet->dscp << 22);
	put16(at + 4, (unsigned)(length - 40));
	at[6] = packet->fragment ? IPPROTO_FRAGMENT : packet->protocol;
	at[7] = packet->hop_limit;
	put64(at + 8, packet->source.hi);
	put64(at + 16, packet->source.lo);
	put64(at + 24, packet->destination.hi);
	put64(at + 32, packet->destination.lo);
	if (packet->fragment) {
		at[40] = packet->protocol;
		put16(at + 42, (unsigned)packet->fragment_offset << 3 | packet->more_fragments);
	}
}

/* The sum over the addresses, protocol and length that TCP, UDP and ICMPv6 checksums begin with. */
static uint32_t pseudo_header(const struct described_packet *packet, size_t length)
{
	uint8_t bytes[40] = { 0 };

	if (packet->network == DESCRIBED_IPV4) {
		put32(bytes, (uint32_t)packet->source.lo);
		put32(bytes + 4, (uint32_t)packet->destination.lo);
	} else {
		put64(bytes, packet->source.hi);
		put64(bytes + 8, packet->source.lo);
		put64(bytes + 16, packet->destination.hi);
		put64(bytes + 24, packet->destination.lo);
	}
	put32(bytes + 32, (uint32_t)length);
	bytes[39] = packet->protocol;
	return sum(bytes, sizeof(bytes), 0);
}

static void put_transport(uint8_t *at, const struct described_packet *packet, size_t length)
{
	bool ports = packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP || packet->protocol == IPPROTO_SCTP;
	uint32_t crc;

	if (ports) {
		put16(at, packet->source_port);
		put16(at + 2, packet->destination_port);
	}
	switch (packet->protocol) {
	case IPPROTO_TCP:
		at[12] = 5 << 4;
		at[13] = packet->tcp_flags;
		put16(at + 14, UINT16_MAX);
		put16(at + 16, fold(sum(at, length, pseudo_header(packet, length))));
		break;
	case IPPROTO_UDP:
		put16(at + 4, (unsigned)length);
		put16(at + 6, fold(sum(at, length, pseudo_header(packet, length))));
		if (!at[6] && !at[7]) /* 0 would mean: none was computed */
			put16(at + 6, UINT16_MAX);
		break;
	case IPPROTO_SCTP:
		crc = crc32c(at, length);
		for (unsigned i = 0; i < 4; i++)
			at[8 + i] = (uint8_t)(crc >> 8 * i);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		at[0] = packet->icmp_type;
		at[1] = packet->icmp_code;
		put16(at + 2, fold(sum(at, length, packet->protocol == IPPROTO_ICMPV6 ? pseudo_header(packet, length) : 0)));
		break;
	}
}

size_t packet_build(struct arena *arena, const struct described_packet *packet, const uint8_t **ret_data)
{
	size_t link = ETH_HLEN + 4 * packet->vlan_count, network = network_header(packet);
	size_t payload = packet->payload ? strlen(packet->payload) : 0;
	size_t length = link + network + transport_header(packet) + payload;
	uint8_t *data, *at;

	if (packet->length && packet->length < length)
		return 0;
	if (packet->length)
		length = packet->length;
	data = arena_alloc(arena, length);
	at = put_ethernet(data, packet);
	if (packet->network == DESCRIBED_ARP)
		put_arp(at, packet);
	if (packet->network == DESCRIBED_IPV4)
		put_ipv4(at, packet, length - link);
	if (packet->network == DESCRIBED_IPV6)
		put_ipv6(at, packet, length - link);
	if (payload)
		memcpy(at + network + transport_header(packet), packet->payload, payload);
	if (packet->network >= DESCRIBED_IPV4 && !later_fragment(packet))
		put_transport(at + network, packet, length - link - network);
	*ret_data = data;
	return length;
}
