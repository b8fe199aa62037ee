// SPDX-License-Identifier: GPL-2.0-only
/* The state as JSON: docs/abi.md has the schema. */
#include "report/list.h"

#include <string.h>

#include "base/cleanup.h"
#include "report/json.h"

static json_t *counter_json(const struct weir_counter *counter)
{
	return json_pack("{s:o, s:o}", "packets", json_number(counter->packets), "bytes", json_number(counter->bytes));
}

static json_t *marks_json(const struct state_rule *rule)
{
	json_t *marks = json_array();

	for (uint32_t i = 0; i < rule->mark_count; i++)
		json_array_append_new(marks, json_pack("{s:o, s:o, s:o}", "mark", json_number(rule->marks[i].mark), "packets",
						       json_number(rule->marks[i].counter.packets), "bytes",
						       json_number(rule->marks[i].counter.bytes)));
	return marks;
}

/* Null where the rule redirects nothing. */
static json_t *ports_json(const struct state_rule *rule)
{
	json_t *ports;

	if (rule->verdict != WEIR_VERDICT_REDIRECT && rule->verdict != WEIR_VERDICT_DNAT)
		return json_null();
	ports = json_array();
	for (uint32_t i = 0; i < rule->port_count; i++)
		json_array_append_new(ports, json_pack("{s:i, s:o}", "port", rule->ports[i].port, "connections",
						       json_number(rule->ports[i].connections)));
	return ports;
}

static json_t *rule_json(const struct state_rule *rule)
{
	return json_pack("{s:o, s:i, s:o, s:s, s:o, s:o, s:b, s:o, s:o, s:i, s:o, s:o, s:o, s:o}", "file", json_text(rule->file),
			 "line", (int)rule->line, "text", json_text(rule->text), "verdict", verdict_name(rule->verdict), "to",
			 json_text(rule->to), "effects", json_text(rule->effects), "log", rule->log, "prefix",
			 json_text(rule->log_prefix), "comment", json_text(rule->comment), "slot", (int)rule->slot, "packets",
			 json_number(rule->counter.packets), "bytes", json_number(rule->counter.bytes), "marks", marks_json(rule),
			 "ports", ports_json(rule));
}

/* Null where they are not known. */
static json_t *passed_over_json(const struct state_chain *chain)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	json_t *ports;

	if (!chain->knows_refusals)
		return json_null();
	ports = json_array();
	for (uint32_t i = 0; i < chain->refusal_count; i++) {
		const struct state_refusal *refusal = &chain->refusals[i];
		const char *protocol = value_print(arena, TYPE_PROTOCOL, (struct value){ 0, refusal->protocol });

		json_array_append_new(ports, json_pack("{s:o, s:o, s:i, s:i}", "protocol", json_text(protocol), "address",
						       json_text(value_print(arena, refusal->type, refusal->address)), "port",
						       refusal->port, "seconds", (int)refusal->seconds));
	}
	return ports;
}

static json_t *attachment_json(const struct state_attachment *attachment)
{
	json_t *foreign = json_array();

	for (uint32_t i = 0; i < attachment->foreign_count; i++)
		json_array_append_new(foreign, json_pack("{s:i, s:o}", "program_id", (int)attachment->foreign[i].program_id,
							 "name", json_text(attachment->foreign[i].program_name)));
	return json_pack("{s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:o}", "target", json_text(attachment->target), "netns",
			 json_text(attachment->netns), "of", json_text(attachment->of), "how", attachment->how, "present",
			 attachment->present, "ifindex", json_number_or_null(attachment->ifindex), "cgroup_id",
			 json_number_or_null(attachment->cgroup_id), "link_id", json_number_or_null(attachment->link_id),
			 "foreign", foreign);
}

static json_t *malformed_json(const struct state_chain *chain)
{
	static const char *const names[] = {
#define X(id, name, text) name,
		WEIR_MALFORMED(X)
#undef X
	};
	json_t *malformed = json_object();

	for (uint32_t i = WEIR_MALFORMED_NONE + 1; i < WEIR_MALFORMED_COUNT; i++)
		json_object_set_new(malformed, names[i], counter_json(&chain->malformed[i]));
	return malformed;
}

static json_t *program_json(const struct state_chain *chain)
{
	return json_pack("{s:i, s:o, s:i, s:i, s:i, s:o, s:o}", "id", (int)chain->program_id, "tag", json_text(chain->tag),
			 "instructions", (int)chain->instructions, "verified_instructions", (int)chain->verified_instructions,
			 "jited_bytes", (int)chain->jited_bytes, "load_ns", json_number(chain->load_ns), "form",
			 json_text(chain->form));
}

