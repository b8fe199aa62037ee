// SPDX-License-Identifier: GPL-2.0-only
#include "base/escape.h"
#include "../../tap.h"

static const char *escape(struct arena *arena, const char *text)
{
	return escape_text(arena, text, strlen(text));
}

TEST(plain_text_and_letters_of_all_tongues_stay)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(escape(arena, "web-1 (gr\xc3\xbcn) \xe6\xb0\xb4 \xf0\x9f\x90\x9f"),
		   "web-1 (gr\xc3\xbcn) \xe6\xb0\xb4 \xf0\x9f\x90\x9f");
	CHECK_TEXT(escape(arena, ""), "");
	arena_free(arena);
}

TEST(what_steers_a_terminal_is_spelt_out)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(escape(arena, "a\nb\033[2J\x7f"), "a\\x0ab\\x1b[2J\\x7f");
	CHECK_TEXT(escape(arena, "\xc2\x9b"
				 "2J"),
		   "\\xc2\\x9b2J");
	CHECK_TEXT(escape(arena, "\xe2\x80\xae"
				 "abc"),
		   "\\xe2\\x80\\xaeabc");
	arena_free(arena);
}

TEST(bytes_that_are_no_utf8_are_spelt_out)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(escape(arena, "\xff\xc3"), "\\xff\\xc3");
	CHECK_TEXT(escape(arena, "\xc0\xaf"), "\\xc0\\xaf");
	CHECK_TEXT(escape(arena, "\xed\xa0\x80"), "\\xed\\xa0\\x80");
	arena_free(arena);
}

TEST(a_text_may_end_without_nul)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(escape_text(arena, "0123456789abcdefXX", 16), "0123456789abcdef");
	CHECK_TEXT(escape_text(arena, "ab\0stale", 8), "ab");
	arena_free(arena);
}

int main(void)
{
	RUN(plain_text_and_letters_of_all_tongues_stay);
	RUN(what_steers_a_terminal_is_spelt_out);
	RUN(bytes_that_are_no_utf8_are_spelt_out);
	RUN(a_text_may_end_without_nul);
	return tap_end();
}
