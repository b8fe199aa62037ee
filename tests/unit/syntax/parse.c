// SPDX-License-Identifier: GPL-2.0-only
#include "base/limits.h"
#include "files.h"

#define CHAIN(rules)  "chain c {\nhook tc ingress on eth0\n" rules "\n}\n"
#define CHAIN_PRINTED "chain c\n  hook tc ingress\n    on\n      word eth0\n"

static void check_tree(const char *text, const char *wanted)
{
	struct parsed parsed = parse(text);

	CHECK_TEXT(messages(&parsed), "");
	CHECK_TEXT(parsed.printed, wanted);
	done(&parsed);
}

static void check_messages(const char *text, const char *wanted)
{
	struct parsed parsed = parse(text);

	CHECK_TEXT(messages(&parsed), wanted);
	done(&parsed);
}

TEST(the_longest_subject_counts)
{
	check_tree(CHAIN("arp saddr ip 10.0.0.1 arp drop"), CHAIN_PRINTED
		   "  rule 3: arp saddr ip 10.0.0.1 arp drop\n    match arp saddr ip\n      word 10.0.0.1\n    match arp\n"
		   "    verdict drop\n");
	check_tree(CHAIN("tcp ip saddr 10.0.0.1"),
		   CHAIN_PRINTED "  rule 3: tcp ip saddr 10.0.0.1\n    match tcp\n    match ip saddr\n      word 10.0.0.1\n");
}

TEST(a_mask_stands_in_front_of_the_operator)
{
	check_tree(CHAIN("tcp flags & (syn|ack) == syn"),
		   CHAIN_PRINTED "  rule 3: tcp flags & (syn|ack) == syn\n    match tcp flags ==\n      mask\n        flags\n"
				 "          word syn\n          word ack\n      word syn\n");
}

TEST(an_operator_that_is_not_written_has_no_place)
{
	struct parsed parsed = parse(CHAIN("tcp dport 80\ntcp dport == 80\ntcp dport != 80"));
	const struct ast_rule *rule = parsed.ast->chains->rules;

	CHECK(rule->statements->operator== AST_EQUAL && !rule->statements->operator_place.line);
	rule = rule->next;
	CHECK(rule->statements->operator== AST_EQUAL && rule->statements->operator_place.column == 11);
	rule = rule->next;
	CHECK(rule->statements->operator== AST_NOT_EQUAL);
	done(&parsed);
}

TEST(parts_have_the_places_where_they_stand)
{
	struct parsed parsed = parse("chain c {\n\thook xdp ingress on eth0 mode native; policy drop\n"
				     "\ttcp dport { 80,\n81 } ip saddr & 5 != 10.0.0.1 drop # x\n}\n");
	const struct ast_chain *chain = parsed.ast->chains;
	const struct ast_statement *match = chain->rules->statements;

	CHECK(chain->place.line == 1 && chain->place.column == 7 && chain->place.length == 1);
	CHECK(chain->hook_place.column == 2 && chain->layer_place.column == 7 && chain->direction_place.column == 11);
	CHECK(chain->targets->place.column == 22 && chain->mode_place.column == 32 && chain->mode_place.length == 6);
	CHECK(chain->policy_place.column == 47 && chain->policy_place.length == 4);
	CHECK(match->place.line == 3 && match->place.column == 2 && match->subject_place.length == 9);
	CHECK(match->value->children->next->place.line == 4 && match->value->children->next->place.column == 1);
	match = match->next;
	CHECK(match->place.line == 4 && match->place.column == 6 && match->place.length == 24);
	CHECK(match->mask->place.column == 17 && match->operator_place.column == 19 && match->value->place.column == 22);
	CHECK(match->next->kind == AST_VERDICT && match->next->place.column == 31);
	done(&parsed);
}

TEST(the_text_of_a_rule_has_single_blanks_and_no_comments)
{
	struct parsed parsed =
		parse(CHAIN("tcp  dport\t{ 80, # web\n\n  443 }  \\\n  log prefix \"two  #blanks \\\" \"   drop ;"));

	CHECK_TEXT(parsed.ast->chains->rules->text, "tcp dport { 80, 443 } log prefix \"two  #blanks \\\" \" drop");
	CHECK_NUMBER(parsed.ast->chains->rules->place.line, 3);
	done(&parsed);
}

