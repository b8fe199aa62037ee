// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of sets against a plain list: random elements go in and out, and after each step what the table says, what the
 * generated look-up says of it, and what the list says are the same.
 */
#include <errno.h>
#include <stdlib.h>

#include "../../tap.h"

#include "../code/interpreter.h"
#include "../tree/random_rules.h"
#include "kernel/set_image.h"

typedef unsigned __int128 wide;

#define MOST_ROWS   4096
#define MEMBER_SLOT 16 /* of the rule that asks the set */

static uint64_t random_next(struct random *random)
{
	return random_number(random);
}

struct trial {
	struct random random;
	struct arena *arena;
	struct policy_set type;
	struct set_shape shape;
	const struct code *code;
	const struct dimension *dimension;
	struct interpreter_table shown;
	struct set_image image;
	struct set_row rows[MOST_ROWS]; /* the plain list */
	uint32_t row_count, renewed, reclaimed;
	wide domain; /* keys of one number are below it, so that they meet */
};

static wide key_of(const struct trial *trial, const uint64_t *words)
{
	return trial->shape.words == 1 ? words[0] : (wide)words[0] << 64 | words[1];
}

static bool is_prefix(const struct set_row *row)
{
	return row->length > 0;
}

/* ---- The plain list ---- */

static struct set_row *list_find(struct trial *trial, const struct set_row *row)
{
	for (uint32_t i = 0; i < trial->row_count; i++)
		if (set_row_compare(&trial->rows[i], row) == 0)
			return &trial->rows[i];
	return NULL;
}

static bool list_covers(const struct trial *trial, const uint64_t *words, bool alive)
{
	for (uint32_t i = 0; i < trial->row_count; i++) {
		const struct set_row *row = &trial->rows[i];
		uint32_t free_bits = is_prefix(row) ? trial->shape.key_bits - row->length : 0;

		if (alive && row->expires != WEIR_SET_NEVER && row->expires <= INTERPRETER_NOW)
			continue;
		if (memcmp(row->words, words, sizeof(row->words)) == 0)
			return true;
		if (free_bits && (free_bits == 128 || (key_of(trial, row->words) ^ key_of(trial, words)) >> free_bits == 0))
			return true;
	}
	return false;
}

/* ---- The table ---- */

static void show(struct trial *trial)
{
	trial->shown = (struct interpreter_table){ trial->image.memory, trial->image.pages, trial->shape.page_size };
}

/* A new table of what the old one has, and of ROW. */
static bool renew(struct trial *trial, const struct set_row *row)
{
	struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };
	unsigned char *old = trial->image.memory;
	int r = -ENOSPC;

	if (old)
		set_image_read(&trial->image, arena, rows);
	set_rows_sort(&rows[0]);
	set_rows_sort(&rows[1]);
	if (row && !set_rows_find(&rows[is_prefix(row)], row)) {
		vector_push(arena, &rows[is_prefix(row)], *row);
		set_rows_sort(&rows[is_prefix(row)]);
	}
	set_image_release(&trial->image);
	for (int i = 0; r == -ENOSPC && i < 8; i++) {
		trial->image.shape = trial->shape;
		trial->image.pages = set_image_pages(&trial->shape, rows, true);
		trial->image.memory = aligned_alloc(64, (size_t)trial->image.pages * trial->shape.page_size);
		memset(trial->image.memory, 0, (size_t)trial->image.pages * trial->shape.page_size);
		r = set_image_fill(&trial->image, rows, random_next(&trial->random));
		if (r)
			free(trial->image.memory);
	}
	free(old);
	arena_free(arena);
	trial->renewed++;
	show(trial);
	return r == 0;
}

