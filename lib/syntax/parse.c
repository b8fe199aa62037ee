// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy and its files: defines, includes, sets and chains. In: the text that was named. Out: the tree, with
 * what could be understood; the rest is in the diagnostics.
 */
#include "syntax/parser.h"

#include <errno.h>
#include <string.h>

static void policy_file(struct parse *parse, const struct including *file);

/* What a policy consists of. */
static const char *const parts[] = { "define", "include", "set", "chain" };

/* block-begin = NAME "{" */
bool parse_block_begin(struct parser *parser, const char *what, const char **ret_name, struct place *ret_place)
{
	parser_advance(parser);
	if (parser->token.kind != TOKEN_WORD) {
		parser_expected(parser, arena_printf(parser->arena, "the name of the %s", what), NULL);
		parser_skip_statement(parser);
		return false;
	}
	*ret_name = token_text(parser->arena, &parser->token);
	*ret_place = parser->token.place;
	parser_advance(parser);
	while (parser->token.kind == TOKEN_NEWLINE && lexer_peek(&parser->lexer).kind == TOKEN_NEWLINE)
		parser_advance(parser);
	if (parser->token.kind == TOKEN_NEWLINE && lexer_peek(&parser->lexer).kind == TOKEN_LEFT_BRACE)
		parser_advance(parser);
	if (parser->token.kind == TOKEN_LEFT_BRACE)
		return parser_open(parser, false);
	parser_expected(parser, arena_printf(parser->arena, "'{' behind the name of the %s", what), NULL);
	parser_skip_statement(parser);
	return false;
}

/* Does a part of the policy begin here, inside a block? Then the brace that ends the block is missing. */
static bool begins_part(const struct parser *parser)
{
	struct lexer ahead = parser->lexer;

	ahead.diagnostics = NULL;
	return parser->token.first && (token_is(&parser->token, "set") || token_is(&parser->token, "chain")) &&
	       lexer_next(&ahead).kind == TOKEN_WORD && lexer_next(&ahead).kind == TOKEN_LEFT_BRACE;
}

bool parse_block_next(struct parser *parser, const char *what, const char *name, struct place place)
{
	struct diagnostic *d;

	for (;;) {
		parser_skip_ends(parser);
		if (parser->token.kind == TOKEN_RIGHT_BRACE) {
			parser_close(parser, false);
			return false;
		}
		if (parser->token.kind == TOKEN_END) {
			parser_never_closed(parser);
			return false;
		}
		if (begins_part(parser)) {
			d = parser_error(parser, parser->token.place, "%s inside %s '%s'",
					 token_describe(parser->arena, &parser->token), what, name);
			diagnostic_related(parser->diagnostics, d, place, "%s '%s' begins here", what, name);
			parser_hint(parser, d, "a '}' is missing above this line");
			parser->depth--;
			return false;
		}
		if (!token_is(&parser->token, "define") && !token_is(&parser->token, "include"))
			return true;
		d = parser_error(parser, parser->token.place, "%s inside %s '%s'", token_describe(parser->arena, &parser->token),
				 what, name);
		parser_hint(parser, d, "it stands outside of sets and chains");
		parser_skip_statement(parser);
	}
}

bool parse_only_once(struct parser *parser, const struct token *word, struct place *first)
{
	struct diagnostic *d;

	if (!first->line) {
		*first = word->place;
		return true;
	}
	d = parser_error(parser, word->place, "a second %s", token_describe(parser->arena, word));
	diagnostic_related(parser->diagnostics, d, *first, "the first");
	parser_hint(parser, d, "leave one of them out");
	return false;
}

/* define = "define" NAME "=" value statement-end */
static bool define(struct parser *parser)
{
	struct ast_define *define;

	parser_advance(parser);
	if (parser->token.kind != TOKEN_WORD)
		return parser_expected(parser, "a name behind 'define'", "write it like this: define lan = 10.0.0.0/8");
	define = arena_new_object(parser->arena, struct ast_define);
	define->name = token_text(parser->arena, &parser->token);
	define->place = parser->token.place;
	/* It is known from here on, whether or not its value can be read, so that its uses are no errors. */
	*parser->parse->next_define = define;
	parser->parse->next_define = &define->next;
	parser_advance(parser);
	if (!parser_accept(parser, TOKEN_ASSIGN))
		return parser_expected(parser, arena_printf(parser->arena, "'=' behind '%s'", define->name),
				       "write it like this: define lan = 10.0.0.0/8");
	define->value = parse_value(parser);
	return define->value != NULL;
}

