// SPDX-License-Identifier: GPL-2.0-only
/* Elements of sets as keys of maps (bpf/weir_abi.h has the layout), and back. A range is stored as the prefixes that cover it. */
#include <errno.h>
#include <string.h>

#include "kernel/set_table.h"

typedef unsigned __int128 wide;

static uint32_t component_size(enum value_type type)
{
	return ((value_type_bits(type) + 7) / 8 + 3) & ~3u;
}

uint32_t set_key_size(const struct policy_set *set)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < set->components; i++)
		size += component_size(set->types[i]);
	return size;
}

bool set_type_has_prefixes(const struct policy_set *set)
{
	return set->components == 1 &&
	       (set->types[0] == TYPE_IPV4_ADDR || set->types[0] == TYPE_IPV6_ADDR || set->types[0] == TYPE_INET_SERVICE);
}

static wide widen(struct value value)
{
	return (wide)value.hi << 64 | value.lo;
}

static struct value narrow(wide number)
{
	return (struct value){ .hi = (uint64_t)(number >> 64), .lo = (uint64_t)number };
}

static void write_component(unsigned char *key, enum value_type type, wide number)
{
	for (uint32_t bytes = (value_type_bits(type) + 7) / 8; bytes > 0; bytes--) {
		key[bytes - 1] = (unsigned char)number;
		number >>= 8;
	}
}

static wide read_component(const unsigned char *key, enum value_type type)
{
	wide number = 0;

	for (uint32_t i = 0; i < (value_type_bits(type) + 7) / 8; i++)
		number = number << 8 | key[i];
	return number;
}

static void push(struct arena *arena, struct set_rows *rows, const struct set_row *row)
{
	vector_push(arena, rows, *row);
}

/* The prefixes that cover LOW to HIGH, the largest possible from the left. */
static void push_range(struct arena *arena, enum value_type type, const struct value_range *range, struct set_row row,
		       struct set_rows rows[2])
{
	uint32_t bits = value_type_bits(type), free_bits, length;
	wide low = widen(range->low), high = widen(range->high);

	for (;;) {
		for (free_bits = 0; free_bits < bits; free_bits++) {
			wide size = (wide)1 << free_bits; /* of the prefix that stands; is one of twice that in order? */

			if (low & size || high - low < size || high - low - size < size - 1)
				break;
		}
		length = bits - free_bits;
		memset(row.key, 0, sizeof(row.key));
		row.value.prefix_length = length == bits ? 0 : length;
		if (length == bits) {
			write_component(row.key, type, low);
			push(arena, &rows[ROWS_EXACT], &row);
		} else {
			memcpy(row.key, &length, sizeof(length));
			write_component(row.key + sizeof(length), type, low);
			push(arena, &rows[ROWS_PREFIX], &row);
		}
		/* Beyond the last address there is none; the sum would be 0 at 128 bits. */
		if (free_bits == bits || high - low < (wide)1 << free_bits)
			return;
		low += (wide)1 << free_bits;
	}
}

int set_rows_of_element(struct arena *arena, const struct policy_set *set, const struct set_element *element, struct set_row row,
			struct set_rows rows[2])
{
	unsigned char *key = row.key;

	if (value_compare(element->keys[0].low, element->keys[0].high) != 0) {
		if (!set_type_has_prefixes(set))
			return -EINVAL;
		push_range(arena, set->types[0], &element->keys[0], row, rows);
		return 0;
	}
	memset(row.key, 0, sizeof(row.key));
	for (uint32_t i = 0; i < set->components; i++) {
		if (value_compare(element->keys[i].low, element->keys[i].high) != 0)
			return -EINVAL;
		write_component(key, set->types[i], widen(element->keys[i].low));
		key += component_size(set->types[i]);
	}
	push(arena, &rows[ROWS_EXACT], &row);
	return 0;
}

struct set_element set_element_of_row(const struct policy_set *set, const struct set_row *row, bool prefix)
{
	struct set_element element = { 0 };
	const unsigned char *key = row->key;
	uint32_t length, bits = value_type_bits(set->types[0]);
	wide low, size;

	if (prefix) {
		memcpy(&length, key, sizeof(length));
		low = read_component(key + sizeof(length), set->types[0]);
		size = length ? ((wide)1 << (bits - length)) - 1 : bits == 128 ? ~(wide)0 : ((wide)1 << bits) - 1;
		element.keys[0] = (struct value_range){ .low = narrow(low), .high = narrow(low + size) };
		return element;
	}
	for (uint32_t i = 0; i < set->components; i++) {
		low = read_component(key, set->types[i]);
		element.keys[i] = (struct value_range){ .low = narrow(low), .high = narrow(low) };
		key += component_size(set->types[i]);
	}
	return element;
}
