// SPDX-License-Identifier: GPL-2.0-only
/* Sets in force, changed live: what goes in, what fits, what expires, what programs then say. */
#include "scene.h"

#define POLICY(set) "set s { type ipv4_addr; " set " }\nchain x { hook xdp ingress on v0; ip saddr @s drop\n }\n"

static uint32_t program(void)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const struct state_policy *policy = scene_policy(scene_state(arena), "p");

	return policy ? policy->chains[0].program_id : 0;
}

/* Is 10.0.0.LAST a member? By the program in the kernel. */
static bool member(uint8_t last)
{
	return scene_packet(program(), last, 80) == 1;
}

static int add(uint32_t low, uint32_t high, uint64_t timeout_s)
{
	struct scene_set set = scene_set_open("p", "s");
	struct set_element element = scene_address(low, high, timeout_s);
	size_t done = 99;
	int r = kernel_set_add(set.set, &element, 1, &done);

	CHECK_NUMBER(done, r == 0);
	scene_set_close(&set);
	return r;
}

static int delete (uint32_t low, uint32_t high, size_t *missing)
{
	struct scene_set set = scene_set_open("p", "s");
	struct set_element element = scene_address(low, high, 0);
	int r = kernel_set_delete(set.set, &element, 1, NULL, missing);

	scene_set_close(&set);
	return r;
}

static const char *list(struct arena *arena)
{
	struct scene_set set = scene_set_open("p", "s");
	const struct set_element *elements;
	const char *all = "";
	size_t count = 0;

	CHECK_NUMBER(kernel_set_list(set.set, set.arena, &count, &elements), 0);
	for (size_t i = 0; i < count; i++)
		all = arena_printf(arena, "%s%s%s", all, *all ? ", " : "",
				   element_print(set.arena, kernel_set_type(set.set), &elements[i]));
	scene_set_close(&set);
	return all;
}

#define TEN 0x0a000000u

