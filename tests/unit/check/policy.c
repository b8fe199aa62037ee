// SPDX-License-Identifier: GPL-2.0-only
#include "check/policy.h"

#include <stdlib.h>

#include "../../tap.h"
#include "base/limits.h"
#include "machine.h"

static struct diagnostics diagnostics;

/* The checked policy of a text, in ARENA; what was wrong with it is printed as a comment when it should be fine. */
static const struct policy *check(struct arena *arena, const char *text)
{
	struct source *source = arena_new_object(arena, struct source);
	const struct policy *policy;

	*source = (struct source){ "folder/edge.weir", text, strlen(text) };
	diagnostics_init(&diagnostics, arena);
	policy = check_policy(arena, &machine, syntax_parse(arena, &machine, source, &diagnostics), NULL, &diagnostics);
	for (size_t i = 0; !policy && i < diagnostics.list.count; i++)
		printf("# line %u: %s\n", diagnostics.list.items[i].place.line, diagnostics.list.items[i].message);
	CHECK(policy != NULL);
	return policy;
}

/* A match of a rule at tc ingress in one line: "10-20 30 & 0x3 negated set 1". */
static const char *print_match(struct arena *arena, const struct policy_match *match)
{
	const char *text = match->negated ? "!=" : "==";

	for (uint32_t i = 0; i < match->range_count; i++)
		text = arena_printf(arena, "%s %llu-%llu", text, (unsigned long long)match->ranges[i].low.lo,
				    (unsigned long long)match->ranges[i].high.lo);
	if (match->masked)
		text = arena_printf(arena, "%s & %llu", text, (unsigned long long)match->mask);
	if (match->set >= 0)
		text = arena_printf(arena, "%s set %d", text, match->set);
	return text;
}

static void check_match_is(const char *rule, const char *expected)
{
	struct arena *arena = arena_new();
	const struct policy *policy =
		check(arena, arena_printf(arena,
					  "define lan = { 10.0.0.0/8, 192.168.0.0/16 }\ndefine web = 80\ndefine bits = syn|ack\n"
					  "set first { type ipv4_addr; }\nset ports { type inet_service; }\n"
					  "set pairs { type ipv4_addr . inet_service; }\nset marks { type mark; }\n"
					  "chain edge {\n\thook tc ingress on eth0;\n\t%s\n}\n",
					  rule));

	if (policy && policy->chains[0].rule_count == 1 && policy->chains[0].rules[0].match_count == 1)
		CHECK_TEXT(print_match(arena, policy->chains[0].rules[0].matches), expected);
	else
		CHECK_TEXT("not one match", rule);
	arena_free(arena);
}

TEST(a_value_is_a_range_of_one)
{
	check_match_is("tcp dport 80 drop", "== 80-80");
	check_match_is("tcp dport ssh drop", "== 22-22");
	check_match_is("tcp dport http-alt drop", "== 8080-8080");
	check_match_is("ip saddr 10.0.0.0/30 drop", "== 167772160-167772163");
	check_match_is("tcp dport != 80-90 drop", "!= 80-90");
	check_match_is("icmp type echo-request drop", "== 8-8");
	check_match_is("meta iif eth0 drop", "== 2-2");
	check_match_is("meta mark 0xff drop", "== 255-255");
}

TEST(lists_are_sorted_and_joined)
{
	check_match_is("tcp dport { 443, 80 } drop", "== 80-80 443-443");
	check_match_is("tcp dport { 80, 81, 82-90, 85-95 } drop", "== 80-95");
	check_match_is("tcp dport { 0-65535, 80 } drop", "== 0-65535");
	check_match_is("tcp dport != { 1, 3 } drop", "!= 1-1 3-3");
	check_match_is("ip saddr { 10.0.0.0/9, 10.128.0.0/9 } drop", "== 167772160-184549375");
	check_match_is("ip saddr $lan drop", "== 167772160-184549375 3232235520-3232301055");
	check_match_is("ip saddr { $lan, 11.0.0.0/8 } drop", "== 167772160-201326591 3232235520-3232301055");
	check_match_is("tcp dport $web - 90 drop", "== 80-90");
}

TEST(comparisons_are_ranges)
{
	check_match_is("ip ttl < 5 drop", "== 0-4");
	check_match_is("ip ttl <= 5 drop", "== 0-5");
	check_match_is("ip ttl > 5 drop", "== 6-255");
	check_match_is("ip ttl >= 5 drop", "== 5-255");
	check_match_is("vlan id >= 0 drop", "== 0-4095");
	check_match_is("meta length > 1500 drop", "== 1501-4294967295");
}

