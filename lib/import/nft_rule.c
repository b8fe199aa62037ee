// SPDX-License-Identifier: GPL-2.0-only
/*
 * One rule of nftables, statement by statement. It becomes one rule, or several where nftables says more in one: a log
 * before further matches, interfaces as a list, a map from keys to verdicts.
 */
#include <string.h>

#include "check/names.h"
#include "import/nft.h"

struct rule_reader {
	struct ruleset *ruleset;
	struct import_chain *chain;
	struct import_rule *rule; /* the one that is being read, the last of its chain */
	/* A list of interfaces: each has a rule of its own when all is read, since they are judged one by one against the hook. */
	enum subject interface;
	const json_t *interfaces; /* NULL: none */
};

static struct arena *arena_of(const struct rule_reader *reader)
{
	return reader->ruleset->arena;
}

static void refuse(struct rule_reader *reader, const char *hint, const char *why)
{
	rule_refuse(reader->rule, hint, why);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* What is on the left of a match. */
struct subject_asked {
	enum subject subject, second;
	const json_t *mask;   /* NULL: none */
	const char *presence; /* of "meta protocol" and "meta nfproto", which ask what a packet is; NULL */
};

static enum subject payload_subject(const struct rule_reader *reader, const json_t *payload)
{
	const char *words = arena_printf(arena_of(reader), "%s %s", text_of(payload, "protocol"), text_of(payload, "field"));

	/* Of a tagged frame weir sees the type behind the tags. */
	if (strcmp(words, "ether type") == 0)
		return SUBJECT_COUNT;
	for (int i = 0; i < SUBJECT_COUNT; i++)
		if (strcmp(subject_words((enum subject)i), words) == 0)
			return (enum subject)i;
	return SUBJECT_COUNT;
}

static enum subject meta_subject(const char *key)
{
	static const struct {
		const char *key;
		enum subject subject;
	} keys[] = {
		{ "l4proto", SUBJECT_META_L4PROTO }, { "mark", SUBJECT_META_MARK }, { "iif", SUBJECT_META_IIF },
		{ "iifname", SUBJECT_META_IIF },     { "oif", SUBJECT_META_OIF },   { "oifname", SUBJECT_META_OIF },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i].key) == 0)
			return keys[i].subject;
	return SUBJECT_COUNT;
}

/* False, and a refusal: weir has nothing like it. */
static bool read_subject(struct rule_reader *reader, const json_t *left, struct subject_asked *asked)
{
	const json_t *inner;
	struct subject_asked other = { .subject = SUBJECT_COUNT, .second = SUBJECT_COUNT };
	const char *key;

	*asked = other;
	if ((inner = json_object_get(left, "payload"))) {
		asked->subject = payload_subject(reader, inner);
	} else if ((inner = json_object_get(left, "meta"))) {
		key = text_of(inner, "key");
		asked->subject = meta_subject(key);
		if (strcmp(key, "nfproto") == 0 || strcmp(key, "protocol") == 0) {
			asked->presence = key;
			return true;
		}
	} else if ((inner = json_object_get(left, "&")) && json_array_size(inner) == 2) {
		if (!read_subject(reader, json_array_get(inner, 0), asked))
			return false;
		asked->mask = json_array_get(inner, 1);
	} else if ((inner = json_object_get(left, "concat")) && json_array_size(inner) == 2) {
		if (!read_subject(reader, json_array_get(inner, 0), asked) ||
		    !read_subject(reader, json_array_get(inner, 1), &other))
			return false;
		asked->second = other.subject;
		if (asked->mask || other.mask || asked->presence || other.presence || other.second != SUBJECT_COUNT)
			asked->subject = SUBJECT_COUNT;
	} else if ((inner = json_object_get(left, "ct"))) {
		refuse(reader, strcmp(text_of(inner, "key"), "state") == 0 ? import_state_hint : NULL,
		       "weir has no connection tracking");
		return false;
	}
	if (asked->subject != SUBJECT_COUNT)
		return true;
	key = json_dumps(left, JSON_COMPACT | JSON_ENCODE_ANY);
	refuse(reader, NULL, arena_printf(arena_of(reader), "weir has nothing like %s", key ? key : "this"));
	free((char *)(uintptr_t)key);
	return false;
}

/* `th` is a port of any protocol to nftables, and of TCP, UDP and SCTP to weir: the rule must have asked for one of these. */
static bool has_ports(const struct import_rule *rule)
{
	for (size_t i = 0; i < rule->matches.count; i++) {
		const struct import_match *match = &rule->matches.items[i];
		char words[64], *rest = words, *word;
		bool all = true;

		if (match->subject != SUBJECT_META_L4PROTO || match->unequal || match->mask ||
		    strlen(match->value) >= sizeof(words))
			continue;
		strcpy(words, match->value);
		while ((word = strsep(&rest, "{}, ")))
			all = all &&
			      (!*word || strcmp(word, "tcp") == 0 || strcmp(word, "udp") == 0 || strcmp(word, "sctp") == 0);
		if (all)
			return true;
	}
	return false;
}

