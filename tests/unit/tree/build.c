// SPDX-License-Identifier: GPL-2.0-only
#include <time.h>

#include "random_rules.h"
#include "../../tap.h"
#include "tree/tree.h"

/* Members by their bits alone: enough to be the same for both that are asked. */
static bool odd_members(void *context, const struct dimension *dimension, const struct judged_packet *packet)
{
	uint64_t value = 0;

	(void)context;
	for (uint32_t i = 0; i < dimension->key_count; i++)
		value += flow_field(packet->flow, dimension->keys[i]);
	if (dimension->kind == DIMENSION_PREDICATE)
		return packet->flow->length & 1;
	return (value >> dimension->set ^ value) & 1;
}

/* How many of FLOWS random flows tree and evaluator judge differently. */
static uint32_t count_differences_of(const struct rule_list *list, const struct tree *tree, struct random *random, uint32_t flows,
				     struct weir_flow (*draw)(struct random *))
{
	uint32_t *passed = calloc(2 * list->rule_count, sizeof(*passed)), differences = 0;
	struct judgement truth = { .passed = passed }, got = { .passed = passed + list->rule_count };

	for (uint32_t i = 0; i < flows; i++) {
		struct weir_flow flow = draw(random);
		const struct judged_packet packet = { .flow = &flow };

		got.decided = UINT32_MAX;
		rules_judge(list, &packet, odd_members, NULL, &truth);
		tree_judge(tree, &packet, odd_members, NULL, &got);
		differences += !same_judgement(&truth, &got);
	}
	free(passed);
	return differences;
}

static uint32_t count_differences(const struct rule_list *list, const struct tree *tree, struct random *random, uint32_t flows)
{
	return count_differences_of(list, tree, random, flows, random_flow);
}

static const struct tree *build_as(struct arena *arena, const struct rule_list *list, enum tree_wish wish)
{
	const struct tree_options options = { .wish = wish };
	struct diagnostics diagnostics;
	const struct tree *tree;

	diagnostics_init(&diagnostics, arena);
	tree = tree_build(arena, list, &options, &diagnostics);
	if (!tree)
		diagnostics_print(&diagnostics, stdout, false);
	return tree;
}

static const struct tree *build(struct arena *arena, const struct rule_list *list)
{
	return build_as(arena, list, TREE_AS_FITS);
}

static char *print_tree(const struct tree *tree)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	tree_print(tree, out);
	fclose(out);
	return text;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (now.tv_sec - start->tv_sec) + (now.tv_nsec - start->tv_nsec) / 1e9;
}

static void compare_random(uint32_t rounds, uint32_t rules, uint32_t dimensions, uint32_t continuing)
{
	for (uint32_t round = 0; round < rounds; round++) {
		struct arena *arena = arena_new();
		struct random random = { round * 1000 + rules };
		const struct rule_list *list =
			random_rules(arena, &random, 1 + random_below(&random, rules), dimensions, continuing);
		const struct tree *tree = build_as(arena, list, round % (TREE_ALL_VECTORS + 1));

		CHECK(tree != NULL);
		if (tree)
			CHECK_NUMBER(count_differences(list, tree, &random, 300), 0);
		arena_free(arena);
	}
}

TEST(small_random_lists_are_judged_as_by_the_evaluator)
{
	compare_random(600, 12, RANDOM_DIMENSIONS, 2);
}

TEST(lists_of_five_fields_are_judged_as_by_the_evaluator)
{
	compare_random(60, 80, RANDOM_FLAGS, 1);
}

TEST(lists_with_many_rules_without_verdict_are_judged_as_by_the_evaluator)
{
	compare_random(60, 60, RANDOM_DIMENSIONS, 8);
}

TEST(lists_too_wild_for_one_tree_are_parted_and_judged_as_by_the_evaluator)
{
	struct arena *arena = arena_new();
	struct random random = { 5 };
	const struct rule_list *list = random_rules(arena, &random, 300, RANDOM_DIMENSIONS, 1);
	const struct tree *tree = build(arena, list);

	CHECK(tree != NULL);
	if (tree) {
		CHECK(tree->deciding_count > 1);
		CHECK_NUMBER(count_differences(list, tree, &random, 2000), 0);
	}
	arena_free(arena);
}

