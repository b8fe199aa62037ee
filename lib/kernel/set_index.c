// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index in front of a tree of at most 32 bits: programs begin there, by the upper bits of the key, and not at the root. A slot stands
 * for a stretch of keys; it names the lowest page of the tree in which all of that lies, as the header's `tree` names the root.
 *
 * After a change the slots whose page has been written anew are stored, one by one; until then they lead to the page before, which
 * says what it said before the change.
 */
#include <errno.h>
#include <stdlib.h>

#include "kernel/set_image.h"

#define LEAST_BITS 8
#define MOST_BITS  18

/* About as many slots as there are prefixes. */
static uint32_t index_bits(const struct set_shape *shape, size_t rows)
{
	uint32_t bits = LEAST_BITS;

	while (bits < MOST_BITS && bits < shape->key_bits && rows >> (bits + 1))
		bits++;
	return bits < shape->key_bits ? bits : shape->key_bits;
}

uint32_t set_index_pages(const struct set_shape *shape, size_t rows)
{
	return (uint32_t)(((sizeof(uint32_t) << index_bits(shape, rows)) + shape->page_size - 1) / shape->page_size);
}

void set_index_begin(struct set_image *image, uint32_t page, size_t rows)
{
	set_image_header(image)->index_page = page;
	set_image_header(image)->index_shift = image->shape.key_bits - index_bits(&image->shape, rows);
}

int set_index_expect(struct set_image *image)
{
	if (!image->shape.indexed)
		return 0;
	image->change++;
	if (!image->written)
		image->written = calloc(image->pages, sizeof(*image->written));
	return image->written ? 0 : -ENOMEM;
}

void set_index_written(struct set_image *image, uint32_t page)
{
	if (image->written)
		image->written[page] = image->change;
}

static bool is_new(const struct set_image *image, uint32_t page)
{
	return image->written[page] == image->change;
}

static void name_page(struct set_image *image, uint64_t slot, uint32_t page, uint32_t level)
{
	uint32_t *slots = set_image_page(image, set_image_header(image)->index_page), number = level << WEIR_SET_TREE_SHIFT | page;

	if (slots[slot] != number)
		__atomic_store_n(&slots[slot], number, __ATOMIC_RELEASE);
}

struct stretch {
	uint64_t first, last;
};

/* A leaf is named by all slots within it. */
static void name_leaf(struct set_image *image, uint32_t page, struct stretch of)
{
	uint32_t shift = set_image_header(image)->index_shift;
	uint64_t slot = (of.first + (1ull << shift) - 1) >> shift, end = (of.last + 1) >> shift;

	for (; slot < end; slot++)
		name_page(image, slot, page, 1);
}

/* A page further up by those in which one page below it ends and the next begins. */
static void name_borders(struct set_image *image, uint32_t page, uint32_t level, struct stretch of)
{
	uint32_t shift = set_image_header(image)->index_shift;

	for (uint32_t i = 1; i < set_tree_count(image, page); i++) {
		uint64_t start = (uint64_t)set_tree_start(image, page, i), slot = start >> shift;

		if (start != slot << shift && slot << shift >= of.first && ((slot + 1) << shift) - 1 <= of.last)
			name_page(image, slot, page, level);
	}
}

/* New pages lie where something changed, or beside that, where one became two. */
static void refresh(struct set_image *image, uint32_t page, uint32_t level, struct stretch of, struct stretch changed)
{
	uint32_t count = set_tree_count(image, page);

	if (level == 1) {
		if (is_new(image, page))
			name_leaf(image, page, of);
		return;
	}
	if (is_new(image, page))
		name_borders(image, page, level, of);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t below = set_tree_numbers(image, page)[i];
		struct stretch part = { (uint64_t)set_tree_start(image, page, i),
					i + 1 < count ? (uint64_t)set_tree_start(image, page, i + 1) - 1 : of.last };

		if (is_new(image, below) || (part.first <= changed.last && part.last >= changed.first))
			refresh(image, below, level - 1, part, changed);
	}
}

void set_index_refresh(struct set_image *image, uint64_t first, uint64_t last)
{
	struct stretch all = { 0 };

	if (!image->shape.indexed || !set_tree_levels(image))
		return;
	all.last = (1ull << image->shape.key_bits) - 1;
	refresh(image, set_tree_root(image), set_tree_levels(image), all, (struct stretch){ first, last });
}
