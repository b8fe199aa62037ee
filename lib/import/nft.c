// SPDX-License-Identifier: GPL-2.0-only
/*
 * What `nft -j list ruleset` writes: tables, sets, chains, rules, in an array. Chains of type filter at input, output, forward,
 * ingress and egress are of weir's kind. A rule's place is where its object begins in the text, which jansson does not tell.
 * What `nft list ruleset` writes becomes the same array first (nft_text.c), and its rules have their own lines.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/nft.h"
#include "import/nft_text.h"

/* Where the next {"rule": begins: the objects of the array are two braces and a bracket deep. */
struct scanner {
	const char *at, *end, *line_start;
	uint32_t line;
	int depth;
};

static struct place next_rule(struct scanner *scanner, const struct source *source)
{
	while (scanner->at < scanner->end) {
		char byte = *scanner->at++;
		const char *start = scanner->at;

		if (byte == '\n') {
			scanner->line++;
			scanner->line_start = scanner->at;
		}
		scanner->depth += (byte == '{' || byte == '[') - (byte == '}' || byte == ']');
		if (byte != '"')
			continue;
		while (scanner->at < scanner->end && *scanner->at != '"')
			scanner->at += *scanner->at == '\\' ? 2 : 1;
		if (scanner->at < scanner->end)
			scanner->at++;
		if (scanner->depth == 3 && scanner->at - start == 5 && memcmp(start, "rule", 4) == 0)
			return (struct place){ source, scanner->line, (uint32_t)(start - scanner->line_start), 6 };
	}
	return (struct place){ .source = source };
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static const char *table_of(const struct ruleset *ruleset, const json_t *object)
{
	return arena_printf(ruleset->arena, "%s %s", text_of(object, "family"), text_of(object, "table"));
}

/* The interfaces of a netdev chain: a name or a list. */
static const char *device_of(const struct ruleset *ruleset, const json_t *object)
{
	const json_t *device = json_object_get(object, "dev");
	const char *list = NULL;

	if (json_is_string(device))
		return arena_printf(ruleset->arena, "\"%s\"", json_string_value(device));
	for (size_t i = 0; i < json_array_size(device); i++) {
		const char *name = json_string_value(json_array_get(device, i));

		list = list ? arena_printf(ruleset->arena, "%s, \"%s\"", list, name ? name : "")
			    : arena_printf(ruleset->arena, "\"%s\"", name ? name : "");
	}
	return list ? arena_printf(ruleset->arena, "{ %s }", list) : NULL;
}

static void read_chain(struct ruleset *ruleset, const struct source *source, const json_t *object)
{
	static const struct {
		const char *name;
		enum import_place place;
	} places[] = { { "input", IMPORT_INPUT },
		       { "output", IMPORT_OUTPUT },
		       { "forward", IMPORT_FORWARD },
		       { "ingress", IMPORT_INGRESS },
		       { "egress", IMPORT_EGRESS } };
	static const struct {
		const char *name;
		enum import_family family;
	} families[] = { { "ip", IMPORT_IPV4 }, { "ip6", IMPORT_IPV6 }, { "inet", IMPORT_INET }, { "netdev", IMPORT_ANY } };
	struct import_chain *chain =
		ruleset_add_chain(ruleset, table_of(ruleset, object), arena_strdup(ruleset->arena, text_of(object, "name")),
				  (struct place){ .source = source });
	const char *hook = text_of(object, "hook");

	chain->foreign = true;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (strcmp(text_of(object, "family"), families[i].name) == 0) {
			chain->family = families[i].family;
			chain->foreign = false;
		}
	chain->drop = strcmp(text_of(object, "policy"), "drop") == 0;
	chain->device = device_of(ruleset, object);
	if (!*hook)
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(hook, places[i].name) == 0)
			chain->hook = places[i].place;
	if (chain->hook == IMPORT_USER_CHAIN || strcmp(text_of(object, "type"), "filter") != 0)
		chain->foreign = true;
	if (!chain->foreign || !chain->drop)
		return;
	ruleset->left_out++;
	ruleset_say(
		ruleset, SEVERITY_WARNING, chain->place, NULL,
		arena_printf(
			ruleset->arena,
			"left out: the policy of chain '%s' of %s, which weir has no place for; the policy is more permissive without it",
			chain->name, chain->table));
}

