// SPDX-License-Identifier: GPL-2.0-only
/*
 * An apply. In: a compiled policy, and what is in force. Out: the new generation in force, or the old one as it was.
 *
 * Everything is built beside the old generation; then each hook is swapped by one atomic update; then the new manifest takes the
 * name of the old one, which is the commit. What is not named by `manifest` afterwards goes: behind a commit that is the old
 * generation, before it the new one. So a failure, a kill and a success end in the same function, recover_policy.
 */
#include "kernel/apply.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "kernel/connections.h"
#include "kernel/faults.h"
#include "kernel/recover.h"
#include "kernel/requirements.h"
#include "kernel/set_fill.h"
#include "kernel/shared.h"

static const struct place nowhere;

const char *apply_link_path(const struct application *apply, const struct manifest_attachment *at)
{
	return at->link ? arena_printf(apply->arena, "%s/links/%s", apply->folder, at->link) : NULL;
}

const char *apply_pin_path(const struct application *apply, const struct manifest *generation, const char *kind, uint32_t index)
{
	return arena_printf(apply->arena, "%s/g%llu/%s_%u", apply->folder, (unsigned long long)generation->generation, kind,
			    index);
}

static const char *in_folder(const struct application *apply, const char *name)
{
	return arena_printf(apply->arena, "%s/%s", apply->folder, name);
}

static int before(const struct application *apply, const char *step)
{
	return apply->options->before ? apply->options->before(apply->options->before_context, step) : 0;
}

static int refused(const struct application *apply, int error, const char *what)
{
	diagnose(apply->diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "the kernel refused %s: %s", what, strerror(-error));
	return error;
}

/* ---- The manifest that is to be: what is known from the policy alone ---- */

static uint32_t chain_id(const struct application *apply, const struct manifest_chain *old, uint32_t *next_id)
{
	if (old)
		return old->chain_id;
	for (size_t m = 0; m < apply->in_force.count; m++)
		for (uint32_t c = 0; c < apply->in_force.items[m]->chain_count; c++)
			if (apply->in_force.items[m]->chains[c].chain_id >= *next_id)
				*next_id = apply->in_force.items[m]->chains[c].chain_id + 1;
	return (*next_id)++;
}

static void describe_rules(struct application *apply, const struct policy_chain *policy, struct manifest_chain *next,
			   bool *ret_logs)
{
	struct arena *arena = apply->arena;

	next->rule_count = policy->rule_count;
	next->rules = arena_new_array(arena, struct manifest_rule, policy->rule_count);
	for (uint32_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		next->rules[i] = (struct manifest_rule){
			.text = manifest_text(arena, rule->text),
			.comment = manifest_text(arena, rule->comment),
			.log_prefix = manifest_text(arena, rule->log_prefix),
			.to = manifest_text(arena, rule->to),
			.effects = effects_print(arena, &rule->action),
			.line = rule->place.line,
			.verdict = rule->verdict,
			.file = manifest_text(arena, rule->place.source ? rule->place.source->name : NULL),
			.log = rule->log,
		};
		*ret_logs |= rule->log;
	}
}

static void describe_chain(struct application *apply, uint32_t index, uint32_t *next_id)
{
	const struct compiled_chain *compiled = &apply->compiled->chains[index];
	const struct policy_chain *policy = &apply->compiled->policy->chains[index];
	struct manifest_chain *next = &apply->next.chains[index];
	struct apply_chain *chain = &apply->chains[index];

	*chain = (struct apply_chain){ .policy = policy,
				       .rules = compiled->rules,
				       .code = compiled->code,
				       .old_counters_fd = -1,
				       .connections = { .table_fd = -1, .ports_fd = -1 },
				       .loaded = { .program_fd = -1, .counters_fd = -1 } };
	for (uint32_t c = 0; apply->old && c < apply->old->chain_count; c++)
		if (strcmp(apply->old->chains[c].name, policy->name) == 0 && apply->old->chains[c].hook == policy->hook) {
			chain->old = &apply->old->chains[c];
			chain->old_index = c;
		}
	*next = (struct manifest_chain){ .name = manifest_text(apply->arena, policy->name),
					 .hook = policy->hook,
					 .policy = policy->policy,
					 .line = policy->place.line };
	next->chain_id = chain_id(apply, chain->old, next_id);
	describe_rules(apply, policy, next, &chain->logs);
	apply->next.logs |= chain->logs;
	apply->next.owners |= chain->logs && (policy->hook == WEIR_HOOK_TC_EGRESS || policy->hook == WEIR_HOOK_CGROUP_EGRESS);
}

