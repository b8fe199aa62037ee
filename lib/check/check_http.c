// SPDX-License-Identifier: GPL-2.0-only
/*
 * `http method { POST, DELETE }`, `http path "/api/private*"`, `http host "www.example.com"`: patterns, exact ones and with a
 * star behind them, in the form in which requests are compared (docs/http.md). One that no request can have is an error.
 */
#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "check/checker.h"

static struct diagnostic *wrong(struct checker *checker, const struct leaf *leaf, const char *why)
{
	return leaf_error(checker, leaf, leaf->value->place, "'%s' %s", leaf->value->text, why);
}

static bool fits_method(struct checker *checker, const struct leaf *leaf, const struct http_pattern *pattern)
{
	for (uint32_t i = 0; i < pattern->length; i++)
		if (!isgraph((unsigned char)pattern->text[i]) || strchr("/:@\"(),;<=>?[\\]{}", pattern->text[i])) {
			diagnostic_hint(checker->diagnostics, wrong(checker, leaf, "cannot be a method"),
					"GET, POST, DELETE and the like; they are compared as they are written");
			return false;
		}
	for (uint32_t i = 0; i < pattern->length; i++)
		if (islower((unsigned char)pattern->text[i])) {
			diagnostic_hint(checker->diagnostics,
					diagnose(checker->diagnostics, SEVERITY_WARNING, leaf->value->place,
						 "'%s' has small letters, and methods are compared as they are written",
						 leaf->value->text),
					"the usual ones are in capitals: GET, POST, DELETE");
			break;
		}
	return true;
}

/* Is there a part of that text between slashes, or at the end of a whole path? */
static bool has_part(const struct http_pattern *pattern, const char *part)
{
	uint32_t length = (uint32_t)strlen(part);

	for (uint32_t at = 0; at + length < pattern->length; at++) {
		uint32_t behind = at + 1 + length;

		if (pattern->text[at] == '/' && memcmp(pattern->text + at + 1, part, length) == 0 &&
		    (behind == pattern->length ? !pattern->prefix && length > 0 : pattern->text[behind] == '/'))
			return true;
	}
	return false;
}

static bool fits_path(struct checker *checker, const struct leaf *leaf, const struct http_pattern *pattern)
{
	const char *percent = memchr(pattern->text, '%', pattern->length);
	const char *why = NULL, *hint = NULL;

	if (pattern->length && pattern->text[0] != '/')
		why = "is no path: it does not begin with '/'", hint = "\"/private*\"; a host stands behind 'http host'";
	else if (strpbrk(leaf->value->text, "?#"))
		why = "has a query, which is not part of the path", hint = "leave out what stands from '?' on";
	else if (percent && isxdigit((unsigned char)percent[1]) && isxdigit((unsigned char)percent[2]))
		why = "is encoded, and paths are compared decoded", hint = "write the character itself: \"/a b\" for \"/a%20b\"";
	else if (has_part(pattern, "") || has_part(pattern, ".") || has_part(pattern, ".."))
		why = "is compared with paths in which '//', '/./' and '/../' are resolved", hint = "write what they come to";
	if (why)
		diagnostic_hint(checker->diagnostics, wrong(checker, leaf, why), "%s", hint);
	return !why;
}

