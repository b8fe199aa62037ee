// SPDX-License-Identifier: GPL-2.0-only
/* The policy as text: its head, sets, and one chain for each base chain that is taken over. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "import/ruleset.h"

/* A protocol alone is said by the matches on its fields. */
static bool is_said(const struct import_match *matches, size_t count, size_t index)
{
	const struct import_match *match = &matches[index];
	size_t length;

	if (match->subject != SUBJECT_META_L4PROTO || match->unequal || match->mask || match->value[0] == '{')
		return false;
	length = strlen(match->value);
	for (size_t i = 0; i < count; i++) {
		const char *words = subject_words(matches[i].subject);

		if (strncmp(words, match->value, length) == 0 && words[length] == ' ')
			return true;
		if (i < index && matches[i].subject == SUBJECT_META_L4PROTO && !matches[i].unequal &&
		    strcmp(matches[i].value, match->value) == 0)
			return true;
	}
	return false;
}

static bool is_quoted(const struct import_match *match)
{
	return subject_type(match->subject) == TYPE_INTERFACE && match->value[0] != '{';
}

static void print_match(const struct import_match *match, FILE *out)
{
	bool flags = match->subject == SUBJECT_TCP_FLAGS;

	if (match->subject == SUBJECT_META_L4PROTO && !match->unequal &&
	    (strcmp(match->value, "tcp") == 0 || strcmp(match->value, "udp") == 0 || strcmp(match->value, "sctp") == 0)) {
		fprintf(out, " %s", match->value);
		return;
	}
	fprintf(out, " %s", subject_words(match->subject));
	if (match->second != SUBJECT_COUNT)
		fprintf(out, " . %s", subject_words(match->second));
	if (match->mask)
		fprintf(out, " & %s", match->mask);
	if (match->unequal)
		fputs(" !=", out);
	else if (match->mask || flags)
		fputs(" ==", out);
	if (match->value)
		fprintf(out, "%s%s%s", is_quoted(match) ? " \"" : " ", match->value, is_quoted(match) ? "\"" : "");
}

void import_print_matches(const struct import_match *matches, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++)
		if (!is_said(matches, count, i))
			print_match(&matches[i], out);
}

static bool is_control(char byte)
{
	return (unsigned char)byte < 0x20 || byte == 0x7f;
}

void import_print_string(const char *text, size_t most, FILE *out)
{
	size_t length = strlen(text);

	if (length > most)
		for (length = most; length && (text[length] & 0xc0) == 0x80;)
			length--;
	fputc('"', out);
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"' || text[i] == '\\')
			fputc('\\', out);
		fputc(is_control(text[i]) ? '?' : text[i], out);
	}
	fputc('"', out);
}

void import_print_comment(const char *indent, const char *text, FILE *out)
{
	fputs(indent, out);
	for (; *text; text++)
		fputc(is_control(*text) ? ' ' : *text, out);
	fputc('\n', out);
}

static const char *effect_of(const struct import_rule *rule)
{
	switch (rule->verdict) {
	case IMPORT_ACCEPT:
		return "the policy is stricter without this rule";
	case IMPORT_DROP:
		return "the policy is more permissive without this rule";
	case IMPORT_NO_VERDICT:
		if (!rule->target)
			return "no packet's fate changes without this rule";
		break;
	default:
		break;
	}
	return "the policy may be stricter or more permissive without this rule";
}

void import_leave_out(struct ruleset *ruleset, struct import_rule *rule, const char *why, const char *hint, FILE *out)
{
	const char *message = arena_printf(ruleset->arena, "left out: %s; %s", why, effect_of(rule));

	if (hint == import_state_hint && !rule->told) {
		hint = ruleset->state_hint ? NULL : hint;
		ruleset->state_hint = true;
	}
	if (!rule->told) {
		ruleset_say(ruleset, SEVERITY_WARNING, rule->place, hint, message);
		ruleset->left_out++;
	}
	rule->told = rule->left_out = true;
	import_print_comment("    # ", message, out);
	import_print_comment("    # ", rule->text, out);
}

