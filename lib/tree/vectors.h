/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules as bit vectors, a bit for each of their boxes: the AND of what each field's value leaves over has the boxes that hold,
 * and its lowest bit is the first of them. Rules that overlap so much that no tree can part them are found like this; and the
 * more of them hold for a packet, the sooner the first one is met.
 */
#ifndef WEIR_TREE_VECTORS_H
#define WEIR_TREE_VECTORS_H

#include "tree/tree.h"

/* A block's dimension has so many borders at most: each box may bring two. */
#define VECTOR_MOST_BORDERS 8192
#define VECTOR_MOST_BLOCKS  4095

/*
 * Which of RULES, ascending, can stand in vectors together: they ask for few enough dimensions, and not for HTTP. Those that can
 * come first in RET_TAKEN, their number in *RET_COUNT, the others behind them, both ascending. RET_TAKEN has room for all.
 */
void vectors_choose(const struct rule_list *list, const uint32_t *rules, size_t count, uint32_t *ret_taken, size_t *ret_count);

/* Vectors of such rules, in ARENA; NULL when they would take more than LIMIT_VECTOR_BYTES. */
const struct tree_vectors *vectors_build(struct arena *arena, const struct rule_list *list, const uint32_t *rules, size_t count);

/* What they take of memory. */
uint64_t vectors_bytes(const struct tree_vectors *vectors);

/* The first rule that matches, or UINT32_MAX. */
uint32_t vectors_find(const struct tree_vectors *vectors, const struct rule_list *list, const struct judged_packet *packet,
		      dimension_lookup lookup, void *context);

#endif
