// SPDX-License-Identifier: GPL-2.0-only
/* What a rule does beside judging: its statements to an action, and the verdicts that not every hook has. */
#include <stdlib.h>
#include <string.h>

#include "check/checker.h"

/* A half of a class's name, in hexadecimal digits as tc has it: 0 to ffff. */
static bool read_half(const char *text, const char *end, uint32_t *ret_half)
{
	uint32_t half = 0;

	if (text == end || end - text > 4)
		return false;
	for (; text < end; text++) {
		const char *digits = "0123456789abcdef",
			   *digit = strchr(digits, *text >= 'A' && *text <= 'F' ? *text + 32 : *text);

		if (!digit || !*text)
			return false;
		half = half << 4 | (uint32_t)(digit - digits);
	}
	*ret_half = half;
	return true;
}

bool read_handle(const char *text, uint32_t *ret_handle)
{
	const char *colon = strchr(text, ':');
	uint32_t major, minor = 0;

	if (!colon || !read_half(text, colon, &major) || (colon[1] && !read_half(colon + 1, text + strlen(text), &minor)))
		return false;
	*ret_handle = major << 16 | minor;
	return true;
}

/* class = MAJOR ":" ( MINOR | "mark" ) */
static bool read_class(const char *text, uint32_t *ret_class, bool *ret_by_mark)
{
	const char *colon = strchr(text, ':');
	uint32_t major;

	*ret_by_mark = colon && strcmp(colon + 1, "mark") == 0;
	if (!*ret_by_mark)
		return colon && colon[1] && read_handle(text, ret_class);
	if (!read_half(text, colon, &major))
		return false;
	*ret_class = major << 16;
	return true;
}

/* "tc ingress, tc egress": the hooks that have an effect (FLAG), or where that is 0 a verdict. */
static const char *hooks_with(struct arena *arena, uint32_t flag, enum weir_verdict verdict)
{
	const char *all = NULL;

	for (int i = 0; i < WEIR_HOOK_COUNT; i++) {
		enum weir_hook hook = (enum weir_hook)i;

		if (flag ? hook_has_effect(hook, flag, NULL) : hook_has_verdict(hook, verdict, NULL))
			all = all ? arena_printf(arena, "%s, %s", all, hook_name(hook)) : hook_name(hook);
	}
	return all;
}

/* fwd = "fwd" "to" INTERFACE ; that it is there is looked at when the policy is applied */
static bool check_forward(struct chain_frame *frame, const struct ast_statement *statement, struct policy_rule *rule)
{
	struct checker *checker = frame->checker;
	struct leaf leaf = { .value = leaf_single(checker, statement->value, NULL, "an interface") };
	struct diagnostic *d;

	if (!leaf.value || !check_interface_name(checker, &leaf))
		return false;
	for (uint32_t i = 0; frame->hook == WEIR_HOOK_TC_EGRESS && i < frame->target_count; i++)
		if (strcmp(frame->targets[i], leaf.value->text) == 0) {
			d = diagnose(checker->diagnostics, SEVERITY_ERROR, leaf.value->place,
				     "a packet that leaves by '%s' would come back to this chain", leaf.value->text);
			diagnostic_hint(checker->diagnostics, d, "name another interface, or let it pass: 'accept'");
			return false;
		}
	rule->to = leaf.value->text;
	rule->to_place = leaf.value->place;
	rule->action.flags |= WEIR_ACTION_TARGET;
	return true;
}

/* xsk = "to" "xsk" [ ROW ] */
static bool check_xsk(struct chain_frame *frame, const struct ast_statement *statement, struct policy_rule *rule)
{
	struct checker *checker = frame->checker;
	const struct value_type_of wanted = { .type = TYPE_NUMBER, .bits = 8, .words = "to xsk", .host = checker->host };
	struct leaf leaf = { 0 };
	struct value value;

	_Static_assert(WEIR_XSK_ROWS == 1 << 8, "a row of weir_xsks has 8 bits");
	if (!statement->value)
		return true;
	leaf.value = leaf_single(checker, statement->value, NULL, "a queue");
	if (!leaf.value || !check_single(checker, &wanted, &leaf, &value))
		return false;
	rule->to = leaf.value->text;
	rule->action.flags |= WEIR_ACTION_TARGET;
	rule->action.target = (uint32_t)value.lo;
	return true;
}

