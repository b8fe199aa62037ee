// SPDX-License-Identifier: GPL-2.0-only
#include "syntax/lexer.h"

#include <stdlib.h>

#include "../../tap.h"

static struct arena *arena;
static struct diagnostics diagnostics;

/* All tokens of a text, "word@1:1 newline@1:5"; the bytes have nothing behind them. */
static const char *tokens(const char *text, size_t length)
{
	static const char *const names[] = { "end", "newline", ";",  "word", "string", "set", "variable", "{",	"}",
					     "(",   ")",       ",",  ".",    "-",      "=",   "==",	  "!=", "<",
					     "<=",  ">",       ">=", "&",    "|",      "^",   "bad" };
	char *copy = malloc(length ? length : 1);
	struct source *source = arena_new_object(arena, struct source);
	const char *all = "";
	struct lexer lexer;
	struct token token;

	memcpy(copy, text, length);
	*source = (struct source){ "test", copy, length };
	diagnostics_init(&diagnostics, arena);
	lexer_init(&lexer, source, &diagnostics);
	for (token = lexer_next(&lexer); token.kind != TOKEN_END; token = lexer_next(&lexer)) {
		all = arena_printf(arena, "%s%s%s", all, *all ? " " : "", names[token.kind]);
		if (token.kind >= TOKEN_WORD && token.kind <= TOKEN_VARIABLE)
			all = arena_printf(arena, "%s<%s>", all, token_text(arena, &token));
	}
	CHECK(lexer_next(&lexer).kind == TOKEN_END);
	free(copy);
	return all;
}

#define CHECK_TOKENS(text, wanted) CHECK_TEXT(tokens(text, sizeof(text) - 1), wanted)

TEST(words_are_addresses_ranges_names_and_paths)
{
	CHECK_TOKENS("10.0.0.0/8 02:00:00:00:00:66 2001:db8::1 ::/0",
		     "word<10.0.0.0/8> word<02:00:00:00:00:66> word<2001:db8::1> word<::/0>");
	CHECK_TOKENS("80-90 echo-request 1M 1h30m eth0.100 /a/b-*.service",
		     "word<80-90> word<echo-request> word<1M> word<1h30m> word<eth0.100> word</a/b-*.service>");
}

TEST(a_dot_or_dash_at_the_edge_of_a_word_joins)
{
	CHECK_TOKENS("a . b a. b a .b", "word<a> . word<b> word<a> . word<b> word<a> . word<b>");
	CHECK_TOKENS("80 - 90 80- 90 80 -90 80-", "word<80> - word<90> word<80> - word<90> word<80> - word<90> word<80> -");
	CHECK_TOKENS("$a-$b 80-$b $a-9 $a.$b",
		     "variable<a> - variable<b> word<80> - variable<b> variable<a-9> variable<a> . variable<b>");
	CHECK_TOKENS(". - .. --", ". - . . - -");
}

TEST(signs_are_read_at_their_longest)
{
	CHECK_TOKENS("= == != < <= > >= & | ( ) { } , ;", "= == != < <= > >= & | ( ) { } , ;");
	CHECK_TOKENS("syn|ack(x)&y==z<=5", "word<syn> | word<ack> ( word<x> ) & word<y> == word<z> <= word<5>");
}

TEST(blanks_comments_and_continued_lines_are_passed_over)
{
	CHECK_TOKENS("a\tb # c { \" d\ne", "word<a> word<b> newline word<e>");
	CHECK_TOKENS("a \\\n b \\ \t\r\n c", "word<a> word<b> word<c>");
	CHECK_TOKENS("a\r\nb", "word<a> newline word<b>");
	CHECK_TOKENS("\xef\xbb\xbf"
		     "a",
		     "word<a>");
	CHECK_TOKENS("", "");
	CHECK_TOKENS("#", "");
	CHECK_NUMBER(diagnostics.errors, 0);
}

TEST(strings_lose_quotes_and_escapes)
{
	CHECK_TOKENS("\"a b\" \"\" \"q\\\"q\\\\\" \"caf\xc3\xa9 # {\"",
		     "string<a b> string<> string<q\"q\\> string<caf\xc3\xa9 # {>");
	CHECK_NUMBER(diagnostics.errors, 0);
}

