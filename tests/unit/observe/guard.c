// SPDX-License-Identifier: GPL-2.0-only
/* What guards tell, in words and as JSON. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "kernel/lsm.h"
#include "observe/guard_nice.h"
#include "observe/guard_self_print.h"

#include "../../tap.h"

static const struct weir_nice_event attempt = {
	.by = { .pid = 4711, .uid = 0, .command = "renice" },
	.of = { .pid = 42, .uid = 1000, .command = "evil\033[31m" },
	.nice = -10,
	.refused = 1,
};

TEST(an_attempt_names_who_whom_and_to_what)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	setenv("TZ", "UTC", 1);
	CHECK_TEXT(nice_event_text(arena, &attempt, 3723000004000ull, "root"),
		   "01:02:03.000004  renice[4711] root  sets evil\\x1b[31m[42] to nice -10: refused");
	CHECK_TEXT(nice_event_text(arena, &attempt, 0, NULL),
		   "00:00:00.000000  renice[4711] uid 0  sets evil\\x1b[31m[42] to nice -10: refused");
}

static const char *dump(struct arena *arena, json_t *json)
{
	_cleanup_free_ char *line = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	return arena_strdup(arena, line);
}

TEST(an_attempt_as_json_has_the_same)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	CHECK_TEXT(dump(arena, nice_event_json(&attempt, 0, "root")),
		   "{\"schema\":1,\"time\":\"1970-01-01T00:00:00.000000Z\",\"by\":{\"pid\":4711,\"command\":\"renice\",\"uid\":0,"
		   "\"user\":\"root\"},\"process\":{\"pid\":42,\"command\":\"evil\\\\x1b[31m\",\"uid\":1000},\"nice\":-10,"
		   "\"result\":\"refused\"}");
}

static const char *print(struct arena *arena, const struct guard_status *status)
{
	_cleanup_free_ char *text = NULL;
	struct user_names *users = user_names_new("/nonexistent");
	size_t size;
	FILE *out = open_memstream(&text, &size);

	guard_status_print(status, users, 0, out);
	fclose(out);
	user_names_free(users);
	return arena_strdup(arena, text);
}

TEST(a_guard_that_is_off_says_so)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct guard_status status = { 0 };

	CHECK_TEXT(print(arena, &status), "weir does not guard itself\n");
}

TEST(each_kind_of_attempt_has_its_words)
{
	static const struct weir_guard_attempt attempts[] = {
		{ .action = WEIR_GUARD_LINK, .number = 12, .by = { 7, 0, "bpftool" } },
		{ .action = WEIR_GUARD_UNLINK, .by = { 8, 1, "rm" }, .name = "l_1_0" },
		{ .action = WEIR_GUARD_TC, .number = 3, .by = { 9, 0, "tc" } },
		{ .action = WEIR_GUARD_UMOUNT, .by = { 10, 0, "umount" } },
		{ .action = 99, .by = { 11, 0, "what" } },
	};
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct guard_status status = { .on = true, .links = 4, .maps = 3, .attempt_count = 5, .attempts = attempts };

	setenv("TZ", "UTC", 1);
	status.state.attempts = 70;
	strcpy(status.state.path, "/usr/bin/weir");
	CHECK_TEXT(print(arena, &status),
		   "weir guards itself since 1970-01-01 00:00:00: 4 links, 3 maps, 0 interfaces with clsact, and its pins\n"
		   "only /usr/bin/weir may change them\n"
		   "70 attempts were refused; the last:\n"
		   "  00:00:00.000000  bpftool[7] uid 0  detach or replace a link (id 12)\n"
		   "  00:00:00.000000  rm[8] uid 1  remove a pin: l_1_0\n"
		   "  00:00:00.000000  tc[9] uid 0  change the filters of tc of interface 3\n"
		   "  00:00:00.000000  umount[10] uid 0  unmount bpffs\n"
		   "  00:00:00.000000  what[11] uid 0  unknown\n");
}

TEST(a_kernel_without_it_is_told_what_to_boot)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct diagnostics diagnostics;

	diagnostics_init(&diagnostics, arena);
	CHECK_NUMBER(lsm_refuse(&diagnostics, "guard weir", LSM_IS_OFF), LSM_IS_OFF);
	CHECK_NUMBER(diagnostics.exit_code, 2);
	CHECK(strstr(diagnostics.list.items[0].message, "cannot guard weir: BPF is not among the security modules") != NULL);
	CHECK(strstr(diagnostics.list.items[0].hint, ",bpf' on the kernel's command line") != NULL);
}

int main(void)
{
	RUN(an_attempt_names_who_whom_and_to_what);
	RUN(an_attempt_as_json_has_the_same);
	RUN(a_guard_that_is_off_says_so);
	RUN(each_kind_of_attempt_has_its_words);
	RUN(a_kernel_without_it_is_told_what_to_boot);
	return tap_end();
}