static bool fits_host(struct checker *checker, const struct leaf *leaf, struct http_pattern *pattern)
{
	char *text = arena_strndup(checker->arena, pattern->text, pattern->length);
	const char *why = NULL, *hint = "\"www.example.com\"";

	for (uint32_t i = 0; i < pattern->length; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
	pattern->text = text;
	if (strpbrk(text, "/ \t@"))
		why = "cannot be a host";
	else if (strchr(text, ':') && text[0] != '[')
		why = "has a port, which is not compared", hint = "leave it out, and match it with 'tcp dport'";
	else if (pattern->length && !pattern->prefix && text[pattern->length - 1] == '.')
		why = "ends with a dot, which is left out where hosts are compared", hint = "leave it out";
	if (why)
		diagnostic_hint(checker->diagnostics, wrong(checker, leaf, why), "%s", hint);
	return !why;
}

static bool read_pattern(struct checker *checker, enum weir_http_asked asked, const struct leaf *leaf,
			 struct http_pattern *ret_pattern)
{
	struct http_pattern pattern = { 0 };
	const char *star;

	if (leaf->value->kind != AST_WORD && leaf->value->kind != AST_STRING) {
		diagnostic_hint(checker->diagnostics, leaf_error(checker, leaf, leaf->value->place, "a text is wanted here"),
				"write it in quotation marks, several in braces: { \"/a*\", \"/b\" }");
		return false;
	}
	pattern.text = leaf->value->text;
	pattern.length = (uint32_t)strlen(pattern.text);
	star = strchr(pattern.text, '*');
	pattern.prefix = star && !star[1];
	pattern.length -= pattern.prefix;
	if (pattern.length == 0 && !pattern.prefix) {
		diagnostic_hint(checker->diagnostics, leaf_error(checker, leaf, leaf->value->place, "an empty text"),
				"\"*\" is any that is there");
		return false;
	}
	if (star && !pattern.prefix) {
		diagnostic_hint(checker->diagnostics, wrong(checker, leaf, "has a star that is not at its end"),
				"a star stands for all that may follow: \"/private*\"");
		return false;
	}
	if (pattern.length > WEIR_HTTP_TEXT) {
		diagnostic_hint(checker->diagnostics,
				leaf_error(checker, leaf, leaf->value->place, "a text of %u bytes", pattern.length),
				"at most %d are compared; write the beginning, and a star", WEIR_HTTP_TEXT);
		return false;
	}
	*ret_pattern = pattern;
	switch (asked) {
	case WEIR_HTTP_METHOD:
		return fits_method(checker, leaf, ret_pattern);
	case WEIR_HTTP_PATH:
		return fits_path(checker, leaf, ret_pattern);
	default:
		return fits_host(checker, leaf, ret_pattern);
	}
}

/* http path != { "/a*", "/b" } */
static const char *print_match(struct arena *arena, enum subject subject, const struct http_match *match)
{
	const char *text = arena_printf(arena, "%s %s", subject_words(subject), match->negated ? "!= " : "");

	if (match->count > 1)
		text = arena_printf(arena, "%s{ ", text);
	for (uint32_t i = 0; i < match->count; i++)
		text = arena_printf(arena, "%s%s\"%.*s%s\"", text, i ? ", " : "", (int)match->patterns[i].length,
				    match->patterns[i].text, match->patterns[i].prefix ? "*" : "");
	return match->count > 1 ? arena_printf(arena, "%s }", text) : text;
}

static bool check_operator(struct checker *checker, const struct ast_statement *match, const struct leaves *leaves)
{
	const char *why = NULL;
	struct diagnostic *d;

	if (match->mask)
		why = "takes no mask";
	else if (match->operator!= AST_EQUAL && match->operator!= AST_NOT_EQUAL)
		why = "cannot be compared with '<' or '>'";
	else if (leaves->list.count == 1 && leaves->list.items[0].value->kind == AST_SET)
		why = "is not looked up in a set";
	else if (leaves->list.count > LIMIT_HTTP_PATTERNS)
		why = "is compared with too many texts";
	if (!why)
		return true;
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, match->place, "'%s' %s", subject_words(match->subjects[0]), why);
	diagnostic_hint(checker->diagnostics, d, "compare it with one text or a list, at most %d: { \"/a*\", \"/b\" }",
			LIMIT_HTTP_PATTERNS);
	return false;
}

bool check_http(struct chain_frame *chain, const struct ast_statement *match, struct policy_match *ret_match)
{
	struct checker *checker = chain->checker;
	struct predicate *predicate = arena_new_object(checker->arena, struct predicate);
	VECTOR(struct http_pattern) patterns = { 0 };
	struct leaves leaves = { 0 };
	bool whole;

	predicate->kind = PREDICATE_HTTP;
	predicate->http.asked = (enum weir_http_asked)(match->subjects[0] - SUBJECT_HTTP_METHOD);
	predicate->http.negated = match->operator== AST_NOT_EQUAL;
	whole = leaves_gather(checker, match->value, &leaves) && check_operator(checker, match, &leaves);
	for (size_t i = 0; whole && i < leaves.list.count; i++) {
		struct http_pattern pattern = { .text = "" };

		whole = read_pattern(checker, predicate->http.asked, &leaves.list.items[i], &pattern);
		vector_push(checker->arena, &patterns, pattern);
	}
	predicate->http.count = (uint32_t)patterns.count;
	predicate->http.patterns = patterns.items;
	predicate->text = print_match(checker->arena, match->subjects[0], &predicate->http);
	ret_match->predicate = predicate;
	ret_match->negated = false; /* the predicate says it: of a packet without a request it is no, either way */
	return whole;
}
