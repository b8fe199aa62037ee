// SPDX-License-Identifier: GPL-2.0-only
/* The parser's hands: one token after another, what was parser_expected instead, and where to go on after a mistake. */
#include "syntax/parser.h"

#include <string.h>

void parser_init(struct parser *parser, struct parse *parse, const struct including *file)
{
	*parser = (struct parser){
		.parse = parse,
		.arena = parse->arena,
		.diagnostics = parse->diagnostics,
		.file = file,
	};
}

void parser_advance(struct parser *parser)
{
	bool first;

	parser->last = parser->token;
	parser->token = lexer_next(&parser->lexer);
	first = parser->token.first;
	while (parser->value_depth && parser->token.kind == TOKEN_NEWLINE) {
		parser->token = lexer_next(&parser->lexer);
		first = true;
	}
	parser->token.first = first;
}

bool parser_accept(struct parser *parser, enum token_kind kind)
{
	if (parser->token.kind != kind)
		return false;
	parser_advance(parser);
	return true;
}

struct diagnostic *parser_error(struct parser *parser, struct place place, const char *format, ...)
{
	const char *message;
	va_list arguments;

	va_start(arguments, format);
	message = arena_vprintf(parser->diagnostics->arena, format, arguments);
	va_end(arguments);
	return diagnose(parser->diagnostics, SEVERITY_ERROR, place, "%s", message);
}

bool parser_expected(struct parser *parser, const char *what, const char *hint)
{
	struct diagnostic *d;

	if (parser->token.kind == TOKEN_BAD || parser->lexer.given_up)
		return false;
	if (parser->token.kind == TOKEN_END && parser->depth) {
		parser_never_closed(parser);
		return false;
	}
	d = parser_error(parser, parser->token.place, "expected %s, found %s", what,
			 token_describe(parser->arena, &parser->token));
	if (hint)
		parser_hint(parser, d, "%s", hint);
	if (parser->value_depth) {
		const struct bracket *innermost = &parser->open[parser->depth - 1];

		if (innermost->place.line != parser->token.place.line)
			diagnostic_related(parser->diagnostics, d, innermost->place, "inside this bracket");
	}
	return false;
}

bool parser_open(struct parser *parser, bool value)
{
	struct diagnostic *d;

	if (parser->depth == LIMIT_NESTING) {
		d = parser_error(parser, parser->token.place, "too many brackets inside each other");
		parser_hint(parser, d, "at most %d may be open at once", LIMIT_NESTING);
		return false;
	}
	parser->open[parser->depth++] = (struct bracket){
		.place = parser->token.place,
		.block = lexer_peek(&parser->lexer).kind == TOKEN_NEWLINE,
	};
	parser->value_depth += value;
	parser_advance(parser);
	return true;
}

void parser_close(struct parser *parser, bool value)
{
	parser->depth--;
	parser->value_depth -= value;
	parser_advance(parser);
}

void parser_never_closed(struct parser *parser)
{
	struct diagnostic *d;

	if (parser->lexer.given_up || !parser->depth)
		return;
	d = parser_error(parser, parser->open[parser->depth - 1].place, "this bracket is never closed");
	parser_hint(parser, d, "the file ends before the '}' or ')' that belongs to it");
	parser->lexer.given_up = true;
}

/*
 * Does the text behind a semicolon close, on the same line, as many brackets as are open in the statement, and those
 * of the blocks that began on this line? Then the semicolon is inside, and not the end of a statement.
 */
static bool closes_on_line(const struct parser *parser, unsigned depth)
{
	struct lexer ahead = parser->lexer;
	struct token token;

	for (unsigned i = 0; i < parser->depth; i++)
		depth += parser->open[i].place.line == parser->token.place.line;
	ahead.diagnostics = NULL;
	for (token = lexer_next(&ahead); token.kind != TOKEN_END && token.kind != TOKEN_NEWLINE; token = lexer_next(&ahead)) {
		if (token.kind == TOKEN_LEFT_BRACE || token.kind == TOKEN_LEFT_PARENTHESIS)
			depth++;
		else if ((token.kind == TOKEN_RIGHT_BRACE || token.kind == TOKEN_RIGHT_PARENTHESIS) && --depth == 0)
			return true;
	}
	return false;
}

/*
 * Where a statement with an error ends. Brackets that were opened in it are counted; a line's end inside them ends
 * the statement nonetheless (and so does a semicolon, unless the line goes on to close them), unless the lines look like one
 * list: the bracket was the last on its line, a comma stands before the line's end, or a closing bracket begins the next line. So
 * a forgotten '}' costs one line, and a bad element of a long list does not make an error of each line behind it.
 */
void parser_skip_statement(struct parser *parser)
{
	unsigned depth = parser->value_depth, block = 0;

	for (unsigned i = depth; i > 0 && !block; i--)
		if (parser->open[parser->depth - i].block)
			block = depth - i + 1;
	parser->depth -= depth;
	parser->value_depth = 0;
	if (depth && !block && parser->token.first && parser->last.kind != TOKEN_COMMA)
		return;
	for (;; parser_advance(parser)) {
		enum token_kind kind = parser->token.kind, next;

		switch (kind) {
		case TOKEN_END:
			return;
		case TOKEN_LEFT_BRACE:
		case TOKEN_LEFT_PARENTHESIS:
			depth++;
			if (!block && lexer_peek(&parser->lexer).kind == TOKEN_NEWLINE)
				block = depth;
			break;
		case TOKEN_RIGHT_BRACE:
		case TOKEN_RIGHT_PARENTHESIS:
			if (!depth && kind == TOKEN_RIGHT_BRACE)
				return;
			depth -= depth > 0;
			if (depth < block)
				block = 0;
			break;
		case TOKEN_SEMICOLON:
			if (!depth || (!block && !closes_on_line(parser, depth)))
				return;
			break;
		case TOKEN_NEWLINE:
			next = lexer_peek(&parser->lexer).kind;
			if (!depth || (!block && parser->last.kind != TOKEN_COMMA && next != TOKEN_RIGHT_BRACE &&
				       next != TOKEN_RIGHT_PARENTHESIS))
				return;
			break;
		default:
			break;
		}
	}
}

bool parser_at_end(const struct parser *parser)
{
	return parser->token.kind == TOKEN_NEWLINE || parser->token.kind == TOKEN_SEMICOLON || parser->token.kind == TOKEN_END ||
	       parser->token.kind == TOKEN_RIGHT_BRACE;
}

void parser_expect_end(struct parser *parser, const char *behind)
{
	if (!parser_at_end(parser)) {
		parser_expected(parser, arena_printf(parser->arena, "the end of the line behind %s", behind), NULL);
		parser_skip_statement(parser);
	}
}

void parser_skip_ends(struct parser *parser)
{
	while (parser->token.kind == TOKEN_NEWLINE || parser->token.kind == TOKEN_SEMICOLON)
		parser_advance(parser);
}

struct place parser_join(struct place a, struct place b)
{
	if (a.source == b.source && a.line == b.line && b.column >= a.column)
		a.length = b.column + b.length - a.column;
	return a;
}

bool token_is_one_of(const struct token *token, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (token_is(token, words[i]))
			return true;
	return false;
}
