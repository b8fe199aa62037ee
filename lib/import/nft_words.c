// SPDX-License-Identifier: GPL-2.0-only
/* nftables' text cut into words. */
#include <string.h>

#include "import/nft_text.h"

static const char *const signs[] = { "==", "!=", "<=", ">=", "<<", ">>", "{", "}", "(", ")", ",", "=", "<", ">", "&", "|", "^" };

static void push(struct nft_words *words, struct nft_word word, const char *text, size_t length)
{
	word.text = arena_strndup(words->ruleset->arena, text, length);
	vector_push(words->ruleset->arena, &words->list, word);
}

/* Blanks, comments and escaped line ends: how many bytes from AT on. */
static size_t blank(const char *at, const char *end)
{
	const char *start = at;

	while (at < end) {
		if (*at == ' ' || *at == '\t' || *at == '\r')
			at++;
		else if (*at == '\\' && at + 1 < end && at[1] == '\n')
			break; /* the lines are counted outside */
		else if (*at == '#')
			while (at < end && *at != '\n')
				at++;
		else
			break;
	}
	return (size_t)(at - start);
}

static size_t sign_length(const char *at, const char *end)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		size_t length = strlen(signs[i]);

		if ((size_t)(end - at) >= length && memcmp(at, signs[i], length) == 0)
			return length;
	}
	return 0;
}

static size_t word_length(const char *at, const char *end)
{
	const char *start = at;

	while (at < end && !strchr(" \t\r\n;#\"\\", *at) && !sign_length(at, end))
		at++;
	return at > start ? (size_t)(at - start) : 1;
}

void nft_words_read(struct nft_words *words)
{
	const char *text = words->source->text, *end = text + words->source->length, *at = text, *line_start = text, *quote;
	struct nft_word word = { .line = 1 };
	size_t length;

	for (;;) {
		at += blank(at, end);
		word.start = (size_t)(at - text);
		word.column = (uint32_t)(at - line_start) + 1;
		if (at == end)
			break;
		if (*at == '\\' && at + 1 < end && at[1] == '\n') {
			length = 2;
		} else if (*at == '\n' || *at == ';') {
			length = 1;
			word.kind = NFT_LINE_END;
			word.end = word.start + 1;
			push(words, word, "the end of the line", 19);
		} else if (*at == '"') {
			quote = memchr(at + 1, '"', (size_t)(end - at - 1));
			length = quote ? (size_t)(quote - at) + 1 : (size_t)(end - at);
			word.kind = NFT_STRING;
			word.end = word.start + length;
			push(words, word, at + 1, length - (quote ? 2 : 1));
		} else {
			length = sign_length(at, end);
			word.kind = length ? NFT_SIGN : NFT_WORD;
			length = length ? length : word_length(at, end);
			word.end = word.start + length;
			push(words, word, at, length);
		}
		for (size_t i = 0; i < length; i++)
			if (at[i] == '\n') {
				word.line++;
				line_start = at + i + 1;
			}
		at += length;
	}
	word.kind = NFT_TEXT_END;
	word.end = word.start;
	push(words, word, "the end of the file", 19);
}

const struct nft_word *nft_word(const struct nft_words *words)
{
	return &words->list.items[words->at];
}

bool nft_word_is(const struct nft_words *words, const char *text)
{
	const struct nft_word *word = nft_word(words);

	return (word->kind == NFT_WORD || word->kind == NFT_SIGN) && strcmp(word->text, text) == 0;
}

bool nft_word_take(struct nft_words *words, const char *text)
{
	if (!nft_word_is(words, text))
		return false;
	words->at++;
	return true;
}

const char *nft_word_next(struct nft_words *words)
{
	const struct nft_word *word = nft_word(words);

	if (word->kind != NFT_TEXT_END)
		words->at++;
	return word->text;
}

struct place nft_word_place(const struct nft_words *words, const struct nft_word *word)
{
	return (struct place){ words->source, word->line, word->column, (uint32_t)(word->end - word->start) };
}

void nft_word_wrong(struct nft_words *words, const char *wanted)
{
	const struct nft_word *word = nft_word(words);
	struct diagnostic *diagnostic;

	if (words->failed)
		return;
	words->failed = true;
	diagnostic = diagnose(words->ruleset->diagnostics, SEVERITY_ERROR, nft_word_place(words, word), "expected %s, not %s%s%s",
			      wanted, word->kind < NFT_LINE_END ? "'" : "", word->text, word->kind < NFT_LINE_END ? "'" : "");
	diagnostic_hint(words->ruleset->diagnostics, diagnostic,
			"what 'nft list ruleset' and 'nft -j list ruleset' write is read; 'nft -f' in an empty network namespace makes that of any file");
}
