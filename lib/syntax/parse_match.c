// SPDX-License-Identifier: GPL-2.0-only
/* Matches: what they are about, by the table of subjects, and what it is compared with. */
#include "syntax/parser.h"

#include <string.h>

#define SUBJECT_MAX_WORDS 3 /* arp saddr ip */

static const char *const statements[] = {
	"log", "counter", "comment",  "accept", "drop",	      "fwd",	 "bounce",
	"to",  "class",	  "redirect", "dnat",	"reclassify", "default",
};

#define IS_ONE_OF(token, words) token_is_one_of((token), (words), sizeof(words) / sizeof((words)[0]))

/* The next tokens, of this line: the current one and those behind it. What is no word ends them. */
struct words {
	struct token tokens[SUBJECT_MAX_WORDS];
	unsigned count;
};

static struct words look_at_words(const struct parser *parser)
{
	struct lexer ahead = parser->lexer;
	struct words words = { .tokens = { parser->token } };

	ahead.diagnostics = NULL;
	while (words.tokens[words.count].kind == TOKEN_WORD && ++words.count < SUBJECT_MAX_WORDS)
		words.tokens[words.count] = lexer_next(&ahead);
	return words;
}

/* Is TOKEN the first of the words in TEXT? */
static bool is_first_word(const struct token *token, const char *text)
{
	size_t length = token->place.length;

	return strncmp(text, token->start, length) == 0 && (!text[length] || text[length] == ' ');
}

/* How many of WORDS are the whole of a subject's words; 0: they are not. */
static unsigned words_matched(const char *text, const struct words *words)
{
	for (unsigned i = 0; i < words->count; i++) {
		size_t length = words->tokens[i].place.length;

		if (!is_first_word(&words->tokens[i], text))
			return 0;
		if (!text[length])
			return i + 1;
		text += length + 1;
	}
	return 0;
}

/* The subject with the most words; SUBJECT_COUNT: none. */
static enum subject find_subject(const struct words *words, unsigned *ret_length)
{
	enum subject found = SUBJECT_COUNT;

	*ret_length = 0;
	for (int i = 0; i < SUBJECT_COUNT; i++) {
		unsigned length = words_matched(subject_words((enum subject)i), words);

		if (length > *ret_length) {
			found = (enum subject)i;
			*ret_length = length;
		}
	}
	return found;
}

static bool begins_subject(const struct token *token)
{
	for (int i = 0; token->kind == TOKEN_WORD && i < SUBJECT_COUNT; i++)
		if (is_first_word(token, subject_words((enum subject)i)))
			return true;
	return false;
}

bool parse_begins_statement(const struct token *token)
{
	return begins_subject(token) || IS_ONE_OF(token, statements) || foreign_in_rule(token, NULL);
}

static const char *join_words(struct parser *parser, const struct words *words, unsigned count, struct place *ret_place)
{
	const char *text = token_text(parser->arena, &words->tokens[0]);

	*ret_place = words->tokens[0].place;
	for (unsigned i = 1; i < count; i++) {
		text = arena_printf(parser->arena, "%s %s", text, token_text(parser->arena, &words->tokens[i]));
		*ret_place = parser_join(*ret_place, words->tokens[i].place);
	}
	return text;
}

/* Second words of the subjects that begin with WORD: "saddr, daddr". NULL: there are none. */
static const char *fields_of(struct parser *parser, const struct token *word)
{
	const char *fields = NULL;

	for (int i = 0; i < SUBJECT_COUNT; i++) {
		const char *words = subject_words((enum subject)i);
		size_t length = word->place.length;

		if (!is_first_word(word, words) || !words[length])
			continue;
		fields = fields ? arena_printf(parser->arena, "%s, %s", fields, words + length + 1) : words + length + 1;
	}
	return fields;
}

/* The subject that begins with FIRST whose other words are nearest to those written; NULL: none is near. */
static const char *near_field(struct parser *parser, const struct words *words)
{
	const char *rests[SUBJECT_COUNT], *subjects_of[SUBJECT_COUNT], *near;
	const struct token *first = &words->tokens[0];
	unsigned count = 0, length = words->count;
	struct words rest = { .count = 0 };
	struct place place;

	for (int i = 0; i < SUBJECT_COUNT; i++) {
		const char *text = subject_words((enum subject)i);
		size_t prefix = strcspn(text, " ");

		if (!text[prefix] || first->place.length != prefix || memcmp(first->start, text, prefix) != 0)
			continue;
		subjects_of[count] = text;
		rests[count++] = text + prefix + 1;
		/* "arp saddr 10.0.0.1": all that is missing is the last word. */
		prefix = words->count > 1 ? words->tokens[1].place.length : 0;
		if (prefix && !strncmp(rests[count - 1], words->tokens[1].start, prefix) && rests[count - 1][prefix] == ' ')
			return text;
	}
	for (; length > 1; length--) {
		rest.tokens[0] = words->tokens[1];
		rest.tokens[1] = words->tokens[2];
		near = near_match(join_words(parser, &rest, length - 1, &place), rests, count);
		for (unsigned i = 0; near && i < count; i++)
			if (near == rests[i] && (length == 2 || strchr(near, ' ')))
				return subjects_of[i];
	}
	return NULL;
}

