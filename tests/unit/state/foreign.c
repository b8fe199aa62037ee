// SPDX-License-Identifier: GPL-2.0-only
/* Programs of others: named, left alone, and where they allow no second one, nothing is changed. */
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include "scene.h"

static uint32_t xdp_id(const char *name)
{
	uint32_t id = 0;

	return bpf_xdp_query_id((int)if_nametoindex(name), 0, &id) ? 0 : id;
}

TEST(an_xdp_program_of_another_is_named_and_stays)
{
	_cleanup_close_ int stranger = scene_foreign_program(BPF_PROG_TYPE_XDP, 2);
	struct scene_outcome outcome;

	CHECK(stranger >= 0);
	CHECK_NUMBER(bpf_xdp_attach((int)if_nametoindex("d0"), stranger, XDP_FLAGS_SKB_MODE, NULL), 0);
	outcome = scene_apply_with(
		"p",
		"chain t { hook tc ingress on v0; tcp dport 80 drop\n } chain x { hook xdp ingress on { v0, d0 }; tcp dport 80 drop\n }",
		NULL);
	CHECK(outcome.result < 0);
	CHECK_NUMBER(outcome.diagnostics.exit_code, 3);
	CHECK(scene_said(&outcome, "d0 already has an XDP program that is not weir's: stranger (id "));
	CHECK(scene_said(&outcome, "generic, attached without a link"));
	scene_outcome_clear(&outcome);
	CHECK_NUMBER(xdp_id("d0"), program_id(stranger));
	CHECK_NUMBER(xdp_id("v0"), 0);
	CHECK(!pins_exists(KERNEL_PINS_DEFAULT));
	bpf_xdp_detach((int)if_nametoindex("d0"), XDP_FLAGS_SKB_MODE, NULL);
}

TEST(a_second_policy_at_xdp_is_told_of_the_first)
{
	struct scene_outcome outcome;

	CHECK_NUMBER(scene_apply("one", "chain first { hook xdp ingress on v0; tcp dport 80 drop\n }"), 0);
	outcome = scene_apply_with("two", "chain x { hook xdp ingress on v0; tcp dport 80 drop\n }", NULL);
	CHECK(outcome.result < 0);
	CHECK(scene_said(&outcome, "policy 'one' already stands at xdp ingress of v0 (chain 'first')"));
	scene_outcome_clear(&outcome);
	CHECK_NUMBER(scene_remove(NULL), 0);
}

TEST(a_tcx_program_of_another_is_reported_and_stays)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_close_ int stranger = scene_foreign_program(BPF_PROG_TYPE_SCHED_CLS, -1);
	_cleanup_close_ int link = bpf_link_create(stranger, (int)if_nametoindex("v0"), ATTACH_TCX_INGRESS, NULL);
	const struct state_policy *policy;
	struct scene_outcome outcome;
	uint32_t ids[8], count = 8, flags;

	if (!kernel_features()->tcx)
		return;
	CHECK(link >= 0);
	outcome = scene_apply_with("p", "chain t { hook tc ingress on v0; tcp dport 80 drop\n }", NULL);
	CHECK_NUMBER(outcome.result, 0);
	CHECK(scene_said(&outcome, "tc ingress of v0 also has a program that is not weir's: stranger (id "));
	scene_outcome_clear(&outcome);
	policy = scene_policy(scene_state(arena), "p");
	CHECK(policy && policy->chains[0].attachments[0].foreign_count == 1);
	CHECK_TEXT(policy ? policy->chains[0].attachments[0].foreign[0].program_name : NULL, "stranger");
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK_NUMBER(bpf_prog_query((int)if_nametoindex("v0"), ATTACH_TCX_INGRESS, 0, &flags, ids, &count), 0);
	CHECK(count == 1 && ids[0] == program_id(stranger));
}

