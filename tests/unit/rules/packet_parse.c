// SPDX-License-Identifier: GPL-2.0-only
/* The reference parser, point by point: what is malformed and why, and which fields are there nonetheless. */
#include "../../tap.h"

#include <stdlib.h>

#include "rules/packet.h"

/* Bytes in hex, blanks for reading; "00*20" repeats. */
static size_t hex(const char *text, uint8_t *bytes)
{
	size_t length = 0;
	unsigned value;

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		if (*text == '*') {
			char *end;
			long times = strtol(text + 1, &end, 10);

			for (; times > 1; times--, length++)
				bytes[length] = bytes[length - 1];
			text = end - 1;
			continue;
		}
		sscanf(text, "%2x", &value);
		bytes[length++] = (uint8_t)value;
		text++;
	}
	return length;
}

static struct weir_flow parse_with(enum weir_hook hook, const struct packet_context *context, const char *text)
{
	static uint8_t bytes[70000];
	struct weir_flow flow;
	size_t length = hex(text, bytes);
	uint8_t *exact = malloc(length ? length : 1); /* of its very size, so that a sanitizer sees a byte read too many */

	memcpy(exact, bytes, length);
	memset(&flow, 0xaa, sizeof(flow));
	packet_parse(hook, context, exact, length, &flow);
	free(exact);
	return flow;
}

static struct weir_flow parse(const char *text)
{
	const struct packet_context nothing = { 0 };

	return parse_with(WEIR_HOOK_XDP_INGRESS, &nothing, text);
}

#define MACS			   "020000000002 020000000001 "
#define IP4(total, frag, protocol) MACS "0800 45b8 " total " 0000 " frag " 40" protocol "0000 0a000001 0a000002 "
#define IP6(payload, next)	   MACS "86dd 6b800000 " payload next "40 20010db8 00*11 01 20010db8 00*11 02 "
#define TCP			   "04d2 0050 00*8 50 02 00*6 "
#define UDP			   "0035 0035 0008 0000 "
#define EXT(next)		   next "00 00*6 "
#define FRAG(next, field)	   next "00 " field " 00*4 "

TEST(a_tcp_packet_has_all_its_fields)
{
	struct weir_flow flow = parse(IP4("0028", "0000", "06") TCP);

	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.ether_daddr, 0x020000000002);
	CHECK_NUMBER(flow.ether_saddr, 0x020000000001);
	CHECK_NUMBER(flow.ether_type, 0x0800);
	CHECK_NUMBER(flow.network, WEIR_NETWORK_IPV4);
	CHECK_NUMBER(flow.saddr4, 0x0a000001);
	CHECK_NUMBER(flow.daddr4, 0x0a000002);
	CHECK_NUMBER(flow.dscp, 46);
	CHECK_NUMBER(flow.hop_limit, 64);
	CHECK_NUMBER(flow.ip_length, 40);
	CHECK_NUMBER(flow.length, 54);
	CHECK_NUMBER(flow.protocol, 6);
	CHECK_NUMBER(flow.transport, WEIR_TRANSPORT_TCP);
	CHECK_NUMBER(flow.sport, 1234);
	CHECK_NUMBER(flow.dport, 80);
	CHECK_NUMBER(flow.tcp_flags, 2);
	CHECK_NUMBER(flow.next_header, 0);
}

TEST(a_frame_shorter_than_ethernet_is_short)
{
	CHECK_NUMBER(parse("").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse("02*13").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse("02*13").ether_daddr, 0);
	CHECK_NUMBER(parse(MACS "88b5").malformed, WEIR_MALFORMED_NONE);
}

TEST(an_llc_length_is_just_a_number)
{
	struct weir_flow flow = parse(MACS "0026 00*38");

	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.ether_type, 0x26);
	CHECK_NUMBER(flow.network, WEIR_NETWORK_OTHER);
}

TEST(vlan_tags_are_seen_through_and_the_outermost_counts)
{
	struct weir_flow flow = parse(MACS "88a8 6007 8100 0008 0800 4500 001c 00*4 4011 0000 0a000001 0a000002" UDP);

	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.vlan_tags, 2);
	CHECK_NUMBER(flow.vlan_id, 7);
	CHECK_NUMBER(flow.ether_type, 0x0800);
	CHECK_NUMBER(flow.dport, 53);
}