/* "ip" of "meta protocol", "ipv4" of "meta nfproto": the packet's kind. */
static void match_presence(struct rule_reader *reader, const char *operator, const json_t * right)
{
	const char *word = json_string_value(right);
	enum subject subject = SUBJECT_COUNT;

	if (word && (strcmp(word, "ip") == 0 || strcmp(word, "ipv4") == 0))
		subject = SUBJECT_IP;
	else if (word && (strcmp(word, "ip6") == 0 || strcmp(word, "ipv6") == 0))
		subject = SUBJECT_IP6;
	else if (word && strcmp(word, "arp") == 0)
		subject = SUBJECT_ARP;
	if (subject == SUBJECT_COUNT || strcmp(operator, "==") != 0)
		refuse(reader, "as 'meta protocol ip', 'meta nfproto ipv6'", "weir asks for one kind of packets at a time");
	else
		rule_match(reader->ruleset, reader->rule, subject, false, NULL);
}

static json_int_t most_of(enum subject subject)
{
	switch (subject) {
	case SUBJECT_META_MARK:
		return 0xffffffff;
	case SUBJECT_IP_DSCP:
	case SUBJECT_IP6_DSCP:
		return 63;
	case SUBJECT_IP_TTL:
	case SUBJECT_IP6_HOPLIMIT:
		return 255;
	case SUBJECT_VLAN_ID:
		return 4095;
	default:
		break;
	}
	switch (subject_type(subject)) {
	case TYPE_INET_SERVICE:
	case TYPE_NUMBER:
		return 65535;
	case TYPE_ICMP_TYPE:
	case TYPE_ICMP_CODE:
	case TYPE_ICMPV6_TYPE:
	case TYPE_ICMPV6_CODE:
		return 255;
	default:
		return -1;
	}
}

/* < and its like, as a range. */
static void match_order(struct rule_reader *reader, const struct subject_asked *asked, const char *operator, const json_t * right)
{
	json_int_t most = most_of(asked->subject), number = json_integer_value(right), first = 0, last = most;
	const char *name = json_string_value(right);
	uint64_t named;

	if (name && name_number(subject_type(asked->subject), name, strlen(name), &named) == 0)
		number = (json_int_t)named;
	else if (!json_is_integer(right))
		most = -1;
	if (operator[0] == '<')
		last = number - (operator[1] != '=');
	else
		first = number + (operator[1] != '=');
	if (most < 0 || asked->mask || asked->second != SUBJECT_COUNT || first < 0 || first > last || last > most)
		refuse(reader, NULL, "weir cannot compare this by order, or it never matches");
	else
		rule_match(reader->ruleset, reader->rule, asked->subject, false,
			   import_number_range(reader->ruleset, (unsigned long)first, (unsigned long)last));
}

static bool set_fits(const struct ruleset *ruleset, const struct import_set *set, const struct subject_asked *asked)
{
	static const struct {
		enum value_type type;
		const char *words;
	} types[] = {
		{ TYPE_IPV4_ADDR, "ipv4_addr" },       { TYPE_IPV6_ADDR, "ipv6_addr" }, { TYPE_ETHER_ADDR, "ether_addr" },
		{ TYPE_INET_SERVICE, "inet_service" }, { TYPE_PROTOCOL, "inet_proto" }, { TYPE_NUMBER, "mark" },
	};
	const char *words = "", *second = NULL;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (subject_type(asked->subject) == types[i].type)
			words = types[i].words;
		if (asked->second != SUBJECT_COUNT && subject_type(asked->second) == types[i].type)
			second = types[i].words;
	}
	if (second)
		words = arena_printf(ruleset->arena, "%s . %s", words, second);
	return strcmp(words, set->type) == 0;
}

static void match_set(struct rule_reader *reader, const struct subject_asked *asked, bool unequal, const char *name)
{
	struct import_set *set = ruleset_set(reader->ruleset, reader->chain->table, name);
	struct import_match match = { .subject = asked->subject, .second = asked->second, .unequal = unequal };

	if (!set || set->refusal || !set_fits(reader->ruleset, set, asked)) {
		refuse(reader, NULL,
		       set && set->refusal ? set->refusal : "the set is not there, or of another type than weir asks about");
		return;
	}
	set->used = true;
	match.value = arena_printf(arena_of(reader), "@%s", set->words);
	vector_push(arena_of(reader), &reader->rule->matches, match);
}

