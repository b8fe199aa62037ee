// SPDX-License-Identifier: GPL-2.0-only
/*
 * Manifests and rules between memory, JSON and map. The format is part of the ABI (docs/abi.md): a reader ignores keys that it
 * does not know, and a key that changes its meaning raises WEIR_ABI_VERSION.
 */
#include "kernel/manifest.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <jansson.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "kernel/pins.h"

#define _cleanup_json_ _cleanup_(json_release)

static void json_release(json_t **json)
{
	json_decref(*json);
}

static const char *const how_names[HOW_COUNT] = {
	[HOW_NATIVE] = "native", [HOW_GENERIC] = "generic",	  [HOW_TCX] = "tcx",	   [HOW_CLSACT] = "clsact",
	[HOW_CGROUP] = "cgroup", [HOW_CLASSIFIER] = "classifier", [HOW_ACTION] = "action",
};

const char *attachment_how_name(enum attachment_how how)
{
	return how_names[how];
}

bool attachment_same_target(const struct manifest_attachment *a, const struct manifest_attachment *b)
{
	return a->hook == b->hook && a->ifindex == b->ifindex && a->cgroup_id == b->cgroup_id && a->parent == b->parent &&
	       ((a->ifindex == 0 && !a->parent) || a->netns_inode == b->netns_inode);
}