/* The name under which a file that is included is read: relative names begin where the file that names them is. */
static const char *included_name(struct parser *parser, const char *written)
{
	const char *from = parser->file->source->name, *slash = strrchr(from, '/');

	while (strncmp(written, "./", 2) == 0)
		written += 2;
	if (written[0] == '/' || !slash)
		return written;
	return arena_printf(parser->arena, "%.*s/%s", (int)(slash - from), from, written);
}

static const char *without_dot(const char *name)
{
	while (strncmp(name, "./", 2) == 0)
		name += 2;
	return name;
}

/* Is NAME being read already, or is this too deep? False, with an error. */
static bool may_include(struct parser *parser, const char *name, struct place place)
{
	const struct including *file, *reads_it = NULL, *outermost = NULL;
	struct diagnostic *d;
	unsigned depth = 1;

	for (file = parser->file; file; file = file->outer) {
		if (strcmp(without_dot(file->source->name), without_dot(name)) == 0) {
			d = parser_error(parser, place, "'%s' includes itself%s", name,
					 file == parser->file ? "" : ", by way of others");
			if (reads_it)
				diagnostic_related(parser->diagnostics, d, reads_it->place, "from here");
			parser_hint(parser, d, "leave one of the includes out");
			return false;
		}
		if (file->outer) {
			outermost = reads_it = file;
			depth++;
		}
	}
	if (depth > LIMIT_INCLUDE_DEPTH) {
		d = parser_error(parser, place, "files include files, more than %d deep", LIMIT_INCLUDE_DEPTH);
		if (outermost)
			diagnostic_related(parser->diagnostics, d, outermost->place, "from here");
		parser_hint(parser, d, "does a file include itself under another name?");
		return false;
	}
	if (parser->parse->includes++ == LIMIT_INCLUDES) {
		d = parser_error(parser, place, "more than %d includes", LIMIT_INCLUDES);
		parser_hint(parser, d, "does a file include others twice?");
		return false;
	}
	return parser->parse->includes <= LIMIT_INCLUDES;
}

static void include_file(struct parser *parser, const char *written, struct place place)
{
	const char *name = included_name(parser, written);
	struct parse *parse = parser->parse;
	const struct source *source = NULL;
	struct including file = { .outer = parser->file, .place = place };
	struct diagnostic *d;
	int err;

	if (!may_include(parser, name, place))
		return;
	err = parse->host->read_file(parse->host->context, parse->arena, name, &source);
	if (!err) {
		file.source = source;
		policy_file(parse, &file);
		return;
	}
	d = diagnose(parse->diagnostics, SEVERITY_ERROR_SURROUNDINGS, place, "cannot read '%s': %s", name,
		     err == -EFBIG ? "it is too large" : strerror(-err));
	if (strpbrk(written, "*?["))
		parser_hint(parser, d, "weir includes single files, not patterns");
	else if (err == -ENOENT)
		parser_hint(parser, d, "a relative name begins at the folder of the file that includes");
	else if (err == -EFBIG)
		parser_hint(parser, d, "a file has at most %u MiB", LIMIT_SOURCE_BYTES >> 20);
}

/* include = "include" STRING statement-end */
static bool include(struct parser *parser)
{
	const char *written;
	struct place place;

	parser_advance(parser);
	place = parser->token.place;
	written = parse_quoted(parser, "the name of a file");
	if (!written)
		return false;
	if (!*written) {
		parser_error(parser, place, "a file without a name");
		return false;
	}
	include_file(parser, written, place);
	return true;
}

/* What is known of the text outside of all blocks. */
struct outside {
	bool rules_said;       /* an error about rules that stand there: one for all that follow each other */
	unsigned foreign_open; /* braces of nftables' tables: what is in them is read as if it stood without */
};

/* "table inet filter {": true, and behind the brace, where it goes on like this. */
static bool enter_table(struct parser *parser)
{
	struct lexer ahead = parser->lexer;
	struct token token = parser->token;
	unsigned words = 0;

	ahead.diagnostics = NULL;
	for (; token.kind == TOKEN_WORD && words < 3; words++)
		token = lexer_next(&ahead);
	if (!token_is(&parser->token, "table") || token.kind != TOKEN_LEFT_BRACE)
		return false;
	for (; words; words--)
		parser_advance(parser);
	parser_advance(parser);
	return true;
}