static enum value_type element_type(const char *words)
{
	if (strcmp(words, "ipv4_addr") == 0)
		return TYPE_IPV4_ADDR;
	if (strcmp(words, "ipv6_addr") == 0)
		return TYPE_IPV6_ADDR;
	if (strcmp(words, "ether_addr") == 0)
		return TYPE_ETHER_ADDR;
	if (strcmp(words, "inet_service") == 0)
		return TYPE_INET_SERVICE;
	if (strcmp(words, "inet_proto") == 0)
		return TYPE_PROTOCOL;
	return strcmp(words, "mark") == 0 ? TYPE_NUMBER : TYPE_PRESENCE;
}

/* One element in weir's words, or NULL. TYPES are two of a pair. */
static const char *read_element(const struct ruleset *ruleset, const enum value_type *types, size_t count, const json_t *element)
{
	const json_t *inner = json_object_get(element, "elem"), *pair;
	const json_t *timeout = json_object_get(inner, "timeout");
	const char *first, *second;

	if (inner)
		element = json_object_get(inner, "val");
	pair = json_object_get(element, "concat");
	first = nft_value(ruleset, types[0], count == 2 ? json_array_get(pair, 0) : element);
	second = count == 2 ? nft_value(ruleset, types[1], json_array_get(pair, 1)) : "";
	if (!first || !second)
		return NULL;
	/* Ranges lie in sets of one address or port alone. */
	if ((count == 2 || (types[0] != TYPE_IPV4_ADDR && types[0] != TYPE_IPV6_ADDR && types[0] != TYPE_INET_SERVICE)) &&
	    (strpbrk(first, "/{") || strpbrk(second, "/{") || json_object_get(element, "range") ||
	     json_object_get(json_array_get(pair, 0), "range") || json_object_get(json_array_get(pair, 1), "range")))
		return NULL;
	if (count == 2)
		first = arena_printf(ruleset->arena, "%s . %s", first, second);
	if (json_is_integer(timeout))
		first = arena_printf(ruleset->arena, "%s timeout %llds", first, (long long)json_integer_value(timeout));
	return first;
}

static void read_set(struct ruleset *ruleset, const json_t *object)
{
	struct import_set *set =
		ruleset_add_set(ruleset, table_of(ruleset, object), arena_strdup(ruleset->arena, text_of(object, "name")));
	const json_t *type = json_object_get(object, "type"), *elements = json_object_get(object, "elem");
	const json_t *flags = json_object_get(object, "flags");
	const char *words[2] = { json_string_value(json_is_array(type) ? json_array_get(type, 0) : type),
				 json_string_value(json_is_array(type) ? json_array_get(type, 1) : NULL) };
	size_t count = json_is_array(type) ? json_array_size(type) : 1;
	enum value_type types[2] = { TYPE_PRESENCE, TYPE_PRESENCE };

	for (size_t i = 0; i < count && i < 2; i++)
		types[i] = words[i] ? element_type(words[i]) : TYPE_PRESENCE;
	if (count > 2 || types[0] == TYPE_PRESENCE || (count == 2 && types[1] == TYPE_PRESENCE)) {
		set->refusal = "weir has no sets of that set's type";
		return;
	}
	set->type =
		count == 2 ? arena_printf(ruleset->arena, "%s . %s", words[0], words[1]) : arena_strdup(ruleset->arena, words[0]);
	set->size = (uint64_t)json_integer_value(json_object_get(object, "size"));
	set->timeout = (uint64_t)json_integer_value(json_object_get(object, "timeout"));
	for (size_t i = 0; i < json_array_size(flags); i++)
		if (json_is_string(json_array_get(flags, i)) &&
		    strcmp(json_string_value(json_array_get(flags, i)), "dynamic") == 0)
			set->note = "rules of nftables add to this set; those of weir do not: 'weir set add' does";
	for (size_t i = 0; i < json_array_size(elements); i++) {
		const char *element = read_element(ruleset, types, count, json_array_get(elements, i));

		if (!element)
			set->refusal = "the set has elements that a set of weir cannot hold";
		else
			vector_push(ruleset->arena, &set->elements, element);
	}
}