/* Which of COUNT words; -1: none. */
static int word_index(const char *word, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

const char *manifest_text(struct arena *arena, const char *text)
{
	_cleanup_json_ json_t *json = text ? json_string(text) : NULL;
	char *copy;

	if (!text)
		return NULL;
	copy = arena_strdup(arena, text);
	for (char *c = copy; !json && *c; c++)
		if (*c & 0x80)
			*c = '?';
	return copy;
}

/* ---- To JSON ---- */

static json_t *write_attachment(const struct manifest_attachment *at)
{
	return json_pack("{ss ss ss* ss* sI sI sI ss* si sI sI}", "how", how_names[at->how], "target", at->target, "netns",
			 at->netns, "of", at->of, "netns_inode", (json_int_t)at->netns_inode, "ifindex", (json_int_t)at->ifindex,
			 "cgroup_id", (json_int_t)at->cgroup_id, "link", at->link, "priority", (int)at->priority, "parent",
			 (json_int_t)at->parent, "fallback", (json_int_t)at->fallback);
}

/*
 * A rule is an array, since there may be very many, and objects take twice as long to read. What is added one day comes last; what
 * a rule has not is null.
 */
enum { RULE_TEXT, RULE_LINE, RULE_SLOT, RULE_VERDICT, RULE_LOG, RULE_FILE, RULE_TO, RULE_EFFECTS, RULE_COMMENT, RULE_LOG_PREFIX };

static json_t *write_rule(const struct manifest_rule *rule)
{
	return json_pack("[sIIsbs?s?s?s?s?]", rule->text, (json_int_t)rule->line, (json_int_t)rule->slot, verdict_name(rule->verdict),
			 rule->log, rule->file, rule->to, rule->effects, rule->comment, rule->log_prefix);
}

static json_t *write_chain(const struct manifest_chain *chain)
{
	json_t *attachments = json_array();

	for (uint32_t i = 0; i < chain->attachment_count; i++)
		json_array_append_new(attachments, write_attachment(&chain->attachments[i]));
	return json_pack("{ss ss ss sI sI sI sI sI sI ss* sI sI sI so}", "name", chain->name, "hook", hook_name(chain->hook), "policy",
			 verdict_name(chain->policy), "line", (json_int_t)chain->line, "chain_id", (json_int_t)chain->chain_id,
			 "counter_slots", (json_int_t)chain->counter_slots, "program_id", (json_int_t)chain->program_id,
			 "verified_instructions", (json_int_t)chain->verified_instructions, "load_ns", (json_int_t)chain->load_ns,
			 "form", chain->form, "connections", (json_int_t)chain->connections,
			 "first_reply", (json_int_t)chain->first_reply, "last_reply", (json_int_t)chain->last_reply, "attachments", attachments);
}

static json_t *write_set(const struct manifest_set *set)
{
	json_t *types = json_array();

	for (uint32_t i = 0; i < set->set.components; i++)
		json_array_append_new(types, json_string(value_type_name(set->set.types[i])));
	return json_pack("{ss so sI sI sb sb sb sb ss* ss*}", "name", set->name, "types", types, "size",
			 (json_int_t)set->set.size, "timeout_s", (json_int_t)set->set.timeout_s, "anonymous", set->anonymous,
			 "prefixes", set->prefixes, "grows", set->set.grows, "counted", set->set.counted, "comment",
			 set->set.comment, "file", set->set.file);
}

static json_t *write_rules(const struct manifest_chain *chain)
{
	json_t *rules = json_array();

	for (uint32_t i = 0; i < chain->rule_count; i++)
		json_array_append_new(rules, write_rule(&chain->rules[i]));
	return rules;
}

static json_t *write_head(const struct manifest *manifest)
{
	json_t *chains = json_array(), *sets = json_array();

	for (uint32_t i = 0; i < manifest->chain_count; i++)
		json_array_append_new(chains, write_chain(&manifest->chains[i]));
	for (uint32_t i = 0; i < manifest->set_count; i++)
		json_array_append_new(sets, write_set(&manifest->sets[i]));
	return json_pack("{si ss ss sI sI sb sb so so}", "abi", WEIR_ABI_VERSION, "name", manifest->name, "file", manifest->file,
			 "applied", (json_int_t)manifest->applied_s, "generation", (json_int_t)manifest->generation, "logs",
			 manifest->logs, "owners", manifest->owners, "chains", chains, "sets", sets);
}

/* ---- From JSON ---- */

static const char *take(struct arena *arena, const char *text)
{
	return text ? arena_strdup(arena, text) : NULL;
}

static bool read_attachment(struct arena *arena, json_t *json, struct manifest_attachment *at)
{
	json_int_t inode, ifindex, cgroup, parent = 0, fallback = 0;
	const char *how, *target, *netns = NULL, *of = NULL, *link = NULL;
	int found, priority;

	if (json_unpack(json, "{ss ss s?s s?s sI sI sI s?s si s?I s?I}", "how", &how, "target", &target, "netns", &netns, "of",
			&of, "netns_inode", &inode, "ifindex", &ifindex, "cgroup_id", &cgroup, "link", &link, "priority",
			&priority, "parent", &parent, "fallback", &fallback))
		return false;
	found = word_index(how, how_names, HOW_COUNT);
	at->how = (enum attachment_how)found;
	at->target = take(arena, target);
	at->netns = take(arena, netns);
	at->of = take(arena, of);
	at->link = take(arena, link);
	at->netns_inode = (uint64_t)inode;
	at->ifindex = (uint32_t)ifindex;
	at->cgroup_id = (uint64_t)cgroup;
	at->priority = (uint32_t)priority;
	at->parent = (uint32_t)parent;
	at->fallback = (uint32_t)fallback;
	/* A link's pin is a name in our folder and nothing else. */
	return found >= 0 && (link ? !strchr(link, '/') : !attachment_has_link(at));
}

static int verdict_by_name(const char *name)
{
	for (int verdict = 0; verdict < WEIR_VERDICT_COUNT; verdict++)
		if (strcmp(name, verdict_name((enum weir_verdict)verdict)) == 0)
			return verdict;
	return -1;
}

static const char *text_at(struct arena *arena, json_t *array, size_t index)
{
	return take(arena, json_string_value(json_array_get(array, index)));
}

static bool read_rule(struct arena *arena, json_t *json, struct manifest_rule *rule)
{
	const char *verdict = json_string_value(json_array_get(json, RULE_VERDICT));
	int found = verdict ? verdict_by_name(verdict) : -1;

	*rule = (struct manifest_rule){ .text = text_at(arena, json, RULE_TEXT),
					.to = text_at(arena, json, RULE_TO),
					.effects = text_at(arena, json, RULE_EFFECTS),
					.comment = text_at(arena, json, RULE_COMMENT),
					.log_prefix = text_at(arena, json, RULE_LOG_PREFIX),
					.file = text_at(arena, json, RULE_FILE),
					.line = (uint32_t)json_integer_value(json_array_get(json, RULE_LINE)),
					.slot = (uint32_t)json_integer_value(json_array_get(json, RULE_SLOT)),
					.verdict = (enum weir_verdict)found,
					.log = json_is_true(json_array_get(json, RULE_LOG)) };
	return rule->text && found >= 0;
}

static int hook_by_name(const char *name)
{
	for (int hook = 0; hook < WEIR_HOOK_COUNT; hook++)
		if (strcmp(name, hook_name((enum weir_hook)hook)) == 0)
			return hook;
	return -1;
}

static bool read_chain(struct arena *arena, json_t *json, struct manifest_chain *chain)
{
	const char *name, *hook, *policy, *form = NULL;
	json_int_t line, id, slots, program, verified, load, connections = 0, first_reply = 0, last_reply = 0;
	json_t *attachments;
	int found_hook, found_policy;

	if (json_unpack(json, "{ss ss ss sI sI sI sI sI sI s?s s?I s?I s?I so}", "name", &name, "hook", &hook, "policy", &policy, "line",
			&line, "chain_id", &id, "counter_slots", &slots, "program_id", &program, "verified_instructions",
			&verified, "load_ns", &load, "form", &form, "connections", &connections,
			"first_reply", &first_reply, "last_reply", &last_reply, "attachments", &attachments))
		return false;
	found_hook = hook_by_name(hook);
	found_policy = verdict_by_name(policy);
	if (found_hook < 0 || found_policy < 0)
		return false;
	*chain = (struct manifest_chain){
		.name = take(arena, name),
		.hook = (enum weir_hook)found_hook,
		.policy = (enum weir_verdict)found_policy,
		.line = (uint32_t)line,
		.chain_id = (uint32_t)id,
		.counter_slots = (uint32_t)slots,
		.program_id = (uint32_t)program,
		.verified_instructions = (uint32_t)verified,
		.load_ns = (uint64_t)load,
		.form = take(arena, form),
		.connections = (uint32_t)connections,
		.first_reply = (uint32_t)first_reply,
		.last_reply = (uint32_t)last_reply,
		.attachment_count = (uint32_t)json_array_size(attachments),
	};
	chain->attachments = arena_new_array(arena, struct manifest_attachment, chain->attachment_count);
	for (uint32_t i = 0; i < chain->attachment_count; i++) {
		chain->attachments[i].hook = chain->hook;
		if (!read_attachment(arena, json_array_get(attachments, i), &chain->attachments[i]))
			return false;
	}
	return true;
}

static bool read_set(struct arena *arena, json_t *json, struct manifest_set *set)
{
	const char *name, *comment = NULL, *file = NULL;
	json_int_t size, timeout;
	int anonymous, prefixes, grows, counted;
	json_t *types;

	if (json_unpack(json, "{ss so sI sI sb sb sb sb s?s s?s}", "name", &name, "types", &types, "size", &size, "timeout_s",
			&timeout, "anonymous", &anonymous, "prefixes", &prefixes, "grows", &grows, "counted", &counted, "comment",
			&comment, "file", &file))
		return false;
	*set = (struct manifest_set){ .name = take(arena, name), .anonymous = anonymous, .prefixes = prefixes };
	set->set = (struct policy_set){ .name = set->name,
					.size = (uint32_t)size,
					.grows = grows,
					.counted = counted,
					.timeout_s = (uint64_t)timeout,
					.comment = take(arena, comment),
					.file = take(arena, file),
					.components = (uint32_t)json_array_size(types) };
	if (set->set.components < 1 || set->set.components > SET_MAX_COMPONENTS)
		return false;
	for (uint32_t i = 0; i < set->set.components; i++) {
		const char *word = json_string_value(json_array_get(types, i));

		if (!word || value_type_by_name(word, &set->set.types[i]))
			return false;
	}
	return true;
}

static bool read_rules(struct arena *arena, json_t *json, struct manifest_chain *chain)
{
	chain->rule_count = (uint32_t)json_array_size(json);
	chain->rules = arena_new_array(arena, struct manifest_rule, chain->rule_count);
	for (uint32_t i = 0; i < chain->rule_count; i++)
		if (!read_rule(arena, json_array_get(json, i), &chain->rules[i]))
			return false;
	return json_is_array(json);
}

static bool read_head(struct arena *arena, json_t *root, struct manifest *manifest)
{
	const char *name, *file;
	json_int_t applied, generation;
	json_t *chains, *sets;
	int logs, owners;

	if (json_unpack(root, "{ss ss sI sI sb sb so so}", "name", &name, "file", &file, "applied", &applied, "generation",
			&generation, "logs", &logs, "owners", &owners, "chains", &chains, "sets", &sets))
		return false;
	*manifest = (struct manifest){ .name = take(arena, name),
				       .file = take(arena, file),
				       .applied_s = (uint64_t)applied,
				       .generation = (uint64_t)generation,
				       .logs = logs,
				       .owners = owners,
				       .chain_count = (uint32_t)json_array_size(chains),
				       .set_count = (uint32_t)json_array_size(sets) };
	manifest->chains = arena_new_array(arena, struct manifest_chain, manifest->chain_count);
	manifest->sets = arena_new_array(arena, struct manifest_set, manifest->set_count);
	for (uint32_t i = 0; i < manifest->chain_count; i++)
		if (!read_chain(arena, json_array_get(chains, i), &manifest->chains[i]))
			return false;
	for (uint32_t i = 0; i < manifest->set_count; i++)
		if (!read_set(arena, json_array_get(sets, i), &manifest->sets[i]))
			return false;
	return true;
}

/* ---- Maps ---- */

static size_t page_align(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

/* Takes JSON away with it. */
static int write_pinned(json_t *json, const char *name, const char *path)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	_cleanup_free_ char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	_cleanup_close_ int fd = -1;
	size_t size = text ? strlen(text) + 1 : 0;
	void *memory;

	json_decref(json);
	if (!text)
		return -EINVAL;
	size = (size + 7) & ~(size_t)7;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), (uint32_t)size, 1, &options);
	if (fd < 0)
		return fd;
	memory = mmap(NULL, page_align(size), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	memcpy(memory, text, strlen(text) + 1);
	munmap(memory, page_align(size));
	bpf_map_freeze(fd); /* a guard against accidents; kernels that cannot do without */
	return bpf_obj_pin(fd, path);
}

