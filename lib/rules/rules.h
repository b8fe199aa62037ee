/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules as boxes over the fields of a packet. In: a chain of the checked policy. Out: a list in which every
 * rule is a union of boxes, and a box is a list of constraints "this dimension lies in one of these
 * intervals". A dimension is a field of struct weir_flow, perhaps masked, or the answer of a set or a predicate (0 or 1).
 *
 * What a match takes for granted is a constraint of its own: `tcp dport 80` is transport in {TCP}, dport in
 * {80}; `!=` keeps the constraint that the field is there. Every rule that does not speak of
 * `meta malformed` has malformed in {0}. So each stage behind this one knows nothing of packets.
 *
 * The list ends with two rules of weir's own: malformed packets (no constraint but malformed in 1..max;
 * drop), then the chain's policy (no constraint). So exactly one rule with a verdict decides every packet.
 */
#ifndef WEIR_RULES_H
#define WEIR_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "check/policy.h"
#include "rules/packet.h"
#include "weir_abi.h"

enum dimension_kind { DIMENSION_FIELD, DIMENSION_SET, DIMENSION_PREDICATE };

struct dimension {
	enum dimension_kind kind;
	enum weir_field field; /* FIELD */
	uint64_t mask;	       /* FIELD: what is compared is value & mask; all ones of the field's bits when none was written */
	uint64_t max;	       /* the greatest value it can take: the mask, or 1 for a set and a predicate */
	uint32_t set;	       /* SET: index into rule_list.sets */
	/* SET: where the key's components come from; an IPv6 address is named by its _HI field. */
	uint32_t key_count;
	enum weir_field keys[SET_MAX_COMPONENTS];
	const struct predicate *predicate; /* PREDICATE */
};

static inline bool dimension_reads_http(const struct dimension *dimension)
{
	return dimension->kind == DIMENSION_PREDICATE && dimension->predicate->kind == PREDICATE_HTTP;
}

struct interval {
	uint64_t low, high; /* both included */
};

struct constraint {
	uint32_t dimension;
	uint32_t count;			  /* 0: nothing satisfies it */
	const struct interval *intervals; /* sorted, disjoint, not touching, within 0..max, not all of it */
};

struct box {
	uint32_t count;
	const struct constraint *constraints; /* by ascending dimension, each at most once */
};

struct rule {
	uint32_t box_count; /* 0: the rule matches nothing */
	const struct box *boxes;
	enum weir_verdict verdict; /* CONTINUE: does its statements and goes on */
	bool log;
	const char *log_prefix;	   /* NULL: none */
	struct weir_action action; /* flags 0: none */
	const char *to;		   /* what the verdict names, as written; NULL: nothing */
	uint32_t slot;		   /* of its counter (weir_abi.h) */
	struct place place;	   /* line 0 for malformed; the policy's is its statement's, line 0 where none is written */
	const char *text;
};

/* What classify returns for a rule whose counter lies in SLOT. */
static inline uint32_t rule_outcome(const struct rule *rule, uint32_t slot)
{
	return WEIR_OUTCOME(slot, rule->verdict, rule->log) | (rule->action.flags ? WEIR_OUTCOME_ACTION : 0);
}

/* A set as the later stages need it: the checked one, or an anonymous list too long for the tree. */
struct rule_set {
	const char *name; /* "blocklist", or "__anonymous_1" */
	const struct policy_set *set;
	bool anonymous;
	bool prefixes; /* has or may get members that are prefixes or ranges: an LPM trie stands beside the hash */
	/* For rules_set_contains, where elements overlap: the same as disjoint ranges, sorted. NULL: no two overlap. */
	uint32_t merged_count;
	const struct value_range *merged;
};

struct rule_list {
	enum weir_hook hook;
	const struct policy_chain *chain;
	uint32_t dimension_count, rule_count, set_count;
	const struct dimension *dimensions; /* in order of first use */
	const struct rule *rules;	    /* in order; the last two are weir's own */
	const struct rule_set *sets;	    /* the policy's, by the same index, then the anonymous ones of this chain */
};

/*
 * Lower a chain. Never fails on a checked policy but for limits (NULL, with a diagnostic). Warns of a match
 * that contradicts itself or another one of its rule. Rule i of the chain gets slot WEIR_SLOT_FIRST_RULE + i;
 * the kernel stage may give others when it loads the code (REFERENCE_OUTCOME in code.h), so that a counter
 * stays where it was when the policy is applied again.
 */
const struct rule_list *rules_lower(struct arena *arena, const struct policy *policy, uint32_t chain,
				    struct diagnostics *diagnostics);

/* Do the rules of both lists, one by one, match the same packets, and go on with the same ones? What else they do may differ. */
bool rules_alike(const struct rule_list *a, const struct rule_list *b);

/* `weir check --emit=rules`. */
void rules_print(const struct rule_list *list, FILE *out);

/* A packet to be judged: its bytes as the hook has them, and what packet_parse made of them. */
struct judged_packet {
	const struct weir_flow *flow;
	const struct packet_context *context;
	const uint8_t *data; /* may be NULL where no rule has a predicate */
	size_t length;
};

/* The answer of a dimension that is no field: what the kernel's maps and predicate functions would say. */
typedef bool (*dimension_lookup)(void *context, const struct dimension *dimension, const struct judged_packet *packet);

/* What became of a packet: the rules without a verdict that it met, in order, and the one that decided. */
struct judgement {
	uint32_t decided; /* index of a rule, always set */
	uint32_t passed_count;
	uint32_t *passed; /* indexes, ascending; memory for rule_count of them is the caller's */
};

/*
 * The truth: go through the rules one after another. What tree and kernel say is compared with this.
 * LOOKUP answers for sets and predicates; rules_answer does it from the policy's own elements and programs.
 */
void rules_judge(const struct rule_list *list, const struct judged_packet *packet, dimension_lookup lookup, void *context,
		 struct judgement *judgement);

/*
 * A dimension_lookup over the elements that stand in the policy and its files, and over the predicates themselves; CONTEXT is the
 * rule_list. Timeouts do not run.
 */
bool rules_answer(void *context, const struct dimension *dimension, const struct judged_packet *packet);

/* The packet as a program of classic BPF sees it at this hook, as it begins there. */
struct classic_packet predicate_packet(enum weir_hook hook, const struct judged_packet *packet);
/* Does this packet meet the predicate at this hook? */
bool predicate_holds(const struct predicate *predicate, enum weir_hook hook, const struct judged_packet *packet);

/* The value of a field, and of a dimension (masked; sets and predicates by LOOKUP). */
uint64_t flow_field(const struct weir_flow *flow, enum weir_field field);
uint64_t packet_dimension(const struct judged_packet *packet, const struct rule_list *list, uint32_t dimension,
			  dimension_lookup lookup, void *context);

/* "tcp dport", "set blocklist": a dimension in words, for printers. */
const char *dimension_print(struct arena *arena, const struct rule_list *list, uint32_t dimension);

/*
 * A rule that an earlier one with a verdict covers whole can never decide: warn, naming both lines. REACHED
 * has a flag for each rule, set where the tree has a leaf for it, so that only the rest is searched.
 */
void rules_warn_shadowed(const struct rule_list *list, const bool *reached, struct diagnostics *diagnostics);

#endif
