/* SPDX-License-Identifier: GPL-2.0-only */
/* Which question to ask next of a list of rules. */
#ifndef WEIR_TREE_CUT_H
#define WEIR_TREE_CUT_H

#include "tree/regions.h"

/* A rule and what is left of one of its boxes. */
struct item {
	uint32_t rule, region;
};

/* Below the bound or not; ALONE: and then the bound itself or above it, since only that one number matters. */
struct cut {
	uint32_t dimension;
	uint64_t bound;
	bool alone;
};

struct cut_chooser;

/* HEAT: for each rule as how many rules it counts, 1 to TREE_MOST_HEAT. More gains nothing measurable. */
#define TREE_MOST_HEAT 256
struct cut_chooser *cut_chooser_new(struct arena *arena, const struct regions *regions, const uint32_t *heat);
/*
 * The best cut for ITEMS, of which at least one has a constraint. DECIDING: the first item that holds decides.
 * *WORK grows by how much there was to look at.
 */
struct cut cut_choose(struct cut_chooser *chooser, const struct item *items, size_t count, bool deciding, uint64_t *work);

#endif