static bool code_says(struct trial *trial, const uint64_t *words)
{
	struct interpreter interpreter = interpreter_new(trial->arena, trial->code);
	struct weir_flow flow = { .network = WEIR_NETWORK_IPV4 };
	__u64 *fields[] = { &flow.saddr_hi, &flow.saddr_lo, &flow.daddr_hi, &flow.daddr_lo };
	uint64_t outcome;

	interpreter.tables = &trial->shown;
	if (trial->dimension->keys[0] == WEIR_FIELD_SADDR4) {
		flow.saddr4 = (uint32_t)words[0];
		flow.dport = (uint16_t)words[1];
	} else if (trial->dimension->keys[0] == WEIR_FIELD_DPORT) {
		flow.dport = (uint16_t)words[0];
	} else if (trial->dimension->keys[0] == WEIR_FIELD_ETHER_SADDR) {
		flow.ether_saddr = words[0];
	} else {
		for (uint32_t i = 0; i < trial->shape.words; i++)
			*fields[i] = words[i];
	}
	outcome = interpret(&interpreter, 0, (uint64_t[INTERPRETER_ARGUMENTS]){ 1, (uint64_t)&flow });
	if (interpreter.fault)
		printf("# %s\n", interpreter.fault);
	CHECK(!interpreter.fault);
	return (outcome & WEIR_OUTCOME_SLOT_MASK) == MEMBER_SLOT;
}

/* ---- Steps ---- */

static void draw_key(struct trial *trial, struct set_row *row)
{
	uint32_t bits = trial->shape.key_bits;
	wide key = random_next(&trial->random) % (uint64_t)trial->domain;

	memset(row->words, 0, sizeof(row->words));
	if (trial->shape.words == 1) {
		row->words[0] = (uint64_t)key;
		if (random_below(&trial->random, 8) == 0 && bits >= 16)
			row->words[0] |= ((1ull << (bits - 1)) | 1) & (random_next(&trial->random) & 1 ? ~0ull : 1ull);
		return;
	}
	for (uint32_t i = 0; i < trial->shape.words; i++)
		row->words[i] = random_below(&trial->random, 3) ? random_below(&trial->random, 5) : random_next(&trial->random);
	if (trial->type.types[0] == TYPE_IPV4_ADDR) {
		row->words[0] = (uint32_t)row->words[0];
		row->words[1] = (uint16_t)row->words[1];
	}
}

static void cut(const struct trial *trial, struct set_row *row)
{
	uint32_t free_bits = trial->shape.key_bits - row->length;
	wide key = key_of(trial, row->words);

	key = free_bits == 128 ? 0 : key >> free_bits << free_bits;
	if (trial->shape.words == 1) {
		row->words[0] = (uint64_t)key;
	} else {
		row->words[0] = (uint64_t)(key >> 64);
		row->words[1] = (uint64_t)key;
	}
}

static struct set_row draw_row(struct trial *trial)
{
	static const uint32_t expiries[] = { WEIR_SET_NEVER,  WEIR_SET_NEVER,	   INTERPRETER_NOW - 1,
					     INTERPRETER_NOW, INTERPRETER_NOW + 1, INTERPRETER_NOW + 9 };
	struct set_row row = { .flags = random_below(&trial->random, 2) ? WEIR_SET_LIVE : WEIR_SET_FROM_POLICY };
	uint32_t bits = trial->shape.key_bits;

	draw_key(trial, &row);
	row.expires = expiries[random_below(&trial->random, 6)];
	if (trial->shape.prefixes && random_below(&trial->random, 2)) {
		uint32_t most = bits == 128 ? 126 : bits - 1;

		row.length = most - (uint32_t)random_below(&trial->random, random_below(&trial->random, 6) ? bits / 3 : most);
		cut(trial, &row);
	}
	return row;
}

