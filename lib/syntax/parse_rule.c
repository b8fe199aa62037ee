// SPDX-License-Identifier: GPL-2.0-only
/* Rules: statements until the line's end. */
#include "syntax/parser.h"

#include <string.h>

static struct ast_statement *new_statement(struct parser *parser, enum ast_statement_kind kind)
{
	struct ast_statement *statement = arena_new_object(parser->arena, struct ast_statement);

	statement->kind = kind;
	statement->place = parser->token.place;
	return statement;
}

/* log = "log" [ "prefix" STRING ] */
static struct ast_statement *log_statement(struct parser *parser)
{
	static const char *const options[] = { "level", "group", "flags", "snaplen", "queue-threshold" };
	struct ast_statement *statement = new_statement(parser, AST_LOG);
	struct diagnostic *d;

	parser_advance(parser);
	if (token_is(&parser->token, "prefix")) {
		parser_advance(parser);
		statement->text = parse_quoted(parser, "the prefix");
		if (!statement->text)
			return NULL;
	}
	if (token_is_one_of(&parser->token, options, sizeof(options) / sizeof(options[0]))) {
		d = parser_error(parser, parser->token.place, "weir does not have 'log %s': nothing goes to the kernel's log",
				 token_text(parser->arena, &parser->token));
		parser_hint(parser, d, "leave it out; 'weir events' shows what was logged");
		return NULL;
	}
	if (parser->token.kind == TOKEN_STRING) {
		d = parser_error(parser, parser->token.place, "a text behind 'log'");
		parser_hint(parser, d, "write it like this: log prefix \"...\"");
		return NULL;
	}
	return statement;
}

static bool is_number(const struct token *token)
{
	for (size_t i = 0; i < token->place.length; i++)
		if (token->start[i] < '0' || token->start[i] > '9')
			return false;
	return token->kind == TOKEN_WORD;
}

/* WORD, or an error that says how it is written. */
static bool wanted_word(struct parser *parser, const char *word, const char *hint)
{
	if (!token_is(&parser->token, word))
		return parser_expected(parser, arena_printf(parser->arena, "'%s'", word), hint);
	parser_advance(parser);
	return true;
}

/*
 * counter = "counter" [ "by" "meta" "mark" | "packets" NUMBER "bytes" NUMBER ]	; the numbers are nftables' and count for nothing
 */
static struct ast_statement *counter_statement(struct parser *parser)
{
	static const char *const words[] = { "packets", "bytes" };
	static const char by_mark[] = "write it like this: counter by meta mark";
	struct ast_statement *statement = new_statement(parser, AST_COUNTER);
	struct diagnostic *d;

	parser_advance(parser);
	if (token_is(&parser->token, "name")) {
		d = parser_error(parser, parser->token.place, "weir does not have counters with names");
		parser_hint(parser, d, "write 'counter', or nothing: every rule counts by itself");
		return NULL;
	}
	if (token_is(&parser->token, "by")) {
		parser_advance(parser);
		statement->text = "by meta mark";
		return wanted_word(parser, "meta", by_mark) && wanted_word(parser, "mark", by_mark) ? statement : NULL;
	}
	for (size_t i = 0; i < 2 && token_is(&parser->token, words[i]); i++) {
		parser_advance(parser);
		if (!is_number(&parser->token)) {
			parser_expected(parser, arena_printf(parser->arena, "a number behind '%s'", words[i]), NULL);
			return NULL;
		}
		parser_advance(parser);
	}
	return statement;
}

/* comment = "comment" STRING */
static struct ast_statement *comment_statement(struct parser *parser)
{
	struct ast_statement *statement = new_statement(parser, AST_COMMENT);

	parser_advance(parser);
	statement->text = parse_quoted(parser, "the comment");
	return statement->text ? statement : NULL;
}

/* Does "meta WORD set" stand here, with a word that can be set? Else it is a match, or an error that is told there. */
static bool at_meta_set(const struct parser *parser)
{
	struct lexer ahead = parser->lexer;
	struct token what;
	bool settable;

	ahead.diagnostics = NULL;
	if (!token_is(&parser->token, "meta"))
		return false;
	what = lexer_next(&ahead);
	settable = token_is(&what, "mark") || token_is(&what, "priority");
	what = lexer_next(&ahead);
	return settable && token_is(&what, "set");
}

