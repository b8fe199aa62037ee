// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernels from 6.19 on are compiled with -fms-extensions: a structure may hold another one by its type alone, `struct head;`, and
 * its members count as members of the outer one. libbpf writes that as it is, which means nothing to other compilers. Here such a
 * line becomes a structure without a name that has the same members; CO-RE finds them all the same.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "observe/kernel_types.h"

/* Of "\t\tstruct head;" the part "struct head", and how many tabs come before; NULL: the line is something else. */
static const char *held_type(struct arena *arena, const char *line, size_t length, size_t *ret_tabs)
{
	size_t tabs = strspn(line, "\t"), end;

	if (tabs == 0 || length < tabs + 8 || line[length - 1] != ';')
		return NULL;
	if (strncmp(line + tabs, "struct ", 7) != 0 && strncmp(line + tabs, "union ", 6) != 0)
		return NULL;
	end = (size_t)(strchr(line + tabs, ' ') - line) + 1;
	while (end < length && (isalnum((unsigned char)line[end]) || line[end] == '_'))
		end++;
	if (end != length - 1)
		return NULL;
	*ret_tabs = tabs;
	return arena_strndup(arena, line + tabs, end - tabs);
}

/* The definition of "struct head" in what was written before: from the line behind its own to "}"; NULL: there is none. */
static const char *definition(struct arena *arena, const char *written, const char *type, const char **ret_end)
{
	const char *head = arena_printf(arena, "\n%s {\n", type), *begin = strstr(written, head);

	if (!begin)
		return NULL;
	begin += strlen(head);
	*ret_end = strstr(begin - 1, "\n}");
	return *ret_end ? begin : NULL;
}

static void print_tabs(size_t tabs, FILE *out)
{
	while (tabs--)
		fputc('\t', out);
}

static bool expand_line(struct arena *arena, const char *written, const char *line, size_t length, FILE *out)
{
	const char *end, *type, *body;
	size_t tabs;

	type = held_type(arena, line, length, &tabs);
	body = type ? definition(arena, written, type, &end) : NULL;
	if (!body)
		return false;
	print_tabs(tabs, out);
	fprintf(out, "%.*s {\n", (int)strcspn(type, " "), type);
	while (body < end + 1) {
		size_t size = strcspn(body, "\n");

		print_tabs(tabs, out);
		fprintf(out, "%.*s\n", (int)size, body);
		body += size + 1;
	}
	print_tabs(tabs, out);
	/* With what stands behind it: "} __attribute__((packed));" */
	fprintf(out, "%.*s\n", (int)strcspn(end + 1, "\n"), end + 1);
	return true;
}

int kernel_types_expand(const char *text, FILE *out)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_free_ char *written = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&written, &size);

	if (!memory)
		return -ENOMEM;
	fputc('\n', memory);
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		fflush(memory); /* so that what was written can be read */
		if (!expand_line(arena, written, line, length, memory))
			fprintf(memory, "%.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
	if (fclose(memory))
		return -ENOMEM;
	fwrite(written + 1, 1, size - 1, out);
	return 0;
}
