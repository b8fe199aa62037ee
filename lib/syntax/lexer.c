// SPDX-License-Identifier: GPL-2.0-only
#include "syntax/lexer.h"

#include <string.h>

#include "base/limits.h"

/* What a word is made of, beside letters and digits. A dot, dash or bracket counts only inside. */
#define WORD_PUNCTUATION "_-.:/*?%+[]"

/* Then a file is no policy, and going on would only take memory for errors that nobody sees. */
#define MAX_ERRORS    (100 * LIMIT_DIAGNOSTICS)
#define MAX_DESCRIBED 60 /* bytes of a token in a message */

/* strchr would find the NUL at the end of CHARACTERS, too. */
static bool is_one_of(char c, const char *characters)
{
	return c && strchr(characters, c);
}

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_word_character(char c)
{
	return is_letter_or_digit(c) || is_one_of(c, WORD_PUNCTUATION);
}

/* The character OFFSET bytes on, or NUL behind the end. A NUL in the text is told apart by its place. */
static char look(const struct lexer *lexer, size_t offset)
{
	return (size_t)(lexer->end - lexer->at) > offset ? lexer->at[offset] : 0;
}

static struct place place_at(const struct lexer *lexer, const char *start, size_t length)
{
	return (struct place){ lexer->source, lexer->line, lexer->column + (uint32_t)(start - lexer->line_start),
			       (uint32_t)length };
}

static struct diagnostic *lexer_error(struct lexer *lexer, const char *start, size_t length, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* NULL when this lexer only looks ahead. */
static struct diagnostic *lexer_error(struct lexer *lexer, const char *start, size_t length, const char *format, ...)
{
	struct diagnostics *diagnostics = lexer->diagnostics;
	va_list arguments;
	const char *message;

	if (!diagnostics)
		return NULL;
	va_start(arguments, format);
	message = arena_vprintf(diagnostics->arena, format, arguments);
	va_end(arguments);
	return diagnose(diagnostics, SEVERITY_ERROR, place_at(lexer, start, length), "%s", message);
}

static void lexer_hint(struct lexer *lexer, struct diagnostic *diagnostic, const char *hint)
{
	if (diagnostic)
		diagnostic_hint(lexer->diagnostics, diagnostic, "%s", hint);
}

void lexer_init_line(struct lexer *lexer, const char *text, size_t length, struct place place, struct diagnostics *diagnostics)
{
	*lexer = (struct lexer){
		.source = place.source,
		.at = text,
		.end = text + length,
		.line_start = text,
		.line = place.line,
		.column = place.column,
		.first = true,
		.diagnostics = diagnostics,
	};
}

static void newline(struct lexer *lexer)
{
	lexer->at++;
	lexer->line++;
	lexer->line_start = lexer->at;
	lexer->column = 1;
	lexer->first = true;
}

/* Bytes from the backslash to the line's end, when nothing else stands there; 0: it does not continue the line. */
static size_t continuation_length(const struct lexer *lexer)
{
	size_t length = 1;

	while (look(lexer, length) == ' ' || look(lexer, length) == '\t' || look(lexer, length) == '\r')
		length++;
	return look(lexer, length) == '\n' ? length : 0;
}

/* Blanks, comments, and a backslash with the line's end behind it. */
static void skip_blanks(struct lexer *lexer)
{
	for (;;) {
		char c = look(lexer, 0);
		bool continues = c == '\\' && continuation_length(lexer);

		if (c == ' ' || c == '\t' || (c == '\r' && look(lexer, 1) == '\n')) {
			lexer->at++;
		} else if (c == '#') {
			const char *stop = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));

			lexer->at = stop ? stop : lexer->end;
		} else if (continues) {
			bool first = lexer->first;

			lexer->at += continuation_length(lexer);
			newline(lexer);
			lexer->first = first;
		} else {
			return;
		}
	}
}

