// SPDX-License-Identifier: GPL-2.0-only
/*
 * An event as a JSON object. A member that the packet does not have is left out; what a packet has and nobody knows
 * (rule, process, cgroup) is null. docs/abi.md lists the members.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "report/events.h"
#include "report/json.h"
#include "rules/packet.h"

static const char *name_or_null(const char *const *names, uint32_t count, uint32_t index)
{
	return index < count ? names[index] : NULL;
}

static void set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

static void set_number(json_t *object, const char *name, uint64_t number)
{
	set(object, name, json_number(number));
}

static void set_value(json_t *object, const char *name, struct arena *arena, enum value_type type, struct value value)
{
	set(object, name, json_text(value_print(arena, type, value)));
}

static void set_origin(json_t *object, const struct event_report *report)
{
	uint32_t verdict = (report->event->outcome & WEIR_OUTCOME_VERDICT_MASK) >> WEIR_OUTCOME_VERDICT_SHIFT;
	const struct state_rule *rule = report->rule;

	set(object, "verdict", json_text(verdict < WEIR_VERDICT_COUNT ? verdict_name((enum weir_verdict)verdict) : NULL));
	set(object, "policy", json_text(report->policy ? report->policy->name : NULL));
	set(object, "chain", json_text(report->chain ? report->chain->name : NULL));
	set(object, "hook", json_text(report->chain ? hook_name(report->chain->hook) : NULL));
	set(object, "interface", json_text(report->interface));
	set(object, "netns", json_text(report->netns));
	set(object, "ifindex", json_number_or_null(report->event->ifindex));
	set(object, "file", json_text(rule ? rule->file : NULL));
	set(object, "line", json_number_or_null(rule ? rule->line : 0));
	set(object, "rule", json_text(rule ? rule->text : NULL));
	set(object, "prefix", json_text(rule ? rule->log_prefix : NULL));
	if (rule && rule->to)
		set(object, "to", json_text(rule->to));
	if (rule && rule->effects)
		set(object, "effects", json_text(rule->effects));
}

static void set_link(json_t *object, struct arena *arena, const struct weir_flow *flow)
{
	/* At hooks without a link layer both addresses are 0. */
	if (flow->ether_saddr || flow->ether_daddr) {
		set_value(object, "ether_saddr", arena, TYPE_ETHER_ADDR, (struct value){ 0, flow->ether_saddr });
		set_value(object, "ether_daddr", arena, TYPE_ETHER_ADDR, (struct value){ 0, flow->ether_daddr });
	}
	set_number(object, "ether_type", flow->ether_type);
	if (flow->vlan_tags) {
		set_number(object, "vlan_id", flow->vlan_id);
		set_number(object, "vlan_tags", flow->vlan_tags);
	}
}

static void set_network(json_t *object, struct arena *arena, const struct weir_flow *flow)
{
	static const char *const networks[] = { "other", "arp", "arp", "ipv4", "ipv6" };
	bool ip = flow->network == WEIR_NETWORK_IPV4 || flow->network == WEIR_NETWORK_IPV6;

	set(object, "network", json_text(name_or_null(networks, 5, flow->network)));
	if (flow->network == WEIR_NETWORK_ARP || flow->network == WEIR_NETWORK_ARP_IPV4)
		set_value(object, "arp_operation", arena, TYPE_ARP_OPERATION, (struct value){ 0, flow->arp_operation });
	if (flow->network == WEIR_NETWORK_IPV4 || flow->network == WEIR_NETWORK_ARP_IPV4) {
		set_value(object, "saddr", arena, TYPE_IPV4_ADDR, (struct value){ 0, flow->saddr4 });
		set_value(object, "daddr", arena, TYPE_IPV4_ADDR, (struct value){ 0, flow->daddr4 });
	} else if (flow->network == WEIR_NETWORK_IPV6) {
		set_value(object, "saddr", arena, TYPE_IPV6_ADDR, (struct value){ flow->saddr_hi, flow->saddr_lo });
		set_value(object, "daddr", arena, TYPE_IPV6_ADDR, (struct value){ flow->daddr_hi, flow->daddr_lo });
	}
	if (!ip)
		return;
	set_value(object, "protocol", arena, TYPE_PROTOCOL, (struct value){ 0, flow->protocol });
	set_number(object, "ttl", flow->hop_limit);
	set_number(object, "dscp", flow->dscp);
	set(object, "fragment", json_boolean(flow->fragment));
}

static void set_transport(json_t *object, struct arena *arena, const struct weir_flow *flow)
{
	bool six = flow->transport == WEIR_TRANSPORT_ICMPV6;

	switch (flow->transport) {
	case WEIR_TRANSPORT_TCP:
		set_value(object, "tcp_flags", arena, TYPE_TCP_FLAGS, (struct value){ 0, flow->tcp_flags });
		/* fall through */
	case WEIR_TRANSPORT_UDP:
	case WEIR_TRANSPORT_SCTP:
		set_number(object, "sport", flow->sport);
		set_number(object, "dport", flow->dport);
		break;
	case WEIR_TRANSPORT_ICMP:
	case WEIR_TRANSPORT_ICMPV6:
		set_value(object, "icmp_type", arena, six ? TYPE_ICMPV6_TYPE : TYPE_ICMP_TYPE,
			  (struct value){ 0, flow->icmp_type });
		set_number(object, "icmp_code", flow->icmp_code);
		break;
	}
}

static void set_sender(json_t *object, struct arena *arena, const struct event_report *report)
{
	const struct weir_socket_owner *owner = &report->event->owner;

	if (!event_has_sender(report))
		return;
	if (report->event->has_owner)
		set(object, "process",
		    json_pack("{s:o, s:o, s:o}", "pid", json_number(owner->pid), "command",
			      json_text(escape_text(arena, owner->command, sizeof(owner->command))), "uid",
			      json_number(owner->uid)));
	else
		set(object, "process", json_null());
	set(object, "cgroup", json_text(report->cgroup));
	set(object, "cgroup_id", json_number_or_null(report->event->cgroup_id));
}

void event_set_packet(json_t *object, const struct weir_flow *flow)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	static const char *const faults[] = {
#define X(id, name, text) name,
		WEIR_MALFORMED(X)
#undef X
	};

	set(object, "packet", json_text(packet_print(arena, flow)));
	set_number(object, "length", flow->length);
	set_link(object, arena, flow);
	set_network(object, arena, flow);
	set_transport(object, arena, flow);
	if (flow->mark)
		set_number(object, "mark", flow->mark);
	if (flow->malformed)
		set(object, "malformed", json_text(name_or_null(faults, WEIR_MALFORMED_COUNT, flow->malformed)));
}

json_t *event_json(const struct event_report *report)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	json_t *object = json_pack("{s:i, s:o}", "schema", REPORT_SCHEMA, "time",
				   json_time(report->time_ns / 1000000000ull, (int64_t)(report->time_ns % 1000000000ull)));

	set_origin(object, report);
	event_set_packet(object, &report->event->flow);
	set_sender(object, arena, report);
	return object;
}
