/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The syntax tree: what was written, in the order in which it was written, with the place of each part.
 * In: the text of a policy. Out: a tree in which every word stands as it was typed; what a word means
 * is known to the next stage (check), which knows the type that is wanted.
 *
 * All of it lives in one arena and is const once parsed. Lists are linked by `next`, in order.
 */
#ifndef WEIR_SYNTAX_AST_H
#define WEIR_SYNTAX_AST_H

#include "base/arena.h"
#include "base/diagnostic.h"
#include "host/host.h"
#include "syntax/subject.h"

enum ast_value_kind {
	AST_WORD,     /* 10.0.0.0/8  80-90  ssh  02:00:00:00:00:66  1M  (a prefix or range inside one word is check's) */
	AST_STRING,   /* "eth0" : text without its quotes, escapes undone */
	AST_RANGE,    /* children: low, high   (written with blanks around the dash, or with variables) */
	AST_LIST,     /* { a, b, c } : children */
	AST_CONCAT,   /* a . b : children */
	AST_FLAGS,    /* syn|ack, (syn|ack) : children, words */
	AST_BITS,     /* meta mark and 0xff00 or 0x12 : children: the word and, xor or or, then a value, and so on */
	AST_SET,      /* @blocklist : text "blocklist" */
	AST_VARIABLE, /* $lan : text "lan"; the value of its define is found by check */
};

struct ast_value {
	enum ast_value_kind kind;
	struct place place;
	const char *text;	    /* WORD, STRING, SET, VARIABLE */
	struct ast_value *children; /* RANGE, LIST, CONCAT, FLAGS, BITS: the first; the rest by next */
	struct ast_value *next;
	const char *timeout; /* of a set element: the word behind `timeout`, or NULL */
	struct place timeout_place;
	bool counter; /* of a set element: it has `counter`, and what stood behind */
	struct place counter_place;
	uint64_t packets, bytes;
};

enum ast_operator { AST_EQUAL, AST_NOT_EQUAL, AST_LESS, AST_LESS_EQUAL, AST_GREATER, AST_GREATER_EQUAL };

enum ast_statement_kind { AST_MATCH, AST_LOG, AST_COUNTER, AST_COMMENT, AST_META_SET, AST_VERDICT };

struct ast_statement {
	enum ast_statement_kind kind;
	struct place place; /* from its first to its last character, if on one line */
	struct ast_statement *next;
	/* MATCH: SUBJECT [& MASK] [OPERATOR] VALUE. Two subjects joined by `.` are matched against a set of pairs. */
	enum subject subjects[2];
	unsigned subject_count;
	struct place subject_place;
	struct ast_value *mask;	    /* NULL: none */
	enum ast_operator operator; /* AST_EQUAL when none is written */
	struct place operator_place;
	struct ast_value *value; /* NULL: the subject stands alone (PRESENCE, meta malformed); META_SET: what it is set to;
				    VERDICT: where to, or which ports */
	/* VERDICT redirect, dnat: how a port is chosen, as written, or NULL; alive_place.line 0: not written. */
	const char *choice;
	struct place choice_place, alive_place;
	struct ast_value *words; /* of `bytecode` what stands before its text: EN10MB, RAW, asm, file; NULL: nothing */
	/* LOG: prefix, or NULL. COUNTER: "by meta mark", or NULL. COMMENT: text. META_SET: "meta mark" or "meta priority".
	 * VERDICT: its name (weir_abi.h). */
	const char *text;
};

struct ast_rule {
	struct place place; /* of its first line */
	const char *text;   /* as written, blanks folded to one, comments left out, without the end of the statement */
	struct ast_statement *statements;
	struct ast_rule *next;
};

/* What the values behind `on` and `netns` name: themselves, or something of which those are meant. */
enum ast_owner {
	OWNER_NONE,	 /* on eth0            netns blue */
	OWNER_NETNS,	 /* on veth of netns blue */
	OWNER_PID,	 /* on veth of pid 12  netns pid 12 */
	OWNER_CONTAINER, /* on veth of container web, on container web (a cgroup), netns container web */
};

struct ast_chain {
	const char *name;
	struct place place; /* of the name */
	/* hook LAYER DIRECTION [on TARGETS] [netns NAMESPACE] [mode MODE] [parent CLASS [default CLASS]] ; words as written, NULL
	 * when left out */
	const char *layer, *direction, *mode, *parent, *fallback;
	struct place parent_place, fallback_place;
	struct place layer_place, direction_place, mode_place, hook_place; /* hook_place: of the word hook; line 0: no hook */
	struct ast_value *targets;					   /* WORD, STRING, VARIABLE or LIST of them */
	struct ast_value *netns;					   /* WORD, STRING or VARIABLE */
	enum ast_owner targets_of, netns_of;
	bool on_veth;	    /* on veth of ... */
	bool bad_hook;	    /* its line had an error, which was told; what stands above is as far as it was read */
	const char *policy; /* accept or drop as written; NULL: none */
	struct place policy_place;
	const char *comment; /* comment "..." in the chain; NULL: none */
	struct ast_value *connections; /* WORD: 1024, 64K, 1M; NULL: not written */
	struct ast_rule *rules;
	struct ast_chain *next;
};

struct ast_set {
	const char *name;
	struct place place; /* of the name */
	/* type A . B : words, and `comment` and the rest as written; NULL when left out */
	struct ast_value *type;	    /* WORD or CONCAT */
	struct ast_value *size;	    /* WORD: 1024, 64K, 1M */
	struct ast_value *timeout;  /* WORD: 30s, 5m, 1h, 1d, 1h30m; of every element that names none */
	struct ast_value *file;	    /* STRING */
	struct ast_value *elements; /* LIST */
	bool counter;		    /* each element counts */
	struct ast_value *flags;    /* as nftables writes them; accepted: interval, timeout, constant */
	const char *comment;
	struct ast_set *next;
};

struct ast_define {
	const char *name;
	struct place place;
	struct ast_value *value;
	struct ast_define *next;
};

/* Defines, sets and chains in the order in which they stand, included files at the place of their include. */
struct ast {
	const struct source *source; /* the file that was named */
	struct ast_define *defines;
	struct ast_set *sets;
	struct ast_chain *chains;
};

/*
 * Parse a policy and all that it includes. Never NULL: what could be understood is there, and what could not
 * is in DIAGNOSTICS (errors counted there). Include paths are relative to the file that names them.
 */
const struct ast *syntax_parse(struct arena *arena, const struct host *host, const struct source *source,
			       struct diagnostics *diagnostics);

/*
 * Parse a set element as `weir set` and element files have it: "10.0.0.0/8", "10.0.0.1 . 80", "10.0.0.1 timeout 30s".
 * LINE is one line of SOURCE; blank and comment lines give NULL without an error. Where SOURCE is not LINE's own, its
 * whole text is that line: who reads a long file hands in { name, first byte of the line, its length }, and nobody has
 * to look for the line (the text need not end in NUL).
 */
struct ast_value *syntax_parse_element(struct arena *arena, const struct source *source, struct place line,
				       struct diagnostics *diagnostics);

/* The tree as text, one node a line, indented: `weir check --emit=ast`. */
void ast_print(const struct ast *ast, FILE *out);

/* The words of a subject ("ip saddr"), and its type. */
const char *subject_words(enum subject subject);
enum value_type subject_type(enum subject subject);

#endif