TEST(a_lone_comment_is_the_chains_and_any_other_the_rules)
{
	struct parsed parsed = parse(CHAIN("comment \"a\"\ncomment \"b\" drop\ndrop comment \"c\""));
	const struct ast_chain *chain = parsed.ast->chains;

	CHECK_TEXT(chain->comment, "a");
	CHECK_TEXT(chain->rules->statements->text, "b");
	CHECK_TEXT(chain->rules->next->statements->next->text, "c");
	done(&parsed);
}

TEST(what_an_include_names_stands_in_its_place)
{
	static const char *const in_memory[] = { "folder/sub/a.weir",
						 "define a = 1\ninclude \"b.weir\"\ndefine d = 4",
						 "folder/sub/b.weir",
						 "define b = 2\r\ninclude \"/c.weir\"",
						 "/c.weir",
						 "define c = 3",
						 NULL };
	files = in_memory;
	check_tree("include \"sub/a.weir\"\ndefine e = 5\n",
		   "define a\n  word 1\ndefine b\n  word 2\ndefine c\n  word 3\ndefine d\n  word 4\ndefine e\n  word 5\n");
	files = NULL;
}

TEST(a_file_that_includes_itself_is_named_with_both_places)
{
	static const char *const in_memory[] = { "folder/a.weir", "\ninclude \"b.weir\"", "folder/b.weir",
						 "\n\ninclude \"./a.weir\"", NULL };
	struct parsed parsed;

	files = in_memory;
	parsed = parse("include \"a.weir\"");
	CHECK_TEXT(messages(&parsed), "3:9 'folder/a.weir' includes itself, by way of others");
	CHECK_TEXT(parsed.diagnostics.list.items[0].place.source->name, "folder/b.weir");
	CHECK_TEXT(parsed.diagnostics.list.items[0].related[0].place.source->name, "folder/a.weir");
	CHECK_NUMBER(parsed.diagnostics.list.items[0].related[0].place.line, 2);
	done(&parsed);
	parsed = parse("include \"../folder/test.weir\"\ninclude \"test.weir\"");
	CHECK_TEXT(messages(&parsed), "1:9 cannot read 'folder/../folder/test.weir': No such file or directory; "
				      "2:9 'folder/test.weir' includes itself");
	done(&parsed);
	files = NULL;
}

TEST(includes_are_counted)
{
	static const char *const in_memory[] = { "folder/a", "include \"b\";include \"b\";include \"b\";include \"b\"\n",
						 "folder/b", "include \"c\";include \"c\";include \"c\";include \"c\"\n",
						 "folder/c", "include \"d\";include \"d\";include \"d\";include \"d\"\n",
						 "folder/d", "include \"e\";include \"e\";include \"e\";include \"e\"\n",
						 "folder/e", "include \"f\";include \"f\";include \"f\";include \"f\"\n",
						 "folder/f", "",
						 NULL };
	files = in_memory;
	check_messages("include \"a\"", "1:45 more than 1024 includes");
	files = NULL;
}

TEST(a_file_that_cannot_be_read_is_not_the_users_mistake)
{
	struct parsed parsed = parse("include \"gone\"");

	CHECK_NUMBER(parsed.diagnostics.exit_code, 3);
	done(&parsed);
}

TEST(one_mistake_is_one_error)
{
	check_messages(CHAIN("ip sadr { 10.0.0.1, 10.0.0.2 } drop\ndrop"), "3:1 no such field 'ip sadr'");
	check_messages(CHAIN("ct state { a,\nb } accept\ndrop"),
		       "3:1 weir does not have 'ct': it keeps no record of connections");
	check_messages(CHAIN("tcp dport { 80, 443 drop\nudp drop"), "3:21 expected ',' or '}' behind '443', found 'drop'");
	check_messages(CHAIN("tcp dport { 80, 443\nudp drop\ndrop"), "4:1 expected ',' or '}' behind '443', found 'udp'");
	check_messages(CHAIN("ip saddr {\n10.0.0.1\n10.0.0.2\n10.0.0.3\n} drop\ndrop"),
		       "5:1 expected ',' or '}' behind '10.0.0.1', found '10.0.0.2'");
	check_messages("table ip x {\n chain y {\n hook tc ingress on x; drop\n }\n}\n" CHAIN("drop"),
		       "1:1 weir does not have 'table': sets and chains stand in the policy itself");
	check_messages("chain c { hook tc ingress on { a, b ; drop }\n" CHAIN("drop"),
		       "1:37 expected ',' or '}' behind 'b', found ';'");
	check_messages(CHAIN("log prefix \"never\ndrop"), "3:12 this string is never closed");
	check_messages("chain a {\nhook tc ingress on x\n\n" CHAIN("drop"), "4:1 'chain' inside chain 'a'");
	check_messages(CHAIN("}\nudp drop\ntcp drop"), "4:1 'udp' outside of a chain");
}

