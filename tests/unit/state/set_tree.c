// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tree of a set's prefixes as it is in memory, changed one by one: it says what one made anew would say, and each slot of the
 * index names the lowest page of the tree in which all of the slot lies, which is a leaf.
 */
#include <errno.h>
#include <stdlib.h>

#include "../../tap.h"

#include "../tree/random_rules.h"
#include "kernel/set_tree.h"

#define FILLED	50000u
#define CHANGED 10000u
#define LOOKED	2500u /* changes after which all is looked at */

struct trial {
	struct random random;
	struct set_shape shape;
	struct set_image image;
	uint32_t waits, renewed;
};

static struct set_row draw(struct trial *trial)
{
	bool wide_keys = trial->shape.key_bits == 128;
	uint32_t bits = wide_keys ? 28 + random_below(&trial->random, 40) : 12 + random_below(&trial->random, 20);
	struct set_row row = { .length = bits, .expires = WEIR_SET_NEVER, .flags = WEIR_SET_LIVE };
	wide key = wide_keys ? (wide)(random_number(&trial->random) >> 20 | 1ull << 61) << 64 | random_number(&trial->random)
			     : (uint32_t)random_number(&trial->random);
	uint32_t free_bits = trial->shape.key_bits - bits;

	key = key >> free_bits << free_bits;
	row.words[0] = (uint64_t)(wide_keys ? key >> 64 : key);
	row.words[1] = wide_keys ? (uint64_t)key : 0;
	return row;
}

static bool make(const struct set_shape *shape, struct set_rows rows[2], bool changes, struct set_image *ret_image)
{
	size_t bytes, kept = 0;

	set_rows_sort(&rows[ROWS_PREFIX]);
	for (size_t i = 0; i < rows[ROWS_PREFIX].count; i++)
		if (!kept || set_row_compare(&rows[ROWS_PREFIX].items[kept - 1], &rows[ROWS_PREFIX].items[i]) != 0)
			rows[ROWS_PREFIX].items[kept++] = rows[ROWS_PREFIX].items[i];
	rows[ROWS_PREFIX].count = kept;
	*ret_image = (struct set_image){ .shape = *shape, .pages = set_image_pages(shape, rows, changes) };
	bytes = (size_t)ret_image->pages * shape->page_size;
	ret_image->memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
	memset(ret_image->memory, 0, bytes);
	return set_image_fill(ret_image, rows, 7) == 0;
}

static void forget(struct set_image *image)
{
	set_image_release(image);
	free(image->memory);
}

static bool make_anew(const struct set_image *image, struct set_image *ret_image)
{
	struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };
	bool made;

	set_image_read(image, arena, rows);
	made = make(&image->shape, rows, true, ret_image);
	arena_free(arena);
	return made;
}

static bool begin(struct trial *trial, enum value_type type, uint64_t seed)
{
	struct policy_set set = { .types = { type }, .components = 1 };
	struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };
	bool made;

	*trial = (struct trial){ .random.state = seed, .shape = set_shape(&set, true) };
	for (uint32_t i = 0; i < FILLED; i++)
		vector_push(arena, &rows[ROWS_PREFIX], draw(trial));
	made = make(&trial->shape, rows, true, &trial->image);
	arena_free(arena);
	return made;
}

/* ---- What is looked at ---- */

static void read_tree(const struct set_image *image, uint32_t page, uint32_t level, struct segments *segments)
{
	uint32_t count = set_page_count(image, page);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = set_page_numbers(image, page)[i];

		if (level > 1)
			read_tree(image, number, level - 1, segments);
		else
			segments_push_merged(segments, set_page_start(image, page, i), number);
	}
}

static bool same_entry(const struct set_image *image, uint32_t number, const struct set_image *other, uint32_t other_number)
{
	struct set_row row, other_row;

	if (!number || !other_number)
		return number == other_number;
	set_image_entry_row(image, set_image_entry(image, number), &row);
	set_image_entry_row(other, set_image_entry(other, other_number), &other_row);
	return set_row_compare(&row, &other_row) == 0;
}

