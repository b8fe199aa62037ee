// SPDX-License-Identifier: GPL-2.0-only
/*
 * The reference parser: bytes to struct weir_flow. It was written apart from the one in bpf/ and for reading, not for
 * speed; the differential test holds the two together.
 *
 * In: the bytes as a hook has them, and what the hook knows beside them. Out: every field. Each function parses one
 * header, moves on to what the header says is next, and gives the reason when the packet is malformed. Fields are
 * set only once their header is known to be whole.
 */
#include "rules/packet.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#define TYPE_QINQ_OLD 0x9100 /* what 802.1ad was before it was a standard */

/* What is parsed: `at` is where the next header begins, `end` where the innermost header so far says the packet ends. */
struct reader {
	const uint8_t *data;
	size_t at, end;
	bool first_fragment; /* of several: a cut header is suspicious, not just short */
};

static size_t left(const struct reader *reader)
{
	return reader->end - reader->at;
}

static uint16_t read16(const struct reader *reader, size_t offset)
{
	const uint8_t *bytes = reader->data + reader->at + offset;

	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t read32(const struct reader *reader, size_t offset)
{
	return (uint32_t)read16(reader, offset) << 16 | read16(reader, offset + 2);
}

static uint64_t read48(const struct reader *reader, size_t offset)
{
	return (uint64_t)read16(reader, offset) << 32 | read32(reader, offset + 2);
}

static uint64_t read64(const struct reader *reader, size_t offset)
{
	return (uint64_t)read32(reader, offset) << 32 | read32(reader, offset + 4);
}

static enum weir_malformed cut(const struct reader *reader)
{
	return reader->first_fragment ? WEIR_MALFORMED_TINY_FRAGMENT : WEIR_MALFORMED_SHORT;
}

static enum weir_malformed parse_tcp(struct reader *reader, struct weir_flow *flow)
{
	unsigned header;

	if (left(reader) < 20)
		return cut(reader);
	header = (reader->data[reader->at + 12] >> 4) * 4u;
	if (header < 20)
		return WEIR_MALFORMED_BAD_HEADER;
	if (left(reader) < header)
		return cut(reader);
	flow->transport = WEIR_TRANSPORT_TCP;
	flow->transport_offset = (uint16_t)reader->at;
	flow->sport = read16(reader, 0);
	flow->dport = read16(reader, 2);
	flow->tcp_flags = reader->data[reader->at + 13];
	if (left(reader) > header) {
		size_t payload = left(reader) - header;

		flow->payload = (uint16_t)(reader->at + header);
		flow->payload_length = payload > UINT16_MAX ? UINT16_MAX : (uint16_t)payload;
	}
	return WEIR_MALFORMED_NONE;
}

/* UDP and SCTP: a header of fixed size that begins with the ports. */
static enum weir_malformed parse_ports(struct reader *reader, size_t header, enum weir_transport transport,
				       struct weir_flow *flow)
{
	if (left(reader) < header)
		return cut(reader);
	flow->transport = transport;
	flow->transport_offset = (uint16_t)reader->at;
	flow->sport = read16(reader, 0);
	flow->dport = read16(reader, 2);
	return WEIR_MALFORMED_NONE;
}

static enum weir_malformed parse_icmp(struct reader *reader, enum weir_transport transport, struct weir_flow *flow)
{
	if (left(reader) < 8)
		return cut(reader);
	flow->transport = transport;
	flow->transport_offset = (uint16_t)reader->at;
	flow->icmp_type = reader->data[reader->at];
	flow->icmp_code = reader->data[reader->at + 1];
	return WEIR_MALFORMED_NONE;
}

static enum weir_malformed parse_transport(struct reader *reader, struct weir_flow *flow)
{
	bool ipv6 = flow->network == WEIR_NETWORK_IPV6;

	switch (flow->protocol) {
	case IPPROTO_TCP:
		return parse_tcp(reader, flow);
	case IPPROTO_UDP:
		return parse_ports(reader, 8, WEIR_TRANSPORT_UDP, flow);
	case IPPROTO_SCTP:
		return parse_ports(reader, 12, WEIR_TRANSPORT_SCTP, flow);
	case IPPROTO_ICMP:
		if (!ipv6)
			return parse_icmp(reader, WEIR_TRANSPORT_ICMP, flow);
		break;
	case IPPROTO_ICMPV6:
		if (ipv6)
			return parse_icmp(reader, WEIR_TRANSPORT_ICMPV6, flow);
		break;
	}
	flow->transport = WEIR_TRANSPORT_OTHER;
	flow->transport_offset = (uint16_t)reader->at;
	return WEIR_MALFORMED_NONE;
}

/* Behind the fragment fields of either IP version. OFFSET counts units of eight bytes. */
static enum weir_malformed judge_fragment(struct reader *reader, unsigned offset, bool more, struct weir_flow *flow)
{
	if (offset || more)
		flow->fragment = 1;
	if (offset == 0) {
		reader->first_fragment |= more;
		return WEIR_MALFORMED_NONE;
	}
	/* At offset 1 the data lies over bytes 8 to 15 of the TCP header, where the flags are (RFC 1858). */
	if (offset == 1 && flow->protocol == IPPROTO_TCP)
		return WEIR_MALFORMED_TINY_FRAGMENT;
	return WEIR_MALFORMED_NONE;
}

static enum weir_malformed parse_ipv4(struct reader *reader, struct weir_flow *flow)
{
	const uint8_t *bytes = reader->data + reader->at;
	size_t there = left(reader), header, total;
	enum weir_malformed fault;

	if (there < 20)
		return WEIR_MALFORMED_SHORT;
	header = (bytes[0] & 0x0f) * 4u;
	if (bytes[0] >> 4 != 4 || header < 20)
		return WEIR_MALFORMED_BAD_HEADER;
	if (there < header)
		return WEIR_MALFORMED_SHORT;

	flow->network = WEIR_NETWORK_IPV4;
	flow->dscp = bytes[1] >> 2;
	flow->ip_length = read16(reader, 2);
	flow->frag_off = read16(reader, 6);
	flow->hop_limit = bytes[8];
	flow->protocol = bytes[9];
	flow->saddr4 = read32(reader, 12);
	flow->daddr4 = read32(reader, 16);
	fault = judge_fragment(reader, flow->frag_off & 0x1fff, flow->frag_off & 0x2000, flow);

	total = flow->ip_length;
	if (total == 0 && there > UINT16_MAX)
		total = there; /* BIG TCP: too long for the field */
	if (total < header || total > there)
		return WEIR_MALFORMED_BAD_LENGTH;
	if (fault != WEIR_MALFORMED_NONE)
		return fault;
	reader->end = reader->at + total;
	reader->at += header;
	if (flow->frag_off & 0x1fff)
		return WEIR_MALFORMED_NONE;
	return parse_transport(reader, flow);
}

/* How long is the extension header at `at`? 0: PROTOCOL is none, or too little is there to tell. */
static size_t extension_length(const struct reader *reader, unsigned protocol)
{
	unsigned units = left(reader) >= 2 ? reader->data[reader->at + 1] : 0;

	if (protocol == IPPROTO_FRAGMENT)
		return 8;
	return protocol == IPPROTO_AH ? (units + 2) * 4u : (units + 1) * 8u;
}

static bool is_extension(unsigned protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_MH:
	case 139: /* HIP */
	case 140: /* shim6 */
		return true;
	}
	return false;
}

