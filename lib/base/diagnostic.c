// SPDX-License-Identifier: GPL-2.0-only
#include "base/diagnostic.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

void diagnostics_init(struct diagnostics *diagnostics, struct arena *arena)
{
	*diagnostics = (struct diagnostics){ .arena = arena };
}

struct diagnostic *diagnose(struct diagnostics *diagnostics, enum severity severity, struct place place, const char *format, ...)
{
	va_list arguments;
	struct diagnostic fresh = { .severity = severity, .place = place };

	if (severity >= SEVERITY_ERROR && diagnostics->errors++ == 0)
		diagnostics->exit_code = 1 + (int)(severity - SEVERITY_ERROR);
	if (severity == SEVERITY_WARNING)
		diagnostics->warnings++;
	va_start(arguments, format);
	fresh.message = arena_vprintf(diagnostics->arena, format, arguments);
	va_end(arguments);
	/* The last place is kept for an error, so that a run that fails always shows one. */
	if (diagnostics->list.count >= LIMIT_DIAGNOSTICS) {
		struct diagnostic *last = &diagnostics->list.items[LIMIT_DIAGNOSTICS - 1];
		struct diagnostic *dropped = arena_new_object(diagnostics->arena, struct diagnostic);

		if (severity >= SEVERITY_ERROR && last->severity < SEVERITY_ERROR)
			dropped = last;
		*dropped = fresh;
		return dropped;
	}
	vector_push(diagnostics->arena, &diagnostics->list, fresh);
	return &diagnostics->list.items[diagnostics->list.count - 1];
}

void diagnostic_hint(struct diagnostics *diagnostics, struct diagnostic *diagnostic, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	diagnostic->hint = arena_vprintf(diagnostics->arena, format, arguments);
	va_end(arguments);
}

void diagnostic_related(struct diagnostics *diagnostics, struct diagnostic *diagnostic, struct place place, const char *format,
			...)
{
	size_t at = diagnostic->related[0].message ? 1 : 0;
	va_list arguments;

	va_start(arguments, format);
	diagnostic->related[at].place = place;
	diagnostic->related[at].message = arena_vprintf(diagnostics->arena, format, arguments);
	va_end(arguments);
}

static const char *line_of(const struct place *place, size_t *ret_length)
{
	const char *line = place->source->text, *end = line + place->source->length, *stop;

	for (uint32_t i = 1; i < place->line && line < end; i++) {
		stop = memchr(line, '\n', (size_t)(end - line));
		line = stop ? stop + 1 : end;
	}
	stop = memchr(line, '\n', (size_t)(end - line));
	*ret_length = (size_t)((stop ? stop : end) - line);
	return line;
}

/* What is shown of a line: all of it, or a window around the mark. */
#define SHOWN_LINE   160
#define SHOWN_BEFORE 60 /* bytes before the mark, of a line that is longer */

static bool is_continuation(char byte) /* of a character of UTF-8 */
{
	return (byte & 0xc0) == 0x80;
}

/*
 * A policy is somebody's text: bytes that would steer a terminal are shown as '?'. Tabs stay, so that lines align,
 * and the ends of lines in a message, which may quote a log.
 */
static void print_safe(const char *text, size_t length, FILE *out)
{
	for (size_t i = 0; i < length; i++) {
		bool control = ((unsigned char)text[i] < 0x20 && text[i] != '\t' && text[i] != '\n') || text[i] == 0x7f;

		/* U+0080 to U+009F, the second set of controls */
		if ((unsigned char)text[i] == 0xc2 && i + 1 < length && (unsigned char)text[i + 1] < 0xa0) {
			control = true;
			i++;
		}
		fputc(control ? '?' : text[i], out);
	}
}

/* What begins and ends a colour; both "" where there are none. */
struct colour {
	const char *on, *off;
};

/* The line and, under it, a caret and tildes. */
static void print_line(const struct place *place, struct colour colour, FILE *out)
{
	size_t length, start = place->column - 1, marked = place->length ? place->length : 1, first = 0;
	const char *line = line_of(place, &length), *before = "", *behind = "";

	if (start > length)
		start = length;
	if (length > SHOWN_LINE) {
		if (start > SHOWN_BEFORE) {
			for (first = start - SHOWN_BEFORE; first < start && is_continuation(line[first]);)
				first++;
			before = "...";
		}
		if (length - first > SHOWN_LINE) {
			for (length = first + SHOWN_LINE; length > start && is_continuation(line[length]);)
				length--;
			behind = "...";
		}
	}
	if (marked > length - start)
		marked = length > start ? length - start : 1;
	fprintf(out, "    %s", before);
	print_safe(line + first, length - first, out);
	fprintf(out, "%s\n    %*s", behind, (int)strlen(before), "");
	for (size_t i = first; i < start; i++)
		if (!is_continuation(line[i])) /* one blank a character, not a byte */
			fputc(line[i] == '\t' ? '\t' : ' ', out);
	fprintf(out, "%s^", colour.on);
	for (size_t i = 1; i < marked; i++)
		if (!is_continuation(line[start + i]))
			fputc('~', out);
	fprintf(out, "%s\n", colour.off);
}

