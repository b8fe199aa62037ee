// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lowering. In: a chain of the checked policy. Out: a rule_list (rules.h), with one table of dimensions for the
 * chain. A rule's matches become parts, the parts on one dimension are intersected, and what remains, times the
 * alternatives of IPv6 matches, is its boxes.
 */
#include "rules/lowering.h"

#include <string.h>

#include "base/limits.h"
#include "rules/set_search.h"
#include "rules/subject_fields.h"

static bool http_equal(const struct http_match *a, const struct http_match *b)
{
	if (a->asked != b->asked || a->negated != b->negated || a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (a->patterns[i].prefix != b->patterns[i].prefix || a->patterns[i].length != b->patterns[i].length ||
		    memcmp(a->patterns[i].text, b->patterns[i].text, a->patterns[i].length) != 0)
			return false;
	return true;
}

static bool predicate_equal(const struct predicate *a, const struct predicate *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind)
		return false;
	if (a->kind == PREDICATE_HTTP)
		return http_equal(&a->http, &b->http);
	/* Two random draws are two. */
	if (a->programs[CLASSIC_ETHERNET] && !classic_is_steady(a->programs[CLASSIC_ETHERNET]))
		return false;
	if (a->programs[CLASSIC_RAW] && !classic_is_steady(a->programs[CLASSIC_RAW]))
		return false;
	return a->behind_link == b->behind_link && a->whole_frame == b->whole_frame &&
	       classic_equal(a->programs[CLASSIC_ETHERNET], b->programs[CLASSIC_ETHERNET]) &&
	       classic_equal(a->programs[CLASSIC_RAW], b->programs[CLASSIC_RAW]);
}

bool dimension_equal(const struct dimension *a, const struct dimension *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == DIMENSION_FIELD)
		return a->field == b->field && a->mask == b->mask;
	if (a->kind == DIMENSION_PREDICATE)
		return predicate_equal(a->predicate, b->predicate);
	if (a->set != b->set || a->key_count != b->key_count)
		return false;
	for (uint32_t i = 0; i < a->key_count; i++)
		if (a->keys[i] != b->keys[i])
			return false;
	return true;
}

struct dimension dimension_of_field(enum weir_field field)
{
	return (struct dimension){ .kind = DIMENSION_FIELD, .field = field, .mask = field_max(field), .max = field_max(field) };
}

static uint32_t dimension_index(struct lowering *lowering, const struct dimension *dimension)
{
	for (uint32_t i = 0; i < lowering->dimensions.count; i++)
		if (dimension_equal(&lowering->dimensions.items[i], dimension))
			return i;
	vector_push(lowering->arena, &lowering->dimensions, *dimension);
	return (uint32_t)lowering->dimensions.count - 1;
}

/* ---- Constraints and boxes ---- */

/* A box under way, constraints by ascending dimension. */
struct box_builder {
	VECTOR(struct constraint) constraints;
	bool empty; /* some constraint is one that nothing satisfies */
};

static void constrain(struct lowering *lowering, struct box_builder *builder, const struct dimension *dimension,
		      struct interval_list list)
{
	struct constraint added = { dimension_index(lowering, dimension), list.count, list.items };
	size_t at = 0;

	while (at < builder->constraints.count && builder->constraints.items[at].dimension < added.dimension)
		at++;
	if (at < builder->constraints.count && builder->constraints.items[at].dimension == added.dimension) {
		const struct constraint *there = &builder->constraints.items[at];
		struct interval_list both =
			intervals_intersect(lowering->arena, (struct interval_list){ there->count, there->intervals }, list);

		builder->constraints.items[at].count = both.count;
		builder->constraints.items[at].intervals = both.items;
		builder->empty |= !both.count;
		return;
	}
	vector_push(lowering->arena, &builder->constraints, added);
	for (size_t i = builder->constraints.count - 1; i > at; i--)
		builder->constraints.items[i] = builder->constraints.items[i - 1];
	builder->constraints.items[at] = added;
}

/* The product of the base with one alternative of each union, the unions' choices counted through in ROUND. */
static bool build_box(struct lowering *lowering, const struct box_builder *base, uint64_t round, struct box *ret_box)
{
	struct box_builder builder = { 0 };

	for (size_t i = 0; i < base->constraints.count; i++)
		vector_push(lowering->arena, &builder.constraints, base->constraints.items[i]);
	for (size_t i = 0; i < lowering->unions.count; i++) {
		const struct alternatives *alternatives = &lowering->unions.items[i];
		const struct alternative *chosen = &alternatives->items[round % alternatives->count];
		struct dimension high = dimension_of_field(alternatives->field),
				 low = dimension_of_field(alternatives->field + 1);

		round /= alternatives->count;
		if (chosen->high.count)
			constrain(lowering, &builder, &high, chosen->high);
		if (chosen->low.count)
			constrain(lowering, &builder, &low, chosen->low);
	}
	if (builder.empty)
		return false;
	*ret_box = (struct box){ (uint32_t)builder.constraints.count, builder.constraints.items };
	return true;
}

static uint64_t count_products(const struct lowering *lowering)
{
	uint64_t products = 1;

	for (size_t i = 0; i < lowering->unions.count && products <= LOWERING_BOXES; i++)
		products *= lowering->unions.items[i].count;
	return products;
}

/* Too many boxes: the widest union becomes a set instead, until there are few enough. */
static void bound_products(struct lowering *lowering)
{
	while (count_products(lowering) > LOWERING_BOXES) {
		size_t widest = 0;

		for (size_t i = 1; i < lowering->unions.count; i++)
			if (lowering->unions.items[i].count > lowering->unions.items[widest].count)
				widest = i;
		lower_union_as_set(lowering, &lowering->unions.items[widest]);
		for (size_t i = widest; i + 1 < lowering->unions.count; i++)
			lowering->unions.items[i] = lowering->unions.items[i + 1];
		lowering->unions.count--;
	}
}

