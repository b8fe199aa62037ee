// SPDX-License-Identifier: GPL-2.0-only
/*
 * A change of a prefix changes only segments within it. The leaves in which they lie are written anew on fresh pages, and
 * the numbers in the page above are replaced, one store each; a page above that gets more places is written anew, too.
 */
#include <errno.h>

#include "kernel/set_tree.h"

#include "base/cleanup.h"

struct change {
	wide first, last;	  /* what may change */
	struct segments segments; /* what is there; then what is to be there */
	uint32_t leaves;	  /* in which they lie */
};

static void change_free(struct change *change)
{
	segments_free(&change->segments);
}

/* The segments of a subtree within the change, clipped to it. */
static int collect(const struct set_image *image, uint32_t page, uint32_t level, wide end, struct change *change)
{
	uint32_t count = set_page_count(image, page);
	int r = 0;

	change->leaves += level == 1;
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		wide start = set_page_start(image, page, i), last = i + 1 < count ? set_page_start(image, page, i + 1) - 1 : end;
		uint32_t number = set_page_numbers(image, page)[i];

		if (last < change->first || start > change->last)
			continue;
		if (level > 1)
			r = collect(image, number, level - 1, last, change);
		else
			r = segments_push_merged(&change->segments, start < change->first ? change->first : start,
						 number & ~WEIR_SET_LOOK);
	}
	return r;
}

/* -EAGAIN: there are not as many pages as it may take. */
static int change_begin(const struct set_image *image, const struct set_row *row, struct change *change)
{
	int r;

	change->first = set_tree_key(&image->shape, row->words);
	change->last = set_tree_last(&image->shape, change->first, row->length);
	if (set_tree_levels(image))
		r = collect(image, set_tree_root(image), set_tree_levels(image), set_tree_greatest(&image->shape), change);
	else
		r = segments_push(&change->segments, change->first, 0);
	/* A page that gets a wide place may become three, in each level. */
	if (r == 0 && set_page_left(image) < change->leaves + change->leaves / 8 + 3 * set_tree_levels(image) + 4)
		r = -EAGAIN;
	return r;
}

/* The segments of one leaf, from START to END, with those of the change in their place. */
static int merge_leaf(const struct set_image *image, uint32_t page, wide end, const struct change *change,
		      struct segments *merged)
{
	uint32_t count = page ? set_page_count(image, page) : 1, behind = 0;
	wide begin = page ? set_page_start(image, page, 0) : 0;
	int r = 0;

	for (uint32_t i = 0; page && i < count; i++) {
		wide start = set_page_start(image, page, i);

		if (start < change->first)
			r = r ?: segments_push_merged(merged, start, set_page_numbers(image, page)[i]);
		if (start <= change->last || start == 0)
			behind = set_page_numbers(image, page)[i]; /* what goes on behind the change */
	}
	if (!page && change->first > 0)
		r = segments_push(merged, 0, 0);
	for (size_t i = 0; i < change->segments.count; i++) {
		const struct segment *segment = &change->segments.items[i];
		bool goes_on = i + 1 == change->segments.count || segment[1].start > begin;

		if (segment->start <= end && goes_on)
			r = r ?: segments_push_merged(merged, segment->start < begin ? begin : segment->start, segment->number);
	}
	if (change->last < end)
		r = r ?: segments_push_merged(merged, change->last + 1, behind);
	for (uint32_t i = 0; page && i < count; i++)
		if (set_page_start(image, page, i) > change->last)
			r = r ?: segments_push_merged(merged, set_page_start(image, page, i), set_page_numbers(image, page)[i]);
	return r;
}

/* Does this page say just that? */
static bool page_says(const struct set_image *image, uint32_t page, const struct segments *segments)
{
	if (set_page_count(image, page) != segments->count)
		return false;
	for (uint32_t i = 0; i < segments->count; i++)
		if (set_page_start(image, page, i) != segments->items[i].start ||
		    set_page_numbers(image, page)[i] != segments->items[i].number)
			return false;
	return true;
}

static int rewrite_leaf(struct set_image *image, uint32_t page, wide end, const struct change *change, struct segments *pages)
{
	_cleanup_(segments_free) struct segments merged = { 0 };
	int r = merge_leaf(image, page, end, change, &merged);

	if (r)
		return r;
	if (page && page_says(image, page, &merged))
		return segments_push(pages, merged.items[0].start, page);
	return set_page_write(image, &merged, pages);
}

/* The places are the same, perhaps other pages below: they are named one by one. Else the page is written anew. */
static int replace_below(struct set_image *image, uint32_t page, const struct segments *below, struct segments *pages)
{
	if (below->count != set_page_count(image, page)) /* there are never fewer, and then their places differ */
		return set_page_write(image, below, pages);
	set_page_renumber(image, page, below);
	return segments_push(pages, below->items[0].start, page);
}

