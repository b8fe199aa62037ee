// SPDX-License-Identifier: GPL-2.0-only
/* Where a chain is to stand: the user's word, or the nearest place to where the rules stood. */
#include <errno.h>
#include <string.h>

#include "import/ruleset.h"

/* The first interface that the chain's rules name; else the usual one. *ret_several: they name others, too. */
static const char *likely_interface(const struct import_chain *chain, bool leaving, bool *ret_several)
{
	enum subject subject = leaving ? SUBJECT_META_OIF : SUBJECT_META_IIF;
	const char *found = NULL;

	for (size_t i = 0; i < chain->rules.count; i++) {
		const struct import_rule *rule = chain->rules.items[i];

		for (size_t m = 0; m < rule->matches.count; m++) {
			const struct import_match *match = &rule->matches.items[m];

			if (match->subject != subject || match->unequal || match->value[0] == '{' ||
			    strcmp(match->value, "lo") == 0)
				continue;
			if (found && strcmp(found, match->value) != 0)
				*ret_several = true;
			found = found ? found : match->value;
		}
	}
	return found ? found : "eth0";
}

/* The word behind KEY in a hook's words, NULL where there is none. */
static const char *word_behind(const struct ruleset *ruleset, const char *words, const char *key)
{
	char *copy = arena_strdup(ruleset->arena, words), *word;

	while ((word = strsep(&copy, " \t")))
		if (strcmp(word, key) == 0)
			while ((word = strsep(&copy, " \t")))
				if (*word)
					return word[0] == '"' ? arena_strndup(ruleset->arena, word + 1, strcspn(word + 1, "\""))
							      : word;
	return NULL;
}

static bool goes_out(const struct import_chain *chain, bool wanted)
{
	if (chain->hook == IMPORT_FORWARD)
		return wanted;
	return chain->hook == IMPORT_OUTPUT || chain->hook == IMPORT_EGRESS;
}

static const char *next_word(const char *at, size_t *ret_length)
{
	at += strspn(at, " \t");
	*ret_length = strcspn(at, " \t");
	return at;
}

static int wrong_hook(struct ruleset *ruleset, const char *wanted)
{
	struct diagnostic *diagnostic =
		diagnose(ruleset->diagnostics, SEVERITY_ERROR, (struct place){ 0 }, "'%s' is not a hook", wanted);

	diagnostic_hint(ruleset->diagnostics, diagnostic,
			"as in a policy: --hook \"tc ingress on eth0\", or \"cgroup ingress on /\"");
	return -EINVAL;
}

/* LAYER DIRECTION on TARGET ..., in the direction of the chain; there is no XDP on the way out. */
static int turn_hook(struct ruleset *ruleset, const struct import_chain *chain, const char *wanted, struct import_hook *hook)
{
	size_t layer_length, direction_length, on_length;
	const char *layer = next_word(wanted, &layer_length);
	const char *direction = next_word(layer + layer_length, &direction_length);
	const char *on = next_word(direction + direction_length, &on_length);
	bool xdp = layer_length == 3 && memcmp(layer, "xdp", 3) == 0, tc = layer_length == 2 && memcmp(layer, "tc", 2) == 0;
	bool cgroup = layer_length == 6 && memcmp(layer, "cgroup", 6) == 0;
	bool in = direction_length == 7 && memcmp(direction, "ingress", 7) == 0;
	bool out = direction_length == 6 && memcmp(direction, "egress", 6) == 0, leaving;

	if (!(xdp || tc || cgroup) || !(in || out) || (xdp && out) || on_length != 2 || memcmp(on, "on", 2) != 0 ||
	    strpbrk(wanted, "\n#;"))
		return wrong_hook(ruleset, wanted);
	leaving = goes_out(chain, out);
	if (cgroup)
		hook->hook = leaving ? WEIR_HOOK_CGROUP_EGRESS : WEIR_HOOK_CGROUP_INGRESS;
	else if (leaving)
		hook->hook = WEIR_HOOK_TC_EGRESS;
	else
		hook->hook = xdp ? WEIR_HOOK_XDP_INGRESS : WEIR_HOOK_TC_INGRESS;
	hook->words = arena_printf(ruleset->arena, "%s %s", hook_name(hook->hook), on);
	hook->only = word_behind(ruleset, on, "on");
	if (!hook->only)
		return wrong_hook(ruleset, wanted);
	if (cgroup || strchr(on, '{') || hook->only[0] == '$')
		hook->only = NULL;
	hook->netns = word_behind(ruleset, on, "netns");
	return 0;
}

int import_choose_hook(struct ruleset *ruleset, const struct import_chain *chain, const char *wanted,
		       struct import_hook *ret_hook)
{
	struct import_hook hook = { 0 };
	bool leaving = goes_out(chain, false), several = false;
	const char *likely = likely_interface(chain, leaving, &several), *target = chain->device ? chain->device : likely;
	int error;

	if (!wanted && !chain->device && several) {
		ruleset->left_out++;
		ruleset_say(
			ruleset, SEVERITY_WARNING, chain->place,
			arena_printf(ruleset->arena, "import it once for each: --hook \"tc %s on %s\"",
				     leaving ? "egress" : "ingress", likely),
			arena_printf(ruleset->arena,
				     "the rules of chain '%s' are about several interfaces, and the policy stands at %s alone",
				     chain->name, likely));
	}
	if (!wanted)
		wanted = arena_printf(ruleset->arena, "tc %s on %s", leaving ? "egress" : "ingress", target);
	error = turn_hook(ruleset, chain, wanted, &hook);
	if (error)
		return error;
	*ret_hook = hook;
	return 0;
}
