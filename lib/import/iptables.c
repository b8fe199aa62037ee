// SPDX-License-Identifier: GPL-2.0-only
/*
 * What iptables-save and ip6tables-save write: lines, words, tables, chains. Only the table filter is of weir's kind; each
 * rule of another one is named as left out.
 */
#include "import/iptables.h"

#include <errno.h>
#include <string.h>

struct reader {
	struct ruleset *ruleset;
	const struct import_options *options;
	struct place place; /* of the line */
	const char *table;  /* NULL: outside of one */
	bool ipv6;
};

static int wrong(struct reader *reader, uint32_t column, const char *hint, const char *message)
{
	struct place place = reader->place;
	struct diagnostic *diagnostic;

	place.length = column ? 1 : place.length;
	place.column = column ? column : 1;
	diagnostic = diagnose(reader->ruleset->diagnostics, SEVERITY_ERROR, place, "%s", message);
	diagnostic_hint(reader->ruleset->diagnostics, diagnostic, "%s", hint);
	return -EINVAL;
}

/* Words are apart by blanks; quotation marks join, and a backslash within them takes what follows as it is. */
static int split(struct reader *reader, const char *line, struct words *words)
{
	struct arena *arena = reader->ruleset->arena;

	for (const char *at = line; *at;) {
		char *text, *to;
		bool quoted = false;
		const char *start;

		at += strspn(at, " \t\r");
		if (!*at)
			break;
		start = at;
		text = to = arena_alloc(arena, strlen(at) + 1);
		for (; *at && (quoted || !strchr(" \t\r", *at)); at++) {
			if (*at == '"') {
				quoted = !quoted;
				continue;
			}
			if (quoted && *at == '\\' && at[1])
				at++;
			*to++ = *at;
		}
		if (quoted)
			return wrong(reader, (uint32_t)(start - line) + 1, "close it on the same line",
				     "a quotation mark is open to the end of the line");
		vector_push(arena, &words->list, (struct word){ text, (uint32_t)(start - line) + 1 });
	}
	return 0;
}

static void read_table(struct reader *reader, const struct words *words)
{
	reader->table = words->list.items[0].text + 1;
}

/* :INPUT DROP [0:0], or :user - [0:0] */
static int read_chain(struct reader *reader, const struct words *words)
{
	static const struct {
		const char *name;
		enum import_place place;
	} places[] = { { "INPUT", IMPORT_INPUT }, { "OUTPUT", IMPORT_OUTPUT }, { "FORWARD", IMPORT_FORWARD } };
	const char *name = words->list.items[0].text + 1, *policy;
	struct import_chain *chain;

	if (!*name || words->list.count < 2)
		return wrong(reader, 0, "a chain is ':NAME POLICY [0:0]'", "this line does not declare a chain");
	if (ruleset_chain(reader->ruleset, reader->table, name))
		return wrong(reader, 0, "give one rule set at a time", "this chain has been declared already");
	policy = words->list.items[1].text;
	if (strcmp(policy, "ACCEPT") != 0 && strcmp(policy, "DROP") != 0 && strcmp(policy, "-") != 0)
		return wrong(reader, words->list.items[1].column, "it is ACCEPT, DROP, or - of a user's chain",
			     "a chain has no such policy");
	chain = ruleset_add_chain(reader->ruleset, reader->table, name, reader->place);
	chain->family = reader->ipv6 ? IMPORT_IPV6 : IMPORT_IPV4;
	chain->foreign = strcmp(reader->table, "filter") != 0;
	chain->drop = strcmp(policy, "DROP") == 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strcmp(name, places[i].name) == 0 && strcmp(reader->table, "filter") == 0)
			chain->hook = places[i].place;
	if (chain->drop && chain->foreign) {
		reader->ruleset->left_out++;
		ruleset_say(
			reader->ruleset, SEVERITY_WARNING, reader->place, NULL,
			"left out: the policy of a chain that is not in the table filter; the policy is more permissive without it");
	}
	return 0;
}

static int read_rule(struct reader *reader, const char *line, const struct words *words, size_t first)
{
	struct iptables_rule rule = { .ruleset = reader->ruleset, .words = words, .ipv6 = reader->ipv6 };
	const char *name;

	if (words->list.count < first + 2)
		return wrong(reader, 0, "a rule is '-A CHAIN ...'", "this rule names no chain");
	name = words->list.items[first + 1].text;
	rule.chain = ruleset_chain(reader->ruleset, reader->table, name);
	if (!rule.chain)
		return wrong(reader, words->list.items[first + 1].column, "a line ':NAME POLICY [0:0]' comes before its rules",
			     "no such chain has been declared");
	rule.rule = ruleset_add_rule(reader->ruleset, rule.chain, reader->place, line);
	rule.rule->place.column = words->list.items[first].column;
	rule.rule->place.length = (uint32_t)strlen(line) - rule.rule->place.column + 1;
	rule.rule->text = line + rule.rule->place.column - 1;
	rule.at = first + 2;
	rule.have_sets = reader->options->ipset;
	iptables_read_rule(&rule);
	return 0;
}

static int read_line(struct reader *reader, const char *line)
{
	struct words words = { 0 };
	const char *word;
	size_t first = 0;

	if (split(reader, line, &words))
		return -EINVAL;
	if (words.list.count == 0 || *words.list.items[0].text == '#')
		return 0;
	word = words.list.items[0].text;
	if (*word == '*') {
		read_table(reader, &words);
		return 0;
	}
	if (!reader->table)
		return wrong(reader, 0, "it begins with '*filter', as iptables-save writes it", "this line is in no table");
	if (strcmp(word, "COMMIT") == 0) {
		reader->table = NULL;
		return 0;
	}
	if (*word == ':')
		return read_chain(reader, &words);
	if (*word == '[' && words.list.count > 1) /* counters: iptables-save -c */
		first = 1;
	word = words.list.items[first].text;
	if (strcmp(word, "-A") == 0 || strcmp(word, "--append") == 0)
		return read_rule(reader, line, &words, first);
	return wrong(reader, words.list.items[first].column,
		     "only what iptables-save writes is read: *table, :CHAIN POLICY, -A CHAIN ..., COMMIT",
		     "this is no line of iptables-save");
}

int iptables_read(struct ruleset *ruleset, const struct source *source, const struct import_options *options)
{
	struct reader reader = { .ruleset = ruleset, .options = options, .place.source = source };
	const char *end = source->text + source->length, *stop;

	reader.ipv6 = options->format == IMPORT_IP6TABLES;
	ruleset->from = reader.ipv6 ? "ip6tables-save" : "iptables-save";
	for (const char *at = source->text; at < end; at = stop + 1) {
		char *line;

		stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		reader.place.line++;
		reader.place.column = 1;
		reader.place.length = (uint32_t)(stop - at);
		line = arena_strndup(ruleset->arena, at, (size_t)(stop - at));
		line[strcspn(line, "\r")] = '\0';
		read_line(&reader, line);
	}
	return ruleset->diagnostics->errors ? -EINVAL : 0;
}
