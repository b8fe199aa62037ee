// SPDX-License-Identifier: GPL-2.0-only
/* The programs of chains that are in force, for the public. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "kernel/kernel.h"
#include "report/disasm.h"
#include "report/json.h"

struct asked {
	const char *policy, *chain; /* NULL: all */
	struct disasm_style style;
	bool json;
	FILE *out;
	uint32_t found;
};

static int print_chain(struct asked *asked, const struct state_policy *policy, const struct state_chain *chain)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct kernel_program program;
	int error = kernel_program_read(arena, chain->program_id, &program);
	json_t *json;

	if (error)
		return error;
	asked->found++;
	if (!asked->json) {
		fprintf(asked->out, "%spolicy %s, chain %s (%s): program %u, %u instructions, %u bytes of machine code\n",
			asked->found > 1 ? "\n" : "", policy->name, chain->name, hook_name(chain->hook), program.id,
			program.instruction_count, program.machine_bytes);
		disasm_print(&program, &asked->style, asked->out);
		return 0;
	}
	json = json_pack("{s:i, s:s, s:s, s:s}", "schema", REPORT_SCHEMA, "policy", policy->name, "chain", chain->name, "hook",
			 hook_name(chain->hook));
	json_object_update_new(json, disasm_json(&program, asked->style.machine));
	json_dumpf(json, asked->out, REPORT_JSON_LINE);
	fputc('\n', asked->out);
	json_decref(json);
	return 0;
}

static int print_all(struct asked *asked, const struct state *state)
{
	int error = 0;

	for (uint32_t i = 0; i < state->policy_count && !error; i++) {
		const struct state_policy *policy = &state->policies[i];

		for (uint32_t c = 0; c < policy->chain_count && !error; c++)
			if (!asked->chain || strcmp(asked->chain, policy->chains[c].name) == 0)
				error = print_chain(asked, policy, &policy->chains[c]);
	}
	return error;
}

int weir_kernel_disasm(struct weir_kernel *kernel, const struct weir_disasm_options *options, FILE *out, struct weir_messages *messages)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct asked asked = {
		.policy = OPTION(options, policy, NULL),
		.chain = OPTION(options, chain, NULL),
		.style = { .opcodes = OPTION(options, opcodes, false), .machine = OPTION(options, machine, false) },
		.json = OPTION(options, format, WEIR_FORMAT_TEXT) == WEIR_FORMAT_JSON,
		.out = out,
	};
	struct diagnostics *diagnostics = &messages->diagnostics;
	size_t errors = diagnostics->errors;
	struct diagnostic *d;
	const struct state *state;
	int error = kernel_state(kernel->kernel, arena, asked.policy, &state, diagnostics);

	if (!error)
		error = print_all(&asked, state);
	if (error)
		return messages_explain(messages, errors, error, "cannot read the program");
	if (asked.found || (!asked.policy && !asked.chain))
		return 0;
	d = diagnose(diagnostics, SEVERITY_ERROR, (struct place){ 0 }, "no %s '%s' is in force", asked.chain ? "chain" : "policy",
		     asked.chain ? asked.chain : asked.policy);
	diagnostic_hint(diagnostics, d, "'weir list' shows all");
	return -ENOENT;
}
