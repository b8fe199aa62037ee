// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plain evaluator: the truth that tree and kernel are compared with. It goes through rules, boxes and constraints
 * one after another and remembers nothing, so that it can be seen to be right.
 */
#include "rules/intervals.h"
#include "rules/rules.h"
#include "rules/set_search.h"

uint64_t flow_field(const struct weir_flow *flow, enum weir_field field)
{
	switch (field) {
#define X(id, member, bits)                                                                                                      \
	case WEIR_FIELD_##id:                                                                                                    \
		return flow->member;
		WEIR_FIELDS(X)
#undef X
	case WEIR_FIELD_COUNT:
		break;
	}
	return 0;
}

uint64_t packet_dimension(const struct judged_packet *packet, const struct rule_list *list, uint32_t dimension,
			  dimension_lookup lookup, void *context)
{
	const struct dimension *asked = &list->dimensions[dimension];

	if (asked->kind != DIMENSION_FIELD)
		return lookup(context, asked, packet);
	return flow_field(packet->flow, asked->field) & asked->mask;
}

static bool box_holds(const struct rule_list *list, const struct box *box, const struct judged_packet *packet,
		      dimension_lookup lookup, void *context)
{
	for (uint32_t i = 0; i < box->count; i++) {
		const struct constraint *constraint = &box->constraints[i];
		uint64_t value = packet_dimension(packet, list, constraint->dimension, lookup, context);

		if (!intervals_contain(constraint->intervals, constraint->count, value))
			return false;
	}
	return true;
}

void rules_judge(const struct rule_list *list, const struct judged_packet *packet, dimension_lookup lookup, void *context,
		 struct judgement *judgement)
{
	judgement->passed_count = 0;
	for (uint32_t i = 0; i < list->rule_count; i++) {
		const struct rule *rule = &list->rules[i];
		bool holds = false;

		for (uint32_t b = 0; b < rule->box_count && !holds; b++)
			holds = box_holds(list, &rule->boxes[b], packet, lookup, context);
		if (!holds)
			continue;
		if (rule->verdict != WEIR_VERDICT_CONTINUE) {
			judgement->decided = i;
			return;
		}
		judgement->passed[judgement->passed_count++] = i;
	}
	judgement->decided = list->rule_count - 1; /* never come to: the chain's policy has no constraint */
}

bool rules_answer(void *context, const struct dimension *dimension, const struct judged_packet *packet)
{
	const struct rule_list *list = context;
	struct value key[SET_MAX_COMPONENTS] = { 0 };

	if (dimension->kind == DIMENSION_PREDICATE)
		return predicate_holds(dimension->predicate, list->hook, packet);
	for (uint32_t i = 0; i < dimension->key_count; i++)
		key[i] = flow_value(packet->flow, dimension->keys[i]);
	return set_search(&list->sets[dimension->set], key);
}
