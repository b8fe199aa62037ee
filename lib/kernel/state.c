// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in force: words from the manifests, figures from the kernel. Nothing is locked: when a policy is replaced while it is
 * read, its pins are gone under the reader's hands, and it reads that policy again.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/attach.h"
#include "kernel/faults.h"
#include "kernel/connections.h"
#include "kernel/manifest.h"
#include "kernel/pins.h"
#include "kernel/set_table.h"

#define BATCH	 1024
#define MAPS_MAX 1024
#define TRIES	 5

static const struct place nowhere;

struct reading {
	struct arena *arena;
	const struct manifest *manifest;
	const char *folder; /* of its generation */
	const char *links;
	const struct kernel *kernel;
	struct program_ids own; /* programs of all of weir's policies */
};

/* ---- Counters ---- */

static void add_up(const struct weir_counter *values, int cpus, struct weir_counter *sum)
{
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum->packets += values[cpu].packets;
		sum->bytes += values[cpu].bytes;
	}
}

/* The sums of the first COUNT slots. */
static int read_counters(int fd, uint32_t count, int cpus, struct weir_counter *sums)
{
	_cleanup_free_ struct weir_counter *values = calloc((size_t)BATCH * (size_t)cpus, sizeof(*values));
	_cleanup_free_ uint32_t *keys = calloc(BATCH, sizeof(*keys));
	uint32_t at = 0, next = 0, done = 0;
	int r = values && keys ? 0 : -ENOMEM;

	while (r == 0 && done < count) {
		uint32_t got = count - done < BATCH ? count - done : BATCH;

		r = bpf_map_lookup_batch(fd, done ? &at : NULL, &next, keys, values, &got, NULL);
		if (r && r != -ENOENT)
			break;
		for (uint32_t i = 0; i < got; i++)
			add_up(values + (size_t)i * (size_t)cpus, cpus, &sums[keys[i]]);
		done += got;
		at = next;
	}
	if (done >= count || r == -ENOMEM)
		return done >= count ? 0 : r;
	for (uint32_t slot = done; slot < count; slot++) {
		r = bpf_map_lookup_elem(fd, &slot, values);
		if (r)
			return r;
		add_up(values, cpus, &sums[slot]);
	}
	return 0;
}

static int read_chain_counters(const struct reading *reading, uint32_t index, struct state_chain *state, struct state_rule *rules)
{
	const struct manifest_chain *chain = &reading->manifest->chains[index];
	_cleanup_close_ int fd = bpf_obj_get(arena_printf(reading->arena, "%s/counters_%u", reading->folder, index));
	int cpus = libbpf_num_possible_cpus(), r;
	struct bpf_map_info info = { 0 };
	struct weir_counter *sums;
	uint32_t length = sizeof(info);

	if (fd < 0 || cpus < 0)
		return fd < 0 ? fd : cpus;
	r = bpf_obj_get_info_by_fd(fd, &info, &length);
	if (r)
		return r;
	sums = arena_new_array(reading->arena, struct weir_counter, info.max_entries);
	r = read_counters(fd, info.max_entries, cpus, sums);
	if (r || info.max_entries < WEIR_SLOT_FIRST_RULE)
		return r ?: -EINVAL;
	state->policy_counter = sums[WEIR_SLOT_POLICY];
	for (uint32_t i = 0; i < WEIR_MALFORMED_COUNT; i++)
		state->malformed[i] = sums[WEIR_SLOT_MALFORMED + i];
	state->events_lost = sums[WEIR_SLOT_EVENTS_LOST].packets;
	for (uint32_t i = 0; i < chain->rule_count; i++)
		if (chain->rules[i].slot < info.max_entries)
			rules[i].counter = sums[chain->rules[i].slot];
	return 0;
}

/* ---- Counters by mark ---- */

static int by_mark(const void *left, const void *right)
{
	const struct state_mark *a = left, *b = right;

	return a->mark < b->mark ? -1 : a->mark > b->mark;
}

struct mark_row {
	uint32_t slot;
	struct state_mark mark;
};

struct mark_rows {
	VECTOR(struct mark_row) list;
};

/* All rows of a chain; a chain that counts nothing by mark has no map. */
static int read_mark_rows(const struct reading *reading, uint32_t index, struct mark_rows *rows)
{
	_cleanup_close_ int fd = bpf_obj_get(arena_printf(reading->arena, "%s/marks_%u", reading->folder, index));
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct weir_counter *values = calloc(cpus > 0 ? (size_t)cpus : 1, sizeof(*values));
	struct weir_mark_key key, *at = NULL;

	if (fd < 0 || cpus < 0 || !values)
		return fd == -ENOENT ? 0 : fd < 0 ? fd : cpus < 0 ? cpus : -ENOMEM;
	while (bpf_map_get_next_key(fd, at, &key) == 0 && rows->list.count < 2 * WEIR_MARK_ROWS) {
		struct mark_row row = { .slot = key.slot, .mark.mark = key.mark };

		at = &key;
		if (bpf_map_lookup_elem(fd, &key, values))
			continue;
		add_up(values, cpus, &row.mark.counter);
		vector_push(reading->arena, &rows->list, row);
	}
	return 0;
}

