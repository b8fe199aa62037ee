// SPDX-License-Identifier: GPL-2.0-only
/* Applies that succeed: what is in force afterwards, what is kept, and that nothing stays behind. */
#include <bpf/libbpf.h>
#include <net/if.h>

#include "scene.h"

#define SET	    "set s { type ipv4_addr; size 100; elements = { 10.0.0.1, 10.1.0.0/16 } }\n"
#define EDGE(rules) "chain edge { hook xdp ingress on v0; policy accept; " rules " }\n"

static const struct state_policy *look(struct arena *arena, const char *name)
{
	return scene_policy(scene_state(arena), name);
}

TEST(a_policy_is_in_force_and_the_state_tells_of_it)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy;
	const struct state_chain *chain;

	CHECK_NUMBER(scene_apply("edge", SET EDGE("arp drop\n tcp dport 80 drop comment \"web\"\n")), 0);
	policy = look(arena, "edge");
	CHECK(policy && policy->chain_count == 1 && policy->set_count == 1);
	if (!policy)
		return;
	chain = &policy->chains[0];
	CHECK_NUMBER(policy->generation, 1);
	CHECK_NUMBER(chain->rule_count, 2);
	CHECK_TEXT(chain->rules[0].text, "arp drop");
	CHECK_TEXT(chain->rules[1].comment, "web");
	CHECK_NUMBER(chain->hook, WEIR_HOOK_XDP_INGRESS);
	CHECK_NUMBER(chain->attachment_count, 1);
	CHECK(chain->attachments[0].present);
	CHECK_TEXT(chain->attachments[0].how, "native");
	CHECK_TEXT(chain->attachments[0].target, "v0");
	CHECK(chain->program_id && chain->attachments[0].link_id);
	CHECK_NUMBER(strlen(chain->tag), 16);
	CHECK_NUMBER(policy->sets[0].element_count, 2);
	CHECK_NUMBER(scene_packet(chain->program_id, 1, 80), 1);
	CHECK_NUMBER(scene_packet(chain->program_id, 1, 81), 2);
	CHECK_NUMBER(scene_remove("edge"), 0);
}

TEST(rules_that_did_not_change_go_on_counting_and_new_ones_begin_at_nothing)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy;

	CHECK_NUMBER(scene_apply("edge", EDGE("tcp dport 80 drop\n tcp dport 81 drop\n")), 0);
	policy = look(arena, "edge");
	for (int i = 0; policy && i < 7; i++)
		scene_packet(policy->chains[0].program_id, 1, i < 3 ? 80 : 81);
	/* 80 goes, 82 comes before 81. */
	CHECK_NUMBER(scene_apply("edge", EDGE("tcp dport 82 drop\n tcp dport 81 drop\n")), 0);
	policy = look(arena, "edge");
	CHECK(policy && policy->chains[0].rules[0].counter.packets == 0);
	CHECK(policy && policy->chains[0].rules[1].counter.packets == 4);
	CHECK(policy && policy->chains[0].rules[0].slot != WEIR_SLOT_FIRST_RULE); /* the freed one rests this time */
	/* 83 may now have the slot of 80, and must not see its packets. */
	CHECK_NUMBER(scene_apply("edge", EDGE("tcp dport 83 drop\n tcp dport 82 drop\n tcp dport 81 drop\n")), 0);
	policy = look(arena, "edge");
	CHECK(policy && policy->chains[0].rules[0].counter.packets == 0);
	CHECK(policy && policy->chains[0].rules[0].slot == WEIR_SLOT_FIRST_RULE);
	CHECK(policy && policy->chains[0].rules[2].counter.packets == 4);
	CHECK_NUMBER(scene_remove("edge"), 0);
}

TEST(counters_move_to_a_larger_map_when_many_rules_come)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy;
	const char *rules = "tcp dport 80 drop\n";

	CHECK_NUMBER(scene_apply("edge", EDGE("tcp dport 80 drop\n")), 0);
	policy = look(arena, "edge");
	for (int i = 0; policy && i < 5; i++)
		scene_packet(policy->chains[0].program_id, 1, 80);
	if (policy)
		scene_packet(policy->chains[0].program_id, 1, 8080);
	for (int i = 0; i < 200; i++)
		rules = arena_printf(arena, "%stcp dport %d drop\n", rules, 1000 + i);
	CHECK_NUMBER(scene_apply("edge", arena_printf(arena, "chain edge { hook xdp ingress on v0; policy accept; %s }", rules)),
		     0);
	policy = look(arena, "edge");
	CHECK(policy && policy->chains[0].rules[0].counter.packets == 5);
	CHECK(policy && policy->chains[0].rules[0].counter.bytes == 5 * 64);
	CHECK(policy && policy->chains[0].policy_counter.packets >= 1);
	CHECK_NUMBER(scene_remove("edge"), 0);
}

