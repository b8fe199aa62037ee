/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packets, and what a parser must find in them: each line of section "packets" of docs/language.md has one at
 * least. What is not told here (addresses, TTL, ...) is compared between the two parsers.
 */
#ifndef WEIR_TESTS_CASES_H
#define WEIR_TESTS_CASES_H

#include "frame.h"
#include "weir_abi.h"

struct packet_case {
	const char *name;
	struct layer layers[24];
	enum weir_malformed malformed;
	enum weir_network network;
	enum weir_transport transport;
	uint16_t dport; /* or ICMP type << 8 | code */
	uint8_t vlan_tags, fragment;
	uint8_t protocol; /* 0: do not look */
};

#define TCP_NUMBER 6
#define UDP_NUMBER 17
#define HOP 0
#define ROUTING 43
#define FRAGMENT_NUMBER 44
#define ESP 50
#define AH_NUMBER 51
#define NO_NEXT 59
#define DESTINATION 60
#define MOBILITY 135
#define HIP 139
#define SHIM6 140
#define MORE 0x2000

#define IS_IP4 .network = WEIR_NETWORK_IPV4
#define IS_IP6 .network = WEIR_NETWORK_IPV6
#define IS_TCP(port) .transport = WEIR_TRANSPORT_TCP, .dport = (port), .protocol = TCP_NUMBER
#define IS_UDP(port) .transport = WEIR_TRANSPORT_UDP, .dport = (port), .protocol = UDP_NUMBER
#define IS_BAD(reason) .malformed = WEIR_MALFORMED_##reason