/* Interfaces are judged one by one against the hook: of a list, != is one match each, == one rule each. */
static void match_interfaces(struct rule_reader *reader, enum subject subject, bool unequal, const json_t *right)
{
	const json_t *list = json_object_get(right, "set");
	size_t count = list ? json_array_size(list) : 1;

	for (size_t i = 0; i < count; i++) {
		const char *name = nft_value(reader->ruleset, TYPE_INTERFACE, list ? json_array_get(list, i) : right);

		if (!name)
			refuse(reader, "write a rule for each interface, or name them behind 'on' of the hook",
			       "weir compares interfaces whole, without wildcards");
		else if (count == 1 || unequal)
			rule_match(reader->ruleset, reader->rule, subject, unequal, name);
	}
	if (count == 1 || unequal)
		return;
	if (reader->interfaces)
		refuse(reader, "write a rule for each interface", "one list of interfaces a rule is taken over");
	reader->interface = subject;
	reader->interfaces = list;
}

/* The rule, once for each interface of its list. */
static void split_by_interface(struct rule_reader *reader, const struct import_rule *first)
{
	size_t count = json_array_size(reader->interfaces);
	struct import_rule *rule = reader->rule;

	if (count && reader->rule != first)
		refuse(reader, "write a rule for each interface",
		       "a list of interfaces is not taken over in a rule that becomes several");
	if (rule->refusal)
		return;
	for (size_t i = 1; i < count; i++)
		rule_match(reader->ruleset, ruleset_split_rule(reader->ruleset, reader->chain, rule), reader->interface, false,
			   nft_value(reader->ruleset, TYPE_INTERFACE, json_array_get(reader->interfaces, i)));
	if (count)
		rule_match(reader->ruleset, rule, reader->interface, false,
			   nft_value(reader->ruleset, TYPE_INTERFACE, json_array_get(reader->interfaces, 0)));
}

static void match_flags_any(struct rule_reader *reader, const struct subject_asked *asked, const json_t *right)
{
	const char *flags = nft_value(reader->ruleset, TYPE_TCP_FLAGS, right);

	if (asked->subject != SUBJECT_TCP_FLAGS || asked->mask || !flags)
		refuse(reader, NULL, "weir asks in this way for TCP flags alone");
	else
		rule_match_masked(reader->ruleset, reader->rule, SUBJECT_TCP_FLAGS,
				  strchr(flags, '|') ? arena_printf(arena_of(reader), "(%s)", flags) : flags, true, "0");
}

static void match_value(struct rule_reader *reader, const struct subject_asked *asked, bool unequal, const json_t *right)
{
	enum value_type type = subject_type(asked->subject);
	const char *value = NULL, *mask = NULL;

	if (asked->second == SUBJECT_COUNT)
		value = nft_value(reader->ruleset, type, right);
	if (asked->mask) {
		mask = nft_value(reader->ruleset, type, asked->mask);
		if (mask && strchr(mask, '|'))
			mask = arena_printf(arena_of(reader), "(%s)", mask);
	}
	if (!value || (asked->mask && !mask) || (type == TYPE_TCP_FLAGS && value[0] == '{')) {
		refuse(reader, NULL,
		       arena_printf(arena_of(reader), "'%s' cannot be compared with this value in weir",
				    subject_words(asked->subject)));
		return;
	}
	rule_match_masked(reader->ruleset, reader->rule, asked->subject, mask, unequal, value);
}

static void read_match(struct rule_reader *reader, const json_t *left, const char *operator, const json_t * right)
{
	struct subject_asked asked;
	bool unequal = strcmp(operator, "!=") == 0;
	const char *text = json_string_value(right);

	if (!read_subject(reader, left, &asked))
		return;
	if (asked.presence) {
		match_presence(reader, operator, right);
		return;
	}
	if ((asked.subject == SUBJECT_TH_SPORT || asked.subject == SUBJECT_TH_DPORT) && !has_ports(reader->rule)) {
		refuse(reader, NULL, "'th' without 'meta l4proto { tcp, udp, sctp }' looks into packets that have no ports");
		return;
	}
	if (strcmp(operator, "in") == 0)
		match_flags_any(reader, &asked, right);
	else if (operator[0] == '<' || operator[0] == '>')
		match_order(reader, &asked, operator, right);
	else if (!unequal && strcmp(operator, "==") != 0)
		refuse(reader, NULL, "weir has no such comparison");
	else if (text && text[0] == '@' && !asked.mask)
		match_set(reader, &asked, unequal, text + 1);
	else if (subject_type(asked.subject) == TYPE_INTERFACE)
		match_interfaces(reader, asked.subject, unequal, right);
	else
		match_value(reader, &asked, unequal, right);
}