TEST(rules_wide_and_narrow_crosswise_are_parted_by_that_and_judged_as_by_the_evaluator)
{
	for (uint32_t continuing = 0; continuing < 4; continuing += 3) {
		struct arena *arena = arena_new();
		struct random random = { 6 };
		const struct rule_list *list = cross_rules(arena, &random, 1000, continuing);
		const struct tree *tree = build(arena, list);

		CHECK(tree != NULL);
		if (tree) {
			printf("# %u nodes, %u deciding trees\n", tree->node_count, tree->deciding_count);
			CHECK(tree->deciding_count > 1 && tree->deciding_count <= 4 && tree->node_count < 12000);
			CHECK_NUMBER(count_differences_of(list, tree, &random, 20000, cross_flow), 0);
		}
		arena_free(arena);
	}
}

TEST(the_next_tree_of_a_rule_is_the_first_later_one_with_an_earlier_rule_that_it_meets)
{
	struct arena *arena = arena_new();
	struct random random = { 7 };
	const struct tree *tree = build(arena, cross_rules(arena, &random, 1000, 0));
	uint32_t last = 0, some = 0;

	for (uint32_t i = 0; i < tree->rules->rule_count; i++) {
		last += tree->next[i] == tree->deciding_count;
		some += tree->next[i] < tree->deciding_count;
	}
	for (uint32_t i = 0; i + 1 < tree->deciding_count; i++)
		CHECK(tree->deciding[i].least <= tree->deciding[i + 1].least);
	CHECK_NUMBER(tree->deciding[0].least, 0);
	CHECK(last > 100 && some > 100);
	arena_free(arena);
}

TEST(the_same_rules_give_the_same_tree)
{
	struct arena *arena = arena_new();
	struct random random = { 77 };
	const struct rule_list *list = random_rules(arena, &random, 40, RANDOM_DIMENSIONS, 2);
	char *one = print_tree(build(arena, list)), *two = print_tree(build(arena, list));

	CHECK_TEXT(two, one);
	free(one);
	free(two);
	arena_free(arena);
}

TEST(children_come_before_their_parents_and_no_node_is_there_twice)
{
	struct arena *arena = arena_new();
	struct random random = { 3 };
	const struct tree *tree = build(arena, random_rules(arena, &random, 30, RANDOM_DIMENSIONS, 3));

	for (uint32_t i = 0; i < tree->node_count; i++) {
		const struct tree_node *node = &tree->nodes[i];

		if (node->leaf)
			continue;
		CHECK(node->low < i && node->high < i && node->low != node->high);
		CHECK(node->bound > 0 && node->bound <= tree->rules->dimensions[node->dimension].max);
		for (uint32_t k = 0; k < i; k++)
			CHECK(tree->nodes[k].leaf || tree->nodes[k].dimension != node->dimension ||
			      tree->nodes[k].bound != node->bound || tree->nodes[k].low != node->low ||
			      tree->nodes[k].high != node->high);
	}
	arena_free(arena);
}

static uint32_t depth_of(const struct tree *tree, uint32_t number)
{
	const struct tree_node *node = &tree->nodes[number];
	uint32_t low, high;

	if (node->leaf)
		return 0;
	low = depth_of(tree, node->low);
	high = depth_of(tree, node->high);
	return 1 + (low > high ? low : high);
}

static void check_exact(uint32_t count, uint32_t most_depth, double most_seconds)
{
	struct arena *arena = arena_new();
	const struct rule_list *list = exact_rules(arena, count);
	struct timespec start;
	const struct tree *tree;
	double seconds;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	tree = build_as(arena, list, TREE_ALL_CODE);
	seconds = seconds_since(&start);
	CHECK(tree != NULL);
	if (tree) {
		printf("# %u rules: %u nodes, depth %u, %.3f s\n", count, tree->node_count,
		       depth_of(tree, tree->deciding[0].root), seconds);
		CHECK_NUMBER(tree->deciding_count, 1);
		CHECK(tree->node_count < 6 * count + 20);
		CHECK(depth_of(tree, tree->deciding[0].root) <= most_depth);
		CHECK_NUMBER(tree->deciding[0].depth, depth_of(tree, tree->deciding[0].root));
		CHECK_NUMBER(tree->deciding[0].node_count, tree->node_count);
		CHECK(seconds < most_seconds);
	}
	arena_free(arena);
}

