/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words to values and back, for each type. Reading makes no diagnostic (it may be tried); value_explain says
 * afterwards what was wrong with a word.
 */
#ifndef WEIR_CHECK_VALUE_H
#define WEIR_CHECK_VALUE_H

#include "check/policy.h"

/* What a word is read as, and all that its meaning depends on. */
struct value_type_of {
	enum value_type type;
	uint32_t bits;		   /* a number has no more */
	const char *words;	   /* what it is compared with: "ip saddr", "set 'blocklist'"; for messages */
	const char *protocol;	   /* INET_SERVICE: of which services are looked up; NULL: of any */
	const char *netns;	   /* INTERFACE: where it is looked up */
	const char *const *nearby; /* INTERFACE: names that were perhaps meant */
	uint32_t nearby_count;
	const struct host *host;
};

/* One value. 0; -EINVAL: no such value; -ERANGE: a number that is too great; else the errno of the host's look-up. */
int value_read(const struct value_type_of *wanted, const char *text, size_t length, struct value *ret_value);

enum range_fault {
	RANGE_FINE,
	RANGE_HOST_BITS,  /* a prefix whose address has bits behind it: taken without them */
	RANGE_REVERSED,	  /* low is more than high; *ret_range as written */
	RANGE_PREFIX,	  /* a prefix length that the type does not have, or is too great */
	RANGE_UNREADABLE, /* no value, or one of the ends is none */
};

/* A value, a prefix of an address, or low-high, in one word. */
enum range_fault value_range_read(const struct value_type_of *wanted, const char *text, struct value_range *ret_range);

/* Add the error for a word that value_read or value_range_read did not take, with a hint. */
struct diagnostic *value_explain(const struct value_type_of *wanted, const char *text, struct place place,
				 struct diagnostics *diagnostics);

/* The greatest value of so many bits; one less (one more is value_next in policy.h). */
struct value value_max(uint32_t bits);
struct value value_previous(struct value value);
/* The bits of a value that stay with a prefix of LENGTH bits of a type with BITS bits. */
struct value value_prefix_mask(uint32_t bits, uint32_t length);

/* How many bits a value of this subject has (fewer than its type's for a VLAN id or a TTL). */
uint32_t subject_bits(enum subject subject);
/* Which protocol's services its ports are looked up in; NULL: any, or it has no ports. */
const char *subject_service_protocol(enum subject subject);
/* "ip6 saddr" for "ip saddr" and the other way round; SUBJECT_COUNT where there is none. */
enum subject subject_counterpart(enum subject subject);

#endif
