// SPDX-License-Identifier: GPL-2.0-only
/* Too old a kernel is told in a sentence with the version that would do; what a policy does not need is not asked for. */
#include "kernel/requirements.h"

#include "scene.h"

static struct scene_outcome check(const char *text, struct kernel_abilities abilities)
{
	struct scene_outcome outcome = { .result = -1, .arena = arena_new() };
	struct source source = { .name = "scene.weir", .text = text, .length = strlen(text) };
	struct code_options options = { 0 };
	const struct compiled *compiled;

	diagnostics_init(&outcome.diagnostics, outcome.arena);
	compiled = compile(outcome.arena, host_system(), &source, "p", &options, &outcome.diagnostics);
	if (compiled)
		outcome.result = requirements_check(compiled, &abilities, &outcome.diagnostics);
	return outcome;
}

static const struct kernel_abilities none;

TEST(each_thing_that_is_missing_is_named_with_the_version_that_has_it)
{
	static const struct {
		const char *policy, *words;
	} cases[] = {
		{ "chain c { hook xdp ingress on v0; tcp dport 80 drop\n }",
		  "too old for chain 'c': XDP programs for packets in several buffers come with Linux 5.18" },
		{ "chain c { hook cgroup egress on \"/x\"; tcp dport 80 drop\n }",
		  "too old for chain 'c': attachments at cgroups that outlive their process come with Linux 5.7" },
		{ "chain c { hook tc ingress on v0; tcp dport 80 log drop\n }",
		  "too old for chain 'c': the ring buffer for events comes with Linux 5.8" },
		{ "set s { type ipv4_addr; }\nchain c { hook tc ingress on v0; ip saddr @s drop\n }",
		  "too old for chain 'c': the clock for timeouts of a set's elements comes with Linux 5.11" },
	};

	for (size_t i = 0; i < 4; i++) {
		struct scene_outcome outcome = check(cases[i].policy, none);

		CHECK_NUMBER(outcome.result, -EOPNOTSUPP);
		CHECK_NUMBER(outcome.diagnostics.exit_code, 2);
		CHECK(scene_said(&outcome, cases[i].words));
		scene_outcome_clear(&outcome);
	}
}

TEST(what_a_policy_does_not_need_may_be_missing)
{
	struct scene_outcome outcome = check("chain c { hook tc ingress on v0; tcp dport 80 drop\n }", none);

	CHECK_NUMBER(outcome.result, 0);
	CHECK_NUMBER(outcome.diagnostics.errors, 0);
	scene_outcome_clear(&outcome);
}

int main(void)
{
	RUN(each_thing_that_is_missing_is_named_with_the_version_that_has_it);
	RUN(what_a_policy_does_not_need_may_be_missing);
	return tap_end();
}