/* The first word is one of a subject's, the second is not. */
static void unknown_field(struct parser *parser, const struct words *words)
{
	const char *fields = fields_of(parser, &words->tokens[0]), *near = near_field(parser, words), *text;
	struct place place;
	struct diagnostic *d;

	if (words->count == 1) {
		text = join_words(parser, words, 1, &place);
		d = parser_error(parser, place, "'%s' alone is no match", text);
		parser_hint(parser, d, "say what of it: %s", fields);
		return;
	}
	text = join_words(parser, words,
			  near && strchr(strchr(near, ' ') + 1, ' ') && words->count > 2 && words->tokens[2].start[0] > '9' ? 3
															    : 2,
			  &place);
	d = parser_error(parser, place, "no such field '%s'", text);
	if (near)
		parser_hint(parser, d, "did you mean '%s'?", near);
	else
		parser_hint(parser, d, "'%s' has %s", token_text(parser->arena, &words->tokens[0]), fields);
}

/* Words that are no subject: one of nftables', a slip of the pen, or nothing known. */
static void unknown_subject(struct parser *parser, const struct words *words)
{
	static const char *const others[] = { "log",   "counter", "comment", "accept", "drop",	"bounce",
					      "class", "fwd to",  "to xsk",  "hook",   "policy" };
	const struct foreign *foreign = foreign_in_rule(&words->tokens[0], words->count > 1 ? &words->tokens[1] : NULL);
	const char *names[SUBJECT_COUNT + sizeof(others) / sizeof(others[0])], *near = NULL, *text;
	unsigned count = 0, length = words->count > 1 ? 2 : 1;
	struct diagnostic *d;
	struct place place;

	if (foreign) {
		join_words(parser, words, foreign->second ? 2 : 1, &place);
		foreign_report(parser, place, foreign);
		return;
	}
	if (fields_of(parser, &words->tokens[0])) {
		unknown_field(parser, words);
		return;
	}
	text = token_text(parser->arena, &words->tokens[0]);
	if ((text[0] >= '0' && text[0] <= '9') || strchr(text, ':')) {
		d = parser_error(parser, words->tokens[0].place, "%s stands where a match or a statement begins",
				 token_describe(parser->arena, &words->tokens[0]));
		parser_hint(parser, d, "several values stand in braces: ip saddr { 10.0.0.1, 10.0.0.2 }");
		return;
	}
	for (; count < SUBJECT_COUNT; count++)
		names[count] = subject_words((enum subject)count);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		names[count++] = others[i];
	/* Two words together say best what was meant. */
	if (length == 2)
		near = near_match(join_words(parser, words, 2, &place), names, SUBJECT_COUNT);
	length = near ? 2 : 1;
	text = join_words(parser, words, length, &place);
	if (!near)
		near = near_match(text, names, count);
	d = parser_error(parser, place, length > 1 ? "no such field '%s'" : "no match or statement begins with '%s'", text);
	if (near)
		parser_hint(parser, d, "did you mean '%s'?", near);
	else
		parser_hint(parser, d, "a rule is made of matches (ip saddr 10.0.0.0/8), log, and accept or drop");
}

/*
 * subject = the words of one row of the table in subject.h; the longest row counts. A protocol's name that is followed by
 * a word with which nothing can begin is meant to be a field of it.
 */
static bool subject(struct parser *parser, struct ast_statement *match)
{
	struct words words = look_at_words(parser);
	unsigned length;
	enum subject found = find_subject(&words, &length);
	const struct token *behind = length < words.count ? &words.tokens[length] : NULL;
	struct place place;

	if (!words.count)
		return parser_expected(parser, "a field such as 'tcp dport'", NULL);
	if (found == SUBJECT_COUNT || (subject_type(found) == TYPE_PRESENCE && behind && behind->start[0] > '9' &&
				       (foreign_in_rule(&words.tokens[0], behind) || !parse_begins_statement(behind)))) {
		unknown_subject(parser, &words);
		return false;
	}
	join_words(parser, &words, length, &place);
	match->subject_place = match->subject_count ? parser_join(match->subject_place, place) : place;
	match->subjects[match->subject_count++] = found;
	while (length--)
		parser_advance(parser);
	return true;
}