/* accept, drop, return, jump, goto; false: no verdict. */
static bool read_verdict(struct rule_reader *reader, const char *word, const json_t *value)
{
	struct import_rule *rule = reader->rule;

	if (strcmp(word, "accept") == 0) {
		rule->verdict = IMPORT_ACCEPT;
	} else if (strcmp(word, "drop") == 0) {
		rule->verdict = IMPORT_DROP;
	} else if (strcmp(word, "return") == 0) {
		rule->verdict = IMPORT_RETURN;
	} else if (strcmp(word, "jump") == 0 || strcmp(word, "goto") == 0) {
		rule->verdict = word[0] == 'j' ? IMPORT_JUMP : IMPORT_GOTO;
		rule->target = arena_strdup(arena_of(reader), text_of(value, "target"));
		if (!ruleset_chain(reader->ruleset, reader->chain->table, rule->target))
			refuse(reader, NULL, "the chain it jumps into is not there");
	} else if (strcmp(word, "reject") == 0) {
		rule->verdict = IMPORT_DROP;
		rule->note = "reject has become drop: the sender gets no answer and waits";
	} else {
		return false;
	}
	return true;
}

/* A map from keys to verdicts is a rule for each key; keys do not overlap, so their order does not matter. */
static void read_verdict_map(struct rule_reader *reader, const json_t *vmap)
{
	const json_t *key = json_object_get(vmap, "key"), *data = json_object_get(json_object_get(vmap, "data"), "set");
	struct import_rule *base = reader->rule;
	struct subject_asked asked;

	base->target = ""; /* what becomes of a packet is more than one thing, or unknown */
	if (!read_subject(reader, key, &asked))
		return;
	if (!json_is_array(data)) {
		refuse(reader, "write a rule for each key", "weir has no maps with names");
		return;
	}
	if (!base->log)
		reader->chain->rules.count--;
	for (size_t i = 0; i < json_array_size(data); i++) {
		const json_t *pair = json_array_get(data, i), *verdict = json_array_get(pair, 1);
		const char *word = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)verdict));

		reader->rule = ruleset_split_rule(reader->ruleset, reader->chain, base);
		reader->rule->log = false;
		reader->rule->target = NULL;
		read_match(reader, key, "==", json_array_get(pair, 0));
		if (!word || !read_verdict(reader, word, json_object_get(verdict, word)))
			refuse(reader, NULL, "weir has no such verdict");
	}
}

/* What a log statement without matches behind it does. */
static void read_log(struct rule_reader *reader, const json_t *value)
{
	const char *prefix = json_string_value(json_object_get(value, "prefix"));

	reader->rule->log = true;
	reader->rule->prefix = prefix ? arena_strdup(arena_of(reader), prefix) : NULL;
}

static void read_statement(struct rule_reader *reader, const json_t *statement)
{
	const char *word = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)statement));
	const json_t *value = word ? json_object_get(statement, word) : NULL;

	if (!word) {
		refuse(reader, NULL, "this is no statement");
	} else if (strcmp(word, "match") == 0) {
		if (reader->rule->log) { /* it logs what has matched so far, whether the rest does or not */
			reader->rule = ruleset_split_rule(reader->ruleset, reader->chain, reader->rule);
			reader->rule->log = false;
		}
		read_match(reader, json_object_get(value, "left"), text_of(value, "op"), json_object_get(value, "right"));
	} else if (strcmp(word, "log") == 0) {
		read_log(reader, value);
	} else if (strcmp(word, "vmap") == 0) {
		read_verdict_map(reader, value);
	} else if (strcmp(word, "counter") != 0 && !read_verdict(reader, word, value)) {
		if (strcmp(word, "limit") != 0 && strcmp(word, "quota") != 0)
			reader->rule->target = ""; /* it may change the packet, or where it goes */
		refuse(reader, NULL, arena_printf(arena_of(reader), "weir has nothing like the statement '%s'", word));
	}
}

void nft_read_rule(struct ruleset *ruleset, struct import_chain *chain, struct import_rule *rule, const json_t *expressions)
{
	struct rule_reader reader = { .ruleset = ruleset, .chain = chain, .rule = rule };

	if (chain->foreign)
		refuse(&reader, NULL,
		       arena_printf(ruleset->arena, "weir has nothing like the chain '%s' of %s", chain->name, chain->table));
	for (size_t i = 0; i < json_array_size(expressions); i++)
		read_statement(&reader, json_array_get(expressions, i));
	split_by_interface(&reader, rule);
}