static void print_message(const struct place *place, const char *word, struct colour colour, const char *message, FILE *out)
{
	if (place->source)
		print_safe(place->source->name, strlen(place->source->name), out);
	else
		fputs("weir", out);
	if (place->source && place->line)
		fprintf(out, ":%u:%u", place->line, place->column);
	fprintf(out, ": %s%s:%s ", colour.on, word, colour.off);
	print_safe(message, strlen(message), out);
	fputc('\n', out);
}

static int by_place(const void *left, const void *right)
{
	const struct diagnostic *a = *(const struct diagnostic *const *)left, *b = *(const struct diagnostic *const *)right;

	if (a->place.source == b->place.source && a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	if (a->place.source == b->place.source && a->place.column != b->place.column)
		return a->place.column < b->place.column ? -1 : 1;
	return a < b ? -1 : a > b; /* as they came */
}

static struct colour colour_of(enum severity severity, bool wanted)
{
	static const char *const colours[] = { "\033[1;36m", "\033[1;35m", "\033[1;31m", "\033[1;31m", "\033[1;31m" };

	return wanted ? (struct colour){ colours[severity], "\033[0m" } : (struct colour){ "", "" };
}

static void print_all(const struct diagnostics *diagnostics, FILE *out, bool colour)
{
	static const char *const words[] = { "note", "warning", "error", "error", "error" };
	size_t count = diagnostics->list.count, told = 0;
	const struct diagnostic **sorted = calloc(count ? count : 1, sizeof(*sorted));

	if (!sorted)
		return;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &diagnostics->list.items[i];
	/* Sources follow each other as they were first named; stable within one. */
	for (size_t start = 0; start < count;) {
		size_t end = start + 1;

		while (end < count && sorted[end]->place.source == sorted[start]->place.source)
			end++;
		qsort(sorted + start, end - start, sizeof(*sorted), by_place);
		start = end;
	}
	for (size_t i = 0; i < count; i++) {
		const struct diagnostic *d = sorted[i];
		struct colour own = colour_of(d->severity, colour), note = colour_of(SEVERITY_NOTE, colour);

		told += d->severity != SEVERITY_NOTE;
		print_message(&d->place, words[d->severity], own, d->message, out);
		if (d->place.source && d->place.line)
			print_line(&d->place, own, out);
		for (size_t r = 0; r < 2 && d->related[r].message; r++) {
			print_message(&d->related[r].place, "note", note, d->related[r].message, out);
			if (d->related[r].place.source && d->related[r].place.line)
				print_line(&d->related[r].place, note, out);
		}
		if (d->hint) {
			fputs("  hint: ", out);
			print_safe(d->hint, strlen(d->hint), out);
			fputc('\n', out);
		}
	}
	if (diagnostics->errors + diagnostics->warnings > told)
		fprintf(out, "weir: and %zu more\n", diagnostics->errors + diagnostics->warnings - told);
	free(sorted);
}

void diagnostics_print(const struct diagnostics *diagnostics, FILE *out, bool colour)
{
	char *text = NULL;
	size_t size = 0;
	FILE *page = open_memstream(&text, &size); /* stderr has no buffer: it would write each byte by itself */

	if (!page)
		return;
	print_all(diagnostics, page, colour);
	if (fclose(page) == 0)
		fwrite(text, 1, size, out);
	free(text);
}

/* Levenshtein's distance, with a swap of neighbours counted as one (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][64], m = strlen(a), n = strlen(b);

	if (m >= 64 || n >= 64)
		return 64;
	for (size_t j = 0; j <= n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= m; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t least = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < least)
				least = above[j] + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && two_above[j - 2] + 1 < least)
				least = two_above[j - 2] + 1;
			row[j] = least;
		}
	}
	return rows[m % 3][n];
}

const char *near_match(const char *word, const char *const *words, size_t count)
{
	size_t best = strlen(word) / 4 + 1; /* one slip in a short word, more in a long one */
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t d = distance(word, words[i]);

		if (d < best || (d == best && !found && best < strlen(word))) {
			best = d;
			found = words[i];
		}
	}
	return found;
}
