/* SPDX-License-Identifier: GPL-2.0-only */
/* The names that values have in the language: ICMP types, DSCP classes, TCP flags and the like. */
#ifndef WEIR_CHECK_NAMES_H
#define WEIR_CHECK_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "syntax/ast.h"

struct name {
	const char *word;
	uint64_t number;
};

/* All names of a type, the one to print first where two mean the same; *ret_count is 0 for a type without names. */
const struct name *names_of(enum value_type type, size_t *ret_count);
/* 0 or -ENOENT. */
int name_number(enum value_type type, const char *word, size_t length, uint64_t *ret_number);
/* NULL: it has none. */
const char *name_word(enum value_type type, uint64_t number);
/* The nearest name, or NULL. */
const char *name_near(enum value_type type, const char *word);
/* The nearest among the services that firewalls are mostly about, or NULL. */
const char *service_near(const char *word);

#endif
