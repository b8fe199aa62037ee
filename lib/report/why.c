// SPDX-License-Identifier: GPL-2.0-only
/*
 * The explanation. The plain evaluator says who decides and who was passed; then each match of those rules is judged by
 * itself (rules/match.h), and what the packet had in its place is put into words.
 */
#include "report/why.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "check/names.h"
#include "rules/http.h"
#include "rules/intervals.h"
#include "rules/match.h"
#include "rules/set_search.h"
#include "rules/subject_fields.h"

/* "tiny-fragment (a fragment that cuts or overlaps the transport header)" */
static const char *fault_text(unsigned fault)
{
	static const char *const texts[] = {
#define X(id, name, text) name " (" text ")",
		WEIR_MALFORMED(X)
#undef X
	};

	return fault < WEIR_MALFORMED_COUNT ? texts[fault] : "?";
}

/* What stands in the packet where the subject looks. */
static const char *subject_value(struct arena *arena, const struct policy_match *match, uint32_t component,
				 const struct weir_flow *flow)
{
	enum subject subject = match->subjects[component];
	enum value_type type = subject_type(subject);
	struct value value = flow_value(flow, subject_fields(subject)->field);
	const char *flags = NULL;

	if (subject == SUBJECT_META_MALFORMED)
		return fault_text((unsigned)value.lo);
	if (type == TYPE_INTERFACE)
		return arena_printf(arena, "interface number %" PRIu64, value.lo);
	if (type != TYPE_TCP_FLAGS)
		return value_print(arena, type, value);
	for (unsigned bit = 0; bit < 8; bit++)
		if (value.lo & 1u << bit)
			flags = arena_printf(arena, "%s%s%s", flags ? flags : "", flags ? "|" : "", name_word(type, 1u << bit));
	return flags ? flags : "no flag";
}

static const char *lacks(struct arena *arena, const struct policy_match *match, const struct weir_flow *flow)
{
	const char *what = subject_fields(match->subjects[0])->what;

	/* Of a pair, the part that is missing. */
	for (uint32_t i = 0; i < match->subject_count; i++) {
		struct policy_match one = *match;

		one.subjects[0] = match->subjects[i];
		one.subject_count = 1;
		if (!match_present(&one, flow))
			what = subject_fields(match->subjects[i])->what;
	}
	if (flow->malformed)
		return arena_printf(arena, "the packet has no %s, it is malformed", what);
	if (flow->fragment && flow->transport == WEIR_TRANSPORT_NONE)
		return arena_printf(arena, "the packet has no %s, it is a later fragment", what);
	return arena_printf(arena, "the packet has no %s", what);
}

static const char *http_answer(struct arena *arena, const struct predicate *predicate, const struct judged_packet *packet)
{
	static const char *const words[] = {
		[WEIR_HTTP_METHOD] = "method", [WEIR_HTTP_PATH] = "path", [WEIR_HTTP_HOST] = "host"
	};
	struct http_value value;

	if (!http_read(packet, predicate->http.asked, &value))
		return arena_printf(arena, "no request begins in the packet, or its %s is not whole in it",
				    words[predicate->http.asked]);
	return arena_printf(arena, "the packet has \"%s\"",
			    escape_text(arena, value.bytes, value.length > 200 ? 200 : value.length));
}

static const char *match_answer(struct arena *arena, const struct rule_list *list, const struct policy_match *match,
				const struct judged_packet *packet)
{
	const struct weir_flow *flow = packet->flow;
	const char *values;

	if (!match_present(match, flow))
		return lacks(arena, match, flow);
	if (match->predicate && match->predicate->kind == PREDICATE_HTTP)
		return http_answer(arena, match->predicate, packet);
	if (match->predicate)
		return match_holds(list, match, packet) != match->negated ? "the packet meets it" : "the packet does not meet it";
	if (subject_fields(match->subjects[0])->field == WEIR_FIELD_COUNT)
		return arena_printf(arena, "the packet has %s %s",
				    strchr("AEIO", subject_fields(match->subjects[0])->what[0]) ? "an" : "a",
				    subject_fields(match->subjects[0])->what);
	values = subject_value(arena, match, 0, flow);
	for (uint32_t i = 1; i < match->subject_count; i++)
		values = arena_printf(arena, "%s . %s", values, subject_value(arena, match, i, flow));
	if (match->set >= 0 && !list->sets[match->set].anonymous)
		return arena_printf(arena, "the packet has %s, which is %s the set", values,
				    match_holds(list, match, packet) != match->negated ? "in" : "not in");
	if (match->subjects[0] == SUBJECT_META_MALFORMED)
		return arena_printf(arena, "the packet is malformed, %s", values);
	return arena_printf(arena, "the packet has %s", values);
}

/* ---- Rules ---- */

static const char *rule_name(struct arena *arena, const struct rule_list *list, uint32_t index)
{
	const struct rule *rule = &list->rules[index];

	if (index + 2 >= list->rule_count)
		return index + 1 == list->rule_count ? "policy" : "malformed";
	return arena_printf(arena, "%s:%u", rule->place.source ? rule->place.source->name : "policy", rule->place.line);
}

/* A malformed packet, for weir's own rule (HOLDS) or for one that does not speak of such. */
static struct why_match malformed_match(struct arena *arena, const struct weir_flow *flow, bool holds)
{
	return (struct why_match){
		.text = holds ? "malformed" : "a rule that does not say meta malformed",
		.answer = arena_printf(arena, "the packet is malformed, %s", fault_text(flow->malformed)),
		.holds = holds,
	};
}

