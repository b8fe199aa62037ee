/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tree of a table's prefixes, between set_page.c (its pages), set_tree.c (filled, searched), set_change.c (changed) and
 * set_index.c (the index before it).
 *
 * Addresses are parted into segments, ascending: each goes from its start to the next one's, and bears the entry of the longest
 * prefix that covers it, or 0. So a program finds in one descent whether an address is covered, and by what. Entries have the
 * next shorter prefix around them as their parent; so what covers an address is a chain of entries.
 *
 * The number of a page has WEIR_SET_WIDE beside it, where it is one of that form (set_shape.h); wherever a page is asked for
 * here, that is what is meant.
 */
#ifndef WEIR_KERNEL_SET_TREE_H
#define WEIR_KERNEL_SET_TREE_H

#include "kernel/set_image.h"

typedef unsigned __int128 wide;

/* Pages that may be written before some are used again, which takes a wait: a quarter, of small trees more, up to that number. */
#define SPARE_PAGES 2048

/* What begins where. NUMBER: of an entry, in a leaf perhaps with WEIR_SET_LOOK; or of a page further down. */
struct segment {
	wide start;
	uint32_t number;
};

struct segments {
	struct segment *items;
	size_t count, capacity;
};

void segments_free(struct segments *segments);
/* Both -ENOMEM once it fails; the caller looks at items at the end. Where the one before has the same number, nothing begins. */
int segments_push(struct segments *segments, wide start, uint32_t number);
int segments_push_merged(struct segments *segments, wide start, uint32_t number);

/* ---- Keys ---- */

wide set_tree_key(const struct set_shape *shape, const uint64_t *words);
/* The last address of a prefix; the last of all. */
wide set_tree_last(const struct set_shape *shape, wide start, uint32_t length);
wide set_tree_greatest(const struct set_shape *shape);

/* ---- Pages ---- */

/* Without its form. */
uint32_t set_page_of(uint32_t page);
/* How many places are used, where they begin, their numbers. */
uint32_t set_page_count(const struct set_image *image, uint32_t page);
wide set_page_start(const struct set_image *image, uint32_t page, uint32_t i);
uint32_t *set_page_numbers(const struct set_image *image, uint32_t page);
/* The places FROM to before TO, added to SEGMENTS, merged. */
int set_page_read(const struct set_image *image, uint32_t page, uint32_t from, uint32_t to, struct segments *segments);
/* Does it say just that? */
bool set_page_says(const struct set_image *image, uint32_t page, const struct segments *segments);
/* The last place that is not behind KEY. */
uint32_t set_page_find(const struct set_image *image, uint32_t page, wide key);
/*
 * Segments up to the address LAST parted into pages of about the same size, on this level, these into PAGES by where they
 * begin. The index leads to them from then on. SEGMENTS is used up. -ENOSPC: there are not enough.
 */
int set_page_write(struct set_image *image, uint32_t level, wide last, struct segments *segments, struct segments *pages);
/* Store the numbers of these in the places from FROM on. */
void set_page_renumber(struct set_image *image, uint32_t page, uint32_t from, const struct segments *segments);
/* How many pages can be written. */
uint32_t set_page_left(const struct set_image *image);
/* At most so many pages become of these rows, in all levels. */
uint64_t set_page_most(const struct set_shape *shape, const struct set_rows *rows);

/* ---- The tree ---- */

/* The root's level, from 1 for a leaf, 0: there is none; and its page. */
uint32_t set_tree_levels(const struct set_image *image);
uint32_t set_tree_root(const struct set_image *image);
/* Pages above pages of LEVELS until one is left: that becomes the root. PAGES is used up. */
int set_tree_grow_root(struct set_image *image, struct segments *pages, uint32_t levels);
/* Up from the longest prefix that begins there to the one of LENGTH bits, or the first that is shorter. */
uint32_t set_tree_climb(const struct set_image *image, uint32_t entry, uint32_t length);
/* The number for a segment of this entry, whose expiry is brought up to date. */
uint32_t set_tree_number(struct set_image *image, uint32_t entry);

/* ---- The index ---- */

/* Where the slot of KEY begins; 0: it has none. */
wide set_index_border(const struct set_image *image, wide key);
/* A page that has been written, on this level, whose last address is LAST, for all slots whose lowest page it is. */
void set_index_name(struct set_image *image, uint32_t page, uint32_t level, wide last);

#endif