TEST(a_thousand_exact_rules_make_one_flat_tree_quickly)
{
	check_exact(1000, 22, 2);
}

TEST(ten_thousand_exact_rules_make_one_flat_tree_quickly)
{
	check_exact(10000, 26, 10);
}

TEST(many_exact_rules_are_a_table_and_what_stands_between_them_keeps_its_place)
{
	struct arena *arena = arena_new();
	struct rule_list *list = exact_rules(arena, 3000);
	struct rule *rules = arena_copy(arena, list->rules, list->rule_count * sizeof(*rules));
	static const struct interval zero = { 0, 0 }, ports = { 1000, 2000 };
	static const struct constraint constraints[] = { { RANDOM_MALFORMED, 1, &zero }, { RANDOM_DPORT, 1, &ports } };
	static const struct box box = { 2, constraints };
	struct random random = { 4 };
	const struct tree *tree;

	rules[1500].boxes = &box;	      /* before some and behind others */
	rules[2900].boxes = rules[100].boxes; /* the same numbers twice: the first counts */
	list->rules = rules;
	tree = build(arena, list);
	CHECK_NUMBER(tree->deciding_count, 2);
	CHECK(tree->deciding[0].form == TREE_TABLE && tree->deciding[1].form == TREE_CODE);
	CHECK_NUMBER(tree->deciding[0].table->count, 2998);
	CHECK_NUMBER(tree->next[0], 2);	   /* no rule before it in the tree */
	CHECK_NUMBER(tree->next[1700], 1); /* port 1701: the range stands before it */
	CHECK_NUMBER(tree->next[2500], 2);
	CHECK(tree->reached[100] && !tree->reached[2900] && !tree->reached[1700] && tree->reached[2500]);
	for (uint32_t i = 0; i < 3000; i++) {
		struct weir_flow flow = { .network = WEIR_NETWORK_IPV4,
					  .transport = WEIR_TRANSPORT_TCP,
					  .protocol = 6,
					  .saddr4 = (i + 1) * 2654435761u,
					  .dport = 1 + i };
		struct judged_packet packet = { .flow = &flow };
		struct judgement truth = { 0 }, got = { 0 };

		rules_judge(list, &packet, odd_members, NULL, &truth);
		tree_judge(tree, &packet, odd_members, NULL, &got);
		CHECK_NUMBER(got.decided, truth.decided);
	}
	CHECK_NUMBER(count_differences(list, tree, &random, 2000), 0);
	arena_free(arena);
}

/* COUNT rules about single numbers, the first OTHERS of them about a range instead: the form of what is asked first. */
static enum tree_form first_form(uint32_t count, uint32_t others)
{
	struct arena *arena = arena_new();
	struct rule_list *list = exact_rules(arena, count);
	struct rule *rules = arena_copy(arena, list->rules, list->rule_count * sizeof(*rules));
	enum tree_form form;

	for (uint32_t i = 0; i < others; i++) {
		struct interval *ports = arena_new_object(arena, struct interval);
		struct constraint *constraint = arena_new_object(arena, struct constraint);
		struct box *box = arena_new_object(arena, struct box);

		*ports = (struct interval){ 100 * i, 100 * i + 50 };
		*constraint = (struct constraint){ RANDOM_DPORT, 1, ports };
		*box = (struct box){ 1, constraint };
		rules[i].boxes = box;
	}
	list->rules = rules;
	form = build(arena, list)->deciding[0].form;
	arena_free(arena);
	return form;
}

TEST(few_exact_rules_are_a_table_where_next_to_nothing_else_is_left)
{
	CHECK_NUMBER(first_form(31, 0), TREE_CODE);
	CHECK_NUMBER(first_form(32, 0), TREE_TABLE);
	CHECK_NUMBER(first_form(200, 10), TREE_TABLE);
	CHECK_NUMBER(first_form(200, 20), TREE_CODE);
	CHECK_NUMBER(first_form(2000, 200), TREE_CODE);
	CHECK_NUMBER(first_form(2200, 200), TREE_TABLE);
}

