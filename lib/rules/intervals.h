/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of intervals, as constraints have them: sorted, disjoint, not touching. What goes in is never changed. */
#ifndef WEIR_RULES_INTERVALS_H
#define WEIR_RULES_INTERVALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "rules/rules.h"

struct interval_list {
	uint32_t count;
	const struct interval *items;
};

/* What lies in both. */
struct interval_list intervals_intersect(struct arena *arena, struct interval_list a, struct interval_list b);
/* 0..MAX without what lies in LIST, which lies within 0..MAX. */
struct interval_list intervals_complement(struct arena *arena, struct interval_list list, uint64_t max);
/* Cut to 0..MAX. */
struct interval_list intervals_clip(struct arena *arena, struct interval_list list, uint64_t max);
bool intervals_contain(const struct interval *intervals, uint32_t count, uint64_t value);
/* Does A lie whole in B? Do they meet? */
bool intervals_subset(const struct interval *a, uint32_t a_count, const struct interval *b, uint32_t b_count);
bool intervals_meet(const struct interval *a, uint32_t a_count, const struct interval *b, uint32_t b_count);
bool intervals_full(struct interval_list list, uint64_t max);

#endif
