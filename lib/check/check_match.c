// SPDX-License-Identifier: GPL-2.0-only
/*
 * Matches: SUBJECT [& MASK] [OPERATOR] VALUE becomes a list of ranges, sorted and disjoint, or a set.
 *
 * `tcp flags syn` without an operator asks, as in nftables, whether one of the flags is set: it becomes
 * (flags & syn) in 1..syn. With an operator, a mask or braces the flags are compared whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "check/checker.h"

struct placed_range {
	struct value_range range;
	struct place place;
};

struct match_frame {
	struct checker *checker;
	const struct ast_statement *match;
	struct value_type_of wanted;
	VECTOR(struct placed_range) ranges;
};

static const char *subjects_text(struct checker *checker, const struct ast_statement *match)
{
	if (match->subject_count < 2)
		return subject_words(match->subjects[0]);
	return arena_printf(checker->arena, "%s . %s", subject_words(match->subjects[0]), subject_words(match->subjects[1]));
}

static bool has_operator(const struct ast_statement *match)
{
	return match->operator!= AST_EQUAL || match->operator_place.line;
}

static bool check_hook(struct chain_frame *frame, const struct ast_statement *match)
{
	struct checker *checker = frame->checker;
	const char *why, *hooks = NULL;
	struct diagnostic *d;

	for (uint32_t i = 0; frame->hook_known && i < match->subject_count; i++) {
		if (hook_serves(frame->hook, match->subjects[i], &why))
			continue;
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, match->subject_place,
			     "'%s' cannot be matched at hook %s%s: %s", subject_words(match->subjects[i]), hook_name(frame->hook),
			     frame->other_end ? ", which is where the host's end of the veth is asked" : "", why);
		for (int hook = 0; hook < WEIR_HOOK_COUNT; hook++)
			if (hook_serves((enum weir_hook)hook, match->subjects[i], NULL))
				hooks = hooks ? arena_printf(checker->arena, "%s, %s", hooks, hook_name((enum weir_hook)hook))
					      : hook_name((enum weir_hook)hook);
		if (match->subjects[i] == SUBJECT_ETHER_TYPE)
			diagnostic_hint(checker->diagnostics, d, "write 'ip' or 'ip6' there; '%s' is served at %s",
					subject_words(match->subjects[i]), hooks);
		else
			diagnostic_hint(checker->diagnostics, d, "it is served at %s", hooks);
		return false;
	}
	return true;
}

/* ---- ranges ---- */

static int by_range(const void *left, const void *right)
{
	const struct placed_range *a = left, *b = right;
	int order = value_compare(a->range.low, b->range.low);

	if (!order)
		order = value_compare(a->range.high, b->range.high);
	if (!order && a->place.line != b->place.line)
		order = a->place.line < b->place.line ? -1 : 1;
	return order ? order : (a->place.column > b->place.column) - (a->place.column < b->place.column);
}

static void warn_doubles(struct match_frame *frame)
{
	struct checker *checker = frame->checker;

	for (size_t i = 1; i < frame->ranges.count; i++) {
		const struct placed_range *a = &frame->ranges.items[i - 1], *b = &frame->ranges.items[i];
		struct diagnostic *d;

		if (value_compare(a->range.low, b->range.low) || value_compare(a->range.high, b->range.high))
			continue;
		d = diagnose(checker->diagnostics, SEVERITY_WARNING, b->place, "%s is in this list twice",
			     value_range_print(checker->arena, frame->wanted.type, b->range));
		diagnostic_related(checker->diagnostics, d, a->place, "first here");
	}
}

/* Sort; join what overlaps or touches. */
static void finish_ranges(struct match_frame *frame, struct policy_match *match)
{
	struct value_range *merged = arena_new_array(frame->checker->arena, struct value_range, frame->ranges.count);
	uint32_t count = 0;

	if (frame->ranges.count)
		qsort(frame->ranges.items, frame->ranges.count, sizeof(frame->ranges.items[0]), by_range);
	warn_doubles(frame);
	for (size_t i = 0; i < frame->ranges.count; i++) {
		struct value_range range = frame->ranges.items[i].range, *last = count ? &merged[count - 1] : NULL;
		/* Nothing is behind the greatest value, and all that come later begin at or behind this one. */
		struct value next = last ? value_next(last->high) : (struct value){ 0 };
		bool at_end = last && !next.hi && !next.lo;

		if (last && (at_end || value_compare(range.low, next) <= 0)) {
			if (value_compare(range.high, last->high) > 0)
				last->high = range.high;
		} else {
			merged[count++] = range;
		}
	}
	match->ranges = merged;
	match->range_count = count;
}

