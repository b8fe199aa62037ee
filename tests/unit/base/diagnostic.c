// SPDX-License-Identifier: GPL-2.0-only
#include "base/diagnostic.h"

#include <stdlib.h>

#include "../../tap.h"
#include "base/limits.h"

#define POLICY "chain c {\n\tip sadr 10.0.0.1 drop\n  comment \"größer\" acept\n}"

static const struct source policy = { "edge.weir", POLICY, sizeof(POLICY) - 1 };
static const struct source list = { "list.txt", "10.0.0.256", 10 };

static struct place at(uint32_t line, uint32_t column, uint32_t length)
{
	return (struct place){ &policy, line, column, length };
}

/* What is printed, as text in the arena of the list. */
static const char *print(const struct diagnostics *diagnostics, bool colour)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const char *copy;

	diagnostics_print(diagnostics, out, colour);
	fclose(out);
	copy = arena_strdup(diagnostics->arena, text);
	free(text);
	return copy;
}

#define WITH_DIAGNOSTICS(name)                                                                                                   \
	struct arena *arena = arena_new();                                                                                       \
	struct diagnostics name;                                                                                                 \
	diagnostics_init(&name, arena)

TEST(an_error_shows_its_line_with_a_caret_and_a_hint)
{
	WITH_DIAGNOSTICS(all);

	diagnostic_hint(&all, diagnose(&all, SEVERITY_ERROR, at(2, 2, 7), "no such field '%s'", "ip sadr"), "did you mean '%s'?",
			"ip saddr");
	CHECK_TEXT(print(&all, false), "edge.weir:2:2: error: no such field 'ip sadr'\n"
				       "    \tip sadr 10.0.0.1 drop\n"
				       "    \t^~~~~~~\n"
				       "  hint: did you mean 'ip saddr'?\n");
	CHECK_NUMBER(all.errors, 1);
	CHECK_NUMBER(all.exit_code, 1);
	arena_free(arena);
}

TEST(the_caret_counts_characters_not_bytes)
{
	WITH_DIAGNOSTICS(all);

	diagnose(&all, SEVERITY_ERROR, at(3, 22, 5), "no verdict 'acept'");
	CHECK_TEXT(print(&all, false), "edge.weir:3:22: error: no verdict 'acept'\n"
				       "      comment \"größer\" acept\n"
				       "                       ^~~~~\n");
	arena_free(arena);
}

TEST(a_place_past_the_end_of_its_line_is_held_to_it)
{
	WITH_DIAGNOSTICS(all);

	diagnose(&all, SEVERITY_ERROR, at(4, 2, 9), "the policy ends here");
	diagnose(&all, SEVERITY_ERROR, at(99, 7, 3), "far behind");
	diagnose(&all, SEVERITY_ERROR, at(4, 1, 0), "no length");
	CHECK_TEXT(print(&all, false), "edge.weir:4:1: error: no length\n    }\n    ^\n"
				       "edge.weir:4:2: error: the policy ends here\n    }\n     ^\n"
				       "edge.weir:99:7: error: far behind\n    \n    ^\n");
	arena_free(arena);
}

TEST(what_would_steer_a_terminal_is_not_shown)
{
	static const char text[] = "drop # \033[2J \177 \302\233 \303\266";
	static const struct source steering = { "a\033.weir", text, sizeof(text) - 1 };
	WITH_DIAGNOSTICS(all);

	diagnose(&all, SEVERITY_ERROR, (struct place){ &steering, 1, 1, 4 }, "a \033 in a message\nof two lines");
	CHECK_TEXT(print(&all, false), "a?.weir:1:1: error: a ? in a message\nof two lines\n"
				       "    drop # ?[2J ? ? \303\266\n"
				       "    ^~~~\n");
	arena_free(arena);
}

