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

/* The places of a page in which something may change, FROM the one in which the change begins TO that in which it ends. */
struct touched {
	uint32_t from, to, count; /* all that the page has */
};

static struct touched touched_by(const struct set_image *image, uint32_t page, const struct change *change)
{
	uint32_t last = set_page_count(image, page) - 1, from = set_page_find(image, page, change->first),
		 to = set_page_find(image, page, change->last);

	return (struct touched){ .from = from < last ? from : last, .to = to < last ? to : last, .count = last + 1 };
}

/* Where a place of a page ends that itself ends at END. */
static wide place_last(const struct set_image *image, uint32_t page, uint32_t i, uint32_t count, wide end)
{
	return i + 1 < count ? set_page_start(image, page, i + 1) - 1 : end;
}

/* The segments of a subtree within the change, clipped to it. */
static int collect(const struct set_image *image, uint32_t page, uint32_t level, struct change *change)
{
	struct touched touched = touched_by(image, page, change);
	const uint32_t *numbers = set_page_numbers(image, page);
	int r = 0;

	change->leaves += level == 1;
	for (uint32_t i = touched.from; r == 0 && i <= touched.to; i++) {
		wide start = set_page_start(image, page, i);

		if (level > 1)
			r = collect(image, numbers[i], level - 1, change);
		else
			r = segments_push_merged(&change->segments, start < change->first ? change->first : start,
						 numbers[i] & ~WEIR_SET_LOOK);
	}
	return r;
}

/* -EAGAIN: there are not as many pages as it may take. -ENOSPC: a change before did not come to an end. */
static int change_begin(const struct set_image *image, const struct set_row *row, struct change *change)
{
	int r;

	if (set_image_is_damaged(image))
		return -ENOSPC;
	change->first = set_tree_key(&image->shape, row->words);
	change->last = set_tree_last(&image->shape, change->first, row->length);
	if (set_tree_levels(image))
		r = collect(image, set_tree_root(image), set_tree_levels(image), change);
	else
		r = segments_push(&change->segments, change->first, 0);
	/* A page that gets a wide place may become three, in each level. */
	if (r == 0 && set_page_left(image) < change->leaves + change->leaves / 8 + 3 * set_tree_levels(image) + 4)
		r = -EAGAIN;
	return r;
}

/* A page of the tree, its level from 1 for a leaf, and the last address in it. */
struct node {
	uint32_t page, level;
	wide last;
};

/* The same of what is below its place I. */
static struct node node_below(const struct set_image *image, const struct node *node, const struct touched *touched, uint32_t i)
{
	return (struct node){ set_page_numbers(image, node->page)[i], node->level - 1,
			      place_last(image, node->page, i, touched->count, node->last) };
}

/* What is to be there of the change, from BEGIN to END. */
static int push_change(const struct change *change, wide begin, wide end, struct segments *segments)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < change->segments.count; i++) {
		const struct segment *segment = &change->segments.items[i];
		bool goes_on = i + 1 == change->segments.count || segment[1].start > begin;

		if (segment->start <= end && goes_on)
			r = segments_push_merged(segments, segment->start < begin ? begin : segment->start, segment->number);
	}
	return r;
}

/* The segments of a leaf, with those of the change in their place. No page: nothing is covered yet. */
static int merge_leaf(const struct set_image *image, const struct node *leaf, const struct change *change,
		      struct segments *merged)
{
	uint32_t page = leaf->page;
	struct touched touched = page ? touched_by(image, page, change) : (struct touched){ 0 };
	wide begin = page ? set_page_start(image, page, 0) : 0;
	uint32_t behind = page ? set_page_numbers(image, page)[touched.to] : 0; /* what goes on behind the change */
	int r = 0;

	if (!page && change->first > 0)
		r = segments_push(merged, 0, 0);
	else if (begin < change->first)
		r = set_page_read(image, page, 0, touched.from + 1, merged);
	r = r ?: push_change(change, begin, leaf->last, merged);
	if (change->last < place_last(image, page, touched.to, touched.count, leaf->last))
		r = r ?: segments_push_merged(merged, change->last + 1, behind);
	return r ?: set_page_read(image, page, touched.to + 1, touched.count, merged);
}

static int rewrite_leaf(struct set_image *image, const struct node *node, const struct change *change, struct segments *pages)
{
	_cleanup_(segments_free) struct segments merged = { 0 };
	int r = merge_leaf(image, node, change, &merged);

	if (r)
		return r;
	if (node->page && set_page_says(image, node->page, &merged))
		return segments_push(pages, merged.items[0].start, node->page);
	return set_page_write(image, 1, node->last, &merged, pages);
}

/* A page further up anew, with BELOW where the change is. */
static int write_above(struct set_image *image, const struct node *node, const struct touched *touched,
		       const struct segments *below, struct segments *pages)
{
	_cleanup_(segments_free) struct segments places = { 0 };
	int r = set_page_read(image, node->page, 0, touched->from, &places);

	for (size_t i = 0; r == 0 && i < below->count; i++)
		r = segments_push(&places, below->items[i].start, below->items[i].number);
	r = r ?: set_page_read(image, node->page, touched->to + 1, touched->count, &places);
	return r ?: set_page_write(image, node->level, node->last, &places, pages);
}

/* PAGES: what stands in the place of the page, one or more. */
static int rewrite(struct set_image *image, const struct node *node, const struct change *change, struct segments *pages)
{
	_cleanup_(segments_free) struct segments below = { 0 };
	struct touched touched;
	int r = 0;

	if (node->level <= 1)
		return rewrite_leaf(image, node, change, pages);
	touched = touched_by(image, node->page, change);
	for (uint32_t i = touched.from; r == 0 && i <= touched.to; i++) {
		struct node part = node_below(image, node, &touched, i);

		r = rewrite(image, &part, change, &below);
	}
	if (r)
		return r;
	if (below.count > touched.to - touched.from + 1)
		return write_above(image, node, &touched, &below, pages);
	/* The places are the same (there are never fewer), perhaps other pages below: they are named one by one. */
	set_page_renumber(image, node->page, touched.from, &below);
	return segments_push(pages, set_page_start(image, node->page, 0), node->page);
}

static int change_write(struct set_image *image, const struct change *change)
{
	_cleanup_(segments_free) struct segments pages = { 0 };
	uint32_t levels = set_tree_levels(image);
	struct node root = { levels ? set_tree_root(image) : 0, levels ? levels : 1, set_tree_greatest(&image->shape) };
	int r = rewrite(image, &root, change, &pages);

	if (r == 0 && (pages.count != 1 || pages.items[0].number != root.page))
		r = set_tree_grow_root(image, &pages, root.level);
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