TEST(flags_without_an_operator_ask_for_any)
{
	check_match_is("tcp flags syn drop", "== 1-2 & 2");
	check_match_is("tcp flags (syn|ack) drop", "== 1-18 & 18");
	check_match_is("tcp flags syn|ack drop", "== 1-18 & 18");
	check_match_is("tcp flags $bits drop", "== 1-18 & 18");
	check_match_is("tcp flags == syn drop", "== 2-2");
	check_match_is("tcp flags != syn drop", "!= 2-2");
	check_match_is("tcp flags { syn, ack } drop", "== 2-2 16-16");
	check_match_is("tcp flags & (syn|ack) == syn drop", "== 2-2 & 18");
	check_match_is("tcp flags & (syn|ack) syn drop", "== 2-2 & 18");
	check_match_is("tcp flags & $bits != 0 drop", "!= 0-0 & 18");
	check_match_is("tcp flags & (fin|syn|rst|ack) == { syn, (syn|ack) } drop", "== 2-2 18-18 & 23");
	check_match_is("tcp flags == 0 drop", "== 0-0");
}

TEST(masks_of_numbers)
{
	check_match_is("ip frag-off & 0x1fff != 0 drop", "!= 0-0 & 8191");
	check_match_is("meta mark & 0xff00 == 0x100 drop", "== 256-256 & 65280");
	check_match_is("meta mark & 0xff >= 4 drop", "== 4-255 & 255");
}

TEST(malformed_alone_is_any_reason)
{
	check_match_is("meta malformed drop", "== 1-6");
	check_match_is("meta malformed { short, vlan-limit } drop", "== 1-1 6-6");
	check_match_is("meta malformed != tiny-fragment drop", "!= 4-4");
}

TEST(presence_has_no_values)
{
	check_match_is("arp drop", "==");
	check_match_is("tcp drop", "==");
}

TEST(sets_are_named_by_their_index)
{
	check_match_is("ip saddr @first drop", "== set 0");
	check_match_is("ip daddr != @first drop", "!= set 0");
	check_match_is("th dport @ports drop", "== set 1");
	check_match_is("ip saddr . tcp dport @pairs drop", "== set 2");
	check_match_is("meta mark @marks drop", "== set 3");
	check_match_is("ip saddr . tcp dport { 10.0.0.1 . 80 } drop", "== set 4");
}

TEST(ipv6_ranges_join_across_the_64_bit_border)
{
	struct arena *arena = arena_new();
	const struct policy *policy = check(arena, "chain c { hook tc ingress on eth0;\n ip6 saddr { "
						   "2001:db8::-2001:db8::ffff:ffff:ffff:ffff, 2001:db8:0:1::/64, ::1, "
						   "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff } drop\n}\n");
	const struct policy_match *match = policy ? policy->chains[0].rules[0].matches : NULL;

	if (match && match->range_count == 3) {
		CHECK(match->ranges[0].low.lo == 1 && match->ranges[0].low.hi == 0);
		CHECK(match->ranges[1].low.hi == 0x20010db800000000 && match->ranges[1].high.hi == 0x20010db800000001);
		CHECK(match->ranges[1].high.lo == UINT64_MAX);
		CHECK(match->ranges[2].low.hi == UINT64_MAX && match->ranges[2].low.lo == UINT64_MAX);
	} else {
		CHECK(match && match->range_count == 3);
	}
	arena_free(arena);
}

TEST(a_chain_is_all_that_was_said_of_it)
{
	struct arena *arena = arena_new();
	const struct policy *policy =
		check(arena, "chain one { hook xdp ingress on { eth0, eth1 } netns ctn2 mode generic; policy drop; }\n"
			     "chain two { hook cgroup egress on \"/a/*\"; }\n");

	if (policy) {
		const struct policy_chain *one = &policy->chains[0], *two = &policy->chains[1];

		CHECK_TEXT(policy->name, "edge");
		CHECK_NUMBER(policy->chain_count, 2);
		CHECK(one->hook == WEIR_HOOK_XDP_INGRESS && one->mode == MODE_GENERIC && one->policy == WEIR_VERDICT_DROP);
		CHECK_NUMBER(one->target_count, 2);
		CHECK_TEXT(one->targets[1], "eth1");
		CHECK_TEXT(one->netns, "ctn2");
		CHECK_NUMBER(one->policy_place.line, 1);
		CHECK(two->hook == WEIR_HOOK_CGROUP_EGRESS && two->policy == WEIR_VERDICT_ACCEPT && !two->netns);
		CHECK_TEXT(two->targets[0], "/a/*");
		CHECK_NUMBER(two->policy_place.line, 0);
		CHECK_NUMBER(two->rule_count, 0);
	}
	arena_free(arena);
}

