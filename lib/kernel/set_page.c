// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of a tree (set_tree.h): segments are written to fresh ones and never changed there, but for the numbers. Those that
 * are in use no more are found by going through the tree.
 */
#include <errno.h>
#include <stdlib.h>

#include "kernel/set_tree.h"

#include "base/cleanup.h"

/* ---- Segments ---- */

void segments_free(struct segments *segments)
{
	free(segments->items);
}

int segments_push(struct segments *segments, wide start, uint32_t number)
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

int segments_push_merged(struct segments *segments, wide start, uint32_t number)
{
	struct segment *last = segments->count ? &segments->items[segments->count - 1] : NULL;

	if (last && last->start == start) { /* of two that begin in one place the later counts */
		last->number = number;
		if (segments->count > 1 && last[-1].number == number)
			segments->count--;
		return 0;
	}
	return last && last->number == number ? 0 : segments_push(segments, start, number);
}

/* ---- Keys ---- */

wide set_tree_key(const struct set_shape *shape, const uint64_t *words)
{
	return shape->words == 1 ? (wide)words[0] : (wide)words[0] << 64 | words[1];
}

wide set_tree_last(const struct set_shape *shape, wide start, uint32_t length)
{
	uint32_t free_bits = shape->key_bits - length;

	return start + (free_bits == 128 ? ~(wide)0 : ((wide)1 << free_bits) - 1);
}

wide set_tree_greatest(const struct set_shape *shape)
{
	return set_tree_last(shape, 0, 0);
}

/* ---- Forms ---- */

uint32_t set_page_of(uint32_t page)
{
	return page & ~WEIR_SET_WIDE;
}

static bool is_wide(uint32_t page)
{
	return page & WEIR_SET_WIDE;
}

static const struct set_form *form_of(const struct set_image *image, uint32_t page)
{
	return &image->shape.forms[is_wide(page) ? FORM_WIDE : FORM_NARROW];
}

/* Has it room in a narrow page? The last /64 has not, since one is added to it on the way. */
static bool is_narrow(const struct set_shape *shape, wide start)
{
	return shape->key_bits <= 32 || ((uint64_t)start == 0 && (uint64_t)(start >> 64) != UINT64_MAX);
}

/* How many of these are narrow, from the first on. */
static size_t count_narrow(const struct set_shape *shape, const struct segment *segments, size_t count)
{
	size_t narrow = 0;

	while (narrow < count && is_narrow(shape, segments[narrow].start))
		narrow++;
	return narrow;
}

/* How many segments a page gets when it is filled. */
static uint32_t page_fill(const struct set_form *form)
{
	return form->fanout * 3 / 4;
}

/* ---- Places ---- */

uint32_t *set_page_numbers(const struct set_image *image, uint32_t page)
{
	unsigned char *memory = set_image_page(image, set_page_of(page));

	return (uint32_t *)(void *)(memory + form_of(image, page)->number_offset);
}

static uint64_t *lower_places(const struct set_image *image, uint32_t page)
{
	unsigned char *memory = set_image_page(image, set_page_of(page));

	return (uint64_t *)(void *)(memory + form_of(image, page)->lower);
}

wide set_page_start(const struct set_image *image, uint32_t page, uint32_t i)
{
	const uint64_t *places = set_image_page(image, set_page_of(page));

	if (image->shape.key_bits <= 32)
		return ((const uint32_t *)(const void *)places)[i];
	if (!is_wide(page))
		return (wide)places[i] << 64;
	return (wide)places[i] << 65 | (wide)lower_places(image, page)[i] << 2;
}

static void set_place(struct set_image *image, uint32_t page, uint32_t i, const struct segment *segment)
{
	uint64_t *places = set_image_page(image, set_page_of(page));

	if (image->shape.key_bits <= 32) {
		((uint32_t *)(void *)places)[i] = (uint32_t)segment->start;
	} else if (!is_wide(page)) {
		places[i] = (uint64_t)(segment->start >> 64);
	} else {
		places[i] = (uint64_t)(segment->start >> 65);
		lower_places(image, page)[i] = (uint64_t)(segment->start >> 2) & ~(1ull << 63);
	}
	set_page_numbers(image, page)[i] = segment->number;
}

/* What repeats the one before is not used. */
uint32_t set_page_count(const struct set_image *image, uint32_t page)
{
	uint32_t last = form_of(image, page)->fanout - 1, from = 0;
	wide greatest = set_page_start(image, page, last);

	while (from < last) {
		uint32_t middle = (from + last) / 2;

		if (set_page_start(image, page, middle) < greatest)
			from = middle + 1;
		else
			last = middle;
	}
	return from + 1;
}

int set_page_read(const struct set_image *image, uint32_t page, uint32_t from, uint32_t to, struct segments *segments)
{
	const uint32_t *numbers = set_page_numbers(image, page);
	int r = 0;

	for (uint32_t i = from; r == 0 && i < to; i++)
		r = segments_push_merged(segments, set_page_start(image, page, i), numbers[i]);
	return r;
}

bool set_page_says(const struct set_image *image, uint32_t page, const struct segments *segments)
{
	const uint32_t *numbers = set_page_numbers(image, page);

	if (set_page_count(image, page) != segments->count)
		return false;
	for (uint32_t i = 0; i < segments->count; i++)
		if (set_page_start(image, page, i) != segments->items[i].start || numbers[i] != segments->items[i].number)
			return false;
	return true;
}

