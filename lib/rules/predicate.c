// SPDX-License-Identifier: GPL-2.0-only
/* The answer of a predicate in user space. */
#include "rules/http.h"
#include "rules/rules.h"

/* Where the packet begins as this hook has it. */
static enum classic_link packet_link(enum weir_hook hook, const struct judged_packet *packet)
{
	bool cgroup = hook == WEIR_HOOK_CGROUP_INGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;

	return cgroup || packet->context->raw_ip ? CLASSIC_RAW : CLASSIC_ETHERNET;
}

bool predicate_holds(const struct predicate *predicate, enum weir_hook hook, const struct judged_packet *packet)
{
	const struct classic_program *program = predicate->programs[packet_link(hook, packet)];
	const struct classic_packet classic = { packet->data, packet->length };

	if (predicate->kind == PREDICATE_HTTP)
		return http_holds(predicate, packet);
	return program && classic_run(program, &classic);
}
