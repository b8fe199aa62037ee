// SPDX-License-Identifier: GPL-2.0-only
#include "rules/intervals.h"

struct interval_list intervals_intersect(struct arena *arena, struct interval_list a, struct interval_list b)
{
	/* Each step ends one interval of either list, so there are fewer parts than intervals in both. */
	struct interval *parts = arena_new_array(arena, struct interval, a.count + b.count);
	uint32_t count = 0;

	for (uint32_t i = 0, j = 0; i < a.count && j < b.count;) {
		uint64_t low = a.items[i].low > b.items[j].low ? a.items[i].low : b.items[j].low;
		uint64_t high = a.items[i].high < b.items[j].high ? a.items[i].high : b.items[j].high;

		if (low <= high)
			parts[count++] = (struct interval){ low, high };
		if (a.items[i].high < b.items[j].high)
			i++;
		else
			j++;
	}
	return (struct interval_list){ count, parts };
}

struct interval_list intervals_complement(struct arena *arena, struct interval_list list, uint64_t max)
{
	struct interval *gaps = arena_new_array(arena, struct interval, list.count + 1);
	uint32_t count = 0;
	uint64_t next = 0; /* the first value that is not yet told of */

	for (uint32_t i = 0; i < list.count; i++) {
		if (list.items[i].low > next)
			gaps[count++] = (struct interval){ next, list.items[i].low - 1 };
		if (list.items[i].high >= max)
			return (struct interval_list){ count, gaps };
		next = list.items[i].high + 1;
	}
	gaps[count++] = (struct interval){ next, max };
	return (struct interval_list){ count, gaps };
}

struct interval_list intervals_clip(struct arena *arena, struct interval_list list, uint64_t max)
{
	const struct interval whole = { 0, max };

	if (!list.count || list.items[list.count - 1].high <= max)
		return list;
	return intervals_intersect(arena, list, (struct interval_list){ 1, &whole });
}

bool intervals_contain(const struct interval *intervals, uint32_t count, uint64_t value)
{
	uint32_t from = 0, to = count; /* all before FROM end below the value; all from TO on end at or above it */

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (intervals[middle].high < value)
			from = middle + 1;
		else
			to = middle;
	}
	return from < count && intervals[from].low <= value;
}

bool intervals_subset(const struct interval *a, uint32_t a_count, const struct interval *b, uint32_t b_count)
{
	/* Intervals of B do not touch, so each of A must lie in one of them. */
	for (uint32_t i = 0, j = 0; i < a_count; i++) {
		while (j < b_count && b[j].high < a[i].low)
			j++;
		if (j == b_count || b[j].low > a[i].low || b[j].high < a[i].high)
			return false;
	}
	return true;
}

bool intervals_meet(const struct interval *a, uint32_t a_count, const struct interval *b, uint32_t b_count)
{
	for (uint32_t i = 0, j = 0; i < a_count && j < b_count;) {
		if (a[i].high < b[j].low)
			i++;
		else if (b[j].high < a[i].low)
			j++;
		else
			return true;
	}
	return false;
}

bool intervals_full(struct interval_list list, uint64_t max)
{
	return list.count == 1 && list.items[0].low == 0 && list.items[0].high >= max;
}