/* What stands outside of all blocks and is no part of a policy. */
static void not_a_part(struct parser *parser, struct outside *outside)
{
	const struct foreign *foreign = foreign_in_policy(&parser->token);
	const struct token token = parser->token;
	struct diagnostic *d;
	const char *near;

	if (foreign) {
		foreign_report(parser, token.place, foreign);
		if (enter_table(parser)) {
			outside->foreign_open++;
			return;
		}
	} else if (parse_begins_statement(&token) || token_is(&token, "hook") || token_is(&token, "policy")) {
		/* A '}' too many puts a whole chain outside: one error for it. */
		if (!outside->rules_said) {
			d = parser_error(parser, token.place, "%s outside of a chain", token_describe(parser->arena, &token));
			parser_hint(parser, d, "rules stand inside 'chain name { ... }'; is there a '}' too many above?");
		}
		outside->rules_said = true;
	} else if (token.kind == TOKEN_WORD) {
		near = near_match(token_text(parser->arena, &token), parts, sizeof(parts) / sizeof(parts[0]));
		d = parser_error(parser, token.place, "no part of a policy begins with %s",
				 token_describe(parser->arena, &token));
		if (near)
			parser_hint(parser, d, "did you mean '%s'?", near);
		else
			parser_hint(parser, d, "a policy is made of define, include, set and chain");
	} else {
		parser_expected(parser, "'define', 'include', 'set' or 'chain'", NULL);
	}
	parser_skip_statement(parser);
}

static void stray_brace(struct parser *parser, struct outside *outside)
{
	if (outside->foreign_open && !outside->rules_said)
		outside->foreign_open--;
	else if (!outside->rules_said)
		parser_error(parser, parser->token.place, "a '}' that closes nothing");
	outside->rules_said = false;
	parser_advance(parser);
}

/* part = define | include | set | chain */
static void part(struct parser *parser, struct outside *outside)
{
	bool whole = true;

	if (token_is(&parser->token, "set") || token_is(&parser->token, "chain")) {
		outside->rules_said = false;
		if (token_is(&parser->token, "set"))
			parse_set(parser);
		else
			parse_chain(parser);
		return;
	}
	if (token_is(&parser->token, "define")) {
		whole = define(parser);
	} else if (token_is(&parser->token, "include")) {
		whole = include(parser);
	} else if (parser->token.kind == TOKEN_RIGHT_BRACE) {
		stray_brace(parser, outside);
		return;
	} else {
		not_a_part(parser, outside);
		return;
	}
	if (whole)
		parser_expect_end(parser, token_describe(parser->arena, &parser->last));
	else
		parser_skip_statement(parser);
}

/* policy-file = { part } */
static void policy_file(struct parse *parse, const struct including *file)
{
	struct parser *parser = arena_new_object(parse->arena, struct parser);
	struct outside outside = { 0 };

	parser_init(parser, parse, file);
	lexer_init(&parser->lexer, file->source, parse->diagnostics);
	parser_advance(parser);
	for (;;) {
		parser_skip_ends(parser);
		if (parser->token.kind == TOKEN_END)
			return;
		part(parser, &outside);
	}
}

const struct ast *syntax_parse(struct arena *arena, const struct host *host, const struct source *source,
			       struct diagnostics *diagnostics)
{
	struct ast *ast = arena_new_object(arena, struct ast);
	struct parse parse = { arena, host, diagnostics, ast, &ast->defines, &ast->sets, &ast->chains, 0 };
	const struct including file = { .source = source };

	ast->source = source;
	policy_file(&parse, &file);
	return ast;
}

/* The text of line LINE of a source. */
static const char *line_text(const struct source *source, uint32_t line)
{
	const char *text = source->text, *end = text + source->length, *stop;

	for (uint32_t i = 1; i < line && text < end; i++) {
		stop = memchr(text, '\n', (size_t)(end - text));
		text = stop ? stop + 1 : end;
	}
	return text;
}

struct ast_value *syntax_parse_element(struct arena *arena, const struct source *source, struct place line,
				       struct diagnostics *diagnostics)
{
	const char *text = source == line.source ? line_text(source, line.line) : source->text;
	size_t length = (size_t)(source->text + source->length - text);
	struct parse parse = { .arena = arena, .diagnostics = diagnostics };
	struct parser parser;
	struct ast_value *value;

	if (source == line.source && line.column > 1) {
		text += line.column - 1 < length ? line.column - 1 : length;
		length = (size_t)(source->text + source->length - text);
	}
	parser_init(&parser, &parse, NULL);
	lexer_init_line(&parser.lexer, text, line.length < length ? line.length : length, line, diagnostics);
	parser_advance(&parser);
	parser_skip_ends(&parser);
	if (parser.token.kind == TOKEN_END)
		return NULL;
	value = parse_element(&parser);
	if (!value)
		return NULL;
	parser_skip_ends(&parser);
	if (parser.token.kind == TOKEN_END)
		return value;
	parser_expected(&parser, arena_printf(arena, "the end of the line behind %s", token_describe(arena, &parser.last)),
			"one element a line: an address, or 10.0.0.1 . 80, or 10.0.0.1 timeout 30s");
	return NULL;
}