static int read_marks(const struct reading *reading, uint32_t index, uint32_t rule_count, struct state_rule *rules)
{
	struct mark_rows rows = { 0 };
	int r = read_mark_rows(reading, index, &rows);

	for (uint32_t i = 0; r == 0 && rows.list.count && i < rule_count; i++) {
		VECTOR(struct state_mark) marks = { 0 };

		for (size_t k = 0; rules[i].effects && k < rows.list.count; k++)
			if (rows.list.items[k].slot == rules[i].slot)
				vector_push(reading->arena, &marks, rows.list.items[k].mark);
		if (marks.count)
			qsort(marks.items, marks.count, sizeof(*marks.items), by_mark);
		rules[i].mark_count = (uint32_t)marks.count;
		rules[i].marks = marks.items;
	}
	return r;
}

/* ---- Program and maps ---- */

static uint64_t map_bytes(int fd)
{
	unsigned long long bytes = 0;
	char path[64], line[128];
	_cleanup_fclose_ FILE *info = NULL;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			return bytes;
	return 0;
}

static void read_maps(struct arena *arena, const uint32_t *ids, uint32_t count, struct state_chain *state)
{
	struct state_map *maps = arena_new_array(arena, struct state_map, count);
	uint32_t found = 0;

	for (uint32_t i = 0; i < count; i++) {
		_cleanup_close_ int fd = bpf_map_get_fd_by_id(ids[i]);
		struct bpf_map_info info = { 0 };
		uint32_t length = sizeof(info);

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
			continue;
		maps[found++] =
			(struct state_map){ .name = arena_strndup(arena, info.name, strnlen(info.name, sizeof(info.name))),
					    .id = info.id,
					    .bytes = map_bytes(fd) };
	}
	state->map_count = found;
	state->maps = maps;
}

static int read_program(const struct reading *reading, uint32_t index, struct state_chain *state)
{
	_cleanup_close_ int fd = bpf_obj_get(arena_printf(reading->arena, "%s/program_%u", reading->folder, index));
	uint32_t ids[MAPS_MAX], length = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)ids };
	char *tag;
	int r = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &length);

	if (r)
		return r;
	tag = arena_alloc(reading->arena, 2 * BPF_TAG_SIZE + 1);
	for (int i = 0; i < BPF_TAG_SIZE; i++)
		sprintf(tag + 2 * i, "%02x", info.tag[i]);
	state->program_id = info.id;
	state->instructions = info.xlated_prog_len / (uint32_t)sizeof(struct bpf_insn);
	state->jited_bytes = info.jited_prog_len;
	state->tag = tag;
	read_maps(reading->arena, ids, info.nr_map_ids < MAPS_MAX ? info.nr_map_ids : MAPS_MAX, state);
	return 0;
}

/* ---- Attachments ---- */

static void read_attachment(const struct reading *reading, const struct manifest_attachment *at, struct state_attachment *state)
{
	const char *link = at->link ? arena_printf(reading->arena, "%s/%s", reading->links, at->link) : NULL;
	struct attachment_status status = { 0 };
	struct foreign_programs foreign = { 0 };

	/* A namespace that is gone, or a link that cannot be opened, is an attachment that is not there. */
	attachment_look(at, link, &reading->own, &status);
	attachment_foreign(reading->arena, at, &reading->own, &foreign);
	*state = (struct state_attachment){ .target = at->target,
					    .netns = at->netns,
					    .of = at->of,
					    .how = attachment_how_name(at->how),
					    .netns_inode = at->netns_inode,
					    .ifindex = at->ifindex,
					    .cgroup_id = at->cgroup_id,
					    .link_id = status.link_id,
					    .present = status.present,
					    .foreign_count = foreign.count,
					    .foreign = foreign.items };
}

/* What the manifest alone says of a chain. */
static void describe_chain(struct arena *arena, const struct manifest_chain *chain, struct state_chain *state,
			   struct state_rule **ret_rules)
{
	struct state_rule *rules = arena_new_array(arena, struct state_rule, chain->rule_count);