static json_t *chain_json(const struct state_chain *chain)
{
	json_t *attachments = json_array(), *rules = json_array(), *maps = json_array();

	for (uint32_t i = 0; i < chain->attachment_count; i++)
		json_array_append_new(attachments, attachment_json(&chain->attachments[i]));
	for (uint32_t i = 0; i < chain->rule_count; i++)
		json_array_append_new(rules, rule_json(&chain->rules[i]));
	for (uint32_t i = 0; i < chain->map_count; i++)
		json_array_append_new(maps,
				      json_pack("{s:o, s:i, s:o}", "name", json_text(chain->maps[i].name), "id",
						(int)chain->maps[i].id, "bytes", json_number_or_null(chain->maps[i].bytes)));
	return json_pack("{s:o, s:s, s:i, s:o, s:o, s:{s:s, s:o, s:o}, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name",
			 json_text(chain->name), "hook", hook_name(chain->hook), "line", (int)chain->line, "id",
			 json_number(chain->chain_id), "attachments", attachments, "policy", "verdict",
			 verdict_name(chain->policy), "packets", json_number(chain->policy_counter.packets), "bytes",
			 json_number(chain->policy_counter.bytes), "rules", rules, "malformed", malformed_json(chain),
			 "events_lost", json_number(chain->events_lost), "program", program_json(chain), "maps", maps,
			 "connections", json_number_or_null(chain->connections), "passed_over", passed_over_json(chain),
			 "aborted", chain->counts_faults ? json_number(chain->faults.aborted) : json_null(), "redirects_failed",
			 chain->counts_faults ? json_number(chain->faults.redirects_failed) : json_null());
}

static json_t *types_json(const struct policy_set *set)
{
	json_t *types = json_array();

	for (uint32_t i = 0; i < set->components; i++)
		json_array_append_new(types, json_string(value_type_name(set->types[i])));
	return types;
}

static json_t *state_set_json(const struct state_set *set)
{
	return json_pack("{s:o, s:o, s:o, s:i, s:o, s:o}", "name", json_text(set->name), "types", types_json(&set->set),
			 "elements", json_number(set->element_count), "size", (int)set->set.size, "timeout_s",
			 json_number_or_null(set->set.timeout_s), "bytes", json_number(set->bytes));
}

static json_t *policy_json(const struct state_policy *policy)
{
	json_t *sets = json_array(), *chains = json_array();

	for (uint32_t i = 0; i < policy->set_count; i++)
		json_array_append_new(sets, state_set_json(&policy->sets[i]));
	for (uint32_t i = 0; i < policy->chain_count; i++)
		json_array_append_new(chains, chain_json(&policy->chains[i]));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "name", json_text(policy->name), "file", json_text(policy->file),
			 "applied", json_time(policy->applied_s, -1), "generation", json_number(policy->generation), "sets", sets,
			 "chains", chains);
}

json_t *list_json(const struct state *state)
{
	json_t *policies = json_array();

	for (uint32_t i = 0; i < state->policy_count; i++)
		json_array_append_new(policies, policy_json(&state->policies[i]));
	return json_pack("{s:i, s:s, s:o}", "schema", REPORT_SCHEMA, "weir", WEIR_VERSION, "policies", policies);
}

json_t *set_json(const char *policy, const struct policy_set *set, size_t count, const struct set_element *elements)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct set_element bare;
	json_t *list = json_array(), *element;

	for (size_t i = 0; i < count; i++) {
		bare = elements[i];
		bare.timeout_s = 0;
		element = json_pack("{s:o, s:o}", "element", json_text(element_print(arena, set, &bare)), "timeout_s",
				    json_number_or_null(elements[i].timeout_s));
		if (set->counted) {
			json_object_set_new(element, "packets", json_number(elements[i].packets));
			json_object_set_new(element, "bytes", json_number(elements[i].bytes));
		}
		json_array_append_new(list, element);
	}
	return json_pack("{s:i, s:o, s:o, s:o, s:i, s:o, s:o}", "schema", REPORT_SCHEMA, "policy", json_text(policy), "set",
			 json_text(set->name), "types", types_json(set), "size", (int)set->size, "timeout_s",
			 json_number_or_null(set->timeout_s), "elements", list);
}
