// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the numbers of an event to names. A chain keeps its id and a rule its slot when a policy is applied again, but lines move
 * and free slots get new rules. So the state is read again when a manifest changed, which is asked (a stat, no more) for each
 * event that is younger than the last look; and for an event from before that the states that were in force then are kept.
 */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "kernel/clock.h"
#include "kernel/netns.h"
#include "kernel/pins.h"
#include "report/events.h"

#define STATES_KEPT	  4
#define CGROUPS_KEPT	  256
#define RELOAD_AFTER_NS	  200000000ull /* where an event names what the state does not have */
#define PLAN_AFTER_NS	  20000000ull  /* the same for the plans of applies that are on their way */
#define CGROUP_UNKNOWN_NS 1000000000ull

struct known_state {
	struct arena *arena;
	const struct state *state;
	uint64_t since_ns; /* CLOCK_MONOTONIC: when it was found to be in force */
};

struct known_cgroup {
	uint64_t id, looked_ns;
	const char *path; /* NULL: was not found then */
};

struct event_finder {
	struct kernel *kernel;
	struct known_state states[STATES_KEPT]; /* the newest first */
	struct known_state planned;		/* by applies that are on their way */
	uint64_t loaded_ns, looked_ns;		/* CLOCK_MONOTONIC */
	uint64_t stamp;				/* of the manifests when they were loaded */
	struct known_cgroup cgroups[CGROUPS_KEPT];
	struct arena *cgroup_arena;
	size_t cgroup_count;
	uint64_t lost;
	char interface[IF_NAMESIZE];
};

/* A number that changes when a policy comes, goes or is replaced: an apply puts a new file in the place of the manifest. */
static uint64_t manifests_stamp(const struct event_finder *finder)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct names folders;
	struct stat status;
	uint64_t stamp = 0;

	if (pins_list(arena, finder->kernel->policies, &folders) != 0)
		return 0;
	for (size_t i = 0; i < folders.count; i++)
		if (stat(arena_printf(arena, "%s/%s/manifest", finder->kernel->policies, folders.items[i]), &status) == 0)
			stamp = (stamp ^ (uint64_t)status.st_ino) * 0x9e3779b97f4a7c15ull + i;
	return stamp;
}

static int load(struct event_finder *finder)
{
	struct arena *arena = arena_new();
	struct diagnostics ignored;
	const struct state *state;
	int error;

	diagnostics_init(&ignored, arena);
	finder->loaded_ns = finder->looked_ns = clock_ns(CLOCK_MONOTONIC);
	finder->stamp = manifests_stamp(finder);
	error = kernel_state(finder->kernel, arena, NULL, &state, &ignored);
	if (error) {
		arena_free(arena);
		return error;
	}
	arena_free(finder->states[STATES_KEPT - 1].arena);
	memmove(finder->states + 1, finder->states, sizeof(finder->states[0]) * (STATES_KEPT - 1));
	finder->states[0] = (struct known_state){ arena, state, finder->loaded_ns };
	return 0;
}

struct event_finder *event_finder_new(struct kernel *kernel)
{
	struct event_finder *finder = calloc(1, sizeof(*finder));

	if (!finder)
		return NULL;
	finder->kernel = kernel;
	finder->cgroup_arena = arena_new();
	load(finder);
	kernel_events_lost(kernel, &finder->lost);
	return finder;
}

void event_finder_free(struct event_finder *finder)
{
	if (!finder)
		return;
	for (size_t i = 0; i < STATES_KEPT; i++)
		arena_free(finder->states[i].arena);
	arena_free(finder->planned.arena);
	arena_free(finder->cgroup_arena);
	free(finder);
}

/* Counters of a policy that was removed, or begun anew, are less than they were: then what is there counts. */
int event_finder_lost(struct event_finder *finder, uint64_t *ret_lost)
{
	uint64_t lost;
	int error = kernel_events_lost(finder->kernel, &lost);

	if (error)
		return error;
	*ret_lost = lost >= finder->lost ? lost - finder->lost : lost;
	finder->lost = lost;
	return 0;
}

static bool find_chain(const struct state *state, struct event_report *report)
{
	for (uint32_t i = 0; state && i < state->policy_count; i++)
		for (uint32_t k = 0; k < state->policies[i].chain_count; k++)
			if (state->policies[i].chains[k].chain_id == report->event->chain_id) {
				report->policy = &state->policies[i];
				report->chain = &state->policies[i].chains[k];
				return true;
			}
	return false;
}