static void build_boxes(struct lowering *lowering, struct rule *rule)
{
	struct box_builder base = { 0 };
	struct box *boxes;
	uint64_t products;

	bound_products(lowering);
	if (lower_warn_contradiction(lowering))
		return;
	for (size_t i = 0; i < lowering->parts.count; i++)
		if (!lowering->parts.items[i].implied)
			constrain(lowering, &base, &lowering->parts.items[i].dimension, lowering->parts.items[i].list);
	products = count_products(lowering);
	boxes = arena_new_array(lowering->arena, struct box, products);
	for (uint64_t round = 0; round < products; round++)
		rule->box_count += build_box(lowering, &base, round, &boxes[rule->box_count]);
	rule->boxes = boxes;
	if (!rule->box_count)
		lower_warn_unions(lowering);
}

/* ---- Rules ---- */

/* A rule that does not speak of malformed packets is not for them. */
static void require_well_formed(struct lowering *lowering)
{
	static const struct interval well_formed = { WEIR_MALFORMED_NONE, WEIR_MALFORMED_NONE };

	for (uint32_t i = 0; i < lowering->rule->match_count; i++)
		if (lowering->rule->matches[i].subjects[0] == SUBJECT_META_MALFORMED)
			return;
	vector_push(lowering->arena, &lowering->parts,
		    (struct part){ dimension_of_field(WEIR_FIELD_MALFORMED), { 1, &well_formed }, -1, false });
}

static struct rule lower_rule(struct lowering *lowering, const struct policy_rule *written, uint32_t index)
{
	struct rule rule = {
		.verdict = written->verdict,
		.log = written->log,
		.log_prefix = written->log_prefix,
		.action = written->action,
		.to = written->to,
		.slot = WEIR_SLOT_FIRST_RULE + index,
		.place = written->place,
		.text = written->text,
	};

	lowering->rule = written;
	lowering->parts.count = 0;
	lowering->unions.count = 0;
	require_well_formed(lowering);
	for (uint32_t i = 0; i < written->match_count; i++)
		lower_match(lowering, (int)i);
	build_boxes(lowering, &rule);
	return rule;
}

/* What no rule about malformed packets decided is dropped, whatever the chain's policy says. */
static struct rule malformed_rule(struct lowering *lowering)
{
	static const struct interval malformed = { WEIR_MALFORMED_NONE + 1, 0xff };
	struct dimension dimension = dimension_of_field(WEIR_FIELD_MALFORMED);
	struct constraint *constraint = arena_new_object(lowering->arena, struct constraint);
	struct box *box = arena_new_object(lowering->arena, struct box);

	*constraint = (struct constraint){ dimension_index(lowering, &dimension), 1, &malformed };
	*box = (struct box){ 1, constraint };
	return (struct rule){
		.box_count = 1,
		.boxes = box,
		.verdict = WEIR_VERDICT_DROP,
		.slot = WEIR_SLOT_MALFORMED,
		.text = "malformed",
	};
}

static struct rule policy_rule(struct lowering *lowering)
{
	bool drop = lowering->chain->policy == WEIR_VERDICT_DROP;

	return (struct rule){
		.box_count = 1,
		.boxes = arena_new_object(lowering->arena, struct box),
		.verdict = lowering->chain->policy,
		.slot = WEIR_SLOT_POLICY,
		.place = lowering->chain->policy_place,
		.text = drop ? "policy drop" : "policy accept",
	};
}

/* A set of the policy; lists of pairs were made sets by check already, with a name that no user can give. */
static struct rule_set named_set(const struct policy_set *set)
{
	bool prefix_type =
		set->types[0] == TYPE_IPV4_ADDR || set->types[0] == TYPE_IPV6_ADDR || set->types[0] == TYPE_INET_SERVICE;

	return (struct rule_set){
		.name = set->name,
		.set = set,
		.anonymous = strncmp(set->name, "__", 2) == 0,
		.prefixes = set->components == 1 && prefix_type,
	};
}

const struct rule_list *rules_lower(struct arena *arena, const struct policy *policy, uint32_t chain,
				    struct diagnostics *diagnostics)
{
	struct lowering lowering = {
		.arena = arena, .policy = policy, .chain = &policy->chains[chain], .diagnostics = diagnostics
	};
	struct rule_list *list = arena_new_object(arena, struct rule_list);
	uint32_t count = lowering.chain->rule_count;
	struct rule *rules = arena_new_array(arena, struct rule, count + 2);
	size_t errors = diagnostics->errors;

	for (uint32_t i = 0; i < policy->set_count; i++)
		vector_push(arena, &lowering.sets, named_set(&policy->sets[i]));
	lower_find_masks(&lowering);
	lower_find_lists(&lowering);
	for (uint32_t i = 0; i < count; i++)
		rules[i] = lower_rule(&lowering, &lowering.chain->rules[i], i);
	rules[count] = malformed_rule(&lowering);
	rules[count + 1] = policy_rule(&lowering);
	if (diagnostics->errors != errors)
		return NULL;
	for (size_t i = 0; i < lowering.sets.count; i++)
		set_prepare(arena, &lowering.sets.items[i]);

	list->hook = lowering.chain->hook;
	list->chain = lowering.chain;
	list->dimension_count = (uint32_t)lowering.dimensions.count;
	list->dimensions = lowering.dimensions.items;
	list->rule_count = count + 2;
	list->rules = rules;
	list->set_count = (uint32_t)lowering.sets.count;
	list->sets = lowering.sets.items;
	return list;
}
