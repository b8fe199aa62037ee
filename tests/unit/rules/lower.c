// SPDX-License-Identifier: GPL-2.0-only
/* Lowering: each subject to its fields and what it takes for granted, complements, IPv6 boxes, sets, contradictions. */
#include "../../no_host.h"
#include "../../tap.h"

#include <errno.h>
#include <stdlib.h>

#include "host/host.h"
#include "rules/packet.h"
#include "rules/rules.h"
#include "tree/tree.h"

static struct arena *arena;
static struct diagnostics diagnostics;
static const struct rule_list *list;

static int interface_three(void *context, const char *name, const char *netns, uint32_t *ret_index)
{
	(void)context, (void)netns, (void)name;
	*ret_index = 3;
	return 0;
}

static const struct host host = {
	.read_file = no_file, .service = no_service, .protocol = no_protocol, .interface = interface_three
};

/* Lower a chain with these rules; SETS stand before it. */
static void lower(const char *sets, const char *hook, const char *rules)
{
	struct source *source = arena_new_object(arena, struct source);
	const struct ast *ast;
	const struct policy *policy;

	diagnostics_init(&diagnostics, arena);
	source->name = "t.weir";
	source->text = arena_printf(arena, "%schain c {\n\thook %s on %s\n%s\n}\n", sets, hook,
				    strncmp(hook, "cgroup", 6) == 0 ? "\"/a\"" : "eth0", rules);
	source->length = strlen(source->text);
	ast = syntax_parse(arena, &host, source, &diagnostics);
	policy = check_policy(arena, &host, ast, NULL, &diagnostics);
	list = policy ? rules_lower(arena, policy, 0, &diagnostics) : NULL;
	if (!list)
		diagnostics_print(&diagnostics, stdout, false);
}

/* The boxes of rule 0 as `--emit=rules` prints them, joined by " | ". */
static const char *boxes(const char *rule)
{
	static char joined[65536];
	char *text = NULL, *line, *end;
	size_t size;
	FILE *out;

	lower("", "tc egress", rule);
	if (!list)
		return "(no rules)";
	out = open_memstream(&text, &size);
	rules_print(list, out);
	fclose(out);
	end = strstr(text, "\n  rule 1 ");
	*(end ? end : text + size - 1) = '\0';
	joined[0] = '\0';
	line = strstr(text, "  rule 0 ");
	line = line ? strchr(line, '\n') : NULL;     /* behind the rule's text */
	line = line ? strchr(line + 1, '\n') : NULL; /* behind its verdict */
	for (; line; line = strchr(line + 1, '\n')) {
		size_t length = strcspn(line + 5, "\n");

		snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%.*s", joined[0] ? " | " : "", (int)length,
			 line + 5);
	}
	free(text);
	return joined;
}

#define WELL "malformed in { none }, "
#define V4   WELL "network in { ipv4 }, "
#define V6   WELL "network in { ipv6 }, "