/* A number above those of all generations that ever left something. */
static uint64_t next_generation(const struct application *apply)
{
	unsigned long long generation = 0, found;
	struct names names;

	if (pins_list(apply->arena, apply->folder, &names) == 0)
		for (size_t i = 0; i < names.count; i++)
			if (sscanf(names.items[i], "g%llu", &found) == 1 && found > generation)
				generation = found;
	return generation + 1;
}

/* Absolute, since who reads it is in another folder. What is no file (standard input, a text in memory) stays as it is called. */
static const char *policy_file(struct arena *arena, const struct source *source)
{
	_cleanup_free_ char *absolute = source ? realpath(source->name, NULL) : NULL;

	return manifest_text(arena, absolute ? absolute : source ? source->name : "");
}

/* Where its rules are damaged, all of them count anew; where the manifest is, it is as if there was none. */
static void read_old(struct application *apply)
{
	if (manifest_read_whole(apply->arena, apply->folder, "manifest", &apply->old))
		manifest_read(apply->arena, in_folder(apply, "manifest"), &apply->old);
}

static int describe(struct application *apply)
{
	const struct policy *policy = apply->compiled->policy;
	uint32_t next_id = 1;
	int r = manifest_read_all(apply->arena, apply->kernel, &apply->in_force);

	if (r)
		return refused(apply, r, "a look at the policies in force");
	read_old(apply);
	apply->next = (struct manifest){ .name = manifest_text(apply->arena, policy->name),
					 .file = policy_file(apply->arena, policy->source),
					 .applied_s = (uint64_t)time(NULL),
					 .generation = next_generation(apply),
					 .chain_count = policy->chain_count };
	apply->next.chains = arena_new_array(apply->arena, struct manifest_chain, policy->chain_count);
	apply->chains = arena_new_array(apply->arena, struct apply_chain, policy->chain_count);
	for (uint32_t i = 0; i < policy->chain_count; i++)
		describe_chain(apply, i, &next_id);
	return 0;
}

/* ---- Sets ---- */

/* The policy's sets, then the anonymous ones of each chain. */
static uint32_t describe_sets(struct application *apply, const struct policy_set **ret_sets)
{
	const struct policy *policy = apply->compiled->policy;
	uint32_t count = policy->set_count, most = count;

	for (uint32_t c = 0; c < apply->next.chain_count; c++)
		most += apply->chains[c].rules->set_count;
	apply->next.sets = arena_new_array(apply->arena, struct manifest_set, most);
	*ret_sets = (const struct policy_set *)arena_new_array(apply->arena, struct policy_set, most);
	for (uint32_t i = 0; i < count; i++)
		apply->next.sets[i] =
			(struct manifest_set){ .prefixes = set_type_has_prefixes(&policy->sets[i]), .set = policy->sets[i] };
	for (uint32_t c = 0; c < apply->next.chain_count; c++) {
		const struct rule_list *rules = apply->chains[c].rules;

		apply->chains[c].set_indexes = arena_new_array(apply->arena, uint32_t, rules->set_count);
		for (uint32_t i = 0; i < rules->set_count; i++) {
			const struct rule_set *set = &rules->sets[i];

			if (set->anonymous)
				apply->next.sets[count] =
					(struct manifest_set){ .anonymous = true, .prefixes = set->prefixes, .set = *set->set };
			apply->chains[c].set_indexes[i] = set->anonymous ? count++ : i;
		}
	}
	return count;
}

static const struct manifest_set *old_set(const struct application *apply, const char *name, uint32_t *ret_index)
{
	for (uint32_t i = 0; apply->old && i < apply->old->set_count; i++)
		if (!apply->old->sets[i].anonymous && strcmp(apply->old->sets[i].name, name) == 0) {
			*ret_index = i;
			return &apply->old->sets[i];
		}
	return NULL;
}