/* bit-operator = "and" | "&" | "xor" | "^" | "or" | "|" ; as a word, or NULL */
static const char *bit_operator(const struct token *token)
{
	static const struct {
		enum token_kind kind;
		const char *word;
	} operators[] = { { TOKEN_AND, "and" }, { TOKEN_XOR, "xor" }, { TOKEN_OR, "or" } };

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (token->kind == operators[i].kind || token_is(token, operators[i].word))
			return operators[i].word;
	return NULL;
}

/* bits = "meta" "mark" bit-operator primary { bit-operator primary } */
static struct ast_value *bits(struct parser *parser)
{
	struct ast_value *whole = parse_new_value(parser, AST_BITS, parser->token.place, NULL), **next = &whole->children;
	const char *operator;

	parser_advance(parser);
	if (!wanted_word(parser, "mark", "write it like this: meta mark set meta mark and 0xff00 or 0x12"))
		return NULL;
	if (!bit_operator(&parser->token)) {
		parser_expected(parser, "'and', 'xor' or 'or'", "write it like this: meta mark set meta mark and 0xff00 or 0x12");
		return NULL;
	}
	while ((operator= bit_operator(&parser->token)) != NULL) {
		*next = parse_new_value(parser, AST_WORD, parser->token.place, operator);
		parser_advance(parser);
		(*next)->next = parse_primary(parser);
		if (!(*next)->next)
			return NULL;
		next = &(*next)->next->next;
	}
	return whole;
}

/* meta-set = "meta" ( "mark" | "priority" ) "set" ( primary | bits ) */
static struct ast_statement *meta_set_statement(struct parser *parser)
{
	struct ast_statement *statement = new_statement(parser, AST_META_SET);

	parser_advance(parser);
	statement->text = token_is(&parser->token, "mark") ? "meta mark" : "meta priority";
	parser_advance(parser);
	parser_advance(parser);
	if (parser_at_end(parser)) {
		parser_expected(parser, "what it is set to", NULL);
		return NULL;
	}
	statement->value = token_is(&parser->token, "meta") ? bits(parser) : parse_primary(parser);
	return statement->value ? statement : NULL;
}

/*
 * verdict = "accept" [ "final" ] | "drop" | "fwd" "to" primary | "bounce" | "to" "xsk" [ primary ] | "class" primary
 *	   | "reclassify" | "default"
 */
static struct ast_statement *verdict_statement(struct parser *parser)
{
	struct ast_statement *statement = new_statement(parser, AST_VERDICT);

	statement->text = token_text(parser->arena, &parser->token);
	parser_advance(parser);
	if (strcmp(statement->text, "accept") == 0 && token_is(&parser->token, "final")) {
		statement->text = "accept final";
		parser_advance(parser);
	} else if (strcmp(statement->text, "fwd") == 0) {
		if (!wanted_word(parser, "to", "write it like this: fwd to eth1"))
			return NULL;
		statement->value = parse_primary(parser);
		return statement->value ? statement : NULL;
	} else if (strcmp(statement->text, "class") == 0) {
		statement->value = parse_primary(parser);
		return statement->value ? statement : NULL;
	} else if (strcmp(statement->text, "to") == 0) {
		statement->text = "to xsk";
		if (!wanted_word(parser, "xsk", "write it like this: to xsk"))
			return NULL;
		if (parser_at_end(parser) || token_is(&parser->token, "comment"))
			return statement;
		statement->value = parse_primary(parser);
		return statement->value ? statement : NULL;
	}
	return statement;
}

static bool begins_verdict(const struct token *token)
{
	static const char *const words[] = { "accept", "drop", "fwd", "bounce", "to", "class", "reclassify", "default" };

	return token_is_one_of(token, words, sizeof(words) / sizeof(words[0]));
}

