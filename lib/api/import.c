// SPDX-License-Identifier: GPL-2.0-only
/* Other firewalls' rule sets for the public. */
#include "import/import.h"

#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/limits.h"

static int cannot_read(struct weir_messages *messages, const char *path, int error)
{
	diagnose(&messages->diagnostics, SEVERITY_ERROR_SURROUNDINGS, (struct place){ 0 }, "cannot read '%s': %s", path,
		 error == -EFBIG ? "it is too large" : strerror(-error));
	return error;
}

static int read_standard_input(struct arena *arena, const struct source **ret_source)
{
	struct source *source = arena_new_object(arena, struct source);
	_cleanup_free_ char *text = NULL;
	size_t length = 0, room = 0;

	for (;;) {
		char *more;

		if (room - length < 65536) {
			room = room * 2 + 131072;
			if (room > LIMIT_SOURCE_BYTES)
				return -EFBIG;
			more = realloc(text, room);
			if (!more)
				return -ENOMEM;
			text = more;
		}
		size_t got = fread(text + length, 1, room - length - 1, stdin);

		if (!got)
			break;
		length += got;
	}
	if (ferror(stdin))
		return -EIO;
	source->name = "standard input";
	source->text = arena_strndup(arena, text, length);
	source->length = strlen(source->text);
	*ret_source = source;
	return 0;
}

static int read_file(struct arena *arena, const char *path, struct weir_messages *messages, const struct source **ret_source)
{
	const struct host *host = host_system();
	int error;

	if (strcmp(path, "-") == 0)
		error = read_standard_input(arena, ret_source);
	else
		error = host->read_file(host->context, arena, path, ret_source);
	return error ? cannot_read(messages, path, error) : 0;
}

int weir_import(const char *path, const struct weir_import_options *options, FILE *out, struct weir_messages *messages,
		size_t *ret_left_out)
{
	struct shared_arena *shared = shared_arena_new();
	struct import_options chosen = {
		.format = (enum import_format)OPTION(options, format, WEIR_IMPORT_DETECT),
		.hook = OPTION(options, hook, NULL),
		.chain = OPTION(options, chain, NULL),
		.verdict = OPTION(options, verdict, NULL),
	};
	const char *ipset = OPTION(options, ipset, NULL);
	const struct source *source;
	int error;

	messages_hold(messages, shared);
	error = read_file(shared->arena, path, messages, &source);
	if (!error && ipset)
		error = read_file(shared->arena, ipset, messages, &chosen.ipset);
	if (!error)
		error = import_run(shared->arena, host_system(), source, &chosen, out, &messages->diagnostics, ret_left_out);
	shared_arena_release(shared);
	return error;
}