/* Walk the extension headers; flow->protocol is always the kind of the header at `at`. */
static enum weir_malformed parse_extensions(struct reader *reader, struct weir_flow *flow)
{
	for (unsigned walked = 0; is_extension(flow->protocol); walked++) {
		unsigned protocol = flow->protocol;
		size_t length = extension_length(reader, protocol);

		if (walked == WEIR_MAX_EXTENSION_HEADERS)
			return WEIR_MALFORMED_EXTENSION_LIMIT;
		if (left(reader) < 2 || left(reader) < length)
			return cut(reader);
		flow->protocol = reader->data[reader->at];
		if (protocol == IPPROTO_FRAGMENT) {
			unsigned field = read16(reader, 2);
			enum weir_malformed fault = judge_fragment(reader, field >> 3, field & 1, flow);

			if (fault != WEIR_MALFORMED_NONE || field >> 3)
				return fault; /* what follows is the middle of something */
		}
		reader->at += length;
	}
	return parse_transport(reader, flow);
}

static enum weir_malformed parse_ipv6(struct reader *reader, struct weir_flow *flow)
{
	size_t there = left(reader), payload;

	if (there < 40)
		return WEIR_MALFORMED_SHORT;
	if (reader->data[reader->at] >> 4 != 6)
		return WEIR_MALFORMED_BAD_HEADER;

	flow->network = WEIR_NETWORK_IPV6;
	flow->dscp = read16(reader, 0) >> 6 & 0x3f;
	flow->ip_length = read16(reader, 4);
	flow->next_header = reader->data[reader->at + 6];
	flow->protocol = flow->next_header;
	flow->hop_limit = reader->data[reader->at + 7];
	flow->saddr_hi = read64(reader, 8);
	flow->saddr_lo = read64(reader, 16);
	flow->daddr_hi = read64(reader, 24);
	flow->daddr_lo = read64(reader, 32);

