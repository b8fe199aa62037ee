// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules that can never decide. In: the rules, and for each whether the tree has a leaf for it. Out: a warning for each
 * that has none, with the line of the rule that covers it, or of the first ones that stand in its way.
 *
 * That a rule without verdict behind a deciding one is of no use the tree does not know. For these a covering rule is looked for,
 * too.
 *
 * Each search has a budget: past it an unreached rule's warning names no line, and of the others none is found. So a policy
 * of thousands of doubles costs no more than one without.
 */
#include <netinet/in.h>

#include "rules/intervals.h"
#include "rules/rules.h"
#include "rules/subject_fields.h"

#define SEARCH_BUDGET 20000000 /* comparisons of a constraint, some tenths of a second */

struct search {
	const struct rule_list *list;
	const bool *reached;
	uint64_t budget;
	struct interval *spans; /* by dimension: from the least value to the greatest of the first box that is to be covered */
};

/* What every packet with such a header has in other fields. */
static const struct fact {
	enum weir_field of;
	uint64_t value;
	enum weir_field field;
	struct interval is;
} facts[] = {
	{ WEIR_FIELD_TRANSPORT, WEIR_TRANSPORT_TCP, WEIR_FIELD_PROTOCOL, { IPPROTO_TCP, IPPROTO_TCP } },
	{ WEIR_FIELD_TRANSPORT, WEIR_TRANSPORT_UDP, WEIR_FIELD_PROTOCOL, { IPPROTO_UDP, IPPROTO_UDP } },
	{ WEIR_FIELD_TRANSPORT, WEIR_TRANSPORT_SCTP, WEIR_FIELD_PROTOCOL, { IPPROTO_SCTP, IPPROTO_SCTP } },
	{ WEIR_FIELD_TRANSPORT, WEIR_TRANSPORT_ICMP, WEIR_FIELD_PROTOCOL, { IPPROTO_ICMP, IPPROTO_ICMP } },
	{ WEIR_FIELD_TRANSPORT, WEIR_TRANSPORT_ICMPV6, WEIR_FIELD_PROTOCOL, { IPPROTO_ICMPV6, IPPROTO_ICMPV6 } },
	{ WEIR_FIELD_TRANSPORT, WEIR_TRANSPORT_TCP, WEIR_FIELD_NETWORK, { WEIR_NETWORK_IPV4, WEIR_NETWORK_IPV6 } },
	{ WEIR_FIELD_TRANSPORT, WEIR_TRANSPORT_UDP, WEIR_FIELD_NETWORK, { WEIR_NETWORK_IPV4, WEIR_NETWORK_IPV6 } },
	{ WEIR_FIELD_TRANSPORT, WEIR_TRANSPORT_SCTP, WEIR_FIELD_NETWORK, { WEIR_NETWORK_IPV4, WEIR_NETWORK_IPV6 } },
	{ WEIR_FIELD_TRANSPORT, WEIR_TRANSPORT_ICMP, WEIR_FIELD_NETWORK, { WEIR_NETWORK_IPV4, WEIR_NETWORK_IPV4 } },
	{ WEIR_FIELD_TRANSPORT, WEIR_TRANSPORT_ICMPV6, WEIR_FIELD_NETWORK, { WEIR_NETWORK_IPV6, WEIR_NETWORK_IPV6 } },
	{ WEIR_FIELD_NETWORK, WEIR_NETWORK_ARP, WEIR_FIELD_ETHER_TYPE, { 0x0806, 0x0806 } },
	{ WEIR_FIELD_NETWORK, WEIR_NETWORK_ARP_IPV4, WEIR_FIELD_ETHER_TYPE, { 0x0806, 0x0806 } },
	{ WEIR_FIELD_NETWORK, WEIR_NETWORK_IPV4, WEIR_FIELD_ETHER_TYPE, { 0x0800, 0x0800 } },
	{ WEIR_FIELD_NETWORK, WEIR_NETWORK_IPV6, WEIR_FIELD_ETHER_TYPE, { 0x86dd, 0x86dd } },
};

static const struct constraint *find_constraint(const struct box *box, uint32_t dimension)
{
	for (uint32_t i = 0; i < box->count && box->constraints[i].dimension <= dimension; i++)
		if (box->constraints[i].dimension == dimension)
			return &box->constraints[i];
	return NULL;
}

static bool is_field(const struct search *search, uint32_t dimension, enum weir_field field)
{
	const struct dimension *of = &search->list->dimensions[dimension];

	return of->kind == DIMENSION_FIELD && of->field == field && of->mask == field_max(field);
}

/* Every value that HAD allows of its field OF must make WANTED's field lie where WANTED has it. */
static bool facts_say(enum weir_field of, const struct constraint *had, enum weir_field field, const struct constraint *wanted)
{
	for (uint32_t i = 0; i < had->count; i++)
		for (uint64_t value = had->intervals[i].low; value <= had->intervals[i].high; value++) {
			const struct fact *fact = facts, *end = facts + sizeof(facts) / sizeof(facts[0]);

			while (fact < end && (fact->of != of || fact->value != value || fact->field != field))
				fact++;
			if (fact == end || !intervals_subset(&fact->is, 1, wanted->intervals, wanted->count))
				return false;
		}
	return true;
}