static void print_set(const struct import_set *set, FILE *out)
{
	if (set->note)
		import_print_comment("# ", set->note, out);
	fprintf(out, "set %s {\n    type %s\n", set->words, set->type);
	if (set->size > 65536 || (set->size && set->elements.count))
		fprintf(out, "    size %" PRIu64 "\n",
			set->size > set->elements.count ? set->size : (uint64_t)set->elements.count);
	if (set->timeout)
		fprintf(out, "    timeout %" PRIu64 "s\n", set->timeout);
	if (set->elements.count) {
		fputs("    elements = {\n", out);
		for (size_t i = 0; i < set->elements.count; i++)
			fprintf(out, "        %s,\n", set->elements.items[i]);
		fputs("    }\n", out);
	}
	fputs("}\n\n", out);
}

/* What is not of the chain's family is not judged by it: it passes. */
static void print_guard(const struct import_chain *chain, enum weir_hook hook, FILE *out)
{
	static const char *const names[] = { "IPv4", "IPv6", "IP" }, *const types[] = { "ip", "ip6", "{ ip, ip6 }" };
	bool cgroup = hook == WEIR_HOOK_CGROUP_INGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;

	if (chain->family == IMPORT_ANY || (cgroup && chain->family == IMPORT_INET))
		return;
	fprintf(out, "    # the rules are about %s; other packets are not theirs to judge\n", names[chain->family]);
	if (cgroup)
		fprintf(out, "    %s accept\n\n", chain->family == IMPORT_IPV4 ? "ip6" : "ip");
	else
		fprintf(out, "    ether type != %s accept\n\n", types[chain->family]);
}

static bool is_trivial(const struct import_chain *chain)
{
	return chain->rules.count == 0 && !chain->drop;
}

/* At the hooks where packets come in, those for this host and those it forwards are not told apart: INPUT goes first. */
static bool is_taken(struct ruleset *ruleset, const struct import_chain *chain, const char *wanted, FILE *out)
{
	if (chain->hook == IMPORT_USER_CHAIN || chain->foreign)
		return false;
	if (wanted)
		return strcmp(chain->name, wanted) == 0;
	if (is_trivial(chain))
		return false;
	for (size_t i = 0; chain->hook == IMPORT_FORWARD && i < ruleset->chains.count; i++) {
		const struct import_chain *other = ruleset->chains.items[i];
		const char *message;

		if (other->foreign || other->hook != IMPORT_INPUT || is_trivial(other))
			continue;
		message = arena_printf(ruleset->arena,
				       "left out: chain '%s', since packets that are forwarded and those for this host come in at "
				       "the same hook; the policy is more permissive without it",
				       chain->name);
		ruleset->left_out++;
		ruleset_say(ruleset, SEVERITY_WARNING, chain->place,
			    arena_printf(ruleset->arena, "--chain %s imports it alone, for an interface that only forwards",
					 chain->name),
			    message);
		import_print_comment("# ", message, out);
		fputc('\n', out);
		return false;
	}
	return true;
}

static const char *chain_words(const struct ruleset *ruleset, const struct import_chain *chain)
{
	const char *name = chain->name;
	char *words;

	for (size_t i = 0; i < ruleset->chains.count; i++) {
		const struct import_chain *other = ruleset->chains.items[i];

		if (other != chain && other->hook != IMPORT_USER_CHAIN && strcmp(other->name, name) == 0)
			name = arena_printf(ruleset->arena, "%s-%s", chain->table, chain->name);
	}
	words = arena_strndup(ruleset->arena, name, strnlen(name, 48));
	for (char *at = words; *at; at++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *at) ||
		    (at == words && *at == '-'))
			*at = '_';
	return words;
}

static int print_chain(struct ruleset *ruleset, const struct import_chain *chain, const struct import_options *options, FILE *out)
{
	struct import_hook hook;
	int error = import_choose_hook(ruleset, chain, options->hook, &hook);

	if (error)
		return error;
	if (chain->hook == IMPORT_FORWARD)
		fputs("# Packets for this host itself come by at this hook, too, and are judged by these rules.\n", out);
	if (!options->hook && !chain->device)
		fputs("# The hook was chosen by weir; --hook \"tc ingress on eth0\" names another one.\n", out);
	fprintf(out, "chain %s {\n    hook %s\n    policy %s\n\n", chain_words(ruleset, chain), hook.words,
		chain->drop ? "drop" : "accept");
	print_guard(chain, hook.hook, out);
	error = chain_flatten(ruleset, chain, &hook, out);
	fputs("}\n\n", out);
	return error;
}

