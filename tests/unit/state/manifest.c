// SPDX-License-Identifier: GPL-2.0-only
/* A manifest is read as it was written, and its rules are; one that is not whole is no manifest. */
#include "kernel/manifest.h"

#include "scene.h"

#define PIN    "/sys/fs/bpf/manifest"
#define FOLDER "/sys/fs/bpf/edge" /* of a policy */

static struct manifest_rule rules[] = {
	{ .text = "tcp dport 80 log prefix \"a\\\"b\" drop",
	  .comment = "\xc3\xa4 / \"",
	  .log_prefix = "a\"b",
	  .to = "eth1",
	  .effects = "meta mark set 0x7",
	  .file = "/etc/weir/p.weir",
	  .line = 4000000000u,
	  .slot = 16,
	  .verdict = WEIR_VERDICT_DROP,
	  .log = true },
	{ .text = "", .line = 1, .slot = 4000000000u, .verdict = WEIR_VERDICT_CONTINUE },
};
static struct manifest_attachment attachments[] = {
	{ .hook = WEIR_HOOK_TC_INGRESS,
	  .how = HOW_TCX,
	  .target = "v0",
	  .netns = "blue",
	  .netns_inode = 4026531840u,
	  .ifindex = 7,
	  .link = "l_1_0" },
	{ .hook = WEIR_HOOK_TC_INGRESS, .how = HOW_CLSACT, .target = "v1", .ifindex = 9, .priority = 65534 },
	{ .hook = WEIR_HOOK_TC_INGRESS,
	  .how = HOW_CGROUP,
	  .target = "/a b/\xc3\xb6",
	  .cgroup_id = 0x7fffffffffffffffull,
	  .link = "l_1_1" },
};
static struct manifest_chain chains[] = {
	{ .name = "in",
	  .hook = WEIR_HOOK_TC_INGRESS,
	  .policy = WEIR_VERDICT_DROP,
	  .line = 3,
	  .chain_id = 12,
	  .counter_slots = 32,
	  .program_id = 99,
	  .verified_instructions = 1000,
	  .load_ns = 123456789012ull,
	  .rule_count = 2,
	  .attachment_count = 3,
	  .rules = rules,
	  .attachments = attachments },
	{ .name = "empty", .hook = WEIR_HOOK_CGROUP_EGRESS, .policy = WEIR_VERDICT_ACCEPT },
};
static struct manifest_set sets[] = {
	{ .name = "s",
	  .prefixes = true,
	  .set = { .types = { TYPE_IPV4_ADDR },
		   .components = 1,
		   .size = 16u << 20,
		   .timeout_s = 3600,
		   .file = "list.txt",
		   .comment = "c" } },
	{ .name = "pair",
	  .anonymous = true,
	  .set = { .types = { TYPE_IPV6_ADDR, TYPE_INET_SERVICE }, .components = 2, .size = 1 } },
};
static const struct manifest whole = { .name = "edge",
				       .file = "/etc/weir/edge.weir",
				       .applied_s = 1790000000,
				       .generation = 77,
				       .logs = true,
				       .owners = true,
				       .chain_count = 2,
				       .set_count = 2,
				       .chains = chains,
				       .sets = sets };

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_attachment(const struct manifest_attachment *a, const struct manifest_attachment *b)
{
	return a->hook == b->hook && a->how == b->how && same_text(a->target, b->target) && same_text(a->netns, b->netns) &&
	       a->netns_inode == b->netns_inode && a->ifindex == b->ifindex && a->cgroup_id == b->cgroup_id &&
	       same_text(a->link, b->link) && a->priority == b->priority;
}

static bool same_rule(const struct manifest_rule *a, const struct manifest_rule *b)
{
	return same_text(a->text, b->text) && same_text(a->comment, b->comment) && same_text(a->log_prefix, b->log_prefix) &&
	       same_text(a->to, b->to) && same_text(a->effects, b->effects) && same_text(a->file, b->file) && a->line == b->line && a->slot == b->slot && a->verdict == b->verdict &&
	       a->log == b->log;
}

static void check_chain(const struct manifest_chain *a, const struct manifest_chain *b)
{
	CHECK_TEXT(a->name, b->name);
	CHECK(a->hook == b->hook && a->policy == b->policy && a->line == b->line && a->chain_id == b->chain_id);
	CHECK(a->counter_slots == b->counter_slots && a->program_id == b->program_id && a->load_ns == b->load_ns);
	CHECK_NUMBER(a->verified_instructions, b->verified_instructions);
	CHECK_NUMBER(a->attachment_count, b->attachment_count);
	for (uint32_t i = 0; i < a->attachment_count && i < b->attachment_count; i++)
		CHECK(same_attachment(&a->attachments[i], &b->attachments[i]));
}

/* A map as a manifest's with TEXT in it. */
static void pin_text(const char *text, const char *path)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "x", 4, 64, 1, &options);
	char value[64] = { 0 };
	uint32_t key = 0;

	snprintf(value, sizeof(value), "%s", text);
	CHECK_NUMBER(bpf_map_update_elem(fd, &key, value, 0), 0);
	CHECK_NUMBER(bpf_obj_pin(fd, path), 0);
}

