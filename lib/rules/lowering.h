/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of the lowering: what one rule is on its way from matches to boxes.
 *
 *	match -> parts (one interval list on one dimension each) and, for IPv6 ranges, alternatives (a union)
 *	parts -> one list for each dimension, by intersection
 *	lists x alternatives -> boxes
 */
#ifndef WEIR_RULES_LOWERING_H
#define WEIR_RULES_LOWERING_H

#include "rules/intervals.h"
#include "rules/rules.h"

/* A rule with more boxes than this keeps some of its IPv6 addresses in an anonymous set instead. */
#define LOWERING_BOXES 64

/* What a match, or a rule's taking for granted, says of one dimension. */
struct part {
	struct dimension dimension;
	struct interval_list list;
	int match;    /* index in the rule; -1: of no match */
	bool implied; /* follows from the others: for finding contradictions, not for the boxes */
};

/* An IPv6 match as a union: the address lies in one of these products of upper and lower half. */
struct alternative {
	struct interval_list high, low; /* a count of 0: no constraint */
};

struct alternatives {
	enum weir_field field; /* _HI; the lower half is the one behind */
	const struct policy_match *match;
	int index; /* of the match in the rule */
	uint32_t count;
	const struct alternative *items;
};

struct lowering {
	struct arena *arena;
	const struct policy *policy;
	const struct policy_chain *chain;
	struct diagnostics *diagnostics;
	VECTOR(struct dimension) dimensions;
	VECTOR(struct rule_set) sets;
	uint32_t anonymous;
	bool many_lists; /* long ones: more than there may be tables, so only the longest become some */
	bool listed[WEIR_FIELD_COUNT]; /* masks of this field: as the values that they let through */
	/* of the rule that is being lowered; the memory is used again for the next */
	const struct policy_rule *rule;
	VECTOR(struct part) parts;
	VECTOR(struct alternatives) unions;
};

/* lower_match.c: find the fields of which there are so many masks that each would be a dimension too many. */
void lower_find_masks(struct lowering *lowering);
/* Add what a match says. */
void lower_match(struct lowering *lowering, int index);
/* Let the match of a union be a set after all. */
void lower_union_as_set(struct lowering *lowering, const struct alternatives *alternatives);

/* lower_set.c: the anonymous set of a list, or of an equal one before. */
uint32_t lower_anonymous_set(struct lowering *lowering, const struct policy_match *match);
bool lower_can_be_set(const struct policy_match *match);
/* Is it a list too long for the tree? lower_find_lists must have looked at all of the chain before. */
bool lower_should_be_set(const struct lowering *lowering, const struct policy_match *match);
void lower_find_lists(struct lowering *lowering);

/* lower_contradiction.c: is there a packet for which all parts hold? If not, say so. */
bool lower_warn_contradiction(struct lowering *lowering);
/* The same for unions, of which none was left; said of the last. */
void lower_warn_unions(struct lowering *lowering);

bool dimension_equal(const struct dimension *a, const struct dimension *b);
struct dimension dimension_of_field(enum weir_field field);

#endif
