// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes what reads text: the parser, the checker behind it, the parser of set elements, and what prints trees and
 * errors. In: any bytes; "\n%%\n" ends the policy and begins the files it can read, which are named 1, 2, ... Beside
 * crashes it holds that
 *
 *	every place lies within its source;
 *	the text of a rule, parsed again, is the same rule;
 *	the same input gives the same tree and the same errors.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/unit/check/machine.h"
#include "check/policy.h"
#include "syntax/ast.h"

#define MAX_FILES    8
#define MAX_ELEMENTS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input, cut into files: the policy is the first. */
struct input {
	const char *names[MAX_FILES];
	char *texts[MAX_FILES]; /* with nothing behind the NUL, so that a sanitizer sees who reads on */
	size_t lengths[MAX_FILES];
	unsigned count;
};

static void cut_input(const char *text, size_t size, struct input *input)
{
	static const char *const names[MAX_FILES] = { "0", "1", "2", "3", "4", "5", "6", "7" };
	static const char mark[] = "\n%%\n";

	for (input->count = 0; input->count < MAX_FILES;) {
		const char *stop = memmem(text, size, mark, sizeof(mark) - 1);
		size_t length = stop ? (size_t)(stop - text) + 1 : size;
		unsigned at = input->count++;

		input->names[at] = names[at];
		input->lengths[at] = length;
		input->texts[at] = malloc(length + 1);
		memcpy(input->texts[at], text, length);
		input->texts[at][length] = 0;
		if (!stop)
			break;
		size -= (size_t)(stop - text) + sizeof(mark) - 1;
		text = stop + sizeof(mark) - 1;
	}
}

/* ---- The machine of the tests, with the files of the input ---- */

static int read_file(void *context, struct arena *arena, const char *name, const struct source **ret_source)
{
	const struct input *input = context;
	struct source *source;

	for (unsigned i = 0; i < input->count; i++) {
		if (strcmp(name, input->names[i]) != 0)
			continue;
		source = arena_new_object(arena, struct source);
		*source = (struct source){ input->names[i], input->texts[i], input->lengths[i] };
		*ret_source = source;
		return 0;
	}
	return -ENOENT;
}

/* ---- What must hold ---- */

static void fail(const char *what)
{
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

static void check_place(struct place place)
{
	const struct source *source = place.source;
	const char *line, *end, *stop;

	if (!source || !place.line)
		return;
	line = source->text;
	end = line + source->length;
	for (uint32_t i = 1; i < place.line; i++) {
		stop = memchr(line, '\n', (size_t)(end - line));
		if (!stop)
			fail("a place lies in a line of its source");
		line = stop + 1;
	}
	stop = memchr(line, '\n', (size_t)(end - line));
	if (!place.column || place.column - 1 + place.length > (size_t)((stop ? stop : end) - line))
		fail("a place lies within its line");
}

static void check_diagnostics(const struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->list.count; i++) {
		const struct diagnostic *d = &diagnostics->list.items[i];

		check_place(d->place);
		check_place(d->related[0].place);
		check_place(d->related[1].place);
	}
}

static void check_value_places(const struct ast_value *value)
{
	for (; value; value = value->next) {
		check_place(value->place);
		check_place(value->timeout_place);
		check_value_places(value->children);
	}
}

static void check_places(const struct ast *ast)
{
	for (const struct ast_define *define = ast->defines; define; define = define->next) {
		check_place(define->place);
		check_value_places(define->value);
	}
	for (const struct ast_set *set = ast->sets; set; set = set->next) {
		check_place(set->place);
		check_value_places(set->elements);
		check_value_places(set->type);
	}
	for (const struct ast_chain *chain = ast->chains; chain; chain = chain->next) {
		check_place(chain->place);
		check_value_places(chain->targets);
		for (const struct ast_rule *rule = chain->rules; rule; rule = rule->next) {
			check_place(rule->place);
			for (const struct ast_statement *s = rule->statements; s; s = s->next) {
				check_place(s->place);
				check_place(s->operator_place);
				check_value_places(s->mask);
				check_value_places(s->value);
			}
		}
	}
}

