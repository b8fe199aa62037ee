/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel said no to, in words: from errno and the verifier's log to a diagnostic. */
#ifndef WEIR_KERNEL_REFUSAL_H
#define WEIR_KERNEL_REFUSAL_H

#include "base/diagnostic.h"
#include "rules/rules.h"

struct refusal {
	const char *program; /* its name in the kernel */
	int error;	     /* negative errno */
	const char *why;     /* what weir itself found wrong; NULL: it was the kernel */
	const char *log;     /* the verifier's; NULL or empty: it said nothing */
};

/* Is it more than the verifier goes through, rather than wrong? Then less code may do. */
bool refusal_is_too_much(int error, const char *log);
/* One of these: verified, but its translation to machine code came to no end. Other jumps may do. */
bool refusal_is_untranslated(int error);

/* Add a diagnostic about the chain of LIST. Gives refusal->error. */
int refusal_report(struct diagnostics *diagnostics, const struct rule_list *list, const struct refusal *refusal);

/* The last lines of LOG that say why, each indented. */
const char *refusal_log_tail(struct arena *arena, const char *log);

/* "Permission denied (EACCES)" */
const char *error_print(struct arena *arena, int error);

#endif
