/* SPDX-License-Identifier: GPL-2.0-only */
/* What bench/sets.c puts into sets, and asks of them: drawn at random, the same each time. */
#ifndef WEIR_BENCH_SET_MATERIAL_H
#define WEIR_BENCH_SET_MATERIAL_H

#include "check/policy.h"

#define KEYS (1u << 18) /* as in sets.bpf.c */

struct key {
	uint64_t hi, lo;
};

struct kind {
	const char *name, *type, *match;
	bool wide, prefixes;
};

struct material {
	const struct kind *kind;
	uint32_t count;
	struct set_element *elements;
	uint32_t *lengths;   /* of prefixes, in bits */
	struct key *keys[2]; /* KEYS of each: what hits, what misses */
};

void material_draw(struct material *material, const struct kind *kind, uint32_t count);
void material_forget(struct material *material);
/* Another element, for place I. */
void material_draw_element(struct material *material, uint32_t i, uint64_t *state);
/* How many are added live, one by one, to so many. */
uint32_t material_added(uint32_t count);

#endif
