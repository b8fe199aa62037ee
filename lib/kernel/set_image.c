// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/set_image.h"

#include <errno.h>
#include <string.h>

/*
 * Elements a bucket when a table is filled: 4 of 7 leave two choices ever so rarely without a place (the first of a million finds
 * none at 4.5). Tables double, so they have 2 to 4.
 */
#define FILL 4

/* One in so many of the keys of lines may find no room there before the table is replaced; when it is filled one in hundreds. */
#define LINES_SPILL 32

/* Entries that may be added before the table is replaced: a quarter, of small tables more, up to that number. */
#define SPARE_ENTRIES 2048

/* ---- Where things are ---- */

void *set_image_page(const struct set_image *image, uint32_t page)
{
	return image->memory + (size_t)page * image->shape.page_size;
}

struct weir_set_header *set_image_header(const struct set_image *image)
{
	return (struct weir_set_header *)(void *)image->memory;
}

static struct weir_set_bucket *bucket_at(const struct set_image *image, uint32_t number)
{
	return (struct weir_set_bucket *)set_image_page(image, 1) + number;
}

struct weir_set_entry *set_image_entry(const struct set_image *image, uint32_t number)
{
	unsigned char *first = set_image_page(image, set_image_header(image)->entries_page);

	return (struct weir_set_entry *)(void *)(first + ((size_t)number << image->shape.entry_size_shift));
}

uint64_t *set_image_entry_words(struct weir_set_entry *entry)
{
	return (uint64_t *)(void *)(entry + 1);
}

struct weir_counter *set_image_entry_counter(const struct set_image *image, struct weir_set_entry *entry)
{
	unsigned char *end = (unsigned char *)entry + (1u << image->shape.entry_size_shift);

	return (struct weir_counter *)(void *)(end - sizeof(struct weir_counter));
}

static uint32_t entry_limit(const struct set_image *image)
{
	const struct weir_set_header *header = set_image_header(image);

	return (header->tree_page - header->entries_page) << image->shape.entry_shift;
}

/* ---- Sizes ---- */

static uint32_t bucket_count(size_t rows)
{
	uint32_t buckets = 16;

	while ((uint64_t)buckets * FILL < rows)
		buckets *= 2;
	return buckets;
}

/* How many single values may need a bucket. Rows that are only counted may be of any kind. */
static size_t bucket_rows(const struct set_shape *shape, const struct set_rows *rows)
{
	size_t expire = 0;

	if (!shape->direct || !rows->items)
		return rows->count;
	for (size_t i = 0; i < rows->count; i++)
		expire += rows->items[i].expires != WEIR_SET_NEVER;
	return expire + (rows->count - expire) / LINES_SPILL;
}

static uint32_t bucket_pages(const struct set_shape *shape, const struct set_rows *rows)
{
	return bucket_count(bucket_rows(shape, rows)) >> shape->bucket_shift;
}

static uint32_t line_pages(const struct set_shape *shape, const struct set_rows *rows)
{
	return shape->direct ? set_line_pages(shape, rows->count) : 0;
}

static uint32_t index_pages(const struct set_shape *shape, const struct set_rows *rows)
{
	return shape->prefixes ? set_index_pages(shape, rows->count) : 0;
}

/* Entry 0 is none. */
static uint32_t entry_pages(const struct set_shape *shape, const struct set_rows rows[2], bool changes)
{
	size_t needed = rows[ROWS_PREFIX].count + (shape->direct ? 0 : rows[ROWS_SINGLE].count), spare;

	if (shape->direct && !shape->prefixes)
		return 0;
	spare = 4 * needed + 64;
	if (changes) /* beside many single values a replacement is dear even for the first prefixes */
		needed += needed / 4 + rows[ROWS_SINGLE].count / 16 + (spare < SPARE_ENTRIES ? spare : SPARE_ENTRIES);
	return (uint32_t)((needed >> shape->entry_shift) + 1);
}

uint32_t set_image_pages(const struct set_shape *shape, const struct set_rows rows[2], bool changes)
{
	return 1 + bucket_pages(shape, &rows[ROWS_SINGLE]) + line_pages(shape, &rows[ROWS_SINGLE]) +
	       index_pages(shape, &rows[ROWS_PREFIX]) + entry_pages(shape, rows, changes) +
	       (shape->prefixes ? set_tree_pages(shape, &rows[ROWS_PREFIX], changes) : 0);
}