static bool step(struct trial *trial)
{
	struct set_row row = draw_row(trial), *there;
	bool took = false;
	int r;

	if (trial->row_count && random_below(&trial->random, 3) == 0)
		row = trial->rows[random_below(&trial->random, trial->row_count)];
	there = list_find(trial, &row);
	if (random_below(&trial->random, 5) < 2 || trial->row_count == MOST_ROWS) {
		r = set_image_take(&trial->image, &row, is_prefix(&row), &took);
		if (r == -EAGAIN) {
			trial->reclaimed++;
			r = set_image_reclaim(&trial->image) ?: set_image_take(&trial->image, &row, is_prefix(&row), &took);
			if (r == -EAGAIN) {
				renew(trial, NULL);
				r = set_image_take(&trial->image, &row, is_prefix(&row), &took);
			}
		}
		if (r == -ENOSPC) {
			took = renew(trial, NULL);
			r = 0;
		}
		if (r || took != (there != NULL))
			return false;
		if (there)
			*there = trial->rows[--trial->row_count];
		return true;
	}
	if (there) {
		there->expires = row.expires;
		there->flags |= row.flags;
	} else {
		trial->rows[trial->row_count++] = row;
	}
	r = set_image_put(&trial->image, &row, is_prefix(&row));
	if (r == -EAGAIN) {
		trial->reclaimed++;
		r = set_image_reclaim(&trial->image) ?: set_image_put(&trial->image, &row, is_prefix(&row));
	}
	if (r == -ENOSPC || r == -EAGAIN)
		return renew(trial, &row) && set_image_put(&trial->image, &row, is_prefix(&row)) == 0;
	return r == 0;
}

/* A key that is likely to meet something: of an element, beside it, or any. */
static struct set_row draw_question(struct trial *trial)
{
	struct set_row row = { 0 };
	wide key, step_size;

	draw_key(trial, &row);
	if (trial->row_count == 0 || random_below(&trial->random, 4) == 0)
		return row;
	memcpy(row.words, trial->rows[random_below(&trial->random, trial->row_count)].words, sizeof(row.words));
	if (!trial->shape.prefixes)
		return row;
	step_size = (wide)1 << random_below(&trial->random, 4);
	key = key_of(trial, row.words) + (random_below(&trial->random, 2) ? step_size : -step_size);
	if (trial->shape.key_bits < 128)
		key &= ((wide)1 << trial->shape.key_bits) - 1;
	row.words[0] = (uint64_t)(trial->shape.words == 1 ? key : key >> 64);
	if (trial->shape.words == 2)
		row.words[1] = (uint64_t)key;
	return row;
}

static bool whole_list_is_there(struct trial *trial)
{
	struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };
	bool same = true;

	set_image_read(&trial->image, arena, rows);
	same = rows[0].count + rows[1].count == trial->row_count;
	for (int which = 0; which < 2; which++)
		for (size_t i = 0; i < rows[which].count; i++) {
			const struct set_row *row = list_find(trial, &rows[which].items[i]);

			same &= row && row->expires == rows[which].items[i].expires && row->flags == rows[which].items[i].flags;
		}
	arena_free(arena);
	return same;
}

static void run_trial(struct trial *trial, uint32_t steps)
{
	CHECK(renew(trial, NULL));
	for (uint32_t i = 0; i < steps; i++) {
		if (!step(trial)) {
			CHECK(!"a step did what the list does");
			return;
		}
		for (int q = 0; q < 6; q++) {
			struct set_row question = draw_question(trial);

			if (code_says(trial, question.words) != list_covers(trial, question.words, true)) {
				printf("# step %u: %llx %llx\n", i, (unsigned long long)question.words[0],
				       (unsigned long long)question.words[1]);
				CHECK(!"the look-up says what the list says");
				return;
			}
		}
		if (i % 256 == 0 && !whole_list_is_there(trial)) {
			CHECK(!"the table has what the list has");
			return;
		}
	}
	CHECK(whole_list_is_there(trial));
	CHECK(!set_image_is_damaged(&trial->image));
	printf("# %u rows, %u tables, pages used again %u times, %u levels\n", trial->row_count, trial->renewed, trial->reclaimed,
	       set_image_header(&trial->image)->tree >> WEIR_SET_TREE_SHIFT);
}

/* ---- Sets ---- */

