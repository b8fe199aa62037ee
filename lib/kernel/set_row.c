// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/set_row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef unsigned __int128 wide;

bool set_type_has_prefixes(const struct policy_set *set)
{
	return set->components == 1 &&
	       (set->types[0] == TYPE_IPV4_ADDR || set->types[0] == TYPE_IPV6_ADDR || set->types[0] == TYPE_INET_SERVICE);
}

/* ---- Elements ---- */

static wide widen(struct value value)
{
	return (wide)value.hi << 64 | value.lo;
}

static struct value narrow(wide number)
{
	return (struct value){ .hi = (uint64_t)(number >> 64), .lo = (uint64_t)number };
}

static uint32_t put_value(uint64_t *words, enum value_type type, struct value value)
{
	if (set_type_words(type) == 1) {
		words[0] = value.lo;
		return 1;
	}
	words[0] = value.hi;
	words[1] = value.lo;
	return 2;
}

static struct value get_value(const uint64_t *words, enum value_type type)
{
	if (set_type_words(type) == 1)
		return (struct value){ .lo = words[0] };
	return (struct value){ .hi = words[0], .lo = words[1] };
}

static void push(struct arena *arena, struct set_rows *rows, const struct set_row *row)
{
	vector_push(arena, rows, *row);
}

/* One prefix of BITS - FREE_BITS bits. */
static void push_prefix(struct arena *arena, enum value_type type, wide low, uint32_t free_bits, struct set_row row,
			struct set_rows rows[2])
{
	uint32_t bits = value_type_bits(type);

	memset(row.words, 0, sizeof(row.words));
	put_value(row.words, type, narrow(low));
	if (free_bits == 1 && bits == 128) {
		push(arena, &rows[ROWS_SINGLE], &row);
		row.words[1] |= 1;
		push(arena, &rows[ROWS_SINGLE], &row);
	} else if (free_bits == 0) {
		push(arena, &rows[ROWS_SINGLE], &row);
	} else {
		row.length = bits - free_bits;
		push(arena, &rows[ROWS_PREFIX], &row);
	}
}

/* The prefixes that cover LOW to HIGH, the largest possible from the left. */
static void push_range(struct arena *arena, enum value_type type, const struct value_range *range, struct set_row row,
		       struct set_rows rows[2])
{
	uint32_t bits = value_type_bits(type), free_bits;
	wide low = widen(range->low), high = widen(range->high);

	for (;;) {
		for (free_bits = 0; free_bits < bits; free_bits++) {
			wide size = (wide)1 << free_bits; /* of the prefix that stands; is one of twice that in order? */

			if (low & size || high - low < size || high - low - size < size - 1)
				break;
		}
		push_prefix(arena, type, low, free_bits, row, rows);
		/* Beyond the last address there is none; the sum would be 0 at 128 bits. */
		if (free_bits == bits || high - low < (wide)1 << free_bits)
			return;
		low += (wide)1 << free_bits;
	}
}

int set_rows_of_element(struct arena *arena, const struct policy_set *set, const struct set_element *element, struct set_row row,
			struct set_rows rows[2])
{
	uint32_t words = 0;

	if (value_compare(element->keys[0].low, element->keys[0].high) != 0) {
		if (!set_type_has_prefixes(set))
			return -EINVAL;
		push_range(arena, set->types[0], &element->keys[0], row, rows);
		return 0;
	}
	memset(row.words, 0, sizeof(row.words));
	for (uint32_t i = 0; i < set->components; i++) {
		if (value_compare(element->keys[i].low, element->keys[i].high) != 0)
			return -EINVAL;
		words += put_value(row.words + words, set->types[i], element->keys[i].low);
	}
	push(arena, &rows[ROWS_SINGLE], &row);
	return 0;
}

struct set_element set_element_of_row(const struct policy_set *set, const struct set_row *row, bool prefix)
{
	struct set_element element = { 0 };
	uint32_t words = 0;