/* class-verdict = "class" ( CLASS | "default" ) */
static bool check_class(struct chain_frame *frame, const struct ast_statement *statement, struct policy_rule *rule)
{
	struct diagnostics *diagnostics = frame->checker->diagnostics;
	const struct ast_value *word = leaf_single(frame->checker, statement->value, NULL, "a class");
	struct diagnostic *d;
	bool by_mark = false;

	if (!word)
		return false;
	rule->to = word->text;
	rule->action.target = UINT32_MAX; /* the return code -1 */
	if (strcmp(word->text, "default") == 0 && !frame->fallback) {
		d = diagnose(diagnostics, SEVERITY_ERROR, word->place, "the chain's hook names no default class");
		diagnostic_hint(diagnostics, d, "write it there: 'parent 1: default 1:30'");
		return false;
	}
	if (strcmp(word->text, "default") != 0 && (!read_class(word->text, &rule->action.target, &by_mark) ||
						   rule->action.target == 0 || rule->action.target == UINT32_MAX)) {
		d = diagnose(diagnostics, SEVERITY_ERROR, word->place, "'%s' cannot be a class", word->text);
		diagnostic_hint(diagnostics, d,
				"write 1:10 as 'tc class show' does (hexadecimal), 1:mark for the packet's mark, or default");
		return false;
	}
	if (rule->action.target != UINT32_MAX && rule->action.target >> 16 != frame->parent >> 16) {
		d = diagnose(diagnostics, SEVERITY_WARNING, word->place, "'%s' is no class of qdisc %x:", word->text,
			     frame->parent >> 16);
		diagnostic_hint(diagnostics, d, "most qdiscs take what names no class of theirs for their default");
	}
	rule->action.flags |= WEIR_ACTION_TARGET | (by_mark ? WEIR_ACTION_TARGET_MARK : 0);
	return true;
}

/* Whether the chain has that verdict at all. False after an error. */
static bool check_verdict_served(struct chain_frame *frame, const struct ast_statement *statement, enum weir_verdict verdict)
{
	struct checker *checker = frame->checker;
	struct diagnostic *d;
	const char *why;

	if (!frame->hook_known)
		return true;
	if (frame->parent && verdict != WEIR_VERDICT_ACCEPT && verdict != WEIR_VERDICT_CLASS) {
		d = diagnose(checker->diagnostics, SEVERITY_ERROR, statement->place,
			     "a qdisc's classifier has no '%s': it names a class, or none (it has no direct-action)",
			     statement->text);
		diagnostic_hint(checker->diagnostics, d, "it has 'class 1:10' and 'accept'; '%s' is for a chain without 'parent'",
				statement->text);
		return false;
	}
	if (frame->parent || hook_has_verdict(frame->hook, verdict, &why))
		return true;
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, statement->place, "hook %s has no '%s': %s", hook_name(frame->hook),
		     statement->text, why);
	if (verdict == WEIR_VERDICT_CLASS)
		diagnostic_hint(checker->diagnostics, d,
				"hooks that have it: tc egress on eth0 parent 1: ; or write 'meta priority set 1:10 accept'");
	else
		diagnostic_hint(checker->diagnostics, d, "hooks that have it: %s", hooks_with(checker->arena, 0, verdict));
	return false;
}

bool check_verdict(struct chain_frame *frame, const struct ast_statement *statement, struct policy_rule *rule)
{
	while (strcmp(statement->text, verdict_name(rule->verdict)) != 0)
		rule->verdict++;
	if (!check_verdict_served(frame, statement, rule->verdict))
		return false;
	if (rule->verdict == WEIR_VERDICT_FORWARD)
		return check_forward(frame, statement, rule);
	if (rule->verdict == WEIR_VERDICT_CLASS)
		return check_class(frame, statement, rule);
	return rule->verdict != WEIR_VERDICT_XSK || check_xsk(frame, statement, rule);
}

const char *verdict_print(struct arena *arena, enum weir_verdict verdict, const char *to)
{
	const char *name = verdict_name(verdict);

	return to ? arena_printf(arena, verdict == WEIR_VERDICT_FORWARD ? "%s to %s" : "%s %s", name, to) : name;
}

/* WHAT: as it is written. */
static bool check_served(struct chain_frame *frame, const struct ast_statement *statement, const char *what, uint32_t flag)
{
	struct checker *checker = frame->checker;
	struct diagnostic *d;
	const char *why;

	if (!frame->hook_known || hook_has_effect(frame->hook, flag, &why))
		return true;
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, statement->place, "hook %s has no '%s': %s", hook_name(frame->hook),
		     what, why);
	diagnostic_hint(checker->diagnostics, d, "hooks that have it: %s", hooks_with(checker->arena, flag, 0));
	return false;
}

bool check_count_mark(struct chain_frame *frame, const struct ast_statement *statement, struct weir_action *action)
{
	action->flags |= WEIR_ACTION_COUNT_MARK;
	return check_served(frame, statement, "counter by meta mark", WEIR_ACTION_COUNT_MARK);
}

static bool read_mark(struct checker *checker, const struct ast_value *written, uint32_t *ret_mark)
{
	const struct value_type_of wanted = { .type = TYPE_NUMBER, .bits = 32, .words = "meta mark set", .host = checker->host };
	struct leaf leaf = { .value = leaf_single(checker, written, NULL, "a mark") };
	struct value value;

	if (!leaf.value || !check_single(checker, &wanted, &leaf, &value))
		return false;
	*ret_mark = (uint32_t)value.lo;
	return true;
}

