// SPDX-License-Identifier: GPL-2.0-only
/* What is enforced, for the public: apply, remove, list. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "kernel/kernel.h"
#include "report/json.h"
#include "report/list.h"

int weir_kernel_open(const struct weir_kernel_options *options, struct weir_messages *messages, struct weir_kernel **ret_kernel)
{
	struct arena *arena = arena_new();
	struct weir_kernel *kernel = arena_new_object(arena, struct weir_kernel);
	size_t errors = messages->diagnostics.errors;
	int error = kernel_open(arena, OPTION(options, pins, NULL), OPTION(options, change, false), &kernel->kernel,
				&messages->diagnostics);

	if (error) {
		arena_free(arena);
		return messages_explain(messages, errors, error, "cannot open weir's directory in bpffs");
	}
	kernel->arena = arena;
	kernel->change = OPTION(options, change, false);
	*ret_kernel = kernel;
	return 0;
}

void weir_kernel_close(struct weir_kernel *kernel)
{
	if (!kernel)
		return;
	kernel_close(kernel->kernel);
	arena_free(kernel->arena);
}

int kernel_wants_change(bool change, struct weir_messages *messages)
{
	if (change)
		return 0;
	diagnose(&messages->diagnostics, SEVERITY_ERROR, (struct place){ 0 }, "weir_kernel_open was not told of a change");
	return -EBADF;
}

int weir_kernel_apply(struct weir_kernel *kernel, const struct weir_policy *policy, const struct weir_apply_options *options,
		      struct weir_messages *messages)
{
	struct apply_options inner = {
		.reset = OPTION(options, reset, false),
		.progress = OPTION(options, progress, NULL),
		.progress_context = OPTION(options, context, NULL),
	};
	size_t errors = messages->diagnostics.errors;
	int error = kernel_wants_change(kernel->change, messages);

	error = error ? error : kernel_apply(kernel->kernel, policy->compiled, &inner, &messages->diagnostics);
	return error ? messages_explain(messages, errors, error, "the policy cannot be applied") : 0;
}

int weir_kernel_remove(struct weir_kernel *kernel, const char *name, struct weir_messages *messages)
{
	size_t errors = messages->diagnostics.errors;
	int error = kernel_wants_change(kernel->change, messages);

	error = error ? error : kernel_remove(kernel->kernel, name, &messages->diagnostics);
	return error ? messages_explain(messages, errors, error, "the policy cannot be removed") : 0;
}

static int print_json(const struct state *state, FILE *out)
{
	json_t *json = list_json(state);
	int error = json && json_dumpf(json, out, REPORT_JSON_DOCUMENT) == 0 ? 0 : -EIO;

	json_decref(json);
	fputc('\n', out);
	return error;
}

int weir_kernel_list(struct weir_kernel *kernel, const struct weir_list_options *options, FILE *out,
		     struct weir_messages *messages)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *policy = OPTION(options, policy, NULL);
	struct list_style style = {
		.verbose = OPTION(options, verbose, false),
		.colour = OPTION(options, colour, false),
		.now_s = (uint64_t)time(NULL),
	};
	size_t errors = messages->diagnostics.errors;
	const struct state *state;
	int error = kernel_state(kernel->kernel, arena, policy, &state, &messages->diagnostics);

	if (!error && policy && !state->policy_count)
		error = kernel_say_no_policy(kernel->kernel, arena, policy, &messages->diagnostics);
	if (error)
		return messages_explain(messages, errors, error, "cannot read what is enforced");
	if (OPTION(options, format, WEIR_FORMAT_TEXT) == WEIR_FORMAT_JSON)
		return print_json(state, out);
	list_print(state, &style, out);
	return 0;
}
