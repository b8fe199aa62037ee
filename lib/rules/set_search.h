/* SPDX-License-Identifier: GPL-2.0-only */
/* Membership in a set by the elements of the policy: bisection over the sorted elements. */
#ifndef WEIR_RULES_SET_SEARCH_H
#define WEIR_RULES_SET_SEARCH_H

#include <stdbool.h>

#include "rules/rules.h"

/* The value of a field as a set's key has it: of a _HI field the whole IPv6 address. */
struct value flow_value(const struct weir_flow *flow, enum weir_field field);

bool set_search(const struct rule_set *set, const struct value key[SET_MAX_COMPONENTS]);

/* Fill set->merged where the elements of the set overlap, so that bisection finds what only a wide one holds. */
void set_prepare(struct arena *arena, struct rule_set *set);

#endif
