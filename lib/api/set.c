// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets for the public. In: elements as text, one a line. All of them are read and checked before the first is handed to
 * the kernel, so that a slip in the last line changes nothing; they go to the kernel in batches.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "host/host.h"
#include "kernel/kernel.h"
#include "report/json.h"
#include "report/list.h"

#define BATCH	      1000000 /* elements handed to the kernel at once */
#define LINES_A_ARENA 4096  /* the syntax of so many lines is in memory at once */

struct weir_set {
	struct arena *arena;
	struct kernel_set *set;
	const char *policy;
	bool change;
};

int weir_set_open(struct weir_kernel *kernel, const char *policy, const char *set, struct weir_messages *messages,
		  struct weir_set **ret_set)
{
	struct arena *arena = arena_new();
	struct weir_set *opened = arena_new_object(arena, struct weir_set);
	size_t errors = messages->diagnostics.errors;
	int error = kernel_set_open(kernel->kernel, arena, policy, set, &opened->set, &messages->diagnostics);

	if (error) {
		arena_free(arena);
		return messages_explain(messages, errors, error, "cannot open the set");
	}
	opened->arena = arena;
	opened->policy = arena_strdup(arena, policy);
	opened->change = kernel->change;
	*ret_set = opened;
	return 0;
}

void weir_set_close(struct weir_set *set)
{
	if (!set)
		return;
	kernel_set_close(set->set);
	arena_free(set->arena);
}

/* Elements that were read; the array is malloc's, since a set may have millions and an arena keeps what it outgrew. */
struct element_list {
	struct set_element *items;
	size_t count, capacity;
};

static void element_list_free(struct element_list *list)
{
	free(list->items);
}

static int append(struct element_list *list, const struct set_element *element)
{
	size_t capacity = list->capacity ? 2 * list->capacity : 256;
	struct set_element *grown;

	if (list->count == list->capacity) {
		grown = realloc(list->items, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		list->items = grown;
		list->capacity = capacity;
	}
	list->items[list->count++] = *element;
	return 0;
}

/* All lines of SOURCE; what is wrong is in the diagnostics, and reading goes on. */
static int read_elements(const struct policy_set *set, const struct source *source, struct diagnostics *diagnostics,
			 struct element_list *list)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *line = source->text, *end = source->text + source->length, *stop;
	const struct host *host = host_system();
	size_t errors = diagnostics->errors;
	struct ast_value *value;
	struct set_element element;
	int error = 0;

	for (uint32_t number = 1; line < end && !error; number++, line = stop + 1) {
		struct place place = { .source = source, .line = number, .column = 1 };

		stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		place.length = (uint32_t)(stop - line);
		/* The line as a source of its own, so that nobody counts lines to find it. */
		value = syntax_parse_element(arena, &(struct source){ source->name, line, place.length }, place, diagnostics);
		if (value && check_element(arena, host, set, value, &element, diagnostics) == 0)
			error = append(list, &element);
		if (number % LINES_A_ARENA == 0) {
			arena_free(arena);
			arena = arena_new();
		}
	}
	return error ? error : diagnostics->errors > errors ? -EINVAL : 0;
}

static int explain_full(const struct weir_set *set, size_t done, size_t count, struct diagnostics *diagnostics)
{
	const struct policy_set *type = kernel_set_type(set->set);
	struct diagnostic *diagnostic = diagnose(diagnostics, SEVERITY_ERROR, (struct place){ 0 },
						 "the set '%s' of policy '%s' is full: %zu of %zu elements went in", type->name,
						 set->policy, done, count);

	if (type->grows)
		diagnostic_hint(diagnostics, diagnostic, "no set holds more than %uM; delete elements", LIMIT_SET_SIZE >> 20);
	else
		diagnostic_hint(diagnostics, diagnostic,
				"it has room for %u; name a greater 'size' in the policy and apply it again, or delete elements",
				type->size);
	return -ENOSPC;
}

static int explain_memory(const struct weir_set *set, size_t done, size_t count, struct diagnostics *diagnostics)
{
	struct diagnostic *diagnostic = diagnose(diagnostics, SEVERITY_ERROR_KERNEL, (struct place){ 0 },
						 "the kernel has no memory for a larger table of set '%s' of policy '%s': "
						 "%zu of %zu elements went in",
						 kernel_set_type(set->set)->name, set->policy, done, count);

	diagnostic_hint(diagnostics, diagnostic, "the set goes on as it is; weir list -v shows how much memory each takes");
	return -ENOMEM;
}

typedef int (*change)(const struct weir_set *set, const struct set_element *elements, size_t count,
		      struct diagnostics *diagnostics, size_t *ret_done);

static int add_some(const struct weir_set *set, const struct set_element *elements, size_t count, struct diagnostics *diagnostics,
		    size_t *ret_done)
{
	(void)diagnostics;
	return kernel_set_add(set->set, elements, count, ret_done);
}

