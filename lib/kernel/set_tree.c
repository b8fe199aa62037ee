// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "kernel/set_tree.h"

#include "base/cleanup.h"

/* ---- The root ---- */

uint32_t set_tree_levels(const struct set_image *image)
{
	return set_image_header(image)->tree >> WEIR_SET_TREE_SHIFT;
}

uint32_t set_tree_root(const struct set_image *image)
{
	return set_image_header(image)->tree & ((1u << WEIR_SET_TREE_SHIFT) - 1);
}

int set_tree_grow_root(struct set_image *image, struct segments *pages, uint32_t levels)
{
	while (pages->count > 1) {
		_cleanup_(segments_free) struct segments above = { 0 };
		struct segments swap;
		int r = levels == WEIR_SET_MOST_LEVELS ? -ENOSPC : 0;

		r = r ?: set_page_write(image, levels + 1, set_tree_greatest(&image->shape), pages, &above);

		if (r)
			return r;
		swap = *pages;
		*pages = above;
		above = swap;
		levels++;
	}
	__atomic_store_n(&set_image_header(image)->tree, levels << WEIR_SET_TREE_SHIFT | pages->items[0].number,
			 __ATOMIC_RELEASE);
	return 0;
}

/* ---- Look-up, as programs do it ---- */

static uint32_t find_number(const struct set_image *image, wide key)
{
	uint32_t number = set_tree_root(image);

	for (uint32_t level = set_tree_levels(image); level > 0; level--)
		number = set_page_numbers(image, number)[set_page_find(image, number, key)];
	return number & ~WEIR_SET_LOOK;
}

uint32_t set_tree_cover(const struct set_image *image, const struct set_row *row)
{
	return set_tree_levels(image) ? find_number(image, set_tree_key(&image->shape, row->words)) : 0;
}

uint32_t set_tree_climb(const struct set_image *image, uint32_t entry, uint32_t length)
{
	while (entry && set_image_entry(image, entry)->length > length)
		entry = set_image_entry(image, entry)->parent;
	return entry;
}

uint32_t set_tree_find(const struct set_image *image, const struct set_row *row)
{
	uint32_t entry = set_tree_climb(image, set_tree_cover(image, row), row->length);

	return entry && set_image_entry(image, entry)->length == row->length ? entry : 0;
}

/* ---- Numbers of segments ---- */

/* An entry counts as long as the longest of those that cover what it covers. */
static uint32_t latest_expiry(const struct set_image *image, uint32_t entry)
{
	uint32_t latest = 0;

	for (; entry; entry = set_image_entry(image, entry)->parent)
		if (set_image_entry(image, entry)->own_expires > latest)
			latest = set_image_entry(image, entry)->own_expires;
	return latest;
}

uint32_t set_tree_number(struct set_image *image, uint32_t entry)
{
	uint32_t expires;

	if (!entry)
		return 0;
	expires = latest_expiry(image, entry);
	if (set_image_entry(image, entry)->expires != expires)
		__atomic_store_n(&set_image_entry(image, entry)->expires, expires, __ATOMIC_RELEASE);
	return entry | (expires != WEIR_SET_NEVER || image->shape.counted ? WEIR_SET_LOOK : 0);
}

/* ---- Filling ---- */

uint32_t set_tree_pages(const struct set_shape *shape, const struct set_rows *rows, bool changes)
{
	uint64_t pages = set_page_most(shape, rows), spare = 8 * rows->count + 16;

	return (uint32_t)(changes ? pages + pages / 4 + (spare < SPARE_PAGES ? spare : SPARE_PAGES) : pages);
}

/* The prefixes that are open while segments are made: each lies in the one below it. */
struct stack {
	uint32_t entries[129];
	wide ends[129];
	uint32_t depth;
};

static int close_prefix(struct set_image *image, struct stack *stack, struct segments *segments)
{
	wide end = stack->ends[--stack->depth];

	if (end == set_tree_greatest(&image->shape))
		return 0;
	return segments_push_merged(segments, end + 1,
				    stack->depth ? set_tree_number(image, stack->entries[stack->depth - 1]) : 0);
}

static int make_segments(struct set_image *image, const struct set_rows *rows, struct segments *segments)
{
	struct stack stack = { .depth = 0 };
	int r = segments_push(segments, 0, 0);

	for (size_t i = 0; r == 0 && i < rows->count; i++) {
		wide start = set_tree_key(&image->shape, rows->items[i].words);
		uint32_t entry = set_image_new_entry(image, &rows->items[i], true);

		if (!entry)
			return -ENOSPC;
		while (r == 0 && stack.depth && stack.ends[stack.depth - 1] < start)
			r = close_prefix(image, &stack, segments);
		set_image_entry(image, entry)->parent = stack.depth ? stack.entries[stack.depth - 1] : 0;
		r = r ?: segments_push_merged(segments, start, set_tree_number(image, entry));
		stack.entries[stack.depth] = entry;
		stack.ends[stack.depth++] = set_tree_last(&image->shape, start, rows->items[i].length);
	}
	while (r == 0 && stack.depth)
		r = close_prefix(image, &stack, segments);
	return r;
}

int set_tree_fill(struct set_image *image, const struct set_rows *rows)
{
	_cleanup_(segments_free) struct segments segments = { 0 }, pages = { 0 };
	int r = make_segments(image, rows, &segments);

	r = r ?: set_page_write(image, 1, set_tree_greatest(&image->shape), &segments, &pages);
	return r ?: set_tree_grow_root(image, &pages, 1);
}
