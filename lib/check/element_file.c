// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of set elements, one a line. A file may have millions of lines, so the plain ones (an address, a
 * prefix, a range without a name in it) are read straight away; whatever else goes the way of the parser.
 */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "check/checker.h"

#define MAX_ERRORS 20 /* of one file; then it is probably not a file of elements at all */

const char *file_path(struct checker *checker, const struct ast_value *file)
{
	const char *from = file->place.source ? file->place.source->name : "", *slash = strrchr(from, '/');

	if (file->text[0] == '/' || !slash)
		return file->text;
	return arena_printf(checker->arena, "%.*s/%s", (int)(slash - from), from, file->text);
}

static const struct source *read_elements(struct checker *checker, const struct ast_value *file)
{
	const char *path = file_path(checker, file);
	const struct source *source = NULL;
	struct diagnostic *d;
	int err = checker->host->read_file(checker->host->context, checker->arena, path, &source);

	if (!err)
		return source;
	d = diagnose(checker->diagnostics, SEVERITY_ERROR_SURROUNDINGS, file->place, "cannot read '%s': %s", path,
		     err == -EFBIG ? "it is too large" : strerror(-err));
	if (err == -ENOENT)
		diagnostic_hint(checker->diagnostics, d,
				"a relative path begins at the folder of the policy; an empty file is fine");
	else if (err == -EFBIG)
		diagnostic_hint(checker->diagnostics, d, "a file has at most %u MiB", LIMIT_SOURCE_BYTES >> 20);
	else
		diagnostic_hint(checker->diagnostics, d, "is it a file that this user may read?");
	return NULL;
}

/* A line that is one word of digits and of what stands in addresses, within blanks: it means what the parser would say. */
static bool read_plain(const struct policy_set *set, const char *line, size_t length, struct set_element *ret_element)
{
	const struct value_type_of wanted = { .type = set->types[0], .bits = value_type_bits(set->types[0]) };
	struct value_range *key = &ret_element->keys[0];
	char word[80];
	size_t start = strspn(line, " \t");

	while (length > start && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--;
	if (start >= length || length - start >= sizeof(word) || line[start] == '-' || line[start] == '.' || line[start] == '/')
		return false;
	for (size_t i = start; i < length; i++)
		if (!line[i] || !strchr("0123456789abcdefABCDEF.:/-", line[i]))
			return false;
	memcpy(word, line + start, length - start);
	word[length - start] = 0;
	if (value_range_read(&wanted, word, key) != RANGE_FINE || (value_compare(key->low, key->high) && !set_holds_ranges(set)))
		return false;
	ret_element->place.column = (uint32_t)start + 1;
	ret_element->place.length = (uint32_t)(length - start);
	return true;
}

static bool read_line(struct checker *checker, const struct policy_set *set, const char *line, struct place place,
		      struct element_list *elements)
{
	size_t errors = checker->diagnostics->errors;
	/* The line alone, so that it is not looked for in the whole file. */
	const struct source text = { place.source->name, line, place.length };
	const struct ast_value *value = syntax_parse_element(checker->arena, &text, place, checker->diagnostics);
	struct set_element element;

	if (!value)
		return checker->diagnostics->errors == errors; /* blank, or a comment */
	if (check_element(checker->arena, checker->host, set, value, &element, checker->diagnostics))
		return false;
	vector_push(checker->arena, &elements->list, element);
	return true;
}

static size_t count_lines(const struct source *source)
{
	size_t lines = 1;

	for (const char *at = source->text; (at = memchr(at, '\n', (size_t)(source->text + source->length - at))); at++)
		lines++;
	return lines;
}

bool element_file_read(struct checker *checker, const struct policy_set *set, const struct ast_value *file,
		       struct element_list *elements)
{
	const struct source *source = read_elements(checker, file);
	const char *line, *end;
	uint32_t number = 0;
	size_t errors = 0, lines;

	if (!source)
		return false;
	lines = count_lines(source);
	vector_reserve(checker->arena, &elements->list, lines < LIMIT_SET_SIZE ? lines : LIMIT_SET_SIZE);
	end = source->text + source->length;
	for (line = source->text; line < end && errors < MAX_ERRORS && elements->list.count <= LIMIT_SET_SIZE; number++) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((stop ? stop : end) - line);
		struct set_element element = { .place = { source, number + 1, 1, 0 } };

		if (length && line[length - 1] == '\r')
			length--;
		if (set->components == 1 && read_plain(set, line, length, &element))
			vector_push(checker->arena, &elements->list, element);
		else if (length &&
			 !read_line(checker, set, line, (struct place){ source, number + 1, 1, (uint32_t)length }, elements))
			errors++;
		line = stop ? stop + 1 : end;
	}
	if (errors == MAX_ERRORS)
		diagnose(checker->diagnostics, SEVERITY_NOTE, (struct place){ source, number + 1, 1, 0 },
			 "the rest of this file is not looked at");
	return errors == 0;
}
