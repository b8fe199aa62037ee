// SPDX-License-Identifier: GPL-2.0-only
/*
 * A rule of nftables' text. What is not known here becomes a statement of that name, which nft_rule.c refuses, and the rule's
 * verdict is looked for behind it, since what is said of a rule that is left out depends on it.
 */
#include <ctype.h>
#include <string.h>

#include "import/nft_text.h"

static json_t *one(const char *key, json_t *value)
{
	json_t *object = json_object();

	json_object_set_new(object, key, value);
	return object;
}

/* Is it one of the WORDS, which have blanks between them? */
static bool among(const char *text, const char *words)
{
	const char *found = words;
	size_t length = strlen(text);

	while (length && (found = strstr(found, text))) {
		if ((found == words || found[-1] == ' ') && (found[length] == ' ' || !found[length]))
			return true;
		found += length;
	}
	return false;
}

/* ---- Values ---- */

static json_t *number_or_word(const char *text)
{
	bool hexadecimal = text[0] == '0' && text[1] == 'x' && text[2];
	const char *digits = text + 2 * hexadecimal;

	if (*digits && strspn(digits, hexadecimal ? "0123456789abcdefABCDEF" : "0123456789") == strlen(digits) && strlen(digits) < 16)
		return json_integer(strtoll(text, NULL, hexadecimal ? 16 : 10));
	return json_string(text);
}

/* Names have dashes, too; both ends of a range look like numbers or addresses. */
static bool is_end_of_range(const char *text, size_t length)
{
	bool digits = false;

	for (size_t i = 0; i < length; i++) {
		if (!isxdigit((unsigned char)text[i]) && text[i] != '.' && text[i] != ':' && text[i] != 'x')
			return false;
		digits = digits || isdigit((unsigned char)text[i]) || text[i] == ':';
	}
	return digits;
}

static json_t *simple(const char *text)
{
	const char *dash = strchr(text, '-'), *slash = strchr(text, '/');
	json_t *low;
	char *copy;

	if (dash && is_end_of_range(text, (size_t)(dash - text)) && is_end_of_range(dash + 1, strlen(dash + 1))) {
		copy = strndup(text, (size_t)(dash - text));
		low = number_or_word(copy);
		free(copy);
		return json_pack("{s:[o,o]}", "range", low, number_or_word(dash + 1));
	}
	if (slash && slash[1] && strspn(slash + 1, "0123456789") == strlen(slash + 1)) {
		copy = strndup(text, (size_t)(slash - text));
		low = json_pack("{s:{s:s,s:i}}", "prefix", "addr", copy, "len", atoi(slash + 1));
		free(copy);
		return low;
	}
	return number_or_word(text);
}

json_t *nft_text_value(struct nft_words *words)
{
	json_t *parts = json_array(), *value;

	do {
		if (nft_word(words)->kind == NFT_STRING)
			value = json_string(nft_word_next(words));
		else if (nft_word(words)->kind == NFT_WORD)
			value = simple(nft_word_next(words));
		else
			value = json_null();
		if (json_is_null(value))
			nft_word_wrong(words, "a value");
		json_array_append_new(parts, value);
	} while (!words->failed && nft_word_take(words, "."));
	if (json_array_size(parts) > 1)
		return one("concat", parts);
	value = json_incref(json_array_get(parts, 0));
	json_decref(parts);
	return value;
}

#define MOST_SECONDS 1e15 /* what is longer is far past any limit of a set, and a whole number all the same */

json_t *nft_text_time(const char *text)
{
	static const struct {
		const char *unit;
		double seconds;
	} units[] = { { "ms", 0.001 }, { "d", 86400 }, { "h", 3600 }, { "m", 60 }, { "s", 1 } };
	double seconds = 0, number;
	char *end;

	while (*text) {
		size_t unit = 0;

		number = strtod(text, &end);
		while (unit < 5 && strncmp(end, units[unit].unit, strlen(units[unit].unit)) != 0)
			unit++;
		if (end == text || unit == 5)
			break;
		seconds += number * units[unit].seconds;
		text = end + strlen(units[unit].unit);
	}
	if (!(seconds < MOST_SECONDS))
		seconds = MOST_SECONDS;
	return json_integer(seconds < 1 ? (seconds > 0) : (json_int_t)seconds);
}

/* timeout 1h expires 59m counter packets 0 bytes 0 comment "x" */
static json_t *with_properties(struct nft_words *words, json_t *value)
{
	json_t *timeout = NULL;

	while (!words->failed && nft_word(words)->kind == NFT_WORD && !nft_word_is(words, ":")) {
		const char *property = nft_word_next(words);

		if (strcmp(property, "timeout") == 0) {
			timeout = nft_text_time(nft_word_next(words));
		} else if (strcmp(property, "expires") == 0 || strcmp(property, "comment") == 0 || strcmp(property, "packets") == 0 ||
			   strcmp(property, "bytes") == 0) {
			nft_word_next(words);
		} else if (strcmp(property, "counter") != 0) {
			words->at--;
			nft_word_wrong(words, "',' or '}'");
		}
	}
	return timeout ? json_pack("{s:{s:o,s:o}}", "elem", "val", value, "timeout", timeout) : value;
}