TEST(a_rule_is_all_that_was_said_of_it)
{
	struct arena *arena = arena_new();
	const struct policy *policy =
		check(arena, "chain c {\n\thook tc ingress on eth0;\n"
			     "\ttcp dport 80   log prefix \"web: \" accept comment \"why\"\n\tudp counter\n}\n");

	if (policy) {
		const struct policy_rule *rules = policy->chains[0].rules;

		CHECK_NUMBER(policy->chains[0].rule_count, 2);
		CHECK(rules[0].verdict == WEIR_VERDICT_ACCEPT && rules[0].log);
		CHECK_TEXT(rules[0].log_prefix, "web: ");
		CHECK_TEXT(rules[0].comment, "why");
		CHECK_NUMBER(rules[0].place.line, 3);
		CHECK(rules[1].verdict == WEIR_VERDICT_CONTINUE && !rules[1].log && !rules[1].log_prefix);
		CHECK_NUMBER(rules[1].match_count, 1);
	}
	arena_free(arena);
}

TEST(an_interface_is_looked_up_where_the_chain_stands)
{
	struct arena *arena = arena_new();
	const struct policy *policy = check(arena, "chain c { hook tc ingress on vb netns ctn2;\n meta iif vb drop\n}\n");

	if (policy)
		CHECK_TEXT(print_match(arena, policy->chains[0].rules[0].matches), "== 7-7");
	arena_free(arena);
}

TEST(the_elements_of_a_set_are_sorted_without_doubles)
{
	static const struct machine_file files[] = {
		{ "folder/list.txt",
		  "# the file\n10.0.0.9\n\n10.0.0.1\n  10.0.0.2-10.0.0.5\r\n10.0.0.0/24 # wide\n10.0.0.7 timeout 1m" },
		{ NULL, NULL },
	};
	struct arena *arena = arena_new();
	const struct policy *policy;
	const char *all = "";

	machine_files = files;
	policy = check(
		arena,
		"define more = { 10.0.0.3, 10.0.0.4 }\n"
		"set s { type ipv4_addr; size 1K; timeout 1h; file \"list.txt\"; elements = { 10.0.0.9 timeout 5s, $more } }\n");
	for (uint32_t i = 0; policy && i < policy->sets[0].element_count; i++)
		all = arena_printf(arena, "%s %s,", all, element_print(arena, &policy->sets[0], &policy->sets[0].elements[i]));
	CHECK_TEXT(all, " 10.0.0.0/24, 10.0.0.1, 10.0.0.2-10.0.0.5, 10.0.0.3, 10.0.0.4, 10.0.0.7 timeout 1m, 10.0.0.9,");
	if (policy) {
		CHECK_NUMBER(policy->sets[0].size, 1024);
		CHECK_NUMBER(policy->sets[0].timeout_s, 3600);
		CHECK_TEXT(policy->sets[0].file, "list.txt");
		CHECK_NUMBER(policy->sets[0].elements[1].place.line, 4);
		CHECK_NUMBER(policy->sets[0].elements[2].place.column, 3);
	}
	machine_files = NULL;
	arena_free(arena);
}

TEST(a_set_without_a_size_has_room)
{
	struct arena *arena = arena_new();
	const struct policy *policy = check(arena, "set s { type ether_addr . inet_proto; }\n");

	if (policy) {
		CHECK_NUMBER(policy->sets[0].size, LIMIT_SET_SIZE);
		CHECK(policy->sets[0].grows);
		CHECK_NUMBER(policy->sets[0].components, 2);
		CHECK(policy->sets[0].types[0] == TYPE_ETHER_ADDR && policy->sets[0].types[1] == TYPE_PROTOCOL);
	}
	arena_free(arena);
}

