// SPDX-License-Identifier: GPL-2.0-only
/* An answer of why_ask for people, and for programs. */
#include "report/why.h"

#include <string.h>

#include "report/json.h"

static const struct rule_list *answer_rules(const struct why_answer *answer)
{
	return answer->compiled->chains[answer->chain].rules;
}

/* Its matches, each with what the packet has; and what the rule does to the packet. */
static void print_matches(const struct why_rule *rule, const char *indent, FILE *out)
{
	for (uint32_t i = 0; i < rule->match_count; i++)
		fprintf(out, "%s%s: %s\n", indent, rule->matches[i].text, rule->matches[i].answer);
	if (rule->effects)
		fprintf(out, "%sdoes: %s\n", indent, rule->effects);
	if (rule->port)
		fprintf(out, "%s%s: %s\n", indent, verdict_name(rule->rule->verdict), rule->port);
}

/* Weir's own two have no text that a person wrote: what they are stands instead. */
static void print_decision(const struct why_answer *answer, FILE *out)
{
	const struct rule_list *list = answer_rules(answer);
	const struct rule *rule = answer->decided.rule;

	fputs(answer->decided.verdict, out);
	if (answer->decided.index + 2 < list->rule_count)
		fprintf(out, ", decided by %s: %s\n", answer->decided.name, rule->text);
	else if (answer->decided.index + 2 == list->rule_count)
		fprintf(out, ", since no rule about malformed packets decides\n");
	else if (rule->place.line)
		fprintf(out, ", since no rule decides: %s:%u: %s\n", rule->place.source ? rule->place.source->name : "policy",
			rule->place.line, rule->text);
	else
		fprintf(out, ", since no rule decides and the chain names no policy\n");
}

void why_print(const struct why_answer *answer, bool with_packet, FILE *out)
{
	const struct rule_list *list = answer_rules(answer);

	if (with_packet) {
		if (answer->packet_name && strcmp(answer->packet_name, answer->packet) != 0)
			fprintf(out, "%s: ", answer->packet_name);
		fprintf(out, "%s\n", answer->packet);
		if (answer->missing)
			fprintf(out, "  the capture lacks its last %zu bytes; they are taken for zeros\n", answer->missing);
	}
	fprintf(out, "  chain %s (%s): ", list->chain->name, hook_as_written(list->chain));
	if (answer->unseen) {
		fprintf(out, "never sees this packet: %s\n", answer->unseen);
		return;
	}
	print_decision(answer, out);
	print_matches(&answer->decided, "    ", out);
	for (uint32_t i = 0; i < answer->passed_count; i++) {
		fprintf(out, "    passed %s: %s\n", answer->passed[i].name, answer->passed[i].rule->text);
		print_matches(&answer->passed[i], "      ", out);
	}
	for (uint32_t i = 0; i < answer->failed_count; i++) {
		fprintf(out, "    not %s: %s\n", answer->failed[i].name, answer->failed[i].rule->text);
		/* all that held before the one that failed need no line */
		if (answer->failed[i].match_count)
			fprintf(out, "      %s: %s\n", answer->failed[i].matches[answer->failed[i].match_count - 1].text,
				answer->failed[i].matches[answer->failed[i].match_count - 1].answer);
	}
}

/* ---- JSON ---- */

static json_t *match_json(const struct why_match *match)
{
	return json_pack("{s:o, s:o, s:b}", "match", json_text(match->text), "answer", json_text(match->answer), "holds",
			 match->holds);
}

static json_t *rule_json(const struct why_rule *rule)
{
	json_t *matches = json_array(), *object;

	for (uint32_t i = 0; i < rule->match_count; i++)
		json_array_append_new(matches, match_json(&rule->matches[i]));
	object = json_pack("{s:o, s:I, s:o, s:s, s:o, s:o}", "rule", json_text(rule->name), "line",
			   (json_int_t)rule->rule->place.line, "text", json_text(rule->rule->text), "verdict",
			   verdict_name(rule->rule->verdict), "to", json_text(rule->rule->to), "effects",
			   json_text(rule->effects));
	if (rule->port)
		json_object_set_new(object, "port", json_text(rule->port));
	json_object_set_new(object, "log", json_boolean(rule->rule->log));
	json_object_set_new(object, "matches", matches);
	return object;
}

static json_t *rules_json(const struct why_rule *rules, uint32_t count)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(array, rule_json(&rules[i]));
	return array;
}

json_t *why_json(const struct why_answer *answer)
{
	const struct rule_list *list = answer_rules(answer);
	json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:s, s:I}", "policy", json_text(answer->compiled->policy->name),
				   "source", json_text(answer->packet_name), "packet", json_text(answer->packet), "chain",
				   json_text(list->chain->name), "hook", hook_name(list->hook), "missing_bytes",
				   (json_int_t)answer->missing);

	if (answer->unseen) {
		json_object_set_new(object, "unseen", json_text(answer->unseen));
		return object;
	}
	json_object_set_new(object, "verdict", json_string(verdict_name(answer->verdict)));
	json_object_set_new(object, "decided", rule_json(&answer->decided));
	json_object_set_new(object, "passed", rules_json(answer->passed, answer->passed_count));
	if (answer->failed)
		json_object_set_new(object, "failed", rules_json(answer->failed, answer->failed_count));
	return object;
}
