// SPDX-License-Identifier: GPL-2.0-only
/* Policies for the public: compiling, and printing what each stage made. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/limits.h"
#include "host/host.h"
#include "kernel/load.h"
#include "report/summary.h"

/* The text of the policy itself. What cannot be read is the surroundings' fault, a file that is no policy the user's. */
static int read_policy(struct arena *arena, const char *path, const struct source **ret_source, struct diagnostics *diagnostics)
{
	const struct host *host = host_system();
	int error = host->read_file(host->context, arena, path, ret_source);
	struct diagnostic *diagnostic;

	if (!error)
		return 0;
	diagnostic = diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, (struct place){ 0 }, "cannot read the policy '%s': %s",
			      path, error == -EFBIG ? "it is too large" : strerror(-error));
	if (error == -EFBIG)
		diagnostic_hint(diagnostics, diagnostic, "a file may have %u MiB; put long lists into the file of a set",
				LIMIT_SOURCE_BYTES >> 20);
	else if (error == -ENOENT && !strchr(path, '.'))
		diagnostic_hint(diagnostics, diagnostic, "name the file, with its ending: %s.weir", path);
	return error;
}

int weir_policy_compile(const char *path, const struct weir_compile_options *options, struct weir_messages *messages,
			struct weir_policy **ret_policy)
{
	struct shared_arena *shared = shared_arena_new();
	struct weir_policy *policy = arena_new_object(shared->arena, struct weir_policy);
	struct weir_kernel *tune_by = OPTION(options, tune_by, NULL);
	const char *name = OPTION(options, name, NULL);
	struct code_options code = { 0 };
	const struct source *source;
	int error;

	if (strcmp(path, "-") == 0)
		path = "/dev/stdin";
	error = read_policy(shared->arena, path, &source, &messages->diagnostics);
	messages_hold(messages, shared);
	policy->shared = shared;
	_Static_assert((int)WEIR_FORM_FITS == TREE_AS_FITS && (int)WEIR_FORM_CODE == TREE_ALL_CODE &&
			       (int)WEIR_FORM_DATA == TREE_ALL_DATA && (int)WEIR_FORM_TABLES == TREE_ALL_TABLES &&
			       (int)WEIR_FORM_VECTORS == TREE_ALL_VECTORS,
		       "forms are numbered alike");
	code.tree.wish = (enum tree_wish)OPTION(options, form, WEIR_FORM_FITS);
	if (OPTION(options, for_this_kernel, false))
		code.long_jump = kernel_features()->long_jump;
	if (!error && tune_by)
		error = tune_by_counters(tune_by, shared->arena, name ? name : policy_name_from_file(shared->arena, source),
					 &code.tree, &messages->diagnostics);
	if (!error) {
		policy->compiled = compile(shared->arena, host_system(), source, name, &code, &messages->diagnostics);
		error = policy->compiled ? 0 : -EINVAL;
	}
	if (error) {
		weir_policy_free(policy);
		return error;
	}
	*ret_policy = policy;
	return 0;
}

void weir_policy_free(struct weir_policy *policy)
{
	if (policy)
		shared_arena_release(policy->shared);
}

const char *weir_policy_name(const struct weir_policy *policy)
{
	return policy->compiled->policy->name;
}

void weir_policy_emit(const struct weir_policy *policy, enum weir_stage stage, FILE *out)
{
	const struct compiled *compiled = policy->compiled;

	if (stage == WEIR_STAGE_AST) {
		ast_print(compiled->ast, out);
		return;
	}
	for (uint32_t i = 0; i < compiled->policy->chain_count; i++) {
		const struct policy_chain *chain = &compiled->policy->chains[i];

		if (stage == WEIR_STAGE_RULES) {
			rules_print(compiled->chains[i].rules, out);
			continue;
		}
		/* Tree and code know no chains: the heading is that of the rules. */
		fprintf(out, "chain %s: %s\n", chain->name, hook_name(chain->hook));
		if (stage == WEIR_STAGE_TREE)
			tree_print(compiled->chains[i].tree, out);
		else if (stage == WEIR_STAGE_CODE)
			code_print(compiled->chains[i].code, out);
	}
}

void weir_policy_print(const struct weir_policy *policy, FILE *out)
{
	summary_print(policy->compiled, out);
}