TEST(several_mistakes_are_several_errors)
{
	check_messages("table ip x {\n chain y {\n type filter; return\n }\n}\n}\n" CHAIN("drop"),
		       "1:1 weir does not have 'table': sets and chains stand in the policy itself; "
		       "3:2 weir does not have 'type': its chains have no type and no priority; "
		       "3:15 weir does not have 'return': no chain is called by another; 6:1 a '}' that closes nothing");
	check_messages("define = 5\nset s { typ x; sise 5 }\n" CHAIN("ip sadr 1\ndrop log"),
		       "1:8 expected a name behind 'define', found '='; 2:9 a set has no 'typ'; 2:16 a set has no 'sise'; "
		       "5:1 no such field 'ip sadr'; 6:6 'log' behind 'drop' would never be looked at");
}

TEST(what_could_be_understood_is_in_the_tree)
{
	struct parsed parsed =
		parse("define a =\nset s { type ipv4_addr; elements = { 1 2 } }\n" CHAIN("oops\ndrop") "set t { type ; }");

	CHECK_TEXT(parsed.printed, "define a\nset s\n  type\n    word ipv4_addr\nset t\n  type\n    concat\n" CHAIN_PRINTED
				   "  rule 6: drop\n    verdict drop\n");
	CHECK_NUMBER(parsed.diagnostics.errors, 4);
	done(&parsed);
}

TEST(brackets_nest_to_the_limit_and_no_deeper)
{
	for (unsigned depth = LIMIT_NESTING - 2; depth <= LIMIT_NESTING + 1; depth++) {
		char text[400] = CHAIN("tcp dport ");
		struct parsed parsed;

		*strrchr(text, '\n') = 0;
		*strrchr(text, '\n') = 0;
		for (unsigned i = 0; i < depth; i++)
			strcat(text, "{");
		strcat(text, "80");
		for (unsigned i = 0; i < depth; i++)
			strcat(text, "}");
		strcat(text, "\n}");
		parsed = parse(text);
		CHECK_NUMBER(parsed.diagnostics.errors, depth + 1 > LIMIT_NESTING);
		done(&parsed);
	}
}

TEST(nothing_behind_the_end_is_read)
{
	static const char text[] =
		"define a = { 1, $b - 2, @c }\nset s { type ipv4_addr; file \"x\"; elements = { 10.0.0.1 . 80 "
		"timeout 5s } }\nchain c { hook xdp ingress on eth0 mode native\narp saddr ip 10.0.0.1 tcp flags & "
		"(syn|ack) == syn \\\n log prefix \"\xe2\x82\xac\\\"\" counter packets 1 bytes 2 drop comment \"\" }\n";

	/* Every beginning of it, in memory that ends where the text does: a sanitizer sees the rest. */
	for (size_t length = 0; length < sizeof(text); length++) {
		struct parsed parsed = parse_bytes(text, length);

		done(&parsed);
	}
	check_messages(text, "");
}

int main(void)
{
	RUN(the_longest_subject_counts);
	RUN(a_mask_stands_in_front_of_the_operator);
	RUN(an_operator_that_is_not_written_has_no_place);
	RUN(parts_have_the_places_where_they_stand);
	RUN(the_text_of_a_rule_has_single_blanks_and_no_comments);
	RUN(a_lone_comment_is_the_chains_and_any_other_the_rules);
	RUN(what_an_include_names_stands_in_its_place);
	RUN(a_file_that_includes_itself_is_named_with_both_places);
	RUN(includes_are_counted);
	RUN(a_file_that_cannot_be_read_is_not_the_users_mistake);
	RUN(one_mistake_is_one_error);
	RUN(several_mistakes_are_several_errors);
	RUN(what_could_be_understood_is_in_the_tree);
	RUN(brackets_nest_to_the_limit_and_no_deeper);
	RUN(nothing_behind_the_end_is_read);
	return tap_end();
}
