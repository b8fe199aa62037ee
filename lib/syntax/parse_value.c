// SPDX-License-Identifier: GPL-2.0-only
/* Values: words, strings, variables, sets, and what they are joined to. What a word means is not asked here. */
#include <stdlib.h>

#include "syntax/parser.h"

struct ast_value *parse_new_value(struct parser *parser, enum ast_value_kind kind, struct place place, const char *text)
{
	struct ast_value *fresh = arena_new_object(parser->arena, struct ast_value);

	fresh->kind = kind;
	fresh->place = place;
	fresh->text = text;
	return fresh;
}

/* FIRST and, behind SIGN, more of what PARSE reads, as the children of one value; FIRST itself when there is no more. */
static struct ast_value *joined(struct parser *parser, struct ast_value *first, enum token_kind sign, enum ast_value_kind kind,
				struct ast_value *(*parse)(struct parser *))
{
	struct ast_value *whole, **next;

	if (!first || parser->token.kind != sign)
		return first;
	whole = parse_new_value(parser, kind, first->place, NULL);
	whole->children = first;
	next = &first->next;
	while (parser_accept(parser, sign)) {
		*next = parse(parser);
		if (!*next)
			return NULL;
		whole->place = parser_join(whole->place, (*next)->place);
		next = &(*next)->next;
	}
	return whole;
}

/* flags = "(" primary { "|" primary } ")" */
static struct ast_value *flags(struct parser *parser)
{
	struct place start = parser->token.place;
	struct ast_value *inside;

	if (!parser_open(parser, true))
		return NULL;
	inside = joined(parser, parse_primary(parser), TOKEN_OR, AST_FLAGS, parse_primary);
	if (!inside)
		return NULL;
	if (parser->token.kind != TOKEN_RIGHT_PARENTHESIS) {
		parser_expected(parser, "'|' or ')'", "flags are joined like this: (syn|ack)");
		return NULL;
	}
	inside->place = parser_join(start, parser->token.place);
	parser_close(parser, true);
	return inside;
}

/* primary = WORD | STRING | "@" NAME | "$" NAME | flags */
struct ast_value *parse_primary(struct parser *parser)
{
	static const enum ast_value_kind kinds[] = {
		[TOKEN_WORD] = AST_WORD,
		[TOKEN_STRING] = AST_STRING,
		[TOKEN_SET] = AST_SET,
		[TOKEN_VARIABLE] = AST_VARIABLE,
	};
	const struct token token = parser->token;

	switch (token.kind) {
	case TOKEN_WORD:
	case TOKEN_STRING:
	case TOKEN_SET:
	case TOKEN_VARIABLE:
		parser_advance(parser);
		return parse_new_value(parser, kinds[token.kind], token.place, token_text(parser->arena, &token));
	case TOKEN_LEFT_PARENTHESIS:
		return flags(parser);
	default:
		parser_expected(parser, "a value", NULL);
		return NULL;
	}
}

/* joined-flags = primary { "|" primary } */
static struct ast_value *joined_flags(struct parser *parser)
{
	return joined(parser, parse_primary(parser), TOKEN_OR, AST_FLAGS, parse_primary);
}

/* range = joined-flags [ "-" joined-flags ] */
static struct ast_value *range(struct parser *parser)
{
	struct ast_value *low = joined_flags(parser), *whole;

	if (!low || parser->token.kind != TOKEN_DASH)
		return low;
	parser_advance(parser);
	whole = parse_new_value(parser, AST_RANGE, low->place, NULL);
	whole->children = low;
	low->next = joined_flags(parser);
	if (!low->next)
		return NULL;
	whole->place = parser_join(low->place, low->next->place);
	return whole;
}

/* concat = range { "." range } */
struct ast_value *parse_concat(struct parser *parser)
{
	return joined(parser, range(parser), TOKEN_DOT, AST_CONCAT, range);
}