	for (uint32_t i = 0; i < set->components; i++) {
		struct value value = get_value(row->words + words, set->types[i]);

		words += set_type_words(set->types[i]);
		element.keys[i] = (struct value_range){ .low = value, .high = value };
	}
	if (prefix) {
		uint32_t free_bits = value_type_bits(set->types[0]) - row->length;
		wide rest = free_bits == 128 ? ~(wide)0 : ((wide)1 << free_bits) - 1;

		element.keys[0].high = narrow(widen(element.keys[0].low) + rest);
	}
	return element;
}

/* ---- Order ---- */

int set_row_compare(const struct set_row *a, const struct set_row *b)
{
	for (int i = 0; i < WEIR_MAX_SET_WORDS; i++)
		if (a->words[i] != b->words[i])
			return a->words[i] < b->words[i] ? -1 : 1;
	return a->length < b->length ? -1 : a->length > b->length;
}

static int compare(const void *a, const void *b)
{
	return set_row_compare(a, b);
}

/* What is behind SORTED, in order itself, into what is before. False: there is no memory. */
static bool merge_tail(struct set_rows *rows, size_t sorted)
{
	size_t left = rows->count - sorted, to = rows->count;
	struct set_row *tail = malloc(left * sizeof(*tail));

	if (!tail)
		return false;
	memcpy(tail, &rows->items[sorted], left * sizeof(*tail));
	while (left > 0) {
		bool before = sorted > 0 && set_row_compare(&rows->items[sorted - 1], &tail[left - 1]) > 0;

		rows->items[--to] = before ? rows->items[--sorted] : tail[--left];
	}
	free(tail);
	return true;
}

/* A table's entries are in order but for those that came later, so most of the work is done. */
void set_rows_sort(struct set_rows *rows)
{
	size_t sorted = 1;

	while (sorted < rows->count && set_row_compare(&rows->items[sorted - 1], &rows->items[sorted]) <= 0)
		sorted++;
	if (sorted >= rows->count)
		return;
	if (sorted < rows->count / 2)
		sorted = 0;
	qsort(&rows->items[sorted], rows->count - sorted, sizeof(*rows->items), compare);
	if (sorted && !merge_tail(rows, sorted))
		qsort(rows->items, rows->count, sizeof(*rows->items), compare);
}

struct set_row *set_rows_find(const struct set_rows *rows, const struct set_row *row)
{
	return rows->count ? bsearch(row, rows->items, rows->count, sizeof(*rows->items), compare) : NULL;
}

/* ---- Time ---- */

#define NS_A_SECOND 1000000000u
#define UNIT	    (1ull << WEIR_SET_CLOCK_SHIFT)

uint64_t set_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_A_SECOND + (uint64_t)now.tv_nsec;
}

/* What would end later than 32 bits can say, some eighteen years after the start of the machine, ends then. */
uint32_t set_expiry(uint64_t now, uint64_t timeout_s)
{
	uint64_t units;

	if (timeout_s == 0)
		return WEIR_SET_NEVER;
	if (timeout_s > (UINT64_MAX - now - UNIT) / NS_A_SECOND)
		return WEIR_SET_NEVER - 1;
	units = (now + timeout_s * NS_A_SECOND + UNIT - 1) >> WEIR_SET_CLOCK_SHIFT;
	return units < WEIR_SET_NEVER ? (uint32_t)units : WEIR_SET_NEVER - 1;
}

bool set_is_over(uint32_t expires, uint64_t now)
{
	return expires != WEIR_SET_NEVER && now >> WEIR_SET_CLOCK_SHIFT >= expires;
}

/* It was rounded up to a unit: so much less is left than it seems. */
uint64_t set_seconds_left(uint32_t expires, uint64_t now)
{
	uint64_t end = (uint64_t)expires << WEIR_SET_CLOCK_SHIFT, left = end > now ? end - now : 0;

	if (expires == WEIR_SET_NEVER)
		return 0;
	left = left > UNIT ? left - UNIT : 0;
	return left ? (left + NS_A_SECOND - 1) / NS_A_SECOND : 1;
}