TEST(every_subject_has_its_field_and_what_it_takes_for_granted)
{
	static const char *const cases[][2] = {
		{ "ether saddr 02:00:00:00:00:66 drop", WELL "ether_saddr in { 02:00:00:00:00:66 }" },
		{ "ether daddr 02:00:00:00:00:66 drop", WELL "ether_daddr in { 02:00:00:00:00:66 }" },
		{ "ether type arp drop", WELL "ether_type in { 2054 }" },
		{ "vlan drop", WELL "vlan_tags in { 1-255 }" },
		{ "vlan id 7 drop", WELL "vlan_tags in { 1-255 }, vlan_id in { 7 }" },
		{ "arp drop", WELL "network in { arp-arp-ipv4 }" },
		{ "arp operation request drop", WELL "network in { arp-arp-ipv4 }, arp_operation in { 1 }" },
		{ "arp saddr ip 10.0.0.1 drop", WELL "network in { arp-ipv4 }, saddr4 in { 10.0.0.1 }" },
		{ "arp daddr ip 10.0.0.1 drop", WELL "network in { arp-ipv4 }, daddr4 in { 10.0.0.1 }" },
		{ "ip drop", WELL "network in { ipv4 }" },
		{ "ip saddr 10.0.0.0/8 drop", V4 "saddr4 in { 10.0.0.0/8 }" },
		{ "ip daddr 10.0.0.1-10.0.0.3 drop", V4 "daddr4 in { 10.0.0.1-10.0.0.3 }" },
		{ "ip protocol tcp drop", V4 "protocol in { 6 }" },
		{ "ip dscp 46 drop", V4 "dscp in { 46 }" },
		{ "ip ttl < 5 drop", V4 "hop_limit in { 0-4 }" },
		{ "ip frag-off & 0x1fff != 0 drop", V4 "frag_off & 0x1fff in { 0x1-0x1fff }" },
		{ "ip length 40 drop", V4 "ip_length in { 40 }" },
		{ "ip6 drop", WELL "network in { ipv6 }" },
		{ "ip6 nexthdr tcp drop", V6 "next_header in { 6 }" },
		{ "ip6 dscp 46 drop", V6 "dscp in { 46 }" },
		{ "ip6 hoplimit 1 drop", V6 "hop_limit in { 1 }" },
		{ "ip6 length 40 drop", V6 "ip_length in { 40 }" },
		{ "icmp drop", WELL "network in { ipv4 }, protocol in { 1 }" },
		{ "icmp type echo-request drop", WELL "transport in { icmp }, icmp_type in { 8 }" },
		{ "icmp code 3 drop", WELL "transport in { icmp }, icmp_code in { 3 }" },
		{ "icmpv6 drop", WELL "network in { ipv6 }, protocol in { 58 }" },
		{ "icmpv6 type echo-request drop", WELL "transport in { icmpv6 }, icmp_type in { 128 }" },
		{ "icmpv6 code 3 drop", WELL "transport in { icmpv6 }, icmp_code in { 3 }" },
		{ "tcp drop", WELL "network in { ipv4-ipv6 }, protocol in { 6 }" },
		{ "tcp sport 80 drop", WELL "transport in { tcp }, sport in { 80 }" },
		{ "tcp dport { 80, 443 } drop", WELL "transport in { tcp }, dport in { 80, 443 }" },
		{ "tcp flags & (syn|ack) == syn drop", WELL "transport in { tcp }, tcp_flags & 0x12 in { 0x2 }" },
		{ "udp drop", WELL "network in { ipv4-ipv6 }, protocol in { 17 }" },
		{ "udp sport 53 drop", WELL "transport in { udp }, sport in { 53 }" },
		{ "udp dport 53 drop", WELL "transport in { udp }, dport in { 53 }" },
		{ "sctp drop", WELL "network in { ipv4-ipv6 }, protocol in { 132 }" },
		{ "sctp sport 1 drop", WELL "transport in { sctp }, sport in { 1 }" },
		{ "sctp dport 1 drop", WELL "transport in { sctp }, dport in { 1 }" },
		{ "th sport 1 drop", WELL "transport in { tcp-sctp }, sport in { 1 }" },
		{ "th dport 1 drop", WELL "transport in { tcp-sctp }, dport in { 1 }" },
		{ "meta l4proto udp drop", WELL "network in { ipv4-ipv6 }, protocol in { 17 }" },
		{ "meta length > 100 drop", WELL "length in { 101-4294967295 }" },
		{ "meta iif eth0 drop", WELL "iif in { 3 }" },
		{ "meta oif eth0 drop", WELL "oif in { 3 }" },
		{ "meta mark 7 drop", WELL "mark in { 7 }" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK_TEXT(boxes(cases[i][0]), cases[i][1]);
}

TEST(unequal_complements_the_value_and_keeps_the_presence)
{
	CHECK_TEXT(boxes("tcp dport != 80 drop"), WELL "transport in { tcp }, dport in { 0-79, 81-65535 }");
	CHECK_TEXT(boxes("tcp dport != { 0-10, 65535 } drop"), WELL "transport in { tcp }, dport in { 11-65534 }");
	CHECK_TEXT(boxes("ip saddr != 0.0.0.0/1 drop"), V4 "saddr4 in { 128.0.0.0/1 }");
	CHECK_TEXT(boxes("tcp flags & (syn|ack) != syn drop"),
		   WELL "transport in { tcp }, tcp_flags & 0x12 in { 0x0-0x1, 0x3-0x12 }");
	/* A packet made here came in by no interface, so it did not come in by another one either. */
	CHECK_TEXT(boxes("meta iif != eth0 drop"), WELL "iif in { 1-2, 4-4294967295 }");
}

TEST(a_match_of_everything_leaves_only_the_presence)
{
	CHECK_TEXT(boxes("ip saddr 0.0.0.0/0 drop"), WELL "network in { ipv4 }");
	CHECK_TEXT(boxes("ip6 saddr ::/0 drop"), WELL "network in { ipv6 }");
	CHECK_TEXT(boxes("tcp dport 0-65535 drop"), WELL "transport in { tcp }");
	CHECK_TEXT(boxes("drop"), "malformed in { none }");
}

TEST(malformed_packets_are_for_rules_that_say_so)
{
	CHECK_TEXT(boxes("meta malformed accept"), "malformed in { short-vlan-limit }");
	CHECK_TEXT(boxes("meta malformed short accept"), "malformed in { short }");
	/* Well formed is no other fault. */
	CHECK_TEXT(boxes("meta malformed != short accept"), "malformed in { bad-header-255 }");
}

TEST(constraints_on_one_field_intersect)
{
	CHECK_TEXT(boxes("tcp dport 80-100 tcp dport 90-200 drop"), WELL "transport in { tcp }, dport in { 90-100 }");
	CHECK_TEXT(boxes("th dport 80 tcp sport 1 drop"), WELL "transport in { tcp }, dport in { 80 }, sport in { 1 }");
}

#define HI "0x20010db800000000"

TEST(an_ipv6_range_is_at_most_three_boxes)
{
	CHECK_TEXT(boxes("ip6 saddr 2001:db8::1 drop"), V6 "saddr_hi in { " HI " }, saddr_lo in { 0x0000000000000001 }");
	CHECK_TEXT(boxes("ip6 saddr 2001:db8::/64 drop"), V6 "saddr_hi in { " HI " }");
	CHECK_TEXT(boxes("ip6 daddr 2001:db8::/32 drop"), V6 "daddr_hi in { " HI "-0x20010db8ffffffff }");
	CHECK_TEXT(boxes("ip6 saddr 2001:db8::/127 drop"),
		   V6 "saddr_hi in { " HI " }, saddr_lo in { 0x0000000000000000-0x0000000000000001 }");
	CHECK_TEXT(boxes("ip6 saddr 2001:db8::5-2001:db8:0:3::7 drop"),
		   V6 "saddr_hi in { " HI " }, saddr_lo in { 0x0000000000000005-0xffffffffffffffff }"
		      " | " V6 "saddr_hi in { 0x20010db800000003 }, saddr_lo in { 0x0000000000000000-0x0000000000000007 }"
		      " | " V6 "saddr_hi in { 0x20010db800000001-0x20010db800000002 }");
	/* ragged on one side only */
	CHECK_TEXT(boxes("ip6 saddr 2001:db8::-2001:db8:0:1::7 drop"),
		   V6 "saddr_hi in { 0x20010db800000001 }, saddr_lo in { 0x0000000000000000-0x0000000000000007 }"
		      " | " V6 "saddr_hi in { " HI " }");
	/* addresses of one upper half share a box */
	CHECK_TEXT(boxes("ip6 saddr { 2001:db8::1, 2001:db8::3 } drop"),
		   V6 "saddr_hi in { " HI " }, saddr_lo in { 0x0000000000000001, 0x0000000000000003 }");
	CHECK_TEXT(boxes("ip6 saddr != 2001:db8::1 drop"),
		   V6 "saddr_hi in { " HI " }, saddr_lo in { 0x0000000000000000, 0x0000000000000002-0xffffffffffffffff }"
		      " | " V6 "saddr_hi in { 0x0000000000000000-0x20010db7ffffffff, 0x20010db800000001-0xffffffffffffffff }");
}

#define EIGHT "{ 1::1, 2::1, 3::1, 4::1, 5::1, 6::1, 7::1, 8::1 }"

TEST(two_ipv6_lists_are_their_product)
{
	lower("", "xdp ingress", "ip6 saddr { 2001:db8::1, fe80::1 } ip6 daddr { 2001:db8::2, fe80::2 } drop");
	CHECK_NUMBER(list->rules[0].box_count, 4);
	/* 8 x 8 are 64 boxes and stay; with complements there are more, and one list becomes a set */
	lower("", "xdp ingress", "ip6 saddr " EIGHT " ip6 daddr " EIGHT " drop");
	CHECK_NUMBER(list->rules[0].box_count, 64);
	CHECK_NUMBER(list->set_count, 0);
	lower("", "xdp ingress", "ip6 saddr != " EIGHT " ip6 daddr " EIGHT " drop");
	CHECK_NUMBER(list->rules[0].box_count, 8);
	CHECK_NUMBER(list->set_count, 1);
}

TEST(a_set_is_a_dimension_of_yes_and_no)
{
	const char *sets = "set s { type ipv4_addr; elements = { 10.0.0.1, 10.1.0.0/16 } }\n";

	lower(sets, "xdp ingress", "ip saddr @s drop\nip daddr @s drop\nip saddr != @s accept");
	CHECK_NUMBER(list->set_count, 1);
	CHECK(list->sets[0].prefixes && !list->sets[0].anonymous);
	/* malformed, network, saddr in s, daddr in s */
	CHECK_NUMBER(list->dimension_count, 4);
	CHECK_TEXT(dimension_print(arena, list, 2), "set s (saddr4)");
	CHECK_TEXT(dimension_print(arena, list, 3), "set s (daddr4)");
	CHECK_NUMBER(list->rules[0].boxes[0].constraints[2].intervals[0].low, 1);
	CHECK_NUMBER(list->rules[2].boxes[0].constraints[2].intervals[0].high, 0);
}

TEST(long_lists_become_sets_without_a_name_and_equal_ones_the_same)
{
	const char *rule = "ip6 saddr { 1::1, 2::1, 3::1, 4::1, 5::1, 6::1, 7::1, 8::1, 9::/64 } drop\n";

	lower("", "xdp ingress",
	      arena_printf(arena, "%s%sip6 daddr { 1::1, 2::1, 3::1, 4::1, 5::1, 6::1, 7::1, 8::1, a::1 } drop", rule, rule));
	CHECK_NUMBER(list->set_count, 2);
	CHECK(list->sets[0].anonymous && list->sets[0].prefixes);
	CHECK(list->sets[1].anonymous && !list->sets[1].prefixes);
	CHECK_TEXT(list->sets[0].name, "__anonymous_1");
	CHECK_NUMBER(list->sets[0].set->size, 9);
	CHECK_NUMBER(list->rules[0].boxes[0].constraints[2].dimension, list->rules[1].boxes[0].constraints[2].dimension);
}

TEST(a_range_in_a_set_without_a_name_is_the_prefixes_that_cover_it)
{
	const struct policy_set *set;

	lower("", "xdp ingress",
	      "ip6 saddr { ::1-::6, 2::1, 3::1, 4::1, 5::1, 6::1, 7::1, 8::1, ::ffff:ffff:ffff:ffff-0:0:0:2:: } drop");
	set = list->sets[0].set;
	/* ::1, ::2/127, ::4/127, ::6; then the end of one half, the half behind it, and the begin of the next */
	CHECK_NUMBER(set->element_count, 4 + 3 + 7);
	CHECK_NUMBER(set->size, set->element_count);
	CHECK_NUMBER(set->elements[1].keys[0].low.lo, 2);
	CHECK_NUMBER(set->elements[1].keys[0].high.lo, 3);
	CHECK_NUMBER(set->elements[5].keys[0].low.hi, 1);
	CHECK_NUMBER(set->elements[5].keys[0].high.hi, 1);
	CHECK_NUMBER(set->elements[5].keys[0].high.lo, -1);
	CHECK_NUMBER(set->elements[6].keys[0].low.hi, 2);
	CHECK_NUMBER(set->elements[6].keys[0].high.lo, 0);
}

TEST(membership_finds_what_only_a_wider_element_holds)
{
	const char *sets =
		"set s { type ipv4_addr; elements = { 10.0.0.0/8, 10.1.0.0/16, 10.1.1.1, 192.168.0.1-192.168.0.9 } }\n"
		"set p { type ipv4_addr . inet_service; elements = { 10.0.0.1 . 80, 10.0.0.1 . 443, 10.0.0.2 . 22 } }\n";
	static const uint32_t in[] = { 0x0a000000, 0x0a010101, 0x0a020202, 0x0affffff, 0xc0a80001, 0xc0a80009 };
	static const uint32_t out[] = { 0x09ffffff, 0x0b000000, 0xc0a80000, 0xc0a8000a, 0, 0xffffffff };
	struct weir_flow flow = { 0 };
	const struct judged_packet packet = { .flow = &flow };

	lower(sets, "xdp ingress", "ip saddr @s drop\nip saddr . tcp dport @p drop");
	for (size_t i = 0; i < 6; i++) {
		flow.saddr4 = in[i];
		CHECK(rules_answer((void *)list, &list->dimensions[2], &packet));
		flow.saddr4 = out[i];
		CHECK(!rules_answer((void *)list, &list->dimensions[2], &packet));
	}
	flow.saddr4 = 0x0a000001;
	flow.dport = 443;
	CHECK(rules_answer((void *)list, &list->dimensions[list->dimension_count - 1], &packet));
	flow.dport = 22;
	CHECK(!rules_answer((void *)list, &list->dimensions[list->dimension_count - 1], &packet));
}

TEST(the_last_two_rules_are_malformed_and_policy)
{
	const struct rule *malformed, *policy;

	lower("", "xdp ingress", "policy drop\narp accept");
	CHECK_NUMBER(list->rule_count, 3);
	CHECK_NUMBER(list->rules[0].slot, WEIR_SLOT_FIRST_RULE);
	malformed = &list->rules[1];
	policy = &list->rules[2];
	CHECK_TEXT(malformed->text, "malformed");
	CHECK_NUMBER(malformed->slot, WEIR_SLOT_MALFORMED);
	CHECK_NUMBER(malformed->verdict, WEIR_VERDICT_DROP);
	CHECK_NUMBER(malformed->boxes[0].constraints[0].intervals[0].low, 1);
	CHECK_TEXT(policy->text, "policy drop");
	CHECK_NUMBER(policy->slot, WEIR_SLOT_POLICY);
	CHECK_NUMBER(policy->verdict, WEIR_VERDICT_DROP);
	CHECK_NUMBER(policy->boxes[0].count, 0);
	CHECK_NUMBER(policy->place.line, 3);
}

/* The one warning about a contradiction, and what its rule became. */
static void check_contradiction(const char *rule, const char *message)
{
	lower("", "tc egress", rule);
	CHECK(list && list->rules[0].box_count == 0);
	for (size_t i = 0; i < diagnostics.list.count; i++)
		if (strstr(diagnostics.list.items[i].message, "contradicts")) {
			CHECK_TEXT(diagnostics.list.items[i].message, message);
			return;
		}
	CHECK_TEXT("no warning", message);
}

TEST(matches_that_no_packet_meets_are_warned_of)
{
	check_contradiction("ip saddr 10.0.0.1 ip6 daddr ::1 drop",
			    "this match contradicts 'ip saddr 10.0.0.1': no packet meets both");
	check_contradiction("tcp dport 1 udp dport 2 drop", "this match contradicts 'tcp dport 1': no packet meets both");
	check_contradiction("tcp dport 80 tcp dport 81 drop", "this match contradicts 'tcp dport 80': no packet meets both");
	check_contradiction("ip protocol udp tcp dport 80 drop",
			    "this match contradicts 'ip protocol udp': no packet meets both");
	check_contradiction("ip saddr 10.0.0.1 icmpv6 type echo-request drop",
			    "this match contradicts 'ip saddr 10.0.0.1': no packet meets both");
	check_contradiction("ip6 saddr ::1 ip6 saddr ::2 drop", "this match contradicts 'ip6 saddr ::1': no packet meets both");
	check_contradiction("ip6 saddr { ::1, 1::1 } ip6 saddr { ::2, 1::2 } drop",
			    "this match contradicts 'ip6 saddr { ::1, 1::1 }': no packet meets both");
	check_contradiction("tcp dport 1-10 tcp dport 5-20 tcp dport { 1-4, 11-20 } drop",
			    "this match contradicts 'tcp dport 1-10' and 'tcp dport 5-20': no packet meets all of them");
	check_contradiction("arp ip saddr 10.0.0.1 drop", "this match contradicts 'arp': no packet meets both");
}

TEST(a_match_that_leaves_nothing_contradicts_itself)
{
	lower("", "xdp ingress", "tcp dport != 0-65535 drop");
	CHECK(!list || list->rules[0].box_count == 0);
	CHECK(diagnostics.warnings + diagnostics.errors > 0);
}

static void shadowed(const char *rules, const bool *reached)
{
	lower("", "xdp ingress", rules);
	diagnostics_init(&diagnostics, arena);
	rules_warn_shadowed(list, reached, &diagnostics);
}

TEST(a_rule_that_another_covers_is_warned_of_with_its_line)
{
	const bool reached[] = { true, false, true, true };

	shadowed("ip saddr 10.0.0.0/8 drop\nip saddr 10.1.0.0/16 tcp dport 80 accept", reached);
	CHECK_NUMBER(diagnostics.warnings, 1);
	CHECK_TEXT(diagnostics.list.items[0].message, "this rule can never decide: line 3 covers it");
	CHECK_NUMBER(diagnostics.list.items[0].place.line, 4);
	CHECK_NUMBER(diagnostics.list.items[0].related[0].place.line, 3);
}

TEST(a_rule_that_several_cover_together_is_warned_of_too)
{
	const bool reached[] = { true, true, true, false, true, true };

	shadowed("tcp dport 1-10 drop\ntcp dport 11-20 drop\nudp dport 5 drop\ntcp dport 5-15 accept", reached);
	CHECK_NUMBER(diagnostics.warnings, 1);
	CHECK_TEXT(diagnostics.list.items[0].message, "this rule can never decide: the rules before it cover it together");
	CHECK_NUMBER(diagnostics.list.items[0].related[0].place.line, 3);
	CHECK_NUMBER(diagnostics.list.items[0].related[1].place.line, 4);
}

TEST(rules_without_verdict_and_contradictions_cover_nothing)
{
	const bool reached[] = { true, false, true, true, true };

	shadowed("ip log\nip saddr 1.1.1.1 ip6 saddr ::1 drop\nip saddr 10.0.0.1 drop", reached);
	CHECK_NUMBER(diagnostics.warnings, 0);
}

TEST(a_rule_without_verdict_behind_one_that_decides_is_never_met)
{
	const bool reached[] = { true, true, true, true, true };

	shadowed("ip saddr 10.0.0.0/8 accept\nip saddr 10.1.1.1 log\nip saddr 11.1.1.1 log", reached);
	CHECK_NUMBER(diagnostics.warnings, 1);
	CHECK_TEXT(diagnostics.list.items[0].message, "this rule is never met: line 3 covers it");
	CHECK_NUMBER(diagnostics.list.items[0].place.line, 4);
}

/* As `weir check` does: the tree knows what is reached. */
static const struct tree *shadowed_in_tree(const char *rules)
{
	const struct tree *tree;

	lower("", "xdp ingress", rules);
	tree = list ? tree_build(arena, list, NULL, &diagnostics) : NULL;
	if (tree)
		shadowed(rules, tree->reached);
	return tree;
}

/* RULES are two; is the second told of? */
static void covers_by_its_header(const char *rules, bool covered)
{
	shadowed_in_tree(rules);
	CHECK_NUMBER(diagnostics.warnings, covered);
	if (covered)
		CHECK_TEXT(diagnostics.list.items[0].message, "this rule can never decide: line 3 covers it");
}

TEST(a_rule_covers_what_follows_from_the_header_that_the_other_asks_for)
{
	covers_by_its_header("tcp accept\ntcp dport 80 drop", true);
	covers_by_its_header("meta l4proto { tcp, udp } accept\nudp dport 53 drop", true);
	covers_by_its_header("icmpv6 accept\nicmpv6 type echo-request drop", true);
	covers_by_its_header("ether type ip accept\nip saddr 10.0.0.1 drop", true);
	covers_by_its_header("ip accept\nicmp type echo-request drop", true);
	covers_by_its_header("tcp accept\nth dport 80 drop", false);
	covers_by_its_header("ip accept\ntcp dport 80 drop", false);
	covers_by_its_header("udp accept\ntcp dport 80 drop", false);
	covers_by_its_header("tcp dport 80 drop\ntcp accept", false);
	covers_by_its_header("ip saddr 10.0.0.1 tcp accept\ntcp dport 80 drop", false);
}

TEST(a_rule_in_another_tree_covers_what_follows_from_the_header_as_well)
{
	const struct tree *tree;
	const char *text = "meta l4proto udp accept\n";

	for (int i = 1; i < 120; i++)
		text = arena_printf(arena, "%sip saddr 10.%d.7.0/24 tcp dport %d drop\nip daddr 11.%d.9.0/24 tcp sport %d drop\n",
				    text, i, 2 * i, i, 3 * i);
	text = arena_printf(arena, "%sip saddr 10.9.9.9 udp dport 53 drop\nip daddr 10.9.9.9 udp dport 53 drop\n", text);
	tree = shadowed_in_tree(text);
	CHECK(tree && tree->deciding_count > 1);
	CHECK_NUMBER(diagnostics.warnings, 2);
	for (uint32_t i = 0; i < diagnostics.warnings; i++)
		CHECK_TEXT(diagnostics.list.items[i].message, "this rule can never decide: line 3 covers it");
}

TEST(a_rule_that_never_decides_is_not_named_as_one_that_covers)
{
	const bool reached[] = { true, false, true, false, true, true };

	shadowed("tcp dport 1-10 drop\ntcp dport 5 drop\ntcp dport 11-20 drop\ntcp dport 5-15 accept", reached);
	CHECK_NUMBER(diagnostics.warnings, 2);
	CHECK_NUMBER(diagnostics.list.items[1].related[0].place.line, 3);
	CHECK_NUMBER(diagnostics.list.items[1].related[1].place.line, 5);
}

TEST(masks_of_one_field_contradict_each_other)
{
	check_contradiction("tcp flags & (syn|ack) == syn tcp flags ack drop",
			    "this match contradicts 'tcp flags & (syn|ack) == syn': no packet meets both");
	check_contradiction("ip dscp & 3 == 1 ip dscp 2 drop", "this match contradicts 'ip dscp & 3 == 1': no packet meets both");
	check_contradiction("ip frag-off & 0x1fff != 0 ip frag-off 0 drop",
			    "this match contradicts 'ip frag-off & 0x1fff != 0': no packet meets both");
	lower("", "tc ingress", "tcp flags & (syn|ack) == syn tcp flags & fin == 0 drop\nip dscp & 3 == 1 ip dscp 5 drop");
	CHECK_NUMBER(diagnostics.warnings, 0);
}

int main(void)
{
	arena = arena_new();
	RUN(every_subject_has_its_field_and_what_it_takes_for_granted);
	RUN(unequal_complements_the_value_and_keeps_the_presence);
	RUN(a_match_of_everything_leaves_only_the_presence);
	RUN(malformed_packets_are_for_rules_that_say_so);
	RUN(constraints_on_one_field_intersect);
	RUN(an_ipv6_range_is_at_most_three_boxes);
	RUN(two_ipv6_lists_are_their_product);
	RUN(a_set_is_a_dimension_of_yes_and_no);
	RUN(long_lists_become_sets_without_a_name_and_equal_ones_the_same);
	RUN(a_range_in_a_set_without_a_name_is_the_prefixes_that_cover_it);
	RUN(membership_finds_what_only_a_wider_element_holds);
	RUN(the_last_two_rules_are_malformed_and_policy);
	RUN(matches_that_no_packet_meets_are_warned_of);
	RUN(a_match_that_leaves_nothing_contradicts_itself);
	RUN(a_rule_that_another_covers_is_warned_of_with_its_line);
	RUN(a_rule_that_several_cover_together_is_warned_of_too);
	RUN(rules_without_verdict_and_contradictions_cover_nothing);
	RUN(a_rule_without_verdict_behind_one_that_decides_is_never_met);
	RUN(a_rule_covers_what_follows_from_the_header_that_the_other_asks_for);
	RUN(a_rule_in_another_tree_covers_what_follows_from_the_header_as_well);
	RUN(a_rule_that_never_decides_is_not_named_as_one_that_covers);
	RUN(masks_of_one_field_contradict_each_other);
	arena_free(arena);
	return tap_end();
}