static bool counter_number(struct parser *parser, const char *word, uint64_t *ret_number)
{
	const char *text;
	char *end;

	if (!token_is(&parser->token, word))
		return parser_expected(parser, arena_printf(parser->arena, "'%s'", word), "as weir set list writes it: counter packets 3 bytes 180");
	parser_advance(parser);
	text = parser->token.kind == TOKEN_WORD ? token_text(parser->arena, &parser->token) : "";
	*ret_number = strtoull(text, &end, 10);
	if (end == text || *end)
		return parser_expected(parser, "a number", "as weir set list writes it: counter packets 3 bytes 180");
	parser_advance(parser);
	return true;
}

/* element-counter = "counter" [ "packets" NUMBER "bytes" NUMBER ] */
static bool element_counter(struct parser *parser, struct place place, struct ast_value *element)
{
	element->counter = true;
	element->counter_place = place;
	return !token_is(&parser->token, "packets") || (counter_number(parser, "packets", &element->packets) &&
							counter_number(parser, "bytes", &element->bytes));
}

/* element-option = "timeout" primary | element-counter | "comment" STRING */
static bool element_option(struct parser *parser, struct ast_value *element)
{
	const struct token word = parser->token;
	struct diagnostic *d;

	parser_advance(parser);
	if (token_is(&word, "comment"))
		return parse_quoted(parser, "the comment of an element") != NULL;
	if (token_is(&word, "timeout")) {
		if (parser->token.kind != TOKEN_WORD)
			return parser_expected(parser, "a time behind 'timeout'", "write it like 30s, 5m or 1h30m");
		element->timeout = token_text(parser->arena, &parser->token);
		element->timeout_place = parser->token.place;
		parser_advance(parser);
		return true;
	}
	if (token_is(&word, "counter"))
		return element_counter(parser, word.place, element);
	d = parser_error(parser, word.place, "weir does not have '%s' on an element", token_text(parser->arena, &word));
	parser_hint(parser, d, "'timeout' says how long it stays from when the policy is applied");
	return false;
}

/* element = ( list | concat ) { element-option } */
struct ast_value *parse_element(struct parser *parser)
{
	static const char *const options[] = { "timeout", "comment", "expires", "counter" };
	struct ast_value *fresh = parse_value(parser);

	while (fresh && token_is_one_of(&parser->token, options, sizeof(options) / sizeof(options[0])))
		if (!element_option(parser, fresh))
			return NULL;
	return fresh;
}

/* list = "{" [ element { "," element } [ "," ] ] "}" , with line ends anywhere between */
struct ast_value *parse_list(struct parser *parser)
{
	struct ast_value *whole = parse_new_value(parser, AST_LIST, parser->token.place, NULL), **next = &whole->children;

	if (!parser_open(parser, true))
		return NULL;
	while (parser->token.kind != TOKEN_RIGHT_BRACE) {
		*next = parse_element(parser);
		if (!*next)
			return NULL;
		next = &(*next)->next;
		if (parser->token.kind == TOKEN_RIGHT_BRACE)
			break;
		if (!parser_accept(parser, TOKEN_COMMA)) {
			parser_expected(
				parser,
				arena_printf(parser->arena, "',' or '}' behind %s", token_describe(parser->arena, &parser->last)),
				"elements of a list have commas between them, and '}' ends it");
			return NULL;
		}
	}
	whole->place = parser_join(whole->place, parser->token.place);
	parser_close(parser, true);
	return whole;
}

/* value = list | concat */
struct ast_value *parse_value(struct parser *parser)
{
	return parser->token.kind == TOKEN_LEFT_BRACE ? parse_list(parser) : parse_concat(parser);
}

const char *parse_quoted(struct parser *parser, const char *what)
{
	const char *text;

	if (parser->token.kind != TOKEN_STRING) {
		parser_expected(parser, arena_printf(parser->arena, "%s as a string", what),
				"write it in quotation marks: \"...\"");
		return NULL;
	}
	text = token_text(parser->arena, &parser->token);
	parser_advance(parser);
	return text;
}
