// SPDX-License-Identifier: GPL-2.0-only
/* Events for the public: each a line. */
#include <errno.h>
#include <stdlib.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "kernel/kernel.h"
#include "report/events.h"
#include "report/json.h"

struct weir_events {
	struct arena *arena;
	struct kernel_events *events;
	struct event_finder *finder;
	enum weir_format format;
	bool colour;
	void (*handle)(void *context, const char *line); /* during a call of weir_events_read */
	void *context;
};

int weir_events_open(struct weir_kernel *kernel, const struct weir_events_options *options, struct weir_messages *messages,
		     struct weir_events **ret_events)
{
	struct arena *arena = arena_new();
	struct weir_events *events = arena_new_object(arena, struct weir_events);
	size_t errors = messages->diagnostics.errors;
	int error = kernel_events_open(kernel->kernel, arena, &events->events, &messages->diagnostics);

	if (error) {
		arena_free(arena);
		return messages_explain(messages, errors, error, "cannot read events");
	}
	events->finder = event_finder_new(kernel->kernel);
	if (!events->finder) {
		kernel_events_close(events->events);
		arena_free(arena);
		return messages_explain(messages, errors, -ENOMEM, "cannot read events");
	}
	events->arena = arena;
	events->format = OPTION(options, format, WEIR_FORMAT_TEXT);
	events->colour = OPTION(options, colour, false);
	*ret_events = events;
	return 0;
}

void weir_events_close(struct weir_events *events)
{
	if (!events)
		return;
	event_finder_free(events->finder);
	kernel_events_close(events->events);
	arena_free(events->arena);
}

int weir_events_fd(const struct weir_events *events)
{
	return kernel_events_fd(events->events);
}

static void handle_event(void *context, const struct weir_event *event)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct weir_events *events = context;
	struct event_report report;

	event_find(events->finder, event, &report);
	events->handle(events->context, events->format == WEIR_FORMAT_JSON ? json_line(arena, event_json(&report))
									   : event_text(arena, &report, events->colour));
}

int weir_events_read(struct weir_events *events, int timeout_ms, void (*handle)(void *context, const char *line), void *context)
{
	events->handle = handle;
	events->context = context;
	return kernel_events_read(events->events, timeout_ms, handle_event, events);
}

int weir_events_lost(struct weir_events *events, uint64_t *ret_lost)
{
	return event_finder_lost(events->finder, ret_lost);
}