static void add_range(struct match_frame *frame, struct value_range range, struct place place)
{
	vector_push(frame->checker->arena, &frame->ranges, (struct placed_range){ range, place });
}

/* < <= > >= against one value */
static bool check_comparison(struct match_frame *frame, const struct leaves *leaves)
{
	struct checker *checker = frame->checker;
	const struct ast_statement *match = frame->match;
	struct value_range range = { .high = value_max(frame->wanted.bits) };
	const enum value_type type = frame->wanted.type;
	struct value value;
	struct diagnostic *d;
	bool empty;

	if (leaves->list.count != 1 || match->value->kind == AST_LIST || type == TYPE_INTERFACE || type == TYPE_MALFORMED ||
	    type == TYPE_TCP_FLAGS) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, match->operator_place,
			     "%s cannot be compared with '<' or '>'%s", frame->wanted.words,
			     type == TYPE_INTERFACE || type == TYPE_MALFORMED || type == TYPE_TCP_FLAGS ? "" : " to a list");
		diagnostic_hint(checker->diagnostics, d, "use '==' or '!='");
		return false;
	}
	if (!check_single(checker, &frame->wanted, &leaves->list.items[0], &value))
		return false;
	switch (match->operator) {
	case AST_LESS:
		empty = !value.hi && !value.lo;
		range.high = value_previous(value);
		break;
	case AST_LESS_EQUAL:
		empty = false;
		range.high = value;
		break;
	case AST_GREATER:
		empty = value_compare(value, range.high) == 0;
		range.low = value_next(value);
		break;
	default:
		empty = false;
		range.low = value;
	}
	if (empty) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, match->place, "nothing is %s than %s",
			     match->operator== AST_LESS ? "less" : "greater", value_print(checker->arena, type, value));
		diagnostic_hint(checker->diagnostics, d, "the values of %s go from %s to %s", frame->wanted.words,
				value_print(checker->arena, type, (struct value){ 0 }),
				value_print(checker->arena, type, value_max(frame->wanted.bits)));
		return false;
	}
	add_range(frame, range, match->value->place);
	return true;
}

static bool check_list(struct match_frame *frame, const struct leaves *leaves)
{
	struct value_range range;
	bool whole = true;

	for (size_t i = 0; i < leaves->list.count; i++) {
		const struct leaf *leaf = &leaves->list.items[i];

		if (!check_leaf(frame->checker, &frame->wanted, leaf, &range)) {
			whole = false;
			continue;
		}
		if (leaf->timeout) {
			leaf_error(frame->checker, leaf, leaf->timeout_place, "only the elements of a named set have a timeout");
			whole = false;
		}
		if (leaf->counter) {
			leaf_error(frame->checker, leaf, leaf->counter->counter_place,
				   "only the elements of a named set have counters");
			whole = false;
		}
		add_range(frame, range, leaf->use ? leaf->use->place : leaf->value->place);
	}
	if (whole && leaves->list.count == 0) {
		struct diagnostic *d = diagnose(frame->checker->diagnostics, SEVERITY_ERROR, frame->match->value->place,
						"an empty list: %s can never match", frame->wanted.words);

		diagnostic_hint(frame->checker->diagnostics, d, "name a value, or leave the rule out");
		return false;
	}
	return whole;
}

/* ---- masks ---- */

