// SPDX-License-Identifier: GPL-2.0-only
#include "observe/guard_self_print.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "report/events.h"
#include "report/json.h"

static const char *action_words(uint32_t action)
{
	static const char *const words[] = {
#define X(id, text) text,
		WEIR_GUARD_ACTIONS(X)
#undef X
	};

	return action < WEIR_GUARD_ACTION_COUNT ? words[action] : "unknown";
}

static const char *day_words(struct arena *arena, uint64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm parts;
	char text[32];

	if (!localtime_r(&time, &parts) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts))
		return "an unknown time";
	return arena_strdup(arena, text);
}

static void print_attempt(const struct weir_guard_attempt *attempt, const char *user, uint64_t offset_ns, FILE *out)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *what = "";

	if (attempt->name[0])
		what = arena_printf(arena, ": %s", escape_text(arena, attempt->name, sizeof(attempt->name)));
	else if (attempt->action == WEIR_GUARD_TC)
		what = arena_printf(arena, " of interface %u", attempt->number);
	else if (attempt->number)
		what = arena_printf(arena, " (id %u)", attempt->number);
	fprintf(out, "  %s  %s[%u] %s  %s%s\n", event_clock(arena, attempt->time_ns + offset_ns),
		escape_text(arena, attempt->by.command, sizeof(attempt->by.command)), attempt->by.pid,
		user ? escape_text(arena, user, strlen(user)) : arena_printf(arena, "uid %u", attempt->by.uid),
		action_words(attempt->action), what);
}

void guard_status_print(const struct guard_status *status, struct user_names *users, uint64_t offset_ns, FILE *out)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	unsigned long long attempts = status->state.attempts;

	if (!status->on) {
		fputs("weir does not guard itself\n", out);
		return;
	}
	fprintf(out, "weir guards itself since %s: %u links, %u maps, %u interfaces with clsact, and its pins\n",
		day_words(arena, status->state.since_s), status->links, status->maps, status->interfaces);
	fprintf(out, "only %s may change them\n", escape_text(arena, status->state.path, sizeof(status->state.path)));
	fprintf(out, "%llu attempt%s refused%s\n", attempts, attempts == 1 ? " was" : "s were",
		attempts > status->attempt_count ? "; the last:"
		: attempts			 ? ":"
						 : "");
	for (uint32_t i = 0; i < status->attempt_count; i++)
		print_attempt(&status->attempts[i], user_name(users, status->attempts[i].by.uid), offset_ns, out);
}

static json_t *attempt_json(const struct weir_guard_attempt *attempt, const char *user, uint64_t offset_ns)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	uint64_t time_ns = attempt->time_ns + offset_ns;

	return json_pack("{s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o, s:o}}", "time",
			 json_time(time_ns / 1000000000ull, (int64_t)(time_ns % 1000000000ull)), "attempt",
			 json_text(action_words(attempt->action)), "number", json_number_or_null(attempt->number), "name",
			 json_text(attempt->name[0] ? escape_text(arena, attempt->name, sizeof(attempt->name)) : NULL), "by",
			 "pid", json_number(attempt->by.pid), "command",
			 json_text(escape_text(arena, attempt->by.command, sizeof(attempt->by.command))), "uid",
			 json_number(attempt->by.uid), "user", json_text(user));
}

json_t *guard_status_json(const struct guard_status *status, struct user_names *users, uint64_t offset_ns)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	json_t *attempts = json_array();

	for (uint32_t i = 0; i < status->attempt_count; i++)
		json_array_append_new(
			attempts, attempt_json(&status->attempts[i], user_name(users, status->attempts[i].by.uid), offset_ns));
	return json_pack("{s:i, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", REPORT_SCHEMA, "on", status->on, "since",
			 status->on ? json_time(status->state.since_s, -1) : json_null(), "program",
			 json_text(status->on ? escape_text(arena, status->state.path, sizeof(status->state.path)) : NULL),
			 "links", json_number(status->links), "maps", json_number(status->maps), "interfaces",
			 json_number(status->interfaces), "refused", json_number(status->state.attempts), "last", attempts);
}
