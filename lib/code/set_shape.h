/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the table of a set is laid out (weir_abi.h), which follows from its types: what the generated look-up and the library,
 * which writes the table, both must know.
 *
 * A page of the tree holds places where something new begins, ascending, in lines of 8, and behind them a 32-bit number for each:
 * a page further down, or in a leaf an entry. The first place is that where the page begins. What is not used repeats the last. A
 * place of up to 32 bits is one number. Of IPv6 addresses a page has one of two forms: where nothing in it begins within a /64,
 * places are the upper 64 bits; else they are two numbers of 63 bits each, the upper 63 bits in one array and the 63 behind them
 * in another, so that the sign of a difference tells the lesser. The last two bits are 0, since an IPv6 prefix of 127 bits is
 * kept as two addresses.
 */
#ifndef WEIR_CODE_SET_SHAPE_H
#define WEIR_CODE_SET_SHAPE_H

#include "rules/rules.h"

/* A form of a page of the tree. */
struct set_form {
	uint32_t fanout;	/* places, a multiple of SET_GROUP */
	uint32_t place_size;	/* bytes */
	uint32_t lower;		/* where the lower parts begin; 0: there are none */
	uint32_t number_offset; /* where the numbers begin */
};

#define SET_GROUP 8 /* places that are compared in one go, without waiting for each other */

/* Index in forms[]. */
enum set_form_kind { FORM_NARROW, FORM_WIDE };

struct set_shape {
	uint32_t words; /* numbers in a key */
	bool direct;	/* slots hold the key itself */
	bool prefixes, counted;
	uint32_t key_bits;	   /* of one with prefixes */
	uint32_t page_size;	   /* bytes */
	uint32_t bucket_shift;	   /* log2 of buckets in a page */
	uint32_t entry_shift;	   /* log2 of entries in a page */
	uint32_t entry_size_shift; /* log2 of bytes of an entry */
	struct set_form forms[2];  /* of pages of the tree; of up to 32 bits the first alone */
};

struct set_shape set_shape(const struct policy_set *set, bool prefixes);

/* How many numbers a value of this type is. */
uint32_t set_type_words(enum value_type type);

/* What both sides do to find a key: h = seed; for each number h = (h ^ number) * SET_HASH, h ^= h >> 32. */
#define SET_HASH 0x9e3779b97f4a7c15ull
/*
 * Then tag = h >> 32 | 1 (of a direct table the key); one bucket is h & mask, the other that ^ ((tag * SET_SPREAD >> 16) & mask).
 * It follows from the tag, so that keys with the same tag share both buckets or none.
 */
#define SET_SPREAD 0x5bd1e995
/* The line of a direct table is (the lower half of h) * lines >> 32; the bit of its word `elsewhere` h >> 32 & this. */
#define SET_ELSEWHERE_MASK 31

#endif
