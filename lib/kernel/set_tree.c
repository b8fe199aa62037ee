// SPDX-License-Identifier: GPL-2.0-only
/*
 * The prefixes of a table. In the tree addresses are parted into segments, ascending: each goes from its start to the next one's, and
 * bears the entry of the longest prefix that covers it, or 0. So a program finds in one descent whether an address is covered, and
 * by what. Entries have the next shorter prefix around them as their parent; so what covers an address is a chain of entries.
 *
 * A change of a prefix changes only segments within it. The leaves in which they lie are written anew on fresh pages, and
 * the numbers in the page above are replaced, one store each; a page above that gets more places is written anew, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/set_image.h"

#include "base/cleanup.h"

typedef unsigned __int128 wide;

#define MOST_LEVELS 15

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

static void segments_free(struct segments *segments)
{
	free(segments->items);
}

/* -ENOMEM once it fails; the caller looks at items at the end. */
static int push(struct segments *segments, wide start, uint32_t number)
{
	size_t capacity = segments->capacity ? 2 * segments->capacity : 64;
	struct segment *grown;

	if (segments->count == segments->capacity) {
		grown = realloc(segments->items, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		segments->items = grown;
		segments->capacity = capacity;
	}
	segments->items[segments->count++] = (struct segment){ start, number };
	return 0;
}

/* Where the one before has the same number, nothing begins. */
static int push_merged(struct segments *segments, wide start, uint32_t number)
{
	struct segment *last = segments->count ? &segments->items[segments->count - 1] : NULL;

	if (last && last->start == start) { /* of two that begin in one place the later counts */
		last->number = number;
		if (segments->count > 1 && last[-1].number == number)
			segments->count--;
		return 0;
	}
	return last && last->number == number ? 0 : push(segments, start, number);
}

/* ---- Keys ---- */

static wide key_of(const struct set_shape *shape, const uint64_t *words)
{
	return shape->words == 1 ? (wide)words[0] : (wide)words[0] << 64 | words[1];
}

static wide last_of(const struct set_shape *shape, wide start, uint32_t length)
{
	uint32_t free_bits = shape->key_bits - length;

	return start + (free_bits == 128 ? ~(wide)0 : ((wide)1 << free_bits) - 1);
}

static wide greatest(const struct set_shape *shape)
{
	return last_of(shape, 0, 0);
}

/* ---- Pages ---- */

uint32_t *set_tree_numbers(const struct set_image *image, uint32_t page)
{
	return (uint32_t *)(void *)((unsigned char *)set_image_page(image, page) + image->shape.number_offset);
}

unsigned __int128 set_tree_start(const struct set_image *image, uint32_t page, uint32_t i)
{
	const uint64_t *upper = set_image_page(image, page);

	if (image->shape.key_bits <= 32)
		return ((const uint32_t *)(const void *)upper)[i];
	return (wide)upper[i] << 65 | (wide)upper[image->shape.fanout + i] << 2;
}

static void set_place(struct set_image *image, uint32_t page, uint32_t i, const struct segment *segment)
{
	uint64_t *upper = set_image_page(image, page);

	if (image->shape.key_bits <= 32) {
		((uint32_t *)(void *)upper)[i] = (uint32_t)segment->start;
	} else {
		upper[i] = (uint64_t)(segment->start >> 65);
		upper[image->shape.fanout + i] = (uint64_t)(segment->start >> 2) & ~(1ull << 63);
	}
	set_tree_numbers(image, page)[i] = segment->number;
}

/* How many places of a page are used: what repeats the one before is not. */
uint32_t set_tree_count(const struct set_image *image, uint32_t page)
{
	uint32_t count = image->shape.fanout;

	while (count > 1 && set_tree_start(image, page, count - 1) == set_tree_start(image, page, count - 2))
		count--;
	return count;
}

static uint32_t pages_left(const struct set_image *image)
{
	return image->free_count + image->pages - set_image_header(image)->next_page;
}

/* A page that no program can be reading; 0: there is none left. */
static uint32_t take_page(struct set_image *image)
{
	struct weir_set_header *header = set_image_header(image);

	if (image->free_count)
		return image->free[--image->free_count];
	return header->next_page < image->pages ? header->next_page++ : 0;
}

static uint32_t write_page(struct set_image *image, const struct segment *segments, size_t count)
{
	uint32_t page = take_page(image);

	for (uint32_t i = 0; page && i < image->shape.fanout; i++)
		set_place(image, page, i, &segments[i < count ? i : count - 1]);
	set_index_written(image, page);
	return page;
}

/* How many segments a page gets when it is filled. */
static uint32_t page_fill(const struct set_shape *shape)
{
	return shape->fanout * 3 / 4;
}

/* Parted into pages of about the same size, these into PAGES by where they begin. */
static int write_pages(struct set_image *image, const struct segments *segments, struct segments *pages)
{
	size_t count = (segments->count + page_fill(&image->shape) - 1) / page_fill(&image->shape), begin = 0;

	if (segments->count <= image->shape.fanout)
		count = 1;
	for (size_t i = 0; i < count; i++) {
		size_t end = segments->count * (i + 1) / count;
		uint32_t page = write_page(image, &segments->items[begin], end - begin);

		if (!page)
			return -ENOSPC;
		if (push(pages, segments->items[begin].start, page))
			return -ENOMEM;
		begin = end;
	}
	return 0;
}

/* ---- The root ---- */

uint32_t set_tree_levels(const struct set_image *image)
{
	return set_image_header(image)->tree >> WEIR_SET_TREE_SHIFT;
}

uint32_t set_tree_root(const struct set_image *image)
{
	return set_image_header(image)->tree & ((1u << WEIR_SET_TREE_SHIFT) - 1);
}

/* Pages above pages until one is left: that is the root. PAGES is used up. */
static int grow_root(struct set_image *image, struct segments *pages, uint32_t levels)
{
	while (pages->count > 1) {
		_cleanup_(segments_free) struct segments above = { 0 };
		struct segments swap;
		int r = write_pages(image, pages, &above);

		if (r)
			return r;
		swap = *pages;
		*pages = above;
		above = swap;
		levels++;
	}
	if (levels > MOST_LEVELS)
		return -ENOSPC;
	__atomic_store_n(&set_image_header(image)->tree, levels << WEIR_SET_TREE_SHIFT | pages->items[0].number,
			 __ATOMIC_RELEASE);
	return 0;
}

/* ---- Pages that are used again ---- */

static void mark_used(const struct set_image *image, uint32_t page, uint32_t level, bool *used)
{
	uint32_t first = set_image_header(image)->tree_page;

	used[page - first] = true;
	for (uint32_t i = 0; level > 1 && i < image->shape.fanout; i++)
		if (i == 0 || set_tree_numbers(image, page)[i] != set_tree_numbers(image, page)[i - 1])
			mark_used(image, set_tree_numbers(image, page)[i], level - 1, used);
}

int set_image_reclaim(struct set_image *image)
{
	const struct weir_set_header *header = set_image_header(image);
	uint32_t count = header->next_page - header->tree_page, all = image->pages - header->tree_page;
	_cleanup_free_ bool *used = calloc(count + 1, sizeof(*used));
	uint32_t *free_pages = calloc(count + 1, sizeof(*free_pages));

	free(image->free);
	image->free = free_pages;
	image->free_count = 0;
	if (!used || !free_pages)
		return -ENOMEM;
	if (set_tree_levels(image))
		mark_used(image, set_tree_root(image), set_tree_levels(image), used);
	for (uint32_t i = 0; i < count; i++)
		if (!used[i])
			free_pages[image->free_count++] = header->tree_page + i;
	return pages_left(image) < all / 16 + 16 ? -ENOSPC : 0;
}

void set_image_release(struct set_image *image)
{
	free(image->free);
	free(image->written);
	image->free = NULL;
	image->written = NULL;
	image->free_count = 0;
}

/* ---- Look-up, as programs do it ---- */

/* The last place of a page that is not behind KEY. */
static uint32_t page_find(const struct set_image *image, uint32_t page, wide key)
{
	uint32_t at = 0;

	for (uint32_t left = image->shape.fanout; left > 1; left -= left / 2)
		if (set_tree_start(image, page, at + left / 2) <= key)
			at += left / 2;
	return at;
}

static uint32_t find_number(const struct set_image *image, wide key)
{
	uint32_t number = set_tree_root(image);

	for (uint32_t level = set_tree_levels(image); level > 0; level--)
		number = set_tree_numbers(image, number)[page_find(image, number, key)];
	return number & ~WEIR_SET_LOOK;
}

uint32_t set_tree_cover(const struct set_image *image, const struct set_row *row)
{
	return set_tree_levels(image) ? find_number(image, key_of(&image->shape, row->words)) : 0;
}

/* Up from the longest prefix that begins there to the one of LENGTH bits, or the first that is shorter. */
static uint32_t climb(const struct set_image *image, uint32_t entry, uint32_t length)
{
	while (entry && set_image_entry(image, entry)->length > length)
		entry = set_image_entry(image, entry)->parent;
	return entry;
}

uint32_t set_tree_find(const struct set_image *image, const struct set_row *row)
{
	uint32_t entry = climb(image, set_tree_cover(image, row), row->length);

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

/* The number for a segment of this entry, whose expiry is brought up to date. */
static uint32_t segment_number(struct set_image *image, uint32_t entry)
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

uint32_t set_tree_pages(const struct set_shape *shape, const struct set_rows *rows)
{
	/* A prefix begins and ends; each level is a small part of the one below. */
	uint64_t pages = 2 * rows->count / page_fill(shape) + 1;

	pages += pages / (page_fill(shape) - 1) + MOST_LEVELS;
	return (uint32_t)(pages + pages / 4 + (rows->count < SPARE_PAGES / 8 ? 8 * rows->count + 16 : SPARE_PAGES));
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

	if (end == greatest(&image->shape))
		return 0;
	return push_merged(segments, end + 1, stack->depth ? segment_number(image, stack->entries[stack->depth - 1]) : 0);
}

static int make_segments(struct set_image *image, const struct set_rows *rows, struct segments *segments)
{
	struct stack stack = { .depth = 0 };
	int r = push(segments, 0, 0);

	for (size_t i = 0; r == 0 && i < rows->count; i++) {
		wide start = key_of(&image->shape, rows->items[i].words);
		uint32_t entry = set_image_new_entry(image, &rows->items[i], true);

		if (!entry)
			return -ENOSPC;
		while (r == 0 && stack.depth && stack.ends[stack.depth - 1] < start)
			r = close_prefix(image, &stack, segments);
		set_image_entry(image, entry)->parent = stack.depth ? stack.entries[stack.depth - 1] : 0;
		r = r ?: push_merged(segments, start, segment_number(image, entry));
		stack.entries[stack.depth] = entry;
		stack.ends[stack.depth++] = last_of(&image->shape, start, rows->items[i].length);
	}
	while (r == 0 && stack.depth)
		r = close_prefix(image, &stack, segments);
	return r;
}

int set_tree_fill(struct set_image *image, const struct set_rows *rows)
{
	_cleanup_(segments_free) struct segments segments = { 0 }, pages = { 0 };
	int r = set_index_expect(image);

	r = r ?: make_segments(image, rows, &segments);
	r = r ?: write_pages(image, &segments, &pages);
	r = r ?: grow_root(image, &pages, 1);
	if (r == 0)
		set_index_refresh(image, 0, UINT32_MAX);
	return r;
}

/* ---- Change ---- */

struct change {
	wide first, last;	 /* what may change */
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
	uint32_t count = set_tree_count(image, page);
	int r = 0;

	change->leaves += level == 1;
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		wide start = set_tree_start(image, page, i), last = i + 1 < count ? set_tree_start(image, page, i + 1) - 1 : end;
		uint32_t number = set_tree_numbers(image, page)[i];

		if (last < change->first || start > change->last)
			continue;
		if (level > 1)
			r = collect(image, number, level - 1, last, change);
		else
			r = push_merged(&change->segments, start < change->first ? change->first : start,
					number & ~WEIR_SET_LOOK);
	}
	return r;
}

/* -EAGAIN: there are not as many pages as it may take. */
static int change_begin(const struct set_image *image, const struct set_row *row, struct change *change)
{
	int r;

	change->first = key_of(&image->shape, row->words);
	change->last = last_of(&image->shape, change->first, row->length);
	if (set_tree_levels(image))
		r = collect(image, set_tree_root(image), set_tree_levels(image), greatest(&image->shape), change);
	else
		r = push(&change->segments, change->first, 0);
	if (r == 0 && pages_left(image) < change->leaves + change->leaves / 8 + 2 * set_tree_levels(image) + 4)
		r = -EAGAIN;
	return r;
}

/* The segments of one leaf, from START to END, with those of the change in their place. */
static int merge_leaf(const struct set_image *image, uint32_t page, wide end, const struct change *change,
		      struct segments *merged)
{
	uint32_t count = page ? set_tree_count(image, page) : 1, behind = 0;
	wide begin = page ? set_tree_start(image, page, 0) : 0;
	int r = 0;

	for (uint32_t i = 0; page && i < count; i++) {
		wide start = set_tree_start(image, page, i);

		if (start < change->first)
			r = r ?: push_merged(merged, start, set_tree_numbers(image, page)[i]);
		if (start <= change->last || start == 0)
			behind = set_tree_numbers(image, page)[i]; /* what goes on behind the change */
	}
	if (!page && change->first > 0)
		r = push(merged, 0, 0);
	for (size_t i = 0; i < change->segments.count; i++) {
		const struct segment *segment = &change->segments.items[i];
		bool goes_on = i + 1 == change->segments.count || segment[1].start > begin;

		if (segment->start <= end && goes_on)
			r = r ?: push_merged(merged, segment->start < begin ? begin : segment->start, segment->number);
	}
	if (change->last < end)
		r = r ?: push_merged(merged, change->last + 1, behind);
	for (uint32_t i = 0; page && i < count; i++)
		if (set_tree_start(image, page, i) > change->last)
			r = r ?: push_merged(merged, set_tree_start(image, page, i), set_tree_numbers(image, page)[i]);
	return r;
}

/* Does this page say just that? */
static bool page_says(const struct set_image *image, uint32_t page, const struct segments *segments)
{
	if (set_tree_count(image, page) != segments->count)
		return false;
	for (uint32_t i = 0; i < segments->count; i++)
		if (set_tree_start(image, page, i) != segments->items[i].start ||
		    set_tree_numbers(image, page)[i] != segments->items[i].number)
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
		return push(pages, merged.items[0].start, page);
	return write_pages(image, &merged, pages);
}

/* The places are the same, perhaps other pages below: they are named one by one. Else the page is written anew. */
static int replace_below(struct set_image *image, uint32_t page, const struct segments *below, struct segments *pages)
{
	uint32_t *numbers = set_tree_numbers(image, page);
	uint32_t count = set_tree_count(image, page);

	if (below->count != count) /* there are never fewer, and then their places differ */
		return write_pages(image, below, pages);
	for (uint32_t i = 0; i < image->shape.fanout; i++) {
		uint32_t number = below->items[i < count ? i : count - 1].number;

		if (numbers[i] != number)
			__atomic_store_n(&numbers[i], number, __ATOMIC_RELEASE);
	}
	return push(pages, below->items[0].start, page);
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
	count = set_tree_count(image, page);
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		wide start = set_tree_start(image, page, i), last = i + 1 < count ? set_tree_start(image, page, i + 1) - 1 : end;
		uint32_t number = set_tree_numbers(image, page)[i];

		if (last < change->first || start > change->last)
			r = push(&below, start, number);
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

	r = r ?: rewrite(image, root, levels, greatest(&image->shape), change, &pages);
	if (r)
		return r;
	if (pages.count != 1 || !root || pages.items[0].number != root)
		r = grow_root(image, &pages, levels ? levels : 1);
	if (r == 0)
		set_index_refresh(image, (uint64_t)change->first, (uint64_t)change->last);
	return r;
}

/* The segments as entries become numbers. */
static void renumber(struct set_image *image, struct change *change)
{
	struct segments *segments = &change->segments;
	size_t kept = 0;

	for (size_t i = 0; i < segments->count; i++) {
		uint32_t number = segment_number(image, segments->items[i].number);

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
	uint32_t parent = climb(image, set_tree_cover(image, row), row->length), entry;

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