static bool attach_filter(int program, uint32_t priority)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts options;

	memset(&hook, 0, sizeof(hook));
	memset(&options, 0, sizeof(options));
	hook.sz = sizeof(hook);
	hook.ifindex = (int)if_nametoindex("v0");
	hook.attach_point = BPF_TC_INGRESS;
	options.sz = sizeof(options);
	options.handle = 1;
	options.priority = priority;
	options.prog_fd = program;
	return bpf_tc_attach(&hook, &options) == 0;
}

TEST(a_filter_of_another_keeps_its_place_and_the_qdisc)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_close_ int stranger = scene_foreign_program(BPF_PROG_TYPE_SCHED_CLS, -1);
	const struct state_policy *policy;

	setenv("WEIR_NO_TCX", "1", 1);
	/* weir made the qdisc, but somebody else came. */
	CHECK_NUMBER(scene_apply("p", "chain t { hook tc ingress on v0; tcp dport 80 drop\n }"), 0);
	CHECK(attach_filter(stranger, 7));
	policy = scene_policy(scene_state(arena), "p");
	CHECK(policy && policy->chains[0].attachments[0].foreign_count == 1);
	CHECK_TEXT(policy ? policy->chains[0].attachments[0].how : NULL, "clsact");
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK(scene_run("tc filter show dev v0 ingress | grep -q 'pref 7 .*stranger'"));
	CHECK(scene_run("! tc filter show dev v0 ingress | grep -q weir"));
	CHECK(scene_run("tc qdisc del dev v0 clsact"));
	/* Somebody else made the qdisc: it stays, and a priority that is taken is not used. */
	CHECK(scene_run("tc qdisc add dev v0 clsact"));
	CHECK(attach_filter(stranger, 1));
	CHECK_NUMBER(scene_apply("p", "chain t { hook tc ingress on v0; tcp dport 80 drop\n }"), 0);
	CHECK(scene_run("tc filter show dev v0 ingress | grep -q 'pref 2 .*weir'"));
	CHECK_NUMBER(scene_apply("p", "chain t { hook tc ingress on v0; tcp dport 81 drop\n }"), 0);
	CHECK(scene_run("test $(tc filter show dev v0 ingress | grep -c 'handle 0x1 weir') = 1"));
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK(scene_run("tc filter show dev v0 ingress | grep -q 'pref 1 .*stranger'"));
	CHECK(scene_run("tc qdisc show dev v0 | grep -q clsact && tc qdisc del dev v0 clsact"));
	unsetenv("WEIR_NO_TCX");
}

TEST(a_filter_of_another_in_the_place_of_ours_is_not_touched)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_close_ int stranger = scene_foreign_program(BPF_PROG_TYPE_SCHED_CLS, -1);
	const struct state_policy *policy;

	setenv("WEIR_NO_TCX", "1", 1);
	CHECK_NUMBER(scene_apply("p", "chain t { hook tc ingress on v0; tcp dport 80 drop\n }"), 0);
	CHECK(scene_run("tc filter del dev v0 ingress pref 1"));
	CHECK(attach_filter(stranger, 1));
	policy = scene_policy(scene_state(arena), "p");
	CHECK(policy && !policy->chains[0].attachments[0].present && policy->chains[0].attachments[0].foreign_count == 1);
	CHECK_NUMBER(scene_apply("p", "chain t { hook tc ingress on v0; tcp dport 81 drop\n }"), 0);
	CHECK(scene_run("tc filter show dev v0 ingress | grep -q 'pref 1 .*stranger'"));
	CHECK(scene_run("tc filter show dev v0 ingress | grep -q 'pref 2 .*weir'"));
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK(scene_run("tc filter show dev v0 ingress | grep -q 'pref 1 .*stranger'"));
	CHECK(!pins_exists(KERNEL_PINS_DEFAULT)); /* the qdisc is theirs now */
	CHECK(scene_run("tc qdisc del dev v0 clsact"));
	unsetenv("WEIR_NO_TCX");
}