static void skip_line_ends(struct nft_words *words)
{
	while (nft_word(words)->kind == NFT_LINE_END)
		words->at++;
}

json_t *nft_text_list(struct nft_words *words, bool verdicts)
{
	json_t *list = json_array(), *value, *verdict;

	if (!nft_word_take(words, "{"))
		nft_word_wrong(words, "'{'");
	for (skip_line_ends(words); !words->failed && !nft_word_is(words, "}"); skip_line_ends(words)) {
		value = with_properties(words, nft_text_value(words));
		if (verdicts) {
			if (!nft_word_take(words, ":"))
				nft_word_wrong(words, "':'");
			verdict = nft_text_verdict(words);
			value = json_pack("[o,o]", value, verdict ? verdict : nft_text_value(words));
		}
		json_array_append_new(list, value);
		skip_line_ends(words);
		if (!nft_word_take(words, ",") && !nft_word_is(words, "}"))
			nft_word_wrong(words, "',' or '}'");
	}
	nft_word_take(words, "}");
	return one("set", list);
}

/* ---- What is on the left of a match ---- */

json_t *nft_text_subject(struct nft_words *words)
{
	const struct nft_word *word = nft_word(words), *next = &words->list.items[words->at + (word->kind != NFT_TEXT_END)];

	if (word->kind != NFT_WORD)
		return NULL;
	if (among(word->text, "iif iifname oif oifname iiftype oiftype iifgroup oifgroup skuid skgid mark")) {
		words->at++;
		return json_pack("{s:{s:s}}", "meta", "key", word->text);
	}
	if (next->kind != NFT_WORD)
		return NULL;
	if (strcmp(word->text, "meta") == 0 || strcmp(word->text, "ct") == 0) {
		words->at += 2;
		return json_pack("{s:{s:s}}", word->text, "key", next->text);
	}
	if (among(word->text, "ether ip ip6 tcp udp udplite sctp dccp icmp icmpv6 igmp arp vlan th ah esp comp") &&
	    !among(next->text, "option")) {
		words->at += 2;
		if (strcmp(word->text, "arp") == 0 && (nft_word_is(words, "ip") || nft_word_is(words, "ether")))
			return json_pack("{s:{s:s,s:o}}", "payload", "protocol", "arp", "field",
					 json_sprintf("%s %s", next->text, nft_word_next(words)));
		return json_pack("{s:{s:s,s:s}}", "payload", "protocol", word->text, "field", next->text);
	}
	return NULL;
}

/* ---- Statements ---- */

json_t *nft_text_verdict(struct nft_words *words)
{
	const char *word = nft_word(words)->text;

	if (nft_word(words)->kind != NFT_WORD)
		return NULL;
	if (among(word, "accept drop continue return")) {
		words->at++;
		return one(word, json_null());
	}
	if (among(word, "jump goto")) {
		words->at++;
		return json_pack("{s:{s:s}}", word, "target", nft_word_next(words));
	}
	if (strcmp(word, "reject") != 0)
		return NULL;
	words->at++;
	if (nft_word_take(words, "with")) { /* tcp reset; icmp port-unreachable; icmpx type port-unreachable */
		nft_word_next(words);
		nft_word_take(words, "type");
		nft_word_next(words);
	}
	return one("reject", json_null());
}

static bool at_end(const struct nft_words *words)
{
	return nft_word(words)->kind >= NFT_LINE_END || nft_word_is(words, "}") || words->failed;
}

/* A name that nothing here knows: refused by it, and the rule's last verdict is what comes next. */
static json_t *unknown(struct nft_words *words)
{
	const struct nft_word *first = nft_word(words);
	bool pair = first->kind == NFT_WORD && first[1].kind == NFT_WORD && first[2].kind < NFT_TEXT_END;
	json_t *statement = json_object();
	size_t verdict = 0;
	int depth = 0;

	/* Two words say more than one: "tcp option", "mark set", "dnat to". */
	json_object_set_new_nocheck(statement, pair ? arena_printf(words->ruleset->arena, "%s %s", first->text, first[1].text) : first->text,
				    json_null());
	for (words->at++; (!at_end(words) || depth > 0) && nft_word(words)->kind != NFT_TEXT_END; words->at++) {
		depth += nft_word_is(words, "{") - nft_word_is(words, "}");
		if (depth == 0 && nft_word(words)->kind == NFT_WORD &&
		    among(nft_word(words)->text, "accept drop reject return jump goto comment") &&
		    (!verdict || nft_word(words)->text[0] != 'c'))
			verdict = words->at;
	}
	if (verdict)
		words->at = verdict;
	return statement;
}

