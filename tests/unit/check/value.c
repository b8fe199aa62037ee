// SPDX-License-Identifier: GPL-2.0-only
#include "check/value.h"

#include "check/names.h"
#include "machine.h"
#include "../../tap.h"

static struct value_type_of wanted(enum value_type type)
{
	return (struct value_type_of){ .type = type, .bits = value_type_bits(type), .words = "'it'", .host = &machine };
}

/* What a word means, printed again: "10.0.0.0/8", or the fault in brackets. */
static const char *read_words(struct arena *arena, struct value_type_of type, const char *text)
{
	static const char *const faults[] = { NULL, NULL, "[reversed]", "[prefix]", "[unreadable]" };
	struct value_range range = { { 1, 2 }, { 3, 4 } };
	enum range_fault fault = value_range_read(&type, text, &range);

	if (fault > RANGE_REVERSED && (range.low.hi != 1 || range.high.lo != 4))
		return "[an output was touched]";
	if (fault == RANGE_HOST_BITS)
		return arena_printf(arena, "[host bits] %s", value_range_print(arena, type.type, range));
	return faults[fault] ? faults[fault] : value_range_print(arena, type.type, range);
}

static void check_words(int line, enum value_type type, const char *text, const char *expected)
{
	struct arena *arena = arena_new();
	const char *got = read_words(arena, wanted(type), text);

	if (strcmp(got, expected) != 0)
		printf("# line %d: '%s'\n", line, text);
	CHECK_TEXT(got, expected);
	arena_free(arena);
}

#define IPV4(text, expected)   check_words(__LINE__, TYPE_IPV4_ADDR, text, expected)
#define IPV6(text, expected)   check_words(__LINE__, TYPE_IPV6_ADDR, text, expected)
#define ETHER(text, expected)  check_words(__LINE__, TYPE_ETHER_ADDR, text, expected)
#define PORT(text, expected)   check_words(__LINE__, TYPE_INET_SERVICE, text, expected)
#define NUMBER(text, expected) check_words(__LINE__, TYPE_NUMBER, text, expected)

TEST(an_ipv4_address_is_four_decimal_parts)
{
	IPV4("10.0.0.1", "10.0.0.1");
	IPV4("255.255.255.255", "255.255.255.255");
	IPV4("0.0.0.0", "0.0.0.0");
	IPV4("10.0.0.256", "[unreadable]");
	IPV4("10.0.010.1", "[unreadable]");
	IPV4("10.0.0", "[unreadable]");
	IPV4("10.0.0.1.2", "[unreadable]");
	IPV4("10..0.1", "[unreadable]");
	IPV4("10.0.0.1 ", "[unreadable]");
	IPV4("0x0a.0.0.1", "[unreadable]");
	IPV4("", "[unreadable]");
	IPV4("::1", "[unreadable]");
}

TEST(an_ipv4_prefix_is_a_range)
{
	struct value_type_of type = wanted(TYPE_IPV4_ADDR);
	struct value_range range;

	CHECK(value_range_read(&type, "10.0.0.0/8", &range) == RANGE_FINE);
	CHECK_NUMBER(range.low.lo, 0x0a000000);
	CHECK_NUMBER(range.high.lo, 0x0affffff);
	IPV4("10.0.0.0/8", "10.0.0.0/8");
	IPV4("0.0.0.0/0", "0.0.0.0/0");
	IPV4("10.0.0.1/32", "10.0.0.1");
	IPV4("10.0.0.1/8", "[host bits] 10.0.0.0/8");
	IPV4("10.0.0.0/33", "[prefix]");
	IPV4("10.0.0.0/", "[prefix]");
	IPV4("10.0.0.0/255.0.0.0", "[prefix]");
	IPV4("10/8", "[unreadable]");
}

TEST(a_range_has_both_ends)
{
	IPV4("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9");
	IPV4("10.0.0.0-10.0.0.255", "10.0.0.0/24");
	IPV4("10.0.0.9-10.0.0.1", "[reversed]");
	IPV4("10.0.0.9-", "[unreadable]");
	IPV4("-10.0.0.9", "[unreadable]");
	PORT("80-90", "80-90");
	PORT("0-65535", "0-65535");
	PORT("90-80", "[reversed]");
	PORT("80-80", "80");
}