TEST(a_third_vlan_tag_is_one_too_many)
{
	struct weir_flow flow = parse(MACS "88a8 0007 8100 0008 9100 0009 0800 00*40");

	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_VLAN_LIMIT);
	CHECK_NUMBER(flow.vlan_tags, 2);
	CHECK_NUMBER(flow.network, WEIR_NETWORK_OTHER);
}

TEST(a_vlan_tag_that_is_cut_is_short)
{
	CHECK_NUMBER(parse(MACS "8100 0007 08").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(MACS "8100 0007 08").vlan_tags, 0);
}

TEST(an_offloaded_tag_is_the_outermost_at_tc)
{
	const struct packet_context context = { .has_offload_vlan = true, .offload_vlan_tci = 0xe005 };
	struct weir_flow flow = parse_with(WEIR_HOOK_TC_INGRESS, &context, MACS "8100 0007 88b5");

	CHECK_NUMBER(flow.vlan_tags, 2);
	CHECK_NUMBER(flow.vlan_id, 5);
	flow = parse_with(WEIR_HOOK_TC_INGRESS, &context, MACS "8100 0007 8100 0008 88b5");
	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_VLAN_LIMIT);
	flow = parse_with(WEIR_HOOK_XDP_INGRESS, &context, MACS "88b5");
	CHECK_NUMBER(flow.vlan_tags, 0);
}

TEST(arp_of_ipv4_has_addresses_and_other_arp_only_an_operation)
{
	struct weir_flow flow = parse(MACS "0806 0001 0800 06 04 0002 020000000001 0a000001 020000000002 0a000002");

	CHECK_NUMBER(flow.network, WEIR_NETWORK_ARP_IPV4);
	CHECK_NUMBER(flow.arp_operation, 2);
	CHECK_NUMBER(flow.saddr4, 0x0a000001);
	CHECK_NUMBER(flow.daddr4, 0x0a000002);
	flow = parse(MACS "0806 0006 0800 06 04 0001");
	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.network, WEIR_NETWORK_ARP);
	CHECK_NUMBER(flow.arp_operation, 1);
	CHECK_NUMBER(flow.saddr4, 0);
}

TEST(arp_that_is_cut_is_short)
{
	CHECK_NUMBER(parse(MACS "0806 0001 0800 06 04 00").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(MACS "0806 0001 0800 06 04 0001 00*19").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(MACS "0806 0001 0800 06 04 0001 00*19").network, WEIR_NETWORK_OTHER);
}

TEST(an_ipv4_header_must_be_whole_and_agree_with_itself)
{
	CHECK_NUMBER(parse(MACS "0800 4500 0014 00*15").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(MACS "0800 6500 0014 00*16").malformed, WEIR_MALFORMED_BAD_HEADER);
	CHECK_NUMBER(parse(MACS "0800 4400 0014 00*16").malformed, WEIR_MALFORMED_BAD_HEADER);
	CHECK_NUMBER(parse(MACS "0800 4400 0014 00*16").network, WEIR_NETWORK_OTHER);
	/* options that are not there */
	CHECK_NUMBER(parse(MACS "0800 4600 0014 00*16").malformed, WEIR_MALFORMED_SHORT);
	/* total length smaller than the header */
	CHECK_NUMBER(parse(IP4("0013", "0000", "11") UDP).malformed, WEIR_MALFORMED_BAD_LENGTH);
	CHECK_NUMBER(parse(IP4("0000", "0000", "11") UDP).malformed, WEIR_MALFORMED_BAD_LENGTH);
	/* larger than what is there; the network's fields stay */
	CHECK_NUMBER(parse(IP4("001d", "0000", "11") UDP).malformed, WEIR_MALFORMED_BAD_LENGTH);
	CHECK_NUMBER(parse(IP4("001d", "0000", "11") UDP).network, WEIR_NETWORK_IPV4);
	CHECK_NUMBER(parse(IP4("001d", "0000", "11") UDP).saddr4, 0x0a000001);
	CHECK_NUMBER(parse(IP4("001d", "0000", "11") UDP).dport, 0);
	CHECK_NUMBER(parse(IP4("001d", "0000", "11") UDP).transport, WEIR_TRANSPORT_NONE);
}