/* All matches of a rule that matched; of one that did not, up to the first that failed. */
static struct why_rule explain_rule(struct arena *arena, const struct rule_list *list, uint32_t index,
				    const struct judged_packet *packet)
{
	const struct weir_flow *flow = packet->flow;
	struct why_rule explained = { .index = index, .rule = &list->rules[index], .name = rule_name(arena, list, index) };
	const struct policy_rule *written = index + 2 < list->rule_count ? &list->chain->rules[index] : NULL;
	struct why_match *matches;

	explained.verdict = verdict_print(arena, explained.rule->verdict, explained.rule->to);
	explained.effects = effects_print(arena, &explained.rule->action);
	explained.port = why_port(arena, explained.rule, flow);
	matches = arena_new_array(arena, struct why_match, written ? written->match_count + 1 : 1);
	explained.matches = matches;
	if (!written) {
		if (flow->malformed && index + 2 == list->rule_count)
			matches[explained.match_count++] = malformed_match(arena, flow, true);
		return explained;
	}
	if (!rule_concerns(written, flow)) {
		matches[explained.match_count++] = malformed_match(arena, flow, false);
		return explained;
	}
	for (uint32_t i = 0; i < written->match_count; i++) {
		const struct policy_match *match = &written->matches[i];

		matches[i] = (struct why_match){
			.text = match_text(arena, match),
			.answer = match_answer(arena, list, match, packet),
			.holds = match_holds(list, match, packet),
			.place = match->place,
		};
		explained.match_count++;
		if (!matches[i].holds)
			break;
	}
	return explained;
}

static void explain_failed(struct arena *arena, const struct rule_list *list, const struct judgement *judgement,
			   const struct judged_packet *packet, struct why_answer *answer)
{
	struct why_rule *failed = arena_new_array(arena, struct why_rule, judgement->decided);
	uint32_t passed = 0;

	for (uint32_t i = 0; i < judgement->decided; i++) {
		if (passed < judgement->passed_count && judgement->passed[passed] == i) {
			passed++;
			continue;
		}
		if (i + 2 == list->rule_count) /* weir's own for malformed packets, and this is none */
			break;
		failed[answer->failed_count++] = explain_rule(arena, list, i, packet);
	}
	answer->failed = failed;
}

/* ---- The packet as the hook has it ---- */

static bool cgroup_hook(enum weir_hook hook)
{
	return hook == WEIR_HOOK_CGROUP_INGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;
}

static bool is_tag(unsigned type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* A cgroup sees a packet behind its link layer, VLAN interfaces included. NULL, or why this one never comes there. */
static const char *strip_link(const uint8_t **data, size_t *length)
{
	size_t at = 14;
	unsigned type;

	if (*length < at)
		return "it is too short for an Ethernet header";
	type = (*data)[12] << 8 | (*data)[13];
	while (is_tag(type) && *length >= at + 4) {
		type = (*data)[at + 2] << 8 | (*data)[at + 3];
		at += 4;
	}
	if (type != 0x0800 && type != 0x86dd)
		return "a cgroup sees IP packets only";
	*data += at;
	*length -= at;
	return NULL;
}

const char *why_packet_at_hook(enum weir_hook hook, struct packet_context *context, const uint8_t **data, size_t *length)
{
	return cgroup_hook(hook) && !context->raw_ip ? strip_link(data, length) : NULL;
}

const struct why_answer *why_ask(struct arena *arena, const struct compiled *compiled, uint32_t chain,
				 const struct why_packet *packet, bool verbose)
{
	const struct rule_list *list = compiled->chains[chain].rules;
	struct why_answer *answer = arena_new_object(arena, struct why_answer);
	_cleanup_free_ uint32_t *passed = calloc(list->rule_count, sizeof(*passed));
	struct judgement judgement = { .passed = passed };
	struct packet_context context = packet->context;
	struct judged_packet judged;
	struct why_rule *met;
	const uint8_t *data = packet->data;
	size_t length = packet->length;

	answer->compiled = compiled;
	answer->chain = chain;
	answer->packet_name = packet->name;
	answer->missing = packet->missing;
	packet_parse(context.raw_ip ? WEIR_HOOK_CGROUP_INGRESS : WEIR_HOOK_TC_INGRESS, &context, data, length, &answer->flow);
	answer->packet = packet_print(arena, &answer->flow);
	if (!passed) {
		answer->unseen = "there is no memory to judge it";
		return answer;
	}
	answer->unseen = why_packet_at_hook(list->hook, &context, &data, &length);
	if (answer->unseen)
		return answer;
	packet_parse(list->hook, &context, data, length, &answer->flow);
	judged = (struct judged_packet){ &answer->flow, &context, data, length };
	rules_judge(list, &judged, rules_answer, (void *)list, &judgement);
	answer->verdict = list->rules[judgement.decided].verdict;
	answer->decided = explain_rule(arena, list, judgement.decided, &judged);
	met = arena_new_array(arena, struct why_rule, judgement.passed_count);
	for (uint32_t i = 0; i < judgement.passed_count; i++)
		met[i] = explain_rule(arena, list, judgement.passed[i], &judged);
	answer->passed = met;
	answer->passed_count = judgement.passed_count;
	if (verbose)
		explain_failed(arena, list, &judgement, &judged, answer);
	return answer;
}

int why_packet_from_words(struct arena *arena, const char *words, struct why_packet *ret_packet, struct diagnostics *diagnostics)
{
	struct why_packet packet = { .name = arena_strdup(arena, words) };
	int error = packet_from_words(arena, words, &packet.data, &packet.length, &packet.context, diagnostics);

	if (error)
		return error;
	*ret_packet = packet;
	return 0;
}
