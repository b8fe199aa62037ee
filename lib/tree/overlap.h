/* SPDX-License-Identifier: GPL-2.0-only */
/* Which rules can match the same packet. */
#ifndef WEIR_TREE_OVERLAP_H
#define WEIR_TREE_OVERLAP_H

#include "tree/grow.h"

struct overlap;

struct overlap *overlap_new(struct arena *arena, struct grower *grower, const struct rule_list *list);
/* Is there a packet that both rules match? When in doubt, yes. */
bool overlap_meet(const struct overlap *overlap, uint32_t a, uint32_t b);
/* Does rule A match whatever rule B matches? When in doubt, no. */
bool overlap_covers(const struct overlap *overlap, uint32_t a, uint32_t b);

#endif
