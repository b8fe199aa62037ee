/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A set's elements as the rows of its table: a single value is one row, a prefix is one, a range as many as the prefixes that cover
 * it (an IPv6 prefix of 127 bits is two single values). And times as rows have them.
 */
#ifndef WEIR_KERNEL_SET_ROW_H
#define WEIR_KERNEL_SET_ROW_H

#include "base/arena.h"
#include "check/policy.h"
#include "code/set_shape.h"

struct set_row {
	uint64_t words[WEIR_MAX_SET_WORDS]; /* the key; of a prefix where it begins */
	uint64_t packets, bytes;	    /* where elements are counted */
	uint32_t element;		    /* whose row it is, by the caller's count */
	uint32_t expires;		    /* weir_abi.h */
	uint32_t length;		    /* of a prefix, in bits */
	uint32_t flags;			    /* WEIR_SET_* */
};
_Static_assert(sizeof(struct set_row) == 64, "struct set_row has grown; a million of them are in memory at once");

struct set_rows {
	struct set_row *items;
	size_t count, capacity;
};

/* Index in rows[2]. */
enum { ROWS_SINGLE, ROWS_PREFIX };

/* Can elements of this type be prefixes or ranges? */
bool set_type_has_prefixes(const struct policy_set *set);

/* Add the rows of an element, which are ROW but for the key. -EINVAL: a range where the type has none. */
int set_rows_of_element(struct arena *arena, const struct policy_set *set, const struct set_element *element, struct set_row row,
			struct set_rows rows[2]);
/* The element that a row is. */
struct set_element set_element_of_row(const struct policy_set *set, const struct set_row *row, bool prefix);

/* By key, then by length, so that a prefix stands before those it covers. */
int set_row_compare(const struct set_row *a, const struct set_row *b);
void set_rows_sort(struct set_rows *rows);
struct set_row *set_rows_find(const struct set_rows *rows, const struct set_row *row);

/* CLOCK_MONOTONIC, in ns. */
uint64_t set_now(void);
/* When what gets TIMEOUT_S (0: for ever) now ends; whether that is over; what is left in seconds, rounded up, 0: for ever. */
uint32_t set_expiry(uint64_t now, uint64_t timeout_s);
bool set_is_over(uint32_t expires, uint64_t now);
uint64_t set_seconds_left(uint32_t expires, uint64_t now);

#endif