static const struct code *look_up_code(struct trial *trial, const enum weir_field *keys, bool prefixes)
{
	struct arena *arena = trial->arena;
	struct rule_set *set = arena_new_object(arena, struct rule_set);
	struct dimension *dimension = arena_new_object(arena, struct dimension);
	struct rule_list *list = arena_new_object(arena, struct rule_list);
	struct rule *rules = arena_new_array(arena, struct rule, 3);
	static const struct policy_chain chain = { .name = "x" };
	static const struct interval member = { 1, 1 };
	static const struct constraint constraint = { 0, 1, &member };
	static const struct box boxes[] = { { 1, &constraint }, { 0, NULL } };
	struct diagnostics diagnostics;
	const struct code_options options = { 0 };

	*set = (struct rule_set){ .name = "s", .set = &trial->type, .prefixes = prefixes };
	*dimension = (struct dimension){ .kind = DIMENSION_SET, .max = 1, .key_count = trial->type.components };
	memcpy(dimension->keys, keys, sizeof(dimension->keys));
	rules[0] = (struct rule){ 1, &boxes[0], .verdict = WEIR_VERDICT_DROP, .slot = MEMBER_SLOT, .text = "member" };
	rules[1] = (struct rule){ 1, &boxes[1], .verdict = WEIR_VERDICT_ACCEPT, .slot = 17, .text = "policy" };
	*list = (struct rule_list){ .chain = &chain,
				    .dimension_count = 1,
				    .rule_count = 2,
				    .set_count = 1,
				    .dimensions = dimension,
				    .rules = rules,
				    .sets = set };
	diagnostics_init(&diagnostics, arena);
	trial->dimension = dimension;
	return code_emit(arena, tree_build(arena, list, &options.tree, &diagnostics), &options, &diagnostics);
}

static void try_set(struct policy_set type, const enum weir_field *keys, bool prefixes, uint64_t domain)
{
	for (uint32_t seed = 1; seed <= 3; seed++) {
		struct trial *trial = calloc(1, sizeof(*trial));

		trial->random.state = seed * 77;
		trial->arena = arena_new();
		trial->type = type;
		trial->shape = set_shape(&trial->type, prefixes);
		trial->domain = seed == 2 ? domain * 50 : domain;
		trial->code = look_up_code(trial, keys, prefixes);
		run_trial(trial, 3000);
		free(trial->image.memory);
		set_image_release(&trial->image);
		arena_free(trial->arena);
		free(trial);
	}
}

TEST(ipv4_addresses_and_prefixes)
{
	static const enum weir_field keys[2] = { WEIR_FIELD_SADDR4 };

	try_set((struct policy_set){ .types = { TYPE_IPV4_ADDR }, .components = 1 }, keys, true, 5000);
}

TEST(ipv4_addresses_alone)
{
	static const enum weir_field keys[2] = { WEIR_FIELD_SADDR4 };

	try_set((struct policy_set){ .types = { TYPE_IPV4_ADDR }, .components = 1 }, keys, false, 5000);
}

TEST(ipv4_addresses_and_prefixes_that_count)
{
	static const enum weir_field keys[2] = { WEIR_FIELD_SADDR4 };

	try_set((struct policy_set){ .types = { TYPE_IPV4_ADDR }, .components = 1, .counted = true }, keys, true, 3000);
}

TEST(ports_and_ranges)
{
	static const enum weir_field keys[2] = { WEIR_FIELD_DPORT };

	try_set((struct policy_set){ .types = { TYPE_INET_SERVICE }, .components = 1 }, keys, true, 600);
}

TEST(ipv6_addresses_and_prefixes)
{
	static const enum weir_field keys[2] = { WEIR_FIELD_SADDR_HI };

	try_set((struct policy_set){ .types = { TYPE_IPV6_ADDR }, .components = 1 }, keys, true, 5000);
}

TEST(ethernet_addresses)
{
	static const enum weir_field keys[2] = { WEIR_FIELD_ETHER_SADDR };

	try_set((struct policy_set){ .types = { TYPE_ETHER_ADDR }, .components = 1 }, keys, false, 5000);
}

TEST(pairs)
{
	static const enum weir_field keys[2] = { WEIR_FIELD_SADDR4, WEIR_FIELD_DPORT };
	static const enum weir_field wide_keys[2] = { WEIR_FIELD_SADDR_HI, WEIR_FIELD_DADDR_HI };

	try_set((struct policy_set){ .types = { TYPE_IPV4_ADDR, TYPE_INET_SERVICE }, .components = 2 }, keys, false, 5000);
	try_set((struct policy_set){ .types = { TYPE_IPV6_ADDR, TYPE_IPV6_ADDR }, .components = 2 }, wide_keys, false, 5000);
}

