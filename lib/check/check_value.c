// SPDX-License-Identifier: GPL-2.0-only
/* Leaves of the syntax tree to ranges, sizes, times and names, each mistake a diagnostic. */
#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "check/checker.h"

#define MAX_TIMEOUT_DAYS 36500

/* Types whose values are bits that can be joined with `|`. */
static bool type_has_bits(enum value_type type)
{
	return type == TYPE_TCP_FLAGS || type == TYPE_NUMBER || type == TYPE_DSCP;
}

static void used_here(struct checker *checker, const struct leaf *leaf, struct diagnostic *d)
{
	if (leaf->use)
		diagnostic_related(checker->diagnostics, d, leaf->use->place, "used here, as '$%s'", leaf->use->text);
}

static bool check_word(struct checker *checker, const struct value_type_of *wanted, const struct leaf *leaf,
		       struct value_range *ret_range)
{
	const struct ast_value *word = leaf->value;
	struct diagnostic *d;

	switch (value_range_read(wanted, word->text, ret_range)) {
	case RANGE_FINE:
		return true;
	case RANGE_HOST_BITS:
		d = diagnose(checker->diagnostics, SEVERITY_WARNING, word->place, "%s has bits set behind its prefix",
			     word->text);
		diagnostic_hint(checker->diagnostics, d, "it is taken as %s",
				value_range_print(checker->arena, wanted->type, *ret_range));
		used_here(checker, leaf, d);
		return true;
	case RANGE_REVERSED:
		d = leaf_error(checker, leaf, word->place, "the range %s ends before it begins", word->text);
		diagnostic_hint(checker->diagnostics, d, "write %s-%s",
				value_print(checker->arena, wanted->type, ret_range->high),
				value_print(checker->arena, wanted->type, ret_range->low));
		return false;
	default:
		used_here(checker, leaf, value_explain(wanted, word->text, word->place, checker->diagnostics));
		return false;
	}
}

/* range = value "-" value, with blanks or variables */
static bool check_range(struct checker *checker, const struct value_type_of *wanted, const struct leaf *leaf,
			struct value_range *ret_range)
{
	struct value_range range;
	struct value *ends[2] = { &range.low, &range.high };
	const struct ast_value *child = leaf->value->children;
	struct diagnostic *d;

	for (int i = 0; i < 2; i++, child = child->next) {
		struct leaf end = *leaf;

		end.value = child ? leaf_single(checker, child, leaf, "an end of a range") : NULL;
		if (!end.value || !check_single(checker, wanted, &end, ends[i]))
			return false;
	}
	if (value_compare(range.low, range.high) > 0) {
		d = leaf_error(checker, leaf, leaf->value->place, "the range ends before it begins");
		diagnostic_hint(checker->diagnostics, d, "write %s-%s", value_print(checker->arena, wanted->type, range.high),
				value_print(checker->arena, wanted->type, range.low));
		return false;
	}
	*ret_range = range;
	return true;
}

/* flags = value { "|" value } */
static bool check_flags(struct checker *checker, const struct value_type_of *wanted, const struct leaf *leaf,
			struct value_range *ret_range)
{
	struct value joined = { 0 }, one;

	if (!type_has_bits(wanted->type)) {
		struct diagnostic *d =
			leaf_error(checker, leaf, leaf->value->place, "values of %s cannot be joined with '|'", wanted->words);

		diagnostic_hint(checker->diagnostics, d, "write a list: { a, b }");
		return false;
	}
	for (const struct ast_value *child = leaf->value->children; child; child = child->next) {
		struct leaf part = *leaf;

		part.value = child->kind == AST_FLAGS ? child : leaf_single(checker, child, leaf, "a part of '|'");
		if (!part.value || !check_single(checker, wanted, &part, &one))
			return false;
		joined.lo |= one.lo;
	}
	*ret_range = (struct value_range){ joined, joined };
	return true;
}

bool check_leaf(struct checker *checker, const struct value_type_of *wanted, const struct leaf *leaf,
		struct value_range *ret_range)
{
	switch (leaf->value->kind) {
	case AST_WORD:
	case AST_STRING:
		return check_word(checker, wanted, leaf, ret_range);
	case AST_RANGE:
		return check_range(checker, wanted, leaf, ret_range);
	case AST_FLAGS:
		return check_flags(checker, wanted, leaf, ret_range);
	case AST_SET:
		diagnostic_hint(checker->diagnostics,
				leaf_error(checker, leaf, leaf->value->place, "a set cannot stand among other values"),
				"a set stands alone in a match: ip saddr @%s", leaf->value->text);
		return false;
	case AST_CONCAT:
		diagnostic_hint(
			checker->diagnostics,
			leaf_error(checker, leaf, leaf->value->place, "a pair, where %s is a single value", wanted->words),
			"two fields are joined in the same way: ip saddr . tcp dport { 10.0.0.1 . 80 }");
		return false;
	default:
		return false;
	}
}

