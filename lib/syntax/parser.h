/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the parser share and no other stage sees. Each function of a grammar rule bears its name,
 * has the production above it, begins with the parser at the rule's first token and leaves it behind the last.
 *
 * A function that fails has added a diagnostic (or met TOKEN_BAD, which has one) and gives NULL or false; who reads
 * statements then calls parser_skip_statement and goes on, so that one mistake is one error.
 */
#ifndef WEIR_SYNTAX_PARSER_H
#define WEIR_SYNTAX_PARSER_H

#include "base/limits.h"
#include "syntax/ast.h"
#include "syntax/lexer.h"

/* A file that is being read, and the one that includes it. */
struct including {
	const struct including *outer; /* NULL: the policy itself */
	const struct source *source;
	struct place place; /* of the include */
};

/* What all files of a policy share: the tree, and where its lists go on. */
struct parse {
	struct arena *arena;
	const struct host *host;
	struct diagnostics *diagnostics;
	struct ast *ast;
	struct ast_define **next_define;
	struct ast_set **next_set;
	struct ast_chain **next_chain;
	unsigned includes; /* so far */
};

/* The brace or parenthesis that is open; the innermost is the last. */
struct bracket {
	struct place place;
	bool block; /* nothing stood behind it on its line */
};

struct parser {
	struct parse *parse;
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct including *file;
	struct lexer lexer;
	struct token token; /* the next one, not consumed */
	struct token last;  /* the one consumed before */
	struct bracket open[LIMIT_NESTING];
	unsigned depth;	      /* of open */
	unsigned value_depth; /* how many of them are of values: line ends are blanks there */
};

/* ---- parser.c: tokens, errors, recovery ---- */

void parser_init(struct parser *parser, struct parse *parse, const struct including *file);
/* Consume a token. */
void parser_advance(struct parser *parser);
/* Consume it if it is of that kind. */
bool parser_accept(struct parser *parser, enum token_kind kind);
struct diagnostic *parser_error(struct parser *parser, struct place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#define parser_hint(parser, diagnostic, ...) diagnostic_hint((parser)->diagnostics, (diagnostic), __VA_ARGS__)
/*
 * "expected WHAT, found '80'", with HINT if it is not NULL. Nothing for what was reported already. False, so that a
 * caller can return it.
 */
bool parser_expected(struct parser *parser, const char *what, const char *hint);
/* Open a bracket, at which the parser stands; false when there are too many. VALUE: of a value, not of a block. */
bool parser_open(struct parser *parser, bool value);
void parser_close(struct parser *parser, bool value);
/* The end of the file came inside a bracket. */
void parser_never_closed(struct parser *parser);
/* To the end of the statement in which an error was: a line's end, a semicolon or the brace that closes the block. */
void parser_skip_statement(struct parser *parser);
/* Is this the end of a statement? */
bool parser_at_end(const struct parser *parser);
/* statement-end = newline | ";" ; or the closing brace, which is left. What else stands there is reported and skipped. */
void parser_expect_end(struct parser *parser, const char *behind);
void parser_skip_ends(struct parser *parser);
/* From the first character of A to the last of B, as far as that is one line. */
struct place parser_join(struct place a, struct place b);
bool token_is_one_of(const struct token *token, const char *const *words, size_t count);

/* ---- parse_value.c ---- */

struct ast_value *parse_value(struct parser *parser);
struct ast_value *parse_concat(struct parser *parser);
struct ast_value *parse_primary(struct parser *parser);
struct ast_value *parse_element(struct parser *parser);
struct ast_value *parse_list(struct parser *parser);
/* A quoted text for WHAT ("a comment"), or NULL. */
const char *parse_quoted(struct parser *parser, const char *what);
struct ast_value *parse_new_value(struct parser *parser, enum ast_value_kind kind, struct place place, const char *text);

/* ---- parse_match.c ---- */

struct ast_statement *parse_match(struct parser *parser);
/* Can this word begin a statement of a rule? */
bool parse_begins_statement(const struct token *token);

/* ---- parse_rule.c ---- */

struct ast_rule *parse_rule(struct parser *parser);

/* ---- parse_redirect.c ---- */

struct ast_statement *parse_redirect(struct parser *parser);

/* ---- parse_chain.c, parse_set.c ---- */

void parse_chain(struct parser *parser);
void parse_set(struct parser *parser);
/*
 * Begin the block of a chain or set (WHAT) behind its keyword: its name and brace. False when there is none.
 * BLOCK_NEXT: whether another statement follows; false at the closing brace, which is consumed, and at what shows
 * that it is missing.
 */
bool parse_block_begin(struct parser *parser, const char *what, const char **ret_name, struct place *ret_place);
bool parse_block_next(struct parser *parser, const char *what, const char *name, struct place place);
/* A word that may stand once in its block does so twice. False if that is so. */
bool parse_only_once(struct parser *parser, const struct token *word, struct place *first);

/* ---- foreign.c ---- */

/*
 * A word of nftables that weir does not have, or has otherwise: what to say, as the sentence's end behind the word
 * ("changes packets, which weir does not"), and what to write instead. SECOND may be NULL.
 */
struct foreign {
	const char *first, *second;
	const char *why, *instead;
};

/* In a rule; at the beginning of a line of a chain, a set or a policy. NULL: it is no such word. */
const struct foreign *foreign_in_rule(const struct token *first, const struct token *second);
const struct foreign *foreign_in_chain(const struct token *word);
const struct foreign *foreign_in_set(const struct token *word);
const struct foreign *foreign_in_policy(const struct token *word);
/* Report it, underlining PLACE. */
void foreign_report(struct parser *parser, struct place place, const struct foreign *foreign);

#endif