static bool is_as_made_anew(const struct trial *trial)
{
	struct segments segments = { 0 }, fresh_segments = { 0 };
	struct set_image fresh;
	bool same = make_anew(&trial->image, &fresh);

	if (!same)
		return false;
	read_tree(&trial->image, set_tree_root(&trial->image), set_tree_levels(&trial->image), &segments);
	read_tree(&fresh, set_tree_root(&fresh), set_tree_levels(&fresh), &fresh_segments);
	same = segments.count == fresh_segments.count;
	for (size_t i = 0; same && i < segments.count; i++)
		same = segments.items[i].start == fresh_segments.items[i].start &&
		       same_entry(&trial->image, segments.items[i].number, &fresh, fresh_segments.items[i].number);
	segments_free(&segments);
	segments_free(&fresh_segments);
	forget(&fresh);
	return same;
}

static uint32_t lowest_page(const struct set_image *image, wide first, wide last)
{
	uint32_t page = set_tree_root(image), level = set_tree_levels(image);

	while (level > 1) {
		const uint32_t *numbers = set_page_numbers(image, page);
		uint32_t begins = numbers[set_page_find(image, page, first)], ends = numbers[set_page_find(image, page, last)];

		if (begins != ends)
			break;
		page = begins;
		level--;
	}
	return level << WEIR_SET_TREE_SHIFT | page;
}

static bool slots_name_the_lowest_page(const struct set_image *image)
{
	const struct weir_set_index *index = (const void *)(set_image_header(image) + 1);
	const uint32_t *slots = set_image_page(image, index->page);
	uint32_t below = image->shape.key_bits > 64 ? 64 : 0;

	for (uint64_t i = 0; i < index->slots; i++) {
		wide first = ((wide)index->base + ((wide)i << index->shift)) << below;

		if (slots[i] != lowest_page(image, first, first + ((wide)1 << index->shift << below) - 1)) {
			printf("# slot %llu of %u\n", (unsigned long long)i, index->slots);
			return false;
		}
	}
	return true;
}

/* In percent. */
static double slots_that_name_a_leaf(const struct set_image *image)
{
	const struct weir_set_index *index = (const void *)(set_image_header(image) + 1);
	const uint32_t *slots = set_image_page(image, index->page);
	double leaves = 0;

	for (uint64_t i = 0; i < index->slots; i++)
		leaves += slots[i] >> WEIR_SET_TREE_SHIFT == 1;
	return 100 * leaves / index->slots;
}

/* ---- Changes ---- */

static int change(struct set_image *image, const struct set_row *row, bool add)
{
	bool there;

	return add ? set_image_put(image, row, true) : set_image_take(image, row, true, &there);
}

static bool change_somehow(struct trial *trial, const struct set_row *row, bool add)
{
	int r = change(&trial->image, row, add);
	struct set_image fresh;

	if (r == -EAGAIN) {
		trial->waits++;
		r = set_image_reclaim(&trial->image) ?: change(&trial->image, row, add);
	}
	if (r != -ENOSPC)
		return r == 0;
	if (!make_anew(&trial->image, &fresh))
		return false;
	forget(&trial->image);
	trial->image = fresh;
	trial->renewed++;
	return change(&trial->image, row, add) == 0;
}

/* Most are added, some taken away again. */
static void change_one_by_one(enum value_type type, uint64_t seed)
{
	struct set_row rows[64] = { 0 };
	struct trial trial;

	CHECK(begin(&trial, type, seed));
	CHECK(slots_name_the_lowest_page(&trial.image));
	printf("# %.1f %% of the slots name a leaf\n", slots_that_name_a_leaf(&trial.image));
	CHECK(slots_that_name_a_leaf(&trial.image) > 98);
	for (uint32_t i = 1; i <= CHANGED; i++) {
		struct set_row *row = &rows[i % 64];
		bool add = !row->length || random_below(&trial.random, 3) > 0;

		if (add)
			*row = draw(&trial);
		if (!change_somehow(&trial, row, add)) {
			CHECK(!"a change is made");
			break;
		}
		row->length = add ? row->length : 0;
		if (i % LOOKED == 0) {
			CHECK(is_as_made_anew(&trial));
			CHECK(slots_name_the_lowest_page(&trial.image));
		}
	}
	printf("# %.1f %% of the slots name a leaf\n", slots_that_name_a_leaf(&trial.image));
	CHECK(slots_that_name_a_leaf(&trial.image) > 98);
	printf("# waited %u times, %u tables made anew\n", trial.waits, trial.renewed);
	CHECK(trial.waits > 0);
	forget(&trial.image);
}

