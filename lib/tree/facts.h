/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a parsed packet's fields say of each other: an ICMP header lies in IPv4, a TCP header has protocol 6 and is well
 * formed. A packet has one of a few profiles; a node of the tree knows which of them can come to it, and with that what
 * needs not be asked there any more.
 *
 * It holds for every struct weir_flow that a parser makes (lib/rules/packet_parse.c), not for one filled at will.
 */
#ifndef WEIR_TREE_FACTS_H
#define WEIR_TREE_FACTS_H

#include "rules/rules.h"

typedef uint64_t profile_set; /* a bit for each profile */

/* All that there are. */
profile_set facts_all(void);
/* Do profiles say anything of this dimension? */
bool facts_concern(const struct dimension *dimension);
/* The profiles that have, of a dimension that they concern, some value (MAY) or only values (SURE) in these intervals. */
profile_set facts_may(const struct dimension *dimension, const struct interval *intervals, uint32_t count);
profile_set facts_sure(const struct dimension *dimension, const struct interval *intervals, uint32_t count);
/* From the least value to the greatest that packets of these profiles have. */
struct interval facts_range(const struct dimension *dimension, profile_set profiles);
/* Any flow of the first of these profiles. */
struct weir_flow facts_example(profile_set profiles);

#endif