TEST(rules_alike_in_all_but_one_number_are_a_table_whatever_else_they_ask_for)
{
	struct arena *arena = arena_new();
	struct rule_list *list = exact_rules(arena, 3000);
	struct rule *rules = arena_copy(arena, list->rules, list->rule_count * sizeof(*rules));
	static const struct interval ports[] = { { 80, 80 }, { 1000, 2000 }, { 65535, 65535 } };
	struct random random = { 5 };
	const struct tree *tree;

	for (uint32_t i = 0; i < 3000; i++) {
		struct box *box = arena_copy(arena, rules[i].boxes, sizeof(*box));
		struct constraint *constraints = arena_copy(arena, box->constraints, box->count * sizeof(*constraints));

		for (uint32_t c = 0; c < box->count; c++)
			if (constraints[c].dimension == RANDOM_DPORT)
				constraints[c] = (struct constraint){ RANDOM_DPORT, i == 7 ? 2 : 3, ports };
		box->constraints = constraints;
		rules[i].boxes = box;
	}
	list->rules = rules;
	tree = build(arena, list);
	CHECK(tree->deciding[0].form == TREE_TABLE && tree->deciding[1].form == TREE_CODE);
	CHECK_NUMBER(tree->deciding[0].table->count, 2999); /* the one with another list stays outside */
	CHECK_NUMBER(tree->deciding[0].table->shared_count, 1);
	for (uint32_t i = 0; i < 3000; i++)
		for (uint32_t k = 0; k < 12; k++) {
			static const uint16_t asked[] = { 0, 79, 80, 81, 999, 1000, 1001, 1999, 2000, 2001, 65534, 65535 };
			struct weir_flow flow = { .network = WEIR_NETWORK_IPV4,
						  .transport = WEIR_TRANSPORT_TCP,
						  .protocol = 6,
						  .saddr4 = (i + 1) * 2654435761u,
						  .dport = asked[k] };
			struct judged_packet packet = { .flow = &flow };
			struct judgement truth = { 0 }, got = { 0 };

			rules_judge(list, &packet, odd_members, NULL, &truth);
			tree_judge(tree, &packet, odd_members, NULL, &got);
			if (got.decided != truth.decided)
				CHECK_NUMBER(got.decided, truth.decided);
		}
	CHECK_NUMBER(count_differences(list, tree, &random, 2000), 0);
	arena_free(arena);
}

#define BUSY 500 /* the rule that decides most */

static uint64_t busy_packets(void *context, const struct policy_chain *chain, const struct rule *rule)
{
	(void)context, (void)chain;
	return rule->place.line == BUSY + 1 ? 1000000 : 1000;
}

/* How many cuts lead to the leaf of the busy rule, of the way that its packets take. */
static uint32_t busy_depth(const struct tree *tree)
{
	const struct weir_flow flow = { .network = WEIR_NETWORK_IPV4,
					.transport = WEIR_TRANSPORT_TCP,
					.protocol = 6,
					.saddr4 = (BUSY + 1) * 2654435761u,
					.dport = 1 + BUSY };
	const struct tree_node *node = &tree->nodes[tree->deciding[0].root];
	uint32_t depth = 0;

	for (; !node->leaf; depth++) {
		const struct dimension *dimension = &tree->rules->dimensions[node->dimension];

		node = &tree->nodes[(flow_field(&flow, dimension->field) & dimension->mask) < node->bound ? node->low
													  : node->high];
	}
	CHECK(node->rule_count == 1 && node->rules[0] == BUSY);
	return depth;
}

TEST(a_busy_rule_has_a_shorter_way_and_all_are_judged_as_before)
{
	const struct tree_options options = { .wish = TREE_ALL_CODE, .packets = busy_packets };
	struct arena *arena = arena_new();
	const struct rule_list *list = exact_rules(arena, 1000);
	const struct tree *plain = build_as(arena, list, TREE_ALL_CODE), *tuned, *again;
	struct diagnostics diagnostics;
	struct random random = { 8 };
	char *one, *two;

	diagnostics_init(&diagnostics, arena);
	tuned = tree_build(arena, list, &options, &diagnostics);
	again = tree_build(arena, list, &options, &diagnostics);
	printf("# %u cuts, tuned %u\n", busy_depth(plain), busy_depth(tuned));
	CHECK(busy_depth(tuned) + 3 < busy_depth(plain));
	CHECK(tuned->tuned && !plain->tuned);
	CHECK_NUMBER(count_differences(list, tuned, &random, 2000), 0);
	one = print_tree(tuned);
	two = print_tree(again);
	CHECK_TEXT(two, one);
	free(one);
	free(two);
	arena_free(arena);
}

