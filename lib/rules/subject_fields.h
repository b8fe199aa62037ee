/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a match's subject means in terms of a packet's fields: where its value lies, and what a packet must have for
 * the subject to be there at all. One table, for lowering, for judging a match by itself, and for telling why.
 */
#ifndef WEIR_RULES_SUBJECT_FIELDS_H
#define WEIR_RULES_SUBJECT_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/intervals.h"
#include "rules/rules.h"

/* A packet has the subject only if this field lies in one of these intervals. No intervals: no such demand. */
struct demand {
	enum weir_field field;
	uint32_t count;
	struct interval intervals[2];
};

#define SUBJECT_DEMANDS 2

struct subject_fields {
	enum weir_field field; /* of the value, an IPv6 address by its _HI field; WEIR_FIELD_COUNT: the presence is all */
	bool wide;	       /* an IPv6 address: the lower half is the field behind */
	/* What the packet must have; and what then follows by itself, which only serves to find contradictions. */
	struct demand needs[SUBJECT_DEMANDS], implies[SUBJECT_DEMANDS];
	const char *what; /* "TCP header": what a packet without the subject lacks */
};

const struct subject_fields *subject_fields(enum subject subject);

/*
 * The demands of one match. `meta malformed` is special: a well-formed packet has no reason to be malformed, so
 * `meta malformed != short` means malformed for another reason, unless the match itself speaks of "none".
 */
bool match_needs(const struct policy_match *match, uint32_t component, struct demand ret_needs[SUBJECT_DEMANDS]);

uint32_t field_bits(enum weir_field field);
uint64_t field_max(enum weir_field field);
const char *field_name(enum weir_field field);

#endif