/* ---- Entries ---- */

bool set_image_has_entry(const struct set_image *image)
{
	return set_image_header(image)->next_entry < entry_limit(image);
}

uint32_t set_image_new_entry(struct set_image *image, const struct set_row *row, bool prefix)
{
	struct weir_set_header *header = set_image_header(image);
	struct weir_set_entry *entry;
	uint32_t number = header->next_entry;

	if (!set_image_has_entry(image))
		return 0;
	header->next_entry = number + 1;
	entry = set_image_entry(image, number);
	*entry = (struct weir_set_entry){
		.expires = row->expires, .own_expires = row->expires, .length = (uint8_t)row->length, .flags = (uint8_t)row->flags
	};
	memcpy(set_image_entry_words(entry), row->words, image->shape.words * sizeof(uint64_t));
	if (image->shape.counted)
		*set_image_entry_counter(image, entry) = (struct weir_counter){ .packets = row->packets, .bytes = row->bytes };
	entry->prefix = prefix;
	return number;
}

void set_image_entry_row(const struct set_image *image, struct weir_set_entry *entry, struct set_row *ret_row)
{
	*ret_row = (struct set_row){ .expires = entry->prefix ? entry->own_expires : entry->expires,
				     .length = entry->length,
				     .flags = entry->flags };
	memcpy(ret_row->words, set_image_entry_words(entry), image->shape.words * sizeof(uint64_t));
	if (image->shape.counted) {
		ret_row->packets = set_image_entry_counter(image, entry)->packets;
		ret_row->bytes = set_image_entry_counter(image, entry)->bytes;
	}
}

/* ---- Single values: where a key may stand ---- */

struct location {
	uint32_t tag;
	struct weir_set_bucket *buckets[2];
};

uint64_t set_image_hash(const struct set_image *image, const struct set_row *row)
{
	uint64_t hash = set_image_header(image)->seed;

	for (uint32_t i = 0; i < image->shape.words; i++) {
		hash = (hash ^ row->words[i]) * SET_HASH;
		hash ^= hash >> 32;
	}
	return hash;
}

static struct location locate(const struct set_image *image, const struct set_row *row)
{
	const struct weir_set_header *header = set_image_header(image);
	uint64_t hash = set_image_hash(image, row);
	struct location location;
	uint32_t first;

	location.tag = image->shape.direct ? (uint32_t)row->words[0] : (uint32_t)(hash >> 32) | 1;
	first = (uint32_t)hash & header->bucket_mask;
	location.buckets[0] = bucket_at(image, first);
	location.buckets[1] =
		bucket_at(image, first ^ ((uint32_t)((uint64_t)location.tag * SET_SPREAD >> 16) & header->bucket_mask));
	return location;
}

struct slot {
	__u64 *number; /* NULL: none */
	uint8_t *flags;
};

static uint32_t upper(uint64_t slot)
{
	return (uint32_t)(slot >> 32);
}

static bool slot_is(const struct set_image *image, uint64_t slot, uint32_t tag, const struct set_row *row)
{
	if (slot == 0 || (uint32_t)slot != tag)
		return false;
	return image->shape.direct || memcmp(set_image_entry_words(set_image_entry(image, upper(slot))), row->words,
					     image->shape.words * sizeof(uint64_t)) == 0;
}

static struct slot find_slot(const struct set_image *image, const struct set_row *row)
{
	struct location location = locate(image, row);

	for (int b = 0; b < 2; b++)
		for (int i = 0; i < WEIR_SET_SLOTS; i++)
			if (slot_is(image, location.buckets[b]->slots[i], location.tag, row))
				return (struct slot){ &location.buckets[b]->slots[i], &location.buckets[b]->flags[i] };
	return (struct slot){ 0 };
}

/* Is some other key's tag the same? Then a program that met that one would not look for this one behind it. */
static bool tag_is_taken(const struct location *location)
{
	for (int b = 0; b < 2; b++)
		for (int i = 0; i < WEIR_SET_SLOTS; i++)
			if (location->buckets[b]->slots[i] && (uint32_t)location->buckets[b]->slots[i] == location->tag)
				return true;
	return false;
}

