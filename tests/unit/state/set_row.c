// SPDX-License-Identifier: GPL-2.0-only
/* Elements become rows of maps, and rows elements again: nothing is lost, and a range is covered exactly. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "kernel/set_row.h"

#include "../../tap.h"

typedef unsigned __int128 wide;

static struct value value_of(wide number)
{
	return (struct value){ .hi = (uint64_t)(number >> 64), .lo = (uint64_t)number };
}

static wide number_of(struct value value)
{
	return (wide)value.hi << 64 | value.lo;
}

/* Do the rows of LOW to HIGH cover just that, without overlap, and come back as they went in? */
static bool covers_exactly(enum value_type type, wide low, wide high)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct policy_set set = { .types = { type }, .components = 1 };
	struct set_element element = { .keys = { { value_of(low), value_of(high) } } }, back;
	struct set_rows rows[2] = { 0 };
	wide next = low;
	size_t taken = 0, all;

	if (set_rows_of_element(arena, &set, &element, (struct set_row){ .element = 7 }, rows))
		return false;
	all = rows[0].count + rows[1].count;
	while (taken < all) {
		size_t before = taken;

		for (int which = 0; which < 2; which++)
			for (size_t i = 0; i < rows[which].count; i++) {
				back = set_element_of_row(&set, &rows[which].items[i], which == ROWS_PREFIX);
				if (number_of(back.keys[0].low) != next || rows[which].items[i].element != 7)
					continue;
				taken++;
				if (number_of(back.keys[0].high) == high)
					return taken == all;
				next = number_of(back.keys[0].high) + 1;
			}
		if (taken == before)
			return false;
	}
	return false;
}

TEST(a_single_value_is_one_row)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct policy_set set = { .types = { TYPE_IPV4_ADDR }, .components = 1 };
	struct set_element element = { .keys = { { { 0, 0x0a000001 }, { 0, 0x0a000001 } } } };
	struct set_rows rows[2] = { 0 };

	CHECK_NUMBER(set_rows_of_element(arena, &set, &element, (struct set_row){ 0 }, rows), 0);
	CHECK_NUMBER(rows[ROWS_SINGLE].count, 1);
	CHECK_NUMBER(rows[ROWS_PREFIX].count, 0);
	CHECK_NUMBER(rows[ROWS_SINGLE].items[0].words[0], 0x0a000001);
}

TEST(a_range_is_covered_by_its_prefixes_and_nothing_else)
{
	const wide last = ~(wide)0;

	CHECK(covers_exactly(TYPE_IPV4_ADDR, 0, 0xffffffff));
	CHECK(covers_exactly(TYPE_IPV4_ADDR, 0, 0));
	CHECK(covers_exactly(TYPE_IPV4_ADDR, 0xffffffff, 0xffffffff));
	CHECK(covers_exactly(TYPE_IPV4_ADDR, 1, 0xfffffffe));
	CHECK(covers_exactly(TYPE_INET_SERVICE, 1, 65535));
	CHECK(covers_exactly(TYPE_INET_SERVICE, 0, 65535));
	CHECK(covers_exactly(TYPE_IPV6_ADDR, 0, last));
	CHECK(covers_exactly(TYPE_IPV6_ADDR, 1, last - 1));
	CHECK(covers_exactly(TYPE_IPV6_ADDR, last - 1, last));
	srandom(1);
	for (int i = 0; i < 20000; i++) {
		wide a = (wide)random() << 1 ^ (wide)random(), b = a + ((wide)random() >> (random() % 31));

		if (b > 0xffffffff || a > 0xffffffff)
			continue;
		if (!covers_exactly(TYPE_IPV4_ADDR, a, b)) {
			CHECK(!"a random range is covered exactly");
			break;
		}
	}
}

