/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One match of the checked policy, judged by itself, without boxes: for telling why, and so that the tests have
 * something to hold the lowering to.
 */
#ifndef WEIR_RULES_MATCH_H
#define WEIR_RULES_MATCH_H

#include <stdbool.h>

#include "rules/rules.h"

/* Does the packet have what the match is about? */
bool match_present(const struct policy_match *match, const struct weir_flow *flow);
/* Does the match hold? False for a packet that does not have what it is about. */
bool match_holds(const struct rule_list *list, const struct policy_match *match, const struct judged_packet *packet);
/* May the rule look at this packet at all? A malformed one is only for rules that say `meta malformed`. */
bool rule_concerns(const struct policy_rule *rule, const struct weir_flow *flow);

/* As it was written: "tcp dport { 22, 80 }". */
const char *match_text(struct arena *arena, const struct policy_match *match);

#endif
