/* SPDX-License-Identifier: GPL-2.0-only */
/* Kinds of rules: by which of their addresses are narrow. */
#ifndef WEIR_TREE_KIND_H
#define WEIR_TREE_KIND_H

#include "rules/rules.h"

enum { NARROW_SOURCE = 1, NARROW_DESTINATION = 2, KIND_COUNT = 4 };

/* How many bits of an address a rule may leave open for it to be narrow. */
struct narrowness {
	uint8_t open_ipv4, open_ipv6_high, open_ether;
};

/* NARROW_SOURCE, NARROW_DESTINATION, both, or neither. Narrow is what each of its boxes is. */
unsigned rule_kind(const struct rule_list *list, const struct rule *rule, const struct narrowness *narrowness);

#endif
