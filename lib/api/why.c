// SPDX-License-Identifier: GPL-2.0-only
/* Why a packet fares as it does, for the public. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "report/json.h"
#include "report/why.h"

/* What is asked of each packet. */
struct question {
	const struct compiled *compiled;
	int32_t chain; /* -1: all */
	enum weir_format format;
	bool verbose;
	FILE *out;
};

static int find_chain(const struct compiled *compiled, const char *name, int32_t *ret_chain, struct diagnostics *diagnostics)
{
	const struct policy *policy = compiled->policy;
	const char **names = arena_new_array(diagnostics->arena, const char *, policy->chain_count);
	struct diagnostic *diagnostic;
	const char *meant, *all = "";

	*ret_chain = -1;
	if (!name)
		return 0;
	for (uint32_t i = 0; i < policy->chain_count; i++) {
		names[i] = policy->chains[i].name;
		if (strcmp(names[i], name) == 0) {
			*ret_chain = (int32_t)i;
			return 0;
		}
	}
	meant = near_match(name, names, policy->chain_count);
	diagnostic =
		diagnose(diagnostics, SEVERITY_ERROR, (struct place){ 0 }, "policy '%s' has no chain '%s'", policy->name, name);
	if (meant) {
		diagnostic_hint(diagnostics, diagnostic, "did you mean '%s'?", meant);
	} else if (policy->chain_count) {
		for (uint32_t i = 0; i < policy->chain_count; i++)
			all = arena_printf(diagnostics->arena, "%s%s%s", all, i ? ", " : "", names[i]);
		diagnostic_hint(diagnostics, diagnostic, "its chains are: %s", all);
	}
	return -ENOENT;
}

static void ask(const struct question *question, const struct why_packet *packet)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	uint32_t count = question->compiled->policy->chain_count;
	uint32_t first = question->chain < 0 ? 0 : (uint32_t)question->chain;
	uint32_t end = question->chain < 0 ? count : first + 1;

	for (uint32_t i = first; i < end; i++) {
		const struct why_answer *answer = why_ask(arena, question->compiled, i, packet, question->verbose);
		json_t *json, *said;

		/* It has nothing to say about any packet; who names it is answered. */
		if (question->compiled->policy->chains[i].carries_replies && question->chain < 0)
			continue;
		if (question->format == WEIR_FORMAT_TEXT) {
			why_print(answer, i == first, question->out);
			continue;
		}
		json = json_pack("{s:i}", "schema", REPORT_SCHEMA);
		said = why_json(answer);
		json_object_update(json, said);
		json_decref(said);
		fprintf(question->out, "%s\n", json_line(arena, json));
	}
}

static int ask_capture(const struct question *question, const char *path, struct diagnostics *diagnostics)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(why_capture_closep) struct why_capture *capture = NULL;
	struct why_packet packet;
	int more = why_capture_open(arena, path, &capture, diagnostics);

	if (more)
		return more;
	while ((more = why_capture_next(capture, &packet, diagnostics)) > 0 && !ferror(question->out))
		ask(question, &packet);
	return more < 0 ? more : 0;
}

int weir_policy_why(const struct weir_policy *policy, const char *packet, const struct weir_why_options *options, FILE *out,
		    struct weir_messages *messages)
{
	struct question question = {
		.compiled = policy->compiled,
		.format = OPTION(options, format, WEIR_FORMAT_TEXT),
		.verbose = OPTION(options, verbose, false),
		.out = out,
	};
	struct shared_arena *shared;
	struct why_packet written;
	int error = find_chain(policy->compiled, OPTION(options, chain, NULL), &question.chain, &messages->diagnostics);

	if (error)
		return error;
	if (why_is_capture(packet))
		return ask_capture(&question, packet, &messages->diagnostics);
	shared = shared_arena_new();
	messages_hold(messages, shared); /* an error quotes the words */
	error = why_packet_from_words(shared->arena, packet, &written, &messages->diagnostics);
	if (!error) {
		/* For people the packet's own line says all that its words said. */
		if (question.format == WEIR_FORMAT_TEXT)
			written.name = NULL;
		ask(&question, &written);
	}
	shared_arena_release(shared);
	return error;
}
