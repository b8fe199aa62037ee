// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which counter is whose. A rule whose text stood in the chain before keeps its slot in the map that is there, so that the old
 * program and the new one count into the same place and nothing is lost while one takes over from the other. A slot that this
 * apply sets free is not given away by it: the old program still counts into it.
 *
 * When the map is too small, a larger one takes its place and the values are copied just before the swap; what the old program
 * counts in the moment between is lost.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/apply.h"

static const struct place nowhere;

struct text_index {
	const char *text;
	uint32_t index;
};

static int by_text(const void *left, const void *right)
{
	const struct text_index *a = left, *b = right;
	int r = strcmp(a->text, b->text);

	return r ? r : a->index < b->index ? -1 : a->index > b->index;
}

static struct text_index *sort_rules(struct arena *arena, const struct manifest_chain *chain)
{
	struct text_index *sorted = arena_new_array(arena, struct text_index, chain->rule_count);

	for (uint32_t i = 0; i < chain->rule_count; i++)
		sorted[i] = (struct text_index){ .text = chain->rules[i].text, .index = i };
	if (chain->rule_count)
		qsort(sorted, chain->rule_count, sizeof(*sorted), by_text);
	return sorted;
}

/* The first rule of a text goes on as the first of that text, the second as the second. */
static void keep_slots(struct application *apply, struct apply_chain *chain, const struct manifest_chain *next)
{
	const struct manifest_chain *old = chain->old;
	struct text_index *before = sort_rules(apply->arena, old), *after = sort_rules(apply->arena, next);

	for (uint32_t b = 0, a = 0; b < old->rule_count && a < next->rule_count;) {
		int r = strcmp(before[b].text, after[a].text);

		if (r == 0) {
			chain->slots[after[a].index] = old->rules[before[b].index].slot;
			chain->kept[after[a].index] = true;
		}
		b += r <= 0;
		a += r >= 0;
	}
}

/* Slots that nobody has get the rules that are new. */
static uint32_t give_free_slots(struct application *apply, struct apply_chain *chain, uint32_t rule_count)
{
	uint32_t end = WEIR_SLOT_FIRST_RULE, at = WEIR_SLOT_FIRST_RULE, old_count = chain->old ? chain->old->rule_count : 0;
	bool *taken;

	for (uint32_t i = 0; i < old_count; i++)
		if (chain->old->rules[i].slot >= end)
			end = chain->old->rules[i].slot + 1;
	taken = arena_new_array(apply->arena, bool, (size_t)end + rule_count);
	for (uint32_t i = 0; i < old_count; i++)
		taken[chain->old->rules[i].slot] = true;
	for (uint32_t i = 0; i < rule_count; i++) {
		if (chain->kept[i])
			continue;
		while (taken[at])
			at++;
		chain->slots[i] = at++;
	}
	return at > end ? at : end;
}

/* A slot may have been another rule's, some applies ago. */
static int clear_slot(int counters_fd, uint32_t slot, int cpus, struct weir_counter *zeroes)
{
	memset(zeroes, 0, (size_t)cpus * sizeof(*zeroes));
	return bpf_map_update_elem(counters_fd, &slot, zeroes, BPF_ANY);
}

static int clear_new_slots(const struct apply_chain *chain, uint32_t rule_count)
{
	int cpus = libbpf_num_possible_cpus(), r = 0;
	_cleanup_free_ struct weir_counter *zeroes = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*zeroes));

	if (cpus < 0 || !zeroes)
		return cpus < 0 ? cpus : -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < rule_count; i++)
		if (!chain->kept[i])
			r = clear_slot(chain->old_counters_fd, chain->slots[i], cpus, zeroes);
	return r;
}

static int assign(struct application *apply, uint32_t index)
{
	struct apply_chain *chain = &apply->chains[index];
	struct manifest_chain *next = &apply->next.chains[index];
	uint32_t list_count = chain->rules->rule_count, needed;

	chain->slots = arena_new_array(apply->arena, uint32_t, list_count);
	chain->kept = arena_new_array(apply->arena, bool, list_count);
	/* Weir's own two, at the end of the list, have theirs by the ABI. */
	for (uint32_t i = next->rule_count; i < list_count; i++)
		chain->slots[i] = chain->rules->rules[i].slot;
	if (chain->old && !apply->options->reset) {
		chain->old_counters_fd = bpf_obj_get(apply_pin_path(apply, apply->old, "counters", chain->old_index));
		if (chain->old_counters_fd < 0)
			return chain->old_counters_fd;
		keep_slots(apply, chain, next);
	} else {
		chain->old = NULL;
	}
	needed = give_free_slots(apply, chain, next->rule_count);
	next->counter_slots = chain->old ? chain->old->counter_slots : needed + needed / 4 + 16;
	chain->grown = chain->old && needed > chain->old->counter_slots;
	if (chain->grown)
		next->counter_slots = needed + needed / 2 + 16;
	for (uint32_t i = 0; i < next->rule_count; i++)
		next->rules[i].slot = chain->slots[i];
	return chain->old && !chain->grown ? clear_new_slots(chain, next->rule_count) : 0;
}

int apply_assign_slots(struct application *apply)
{
	for (uint32_t i = 0; i < apply->next.chain_count; i++) {
		int r = assign(apply, i);

		if (r) {
			diagnose(apply->diagnostics, SEVERITY_ERROR_KERNEL, nowhere,
				 "cannot go on with the counters of chain '%s': %s", apply->next.chains[i].name, strerror(-r));
			return r;
		}
	}
	return 0;
}

static int copy_slot(const struct apply_chain *chain, uint32_t slot, struct weir_counter *values)
{
	return bpf_map_lookup_elem(chain->old_counters_fd, &slot, values)
		       ?: bpf_map_update_elem(chain->loaded.counters_fd, &slot, values, BPF_ANY);
}

int apply_copy_counters(struct application *apply)
{
	int cpus = libbpf_num_possible_cpus(), r = 0;
	_cleanup_free_ struct weir_counter *values = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*values));

	if (cpus < 0 || !values)
		return cpus < 0 ? cpus : -ENOMEM;
	for (uint32_t c = 0; c < apply->next.chain_count; c++) {
		const struct apply_chain *chain = &apply->chains[c];

		if (!chain->grown)
			continue;
		for (uint32_t slot = 0; r == 0 && slot < WEIR_SLOT_FIRST_RULE; slot++)
			r = copy_slot(chain, slot, values);
		for (uint32_t i = 0; r == 0 && i < apply->next.chains[c].rule_count; i++)
			if (chain->kept[i])
				r = copy_slot(chain, chain->slots[i], values);
	}
	return r;
}
