// SPDX-License-Identifier: GPL-2.0-only
/* Log records become text; what is none is refused, however it is cut. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>

#include "object/object.h"
#include "../../tap.h"
#include "weir/log_record.h"

struct line {
	struct weir_log_record head;
	struct weir_log_value values[8];
	char rest[64]; /* format and file */
};

static size_t make_line(struct line *line, const char *format, size_t count)
{
	size_t length = strlen(format) + 1, at = sizeof(line->head) + count * sizeof(line->values[0]);

	line->head = (struct weir_log_record){ .time_ns = 1, .line = 7, .level = 3, .count = count, .format_length = length };
	memcpy((char *)line + at, format, length);
	memcpy((char *)line + at + length, "x.bpf.c", 8);
	return at + length + 8;
}

/* The text of FORMAT with a value of each kind. */
static const char *text_of(struct arena *arena, const char *format)
{
	struct weir_log_line line;
	struct line record = { .values = { { .words = { 0xfffffffb }, .kind = WEIR_LOG_VALUE_UNSIGNED },
					   { .words = { (uint64_t)-5 }, .kind = WEIR_LOG_VALUE_SIGNED },
					   { .words = { htonl(0x0a000001) }, .kind = WEIR_LOG_VALUE_UNSIGNED },
					   { .kind = WEIR_LOG_VALUE_IP6 },
					   { .kind = WEIR_LOG_VALUE_MAC },
					   { .kind = WEIR_LOG_VALUE_TEXT } } };

	inet_pton(AF_INET6, "fd00::1", record.values[3].words);
	memcpy(record.values[4].words, "\2\0\0\0\0\n", 6);
	memcpy(record.values[5].words, "a\033b\302\233", 6); /* the second turns terminals, too */
	if (!log_record_read(arena, &record, make_line(&record, format, 6), &line))
		return NULL;
	return line.text;
}

TEST(each_kind_of_value_has_its_form)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(text_of(arena, "{} {} {ip4} {ip6} {mac} {s}"), "4294967291 -5 10.0.0.1 fd00::1 02:00:00:00:00:0a a\\x1bb\\xc2\\x9b");
	CHECK_TEXT(text_of(arena, "{i32} {u8} {x}"), "-5 251 0x100000a");
	CHECK_TEXT(text_of(arena, "{u16} {be16}"), "65531 64511");
	arena_free(arena);
}

TEST(the_value_decides_where_the_word_is_another)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(text_of(arena, "{ip6} {mac} {nonsense} {u32}"), "4294967291 -5 16777226 fd00::1");
	arena_free(arena);
}

TEST(braces_and_missing_values)
{
	struct arena *arena = arena_new();

	CHECK_TEXT(text_of(arena, "{{}} {"), "{} {");
	CHECK_TEXT(text_of(arena, "{}{}{}{}{}{} {}"), "4294967291-516777226fd00::102:00:00:00:00:0aa\\x1bb\\xc2\\x9b ?");
	arena_free(arena);
}

TEST(a_record_that_is_cut_is_none)
{
	struct arena *arena = arena_new();
	struct line record = { 0 };
	struct weir_log_line line = { .line = 9999 };
	size_t length = make_line(&record, "{} {}", 2);

	CHECK(log_record_read(arena, &record, length, &line));
	line.line = 9999;
	for (size_t i = 0; i < length; i++) {
		void *exact = malloc(i + 1);

		memcpy(exact, &record, i);
		CHECK(!log_record_read(arena, exact, i, &line));
		free(exact);
	}
	CHECK_NUMBER(line.line, 9999);
	arena_free(arena);
}

/* One of aya-log 0.3, with its size in front. */
static const char aya[] = "\0\0"
			  "\0\3\0app\1\1\0\2\2\1\0m\3\4\0f.rs\4\4\0\5\0\0\0\5\4\0\12\0\0\0"
			  "\24\2\0n \0\1\0\2\7\2\0\377\0\24\1\0 \0\1\0\5\20\6\0\1\2\3\4\5\6\24\1\0 \1\1\0\376\24\1\0 \21\20\0"
			  "\375\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1";

TEST(aya_records_become_text)
{
	struct arena *arena = arena_new();
	struct weir_log_line line = { 0 };
	char record[sizeof(aya) - 1];
	uint16_t size = sizeof(record);

	memcpy(record, aya, sizeof(record));
	memcpy(record, &size, sizeof(size));
	CHECK(aya_record_read(arena, record, sizeof(record), true, &line));
	CHECK_TEXT(line.text, "n ff 01:02:03:04:05:06 -2 fd00::1");
	CHECK_TEXT(line.object, "app");
	CHECK_NUMBER(line.level, WEIR_LOG_WARN);
	CHECK_NUMBER(line.line, 5);
	CHECK(!aya_record_read(arena, record, sizeof(record), false, &line));
	for (uint16_t i = 0; i < sizeof(record); i++) {
		char *exact = malloc(sizeof(record));

		memcpy(exact, record, i);
		if (i >= 2)
			memcpy(exact, &i, sizeof(i));
		exact = realloc(exact, i + !i);
		CHECK(!aya_record_read(arena, exact, i, true, &line));
		free(exact);
	}
	arena_free(arena);
}

TEST(handles_of_tc_are_hexadecimal)
{
	uint32_t handle = 9999;

	CHECK_NUMBER(tc_handle_parse("1:10", &handle), 0);
	CHECK_NUMBER(handle, 0x10010);
	CHECK_NUMBER(tc_handle_parse("ffff:", &handle), 0);
	CHECK_NUMBER(handle, 0xffff0000);
	handle = 9999;
	CHECK(tc_handle_parse("1", &handle) && tc_handle_parse("10000:", &handle) && tc_handle_parse("1:x", &handle) &&
	      tc_handle_parse(":1", &handle) && tc_handle_parse("", &handle));
	CHECK_NUMBER(handle, 9999);
}

TEST(sections_name_hooks)
{
	const char *target;

	CHECK_NUMBER(hook_find("action-mark", &target)->way, WAY_TC_ACTION);
	CHECK_NUMBER(hook_find("lb", &target)->way, WAY_TC_INGRESS);
	CHECK_NUMBER(hook_find("cgroup_skb/egress", &target)->attach_type, BPF_CGROUP_INET_EGRESS);
	CHECK_NUMBER(hook_find("xdp/xdp_hello", &target)->way, WAY_XDP);
	CHECK(!target);
	CHECK_NUMBER(hook_find("kprobe/tcp_connect", &target)->way, WAY_KPROBE);
	CHECK_TEXT(target, "tcp_connect");
	CHECK(!hook_find("mycls", &target) && !hook_find("xdpx", &target) && !hook_find("actions", &target));
}

int main(void)
{
	RUN(each_kind_of_value_has_its_form);
	RUN(the_value_decides_where_the_word_is_another);
	RUN(braces_and_missing_values);
	RUN(a_record_that_is_cut_is_none);
	RUN(aya_records_become_text);
	RUN(handles_of_tc_are_hexadecimal);
	RUN(sections_name_hooks);
	return tap_end();
}
