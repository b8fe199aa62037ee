/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of a set's table (weir_abi.h has its layout): filled, searched, changed while programs read it. No system calls: the
 * memory is a map's, or in tests anybody's.
 *
 * Programs read without looking twice, so each step is one store of a number that is whole by itself: a slot; the number of a
 * page that was written before; an expiry. Entries and pages of the tree are not used again while a program
 * may be reading them. When there are no fresh entries left, or an element finds both its buckets full, the functions say
 * -ENOSPC, and the caller fills a new table with what set_image_read gives and the new row; the kernel takes the old one back
 * when no program can be reading it. When there are no pages left they say -EAGAIN before anything is changed: set_image_reclaim
 * finds those that are in no use any more, and the caller waits until no program that began before can be reading them.
 *
 * One writer at a time. It may be killed anywhere: what it had done stays done, a prefix it was at is put right by the next
 * table (set_image_is_damaged).
 */
#ifndef WEIR_KERNEL_SET_IMAGE_H
#define WEIR_KERNEL_SET_IMAGE_H

#include "kernel/set_row.h"

struct set_image {
	struct set_shape shape;
	unsigned char *memory; /* zeroes when it is new; aligned to 8 */
	uint32_t pages;
	uint32_t *free; /* pages of the tree to be used again */
	uint32_t free_count;
};

/* What the structure itself holds, not the memory. */
void set_image_release(struct set_image *image);

/*
 * How many pages a table for these rows takes, if it CHANGES with room to add some; both as set_rows_sort sorts, without
 * doubles. A table of fewer pages than one that changes is filled as one that does not.
 */
uint32_t set_image_pages(const struct set_shape *shape, const struct set_rows rows[2], bool changes);

/* Fill new memory of that many pages. -ENOSPC: with this seed two buckets are full; try another. */
int set_image_fill(struct set_image *image, const struct set_rows rows[2], uint64_t seed);

/* All that is in it, expired or not, added to rows[2] unsorted. */
void set_image_read(const struct set_image *image, struct arena *arena, struct set_rows rows[2]);
/* How many have not expired. */
uint64_t set_image_count(const struct set_image *image, uint64_t now);

/* Is this row in it, expired or not? Then *RET_ROW (may be NULL) is what is there. */
bool set_image_find(const struct set_image *image, const struct set_row *row, bool prefix, struct set_row *ret_row);
/* The longest prefix that covers the key of ROW, expired or not: false when there is none. */
bool set_image_cover(const struct set_image *image, const struct set_row *row, struct set_row *ret_row);

/*
 * Pages that were written for the tree and are no part of it now may be used again, but not before all programs that run now
 * have ended. -ENOSPC: they are too few to be worth it, the table must be replaced.
 */
int set_image_reclaim(struct set_image *image);

/* Put in; a row that is there gets the new expiry and the new flags beside its own. -ENOSPC, -EAGAIN: see above. */
int set_image_put(struct set_image *image, const struct set_row *row, bool prefix);
/* Take out; *RET_THERE: it was in. */
int set_image_take(struct set_image *image, const struct set_row *row, bool prefix, bool *ret_there);

/* Add to the counter of a row, while programs count too. */
void set_image_count_up(struct set_image *image, const struct set_row *row, bool prefix, uint64_t packets, uint64_t bytes);

bool set_image_is_damaged(const struct set_image *image);

/* The number of rows, which is at least that of those that are in it. */
uint32_t set_image_rows(const struct set_image *image);
void set_image_set_rows(struct set_image *image, uint32_t rows);

/* ---- Between set_image.c, set_line.c, and set_tree.c and what stands behind it (set_tree.h) ---- */

struct weir_set_header *set_image_header(const struct set_image *image);
void *set_image_page(const struct set_image *image, uint32_t page);
struct weir_set_entry *set_image_entry(const struct set_image *image, uint32_t number);
uint64_t *set_image_entry_words(struct weir_set_entry *entry);
struct weir_counter *set_image_entry_counter(const struct set_image *image, struct weir_set_entry *entry);
bool set_image_has_entry(const struct set_image *image);
/* A fresh entry with the key and all of ROW; 0: there is none left. */
uint32_t set_image_new_entry(struct set_image *image, const struct set_row *row, bool prefix);
void set_image_entry_row(const struct set_image *image, struct weir_set_entry *entry, struct set_row *ret_row);

uint64_t set_image_hash(const struct set_image *image, const struct set_row *row);

/* Lines of a direct table for that many rows, with their flags; they are to lie from PAGE on. */
uint32_t set_line_pages(const struct set_shape *shape, size_t rows);
void set_line_begin(struct set_image *image, uint32_t page, size_t rows);
/* The flags of a key that is in its line; NULL: it is not. */
uint8_t *set_line_find(const struct set_image *image, const struct set_row *row);
/* False: its line is full. */
bool set_line_put(struct set_image *image, const struct set_row *row);
/* Was it there? */
bool set_line_take(struct set_image *image, const struct set_row *row);
/* From now on programs look for the key in its buckets, too. */
void set_line_refer(struct set_image *image, const struct set_row *row);
void set_line_read(const struct set_image *image, struct arena *arena, struct set_rows *rows);
uint64_t set_line_count(const struct set_image *image);

uint32_t set_tree_pages(const struct set_shape *shape, const struct set_rows *rows, bool changes);

/* An index for that many prefixes; it is to lie from PAGE on, which stands before the tree is filled. */
uint32_t set_index_pages(const struct set_shape *shape, size_t rows);
void set_index_begin(struct set_image *image, uint32_t page, const struct set_rows *rows);

int set_tree_fill(struct set_image *image, const struct set_rows *rows);
uint32_t set_tree_find(const struct set_image *image, const struct set_row *row);
uint32_t set_tree_cover(const struct set_image *image, const struct set_row *row);
int set_tree_put(struct set_image *image, const struct set_row *row);
int set_tree_take(struct set_image *image, uint32_t entry);

#endif
