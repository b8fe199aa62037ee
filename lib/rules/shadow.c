// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules that can never decide. In: the rules, and for each whether the tree has a leaf for it. Out: a warning for each
 * that has none, with the line of the rule that covers it, or of the first ones that stand in its way.
 *
 * Only unreached rules are searched for, and the search as a whole has a budget: past it a warning names no line. So
 * a policy of thousands of doubles costs no more than one without.
 */
#include "rules/intervals.h"
#include "rules/rules.h"

#define SEARCH_BUDGET 20000000 /* comparisons of a constraint, some tenths of a second */

struct search {
	const struct rule_list *list;
	uint64_t budget;
};

static const struct constraint *find_constraint(const struct box *box, uint32_t dimension)
{
	for (uint32_t i = 0; i < box->count && box->constraints[i].dimension <= dimension; i++)
		if (box->constraints[i].dimension == dimension)
			return &box->constraints[i];
	return NULL;
}

/* Every constraint of OUTER must be kept by INNER's own on that dimension. */
static bool box_covers(const struct box *outer, const struct box *inner)
{
	for (uint32_t i = 0; i < outer->count; i++) {
		const struct constraint *wanted = &outer->constraints[i];
		const struct constraint *had = find_constraint(inner, wanted->dimension);

		if (!had || !intervals_subset(had->intervals, had->count, wanted->intervals, wanted->count))
			return false;
	}
	return true;
}

static bool boxes_meet(const struct box *a, const struct box *b)
{
	for (uint32_t i = 0; i < a->count; i++) {
		const struct constraint *one = &a->constraints[i];
		const struct constraint *other = find_constraint(b, one->dimension);

		if (other && !intervals_meet(one->intervals, one->count, other->intervals, other->count))
			return false;
	}
	return true;
}

static void spend(struct search *search, const struct rule *a, const struct rule *b)
{
	uint64_t cost = (uint64_t)a->box_count * b->box_count * 4;

	search->budget -= cost < search->budget ? cost : search->budget;
}

static bool rule_covers(struct search *search, const struct rule *outer, const struct rule *inner)
{
	spend(search, outer, inner);
	for (uint32_t i = 0; i < inner->box_count; i++) {
		bool covered = false;

		for (uint32_t o = 0; o < outer->box_count && !covered; o++)
			covered = box_covers(&outer->boxes[o], &inner->boxes[i]);
		if (!covered)
			return false;
	}
	return true;
}

static bool rules_meet(struct search *search, const struct rule *a, const struct rule *b)
{
	spend(search, a, b);
	for (uint32_t i = 0; i < a->box_count; i++)
		for (uint32_t j = 0; j < b->box_count; j++)
			if (boxes_meet(&a->boxes[i], &b->boxes[j]))
				return true;
	return false;
}

static void warn_covered(const struct rule *rule, const struct rule *by, struct diagnostics *diagnostics)
{
	const char *never = rule->verdict == WEIR_VERDICT_CONTINUE ? "is never met" : "can never decide";
	struct diagnostic *warning;

	warning = diagnose(diagnostics, SEVERITY_WARNING, rule->place, "this rule %s: line %u covers it", never, by->place.line);
	diagnostic_related(diagnostics, warning, by->place, "every packet it matches is decided here");
	diagnostic_hint(diagnostics, warning, "remove it, or move it before line %u", by->place.line);
}

static void warn_together(struct search *search, uint32_t index, struct diagnostics *diagnostics)
{
	const struct rule *rule = &search->list->rules[index];
	const char *never = rule->verdict == WEIR_VERDICT_CONTINUE ? "is never met" : "can never decide";
	struct diagnostic *warning;
	unsigned named = 0;

	warning = diagnose(diagnostics, SEVERITY_WARNING, rule->place, "this rule %s: the rules before it cover it together",
			   never);
	for (uint32_t i = 0; i < index && named < 2 && search->budget; i++) {
		const struct rule *earlier = &search->list->rules[i];

		if (earlier->verdict == WEIR_VERDICT_CONTINUE || !rules_meet(search, earlier, rule))
			continue;
		diagnostic_related(diagnostics, warning, earlier->place, "part of what it matches is decided here");
		named++;
	}
	diagnostic_hint(diagnostics, warning, "remove it, or move it before the rules that cover it");
}

void rules_warn_shadowed(const struct rule_list *list, const bool *reached, struct diagnostics *diagnostics)
{
	struct search search = { list, SEARCH_BUDGET };

	for (uint32_t i = 0; i + 2 < list->rule_count; i++) {
		const struct rule *rule = &list->rules[i], *cover = NULL;

		if (reached[i] || !rule->box_count) /* no box: a contradiction, which was said before */
			continue;
		for (uint32_t j = 0; j < i && !cover && search.budget; j++)
			if (list->rules[j].verdict != WEIR_VERDICT_CONTINUE && rule_covers(&search, &list->rules[j], rule))
				cover = &list->rules[j];
		if (cover)
			warn_covered(rule, cover, diagnostics);
		else
			warn_together(&search, i, diagnostics);
	}
}