TEST(the_same_pairs_are_the_same_set)
{
	struct arena *arena = arena_new();
	const struct policy *policy = check(arena, "chain c { hook tc ingress on eth0;\n"
						   "ip saddr . tcp dport { 10.0.0.1 . 80, 10.0.0.2 . 81 } drop\n"
						   "ip daddr . udp dport { 10.0.0.2 . 81, 10.0.0.1 . 80 } drop\n"
						   "ip daddr . udp dport { 10.0.0.2 . 81 } drop\n}\n");

	if (policy) {
		CHECK_NUMBER(policy->set_count, 2);
		CHECK_NUMBER(policy->chains[0].rules[1].matches[0].set, 0);
		CHECK_NUMBER(policy->chains[0].rules[2].matches[0].set, 1);
		CHECK(strncmp(policy->sets[0].name, "__pairs_", 8) == 0);
	}
	arena_free(arena);
}

/* Both ways of reading a line, the quick one and the parser's, give the same elements and the same places. */
TEST(a_plain_line_means_what_the_parser_says)
{
	static const char *const lines[] = { "10.0.0.1", " 10.0.0.0/8 ", "\t10.0.0.1-10.0.0.9", "0.0.0.0/0",
					     "255.255.255.255\t" };
	struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct machine_file files[] = { { "folder/list.txt", lines[i] }, { NULL, NULL } };
		struct source source = { "folder/list.txt", lines[i], strlen(lines[i]) };
		const struct ast_value *value;
		const struct policy *policy;
		struct set_element element = { 0 };

		machine_files = files;
		policy = check(arena, "set s { type ipv4_addr; file \"list.txt\"; }\n");
		value = syntax_parse_element(arena, &source, (struct place){ &source, 1, 1, (uint32_t)source.length },
					     &diagnostics);
		CHECK(value && check_element(arena, &machine, &policy->sets[0], value, &element, &diagnostics) == 0);
		CHECK(policy->sets[0].element_count == 1 &&
		      memcmp(element.keys, policy->sets[0].elements[0].keys, sizeof(element.keys)) == 0);
		CHECK_NUMBER(policy->sets[0].elements[0].place.column, element.place.column);
		CHECK_NUMBER(policy->sets[0].elements[0].place.length, element.place.length);
		CHECK_NUMBER(policy->sets[0].elements[0].place.line, element.place.line);
	}
	machine_files = NULL;
	arena_free(arena);
}

TEST(an_element_that_is_wrong_leaves_the_output_alone)
{
	struct arena *arena = arena_new();
	struct policy_set set = { .name = "s", .components = 1, .types = { TYPE_IPV4_ADDR } };
	struct source source = { "arguments", "10.0.0.256", 10 };
	struct set_element element = { .timeout_s = 9999 };
	const struct ast_value *value;

	diagnostics_init(&diagnostics, arena);
	value = syntax_parse_element(arena, &source, (struct place){ &source, 1, 1, 10 }, &diagnostics);
	CHECK(value && check_element(arena, &machine, &set, value, &element, &diagnostics) == -EINVAL);
	CHECK_NUMBER(element.timeout_s, 9999);
	CHECK_NUMBER(diagnostics.errors, 1);
	arena_free(arena);
}

/* Lists that multiply: each define is the one before twice. */
TEST(defines_that_multiply_end_with_an_error)
{
	struct arena *arena = arena_new();
	const char *text = "define a0 = { 10.0.0.1, 10.0.0.2 }\n";
	struct source source = { "bomb.weir", NULL, 0 };

	for (int i = 1; i < 60; i++)
		text = arena_printf(arena, "%sdefine a%d = { $a%d, $a%d }\n", text, i, i - 1, i - 1);
	source.text = arena_printf(arena, "%schain c { hook tc ingress on eth0;\n ip saddr $a59 drop\n}\n", text);
	source.length = strlen(source.text);
	diagnostics_init(&diagnostics, arena);
	CHECK(check_policy(arena, &machine, syntax_parse(arena, &machine, &source, &diagnostics), NULL, &diagnostics) == NULL);
	CHECK_NUMBER(diagnostics.errors, 1);
	arena_free(arena);
}

