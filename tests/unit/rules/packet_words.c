// SPDX-License-Identifier: GPL-2.0-only
/* Packets in words: to bytes, through the parser, and back to the same words. */
#include "../../tap.h"

#include "check/policy.h"
#include "rules/packet.h"

static struct arena *arena;
static struct diagnostics diagnostics;
static const uint8_t *data;
static size_t length;
static struct packet_context context;

/* Words to packet to words. NULL: refused. */
static const char *there_and_back(const char *words)
{
	struct weir_flow flow;

	diagnostics_init(&diagnostics, arena);
	if (packet_from_words(arena, words, &data, &length, &context, &diagnostics))
		return NULL;
	packet_parse(WEIR_HOOK_TC_EGRESS, &context, data, length, &flow);
	return packet_print(arena, &flow);
}

/* The sum over the words of what a checksum covers is 0xffff when the checksum is right. */
static unsigned sum(const uint8_t *bytes, size_t count, unsigned total)
{
	for (size_t i = 0; i < count; i++)
		total += i & 1 ? bytes[i] : (unsigned)bytes[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

static void check_same(const char *words)
{
	CHECK_TEXT(there_and_back(words), words);
}

TEST(words_become_a_packet_and_the_same_words_again)
{
	check_same("tcp 10.0.0.1:1234 > 10.0.0.2:80 syn");
	check_same("tcp 10.0.0.1:1234 > 10.0.0.2:80 fin syn rst psh ack urg ecn cwr");
	check_same("tcp 10.0.0.1:1234 > 10.0.0.2:80 flags 0");
	check_same("tcp [2001:db8::1]:1234 > [2001:db8::2]:80 syn ack");
	check_same("udp [2001:db8::1]:53 > [2001:db8::2]:53");
	check_same("udp 10.0.0.1:53 > 10.0.0.2:65535");
	check_same("sctp 10.0.0.1:1 > 10.0.0.2:2");
	check_same("icmp 10.0.0.1 > 10.0.0.2 echo-request");
	check_same("icmp 10.0.0.1 > 10.0.0.2 destination-unreachable code 3");
	check_same("icmp 10.0.0.1 > 10.0.0.2 type 77");
	check_same("icmpv6 2001:db8::1 > 2001:db8::2 nd-neighbor-solicit");
	check_same("arp who-has 10.0.0.2 tell 10.0.0.1");
	check_same("arp reply 10.0.0.2 > 10.0.0.1");
	check_same("arp operation 8 10.0.0.2 > 10.0.0.1");
	check_same("arp operation 1");
	check_same("ip 10.0.0.1 > 10.0.0.2 protocol 47");
	check_same("ip6 2001:db8::1 > 2001:db8::2 protocol 59");
	check_same("ether 02:00:00:00:00:66 > ff:ff:ff:ff:ff:ff type 0x88cc");
	check_same("udp 10.0.0.1:53 > 10.0.0.2:53 frag 0+");
	check_same("ip 10.0.0.1 > 10.0.0.2 protocol 17 frag 100+");
	check_same("ip6 2001:db8::1 > 2001:db8::2 protocol 17 later-fragment");
	check_same("udp [2001:db8::1]:53 > [2001:db8::2]:53 first-fragment");
	check_same("udp 10.0.0.1:53 > 10.0.0.2:53 vlan 7 dscp 46 mark 9");
}

TEST(what_is_left_out_has_a_default)
{
	CHECK_TEXT(there_and_back("tcp 10.0.0.1 > 10.0.0.2:80"), "tcp 10.0.0.1:40000 > 10.0.0.2:80 syn");
	CHECK_TEXT(there_and_back("tcp 10.0.0.1:1 > 10.0.0.2:80 syn|ack"), "tcp 10.0.0.1:1 > 10.0.0.2:80 syn ack");
	CHECK_TEXT(there_and_back("icmp 10.0.0.1 > 10.0.0.2"), "icmp 10.0.0.1 > 10.0.0.2 echo-request");
	CHECK_TEXT(there_and_back("tcp 10.0.0.1 > 10.0.0.2 frag 100"), "ip 10.0.0.1 > 10.0.0.2 protocol 6 frag 100");
}

TEST(options_reach_the_packet)
{
	struct weir_flow flow;

	CHECK(there_and_back(
		"udp 10.0.0.1:1 > 10.0.0.2:2 ttl 3 length 900 iif 4 oif 5 mark 6 ether 02:00:00:00:00:0a > 02:00:00:00:00:0b "
		"vlan 7 vlan 8"));
	CHECK_NUMBER(length, 900);
	packet_parse(WEIR_HOOK_TC_EGRESS, &context, data, length, &flow);
	CHECK_NUMBER(flow.malformed, 0);
	CHECK_NUMBER(flow.hop_limit, 3);
	CHECK_NUMBER(flow.iif, 4);
	CHECK_NUMBER(flow.oif, 5);
	CHECK_NUMBER(flow.mark, 6);
	CHECK_NUMBER(flow.ether_saddr, 0x02000000000a);
	CHECK_NUMBER(flow.ether_daddr, 0x02000000000b);
	CHECK_NUMBER(flow.vlan_tags, 2);
	CHECK_NUMBER(flow.vlan_id, 7);
	CHECK_NUMBER(flow.ip_length, 900 - 14 - 8);
}

TEST(checksums_are_right)
{
	CHECK(there_and_back("tcp 10.0.0.1:1234 > 10.0.0.2:80 syn length 101"));
	CHECK_NUMBER(sum(data + 14, 20, 0), 0xffff);
	CHECK_NUMBER(sum(data + 34, length - 34, sum(data + 26, 8, 6 + (unsigned)length - 34)), 0xffff);
	CHECK(there_and_back("udp [2001:db8::1]:53 > [2001:db8::2]:53"));
	CHECK_NUMBER(sum(data + 54, 8, sum(data + 22, 32, 17 + 8)), 0xffff);
	CHECK(there_and_back("icmp 10.0.0.1 > 10.0.0.2"));
	CHECK_NUMBER(sum(data + 34, 8, 0), 0xffff);
	/* CRC-32C of twelve bytes, the checksum's own four taken for zeros */
	CHECK(there_and_back("sctp 10.0.0.1:1 > 10.0.0.2:2"));
	CHECK(data[42] || data[43] || data[44] || data[45]);
}

/* Refused; the outputs stay as they were, and the error says what is wrong and what to do. */
static void check_refused(const char *words, const char *message, const char *hint)
{
	static const uint8_t untouched;
	struct packet_context before = { .mark = 9999 };

	data = &untouched;
	length = 9999;
	context = before;
	diagnostics_init(&diagnostics, arena);
	CHECK(packet_from_words(arena, words, &data, &length, &context, &diagnostics) < 0);
	CHECK(data == &untouched && length == 9999 && context.mark == 9999);
	CHECK_NUMBER(diagnostics.errors, 1);
	if (diagnostics.list.count) {
		CHECK_TEXT(diagnostics.list.items[0].message, message);
		if (hint)
			CHECK_TEXT(diagnostics.list.items[0].hint, hint);
	}
}

TEST(what_is_no_packet_is_refused_with_a_hint)
{
	check_refused("tpc 10.0.0.1 > 10.0.0.2:80", "'tpc' is not a kind of packet", "did you mean 'tcp'?");
	check_refused("", "the packet ends where a kind of packet is expected", NULL);
	check_refused("tcp 10.0.0.1 > 10.0.0.2", "the packet ends where a destination port is expected",
		      "write it behind the address: 10.0.0.2:80 or [2001:db8::2]:80");
	check_refused("tcp 10.0.0.1 10.0.0.2:80", "'10.0.0.2:80' is not '>'", NULL);
	check_refused("tcp 10.0.0.1 > 10.0.0.2:80 syn tll 3", "'tll' is not a word that belongs here", "did you mean 'ttl'?");
	check_refused("tcp 10.0.0.1 > 10.0.0.2:99999", "'10.0.0.2:99999' is not an address with a port", NULL);
	check_refused("tcp 10.0.0.1 > [2001:db8::1]:80", "'[2001:db8::1]:80' is not an IPv4 address", NULL);
	check_refused("icmpv6 10.0.0.1 > 10.0.0.2", "'10.0.0.1' is not an IPv6 address", NULL);
	check_refused("udp 10.0.0.1:1 > 10.0.0.2:2 ttl 256", "'256' is not a TTL", "a number from 0 to 255");
	check_refused("udp 10.0.0.1:1 > 10.0.0.2:2 length 41", "no such packet is 41 bytes long", NULL);
	check_refused("udp 10.0.0.1:1 > 10.0.0.2:2 frag x", "'x' is not the offset of a fragment", NULL);
	check_refused("udp 10.0.0.1:1 > 10.0.0.2:2 ttl", "the packet ends where a TTL is expected", NULL);
}

int main(void)
{
	arena = arena_new();
	RUN(words_become_a_packet_and_the_same_words_again);
	RUN(what_is_left_out_has_a_default);
	RUN(options_reach_the_packet);
	RUN(checksums_are_right);
	RUN(what_is_no_packet_is_refused_with_a_hint);
	arena_free(arena);
	return tap_end();
}