bool check_single(struct checker *checker, const struct value_type_of *wanted, const struct leaf *leaf, struct value *ret_value)
{
	struct value_range range;

	if (!check_leaf(checker, wanted, leaf, &range))
		return false;
	if (value_compare(range.low, range.high) != 0) {
		diagnostic_hint(
			checker->diagnostics,
			leaf_error(checker, leaf, leaf->value->place, "a single value is wanted here, not a range or prefix"),
			"write one value, such as %s", value_print(checker->arena, wanted->type, range.low));
		return false;
	}
	*ret_value = range.low;
	return true;
}

static uint64_t seconds_of(char letter)
{
	switch (letter) {
	case 'd':
		return 86400;
	case 'h':
		return 3600;
	case 'm':
		return 60;
	case 's':
	case 0:
		return 1;
	default:
		return 0;
	}
}

/* timeout = { number [dhms] } ; a bare number is seconds */
bool check_timeout(struct checker *checker, const char *text, struct place place, uint64_t *ret_seconds)
{
	uint64_t total = 0, number;
	const char *at = text;
	struct diagnostic *d;

	while (isdigit((unsigned char)*at)) {
		for (number = 0; isdigit((unsigned char)*at); at++)
			number = number > UINT32_MAX ? number : number * 10 + (uint64_t)(*at - '0');
		/* A bare number is the whole of it. */
		if (!seconds_of(*at) || number > UINT32_MAX * 100ull || (!*at && total))
			break;
		total += number * seconds_of(*at);
		if (!*at || !*++at) {
			if (total == 0 || total > MAX_TIMEOUT_DAYS * 86400ull)
				break;
			*ret_seconds = total;
			return true;
		}
	}
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, place,
		     *at || at == text ? "'%s' is not a time" : "a timeout of %s is out of range", text);
	diagnostic_hint(checker->diagnostics, d, "write 30s, 5m, 1h, 1d or 1h30m; at most %dd", MAX_TIMEOUT_DAYS);
	return false;
}

/* size = number [KM] */
bool check_size(struct checker *checker, const struct ast_value *value, uint32_t *ret_size)
{
	const struct ast_value *word = leaf_single(checker, value, NULL, "the size of a set");
	uint64_t size = 0, unit = 1;
	const char *at;
	struct diagnostic *d;

	if (!word)
		return false;
	for (at = word->text; isdigit((unsigned char)*at); at++)
		size = size > UINT32_MAX ? size : size * 10 + (uint64_t)(*at - '0');
	if (at != word->text && (*at == 'K' || *at == 'k' || *at == 'M' || *at == 'm') && !at[1])
		unit = (*at | 0x20) == 'k' ? 1024 : 1024 * 1024;
	if (at == word->text || (*at && unit == 1)) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, word->place, "'%s' is not a size", word->text);
		diagnostic_hint(checker->diagnostics, d, "write how many there may be: 1024, 64K, 1M");
		return false;
	}
	if (size == 0 || size * unit > LIMIT_SET_SIZE) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, word->place, "a size of %s is out of range", word->text);
		diagnostic_hint(checker->diagnostics, d, "from 1 to %uM elements", LIMIT_SET_SIZE >> 20);
		return false;
	}
	*ret_size = (uint32_t)(size * unit);
	return true;
}

bool check_name(struct checker *checker, const char *what, const char *name, struct place place)
{
	size_t length = strlen(name);
	struct diagnostic *d;

	if (length > LIMIT_NAME_BYTES) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, place, "the name of this %s has %zu bytes", what, length);
		diagnostic_hint(checker->diagnostics, d, "a name has at most %d", LIMIT_NAME_BYTES);
		return false;
	}
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' && (name[i] != '-' || i == 0))
			length = 0;
	if (length == 0) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, place, "'%s' cannot be the name of a %s", name, what);
		if (strcmp(what, "policy") == 0)
			diagnostic_hint(checker->diagnostics, d,
					"a name has letters, digits, '_' and '-'; give one with --name, or rename the file");
		else
			diagnostic_hint(checker->diagnostics, d, "a name has letters, digits, '_' and '-'");
		return false;
	}
	return true;
}