TEST(what_is_written_is_read)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct manifest *read = NULL;

	CHECK_NUMBER(manifest_write(&whole, PIN), 0);
	CHECK_NUMBER(manifest_read(arena, PIN, &read), 0);
	if (!read)
		return;
	CHECK_TEXT(read->name, whole.name);
	CHECK_TEXT(read->file, whole.file);
	CHECK(read->applied_s == whole.applied_s && read->generation == whole.generation && read->logs && read->owners);
	CHECK_NUMBER(read->chain_count, 2);
	CHECK_NUMBER(read->set_count, 2);
	for (uint32_t i = 0; i < read->chain_count; i++)
		check_chain(&read->chains[i], &whole.chains[i]);
	for (uint32_t i = 0; i < read->set_count; i++) {
		const struct manifest_set *a = &read->sets[i], *b = &whole.sets[i];

		CHECK(same_text(a->name, b->name) && a->anonymous == b->anonymous && a->prefixes == b->prefixes);
		CHECK(a->set.components == b->set.components && a->set.types[0] == b->set.types[0] &&
		      a->set.types[1] == b->set.types[1]);
		CHECK(a->set.size == b->set.size && a->set.timeout_s == b->set.timeout_s);
		CHECK(same_text(a->set.file, b->set.file) && same_text(a->set.comment, b->set.comment));
	}
	unlink(PIN);
}

/* As an apply pins them: the manifest and the rules of each chain in a policy's folder. */
static void write_folder(void)
{
	CHECK(mkdir(FOLDER, 0700) == 0 && mkdir(FOLDER "/g77", 0700) == 0);
	CHECK_NUMBER(manifest_write(&whole, FOLDER "/manifest"), 0);
	CHECK_NUMBER(manifest_write_rules(&whole.chains[0], FOLDER "/g77/rules_0"), 0);
	CHECK_NUMBER(manifest_write_rules(&whole.chains[1], FOLDER "/g77/rules_1"), 0);
}

TEST(rules_are_read_from_beside_the_programs)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct manifest *read = NULL;

	write_folder();
	CHECK_NUMBER(manifest_read_whole(arena, FOLDER, "manifest", &read), 0);
	for (uint32_t i = 0; read && i < 2; i++) {
		check_chain(&read->chains[i], &whole.chains[i]);
		CHECK_NUMBER(read->chains[i].rule_count, whole.chains[i].rule_count);
		for (uint32_t r = 0; r < read->chains[i].rule_count; r++)
			CHECK(same_rule(&read->chains[i].rules[r], &whole.chains[i].rules[r]));
	}
	CHECK_NUMBER(pins_remove_tree(FOLDER), 0);
}

TEST(a_manifest_is_read_without_its_rules_and_not_whole_without_one_of_them)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct manifest *read = NULL, *none = (void *)9999;

	write_folder();
	CHECK(unlink(FOLDER "/g77/rules_1") == 0);
	CHECK_NUMBER(manifest_read_whole(arena, FOLDER, "manifest", &none), -ENOENT);
	CHECK_NUMBER(manifest_read(arena, FOLDER "/manifest", &read), 0);
	CHECK(read && read->chains[0].rule_count == 0 && !read->chains[0].rules);
	pin_text("{\"rules\":[]}", FOLDER "/g77/rules_1");
	CHECK_NUMBER(manifest_read_whole(arena, FOLDER, "manifest", &none), -EINVAL);
	unlink(FOLDER "/g77/rules_1");
	pin_text("[{\"text\":\"drop\"}]", FOLDER "/g77/rules_1");
	CHECK_NUMBER(manifest_read_whole(arena, FOLDER, "manifest", &none), -EINVAL);
	unlink(FOLDER "/g77/rules_1");
	pin_text("[[\"drop\",1,16,\"drip\",false]]", FOLDER "/g77/rules_1");
	CHECK_NUMBER(manifest_read_whole(arena, FOLDER, "manifest", &none), -EINVAL);
	CHECK(none == (void *)9999);
	CHECK_NUMBER(pins_remove_tree(FOLDER), 0);
}

TEST(a_pin_that_is_no_manifest_is_refused_and_nothing_is_given)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	static const char *const texts[] = { "", "{}", "[1]", "{\"abi\":1,\"name\":\"p\"}", "nonsense", "{\"name\":3}" };
	const struct manifest *read = (void *)9999;

	CHECK_NUMBER(manifest_read(arena, PIN, &read), -ENOENT);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		pin_text(texts[i], PIN);
		CHECK_NUMBER(manifest_read(arena, PIN, &read), -EINVAL);
		unlink(PIN);
	}
	CHECK(read == (void *)9999);
}

TEST(a_link_that_is_a_path_is_refused)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct manifest_attachment away = { .hook = WEIR_HOOK_TC_INGRESS, .how = HOW_TCX, .target = "v0", .link = "../../x" };
	struct manifest_chain chain = { .name = "c",
					.hook = WEIR_HOOK_TC_INGRESS,
					.policy = WEIR_VERDICT_DROP,
					.attachment_count = 1,
					.attachments = &away };
	struct manifest manifest = { .name = "p", .file = "", .chain_count = 1, .chains = &chain };
	const struct manifest *read;

	CHECK_NUMBER(manifest_write(&manifest, PIN), 0);
	CHECK_NUMBER(manifest_read(arena, PIN, &read), -EINVAL);
	unlink(PIN);
}

int main(void)
{
	if (!scene_begin()) {
		SKIP(manifests, "needs root, network namespaces and cgroup2");
		return tap_end();
	}
	RUN(what_is_written_is_read);
	RUN(rules_are_read_from_beside_the_programs);
	RUN(a_manifest_is_read_without_its_rules_and_not_whole_without_one_of_them);
	RUN(a_pin_that_is_no_manifest_is_refused_and_nothing_is_given);
	RUN(a_link_that_is_a_path_is_refused);
	scene_end();
	return tap_end();
}
