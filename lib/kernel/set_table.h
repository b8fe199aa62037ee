/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A set's table in the kernel: an array of maps with one element, which holds the map of pages (set_image.h) that is in use.
 * Programs have the outer map; another inner one in it is another table, for all programs at once. The call that puts it in waits
 * until no program can be reading the one before. Only the outer map is pinned, so a table that is not in use yet, or no longer,
 * goes with its last descriptor.
 */
#ifndef WEIR_KERNEL_SET_TABLE_H
#define WEIR_KERNEL_SET_TABLE_H

#include "kernel/kernel.h"
#include "kernel/set_image.h"

struct set_progress {
	void (*report)(void *context, const char *what, uint64_t done, uint64_t total); /* NULL: nobody asks */
	void *context;
	const char *what;
};

/* The table that is in use, mapped. */
struct set_table {
	int map_fd; /* the outer one; the caller's */
	struct set_image image;
	size_t bytes; /* of the mapping */
	int pages_fd; /* the inner map */
	bool fixed;   /* each table of this set has as many pages */
};

/*
 * A new outer map with a table of these rows, which are sorted. NAME is for people. PAGES: as many are there from the start, and
 * in each table that takes its place, so that the kernel builds look-ups into programs; 0: as many as it takes, and programs call
 * the kernel for each. Descriptor, or -errno.
 */
int set_table_create(const char *name, const struct set_shape *shape, struct set_rows rows[2], uint32_t pages);

/* Open what MAP_FD holds now. -EINVAL: it is not of this shape. */
int set_table_open(int map_fd, const struct set_shape *shape, bool for_change, struct set_table *ret_table);
void set_table_close(struct set_table *table); /* zeroed is fine */

/* As set_image_put and set_image_take, with a wait where pages can be used again. -ENOSPC: the table must be replaced. */
int set_table_put(struct set_table *table, const struct set_row *row, bool prefix);
int set_table_take(struct set_table *table, const struct set_row *row, bool prefix, bool *ret_there);

/* Put a table of these rows in the place of the one in use, which is closed. What was counted meanwhile is kept. */
int set_table_replace(struct set_table *table, struct set_rows rows[2]);

#endif