/* The same with nothing in the first: the steps count, too. */
TEST(defines_that_multiply_nothing_end_as_well)
{
	struct arena *arena = arena_new();
	const char *text = "define a0 = { }\n";
	struct source source = { "bomb.weir", NULL, 0 };

	for (int i = 1; i < 60; i++)
		text = arena_printf(arena, "%sdefine a%d = { $a%d, $a%d }\n", text, i, i - 1, i - 1);
	source.text = arena_printf(arena, "%schain c { hook tc ingress on eth0;\n ip saddr $a59 drop\n}\n", text);
	source.length = strlen(source.text);
	diagnostics_init(&diagnostics, arena);
	CHECK(check_policy(arena, &machine, syntax_parse(arena, &machine, &source, &diagnostics), NULL, &diagnostics) == NULL);
	CHECK_NUMBER(diagnostics.errors, 1);
	arena_free(arena);
}

TEST(a_chain_with_too_many_rules_is_an_error)
{
	struct arena *arena = arena_new();
	static const char head[] = "chain c {\nhook tc ingress on eth0;\n", rule[] = "tcp dport 80 drop\n";
	char *text = arena_alloc(arena, sizeof(head) + sizeof(rule) * (LIMIT_RULES + 1) + 2), *end = text;
	struct source source = { "many.weir", text, 0 };

	end = stpcpy(end, head);
	for (int i = 0; i < LIMIT_RULES; i++)
		end = stpcpy(end, rule);
	stpcpy(end, "}\n");
	source.length = strlen(text);
	diagnostics_init(&diagnostics, arena);
	CHECK(check_policy(arena, &machine, syntax_parse(arena, &machine, &source, &diagnostics), NULL, &diagnostics) != NULL);
	stpcpy(stpcpy(end, rule), "}\n");
	source.length = strlen(text);
	CHECK(check_policy(arena, &machine, syntax_parse(arena, &machine, &source, &diagnostics), NULL, &diagnostics) == NULL);
	CHECK_NUMBER(diagnostics.errors, 1);
	CHECK_NUMBER(diagnostics.list.items[0].place.line, LIMIT_RULES + 3);
	arena_free(arena);
}

static void check_policy_name(const char *file, const char *name, const char *expected)
{
	struct arena *arena = arena_new();
	const char *text = "chain c { hook tc ingress on eth0; }\n";
	struct source source = { file, text, strlen(text) };
	const struct policy *policy;

	diagnostics_init(&diagnostics, arena);
	policy = check_policy(arena, &machine, syntax_parse(arena, &machine, &source, &diagnostics), name, &diagnostics);
	CHECK_TEXT(policy ? policy->name : "[refused]", expected);
	arena_free(arena);
}

TEST(a_policy_is_named_after_its_file)
{
	check_policy_name("edge.weir", NULL, "edge");
	check_policy_name("/etc/weir/web-egress.weir", NULL, "web-egress");
	check_policy_name("rules", NULL, "rules");
	check_policy_name("/dev/stdin", NULL, "stdin");
	check_policy_name("edge.weir", "other", "other");
	check_policy_name("edge.v2.weir", NULL, "[refused]");
	check_policy_name("edge.v2.weir", "edge", "edge");
	check_policy_name("edge.weir", "a/b", "[refused]");
	check_policy_name("edge.weir", "..", "[refused]");
	check_policy_name("edge.weir", "", "[refused]");
	check_policy_name(".weir", NULL, "[refused]");
}

int main(void)
{
	RUN(a_value_is_a_range_of_one);
	RUN(lists_are_sorted_and_joined);
	RUN(comparisons_are_ranges);
	RUN(flags_without_an_operator_ask_for_any);
	RUN(masks_of_numbers);
	RUN(malformed_alone_is_any_reason);
	RUN(presence_has_no_values);
	RUN(sets_are_named_by_their_index);
	RUN(ipv6_ranges_join_across_the_64_bit_border);
	RUN(a_chain_is_all_that_was_said_of_it);
	RUN(a_rule_is_all_that_was_said_of_it);
	RUN(an_interface_is_looked_up_where_the_chain_stands);
	RUN(the_elements_of_a_set_are_sorted_without_doubles);
	RUN(a_set_without_a_size_has_room);
	RUN(the_same_pairs_are_the_same_set);
	RUN(a_plain_line_means_what_the_parser_says);
	RUN(an_element_that_is_wrong_leaves_the_output_alone);
	RUN(defines_that_multiply_end_with_an_error);
	RUN(defines_that_multiply_nothing_end_as_well);
	RUN(a_chain_with_too_many_rules_is_an_error);
	RUN(a_policy_is_named_after_its_file);
	return tap_end();
}
