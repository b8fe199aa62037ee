// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdicts redirect and dnat: which ports, how one is chosen, and whether the rule speaks of TCP or UDP alone. A chain that has
 * them gets a partner for the way back, which the policy does not write: the other direction of tc at the same interfaces.
 */
#include <netinet/in.h>
#include <string.h>

#include "base/limits.h"
#include "check/checker.h"

/* What a rule's packets may carry. */
#define CARRIES_TCP   1u
#define CARRIES_UDP   2u
#define CARRIES_OTHER 4u
#define CARRIES_ANY   (CARRIES_TCP | CARRIES_UDP | CARRIES_OTHER)

static unsigned carried_by_number(const struct policy_match *match)
{
	unsigned carried = 0;

	if (match->set >= 0 || match->masked)
		return CARRIES_ANY;
	for (uint32_t i = 0; i < match->range_count; i++) {
		uint64_t low = match->ranges[i].low.lo, high = match->ranges[i].high.lo, known = 0;

		if (low <= IPPROTO_TCP && IPPROTO_TCP <= high)
			carried |= CARRIES_TCP, known++;
		if (low <= IPPROTO_UDP && IPPROTO_UDP <= high)
			carried |= CARRIES_UDP, known++;
		if (high - low + 1 > known)
			carried |= CARRIES_OTHER;
	}
	return match->negated ? (~carried & CARRIES_ANY) | CARRIES_OTHER : carried;
}

static unsigned carried(const struct policy_match *match, unsigned subject)
{
	switch (match->subjects[subject]) {
	case SUBJECT_TCP:
	case SUBJECT_TCP_SPORT:
	case SUBJECT_TCP_DPORT:
	case SUBJECT_TCP_FLAGS:
		return CARRIES_TCP;
	case SUBJECT_UDP:
	case SUBJECT_UDP_SPORT:
	case SUBJECT_UDP_DPORT:
		return CARRIES_UDP;
	case SUBJECT_META_L4PROTO:
	case SUBJECT_IP_PROTOCOL:
		return carried_by_number(match);
	default:
		return CARRIES_ANY;
	}
}

static bool check_carried(struct checker *checker, const struct ast_statement *statement, unsigned all)
{
	struct diagnostic *d;

	if (!(all & CARRIES_OTHER))
		return true;
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, statement->place,
		     "'%s' is for TCP and UDP, and this rule does not say that it is about them", statement->text);
	diagnostic_hint(checker->diagnostics, d, "put a match in front: 'tcp dport 80', 'udp dport 53', or 'meta l4proto { tcp, udp }'");
	return false;
}

static bool check_ports(struct checker *checker, const struct ast_statement *statement, unsigned all,
			struct weir_redirect *redirect)
{
	const struct value_type_of wanted = { .type = TYPE_INET_SERVICE,
					      .bits = 16,
					      .words = statement->text,
					      .protocol = all == CARRIES_TCP ? "tcp" : all == CARRIES_UDP ? "udp" : NULL,
					      .host = checker->host };
	struct leaves leaves = { 0 };
	struct value_range range;
	struct diagnostic *d;
	const struct leaf *leaf;

	if (!leaves_gather(checker, statement->value, &leaves))
		return false;
	leaf = leaves.list.count == 1 ? &leaves.list.items[0] : NULL;
	if (!leaf) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, statement->value->place,
			     "one port or one range is wanted here, not a list");
		diagnostic_hint(checker->diagnostics, d, "write '%s to :8080-8087'", statement->text);
		return false;
	}
	if (!check_leaf(checker, &wanted, leaf, &range))
		return false;
	if (range.low.lo == 0) {
		d = leaf_error(checker, leaf, leaf->value->place, "nobody can listen on port 0");
		diagnostic_hint(checker->diagnostics, d, "ports go from 1 to 65535");
		return false;
	}
	if (range.high.lo - range.low.lo >= WEIR_MAX_REDIRECT_PORTS) {
		d = leaf_error(checker, leaf, leaf->value->place, "a range of %u ports",
			       (unsigned)(range.high.lo - range.low.lo + 1));
		diagnostic_hint(checker->diagnostics, d, "at most %d", WEIR_MAX_REDIRECT_PORTS);
		return false;
	}
	redirect->first = (uint16_t)range.low.lo;
	redirect->count = (uint16_t)(range.high.lo - range.low.lo + 1);
	return true;
}

static bool check_choice(struct checker *checker, const struct ast_statement *statement, struct weir_redirect *redirect)
{
	static const char *const words[] = {
#define X(id, name) name,
		WEIR_CHOICES(X)
#undef X
	};
	struct diagnostic *d;
	const char *near;

	redirect->choice = WEIR_CHOICE_HASH;
	if (!statement->choice)
		return true;
	for (int i = 0; i < WEIR_CHOICE_COUNT; i++)
		if (strcmp(statement->choice, words[i]) == 0) {
			redirect->choice = (uint8_t)i;
			return true;
		}
	near = near_match(statement->choice, words, WEIR_CHOICE_COUNT);
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, statement->choice_place, "no way to choose a port '%s'",
		     statement->choice);
	if (near)
		diagnostic_hint(checker->diagnostics, d, "did you mean '%s'?", near);
	else
		diagnostic_hint(checker->diagnostics, d, "one of hash, queue, round-robin");
	return false;
}

