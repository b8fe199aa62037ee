// SPDX-License-Identifier: GPL-2.0-only
/*
 * Matches that no packet meets together. In: the parts of a rule, implied ones too. Out: whether there can be such a packet,
 * and a warning with the places of the two (or three) matches that are at odds.
 */
#include "base/limits.h"
#include "rules/lowering.h"
#include "rules/match.h"
#include "rules/subject_fields.h"

static void warn_alone(struct lowering *lowering, int index)
{
	const struct policy_match *match = &lowering->rule->matches[index];
	struct diagnostic *warning = diagnose(lowering->diagnostics, SEVERITY_WARNING, match->place,
					      "this match contradicts itself: no packet meets it");

	diagnostic_hint(lowering->diagnostics, warning, "the rule never matches; change the match or remove the rule");
}

/*
 * As it was written; where no more warnings are kept, the words of its subject do, since the text is searched for line by line.
 */
static const char *quoted(struct lowering *lowering, int index)
{
	const struct policy_match *match = &lowering->rule->matches[index];

	if (lowering->diagnostics->list.count >= LIMIT_DIAGNOSTICS)
		return subject_words(match->subjects[0]);
	return match_text(lowering->arena, match);
}

/* OTHERS: one or two matches before. */
static void warn_against(struct lowering *lowering, int index, const int *others, unsigned count)
{
	const struct policy_match *matches = lowering->rule->matches;
	const char *first = quoted(lowering, others[0]), *second = count > 1 ? quoted(lowering, others[1]) : NULL;
	struct diagnostic *warning;

	if (second)
		warning = diagnose(lowering->diagnostics, SEVERITY_WARNING, matches[index].place,
				   "this match contradicts '%s' and '%s': no packet meets all of them", first, second);
	else
		warning = diagnose(lowering->diagnostics, SEVERITY_WARNING, matches[index].place,
				   "this match contradicts '%s': no packet meets both", first);
	diagnostic_hint(lowering->diagnostics, warning, "the rule never matches; make two rules of it if either is meant");
	for (unsigned i = 0; i < count; i++)
		diagnostic_related(lowering->diagnostics, warning, matches[others[i]].place, "the other match is here");
}

static bool apart(const struct part *a, const struct part *b)
{
	return !intervals_meet(a->list.items, a->list.count, b->list.items, b->list.count);
}

/* The part at LAST made the intersection on its dimension empty: find with which before it is at odds. */
static void explain(struct lowering *lowering, size_t last)
{
	const struct part *parts = lowering->parts.items;
	int others[2];
	unsigned count = 0;

	for (size_t i = 0; i <= last; i++)
		if (parts[i].match >= 0 && !parts[i].list.count && dimension_equal(&parts[i].dimension, &parts[last].dimension)) {
			warn_alone(lowering, parts[i].match);
			return;
		}
	for (size_t i = 0; i < last; i++) {
		if (!dimension_equal(&parts[i].dimension, &parts[last].dimension) || parts[i].match < 0)
			continue;
		if (parts[i].match == parts[last].match) {
			if (apart(&parts[i], &parts[last])) {
				warn_alone(lowering, parts[last].match);
				return;
			}
			continue;
		}
		if (apart(&parts[i], &parts[last])) {
			warn_against(lowering, parts[last].match, &parts[i].match, 1);
			return;
		}
		if (count < 2 && (!count || others[0] != parts[i].match))
			others[count++] = parts[i].match;
	}
	if (count)
		warn_against(lowering, parts[last].match, others, count);
	else
		warn_alone(lowering, parts[last].match);
}

/*
 * The same field under two masks: is there a value that both allow? Of fields that are wider than 16 bits it is only known
 * where both name a single value.
 */
static bool masks_meet(const struct part *a, const struct part *b)
{
	const uint64_t both = a->dimension.mask & b->dimension.mask, max = field_max(a->dimension.field);

	if (a->list.count == 1 && b->list.count == 1 && a->list.items->low == a->list.items->high &&
	    b->list.items->low == b->list.items->high)
		return !((a->list.items->low ^ b->list.items->low) & both);
	if (max > 0xffff)
		return true;
	for (uint64_t value = 0; value <= max; value++)
		if (intervals_contain(a->list.items, a->list.count, value & a->dimension.mask) &&
		    intervals_contain(b->list.items, b->list.count, value & b->dimension.mask))
			return true;
	return false;
}

/* `tcp flags & (syn|ack) == syn tcp flags ack` */
static bool warn_masks(struct lowering *lowering)
{
	const struct part *parts = lowering->parts.items;

	for (size_t i = 0; i < lowering->parts.count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct dimension *a = &parts[j].dimension, *b = &parts[i].dimension;

			if (a->kind != DIMENSION_FIELD || b->kind != DIMENSION_FIELD || a->field != b->field ||
			    a->mask == b->mask || parts[i].match < 0 || parts[j].match < 0 || masks_meet(&parts[j], &parts[i]))
				continue;
			warn_against(lowering, parts[i].match, &parts[j].match, 1);
			return true;
		}
	return false;
}

bool lower_warn_contradiction(struct lowering *lowering)
{
	const struct part *parts = lowering->parts.items;

	for (size_t i = 0; i < lowering->parts.count; i++) {
		struct interval_list list = parts[i].list;

		for (size_t j = 0; j < i && list.count; j++)
			if (dimension_equal(&parts[j].dimension, &parts[i].dimension))
				list = intervals_intersect(lowering->arena, list, parts[j].list);
		if (!list.count) {
			explain(lowering, i);
			return true;
		}
	}
	return warn_masks(lowering);
}

void lower_warn_unions(struct lowering *lowering)
{
	const struct alternatives *last = &lowering->unions.items[lowering->unions.count - 1];
	int others[2];
	unsigned count = 0;

	for (size_t i = 0; i < lowering->parts.count && count < 2; i++) {
		enum weir_field field = lowering->parts.items[i].dimension.field;
		int match = lowering->parts.items[i].match;

		if (lowering->parts.items[i].dimension.kind == DIMENSION_FIELD && match >= 0 && match < last->index &&
		    (field == last->field || field == last->field + 1) && (!count || others[0] != match))
			others[count++] = match;
	}
	for (size_t i = 0; i + 1 < lowering->unions.count && count < 2; i++)
		if (lowering->unions.items[i].field == last->field)
			others[count++] = lowering->unions.items[i].index;
	if (count)
		warn_against(lowering, last->index, others, count);
	else
		warn_alone(lowering, last->index);
}