TEST(the_largest_trees_become_data_until_the_rest_is_few_enough)
{
	struct arena *arena = arena_new();
	struct random random = { 6 };
	const struct tree *tree = build(arena, cross_rules(arena, &random, 1000, 3)), *less;
	uint32_t data = 0, nodes = 0;

	for (uint32_t i = 0; i < tree->deciding_count; i++)
		CHECK_NUMBER(tree->deciding[i].form, TREE_CODE);
	less = tree_with_less_code(arena, tree, 2000, NULL);
	CHECK(less != NULL);
	for (uint32_t i = 0; i < less->deciding_count + less->passing_count; i++) {
		const struct tree_part *part =
			i < less->deciding_count ? &less->deciding[i] : &less->passing[i - less->deciding_count];

		data += part->form == TREE_DATA;
		nodes += part->form == TREE_CODE ? part->node_count : 0;
	}
	printf("# %u trees as data, %u nodes as instructions: %s\n", data, nodes, less->why);
	CHECK(data > 0 && nodes <= 2000);
	CHECK_NUMBER(tree->deciding[0].form, TREE_CODE); /* the first is as it was */
	CHECK(strstr(less->why, "at most 2000") != NULL);
	arena_free(arena);
}

TEST(a_rule_that_earlier_ones_cover_is_not_reached)
{
	struct arena *arena = arena_new();
	struct rule *rules = arena_new_array(arena, struct rule, 5);
	static const struct interval zero = { 0, 0 }, low = { 0, 9 }, high = { 10, 65535 }, middle = { 5, 15 };
	static const struct constraint constraints[][2] = {
		{ { RANDOM_MALFORMED, 1, &zero }, { RANDOM_DPORT, 1, &low } },
		{ { RANDOM_MALFORMED, 1, &zero }, { RANDOM_DPORT, 1, &high } },
		{ { RANDOM_MALFORMED, 1, &zero }, { RANDOM_DPORT, 1, &middle } },
	};
	static const struct box boxes[] = { { 2, constraints[0] }, { 2, constraints[1] }, { 2, constraints[2] } };
	const struct tree *tree;

	for (uint32_t i = 0; i < 3; i++)
		rules[i] = (struct rule){ .box_count = 1, .boxes = &boxes[i], .verdict = WEIR_VERDICT_DROP, .text = "ports" };
	tree = build(arena, close_rules(arena, rules, 3));
	CHECK(tree->reached[0] && tree->reached[1] && !tree->reached[2] && tree->reached[3] && !tree->reached[4]);
	arena_free(arena);
}

TEST(bounds_between_which_no_masked_value_lies_are_one)
{
	struct arena *arena = arena_new();
	struct rule *rules = arena_new_array(arena, struct rule, 5);
	static const struct interval values[] = { { 0, 0 }, { 2, 2 }, { 16, 18 } };
	static const struct constraint constraints[] = {
		{ RANDOM_FLAGS_MASKED, 1, &values[0] },
		{ RANDOM_FLAGS_MASKED, 1, &values[1] },
		{ RANDOM_FLAGS_MASKED, 1, &values[2] },
	};
	static const struct box boxes[] = { { 1, &constraints[0] }, { 1, &constraints[1] }, { 1, &constraints[2] } };
	const struct tree *tree;

	for (uint32_t i = 0; i < 3; i++)
		rules[i] = (struct rule){ .box_count = 1, .boxes = &boxes[i], .verdict = WEIR_VERDICT_DROP, .text = "flags" };
	tree = build(arena, close_rules(arena, rules, 3));
	CHECK_NUMBER(tree->node_count, 5);
	CHECK(!tree->reached[3] && !tree->reached[4]);
	arena_free(arena);
}

/* Fifty rules, each with its own mask, that all cut each other up: no tree of them all exists. */
static struct rule_list *masked_rules(struct arena *arena, uint32_t count, enum weir_verdict verdict)
{
	struct rule *rules = arena_new_array(arena, struct rule, count + 2);
	struct dimension *dimensions = arena_new_array(arena, struct dimension, count + 1);
	struct rule_list *list;

