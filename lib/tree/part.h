/* SPDX-License-Identifier: GPL-2.0-only */
/* Parting rules with a verdict into trees. */
#ifndef WEIR_TREE_PART_H
#define WEIR_TREE_PART_H

#include "tree/grow.h"

struct part {
	const struct tree_table *table; /* NULL: a tree, or bit vectors, which are made of the rules later */
	bool vectors;
	uint32_t root, rule_count;
	const uint32_t *rules; /* ascending */
	const char *kinds;     /* what they have in common, for people */
};

struct parting {
	VECTOR(struct part) parts;
	uint32_t *next; /* by rule: the first later part with a rule before it that it meets, or how many parts there are */
	bool *covered;	/* by rule: does an earlier one in another part match all that it matches? */
	/* Where it could not be done, and parts, next and covered are not whole: */
	uint32_t too_large; /* rules whose tree alone is too large */
	uint32_t too_large_rule;
	uint64_t nodes; /* that rules in halves need at least; past LIMIT_DATA_NODES no more are made */
};

/* Part RULES, ascending, and grow a tree for each part. What comes back lives in ARENA. */
struct parting part_rules(struct arena *arena, struct grower *grower, const struct rule_list *list,
			  const struct tree_options *options, const uint32_t *rules, size_t count);

#endif
