// SPDX-License-Identifier: GPL-2.0-only
/*
 * The index in front of a tree: programs begin there, by the upper bits of the key, and not at the root. A slot stands for a
 * stretch of keys; it names the lowest page of the tree in which all of that lies, as the header's `tree` names the root.
 *
 * Of keys of at most 32 bits the slots are all keys there are. IPv6 prefixes lie in few places of a large space, so the slots lie
 * where the prefixes did when the table was made, all but a few at both ends, if those make it much wider; what is outside begins
 * at the root.
 *
 * When a page has been written the slots whose lowest page it is are stored, one by one; until then they lead to the page before,
 * which says what it said before the change. The page says what will be so after it, and the tree leads to it a moment later.
 */
#include "kernel/set_tree.h"

#define LEAST_BITS 8
#define MOST_BITS  18

#define OUTSIDE	     64 /* at each end one of so many prefixes may have no slot */
#define OUTSIDE_PAYS 2	/* if slots are so many bits smaller for it */

static struct weir_set_index *index_of(const struct set_image *image)
{
	return (struct weir_set_index *)(set_image_header(image) + 1);
}

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

/* So that the upper halves of addresses from FIRST to LAST have no more than 1 << BITS slots. */
static struct weir_set_index slots_between(uint64_t first, uint64_t last, uint32_t bits)
{
	struct weir_set_index index = { .base = first };

	while ((last >> index.shift) - (first >> index.shift) >= 1ull << bits)
		index.shift++;
	index.base = first >> index.shift << index.shift;
	index.slots = (uint32_t)((last - index.base) >> index.shift) + 1;
	return index;
}

static struct weir_set_index place_slots(const struct set_rows *rows, uint32_t bits)
{
	size_t outside = rows->count / OUTSIDE, last = rows->count - 1;
	struct weir_set_index all, most;

	all = slots_between(rows->items[0].words[0], rows->items[last].words[0], bits);
	most = slots_between(rows->items[outside].words[0], rows->items[last - outside].words[0], bits);
	return all.shift < most.shift + OUTSIDE_PAYS ? all : most;
}

void set_index_begin(struct set_image *image, uint32_t page, const struct set_rows *rows)
{
	struct weir_set_index *index = index_of(image);
	uint32_t bits = index_bits(&image->shape, rows->count);

	if (image->shape.key_bits <= 32)
		*index = (struct weir_set_index){ .shift = image->shape.key_bits - bits, .slots = 1u << bits };
	else if (rows->count)
		*index = place_slots(rows, bits);
	index->page = page;
}

static void name_page(struct set_image *image, uint64_t slot, uint32_t page, uint32_t level)
{
	uint32_t *slots = set_image_page(image, index_of(image)->page), number = level << WEIR_SET_TREE_SHIFT | page;

	if (slots[slot] != number)
		__atomic_store_n(&slots[slot], number, __ATOMIC_RELEASE);
}

struct stretch {
	wide first, last;
};

/* The keys of one slot. */
static struct stretch slot_stretch(const struct set_image *image, uint64_t slot)
{
	const struct weir_set_index *index = index_of(image);
	uint32_t below = image->shape.key_bits > 64 ? 64 : 0; /* bits that the index does not look at */
	wide first = ((wide)index->base + ((wide)slot << index->shift)) << below;

	return (struct stretch){ first, first + (((wide)1 << index->shift << below) - 1) };
}

/* The slot in which KEY lies; if it lies before or behind them all, the first, or one behind the last. */
static uint64_t slot_of(const struct set_image *image, wide key)
{
	const struct weir_set_index *index = index_of(image);
	uint64_t upper = (uint64_t)(image->shape.key_bits > 64 ? key >> 64 : key), slot;

	if (upper < index->base)
		return 0;
	slot = (upper - index->base) >> index->shift;
	return slot < index->slots ? slot : index->slots;
}

wide set_index_border(const struct set_image *image, wide key)
{
	wide first = slot_stretch(image, slot_of(image, key)).first;

	return first <= key ? first : 0; /* a key behind them all: where the last ends */
}

static bool is_within(struct stretch stretch, struct stretch of)
{
	return stretch.first >= of.first && stretch.last <= of.last;
}

/* A leaf is named by all slots within it. */
static void name_leaf(struct set_image *image, uint32_t page, struct stretch of)
{
	uint64_t slot = slot_of(image, of.first), end = slot_of(image, of.last);

	for (; slot <= end && slot < index_of(image)->slots; slot++)
		if (is_within(slot_stretch(image, slot), of))
			name_page(image, slot, page, 1);
}

/* A page further up by those in which one page below it ends and the next begins. */
static void name_borders(struct set_image *image, uint32_t page, uint32_t level, struct stretch of)
{
	uint32_t count = set_page_count(image, page);

	for (uint32_t i = 1; i < count; i++) {
		wide start = set_page_start(image, page, i);
		uint64_t slot = slot_of(image, start);
		struct stretch stretch;

		if (slot == index_of(image)->slots)
			continue;
		stretch = slot_stretch(image, slot);
		if (stretch.first < start && start <= stretch.last && is_within(stretch, of))
			name_page(image, slot, page, level);
	}
}

void set_index_name(struct set_image *image, uint32_t page, uint32_t level, wide last)
{
	struct stretch of = { set_page_start(image, page, 0), last };

	if (level == 1)
		name_leaf(image, page, of);
	else
		name_borders(image, page, level, of);
}