static uint32_t count_free(const struct weir_set_bucket *bucket)
{
	uint32_t count = 0;

	for (int i = 0; i < WEIR_SET_SLOTS; i++)
		count += bucket->slots[i] == 0;
	return count;
}

/* In the emptier of its two buckets. */
static struct slot free_slot(const struct location *location)
{
	bool second = count_free(location->buckets[1]) > count_free(location->buckets[0]);
	struct weir_set_bucket *bucket = location->buckets[second];

	for (int i = 0; i < WEIR_SET_SLOTS; i++)
		if (bucket->slots[i] == 0)
			return (struct slot){ &bucket->slots[i], &bucket->flags[i] };
	return (struct slot){ 0 };
}

/* What was written before is seen before. */
static void publish(__u64 *slot, uint32_t number, uint32_t tag)
{
	__atomic_store_n(slot, (uint64_t)number << 32 | tag, __ATOMIC_RELEASE);
}

/* ---- Single values: in and out ---- */

static bool is_zero(const struct set_image *image, const struct set_row *row)
{
	return image->shape.direct && row->words[0] == 0;
}

static int put_into_bucket(struct set_image *image, const struct set_row *row)
{
	struct location location = locate(image, row);
	struct slot slot = free_slot(&location);
	uint32_t entry;

	if (!slot.number || tag_is_taken(&location))
		return -ENOSPC;
	*slot.flags = (uint8_t)row->flags;
	if (image->shape.direct) {
		set_line_refer(image, row);
		publish(slot.number, row->expires, location.tag);
		return 0;
	}
	entry = set_image_new_entry(image, row, false);
	if (!entry)
		return -ENOSPC;
	publish(slot.number, entry, location.tag);
	return 0;
}

static int put_new(struct set_image *image, const struct set_row *row)
{
	if (image->shape.direct && row->expires == WEIR_SET_NEVER && set_line_put(image, row))
		return 0;
	return put_into_bucket(image, row);
}

static int put_into_slot(struct set_image *image, const struct slot *slot, const struct set_row *row)
{
	*slot->flags |= (uint8_t)row->flags;
	if (image->shape.direct)
		publish(slot->number, row->expires, (uint32_t)*slot->number);
	else
		__atomic_store_n(&set_image_entry(image, upper(*slot->number))->expires, row->expires, __ATOMIC_RELEASE);
	return 0;
}

/* What is in a line and is to expire is in a bucket before it leaves the line. */
static int put_anew(struct set_image *image, uint8_t *flags, const struct set_row *row)
{
	struct slot slot = find_slot(image, row);
	struct set_row whole = *row;
	int r;

	*flags |= (uint8_t)row->flags;
	if (row->expires == WEIR_SET_NEVER)
		return 0;
	whole.flags = *flags;
	r = slot.number ? put_into_slot(image, &slot, &whole) : put_into_bucket(image, &whole);
	if (r == 0)
		set_line_take(image, row);
	return r;
}

static int put_single(struct set_image *image, const struct set_row *row)
{
	struct weir_set_header *header = set_image_header(image);
	struct slot slot;
	uint8_t *flags;

	if (is_zero(image, row)) {
		header->zero_flags = (header->zero ? header->zero_flags : 0) | row->flags;
		__atomic_store_n(&header->zero, row->expires, __ATOMIC_RELEASE);
		return 0;
	}
	flags = image->shape.direct ? set_line_find(image, row) : NULL;
	if (flags)
		return put_anew(image, flags, row);
	slot = find_slot(image, row);
	return slot.number ? put_into_slot(image, &slot, row) : put_new(image, row);
}

static bool take_single(struct set_image *image, const struct set_row *row)
{
	struct weir_set_header *header = set_image_header(image);
	struct slot slot;
	bool there;

	if (is_zero(image, row)) {
		there = header->zero != 0;
		__atomic_store_n(&header->zero, 0, __ATOMIC_RELEASE);
		return there;
	}
	slot = find_slot(image, row);
	there = slot.number;
	if (there) /* before the line: who is killed in between leaves what is for ever, not what would come back to life */
		__atomic_store_n(slot.number, 0, __ATOMIC_RELEASE);
	return (image->shape.direct && set_line_take(image, row)) || there;
}