	dimensions[0] = random_dimensions[RANDOM_MALFORMED];
	for (uint32_t i = 0; i < count; i++) {
		uint64_t mask = 3ull << i % 30 | 1ull << (i / 30 + i) % 32;
		struct interval *interval = arena_new_object(arena, struct interval);
		struct constraint *constraint = arena_new_object(arena, struct constraint);
		struct box *box = arena_new_object(arena, struct box);

		dimensions[i + 1] = (struct dimension){ .field = WEIR_FIELD_MARK, .mask = mask, .max = mask };
		*interval = (struct interval){ mask, mask };
		*constraint = (struct constraint){ i + 1, 1, interval };
		*box = (struct box){ 1, constraint };
		rules[i] =
			(struct rule){ .box_count = 1, .boxes = box, .verdict = verdict, .text = "masked", .place.line = i + 1 };
	}
	list = close_rules(arena, rules, count);
	list->dimensions = dimensions;
	list->dimension_count = count + 1;
	return list;
}

TEST(fifty_rules_without_verdict_on_different_masks_stay_small)
{
	struct arena *arena = arena_new();
	struct random random = { 9 };
	const struct rule_list *list = masked_rules(arena, 50, WEIR_VERDICT_CONTINUE);
	const struct tree *tree = build(arena, list);

	printf("# %u nodes, %u passing trees\n", tree->node_count, tree->passing_count);
	CHECK(tree->node_count < 5000);
	CHECK(tree->passing_count > 1 && tree->passing_count <= 16);
	CHECK_NUMBER(count_differences(list, tree, &random, 2000), 0);
	arena_free(arena);
}

TEST(ten_thousand_dimensions_do_not_take_for_ever)
{
	struct arena *arena = arena_new();
	struct random random = { 10 };
	const struct rule_list *list = masked_rules(arena, 10000, WEIR_VERDICT_DROP);
	struct timespec start;
	const struct tree *tree;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	tree = build(arena, list);
	printf("# %u nodes, %u deciding trees, %.3f s\n", tree ? tree->node_count : 0, tree ? tree->deciding_count : 0,
	       seconds_since(&start));
	CHECK(seconds_since(&start) < 20);
	CHECK(tree != NULL);
	if (tree)
		CHECK_NUMBER(count_differences(list, tree, &random, 100), 0);
	arena_free(arena);
}

TEST(a_rule_that_is_too_much_for_any_tree_is_an_error_with_its_place)
{
	struct arena *arena = arena_new();
	struct rule *rules = arena_new_array(arena, struct rule, 3);
	struct box *box = arena_new_object(arena, struct box);
	struct constraint *constraint = arena_new_object(arena, struct constraint);
	uint32_t count = 110000;
	struct interval *intervals = arena_new_array(arena, struct interval, count);
	struct diagnostics diagnostics;

	diagnostics_init(&diagnostics, arena);
	for (uint32_t i = 0; i < count; i++)
		intervals[i] = (struct interval){ 10 * i + 1, 10 * i + 1 };
	*constraint = (struct constraint){ RANDOM_SADDR4, count, intervals };
	*box = (struct box){ 1, constraint };
	rules[0] = (struct rule){ .box_count = 1, .boxes = box, .verdict = WEIR_VERDICT_DROP, .text = "long", .place.line = 7 };
	CHECK(tree_build(arena, close_rules(arena, rules, 1), NULL, &diagnostics) == NULL);
	CHECK_NUMBER(diagnostics.errors, 1);
	CHECK_NUMBER(diagnostics.exit_code, 1);
	CHECK(diagnostics.list.count == 1 && diagnostics.list.items[0].place.line == 7 && diagnostics.list.items[0].hint);
	arena_free(arena);
}

/* The vectors of a tree that is to have one part of them. */
static const struct tree_vectors *only_vectors(const struct tree *tree)
{
	const struct tree_vectors *vectors = NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; tree && i < tree->deciding_count; i++)
		if (tree->deciding[i].form == TREE_VECTORS) {
			vectors = tree->deciding[i].vectors;
			count++;
		}
	CHECK_NUMBER(count, 1);
	return vectors;
}

