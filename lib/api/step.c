// SPDX-License-Identifier: GPL-2.0-only
/* Going through a program, for the public. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "api/bytecode.h"
#include "base/cleanup.h"
#include "report/why.h"
#include "step/step.h"

#define MOST_PACKETS 100000 /* that are kept in memory, to be selected from */

struct packets {
	VECTOR(struct why_packet) list;
};

static int read_capture(struct arena *arena, const char *path, struct packets *packets, struct diagnostics *diagnostics)
{
	_cleanup_(why_capture_closep) struct why_capture *capture = NULL;
	struct why_packet packet;
	int more = why_capture_open(arena, path, &capture, diagnostics);

	if (more)
		return more;
	while (packets->list.count < MOST_PACKETS && (more = why_capture_next(capture, &packet, diagnostics)) > 0) {
		packet.data = arena_copy(arena, packet.data, packet.length);
		packet.name = arena_strdup(arena, packet.name);
		vector_push(arena, &packets->list, packet);
	}
	return more < 0 ? more : 0;
}

static int read_packets(struct arena *arena, const char *argument, struct packets *packets, struct diagnostics *diagnostics)
{
	struct why_packet packet;
	int error;

	if (why_is_capture(argument)) {
		error = read_capture(arena, argument, packets, diagnostics);
	} else {
		error = why_packet_from_words(arena, argument, &packet, diagnostics);
		if (!error)
			vector_push(arena, &packets->list, packet);
	}
	if (!error && !packets->list.count) {
		diagnose(diagnostics, SEVERITY_ERROR, (struct place){ 0 }, "'%s' has no packet in it", argument);
		error = -EINVAL;
	}
	return error;
}

static int go_through(struct arena *arena, const struct step_program *program, const char *packet,
		      const struct weir_step_options *options, FILE *out, struct diagnostics *diagnostics)
{
	FILE *in = OPTION(options, in, NULL);
	struct step_session session = {
		.program = program, .in = in ? in : stdin, .out = out, .prompt = OPTION(options, prompt, false)
	};
	struct packets packets = { 0 };
	int error = read_packets(arena, packet, &packets, diagnostics);

	if (error)
		return error;
	session.packets = packets.list.items;
	session.packet_count = (uint32_t)packets.list.count;
	error = step_run(&session);
	if (error)
		diagnose(diagnostics, SEVERITY_ERROR, (struct place){ 0 }, "a command was wrong; what is shown says which");
	return error;
}

static int find_chain(const struct compiled *compiled, const char *name, uint32_t *ret_chain, struct diagnostics *diagnostics)
{
	const struct policy *policy = compiled->policy;

	for (uint32_t i = 0; i < policy->chain_count; i++)
		if (!name || strcmp(policy->chains[i].name, name) == 0) {
			*ret_chain = i;
			return 0;
		}
	diagnose(diagnostics, SEVERITY_ERROR, (struct place){ 0 }, "policy '%s' has no chain '%s'", policy->name, name ? name : "");
	return -ENOENT;
}

int weir_policy_step(const struct weir_policy *policy, const char *packet, const struct weir_step_options *options, FILE *out,
		     struct weir_messages *messages)
{
	struct shared_arena *shared = shared_arena_new();
	struct step_program program;
	uint32_t chain;
	int error = find_chain(policy->compiled, OPTION(options, chain, NULL), &chain, &messages->diagnostics);

	messages_hold(messages, shared); /* an error quotes a packet's words */
	if (!error) {
		program = step_chain(shared->arena, policy->compiled, chain);
		error = go_through(shared->arena, &program, packet, options, out, &messages->diagnostics);
	}
	shared_arena_release(shared);
	return error;
}

int weir_bytecode_step(const struct weir_bytecode *bytecode, const char *packet, const struct weir_step_options *options, FILE *out,
		       struct weir_messages *messages)
{
	struct shared_arena *shared = shared_arena_new();
	struct step_program program = step_classic(shared->arena, &bytecode->program, bytecode->link);
	int error;

	messages_hold(messages, shared);
	error = go_through(shared->arena, &program, packet, options, out, &messages->diagnostics);
	shared_arena_release(shared);
	return error;
}