static bool check_mask(struct match_frame *frame, struct policy_match *ret_match)
{
	struct checker *checker = frame->checker;
	const enum value_type type = frame->wanted.type;
	struct leaves leaves = { 0 };
	struct diagnostic *d;
	struct value mask;

	if (type != TYPE_NUMBER && type != TYPE_TCP_FLAGS && type != TYPE_DSCP) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, frame->match->mask->place, "%s takes no mask",
			     frame->wanted.words);
		if (type == TYPE_IPV4_ADDR || type == TYPE_IPV6_ADDR)
			diagnostic_hint(checker->diagnostics, d, "write a prefix: %s",
					type == TYPE_IPV4_ADDR ? "10.0.0.0/8" : "2001:db8::/32");
		else
			diagnostic_hint(checker->diagnostics, d, "masks are for flags and numbers");
		return false;
	}
	if (!leaves_gather(checker, frame->match->mask, &leaves))
		return false;
	if (leaves.list.count != 1) {
		diagnose(checker->diagnostics, SEVERITY_ERROR, frame->match->mask->place, "a mask is one value, not a list");
		return false;
	}
	if (!check_single(checker, &frame->wanted, &leaves.list.items[0], &mask))
		return false;
	if (!mask.lo) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, frame->match->mask->place,
			     "a mask of 0 leaves nothing to compare");
		diagnostic_hint(checker->diagnostics, d, "name the bits that count");
		return false;
	}
	ret_match->masked = true;
	ret_match->mask = mask.lo;
	return true;
}

/* A value with bits that the mask takes away equals nothing. */
static bool check_masked_ranges(struct match_frame *frame, const struct policy_match *match)
{
	struct checker *checker = frame->checker;
	bool whole = true;

	for (size_t i = 0; i < frame->ranges.count; i++) {
		struct value_range range = frame->ranges.items[i].range;
		bool single = value_compare(range.low, range.high) == 0;
		struct diagnostic *d;

		if (single ? !(range.low.lo & ~match->mask) : range.high.lo <= match->mask)
			continue;
		/* A comparison (>= 4) reaches up to the type's greatest value; what counts is where it begins. */
		if (!single && frame->match->operator>= AST_LESS && range.low.lo <= match->mask) {
			frame->ranges.items[i].range.high.lo = match->mask;
			continue;
		}
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, frame->ranges.items[i].place,
			     "%s has bits that the mask %s takes away, so it is never equal",
			     value_range_print(checker->arena, frame->wanted.type, range),
			     value_print(checker->arena, frame->wanted.type, (struct value){ .lo = match->mask }));
		diagnostic_hint(checker->diagnostics, d, "add these bits to the mask, or take them from the value");
		whole = false;
	}
	return whole;
}

/* ---- sets ---- */

static int32_t find_set(struct checker *checker, const struct ast_value *value)
{
	VECTOR(const char *) names = { 0 };
	struct diagnostic *d;
	const char *near;

	for (size_t i = 0; i < checker->sets.count; i++)
		if (strcmp(checker->sets.items[i].name, value->text) == 0)
			return (int32_t)i;
	for (size_t i = 0; i < checker->sets.count; i++)
		vector_push(checker->arena, &names, checker->sets.items[i].name);
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, value->place, "no set '%s'", value->text);
	near = near_match(value->text, names.items, names.count);
	if (near)
		diagnostic_hint(checker->diagnostics, d, "did you mean '@%s'?", near);
	else
		diagnostic_hint(checker->diagnostics, d, "declare it: set %s { type ...; }", value->text);
	return -1;
}

/* The type of set that a subject is looked up in; TYPE_PRESENCE: it is in none. */
static enum value_type set_type_for(enum subject subject)
{
	switch (subject_type(subject)) {
	case TYPE_IPV4_ADDR:
	case TYPE_IPV6_ADDR:
	case TYPE_ETHER_ADDR:
	case TYPE_INET_SERVICE:
	case TYPE_PROTOCOL:
		return subject_type(subject);
	default:
		return subject == SUBJECT_META_MARK ? TYPE_NUMBER : TYPE_PRESENCE;
	}
}