TEST(the_older_qdisc_takes_no_filter_for_the_way_out)
{
	struct scene_outcome outcome;

	setenv("WEIR_NO_TCX", "1", 1);
	CHECK(scene_run("tc qdisc add dev v0 ingress"));
	CHECK_NUMBER(scene_apply("p", "chain t { hook tc ingress on v0; tcp dport 80 drop\n }"), 0);
	outcome = scene_apply_with("q", "chain t { hook tc egress on v0; tcp dport 80 drop\n }", NULL);
	CHECK(outcome.result < 0);
	CHECK(scene_said(&outcome, "its qdisc \"ingress\" stands where clsact would"));
	scene_outcome_clear(&outcome);
	CHECK_NUMBER(scene_remove(NULL), 0);
	CHECK(scene_run("tc qdisc show dev v0 | grep -q ingress && tc qdisc del dev v0 ingress"));
	unsetenv("WEIR_NO_TCX");
}

TEST(a_cgroup_held_by_a_program_alone_is_refused_by_name)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_close_ int stranger = scene_foreign_program(BPF_PROG_TYPE_CGROUP_SKB, 1);
	_cleanup_close_ int cgroup = open(scene_cgroup_path, O_RDONLY | O_DIRECTORY);
	const char *below = arena_printf(arena, "%s/below", scene_cgroup_path);
	const char *policies[] = {
		arena_printf(arena, "chain c { hook cgroup egress on \"%s\"; tcp dport 80 drop\n }", scene_cgroup),
		arena_printf(arena, "chain c { hook cgroup egress on \"%s/below\"; tcp dport 80 drop\n }", scene_cgroup),
	};
	struct scene_outcome outcome;

	mkdir(below, 0755);
	CHECK_NUMBER(bpf_prog_attach(stranger, cgroup, BPF_CGROUP_INET_EGRESS, 0), 0);
	for (int i = 0; i < 2; i++) {
		outcome = scene_apply_with("p", policies[i], NULL);
		CHECK(outcome.result < 0);
		CHECK_NUMBER(outcome.diagnostics.exit_code, 3);
		CHECK(scene_said(&outcome, "is taken: program stranger (id "));
		CHECK(scene_said(&outcome, "allows no second one"));
		scene_outcome_clear(&outcome);
	}
	CHECK_NUMBER(bpf_prog_detach2(stranger, cgroup, BPF_CGROUP_INET_EGRESS), 0);
	/* One that may be overridden shuts out its own cgroup only. */
	CHECK_NUMBER(bpf_prog_attach(stranger, cgroup, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_OVERRIDE), 0);
	outcome = scene_apply_with("p", policies[0], NULL);
	CHECK(outcome.result < 0);
	scene_outcome_clear(&outcome);
	CHECK_NUMBER(scene_apply("p", policies[1]), 0);
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK_NUMBER(bpf_prog_detach2(stranger, cgroup, BPF_CGROUP_INET_EGRESS), 0);
	/* With multi both stand. */
	CHECK_NUMBER(bpf_prog_attach(stranger, cgroup, BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI), 0);
	outcome = scene_apply_with("p", policies[0], NULL);
	CHECK_NUMBER(outcome.result, 0);
	CHECK(scene_said(&outcome, "also has a program that is not weir's: stranger"));
	scene_outcome_clear(&outcome);
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK_NUMBER(bpf_prog_detach2(stranger, cgroup, BPF_CGROUP_INET_EGRESS), 0);
	rmdir(below);
}