static void read_slot(const struct set_image *image, uint64_t slot, uint32_t flags, struct set_row *ret_row)
{
	if (image->shape.direct)
		*ret_row = (struct set_row){ .words = { (uint32_t)slot }, .expires = upper(slot) };
	else
		set_image_entry_row(image, set_image_entry(image, upper(slot)), ret_row);
	ret_row->flags = flags;
}

static bool find_single(const struct set_image *image, const struct set_row *row, struct set_row *ret_row)
{
	const struct weir_set_header *header = set_image_header(image);
	struct slot slot;
	uint8_t *flags;

	if (is_zero(image, row)) {
		*ret_row = (struct set_row){ .expires = header->zero, .flags = header->zero_flags };
		return header->zero != 0;
	}
	flags = image->shape.direct ? set_line_find(image, row) : NULL;
	if (flags) {
		*ret_row = (struct set_row){ .words = { row->words[0] }, .expires = WEIR_SET_NEVER, .flags = *flags };
		return true;
	}
	slot = find_slot(image, row);
	if (!slot.number)
		return false;
	read_slot(image, *slot.number, *slot.flags, ret_row);
	return true;
}

/* ---- Both ---- */

bool set_image_find(const struct set_image *image, const struct set_row *row, bool prefix, struct set_row *ret_row)
{
	struct set_row found;
	uint32_t entry;

	if (prefix) {
		entry = set_tree_find(image, row);
		if (!entry)
			return false;
		set_image_entry_row(image, set_image_entry(image, entry), &found);
	} else if (!find_single(image, row, &found)) {
		return false;
	}
	if (ret_row)
		*ret_row = found;
	return true;
}

bool set_image_cover(const struct set_image *image, const struct set_row *row, struct set_row *ret_row)
{
	uint32_t entry = image->shape.prefixes ? set_tree_cover(image, row) : 0;

	if (!entry)
		return false;
	set_image_entry_row(image, set_image_entry(image, entry), ret_row);
	return true;
}

int set_image_put(struct set_image *image, const struct set_row *row, bool prefix)
{
	return prefix ? set_tree_put(image, row) : put_single(image, row);
}

int set_image_take(struct set_image *image, const struct set_row *row, bool prefix, bool *ret_there)
{
	uint32_t entry;
	int r = 0;

	if (!prefix) {
		*ret_there = take_single(image, row);
		return 0;
	}
	entry = set_tree_find(image, row);
	if (entry)
		r = set_tree_take(image, entry);
	if (r == 0)
		*ret_there = entry;
	return r;
}

void set_image_count_up(struct set_image *image, const struct set_row *row, bool prefix, uint64_t packets, uint64_t bytes)
{
	struct weir_counter *counter;
	struct slot slot = { 0 };
	uint32_t entry;

	if (prefix) {
		entry = set_tree_find(image, row);
	} else {
		slot = find_slot(image, row);
		entry = slot.number ? upper(*slot.number) : 0;
	}
	if (!entry || !image->shape.counted)
		return;
	counter = set_image_entry_counter(image, set_image_entry(image, entry));
	__atomic_fetch_add(&counter->packets, packets, __ATOMIC_RELAXED);
	__atomic_fetch_add(&counter->bytes, bytes, __ATOMIC_RELAXED);
}

/* ---- Whole ---- */