	there -= 40;
	payload = flow->ip_length;
	if (payload == 0 && there > UINT16_MAX)
		payload = there; /* a jumbogram, or BIG TCP without the option that tells */
	if (payload > there)
		return WEIR_MALFORMED_BAD_LENGTH;
	reader->at += 40;
	reader->end = reader->at + payload;
	return parse_extensions(reader, flow);
}

static enum weir_malformed parse_arp(struct reader *reader, struct weir_flow *flow)
{
	const uint8_t *bytes = reader->data + reader->at;

	if (left(reader) < 8)
		return WEIR_MALFORMED_SHORT;
	if (read16(reader, 0) != 1 || read16(reader, 2) != ETH_P_IP || bytes[4] != 6 || bytes[5] != 4) {
		flow->network = WEIR_NETWORK_ARP;
		flow->arp_operation = read16(reader, 6);
		return WEIR_MALFORMED_NONE;
	}
	if (left(reader) < 28)
		return WEIR_MALFORMED_SHORT;
	flow->network = WEIR_NETWORK_ARP_IPV4;
	flow->arp_operation = read16(reader, 6);
	flow->saddr4 = read32(reader, 14);
	flow->daddr4 = read32(reader, 24);
	return WEIR_MALFORMED_NONE;
}

static bool is_vlan(unsigned ether_type)
{
	return ether_type == ETH_P_8021Q || ether_type == ETH_P_8021AD || ether_type == TYPE_QINQ_OLD;
}

/* The Ethernet header and the tags behind it. The offloaded tag, if there is one, was the outermost. */
static enum weir_malformed parse_ethernet(struct reader *reader, struct weir_flow *flow)
{
	if (left(reader) < ETH_HLEN)
		return WEIR_MALFORMED_SHORT;
	flow->ether_daddr = read48(reader, 0);
	flow->ether_saddr = read48(reader, 6);
	flow->ether_type = read16(reader, 12);
	reader->at += ETH_HLEN;
	while (is_vlan(flow->ether_type)) {
		if (flow->vlan_tags == WEIR_MAX_VLAN_TAGS)
			return WEIR_MALFORMED_VLAN_LIMIT;
		if (left(reader) < 4)
			return WEIR_MALFORMED_SHORT;
		if (flow->vlan_tags++ == 0)
			flow->vlan_id = read16(reader, 0) & 0x0fff;
		flow->ether_type = read16(reader, 2);
		reader->at += 4;
	}
	return WEIR_MALFORMED_NONE;
}

/* No link layer: the version of the IP header tells what it is. */
static enum weir_malformed parse_version(struct reader *reader, struct weir_flow *flow)
{
	if (left(reader) == 0)
		return WEIR_MALFORMED_SHORT;
	switch (reader->data[reader->at] >> 4) {
	case 4:
		flow->ether_type = ETH_P_IP;
		return WEIR_MALFORMED_NONE;
	case 6:
		flow->ether_type = ETH_P_IPV6;
		return WEIR_MALFORMED_NONE;
	}
	return WEIR_MALFORMED_BAD_HEADER;
}

static enum weir_malformed parse_network(struct reader *reader, struct weir_flow *flow)
{
	switch (flow->ether_type) {
	case ETH_P_ARP:
		return parse_arp(reader, flow);
	case ETH_P_IP:
		return parse_ipv4(reader, flow);
	case ETH_P_IPV6:
		return parse_ipv6(reader, flow);
	}
	return WEIR_MALFORMED_NONE;
}

void packet_parse(enum weir_hook hook, const struct packet_context *context, const uint8_t *data, size_t length,
		  struct weir_flow *ret_flow)
{
	bool tc = hook == WEIR_HOOK_TC_INGRESS || hook == WEIR_HOOK_TC_EGRESS || hook == WEIR_HOOK_TC_ACTION;
	bool cgroup = hook == WEIR_HOOK_CGROUP_INGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;
	bool egress = hook == WEIR_HOOK_TC_EGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;
	bool raw = cgroup || context->raw_ip;
	struct reader reader = { .data = data, .end = length };
	struct weir_flow flow = { 0 };
	enum weir_malformed fault;

	flow.length = (uint32_t)length;
	flow.mark = hook == WEIR_HOOK_XDP_INGRESS ? 0 : context->mark;
	flow.iif = context->iif;
	flow.oif = egress ? context->oif : 0;
	if (tc && !raw && context->has_offload_vlan) {
		flow.vlan_tags = 1;
		flow.vlan_id = context->offload_vlan_tci & 0x0fff;
	}
	fault = raw ? parse_version(&reader, &flow) : parse_ethernet(&reader, &flow);
	if (fault == WEIR_MALFORMED_NONE)
		fault = parse_network(&reader, &flow);
	flow.malformed = fault;
	*ret_flow = flow;
}