TEST(reset_begins_anew)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct apply_options options = { .reset = true };
	const struct state_policy *policy;
	struct scene_outcome outcome;
	struct scene_set set;
	struct set_element live = scene_address(0x0a000009, 0x0a000009, 0);
	size_t done;

	CHECK_NUMBER(scene_apply("edge", SET EDGE("tcp dport 80 drop\n")), 0);
	policy = look(arena, "edge");
	if (policy)
		scene_packet(policy->chains[0].program_id, 1, 80);
	set = scene_set_open("edge", "s");
	CHECK_NUMBER(kernel_set_add(set.set, &live, 1, &done), 0);
	scene_set_close(&set);
	outcome = scene_apply_with("edge", SET EDGE("tcp dport 80 drop\n"), &options);
	CHECK_NUMBER(outcome.result, 0);
	scene_outcome_clear(&outcome);
	policy = look(arena, "edge");
	CHECK(policy && policy->chains[0].rules[0].counter.packets == 0);
	CHECK(policy && policy->sets[0].element_count == 2);
	CHECK_NUMBER(scene_remove("edge"), 0);
}

static bool has(const char *policy, const char *name, uint32_t low, uint32_t high)
{
	struct scene_set set = scene_set_open(policy, name);
	const struct set_element *elements;
	size_t count = 0;
	bool found = false;

	CHECK_NUMBER(kernel_set_list(set.set, set.arena, &count, &elements), 0);
	for (size_t i = 0; i < count; i++)
		found |= elements[i].keys[0].low.lo == low && elements[i].keys[0].high.lo == high;
	scene_set_close(&set);
	return found;
}

TEST(live_elements_stay_and_those_of_the_policy_follow_it)
{
	struct set_element live[] = { scene_address(0x0a000009, 0x0a000009, 0), scene_address(0x0a020000, 0x0a02ffff, 0),
				      scene_address(0x0a000001, 0x0a000001, 0) /* stands in the policy, too */ };
	struct scene_set set;
	size_t done = 0, missing = 99;

	CHECK_NUMBER(scene_apply("edge", SET EDGE("ip saddr @s drop\n")), 0);
	set = scene_set_open("edge", "s");
	CHECK_NUMBER(kernel_set_add(set.set, live, 3, &done), 0);
	CHECK_NUMBER(done, 3);
	scene_set_close(&set);
	/* The same file again: everything stays. */
	CHECK_NUMBER(scene_apply("edge", SET EDGE("ip saddr @s drop\n")), 0);
	CHECK(has("edge", "s", 0x0a000009, 0x0a000009) && has("edge", "s", 0x0a020000, 0x0a02ffff));
	/* Another file: its elements replace the old file's. */
	CHECK_NUMBER(
		scene_apply("edge", "set s { type ipv4_addr; size 100; elements = { 10.0.0.2 } }\n" EDGE("ip saddr @s drop\n")),
		0);
	CHECK(has("edge", "s", 0x0a000009, 0x0a000009));
	CHECK(has("edge", "s", 0x0a020000, 0x0a02ffff));
	CHECK(has("edge", "s", 0x0a000002, 0x0a000002));
	CHECK(has("edge", "s", 0x0a000001, 0x0a000001)); /* it was added live as well */
	CHECK(!has("edge", "s", 0x0a010000, 0x0a01ffff));
	/* What was deleted live and stands in the file comes back. */
	set = scene_set_open("edge", "s");
	live[0] = scene_address(0x0a000002, 0x0a000002, 0);
	CHECK_NUMBER(kernel_set_delete(set.set, live, 1, NULL, &missing), 0);
	CHECK_NUMBER(missing, 0);
	scene_set_close(&set);
	CHECK(!has("edge", "s", 0x0a000002, 0x0a000002));
	CHECK_NUMBER(
		scene_apply("edge", "set s { type ipv4_addr; size 100; elements = { 10.0.0.2 } }\n" EDGE("ip saddr @s drop\n")),
		0);
	CHECK(has("edge", "s", 0x0a000002, 0x0a000002));
	CHECK_NUMBER(scene_remove("edge"), 0);
}

