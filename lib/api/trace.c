// SPDX-License-Identifier: GPL-2.0-only
/* Connections for the public: each a line. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "kernel/clock.h"
#include "observe/trace_connect.h"
#include "report/json.h"

struct weir_connections {
	struct arena *arena;
	struct trace_connect *trace;
	struct user_names *users;
	enum weir_format format;
	bool colour;
	const char *first_line;
	void (*handle)(void *context, const char *line); /* during a call of weir_connections_read */
	void *context;
};

static enum trace_probe inner_probe(enum weir_probe probe)
{
	switch (probe) {
	case WEIR_PROBE_FENTRY:
		return TRACE_PROBE_FENTRY;
	case WEIR_PROBE_KPROBE:
		return TRACE_PROBE_KPROBE;
	case WEIR_PROBE_TRACEPOINT:
		return TRACE_PROBE_TRACEPOINT;
	default:
		return TRACE_PROBE_COUNT;
	}
}

int weir_connections_open(const struct weir_connections_options *options, struct weir_messages *messages,
			  struct weir_connections **ret_connections)
{
	size_t errors = messages->diagnostics.errors;
	const struct trace_choice *choice;
	struct weir_connections *connections;
	struct trace_connect *trace;
	struct arena *arena;
	int error = trace_connect_open(inner_probe(OPTION(options, probe, WEIR_PROBE_BEST)), OPTION(options, ends, false), &trace,
				       &messages->diagnostics);

	if (error)
		return messages_explain(messages, errors, error, "cannot trace connections");
	arena = arena_new();
	connections = arena_new_object(arena, struct weir_connections);
	connections->arena = arena;
	connections->trace = trace;
	connections->users = user_names_new("/etc/passwd");
	connections->format = OPTION(options, format, WEIR_FORMAT_TEXT);
	connections->colour = OPTION(options, colour, false);
	choice = trace_connect_choice(trace);
	connections->first_line = connections->format == WEIR_FORMAT_JSON ? json_line(arena, trace_choice_json(choice))
									  : trace_choice_text(arena, choice);
	*ret_connections = connections;
	return 0;
}

void weir_connections_close(struct weir_connections *connections)
{
	if (!connections)
		return;
	trace_connect_close(connections->trace);
	user_names_free(connections->users);
	arena_free(connections->arena);
}

const char *weir_connections_probe(const struct weir_connections *connections)
{
	return connections->first_line;
}

int weir_connections_fd(const struct weir_connections *connections)
{
	return trace_connect_fd(connections->trace);
}

static void handle_event(void *context, const struct weir_connection_event *event)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct weir_connections *connections = context;
	struct connection_style style = {
		.offset_ns = clock_offset_ns(),
		.user = user_name(connections->users, event->connection.uid),
		.colour = connections->colour,
	};

	connections->handle(connections->context, connections->format == WEIR_FORMAT_JSON
							  ? json_line(arena, connection_json(event, &style))
							  : connection_text(arena, event, &style));
}

int weir_connections_read(struct weir_connections *connections, int timeout_ms, void (*handle)(void *context, const char *line),
			  void *context)
{
	connections->handle = handle;
	connections->context = context;
	return trace_connect_read(connections->trace, timeout_ms, handle_event, connections);
}

int weir_connections_lost(struct weir_connections *connections, uint64_t *ret_lost)
{
	*ret_lost = trace_connect_lost(connections->trace);
	return 0;
}
