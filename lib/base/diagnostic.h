/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What weir has to say about a policy or about the system it meets: errors, warnings, notes. A stage adds
 * diagnostics and goes on as long as it can, so that one run shows all mistakes; the command prints them.
 */
#ifndef WEIR_BASE_DIAGNOSTIC_H
#define WEIR_BASE_DIAGNOSTIC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"

/* A text that was read: a policy, an included file, a file of set elements. */
struct source {
	const char *name; /* as the user named it */
	const char *text; /* NUL at text[length] */
	size_t length;
};

/* A stretch of a source within one line. A source of NULL: no place, the message stands alone. */
struct place {
	const struct source *source;
	uint32_t line;	 /* from 1 */
	uint32_t column; /* from 1, in bytes */
	uint32_t length; /* in bytes; the caret underlines that many, one at least */
};

/* An error says whose it is, since that is the exit code: the user's (1), the kernel's (2), the surroundings' (3). */
enum severity {
	SEVERITY_NOTE,
	SEVERITY_WARNING,
	SEVERITY_ERROR,		     /* the policy or the usage is wrong */
	SEVERITY_ERROR_KERNEL,	     /* the kernel refused */
	SEVERITY_ERROR_SURROUNDINGS, /* not root, no such interface, a missing file */
};

struct related {
	struct place place;
	const char *message;
};

struct diagnostic {
	enum severity severity;
	struct place place;
	const char *message;	   /* one sentence, no full stop, lower case first: "no such field 'ip sadr'" */
	const char *hint;	   /* what to do: "did you mean 'ip saddr'?"; NULL: none */
	struct related related[2]; /* further places; unused ones have a message of NULL */
};

struct diagnostics {
	struct arena *arena;
	VECTOR(struct diagnostic) list;
	size_t errors, warnings;
	int exit_code; /* of the first error: 1, 2 or 3; 0 without one */
};

/* An empty list whose texts live in ARENA. */
void diagnostics_init(struct diagnostics *diagnostics, struct arena *arena);

/*
 * Add one. The pointer that comes back is good until the next one is added; diagnostic_hint and
 * diagnostic_related take it. More than LIMIT_DIAGNOSTICS are counted but not kept.
 */
struct diagnostic *diagnose(struct diagnostics *diagnostics, enum severity severity, struct place place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void diagnostic_hint(struct diagnostics *diagnostics, struct diagnostic *diagnostic, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void diagnostic_related(struct diagnostics *diagnostics, struct diagnostic *diagnostic, struct place place, const char *format,
			...) __attribute__((format(printf, 4, 5)));

/*
 * Print all of them the way compilers do, in the order of their places where they have one:
 *
 *	edge.weir:14:5: error: no such field 'ip sadr'
 *	    ip sadr 10.0.0.1 drop
 *	    ^~~~~~~
 *	  hint: did you mean 'ip saddr'?
 */
void diagnostics_print(const struct diagnostics *diagnostics, FILE *out, bool colour);

/* The nearest of COUNT words to WORD, or NULL when none is near enough to be what was meant. */
const char *near_match(const char *word, const char *const *words, size_t count);

#endif