/* The exact map of the only set, by the chain's maps. */
static uint32_t set_map_id(const struct state_policy *policy)
{
	for (uint32_t i = 0; policy && i < policy->chains[0].map_count; i++)
		if (strcmp(policy->chains[0].maps[i].name, "s") == 0)
			return policy->chains[0].maps[i].id;
	return 0;
}

TEST(a_set_whose_elements_did_not_change_keeps_its_maps)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	uint32_t first;

	CHECK_NUMBER(scene_apply("edge", SET EDGE("ip saddr @s drop\n")), 0);
	first = set_map_id(look(arena, "edge"));
	CHECK(first != 0);
	CHECK_NUMBER(scene_apply("edge", SET EDGE("ip saddr @s drop\n tcp dport 1 drop\n")), 0);
	CHECK_NUMBER(set_map_id(look(arena, "edge")), first);
	CHECK_NUMBER(scene_remove("edge"), 0);
}

TEST(what_a_policy_no_longer_names_is_detached)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy;
	struct scene_objects before, after;
	uint32_t link;

	CHECK_NUMBER(scene_apply("p", "chain a { hook xdp ingress on { v0, d0 }; tcp dport 80 drop\n }"
				      "chain b { hook tc ingress on v0; tcp dport 80 drop\n }"),
		     0);
	policy = look(arena, "p");
	link = policy ? policy->chains[0].attachments[1].link_id : 0;
	before = scene_objects(policy);
	CHECK_NUMBER(before.link_count, kernel_features()->tcx ? 3 : 2); /* filters have none */
	CHECK_NUMBER(scene_apply("p", "chain a { hook xdp ingress on d0; tcp dport 81 drop\n }"), 0);
	policy = look(arena, "p");
	CHECK(policy && policy->chains[0].attachment_count == 1 && policy->chains[0].attachments[0].link_id == link);
	after = scene_objects(policy);
	CHECK_NUMBER(scene_count_alive(before.links, before.link_count, bpf_link_get_fd_by_id), 1);
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK_NUMBER(scene_alive(&before) + scene_alive(&after), 0);
}

struct planned {
	struct arena *arena;
	const struct state *state;
};

static int look_at_plan(void *context, const char *step)
{
	struct planned *planned = context;
	_cleanup_(kernel_closep) struct kernel *kernel = NULL;
	struct diagnostics diagnostics;

	diagnostics_init(&diagnostics, planned->arena);
	if (strcmp(step, "commit") == 0 && kernel_open(planned->arena, NULL, false, &kernel, &diagnostics) == 0)
		CHECK_NUMBER(kernel_state_planned(kernel, planned->arena, &planned->state), 0);
	return 0;
}

TEST(what_is_to_be_in_force_can_be_read_before_it_is)
{
	struct planned planned = { .arena = arena_new() };
	struct apply_options options = { .before = look_at_plan, .before_context = &planned };
	struct scene_outcome outcome;
	const struct state_policy *policy;

	CHECK_NUMBER(scene_apply("p", "chain c { hook tc ingress on v0; tcp dport 80 drop\n }"), 0);
	outcome = scene_apply_with("p", "chain c { hook tc ingress on v0; tcp dport 81 log drop\n }", &options);
	CHECK_NUMBER(outcome.result, 0);
	scene_outcome_clear(&outcome);
	policy = scene_policy(planned.state, "p");
	CHECK(policy && policy->chain_count == 1 && policy->chains[0].attachment_count == 1);
	if (policy) {
		CHECK_TEXT(policy->chains[0].rules[0].text, "tcp dport 81 log drop");
		CHECK_TEXT(policy->chains[0].attachments[0].target, "v0");
	}
	CHECK_NUMBER(scene_remove("p"), 0);
	arena_free(planned.arena);
}

