/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of this stage share and no other stage sees: the state of one run, values behind their
 * variables, and the order of work: policy, then sets, then chains, in each its rules, in each its matches.
 */
#ifndef WEIR_CHECK_CHECKER_H
#define WEIR_CHECK_CHECKER_H

#include "check/policy.h"
#include "check/value.h"

struct checker {
	struct arena *arena;
	const struct host *host;
	const struct ast *ast; /* NULL when a lone element is checked */
	struct diagnostics *diagnostics;
	VECTOR(struct policy_set) sets;
};

/* The chain that is being checked, as far as its matches need it. */
struct chain_frame {
	struct checker *checker;
	uint32_t parent, fallback; /* as in struct policy_chain */
	bool hook_known;	   /* false: its error was told, and any match is taken as served */
	enum weir_hook hook;
	const char *netns; /* NULL: none */
	const char *const *targets;
	uint32_t target_count;
	bool other_end; /* the hook is at the other ends of what the chain names */
};

/* ---- defines.c: what variables and lists stand for ---- */

/* A value that is neither a variable nor a list, and how the policy came to it. */
struct leaf {
	const struct ast_value *value;
	const struct ast_value *use;	 /* the variable through which it came; NULL: written here */
	const struct ast_define *before; /* its own variables are looked for in front of this define; NULL: everywhere */
	const char *timeout;		 /* as written on it, or on the variable */
	struct place timeout_place;
	const struct ast_value *counter; /* it, or the variable, where that has a counter */
};

struct leaves {
	VECTOR(struct leaf) list;
	size_t steps;
	bool full; /* a limit was passed, and told */
};

/* All that VALUE stands for, variables replaced and lists laid open, in order. False after an error. */
bool leaves_gather(struct checker *checker, const struct ast_value *value, struct leaves *leaves);
/* One word or string, perhaps behind a variable; NULL after an error. WHAT it is to be: "a size". */
const struct ast_value *leaf_single(struct checker *checker, const struct ast_value *value, const struct leaf *outer,
				    const char *what);
/* An error at a place, with the place where the variable was used, if one was. */
struct diagnostic *leaf_error(struct checker *checker, const struct leaf *leaf, struct place place, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void check_defines(struct checker *checker);

/* ---- check_value.c: leaves to ranges ---- */

/* A word, range or join of flags as a range of a type. False after an error. */
bool check_leaf(struct checker *checker, const struct value_type_of *wanted, const struct leaf *leaf,
		struct value_range *ret_range);
/* The same, and it must be a single value. */
bool check_single(struct checker *checker, const struct value_type_of *wanted, const struct leaf *leaf, struct value *ret_value);
/* "30s", "5m", "1h30m", "1d", or seconds. False after an error. */
bool check_timeout(struct checker *checker, const char *text, struct place place, uint64_t *ret_seconds);
/* 1024, 64K, 1M. False after an error. */
bool check_size(struct checker *checker, const struct ast_value *value, uint32_t *ret_size);
/* A name of a policy, chain, set or define (WHAT) that can also be a file name in bpffs. */
bool check_name(struct checker *checker, const char *what, const char *name, struct place place);

/* ---- check_set.c, element_file.c ---- */

void check_sets(struct checker *checker);
bool set_holds_ranges(const struct policy_set *set);
/* The elements of a policy's list and of its file, sorted and without doubles, into SET. */
void set_elements_finish(struct checker *checker, struct policy_set *set, struct set_element *elements, size_t count,
			 size_t written);
bool check_set_leaf(struct checker *checker, const struct policy_set *set, const struct leaf *leaf,
		    struct set_element *ret_element);
struct element_list {
	VECTOR(struct set_element) list;
};
/* The path of FILE, relative to the file in which it is named. */
const char *file_path(struct checker *checker, const struct ast_value *file);
bool element_file_read(struct checker *checker, const struct policy_set *set, const struct ast_value *file,
		       struct element_list *elements);
/* A set without a name for the pairs of a match; the same pairs give the same set. Its index, or -1 after an error. */
int32_t check_pair_list(struct checker *checker, const struct ast_statement *match, const enum value_type *types);

/* ---- check_chain.c, check_rule.c, check_match.c ---- */

/* Can that be the name of an interface? False after an error. */
bool check_interface_name(struct checker *checker, const struct leaf *leaf);

/* False after an error; CHECKED then has what could be understood, no targets where these or the hook could not. */
bool check_chain(struct checker *checker, const struct ast_chain *chain, struct policy_chain *checked);
bool check_rule(struct chain_frame *frame, const struct ast_rule *rule, struct policy_rule *ret_rule);
bool check_match(struct chain_frame *frame, const struct ast_statement *match, struct policy_match *ret_match);
/* check_predicate.c: a match that is computed. */
bool check_http(struct chain_frame *frame, const struct ast_statement *match, struct policy_match *ret_match);
bool check_predicate(struct chain_frame *frame, const struct ast_statement *match, struct policy_match *ret_match);

/* ---- check_effect.c ---- */

/* The rule's verdict, if the chain's hook has it, with what it names. False after an error. */
bool check_verdict(struct chain_frame *frame, const struct ast_statement *statement, struct policy_rule *rule);
/* "1:10", "1:", in tc's hexadecimal digits: major << 16 | minor. Can it be read? */
bool read_handle(const char *text, uint32_t *ret_handle);
/* `counter by meta mark` into ACTION. False after an error. */
bool check_count_mark(struct chain_frame *frame, const struct ast_statement *statement, struct weir_action *action);
/* `meta mark set` and `meta priority set` into ACTION. False after an error. */
bool check_meta_set(struct chain_frame *frame, const struct ast_statement *statement, struct weir_action *action);

/* ---- check_redirect.c ---- */

/* `redirect to` and `dnat to` of a rule with these matches; other verdicts are fine. False after an error. */
bool check_redirect(struct chain_frame *frame, const struct ast_statement *statement, const struct policy_match *matches,
		    size_t match_count, struct policy_rule *rule);
/* How many connections the chain keeps, if it redirects. False after an error. */
bool check_connections(struct checker *checker, const struct ast_chain *chain, struct policy_chain *checked);
/* The chain that carries back the replies of chain INDEX; false: it needs none. */
bool replies_chain(struct arena *arena, const struct policy_chain *chain, uint32_t index, struct policy_chain *ret_chain);

/* ---- check_replies.c ---- */

/* Warn of an ingress chain that drops by default and lets no answers in, nor ARP and neighbour discovery. */
void check_replies(struct checker *checker, const struct policy_chain *chain);

#endif