int set_image_fill(struct set_image *image, const struct set_rows rows[2], uint64_t seed)
{
	struct weir_set_header *header = set_image_header(image);
	const struct set_shape *shape = &image->shape;
	uint32_t needed = set_image_pages(shape, rows, true);
	bool changes = image->pages >= needed;
	uint32_t more = changes ? image->pages - needed : 0; /* for entries, and more for the tree */

	set_image_release(image); /* of what the structure was about before */
	header->seed = seed;
	header->bucket_mask = bucket_count(bucket_rows(shape, &rows[ROWS_SINGLE])) - 1;
	header->entries_page = 1 + bucket_pages(shape, &rows[ROWS_SINGLE]);
	if (shape->direct)
		set_line_begin(image, header->entries_page, rows[ROWS_SINGLE].count);
	header->entries_page += line_pages(shape, &rows[ROWS_SINGLE]);
	if (shape->prefixes)
		set_index_begin(image, header->entries_page, &rows[ROWS_PREFIX]);
	header->entries_page += index_pages(shape, &rows[ROWS_PREFIX]);
	header->tree_page = header->next_page = header->entries_page + entry_pages(shape, rows, changes) + more / 4;
	header->next_entry = 1;
	header->rows = (uint32_t)(rows[ROWS_SINGLE].count + rows[ROWS_PREFIX].count);
	for (size_t i = 0; i < rows[ROWS_SINGLE].count; i++) {
		const struct set_row *row = &rows[ROWS_SINGLE].items[i];
		int r = is_zero(image, row) ? put_single(image, row) : put_new(image, row);

		if (r)
			return r;
	}
	return rows[ROWS_PREFIX].count ? set_tree_fill(image, &rows[ROWS_PREFIX]) : 0;
}

static void read_singles(const struct set_image *image, struct arena *arena, struct set_rows *rows)
{
	const struct weir_set_header *header = set_image_header(image);
	struct set_row row;

	if (image->shape.direct && header->zero)
		vector_push(arena, rows, (struct set_row){ .expires = header->zero, .flags = header->zero_flags });
	if (image->shape.direct)
		set_line_read(image, arena, rows);
	for (uint64_t b = 0; b <= header->bucket_mask; b++) {
		const struct weir_set_bucket *bucket = bucket_at(image, (uint32_t)b);

		for (int i = 0; i < WEIR_SET_SLOTS; i++) {
			uint64_t slot = __atomic_load_n(&bucket->slots[i], __ATOMIC_ACQUIRE);

			if (slot == 0)
				continue;
			read_slot(image, slot, bucket->flags[i], &row);
			if (!image->shape.direct || !set_line_find(image, &row)) /* who moves it may have been killed */
				vector_push(arena, rows, row);
		}
	}
}

static uint32_t count_prefixes(const struct set_image *image)
{
	uint32_t count = 0;

	for (uint32_t i = 1; image->shape.prefixes && i < set_image_header(image)->next_entry; i++)
		count += set_image_entry(image, i)->prefix;
	return count;
}

void set_image_read(const struct set_image *image, struct arena *arena, struct set_rows rows[2])
{
	const struct weir_set_header *header = set_image_header(image);
	uint32_t prefixes = count_prefixes(image);
	struct set_row row;

	vector_reserve(arena, &rows[ROWS_SINGLE], header->rows > prefixes ? header->rows - prefixes : 0);
	vector_reserve(arena, &rows[ROWS_PREFIX], prefixes);
	read_singles(image, arena, &rows[ROWS_SINGLE]);
	for (uint32_t i = 1; image->shape.prefixes && i < header->next_entry; i++) {
		struct weir_set_entry *entry = set_image_entry(image, i);

		if (!entry->prefix)
			continue;
		set_image_entry_row(image, entry, &row);
		vector_push(arena, &rows[ROWS_PREFIX], row);
	}
}

uint64_t set_image_count(const struct set_image *image, uint64_t now)
{
	const struct weir_set_header *header = set_image_header(image);
	uint64_t count = image->shape.direct && header->zero && !set_is_over(header->zero, now);

	count += image->shape.direct ? set_line_count(image) : 0;
	for (uint64_t b = 0; b <= header->bucket_mask; b++)
		for (int i = 0; i < WEIR_SET_SLOTS; i++) {
			uint64_t slot = bucket_at(image, (uint32_t)b)->slots[i];

			if (slot)
				count += !set_is_over(
					image->shape.direct ? upper(slot) : set_image_entry(image, upper(slot))->expires, now);
		}
	for (uint32_t i = 1; image->shape.prefixes && i < header->next_entry; i++) {
		const struct weir_set_entry *entry = set_image_entry(image, i);

		count += entry->prefix && !set_is_over(entry->own_expires, now);
	}
	return count;
}

bool set_image_is_damaged(const struct set_image *image)
{
	return set_image_header(image)->changing;
}

uint32_t set_image_rows(const struct set_image *image)
{
	return set_image_header(image)->rows;
}

void set_image_set_rows(struct set_image *image, uint32_t rows)
{
	set_image_header(image)->rows = rows;
}