TEST(what_asks_for_ethernet_is_refused_where_there_is_none)
{
	struct scene_outcome outcome;

	if (!scene_run("ip tuntap add mode tun name tun0 && ip link set tun0 up")) {
		printf("# no tun device can be made here\n");
		return;
	}
	outcome = scene_apply_with("p",
				   "chain c { hook tc ingress on tun0; ip saddr 10.0.0.1 drop\n"
				   "ether saddr != 02:00:00:00:00:01 drop\n vlan id 3 drop\n arp drop\n }",
				   NULL);
	CHECK(outcome.result < 0);
	CHECK_NUMBER(outcome.diagnostics.errors, 3);
	CHECK(scene_said(&outcome, "tun0 has no Ethernet header: chain 'c' cannot ask for 'ether saddr' there"));
	CHECK(scene_said(&outcome, "cannot ask for 'vlan id' there"));
	CHECK(scene_said(&outcome, "cannot ask for 'arp' there"));
	CHECK_NUMBER(outcome.diagnostics.list.items[0].place.line, 2);
	scene_outcome_clear(&outcome);
	CHECK_NUMBER(scene_apply("p", "chain c { hook tc ingress on tun0; ip saddr 10.0.0.1 drop\n }"), 0);
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK(scene_run("ip link del tun0"));
}

TEST(several_policies_live_side_by_side_and_go_alone)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state *state;

	CHECK_NUMBER(scene_apply("one", "chain a { hook tc ingress on v0; tcp dport 80 drop\n }"), 0);
	CHECK_NUMBER(scene_apply("two-x", "chain a { hook tc ingress on v0; tcp dport 81 drop\n }"), 0);
	state = scene_state(arena);
	CHECK(state && state->policy_count == 2);
	if (state && state->policy_count == 2) {
		CHECK_TEXT(state->policies[1].name, "two-x");
		CHECK(state->policies[0].chains[0].chain_id != state->policies[1].chains[0].chain_id);
		/* They are no strangers to each other. */
		CHECK_NUMBER(state->policies[0].chains[0].attachments[0].foreign_count, 0);
	}
	CHECK_NUMBER(scene_remove("one"), 0);
	CHECK(look(arena, "two-x") && !look(arena, "one"));
	CHECK_NUMBER(scene_remove("one"), -ENOENT);
	CHECK_NUMBER(scene_remove(NULL), 0);
	CHECK(!pins_exists(KERNEL_PINS_DEFAULT));
}

TEST(all_five_hooks_are_served_and_removal_leaves_nothing)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy;
	struct scene_objects objects;
	const char *text = arena_printf(arena,
					SET "chain x { hook xdp ingress on v0; ip saddr @s log drop\n }\n"
					    "chain i { hook tc ingress on v0; ip saddr @s log drop\n }\n"
					    "chain o { hook tc egress on v0; ip daddr @s log drop\n }\n"
					    "chain ci { hook cgroup ingress on \"%s\"; tcp dport 80 log drop\n }\n"
					    "chain co { hook cgroup egress on \"%s\"; tcp dport 80 log drop\n }\n",
					scene_cgroup, scene_cgroup);

	CHECK_NUMBER(scene_apply("all", text), 0);
	policy = look(arena, "all");
	CHECK(policy && policy->chain_count == 5);
	for (uint32_t i = 0; policy && i < policy->chain_count; i++)
		CHECK(policy->chains[i].attachments[0].present);
	CHECK(pins_exists(KERNEL_PINS_DEFAULT "/v5/events"));
	CHECK(pins_exists(KERNEL_PINS_DEFAULT "/v5/owners_links"));
	CHECK_NUMBER(scene_apply("all", text), 0);
	objects = scene_objects(look(arena, "all"));
	CHECK(objects.program_count == 5 && objects.link_count == (kernel_features()->tcx ? 5 : 3) && objects.map_count >= 10);
	CHECK_NUMBER(scene_remove("all"), 0);
	CHECK(!pins_exists(KERNEL_PINS_DEFAULT));
	CHECK_NUMBER(scene_alive(&objects), 0);
}

