// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes what reads other firewalls' rule sets: iptables-save, nftables in JSON and as text, ClassBench. In: any bytes. Beside
 * crashes and leaks it holds that
 *
 *	what is printed is a policy (whose values may still be wrong, where those of the rule set were);
 *	the same input gives the same policy and the same messages.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/unit/check/machine.h"
#include "check/policy.h"
#include "import/import.h"
#include "syntax/ast.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const char *text)
{
	fprintf(stderr, "does not hold: %s\n%s\n", what, text);
	abort();
}

/* The policy and the messages; RET_POLICY the policy alone. */
static char *run(const struct source *source, char **ret_policy)
{
	struct arena *arena = arena_new();
	struct import_options options = { .format = IMPORT_DETECT };
	struct diagnostics diagnostics;
	char *text = NULL;
	size_t size, policy_size, left_out = 0;
	FILE *out = open_memstream(&text, &size), *policy = open_memstream(ret_policy, &policy_size);

	diagnostics_init(&diagnostics, arena);
	import_run(arena, &machine, source, &options, policy, &diagnostics, &left_out);
	fclose(policy);
	diagnostics_print(&diagnostics, out, false);
	fprintf(out, "%zu left out\n", left_out);
	fclose(out);
	arena_free(arena);
	return text;
}

static void check_policy_text(const char *policy)
{
	struct arena *arena = arena_new();
	struct source source = { "imported.weir", policy, strlen(policy) };
	struct diagnostics diagnostics;
	char *text = NULL;
	size_t size;
	FILE *out;

	diagnostics_init(&diagnostics, arena);
	syntax_parse(arena, &machine, &source, &diagnostics);
	if (diagnostics.errors) {
		out = open_memstream(&text, &size);
		diagnostics_print(&diagnostics, out, false);
		fclose(out);
		fail("what is printed is a policy", text);
	}
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1), *first, *second, *policy, *again;
	struct source source = { "rules", copy, size };

	memcpy(copy, data, size);
	copy[size] = 0;
	first = run(&source, &policy);
	second = run(&source, &again);
	if (strcmp(first, second) != 0 || strcmp(policy, again) != 0)
		fail("the same input gives the same policy", first);
	check_policy_text(policy);
	free(first);
	free(second);
	free(policy);
	free(again);
	free(copy);
	return 0;
}

#ifdef FUZZ_STANDALONE
#include "standalone.h"
#endif
