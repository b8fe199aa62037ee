// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: rules. Out: groups of them that ask for one number each of the same dimensions, and of all others for the same lists and
 * ranges, with these numbers as sorted rows. Two rules of one group either have the same row, and then the first counts, or meet
 * no packet both.
 */
#include "tree/table.h"

#include <stdlib.h>
#include <string.h>

#include "tree/intern.h"

/* A row while rows are sorted. */
struct row {
	const uint64_t *key;
	uint32_t rule, width;
};

static bool asks_for_one_number(const struct constraint *constraint)
{
	return constraint->count == 1 && constraint->intervals[0].low == constraint->intervals[0].high;
}

static bool fits_table(const struct rule_list *list, const struct rule *rule)
{
	bool any = false;

	if (rule->box_count != 1 || rule->boxes[0].count > TABLE_MOST_FIELDS)
		return false;
	for (uint32_t i = 0; i < rule->boxes[0].count; i++) {
		const struct constraint *constraint = &rule->boxes[0].constraints[i];

		if (list->dimensions[constraint->dimension].kind != DIMENSION_FIELD || constraint->count == 0 ||
		    constraint->count > TABLE_MOST_INTERVALS)
			return false;
		any |= asks_for_one_number(constraint);
	}
	return any;
}

/* The same for boxes that ask for one number of the same dimensions, and for the same of the others. */
static uint32_t group_of(struct intern_table *groups, const struct box *box)
{
	uint64_t words[TABLE_MOST_FIELDS * (2 + 2 * TABLE_MOST_INTERVALS)];
	size_t count = 0;

	for (uint32_t i = 0; i < box->count; i++) {
		const struct constraint *constraint = &box->constraints[i];

		words[count++] = constraint->dimension;
		if (asks_for_one_number(constraint)) {
			words[count++] = 0;
			continue;
		}
		words[count++] = constraint->count;
		for (uint32_t k = 0; k < constraint->count; k++) {
			words[count++] = constraint->intervals[k].low;
			words[count++] = constraint->intervals[k].high;
		}
	}
	return intern(groups, words, count * sizeof(*words));
}

static int compare_keys(const uint64_t *a, const uint64_t *b, uint32_t width)
{
	for (uint32_t i = 0; i < width; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int order = compare_keys(a->key, b->key, a->width);

	return order ? order : a->rule < b->rule ? -1 : a->rule > b->rule;
}

static const struct tree_table *make_table(struct arena *arena, const struct rule_list *list, const uint32_t *rules,
					   uint32_t count)
{
	const struct box *box = &list->rules[rules[0]].boxes[0];
	struct tree_table *table = arena_new_object(arena, struct tree_table);
	uint32_t width = 0, columns[TABLE_MOST_FIELDS], *dimensions = arena_new_array(arena, uint32_t, box->count);
	struct constraint *shared = arena_new_array(arena, struct constraint, box->count);
	struct row *rows = arena_new_array(arena, struct row, count);
	uint32_t *first = arena_new_array(arena, uint32_t, count);
	uint64_t *unsorted, *keys;

	for (uint32_t i = 0; i < box->count; i++) {
		if (!asks_for_one_number(&box->constraints[i])) {
			shared[table->shared_count++] = box->constraints[i];
			continue;
		}
		dimensions[width] = box->constraints[i].dimension;
		columns[width++] = i;
	}
	unsorted = arena_new_array(arena, uint64_t, (size_t)count * width);
	keys = arena_new_array(arena, uint64_t, (size_t)count * width);
	for (uint32_t r = 0; r < count; r++) {
		box = &list->rules[rules[r]].boxes[0];
		rows[r] = (struct row){ &unsorted[(size_t)r * width], rules[r], width };
		for (uint32_t i = 0; i < width; i++)
			unsorted[(size_t)r * width + i] = box->constraints[columns[i]].intervals[0].low;
	}
	qsort(rows, count, sizeof(*rows), compare_rows);
	for (uint32_t r = 0; r < count; r++) {
		if (table->count && compare_keys(rows[r].key, &keys[(size_t)(table->count - 1) * width], width) == 0)
			continue;
		memcpy(&keys[(size_t)table->count * width], rows[r].key, width * sizeof(*keys));
		first[table->count++] = rows[r].rule;
	}
	table->dimension_count = width;
	table->dimensions = dimensions;
	table->keys = keys;
	table->rules = first;
	table->shared = shared;
	return table;
}

static int larger_first(const void *left, const void *right)
{
	const struct table_group *a = left, *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->rules[0] < b->rules[0] ? -1 : a->rules[0] > b->rules[0];
}

struct table_groups table_find(struct arena *arena, const struct rule_list *list, const uint32_t *rules, size_t count,
			       size_t least)
{
	struct intern_table *numbers = intern_new(arena);
	struct table_groups groups = { 0 };
	VECTOR(struct table_group) all = { 0 };
	uint32_t *group = arena_new_array(arena, uint32_t, count);

	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &list->rules[rules[i]];

		group[i] = fits_table(list, rule) ? group_of(numbers, &rule->boxes[0]) : UINT32_MAX;
		if (group[i] == all.count)
			vector_push(arena, &all, (struct table_group){ 0 });
		if (group[i] != UINT32_MAX)
			all.items[group[i]].count++;
	}
	for (size_t i = 0; i < all.count; i++) {
		all.items[i].rules = arena_new_array(arena, uint32_t, all.items[i].count);
		all.items[i].count = 0;
	}
	for (size_t i = 0; i < count; i++)
		if (group[i] != UINT32_MAX)
			all.items[group[i]].rules[all.items[group[i]].count++] = rules[i];
	for (size_t i = 0; i < all.count; i++) {
		if (all.items[i].count < least)
			continue;
		all.items[i].table = make_table(arena, list, all.items[i].rules, all.items[i].count);
		vector_push(arena, &groups.items, all.items[i]);
	}
	if (groups.items.count > 1)
		qsort(groups.items.items, groups.items.count, sizeof(*groups.items.items), larger_first);
	return groups;
}

static bool lies_within(const struct constraint *constraint, uint64_t value)
{
	for (uint32_t i = 0; i < constraint->count; i++)
		if (value >= constraint->intervals[i].low && value <= constraint->intervals[i].high)
			return true;
	return false;
}

static uint64_t value_of(const struct rule_list *list, const struct weir_flow *flow, uint32_t dimension)
{
	return flow_field(flow, list->dimensions[dimension].field) & list->dimensions[dimension].mask;
}

uint32_t table_row(const struct tree_table *table, const struct rule_list *list, const struct weir_flow *flow)
{
	uint64_t key[TABLE_MOST_FIELDS];
	uint32_t low = 0, high = table->count;

	for (uint32_t i = 0; i < table->shared_count; i++)
		if (!lies_within(&table->shared[i], value_of(list, flow, table->shared[i].dimension)))
			return table->count;
	for (uint32_t i = 0; i < table->dimension_count; i++)
		key[i] = value_of(list, flow, table->dimensions[i]);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = compare_keys(&table->keys[(size_t)middle * table->dimension_count], key, table->dimension_count);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return table->count;
}
