// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of a base chain, one after another, with the chains they jump into in the place of the jump. In: chains. Out: lines
 * of weir. A rule of a chain that is jumped into has the matches of the jump before its own.
 *
 * A packet that RETURN sends back goes on behind the jump. Where the rule of RETURN is a single match whose contrary can be said,
 * the rest of the chain asks for the contrary; else what is behind the jump, down to the policy, is written out for those
 * packets, so that they never come to the rest of the chain. Both are exact.
 *
 * Where a RETURN cannot be taken over, nobody knows which packets come to the rest of its chain. A verdict there that asks for nothing
 * more would decide all packets, and no rule behind the jump were ever come to: it is left out with it. Only a RETURN
 * for packets of connections that exist is no reason, as an ACCEPT of them is none for what stands behind that.
 */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "import/ruleset.h"

#define MOST_NESTED 64 /* jumps inside each other; more go in a circle */

/* Matches that hold for a packet that comes by, the last ones first. */
struct condition {
	const struct import_match *matches;
	size_t count;
	const struct condition *before;
};

/* Where packets go on. */
struct frame {
	const struct import_chain *chain;
	size_t index;
	const struct frame *below; /* NULL: the base chain */
	unsigned int depth;
	bool uncertain; /* come to behind a RETURN that is left out */
};

struct flattening {
	struct ruleset *ruleset;
	const struct import_chain *base;
	const struct import_hook *hook;
	FILE *out;
	size_t written; /* rules */
	bool too_deep;
};

/* The matches of a rule as they are at the hook: without what is always true there. */
struct resolved {
	VECTOR(struct import_match) matches;
	bool never;
};

static bool full(const struct flattening *flattening)
{
	return flattening->written > LIMIT_RULES || flattening->too_deep;
}

static bool is_interface(const struct import_match *match)
{
	return match->subject == SUBJECT_META_IIF || match->subject == SUBJECT_META_OIF;
}

/* At a hook of one interface the way in, or out, is known. */
static bool known_at_hook(const struct import_hook *hook, const struct import_match *match)
{
	bool leaving = hook->hook == WEIR_HOOK_TC_EGRESS;

	if (!hook->only || hook->hook == WEIR_HOOK_CGROUP_INGRESS || hook->hook == WEIR_HOOK_CGROUP_EGRESS ||
	    match->value[0] == '{')
		return false;
	return match->subject == (leaving ? SUBJECT_META_OIF : SUBJECT_META_IIF);
}

/* NULL, or why the match cannot stand in a policy of this machine at this hook. */
static const char *cannot_ask(const struct flattening *flattening, const struct import_match *match)
{
	const struct ruleset *ruleset = flattening->ruleset;
	const char *why;
	uint32_t index;

	if (!hook_serves(flattening->hook->hook, match->subject, &why))
		return arena_printf(ruleset->arena, "'%s' cannot be asked at %s: %s", subject_words(match->subject),
				    hook_name(flattening->hook->hook), why);
	if (match->second != SUBJECT_COUNT && !hook_serves(flattening->hook->hook, match->second, &why))
		return arena_printf(ruleset->arena, "'%s' cannot be asked at %s: %s", subject_words(match->second),
				    hook_name(flattening->hook->hook), why);
	if (is_interface(match) && match->value[0] != '{' &&
	    ruleset->host->interface(ruleset->host->context, match->value, flattening->hook->netns, &index) != 0)
		return arena_printf(ruleset->arena, "there is no interface '%s' here, and weir compares its number",
				    match->value);
	return NULL;
}

/* NULL, or why not. */
static const char *resolve(const struct flattening *flattening, const struct import_rule *rule, struct resolved *ret_resolved)
{
	for (size_t i = 0; i < rule->matches.count; i++) {
		const struct import_match *match = &rule->matches.items[i];
		const char *why;

		if (is_interface(match) && known_at_hook(flattening->hook, match)) {
			if ((strcmp(match->value, flattening->hook->only) == 0) == match->unequal)
				ret_resolved->never = true;
			continue;
		}
		why = ret_resolved->never ? NULL : cannot_ask(flattening, match);
		if (why)
			return why;
		vector_push(flattening->ruleset->arena, &ret_resolved->matches, *match);
	}
	return NULL;
}

static void gather(struct arena *arena, const struct condition *condition, struct resolved *all)
{
	if (!condition)
		return;
	gather(arena, condition->before, all);
	for (size_t i = 0; i < condition->count; i++)
		vector_push(arena, &all->matches, condition->matches[i]);
}

static void write_rule(struct flattening *flattening, const struct condition *condition, const struct import_rule *rule,
		       enum import_verdict verdict)
{
	struct resolved all = { 0 };
	FILE *out = flattening->out;