TEST(elements_of_every_type_come_back_as_they_went_in)
{
	static const struct {
		enum value_type types[2];
		uint32_t components, words;
	} sets[] = {
		{ { TYPE_IPV4_ADDR }, 1, 1 },
		{ { TYPE_IPV6_ADDR }, 1, 2 },
		{ { TYPE_ETHER_ADDR }, 1, 1 },
		{ { TYPE_INET_SERVICE }, 1, 1 },
		{ { TYPE_PROTOCOL }, 1, 1 },
		{ { TYPE_NUMBER }, 1, 1 },
		{ { TYPE_IPV4_ADDR, TYPE_INET_SERVICE }, 2, 2 },
		{ { TYPE_IPV6_ADDR, TYPE_IPV6_ADDR }, 2, 4 },
		{ { TYPE_ETHER_ADDR, TYPE_IPV4_ADDR }, 2, 2 },
	};

	srandom(2);
	for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
		struct policy_set set = { .types = { sets[s].types[0], sets[s].types[1] }, .components = sets[s].components };

		CHECK_NUMBER(set_shape(&set, false).words, sets[s].words);
		for (int i = 0; i < 200; i++) {
			_cleanup_(arena_freep) struct arena *arena = arena_new();
			struct set_element element = { 0 }, back;
			struct set_rows rows[2] = { 0 };

			for (uint32_t c = 0; c < set.components; c++) {
				uint32_t bits = value_type_bits(set.types[c]);
				wide number = (wide)random() << 97 ^ (wide)random() << 66 ^ (wide)random() << 35 ^ (wide)random();

				number = bits == 128 ? number : number & (((wide)1 << bits) - 1);
				element.keys[c] = (struct value_range){ value_of(number), value_of(number) };
			}
			CHECK_NUMBER(set_rows_of_element(arena, &set, &element, (struct set_row){ 0 }, rows), 0);
			CHECK_NUMBER(rows[ROWS_SINGLE].count, 1);
			back = set_element_of_row(&set, &rows[ROWS_SINGLE].items[0], false);
			if (memcmp(back.keys, element.keys, sizeof(back.keys)) != 0) {
				CHECK(!"the element came back as it went in");
				break;
			}
		}
	}
}

TEST(a_range_goes_into_no_set_that_has_no_prefixes)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct policy_set set = { .types = { TYPE_ETHER_ADDR }, .components = 1 };
	struct set_element element = { .keys = { { { 0, 1 }, { 0, 2 } } } };
	struct set_rows rows[2] = { 0 };

	CHECK_NUMBER(set_rows_of_element(arena, &set, &element, (struct set_row){ 0 }, rows), -EINVAL);
	CHECK_NUMBER(rows[0].count + rows[1].count, 0);
}

/* COUNT rows of which the first IN_ORDER are so; keys meet, and each row is told by its element. */
static void sort_some(uint32_t count, uint32_t in_order)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	bool *seen = arena_new_array(arena, bool, count + 1);
	struct set_rows rows = { 0 };

	for (uint32_t i = 0; i < count; i++) {
		uint64_t key = i < in_order ? 10 * i : (uint64_t)random() % (10 * count);

		vector_push(arena, &rows,
			    (struct set_row){ .words = { key / 8, key % 8 / 2 }, .length = key % 2, .element = i, .expires = i });
	}
	set_rows_sort(&rows);
	CHECK_NUMBER(rows.count, count);
	for (uint32_t i = 0; i < rows.count; i++) {
		CHECK(i == 0 || set_row_compare(&rows.items[i - 1], &rows.items[i]) <= 0);
		CHECK(!seen[rows.items[i].element] && rows.items[i].expires == rows.items[i].element);
		seen[rows.items[i].element] = true;
	}
}

TEST(rows_are_sorted_however_many_are_in_order)
{
	static const uint32_t counts[] = { 0, 1, 2, 3, 10, 1000 };

	srandom(3);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (uint32_t tenth = 0; tenth <= 10; tenth++)
			sort_some(counts[i], counts[i] * tenth / 10);
}

int main(void)
{
	RUN(a_single_value_is_one_row);
	RUN(a_range_is_covered_by_its_prefixes_and_nothing_else);
	RUN(elements_of_every_type_come_back_as_they_went_in);
	RUN(a_range_goes_into_no_set_that_has_no_prefixes);
	RUN(rows_are_sorted_however_many_are_in_order);
	return tap_end();
}
