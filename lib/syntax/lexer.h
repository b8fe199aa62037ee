/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text to tokens, one at a time. In: a source, or one line of it. Out: tokens that point into the text. What
 * cannot be a token is a diagnostic and comes out as TOKEN_BAD, so that the parser says nothing more of it.
 *
 * Holds between: a token lies within one line; `at` never passes `end`; nothing behind `end` is read, so a
 * text need not end in NUL. A lexer is a plain value: copy it to look ahead.
 */
#ifndef WEIR_SYNTAX_LEXER_H
#define WEIR_SYNTAX_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diagnostic.h"

enum token_kind {
	TOKEN_END,
	TOKEN_NEWLINE,
	TOKEN_SEMICOLON,
	TOKEN_WORD,	/* 10.0.0.0/8  80-90  eth0.100  echo-request */
	TOKEN_STRING,	/* with its quotes; token_text undoes escapes */
	TOKEN_SET,	/* @name */
	TOKEN_VARIABLE, /* $name */
	TOKEN_LEFT_BRACE,
	TOKEN_RIGHT_BRACE,
	TOKEN_LEFT_PARENTHESIS,
	TOKEN_RIGHT_PARENTHESIS,
	TOKEN_COMMA,
	TOKEN_DOT,    /* alone: joins two parts of a pair */
	TOKEN_DASH,   /* alone: joins the ends of a range */
	TOKEN_ASSIGN, /* = */
	TOKEN_EQUAL,  /* == */
	TOKEN_NOT_EQUAL,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_GREATER,
	TOKEN_GREATER_EQUAL,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_XOR, /* ^ */
	TOKEN_BAD, /* its diagnostic is there already */
};

struct token {
	enum token_kind kind;
	bool first; /* nothing but blanks stands before it on its line */
	struct place place;
	const char *start; /* into the text; place.length bytes */
};

struct lexer {
	const struct source *source; /* for places */
	const char *at, *end, *line_start;
	uint32_t line, column;		 /* column: of line_start */
	bool first;			 /* no token on this line yet */
	bool given_up;			 /* the rest is not looked at, and that has been said */
	struct diagnostics *diagnostics; /* NULL: say nothing */
};

/* From the beginning of a source; a byte order mark of UTF-8 is passed over. */
void lexer_init(struct lexer *lexer, const struct source *source, struct diagnostics *diagnostics);
/* LENGTH bytes of TEXT, which stand at PLACE. */
void lexer_init_line(struct lexer *lexer, const char *text, size_t length, struct place place, struct diagnostics *diagnostics);

struct token lexer_next(struct lexer *lexer);
/* The one that lexer_next would give, with the lexer left where it is and nothing said. */
struct token lexer_peek(const struct lexer *lexer);

/* WORD as it stands; SET and VARIABLE without their sign; STRING without its quotes, escapes undone. */
const char *token_text(struct arena *arena, const struct token *token);
bool token_is(const struct token *token, const char *word);
/* For messages: "'80'", "the end of the line". */
const char *token_describe(struct arena *arena, const struct token *token);

#endif
