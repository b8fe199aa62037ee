// SPDX-License-Identifier: GPL-2.0-only
/* Tables, chains and sets of nftables' text. */
#include <string.h>

#include "import/nft_text.h"

/* One rule set on its way. */
struct reading {
	struct nft_words words;
	const char *family, *table;
	json_t *objects, *rules; /* arrays */
	nft_text_rules *places;
};

static void skip_line_ends(struct nft_words *words)
{
	while (nft_word(words)->kind == NFT_LINE_END)
		words->at++;
}

static void skip_line(struct nft_words *words)
{
	while (nft_word(words)->kind < NFT_LINE_END && !nft_word_is(words, "}"))
		words->at++;
}

/* A block that says nothing here, the brace next: flowtables, counters, quotas. */
static void skip_block(struct nft_words *words)
{
	int depth = 0;

	do {
		depth += nft_word_is(words, "{") - nft_word_is(words, "}");
		nft_word_next(words);
	} while (depth > 0 && nft_word(words)->kind != NFT_TEXT_END);
}

static bool expect(struct nft_words *words, const char *text)
{
	if (nft_word_take(words, text))
		return true;
	nft_word_wrong(words, arena_printf(words->ruleset->arena, "'%s'", text));
	return false;
}

static json_t *described(struct reading *reading, const char *kind, json_t *object)
{
	json_object_set_new(object, "family", json_string(reading->family));
	json_object_set_new(object, "table", json_string(reading->table));
	return json_pack("{s:o}", kind, object);
}

/* type filter hook input device "eth0" priority filter */
static void read_base(struct nft_words *words, json_t *chain)
{
	while (nft_word(words)->kind < NFT_LINE_END && !words->failed) {
		if (nft_word_take(words, "type")) {
			json_object_set_new(chain, "type", json_string(nft_word_next(words)));
		} else if (nft_word_take(words, "hook")) {
			json_object_set_new(chain, "hook", json_string(nft_word_next(words)));
		} else if (nft_word_take(words, "device")) {
			json_object_set_new(chain, "dev", json_string(nft_word_next(words)));
		} else if (nft_word_take(words, "devices")) {
			json_t *list;

			if (!expect(words, "="))
				return;
			list = nft_text_list(words, false);
			json_object_set(chain, "dev", json_object_get(list, "set"));
			json_decref(list);
		} else {
			words->at++; /* its priority, which has no meaning without others beside it */
		}
	}
}

/* What stands between two offsets, each line's end and what it is indented by one blank. */
static const char *without_line_ends(const struct nft_words *words, size_t start, size_t end)
{
	const char *from = words->source->text;
	char *text = arena_strndup(words->ruleset->arena, from + start, end > start ? end - start : 0), *to = text;

	for (const char *at = text; *at; at++) {
		if (*at != '\n') {
			*to++ = *at;
			continue;
		}
		while (to > text && (to[-1] == ' ' || to[-1] == '\t'))
			to--;
		*to++ = ' ';
		at += strspn(at + 1, " \t\r\n");
	}
	*to = '\0';
	return text;
}

static void read_rule(struct reading *reading, const char *chain)
{
	struct nft_words *words = &reading->words;
	const struct nft_word *first = nft_word(words), *last;
	struct nft_text_rule told = { .place = nft_word_place(words, first) };
	json_t *rule = nft_text_rule(words);

	last = &words->list.items[words->at - 1];
	if (last->line == first->line && last->end > first->start)
		told.place.length = (uint32_t)(last->end - first->start);
	told.text = without_line_ends(words, first->start, last->end);
	json_object_set_new(rule, "chain", json_string(chain));
	json_array_append_new(reading->rules, described(reading, "rule", rule));
	vector_push(words->ruleset->arena, reading->places, told);
}

static void read_chain(struct reading *reading)
{
	struct nft_words *words = &reading->words;
	const char *name = nft_word_next(words);
	json_t *chain = json_pack("{s:s}", "name", name);

	if (!expect(words, "{")) {
		json_decref(chain);
		return;
	}
	for (skip_line_ends(words); !words->failed && !nft_word_take(words, "}"); skip_line_ends(words)) {
		if (nft_word_is(words, "type"))
			read_base(words, chain);
		else if (nft_word_take(words, "policy"))
			json_object_set_new(chain, "policy", json_string(nft_word_next(words)));
		else if (nft_word_is(words, "comment") || nft_word_is(words, "flags"))
			skip_line(words);
		else if (nft_word(words)->kind == NFT_WORD)
			read_rule(reading, name);
		else
			nft_word_wrong(words, "a rule or '}'");
	}
	json_array_append_new(reading->objects, described(reading, "chain", chain));
}

