// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lines of a direct table: what never expires is found in one line of a cache, 15 keys. What finds no room in its line, and what
 * expires, goes into a bucket, and the line says so first, so that programs look there. That word only ever gets more bits; a new
 * table begins without.
 */
#include "kernel/set_image.h"

/* Keys a line when a table is filled: then about one in a hundred lines is too short, by few keys. */
#define LINE_FILL 8

/* Lines more than that, for small tables. */
#define SPARE_LINES 32

static uint32_t line_count(size_t rows)
{
	return (uint32_t)(rows / LINE_FILL) + SPARE_LINES;
}

static uint32_t pages_of(const struct set_shape *shape, uint32_t lines, uint32_t bytes)
{
	return (uint32_t)(((uint64_t)lines * bytes + shape->page_size - 1) / shape->page_size);
}

static uint32_t line_pages(const struct set_shape *shape, uint32_t lines)
{
	return pages_of(shape, lines, sizeof(struct weir_set_line));
}

uint32_t set_line_pages(const struct set_shape *shape, size_t rows)
{
	uint32_t lines = line_count(rows);

	return line_pages(shape, lines) + pages_of(shape, lines, sizeof(struct weir_set_line_flags));
}

void set_line_begin(struct set_image *image, uint32_t page, size_t rows)
{
	set_image_header(image)->lines_page = page;
	set_image_header(image)->lines = line_count(rows);
}

/* ---- Where a key belongs ---- */

static struct weir_set_line *line_at(const struct set_image *image, uint32_t number)
{
	return (struct weir_set_line *)set_image_page(image, set_image_header(image)->lines_page) + number;
}

static struct weir_set_line_flags *flags_at(const struct set_image *image, uint32_t number)
{
	const struct weir_set_header *header = set_image_header(image);

	return (struct weir_set_line_flags *)set_image_page(image, header->lines_page + line_pages(&image->shape, header->lines)) +
	       number;
}

static uint32_t line_of(const struct set_image *image, uint64_t hash)
{
	return (uint32_t)((uint64_t)(uint32_t)hash * set_image_header(image)->lines >> 32);
}

/* Where KEY (0: a free place) is in a line, or WEIR_SET_LINE_KEYS. */
static uint32_t place_of(const struct weir_set_line *line, uint32_t key)
{
	uint32_t i = 0;

	while (i < WEIR_SET_LINE_KEYS && line->keys[i] != key)
		i++;
	return i;
}

/* ---- In and out ---- */

uint8_t *set_line_find(const struct set_image *image, const struct set_row *row)
{
	uint32_t number = line_of(image, set_image_hash(image, row)), i = place_of(line_at(image, number), (uint32_t)row->words[0]);

	return i < WEIR_SET_LINE_KEYS ? &flags_at(image, number)->flags[i] : NULL;
}

bool set_line_put(struct set_image *image, const struct set_row *row)
{
	uint32_t number = line_of(image, set_image_hash(image, row)), i;
	struct weir_set_line *line = line_at(image, number);

	i = place_of(line, 0);
	if (i == WEIR_SET_LINE_KEYS)
		return false;
	flags_at(image, number)->flags[i] = (uint8_t)row->flags;
	__atomic_store_n(&line->keys[i], (uint32_t)row->words[0], __ATOMIC_RELEASE);
	return true;
}

bool set_line_take(struct set_image *image, const struct set_row *row)
{
	struct weir_set_line *line = line_at(image, line_of(image, set_image_hash(image, row)));
	uint32_t i = place_of(line, (uint32_t)row->words[0]);

	if (i == WEIR_SET_LINE_KEYS)
		return false;
	__atomic_store_n(&line->keys[i], 0, __ATOMIC_RELEASE);
	return true;
}

void set_line_refer(struct set_image *image, const struct set_row *row)
{
	uint64_t hash = set_image_hash(image, row);
	struct weir_set_line *line = line_at(image, line_of(image, hash));

	__atomic_store_n(&line->elsewhere, line->elsewhere | 1u << (hash >> 32 & SET_ELSEWHERE_MASK), __ATOMIC_RELEASE);
}

void set_line_read(const struct set_image *image, struct arena *arena, struct set_rows *rows)
{
	for (uint32_t number = 0; number < set_image_header(image)->lines; number++) {
		const struct weir_set_line *line = line_at(image, number);

		for (int i = 0; i < WEIR_SET_LINE_KEYS; i++) {
			uint32_t key = __atomic_load_n(&line->keys[i], __ATOMIC_ACQUIRE);

			if (key)
				vector_push(arena, rows,
					    (struct set_row){ .words = { key },
							      .expires = WEIR_SET_NEVER,
							      .flags = flags_at(image, number)->flags[i] });
		}
	}
}

uint64_t set_line_count(const struct set_image *image)
{
	uint64_t count = 0;

	for (uint32_t number = 0; number < set_image_header(image)->lines; number++)
		for (int i = 0; i < WEIR_SET_LINE_KEYS; i++)
			count += line_at(image, number)->keys[i] != 0;
	return count;
}
