// SPDX-License-Identifier: GPL-2.0-only
/* Building the rule set, and the values that all readers meet. */
#include "import/ruleset.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "check/names.h"

const char import_state_hint[] =
	"weir keeps no record of connections. For TCP, 'tcp flags & (syn|ack) != syn accept' lets everything pass but first packets: "
	"replies, and forged packets that look like them, which the host answers with a reset. For UDP name the services that "
	"answer, as in 'udp sport 53 accept'";

struct import_chain *ruleset_chain(const struct ruleset *ruleset, const char *table, const char *name)
{
	for (size_t i = 0; i < ruleset->chains.count; i++) {
		struct import_chain *chain = ruleset->chains.items[i];

		if (strcmp(chain->name, name) == 0 && strcmp(chain->table, table) == 0)
			return chain;
	}
	return NULL;
}

struct import_chain *ruleset_add_chain(struct ruleset *ruleset, const char *table, const char *name, struct place place)
{
	struct import_chain *chain = arena_new_object(ruleset->arena, struct import_chain);

	chain->table = table;
	chain->name = name;
	chain->place = place;
	vector_push(ruleset->arena, &ruleset->chains, chain);
	return chain;
}

struct import_set *ruleset_set(const struct ruleset *ruleset, const char *table, const char *name)
{
	for (size_t i = 0; i < ruleset->sets.count; i++) {
		struct import_set *set = ruleset->sets.items[i];

		if (strcmp(set->name, name) == 0 && strcmp(set->table, table) == 0)
			return set;
	}
	return NULL;
}

/* A name that the language takes and no other set has. */
static const char *set_words(const struct ruleset *ruleset, const char *name)
{
	char *plain = arena_strndup(ruleset->arena, name, strnlen(name, 40));
	const char *words = plain;
	bool taken = true;

	for (char *at = plain; *at; at++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *at) ||
		    (at == plain && *at == '-'))
			*at = '_';
	if (strncmp(plain, "__", 2) == 0)
		plain[0] = 'x';
	for (unsigned int number = 2; taken; number++) {
		taken = false;
		for (size_t i = 0; i < ruleset->sets.count; i++)
			taken = taken || strcmp(ruleset->sets.items[i]->words, words) == 0;
		if (taken)
			words = arena_printf(ruleset->arena, "%s-%u", plain, number);
	}
	return words;
}

struct import_set *ruleset_add_set(struct ruleset *ruleset, const char *table, const char *name)
{
	struct import_set *set = arena_new_object(ruleset->arena, struct import_set);

	set->table = table;
	set->name = name;
	set->words = set_words(ruleset, name);
	vector_push(ruleset->arena, &ruleset->sets, set);
	return set;
}

struct import_rule *ruleset_add_rule(struct ruleset *ruleset, struct import_chain *chain, struct place place, const char *text)
{
	struct import_rule *rule = arena_new_object(ruleset->arena, struct import_rule);

	rule->place = place;
	rule->text = text;
	vector_push(ruleset->arena, &chain->rules, rule);
	return rule;
}

struct import_rule *ruleset_split_rule(struct ruleset *ruleset, struct import_chain *chain, const struct import_rule *rule)
{
	struct import_rule *other = ruleset_add_rule(ruleset, chain, rule->place, rule->text);

	*other = *rule;
	memset(&other->matches, 0, sizeof(other->matches));
	for (size_t i = 0; i < rule->matches.count; i++)
		vector_push(ruleset->arena, &other->matches, rule->matches.items[i]);
	return other;
}

void rule_match_masked(struct ruleset *ruleset, struct import_rule *rule, enum subject subject, const char *mask, bool unequal,
		       const char *value)
{
	struct import_match match = {
		.subject = subject, .second = SUBJECT_COUNT, .mask = mask, .unequal = unequal, .value = value
	};

	vector_push(ruleset->arena, &rule->matches, match);
}

void rule_match(struct ruleset *ruleset, struct import_rule *rule, enum subject subject, bool unequal, const char *value)
{
	rule_match_masked(ruleset, rule, subject, NULL, unequal, value);
}

void rule_refuse(struct import_rule *rule, const char *hint, const char *why)
{
	if (rule->refusal)
		return;
	rule->refusal = why;
	rule->hint = hint;
}

void ruleset_say(struct ruleset *ruleset, enum severity severity, struct place place, const char *hint, const char *message)
{
	struct diagnostic diagnostic = { .severity = severity, .place = place, .message = message, .hint = hint };

	ruleset->diagnostics->warnings += severity == SEVERITY_WARNING;
	vector_push(ruleset->diagnostics->arena, &ruleset->diagnostics->list, diagnostic);
}

const char *import_protocol(const struct ruleset *ruleset, const char *name)
{
	char *end;
	unsigned long number = strtoul(name, &end, 0);
	uint8_t found;
	uint64_t known;
	const char *word;

	if (end == name || *end) {
		if (strcmp(name, "ipv6-icmp") == 0)
			known = 58;
		else if (name_number(TYPE_PROTOCOL, name, strlen(name), &known) == 0)
			;
		else if (ruleset->host->protocol(ruleset->host->context, name, &found) == 0)
			known = found;
		else
			return NULL;
		number = known;
	}
	if (number > 255)
		return NULL;
	word = name_word(TYPE_PROTOCOL, number);
	return word ? word : arena_printf(ruleset->arena, "%lu", number);
}

/* The length of a contiguous mask written as an address, or -1. */
static int mask_length(const char *text, bool ipv6)
{
	unsigned char bytes[16];
	int bits = ipv6 ? 128 : 32, length = 0;

	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text, bytes) != 1)
		return -1;
	while (length < bits && bytes[length / 8] & (0x80 >> length % 8))
		length++;
	for (int i = length; i < bits; i++)
		if (bytes[i / 8] & (0x80 >> i % 8))
			return -1;
	return length;
}

const char *import_address(const struct ruleset *ruleset, const char *text, bool ipv6, bool *ret_any)
{
	const char *slash = strchr(text, '/');
	char address[64], *end;
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	unsigned char bytes[16];
	int bits = ipv6 ? 128 : 32, prefix = bits;

	if (length >= sizeof(address))
		return NULL;
	memcpy(address, text, length);
	address[length] = '\0';
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, address, bytes) != 1)
		return NULL;
	if (slash) {
		prefix = (int)strtol(slash + 1, &end, 10);
		if (end == slash + 1 || *end)
			prefix = mask_length(slash + 1, ipv6);
		if (prefix < 0 || prefix > bits)
			return NULL;
	}
	/* Bits behind the prefix mean nothing to any of them; weir warns of them. */
	for (int i = prefix; i < bits; i++)
		bytes[i / 8] &= (unsigned char)~(0x80 >> i % 8);
	inet_ntop(ipv6 ? AF_INET6 : AF_INET, bytes, address, sizeof(address));
	*ret_any = prefix == 0;
	if (prefix == bits)
		return arena_strdup(ruleset->arena, address);
	return arena_printf(ruleset->arena, "%s/%d", address, prefix);
}

const char *import_number_range(const struct ruleset *ruleset, unsigned long first, unsigned long last)
{
	if (first == last)
		return arena_printf(ruleset->arena, "%lu", first);
	return arena_printf(ruleset->arena, "%lu-%lu", first, last);
}