static int fill_sets(struct application *apply)
{
	const struct policy_set *sets;
	uint32_t count = describe_sets(apply, &sets);
	int r = 0;

	apply->sets = arena_new_array(apply->arena, int, count);
	for (uint32_t i = 0; i < count; i++)
		apply->sets[i] = -1;
	apply->next.set_count = count;
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		struct manifest_set *set = &apply->next.sets[i];
		struct set_request request = {
			.set = &set->set, .anonymous = set->anonymous, .prefixes = set->prefixes, .options = apply->options
		};
		uint32_t old_index = 0;

		if (!set->set.name)
			set->set.name = "anonymous";
		set->name = manifest_text(apply->arena, set->set.name);
		if (!set->anonymous && !apply->options->reset)
			request.old = old_set(apply, set->name, &old_index);
		if (request.old)
			request.old_path = apply_pin_path(apply, apply->old, "set", old_index);
		apply->sets[i] = set_fill(&request, apply->diagnostics);
		r = apply->sets[i] < 0 ? apply->sets[i] : 0;
		set->set.comment = manifest_text(apply->arena, set->set.comment);
		set->set.file = manifest_text(apply->arena, set->set.file);
	}
	return r;
}

/* ---- Programs ---- */

static int open_shared(struct application *apply)
{
	if (apply->next.logs) {
		apply->events_fd = shared_events(apply->kernel, apply->diagnostics);
		if (apply->events_fd < 0)
			return apply->events_fd;
	}
	if (apply->next.owners) {
		apply->owners_fd = shared_owners(apply->kernel, apply->diagnostics);
		apply->next.owners = apply->owners_fd >= 0;
	}
	return 0;
}

static int load_chain(struct application *apply, uint32_t index)
{
	struct apply_chain *chain = &apply->chains[index];
	struct manifest_chain *next = &apply->next.chains[index];
	int *sets = arena_new_array(apply->arena, int, chain->rules->set_count);
	struct load_request request = {
		.code = chain->code,
		.actions = chain->actions,
		.chain_id = next->chain_id,
		.raw_ip = chain->raw_ip,
		.counter_slots = next->counter_slots,
		.counters_fd = chain->old && !chain->grown ? chain->old_counters_fd : -1,
		.slots = chain->slots,
		.events_fd = chain->logs ? apply->events_fd : -1,
		.owners_fd = chain->logs ? apply->owners_fd : -1,
		.sets = sets,
		.connections = connections_of(apply, index),
	};
	int r;

	for (uint32_t i = 0; i < chain->rules->set_count; i++)
		sets[i] = apply->sets[chain->set_indexes[i]];
	r = before(apply, "load") ?: apply_open_kept(apply, index, request.kept_fds);
	r = r ?: kernel_load(&request, &chain->loaded, apply->diagnostics);
	apply_close_kept(request.kept_fds);
	if (r)
		return r;
	next->program_id = program_id(chain->loaded.program_fd);
	next->verified_instructions = chain->loaded.verified_instructions;
	next->load_ns = chain->loaded.load_ns;
	next->form = manifest_text(apply->arena, chain->loaded.code->tree->why);
	return 0;
}

/* May a verdict of this chain fail? At XDP the kernel tells. */
static bool may_fail(const struct manifest_chain *chain)
{
	for (uint32_t i = 0; chain->hook == WEIR_HOOK_XDP_INGRESS && i < chain->rule_count; i++)
		if (chain->rules[i].verdict > WEIR_VERDICT_DROP)
			return true;
	return false;
}

/* Between the load and the swap, so that nothing is missed. What cannot be counted is no reason not to enforce. */
static void count_faults(struct application *apply)
{
	_cleanup_close_ int fd = -1;

	for (uint32_t i = 0; i < apply->next.chain_count; i++) {
		const struct manifest_chain *old = apply->chains[i].old;

		if (!may_fail(&apply->next.chains[i]))
			continue;
		if (fd < 0)
			fd = faults_prepare(apply->kernel, apply->diagnostics);
		if (fd < 0)
			return;
		faults_begin(fd, apply->next.chains[i].program_id, old ? old->program_id : 0);
	}
}