/* Rules of tables and hooks that weir has not. */
static void print_foreign(struct ruleset *ruleset, FILE *out)
{
	for (size_t i = 0; i < ruleset->chains.count; i++) {
		const struct import_chain *chain = ruleset->chains.items[i];

		for (size_t r = 0; chain->foreign && r < chain->rules.count; r++) {
			struct import_rule *rule = chain->rules.items[r];

			if (!rule->told)
				import_leave_out(ruleset, rule, rule->refusal ? rule->refusal : "weir has no such hook", NULL,
						 out);
		}
	}
}

static bool is_jump(const struct import_rule *rule)
{
	return rule->verdict == IMPORT_JUMP || rule->verdict == IMPORT_GOTO;
}

/* Is CHAIN left out because the jump to it is, or that of a chain that jumps to it? LOST has a flag for each chain. */
static bool is_lost(const struct ruleset *ruleset, const struct import_chain *chain, const bool *lost)
{
	if (chain->hook != IMPORT_USER_CHAIN || chain->foreign || chain->entered || !chain->rules.count)
		return false;
	for (size_t i = 0; i < ruleset->chains.count; i++) {
		const struct import_chain *from = ruleset->chains.items[i];

		for (size_t r = 0; r < from->rules.count; r++) {
			const struct import_rule *rule = from->rules.items[r];

			if (is_jump(rule) && (rule->left_out || lost[i]) && !from->foreign && strcmp(from->table, chain->table) == 0 &&
			    strcmp(rule->target, chain->name) == 0)
				return true;
		}
	}
	return false;
}

/* Chains that go with a jump that is left out: it is named, and so are they. */
static void print_lost(struct ruleset *ruleset, FILE *out)
{
	bool *lost = arena_new_array(ruleset->arena, bool, ruleset->chains.count);

	for (bool changed = true; changed;) {
		changed = false;
		for (size_t i = 0; i < ruleset->chains.count; i++) {
			const struct import_chain *chain = ruleset->chains.items[i];
			const char *message;

			if (lost[i] || !is_lost(ruleset, chain, lost))
				continue;
			lost[i] = changed = true;
			message = arena_printf(ruleset->arena, "left out: chain '%s' with %zu rule%s, since no jump to it was taken over",
					       chain->name, chain->rules.count, chain->rules.count == 1 ? "" : "s");
			ruleset->left_out++;
			ruleset_say(ruleset, SEVERITY_WARNING, chain->place, NULL, message);
			import_print_comment("# ", message, out);
		}
	}
}

int ruleset_print(struct ruleset *ruleset, const struct source *source, const struct import_options *options, FILE *out)
{
	size_t taken = 0;
	int error = 0;

	fprintf(out, "# Made by 'weir import' of %s (%s).\n", source->name, ruleset->from);
	fputs("# Rules that could not be taken over stand where they were, as comments that begin with \"left out\".\n"
	      "# Packets that cannot be parsed are dropped, whatever the policy of a chain is.\n\n",
	      out);
	for (size_t i = 0; i < ruleset->sets.count; i++) {
		const struct import_set *set = ruleset->sets.items[i];

		if (!set->used || set->refusal)
			continue;
		print_set(set, out);
		if (set->note) {
			ruleset->left_out++;
			ruleset_say(ruleset, SEVERITY_WARNING, (struct place){ 0 }, NULL,
				    arena_printf(ruleset->arena, "set '%s': %s", set->name, set->note));
		}
	}
	for (size_t i = 0; !error && i < ruleset->chains.count; i++) {
		const struct import_chain *chain = ruleset->chains.items[i];

		if (!is_taken(ruleset, chain, options->chain, out))
			continue;
		error = print_chain(ruleset, chain, options, out);
		taken++;
	}
	if (!error && options->chain && !taken) {
		struct diagnostic *diagnostic = diagnose(ruleset->diagnostics, SEVERITY_ERROR, (struct place){ .source = source },
							 "there is no base chain '%s'", options->chain);

		diagnostic_hint(ruleset->diagnostics, diagnostic, "it is one that packets come to by themselves, as INPUT");
		error = -EINVAL;
	}
	if (!error && !taken)
		fputs("# There is no rule here that weir could enforce.\n", out);
	if (!error) {
		print_lost(ruleset, out);
		print_foreign(ruleset, out);
	}
	return error;
}
