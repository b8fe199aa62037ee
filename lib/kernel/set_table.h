/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contents of a set's maps as rows in memory, and rows into maps, in batches. An element of a set is one row of the exact
 * map, or, when it is a prefix or a range, rows of the prefix map (and for single values at a range's ends also of the exact
 * one).
 */
#ifndef WEIR_KERNEL_SET_TABLE_H
#define WEIR_KERNEL_SET_TABLE_H

#include "kernel/kernel.h"

#define SET_ROW_KEY (sizeof(uint32_t) + WEIR_MAX_SET_KEY) /* a prefix map's key has the length in bits before it */

struct set_row {
	unsigned char key[SET_ROW_KEY];
	uint32_t element; /* whose row it is, by the caller's count */
	struct weir_set_value value;
};
_Static_assert(sizeof(struct set_row) == 64, "struct set_row has grown; a million of them are in memory at once");

struct set_rows {
	struct set_row *items;
	size_t count, capacity;
};

/* The two maps of a set; prefix_fd is -1 where there is none. */
struct set_maps {
	uint32_t key_size; /* of the exact map */
	int exact_fd, prefix_fd;
	uint32_t size; /* most rows that both may have together */
	uint32_t rows; /* that both had when they were made */
};

struct set_progress {
	void (*report)(void *context, const char *what, uint64_t done, uint64_t total); /* NULL: nobody asks */
	void *context;
	const char *what;
};

/* Bytes of a key, without the length of a prefix. */
uint32_t set_key_size(const struct policy_set *set);
/* Can elements of this type be prefixes or ranges? */
bool set_type_has_prefixes(const struct policy_set *set);

/* Add the rows of an element. -EINVAL: a range where the type has none. */
int set_rows_of_element(struct arena *arena, const struct policy_set *set, const struct set_element *element, struct set_row row,
			struct set_rows rows[2]);
/* The element that a row of the exact map (PREFIX false) or of the prefix map is. */
struct set_element set_element_of_row(const struct policy_set *set, const struct set_row *row, bool prefix);

/* Index in rows[2] and of the maps. */
enum { ROWS_EXACT, ROWS_PREFIX };

/* By address and length, so that a prefix stands before those it covers. */
void set_rows_sort(struct set_rows *rows, uint32_t key_size, bool prefix);
struct set_row *set_rows_find(const struct set_rows *rows, const struct set_row *row, uint32_t key_size, bool prefix);

/* All rows of a map. 0 or -errno. */
int set_rows_read(struct arena *arena, int fd, uint32_t map_key_size, struct set_rows *rows);
/* Write; *ret_done: how many rows went in, also on failure. -ENOSPC: the map is full. */
int set_rows_write(int fd, uint32_t map_key_size, const struct set_rows *rows, const struct set_progress *progress,
		   size_t *ret_done);
/* Delete; PRESENT[i] (may be NULL) says whether row i was there. */
int set_rows_delete(int fd, uint32_t map_key_size, const struct set_rows *rows, bool *present);

/*
 * How many rows both maps have at most, in a pinned map of one element: the kernel limits each map, not their sum, and counting a
 * million takes its time. It is raised before rows are written and lowered after they went, so that whoever is
 * killed in between leaves a number that is too high, which the next who finds the set full puts right.
 */
int set_count_pin(const char *path, uint32_t rows);
int set_count_read(int count_fd, uint32_t *ret_rows);
int set_count_write(int count_fd, uint32_t rows);

/* CLOCK_MONOTONIC. */
uint64_t set_now(void);
/* When an element that gets TIMEOUT_S now expires; 0: never. */
uint64_t set_expiry(uint64_t now, uint64_t timeout_s);

/*
 * In a prefix map the longest prefix that covers a key answers alone. So that one that expires does not hide a shorter one that
 * lives on, each gets the latest expiry of all that cover it. To be called when prefixes with timeouts changed.
 */
int set_settle_prefixes(struct arena *arena, int prefix_fd, uint32_t key_size);
/* The same in memory, before the rows are written. */
void set_settle_rows(struct set_rows *rows, uint32_t key_size);

#endif
