// SPDX-License-Identifier: GPL-2.0-only
/*
 * Variables and lists. A define may be used anywhere in the policy, but in the value of another define only
 * behind its own, so that none can stand for itself.
 */
#include <string.h>

#include "base/limits.h"
#include "check/checker.h"

/* Lists may hold empty lists: more steps than elements, but not for ever. */
#define MAX_STEPS ((size_t)4 * LIMIT_LIST_ELEMENTS)

struct diagnostic *leaf_error(struct checker *checker, const struct leaf *leaf, struct place place, const char *format, ...)
{
	struct diagnostic *d;
	va_list arguments;

	va_start(arguments, format);
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, place, "%s", arena_vprintf(checker->arena, format, arguments));
	va_end(arguments);
	if (leaf && leaf->use)
		diagnostic_related(checker->diagnostics, d, leaf->use->place, "used here, as '$%s'", leaf->use->text);
	return d;
}

static void no_define(struct checker *checker, const struct ast_value *variable, const struct ast_define *before)
{
	VECTOR(const char *) names = { 0 };
	struct diagnostic *d;
	const char *near;

	for (const struct ast_define *define = checker->ast ? checker->ast->defines : NULL; define && define != before;
	     define = define->next)
		vector_push(checker->arena, &names, define->name);
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, variable->place, "no define '%s'", variable->text);
	near = near_match(variable->text, names.items, names.count);
	if (near)
		diagnostic_hint(checker->diagnostics, d, "did you mean '$%s'?", near);
	else
		diagnostic_hint(checker->diagnostics, d, "add 'define %s = ...' before it is used", variable->text);
}

/* BEFORE: the define in whose value the variable stands; NULL: it stands elsewhere. */
static const struct ast_define *find_define(struct checker *checker, const struct ast_value *variable,
					    const struct ast_define *before)
{
	const struct ast_define *define = checker->ast ? checker->ast->defines : NULL;

	while (define && define != before && strcmp(define->name, variable->text) != 0)
		define = define->next;
	return define == before ? NULL : define;
}

static void explain_missing(struct checker *checker, const struct ast_value *variable, const struct ast_define *before)
{
	const struct ast_define *define = before;
	struct diagnostic *d;

	while (define && strcmp(define->name, variable->text) != 0)
		define = define->next;
	if (!define) {
		no_define(checker, variable, before);
		return;
	}
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, variable->place,
		     define == before ? "'$%s' is defined by itself" : "'$%s' is defined only behind this define",
		     variable->text);
	if (define != before)
		diagnostic_related(checker->diagnostics, d, define->place, "defined here");
	diagnostic_hint(checker->diagnostics, d, "a define uses only what is defined before it");
}

/* The variables in the value of a define, told here once, however often it is used; and when it is not used at all. */
static void check_define_value(struct checker *checker, const struct ast_define *define, const struct ast_value *value)
{
	if (value->kind == AST_VARIABLE && !find_define(checker, value, define))
		explain_missing(checker, value, define);
	for (const struct ast_value *child = value->children; child; child = child->next)
		check_define_value(checker, define, child);
}

static bool too_many(struct checker *checker, struct leaves *leaves, const struct leaf *leaf)
{
	struct diagnostic *d;

	if (leaves->full)
		return false;
	leaves->full = true;
	d = leaf_error(checker, leaf, leaf->value->place, "this list has more than %u elements", LIMIT_LIST_ELEMENTS);
	diagnostic_hint(checker->diagnostics, d, "put them into a set with a file");
	return false;
}

static bool gather(struct checker *checker, struct leaf leaf, struct leaves *leaves)
{
	const struct ast_define *define;
	struct leaf inner = leaf;
	bool whole = true;

	if (leaves->list.count == LIMIT_LIST_ELEMENTS || leaves->steps == MAX_STEPS)
		return too_many(checker, leaves, &leaf);
	leaves->steps++;
	if (leaf.value->timeout) {
		leaf.timeout = inner.timeout = leaf.value->timeout;
		leaf.timeout_place = inner.timeout_place = leaf.value->timeout_place;
	}
	if (leaf.value->counter)
		leaf.counter = inner.counter = leaf.value;
	switch (leaf.value->kind) {
	case AST_VARIABLE:
		define = find_define(checker, leaf.value, leaf.before);
		if (!define && !leaf.before)
			explain_missing(checker, leaf.value, NULL);
		if (!define || !define->value)
			return false;
		inner.use = leaf.use ? leaf.use : leaf.value;
		inner.value = define->value;
		inner.before = define;
		return gather(checker, inner, leaves);
	case AST_LIST:
		for (inner.value = leaf.value->children; inner.value && !leaves->full; inner.value = inner.value->next)
			whole &= gather(checker, inner, leaves);
		return whole;
	default:
		vector_push(checker->arena, &leaves->list, leaf);
		return true;
	}
}

bool leaves_gather(struct checker *checker, const struct ast_value *value, struct leaves *leaves)
{
	return gather(checker, (struct leaf){ .value = value }, leaves);
}

const struct ast_value *leaf_single(struct checker *checker, const struct ast_value *value, const struct leaf *outer,
				    const char *what)
{
	struct leaf start = outer ? *outer : (struct leaf){ 0 };
	struct leaves leaves = { 0 };
	const struct leaf *leaf;
	struct diagnostic *d;

	start.value = value;
	if (!gather(checker, start, &leaves))
		return NULL;
	leaf = leaves.list.items;
	if (leaves.list.count == 1 && (leaf->value->kind == AST_WORD || leaf->value->kind == AST_STRING))
		return leaf->value;
	d = leaf_error(checker, &start, value->place, "%s is a single word", what);
	if (value->kind == AST_VARIABLE)
		diagnostic_hint(checker->diagnostics, d, "'$%s' stands for something else", value->text);
	return NULL;
}

void check_defines(struct checker *checker)
{
	const struct ast_define *define, *earlier;
	size_t count = 0;
	struct diagnostic *d;

	for (define = checker->ast->defines; define; define = define->next) {
		if (++count > LIMIT_DEFINES) {
			d = diagnose(checker->diagnostics, SEVERITY_ERROR, define->place, "this policy has more than %d defines",
				     LIMIT_DEFINES);
			diagnostic_hint(checker->diagnostics, d, "put addresses and ports into sets");
			return;
		}
		check_name(checker, "define", define->name, define->place);
		if (define->value)
			check_define_value(checker, define, define->value);
		for (earlier = checker->ast->defines; earlier != define; earlier = earlier->next)
			if (strcmp(earlier->name, define->name) == 0)
				break;
		if (earlier == define)
			continue;
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, define->place, "'%s' is defined twice", define->name);
		diagnostic_related(checker->diagnostics, d, earlier->place, "first here");
		diagnostic_hint(checker->diagnostics, d, "give one of them another name");
	}
}
