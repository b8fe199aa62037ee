// SPDX-License-Identifier: GPL-2.0-only
/* Applies that fail, and applies that are killed, at every step: the old policy stands or the new one, whole, and nothing is left
 * over. */
#include <bpf/libbpf.h>
#include <signal.h>

#include "scene.h"

#define OLD                                                                                                                      \
	"chain x { hook xdp ingress on v0; tcp dport 80 drop\n } chain t { hook tc ingress on { v0, d0 }; tcp dport 80 drop\n }\n"
#define NEW                                                                                                                        \
	"chain x { hook xdp ingress on { v0, d0 }; tcp dport 81 drop\n } chain t { hook tc ingress on v0; tcp dport 81 drop\n }\n" \
	"chain e { hook tc egress on v0; tcp dport 81 drop\n }\n"

struct stop {
	int at, seen;
	bool kill;
};

static int on_step(void *context, const char *step)
{
	struct stop *stop = context;

	(void)step;
	if (stop->seen++ != stop->at)
		return 0;
	if (stop->kill)
		raise(SIGKILL);
	return -EIO;
}

static int count_steps(const char *name, const char *text)
{
	struct stop stop = { .at = -1 };
	struct apply_options options = { .before = on_step, .before_context = &stop };
	struct scene_outcome outcome = scene_apply_with(name, text, &options);

	CHECK_NUMBER(outcome.result, 0);
	scene_outcome_clear(&outcome);
	CHECK_NUMBER(scene_remove(name), 0);
	return stop.seen;
}

/* What is pinned, one a line. */
static const char *pins(struct arena *arena)
{
	FILE *pipe = popen("cd /sys/fs/bpf/weir 2>/dev/null && find . -name 'l_*' -prune -o -print | sort", "r");
	const char *all = "";
	char line[512];

	while (pipe && fgets(line, sizeof(line), pipe))
		all = arena_printf(arena, "%s%s", all, line);
	if (pipe)
		pclose(pipe);
	return all;
}

/* What stands where, by the kernel: hooks with the program's answer to a packet to port 80 and 81. */
static const char *in_force(struct arena *arena, const char *name)
{
	const struct state_policy *policy = scene_policy(scene_state(arena), name);
	const char *all = policy ? arena_printf(arena, "generation %llu", (unsigned long long)policy->generation) : "nothing";

	for (uint32_t c = 0; policy && c < policy->chain_count; c++)
		for (uint32_t a = 0; a < policy->chains[c].attachment_count; a++) {
			const struct state_attachment *at = &policy->chains[c].attachments[a];

			all = arena_printf(arena, "%s, %s %s %s%s program %u foreign %u", all, policy->chains[c].name, at->target,
					   at->how, at->present ? "" : " gone", policy->chains[c].program_id, at->foreign_count);
		}
	return all;
}

/* Does each link run the program that the manifest names? state reads the program's pin, so the link itself is asked. */
static bool links_run_their_programs(struct arena *arena, const char *name)
{
	const struct state_policy *policy = scene_policy(scene_state(arena), name);

	for (uint32_t c = 0; policy && c < policy->chain_count; c++)
		for (uint32_t a = 0; a < policy->chains[c].attachment_count; a++) {
			_cleanup_close_ int fd = policy->chains[c].attachments[a].link_id
							 ? bpf_link_get_fd_by_id(policy->chains[c].attachments[a].link_id)
							 : -1;
			struct bpf_link_info info = { 0 };
			uint32_t length = sizeof(info);

			if (policy->chains[c].attachments[a].link_id && (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length) ||
									 info.prog_id != policy->chains[c].program_id))
				return false;
		}
	return true;
}

static void open_for_change(void)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(kernel_closep) struct kernel *kernel = NULL;
	struct diagnostics diagnostics;

	diagnostics_init(&diagnostics, arena);
	CHECK_NUMBER(kernel_open(arena, NULL, true, &kernel, &diagnostics), 0);
	CHECK_NUMBER(diagnostics.list.count, 0);
}

