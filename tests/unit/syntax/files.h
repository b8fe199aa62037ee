/* SPDX-License-Identifier: GPL-2.0-only */
/* Parsing for tests: texts in, the printed tree and the messages out. Files to include stand in memory. */
#ifndef WEIR_TESTS_SYNTAX_FILES_H
#define WEIR_TESTS_SYNTAX_FILES_H

#include <errno.h>
#include <stdlib.h>

#include "../../tap.h"
#include "syntax/ast.h"

/* name, text, name, text, NULL */
static const char *const *files;

static inline int read_from_memory(void *context, struct arena *arena, const char *name, const struct source **ret_source)
{
	(void)context;
	for (const char *const *file = files; file && *file; file += 2)
		if (strcmp(file[0], name) == 0) {
			struct source *source = arena_new_object(arena, struct source);

			*source = (struct source){ arena_strdup(arena, name), file[1], strlen(file[1]) };
			*ret_source = source;
			return 0;
		}
	return -ENOENT;
}

static const struct host memory = { .read_file = read_from_memory };

struct parsed {
	struct arena *arena;
	struct diagnostics diagnostics;
	const struct ast *ast;
	char *printed; /* the tree */
};

/* LENGTH bytes that do not end in NUL, in memory of just that size, so that reading past the end is seen. */
static inline struct parsed parse_bytes(const char *bytes, size_t length)
{
	struct parsed parsed = { .arena = arena_new() };
	struct source *source = arena_new_object(parsed.arena, struct source);
	char *copy = malloc(length ? length : 1);
	size_t size;
	FILE *out = open_memstream(&parsed.printed, &size);

	memcpy(copy, bytes, length);
	*source = (struct source){ "folder/test.weir", copy, length };
	diagnostics_init(&parsed.diagnostics, parsed.arena);
	parsed.ast = syntax_parse(parsed.arena, &memory, source, &parsed.diagnostics);
	ast_print(parsed.ast, out);
	fclose(out);
	return parsed;
}

static inline struct parsed parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

/* "3:5 no such field 'ip sadr'; 4:1 ..." */
static inline const char *messages(struct parsed *parsed)
{
	const char *all = "";

	for (size_t i = 0; i < parsed->diagnostics.list.count; i++) {
		const struct diagnostic *d = &parsed->diagnostics.list.items[i];

		all = arena_printf(parsed->arena, "%s%s%u:%u %s", all, i ? "; " : "", d->place.line, d->place.column, d->message);
	}
	return all;
}

static inline void done(struct parsed *parsed)
{
	free((char *)parsed->ast->source->text);
	free(parsed->printed);
	arena_free(parsed->arena);
}

#endif
