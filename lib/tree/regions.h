/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Boxes while the tree is built. A region is a box as it looks from inside one node of the tree: an interval that
 * goes up to the edge of what can still come to the node is without a bound on that side (it begins at 0, or ends at
 * max), and a constraint without any bound is gone. So regions know nothing of the node they are in, and two
 * nodes in which the same rules have the same regions need the same subtree.
 *
 * Constraints and regions are interned: equal ones have the same number.
 */
#ifndef WEIR_TREE_REGIONS_H
#define WEIR_TREE_REGIONS_H

#include "base/arena.h"
#include "rules/rules.h"
#include "tree/facts.h"
#include "tree/intern.h"

struct region_constraint {
	uint32_t dimension, count;
	struct interval intervals[];
};

/*
 * By number of a constraint: how many cuts its intervals need; which profiles may, and which surely do, satisfy it; and
 * what was left of it below and above the bound where it was cut last (0: nowhere), since many regions are cut at one bound.
 */
struct constraint_facts {
	uint32_t dimension, bounds;
	bool concerned; /* do profiles say anything of its dimension? */
	profile_set may, sure;
	uint64_t cut;
	uint32_t below, above;
};

struct region {
	uint32_t count, weight;	     /* weight: 1 + the bounds of all constraints */
	const uint32_t *constraints; /* numbers, by ascending dimension */
	profile_set profiles;	     /* of packets that may lie in it */
	uint64_t hash;		     /* the sum of its constraints' */
};

/* From the least value to the greatest that packets of some profiles have of a dimension, as it was last asked for. */
struct known_range {
	profile_set profiles; /* 0: not asked for yet */
	struct interval range;
};

struct regions {
	struct arena *arena;
	const struct rule_list *list;
	profile_set all; /* profiles */
	struct intern_table *constraint_table, *region_table;
	VECTOR(struct constraint_facts) constraint_facts;
	VECTOR(struct region) items; /* by number */
	struct known_range *ranges;  /* by dimension */
	VECTOR(struct interval) scratch;
	VECTOR(uint32_t) scratch_constraints;
};

#define REGION_WHOLE 0		/* no constraint left */
#define REGION_NONE  UINT32_MAX /* nothing is in it */

struct regions *regions_new(struct arena *arena, const struct rule_list *list);
uint32_t region_of_box(struct regions *regions, const struct box *box);
/* What is left of a region where the dimension is below the bound, and where it is not. */
void region_halve(struct regions *regions, uint32_t region, uint32_t dimension, uint64_t bound, uint32_t *ret_low,
		  uint32_t *ret_high);
/* This halving will be asked for soon: have the memory that it takes at hand. */
void region_foresee_halves(struct regions *regions, uint32_t region, uint32_t dimension, uint64_t bound);
const struct region_constraint *region_constraint(const struct regions *regions, uint32_t constraint);
/* Does the region lie whole in the other? */
bool region_within(const struct regions *regions, uint32_t inner, uint32_t outer);
/* Does every packet that lies in the region, by what profiles tell too, lie in the other? */
bool region_packets_within(const struct regions *regions, uint32_t inner, uint32_t outer);
/* Can a packet lie in both? When in doubt, yes. */
bool regions_meet(const struct regions *regions, uint32_t a, uint32_t b);

/*
 * The region as it looks where only packets of PROFILES can come: without the constraints that all of them satisfy, and open
 * where none of them lies behind a bound. REGION_NONE when none of them can lie in it.
 */
uint32_t region_among(struct regions *regions, uint32_t region, profile_set profiles);

#endif