TEST(an_element_counts_from_the_moment_it_is_added)
{
	size_t missing = 99;

	CHECK_NUMBER(scene_apply("p", POLICY("size 100;")), 0);
	CHECK(!member(7));
	CHECK_NUMBER(add(TEN + 7, TEN + 7, 0), 0);
	CHECK(member(7) && !member(8));
	CHECK_NUMBER(delete (TEN + 7, TEN + 7, &missing), 0);
	CHECK_NUMBER(missing, 0);
	CHECK(!member(7));
	CHECK_NUMBER(delete (TEN + 7, TEN + 7, &missing), 0);
	CHECK_NUMBER(missing, 1);
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(a_range_is_every_address_in_it_and_none_beside)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	size_t missing = 99;

	CHECK_NUMBER(scene_apply("p", POLICY("size 100;")), 0);
	CHECK_NUMBER(add(TEN + 3, TEN + 200, 0), 0);
	for (uint32_t last = 0; last < 256; last++)
		CHECK(member((uint8_t)last) == (last >= 3 && last <= 200));
	CHECK(strstr(list(arena), "10.0.0.3, 10.0.0.4/30, 10.0.0.8/29"));
	CHECK_NUMBER(delete (TEN + 3, TEN + 200, &missing), 0);
	CHECK_NUMBER(missing, 0);
	CHECK_TEXT(list(arena), "");
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(a_set_that_is_full_says_how_many_went_in)
{
	struct set_element elements[10];
	struct scene_set set;
	size_t done = 99;

	CHECK_NUMBER(scene_apply("p", POLICY("size 4;")), 0);
	for (uint32_t i = 0; i < 10; i++)
		elements[i] = scene_address(TEN + i, TEN + i, 0);
	set = scene_set_open("p", "s");
	CHECK_NUMBER(kernel_set_add(set.set, elements, 10, &done), -ENOSPC);
	CHECK_NUMBER(done, 4);
	scene_set_close(&set);
	CHECK(member(3) && !member(4));
	CHECK_NUMBER(add(TEN + 2, TEN + 2, 0), 0); /* one that is there still goes in */
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(the_size_counts_single_values_and_prefixes_together)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct set_element elements[] = { scene_address(TEN + 1, TEN + 1, 0), scene_address(TEN + 256, TEN + 511, 0),
					  scene_address(TEN + 2, TEN + 2, 0), scene_address(TEN + 512, TEN + 518, 0),
					  scene_address(TEN + 3, TEN + 3, 0) };
	struct set_element same[3] = { elements[0], elements[0], elements[1] };
	struct scene_outcome outcome;
	struct scene_set set;
	size_t done = 99, missing;

	CHECK_NUMBER(scene_apply("p", POLICY("size 4;")), 0);
	set = scene_set_open("p", "s");
	/* The fourth would be three prefixes: it stays out whole, and so does what comes behind it. */
	CHECK_NUMBER(kernel_set_add(set.set, elements, 5, &done), -ENOSPC);
	CHECK_NUMBER(done, 3);
	CHECK_NUMBER(kernel_set_add(set.set, elements + 4, 1, &done), 0);
	CHECK_NUMBER(kernel_set_add(set.set, same, 3, &done), 0); /* those are there */
	CHECK_NUMBER(done, 3);
	scene_set_close(&set);
	CHECK_TEXT(list(arena), "10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.1.0/24");
	CHECK_NUMBER(add(TEN + 9, TEN + 9, 0), -ENOSPC);
	CHECK_NUMBER(delete (TEN + 256, TEN + 511, &missing), 0);
	CHECK_NUMBER(add(TEN + 256, TEN + 383, 0), 0); /* one prefix for another */
	CHECK_NUMBER(add(TEN + 256, TEN + 511, 0), -ENOSPC);
	/* A policy that gives it more than its size is told so, and changes nothing. */
	outcome = scene_apply_with("p", POLICY("size 3; elements = { 10.0.0.1-10.0.0.6 }"), NULL);
	CHECK(outcome.result < 0);
	CHECK(scene_said(&outcome,
			 "set 's' has 4 elements (a range is as many as the prefixes that cover it), more than its size 3"));
	scene_outcome_clear(&outcome);
	CHECK_TEXT(list(arena), "10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.1.0/25");
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(ranges_that_overlap_are_counted_once)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	CHECK_NUMBER(scene_apply("p", POLICY("size 3; elements = { 10.0.0.0-10.0.0.2, 10.0.0.2-10.0.0.3, 10.0.0.2 }")), 0);
	CHECK_TEXT(list(arena), "10.0.0.0/31, 10.0.0.2/31, 10.0.0.2");
	CHECK_NUMBER(add(TEN + 9, TEN + 9, 0), -ENOSPC);
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(what_expired_is_no_member_and_makes_room)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	CHECK_NUMBER(scene_apply("p", POLICY("size 2;")), 0);
	CHECK_NUMBER(add(TEN + 1, TEN + 1, 1), 0);
	CHECK_NUMBER(add(TEN + 2, TEN + 2, 100), 0);
	CHECK_TEXT(list(arena), "10.0.0.1 timeout 1s, 10.0.0.2 timeout 1m40s");
	CHECK(member(1));
	CHECK_NUMBER(add(TEN + 3, TEN + 3, 0), -ENOSPC);
	usleep(1250000);
	CHECK(!member(1) && member(2));
	CHECK(strncmp(list(arena), "10.0.0.2 timeout 1m3", 20) == 0); /* 9s, on a busy machine less */
	CHECK_NUMBER(add(TEN + 3, TEN + 3, 0), 0);
	CHECK(member(3) && member(2) && !member(1));
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(a_prefix_that_expires_does_not_hide_a_shorter_one)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	size_t missing;

	CHECK_NUMBER(scene_apply("p", POLICY("size 100;")), 0);
	CHECK_NUMBER(add(TEN, TEN + 127, 1), 0); /* /25, timed, first */
	CHECK_NUMBER(add(TEN, TEN + 255, 0), 0); /* /24 around it, for ever */
	CHECK_NUMBER(add(TEN, TEN + 63, 1), 0);	 /* /26 in it, timed */
	CHECK(member(1) && member(100) && member(200));
	usleep(1250000);
	CHECK(member(1) && member(100) && member(200));
	CHECK_TEXT(list(arena), "10.0.0.0/24");
	/* When the shorter one goes, what only lived by it goes with it. */
	CHECK_NUMBER(delete (TEN, TEN + 255, &missing), 0);
	CHECK(!member(1) && !member(100) && !member(200));
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(the_timeout_of_the_set_is_that_of_elements_without_one)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();

	CHECK_NUMBER(scene_apply("p", POLICY("size 100; timeout 30s;")), 0);
	CHECK_NUMBER(add(TEN + 1, TEN + 1, 0), 0);
	CHECK_TEXT(list(arena), "10.0.0.1 timeout 30s");
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(flush_empties)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct scene_set set;

	CHECK_NUMBER(scene_apply("p", POLICY("size 100; elements = { 10.0.0.1, 10.0.0.64/26 }")), 0);
	CHECK(member(1) && member(64));
	set = scene_set_open("p", "s");
	CHECK_NUMBER(kernel_set_flush(set.set), 0);
	scene_set_close(&set);
	CHECK(!member(1) && !member(64));
	CHECK_TEXT(list(arena), "");
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(a_hundred_thousand_elements_go_in_and_come_out)
{
	enum { MANY = 100000 };
	_cleanup_free_ struct set_element *elements = calloc(MANY, sizeof(*elements));
	struct scene_set set;
	const struct set_element *listed;
	uint64_t begun, took;
	size_t done = 0, count = 0;

	CHECK_NUMBER(scene_apply("p", POLICY("size 200000;")), 0);
	for (uint32_t i = 0; i < MANY; i++) /* half of them prefixes */
		elements[i] =
			i % 2 ? scene_address(TEN + i * 16, TEN + i * 16, 0) : scene_address(TEN + i * 16, TEN + i * 16 + 3, 0);
	set = scene_set_open("p", "s");
	begun = set_now();
	CHECK_NUMBER(kernel_set_add(set.set, elements, MANY, &done), 0);
	took = set_now() - begun;
	printf("# 100000 elements in %llu ms\n", (unsigned long long)(took / 1000000));
	CHECK(took < 5000000000u);
	CHECK_NUMBER(done, MANY);
	CHECK_NUMBER(kernel_set_list(set.set, set.arena, &count, &listed), 0);
	CHECK_NUMBER(count, MANY);
	for (size_t i = 0; i < count; i++)
		if (value_compare(listed[i].keys[0].low, elements[i].keys[0].low) ||
		    value_compare(listed[i].keys[0].high, elements[i].keys[0].high)) {
			CHECK(!"the list is what was added");
			break;
		}
	scene_set_close(&set);
	CHECK_NUMBER(scene_remove("p"), 0);
}

TEST(a_set_or_policy_that_is_not_there_is_named_with_what_is_near)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(kernel_closep) struct kernel *kernel = NULL;
	struct diagnostics diagnostics;
	struct kernel_set *set = (void *)9999;

	diagnostics_init(&diagnostics, arena);
	CHECK_NUMBER(
		scene_apply(
			"p",
			"set blocklist { type ipv4_addr; size 10; }\n chain x { hook xdp ingress on v0; ip saddr @blocklist drop\n }"),
		0);
	CHECK_NUMBER(kernel_open(arena, NULL, true, &kernel, &diagnostics), 0);
	CHECK_NUMBER(kernel_set_open(kernel, arena, "p", "blokclist", &set, &diagnostics), -ENOENT);
	CHECK(set == (void *)9999);
	CHECK_TEXT(diagnostics.list.items[0].message, "policy 'p' has no set 'blokclist'");
	CHECK_TEXT(diagnostics.list.items[0].hint, "did you mean 'blocklist'?");
	CHECK_NUMBER(kernel_set_open(kernel, arena, "pq", "blocklist", &set, &diagnostics), -ENOENT);
	CHECK_TEXT(diagnostics.list.items[1].message, "no policy 'pq' is in force");
	kernel_close(TAKE_PTR(kernel));
	CHECK_NUMBER(scene_remove("p"), 0);
}

int main(void)
{
	if (!scene_begin()) {
		SKIP(sets, "needs root, network namespaces and cgroup2");
		return tap_end();
	}
	RUN(an_element_counts_from_the_moment_it_is_added);
	RUN(a_range_is_every_address_in_it_and_none_beside);
	RUN(a_set_that_is_full_says_how_many_went_in);
	RUN(the_size_counts_single_values_and_prefixes_together);
	RUN(ranges_that_overlap_are_counted_once);
	RUN(what_expired_is_no_member_and_makes_room);
	RUN(a_prefix_that_expires_does_not_hide_a_shorter_one);
	RUN(the_timeout_of_the_set_is_that_of_elements_without_one);
	RUN(flush_empties);
	RUN(a_hundred_thousand_elements_go_in_and_come_out);
	RUN(a_set_or_policy_that_is_not_there_is_named_with_what_is_near);
	scene_end();
	return tap_end();
}