TEST(of_a_long_line_the_part_around_the_mark_is_shown)
{
	char text[1001];
	struct source source = { "long.weir", text, 1000 };
	const char *shown;
	WITH_DIAGNOSTICS(all);

	memset(text, 'x', 1000);
	memcpy(text + 500, "wrong", 5);
	text[1000] = 0;
	diagnose(&all, SEVERITY_ERROR, (struct place){ &source, 1, 501, 5 }, "here");
	shown = print(&all, false);
	CHECK(strstr(shown, "    ...xxxx"));
	CHECK(strstr(shown, "xwrongx"));
	CHECK(strstr(shown, "xxx...\n"));
	CHECK(strlen(shown) < 300);
	CHECK_NUMBER(strchr(shown, '^') - strchr(strchr(shown, '^') - 90, '\n'), strstr(shown, "wrong") - strchr(shown, '\n'));
	arena_free(arena);
}

TEST(a_long_line_that_is_no_text_is_cut_nonetheless)
{
	char text[1001];
	struct source source = { "bytes.weir", text, 1000 };
	WITH_DIAGNOSTICS(all);

	memset(text, 0x80, 1000); /* bytes that only go on with a character */
	text[1000] = 0;
	for (uint32_t column = 1; column <= 1001; column += 50)
		diagnose(&all, SEVERITY_ERROR, (struct place){ &source, 1, column, 9 }, "here");
	CHECK(strlen(print(&all, false)) < 21 * 300);
	arena_free(arena);
}

TEST(they_come_in_the_order_of_their_places)
{
	WITH_DIAGNOSTICS(all);
	const char *text;

	diagnose(&all, SEVERITY_WARNING, at(3, 1, 1), "third");
	diagnose(&all, SEVERITY_ERROR, at(1, 7, 1), "second");
	diagnose(&all, SEVERITY_ERROR, at(1, 1, 1), "first");
	diagnose(&all, SEVERITY_ERROR, (struct place){ &list, 1, 1, 10 }, "of another file");
	text = print(&all, false);
	CHECK(strstr(text, "first") < strstr(text, "second"));
	CHECK(strstr(text, "second") < strstr(text, "third"));
	CHECK(strstr(text, "third") < strstr(text, "list.txt:1:1: error: of another file"));
	arena_free(arena);
}

TEST(related_places_and_none)
{
	WITH_DIAGNOSTICS(all);
	struct diagnostic *d = diagnose(&all, SEVERITY_ERROR_SURROUNDINGS, (struct place){ 0 }, "not root");

	diagnostic_related(&all, d, at(1, 7, 1), "chain '%s'", "c");
	diagnostic_related(&all, d, (struct place){ .source = &list }, "the file");
	CHECK_TEXT(print(&all, false), "weir: error: not root\n"
				       "edge.weir:1:7: note: chain 'c'\n    chain c {\n          ^\n"
				       "list.txt: note: the file\n");
	CHECK_NUMBER(all.exit_code, 3);
	arena_free(arena);
}

TEST(the_first_error_names_the_exit_code)
{
	WITH_DIAGNOSTICS(all);

	diagnose(&all, SEVERITY_NOTE, at(1, 1, 1), "a note");
	diagnose(&all, SEVERITY_WARNING, at(1, 1, 1), "a warning");
	CHECK_NUMBER(all.exit_code, 0);
	CHECK_NUMBER(all.errors, 0);
	CHECK_NUMBER(all.warnings, 1);
	diagnose(&all, SEVERITY_ERROR_KERNEL, at(1, 1, 1), "the kernel");
	diagnose(&all, SEVERITY_ERROR, at(1, 1, 1), "the policy");
	CHECK_NUMBER(all.exit_code, 2);
	CHECK_NUMBER(all.errors, 2);
	arena_free(arena);
}

TEST(too_many_are_counted_and_an_error_is_always_shown)
{
	WITH_DIAGNOSTICS(all);
	const char *text;

	for (int i = 0; i < LIMIT_DIAGNOSTICS + 20; i++)
		diagnose(&all, SEVERITY_WARNING, at(1, 1, 1), "a warning");
	diagnose(&all, SEVERITY_NOTE, at(1, 1, 1), "a note");
	diagnostic_hint(&all, diagnose(&all, SEVERITY_ERROR, at(2, 2, 7), "the error"), "its hint");
	CHECK_NUMBER(all.list.count, LIMIT_DIAGNOSTICS);
	text = print(&all, false);
	CHECK(strstr(text, "the error") != NULL);
	CHECK(strstr(text, "its hint") != NULL);
	CHECK(strstr(text, "weir: and 21 more\n") != NULL);
	arena_free(arena);
}