TEST(an_ipv6_address_and_its_prefixes)
{
	struct value_type_of type = wanted(TYPE_IPV6_ADDR);
	struct value_range range;

	IPV6("2001:db8::1", "2001:db8::1");
	IPV6("::", "::");
	IPV6("::ffff:10.0.0.1", "::ffff:10.0.0.1");
	IPV6("2001:db8::/32", "2001:db8::/32");
	IPV6("2001:db8::1/32", "[host bits] 2001:db8::/32");
	IPV6("::/0", "::/0");
	IPV6("2001:db8:0:0:8000::/65", "2001:db8:0:0:8000::/65");
	IPV6("2001:db8::1/128", "2001:db8::1");
	IPV6("2001:db8::1/129", "[prefix]");
	IPV6("2001:db8::1-2001:db8::ffff", "2001:db8::1-2001:db8::ffff");
	IPV6("2001:db8:::1", "[unreadable]");
	IPV6("fe80::1%eth0", "[unreadable]");
	IPV6("10.0.0.1", "[unreadable]");
	CHECK(value_range_read(&type, "2001:db8::/33", &range) == RANGE_FINE);
	CHECK(range.low.hi == 0x20010db800000000 && range.low.lo == 0);
	CHECK(range.high.hi == 0x20010db87fffffff && range.high.lo == UINT64_MAX);
}

TEST(an_ethernet_address_is_six_pairs)
{
	ETHER("02:00:00:00:00:66", "02:00:00:00:00:66");
	ETHER("2:0:0:0:0:66", "02:00:00:00:00:66");
	ETHER("FF:ff:Ff:00:00:01", "ff:ff:ff:00:00:01");
	ETHER("02:00:00:00:00", "[unreadable]");
	ETHER("02:00:00:00:00:66:77", "[unreadable]");
	ETHER("02-00-00-00-00-66", "[unreadable]");
	ETHER("02:00:00:00:00:066", "[unreadable]");
	ETHER("02:00:00:00:00:00/8", "[unreadable]");
}

TEST(a_port_is_a_number_or_a_service)
{
	PORT("80", "80");
	PORT("0x50", "80");
	PORT("00022", "22");
	PORT("ssh", "22");
	PORT("http-alt", "8080");
	PORT("ssh-http", "22-80");
	PORT("ssh-http-alt", "22-8080");
	PORT("http-alt-9000", "8080-9000");
	PORT("65536", "[unreadable]");
	PORT("99999999999999999999999", "[unreadable]");
	PORT("gopher", "[unreadable]");
	PORT("80/8", "[unreadable]");
	PORT("0x", "[unreadable]");
	PORT("-1", "[unreadable]");
}

TEST(a_service_is_looked_up_for_its_protocol)
{
	struct value_type_of type = wanted(TYPE_INET_SERVICE);
	struct value value = { 9, 9 };

	CHECK(value_read(&type, "tftp", 4, &value) == 0 && value.lo == 69 && value.hi == 0);
	type.protocol = "udp";
	CHECK(value_read(&type, "tftp", 4, &value) == 0);
	type.protocol = "tcp";
	value.lo = 9999;
	CHECK_NUMBER(value_read(&type, "tftp", 4, &value), -EINVAL);
	CHECK_NUMBER(value.lo, 9999);
}

static int count_service(void *context, const char *name, const char *protocol, uint16_t *ret_port)
{
	*(unsigned int *)context += 1;
	return machine_service(NULL, name, protocol, ret_port);
}

/* Each look-up reads a file, and policies have thousands of ranges. */
TEST(what_has_no_letter_is_not_looked_up_as_a_service)
{
	unsigned int looked = 0;
	const struct host host = { .context = &looked, .service = count_service };
	struct value_type_of type = wanted(TYPE_INET_SERVICE);
	struct value_range range;

	type.host = &host;
	CHECK(value_range_read(&type, "1024-65535", &range) == RANGE_FINE && range.low.lo == 1024 && range.high.lo == 65535);
	CHECK(value_range_read(&type, "80", &range) == RANGE_FINE);
	CHECK_NUMBER(looked, 0);
	CHECK(value_range_read(&type, "22-http", &range) == RANGE_FINE && range.high.lo == 80);
	CHECK(looked > 0);
}

TEST(a_number_keeps_within_its_bits)
{
	struct value_type_of type = wanted(TYPE_NUMBER);
	struct value value = { 0, 9999 };

	NUMBER("4294967295", "4294967295");
	NUMBER("4294967296", "[unreadable]");
	NUMBER("0xffffffff", "4294967295");
	NUMBER("12a", "[unreadable]");
	type.bits = 12;
	CHECK_NUMBER(value_read(&type, "4096", 4, &value), -ERANGE);
	CHECK_NUMBER(value.lo, 9999);
	CHECK_NUMBER(value_read(&type, "4095", 4, &value), 0);
	CHECK_NUMBER(subject_bits(SUBJECT_VLAN_ID), 12);
	CHECK_NUMBER(subject_bits(SUBJECT_IP_TTL), 8);
	CHECK_NUMBER(subject_bits(SUBJECT_IP_FRAG_OFF), 16);
	CHECK_NUMBER(subject_bits(SUBJECT_META_MARK), 32);
	CHECK_NUMBER(subject_bits(SUBJECT_IP6_SADDR), 128);
}

