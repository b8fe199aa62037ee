/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events for people and as JSON. In: the record that the kernel wrote, which has numbers only. event_find() adds names: the
 * rule by chain id and slot, the interface, the cgroup. Out: one line. What cannot be known is said to be unknown.
 */
#ifndef WEIR_REPORT_EVENTS_H
#define WEIR_REPORT_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/kernel.h"

/* An event and what could be found out about it. NULL: unknown. */
struct event_report {
	const struct weir_event *event;
	uint64_t time_ns; /* since 1970 */
	const struct state_policy *policy;
	const struct state_chain *chain;
	const struct state_rule *rule;
	const char *interface;
	const char *netns;  /* of the interface, where the policy names one */
	const char *cgroup; /* path below the mount */
};

/* One line without its end:
 *
 *	10:05:12.345678  drop  xdp ingress eth0  tcp 10.0.0.1:1234 > 10.0.0.2:80 syn  60 bytes  edge.weir:14: tcp dport 80 log
 * drop
 */
const char *event_text(struct arena *arena, const struct event_report *report, bool colour);

/* An object for a JSON line; the caller's reference. */
json_t *event_json(const struct event_report *report);

/* "10:05:12.345678", of the local time of TIME_NS since 1970. */
const char *event_clock(struct arena *arena, uint64_t time_ns);

/* The members of a JSON object that tell of a packet: "packet" to "malformed". */
void event_set_packet(json_t *object, const struct weir_flow *flow);

/* Whether the hook of the event is one where the sender's process and cgroup are asked for. */
bool event_has_sender(const struct event_report *report);

/* ---- Finding names ---- */

struct event_finder;

struct event_finder *event_finder_new(struct kernel *kernel);
void event_finder_free(struct event_finder *finder); /* NULL is fine */

/* Never fails. What *ret_report points to is good until the next call. The state is read again when a chain is unknown. */
void event_find(struct event_finder *finder, const struct weir_event *event, struct event_report *ret_report);

/* Events lost since the last call, of the chains that are in force: not for each event. An errno: ask again. */
int event_finder_lost(struct event_finder *finder, uint64_t *ret_lost);

/* The path of a cgroup by its id, below the mount of cgroup2; NULL: there is none (any more). */
const char *cgroup_path(struct arena *arena, uint64_t id);

#endif