/* PAGES: what stands in the place of the page, one or more. */
static int rewrite(struct set_image *image, uint32_t page, uint32_t level, wide end, const struct change *change,
		   struct segments *pages)
{
	_cleanup_(segments_free) struct segments below = { 0 };
	uint32_t count;
	int r = 0;

	if (level <= 1)
		return rewrite_leaf(image, page, end, change, pages);
	count = set_page_count(image, page);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		wide start = set_page_start(image, page, i), last = i + 1 < count ? set_page_start(image, page, i + 1) - 1 : end;
		uint32_t number = set_page_numbers(image, page)[i];

		if (last < change->first || start > change->last)
			r = segments_push(&below, start, number);
		else
			r = rewrite(image, number, level - 1, last, change, &below);
	}
	return r ?: replace_below(image, page, &below, pages);
}

static int change_write(struct set_image *image, const struct change *change)
{
	_cleanup_(segments_free) struct segments pages = { 0 };
	uint32_t levels = set_tree_levels(image), root = levels ? set_tree_root(image) : 0;
	int r = set_index_expect(image);

	r = r ?: rewrite(image, root, levels, set_tree_greatest(&image->shape), change, &pages);
	if (r)
		return r;
	if (pages.count != 1 || !root || pages.items[0].number != root)
		r = set_tree_grow_root(image, &pages, levels ? levels : 1);
	if (r == 0)
		set_index_refresh(image, change->first, change->last);
	return r;
}

/* The segments as entries become numbers. */
static void renumber(struct set_image *image, struct change *change)
{
	struct segments *segments = &change->segments;
	size_t kept = 0;

	for (size_t i = 0; i < segments->count; i++) {
		uint32_t number = set_tree_number(image, segments->items[i].number);

		if (kept && segments->items[kept - 1].number == number)
			continue;
		segments->items[kept].start = segments->items[i].start;
		segments->items[kept++].number = number;
	}
	segments->count = kept;
}

/* What lies right below FROM, on the chain up from ENTRY, gets the parent TO. */
static void adopt(struct set_image *image, uint32_t entry, uint32_t from, uint32_t to)
{
	while (entry && entry != to && set_image_entry(image, entry)->parent != from)
		entry = set_image_entry(image, entry)->parent;
	if (entry && entry != to)
		set_image_entry(image, entry)->parent = to;
}

static int put_entry(struct set_image *image, const struct set_row *row, struct change *change)
{
	uint32_t parent = set_tree_climb(image, set_tree_cover(image, row), row->length), entry;

	entry = set_image_new_entry(image, row, true);
	if (!entry)
		return -ENOSPC;
	set_image_entry(image, entry)->parent = parent;
	for (size_t i = 0; i < change->segments.count; i++) {
		struct segment *segment = &change->segments.items[i];

		if (segment->number == parent)
			segment->number = entry;
		else
			adopt(image, segment->number, parent, entry);
	}
	renumber(image, change);
	return change_write(image, change);
}

/* New expiry and flags of what is there. */
static int refresh(struct set_image *image, uint32_t number, const struct set_row *row, struct change *change)
{
	struct weir_set_entry *entry = set_image_entry(image, number);

	entry->flags |= (uint8_t)row->flags;
	if (entry->own_expires == row->expires)
		return 0;
	entry->own_expires = row->expires;
	renumber(image, change);
	return change_write(image, change);
}

int set_tree_put(struct set_image *image, const struct set_row *row)
{
	_cleanup_(change_free) struct change change = { 0 };
	struct weir_set_header *header = set_image_header(image);
	uint32_t found = set_tree_find(image, row);
	int r = change_begin(image, row, &change);

	if (r == 0 && !found && !set_image_has_entry(image))
		r = -ENOSPC; /* before anything is changed: the caller may get no memory for another table */
	if (r)
		return r;
	__atomic_store_n(&header->changing, 1, __ATOMIC_SEQ_CST);
	r = found ? refresh(image, found, row, &change) : put_entry(image, row, &change);
	if (r == 0)
		__atomic_store_n(&header->changing, 0, __ATOMIC_SEQ_CST);
	return r;
}

int set_tree_take(struct set_image *image, uint32_t number)
{
	_cleanup_(change_free) struct change change = { 0 };
	struct weir_set_header *header = set_image_header(image);
	struct weir_set_entry *entry = set_image_entry(image, number);
	uint32_t parent = entry->parent;
	struct set_row row;
	int r;

	set_image_entry_row(image, entry, &row);
	r = change_begin(image, &row, &change);
	if (r)
		return r;
	__atomic_store_n(&header->changing, 1, __ATOMIC_SEQ_CST);
	entry->prefix = 0;
	for (size_t i = 0; i < change.segments.count; i++) {
		struct segment *segment = &change.segments.items[i];

		if (segment->number == number)
			segment->number = parent;
		else
			adopt(image, segment->number, number, parent);
	}
	renumber(image, &change);
	r = change_write(image, &change);
	if (r == 0)
		__atomic_store_n(&header->changing, 0, __ATOMIC_SEQ_CST);
	return r;
}
