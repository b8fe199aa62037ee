// SPDX-License-Identifier: GPL-2.0-only
/* The public list of messages over the library's diagnostics. */
#include <errno.h>
#include <string.h>

#include "api/api.h"

struct shared_arena *shared_arena_new(void)
{
	struct arena *arena = arena_new();
	struct shared_arena *shared = arena_new_object(arena, struct shared_arena);

	*shared = (struct shared_arena){ .arena = arena, .holders = 1 };
	return shared;
}

struct shared_arena *shared_arena_hold(struct shared_arena *shared)
{
	__atomic_add_fetch(&shared->holders, 1, __ATOMIC_RELAXED);
	return shared;
}

void shared_arena_release(struct shared_arena *shared)
{
	if (shared && __atomic_sub_fetch(&shared->holders, 1, __ATOMIC_ACQ_REL) == 0)
		arena_free(shared->arena);
}

struct weir_messages *weir_messages_new(void)
{
	struct arena *arena = arena_new();
	struct weir_messages *messages = arena_new_object(arena, struct weir_messages);

	messages->arena = arena;
	diagnostics_init(&messages->diagnostics, arena);
	return messages;
}

static void release_held(struct weir_messages *messages)
{
	for (size_t i = 0; i < messages->held.count; i++)
		shared_arena_release(messages->held.items[i]);
	messages->held.count = 0;
}

void weir_messages_free(struct weir_messages *messages)
{
	if (!messages)
		return;
	release_held(messages);
	arena_free(messages->arena);
}

void weir_messages_clear(struct weir_messages *messages)
{
	/* The texts stay in the arena until the list is freed: it is for one run of a command, or one request. */
	release_held(messages);
	diagnostics_init(&messages->diagnostics, messages->arena);
}

void messages_hold(struct weir_messages *messages, struct shared_arena *shared)
{
	vector_push(messages->arena, &messages->held, shared_arena_hold(shared));
}

int messages_explain(struct weir_messages *messages, size_t errors_before, int error, const char *doing)
{
	if (messages->diagnostics.errors == errors_before)
		diagnose(&messages->diagnostics, SEVERITY_ERROR_SURROUNDINGS, (struct place){ 0 }, "%s: %s", doing,
			 strerror(-error));
	return error;
}

static const struct diagnostic *message(const struct weir_messages *messages, size_t index)
{
	return &messages->diagnostics.list.items[index];
}

static enum weir_severity public_severity(enum severity severity)
{
	if (severity == SEVERITY_NOTE)
		return WEIR_SEVERITY_NOTE;
	return severity == SEVERITY_WARNING ? WEIR_SEVERITY_WARNING : WEIR_SEVERITY_ERROR;
}

size_t weir_messages_count(const struct weir_messages *messages)
{
	return messages->diagnostics.list.count;
}

size_t weir_messages_count_of(const struct weir_messages *messages, enum weir_severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < messages->diagnostics.list.count; i++)
		count += public_severity(message(messages, i)->severity) == severity;
	return count;
}

enum weir_severity weir_messages_severity(const struct weir_messages *messages, size_t index)
{
	return public_severity(message(messages, index)->severity);
}

const char *weir_messages_text(const struct weir_messages *messages, size_t index)
{
	return message(messages, index)->message;
}

const char *weir_messages_hint(const struct weir_messages *messages, size_t index)
{
	return message(messages, index)->hint;
}

const char *weir_messages_file(const struct weir_messages *messages, size_t index)
{
	const struct source *source = message(messages, index)->place.source;

	return source ? source->name : NULL;
}

uint32_t weir_messages_line(const struct weir_messages *messages, size_t index)
{
	return message(messages, index)->place.line;
}

uint32_t weir_messages_column(const struct weir_messages *messages, size_t index)
{
	return message(messages, index)->place.column;
}

int weir_messages_exit_code(const struct weir_messages *messages)
{
	return messages->diagnostics.exit_code;
}

void weir_messages_print(const struct weir_messages *messages, FILE *out, bool colour)
{
	diagnostics_print(&messages->diagnostics, out, colour);
}

const char *weir_version(void)
{
	return WEIR_VERSION;
}
