// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "observe/trace_connect.h"
#include "report/json.h"
#include "../../tap.h"

static struct weir_connection_event event_of(uint32_t change, uint32_t error)
{
	return (struct weir_connection_event){
		.connection = {
			.begun_ns = 1000000000,
			.pid = 4711,
			.uid = 0,
			.sport = 40312,
			.dport = 80,
			.saddr = { 10, 0, 0, 1 },
			.daddr = { 10, 0, 0, 2 },
			.command = "curl",
			.version = 4,
			.connected_ns = change == WEIR_CONNECTION_MADE || change == WEIR_CONNECTION_ENDED ? 1000312000 : 0,
		},
		.time_ns = 3071000000,
		.change = change,
		.error = error,
	};
}

static const struct connection_style style = { .offset_ns = 1795255328052456789ull, .user = "root" };

TEST(a_connection_is_a_line_with_process_addresses_and_result)
{
	struct arena *arena = arena_new();
	struct weir_connection_event event = event_of(WEIR_CONNECTION_MADE, 0);

	CHECK_TEXT(connection_text(arena, &event, &style),
		   "10:02:11.123456  curl[4711] root  10.0.0.1:40312 > 10.0.0.2:80  connected in 0.312 ms");
	event = event_of(WEIR_CONNECTION_FAILED, ETIMEDOUT);
	CHECK(strstr(connection_text(arena, &event, &style), ":80  timed out after 2.071 s"));
	event.connection.version = 6;
	CHECK(strstr(connection_text(arena, &event, &style), "  [a00:1::]:40312 > [a00:2::]:80  "));
	arena_free(arena);
}

TEST(each_way_to_fail_has_its_word)
{
	static const struct {
		uint32_t error;
		const char *word;
	} cases[] = { { ECONNREFUSED, "refused" },     { ETIMEDOUT, "timed out" },     { ECONNRESET, "reset" },
		      { EHOSTUNREACH, "unreachable" }, { ENETUNREACH, "unreachable" }, { 0, "interrupted" },
		      { ECONNABORTED, "interrupted" }, { EADDRNOTAVAIL, "failed" } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_connection_event event = event_of(WEIR_CONNECTION_FAILED, cases[i].error);

		CHECK_TEXT(connection_result(&event), cases[i].word);
	}
}

TEST(an_end_is_told_by_error_or_by_who_closed_first)
{
	struct weir_connection_event event = event_of(WEIR_CONNECTION_ENDED, 0);

	CHECK_TEXT(connection_result(&event), "aborted");
	event.connection.closed_by = WEIR_CLOSED_HERE;
	CHECK_TEXT(connection_result(&event), "closed");
	event.connection.closed_by = WEIR_CLOSED_THERE;
	CHECK_TEXT(connection_result(&event), "closed by peer");
	event.error = EPIPE;
	CHECK_TEXT(connection_result(&event), "reset by peer");
	event.error = ETIMEDOUT;
	CHECK_TEXT(connection_result(&event), "timed out");
	CHECK_NUMBER(connection_took_ns(&event), 3071000000 - 1000312000);
}

TEST(what_it_never_had_is_not_made_up)
{
	struct arena *arena = arena_new();
	struct weir_connection_event event = event_of(WEIR_CONNECTION_REFUSED_HERE, ENETUNREACH);
	struct connection_style nameless = style;
	json_t *json;

	memset(event.connection.saddr, 0, 16);
	event.connection.sport = 0;
	memcpy(event.connection.command, "\033[2Jx\0", 6);
	nameless.user = NULL;
	CHECK(strstr(connection_text(arena, &event, &nameless), "  \\x1b[2Jx[4711] uid 0  - > 10.0.0.2:80  unreachable at once"));
	json = connection_json(&event, &nameless);
	CHECK(json_is_null(json_object_get(json, "saddr")) && json_is_null(json_object_get(json, "sport")));
	CHECK(json_is_null(json_object_get(json_object_get(json, "process"), "user")));
	CHECK_TEXT(json_string_value(json_object_get(json, "error")), "ENETUNREACH");
	json_decref(json);
	arena_free(arena);
}

TEST(the_first_line_names_the_probe_and_why_no_better_one)
{
	struct arena *arena = arena_new();
	struct trace_choice choice = { .probe = TRACE_PROBE_FENTRY };

	CHECK_TEXT(trace_choice_text(arena, &choice),
		   "probe: fentry tcp_connect; how it went: tracepoint sock:inet_sock_set_state");
	choice = (struct trace_choice){ .probe = TRACE_PROBE_TRACEPOINT, .errors = { -EPERM, -ENOENT } };
	CHECK_TEXT(
		trace_choice_text(arena, &choice),
		"probe: tracepoint sock:inet_sock_set_state (fentry: Operation not permitted; kprobe: No such file or directory)");
	arena_free(arena);
}

TEST(a_user_has_the_name_of_the_file_as_it_is_now)
{
	char path[] = "/tmp/weir-users.XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	struct user_names *names = user_names_new(path);
	struct timespec later[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	fputs("one:x:1001:1001::/:/bin/sh\n", file);
	fflush(file);
	CHECK_TEXT(user_name(names, 1001), "one");
	CHECK(!user_name(names, 1002));
	fputs("two:x:1002:1002::/:/bin/sh\n", file);
	fflush(file);
	futimens(fd, later);
	CHECK_TEXT(user_name(names, 1002), "two");
	CHECK(!user_name(names, 0));
	fclose(file);
	unlink(path);
	user_names_free(names);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	RUN(a_connection_is_a_line_with_process_addresses_and_result);
	RUN(each_way_to_fail_has_its_word);
	RUN(an_end_is_told_by_error_or_by_who_closed_first);
	RUN(what_it_never_had_is_not_made_up);
	RUN(the_first_line_names_the_probe_and_why_no_better_one);
	RUN(a_user_has_the_name_of_the_file_as_it_is_now);
	return tap_end();
}
