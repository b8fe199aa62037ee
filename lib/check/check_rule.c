// SPDX-License-Identifier: GPL-2.0-only
/* Rules: matches first, then statements, each at most once; that the verdict is the last the parser has seen to. */
#include <string.h>

#include "base/limits.h"
#include "check/checker.h"

struct rule_frame {
	struct chain_frame *chain;
	struct policy_rule rule;
	VECTOR(struct policy_match) matches;
	/* What was met already; NULL: not yet. */
	const struct ast_statement *log, *counter, *comment, *mark, *priority;
};

static bool check_once(struct rule_frame *frame, const struct ast_statement **earlier, const struct ast_statement *statement,
		       const char *word)
{
	struct diagnostics *diagnostics = frame->chain->checker->diagnostics;
	struct diagnostic *d;

	if (!*earlier) {
		*earlier = statement;
		return true;
	}
	d = diagnose(diagnostics, SEVERITY_ERROR, statement->place, "a rule has only one %s", word);
	diagnostic_related(diagnostics, d, (*earlier)->place, "first here");
	diagnostic_hint(diagnostics, d, "make a second rule of it");
	return false;
}

static bool check_text(struct rule_frame *frame, const struct ast_statement *statement, const char *what, size_t limit)
{
	struct diagnostics *diagnostics = frame->chain->checker->diagnostics;
	struct diagnostic *d;

	if (!statement->text || strlen(statement->text) <= limit)
		return true;
	d = diagnose(diagnostics, SEVERITY_ERROR, statement->place, "this %s has %zu bytes", what, strlen(statement->text));
	diagnostic_hint(diagnostics, d, "at most %zu", limit);
	return false;
}

/* In nftables what stands behind a statement does not bind it; here a rule's matches all do. So it is not written that way. */
static bool check_order(struct rule_frame *frame, const struct ast_statement *statement)
{
	struct diagnostics *diagnostics = frame->chain->checker->diagnostics;
	const struct ast_statement *before = frame->log	      ? frame->log
					     : frame->counter ? frame->counter
					     : frame->mark    ? frame->mark
							      : frame->priority;
	struct diagnostic *d;

	if (statement->kind == AST_MATCH && before) {
		d = diagnose(diagnostics, SEVERITY_ERROR, statement->place, "a match behind '%s'",
			     frame->log	      ? "log"
			     : frame->counter ? "counter"
					      : arena_printf(frame->chain->checker->arena, "%s set", before->text));
		diagnostic_related(diagnostics, d, before->place, "this would be done only where all matches hold");
		diagnostic_hint(diagnostics, d, "write the match in front of it, or make two rules");
		return false;
	}
	return true;
}

static bool check_statement(struct rule_frame *frame, const struct ast_statement *statement)
{
	struct policy_match match;

	if (!check_order(frame, statement))
		return false;
	switch (statement->kind) {
	case AST_MATCH:
		if (!check_match(frame->chain, statement, &match))
			return false;
		vector_push(frame->chain->checker->arena, &frame->matches, match);
		return true;
	case AST_LOG:
		frame->rule.log = true;
		frame->rule.log_prefix = statement->text;
		return check_once(frame, &frame->log, statement, "'log'") &&
		       check_text(frame, statement, "prefix", LIMIT_LOG_PREFIX_BYTES);
	case AST_COUNTER:
		return check_once(frame, &frame->counter, statement, "'counter'") &&
		       (!statement->text || check_count_mark(frame->chain, statement, &frame->rule.action));
	case AST_COMMENT:
		frame->rule.comment = statement->text;
		return check_once(frame, &frame->comment, statement, "comment") &&
		       check_text(frame, statement, "comment", LIMIT_COMMENT_BYTES);
	case AST_META_SET:
		return check_once(frame, strcmp(statement->text, "meta mark") == 0 ? &frame->mark : &frame->priority, statement,
				  arena_printf(frame->chain->checker->arena, "'%s set'", statement->text)) &&
		       check_meta_set(frame->chain, statement, &frame->rule.action);
	case AST_VERDICT: /* the parser knows the words, and nothing but a comment behind them */
		return check_verdict(frame->chain, statement, &frame->rule) &&
		       check_redirect(frame->chain, statement, frame->matches.items, frame->matches.count, &frame->rule);
	}
	return false;
}

bool check_rule(struct chain_frame *chain, const struct ast_rule *rule, struct policy_rule *ret_rule)
{
	struct rule_frame frame = { .chain = chain,
				    .rule = { .place = rule->place, .text = rule->text, .verdict = WEIR_VERDICT_CONTINUE } };
	bool whole = true;

	for (const struct ast_statement *statement = rule->statements; statement; statement = statement->next)
		whole &= check_statement(&frame, statement);
	if (!whole)
		return false;
	frame.rule.matches = frame.matches.items;
	frame.rule.match_count = (uint32_t)frame.matches.count;
	*ret_rule = frame.rule;
	return true;
}