TEST(names_are_nftables_names)
{
	check_words(__LINE__, TYPE_ICMP_TYPE, "echo-request", "echo-request");
	check_words(__LINE__, TYPE_ICMP_TYPE, "8", "echo-request");
	check_words(__LINE__, TYPE_ICMP_TYPE, "200", "200");
	check_words(__LINE__, TYPE_ICMP_TYPE, "echo-reply-echo-request", "echo-reply-echo-request");
	check_words(__LINE__, TYPE_ICMP_TYPE, "nd-neighbor-solicit", "[unreadable]");
	check_words(__LINE__, TYPE_ICMPV6_TYPE, "nd-neighbor-solicit", "nd-neighbor-solicit");
	check_words(__LINE__, TYPE_ICMPV6_TYPE, "mld-listener-reduction", "mld-listener-done");
	check_words(__LINE__, TYPE_ICMP_CODE, "frag-needed", "frag-needed");
	check_words(__LINE__, TYPE_ICMPV6_CODE, "policy-fail", "policy-fail");
	check_words(__LINE__, TYPE_DSCP, "ef", "ef");
	check_words(__LINE__, TYPE_DSCP, "46", "ef");
	check_words(__LINE__, TYPE_DSCP, "64", "[unreadable]");
	check_words(__LINE__, TYPE_ARP_OPERATION, "request", "request");
	check_words(__LINE__, TYPE_ETHER_TYPE, "ip6", "ip6");
	check_words(__LINE__, TYPE_ETHER_TYPE, "8021ad", "8021ad");
	check_words(__LINE__, TYPE_ETHER_TYPE, "0x88cc", "0x88cc");
	check_words(__LINE__, TYPE_TCP_FLAGS, "syn", "syn");
	check_words(__LINE__, TYPE_TCP_FLAGS, "0x12", "(syn|ack)");
	check_words(__LINE__, TYPE_TCP_FLAGS, "0", "0");
	check_words(__LINE__, TYPE_MALFORMED, "tiny-fragment", "tiny-fragment");
	check_words(__LINE__, TYPE_MALFORMED, "none", "[unreadable]");
	check_words(__LINE__, TYPE_MALFORMED, "1", "[unreadable]");
}

TEST(a_protocol_is_a_name_or_a_number)
{
	check_words(__LINE__, TYPE_PROTOCOL, "tcp", "tcp");
	check_words(__LINE__, TYPE_PROTOCOL, "icmpv6", "icmpv6");
	check_words(__LINE__, TYPE_PROTOCOL, "isis", "124");
	check_words(__LINE__, TYPE_PROTOCOL, "ax.25", "93");
	check_words(__LINE__, TYPE_PROTOCOL, "255", "255");
	check_words(__LINE__, TYPE_PROTOCOL, "256", "[unreadable]");
	check_words(__LINE__, TYPE_PROTOCOL, "tpc", "[unreadable]");
}

TEST(an_interface_is_its_index_in_its_namespace)
{
	struct value_type_of type = wanted(TYPE_INTERFACE);
	struct value value = { 0, 9999 };

	CHECK(value_read(&type, "eth0", 4, &value) == 0 && value.lo == 2);
	CHECK(value_read(&type, "3", 1, &value) == 0 && value.lo == 3);
	CHECK_NUMBER(value_read(&type, "eth1", 4, &value), -ENODEV);
	type.netns = "ctn2";
	CHECK(value_read(&type, "vb", 2, &value) == 0 && value.lo == 7);
	type.netns = "nowhere";
	CHECK_NUMBER(value_read(&type, "vb", 2, &value), -ENOENT);
}

TEST(arithmetic_crosses_the_64_bit_border)
{
	struct value edge = { 0, UINT64_MAX }, next = value_next(edge);

	CHECK(next.hi == 1 && next.lo == 0);
	CHECK(value_compare(value_previous(next), edge) == 0);
	CHECK(value_max(128).hi == UINT64_MAX && value_max(128).lo == UINT64_MAX);
	CHECK(value_max(64).hi == 0 && value_max(64).lo == UINT64_MAX);
	CHECK(value_max(12).lo == 4095);
	CHECK(value_prefix_mask(128, 64).hi == UINT64_MAX && value_prefix_mask(128, 64).lo == 0);
	CHECK(value_prefix_mask(32, 8).lo == 0xff000000);
}