static int load_chains(struct application *apply)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < apply->next.chain_count; i++) {
		if (apply->options->progress)
			apply->options->progress(apply->options->progress_context, "chains", i, apply->next.chain_count);
		r = load_chain(apply, i);
	}
	return r;
}

/* ---- Into bpffs ---- */

static int pin_generation(struct application *apply)
{
	int r = before(apply, "pin") ?: pins_make_directory(apply->folder);

	r = r ?: pins_make_directory(in_folder(apply, "links"));
	r = r
		    ?: pins_make_directory(
			       arena_printf(apply->arena, "%s/g%llu", apply->folder, (unsigned long long)apply->next.generation));
	for (uint32_t i = 0; r == 0 && i < apply->next.set_count; i++)
		r = bpf_obj_pin(apply->sets[i], apply_pin_path(apply, &apply->next, "set", i));
	for (uint32_t i = 0; r == 0 && i < apply->next.chain_count; i++)
		r = manifest_write_rules(&apply->next.chains[i], apply_pin_path(apply, &apply->next, "rules", i))
			    ?: bpf_obj_pin(apply->chains[i].loaded.counters_fd, apply_pin_path(apply, &apply->next, "counters", i))
			    ?: bpf_obj_pin(apply->chains[i].loaded.program_fd, apply_pin_path(apply, &apply->next, "program", i))
			    ?: apply_pin_kept(apply, i)
			    ?: connections_pin(apply, i);
	return r ? refused(apply, r, "to pin the new generation") : 0;
}

/*
 * What is to be is named before it is there: filters of clsact are found again by the manifest that names them, and events of the
 * new programs by the rules in it.
 */
static int write_plan(struct application *apply)
{
	int r = before(apply, "plan") ?: manifest_write(&apply->next, in_folder(apply, "manifest_plan"));

	return r ? refused(apply, r, "to pin the plan of the change") : 0;
}

/* ---- The swap ---- */

static const char *why_not_attached(const struct manifest_attachment *at, enum attach_mode mode, int error)
{
	if (error == -EBUSY || error == -EEXIST)
		return "another program is there";
	if (error == -ENODEV)
		return "the interface is gone";
	if (error == -EOPNOTSUPP && mode == MODE_NATIVE)
		return "its driver has no native XDP (mode generic, or none, would do)";
	if (at->how == HOW_ACTION && error == -ENOENT)
		return "this kernel has no actions of kind bpf (CONFIG_NET_ACT_BPF, module act_bpf)";
	if (at->how == HOW_CLASSIFIER && (error == -EOPNOTSUPP || error == -EINVAL || error == -ENOENT))
		return "its parent is no qdisc or class that takes filters (tc qdisc show, tc class show)";
	if (error == -EOPNOTSUPP && at->how == HOW_CLSACT)
		return "its qdisc \"ingress\" stands where clsact would, and serves only what comes in (tc qdisc del dev ... ingress)";
	if (error == -EPERM && at->how == HOW_CGROUP)
		return "a program there allows no second one";
	if (error == -E2BIG)
		return "there are too many programs already";
	return strerror(-error);
}

static int swap_attachment(struct application *apply, uint32_t chain, uint32_t index)
{
	struct manifest_attachment *at = &apply->next.chains[chain].attachments[index];
	const struct apply_target *target = &apply->chains[chain].targets[index];
	int program = apply->chains[chain].loaded.program_fd, r;

	if (target->found)
		r = before(apply, "swap")
			    ?: attachment_set_program(at, apply_link_path(apply, at), program, &apply->old_programs);
	else
		r = before(apply, "attach")
			    ?: attachment_create(apply->kernel, at, apply_link_path(apply, at), program, target->mode);
	if (r)
		diagnose(apply->diagnostics, SEVERITY_ERROR_KERNEL, target->place,
			 "chain '%s' cannot be attached at %s of %s: %s", apply->next.chains[chain].name, hook_name(at->hook),
			 at->target, why_not_attached(at, target->mode, r));
	return r;
}

