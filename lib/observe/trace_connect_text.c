// SPDX-License-Identifier: GPL-2.0-only
/* Connections as lines for people. */
#include <string.h>

#include "base/escape.h"
#include "observe/trace_connect.h"
#include "report/events.h"

const char *trace_choice_text(struct arena *arena, const struct trace_choice *choice)
{
	const char *text = arena_printf(arena, "probe: %s %s", trace_probe_name(choice->probe), trace_probe_place(choice->probe));
	bool refused = false;

	if (choice->probe != TRACE_PROBE_TRACEPOINT)
		text = arena_printf(arena, "%s; how it went: tracepoint %s", text, trace_probe_place(TRACE_PROBE_TRACEPOINT));
	for (enum trace_probe probe = 0; probe < choice->probe; probe++) {
		if (!choice->errors[probe])
			continue;
		text = arena_printf(arena, "%s%s%s: %s", text, refused ? "; " : " (", trace_probe_name(probe),
				    strerror(-choice->errors[probe]));
		refused = true;
	}
	return refused ? arena_printf(arena, "%s)", text) : text;
}

/* "0.312 ms", "3.071 s" */
static const char *duration_words(struct arena *arena, uint64_t ns)
{
	uint64_t us = ns / 1000, ms = us / 1000;

	if (ms < 1000)
		return arena_printf(arena, "%llu.%03llu ms", (unsigned long long)ms, (unsigned long long)(us % 1000));
	return arena_printf(arena, "%llu.%03llu s", (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000));
}

/* "connected in 0.312 ms", "timed out after 3.071 s", "unreachable at once", "end: reset by peer after 1.002 s" */
static const char *result_words(struct arena *arena, const struct weir_connection_event *event, bool colour)
{
	const char *result = connection_result(event), *duration = duration_words(arena, connection_took_ns(event));
	bool good = event->change == WEIR_CONNECTION_MADE, end = event->change == WEIR_CONNECTION_ENDED;

	if (strcmp(result, "failed") == 0)
		result = arena_printf(arena, "failed (%s)", strerror((int)event->error));
	if (colour && !end)
		result = arena_printf(arena, "%s%s\033[0m", good ? "\033[32m" : "\033[1;31m", result);
	if (event->change == WEIR_CONNECTION_REFUSED_HERE)
		return arena_printf(arena, "%s at once", result);
	return arena_printf(arena, "%s%s %s %s", end ? "end: " : "", result, good ? "in" : "after", duration);
}

const char *connection_text(struct arena *arena, const struct weir_connection_event *event, const struct connection_style *style)
{
	const struct weir_connection *connection = &event->connection;
	const char *from = connection_address(arena, connection, connection->saddr, connection->sport);
	const char *to = connection_address(arena, connection, connection->daddr, connection->dport);
	const char *user = style->user ? escape_text(arena, style->user, strlen(style->user))
				       : arena_printf(arena, "uid %u", connection->uid);

	return arena_printf(arena, "%s  %s[%u] %s  %s > %s  %s", event_clock(arena, event->time_ns + style->offset_ns),
			    escape_text(arena, connection->command, sizeof(connection->command)), connection->pid, user,
			    from ? from : "-", to ? to : "-", result_words(arena, event, style->colour));
}