/* What was not there may lie in a prefix that is: then it still counts, and whoever deleted it should know. */
static void warn_of_cover(const struct weir_set *set, const struct set_element *element, struct diagnostics *diagnostics)
{
	const struct policy_set *type = kernel_set_type(set->set);
	struct arena *arena = diagnostics->arena;
	struct set_element cover;
	struct diagnostic *said;

	if (!kernel_set_cover(set->set, element, &cover))
		return;
	said = diagnose(diagnostics, SEVERITY_WARNING, (struct place){ 0 },
			"%s is no element of set '%s', and is matched still: %s covers it", element_print(arena, type, element),
			type->name, element_print(arena, type, &cover));
	diagnostic_hint(diagnostics, said, "to delete that: weir set del %s %s %s", set->policy, type->name,
			element_print(arena, type, &cover));
}

static int delete_some(const struct weir_set *set, const struct set_element *elements, size_t count,
		       struct diagnostics *diagnostics, size_t *ret_done)
{
	_cleanup_free_ bool *there = calloc(count, sizeof(*there));
	size_t missing = 0, warned = 0;
	int error = there ? kernel_set_delete(set->set, elements, count, there, &missing) : -ENOMEM;

	*ret_done = error ? 0 : count - missing;
	for (size_t i = 0; !error && missing && i < count && warned < LIMIT_DIAGNOSTICS; i++)
		if (!there[i]) {
			warn_of_cover(set, &elements[i], diagnostics);
			warned++;
		}
	return error;
}

static int change_in_batches(const struct weir_set *set, const struct element_list *list, change change_some, const char *what,
			     const struct weir_set_options *options, struct diagnostics *diagnostics, size_t *done)
{
	void (*progress)(void *, const char *, uint64_t, uint64_t) = OPTION(options, progress, NULL);
	size_t some, batch;
	int error = 0;

	for (size_t at = 0; at < list->count && !error; at += batch) {
		batch = list->count - at < BATCH ? list->count - at : BATCH;
		some = 0;
		error = change_some(set, list->items + at, batch, diagnostics, &some);
		*done += some;
		if (progress)
			progress(OPTION(options, context, NULL), what, at + batch, list->count);
	}
	return error;
}

/* The source is in an arena that the messages keep, since they quote its lines. */
static const struct source *make_source(struct arena *arena, const char *name, const char *text)
{
	struct source *source = arena_new_object(arena, struct source);

	source->name = arena_strdup(arena, name);
	source->length = strlen(text);
	source->text = arena_strndup(arena, text, source->length);
	return source;
}

static int change_set(struct weir_set *set, const char *text, const struct weir_set_options *options,
		      struct weir_messages *messages, change change_some, size_t *ret_done)
{
	_cleanup_(element_list_free) struct element_list list = { 0 };
	struct shared_arena *shared = shared_arena_new();
	const struct source *source = make_source(shared->arena, OPTION(options, source, NULL) ?: "elements", text);
	size_t errors = messages->diagnostics.errors, done = 0;
	bool adds = change_some == add_some;
	int error = kernel_wants_change(set->change, messages);

	error = error ? error : read_elements(kernel_set_type(set->set), source, &messages->diagnostics, &list);
	if (messages->diagnostics.errors > errors)
		messages_hold(messages, shared);
	shared_arena_release(shared);
	if (!error)
		error = change_in_batches(set, &list, change_some, adds ? "adding elements" : "deleting elements", options,
					  &messages->diagnostics, &done);
	if (ret_done)
		*ret_done = done;
	if (error == -ENOSPC)
		return explain_full(set, done, list.count, &messages->diagnostics);
	if (adds && error == -ENOMEM)
		return explain_memory(set, done, list.count, &messages->diagnostics);
	return error ? messages_explain(messages, errors, error, "the set cannot be changed") : 0;
}

int weir_set_add(struct weir_set *set, const char *text, const struct weir_set_options *options, struct weir_messages *messages,
		 size_t *ret_done)
{
	return change_set(set, text, options, messages, add_some, ret_done);
}

int weir_set_delete(struct weir_set *set, const char *text, const struct weir_set_options *options,
		    struct weir_messages *messages, size_t *ret_done)
{
	return change_set(set, text, options, messages, delete_some, ret_done);
}

int weir_set_flush(struct weir_set *set, struct weir_messages *messages)
{
	size_t errors = messages->diagnostics.errors;
	int error = kernel_wants_change(set->change, messages);

	error = error ? error : kernel_set_flush(set->set);
	return error ? messages_explain(messages, errors, error, "the set cannot be emptied") : 0;
}

int weir_set_print(struct weir_set *set, enum weir_format format, FILE *out, struct weir_messages *messages)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct policy_set *type = kernel_set_type(set->set);
	size_t errors = messages->diagnostics.errors, count;
	const struct set_element *elements;
	int error = kernel_set_list(set->set, arena, &count, &elements);
	json_t *json;

	if (error)
		return messages_explain(messages, errors, error, "the set cannot be read");
	if (format == WEIR_FORMAT_JSON) {
		json = set_json(set->policy, type, count, elements);
		json_dumpf(json, out, REPORT_JSON_DOCUMENT);
		json_decref(json);
		fputc('\n', out);
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s\n", element_print_counted(arena, type, &elements[i]));
	return 0;
}