TEST(what_no_string_may_have_is_an_error_and_no_token)
{
	CHECK_TOKENS("\"a\nb", "bad newline word<b>");
	CHECK_TOKENS("\"", "bad");
	CHECK_TOKENS("\"\\", "bad");
	CHECK_TOKENS("\"\\x\" b", "bad word<b>");
	CHECK_TOKENS("\"\x1b\" b", "bad word<b>");
	CHECK_TOKENS("\"\xff\" b", "bad word<b>");
	CHECK_TOKENS("\"\xc3", "bad");
	CHECK_NUMBER(diagnostics.errors, 2);
}

TEST(an_escape_at_the_end_of_a_line_is_marked_within_the_line)
{
	CHECK_TOKENS("\"a\\\nb", "bad newline word<b>");
	CHECK_NUMBER(diagnostics.list.items[0].place.column, 3);
	CHECK_NUMBER(diagnostics.list.items[0].place.length, 1);
}

TEST(utf8_is_only_taken_in_its_shortest_form)
{
	CHECK_TOKENS("\"\xe2\x82\xac \xf0\x9f\x98\x80\"", "string<\xe2\x82\xac \xf0\x9f\x98\x80>");
	CHECK_TOKENS("\"\xc0\xaf\"", "bad");
	CHECK_TOKENS("\"\xe0\x80\xaf\"", "bad");
	CHECK_TOKENS("\"\xed\xa0\x80\"", "bad");
	CHECK_TOKENS("\"\xf4\x90\x80\x80\"", "bad");
	CHECK_TOKENS("\"\xe2\x82\"", "bad");
}

TEST(what_has_no_meaning_is_one_error_a_character)
{
	CHECK_TOKENS("a \xe2\x80\x9c ~ b", "word<a> bad bad word<b>");
	CHECK_NUMBER(diagnostics.errors, 2);
	CHECK_TOKENS("a \\ b", "word<a> bad word<b>");
	CHECK_TOKENS("@ $ !", "bad bad bad");
	CHECK_NUMBER(diagnostics.errors, 3);
}

TEST(nothing_of_a_text_with_a_nul_is_read)
{
	CHECK_TOKENS("a\nb\0c", "");
	CHECK_NUMBER(diagnostics.errors, 1);
	CHECK_NUMBER(diagnostics.list.items[0].place.line, 2);
	CHECK_NUMBER(diagnostics.list.items[0].place.column, 2);
}

TEST(reading_ends_after_very_many_errors)
{
	size_t length = 1 << 20;
	char *text = malloc(length);

	memset(text, '~', length);
	tokens(text, length);
	CHECK(diagnostics.errors < 20000);
	free(text);
}

TEST(a_token_knows_its_place)
{
	static const char text[] = "ab\n  cd \\\n\tef";
	struct source source = { "test", text, sizeof(text) - 1 };
	struct lexer lexer;
	struct token token;

	diagnostics_init(&diagnostics, arena);
	lexer_init(&lexer, &source, &diagnostics);
	token = lexer_next(&lexer);
	CHECK_NUMBER(token.place.length, 2);
	CHECK(token.first);
	lexer_next(&lexer);
	token = lexer_next(&lexer);
	CHECK_NUMBER(token.place.line, 2);
	CHECK_NUMBER(token.place.column, 3);
	CHECK(token.first);
	CHECK(lexer_peek(&lexer).place.line == 3);
	token = lexer_next(&lexer);
	CHECK_NUMBER(token.place.line, 3);
	CHECK_NUMBER(token.place.column, 2);
	CHECK(!token.first);
}

int main(void)
{
	arena = arena_new();
	RUN(words_are_addresses_ranges_names_and_paths);
	RUN(a_dot_or_dash_at_the_edge_of_a_word_joins);
	RUN(signs_are_read_at_their_longest);
	RUN(blanks_comments_and_continued_lines_are_passed_over);
	RUN(strings_lose_quotes_and_escapes);
	RUN(what_no_string_may_have_is_an_error_and_no_token);
	RUN(an_escape_at_the_end_of_a_line_is_marked_within_the_line);
	RUN(utf8_is_only_taken_in_its_shortest_form);
	RUN(what_has_no_meaning_is_one_error_a_character);
	RUN(nothing_of_a_text_with_a_nul_is_read);
	RUN(reading_ends_after_very_many_errors);
	RUN(a_token_knows_its_place);
	arena_free(arena);
	return tap_end();
}