static int swap_hooks(struct application *apply)
{
	int r = apply_copy_counters(apply);

	if (r)
		return refused(apply, r, "to copy the counters");
	/* Who carries replies back stands there before the first connection is redirected. */
	for (int replies = 1; r == 0 && replies >= 0; replies--)
		for (uint32_t c = 0; r == 0 && c < apply->next.chain_count; c++)
			for (uint32_t a = 0; r == 0 && a < apply->next.chains[c].attachment_count; a++)
				if (apply->chains[c].policy->carries_replies == replies)
					r = swap_attachment(apply, c, a);
	return r;
}

/* The old manifest gets a second name, by which the clean-up knows what there was. */
static int keep_old_manifest(struct application *apply)
{
	_cleanup_close_ int fd = apply->old ? bpf_obj_get(in_folder(apply, "manifest")) : -1;

	if (!apply->old)
		return 0;
	return fd < 0 ? fd : bpf_obj_pin(fd, in_folder(apply, "manifest_old"));
}

static int commit(struct application *apply)
{
	int r = before(apply, "manifest") ?: manifest_write(&apply->next, in_folder(apply, "manifest_next"));

	r = r ?: keep_old_manifest(apply);
	r = r ?: before(apply, "commit");
	if (r == 0 && rename(in_folder(apply, "manifest_next"), in_folder(apply, "manifest")))
		r = -errno;
	return r ? refused(apply, r, "the new manifest") : 0;
}

/* ---- Whole ---- */

static int run(struct application *apply)
{
	int r = describe(apply);

	r = r ?: apply_find_targets(apply);
	r = r ?: apply_find_forwards(apply);
	r = r ?: apply_match_attachments(apply);
	r = r ?: apply_assign_slots(apply);
	r = r ?: fill_sets(apply);
	r = r ?: connections_prepare(apply);
	r = r ?: open_shared(apply);
	r = r ?: load_chains(apply);
	r = r ?: pin_generation(apply);
	if (r == 0)
		count_faults(apply);
	r = r ?: write_plan(apply);
	r = r ?: swap_hooks(apply);
	return r ?: commit(apply);
}

static void close_all(struct application *apply)
{
	for (uint32_t i = 0; apply->chains && i < apply->next.chain_count; i++) {
		loaded_chain_close(&apply->chains[i].loaded);
		connections_close(&apply->chains[i]);
		closep(&apply->chains[i].old_counters_fd);
	}
	for (uint32_t i = 0; apply->sets && i < apply->next.set_count; i++)
		closep(&apply->sets[i]);
	closep(&apply->events_fd);
	closep(&apply->owners_fd);
}

int kernel_apply(struct kernel *kernel, const struct compiled *compiled, const struct apply_options *options,
		 struct diagnostics *diagnostics)
{
	static const struct apply_options none;
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct application apply = { .kernel = kernel,
				     .arena = arena,
				     .compiled = compiled,
				     .options = options ? options : &none,
				     .diagnostics = diagnostics,
				     .events_fd = -1,
				     .owners_fd = -1 };
	struct kernel_abilities abilities;
	struct diagnostic *said;
	int r, cleaned;

	apply.folder = pins_policy_path(arena, kernel, compiled->policy->name);
	abilities = kernel_abilities(compiled);
	r = requirements_check(compiled, &abilities, diagnostics) ?: run(&apply);
	if (r == 0)
		before(&apply, "clean");
	cleaned = pins_exists(apply.folder) ? recover_policy(apply.folder) : 0;
	close_all(&apply);
	shared_tidy(kernel);
	if (cleaned) {
		said = diagnose(diagnostics, r ? SEVERITY_ERROR_KERNEL : SEVERITY_WARNING, nowhere, "%s: %s",
				r ? "the policy that was in force could not be put back whole"
				  : "not all of the old policy could be cleared away",
				strerror(-cleaned));
		diagnostic_hint(diagnostics, said, "the next weir command tries again");
	}
	if (r == 0)
		apply_report(&apply);
	return r;
}