static json_t *read_log(struct nft_words *words)
{
	json_t *log = json_object();

	while (nft_word(words)->kind == NFT_WORD && among(nft_word(words)->text, "prefix level group snaplen queue-threshold flags")) {
		const char *option = nft_word_next(words), *value = nft_word_next(words);

		if (strcmp(option, "prefix") == 0)
			json_object_set_new(log, "prefix", json_string(value));
		if (strcmp(option, "flags") != 0)
			continue;
		if (among(value, "tcp ip")) /* tcp sequence,options; ip options */
			nft_word_next(words);
		while (nft_word_take(words, ","))
			nft_word_next(words);
	}
	return one("log", log);
}

/* rate over 10/second burst 5 packets; rate 10 mbytes/second; name "x" */
static json_t *read_limit(struct nft_words *words)
{
	while (nft_word(words)->kind <= NFT_STRING &&
	       (nft_word(words)->kind == NFT_STRING || strchr(nft_word(words)->text, '/') ||
		isdigit((unsigned char)nft_word(words)->text[0]) ||
		among(nft_word(words)->text, "rate over name burst packets bytes kbytes mbytes until used")))
		words->at++;
	return json_null();
}

/* Flags: words joined by "," or "|", perhaps in parentheses. */
static json_t *read_flags(struct nft_words *words)
{
	bool parentheses = nft_word_take(words, "(");
	json_t *list = json_array(), *only;

	do
		json_array_append_new(list, nft_text_value(words));
	while (!words->failed && (nft_word_take(words, ",") || nft_word_take(words, "|")));
	if (parentheses && !nft_word_take(words, ")"))
		nft_word_wrong(words, "')'");
	if (json_array_size(list) != 1)
		return list;
	only = json_incref(json_array_get(list, 0));
	json_decref(list);
	return only;
}

static json_t *masked(json_t *subject, json_t *mask)
{
	return json_pack("{s:[o,o]}", "&", subject, mask);
}

static const char *operator_of(struct nft_words *words, const json_t *subject)
{
	const char *field = json_string_value(json_object_get(json_object_get(subject, "payload"), "field"));

	for (size_t i = 0; i < 6; i++) {
		static const char *const operators[] = { "==", "!=", "<=", ">=", "<", ">" };

		if (nft_word_take(words, operators[i]))
			return operators[i];
	}
	/* Without one, any of the flags will do; of a connection's state, too. */
	if ((field && strcmp(field, "flags") == 0) || json_object_get(subject, "ct"))
		return "in";
	return "==";
}

/* What stands behind a subject: a comparison, a map of verdicts, or something that sets it. */
static json_t *read_comparison(struct nft_words *words, json_t *subject)
{
	const char *operator;
	json_t *right;

	while (nft_word_take(words, ".")) {
		json_t *second = nft_text_subject(words), *parts = json_object_get(subject, "concat");

		if (!second) {
			json_decref(subject);
			return unknown(words);
		}
		if (parts)
			json_array_append_new(parts, second);
		else
			subject = json_pack("{s:[o,o]}", "concat", subject, second);
	}
	if (nft_word_is(words, "set") || nft_word_is(words, "map")) { /* meta mark set 1 */
		json_decref(subject);
		words->at--;
		return unknown(words);
	}
	if (nft_word_take(words, "vmap")) {
		right = nft_word_is(words, "{") ? nft_text_list(words, true) : nft_text_value(words);
		return json_pack("{s:{s:o,s:o}}", "vmap", "key", subject, "data", right);
	}
	if (nft_word_take(words, "&"))
		subject = masked(subject, read_flags(words));
	operator = operator_of(words, subject);
	if (nft_word_is(words, "{"))
		right = nft_text_list(words, false);
	else
		right = read_flags(words);
	if (nft_word_take(words, "/")) { /* syn / syn,ack: of these flags that one alone */
		subject = masked(subject, read_flags(words));
		operator = strcmp(operator, "in") == 0 ? "==" : operator;
	}
	return json_pack("{s:{s:s,s:o,s:o}}", "match", "op", operator, "left", subject, "right", right);
}

static json_t *read_statement(struct nft_words *words)
{
	json_t *subject, *verdict;

	if (nft_word_take(words, "counter")) {
		while (nft_word_take(words, "packets") || nft_word_take(words, "bytes") || nft_word_take(words, "name"))
			nft_word_next(words);
		return one("counter", json_null());
	}
	if (nft_word_take(words, "log"))
		return read_log(words);
	if (nft_word_is(words, "limit") || nft_word_is(words, "quota")) {
		const char *word = nft_word_next(words);

		return one(word, read_limit(words));
	}
	verdict = nft_text_verdict(words);
	if (verdict)
		return verdict;
	subject = nft_text_subject(words);
	return subject ? read_comparison(words, subject) : unknown(words);
}

json_t *nft_text_rule(struct nft_words *words)
{
	json_t *statements = json_array(), *rule = one("expr", statements);

	while (!at_end(words)) {
		if (nft_word_take(words, "comment"))
			json_object_set_new(rule, "comment", json_string(nft_word_next(words)));
		else
			json_array_append_new(statements, read_statement(words));
	}
	return rule;
}