	if (++flattening->written > LIMIT_RULES)
		return;
	gather(flattening->ruleset->arena, condition, &all);
	fputs("   ", out);
	import_print_matches(all.matches.items, all.matches.count, out);
	if (rule && rule->log) {
		fputs(" log", out);
		if (rule->prefix && *rule->prefix) {
			fputs(" prefix ", out);
			import_print_string(rule->prefix, LIMIT_LOG_PREFIX_BYTES, out);
		}
	}
	if (verdict == IMPORT_NO_VERDICT && !(rule && rule->log))
		fputs(" counter", out);
	if (rule && rule->comment) {
		fputs(" comment ", out);
		import_print_string(rule->comment, LIMIT_COMMENT_BYTES, out);
	}
	if (verdict != IMPORT_NO_VERDICT)
		fputs(verdict == IMPORT_ACCEPT ? " accept" : " drop", out);
	fputc('\n', out);
}

/* The contrary of a match, where it is one: the packet must have the field, whatever it carries. */
static bool contrary(const struct flattening *flattening, const struct import_match *match, struct import_match *ret_contrary)
{
	enum import_family family = flattening->base->family;
	bool always = false;

	switch (match->subject) {
	case SUBJECT_IP_SADDR:
	case SUBJECT_IP_DADDR:
		always = family == IMPORT_IPV4;
		break;
	case SUBJECT_IP6_SADDR:
	case SUBJECT_IP6_DADDR:
		always = family == IMPORT_IPV6;
		break;
	case SUBJECT_META_L4PROTO:
		always = family != IMPORT_ANY;
		break;
	case SUBJECT_META_IIF:
	case SUBJECT_META_OIF:
	case SUBJECT_META_MARK:
		always = true;
		break;
	default:
		break;
	}
	if (!always || match->second != SUBJECT_COUNT || !match->value)
		return false;
	*ret_contrary = *match;
	ret_contrary->unequal = !match->unequal;
	return true;
}

static void walk(struct flattening *flattening, const struct frame *from, const struct condition *condition);

/* What becomes of packets that leave a chain: they go on behind the jump, and at last meet the policy. */
static void go_on(struct flattening *flattening, const struct frame *frame, const struct condition *condition)
{
	for (; frame; frame = frame->below)
		walk(flattening, frame, condition);
	write_rule(flattening, condition, NULL, flattening->base->drop ? IMPORT_DROP : IMPORT_ACCEPT);
}

/* Does a RETURN that is left out stand before the rule of FRAME, in its chain or in those that jumped there for all their packets? */
static bool is_uncertain(const struct flattening *flattening, const struct frame *frame)
{
	bool uncertain = frame->uncertain;

	for (size_t i = 0; frame->below && i < frame->index && !uncertain; i++) {
		const struct import_rule *rule = frame->chain->rules.items[i];
		struct resolved resolved = { 0 };

		uncertain = rule->verdict == IMPORT_RETURN && rule->hint != import_state_hint &&
			    (rule->refusal || resolve(flattening, rule, &resolved));
	}
	return uncertain;
}

/* A jump or goto; CONDITION holds for the packets that take it. FRAME is where the rule stands. */
static void enter(struct flattening *flattening, const struct frame *frame, const struct import_rule *rule,
		  const struct condition *condition)
{
	struct import_chain *target = ruleset_chain(flattening->ruleset, frame->chain->table, rule->target);
	struct frame behind = { frame->chain, frame->index + 1, frame->below, frame->depth, frame->uncertain };
	struct frame inside = { .chain = target,
				.below = rule->verdict == IMPORT_JUMP ? &behind : frame->below,
				.depth = frame->depth + 1,
				.uncertain = is_uncertain(flattening, frame) && rule->matches.count == 0 };

	if (frame->depth >= MOST_NESTED) {
		flattening->too_deep = true;
		return;
	}
	target->entered = true;
	walk(flattening, &inside, condition);
}

/* Netfilter marks packets behind the hook where weir sees them come in. */
static bool asks_later_mark(const struct flattening *flattening, const struct import_rule *rule)
{
	bool asks = false;

	for (size_t i = 0; i < rule->matches.count; i++)
		asks |= rule->matches.items[i].subject == SUBJECT_META_MARK;
	return asks && flattening->hook->hook == WEIR_HOOK_TC_INGRESS && flattening->base->hook != IMPORT_INGRESS;
}

static void note(struct flattening *flattening, struct import_rule *rule, const char *what)
{
	if (!rule->told)
		ruleset_say(flattening->ruleset, SEVERITY_WARNING, rule->place, NULL, what);
	import_print_comment("    # note: ", what, flattening->out);
	import_print_comment("    # ", rule->text, flattening->out);
}

