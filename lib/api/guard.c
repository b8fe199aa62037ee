// SPDX-License-Identifier: GPL-2.0-only
/* Guards, for the public: of nice values, and of weir itself. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "kernel/clock.h"
#include "kernel/guard.h"
#include "observe/guard_nice.h"
#include "observe/guard_self_print.h"
#include "report/json.h"

struct weir_guard {
	struct arena *arena;
	struct nice_guard *nice;
	struct user_names *users;
	enum weir_format format;
	void (*handle)(void *context, const char *line); /* during a call of weir_guard_read */
	void *context;
};

/* ---- Nice values ---- */

int weir_guard_nice(const uint32_t *pids, size_t count, const struct weir_guard_options *options, struct weir_messages *messages,
		    struct weir_guard **ret_guard)
{
	size_t errors = messages->diagnostics.errors;
	struct nice_guard *nice;
	struct weir_guard *guard;
	struct arena *arena;
	int error = nice_guard_open(pids, count, &nice, &messages->diagnostics);

	if (error)
		return messages_explain(messages, errors, error, "cannot guard nice values");
	arena = arena_new();
	guard = arena_new_object(arena, struct weir_guard);
	*guard = (struct weir_guard){ .arena = arena, .nice = nice, .users = user_names_new("/etc/passwd") };
	guard->format = OPTION(options, format, WEIR_FORMAT_TEXT);
	*ret_guard = guard;
	return 0;
}

void weir_guard_close(struct weir_guard *guard)
{
	if (!guard)
		return;
	nice_guard_close(guard->nice);
	user_names_free(guard->users);
	arena_free(guard->arena);
}

int weir_guard_fd(const struct weir_guard *guard)
{
	return nice_guard_fd(guard->nice);
}

static void handle_event(void *context, const struct weir_nice_event *event)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct weir_guard *guard = context;
	const char *user = user_name(guard->users, event->by.uid);
	uint64_t time_ns = event->time_ns + clock_offset_ns();

	guard->handle(guard->context, guard->format == WEIR_FORMAT_JSON ? json_line(arena, nice_event_json(event, time_ns, user))
									: nice_event_text(arena, event, time_ns, user));
}

int weir_guard_read(struct weir_guard *guard, int timeout_ms, void (*handle)(void *context, const char *line), void *context)
{
	guard->handle = handle;
	guard->context = context;
	return nice_guard_read(guard->nice, timeout_ms, handle_event, guard);
}

int weir_guard_lost(struct weir_guard *guard, uint64_t *ret_lost)
{
	*ret_lost = nice_guard_lost(guard->nice);
	return 0;
}

/* ---- weir itself ---- */

int weir_kernel_guard(struct weir_kernel *kernel, bool on, struct weir_messages *messages)
{
	size_t errors = messages->diagnostics.errors;
	int error = kernel_wants_change(kernel->change, messages);

	if (!error)
		error = on ? guard_on(kernel->kernel, &messages->diagnostics) : guard_off(kernel->kernel, &messages->diagnostics);
	return error ? messages_explain(messages, errors, error, "the guard cannot be changed") : 0;
}

int weir_kernel_guard_list(struct weir_kernel *kernel, enum weir_format format, FILE *out, struct weir_messages *messages)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	size_t errors = messages->diagnostics.errors;
	struct guard_status status = { 0 };
	struct user_names *users;
	json_t *json;
	int error = guard_look(kernel->kernel, arena, &status);

	if (error)
		return messages_explain(messages, errors, error, "cannot read the guard's state");
	users = user_names_new("/etc/passwd");
	if (format == WEIR_FORMAT_JSON) {
		json = guard_status_json(&status, users, clock_offset_ns());
		json_dumpf(json, out, REPORT_JSON_DOCUMENT);
		fputc('\n', out);
		json_decref(json);
	} else {
		guard_status_print(&status, users, clock_offset_ns(), out);
	}
	user_names_free(users);
	return 0;
}