/* Length of the UTF-8 character at TEXT, or 0 when it is none (RFC 3629: shortest form, no surrogates). */
static size_t utf8_length(const char *text, size_t available)
{
	static const struct {
		unsigned char low, high, second_low, second_high, length;
	} leads[] = {
		{ 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	const unsigned char *bytes = (const unsigned char *)text;

	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		if (bytes[0] < leads[i].low || bytes[0] > leads[i].high)
			continue;
		if (leads[i].length > available)
			return 0;
		if (leads[i].length > 1 && (bytes[1] < leads[i].second_low || bytes[1] > leads[i].second_high))
			return 0;
		for (size_t j = 2; j < leads[i].length; j++)
			if ((bytes[j] & 0xc0) != 0x80)
				return 0;
		return leads[i].length;
	}
	return 0;
}

static bool is_control(const char *text, size_t length)
{
	unsigned char c = (unsigned char)text[0];

	return c < 0x20 || c == 0x7f || (length == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0);
}

/* What stands at START is no character that a string, or (when not IN_STRING) a policy may have. Its length. */
static size_t report_character(struct lexer *lexer, const char *start, bool in_string)
{
	static const char *const quotes[] = { "\u201c", "\u201d", "\u201e", "\u2018", "\u2019", "\u00ab", "\u00bb" };
	size_t length = utf8_length(start, (size_t)(lexer->end - start));
	struct diagnostic *d;

	if (!length) {
		d = lexer_error(lexer, start, 1, "byte 0x%02x is not UTF-8", (unsigned char)*start);
		lexer_hint(lexer, d, "a policy is text in ASCII or UTF-8");
		return 1;
	}
	if (is_control(start, length)) {
		d = lexer_error(lexer, start, length, "control character 0x%02x%s", (unsigned char)start[length - 1],
				in_string ? " in a string" : "");
		lexer_hint(lexer, d, in_string ? "leave it out" : "only blanks, tabs and line ends may stand between words");
		return length;
	}
	d = lexer_error(lexer, start, length, "'%.*s' has no meaning here", (int)length, start);
	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++)
		if (strlen(quotes[i]) == length && memcmp(quotes[i], start, length) == 0)
			lexer_hint(lexer, d, "a string stands in plain quotation marks: \"...\"");
	if (length == 2 && memcmp(start, "\u00a0", 2) == 0)
		lexer_hint(lexer, d, "this is a no-break space: write a plain blank");
	else if (*start == '\'' || *start == '`')
		lexer_hint(lexer, d, "a string stands in double quotation marks: \"...\"");
	else if (*start == '\\')
		lexer_hint(lexer, d, "a '\\' continues a line when it is the last character on it");
	else if (d && !d->hint && length > 1)
		lexer_hint(lexer, d, "words are plain ASCII; anything else stands in quotation marks: \"...\"");
	return length;
}

/* The rest of a text with a NUL in it is no policy, and would be a flood of errors. */
static void give_up_at_nul(struct lexer *lexer, const char *start)
{
	struct diagnostic *d = lexer_error(lexer, start, 1, "a NUL byte: this is not text");

	lexer_hint(lexer, d, "a policy is text in ASCII or UTF-8 (iconv converts from UTF-16)");
	lexer->given_up = true;
}

void lexer_init(struct lexer *lexer, const struct source *source, struct diagnostics *diagnostics)
{
	const char *nul;

	lexer_init_line(lexer, source->text, source->length, (struct place){ source, 1, 1, 0 }, diagnostics);
	nul = source->length ? memchr(source->text, 0, source->length) : NULL;
	if (nul) {
		while (lexer->at < nul)
			if (*lexer->at++ == '\n') {
				lexer->line++;
				lexer->line_start = lexer->at;
			}
		give_up_at_nul(lexer, nul);
	} else if (source->length >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0) {
		lexer->at += 3;
	}
}

/* string = '"' { character | '\"' | '\\' } '"' , within one line */
static enum token_kind lex_string(struct lexer *lexer)
{
	const char *start = lexer->at++;
	bool bad = false;

	while (lexer->at < lexer->end && *lexer->at != '"' && *lexer->at != '\n') {
		const char *c = lexer->at;
		size_t length = utf8_length(c, (size_t)(lexer->end - c));

		if (!*c) {
			give_up_at_nul(lexer, c);
			return TOKEN_BAD;
		}
		if (*c == '\\' && (look(lexer, 1) == '"' || look(lexer, 1) == '\\')) {
			length = 2;
		} else if (*c == '\\') {
			lexer_hint(lexer, lexer_error(lexer, c, look(lexer, 1) > ' ' ? 2 : 1, "no such escape in a string"),
				   "write '\\\\' for a backslash and '\\\"' for a quotation mark");
			bad = true;
		} else if (!length || (is_control(c, length) && *c != '\t' && !(*c == '\r' && look(lexer, 1) == '\n'))) {
			length = report_character(lexer, c, true);
			bad = true;
		}
		lexer->at += length;
	}
	if (look(lexer, 0) == '"') {
		lexer->at++;
		return bad ? TOKEN_BAD : TOKEN_STRING;
	}
	lexer_hint(lexer, lexer_error(lexer, start, (size_t)(lexer->at - start), "this string is never closed"),
		   "close it with '\"' on the same line");
	return TOKEN_BAD;
}

/*
 * word = character { character }: it does not begin or end with a dash, nor begin with a dot; nor end with one,
 * since both then join what stands on their two sides.
 */
static enum token_kind lex_word(struct lexer *lexer)
{
	const char *start = lexer->at;

	while (is_word_character(look(lexer, 0)))
		lexer->at++;
	while (lexer->at - start > 1 && (lexer->at[-1] == '-' || lexer->at[-1] == '.'))
		lexer->at--;
	return TOKEN_WORD;
}

/* name = ( letter | digit | "_" ) { letter | digit | "_" | "-" } , not ending in a dash, which joins a range */
static enum token_kind lex_name(struct lexer *lexer, enum token_kind kind)
{
	const char *sign = lexer->at++;

