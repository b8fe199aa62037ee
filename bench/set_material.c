// SPDX-License-Identifier: GPL-2.0-only
#include "set_material.h"

#include <stdlib.h>

#define MOST_ADDED 20000 /* a quarter of what is there, at most so many */

uint32_t material_added(uint32_t count)
{
	return count / 4 < MOST_ADDED ? count / 4 : MOST_ADDED;
}

static uint64_t random_number(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/*
 * Elements lie where bit 0 of the address (of prefixes: the highest one) is 0, and what misses lies where it is 1. Public IPv6
 * addresses begin with 001.
 */
void material_draw_element(struct material *material, uint32_t i, uint64_t *state)
{
	struct value_range *range = &material->elements[i].keys[0];
	bool wide = material->kind->wide;
	uint64_t hi = wide ? random_number(state) >> 3 | 1ull << 61 : 0, lo = random_number(state), mask;
	uint32_t bits;

	if (!wide)
		lo = (uint32_t)lo;
	if (!material->kind->prefixes) {
		range->low = range->high = (struct value){ hi, lo & ~1ull };
		return;
	}
	if (wide) {
		bits = 32 + random_number(state) % 33; /* of 32 to 64 bits */
		mask = bits == 64 ? 0 : ~0ull >> bits;
		hi &= ~(1ull << 60);
		range->low = (struct value){ hi & ~mask, 0 };
		range->high = (struct value){ hi | mask, ~0ull };
	} else {
		bits = 20 + random_number(state) % 11; /* of 20 to 30 bits */
		mask = 0xffffffffu >> bits;
		lo &= 0x7fffffff;
		range->low = (struct value){ 0, lo & ~mask };
		range->high = (struct value){ 0, lo | mask };
	}
	material->lengths[i] = bits;
}

static void draw_keys(struct material *material, uint64_t *state)
{
	bool wide = material->kind->wide, prefixes = material->kind->prefixes;

	for (uint32_t i = 0; i < KEYS; i++) {
		const struct value_range *range = &material->elements[random_number(state) % material->count].keys[0];
		struct key *hit = &material->keys[0][i], *miss = &material->keys[1][i];

		*hit = (struct key){ range->low.hi, range->low.lo };
		if (prefixes) { /* anywhere in it */
			hit->hi += random_number(state) & (range->high.hi - range->low.hi);
			hit->lo += random_number(state) & (range->high.lo - range->low.lo);
		}
		*miss = (struct key){ wide ? random_number(state) >> 3 | 1ull << 61 : 0, random_number(state) };
		if (!wide)
			miss->lo = (uint32_t)miss->lo;
		if (!prefixes)
			miss->lo |= 1;
		else if (wide)
			miss->hi |= 1ull << 60;
		else
			miss->lo |= 1ull << 31;
	}
}

void material_draw(struct material *material, const struct kind *kind, uint32_t count)
{
	uint64_t state = count;

	*material = (struct material){ .kind = kind, .count = count };
	material->elements = calloc(count, sizeof(*material->elements));
	material->lengths = calloc(count, sizeof(*material->lengths));
	material->keys[0] = calloc(KEYS, sizeof(struct key));
	material->keys[1] = calloc(KEYS, sizeof(struct key));
	for (uint32_t i = 0; i < count; i++)
		material_draw_element(material, i, &state);
	draw_keys(material, &state);
}

void material_forget(struct material *material)
{
	free(material->elements);
	free(material->lengths);
	free(material->keys[0]);
	free(material->keys[1]);
}