uint32_t set_page_find(const struct set_image *image, uint32_t page, wide key)
{
	uint32_t at = 0;

	for (uint32_t left = form_of(image, page)->fanout; left > 1; left -= left / 2)
		if (set_page_start(image, page, at + left / 2) <= key)
			at += left / 2;
	return at;
}

void set_page_renumber(struct set_image *image, uint32_t page, uint32_t from, const struct segments *segments)
{
	uint32_t *numbers = set_page_numbers(image, page), fanout = form_of(image, page)->fanout;
	uint32_t count = (uint32_t)segments->count, to = from + count == set_page_count(image, page) ? fanout : from + count;

	for (uint32_t i = from; i < to; i++) {
		uint32_t number = segments->items[i - from < count ? i - from : count - 1].number;

		if (numbers[i] != number)
			__atomic_store_n(&numbers[i], number, __ATOMIC_RELEASE);
	}
}

/* ---- Pages are written ---- */

uint32_t set_page_left(const struct set_image *image)
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

	if (!page)
		return 0;
	if (count_narrow(&image->shape, segments, count) < count)
		page |= WEIR_SET_WIDE;
	for (uint32_t i = 0; i < form_of(image, page)->fanout; i++)
		set_place(image, page, i, &segments[i < count ? i : count - 1]);
	return page;
}

/* How many of these go into one page: up to the first that is wide, if that is many; the last two pages share what is left. */
static size_t page_share(const struct set_shape *shape, const struct segment *segments, size_t count)
{
	size_t narrow = count_narrow(shape, segments,
				     count < shape->forms[FORM_NARROW].fanout ? count : shape->forms[FORM_NARROW].fanout);
	size_t fill = page_fill(&shape->forms[FORM_NARROW]), fill_wide = page_fill(&shape->forms[FORM_WIDE]);

	if (narrow < fill && narrow < count)
		fill = narrow > fill_wide ? narrow : fill_wide;
	if (count <= fill)
		return count;
	return count < 2 * fill ? (count + 1) / 2 : fill;
}

/*
 * A leaf ends where a slot of the index does, if that costs it few segments more than its share: then the slot names one leaf,
 * and not the page above two. *NEXT: where the next one begins, be it within the last segment, which then is in both.
 */
static size_t end_at_slot(const struct set_image *image, const struct segment *segments, size_t count, size_t share, wide *next)
{
	bool narrow = count_narrow(&image->shape, segments, share) == share;
	uint32_t fanout = image->shape.forms[narrow ? FORM_NARROW : FORM_WIDE].fanout;
	size_t most = share + fanout / 4;

	most = most < fanout ? most : fanout;
	most = most < count ? most : count - 1;
	if (narrow)
		most = count_narrow(&image->shape, segments, most);
	for (size_t i = share; i <= most; i++) {
		wide border = set_index_border(image, segments[i].start);

		if (border == segments[i].start || (border > segments[i - 1].start && i > share)) {
			*next = border;
			return i;
		}
	}
	return share;
}

int set_page_write(struct set_image *image, uint32_t level, wide last, struct segments *segments, struct segments *pages)
{
	bool narrow = count_narrow(&image->shape, segments->items, segments->count) == segments->count;
	size_t begin = 0;

	while (begin < segments->count) {
		struct segment *first = &segments->items[begin];
		size_t left = segments->count - begin, count = page_share(&image->shape, first, left);
		uint32_t page;
		wide next = last;

		if (begin == 0 && left <= image->shape.forms[narrow ? FORM_NARROW : FORM_WIDE].fanout)
			count = left;
		if (count < left) {
			next = first[count].start;
			if (level == 1)
				count = end_at_slot(image, first, left, count, &next);
		}
		page = write_page(image, first, count);
		if (!page)
			return -ENOSPC;
		if (segments_push(pages, first->start, page))
			return -ENOMEM;
		begin += count;
		set_index_name(image, page, level, count < left ? next - 1 : last);
		if (count < left && next != first[count].start)
			segments->items[--begin].start = next;
	}
	return 0;
}

/* A prefix begins and ends. Where it is longer than 64 bits, both may need a wide page, and end the one before early. */
uint64_t set_page_most(const struct set_shape *shape, const struct set_rows *rows)
{
	uint64_t segments = 2 * rows->count + 1, wide_ones = rows->items ? 0 : segments, pages, most;

	for (size_t i = 0; rows->items && i < rows->count; i++)
		wide_ones += 2 * (rows->items[i].length > 64);
	pages = segments / page_fill(&shape->forms[FORM_NARROW]) + 2;
	if (shape->key_bits > 64) {
		most = segments / page_fill(&shape->forms[FORM_WIDE]) + 2;
		pages = pages + 2 * wide_ones < most ? pages + 2 * wide_ones : most;
	}
	/* Each level is a small part of the one below. */
	return pages + pages / (page_fill(&shape->forms[FORM_WIDE]) - 1) + WEIR_SET_MOST_LEVELS;
}

/* ---- Pages that are used again ---- */

static void mark_used(const struct set_image *image, uint32_t page, uint32_t level, bool *used)
{
	used[set_page_of(page) - set_image_header(image)->tree_page] = true;
	for (uint32_t i = 0; level > 1 && i < form_of(image, page)->fanout; i++)
		if (i == 0 || set_page_numbers(image, page)[i] != set_page_numbers(image, page)[i - 1])
			mark_used(image, set_page_numbers(image, page)[i], level - 1, used);
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
	return set_page_left(image) < all / 16 + 16 ? -ENOSPC : 0;
}

void set_image_release(struct set_image *image)
{
	free(image->free);
	image->free = NULL;
	image->free_count = 0;
}