	while (is_letter_or_digit(look(lexer, 0)) || is_one_of(look(lexer, 0), "_-"))
		lexer->at++;
	while (lexer->at - sign > 1 && lexer->at[-1] == '-')
		lexer->at--;
	if (lexer->at - sign > 1)
		return kind;
	lexer_hint(lexer, lexer_error(lexer, sign, 1, "'%c' without a name", *sign),
		   kind == TOKEN_SET ? "'@name' is the set of that name" : "'$name' stands for what 'define name = ...' says");
	return TOKEN_BAD;
}

/* Signs of one or two characters; the longest counts. */
static enum token_kind lex_sign(struct lexer *lexer)
{
	static const struct {
		const char *sign;
		enum token_kind kind;
	} signs[] = {
		{ "==", TOKEN_EQUAL },
		{ "!=", TOKEN_NOT_EQUAL },
		{ "<=", TOKEN_LESS_EQUAL },
		{ ">=", TOKEN_GREATER_EQUAL },
		{ ";", TOKEN_SEMICOLON },
		{ "{", TOKEN_LEFT_BRACE },
		{ "}", TOKEN_RIGHT_BRACE },
		{ "(", TOKEN_LEFT_PARENTHESIS },
		{ ")", TOKEN_RIGHT_PARENTHESIS },
		{ ",", TOKEN_COMMA },
		{ ".", TOKEN_DOT },
		{ "-", TOKEN_DASH },
		{ "=", TOKEN_ASSIGN },
		{ "<", TOKEN_LESS },
		{ ">", TOKEN_GREATER },
		{ "&", TOKEN_AND },
		{ "|", TOKEN_OR },
		{ "^", TOKEN_XOR },
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		const char *sign = signs[i].sign;

		if (look(lexer, 0) != sign[0] || (sign[1] && look(lexer, 1) != sign[1]))
			continue;
		lexer->at += sign[1] ? 2 : 1;
		return signs[i].kind;
	}
	if (look(lexer, 0) == '!') {
		lexer_hint(lexer, lexer_error(lexer, lexer->at++, 1, "'!' alone is no comparison"), "write '!='");
		return TOKEN_BAD;
	}
	lexer->at += report_character(lexer, lexer->at, false);
	return TOKEN_BAD;
}

static enum token_kind lex_token(struct lexer *lexer)
{
	char c = look(lexer, 0);

	switch (c) {
	case '"':
		return lex_string(lexer);
	case '@':
		return lex_name(lexer, TOKEN_SET);
	case '$':
		return lex_name(lexer, TOKEN_VARIABLE);
	case '-':
	case '.':
		return lex_sign(lexer);
	default:
		return is_word_character(c) ? lex_word(lexer) : lex_sign(lexer);
	}
}

struct token lexer_next(struct lexer *lexer)
{
	struct token token = { .kind = TOKEN_END };

	if (lexer->diagnostics && lexer->diagnostics->errors > MAX_ERRORS)
		lexer->given_up = true;
	if (!lexer->given_up)
		skip_blanks(lexer);
	token.start = lexer->at;
	token.first = lexer->first;
	token.place = place_at(lexer, lexer->at, 0);
	if (lexer->given_up || lexer->at == lexer->end)
		return token;
	if (*lexer->at == '\n') {
		token.kind = TOKEN_NEWLINE;
		newline(lexer);
		return token;
	}
	lexer->first = false;
	if (!*lexer->at) {
		give_up_at_nul(lexer, lexer->at);
		return token;
	}
	token.kind = lex_token(lexer);
	token.place.length = (uint32_t)(lexer->at - token.start);
	return token;
}

struct token lexer_peek(const struct lexer *lexer)
{
	struct lexer ahead = *lexer;

	ahead.diagnostics = NULL;
	return lexer_next(&ahead);
}

static const char *string_text(struct arena *arena, const char *inside, size_t length)
{
	char *text = arena_strndup(arena, inside, length), *out = text;

	for (size_t i = 0; i < length; i++) {
		if (inside[i] == '\\' && i + 1 < length)
			i++;
		*out++ = inside[i];
	}
	*out = 0;
	return text;
}

const char *token_text(struct arena *arena, const struct token *token)
{
	switch (token->kind) {
	case TOKEN_STRING:
		return string_text(arena, token->start + 1, token->place.length - 2);
	case TOKEN_SET:
	case TOKEN_VARIABLE:
		return arena_strndup(arena, token->start + 1, token->place.length - 1);
	default:
		return arena_strndup(arena, token->start, token->place.length);
	}
}

bool token_is(const struct token *token, const char *word)
{
	return token->kind == TOKEN_WORD && strlen(word) == token->place.length &&
	       memcmp(token->start, word, token->place.length) == 0;
}

const char *token_describe(struct arena *arena, const struct token *token)
{
	bool cut = token->place.length > MAX_DESCRIBED;
	int shown = cut ? MAX_DESCRIBED : (int)token->place.length;

	switch (token->kind) {
	case TOKEN_END:
		return "the end of the file";
	case TOKEN_NEWLINE:
		return "the end of the line";
	case TOKEN_STRING:
		return arena_printf(arena, "the string %.*s%s", shown, token->start, cut ? "...\"" : "");
	default:
		return arena_printf(arena, "'%.*s%s'", shown, token->start, cut ? "..." : "");
	}
}
