/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets drawn from rules that ask for addresses, ports and a protocol: for the comparison of large policies, and for measuring.
 */
#ifndef WEIR_TESTS_DRAW_H
#define WEIR_TESTS_DRAW_H

#include "rules/rules.h"

#define FRAME_BYTES 74 /* Ethernet, IPv6, TCP */
#define ETHER_BYTES 14

/* Of an address its IPv4 form, or the upper half of its IPv6 form and, apart, the lower. */
enum { BOUND_SADDR, BOUND_DADDR, BOUND_SADDR_LOW, BOUND_DADDR_LOW, BOUND_SPORT, BOUND_DPORT, BOUND_COUNT };

/* What a rule asks for: of several intervals from the first to the last. */
struct bounds {
	struct interval of[BOUND_COUNT];
	bool ipv6;
	uint8_t protocol; /* 0: any */
};

/* The next of a sequence; the same from run to run. */
uint64_t next_number(uint64_t *state);

/* Does some rule ask for an IPv6 address? Then packets of rules that name no network are to be IPv6. */
bool speaks_of_ipv6(const struct rule_list *list);
struct bounds pack_rule(const struct rule_list *list, const struct box *box, bool ipv6);

/* A value for an interval: an end, between, or with OUTSIDE just beyond an end. */
uint64_t pick_value(const struct interval *interval, bool outside, uint64_t *state);

/* A frame with a value for each of the bounds. */
void build_frame(const uint64_t *values, bool ipv6, uint8_t protocol, uint8_t frame[FRAME_BYTES]);
/* One that is within the bounds. */
void draw_within(const struct bounds *bounds, uint64_t *state, uint8_t frame[FRAME_BYTES]);

/* Write NUMBER at AT in BYTES bytes, in network order. */
void put(uint8_t *at, uint64_t value, unsigned bytes);

#endif
