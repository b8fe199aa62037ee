// SPDX-License-Identifier: GPL-2.0-only
/* Connections as JSON objects; docs/trace.md lists the members. */
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "observe/trace_connect.h"
#include "report/json.h"

json_t *trace_choice_json(const struct trace_choice *choice)
{
	json_t *refused = json_object();

	for (enum trace_probe probe = 0; probe < choice->probe; probe++)
		if (choice->errors[probe])
			json_object_set_new(refused, trace_probe_name(probe), json_text(strerrorname_np(-choice->errors[probe])));
	return json_pack("{s:i, s:o, s:o, s:o, s:o}", "schema", REPORT_SCHEMA, "probe",
			 json_text(trace_probe_name(choice->probe)), "at", json_text(trace_probe_place(choice->probe)),
			 "result_at", json_text(trace_probe_place(TRACE_PROBE_TRACEPOINT)), "refused", refused);
}

static json_t *time_json(uint64_t time_ns)
{
	return json_time(time_ns / 1000000000ull, (int64_t)(time_ns % 1000000000ull));
}

static json_t *process_json(struct arena *arena, const struct weir_connection *connection, const char *user)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "pid", json_number(connection->pid), "command",
			 json_text(escape_text(arena, connection->command, sizeof(connection->command))), "uid",
			 json_number(connection->uid), "user", json_text(user));
}

json_t *connection_json(const struct weir_connection_event *event, const struct connection_style *style)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct weir_connection *connection = &event->connection;
	bool end = event->change == WEIR_CONNECTION_ENDED;

	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", REPORT_SCHEMA,
			 "time", time_json(event->time_ns + style->offset_ns), "event", json_text(end ? "end" : "connect"),
			 "process", process_json(arena, connection, style->user), "netns", json_number_or_null(connection->netns),
			 "network", json_text(connection->version == 6 ? "ipv6" : "ipv4"), "saddr",
			 json_text(connection_address(arena, connection, connection->saddr, 0)), "sport",
			 json_number_or_null(connection->sport), "daddr",
			 json_text(connection_address(arena, connection, connection->daddr, 0)), "dport",
			 json_number(connection->dport), "result", json_text(connection_result(event)), "error",
			 json_text(event->error ? strerrorname_np((int)event->error) : NULL), "begun",
			 time_json(connection->begun_ns + style->offset_ns), end ? "lasted_us" : "took_us",
			 json_number(connection_took_ns(event) / 1000));
}