static const struct packet_case packet_cases[] = {
	/* ---- IPv4 ---- */
	{ "tcp in ipv4", { ETH(0x0800), IP4(6), TCP(80) }, IS_IP4, IS_TCP(80) },
	{ "udp in ipv4", { ETH(0x0800), IP4(17), UDP(53), RAW(20) }, IS_IP4, IS_UDP(53) },
	{ "sctp in ipv4", { ETH(0x0800), IP4(132), SCTP(36412) }, IS_IP4, .transport = WEIR_TRANSPORT_SCTP, .dport = 36412 },
	{ "icmp in ipv4", { ETH(0x0800), IP4(1), ICMP(8, 0) }, IS_IP4, .transport = WEIR_TRANSPORT_ICMP, .dport = 0x800 },
	{ "icmpv6 in ipv4 is another protocol", { ETH(0x0800), IP4(58), ICMP(128, 0) }, IS_IP4, .transport = WEIR_TRANSPORT_OTHER, .protocol = 58 },
	{ "esp in ipv4 is another protocol", { ETH(0x0800), IP4(50), RAW(20) }, IS_IP4, .transport = WEIR_TRANSPORT_OTHER, .protocol = 50 },
	{ "protocol 0 in ipv4 is no extension header", { ETH(0x0800), IP4(0), RAW(20) }, IS_IP4, .transport = WEIR_TRANSPORT_OTHER },
	{ "an empty ipv4 packet of another protocol", { ETH(0x0800), IP4(47) }, IS_IP4, .transport = WEIR_TRANSPORT_OTHER, .protocol = 47 },
	{ "ipv4 options", { ETH(0x0800), IP4_OPTIONS(6, 3), TCP(81) }, IS_IP4, IS_TCP(81) },
	{ "as many ipv4 options as there can be", { ETH(0x0800), IP4_OPTIONS(17, 10), UDP(82) }, IS_IP4, IS_UDP(82) },
	{ "tcp options", { ETH(0x0800), IP4(6), TCP_OPTIONS(83, 10) }, IS_IP4, IS_TCP(83) },
	{ "padding behind the packet belongs to nothing", { ETH(0x0800), IP4(6), TCP(84), PADDING(6) }, IS_IP4, IS_TCP(84) },
	{ "a udp header that lies in the padding is cut", { ETH(0x0800), IP4(17), SET16(2, 24), UDP(53) }, IS_IP4, IS_BAD(SHORT), .protocol = 17 },
	{ "an ipv4 header cut", { ETH(0x0800), IP4(6), CUT(1) }, IS_BAD(SHORT) },
	{ "an ipv4 header cut to one byte", { ETH(0x0800), IP4(6), CUT(19) }, IS_BAD(SHORT) },
	{ "no ipv4 header at all", { ETH(0x0800) }, IS_BAD(SHORT) },
	{ "ipv4 options cut", { ETH(0x0800), IP4_OPTIONS(6, 5), CUT(4) }, IS_BAD(SHORT) },
	{ "ipv4 of version 5", { ETH(0x0800), IP4(6), SET8(0, 0x55), TCP(80) }, IS_BAD(BAD_HEADER) },
	{ "an ipv6 header under the number of ipv4", { ETH(0x0800), IP6(6), TCP(80) }, IS_BAD(BAD_HEADER) },
	{ "an ipv4 header length of four words", { ETH(0x0800), IP4(6), SET8(0, 0x44), TCP(80) }, IS_BAD(BAD_HEADER) },
	{ "an ipv4 header length of no words", { ETH(0x0800), IP4(6), SET8(0, 0x40), TCP(80) }, IS_BAD(BAD_HEADER) },
	{ "an ipv4 total length of less than its header", { ETH(0x0800), IP4(6), SET16(2, 19), TCP(80) }, IS_IP4, IS_BAD(BAD_LENGTH) },
	{ "an ipv4 total length of none", { ETH(0x0800), IP4(6), SET16(2, 0), TCP(80) }, IS_IP4, IS_BAD(BAD_LENGTH) },
	{ "an ipv4 total length of one byte more than there is", { ETH(0x0800), IP4(6), SET16(2, 41), TCP(80) }, IS_IP4, IS_BAD(BAD_LENGTH) },
	{ "an ipv4 packet cut in its payload", { ETH(0x0800), IP4(6), TCP(80), RAW(10), CUT(1) }, IS_IP4, IS_BAD(BAD_LENGTH) },

	/* ---- Transport headers ---- */
	{ "a tcp header cut", { ETH(0x0800), IP4(6), RAW(19) }, IS_IP4, IS_BAD(SHORT), .protocol = 6 },
	{ "no tcp header", { ETH(0x0800), IP4(6) }, IS_IP4, IS_BAD(SHORT), .protocol = 6 },
	{ "a tcp data offset of four words", { ETH(0x0800), IP4(6), TCP(80), SET8(12, 0x40) }, IS_IP4, IS_BAD(BAD_HEADER) },
	{ "a tcp data offset beyond the packet", { ETH(0x0800), IP4(6), TCP(80), SET8(12, 0x60) }, IS_IP4, IS_BAD(SHORT) },
	{ "a tcp data offset into the padding", { ETH(0x0800), IP4(6), TCP(80), SET8(12, 0x60), PADDING(4) }, IS_IP4, IS_BAD(SHORT) },
	{ "a udp header cut", { ETH(0x0800), IP4(17), RAW(7) }, IS_IP4, IS_BAD(SHORT) },
	{ "an sctp header cut", { ETH(0x0800), IP4(132), RAW(11) }, IS_IP4, IS_BAD(SHORT) },
	{ "an icmp header cut", { ETH(0x0800), IP4(1), RAW(7) }, IS_IP4, IS_BAD(SHORT) },

	/* ---- Fragments ---- */
	{ "the first fragment has ports", { ETH(0x0800), IP4_FRAGMENT(17, MORE), UDP(53), RAW(16) }, IS_IP4, IS_UDP(53), .fragment = 1 },
	{ "a later fragment has none", { ETH(0x0800), IP4_FRAGMENT(17, MORE | 3), UDP(53), RAW(16) }, IS_IP4, .fragment = 1, .protocol = 17 },
	{ "the last fragment has none", { ETH(0x0800), IP4_FRAGMENT(6, 185), RAW(16) }, IS_IP4, .fragment = 1, .protocol = 6 },
	{ "an empty later fragment", { ETH(0x0800), IP4_FRAGMENT(6, 185) }, IS_IP4, .fragment = 1 },
	{ "do not fragment is no fragment", { ETH(0x0800), IP4_FRAGMENT(6, 0x4000), TCP(80) }, IS_IP4, IS_TCP(80) },
	{ "a first fragment too small for tcp", { ETH(0x0800), IP4_FRAGMENT(6, MORE), RAW(8) }, IS_IP4, IS_BAD(TINY_FRAGMENT), .fragment = 1 },
	{ "a first fragment too small for tcp's options", { ETH(0x0800), IP4_FRAGMENT(6, MORE), TCP(80), SET8(12, 0xf0), RAW(4) }, IS_IP4, IS_BAD(TINY_FRAGMENT), .fragment = 1 },
	{ "a first fragment too small for udp", { ETH(0x0800), IP4_FRAGMENT(17, MORE), RAW(4) }, IS_IP4, IS_BAD(TINY_FRAGMENT), .fragment = 1 },
	{ "a fragment over the flags of tcp", { ETH(0x0800), IP4_FRAGMENT(6, 1), RAW(24) }, IS_IP4, IS_BAD(TINY_FRAGMENT), .fragment = 1 },
	{ "the same of udp is allowed", { ETH(0x0800), IP4_FRAGMENT(17, 1), RAW(24) }, IS_IP4, .fragment = 1 },
	{ "a tcp fragment at 16 is allowed", { ETH(0x0800), IP4_FRAGMENT(6, 2), RAW(24) }, IS_IP4, .fragment = 1 },
	{ "a fragment with a bad length", { ETH(0x0800), IP4_FRAGMENT(6, 1), SET16(2, 100), RAW(24) }, IS_IP4, IS_BAD(BAD_LENGTH), .fragment = 1 },

	/* ---- IPv6 ---- */
	{ "tcp in ipv6", { ETH(0x86dd), IP6(6), TCP(80) }, IS_IP6, IS_TCP(80) },
	{ "udp in ipv6", { ETH(0x86dd), IP6(17), UDP(53) }, IS_IP6, IS_UDP(53) },
	{ "sctp in ipv6", { ETH(0x86dd), IP6(132), SCTP(99) }, IS_IP6, .transport = WEIR_TRANSPORT_SCTP, .dport = 99 },
	{ "icmpv6", { ETH(0x86dd), IP6(58), ICMP(135, 3) }, IS_IP6, .transport = WEIR_TRANSPORT_ICMPV6, .dport = 0x8703, .protocol = 58 },
	{ "icmp in ipv6 is another protocol", { ETH(0x86dd), IP6(1), ICMP(8, 0) }, IS_IP6, .transport = WEIR_TRANSPORT_OTHER, .protocol = 1 },
	{ "esp in ipv6 is another protocol", { ETH(0x86dd), IP6(ESP), RAW(20) }, IS_IP6, .transport = WEIR_TRANSPORT_OTHER, .protocol = ESP },
	{ "no next header", { ETH(0x86dd), IP6(NO_NEXT) }, IS_IP6, .transport = WEIR_TRANSPORT_OTHER, .protocol = NO_NEXT },
	{ "no next header, and bytes behind it", { ETH(0x86dd), IP6(NO_NEXT), RAW(20) }, IS_IP6, .transport = WEIR_TRANSPORT_OTHER, .protocol = NO_NEXT },
	{ "an ipv6 header cut", { ETH(0x86dd), IP6(6), CUT(1) }, IS_BAD(SHORT) },
	{ "an ipv6 header cut to its length of an ipv4 one", { ETH(0x86dd), IP6(6), CUT(20) }, IS_BAD(SHORT) },
	{ "ipv6 of version 4", { ETH(0x86dd), IP6(6), SET8(0, 0x4b), TCP(80) }, IS_BAD(BAD_HEADER) },
	{ "an ipv6 payload length beyond the packet", { ETH(0x86dd), IP6(6), SET16(4, 21), TCP(80) }, IS_IP6, IS_BAD(BAD_LENGTH) },
	{ "an ipv6 payload length of none is taken as it stands", { ETH(0x86dd), IP6(6), SET16(4, 0), TCP(80) }, IS_IP6, IS_BAD(SHORT), .protocol = 6 },
	{ "the same before hop-by-hop in a small packet", { ETH(0x86dd), IP6(HOP), SET16(4, 0), EXTENSION(6, 0), TCP(80) }, IS_IP6, IS_BAD(SHORT) },
	{ "padding behind ipv6", { ETH(0x86dd), IP6(17), UDP(54), PADDING(9) }, IS_IP6, IS_UDP(54) },
	{ "a tcp header in the padding of ipv6", { ETH(0x86dd), IP6(6), SET16(4, 19), TCP(80) }, IS_IP6, IS_BAD(SHORT) },

	/* ---- Extension headers ---- */
	{ "hop-by-hop", { ETH(0x86dd), IP6(HOP), EXTENSION(6, 0), TCP(80) }, IS_IP6, IS_TCP(80) },
	{ "routing", { ETH(0x86dd), IP6(ROUTING), EXTENSION(6, 2), TCP(81) }, IS_IP6, IS_TCP(81) },
	{ "destination options", { ETH(0x86dd), IP6(DESTINATION), EXTENSION(17, 1), UDP(82) }, IS_IP6, IS_UDP(82) },
	{ "authentication", { ETH(0x86dd), IP6(AH_NUMBER), AH(6, 4), TCP(83) }, IS_IP6, IS_TCP(83) },
	{ "authentication of the least length", { ETH(0x86dd), IP6(AH_NUMBER), AH(6, 0), TCP(83) }, IS_IP6, IS_TCP(83) },
	{ "mobility", { ETH(0x86dd), IP6(MOBILITY), EXTENSION(6, 0), TCP(84) }, IS_IP6, IS_TCP(84) },
	{ "host identity", { ETH(0x86dd), IP6(HIP), EXTENSION(6, 0), TCP(85) }, IS_IP6, IS_TCP(85) },
	{ "shim6", { ETH(0x86dd), IP6(SHIM6), EXTENSION(6, 0), TCP(86) }, IS_IP6, IS_TCP(86) },
	{ "esp behind hop-by-hop ends the walk", { ETH(0x86dd), IP6(HOP), EXTENSION(ESP, 0), RAW(30) }, IS_IP6, .transport = WEIR_TRANSPORT_OTHER, .protocol = ESP },
	{ "no next header behind destination options", { ETH(0x86dd), IP6(DESTINATION), EXTENSION(NO_NEXT, 0) }, IS_IP6, .transport = WEIR_TRANSPORT_OTHER, .protocol = NO_NEXT },
	{ "five kinds in a row",
	  { ETH(0x86dd), IP6(HOP), EXTENSION(ROUTING, 1), EXTENSION(FRAGMENT_NUMBER, 2), FRAGMENT(AH_NUMBER, 0, 0), AH(DESTINATION, 3), EXTENSION(58, 0), ICMP(128, 1) },
	  IS_IP6, .transport = WEIR_TRANSPORT_ICMPV6, .dport = 0x8001 },
	{ "eight extension headers are walked",
	  { ETH(0x86dd), IP6(HOP), EXTENSION(DESTINATION, 0), EXTENSION(DESTINATION, 0), EXTENSION(DESTINATION, 0), EXTENSION(DESTINATION, 0),
	    EXTENSION(DESTINATION, 0), EXTENSION(DESTINATION, 0), EXTENSION(DESTINATION, 0), EXTENSION(6, 0), TCP(88) },
	  IS_IP6, IS_TCP(88) },
	{ "nine are too many",
	  { ETH(0x86dd), IP6(HOP), EXTENSION(DESTINATION, 0), EXTENSION(DESTINATION, 0), EXTENSION(DESTINATION, 0), EXTENSION(DESTINATION, 0),
	    EXTENSION(DESTINATION, 0), EXTENSION(DESTINATION, 0), EXTENSION(DESTINATION, 0), EXTENSION(ROUTING, 0), EXTENSION(6, 0), TCP(88) },
	  IS_IP6, IS_BAD(EXTENSION_LIMIT), .protocol = ROUTING },
	{ "eight fragment headers are walked",
	  { ETH(0x86dd), IP6(FRAGMENT_NUMBER), FRAGMENT(FRAGMENT_NUMBER, 0, 0), FRAGMENT(FRAGMENT_NUMBER, 0, 0), FRAGMENT(FRAGMENT_NUMBER, 0, 0),
	    FRAGMENT(FRAGMENT_NUMBER, 0, 0), FRAGMENT(FRAGMENT_NUMBER, 0, 0), FRAGMENT(FRAGMENT_NUMBER, 0, 0), FRAGMENT(FRAGMENT_NUMBER, 0, 0),
	    FRAGMENT(17, 0, 0), UDP(89) },
	  IS_IP6, IS_UDP(89) },
	{ "an extension header of the greatest length", { ETH(0x86dd), IP6(DESTINATION), EXTENSION(6, 255), TCP(90) }, IS_IP6, IS_TCP(90) },
	{ "an extension header cut", { ETH(0x86dd), IP6(DESTINATION), EXTENSION(6, 0), SET8(1, 1) }, IS_IP6, IS_BAD(SHORT), .protocol = DESTINATION },
	{ "an extension header of one byte", { ETH(0x86dd), IP6(HOP), RAW(1) }, IS_IP6, IS_BAD(SHORT) },
	{ "an extension header that is not there", { ETH(0x86dd), IP6(ROUTING) }, IS_IP6, IS_BAD(SHORT), .protocol = ROUTING },
	{ "an authentication header cut", { ETH(0x86dd), IP6(AH_NUMBER), AH(6, 4), SET8(1, 5) }, IS_IP6, IS_BAD(SHORT), .protocol = AH_NUMBER },
	{ "tcp cut behind an extension header", { ETH(0x86dd), IP6(HOP), EXTENSION(6, 0), RAW(19) }, IS_IP6, IS_BAD(SHORT), .protocol = 6 },

	/* ---- IPv6 fragments ---- */
	{ "an atomic fragment is no fragment", { ETH(0x86dd), IP6(FRAGMENT_NUMBER), FRAGMENT(6, 0, 0), TCP(80) }, IS_IP6, IS_TCP(80) },
	{ "the first ipv6 fragment has ports", { ETH(0x86dd), IP6(FRAGMENT_NUMBER), FRAGMENT(6, 0, 1), TCP(80) }, IS_IP6, IS_TCP(80), .fragment = 1 },
	{ "a later ipv6 fragment has none", { ETH(0x86dd), IP6(FRAGMENT_NUMBER), FRAGMENT(6, 180, 0), TCP(80) }, IS_IP6, .fragment = 1, .protocol = 6 },
	{ "a later fragment behind hop-by-hop", { ETH(0x86dd), IP6(HOP), EXTENSION(FRAGMENT_NUMBER, 0), FRAGMENT(17, 2, 1), UDP(80) }, IS_IP6, .fragment = 1, .protocol = 17 },
	{ "a later fragment of an extension header", { ETH(0x86dd), IP6(FRAGMENT_NUMBER), FRAGMENT(DESTINATION, 2, 1), RAW(16) }, IS_IP6, .fragment = 1, .protocol = DESTINATION },
	{ "a first ipv6 fragment too small for tcp", { ETH(0x86dd), IP6(FRAGMENT_NUMBER), FRAGMENT(6, 0, 1), RAW(8) }, IS_IP6, IS_BAD(TINY_FRAGMENT), .fragment = 1 },
	{ "a first ipv6 fragment that cuts an extension header", { ETH(0x86dd), IP6(FRAGMENT_NUMBER), FRAGMENT(DESTINATION, 0, 1), EXTENSION(6, 0), SET8(1, 3) }, IS_IP6, IS_BAD(TINY_FRAGMENT), .fragment = 1, .protocol = DESTINATION },
	{ "an ipv6 fragment over the flags of tcp", { ETH(0x86dd), IP6(FRAGMENT_NUMBER), FRAGMENT(6, 1, 0), RAW(24) }, IS_IP6, IS_BAD(TINY_FRAGMENT), .fragment = 1 },
	{ "the same ipv6 fragment of udp is allowed", { ETH(0x86dd), IP6(FRAGMENT_NUMBER), FRAGMENT(17, 1, 0), RAW(24) }, IS_IP6, .fragment = 1 },
	{ "the reserved bits of a fragment header mean nothing", { ETH(0x86dd), IP6(FRAGMENT_NUMBER), FRAGMENT(6, 0, 6), TCP(80) }, IS_IP6, IS_TCP(80) },
	{ "a fragment header cut", { ETH(0x86dd), IP6(FRAGMENT_NUMBER), RAW(7) }, IS_IP6, IS_BAD(SHORT), .protocol = FRAGMENT_NUMBER },

	/* ---- VLAN ---- */
	{ "a tag", { ETH(0x8100), VLAN(0x6007, 0x0800), IP4(6), TCP(80) }, IS_IP4, IS_TCP(80), .vlan_tags = 1 },
	{ "a tag of 802.1ad", { ETH(0x88a8), VLAN(9, 0x86dd), IP6(6), TCP(80) }, IS_IP6, IS_TCP(80), .vlan_tags = 1 },
	{ "a tag of 0x9100", { ETH(0x9100), VLAN(9, 0x0800), IP4(17), UDP(80) }, IS_IP4, IS_UDP(80), .vlan_tags = 1 },
	{ "two tags", { ETH(0x88a8), VLAN(100, 0x8100), VLAN(200, 0x0800), IP4(6), TCP(80) }, IS_IP4, IS_TCP(80), .vlan_tags = 2 },
	{ "two tags and extension headers", { ETH(0x8100), VLAN(1, 0x8100), VLAN(2, 0x86dd), IP6(HOP), EXTENSION(6, 0), TCP(80) }, IS_IP6, IS_TCP(80), .vlan_tags = 2 },
	{ "three tags", { ETH(0x88a8), VLAN(1, 0x8100), VLAN(2, 0x8100), VLAN(3, 0x0800), IP4(6), TCP(80) }, IS_BAD(VLAN_LIMIT), .vlan_tags = 2 },
	{ "three tags, the last cut off", { ETH(0x88a8), VLAN(1, 0x8100), VLAN(2, 0x8100) }, IS_BAD(VLAN_LIMIT), .vlan_tags = 2 },
	{ "a tag cut", { ETH(0x8100), VLAN(7, 0x0800), CUT(1) }, IS_BAD(SHORT) },
	{ "a second tag cut", { ETH(0x8100), VLAN(7, 0x8100), VLAN(8, 0x0800), CUT(2) }, IS_BAD(SHORT), .vlan_tags = 1 },
	{ "a tag and an ipv4 header cut", { ETH(0x8100), VLAN(7, 0x0800), IP4(6), CUT(1) }, IS_BAD(SHORT), .vlan_tags = 1 },
	{ "arp behind a tag", { ETH(0x8100), VLAN(7, 0x0806), ARP(1) }, .network = WEIR_NETWORK_ARP_IPV4, .vlan_tags = 1 },

	/* ---- ARP and others ---- */
	{ "an arp request", { ETH(0x0806), ARP(1), PADDING(18) }, .network = WEIR_NETWORK_ARP_IPV4 },
	{ "an arp reply without padding", { ETH(0x0806), ARP(2) }, .network = WEIR_NETWORK_ARP_IPV4 },
	{ "arp of another hardware", { ETH(0x0806), ARP(1), SET16(0, 6) }, .network = WEIR_NETWORK_ARP },
	{ "arp of another protocol", { ETH(0x0806), ARP(1), SET16(2, 0x86dd) }, .network = WEIR_NETWORK_ARP },
	{ "arp of another address length", { ETH(0x0806), ARP(1), SET8(4, 8) }, .network = WEIR_NETWORK_ARP },
	{ "arp of another protocol's address length", { ETH(0x0806), ARP(1), SET8(5, 16), CUT(20) }, .network = WEIR_NETWORK_ARP },
	{ "arp cut in its header", { ETH(0x0806), ARP(1), CUT(21) }, IS_BAD(SHORT) },
	{ "arp cut in its addresses", { ETH(0x0806), ARP(1), CUT(1) }, IS_BAD(SHORT) },
	{ "an unknown type", { ETH(0x88cc), RAW(46) }, IS_BAD(NONE) },
	{ "an unknown type and nothing behind", { ETH(0x88cc) }, IS_BAD(NONE) },
	{ "a length in place of the type", { ETH(0x0026), RAW(46) }, IS_BAD(NONE) },

	/* ---- Large ---- */
	{ "a jumbo frame", { ETH(0x0800), IP4(6), TCP(80), RAW(8900) }, IS_IP4, IS_TCP(80) },
	{ "a jumbo frame cut", { ETH(0x0800), IP4(6), TCP(80), RAW(8900), CUT(1) }, IS_IP4, IS_BAD(BAD_LENGTH) },
	{ "a jumbo frame with padding", { ETH(0x0800), IP4(6), TCP(80), RAW(8800), PADDING(20) }, IS_IP4, IS_TCP(80) },
	{ "ports beyond the first page",
	  { ETH(0x86dd), IP6(HOP), EXTENSION(DESTINATION, 255), EXTENSION(DESTINATION, 255), EXTENSION(DESTINATION, 255), EXTENSION(6, 0), TCP(91) },
	  IS_IP6, IS_TCP(91) },
	{ "a header cut beyond the first page",
	  { ETH(0x86dd), IP6(HOP), EXTENSION(DESTINATION, 255), EXTENSION(DESTINATION, 255), EXTENSION(6, 200), RAW(12) },
	  IS_IP6, IS_BAD(SHORT), .protocol = 6 },
	{ "the longest chain of extension headers",
	  { ETH(0x86dd), IP6(HOP), EXTENSION(DESTINATION, 255), EXTENSION(DESTINATION, 255), EXTENSION(DESTINATION, 255), EXTENSION(DESTINATION, 255),
	    EXTENSION(DESTINATION, 255), EXTENSION(DESTINATION, 255), EXTENSION(DESTINATION, 255), EXTENSION(17, 255), UDP(92) },
	  IS_IP6, IS_UDP(92) },
};

#define PACKET_CASES (sizeof(packet_cases) / sizeof(packet_cases[0]))

#endif
