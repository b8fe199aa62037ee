// SPDX-License-Identifier: GPL-2.0-only
/* Chains: where they stand, what becomes of the rest, and their rules. */
#include "syntax/parser.h"

#include <string.h>

#define HOOK_OPTIONS 5 /* on, netns, mode, parent, default */

/* A chain while it is read. */
struct reading {
	struct ast_chain *chain;
	struct ast_rule **next_rule;
	struct place policy, comment, connections; /* of these words; line 0: not there yet */
	bool bad_hook, broken;	      /* the hook, or any statement, has an error */
};

/* name and places of one word; false, with an error, when WHAT is not there */
static bool word(struct parser *parser, const char *what, const char *hint, const char **ret_word, struct place *ret_place)
{
	if (parser->token.kind != TOKEN_WORD)
		return parser_expected(parser, what, hint);
	*ret_word = token_text(parser->arena, &parser->token);
	*ret_place = parser->token.place;
	parser_advance(parser);
	return true;
}

/* Does the token behind this one stand for a name? Else a word like `container` is a name itself. */
static bool before_name(const struct parser *parser)
{
	static const char *const options[] = { "on", "netns", "mode", "parent", "default" };
	struct lexer ahead = parser->lexer;
	struct token next;

	ahead.diagnostics = NULL;
	next = lexer_next(&ahead);
	return next.kind == TOKEN_STRING || next.kind == TOKEN_VARIABLE || next.kind == TOKEN_LEFT_BRACE ||
	       (next.kind == TOKEN_WORD && !token_is_one_of(&next, options, HOOK_OPTIONS));
}

/* owner = [ "container" | "pid" | "netns" ] ; FIRST: of those that may stand here */
static enum ast_owner owner(struct parser *parser, enum ast_owner first)
{
	static const char *const words[] = { [OWNER_NETNS] = "netns", [OWNER_PID] = "pid", [OWNER_CONTAINER] = "container" };

	for (enum ast_owner of = first; of <= OWNER_CONTAINER; of++)
		if (token_is(&parser->token, words[of]) && before_name(parser)) {
			parser_advance(parser);
			return of;
		}
	return OWNER_NONE;
}

/* targets = "veth" "of" owner value | [ "container" ] value */
static bool targets(struct parser *parser, struct ast_chain *chain)
{
	static const char *const of[] = { "of" };
	struct lexer ahead = parser->lexer;
	struct token next;

	ahead.diagnostics = NULL;
	next = lexer_next(&ahead);
	chain->on_veth = token_is(&parser->token, "veth") && token_is_one_of(&next, of, 1);
	if (chain->on_veth) {
		parser_advance(parser);
		parser_advance(parser);
	}
	chain->targets_of = owner(parser, chain->on_veth ? OWNER_NETNS : OWNER_CONTAINER);
	if (chain->on_veth && !chain->targets_of)
		return parser_expected(parser, "'container', 'pid' or 'netns', and which one",
				       "'on veth of container web', 'on veth of pid 812', 'on veth of netns blue'");
	chain->targets = parse_value(parser);
	return chain->targets != NULL;
}

/* hook-option = "on" targets | "netns" [ "pid" | "container" ] primary | "mode" WORD | "parent" WORD | "default" WORD */
static bool hook_option(struct parser *parser, struct ast_chain *chain, struct place seen[HOOK_OPTIONS])
{
	static const char *const options[HOOK_OPTIONS] = { "on", "netns", "mode", "parent", "default" };
	const struct token token = parser->token;
	const struct foreign *foreign = foreign_in_chain(&token);
	struct diagnostic *d;
	const char *near;
	size_t i;

	if (foreign) {
		foreign_report(parser, token.place, foreign);
		return false;
	}
	for (i = 0; i < HOOK_OPTIONS && !token_is(&token, options[i]); i++)
		;
	if (i == HOOK_OPTIONS && token.kind == TOKEN_WORD) {
		near = near_match(token_text(parser->arena, &token), options, HOOK_OPTIONS);
		d = parser_error(parser, token.place, "a hook has no %s", token_describe(parser->arena, &token));
		if (near)
			parser_hint(parser, d, "did you mean '%s'?", near);
		else
			parser_hint(parser, d, "behind layer and direction stand 'on', 'netns' and 'mode'");
		return false;
	}
	if (i == HOOK_OPTIONS)
		return parser_expected(parser, "'on' and where the chain stands", "'on eth0', 'on { eth0, eth1 }'");
	if (!parse_only_once(parser, &token, &seen[i]))
		return false;
	parser_advance(parser);
	if (i < 2 && parser_at_end(parser))
		return parser_expected(parser, i ? "a network namespace" : "where the chain stands",
				       i ? "write 'netns blue'" : "'on eth0', 'on { eth0, eth1 }', 'on \"/system.slice\"'");
	switch (i) {
	case 0:
		return targets(parser, chain);
	case 1:
		chain->netns_of = owner(parser, OWNER_PID);
		chain->netns = parse_primary(parser);
		return chain->netns != NULL;
	case 2:
		return word(parser, "a mode", "auto, native or generic", &chain->mode, &chain->mode_place);
	case 3:
		return word(parser, "a qdisc", "'tc qdisc show' names them: parent 1:", &chain->parent, &chain->parent_place);
	default:
		return word(parser, "a class", "'tc class show' names them: default 1:30", &chain->fallback,
			    &chain->fallback_place);
	}
}