/* What is quoted of a rule in JSON. */
static const char *rule_text(const struct ruleset *ruleset, const json_t *object)
{
	_cleanup_free_ char *dump = json_dumps(json_object_get(object, "expr"), JSON_COMPACT);

	return arena_printf(ruleset->arena, "%s %s handle %lld: %s", table_of(ruleset, object), text_of(object, "chain"),
			    (long long)json_integer_value(json_object_get(object, "handle")), dump ? dump : "");
}

static void read_rule(struct ruleset *ruleset, struct nft_text_rule told, const json_t *object)
{
	struct import_chain *chain = ruleset_chain(ruleset, table_of(ruleset, object), text_of(object, "chain"));
	const json_t *expressions = json_object_get(object, "expr");
	const char *comment = json_string_value(json_object_get(object, "comment"));
	struct import_rule *rule;

	if (!chain)
		return;
	rule = ruleset_add_rule(ruleset, chain, told.place, told.text);
	rule->comment = comment ? arena_strdup(ruleset->arena, comment) : NULL;
	nft_read_rule(ruleset, chain, rule, expressions);
}

static void wrong(struct ruleset *ruleset, struct place place, const char *message)
{
	struct diagnostic *diagnostic = diagnose(ruleset->diagnostics, SEVERITY_ERROR, place, "%s", message);

	diagnostic_hint(ruleset->diagnostics, diagnostic, "'nft -j list ruleset >FILE' writes what is read here");
}

/* The array of objects in JSON. NULL: told what is wrong. */
static json_t *read_json(struct ruleset *ruleset, const struct source *source)
{
	json_error_t error;
	_cleanup_(json_decrefp) json_t *root = json_loadb(source->text, source->length, 0, &error);
	json_t *array = json_object_get(root, "nftables");

	if (!root)
		wrong(ruleset, (struct place){ source, (uint32_t)error.line, error.column > 0 ? (uint32_t)error.column : 1, 1 },
		      arena_printf(ruleset->arena, "this is not JSON: %s", error.text));
	else if (!json_is_array(array))
		wrong(ruleset, (struct place){ .source = source }, "this JSON is no rule set of nftables");
	return json_is_array(array) ? json_incref(array) : NULL;
}

int nft_read(struct ruleset *ruleset, const struct source *source)
{
	bool is_text = source->text[strspn(source->text, " \t\r\n")] != '{';
	struct scanner scanner = { source->text, source->text + source->length, source->text, 1, 0 };
	nft_text_rules rules = { 0 };
	_cleanup_(json_decrefp) json_t *array = is_text ? nft_text_read(ruleset, source, &rules) : read_json(ruleset, source);
	size_t rule = 0;

	ruleset->from = is_text ? "nft list ruleset" : "nft -j list ruleset";
	if (!array)
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *entry = json_array_get(array, i), *object;

		if ((object = json_object_get(entry, "chain"))) {
			read_chain(ruleset, source, object);
		} else if ((object = json_object_get(entry, "set"))) {
			read_set(ruleset, object);
		} else if ((object = json_object_get(entry, "rule"))) {
			struct nft_text_rule told = is_text ? rules.items[rule++] :
							      (struct nft_text_rule){ next_rule(&scanner, source),
										      rule_text(ruleset, object) };

			read_rule(ruleset, told, object);
		}
	}
	return 0;
}
