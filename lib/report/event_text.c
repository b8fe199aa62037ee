// SPDX-License-Identifier: GPL-2.0-only
/* An event as a line for people. The packet stands in the words that `weir why` takes. */
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "report/events.h"
#include "rules/packet.h"

bool event_has_sender(const struct event_report *report)
{
	return report->chain && (report->chain->hook == WEIR_HOOK_TC_EGRESS || report->chain->hook == WEIR_HOOK_CGROUP_EGRESS);
}

const char *event_clock(struct arena *arena, uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / 1000000000ull);
	char clock[16] = "unknown";
	struct tm parts;

	if (localtime_r(&seconds, &parts))
		strftime(clock, sizeof(clock), "%H:%M:%S", &parts);
	return arena_printf(arena, "%s.%06u", clock, (unsigned int)(time_ns % 1000000000ull / 1000));
}

static const char *verdict_words(struct arena *arena, const struct event_report *report, bool colour)
{
	uint32_t outcome = report->event->outcome;
	uint32_t verdict = (outcome & WEIR_OUTCOME_VERDICT_MASK) >> WEIR_OUTCOME_VERDICT_SHIFT;
	const char *name = verdict >= WEIR_VERDICT_COUNT
				   ? "unknown"
				   : verdict_print(arena, (enum weir_verdict)verdict, report->rule ? report->rule->to : NULL);

	if (!colour || verdict == WEIR_VERDICT_CONTINUE || verdict >= WEIR_VERDICT_COUNT)
		return arena_printf(arena, "%-8s", name);
	return arena_printf(arena, "%s%-8s\033[0m", verdict == WEIR_VERDICT_DROP ? "\033[1;31m" : "\033[32m", name);
}

/* "xdp ingress eth0", "cgroup egress" */
static const char *where_words(struct arena *arena, const struct event_report *report)
{
	const char *hook = report->chain ? hook_name(report->chain->hook) : "unknown hook";

	if (report->interface && report->netns)
		return arena_printf(arena, "%s %s netns %s", hook, report->interface, report->netns);
	if (report->interface)
		return arena_printf(arena, "%s %s", hook, report->interface);
	if (report->event->ifindex)
		return arena_printf(arena, "%s interface %u", hook, report->event->ifindex);
	return hook;
}

/* "edge.weir:14: tcp dport 80 log drop" */
static const char *rule_words(struct arena *arena, const struct event_report *report)
{
	const struct state_rule *rule = report->rule;
	const char *file;

	if (!rule)
		return arena_printf(arena, "unknown rule (chain %u, slot %u)", report->event->chain_id,
				    report->event->outcome & WEIR_OUTCOME_SLOT_MASK);
	file = strrchr(rule->file, '/');
	return arena_printf(arena, "%s:%u: %s", file ? file + 1 : rule->file, rule->line, rule->text);
}

/* "from nginx[4711] in /system.slice/nginx.service" */
static const char *sender_words(struct arena *arena, const struct event_report *report)
{
	const struct weir_socket_owner *owner = &report->event->owner;
	const char *process = "an unknown process", *cgroup = "an unknown cgroup";

	if (report->event->has_owner)
		process = arena_printf(arena, "%s[%u]", escape_text(arena, owner->command, sizeof(owner->command)), owner->pid);
	if (report->cgroup)
		cgroup = escape_text(arena, report->cgroup, strlen(report->cgroup));
	return arena_printf(arena, "  from %s in %s", process, cgroup);
}

const char *event_text(struct arena *arena, const struct event_report *report, bool colour)
{
	const struct weir_flow *flow = &report->event->flow;
	const char *prefix = report->rule && report->rule->log_prefix ? report->rule->log_prefix : NULL;

	return arena_printf(arena, "%s  %s  %s  %s%s%s, %u bytes  %s%s", event_clock(arena, report->time_ns),
			    verdict_words(arena, report, colour), where_words(arena, report),
			    prefix ? escape_text(arena, prefix, strlen(prefix)) : "", prefix ? "  " : "",
			    packet_print(arena, flow), flow->length, rule_words(arena, report),
			    event_has_sender(report) ? sender_words(arena, report) : "");
}