static void fail_everywhere(void)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	int steps = count_steps("p", OLD);
	const char *pins_before, *force_before;

	CHECK(steps > 5);
	/* Nothing was there: nothing is there. */
	for (int at = 0; at < steps - 1; at++) {
		struct stop stop = { .at = at };
		struct apply_options options = { .before = on_step, .before_context = &stop };
		struct scene_outcome outcome = scene_apply_with("p", OLD, &options);

		CHECK_NUMBER(outcome.result, -EIO);
		CHECK_TEXT(pins(arena), "");
		scene_outcome_clear(&outcome);
	}
	CHECK_NUMBER(scene_apply("p", OLD), 0);
	pins_before = pins(arena);
	force_before = in_force(arena, "p");
	for (int at = 0; at < 100; at++) {
		struct stop stop = { .at = at };
		struct apply_options options = { .before = on_step, .before_context = &stop };
		struct scene_outcome outcome = scene_apply_with("p", NEW, &options);

		if (outcome.result == 0) { /* only the clean-up was left */
			scene_outcome_clear(&outcome);
			CHECK(at > 6);
			break;
		}
		CHECK_TEXT(pins(arena), pins_before);
		CHECK_TEXT(in_force(arena, "p"), force_before);
		CHECK(links_run_their_programs(arena, "p"));
		scene_outcome_clear(&outcome);
	}
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK_TEXT(pins(arena), "");
}

/* Killed in a child; what was in force before and what is after must be the same, or the new generation. */
static bool kill_at(int at, const char *text)
{
	struct stop stop = { .at = at, .kill = true };
	struct apply_options options = { .before = on_step, .before_context = &stop };
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		scene_apply_with("p", text, &options);
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status);
}

static void kill_everywhere(void)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *pins_before, *force_before;
	int at;

	for (at = 0; at < 100 && kill_at(at, OLD); at++) {
		open_for_change();
		/* The last step is behind the commit. */
		if (*pins(arena) && at < 5)
			CHECK_TEXT(pins(arena), "");
		scene_remove("p");
		CHECK_TEXT(pins(arena), "");
	}
	CHECK(at > 5 && at < 100);
	scene_remove("p");
	for (at = 0; at < 100; at++) {
		bool killed;

		CHECK_NUMBER(scene_apply("p", OLD), 0);
		pins_before = pins(arena);
		force_before = in_force(arena, "p");
		killed = kill_at(at, NEW);
		open_for_change();
		CHECK(links_run_their_programs(arena, "p"));
		if (strcmp(in_force(arena, "p"), force_before) == 0) {
			CHECK_TEXT(pins(arena), pins_before);
			CHECK(killed);
		} else {
			CHECK(strstr(in_force(arena, "p"), "generation 2, x v0"));
			CHECK(!strstr(in_force(arena, "p"), "gone") && !strstr(in_force(arena, "p"), "foreign 1"));
			CHECK(at > 8);
		}
		CHECK_NUMBER(scene_remove("p"), 0);
		CHECK_TEXT(pins(arena), "");
		if (!killed)
			break;
	}
	CHECK(at < 100);
}

static bool no_filters(void)
{
	return scene_run("! { tc qdisc show dev v0; tc qdisc show dev d0; } | grep -q clsact");
}

TEST(an_apply_that_fails_at_any_step_changes_nothing)
{
	fail_everywhere();
}

TEST(an_apply_that_is_killed_at_any_step_leaves_the_old_or_the_new)
{
	kill_everywhere();
}

TEST(the_same_holds_with_filters_of_clsact)
{
	setenv("WEIR_NO_TCX", "1", 1);
	fail_everywhere();
	CHECK(no_filters());
	kill_everywhere();
	CHECK(no_filters());
	unsetenv("WEIR_NO_TCX");
}

TEST(reading_puts_right_what_a_killed_apply_left)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *before;

	CHECK_NUMBER(scene_apply("p", OLD), 0);
	before = pins(arena);
	CHECK(kill_at(8, NEW));
	CHECK(strcmp(pins(arena), before) != 0);
	CHECK(scene_policy(scene_state(arena), "p") != NULL);
	CHECK_TEXT(pins(arena), before);
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(a_policy_whose_manifest_is_damaged_can_be_removed)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	int fd;

	CHECK_NUMBER(scene_apply("p", OLD), 0);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "other", 4, 8, 1, NULL);
	CHECK(unlink("/sys/fs/bpf/weir/v5/policies/p/manifest") == 0);
	CHECK_NUMBER(bpf_obj_pin(fd, "/sys/fs/bpf/weir/v5/policies/p/manifest"), 0);
	close(fd);
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK_TEXT(pins(arena), "");
}

/* The state of POLICY, of all when NULL, which tells of SAID policies that cannot be read. */
static const struct state *state_of(struct arena *arena, const char *policy, size_t said)
{
	_cleanup_(kernel_closep) struct kernel *kernel = NULL;
	const struct state *state = NULL;
	struct diagnostics diagnostics;

	diagnostics_init(&diagnostics, arena);
	CHECK_NUMBER(kernel_open(arena, NULL, false, &kernel, &diagnostics), 0);
	CHECK_NUMBER(kernel_state(kernel, arena, policy, &state, &diagnostics), 0);
	CHECK_NUMBER(diagnostics.list.count, said);
	return state;
}