/* "ipv4_addr . inet_service", or what `typeof ip saddr . tcp dport` comes to. */
static json_t *read_type(struct nft_words *words, bool typeof_)
{
	json_t *list = json_array();

	do {
		const char *type = NULL;
		json_t *subject = typeof_ ? nft_text_subject(words) : NULL, *payload = json_object_get(subject, "payload");
		const char *field = json_string_value(json_object_get(payload, "field"));
		const char *protocol = json_string_value(json_object_get(payload, "protocol"));
		const char *key = json_string_value(json_object_get(json_object_get(subject, "meta"), "key"));

		if (!typeof_)
			type = nft_word_next(words);
		else if (field && (strcmp(field, "saddr") == 0 || strcmp(field, "daddr") == 0))
			type = strcmp(protocol, "ip") == 0  ? "ipv4_addr" :
			       strcmp(protocol, "ip6") == 0 ? "ipv6_addr" :
							      "ether_addr";
		else if (field && (strcmp(field, "sport") == 0 || strcmp(field, "dport") == 0))
			type = "inet_service";
		else if ((field && strcmp(field, "protocol") == 0) || (key && strcmp(key, "l4proto") == 0))
			type = "inet_proto";
		else if (key && strcmp(key, "mark") == 0)
			type = "mark";
		json_array_append_new(list, json_string(type ? type : "unknown"));
		json_decref(subject);
	} while (nft_word_take(words, "."));
	skip_line(words);
	if (json_array_size(list) == 1) {
		json_t *one = json_incref(json_array_get(list, 0));

		json_decref(list);
		return one;
	}
	return list;
}

static void read_set(struct reading *reading, const char *kind)
{
	struct nft_words *words = &reading->words;
	json_t *set = json_pack("{s:s}", "name", nft_word_next(words)), *list;

	if (!expect(words, "{")) {
		json_decref(set);
		return;
	}
	for (skip_line_ends(words); !words->failed && !nft_word_take(words, "}"); skip_line_ends(words)) {
		if (nft_word_is(words, "type") || nft_word_is(words, "typeof")) {
			bool typeof_ = nft_word_is(words, "typeof");

			nft_word_next(words);
			json_object_set_new(set, "type", read_type(words, typeof_));
		} else if (nft_word_take(words, "size")) {
			json_object_set_new(set, "size", json_integer(strtoll(nft_word_next(words), NULL, 10)));
		} else if (nft_word_take(words, "timeout")) {
			json_object_set_new(set, "timeout", nft_text_time(nft_word_next(words)));
		} else if (nft_word_take(words, "flags")) {
			json_t *flags = json_array();

			do
				json_array_append_new(flags, json_string(nft_word_next(words)));
			while (nft_word_take(words, ","));
			json_object_set_new(set, "flags", flags);
		} else if (nft_word_take(words, "elements")) {
			if (!expect(words, "="))
				break;
			list = nft_text_list(words, strcmp(kind, "map") == 0);
			json_object_set(set, "elem", json_object_get(list, "set"));
			json_decref(list);
		} else if (nft_word(words)->kind == NFT_WORD) {
			skip_line(words); /* how the kernel keeps it: gc-interval, policy, auto-merge, counter, comment */
		} else {
			nft_word_wrong(words, "a property of the set or '}'");
		}
	}
	json_array_append_new(reading->objects, described(reading, kind, set));
}

static void read_table(struct reading *reading)
{
	struct nft_words *words = &reading->words;

	reading->family = "ip";
	reading->table = nft_word_next(words);
	if (!nft_word_is(words, "{")) {
		reading->family = reading->table;
		reading->table = nft_word_next(words);
	}
	if (!expect(words, "{"))
		return;
	for (skip_line_ends(words); !words->failed && !nft_word_take(words, "}"); skip_line_ends(words)) {
		if (nft_word_take(words, "chain"))
			read_chain(reading);
		else if (nft_word_is(words, "set") || nft_word_is(words, "map"))
			read_set(reading, nft_word_next(words));
		else if (nft_word_is(words, "comment") || nft_word_is(words, "flags"))
			skip_line(words);
		else if (nft_word(words)->kind != NFT_WORD)
			nft_word_wrong(words, "a chain, a set or '}'");
		else
			for (;;) { /* flowtable f { ... }, ct helper h { ... } */
				if (nft_word_is(words, "{")) {
					skip_block(words);
					break;
				}
				if (nft_word(words)->kind >= NFT_LINE_END) {
					nft_word_wrong(words, "'{'");
					break;
				}
				words->at++;
			}
	}
}

json_t *nft_text_read(struct ruleset *ruleset, const struct source *source, nft_text_rules *rules)
{
	struct reading reading = { .words = { .ruleset = ruleset, .source = source }, .places = rules };
	struct nft_words *words = &reading.words;

	reading.objects = json_array();
	reading.rules = json_array();
	nft_words_read(words);
	for (skip_line_ends(words); !words->failed && nft_word(words)->kind != NFT_TEXT_END; skip_line_ends(words)) {
		nft_word_take(words, "add");
		if (nft_word_take(words, "table"))
			read_table(&reading);
		else if (nft_word_is(words, "flush"))
			skip_line(words); /* what was there before the file */
		else
			nft_word_wrong(words, "'table'");
	}
	json_array_extend(reading.objects, reading.rules);
	json_decref(reading.rules);
	if (!words->failed)
		return reading.objects;
	json_decref(reading.objects);
	return NULL;
}