static bool types_for_subjects(struct checker *checker, const struct ast_statement *match, enum value_type *ret_types)
{
	for (uint32_t i = 0; i < match->subject_count; i++) {
		ret_types[i] = set_type_for(match->subjects[i]);
		if (ret_types[i] == TYPE_PRESENCE) {
			struct diagnostic *d = diagnose(checker->diagnostics, SEVERITY_ERROR, match->place,
							"'%s' cannot be looked up in a set", subject_words(match->subjects[i]));

			diagnostic_hint(checker->diagnostics, d, "%s",
					match->subject_count > 1 ? "write a match for each of the two, without the dot"
								 : "write a list: { a, b }");
			return false;
		}
	}
	return true;
}

static bool check_set_fits(struct checker *checker, const struct ast_statement *match, const struct policy_set *set,
			   struct place place)
{
	const char *wanted = NULL, *has = NULL;
	enum value_type types[SET_MAX_COMPONENTS];
	struct diagnostic *d;
	bool fits = match->subject_count == set->components;

	if (!set->components)
		return false; /* its own error was told */
	if (!types_for_subjects(checker, match, types))
		return false;
	for (uint32_t i = 0; i < match->subject_count; i++) {
		fits = fits && types[i] == set->types[i];
		wanted = arena_printf(checker->arena, "%s%s%s", i ? wanted : "", i ? " . " : "", value_type_name(types[i]));
	}
	for (uint32_t i = 0; i < set->components; i++)
		has = arena_printf(checker->arena, "%s%s%s", i ? has : "", i ? " . " : "", value_type_name(set->types[i]));
	if (fits)
		return true;
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, place,
		     "set '%s' is of type %s, but '%s' is looked up in one of type %s", set->name, has,
		     subjects_text(checker, match), wanted);
	diagnostic_related(checker->diagnostics, d, set->place, "declared here");
	diagnostic_hint(checker->diagnostics, d, "match it with the subject that it is for, or give it 'type %s;'", wanted);
	return false;
}

static bool check_set_match(struct checker *checker, const struct ast_statement *match, const struct ast_value *value,
			    struct policy_match *ret_match)
{
	struct diagnostic *d;
	int32_t set;

	if (match->operator!= AST_EQUAL && match->operator!= AST_NOT_EQUAL) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, match->operator_place,
			     "a set cannot be compared with '<' or '>'");
		diagnostic_hint(checker->diagnostics, d, "leave the operator out, or use '!='");
		return false;
	}
	if (match->mask) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, match->mask->place,
			     "what is looked up in a set takes no mask");
		diagnostic_hint(checker->diagnostics, d, "compare the masked value with a list");
		return false;
	}
	set = find_set(checker, value);
	if (set < 0 || !check_set_fits(checker, match, &checker->sets.items[set], value->place))
		return false;
	ret_match->set = set;
	return true;
}

/* ---- the whole ---- */

static bool check_pair(struct checker *checker, const struct ast_statement *match, const struct leaves *leaves,
		       struct policy_match *ret_match)
{
	enum value_type types[SET_MAX_COMPONENTS];
	struct diagnostic *d;

	if (leaves->list.count == 1 && leaves->list.items[0].value->kind == AST_SET)
		return check_set_match(checker, match, leaves->list.items[0].value, ret_match);
	if (match->mask || (match->operator!= AST_EQUAL && match->operator!= AST_NOT_EQUAL)) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, match->place,
			     "a pair is looked up in a set or a list, nothing else");
		diagnostic_hint(checker->diagnostics, d, "write '@name', or { a . b, c . d }");
		return false;
	}
	if (!types_for_subjects(checker, match, types))
		return false;
	ret_match->set = check_pair_list(checker, match, types);
	return ret_match->set >= 0;
}

/* The words alone: a header that is there, or any reason to call a packet malformed. The parser lets nothing else stand alone. */
static void check_alone(struct checker *checker, const struct ast_statement *match, struct policy_match *ret_match)
{
	const struct value_range any = { { .lo = 1 }, { .lo = WEIR_MALFORMED_COUNT - 1 } };

	if (subject_type(match->subjects[0]) == TYPE_PRESENCE)
		return;
	ret_match->ranges = arena_copy(checker->arena, &any, sizeof(any));
	ret_match->range_count = 1;
}

