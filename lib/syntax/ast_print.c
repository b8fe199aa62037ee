// SPDX-License-Identifier: GPL-2.0-only
/* The tree as text: one node a line, two blanks a level. Strings and texts have quotes; words stand as they were typed. */
#include <inttypes.h>

#include "syntax/ast.h"

static void indent(FILE *out, unsigned level)
{
	fprintf(out, "%*s", (int)level * 2, "");
}

static void print_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_text(const char *name, const char *text, unsigned level, FILE *out)
{
	if (!text)
		return;
	indent(out, level);
	fprintf(out, "%s ", name);
	print_quoted(text, out);
	fputc('\n', out);
}

static void print_word(const char *name, const char *word, unsigned level, FILE *out)
{
	if (!word)
		return;
	indent(out, level);
	fprintf(out, "%s %s\n", name, word);
}

static void print_value(const struct ast_value *value, unsigned level, FILE *out)
{
	static const char *const kinds[] = {
		[AST_WORD] = "word", [AST_STRING] = "string",	  [AST_RANGE] = "range",
		[AST_LIST] = "list", [AST_CONCAT] = "concat",	  [AST_FLAGS] = "flags",
		[AST_SET] = "set",   [AST_VARIABLE] = "variable", [AST_BITS] = "bits",
	};

	indent(out, level);
	fputs(kinds[value->kind], out);
	if (value->kind == AST_STRING) {
		fputc(' ', out);
		print_quoted(value->text, out);
	} else if (value->text) {
		fprintf(out, " %s%s", value->kind == AST_SET ? "@" : value->kind == AST_VARIABLE ? "$" : "", value->text);
	}
	if (value->counter)
		fprintf(out, " counter packets %" PRIu64 " bytes %" PRIu64, value->packets, value->bytes);
	if (value->timeout)
		fprintf(out, " timeout %s", value->timeout);
	fputc('\n', out);
	for (const struct ast_value *child = value->children; child; child = child->next)
		print_value(child, level + 1, out);
}

/* NAME on a line of its own, the value below it. */
static void print_named(const char *name, const struct ast_value *value, unsigned level, FILE *out)
{
	if (!value)
		return;
	indent(out, level);
	fprintf(out, "%s\n", name);
	print_value(value, level + 1, out);
}

static void print_match(const struct ast_statement *match, unsigned level, FILE *out)
{
	static const char *const operators[] = {
		[AST_EQUAL] = "==",	 [AST_NOT_EQUAL] = "!=", [AST_LESS] = "<",
		[AST_LESS_EQUAL] = "<=", [AST_GREATER] = ">",	 [AST_GREATER_EQUAL] = ">=",
	};

	indent(out, level);
	fprintf(out, "match %s", subject_words(match->subjects[0]));
	if (match->subject_count > 1)
		fprintf(out, " . %s", subject_words(match->subjects[1]));
	if (match->operator_place.line)
		fprintf(out, " %s", operators[match->operator]);
	fputc('\n', out);
	print_named("mask", match->mask, level + 1, out);
	for (const struct ast_value *word = match->words; word; word = word->next)
		print_value(word, level + 1, out);
	if (match->value)
		print_value(match->value, level + 1, out);
}

static void print_statement(const struct ast_statement *statement, unsigned level, FILE *out)
{
	switch (statement->kind) {
	case AST_MATCH:
		print_match(statement, level, out);
		break;
	case AST_LOG:
		indent(out, level);
		fputs("log\n", out);
		print_text("prefix", statement->text, level + 1, out);
		break;
	case AST_COUNTER:
		indent(out, level);
		fprintf(out, "counter%s%s\n", statement->text ? " " : "", statement->text ? statement->text : "");
		break;
	case AST_COMMENT:
		print_text("comment", statement->text, level, out);
		break;
	case AST_META_SET:
		indent(out, level);
		fprintf(out, "%s set\n", statement->text);
		print_value(statement->value, level + 1, out);
		break;
	case AST_VERDICT:
		print_word("verdict", statement->text, level, out);
		if (statement->value)
			print_value(statement->value, level + 1, out);
		if (statement->choice)
			print_word("by", statement->choice, level + 1, out);
		if (statement->alive_place.line)
			print_word("option", "alive", level + 1, out);
		break;
	}
}

/* Line of the policy, or file and line of what it includes. */
static void print_rule(const struct ast *ast, const struct ast_rule *rule, FILE *out)
{
	fputs("  rule ", out);
	if (rule->place.source != ast->source)
		fprintf(out, "%s:", rule->place.source->name);
	fprintf(out, "%u: %s\n", rule->place.line, rule->text);
	for (const struct ast_statement *statement = rule->statements; statement; statement = statement->next)
		print_statement(statement, 2, out);
}

static void print_owned(const char *name, enum ast_owner of, const struct ast_value *value, FILE *out)
{
	static const char *const owners[] = {
		[OWNER_NONE] = "", [OWNER_NETNS] = " netns", [OWNER_PID] = " pid", [OWNER_CONTAINER] = " container"
	};
	char line[32];

	snprintf(line, sizeof(line), "%s%s", name, owners[of]);
	print_named(line, value, 2, out);
}

static void print_chain(const struct ast *ast, const struct ast_chain *chain, FILE *out)
{
	fprintf(out, "chain %s\n", chain->name);
	if (chain->hook_place.line)
		fprintf(out, "  hook %s %s\n", chain->layer, chain->direction);
	print_owned(chain->on_veth ? "on veth of" : "on", chain->targets_of, chain->targets, out);
	print_owned("netns", chain->netns_of, chain->netns, out);
	print_word("mode", chain->mode, 2, out);
	print_word("parent", chain->parent, 2, out);
	print_word("default", chain->fallback, 2, out);
	print_word("policy", chain->policy, 1, out);
	print_text("comment", chain->comment, 1, out);
	for (const struct ast_rule *rule = chain->rules; rule; rule = rule->next)
		print_rule(ast, rule, out);
}

static void print_set(const struct ast_set *set, FILE *out)
{
	fprintf(out, "set %s\n", set->name);
	print_named("type", set->type, 1, out);
	print_named("size", set->size, 1, out);
	print_named("timeout", set->timeout, 1, out);
	if (set->counter)
		fputs("  counter\n", out);
	print_named("flags", set->flags, 1, out);
	print_named("file", set->file, 1, out);
	print_named("elements", set->elements, 1, out);
	print_text("comment", set->comment, 1, out);
}

void ast_print(const struct ast *ast, FILE *out)
{
	for (const struct ast_define *define = ast->defines; define; define = define->next) {
		fprintf(out, "define %s\n", define->name);
		if (define->value)
			print_value(define->value, 1, out);
	}
	for (const struct ast_set *set = ast->sets; set; set = set->next)
		print_set(set, out);
	for (const struct ast_chain *chain = ast->chains; chain; chain = chain->next)
		print_chain(ast, chain, out);
}