TEST(a_glob_takes_the_cgroups_that_are_there)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy;
	struct scene_outcome outcome;

	CHECK(scene_run(arena_printf(arena, "mkdir -p %s/web-1 %s/web-2 %s/db", scene_cgroup_path, scene_cgroup_path,
				     scene_cgroup_path)));
	outcome = scene_apply_with(
		"p", arena_printf(arena, "chain c { hook cgroup egress on \"%s/web-*\"; tcp dport 80 drop\n }", scene_cgroup),
		NULL);
	CHECK_NUMBER(outcome.result, 0);
	CHECK(scene_said(&outcome, "is now 2 cgroups:"));
	scene_outcome_clear(&outcome);
	policy = scene_policy(scene_state(arena), "p");
	CHECK(policy && policy->chains[0].attachment_count == 2);
	CHECK_NUMBER(scene_remove("p"), 0);
	outcome = scene_apply_with(
		"p", arena_printf(arena, "chain c { hook cgroup egress on \"%s/nothing-*\"; tcp dport 80 drop\n }", scene_cgroup),
		NULL);
	CHECK(outcome.result < 0 && outcome.diagnostics.exit_code == 3);
	CHECK(scene_said(&outcome, "no cgroup below"));
	scene_outcome_clear(&outcome);
	CHECK(scene_run(
		arena_printf(arena, "rmdir %s/web-1 %s/web-2 %s/db", scene_cgroup_path, scene_cgroup_path, scene_cgroup_path)));
}

TEST(what_is_missing_is_said_all_at_once)
{
	struct scene_outcome outcome = scene_apply_with("p",
							"chain a { hook xdp ingress on { v9, v0 }; tcp dport 80 drop\n }\n"
							"chain b { hook tc ingress on nope; tcp dport 80 drop\n }\n"
							"chain c { hook tc ingress on v0 netns nowhere; tcp dport 80 drop\n }\n"
							"chain d { hook cgroup egress on \"/no/such\"; tcp dport 80 drop\n }\n",
							NULL);

	CHECK(outcome.result < 0);
	CHECK_NUMBER(outcome.diagnostics.exit_code, 3);
	CHECK(scene_said(&outcome, "no such interface 'v9'"));
	CHECK(scene_said(&outcome, "no such interface 'nope'"));
	CHECK(scene_said(&outcome, "cannot enter network namespace 'nowhere': there is no such namespace"));
	CHECK(scene_said(&outcome, "no such cgroup '/no/such'"));
	scene_outcome_clear(&outcome);
	CHECK(!pins_exists(KERNEL_PINS_DEFAULT));
}

TEST(a_forced_mode_holds_and_a_running_one_is_not_changed_with_a_gap)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy;
	struct scene_outcome outcome;

	CHECK_NUMBER(scene_apply("p", "chain a { hook xdp ingress on v0 mode generic; tcp dport 80 drop\n }"), 0);
	policy = scene_policy(scene_state(arena), "p");
	CHECK_TEXT(policy ? policy->chains[0].attachments[0].how : NULL, "generic");
	outcome = scene_apply_with("p", "chain a { hook xdp ingress on v0 mode native; tcp dport 80 drop\n }", NULL);
	CHECK(outcome.result < 0);
	CHECK(scene_said(&outcome, "v0 has the policy in generic mode"));
	scene_outcome_clear(&outcome);
	CHECK_NUMBER(scene_apply("p", "chain a { hook xdp ingress on v0; tcp dport 81 drop\n }"), 0);
	CHECK_NUMBER(scene_remove("p"), 0);
	/* lo has no native XDP. */
	outcome = scene_apply_with("p", "chain a { hook xdp ingress on lo mode native; tcp dport 80 drop\n }", NULL);
	CHECK(outcome.result < 0);
	CHECK_NUMBER(outcome.diagnostics.exit_code, 2);
	CHECK(scene_said(&outcome, "its driver has no native XDP"));
	scene_outcome_clear(&outcome);
	outcome = scene_apply_with("p", "chain a { hook xdp ingress on lo; tcp dport 80 drop\n }", NULL);
	CHECK_NUMBER(outcome.result, 0);
	CHECK(scene_said(&outcome, "(generic: the driver takes no native XDP program here)"));
	scene_outcome_clear(&outcome);
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(vlan_at_xdp_warns_where_the_card_takes_tags_off)
{
	struct scene_outcome outcome = scene_apply_with("p", "chain a { hook xdp ingress on v0; vlan id 5 drop\n }", NULL);

	CHECK_NUMBER(outcome.result, 0);
	CHECK(scene_said(&outcome, "v0 takes VLAN tags off before XDP sees a packet"));
	scene_outcome_clear(&outcome);
	CHECK(scene_run("ethtool -K v0 rx-vlan-offload off >/dev/null 2>&1"));
	outcome = scene_apply_with("p", "chain a { hook xdp ingress on v0; vlan id 5 drop\n }", NULL);
	CHECK_NUMBER(outcome.diagnostics.warnings, 0);
	scene_outcome_clear(&outcome);
	CHECK_NUMBER(scene_remove("p"), 0);
}