/* The chain and the rule by one state. False: it does not know both. */
static bool find_in_state(const struct known_state *known, struct event_report *report)
{
	uint32_t slot = report->event->outcome & WEIR_OUTCOME_SLOT_MASK;

	if (!find_chain(known->state, report))
		return false;
	report->rule = NULL;
	for (uint32_t i = 0; i < report->chain->rule_count; i++)
		if (report->chain->rules[i].slot == slot)
			report->rule = &report->chain->rules[i];
	return report->rule != NULL;
}

/* By the state that was in force when the event was written, then by the others, from the newest on. */
static bool find_in_states(const struct event_finder *finder, struct event_report *report)
{
	for (size_t i = 0; i < STATES_KEPT; i++)
		if (finder->states[i].since_ns <= report->event->time_ns && finder->states[i].state &&
		    find_in_state(&finder->states[i], report))
			return true;
	for (size_t i = 0; i < STATES_KEPT; i++)
		if (finder->states[i].state && find_in_state(&finder->states[i], report))
			return true;
	return false;
}

/* Between the swap of a hook and the end of an apply: the new program writes events, and the manifest is still the old one. */
static bool find_in_plans(struct event_finder *finder, struct event_report *report, uint64_t now)
{
	struct event_report found = *report;

	if (now - finder->planned.since_ns >= PLAN_AFTER_NS) {
		arena_free(finder->planned.arena);
		finder->planned = (struct known_state){ .arena = arena_new(), .since_ns = now };
		if (kernel_state_planned(finder->kernel, finder->planned.arena, &finder->planned.state))
			finder->planned.state = NULL;
	}
	if (!finder->planned.state || !find_in_state(&finder->planned, &found))
		return false;
	*report = found;
	return true;
}

static void find_rule(struct event_finder *finder, struct event_report *report)
{
	uint64_t now;

	if (report->event->time_ns >= finder->looked_ns) {
		finder->looked_ns = clock_ns(CLOCK_MONOTONIC);
		if (manifests_stamp(finder) != finder->stamp)
			load(finder);
	}
	if (find_in_states(finder, report))
		return;
	now = clock_ns(CLOCK_MONOTONIC);
	if (find_in_plans(finder, report, now))
		return;
	if (now - finder->loaded_ns >= RELOAD_AFTER_NS && load(finder) == 0)
		find_in_states(finder, report);
}

/* Is the process that sent the packet in this network namespace? Only then does the index mean here what it means there. */
static bool same_network(const struct weir_event *event)
{
	struct stat here, there;
	char path[64];

	if (!event->has_owner)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/ns/net", event->owner.pid);
	return stat(path, &there) == 0 && stat("/proc/self/ns/net", &here) == 0 && here.st_ino == there.st_ino;
}

/* At an interface its name is in the policy. At a cgroup the index is of the network namespace of who sends. */
static void find_interface(struct event_finder *finder, struct event_report *report)
{
	const struct weir_event *event = report->event;
	const struct state_chain *chain = report->chain;
	bool here = false;

	if (!event->ifindex || !chain)
		return;
	for (uint32_t i = 0; i < chain->attachment_count; i++) {
		const struct state_attachment *attachment = &chain->attachments[i];

		if (attachment->ifindex == event->ifindex) {
			report->interface = attachment->target;
			report->netns = attachment->netns;
			return;
		}
		here |= attachment->ifindex && !attachment->netns;
	}
	if ((here || same_network(event)) && if_indextoname(event->ifindex, finder->interface))
		report->interface = finder->interface;
}

static const char *find_cgroup(struct event_finder *finder, uint64_t id)
{
	struct known_cgroup *known = &finder->cgroups[id % CGROUPS_KEPT];
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (known->id == id && (known->path || now - known->looked_ns < CGROUP_UNKNOWN_NS))
		return known->path;
	/* What the cache has forgotten stays in its arena: begin anew now and then. */
	if (++finder->cgroup_count > 16 * CGROUPS_KEPT) {
		arena_free(finder->cgroup_arena);
		finder->cgroup_arena = arena_new();
		finder->cgroup_count = 0;
		memset(finder->cgroups, 0, sizeof(finder->cgroups));
	}
	*known = (struct known_cgroup){ id, now, cgroup_path(finder->cgroup_arena, id) };
	return known->path;
}

void event_find(struct event_finder *finder, const struct weir_event *event, struct event_report *ret_report)
{
	struct event_report report = { .event = event };
	uint64_t id = event->cgroup_id ? event->cgroup_id : event->has_owner ? event->owner.cgroup_id : 0;

	report.time_ns = event->time_ns + clock_offset_ns();
	find_rule(finder, &report);
	find_interface(finder, &report);
	report.cgroup = id ? find_cgroup(finder, id) : NULL;
	*ret_report = report;
}