TEST(a_cgroup_that_went_away_is_said_and_does_not_stand_in_the_way)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy;
	const char *text =
		arena_printf(arena, "chain c { hook cgroup egress on \"%s/below\"; tcp dport 80 drop\n }", scene_cgroup);
	const char *below = arena_printf(arena, "%s/below", scene_cgroup_path);

	CHECK(mkdir(below, 0755) == 0);
	CHECK_NUMBER(scene_apply("c", text), 0);
	CHECK(rmdir(below) == 0);
	policy = look(arena, "c");
	for (int i = 0; i < 60 && policy && policy->chains[0].attachments[0].present; i++) {
		usleep(50000); /* the kernel lets go of a cgroup by and by */
		policy = look(arena, "c");
	}
	CHECK(policy && !policy->chains[0].attachments[0].present);
	CHECK_NUMBER(scene_remove("c"), 0);
}

TEST(an_interface_that_went_away_and_came_back_is_covered_again)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy;
	const char *text = "chain a { hook xdp ingress on e0; tcp dport 80 drop\n }";

	CHECK(scene_run("ip link add e0 type veth peer name e1"));
	CHECK_NUMBER(scene_apply("a", text), 0);
	CHECK(scene_run("ip link del e0"));
	policy = look(arena, "a");
	CHECK(policy && !policy->chains[0].attachments[0].present);
	CHECK(scene_run("ip link add e0 type veth peer name e1"));
	CHECK_NUMBER(scene_apply("a", text), 0);
	policy = look(arena, "a");
	CHECK(policy && policy->chains[0].attachments[0].present &&
	      policy->chains[0].attachments[0].ifindex == if_nametoindex("e0"));
	CHECK(scene_run("ip link del e0"));
	CHECK_NUMBER(scene_remove("a"), 0);
}

TEST(an_interface_in_another_namespace_is_reached_and_weir_comes_home)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *name = arena_printf(arena, "weir-test-%d", getpid());
	struct stat before, after;
	const struct state_policy *policy;
	const char *hooks[] = { "xdp ingress", "tc ingress" };

	CHECK(scene_run(arena_printf(arena, "ip netns add %s && ip -n %s link add n0 type veth peer name n1", name, name)));
	for (int clsact = 0; clsact < 2; clsact++)
		for (int i = 0; i < 2; i++) {
			if (clsact)
				setenv("WEIR_NO_TCX", "1", 1);
			stat("/proc/self/ns/net", &before);
			CHECK_NUMBER(
				scene_apply("n", arena_printf(arena, "chain a { hook %s on n0 netns %s; tcp dport 80 drop\n }",
							      hooks[i], name)),
				0);
			policy = look(arena, "n");
			CHECK(policy && policy->chains[0].attachments[0].present);
			CHECK(policy && policy->chains[0].attachments[0].netns &&
			      strcmp(policy->chains[0].attachments[0].netns, name) == 0);
			CHECK_NUMBER(scene_remove("n"), 0);
			stat("/proc/self/ns/net", &after);
			CHECK(before.st_ino == after.st_ino);
			CHECK(scene_run(arena_printf(arena, "! tc -n %s qdisc show dev n0 | grep -q clsact", name)));
			unsetenv("WEIR_NO_TCX");
		}
	CHECK(scene_run(arena_printf(arena, "ip netns del %s", name)));
}

int main(void)
{
	if (!scene_begin()) {
		SKIP(applies, "needs root, network namespaces and cgroup2");
		return tap_end();
	}
	RUN(a_policy_is_in_force_and_the_state_tells_of_it);
	RUN(rules_that_did_not_change_go_on_counting_and_new_ones_begin_at_nothing);
	RUN(counters_move_to_a_larger_map_when_many_rules_come);
	RUN(reset_begins_anew);
	RUN(live_elements_stay_and_those_of_the_policy_follow_it);
	RUN(a_set_whose_elements_did_not_change_keeps_its_maps);
	RUN(what_a_policy_no_longer_names_is_detached);
	RUN(what_is_to_be_in_force_can_be_read_before_it_is);
	RUN(what_asks_for_ethernet_is_refused_where_there_is_none);
	RUN(several_policies_live_side_by_side_and_go_alone);
	RUN(all_five_hooks_are_served_and_removal_leaves_nothing);
	RUN(a_cgroup_that_went_away_is_said_and_does_not_stand_in_the_way);
	RUN(an_interface_that_went_away_and_came_back_is_covered_again);
	RUN(an_interface_in_another_namespace_is_reached_and_weir_comes_home);
	scene_end();
	return tap_end();
}
