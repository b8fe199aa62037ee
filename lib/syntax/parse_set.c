// SPDX-License-Identifier: GPL-2.0-only
/* Named sets. */
#include "syntax/parser.h"

enum set_property { TYPE, SIZE, TIMEOUT, COUNTER, FLAGS, FILE_NAME, ELEMENTS, COMMENT, PROPERTIES };

static const char *const property_words[] = { "type", "size", "timeout", "counter", "flags", "file", "elements", "comment" };

/* type = WORD { "." WORD } */
static bool type(struct parser *parser, struct ast_set *set)
{
	struct ast_value *whole, **next;

	for (whole = NULL, next = &whole;;) {
		if (parser->token.kind != TOKEN_WORD)
			return parser_expected(parser, "a type", "write 'type ipv4_addr', or 'type ipv4_addr . inet_service'");
		*next = parse_primary(parser);
		next = &(*next)->next;
		if (!parser_accept(parser, TOKEN_DOT))
			break;
	}
	if (whole->next) {
		set->type = parse_new_value(parser, AST_CONCAT, parser_join(whole->place, parser->last.place), NULL);
		set->type->children = whole;
	} else {
		set->type = whole;
	}
	return true;
}

/* flags = WORD { "," WORD } */
static bool flags(struct parser *parser, struct ast_set *set)
{
	struct ast_value *list = parse_new_value(parser, AST_LIST, parser->token.place, NULL), **next = &list->children;

	do {
		if (parser->token.kind != TOKEN_WORD)
			return parser_expected(parser, "a flag", "interval, timeout or constant; weir needs none of them");
		*next = parse_primary(parser);
		list->place = parser_join(list->place, (*next)->place);
		next = &(*next)->next;
	} while (parser_accept(parser, TOKEN_COMMA));
	set->flags = list;
	return true;
}

/* number-or-time = WORD | "$" NAME */
static bool number_or_time(struct parser *parser, const char *what, const char *hint, struct ast_value **ret_value)
{
	if (parser->token.kind != TOKEN_WORD && parser->token.kind != TOKEN_VARIABLE)
		return parser_expected(parser, what, hint);
	*ret_value = parse_primary(parser);
	return true;
}

/* file = STRING | WORD */
static bool file(struct parser *parser, struct ast_set *set)
{
	if (parser->token.kind != TOKEN_STRING && parser->token.kind != TOKEN_WORD)
		return parser_expected(parser, "the name of a file", "write it like this: file \"/etc/weir/blocklist.txt\"");
	set->file = parse_primary(parser);
	set->file->kind = AST_STRING;
	return true;
}

/* elements = "=" ( list | "$" NAME ) */
static bool elements(struct parser *parser, struct ast_set *set)
{
	struct ast_value *list;

	if (!parser_accept(parser, TOKEN_ASSIGN))
		return parser_expected(parser, "'=' behind 'elements'", "write it like this: elements = { 10.0.0.1, 10.0.0.2 }");
	if (parser->token.kind == TOKEN_VARIABLE) {
		list = parse_new_value(parser, AST_LIST, parser->token.place, NULL);
		list->children = parse_primary(parser);
	} else if (parser->token.kind == TOKEN_LEFT_BRACE) {
		list = parse_list(parser);
	} else {
		return parser_expected(parser, "'{'", "elements stand in braces, also a single one: elements = { 10.0.0.1 }");
	}
	set->elements = list;
	return list != NULL;
}

static bool unknown_property(struct parser *parser)
{
	const struct foreign *foreign = foreign_in_set(&parser->token);
	const char *near;
	struct diagnostic *d;

	if (parser->token.kind != TOKEN_WORD)
		return parser_expected(parser, "what the set is like",
				       "a set has type, size, timeout, counter, flags, file, elements and comment");
	if (foreign) {
		foreign_report(parser, parser->token.place, foreign);
		return false;
	}
	near = near_match(token_text(parser->arena, &parser->token), property_words, PROPERTIES);
	d = parser_error(parser, parser->token.place, "a set has no %s", token_describe(parser->arena, &parser->token));
	if (near)
		parser_hint(parser, d, "did you mean '%s'?", near);
	else
		parser_hint(parser, d, "it has type, size, timeout, counter, flags, file, elements and comment");
	return false;
}

/*
 * set-statement = "type" type | "size" number-or-time | "timeout" number-or-time | "counter" | "flags" flags
 *		 | "file" file | "elements" elements | "comment" STRING
 */
static bool set_statement(struct parser *parser, struct ast_set *set, struct place seen[PROPERTIES])
{
	const struct token token = parser->token;
	int property;

	for (property = 0; property < PROPERTIES && !token_is(&token, property_words[property]); property++)
		;
	if (property == PROPERTIES)
		return unknown_property(parser);
	if (!parse_only_once(parser, &token, &seen[property]))
		return false;
	parser_advance(parser);
	switch ((enum set_property)property) {
	case TYPE:
		return type(parser, set);
	case SIZE:
		return number_or_time(parser, "how many elements", "write it like this: size 64K", &set->size);
	case TIMEOUT:
		return number_or_time(parser, "a time", "write it like 30s, 5m or 1h30m", &set->timeout);
	case COUNTER:
		set->counter = true;
		return true;
	case FLAGS:
		return flags(parser, set);
	case FILE_NAME:
		return file(parser, set);
	case ELEMENTS:
		return elements(parser, set);
	default:
		set->comment = parse_quoted(parser, "the comment");
		return set->comment != NULL;
	}
}

/* set = "set" NAME "{" { set-statement statement-end } "}" */
void parse_set(struct parser *parser)
{
	struct ast_set *set = arena_new_object(parser->arena, struct ast_set);
	struct place seen[PROPERTIES] = { 0 };
	bool whole, broken = false;

	if (!parse_block_begin(parser, "set", &set->name, &set->place))
		return;
	while (parse_block_next(parser, "set", set->name, set->place)) {
		whole = set_statement(parser, set, seen);
		broken |= !whole;
		if (!whole)
			parser_skip_statement(parser);
		else
			parser_expect_end(parser, token_describe(parser->arena, &parser->last));
	}
	/* With a type that cannot be read, a pair of no parts keeps its elements and its use from being judged. */
	if (broken && !set->type) {
		set->type = parse_new_value(parser, AST_CONCAT, set->place, NULL);
		set->elements = set->file = NULL;
	}
	*parser->parse->next_set = set;
	parser->parse->next_set = &set->next;
}