	*state = (struct state_chain){ .name = chain->name,
				       .hook = chain->hook,
				       .policy = chain->policy,
				       .line = chain->line,
				       .chain_id = chain->chain_id,
				       .rule_count = chain->rule_count,
				       .rules = rules,
				       .connections = chain->connections,
				       .verified_instructions = chain->verified_instructions,
				       .load_ns = chain->load_ns,
				       .form = chain->form };
	for (uint32_t i = 0; i < chain->rule_count; i++) {
		const struct manifest_rule *rule = &chain->rules[i];

		rules[i] = (struct state_rule){ .text = rule->text,
						.comment = rule->comment,
						.log_prefix = rule->log_prefix,
						.to = rule->to,
						.effects = rule->effects,
						.file = rule->file,
						.line = rule->line,
						.slot = rule->slot,
						.verdict = rule->verdict,
						.log = rule->log };
	}
	*ret_rules = rules;
}

static int read_connections(const struct reading *reading, uint32_t index, struct state_chain *state, struct state_rule *rules)
{
	_cleanup_close_ int ports = -1, table = -1;
	int r;

	if (!state->connections)
		return 0;
	ports = bpf_obj_get(arena_printf(reading->arena, "%s/ports_%u", reading->folder, index));
	r = ports < 0 ? ports : connections_read_ports(reading->arena, ports, rules, state->rule_count);
	if (r)
		return r;
	table = bpf_obj_get(arena_printf(reading->arena, "%s/connections_%u", reading->folder, index));
	return table < 0 ? table : connections_read_refusals(reading->arena, table, state);
}

static int read_chain(const struct reading *reading, uint32_t index, struct state_chain *state)
{
	const struct manifest_chain *chain = &reading->manifest->chains[index];
	struct state_attachment *attachments = arena_new_array(reading->arena, struct state_attachment, chain->attachment_count);
	struct state_rule *rules;
	int r;

	describe_chain(reading->arena, chain, state, &rules);
	for (uint32_t i = 0; i < chain->attachment_count; i++)
		read_attachment(reading, &chain->attachments[i], &attachments[i]);
	state->attachment_count = chain->attachment_count;
	state->attachments = attachments;
	state->counts_faults = faults_read(reading->kernel, reading->arena, chain->program_id, &state->faults);
	r = read_program(reading, index, state);
	r = r ?: read_chain_counters(reading, index, state, rules);
	r = r ?: read_marks(reading, index, chain->rule_count, rules);
	return r ?: read_connections(reading, index, state, rules);
}

/* ---- Sets ---- */

static int read_set(const struct reading *reading, uint32_t index, struct state_set *state)
{
	const struct manifest_set *set = &reading->manifest->sets[index];
	_cleanup_close_ int fd = bpf_obj_get(arena_printf(reading->arena, "%s/set_%u", reading->folder, index));
	struct set_shape shape = set_shape(&set->set, set->prefixes);
	struct set_table table = { 0 };
	int r = fd < 0 ? fd : set_table_open(fd, &shape, false, &table);

	if (r)
		return r;
	*state = (struct state_set){ .name = set->name,
				     .set = set->set,
				     .element_count = set_image_count(&table.image, set_now()),
				     .bytes = table.bytes };
	set_table_close(&table);
	return 0;
}

/* ---- Policies ---- */

static int read_policy(const struct reading *reading, struct state_policy *state)
{
	const struct manifest *manifest = reading->manifest;
	struct state_chain *chains = arena_new_array(reading->arena, struct state_chain, manifest->chain_count);
	struct state_set *sets = arena_new_array(reading->arena, struct state_set, manifest->set_count);
	uint32_t set_count = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < manifest->chain_count; i++)
		r = read_chain(reading, i, &chains[i]);
	for (uint32_t i = 0; r == 0 && i < manifest->set_count; i++)
		if (!manifest->sets[i].anonymous)
			r = read_set(reading, i, &sets[set_count++]);
	if (r)
		return r;
	*state = (struct state_policy){ .name = manifest->name,
					.file = manifest->file,
					.applied_s = manifest->applied_s,
					.generation = manifest->generation,
					.chain_count = manifest->chain_count,
					.chains = chains,
					.set_count = set_count,
					.sets = sets };
	return 0;
}

/* The plans of applies that are on their way; WHOLE: with their rules. */
static struct manifests read_plans(const struct kernel *kernel, struct arena *arena, const struct names *folders, bool whole)
{
	VECTOR(const struct manifest *) plans = { 0 };
	const struct manifest *plan;

	for (size_t i = 0; i < folders->count; i++) {
		const char *folder = arena_printf(arena, "%s/%s", kernel->policies, folders->items[i]);
		int r = whole ? manifest_read_whole(arena, folder, "manifest_plan", &plan)
			      : manifest_read(arena, arena_printf(arena, "%s/manifest_plan", folder), &plan);

		if (r == 0)
			vector_push(arena, &plans, plan);
	}
	return (struct manifests){ .count = plans.count, .items = plans.items };
}

/* Programs of weir's: while an apply is on its way, some hooks have the new ones already. */
static struct program_ids own_programs(struct arena *arena, const struct manifests *manifests, const struct manifests *plans)
{
	VECTOR(const struct manifest *) all = { 0 };