TEST(padding_behind_the_total_length_belongs_to_no_header)
{
	CHECK_NUMBER(parse(IP4("001c", "0000", "11") UDP "00*18").malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(parse(IP4("001b", "0000", "11") UDP "00*18").malformed, WEIR_MALFORMED_SHORT);
}

TEST(a_big_tcp_packet_of_length_zero_ends_where_its_bytes_do)
{
	struct weir_flow flow = parse(IP4("0000", "0000", "06") TCP "00*65600");

	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.dport, 80);
	flow = parse(IP6("0000", "00") EXT("06") TCP "00*65600");
	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.dport, 80);
	flow = parse(IP6("0000", "06") TCP "00*65516");
	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.dport, 80);
	CHECK_NUMBER(parse(IP6("0000", "06") TCP "00*65515").malformed, WEIR_MALFORMED_SHORT);
}

TEST(a_transport_header_must_be_whole)
{
	CHECK_NUMBER(parse(IP4("0027", "0000", "06") "00*12 50 02 00*5").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(IP4("0028", "0000", "06") "00*12 40 02 00*6").malformed, WEIR_MALFORMED_BAD_HEADER);
	CHECK_NUMBER(parse(IP4("0028", "0000", "06") "00*12 60 02 00*6").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(IP4("0028", "0000", "06") "00*12 60 02 00*6").protocol, 6);
	CHECK_NUMBER(parse(IP4("001b", "0000", "11") "00*7").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(IP4("001f", "0000", "84") "00*11").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(IP4("0020", "0000", "84") "00*12").transport, WEIR_TRANSPORT_SCTP);
	CHECK_NUMBER(parse(IP4("001b", "0000", "01") "00*7").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(IP4("001c", "0000", "01") "08 00*7").icmp_type, 8);
}

TEST(icmp_belongs_to_ipv4_and_icmpv6_to_ipv6)
{
	CHECK_NUMBER(parse(IP4("0014", "0000", "3a")).transport, WEIR_TRANSPORT_OTHER);
	CHECK_NUMBER(parse(IP6("0000", "01")).transport, WEIR_TRANSPORT_OTHER);
	CHECK_NUMBER(parse(IP6("0008", "3a") "80 00*7").transport, WEIR_TRANSPORT_ICMPV6);
	CHECK_NUMBER(parse(IP6("0007", "3a") "80 00*6").malformed, WEIR_MALFORMED_SHORT);
}

TEST(a_later_fragment_has_no_transport)
{
	struct weir_flow flow = parse(IP4("0028", "2002", "06") TCP);

	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.fragment, 1);
	CHECK_NUMBER(flow.transport, WEIR_TRANSPORT_NONE);
	CHECK_NUMBER(flow.protocol, 6);
	CHECK_NUMBER(flow.dport, 0);
	CHECK_NUMBER(flow.frag_off, 0x2002);
	/* Do-not-fragment is no fragment. */
	CHECK_NUMBER(parse(IP4("0028", "4000", "06") TCP).fragment, 0);
	CHECK_NUMBER(parse(IP4("0028", "2000", "06") TCP).fragment, 1);
	CHECK_NUMBER(parse(IP4("0028", "2000", "06") TCP).dport, 80);
}

TEST(a_fragment_that_could_hide_tcp_flags_is_tiny)
{
	CHECK_NUMBER(parse(IP4("0028", "0001", "06") TCP).malformed, WEIR_MALFORMED_TINY_FRAGMENT);
	CHECK_NUMBER(parse(IP4("0028", "0001", "11") TCP).malformed, WEIR_MALFORMED_NONE);
	/* the first fragment ends inside the transport header */
	CHECK_NUMBER(parse(IP4("001c", "2000", "06") "00*8").malformed, WEIR_MALFORMED_TINY_FRAGMENT);
	CHECK_NUMBER(parse(IP4("0018", "2000", "11") "00*4").malformed, WEIR_MALFORMED_TINY_FRAGMENT);
	CHECK_NUMBER(parse(IP4("0028", "2000", "06") "00*12 60 02 00*6").malformed, WEIR_MALFORMED_TINY_FRAGMENT);
	CHECK_NUMBER(parse(IP4("0028", "2000", "06") "00*12 10 02 00*6").malformed, WEIR_MALFORMED_BAD_HEADER);
}