/* The caller's reference. */
static int read_pinned(const char *path, json_t **ret_json)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	struct bpf_map_info info = { 0 };
	uint32_t length = sizeof(info);
	char *memory;
	json_t *json;
	int r;

	if (fd < 0)
		return fd;
	r = bpf_obj_get_info_by_fd(fd, &info, &length);
	if (r)
		return r;
	if (info.type != BPF_MAP_TYPE_ARRAY || !(info.map_flags & BPF_F_MMAPABLE))
		return -EINVAL;
	memory = mmap(NULL, page_align(info.value_size), PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	json = json_loadb(memory, strnlen(memory, info.value_size), 0, NULL);
	munmap(memory, page_align(info.value_size));
	if (!json)
		return -EINVAL;
	*ret_json = json;
	return 0;
}

int manifest_write(const struct manifest *manifest, const char *path)
{
	return write_pinned(write_head(manifest), "weir_manifest", path);
}

int manifest_write_rules(const struct manifest_chain *chain, const char *path)
{
	return write_pinned(write_rules(chain), "weir_rules", path);
}

int manifest_read(struct arena *arena, const char *path, const struct manifest **ret_manifest)
{
	struct manifest *manifest = arena_new_object(arena, struct manifest);
	_cleanup_json_ json_t *json = NULL;
	int r = read_pinned(path, &json);

	if (r == 0 && !read_head(arena, json, manifest))
		r = -EINVAL;
	if (r == 0)
		*ret_manifest = manifest;
	return r;
}

