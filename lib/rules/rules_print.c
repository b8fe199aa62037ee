// SPDX-License-Identifier: GPL-2.0-only
/* `weir check --emit=rules`: the dimensions, the sets, and each rule with its boxes, in words where a value has some. */
#include <inttypes.h>

#include "rules/rules.h"
#include "rules/subject_fields.h"

/* The language's type whose words a field's values have. NUMBER: none, a plain number. */
static enum value_type field_type(enum weir_field field)
{
	switch (field) {
	case WEIR_FIELD_SADDR4:
	case WEIR_FIELD_DADDR4:
		return TYPE_IPV4_ADDR;
	case WEIR_FIELD_ETHER_SADDR:
	case WEIR_FIELD_ETHER_DADDR:
		return TYPE_ETHER_ADDR;
	default:
		return TYPE_NUMBER;
	}
}

static const char *value_name(enum weir_field field, uint64_t value)
{
	static const char *const networks[] = { "other", "arp", "arp-ipv4", "ipv4", "ipv6" };
	static const char *const transports[] = { "none", "other", "tcp", "udp", "sctp", "icmp", "icmpv6" };
	static const char *const faults[] = {
#define X(id, name, text) name,
		WEIR_MALFORMED(X)
#undef X
	};

	if (field == WEIR_FIELD_NETWORK && value < sizeof(networks) / sizeof(*networks))
		return networks[value];
	if (field == WEIR_FIELD_TRANSPORT && value < sizeof(transports) / sizeof(*transports))
		return transports[value];
	if (field == WEIR_FIELD_MALFORMED && value < sizeof(faults) / sizeof(*faults))
		return faults[value];
	return NULL;
}

static void print_number(const struct dimension *dimension, uint64_t value, FILE *out)
{
	const char *name = value_name(dimension->field, value);

	if (name)
		fputs(name, out);
	else if (field_bits(dimension->field) == 64)
		fprintf(out, "0x%016" PRIx64, value);
	else if (dimension->mask != field_max(dimension->field))
		fprintf(out, "0x%" PRIx64, value);
	else
		fprintf(out, "%" PRIu64, value);
}

static void print_interval(struct arena *arena, const struct dimension *dimension, struct interval interval, FILE *out)
{
	enum value_type type = dimension->kind == DIMENSION_FIELD ? field_type(dimension->field) : TYPE_NUMBER;

	if (dimension->kind == DIMENSION_SET) {
		fputs(interval.low ? "member" : "no member", out);
	} else if (dimension->kind == DIMENSION_PREDICATE) {
		fputs(interval.low ? "yes" : "no", out);
	} else if (type != TYPE_NUMBER) {
		const struct value_range range = { { 0, interval.low }, { 0, interval.high } };

		fputs(value_range_print(arena, type, range), out);
	} else {
		print_number(dimension, interval.low, out);
		if (interval.high != interval.low) {
			fputc('-', out);
			print_number(dimension, interval.high, out);
		}
	}
}

const char *dimension_print(struct arena *arena, const struct rule_list *list, uint32_t dimension)
{
	const struct dimension *asked = &list->dimensions[dimension];
	const char *keys;

	if (asked->kind == DIMENSION_FIELD && asked->mask == field_max(asked->field))
		return field_name(asked->field);
	if (asked->kind == DIMENSION_FIELD)
		return arena_printf(arena, "%s & 0x%" PRIx64, field_name(asked->field), asked->mask);
	if (asked->kind == DIMENSION_PREDICATE)
		return asked->predicate->text;
	keys = field_name(asked->keys[0]);
	for (uint32_t i = 1; i < asked->key_count; i++)
		keys = arena_printf(arena, "%s . %s", keys, field_name(asked->keys[i]));
	return arena_printf(arena, "set %s (%s)", list->sets[asked->set].name, keys);
}

static void print_box(struct arena *arena, const struct rule_list *list, const struct box *box, FILE *out)
{
	fputs("    ", out);
	if (!box->count)
		fputs("any packet", out);
	for (uint32_t i = 0; i < box->count; i++) {
		const struct constraint *constraint = &box->constraints[i];

		fprintf(out, "%s%s in {", i ? ", " : "", dimension_print(arena, list, constraint->dimension));
		for (uint32_t j = 0; j < constraint->count; j++) {
			fputs(j ? ", " : " ", out);
			print_interval(arena, &list->dimensions[constraint->dimension], constraint->intervals[j], out);
		}
		fputs(" }", out);
	}
	fputc('\n', out);
}

static void print_rule(struct arena *arena, const struct rule_list *list, uint32_t index, FILE *out)
{
	const struct rule *rule = &list->rules[index];

	fprintf(out, "  rule %u slot %u", index, rule->slot);
	if (rule->place.line)
		fprintf(out, " line %u", rule->place.line);
	fprintf(out, ": %s\n    %s", rule->text, verdict_print(arena, rule->verdict, rule->to));
	if (effects_print(arena, &rule->action))
		fprintf(out, ", %s", effects_print(arena, &rule->action));
	if (rule->log)
		fputs(", log", out);
	if (rule->log_prefix)
		fprintf(out, " prefix \"%s\"", rule->log_prefix);
	fputc('\n', out);
	if (!rule->box_count)
		fputs("    no packet\n", out);
	for (uint32_t i = 0; i < rule->box_count; i++)
		print_box(arena, list, &rule->boxes[i], out);
}

void rules_print(const struct rule_list *list, FILE *out)
{
	struct arena *arena = arena_new(); /* of words that are printed at once */

	fprintf(out, "chain %s: %s\n", list->chain->name, hook_name(list->hook));
	for (uint32_t i = 0; i < list->dimension_count; i++)
		fprintf(out, "  dimension %u: %s\n", i, dimension_print(arena, list, i));
	for (uint32_t i = 0; i < list->set_count; i++)
		fprintf(out, "  set %u: %s, %u elements of at most %u\n", i, list->sets[i].name, list->sets[i].set->element_count,
			list->sets[i].set->size);
	for (uint32_t i = 0; i < list->rule_count; i++)
		print_rule(arena, list, i, out);
	arena_free(arena);
}
