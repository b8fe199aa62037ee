// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of the attachments in force go on under the new policy, and what is told of all of them when it is in force. In: the
 * targets that apply_targets.c found. Out: next.chains[].attachments with their links and priorities.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/apply.h"
#include "kernel/netns.h"

static const struct place nowhere;

/* ---- Old attachments that go on ---- */

struct candidate {
	const struct manifest_attachment *at;
	const char *chain;
	bool used;
};

static bool mode_fits(const struct manifest_attachment *old, enum attach_mode mode)
{
	return mode == MODE_AUTO || old->hook != WEIR_HOOK_XDP_INGRESS || (mode == MODE_NATIVE) == (old->how == HOW_NATIVE);
}

static int use(struct application *apply, struct candidate *candidate, struct manifest_attachment *at,
	       struct apply_target *target)
{
	struct diagnostic *said;

	if (!mode_fits(candidate->at, target->mode)) {
		said = diagnose(
			apply->diagnostics, SEVERITY_ERROR_SURROUNDINGS, target->place,
			"%s has the policy in %s mode, and XDP cannot change its mode without a moment in which no policy stands",
			at->target, attachment_how_name(candidate->at->how));
		diagnostic_hint(apply->diagnostics, said, "leave out the mode, or take that moment: weir remove %s, then apply",
				apply->next.name);
		return -EBUSY;
	}
	candidate->used = true;
	target->found = true;
	at->how = candidate->at->how;
	at->link = candidate->at->link;
	at->priority = candidate->at->priority;
	return 0;
}

/* An old attachment at the same place: of the chain of that name, or (BY_NAME false) of any. */
static int match_chain(struct application *apply, uint32_t index, struct candidate *candidates, size_t count, bool by_name)
{
	struct manifest_chain *next = &apply->next.chains[index];
	struct apply_chain *chain = &apply->chains[index];
	int r = 0;

	for (uint32_t a = 0; r == 0 && a < next->attachment_count; a++)
		for (size_t i = 0; r == 0 && !chain->targets[a].found && i < count; i++)
			if (!candidates[i].used && attachment_same_target(candidates[i].at, &next->attachments[a]) &&
			    (!by_name || strcmp(candidates[i].chain, next->name) == 0))
				r = use(apply, &candidates[i], &next->attachments[a], &chain->targets[a]);
	return r;
}

/* A filter needs a priority of its own before it is there; links get a name. */
static int prepare_new(struct application *apply)
{
	VECTOR(uint32_t) taken = { 0 };
	uint32_t number = 0;
	int r = 0;

	for (uint32_t c = 0; c < apply->next.chain_count; c++)
		for (uint32_t a = 0; r == 0 && a < apply->next.chains[c].attachment_count; a++) {
			struct manifest_attachment *at = &apply->next.chains[c].attachments[a];
			struct program_ids ids = { .count = taken.count, .items = taken.items };
			_cleanup_(netns_leave) int home = -1;

			if (apply->chains[c].targets[a].found)
				continue;
			if (attachment_has_link(at)) {
				at->link = arena_printf(apply->arena, "l_%llu_%u", (unsigned long long)apply->next.generation,
							number++);
				continue;
			}
			r = netns_enter(at->netns, &home);
			if (r == 0 && at->how == HOW_ACTION)
				continue;
			r = r ? r : clsact_free_priority(at, &ids, &at->priority);
			if (r == 0)
				vector_push(apply->arena, &taken, at->priority);
		}
	return r;
}

int apply_match_attachments(struct application *apply)
{
	VECTOR(struct candidate) candidates = { 0 };
	int r = 0;

	apply->old_programs = program_ids_of(apply->arena, &apply->old, 1);
	for (uint32_t c = 0; apply->old && c < apply->old->chain_count; c++)
		for (uint32_t a = 0; a < apply->old->chains[c].attachment_count; a++) {
			const struct manifest_attachment *at = &apply->old->chains[c].attachments[a];
			struct attachment_status status = { 0 };

			if (attachment_look(at, apply_link_path(apply, at), &apply->old_programs, &status) == 0 && status.present)
				vector_push(apply->arena, &candidates,
					    (struct candidate){ .at = at, .chain = apply->old->chains[c].name });
		}
	for (int by_name = 1; by_name >= 0; by_name--)
		for (uint32_t i = 0; r == 0 && i < apply->next.chain_count; i++)
			r = match_chain(apply, i, candidates.items, candidates.count, by_name);
	if (r)
		return r;
	r = prepare_new(apply);
	if (r)
		diagnose(apply->diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "cannot look at the tc filters of an interface: %s",
			 strerror(-r));
	return r;
}

/* ---- Afterwards ---- */

static void report_foreign(const struct application *apply, const struct manifest_attachment *at)
{
	struct foreign_programs foreign = { 0 };
	VECTOR(uint32_t) own = { 0 };
	struct program_ids ids;

	for (size_t m = 0; m < apply->in_force.count; m++)
		for (uint32_t c = 0; c < apply->in_force.items[m]->chain_count; c++)
			vector_push(apply->arena, &own, apply->in_force.items[m]->chains[c].program_id);
	for (uint32_t c = 0; c < apply->next.chain_count; c++)
		vector_push(apply->arena, &own, apply->next.chains[c].program_id);
	ids = (struct program_ids){ .count = own.count, .items = own.items };
	if (attachment_foreign(apply->arena, at, &ids, &foreign))
		return;
	for (uint32_t i = 0; i < foreign.count; i++)
		if (foreign.items[i].program_id)
			diagnose(apply->diagnostics, SEVERITY_NOTE, nowhere,
				 "%s of %s also has a program that is not weir's: %s (id %u); it is left alone",
				 hook_name(at->hook), at->target, foreign.items[i].program_name, foreign.items[i].program_id);
		else
			diagnose(apply->diagnostics, SEVERITY_NOTE, nowhere,
				 "%s of %s also has a filter that is not weir's: %s; it is left alone", hook_name(at->hook),
				 at->target, foreign.items[i].program_name);
}

void apply_report(const struct application *apply)
{
	for (uint32_t c = 0; c < apply->next.chain_count; c++)
		for (uint32_t a = 0; a < apply->next.chains[c].attachment_count; a++) {
			const struct manifest_attachment *at = &apply->next.chains[c].attachments[a];
			const struct apply_target *target = &apply->chains[c].targets[a];
			bool fell_back = at->how == HOW_GENERIC && target->mode == MODE_AUTO && !target->found;

			diagnose(apply->diagnostics, SEVERITY_NOTE, nowhere, "chain '%s' %s %s on %s%s%s%s%s (%s%s)",
				 apply->next.chains[c].name, target->found ? "replaced at" : "attached at", hook_name(at->hook),
				 at->target, at->netns ? " in netns " : "", at->netns ? at->netns : "",
				 !at->of       ? ""
				 : at->ifindex ? ", veth of "
					       : ", ",
				 at->of ? at->of : "", attachment_how_name(at->how),
				 fell_back ? ": the driver takes no native XDP program here" : "");
			report_foreign(apply, at);
		}
}