TEST(an_ipv6_header_must_be_whole_and_agree_with_itself)
{
	CHECK_NUMBER(parse(MACS "86dd 60 00*38").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(MACS "86dd 40 00*39").malformed, WEIR_MALFORMED_BAD_HEADER);
	CHECK_NUMBER(parse(IP6("0009", "11") UDP).malformed, WEIR_MALFORMED_BAD_LENGTH);
	CHECK_NUMBER(parse(IP6("0009", "11") UDP).network, WEIR_NETWORK_IPV6);
	CHECK_NUMBER(parse(IP6("0009", "11") UDP).next_header, 17);
	CHECK_NUMBER(parse(IP6("0007", "11") UDP).malformed, WEIR_MALFORMED_SHORT);
}

TEST(an_ipv6_packet_has_all_its_fields)
{
	struct weir_flow flow = parse(IP6("0008", "11") UDP);

	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.saddr_hi, 0x20010db800000000);
	CHECK_NUMBER(flow.saddr_lo, 1);
	CHECK_NUMBER(flow.daddr_lo, 2);
	CHECK_NUMBER(flow.dscp, 46);
	CHECK_NUMBER(flow.hop_limit, 64);
	CHECK_NUMBER(flow.ip_length, 8);
	CHECK_NUMBER(flow.next_header, 17);
	CHECK_NUMBER(flow.protocol, 17);
	CHECK_NUMBER(flow.dport, 53);
}

TEST(extension_headers_of_every_kind_are_walked)
{
	struct weir_flow flow =
		parse(IP6("0044", "00") EXT("2b") EXT("3c") EXT("33") "8b01 00*10 " EXT("8c") EXT("87") EXT("11") UDP);

	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.next_header, 0);
	CHECK_NUMBER(flow.protocol, 17);
	CHECK_NUMBER(flow.dport, 53);
	/* a header of 16 bytes */
	CHECK_NUMBER(parse(IP6("0018", "3c") "1101 00*14 " UDP).dport, 53);
}

#define EIGHT EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c") EXT("3c")

TEST(eight_extension_headers_are_walked_and_a_ninth_is_too_many)
{
	CHECK_NUMBER(parse(IP6("0048", "3c") EIGHT EXT("11") UDP).malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(parse(IP6("0048", "3c") EIGHT EXT("11") UDP).dport, 53);
	CHECK_NUMBER(parse(IP6("0050", "3c") EIGHT EXT("3c") EXT("11") UDP).malformed, WEIR_MALFORMED_EXTENSION_LIMIT);
	CHECK_NUMBER(parse(IP6("0050", "3c") EIGHT EXT("3c") EXT("11") UDP).protocol, 0x3c);
	CHECK_NUMBER(parse(IP6("0050", "3c") EIGHT EXT("3c") EXT("11") UDP).transport, WEIR_TRANSPORT_NONE);
	/* the ninth need not even be there */
	CHECK_NUMBER(parse(IP6("0040", "3c") EIGHT EXT("3c")).malformed, WEIR_MALFORMED_EXTENSION_LIMIT);
}

TEST(an_extension_header_that_is_cut_is_short)
{
	CHECK_NUMBER(parse(IP6("0001", "3c") "11").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(IP6("0008", "3c") "1101 00*6").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse(IP6("0008", "3c") "1101 00*6").protocol, 0x3c);
	CHECK_NUMBER(parse(IP6("0007", "2c") "1100 0001 00*3").malformed, WEIR_MALFORMED_SHORT);
}

TEST(ipv6_fragments_are_known_by_their_header)
{
	struct weir_flow flow = parse(IP6("0010", "2c") FRAG("11", "0001") UDP);

	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.fragment, 1);
	CHECK_NUMBER(flow.dport, 53);
	CHECK_NUMBER(flow.frag_off, 0);
	/* later */
	flow = parse(IP6("0010", "2c") FRAG("11", "0010") UDP);
	CHECK_NUMBER(flow.fragment, 1);
	CHECK_NUMBER(flow.protocol, 17);
	CHECK_NUMBER(flow.transport, WEIR_TRANSPORT_NONE);
	/* of TCP at offset 8 */
	CHECK_NUMBER(parse(IP6("0010", "2c") FRAG("06", "0008") UDP).malformed, WEIR_MALFORMED_TINY_FRAGMENT);
	/* whole in one: an atomic fragment */
	flow = parse(IP6("0010", "2c") FRAG("11", "0000") UDP);
	CHECK_NUMBER(flow.fragment, 0);
	CHECK_NUMBER(flow.dport, 53);
	/* the first ends inside the transport header, or inside an extension header */
	CHECK_NUMBER(parse(IP6("000c", "2c") FRAG("11", "0001") "00*4").malformed, WEIR_MALFORMED_TINY_FRAGMENT);
	CHECK_NUMBER(parse(IP6("000c", "2c") FRAG("3c", "0001") "1100 0000").malformed, WEIR_MALFORMED_TINY_FRAGMENT);
}