TEST(prefixes_of_ipv4_changed_one_by_one_are_as_made_anew)
{
	change_one_by_one(TYPE_IPV4_ADDR, 1);
}

TEST(prefixes_of_ipv6_changed_one_by_one_are_as_made_anew)
{
	change_one_by_one(TYPE_IPV6_ADDR, 2);
}

TEST(a_tree_at_which_somebody_was_stopped_is_not_changed_but_made_anew)
{
	struct trial trial;
	struct set_row row, there;
	struct set_image fresh;

	CHECK(begin(&trial, TYPE_IPV4_ADDR, 3));
	there = draw(&trial);
	row = draw(&trial);
	CHECK_NUMBER(set_image_put(&trial.image, &there, true), 0);
	set_image_header(&trial.image)->changing = 1;
	CHECK_NUMBER(set_image_put(&trial.image, &row, true), -ENOSPC);
	CHECK_NUMBER(change(&trial.image, &there, false), -ENOSPC);
	CHECK(make_anew(&trial.image, &fresh));
	CHECK(!set_image_is_damaged(&fresh) && set_image_find(&fresh, &there, true, NULL));
	CHECK_NUMBER(set_image_put(&fresh, &row, true), 0);
	CHECK_NUMBER(change(&fresh, &there, false), 0);
	forget(&fresh);
	forget(&trial.image);
}

static void fill_constant(struct trial *trial, struct set_rows rows[2])
{
	CHECK(make(&trial->shape, rows, false, &trial->image));
	CHECK(slots_name_the_lowest_page(&trial->image));
	CHECK(is_as_made_anew(trial));
	CHECK((uint64_t)trial->image.pages * trial->shape.page_size <
	      110ull * rows[ROWS_PREFIX].count + 20 * trial->shape.page_size);
	forget(&trial->image);
}

/* Of LONGEST bits at most, anywhere. */
static void fill_constant_somehow(enum value_type type, uint32_t count, uint32_t longest, uint64_t seed)
{
	struct policy_set set = { .types = { type }, .components = 1 };
	struct trial trial = { .random.state = seed, .shape = set_shape(&set, true) };
	struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };

	for (uint32_t i = 0; i < count; i++) {
		struct set_row row = draw(&trial);

		if (row.length <= longest)
			vector_push(arena, &rows[ROWS_PREFIX], row);
	}
	fill_constant(&trial, rows);
	arena_free(arena);
}

/* One /64 of three, but each PERIOD-th is half of one, which makes its page wide. */
static void fill_constant_in_steps(uint32_t period)
{
	struct policy_set set = { .types = { TYPE_IPV6_ADDR }, .components = 1 };
	struct trial trial = { .shape = set_shape(&set, true) };
	struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };

	for (uint64_t i = 0; i < 4000; i++)
		vector_push(arena, &rows[ROWS_PREFIX],
			    (struct set_row){ .words = { 1ull << 61 | 3 * i, i % period ? 0 : 1ull << 63 },
					      .length = i % period ? 64 : 65,
					      .expires = WEIR_SET_NEVER });
	fill_constant(&trial, rows);
	arena_free(arena);
}

TEST(a_set_that_never_changes_takes_what_it_needs)
{
	for (uint32_t count = 1; count <= 30000; count = 2 * count + count / 3 + 1)
		for (uint64_t seed = 1; seed <= 10; seed++) {
			fill_constant_somehow(TYPE_IPV4_ADDR, count, 32, seed);
			fill_constant_somehow(TYPE_IPV6_ADDR, count, 64, seed);
			fill_constant_somehow(TYPE_IPV6_ADDR, count, 65, seed);
			fill_constant_somehow(TYPE_IPV6_ADDR, count, 128, seed);
		}
	for (uint32_t period = 1; period < 130; period++)
		fill_constant_in_steps(period);
}

int main(void)
{
	RUN(prefixes_of_ipv4_changed_one_by_one_are_as_made_anew);
	RUN(prefixes_of_ipv6_changed_one_by_one_are_as_made_anew);
	RUN(a_tree_at_which_somebody_was_stopped_is_not_changed_but_made_anew);
	RUN(a_set_that_never_changes_takes_what_it_needs);
	return tap_end();
}