static bool is_raw_payload(const struct token *token)
{
	return token->kind == TOKEN_SET &&
	       ((token->place.length == 3 && (!memcmp(token->start, "@ll", 3) || !memcmp(token->start, "@nh", 3) ||
					      !memcmp(token->start, "@th", 3) || !memcmp(token->start, "@ih", 3))));
}

/* statement = match | log | counter | comment | meta-set | verdict | redirect */
static struct ast_statement *statement(struct parser *parser)
{
	struct token token = parser->token;
	struct ast_statement *parsed;
	struct diagnostic *d;

	if (token_is(&token, "log")) {
		parsed = log_statement(parser);
	} else if (token_is(&token, "counter")) {
		parsed = counter_statement(parser);
	} else if (token_is(&token, "comment")) {
		parsed = comment_statement(parser);
	} else if (begins_verdict(&token)) {
		parsed = verdict_statement(parser);
	} else if (token_is(&token, "redirect") || token_is(&token, "dnat")) {
		parsed = parse_redirect(parser);
	} else if (at_meta_set(parser)) {
		parsed = meta_set_statement(parser);
	} else if (token.kind == TOKEN_WORD) {
		return parse_match(parser);
	} else if (token.kind == TOKEN_SET || token.kind == TOKEN_VARIABLE) {
		d = parser_error(parser, token.place, "%s stands where a match or a statement begins",
				 token_describe(parser->arena, &token));
		parser_hint(parser, d, "%s",
			    is_raw_payload(&token) ? "weir matches fields by name, not by their place in a packet"
						   : "say what is compared with it: 'ip saddr @blocklist', 'tcp dport $ports'");
		return NULL;
	} else {
		parser_expected(parser, "a match, a statement or a verdict", NULL);
		return NULL;
	}
	if (parsed)
		parsed->place = parser_join(token.place, parser->last.place);
	return parsed;
}

/* Behind a verdict stands at most a comment, since nothing else would be done. */
static bool check_behind_verdict(struct parser *parser, const struct ast_statement *verdict)
{
	struct diagnostic *d;

	if (!verdict || token_is(&parser->token, "comment"))
		return true;
	if (parser->token.kind != TOKEN_WORD)
		return parser_expected(parser, arena_printf(parser->arena, "the end of the line behind '%s'", verdict->text),
				       NULL);
	d = parser_error(parser, parser->token.place, "%s behind '%s' would never be looked at",
			 token_describe(parser->arena, &parser->token), verdict->text);
	parser_hint(parser, d, "matches come first, then statements, then the verdict; each rule has a line of its own");
	return false;
}

/* The text between START and END, blanks folded to one; comments and continued lines count as blanks. */
static const char *fold_text(struct parser *parser, const char *start, const char *end)
{
	char *text = arena_alloc(parser->arena, (size_t)(end - start) + 1), *out = text;
	bool quoted = false;

	for (const char *c = start; c < end; c++) {
		if (!quoted && *c == '#') {
			const char *stop = memchr(c, '\n', (size_t)(end - c));

			c = stop ? stop : end - 1;
		}
		if (!quoted && (*c == '#' || strchr(" \t\r\n\\", *c))) {
			if (out > text && out[-1] != ' ')
				*out++ = ' ';
			continue;
		}
		if (quoted && *c == '\\')
			*out++ = *c++;
		else if (*c == '"')
			quoted = !quoted;
		*out++ = *c;
	}
	*out = 0;
	return text;
}

/* rule = statement { statement } , where the verdict, if there is one, is the last but for a comment */
struct ast_rule *parse_rule(struct parser *parser)
{
	struct ast_rule *rule = arena_new_object(parser->arena, struct ast_rule);
	struct ast_statement **next = &rule->statements, *verdict = NULL;
	const struct token first = parser->token;

	while (!parser_at_end(parser)) {
		if (!check_behind_verdict(parser, verdict))
			return NULL;
		*next = statement(parser);
		if (!*next)
			return NULL;
		if ((*next)->kind == AST_VERDICT)
			verdict = *next;
		next = &(*next)->next;
	}
	rule->place = parser_join(first.place, parser->last.place);
	rule->text = fold_text(parser, first.start, parser->last.start + parser->last.place.length);
	return rule;
}