	for (size_t i = 0; i < manifests->count; i++)
		vector_push(arena, &all, manifests->items[i]);
	for (size_t i = 0; i < plans->count; i++)
		vector_push(arena, &all, plans->items[i]);
	return program_ids_of(arena, all.items, all.count);
}

/* One policy, again when it changes meanwhile. -ENOENT: it was removed. */
static int read_one(const struct kernel *kernel, struct arena *arena, const char *folder, const struct program_ids *own,
		    struct state_policy *ret_policy)
{
	const char *path = arena_printf(arena, "%s/%s", kernel->policies, folder);
	struct reading reading = {
		.arena = arena, .kernel = kernel, .own = *own, .links = arena_printf(arena, "%s/links", path)
	};
	const char *manifest = arena_printf(arena, "%s/manifest", path);
	int r = -ENOENT;

	for (int i = 0; i < TRIES && r == -ENOENT && pins_exists(manifest); i++) {
		r = manifest_read_whole(arena, path, "manifest", &reading.manifest);
		if (r == 0) {
			reading.folder = arena_printf(arena, "%s/g%llu", path, (unsigned long long)reading.manifest->generation);
			r = read_policy(&reading, ret_policy);
		}
	}
	return r == -ENOENT && pins_exists(manifest) ? -ESTALE : r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct state_policy *)a)->name, ((const struct state_policy *)b)->name);
}

int kernel_state(struct kernel *kernel, struct arena *arena, const char *policy, const struct state **ret_state,
		 struct diagnostics *diagnostics)
{
	const char *wanted = policy ? pins_escape(arena, policy) : NULL;
	struct state *state = arena_new_object(arena, struct state);
	struct state_policy *policies;
	struct manifests manifests, plans;
	struct program_ids own;
	struct names folders;
	int r = pins_list(arena, kernel->policies, &folders);

	r = r ?: manifest_read_all(arena, kernel, &manifests);
	if (r) {
		diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot read %s: %s", kernel->policies, strerror(-r));
		return r;
	}
	plans = read_plans(kernel, arena, &folders, false);
	own = own_programs(arena, &manifests, &plans);
	policies = arena_new_array(arena, struct state_policy, folders.count);
	for (size_t i = 0; i < folders.count; i++) {
		if (wanted && strcmp(wanted, folders.items[i]))
			continue;
		r = read_one(kernel, arena, folders.items[i], &own, &policies[state->policy_count]);
		if (r == 0)
			state->policy_count++;
		else if (r != -ENOENT)
			diagnose(diagnostics, SEVERITY_WARNING, nowhere, "policy '%s' cannot be read: %s",
				 pins_unescape(arena, folders.items[i]), strerror(-r));
	}
	if (state->policy_count)
		qsort(policies, state->policy_count, sizeof(*policies), by_name);
	state->policies = policies;
	*ret_state = state;
	return 0;
}

static void describe_plan(struct arena *arena, const struct manifest *plan, struct state_policy *policy)
{
	struct state_chain *chains = arena_new_array(arena, struct state_chain, plan->chain_count);

	*policy = (struct state_policy){ .name = plan->name,
					 .file = plan->file,
					 .applied_s = plan->applied_s,
					 .generation = plan->generation,
					 .chain_count = plan->chain_count,
					 .chains = chains };
	for (uint32_t c = 0; c < plan->chain_count; c++) {
		const struct manifest_chain *chain = &plan->chains[c];
		struct state_attachment *attachments = arena_new_array(arena, struct state_attachment, chain->attachment_count);
		struct state_rule *rules;

		describe_chain(arena, chain, &chains[c], &rules);
		for (uint32_t a = 0; a < chain->attachment_count; a++)
			attachments[a] = (struct state_attachment){ .target = chain->attachments[a].target,
								    .netns = chain->attachments[a].netns,
								    .of = chain->attachments[a].of,
								    .how = attachment_how_name(chain->attachments[a].how),
								    .ifindex = chain->attachments[a].ifindex,
								    .cgroup_id = chain->attachments[a].cgroup_id };
		chains[c].attachment_count = chain->attachment_count;
		chains[c].attachments = attachments;
	}
}

int kernel_state_planned(struct kernel *kernel, struct arena *arena, const struct state **ret_state)
{
	struct state *state = arena_new_object(arena, struct state);
	struct state_policy *policies;
	struct manifests plans;
	struct names folders;
	int r = pins_list(arena, kernel->policies, &folders);

	if (r)
		return r;
	plans = read_plans(kernel, arena, &folders, true);
	policies = arena_new_array(arena, struct state_policy, plans.count);
	for (size_t i = 0; i < plans.count; i++)
		describe_plan(arena, plans.items[i], &policies[i]);
	state->policy_count = (uint32_t)plans.count;
	state->policies = policies;
	*ret_state = state;
	return 0;
}