TEST(notes_do_not_hide_that_there_are_more)
{
	WITH_DIAGNOSTICS(all);

	for (int i = 0; i < 10; i++)
		diagnose(&all, SEVERITY_NOTE, at(1, 1, 1), "a note");
	for (int i = 0; i < LIMIT_DIAGNOSTICS; i++)
		diagnose(&all, SEVERITY_ERROR, at(1, 1, 1), "an error");
	CHECK(strstr(print(&all, false), "weir: and 10 more\n") != NULL);
	arena_free(arena);
}

TEST(colours_are_only_there_when_asked_for)
{
	WITH_DIAGNOSTICS(all);

	diagnose(&all, SEVERITY_ERROR, at(1, 1, 5), "red");
	CHECK(strchr(print(&all, false), '\033') == NULL);
	CHECK(strstr(print(&all, true), "\033[1;31merror:\033[0m red") != NULL);
	arena_free(arena);
}

TEST(a_near_match_is_what_was_meant)
{
	static const char *const words[] = { "accept", "drop", "tcp dport", "udp dport", "syn", "ack" };
	size_t count = sizeof(words) / sizeof(words[0]);

	CHECK_TEXT(near_match("acept", words, count), "accept");
	CHECK_TEXT(near_match("dorp", words, count), "drop");
	CHECK_TEXT(near_match("tcp dprot", words, count), "tcp dport");
	CHECK_TEXT(near_match("sny", words, count), "syn");
	CHECK_TEXT(near_match("accept", words, count), "accept");
	CHECK(near_match("reject-with-a-word", words, count) == NULL);
	CHECK(near_match("xyz", words, count) == NULL);
	CHECK(near_match("q", words, count) == NULL);
	CHECK(near_match("", words, count) == NULL);
	CHECK(near_match("drop", words, 0) == NULL);
	CHECK(near_match("a word that is very much longer than any word of the language could ever be", words, count) == NULL);
}

static ssize_t count_writes(void *context, const char *bytes, size_t size)
{
	(void)bytes;
	*(unsigned int *)context += 1;
	return (ssize_t)size;
}

TEST(many_are_written_at_once)
{
	WITH_DIAGNOSTICS(all);
	unsigned int writes = 0;
	FILE *out = fopencookie(&writes, "w", (cookie_io_functions_t){ .write = count_writes });

	setvbuf(out, NULL, _IONBF, 0); /* as stderr is */
	for (uint32_t i = 0; i < 100; i++)
		diagnose(&all, SEVERITY_WARNING, at(2, 2, 7), "number %u", i);
	diagnostics_print(&all, out, false);
	fclose(out);
	CHECK_NUMBER(writes, 1);
	arena_free(arena);
}

int main(void)
{
	RUN(an_error_shows_its_line_with_a_caret_and_a_hint);
	RUN(the_caret_counts_characters_not_bytes);
	RUN(a_place_past_the_end_of_its_line_is_held_to_it);
	RUN(what_would_steer_a_terminal_is_not_shown);
	RUN(of_a_long_line_the_part_around_the_mark_is_shown);
	RUN(a_long_line_that_is_no_text_is_cut_nonetheless);
	RUN(they_come_in_the_order_of_their_places);
	RUN(related_places_and_none);
	RUN(the_first_error_names_the_exit_code);
	RUN(too_many_are_counted_and_an_error_is_always_shown);
	RUN(notes_do_not_hide_that_there_are_more);
	RUN(colours_are_only_there_when_asked_for);
	RUN(many_are_written_at_once);
	RUN(a_near_match_is_what_was_meant);
	return tap_end();
}
