// SPDX-License-Identifier: GPL-2.0-only
/* All in integers and from a state of one's own, so that the same rules give the same packets on every machine. */
#include "tree/sample.h"

#include "rules/intervals.h"

static uint64_t scatter(uint64_t *state)
{
	uint64_t number = (*state += 0x9e3779b97f4a7c15);

	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return number ^ number >> 31;
}

static void set_field(struct weir_flow *flow, enum weir_field field, uint64_t value)
{
	switch (field) {
#define X(id, member, bits)                                                                                                      \
	case WEIR_FIELD_##id:                                                                                                    \
		flow->member = value;                                                                                            \
		break;
		WEIR_FIELDS(X)
#undef X
	case WEIR_FIELD_COUNT:
		break;
	}
}

static uint64_t pick_value(const struct constraint *constraint, uint64_t *state)
{
	const struct interval *interval = &constraint->intervals[scatter(state) % constraint->count];
	uint64_t width = interval->high - interval->low;

	return width == UINT64_MAX ? scatter(state) : interval->low + scatter(state) % (width + 1);
}

struct sample sample_draw(struct grower *grower, const struct rule_list *list, uint32_t rule, uint64_t *state)
{
	static const enum weir_field scattered[] = { WEIR_FIELD_SADDR4,	  WEIR_FIELD_DADDR4, WEIR_FIELD_SADDR_HI,
						     WEIR_FIELD_DADDR_HI, WEIR_FIELD_SPORT,  WEIR_FIELD_DPORT };
	const struct rule *asked = &list->rules[rule];
	uint32_t chosen = scatter(state) % asked->box_count, region = grower_rule_regions(grower, rule)[chosen];
	struct sample sample = { .box = &asked->boxes[chosen] };

	if (region != REGION_NONE)
		sample.flow = facts_example(grower_regions(grower)->items.items[region].profiles);
	for (unsigned i = 0; i < sizeof(scattered) / sizeof(*scattered); i++)
		set_field(&sample.flow, scattered[i], scatter(state));
	for (uint32_t i = 0; i < sample.box->count; i++) {
		const struct constraint *constraint = &sample.box->constraints[i];
		const struct dimension *dimension = &list->dimensions[constraint->dimension];

		if (dimension->kind == DIMENSION_FIELD && constraint->count && !facts_concern(dimension))
			set_field(&sample.flow, dimension->field, pick_value(constraint, state));
	}
	return sample;
}

/* A sample is in the sets and meets the predicates that its box asks for, and no other. */
struct answerer {
	const struct sample *sample;
	const struct rule_list *list;
};

static bool answer(void *context, const struct dimension *dimension, const struct judged_packet *packet)
{
	const struct answerer *answerer = context;
	const struct box *box = answerer->sample->box;
	uint32_t number = dimension - answerer->list->dimensions;

	(void)packet;
	for (uint32_t i = 0; i < box->count; i++)
		if (box->constraints[i].dimension == number)
			return box->constraints[i].count && box->constraints[i].intervals[0].high == 1;
	return false;
}

uint64_t sample_dimension(const struct sample *sample, const struct rule_list *list, uint32_t dimension)
{
	const struct judged_packet packet = { .flow = &sample->flow };
	struct answerer answerer = { sample, list };

	return packet_dimension(&packet, list, dimension, answer, &answerer);
}

bool sample_holds(const struct sample *sample, const struct rule_list *list)
{
	for (uint32_t i = 0; i < sample->box->count; i++) {
		const struct constraint *constraint = &sample->box->constraints[i];

		if (!intervals_contain(constraint->intervals, constraint->count,
				       sample_dimension(sample, list, constraint->dimension)))
			return false;
	}
	return true;
}