/* hook = "hook" WORD WORD { hook-option } */
static bool hook(struct parser *parser, struct ast_chain *chain)
{
	static const char hint[] = "a hook looks like this: hook xdp ingress on eth0";
	const struct token token = parser->token;
	struct place seen[HOOK_OPTIONS] = { 0 };

	if (!parse_only_once(parser, &token, &chain->hook_place))
		return false;
	parser_advance(parser);
	if (!word(parser, "a layer: xdp, tc or cgroup", hint, &chain->layer, &chain->layer_place) ||
	    !word(parser, "a direction: ingress or egress", hint, &chain->direction, &chain->direction_place))
		return false;
	while (!parser_at_end(parser))
		if (!hook_option(parser, chain, seen))
			return false;
	return true;
}

/* policy = "policy" WORD */
static bool policy(struct parser *parser, struct reading *reading)
{
	const struct token token = parser->token;

	parser_advance(parser);
	return parse_only_once(parser, &token, &reading->policy) &&
	       word(parser, "'accept' or 'drop'", NULL, &reading->chain->policy, &reading->chain->policy_place);
}

/* A comment that has its statement for itself is the chain's; in a rule it is the rule's. */
static bool is_chain_comment(const struct parser *parser)
{
	struct lexer ahead = parser->lexer;
	enum token_kind kind;

	ahead.diagnostics = NULL;
	if (!token_is(&parser->token, "comment") || lexer_next(&ahead).kind != TOKEN_STRING)
		return false;
	kind = lexer_next(&ahead).kind;
	return kind == TOKEN_NEWLINE || kind == TOKEN_SEMICOLON || kind == TOKEN_RIGHT_BRACE || kind == TOKEN_END;
}

static bool chain_comment(struct parser *parser, struct reading *reading)
{
	const struct token token = parser->token;

	if (!parse_only_once(parser, &token, &reading->comment))
		return false;
	parser_advance(parser);
	reading->chain->comment = parse_quoted(parser, "the comment");
	return reading->chain->comment != NULL;
}

/* connections = "connections" primary */
static bool connections(struct parser *parser, struct reading *reading)
{
	const struct token token = parser->token;

	if (!parse_only_once(parser, &token, &reading->connections))
		return false;
	parser_advance(parser);
	if (parser_at_end(parser))
		return parser_expected(parser, "how many connections are kept at most", "write 'connections 64K'");
	reading->chain->connections = parse_primary(parser);
	return reading->chain->connections != NULL;
}

/* chain-statement = hook | policy | connections | "comment" STRING | rule */
static bool chain_statement(struct parser *parser, struct reading *reading)
{
	const struct foreign *foreign = foreign_in_chain(&parser->token);

	if (foreign) {
		foreign_report(parser, parser->token.place, foreign);
		return false;
	}
	if (token_is(&parser->token, "hook")) {
		bool whole = hook(parser, reading->chain);

		reading->bad_hook |= !whole;
		return whole;
	}
	if (token_is(&parser->token, "policy"))
		return policy(parser, reading);
	if (token_is(&parser->token, "connections"))
		return connections(parser, reading);
	if (is_chain_comment(parser))
		return chain_comment(parser, reading);
	*reading->next_rule = parse_rule(parser);
	if (!*reading->next_rule)
		return false;
	reading->next_rule = &(*reading->next_rule)->next;
	return true;
}

/* chain = "chain" NAME "{" { chain-statement statement-end } "}" */
void parse_chain(struct parser *parser)
{
	struct ast_chain *chain = arena_new_object(parser->arena, struct ast_chain);
	struct reading reading = { .chain = chain, .next_rule = &chain->rules };

	if (!parse_block_begin(parser, "chain", &chain->name, &chain->place))
		return;
	while (parse_block_next(parser, "chain", chain->name, chain->place)) {
		bool whole = chain_statement(parser, &reading);

		reading.broken |= !whole;
		if (!whole)
			parser_skip_statement(parser);
		else
			parser_expect_end(parser, token_describe(parser->arena, &parser->last));
	}
	/* A line that was not understood may have been the hook. */
	chain->bad_hook = reading.bad_hook || (reading.broken && !chain->hook_place.line);
	*parser->parse->next_chain = chain;
	parser->parse->next_chain = &chain->next;
}