/* `tcp flags syn`, `tcp flags (syn|ack)`: one of them is set. */
static bool asks_for_any_flag(const struct ast_statement *match, const struct leaves *leaves)
{
	return match->subjects[0] == SUBJECT_TCP_FLAGS && !match->mask && !has_operator(match) && leaves->list.count == 1 &&
	       match->value->kind != AST_LIST && leaves->list.items[0].value->kind != AST_RANGE;
}

static void make_any_flag(struct match_frame *frame, struct policy_match *match)
{
	struct value_range *range = &frame->ranges.items[0].range;

	if (frame->ranges.count != 1 || value_compare(range->low, range->high) || !range->low.lo)
		return;
	match->masked = true;
	match->mask = range->high.lo;
	range->low.lo = 1;
}

static struct value_type_of type_wanted(struct chain_frame *chain, enum subject subject)
{
	return (struct value_type_of){
		.type = subject_type(subject),
		.bits = subject_bits(subject),
		.words = arena_printf(chain->checker->arena, "'%s'", subject_words(subject)),
		.protocol = subject_service_protocol(subject),
		.netns = chain->netns,
		.nearby = chain->targets,
		.nearby_count = chain->target_count,
		.host = chain->checker->host,
	};
}

/* VLAN tags are seen through: the type behind them is what is compared. */
static void warn_vlan_type(struct match_frame *frame)
{
	for (size_t i = 0; i < frame->ranges.count && frame->match->subjects[0] == SUBJECT_ETHER_TYPE; i++) {
		uint64_t type = frame->ranges.items[i].range.low.lo;
		struct diagnostic *d;

		if (type != frame->ranges.items[i].range.high.lo || (type != 0x8100 && type != 0x88a8 && type != 0x9100))
			continue;
		d = diagnose(frame->checker->diagnostics, SEVERITY_WARNING, frame->ranges.items[i].place,
			     "'ether type' is never that of a VLAN tag: tags are seen through, to the type behind them");
		diagnostic_hint(frame->checker->diagnostics, d, "'vlan' alone matches tagged packets, 'vlan id' their number");
	}
}

static bool check_values(struct chain_frame *chain, const struct ast_statement *match, const struct leaves *leaves,
			 struct policy_match *ret_match)
{
	struct match_frame frame = { chain->checker, match, type_wanted(chain, match->subjects[0]), { 0 } };

	if (match->mask && !check_mask(&frame, ret_match))
		return false;
	if (match->operator>= AST_LESS ? !check_comparison(&frame, leaves) : !check_list(&frame, leaves))
		return false;
	if (asks_for_any_flag(match, leaves))
		make_any_flag(&frame, ret_match);
	else if (ret_match->masked && !check_masked_ranges(&frame, ret_match))
		return false;
	warn_vlan_type(&frame);
	finish_ranges(&frame, ret_match);
	return true;
}

bool check_match(struct chain_frame *chain, const struct ast_statement *match, struct policy_match *ret_match)
{
	struct policy_match checked = { .place = match->place, .subject_count = match->subject_count, .set = -1 };
	struct leaves leaves = { 0 };
	bool fine;

	memcpy(checked.subjects, match->subjects, sizeof(checked.subjects));
	checked.negated = match->operator== AST_NOT_EQUAL;
	fine = check_hook(chain, match);
	if (subject_type(match->subjects[0]) == TYPE_PREDICATE || subject_type(match->subjects[0]) == TYPE_HTTP) {
		fine &= subject_type(match->subjects[0]) == TYPE_HTTP ? check_http(chain, match, &checked)
								      : check_predicate(chain, match, &checked);
		if (fine)
			*ret_match = checked;
		return fine;
	}
	if (match->value && !leaves_gather(chain->checker, match->value, &leaves))
		return false;
	if (!match->value)
		check_alone(chain->checker, match, &checked);
	else if (match->subject_count > 1)
		fine &= check_pair(chain->checker, match, &leaves, &checked);
	else if (leaves.list.count == 1 && leaves.list.items[0].value->kind == AST_SET)
		fine &= check_set_match(chain->checker, match, leaves.list.items[0].value, &checked);
	else
		fine &= check_values(chain, match, &leaves, &checked);
	if (fine)
		*ret_match = checked;
	return fine;
}
