// SPDX-License-Identifier: GPL-2.0-only
#include "rules/match.h"

#include <string.h>

#include "rules/intervals.h"
#include "rules/set_search.h"
#include "rules/subject_fields.h"

static bool component_present(const struct policy_match *match, uint32_t component, const struct weir_flow *flow)
{
	struct demand needs[SUBJECT_DEMANDS];

	match_needs(match, component, needs);
	for (unsigned i = 0; i < SUBJECT_DEMANDS; i++)
		if (needs[i].count && !intervals_contain(needs[i].intervals, needs[i].count, flow_field(flow, needs[i].field)))
			return false;
	return true;
}

bool match_present(const struct policy_match *match, const struct weir_flow *flow)
{
	for (uint32_t i = 0; i < match->subject_count; i++)
		if (!component_present(match, i, flow))
			return false;
	return true;
}

static struct value match_value(const struct policy_match *match, uint32_t component, const struct weir_flow *flow)
{
	struct value value = flow_value(flow, subject_fields(match->subjects[component])->field);

	if (match->masked)
		value = (struct value){ 0, value.lo & match->mask };
	return value;
}

static bool in_ranges(const struct policy_match *match, struct value value)
{
	for (uint32_t i = 0; i < match->range_count; i++)
		if (value_compare(value, match->ranges[i].low) >= 0 && value_compare(value, match->ranges[i].high) <= 0)
			return true;
	return false;
}

bool match_holds(const struct rule_list *list, const struct policy_match *match, const struct judged_packet *packet)
{
	const struct weir_flow *flow = packet->flow;
	struct value values[SET_MAX_COMPONENTS] = { 0 };
	bool inside;

	if (!match_present(match, flow))
		return false;
	for (uint32_t i = 0; i < match->subject_count; i++)
		if (subject_fields(match->subjects[i])->field != WEIR_FIELD_COUNT)
			values[i] = match_value(match, i, flow);
	if (match->predicate)
		inside = predicate_holds(match->predicate, list->hook, packet);
	else if (match->set >= 0)
		inside = set_search(&list->sets[match->set], values);
	else
		inside = !match->range_count || in_ranges(match, values[0]);
	return inside != match->negated;
}

bool rule_concerns(const struct policy_rule *rule, const struct weir_flow *flow)
{
	if (!flow->malformed)
		return true;
	for (uint32_t i = 0; i < rule->match_count; i++)
		if (rule->matches[i].subjects[0] == SUBJECT_META_MALFORMED)
			return true;
	return false;
}

const char *match_text(struct arena *arena, const struct policy_match *match)
{
	const struct source *source = match->place.source;
	const char *line = source ? source->text : NULL;
	const char *newline;
	size_t length;

	for (uint32_t i = 1; line && i < match->place.line; i++) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	length = line ? strcspn(line, "\n") : 0;
	if (!match->place.line || !match->place.column || length < match->place.column)
		return subject_words(match->subjects[0]);
	line += match->place.column - 1;
	length -= match->place.column - 1;
	newline = match->place.length < length ? line + match->place.length : line + length;
	return arena_strndup(arena, line, (size_t)(newline - line));
}
