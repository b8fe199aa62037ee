// SPDX-License-Identifier: GPL-2.0-only
#include "files.h"

static struct arena *arena;
static struct diagnostics diagnostics;

/* An element in short: "concat(10.0.0.1 80) timeout 30s", or NULL. */
static const char *describe(const struct ast_value *value)
{
	const char *text = value ? (value->text ? value->text : "") : NULL;

	if (!value)
		return NULL;
	for (const struct ast_value *child = value->children; child; child = child->next)
		text = arena_printf(arena, "%s%s%s", text, *text ? " + " : "", child->text);
	return value->timeout ? arena_printf(arena, "%s timeout %s", text, value->timeout) : text;
}

static const struct ast_value *element(const char *line)
{
	struct source *source = arena_new_object(arena, struct source);

	*source = (struct source){ "elements", line, strlen(line) };
	diagnostics_init(&diagnostics, arena);
	return syntax_parse_element(arena, source, (struct place){ source, 1, 1, (uint32_t)strlen(line) }, &diagnostics);
}

TEST(an_element_is_a_value_a_pair_or_a_range_with_a_timeout)
{
	CHECK_TEXT(describe(element("10.0.0.0/8")), "10.0.0.0/8");
	CHECK_TEXT(describe(element("  10.0.0.1 . 80  # web\r")), "10.0.0.1 + 80");
	CHECK_TEXT(describe(element("10.0.0.1 timeout 30s")), "10.0.0.1 timeout 30s");
	CHECK_TEXT(describe(element("10.0.0.1 . 80 timeout 1h30m comment \"x\"")), "10.0.0.1 + 80 timeout 1h30m");
	CHECK_TEXT(describe(element("10.0.0.1-10.0.0.9")), "10.0.0.1-10.0.0.9");
	CHECK_TEXT(describe(element("10.0.0.1 - 10.0.0.9")), "10.0.0.1 + 10.0.0.9");
	CHECK_NUMBER(diagnostics.errors, 0);
}

TEST(blank_lines_and_comments_are_no_elements_and_no_errors)
{
	static const char *const lines[] = { "", "  \t", "# comment", "   # comment", "\r" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CHECK(!element(lines[i]));
		CHECK_NUMBER(diagnostics.errors, lines[i][0] == '\r');
	}
}

TEST(what_is_more_than_an_element_is_an_error)
{
	static const char *const lines[] = { "10.0.0.1 10.0.0.2", "10.0.0.1,", "10.0.0.1 timeout", "{ 10.0.0.1", "drop it",
					     "10.0.0.1 .",	  "\"" };

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CHECK(!element(lines[i]));
		CHECK_NUMBER(diagnostics.errors, 1);
	}
}

TEST(a_line_is_found_in_its_source_or_is_a_source_of_its_own)
{
	static const char text[] = "10.0.0.1\n10.0.0.2\n10.0.0.3 junk\n10.0.0.4";
	struct source whole = { "elements", text, sizeof(text) - 1 };
	struct source line = { "elements", text + 18, 13 };
	const struct ast_value *value;

	diagnostics_init(&diagnostics, arena);
	value = syntax_parse_element(arena, &whole, (struct place){ &whole, 2, 1, 8 }, &diagnostics);
	CHECK_TEXT(describe(value), "10.0.0.2");
	CHECK_NUMBER(value->place.line, 2);
	value = syntax_parse_element(arena, &whole, (struct place){ &whole, 4, 1, 100 }, &diagnostics);
	CHECK_TEXT(describe(value), "10.0.0.4");
	CHECK(!syntax_parse_element(arena, &whole, (struct place){ &whole, 9, 5, 100 }, &diagnostics));
	CHECK_NUMBER(diagnostics.errors, 0);
	CHECK(!syntax_parse_element(arena, &line, (struct place){ &whole, 3, 1, 13 }, &diagnostics));
	CHECK_NUMBER(diagnostics.list.items[0].place.line, 3);
	CHECK_NUMBER(diagnostics.list.items[0].place.column, 10);
	CHECK(diagnostics.list.items[0].place.source == &whole);
}

int main(void)
{
	arena = arena_new();
	RUN(an_element_is_a_value_a_pair_or_a_range_with_a_timeout);
	RUN(blank_lines_and_comments_are_no_elements_and_no_errors);
	RUN(what_is_more_than_an_element_is_an_error);
	RUN(a_line_is_found_in_its_source_or_is_a_source_of_its_own);
	arena_free(arena);
	return tap_end();
}