static void count_event(void *context, const struct weir_event *event)
{
	(void)event;
	++*(int *)context;
}

TEST(events_come_to_one_reader_and_a_second_is_told_who)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(kernel_closep) struct kernel *kernel = NULL;
	struct kernel_events *events = NULL, *second = NULL;
	const struct state_policy *policy;
	struct diagnostics diagnostics;
	int count = 0;

	diagnostics_init(&diagnostics, arena);
	CHECK_NUMBER(kernel_open(arena, NULL, false, &kernel, &diagnostics), 0);
	CHECK_NUMBER(kernel_events_open(kernel, arena, &events, &diagnostics), -ENOENT);
	CHECK_TEXT(diagnostics.list.items[0].message, "no policy in force logs anything");
	kernel_close(TAKE_PTR(kernel));
	CHECK_NUMBER(scene_apply("p", "chain a { hook xdp ingress on v0; tcp dport 80 log drop\n }"), 0);
	policy = scene_policy(scene_state(arena), "p");
	CHECK_NUMBER(kernel_open(arena, NULL, false, &kernel, &diagnostics), 0);
	CHECK_NUMBER(kernel_events_open(kernel, arena, &events, &diagnostics), 0);
	for (int i = 0; policy && i < 3; i++)
		scene_packet(policy->chains[0].program_id, 1, 80);
	while (kernel_events_read(events, 100, count_event, &count) > 0)
		;
	CHECK_NUMBER(count, 3);
	CHECK_NUMBER(kernel_events_open(kernel, arena, &second, &diagnostics), -EBUSY);
	CHECK(strstr(diagnostics.list.items[1].message, arena_printf(arena, "pid %d", getpid())));
	/* The reader keeps the ring buffer over a removal, and a policy that comes back writes to the same one. */
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK_NUMBER(scene_apply("p", "chain a { hook xdp ingress on v0; tcp dport 80 log drop\n }"), 0);
	policy = scene_policy(scene_state(arena), "p");
	if (policy)
		scene_packet(policy->chains[0].program_id, 1, 80);
	while (kernel_events_read(events, 100, count_event, &count) > 0)
		;
	CHECK_NUMBER(count, 4);
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK(pins_exists(KERNEL_PINS_DEFAULT "/v5/events"));
	kernel_events_close(events);
	CHECK(!pins_exists(KERNEL_PINS_DEFAULT));
}

int main(void)
{
	if (!scene_begin()) {
		SKIP(foreign, "needs root, network namespaces and cgroup2");
		return tap_end();
	}
	RUN(an_xdp_program_of_another_is_named_and_stays);
	RUN(a_second_policy_at_xdp_is_told_of_the_first);
	RUN(a_tcx_program_of_another_is_reported_and_stays);
	RUN(a_filter_of_another_keeps_its_place_and_the_qdisc);
	RUN(a_filter_of_another_in_the_place_of_ours_is_not_touched);
	RUN(the_older_qdisc_takes_no_filter_for_the_way_out);
	RUN(a_cgroup_held_by_a_program_alone_is_refused_by_name);
	RUN(a_glob_takes_the_cgroups_that_are_there);
	RUN(what_is_missing_is_said_all_at_once);
	RUN(a_forced_mode_holds_and_a_running_one_is_not_changed_with_a_gap);
	RUN(vlan_at_xdp_warns_where_the_card_takes_tags_off);
	RUN(events_come_to_one_reader_and_a_second_is_told_who);
	scene_end();
	return tap_end();
}