/* ---- Trees of several levels, filled at once, and changed from end to end ---- */

#define MANY 100000u

static struct trial *begin_filled(enum value_type type, const enum weir_field *keys, struct arena *arena, struct set_rows rows[2])
{
	struct trial *trial = calloc(1, sizeof(*trial));

	trial->arena = arena;
	trial->type = (struct policy_set){ .types = { type }, .components = 1 };
	trial->shape = set_shape(&trial->type, true);
	trial->code = look_up_code(trial, keys, true);
	set_rows_sort(&rows[ROWS_PREFIX]);
	trial->image.shape = trial->shape;
	trial->image.pages = set_image_pages(&trial->shape, rows, true) + 10000;
	trial->image.memory = aligned_alloc(64, (size_t)trial->image.pages * trial->shape.page_size);
	memset(trial->image.memory, 0, (size_t)trial->image.pages * trial->shape.page_size);
	CHECK_NUMBER(set_image_fill(&trial->image, rows, 7), 0);
	show(trial);
	return trial;
}

static void end_filled(struct trial *trial)
{
	set_image_release(&trial->image);
	free(trial->image.memory);
	arena_free(trial->arena);
	free(trial);
}

static void push_row(struct arena *arena, struct set_rows *rows, uint64_t first, uint64_t second, uint32_t length)
{
	vector_push(arena, rows, (struct set_row){ .words = { first, second }, .length = length, .expires = WEIR_SET_NEVER });
}

TEST(a_hundred_thousand_prefixes)
{
	static const enum weir_field keys[2] = { WEIR_FIELD_SADDR4 };
	struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };
	struct set_row all = { .length = 1, .expires = WEIR_SET_NEVER };
	struct trial *trial;
	bool there;

	for (uint64_t i = 0; i < MANY; i++)
		push_row(arena, &rows[ROWS_PREFIX], i << 8, 0, 25);
	trial = begin_filled(TYPE_IPV4_ADDR, keys, arena, rows);
	for (uint64_t i = 0; i < MANY; i += 7)
		CHECK(code_says(trial, (uint64_t[4]){ i << 8 | 127 }) && !code_says(trial, (uint64_t[4]){ i << 8 | 128 }));
	CHECK_NUMBER(set_image_put(&trial->image, &all, true), 0);
	CHECK(code_says(trial, (uint64_t[4]){ 128 }) && code_says(trial, (uint64_t[4]){ 0x7fffffff }));
	CHECK(!code_says(trial, (uint64_t[4]){ 0x80000000 }));
	CHECK_NUMBER(set_image_take(&trial->image, &all, true, &there), 0);
	CHECK(there);
	for (uint64_t i = 0; i < MANY; i += 7)
		CHECK(code_says(trial, (uint64_t[4]){ i << 8 | 127 }) && !code_says(trial, (uint64_t[4]){ i << 8 | 128 }));
	end_filled(trial);
}

/* The i-th of a provider's customers: a /48, and a /64 with an odd number behind it; behind some of them a few addresses. */
static uint64_t customer(uint64_t i)
{
	return 0x2a06e88000000000 + (i << 20);
}

