/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Somebody else's rule set as it was understood: what the readers (iptables, nft, ClassBench) make and flatten.c turns into
 * a policy. A match is already in weir's words, or the rule has a refusal and is left out whole.
 *
 * Holds between: every rule has the place and the text it came from; a match without a value is a subject that stands alone;
 * names of chains are unique within a table, not beyond it.
 */
#ifndef WEIR_IMPORT_RULESET_H
#define WEIR_IMPORT_RULESET_H

#include "base/arena.h"
#include "base/diagnostic.h"
#include "host/host.h"
#include "check/policy.h"
#include "import/import.h"
#include "syntax/ast.h"

/* SUBJECT [. SECOND] [& MASK] [!=] VALUE. Of an interface, VALUE is one name, judged against the hook by flatten.c. */
struct import_match {
	enum subject subject;
	enum subject second; /* of a pair; SUBJECT_COUNT: none */
	const char *mask;    /* NULL: none */
	bool unequal;
	const char *value;
};

enum import_verdict {
	IMPORT_NO_VERDICT,
	IMPORT_ACCEPT,
	IMPORT_DROP,
	IMPORT_RETURN,
	IMPORT_JUMP,
	IMPORT_GOTO,
};

struct import_rule {
	struct place place;
	const char *text; /* as it was written, without line ends */
	VECTOR(struct import_match) matches;
	bool log;
	const char *prefix, *comment; /* NULL: none */
	enum import_verdict verdict;
	const char *target;  /* of a jump or goto; without a verdict: it did something that weir does not know */
	const char *refusal; /* why it cannot be taken over; NULL: it can */
	const char *hint;
	const char *note; /* what is not quite as it was; said, and written above the rule */
	bool told;
	bool left_out;
};

/* Which packets a table judges; those of other kinds pass it. */
enum import_family { IMPORT_IPV4, IMPORT_IPV6, IMPORT_INET, IMPORT_ANY };

enum import_place { IMPORT_USER_CHAIN, IMPORT_INPUT, IMPORT_OUTPUT, IMPORT_FORWARD, IMPORT_INGRESS, IMPORT_EGRESS };

struct import_chain {
	const char *table, *name;
	enum import_family family;
	enum import_place hook;
	const char *device; /* of a netdev chain: its targets as weir writes them; NULL */
	bool drop;	    /* the policy of a base chain */
	struct place place;
	VECTOR(struct import_rule *) rules;
	bool foreign; /* of a table or hook that weir has not: each of its rules is named */
	bool entered; /* a jump to it was taken over */
};

struct import_set {
	const char *table, *name; /* as the rules name it */
	const char *words;	  /* its name in the policy */
	const char *type;	  /* "ipv4_addr", "ipv4_addr . inet_service"; NULL: cannot be a set of weir, see refusal */
	const char *refusal, *note;
	uint64_t size, timeout; /* 0: none */
	VECTOR(const char *) elements;
	bool used;
};

struct ruleset {
	struct arena *arena;
	const struct host *host;
	struct diagnostics *diagnostics;
	VECTOR(struct import_chain *) chains;
	VECTOR(struct import_set *) sets;
	const char *from; /* what it was read as, for the head of the policy */
	size_t left_out;
	bool state_hint; /* has been given once, which is enough */
};

struct import_chain *ruleset_chain(const struct ruleset *ruleset, const char *table, const char *name);
struct import_chain *ruleset_add_chain(struct ruleset *ruleset, const char *table, const char *name, struct place place);
struct import_set *ruleset_set(const struct ruleset *ruleset, const char *table, const char *name);
struct import_set *ruleset_add_set(struct ruleset *ruleset, const char *table, const char *name);
struct import_rule *ruleset_add_rule(struct ruleset *ruleset, struct import_chain *chain, struct place place, const char *text);
/* A copy of RULE behind it in CHAIN, for what takes two rules to say. */
struct import_rule *ruleset_split_rule(struct ruleset *ruleset, struct import_chain *chain, const struct import_rule *rule);

void rule_match(struct ruleset *ruleset, struct import_rule *rule, enum subject subject, bool unequal, const char *value);
void rule_match_masked(struct ruleset *ruleset, struct import_rule *rule, enum subject subject, const char *mask, bool unequal,
		       const char *value);
/* The first refusal stands. HINT: NULL where there is none. */
void rule_refuse(struct import_rule *rule, const char *hint, const char *why);

/* Say something of a place; unlike with diagnose, nothing that was left out is only counted. */
void ruleset_say(struct ruleset *ruleset, enum severity severity, struct place place, const char *hint, const char *message);

/* What to say of rules about the state of a connection. */
extern const char import_state_hint[];

/* The protocol of a name or number, in weir's word; NULL: no such protocol. */
const char *import_protocol(const struct ruleset *ruleset, const char *name);
/* An address, prefix or network/netmask of that family as weir writes it, or NULL. *ret_any: it is all addresses. */
const char *import_address(const struct ruleset *ruleset, const char *text, bool ipv6, bool *ret_any);
/* "7" or "7-9". */
const char *import_number_range(const struct ruleset *ruleset, unsigned long first, unsigned long last);

/* The readers. 0, or -EINVAL with a diagnostic. */
int iptables_read(struct ruleset *ruleset, const struct source *source, const struct import_options *options);
int ipset_read(struct ruleset *ruleset, const struct source *source);
int nft_read(struct ruleset *ruleset, const struct source *source);
int classbench_read(struct ruleset *ruleset, const struct source *source, const struct import_options *options, FILE *out);

/* Where a chain of the policy stands, and what is known of the packets there. */
struct import_hook {
	enum weir_hook hook;
	const char *words; /* "tc ingress on eth0" */
	const char *only;  /* the interface, where it is one; NULL */
	const char *netns; /* NULL: this one */
};

/* The hook for CHAIN: the user's, turned in the chain's direction, or one that suits it. -EINVAL: the user's is none. */
int import_choose_hook(struct ruleset *ruleset, const struct import_chain *chain, const char *wanted,
		       struct import_hook *ret_hook);

/* flatten.c: the rules of a base chain, jumps unfolded, as lines of weir. -EINVAL: too many. */
int chain_flatten(struct ruleset *ruleset, const struct import_chain *base, const struct import_hook *hook, FILE *out);

/* Words of the language. */
void import_print_matches(const struct import_match *matches, size_t count, FILE *out);
void import_print_string(const char *text, size_t most, FILE *out);
void import_print_comment(const char *indent, const char *text, FILE *out);
/* Say and count that RULE is left out because of WHY, once, and write it into the policy. */
void import_leave_out(struct ruleset *ruleset, struct import_rule *rule, const char *why, const char *hint, FILE *out);

/* Print the rule set as a policy. 0, or -EINVAL with a diagnostic. */
int ruleset_print(struct ruleset *ruleset, const struct source *source, const struct import_options *options, FILE *out);

#endif