int manifest_read_whole(struct arena *arena, const char *folder, const char *name, const struct manifest **ret_manifest)
{
	const struct manifest *manifest;
	int r = manifest_read(arena, arena_printf(arena, "%s/%s", folder, name), &manifest);

	for (uint32_t i = 0; r == 0 && i < manifest->chain_count; i++) {
		_cleanup_json_ json_t *json = NULL;

		r = read_pinned(arena_printf(arena, "%s/g%llu/rules_%u", folder, (unsigned long long)manifest->generation, i), &json);
		if (r == 0 && !read_rules(arena, json, &manifest->chains[i]))
			r = -EINVAL;
	}
	if (r == 0)
		*ret_manifest = manifest;
	return r;
}

int manifest_read_all(struct arena *arena, const struct kernel *kernel, struct manifests *ret_manifests)
{
	VECTOR(const struct manifest *) manifests = { 0 };
	struct names folders;
	int r = pins_list(arena, kernel->policies, &folders);

	if (r)
		return r;
	for (size_t i = 0; i < folders.count; i++) {
		const struct manifest *manifest;

		if (manifest_read(arena, arena_printf(arena, "%s/%s/manifest", kernel->policies, folders.items[i]), &manifest) == 0)
			vector_push(arena, &manifests, manifest);
	}
	*ret_manifests = (struct manifests){ .count = manifests.count, .items = manifests.items };
	return 0;
}

int manifest_find(struct arena *arena, const struct kernel *kernel, const char *policy, const struct manifest **ret_manifest,
		  struct diagnostics *diagnostics)
{
	const char *path = arena_printf(arena, "%s/manifest", pins_policy_path(arena, kernel, policy));

	return manifest_read(arena, path, ret_manifest) ? kernel_say_no_policy(kernel, arena, policy, diagnostics) : 0;
}