/* subjects = subject [ "." subject ] */
static bool subjects(struct parser *parser, struct ast_statement *match)
{
	struct diagnostic *d;

	if (!subject(parser, match))
		return false;
	while (parser->token.kind == TOKEN_DOT) {
		if (match->subject_count == 2) {
			d = parser_error(parser, parser->token.place, "more than two fields joined");
			parser_hint(parser, d, "weir's sets hold single values and pairs");
			return false;
		}
		parser_advance(parser);
		if (!subject(parser, match))
			return false;
	}
	for (unsigned i = 0; match->subject_count == 2 && i < 2; i++) {
		const char *words = subject_words(match->subjects[i]);

		if (subject_type(match->subjects[i]) != TYPE_PRESENCE && subject_type(match->subjects[i]) != TYPE_PREDICATE &&
		    subject_type(match->subjects[i]) != TYPE_HTTP)
			continue;
		d = parser_error(parser, match->subject_place, "'%s' has no value that could be part of a pair", words);
		parser_hint(parser, d, "join two fields that have one: ip saddr . tcp dport");
		return false;
	}
	return true;
}

/* operator = "==" | "!=" | "<" | "<=" | ">" | ">=" | "eq" | "ne" | "lt" | "le" | "gt" | "ge" */
static bool operator(struct parser *parser, struct ast_statement *match)
{
	static const struct {
		enum token_kind kind;
		const char *word;
		enum ast_operator operator;
	} operators[] = {
		{ TOKEN_EQUAL, "eq", AST_EQUAL },     { TOKEN_NOT_EQUAL, "ne", AST_NOT_EQUAL },
		{ TOKEN_LESS, "lt", AST_LESS },	      { TOKEN_LESS_EQUAL, "le", AST_LESS_EQUAL },
		{ TOKEN_GREATER, "gt", AST_GREATER }, { TOKEN_GREATER_EQUAL, "ge", AST_GREATER_EQUAL },
	};
	struct diagnostic *d;

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (parser->token.kind != operators[i].kind && !token_is(&parser->token, operators[i].word))
			continue;
		match->operator= operators[i].operator;
		match->operator_place = parser->token.place;
		parser_advance(parser);
		return true;
	}
	if (parser->token.kind != TOKEN_ASSIGN)
		return true;
	d = parser_error(parser, parser->token.place, "'=' is no comparison");
	parser_hint(parser, d, "write '==', or nothing");
	return false;
}

/* mask = primary */
static bool mask(struct parser *parser, struct ast_statement *match)
{
	struct diagnostic *d;

	if (!parser_accept(parser, TOKEN_AND))
		return true;
	match->mask = parse_primary(parser);
	if (!match->mask)
		return false;
	if (parser->token.kind == TOKEN_OR) {
		d = parser_error(parser, parser->token.place, "the flags of a mask stand in parentheses");
		parser_hint(parser, d, "write it like this: tcp flags & (syn|ack) == syn");
		return false;
	}
	if (parser_at_end(parser) || IS_ONE_OF(&parser->token, statements)) {
		d = parser_error(parser, parser_join(match->subject_place, match->mask->place),
				 "a mask, and nothing to compare with");
		parser_hint(parser, d, "add '== ...', or '!= 0' for any of these bits");
		return false;
	}
	return true;
}

/* What a match about a value of this type looks like, for hints. */
static const char *example(enum value_type type)
{
	static const char *const examples[] = {
		[TYPE_NUMBER] = "1",
		[TYPE_ETHER_ADDR] = "02:00:00:00:00:66",
		[TYPE_ETHER_TYPE] = "arp",
		[TYPE_ARP_OPERATION] = "request",
		[TYPE_IPV4_ADDR] = "10.0.0.0/8",
		[TYPE_IPV6_ADDR] = "2001:db8::/32",
		[TYPE_PROTOCOL] = "tcp",
		[TYPE_DSCP] = "cs1",
		[TYPE_ICMP_TYPE] = "echo-request",
		[TYPE_ICMP_CODE] = "port-unreachable",
		[TYPE_ICMPV6_TYPE] = "echo-request",
		[TYPE_ICMPV6_CODE] = "port-unreachable",
		[TYPE_INET_SERVICE] = "{ 80, 443 }",
		[TYPE_TCP_FLAGS] = "& (syn|ack) == syn",
		[TYPE_INTERFACE] = "eth0",
		[TYPE_MALFORMED] = "short",
		[TYPE_HTTP] = "\"/private*\"",
	};

	return examples[type];
}

/* A protocol's name stands alone: false, with an error, when something like a value is behind it. */
static bool alone(struct parser *parser, const struct ast_statement *match)
{
	const char *words = subject_words(match->subjects[0]);
	struct diagnostic *d;
	const struct token first = { .kind = TOKEN_WORD, .start = words, .place = { .length = (uint32_t)strlen(words) } };

	if (parser_at_end(parser) || parse_begins_statement(&parser->token))
		return true;
	if (parser->token.kind == TOKEN_BAD)
		return false;
	d = parser_error(parser, match->subject_place, "'%s' alone is a match, and is compared with nothing", words);
	parser_hint(parser, d, "say what of it: %s", fields_of(parser, &first));
	return false;
}