static char *print_rule_alone(const struct ast *ast, const struct ast_rule *rule)
{
	struct ast_rule copy = *rule;
	struct ast_chain chain = { .name = "c", .rules = &copy };
	struct ast alone = { .source = ast->source, .chains = &chain };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	copy.next = NULL;
	copy.place = (struct place){ .source = ast->source };
	ast_print(&alone, out);
	fclose(out);
	return text;
}

/* A rule's text is what people are shown: it must mean what the rule means. */
static void check_rule_text(const struct host *host, const struct ast *ast, const struct ast_rule *rule)
{
	struct arena *arena = arena_new();
	struct diagnostics diagnostics;
	struct source source = { .name = "again" };
	char *first, *second;
	const struct ast *again;

	diagnostics_init(&diagnostics, arena);
	source.text = arena_printf(arena, "chain c {\n%s\n}", rule->text);
	source.length = strlen(source.text);
	again = syntax_parse(arena, host, &source, &diagnostics);
	if (diagnostics.errors || !again->chains || !again->chains->rules || again->chains->rules->next)
		fail("the text of a rule is one rule");
	first = print_rule_alone(ast, rule);
	second = print_rule_alone(again, again->chains->rules);
	if (strcmp(first, second) != 0)
		fail("the text of a rule is the same rule");
	free(first);
	free(second);
	arena_free(arena);
}

static void check_rule_texts(const struct host *host, const struct ast *ast)
{
	unsigned left = 50; /* enough for any mistake, and no input takes long */

	for (const struct ast_chain *chain = ast->chains; chain; chain = chain->next)
		for (const struct ast_rule *rule = chain->rules; rule && left; rule = rule->next, left--)
			check_rule_text(host, ast, rule);
}

/* Parse, check and print everything: the text that comes out. */
static char *run(const struct host *host, const struct input *input, int rounds)
{
	struct arena *arena = arena_new();
	struct source source = { input->names[0], input->texts[0], input->lengths[0] };
	struct diagnostics diagnostics;
	const struct ast *ast;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	diagnostics_init(&diagnostics, arena);
	ast = syntax_parse(arena, host, &source, &diagnostics);
	ast_print(ast, out);
	if (rounds == 0) {
		check_places(ast);
		check_rule_texts(host, ast);
	}
	check_policy(arena, host, ast, NULL, &diagnostics);
	diagnostics_print(&diagnostics, out, false);
	if (rounds == 0)
		check_diagnostics(&diagnostics);
	fclose(out);
	arena_free(arena);
	return text;
}

static void run_elements(const struct host *host, const struct input *input)
{
	struct arena *arena = arena_new();
	const struct policy_set set = { .name = "s", .types = { TYPE_IPV4_ADDR, TYPE_INET_SERVICE }, .components = 2 };
	const struct source source = { input->names[0], input->texts[0], input->lengths[0] };
	const char *line = source.text, *end = line + source.length;
	struct diagnostics diagnostics;
	struct set_element element;

	diagnostics_init(&diagnostics, arena);
	for (uint32_t number = 1; line < end && number <= MAX_ELEMENTS; number++) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((stop ? stop : end) - line);
		const struct source alone = { "line", line, length };
		struct place place = { &source, number, 1, (uint32_t)length };
		const struct ast_value *value;

		value = syntax_parse_element(arena, number % 2 ? &source : &alone, place, &diagnostics);
		check_value_places(value);
		if (value)
			check_element(arena, host, &set, value, &element, &diagnostics);
		line = stop ? stop + 1 : end;
	}
	check_diagnostics(&diagnostics);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input;
	const struct host host = { &input, read_file, machine_service, machine_protocol, machine_interface, machine_filter };
	char *first, *second;

	cut_input((const char *)data, size, &input);
	first = run(&host, &input, 0);
	second = run(&host, &input, 1);
	if (strcmp(first, second) != 0)
		fail("the same input gives the same output");
	run_elements(&host, &input);
	free(first);
	free(second);
	for (unsigned i = 0; i < input.count; i++)
		free(input.texts[i]);
	return 0;
}

#ifdef FUZZ_STANDALONE
#include "standalone.h"
#endif