TEST(no_next_header_and_esp_are_other)
{
	CHECK_NUMBER(parse(IP6("0000", "3b")).transport, WEIR_TRANSPORT_OTHER);
	CHECK_NUMBER(parse(IP6("0000", "3b")).protocol, 59);
	CHECK_NUMBER(parse(IP6("0000", "32")).transport, WEIR_TRANSPORT_OTHER);
}

TEST(without_a_link_layer_the_version_tells)
{
	const struct packet_context context = { .mark = 7, .iif = 3, .oif = 4 };
	struct weir_flow flow;

	CHECK_NUMBER(parse_with(WEIR_HOOK_CGROUP_EGRESS, &context, "").malformed, WEIR_MALFORMED_SHORT);
	CHECK_NUMBER(parse_with(WEIR_HOOK_CGROUP_EGRESS, &context, "50").malformed, WEIR_MALFORMED_BAD_HEADER);
	CHECK_NUMBER(parse_with(WEIR_HOOK_CGROUP_EGRESS, &context, "45").malformed, WEIR_MALFORMED_SHORT);
	flow = parse_with(WEIR_HOOK_CGROUP_EGRESS, &context, "4500 001c 00*4 4011 0000 0a000001 0a000002" UDP);
	CHECK_NUMBER(flow.malformed, WEIR_MALFORMED_NONE);
	CHECK_NUMBER(flow.ether_type, 0x0800);
	CHECK_NUMBER(flow.ether_saddr, 0);
	CHECK_NUMBER(flow.length, 28);
	CHECK_NUMBER(flow.mark, 7);
	CHECK_NUMBER(flow.iif, 3);
	CHECK_NUMBER(flow.oif, 4);
	CHECK_NUMBER(parse_with(WEIR_HOOK_CGROUP_INGRESS, &context, "45").oif, 0);
	CHECK_NUMBER(parse_with(WEIR_HOOK_XDP_INGRESS, &context, MACS "88b5").mark, 0);
}

int main(void)
{
	RUN(a_tcp_packet_has_all_its_fields);
	RUN(a_frame_shorter_than_ethernet_is_short);
	RUN(an_llc_length_is_just_a_number);
	RUN(vlan_tags_are_seen_through_and_the_outermost_counts);
	RUN(a_third_vlan_tag_is_one_too_many);
	RUN(a_vlan_tag_that_is_cut_is_short);
	RUN(an_offloaded_tag_is_the_outermost_at_tc);
	RUN(arp_of_ipv4_has_addresses_and_other_arp_only_an_operation);
	RUN(arp_that_is_cut_is_short);
	RUN(an_ipv4_header_must_be_whole_and_agree_with_itself);
	RUN(padding_behind_the_total_length_belongs_to_no_header);
	RUN(a_big_tcp_packet_of_length_zero_ends_where_its_bytes_do);
	RUN(a_transport_header_must_be_whole);
	RUN(icmp_belongs_to_ipv4_and_icmpv6_to_ipv6);
	RUN(a_later_fragment_has_no_transport);
	RUN(a_fragment_that_could_hide_tcp_flags_is_tiny);
	RUN(an_ipv6_header_must_be_whole_and_agree_with_itself);
	RUN(an_ipv6_packet_has_all_its_fields);
	RUN(extension_headers_of_every_kind_are_walked);
	RUN(eight_extension_headers_are_walked_and_a_ninth_is_too_many);
	RUN(an_extension_header_that_is_cut_is_short);
	RUN(ipv6_fragments_are_known_by_their_header);
	RUN(no_next_header_and_esp_are_other);
	RUN(without_a_link_layer_the_version_tells);
	return tap_end();
}