/* As if so many events had found the ring buffer full. */
static void lose_events(const char *path, uint64_t count)
{
	struct weir_counter *values = calloc((size_t)libbpf_num_possible_cpus(), sizeof(*values));
	_cleanup_close_ int fd = bpf_obj_get(path);
	uint32_t slot = WEIR_SLOT_EVENTS_LOST;

	values[0].packets = count;
	CHECK_NUMBER(bpf_map_update_elem(fd, &slot, values, BPF_ANY), 0);
	free(values);
}

/* What a policy's rules say is read where they are told, and by nobody else: theirs may be missing. */
TEST(who_asks_for_one_policy_does_not_read_the_rules_of_another)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy;
	struct scene_outcome outcome;
	uint64_t lost = 9999;
	struct scene_set set;

	CHECK_NUMBER(scene_apply("p", OLD), 0);
	CHECK(unlink(KERNEL_PINS_DEFAULT "/v5/policies/p/g1/rules_0") == 0);
	lose_events(KERNEL_PINS_DEFAULT "/v5/policies/p/g1/counters_0", 3);
	outcome = scene_apply_with("q", "set s { type ipv4_addr; } chain c { hook tc egress on d0; ip daddr @s drop\n }\n", NULL);
	CHECK_NUMBER(outcome.result, 0);
	CHECK_NUMBER(outcome.diagnostics.list.count, 1); /* where it is attached */
	scene_outcome_clear(&outcome);
	set = scene_set_open("q", "s");
	CHECK(set.set != NULL);
	CHECK_NUMBER(kernel_events_lost(set.kernel, &lost), 0);
	CHECK_NUMBER(lost, 3);
	scene_set_close(&set);
	policy = scene_policy(state_of(arena, "q", 0), "q");
	CHECK(policy && policy->chains[0].chain_id == 3); /* p, with the first two, was seen */
	CHECK(scene_policy(state_of(arena, NULL, 1), "q") != NULL); /* of all, p is told of */
	CHECK_NUMBER(scene_remove("q"), 0);
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(a_policy_whose_rules_are_damaged_is_replaced_where_it_stands)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	CHECK_NUMBER(scene_apply("p", OLD), 0);
	CHECK(unlink(KERNEL_PINS_DEFAULT "/v5/policies/p/g1/rules_0") == 0);
	CHECK_NUMBER(scene_apply("p", NEW), 0);
	CHECK(strstr(in_force(arena, "p"), "generation 2, x v0"));
	CHECK(!strstr(in_force(arena, "p"), "gone") && !strstr(in_force(arena, "p"), "foreign 1"));
	CHECK(links_run_their_programs(arena, "p"));
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(pins_of_another_version_are_told_of_and_left_alone)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct scene_outcome outcome;

	CHECK(mkdir(KERNEL_PINS_DEFAULT, 0700) == 0 && mkdir(KERNEL_PINS_DEFAULT "/v4", 0700) == 0);
	outcome = scene_apply_with("p", OLD, NULL);
	CHECK_NUMBER(outcome.result, 0);
	CHECK(scene_said(&outcome, KERNEL_PINS_DEFAULT "/v4 holds policies of another version of weir"));
	scene_outcome_clear(&outcome);
	CHECK_NUMBER(scene_remove("p"), 0);
	CHECK_TEXT(pins(arena), ".\n./v4\n");
	CHECK(rmdir(KERNEL_PINS_DEFAULT "/v4") == 0 && rmdir(KERNEL_PINS_DEFAULT) == 0);
}

int main(void)
{
	if (!scene_begin()) {
		SKIP(failures, "needs root, network namespaces and cgroup2");
		return tap_end();
	}
	RUN(an_apply_that_fails_at_any_step_changes_nothing);
	RUN(an_apply_that_is_killed_at_any_step_leaves_the_old_or_the_new);
	RUN(the_same_holds_with_filters_of_clsact);
	RUN(reading_puts_right_what_a_killed_apply_left);
	RUN(a_policy_whose_manifest_is_damaged_can_be_removed);
	RUN(who_asks_for_one_policy_does_not_read_the_rules_of_another);
	RUN(a_policy_whose_rules_are_damaged_is_replaced_where_it_stands);
	RUN(pins_of_another_version_are_told_of_and_left_alone);
	scene_end();
	return tap_end();
}