/* The field, when it is one that a header settles; else WEIR_FIELD_COUNT. */
static enum weir_field followed_field(const struct search *search, uint32_t dimension)
{
	static const enum weir_field followed[] = { WEIR_FIELD_PROTOCOL, WEIR_FIELD_NETWORK, WEIR_FIELD_ETHER_TYPE };

	for (unsigned i = 0; i < 3; i++)
		if (is_field(search, dimension, followed[i]))
			return followed[i];
	return WEIR_FIELD_COUNT;
}

/* Does a header that INNER asks for make WANTED hold? */
static bool follows(const struct search *search, const struct box *inner, const struct constraint *wanted)
{
	enum weir_field field = followed_field(search, wanted->dimension);

	for (uint32_t i = 0; field != WEIR_FIELD_COUNT && i < inner->count; i++) {
		const struct constraint *had = &inner->constraints[i];

		if (is_field(search, had->dimension, WEIR_FIELD_TRANSPORT) && facts_say(WEIR_FIELD_TRANSPORT, had, field, wanted))
			return true;
		if (is_field(search, had->dimension, WEIR_FIELD_NETWORK) && facts_say(WEIR_FIELD_NETWORK, had, field, wanted))
			return true;
	}
	return false;
}

/* Every constraint of OUTER must be kept by INNER's own on that dimension, or follow from others of INNER. */
static bool box_covers(const struct search *search, const struct box *outer, const struct box *inner)
{
	for (uint32_t i = 0; i < outer->count; i++) {
		const struct constraint *wanted = &outer->constraints[i];
		const struct constraint *had = find_constraint(inner, wanted->dimension);

		if ((!had || !intervals_subset(had->intervals, had->count, wanted->intervals, wanted->count)) &&
		    !follows(search, inner, wanted))
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

static void span_first_box(struct search *search, const struct rule *rule)
{
	const struct box *box = &rule->boxes[0];

	for (uint32_t i = 0; i < search->list->dimension_count; i++)
		search->spans[i] = (struct interval){ 0, UINT64_MAX };
	for (uint32_t i = 0; i < box->count; i++) {
		const struct constraint *constraint = &box->constraints[i];

		if (constraint->count)
			search->spans[constraint->dimension] =
				(struct interval){ constraint->intervals[0].low,
						   constraint->intervals[constraint->count - 1].high };
	}
}

/* Most rules are told apart by this: does OUTER, of one box, end before the first box does, in a field that no header settles? */
static bool ends_before(const struct search *search, const struct rule *outer)
{
	const struct box *box = &outer->boxes[0];

	for (uint32_t i = 0; outer->box_count == 1 && i < box->count; i++) {
		const struct constraint *constraint = &box->constraints[i];
		struct interval span = search->spans[constraint->dimension];

		if (constraint->count && followed_field(search, constraint->dimension) == WEIR_FIELD_COUNT &&
		    (span.low < constraint->intervals[0].low || span.high > constraint->intervals[constraint->count - 1].high))
			return true;
	}
	return false;
}

static bool rule_covers(struct search *search, const struct rule *outer, const struct rule *inner)
{
	spend(search, outer, inner);
	if (ends_before(search, outer))
		return false;
	for (uint32_t i = 0; i < inner->box_count; i++) {
		bool covered = false;

		for (uint32_t o = 0; o < outer->box_count && !covered; o++)
			covered = box_covers(search, &outer->boxes[o], &inner->boxes[i]);
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

		/* A rule that never decides stands in nobody's way. */
		if (earlier->verdict == WEIR_VERDICT_CONTINUE || !search->reached[i] || !rules_meet(search, earlier, rule))
			continue;
		diagnostic_related(diagnostics, warning, earlier->place, "part of what it matches is decided here");
		named++;
	}
	diagnostic_hint(diagnostics, warning, "remove it, or move it before the rules that cover it");
}

/* The first rule before that covers the rule; NULL: none, or the budget is spent. */
static const struct rule *find_cover(struct search *search, uint32_t index)
{
	span_first_box(search, &search->list->rules[index]);
	for (size_t i = 0; i < index && search->budget; i++) {
		const struct rule *earlier = &search->list->rules[i];

		if (earlier->verdict != WEIR_VERDICT_CONTINUE && rule_covers(search, earlier, &search->list->rules[index]))
			return earlier;
	}
	return NULL;
}

void rules_warn_shadowed(const struct rule_list *list, const bool *reached, struct diagnostics *diagnostics)
{
	struct interval *spans = arena_new_array(diagnostics->arena, struct interval, list->dimension_count);
	struct search search = { list, reached, SEARCH_BUDGET, spans }, unseen = search;

	for (uint32_t i = 0; i + 2 < list->rule_count; i++) {
		const struct rule *rule = &list->rules[i], *cover = NULL;

		if (!rule->box_count) /* a contradiction, which was said before */
			continue;
		if (!reached[i])
			cover = find_cover(&search, i);
		else if (rule->verdict == WEIR_VERDICT_CONTINUE)
			cover = find_cover(&unseen, i);
		if (cover)
			warn_covered(rule, cover, diagnostics);
		else if (!reached[i])
			warn_together(&search, i, diagnostics);
	}
}