TEST(what_is_printed_can_be_read_again)
{
	struct arena *arena = arena_new();

	for (int type = TYPE_NUMBER; type <= TYPE_MALFORMED; type++) {
		struct value_type_of of = wanted((enum value_type)type);

		for (uint64_t number = type == TYPE_MALFORMED; number <= (type == TYPE_MALFORMED ? 6 : 63); number++) {
			struct value value = { .lo = number }, again = { 9, 9 };
			const char *text = value_print(arena, of.type, value);

			/* Joined flags are the parser's; the rest is one word. */
			if (type == TYPE_TCP_FLAGS && text[0] == '(')
				continue;
			CHECK(value_read(&of, text, strlen(text), &again) == 0);
			CHECK(value_compare(value, again) == 0);
		}
	}
	arena_free(arena);
}

TEST(type_names_go_both_ways)
{
	enum value_type type = TYPE_MALFORMED;

	CHECK(value_type_by_name("ipv4_addr", &type) == 0 && type == TYPE_IPV4_ADDR);
	CHECK(value_type_by_name("mark", &type) == 0 && type == TYPE_NUMBER);
	CHECK_NUMBER(value_type_by_name("ipv5_addr", &type), -ENOENT);
	CHECK_NUMBER(type, TYPE_NUMBER);
	CHECK_NUMBER(value_type_by_name("presence", &type), -ENOENT);
	for (int i = TYPE_NUMBER; i <= TYPE_MALFORMED; i++)
		CHECK(value_type_by_name(value_type_name((enum value_type)i), &type) == 0 && (int)type == i);
}

TEST(an_element_is_printed_with_its_timeout)
{
	struct arena *arena = arena_new();
	struct policy_set set = { .components = 2, .types = { TYPE_IPV4_ADDR, TYPE_INET_SERVICE } };
	struct set_element element = { .keys = { { { 0, 0x0a000001 }, { 0, 0x0a000001 } }, { { 0, 80 }, { 0, 80 } } } };

	CHECK_TEXT(element_print(arena, &set, &element), "10.0.0.1 . 80");
	element.timeout_s = 5400;
	CHECK_TEXT(element_print(arena, &set, &element), "10.0.0.1 . 80 timeout 1h30m");
	element.timeout_s = 86401;
	set.components = 1;
	element.keys[0].high.lo = 0x0a0000ff;
	CHECK_TEXT(element_print(arena, &set, &element), "10.0.0.1-10.0.0.255 timeout 1d1s");
	arena_free(arena);
}

TEST(a_hook_serves_what_its_packets_have)
{
	const char *why = "untouched";

	CHECK(hook_serves(WEIR_HOOK_XDP_INGRESS, SUBJECT_ETHER_SADDR, &why));
	CHECK_TEXT(why, "untouched");
	CHECK(!hook_serves(WEIR_HOOK_CGROUP_EGRESS, SUBJECT_ARP, &why));
	CHECK(strcmp(why, "untouched") != 0);
	CHECK(!hook_serves(WEIR_HOOK_XDP_INGRESS, SUBJECT_META_MARK, &why));
	CHECK(hook_serves(WEIR_HOOK_CGROUP_INGRESS, SUBJECT_META_MARK, &why));
	CHECK(!hook_serves(WEIR_HOOK_TC_INGRESS, SUBJECT_META_OIF, &why));
	CHECK(hook_serves(WEIR_HOOK_TC_EGRESS, SUBJECT_META_OIF, &why));
	CHECK(hook_serves(WEIR_HOOK_TC_EGRESS, SUBJECT_META_IIF, &why));
	CHECK(!hook_serves(WEIR_HOOK_CGROUP_EGRESS, SUBJECT_META_IIF, &why));
	for (int hook = 0; hook < WEIR_HOOK_COUNT; hook++) {
		CHECK(hook_serves((enum weir_hook)hook, SUBJECT_TCP_DPORT, &why));
		CHECK(hook_serves((enum weir_hook)hook, SUBJECT_META_MALFORMED, NULL));
	}
	CHECK_TEXT(hook_name(WEIR_HOOK_TC_EGRESS), "tc egress");
}

int main(void)
{
	RUN(an_ipv4_address_is_four_decimal_parts);
	RUN(an_ipv4_prefix_is_a_range);
	RUN(a_range_has_both_ends);
	RUN(an_ipv6_address_and_its_prefixes);
	RUN(an_ethernet_address_is_six_pairs);
	RUN(a_port_is_a_number_or_a_service);
	RUN(a_service_is_looked_up_for_its_protocol);
	RUN(what_has_no_letter_is_not_looked_up_as_a_service);
	RUN(a_number_keeps_within_its_bits);
	RUN(names_are_nftables_names);
	RUN(a_protocol_is_a_name_or_a_number);
	RUN(an_interface_is_its_index_in_its_namespace);
	RUN(arithmetic_crosses_the_64_bit_border);
	RUN(what_is_printed_can_be_read_again);
	RUN(type_names_go_both_ways);
	RUN(an_element_is_printed_with_its_timeout);
	RUN(a_hook_serves_what_its_packets_have);
	return tap_end();
}