/* match-value = value ; what nftables would allow here and weir does not is told apart */
static bool match_value(struct parser *parser, struct ast_statement *match)
{
	static const struct foreign foreign[] = {
		{ "map", NULL, "it has sets, but no maps", "write a rule for each value of the map" },
		{ "vmap", NULL, "it has sets, but no maps", "write a rule for each verdict of the map" },
		{ "set", NULL, "of a packet it sets mark and priority only", "leave it to nftables" },
	};
	const char *words = subject_words(match->subjects[match->subject_count - 1]);
	enum value_type type = subject_type(match->subjects[match->subject_count - 1]);
	struct diagnostic *d;

	if (parser_at_end(parser) || IS_ONE_OF(&parser->token, statements)) {
		d = parser_error(parser, match->subject_place, "'%s' is compared with nothing", words);
		parser_hint(parser, d, "write a value behind it: %s %s", words, example(type));
		return false;
	}
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (token_is(&parser->token, foreign[i].first)) {
			foreign_report(parser, parser->token.place, &foreign[i]);
			return false;
		}
	match->value = parse_value(parser);
	if (!match->value)
		return false;
	if (parser->token.kind == TOKEN_COMMA) {
		d = parser_error(parser, parser->token.place, "a list stands in braces");
		parser_hint(parser, d, "write it like this: %s { a, b }", words);
		return false;
	}
	if (type == TYPE_TCP_FLAGS && parser->token.kind == TOKEN_WORD && parser->token.start[0] == '/') {
		d = parser_error(parser, parser->token.place, "a mask stands in front of the comparison");
		parser_hint(parser, d, "write it like this: tcp flags & (syn|ack) == syn");
		return false;
	}
	return true;
}

/* What stands between `bytecode` and its text, each at most once and in this order. */
static void predicate_words(struct parser *parser, struct ast_statement *match)
{
	static const char *const words[][2] = { { "EN10MB", "RAW" }, { "asm", "asm" }, { "file", "file" } };
	struct ast_value **next = &match->words;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!IS_ONE_OF(&parser->token, words[i]))
			continue;
		*next = parse_primary(parser);
		next = &(*next)->next;
	}
}

/*
 * predicate = "pcap" text | "bytecode" [ "EN10MB" | "RAW" ] [ "asm" ] [ "file" ] text
 * text      = STRING | "$" NAME
 */
static struct ast_statement *predicate(struct parser *parser, struct ast_statement *match)
{
	bool is_pcap = match->subjects[0] == SUBJECT_PCAP;
	struct diagnostic *d;

	if (!is_pcap)
		predicate_words(parser, match);
	if (parser->token.kind != TOKEN_STRING && parser->token.kind != TOKEN_VARIABLE) {
		d = parser_error(parser, parser_join(match->subject_place, parser->last.place),
				 "behind '%s' stands a text in quotation marks", subject_words(match->subjects[0]));
		if (is_pcap && parser->token.kind == TOKEN_NOT_EQUAL)
			parser_hint(parser, d, "negation is part of the expression: pcap \"not (tcp port 80)\"");
		else if (is_pcap)
			parser_hint(parser, d, "write it like this: pcap \"tcp port 80 and not host 10.0.0.1\"");
		else
			parser_hint(parser, d, "write it like this: bytecode \"1,6 0 0 1\", bytecode file \"FILE\", bytecode RAW asm \"ret #1\"");
		return NULL;
	}
	match->value = parse_primary(parser);
	match->place = parser_join(match->subject_place, parser->last.place);
	return match;
}

/*
 * match = subjects [ "&" mask ] [ operator ] match-value
 *	 | subject			; a protocol's name, or "meta malformed"
 *	 | predicate
 */
struct ast_statement *parse_match(struct parser *parser)
{
	struct ast_statement *match = arena_new_object(parser->arena, struct ast_statement);
	enum value_type type;
	bool whole;

	match->kind = AST_MATCH;
	if (!subjects(parser, match))
		return NULL;
	type = subject_type(match->subjects[0]);
	match->place = match->subject_place;
	if (type == TYPE_PRESENCE)
		return alone(parser, match) ? match : NULL;
	if (type == TYPE_PREDICATE && match->subject_count == 1)
		return predicate(parser, match);
	if (type == TYPE_MALFORMED && match->subject_count == 1 &&
	    (parser_at_end(parser) || parse_begins_statement(&parser->token)))
		return match;
	whole = mask(parser, match) && operator(parser, match) && match_value(parser, match);
	match->place = parser_join(match->subject_place, parser->last.place);
	return whole ? match : NULL;
}
