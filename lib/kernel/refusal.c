// SPDX-License-Identifier: GPL-2.0-only
/*
 * A verifier log can be megabytes long and its reason stands at the end; the last source line it quotes before that
 * is, in generated code, the text of a rule (splice.c wrote it there).
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kernel/refusal.h"

#define TAIL_LINES 12

/* ENOTSUPP, which user space has no name for: the program is verified, but its translation to machine code did not come to an end. */
#define NOT_TRANSLATED (-524)

const char *error_print(struct arena *arena, int error)
{
	const char *name = strerrorname_np(error < 0 ? -error : error);

	if (error == NOT_TRANSLATED)
		return "the kernel cannot translate it to machine code (ENOTSUPP)";
	return arena_printf(arena, "%s (%s)", strerror(error < 0 ? -error : error), name ? name : "?");
}

/* Behind the last line of LOG that says why: before the statistics, and before the page on which Linux 7 explains it. */
static const char *log_end(const char *log)
{
	size_t length = strlen(log);
	const char *last = length > 16384 ? log + length - 16384 : log, *end = strstr(last, "\nVerification failed: ");

	end = end ? end : strstr(last, "\nprocessed ");
	end = end ? end : log + length;
	while (end > log && end[-1] == '\n')
		end--;
	return end;
}

const char *refusal_log_tail(struct arena *arena, const char *log)
{
	const char *end = log_end(log), *begin;
	const char *tail = "";

	begin = end;
	for (int lines = 0; begin > log && lines < TAIL_LINES; lines++) {
		begin--;
		while (begin > log && begin[-1] != '\n')
			begin--;
	}
	for (const char *line = begin; line < end;) {
		size_t length = strcspn(line, "\n");

		if (line + length > end)
			length = end - line;
		tail = arena_printf(arena, "%s\n    %.*s", tail, (int)length, line);
		line += length + 1;
	}
	return tail;
}

/* The rule whose text the log quotes last ("; ip saddr 10.0.0.1 drop", perhaps with " @ edge.weir:14" behind), or NULL. */
static const struct rule *quoted_rule(const struct rule_list *list, const char *log)
{
	const char *quote = NULL;
	size_t length;

	for (const char *line = log; *line;) {
		if (line[0] == ';' && line[1] == ' ')
			quote = line + 2;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	if (!quote)
		return NULL;
	length = strcspn(quote, "\n");
	for (uint32_t i = 0; i < list->rule_count; i++) {
		const struct rule *rule = &list->rules[i];
		size_t text = rule->text ? strlen(rule->text) : 0;

		if (!text || text > length || strncmp(rule->text, quote, text) != 0 || !rule->place.line)
			continue;
		if (text == length || strncmp(quote + text, " @ ", 3) == 0)
			return rule;
	}
	return NULL;
}

#define TOO_MANY_MAPS \
	"a program of the kernel's has at most 64 maps, and each set is one: put sets whose rules decide alike into one, or part the chain in two"

/* Limits of the kernel's that a policy can pass, by what the verifier's log says of each, those that say most first. */
static const struct known_limit {
	const char *words;
	bool too_much; /* fewer instructions would do */
	const char *hint;
	int error; /* 0: any */
} known_limits[] = {
	{ "BPF program is too large.", true,
	  "the kernel's verifier goes through a million instructions, and these rules take more, also with trees as data: part the chain in two", 0 },
	{ "jumps is too complex", true,
	  "the kernel's verifier keeps 8192 branches in mind, and these rules take more, also with trees as data: part the chain in two", 0 },
	{ "The total number of maps per program", false, TOO_MANY_MAPS, 0 },
	{ "too many subprograms", false,
	  "a program of the kernel's has at most 256 functions; each field that many rules look up in a set is one, and each decision tree that is data (weir check --emit=tree): put sets whose rules decide alike into one, or part the chain in two", 0 },
	{ "processed 0 insns", false, TOO_MANY_MAPS, -E2BIG }, /* a kernel that does not name it, as 6.1 */
};

static const struct known_limit *passed_limit(int error, const char *log)
{
	const char *end = log_end(log), *tail = end - log > 4096 ? end - 4096 : log;

	for (size_t i = 0; i < sizeof(known_limits) / sizeof(*known_limits); i++)
		if (strstr(tail, known_limits[i].words) && (!known_limits[i].error || known_limits[i].error == error))
			return &known_limits[i];
	return NULL;
}

bool refusal_is_untranslated(int error)
{
	return error == NOT_TRANSLATED;
}

bool refusal_is_too_much(int error, const char *log)
{
	const struct known_limit *limit = passed_limit(error, log);

	if (refusal_is_untranslated(error))
		return true;
	return limit ? limit->too_much : error == -E2BIG && !*log; /* more than it looks at, before it looks */
}

int refusal_report(struct diagnostics *diagnostics, const struct rule_list *list, const struct refusal *refusal)
{
	bool unprivileged = (refusal->error == -EPERM || refusal->error == -EACCES) && geteuid() != 0;
	enum severity severity = unprivileged ? SEVERITY_ERROR_SURROUNDINGS : SEVERITY_ERROR_KERNEL;
	const char *log = refusal->log ? refusal->log : "";
	const struct rule *rule = quoted_rule(list, log);
	struct diagnostic *diagnostic;

	diagnostic = diagnose(diagnostics, severity, rule ? rule->place : list->chain->place,
			      "cannot load program %s of chain '%s' (%s): %s", refusal->program ? refusal->program : "?",
			      list->chain->name, hook_name(list->hook),
			      refusal->why ? refusal->why : error_print(diagnostics->arena, refusal->error));
	if (unprivileged)
		diagnostic_hint(diagnostics, diagnostic, "loading programs into the kernel needs root");
	else if (refusal->error == NOT_TRANSLATED)
		diagnostic_hint(diagnostics, diagnostic,
				"its translator gives up where very many jumps are about as long as its short ones reach, and these rules make it so with fewer instructions, too: change their order, or part the chain in two");
	else if (passed_limit(refusal->error, log))
		diagnostic_hint(diagnostics, diagnostic, "%s", passed_limit(refusal->error, log)->hint);
	else if (*log)
		diagnostic_hint(diagnostics, diagnostic, "the verifier's log ends:%s", refusal_log_tail(diagnostics->arena, log));
	else if (refusal->error == -ENOMEM)
		diagnostic_hint(diagnostics, diagnostic,
				"the kernel has no memory for its maps: make sets smaller, or free memory");
	return refusal->error;
}