static void check_customers(struct trial *trial)
{
	for (uint64_t i = 0; i < MANY / 2; i += 7) {
		uint64_t at = customer(i);

		CHECK(!code_says(trial, (uint64_t[4]){ at - 1, ~0ull }) && code_says(trial, (uint64_t[4]){ at, 0 }));
		CHECK(code_says(trial, (uint64_t[4]){ at + 0xffff, ~0ull }) &&
		      !code_says(trial, (uint64_t[4]){ at + 0x10000, 0 }));
		CHECK(!code_says(trial, (uint64_t[4]){ at + 0x20000, ~0ull }) &&
		      code_says(trial, (uint64_t[4]){ at + 0x20001, 0 }));
		CHECK(code_says(trial, (uint64_t[4]){ at + 0x20001, ~0ull }) &&
		      !code_says(trial, (uint64_t[4]){ at + 0x20002, 0 }));
		CHECK(!code_says(trial, (uint64_t[4]){ at + 0x30000, 0xfff }));
		CHECK(code_says(trial, (uint64_t[4]){ at + 0x30000, 0x1000 }) == (i % 1000 == 7));
		CHECK(code_says(trial, (uint64_t[4]){ at + 0x30000, 0x1fff }) == (i % 1000 == 7));
		CHECK(!code_says(trial, (uint64_t[4]){ at + 0x30000, 0x2000 }));
	}
	CHECK(!code_says(trial, (uint64_t[4]){ 0, 0 }) && !code_says(trial, (uint64_t[4]){ 0xfe7fffffffffffff, ~0ull }));
	CHECK(code_says(trial, (uint64_t[4]){ 0xfe80000000000000, 0 }) &&
	      !code_says(trial, (uint64_t[4]){ 0xfec0000000000000, 0 }));
	CHECK(code_says(trial, (uint64_t[4]){ ~0ull, 0 }) && code_says(trial, (uint64_t[4]){ ~0ull, ~0ull }));
	CHECK(!code_says(trial, (uint64_t[4]){ ~0ull - 1, ~0ull }) && !code_says(trial, (uint64_t[4]){ ~0ull - 1, 0 }));
}

/* Of both forms of pages, most within the stretch of the index; pages become wide and are parted as addresses come and go. */
TEST(a_hundred_thousand_prefixes_of_ipv6)
{
	static const enum weir_field keys[2] = { WEIR_FIELD_SADDR_HI };
	struct arena *arena = arena_new();
	struct set_rows rows[2] = { 0 };
	struct set_row all = { .length = 0, .expires = WEIR_SET_NEVER }, low = { .length = 126, .expires = WEIR_SET_NEVER };
	struct trial *trial;
	bool there;

	for (uint64_t i = 0; i < MANY / 2; i++) {
		push_row(arena, &rows[ROWS_PREFIX], customer(i), 0, 48);
		push_row(arena, &rows[ROWS_PREFIX], customer(i) + 0x20001, 0, 64);
		if (i % 1000 == 7)
			push_row(arena, &rows[ROWS_PREFIX], customer(i) + 0x30000, 0x1000, 116);
	}
	push_row(arena, &rows[ROWS_PREFIX], 0xfe80000000000000, 0, 10);
	push_row(arena, &rows[ROWS_PREFIX], ~0ull, 0, 64);
	trial = begin_filled(TYPE_IPV6_ADDR, keys, arena, rows);
	check_customers(trial);
	for (uint64_t i = 3; i < MANY / 2; i += 500) {
		low.words[0] = customer(i) + 0x30000;
		low.words[1] = 0x40;
		CHECK_NUMBER(set_image_put(&trial->image, &low, true), 0);
		CHECK(code_says(trial, (uint64_t[4]){ low.words[0], 0x43 }) &&
		      !code_says(trial, (uint64_t[4]){ low.words[0], 0x44 }));
		CHECK(!code_says(trial, (uint64_t[4]){ low.words[0], 0x3f }));
	}
	check_customers(trial);
	CHECK_NUMBER(set_image_put(&trial->image, &all, true), 0);
	CHECK(code_says(trial, (uint64_t[4]){ 0, 0 }) && code_says(trial, (uint64_t[4]){ customer(9) + 0x10000, 5 }));
	CHECK_NUMBER(set_image_take(&trial->image, &all, true, &there), 0);
	CHECK(there);
	for (uint64_t i = 3; i < MANY / 2; i += 500) {
		low.words[0] = customer(i) + 0x30000;
		CHECK_NUMBER(set_image_take(&trial->image, &low, true, &there), 0);
		CHECK(there);
	}
	check_customers(trial);
	CHECK(!set_image_is_damaged(&trial->image));
	end_filled(trial);
}

int main(void)
{
	RUN(ipv4_addresses_and_prefixes);
	RUN(ipv4_addresses_alone);
	RUN(ipv4_addresses_and_prefixes_that_count);
	RUN(ports_and_ranges);
	RUN(ipv6_addresses_and_prefixes);
	RUN(ethernet_addresses);
	RUN(pairs);
	RUN(a_hundred_thousand_prefixes);
	RUN(a_hundred_thousand_prefixes_of_ipv6);
	return tap_end();
}