TEST(rules_that_overlap_too_much_for_trees_become_bit_vectors_by_themselves)
{
	struct arena *arena = arena_new();
	struct random random = { 31 };
	const struct rule_list *list = overlapping_rules(arena, &random, 9000, 1);
	struct timespec start;
	const struct tree *tree;
	const struct tree_vectors *vectors;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	tree = build(arena, list);
	vectors = only_vectors(tree);
	CHECK(vectors != NULL);
	if (vectors) {
		CHECK_NUMBER(vectors->block_count, 3);
		CHECK_NUMBER(vectors->box_count, 9000);
		CHECK_NUMBER(tree->deciding_count, 2);
		CHECK_NUMBER(count_differences_of(list, tree, &random, 3000, overlapping_flow), 0);
		printf("# %u rows, %u chunks, %.3f s: %s\n", vectors->row_count, vectors->chunk_count, seconds_since(&start),
		       tree->why);
		CHECK(strstr(tree->why, "9000 rules as bit vectors") != NULL);
	}
	arena_free(arena);
}

TEST(a_block_holds_fewer_rules_where_they_have_many_borders)
{
	struct arena *arena = arena_new();
	struct random random = { 32 };
	const struct rule_list *list = overlapping_rules(arena, &random, 600, 100);
	const struct tree *tree = build_as(arena, list, TREE_ALL_VECTORS);
	const struct tree_vectors *vectors = only_vectors(tree);

	CHECK(vectors != NULL);
	if (vectors) {
		CHECK(vectors->block_count > 10); /* 600 of them would have some 65,000 */
		CHECK_NUMBER(count_differences_of(list, tree, &random, 3000, overlapping_flow), 0);
	}
	arena_free(arena);
}

TEST(bit_vectors_past_their_limit_are_an_error)
{
	struct arena *arena = arena_new();
	struct random random = { 33 };
	const struct rule_list *list = overlapping_rules(arena, &random, 10000, 450);
	struct diagnostics diagnostics;
	const struct tree_options options = { .wish = TREE_ALL_VECTORS };

	diagnostics_init(&diagnostics, arena);
	CHECK(tree_build(arena, list, &options, &diagnostics) == NULL);
	CHECK_NUMBER(diagnostics.errors, 1);
	CHECK(diagnostics.errors && strstr(diagnostics.list.items[0].message, "bit vectors of more than"));
	arena_free(arena);
}

int main(void)
{
	RUN(small_random_lists_are_judged_as_by_the_evaluator);
	RUN(lists_of_five_fields_are_judged_as_by_the_evaluator);
	RUN(lists_with_many_rules_without_verdict_are_judged_as_by_the_evaluator);
	RUN(lists_too_wild_for_one_tree_are_parted_and_judged_as_by_the_evaluator);
	RUN(rules_wide_and_narrow_crosswise_are_parted_by_that_and_judged_as_by_the_evaluator);
	RUN(the_next_tree_of_a_rule_is_the_first_later_one_with_an_earlier_rule_that_it_meets);
	RUN(the_same_rules_give_the_same_tree);
	RUN(children_come_before_their_parents_and_no_node_is_there_twice);
	RUN(a_thousand_exact_rules_make_one_flat_tree_quickly);
	RUN(ten_thousand_exact_rules_make_one_flat_tree_quickly);
	RUN(many_exact_rules_are_a_table_and_what_stands_between_them_keeps_its_place);
	RUN(few_exact_rules_are_a_table_where_next_to_nothing_else_is_left);
	RUN(rules_alike_in_all_but_one_number_are_a_table_whatever_else_they_ask_for);
	RUN(a_busy_rule_has_a_shorter_way_and_all_are_judged_as_before);
	RUN(the_largest_trees_become_data_until_the_rest_is_few_enough);
	RUN(a_rule_that_earlier_ones_cover_is_not_reached);
	RUN(bounds_between_which_no_masked_value_lies_are_one);
	RUN(fifty_rules_without_verdict_on_different_masks_stay_small);
	RUN(ten_thousand_dimensions_do_not_take_for_ever);
	RUN(a_rule_that_is_too_much_for_any_tree_is_an_error_with_its_place);
	RUN(rules_that_overlap_too_much_for_trees_become_bit_vectors_by_themselves);
	RUN(a_block_holds_fewer_rules_where_they_have_many_borders);
	RUN(bit_vectors_past_their_limit_are_an_error);
	return tap_end();
}
