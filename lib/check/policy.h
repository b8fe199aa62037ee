/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checked policy: every name resolved, every value a number of the right type, every match one that its
 * hook can serve, every limit kept. In: the syntax tree. Out: this, const. What is wrong is a diagnostic; a
 * policy with errors is not handed on.
 */
#ifndef WEIR_CHECK_POLICY_H
#define WEIR_CHECK_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diagnostic.h"
#include "classic/classic.h"
#include "host/host.h"
#include "syntax/ast.h"
#include "weir_abi.h"

/* A value of any type, as a number in host byte order: an IPv6 address takes all 128 bits, the rest `lo`. */
struct value {
	uint64_t hi, lo;
};

/* From low to high, both ends included; a single value has both alike. */
struct value_range {
	struct value low, high;
};

static inline int value_compare(struct value a, struct value b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

#define SET_MAX_COMPONENTS 2

/* An element: a range for each component (single values but for addresses and ports in sets of one component). */
struct set_element {
	struct value_range keys[SET_MAX_COMPONENTS];
	uint64_t timeout_s; /* 0: for ever */
	uint64_t packets, bytes; /* of a set that counts */
	struct place place;
};

struct policy_set {
	const char *name;
	struct place place;
	enum value_type types[SET_MAX_COMPONENTS]; /* IPV4_ADDR, IPV6_ADDR, ETHER_ADDR, INET_SERVICE, PROTOCOL, NUMBER (marks) */
	uint32_t components;
	uint32_t size;	     /* most elements it may hold */
	bool grows;	     /* it names no size: that is the limit of all sets */
	bool counted;	     /* each element counts the packets that it matched */
	uint64_t timeout_s;  /* of elements that name none; 0: for ever */
	const char *file;    /* NULL: none */
	const char *comment; /* NULL: none */
	uint32_t element_count;
	const struct set_element *elements; /* of the policy and of the file, sorted, without doubles */
};

/* A yes or no that is computed from the packet's bytes. */
enum predicate_kind { PREDICATE_CLASSIC, PREDICATE_HTTP };

struct http_pattern {
	const char *text; /* length bytes of it */
	uint32_t length;
	bool prefix; /* what begins so; else what is so */
};

/* `http path`: the request has it, and one of the patterns fits; negated: it has it, and none does. */
struct http_match {
	enum weir_http_asked asked;
	bool negated;
	uint32_t count;
	const struct http_pattern *patterns;
};

struct predicate {
	enum predicate_kind kind;
	const char *text; /* as written: pcap "tcp port 80" */
	/* CLASSIC: by how a packet begins at the hook. NULL: such packets are not met. */
	const struct classic_program *programs[CLASSIC_LINKS];
	bool behind_link; /* the one for Ethernet sees a packet from its IP header on, and none without one */
	bool whole_frame; /* a VLAN tag that the card took off is in its place again, as in a capture */
	struct http_match http; /* HTTP */
};

/* How a match compares: the field (masked, when mask is set) lies in one of the ranges, or the key is in the set. */
struct policy_match {
	struct place place;
	enum subject subjects[SET_MAX_COMPONENTS];
	uint32_t subject_count; /* 2: a pair against a set of pairs */
	bool negated;		/* != : false nonetheless for a packet without the field */
	bool masked;
	uint64_t mask;
	int32_t set;			   /* index into policy.sets; -1: ranges */
	const struct predicate *predicate; /* NULL: none; else there are neither ranges nor a set */
	uint32_t range_count;
	const struct value_range *ranges; /* sorted, disjoint, not touching; PRESENCE has none */
};

struct policy_rule {
	struct place place;
	const char *text; /* as ast_rule.text */
	const char *comment;
	bool log;
	const char *log_prefix;	   /* NULL: none */
	struct weir_action action; /* flags 0: none; the index of an interface is apply's to find */
	const char *to;		   /* what the verdict names, as written: an interface, a row of sockets; NULL: nothing */
	struct place to_place;
	enum weir_verdict verdict;
	uint32_t match_count;
	const struct policy_match *matches;
};

/* XDP only: how to attach. AUTO: native, else generic. */
enum attach_mode { MODE_AUTO, MODE_NATIVE, MODE_GENERIC };

/*
 * What a chain's targets are: interface names, or cgroup paths and globs as written (below the cgroup2 mount); network namespaces
 * ("container web", "pid 12", "blue", as host/netns.h has them), whose interfaces' other ends, which are here, are meant; or
 * names of containers, whose cgroups are meant.
 */
enum target_kind { TARGET_NAMED, TARGET_VETH_OF, TARGET_CONTAINER };

struct policy_chain {
	const char *name;
	struct place place;
	/* The kernel's. With VETH_OF it is the other direction than the one that is written, which is meant from the inside. */
	enum weir_hook hook;
	enum target_kind target_kind;
	uint32_t target_count;
	const char *const *targets;
	const struct place *target_places;
	const char *netns; /* of the interfaces, or ends, that are stood on, as host/netns.h has it; NULL: where weir runs */
	struct place netns_place;
	enum attach_mode mode;
	uint32_t parent; /* tc egress: the chain is the classifier of this qdisc or class, major << 16 | minor; 0: it is none */
	struct place parent_place;
	uint32_t fallback;	  /* then: the class of `class default`; 0: none. tc action: the code (TC_ACT_*) of `default` */
	enum weir_verdict policy; /* ACCEPT or DROP */
	struct place policy_place;
	uint32_t connections; /* how many it keeps at most; 0: it redirects none */
	/* A chain of weir's own (check_redirect.c): carries back the replies of chain replies_of, whose connections it shares. */
	bool carries_replies;
	uint32_t replies_of;
	uint16_t first_reply, last_reply; /* of it and of the chain that redirects: the ports from which they come */
	uint32_t rule_count;
	const struct policy_rule *rules;
};

struct policy {
	const char *name; /* of the file, without folder and .weir, or as given */
	const struct source *source;
	uint32_t set_count, chain_count;
	const struct policy_set *sets;
	const struct policy_chain *chains;
};

/* What a policy is called that nobody named: its file, without folder and .weir. */
const char *policy_name_from_file(struct arena *arena, const struct source *source);

/*
 * Check a syntax tree. NAME: the policy's name, or NULL to take it from the file. NULL when there are errors.
 * An interface named in `meta iif` must exist, since its number is what is compared; those of `on` need not
 * (apply looks for them).
 */
const struct policy *check_policy(struct arena *arena, const struct host *host, const struct ast *ast, const char *name,
				  struct diagnostics *diagnostics);

/*
 * Check one element for a set of these types, as `weir set` takes it: 0, or -EINVAL with a diagnostic.
 * *ret_element is untouched on failure.
 */
int check_element(struct arena *arena, const struct host *host, const struct policy_set *set, const struct ast_value *value,
		  struct set_element *ret_element, struct diagnostics *diagnostics);

/* A value in the words of the language: "10.0.0.1", "02:00:00:00:00:66", "80", "echo-request". */
const char *value_print(struct arena *arena, enum value_type type, struct value value);
/* A range: "10.0.0.0/8" where it is a prefix of an address, "80-90", or the single value. */
const char *value_range_print(struct arena *arena, enum value_type type, struct value_range range);
/* An element with its timeout: "10.0.0.1 . 80 timeout 30s". */
const char *element_print(struct arena *arena, const struct policy_set *set, const struct set_element *element);
/* The same with its counters, where the set has them: "10.0.0.1 counter packets 3 bytes 180 timeout 30s". */
const char *element_print_counted(struct arena *arena, const struct policy_set *set, const struct set_element *element);

/*
 * The longest prefix that begins where RANGE does and ends in it, of a type with BITS bits; and one more than VALUE. A range is
 * stored as the prefixes that cover it, taken so from the left: each of them is one element where a set's size is counted.
 */
struct value_range value_range_first_prefix(struct value_range range, uint32_t bits);
struct value value_next(struct value value);

/* The word of a set's type ("ipv4_addr") and how many bits a value of it has. */
const char *value_type_name(enum value_type type);
uint32_t value_type_bits(enum value_type type);
/* The type of that word: 0 or -ENOENT. */
int value_type_by_name(const char *word, enum value_type *ret_type);

/* Whether a hook can serve a match about this; where not, *ret_why says it in a sentence. */
bool hook_serves(enum weir_hook hook, enum subject subject, const char **ret_why);

/* "xdp ingress" */
const char *hook_name(enum weir_hook hook);

static inline bool hook_is_tc(enum weir_hook hook)
{
	return hook == WEIR_HOOK_TC_INGRESS || hook == WEIR_HOOK_TC_EGRESS || hook == WEIR_HOOK_TC_ACTION;
}

static inline bool hook_is_cgroup(enum weir_hook hook)
{
	return hook == WEIR_HOOK_CGROUP_INGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;
}
/* The hook as the chain's author says it: of interfaces inside, where the chain stands at their other ends. */
const char *hook_as_written(const struct policy_chain *chain);

/* "accept final"; and whether a packet goes on with it. */
const char *verdict_name(enum weir_verdict verdict);
static inline bool verdict_accepts(enum weir_verdict verdict)
{
	return verdict == WEIR_VERDICT_ACCEPT || verdict == WEIR_VERDICT_FINAL || verdict == WEIR_VERDICT_REDIRECT ||
	       verdict == WEIR_VERDICT_DNAT;
}

/* Whether a hook has an effect (one of WEIR_ACTION_*) or a verdict; where not, *ret_why says it in a sentence. */
bool hook_has_effect(enum weir_hook hook, uint32_t flag, const char **ret_why);
bool hook_has_verdict(enum weir_hook hook, enum weir_verdict verdict, const char **ret_why);

/* A verdict with what it names: "fwd to eth1", "to xsk 3". TO as in struct policy_rule. */
const char *verdict_print(struct arena *arena, enum weir_verdict verdict, const char *to);

/* What an action does, in the words of the language: "meta mark set 0x7, meta priority set 1:10". NULL: nothing. */
const char *effects_print(struct arena *arena, const struct weir_action *action);

#endif