/* In this order they bind in nftables, the first most. */
static unsigned rank_of(const char *operator)
{
	return operator[0] == 'a' ? 0 : operator[0] == 'x' ? 1 : 2;
}

/* meta mark and A xor B or C, each as often as wished: all of them come to (mark & kept) ^ changed. */
static bool check_bits(struct checker *checker, const struct ast_value *bits, struct weir_action *action)
{
	uint32_t kept = UINT32_MAX, changed = 0, operand;
	const char *last = "and";
	struct diagnostic *d;

	for (const struct ast_value *word = bits->children; word; word = word->next->next) {
		if (rank_of(word->text) < rank_of(last)) {
			d = diagnose(checker->diagnostics, SEVERITY_ERROR, word->place, "'%s' behind '%s'", word->text, last);
			diagnostic_hint(checker->diagnostics, d,
					"nftables would do '%s' first, so write it in front: and, then xor, then or", word->text);
			return false;
		}
		last = word->text;
		if (!read_mark(checker, word->next, &operand))
			return false;
		switch (rank_of(word->text)) {
		case 0:
			kept &= operand;
			break;
		case 1:
			changed ^= operand;
			break;
		default:
			kept &= ~operand;
			changed |= operand;
		}
	}
	action->mark_kept = kept;
	action->mark = changed;
	return true;
}

static bool check_mark(struct checker *checker, const struct ast_statement *statement, struct weir_action *action)
{
	action->flags |= WEIR_ACTION_MARK;
	if (statement->value->kind == AST_BITS)
		return check_bits(checker, statement->value, action);
	return read_mark(checker, statement->value, &action->mark);
}

/* As nftables writes it: what is set of the mark's bits, and what becomes of the others. */
static const char *print_mark(struct arena *arena, const struct weir_action *action)
{
	uint32_t inverted = action->mark & action->mark_kept, set = action->mark & ~action->mark_kept;
	const char *text = "meta mark set meta mark";

	if (!action->mark_kept)
		return arena_printf(arena, "meta mark set 0x%x", action->mark);
	if ((action->mark_kept | set) != UINT32_MAX || !action->mark)
		text = arena_printf(arena, "%s and 0x%x", text, action->mark_kept);
	if (inverted)
		text = arena_printf(arena, "%s xor 0x%x", text, inverted);
	return set ? arena_printf(arena, "%s or 0x%x", text, set) : text;
}

static bool check_priority(struct checker *checker, const struct ast_statement *statement, struct weir_action *action)
{
	const struct ast_value *word = leaf_single(checker, statement->value, NULL, "a class");
	struct diagnostic *d;
	bool by_mark;

	if (!word)
		return false;
	if (read_class(word->text, &action->priority, &by_mark)) {
		action->flags |= by_mark ? WEIR_ACTION_PRIORITY_MARK : WEIR_ACTION_PRIORITY;
		return true;
	}
	d = diagnose(checker->diagnostics, SEVERITY_ERROR, word->place, "'%s' cannot be a class", word->text);
	diagnostic_hint(checker->diagnostics, d,
			"write it as 'tc class show' does: 1:10 (hexadecimal), or 1:mark for the packet's mark");
	return false;
}

bool check_meta_set(struct chain_frame *frame, const struct ast_statement *statement, struct weir_action *action)
{
	struct diagnostics *diagnostics = frame->checker->diagnostics;
	bool mark = strcmp(statement->text, "meta mark") == 0;
	struct diagnostic *d;

	if (!check_served(frame, statement, mark ? "meta mark set" : "meta priority set",
			  mark ? WEIR_ACTION_MARK : WEIR_ACTION_PRIORITY))
		return false;
	if (mark && action->flags & WEIR_ACTION_PRIORITY_MARK) {
		d = diagnose(diagnostics, SEVERITY_ERROR, statement->place,
			     "'meta mark set' behind a class that is named by the mark");
		diagnostic_hint(diagnostics, d, "write it in front: 'meta mark set 7 meta priority set 1:mark'");
		return false;
	}
	return mark ? check_mark(frame->checker, statement, action) : check_priority(frame->checker, statement, action);
}

const char *effects_print(struct arena *arena, const struct weir_action *action)
{
	const char *text = NULL;

	if (action->flags & WEIR_ACTION_MARK)
		text = print_mark(arena, action);
	if (action->flags & (WEIR_ACTION_PRIORITY | WEIR_ACTION_PRIORITY_MARK)) {
		uint32_t major = action->priority >> 16, minor = action->priority & 0xffff;
		const char *class = action->flags & WEIR_ACTION_PRIORITY ? arena_printf(arena, "%x:%x", major, minor)
									 : arena_printf(arena, "%x:mark", major);

		text = arena_printf(arena, "%s%smeta priority set %s", text ? text : "", text ? ", " : "", class);
	}
	if (action->flags & WEIR_ACTION_COUNT_MARK)
		text = arena_printf(arena, "%s%scounter by meta mark", text ? text : "", text ? ", " : "");
	return text;
}
