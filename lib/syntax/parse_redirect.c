// SPDX-License-Identifier: GPL-2.0-only
/* The verdicts that give a connection another port. */
#include "syntax/parser.h"

#include <string.h>

/* The ports behind "to": ":8080", ":8080-8087", ":$servers". */
static struct ast_value *ports(struct parser *parser, const char *verdict)
{
	const struct token token = parser->token;
	const char *text = token.kind == TOKEN_WORD ? token_text(parser->arena, &token) : "";
	struct place place = token.place;
	struct diagnostic *d;

	if (token.kind == TOKEN_WORD && strpbrk(text, ":.[") && (text[0] != ':' || strchr(text + 1, ':'))) {
		d = parser_error(parser, place, "weir changes ports, not addresses");
		parser_hint(parser, d, "write '%s to :8080', or leave it to nftables, which sees what weir lets pass", verdict);
		return NULL;
	}
	if (token.kind == TOKEN_WORD && text[0] != ':') {
		d = parser_error(parser, place, "ports begin with ':', and '%s' does not", text);
		parser_hint(parser, d, "write '%s to :%s'", verdict, text);
		return NULL;
	}
	if (token.kind != TOKEN_WORD) {
		parser_expected(parser, "ports", arena_printf(parser->arena, "write '%s to :8080' or '%s to :8080-8087'", verdict,
							      verdict));
		return NULL;
	}
	parser_advance(parser);
	if (text[1] == '\0') { /* a variable follows */
		if (parser_at_end(parser)) {
			parser_expected(parser, "ports behind ':'", NULL);
			return NULL;
		}
		return parse_primary(parser);
	}
	place.column++;
	place.length--;
	return parse_new_value(parser, AST_WORD, place, text + 1);
}

/* redirect-option = "by" WORD | "alive" */
static bool option(struct parser *parser, struct ast_statement *statement)
{
	const struct token token = parser->token;

	if (token_is(&token, "alive")) {
		if (!parse_only_once(parser, &token, &statement->alive_place))
			return false;
		parser_advance(parser);
		return true;
	}
	if (!parse_only_once(parser, &token, &statement->choice_place))
		return false;
	parser_advance(parser);
	if (parser->token.kind != TOKEN_WORD)
		return parser_expected(parser, "how a port is chosen", "'by hash', 'by queue' or 'by round-robin'");
	statement->choice = token_text(parser->arena, &parser->token);
	statement->choice_place = parser->token.place;
	parser_advance(parser);
	return true;
}

/* redirect = ( "redirect" | "dnat" ) "to" ":" range { redirect-option } */
struct ast_statement *parse_redirect(struct parser *parser)
{
	struct ast_statement *statement = arena_new_object(parser->arena, struct ast_statement);

	statement->kind = AST_VERDICT;
	statement->place = parser->token.place;
	statement->text = token_text(parser->arena, &parser->token);
	parser_advance(parser);
	if (!token_is(&parser->token, "to")) {
		parser_expected(parser, arena_printf(parser->arena, "'to' and ports behind '%s'", statement->text),
				arena_printf(parser->arena, "write '%s to :8080-8087'", statement->text));
		return NULL;
	}
	parser_advance(parser);
	statement->value = ports(parser, statement->text);
	if (!statement->value)
		return NULL;
	while (token_is(&parser->token, "by") || token_is(&parser->token, "alive"))
		if (!option(parser, statement))
			return NULL;
	return statement;
}
