/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text that `nft list ruleset` writes, read into the JSON that `nft -j list ruleset` would have written of it, which nft.c
 * goes on with: words (nft_words.c), tables, chains and sets (nft_text.c), rules (nft_text_rule.c).
 */
#ifndef WEIR_IMPORT_NFT_TEXT_H
#define WEIR_IMPORT_NFT_TEXT_H

#include <jansson.h>
#include <stdbool.h>

#include "import/ruleset.h"

enum nft_word_kind { NFT_WORD, NFT_STRING, NFT_SIGN, NFT_LINE_END, NFT_TEXT_END };

/* A word, a string without its quotes, a sign such as "{" or "!="; a line end is ";", too. */
struct nft_word {
	enum nft_word_kind kind;
	const char *text;
	size_t start, end; /* offsets in the source */
	uint32_t line, column;
};

struct nft_words {
	struct ruleset *ruleset;
	const struct source *source;
	VECTOR(struct nft_word) list; /* ends with NFT_TEXT_END */
	size_t at;
	bool failed; /* the first mistake has been told */
};

/* Where a rule of the text stands, and what it was. */
struct nft_text_rule {
	struct place place;
	const char *text;
};
typedef VECTOR(struct nft_text_rule) nft_text_rules;

/* Cut the source into words. */
void nft_words_read(struct nft_words *words);
const struct nft_word *nft_word(const struct nft_words *words);
/* Is the word that is next this one? Strings are not. */
bool nft_word_is(const struct nft_words *words, const char *text);
/* The same, and go on behind it when it is. */
bool nft_word_take(struct nft_words *words, const char *text);
/* Go on behind the word that is next, and give its text. */
const char *nft_word_next(struct nft_words *words);
struct place nft_word_place(const struct nft_words *words, const struct nft_word *first);
/* Say that what comes next is not what is read here. */
void nft_word_wrong(struct nft_words *words, const char *wanted);

/* A number, prefix, range or word; a concatenation of them. */
json_t *nft_text_value(struct nft_words *words);
/* { a, b . c, d timeout 1h } ; with VERDICTS { a : accept, b : jump c }. The brace is next. */
json_t *nft_text_list(struct nft_words *words, bool verdicts);
/* "1h30m", in seconds. */
json_t *nft_text_time(const char *text);
/* {"expr": [...], "comment": "..."} of the rule that begins at the word that is next, up to its line's end. */
json_t *nft_text_rule(struct nft_words *words);
/* The subject that is next ("ip saddr", "meta mark"), or NULL, and nothing was taken. */
json_t *nft_text_subject(struct nft_words *words);
/* accept, drop, return, jump X ...; NULL: it is none. */
json_t *nft_text_verdict(struct nft_words *words);

/* The objects of the rule set, chains and sets first; RULES tells of each "rule" in the same order. NULL: told what is wrong. */
json_t *nft_text_read(struct ruleset *ruleset, const struct source *source, nft_text_rules *rules);

#endif