bool check_redirect(struct chain_frame *frame, const struct ast_statement *statement, const struct policy_match *matches,
		    size_t match_count, struct policy_rule *rule)
{
	struct checker *checker = frame->checker;
	struct weir_redirect *redirect = &rule->action.redirect;
	bool whole;
	unsigned all = CARRIES_ANY;

	if (rule->verdict != WEIR_VERDICT_REDIRECT && rule->verdict != WEIR_VERDICT_DNAT)
		return true;
	for (size_t i = 0; i < match_count; i++)
		for (uint32_t s = 0; s < matches[i].subject_count; s++)
			all &= carried(&matches[i], s);
	whole = check_carried(checker, statement, all);
	whole &= check_ports(checker, statement, all, redirect);
	whole &= check_choice(checker, statement, redirect);
	redirect->alive = statement->alive_place.line != 0;
	return whole;
}

/* From the lowest to the highest port that some rule names. */
static void find_reply_ports(struct policy_chain *chain)
{
	for (uint32_t i = 0; i < chain->rule_count; i++) {
		const struct weir_redirect *redirect = &chain->rules[i].action.redirect;
		uint16_t last = (uint16_t)(redirect->first + redirect->count - 1);

		if (!redirect->count)
			continue;
		if (!chain->last_reply || redirect->first < chain->first_reply)
			chain->first_reply = redirect->first;
		if (last > chain->last_reply)
			chain->last_reply = last;
	}
}

bool check_connections(struct checker *checker, const struct ast_chain *chain, struct policy_chain *checked)
{
	struct diagnostic *d;
	bool redirects = false;

	for (uint32_t i = 0; i < checked->rule_count; i++)
		redirects |= checked->rules[i].action.redirect.count > 0;
	find_reply_ports(checked);
	if (redirects)
		checked->connections = LIMIT_CONNECTIONS_DEFAULT;
	if (!chain->connections)
		return true;
	if (!redirects && !checker->diagnostics->errors) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->connections->place,
			     "chain '%s' keeps no connections: none of its rules redirects any", chain->name);
		diagnostic_hint(checker->diagnostics, d, "leave 'connections' out");
		return false;
	}
	if (!check_size(checker, chain->connections, &checked->connections))
		return false;
	if (checked->connections >= LIMIT_CONNECTIONS_LEAST && checked->connections <= LIMIT_CONNECTIONS)
		return true;
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, chain->connections->place, "room for %u connections",
		     checked->connections);
	diagnostic_hint(checker->diagnostics, d, "at least %d, at most %u", LIMIT_CONNECTIONS_LEAST, LIMIT_CONNECTIONS);
	return false;
}

/* It only looks on: what is malformed goes out as it would without it. */
static void pass_malformed(struct arena *arena, const struct policy_chain *chain, struct policy_chain *replies)
{
	struct value_range *any = arena_new_object(arena, struct value_range);
	struct policy_match *match = arena_new_object(arena, struct policy_match);
	struct policy_rule *rule = arena_new_object(arena, struct policy_rule);

	*any = (struct value_range){ { .lo = 1 }, { .lo = WEIR_MALFORMED_COUNT - 1 } };
	*match = (struct policy_match){ .place = chain->place,
					.subjects = { SUBJECT_META_MALFORMED },
					.subject_count = 1,
					.set = -1,
					.range_count = 1,
					.ranges = any };
	*rule = (struct policy_rule){ .place = chain->place,
				      .text = "meta malformed accept",
				      .verdict = WEIR_VERDICT_ACCEPT,
				      .match_count = 1,
				      .matches = match };
	replies->rules = rule;
	replies->rule_count = 1;
}

bool replies_chain(struct arena *arena, const struct policy_chain *chain, uint32_t index, struct policy_chain *ret_chain)
{
	if (!chain->connections)
		return false;
	*ret_chain = *chain; /* the same places */
	ret_chain->name = arena_printf(arena, "%s/replies", chain->name);
	ret_chain->hook = chain->hook == WEIR_HOOK_TC_INGRESS ? WEIR_HOOK_TC_EGRESS : WEIR_HOOK_TC_INGRESS;
	ret_chain->policy = WEIR_VERDICT_ACCEPT;
	ret_chain->policy_place = (struct place){ 0 };
	ret_chain->carries_replies = true;
	ret_chain->replies_of = index;
	pass_malformed(arena, chain, ret_chain);
	return true;
}
