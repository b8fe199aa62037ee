/* SPDX-License-Identifier: GPL-2.0-only */
/* Between words and bytes: what a packet written out says. */
#ifndef WEIR_RULES_PACKET_BUILD_H
#define WEIR_RULES_PACKET_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "check/policy.h"
#include "weir_abi.h"

enum described_network { DESCRIBED_OTHER, DESCRIBED_ARP, DESCRIBED_IPV4, DESCRIBED_IPV6 };

struct described_packet {
	enum described_network network;
	uint8_t ether_saddr[6], ether_daddr[6];
	uint16_t ether_type; /* OTHER only */
	unsigned vlan_count;
	uint16_t vlans[WEIR_MAX_VLAN_TAGS + 1];
	uint16_t arp_operation;
	bool arp_of_ipv4;
	struct value source, destination; /* ARP: sender's, target's */
	uint8_t protocol;
	uint16_t source_port, destination_port;
	uint8_t tcp_flags, icmp_type, icmp_code;
	uint8_t hop_limit, dscp;
	bool fragment, more_fragments;
	uint16_t fragment_offset; /* in units of eight bytes */
	const char *payload;	  /* of TCP: a text; NULL: zeros, as many as length asks for */
	size_t length;		  /* of the frame; 0: as short as may be */
};

/* The frame, with lengths and checksums right, in ARENA. Its length, or 0 when it would be longer than `length` says. */
size_t packet_build(struct arena *arena, const struct described_packet *packet, const uint8_t **ret_data);

#endif