/*
 * One rule for the packets of CONDITION. Gives false when none of them goes on in this chain; *narrowed is CONDITION, or,
 * behind a RETURN, what holds for those that do go on.
 */
static bool walk_rule(struct flattening *flattening, const struct frame *frame, struct import_rule *rule,
		      const struct condition **narrowed)
{
	struct arena *arena = flattening->ruleset->arena;
	bool last = frame->index + 1 == frame->chain->rules.count;
	struct condition *own = arena_new_object(arena, struct condition);
	struct resolved resolved = { 0 };
	const char *why = rule->refusal ? rule->refusal : resolve(flattening, rule, &resolved);

	if (why) {
		import_leave_out(flattening->ruleset, rule, why, rule->refusal ? rule->hint : NULL, flattening->out);
		return true;
	}
	if (resolved.never) {
		fputs("    # never matches at this hook:\n", flattening->out);
		import_print_comment("    # ", rule->text, flattening->out);
		return true;
	}
	*own = (struct condition){ resolved.matches.items, resolved.matches.count, *narrowed };
	if ((rule->verdict == IMPORT_ACCEPT || rule->verdict == IMPORT_DROP) && !own->count && is_uncertain(flattening, frame)) {
		import_leave_out(flattening->ruleset, rule,
				 "it is for all packets but those of a RETURN before it, and that is left out", NULL, flattening->out);
		return true;
	}
	if (rule->note)
		note(flattening, rule, rule->note);
	if (asks_later_mark(flattening, rule))
		note(flattening, rule, "marks at this hook are those of other programs here: netfilter sets its own behind it");
	rule->told |= rule->note || asks_later_mark(flattening, rule);
	if (rule->log && (rule->verdict == IMPORT_JUMP || rule->verdict == IMPORT_GOTO || rule->verdict == IMPORT_RETURN))
		write_rule(flattening, own, rule, IMPORT_NO_VERDICT);
	switch (rule->verdict) {
	case IMPORT_NO_VERDICT:
		write_rule(flattening, own, rule, rule->verdict);
		return true;
	case IMPORT_ACCEPT:
	case IMPORT_DROP:
		write_rule(flattening, own, rule, rule->verdict);
		return own->count > 0;
	case IMPORT_JUMP:
		enter(flattening, frame, rule, own);
		return true;
	case IMPORT_GOTO:
		enter(flattening, frame, rule, own);
		if (own->count == 0)
			return false;
		break;
	case IMPORT_RETURN:
		if (own->count == 0)
			return false;
		break;
	}
	/* What took a RETURN, or came to the end of a goto's chain, leaves this one; at its last rule everything does. */
	if (last)
		return true;
	if (own->count == 1) {
		struct import_match *match = arena_new_object(arena, struct import_match);

		if (contrary(flattening, own->matches, match)) {
			*own = (struct condition){ match, 1, *narrowed };
			*narrowed = own;
			return true;
		}
	}
	go_on(flattening, frame->below, own);
	return true;
}

static void walk(struct flattening *flattening, const struct frame *from, const struct condition *condition)
{
	struct frame frame = *from;

	for (; frame.index < frame.chain->rules.count && !full(flattening); frame.index++)
		if (!walk_rule(flattening, &frame, frame.chain->rules.items[frame.index], &condition))
			break;
	if (frame.index + 1 < frame.chain->rules.count && !frame.below && frame.chain == flattening->base && !condition)
		fprintf(flattening->out, "    # no packet comes to the rules behind this one; there are %zu of them\n",
			frame.chain->rules.count - frame.index - 1);
}

int chain_flatten(struct ruleset *ruleset, const struct import_chain *base, const struct import_hook *hook, FILE *out)
{
	struct flattening flattening = { .ruleset = ruleset, .base = base, .hook = hook, .out = out };
	struct frame frame = { .chain = base };
	struct diagnostic *diagnostic;

	walk(&flattening, &frame, NULL);
	if (!full(&flattening))
		return 0;
	diagnostic = diagnose(ruleset->diagnostics, SEVERITY_ERROR, base->place,
			      flattening.too_deep ? "the jumps of chain '%s' go in a circle, or more than %u deep"
						  : "chain '%s' becomes more than %u rules with its jumps unfolded",
			      base->name, flattening.too_deep ? MOST_NESTED : LIMIT_RULES);
	diagnostic_hint(ruleset->diagnostics, diagnostic, "%s",
			flattening.too_deep ? "the kernel would refuse it as well"
					    : "RETURN in chains that are jumped into early makes the most of them");
	return -EINVAL;
}
