// SPDX-License-Identifier: GPL-2.0-only
#include "../../tap.h"

#include "../tree/random_rules.h"
#include "code/code.h"
#include "interpreter.h"
#include "kernel/set_image.h"

/*
 * Sets of the tests: the bits of the key say whether it is there, and whether it has expired; a prefix is half the bits of an
 * address. What a flow asks for is put into a real table before it asks.
 */
static uint32_t find_in_set(uint32_t set, bool prefix, const uint64_t *words, uint32_t count)
{
	static const uint32_t expiries[] = { WEIR_SET_NEVER, INTERPRETER_NOW - 1, INTERPRETER_NOW, INTERPRETER_NOW + 1 };
	uint64_t sum = set * 7 + prefix * 3;

	for (uint32_t i = 0; i < count; i++)
		sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15 ^ sum >> 29;
	sum >>= 40;
	return sum % 8 < 4 ? expiries[sum % 4] : 0;
}

static uint32_t flow_words(const struct dimension *dimension, const struct weir_flow *flow, uint64_t *words)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < dimension->key_count; i++) {
		words[count++] = flow_field(flow, dimension->keys[i]);
		if (dimension->keys[i] == WEIR_FIELD_SADDR_HI)
			words[count++] = flow->saddr_lo;
	}
	return count;
}

static void cut_to_prefix(uint64_t *words, uint32_t count)
{
	words[count - 1] &= count == 1 ? ~0xffffull : 0;
}

static bool lives(uint32_t expires)
{
	return expires == WEIR_SET_NEVER || expires > INTERPRETER_NOW;
}

static bool is_member(void *context, const struct dimension *dimension, const struct judged_packet *packet)
{
	const struct weir_flow *flow = packet->flow;
	const struct rule_list *list = context;
	uint64_t words[WEIR_MAX_SET_WORDS] = { 0 };
	uint32_t count = flow_words(dimension, flow, words);

	if (lives(find_in_set(dimension->set, false, words, count)))
		return true;
	if (!list->sets[dimension->set].prefixes)
		return false;
	cut_to_prefix(words, count);
	return lives(find_in_set(dimension->set, true, words, count));
}

struct tables {
	struct set_image images[3];
	struct interpreter_table shown[3];
};

static void renew_table(struct tables *tables, const struct rule_list *list, uint32_t set, struct arena *arena)
{
	struct set_image *image = &tables->images[set];
	struct set_rows rows[2] = { 0 };

	image->shape = set_shape(list->sets[set].set, list->sets[set].prefixes);
	if (image->memory) {
		set_image_read(image, arena, rows);
		set_rows_sort(&rows[0]);
		set_rows_sort(&rows[1]);
	}
	image->pages = set_image_pages(&image->shape, rows, true);
	image->memory = arena_alloc(arena, (size_t)image->pages * image->shape.page_size);
	CHECK_NUMBER(set_image_fill(image, rows, 0x1234567 + set), 0);
	tables->shown[set] = (struct interpreter_table){ image->memory, image->pages, image->shape.page_size };
}

static void put_row(struct tables *tables, const struct rule_list *list, uint32_t set, const struct set_row *row,
		    struct arena *arena)
{
	for (int i = 0; i < 2 && set_image_put(&tables->images[set], row, row->length > 0); i++)
		renew_table(tables, list, set, arena);
}

static void put_keys(struct tables *tables, const struct rule_list *list, const struct weir_flow *flow, struct arena *arena)
{
	for (uint32_t d = 0; d < list->dimension_count; d++) {
		const struct dimension *dimension = &list->dimensions[d];
		struct set_row row = { .flags = WEIR_SET_LIVE };
		uint32_t count;

		if (dimension->kind != DIMENSION_SET)
			continue;
		count = flow_words(dimension, flow, row.words);
		row.expires = find_in_set(dimension->set, false, row.words, count);
		if (row.expires)
			put_row(tables, list, dimension->set, &row, arena);
		cut_to_prefix(row.words, count);
		row.length = count == 1 ? 16 : 64;
		row.expires = find_in_set(dimension->set, true, row.words, count);
		if (row.expires && list->sets[dimension->set].prefixes)
			put_row(tables, list, dimension->set, &row, arena);
	}
}

static const struct code *emit_as(struct arena *arena, const struct rule_list *list, bool long_jump, enum tree_wish wish)
{
	struct code_options options = { .long_jump = long_jump, .tree.wish = wish };
	struct diagnostics diagnostics;
	const struct code *code = NULL;
	const struct tree *tree;

	diagnostics_init(&diagnostics, arena);
	tree = tree_build(arena, list, &options.tree, &diagnostics);
	if (tree)
		code = code_emit(arena, tree, &options, &diagnostics);
	if (!code)
		diagnostics_print(&diagnostics, stdout, false);
	return code;
}

static const struct code *emit(struct arena *arena, const struct rule_list *list, bool long_jump)
{
	return emit_as(arena, list, long_jump, TREE_AS_FITS);
}

/* How many of FLOWS random flows code and evaluator judge differently. */
static uint32_t count_differences_of(struct arena *arena, const struct code *code, struct random *random, uint32_t flows,
				     struct weir_flow (*draw)(struct random *))
{
	const struct rule_list *list = code->tree->rules;
	struct interpreter interpreter = interpreter_new(arena, code);
	uint32_t *passed = arena_new_array(arena, uint32_t, 2 * list->rule_count), differences = 0;
	struct judgement truth = { .passed = passed }, got = { .passed = passed + list->rule_count };
	struct tables tables = { 0 };

	for (uint32_t i = 0; i < list->set_count; i++)
		renew_table(&tables, list, i, arena);
	interpreter.tables = tables.shown;
	interpreter.passed = got.passed;
	for (uint32_t i = 0; i < flows; i++) {
		struct weir_flow flow = draw(random);
		const struct judged_packet packet = { .flow = &flow };
		uint32_t outcome;

		put_keys(&tables, list, &flow, arena);
		rules_judge(list, &packet, is_member, (void *)list, &truth);
		interpreter.passed_count = 0;
		outcome = interpret(&interpreter, 0, (uint64_t[INTERPRETER_ARGUMENTS]){ 0x1234, (uint64_t)&flow });
		got.decided = (outcome & WEIR_OUTCOME_SLOT_MASK) - WEIR_SLOT_FIRST_RULE;
		got.passed_count = interpreter.passed_count;
		for (uint32_t p = 0; p < got.passed_count; p++) {
			const struct rule *rule = &list->rules[(got.passed[p] & WEIR_OUTCOME_SLOT_MASK) - WEIR_SLOT_FIRST_RULE];

			differences += got.passed[p] != WEIR_OUTCOME(rule->slot, rule->verdict, rule->log);
			got.passed[p] = rule - list->rules;
		}
		differences += !same_judgement(&truth, &got) ||
			       outcome != WEIR_OUTCOME(list->rules[truth.decided].slot, list->rules[truth.decided].verdict,
						       list->rules[truth.decided].log);
	}
	if (interpreter.fault)
		printf("# %s\n", interpreter.fault);
	CHECK(!interpreter.fault);
	for (uint32_t i = 0; i < list->set_count; i++)
		set_image_release(&tables.images[i]);
	return differences;
}

static uint32_t count_differences(struct arena *arena, const struct code *code, struct random *random, uint32_t flows)
{
	return count_differences_of(arena, code, random, flows, random_flow);
}

/*
 * What the kernel demands of any program: every jump lands in its own function, every instruction can be
 * reached. And none goes to the next instruction, which is slow to load.
 */
static bool is_well_formed(struct arena *arena, const struct code *code)
{
	bool *reached = arena_new_array(arena, bool, code->instruction_count),
	     *second = arena_new_array(arena, bool, code->instruction_count);
	uint32_t *stack = arena_new_array(arena, uint32_t, 2 * code->instruction_count + code->function_count), top = 0;

	for (uint32_t i = 0; i < code->function_count; i++) {
		stack[top++] = code->functions[i].first;
		while (top > 0) {
			uint32_t at = stack[--top];
			const struct bpf_insn *insn = &code->instructions[at];
			bool jumps = BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32;
			int64_t target = (int64_t)at + 1 + (insn->code == (BPF_JMP32 | BPF_JA) ? insn->imm : insn->off);

			if (at < code->functions[i].first || at >= code->functions[i].first + code->functions[i].count)
				return false;
			if (reached[at])
				continue;
			reached[at] = true;
			if (insn->code == (BPF_LD | BPF_DW | BPF_IMM)) {
				second[at + 1] = true;
				stack[top++] = at + 2;
				continue;
			}
			if (jumps && BPF_OP(insn->code) == BPF_EXIT)
				continue;
			if (jumps && BPF_OP(insn->code) != BPF_CALL) {
				if (target == (int64_t)at + 1 || target < 0 || target >= code->instruction_count)
					return false;
				stack[top++] = target;
			}
			if (!jumps || BPF_OP(insn->code) != BPF_JA)
				stack[top++] = at + 1;
		}
	}
	for (uint32_t i = 0; i < code->instruction_count; i++)
		if (reached[i] == second[i])
			return false;
	return true;
}

static uint32_t count_functions(const struct code *code, enum code_function_kind kind)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < code->function_count; i++)
		count += code->functions[i].kind == kind;
	return count;
}

/* The ways in which sets were looked up. */
struct ways {
	uint32_t in_place, by_function;
};

static struct ways compare_random(uint32_t rounds, uint32_t rules, uint32_t dimensions, uint32_t continuing)
{
	struct ways ways = { 0 };

	for (uint32_t round = 0; round < rounds; round++) {
		struct arena *arena = arena_new();
		struct random random = { round * 1000 + rules };
		const struct rule_list *list =
			random_rules(arena, &random, 1 + random_below(&random, rules), dimensions, continuing);
		const struct code *code = emit_as(arena, list, round & 1, round % (TREE_ALL_VECTORS + 1));

		CHECK(code != NULL);
		if (code) {
			CHECK(is_well_formed(arena, code));
			CHECK_NUMBER(count_differences(arena, code, &random, 300), 0);
			ways.in_place += code->look_up_count;
			ways.by_function += count_functions(code, FUNCTION_SET_MEMBER);
		}
		arena_free(arena);
	}
	return ways;
}

TEST(code_of_small_random_lists_judges_as_the_evaluator)
{
	compare_random(600, 12, RANDOM_DIMENSIONS, 2);
}

TEST(sets_are_looked_up_in_place_and_by_functions)
{
	struct ways ways = compare_random(300, 12, RANDOM_DIMENSIONS, 0);

	printf("# %u look-ups in place, %u functions\n", ways.in_place, ways.by_function);
	CHECK(ways.in_place > 50 && ways.by_function > 50);
}

TEST(code_of_five_fields_judges_as_the_evaluator)
{
	compare_random(60, 80, RANDOM_FLAGS, 1);
}

TEST(code_with_many_rules_without_verdict_judges_as_the_evaluator)
{
	compare_random(60, 60, RANDOM_DIMENSIONS, 8);
}

TEST(code_of_several_trees_with_jumps_too_far_judges_as_the_evaluator)
{
	for (int long_jump = 0; long_jump < 2; long_jump++) {
		struct arena *arena = arena_new();
		struct random random = { 5 };
		const struct rule_list *list = random_rules(arena, &random, 800, RANDOM_DIMENSIONS, 1);
		const struct code *code = emit_as(arena, list, long_jump, TREE_ALL_CODE);

		CHECK(code != NULL);
		if (code) {
			printf("# %u instructions, %u deciding trees\n", code->instruction_count, code->tree->deciding_count);
			CHECK(code->instruction_count > 2 * 32768);
			CHECK(is_well_formed(arena, code));
			CHECK_NUMBER(count_differences(arena, code, &random, 5000), 0);
		}
		arena_free(arena);
	}
}

TEST(code_of_rules_wide_and_narrow_crosswise_judges_as_the_evaluator)
{
	for (uint32_t continuing = 0; continuing < 4; continuing += 3) {
		struct arena *arena = arena_new();
		struct random random = { 6 };
		const struct rule_list *list = cross_rules(arena, &random, 1000, continuing);
		const struct code *code = emit(arena, list, false), *data = emit_as(arena, list, false, TREE_ALL_DATA);

		CHECK(code != NULL && data != NULL);
		if (code && data) {
			CHECK_NUMBER(data->data_count, 2); /* however many trees */
			CHECK(data->instruction_count < 1000);
			CHECK(is_well_formed(arena, data));
			CHECK_NUMBER(count_differences_of(arena, data, &random, 20000, cross_flow), 0);
			printf("# %u instructions, %u deciding trees\n", code->instruction_count, code->tree->deciding_count);
			CHECK(code->tree->deciding_count > 1);
			CHECK(is_well_formed(arena, code));
			CHECK_NUMBER(count_differences_of(arena, code, &random, 20000, cross_flow), 0);
		}
		arena_free(arena);
	}
}

TEST(code_of_bit_vectors_judges_as_the_evaluator)
{
	for (uint32_t lists = 1; lists < 100; lists *= 40) {
		struct arena *arena = arena_new();
		struct random random = { 7 };
		const struct rule_list *list = overlapping_rules(arena, &random, lists == 1 ? 9000 : 1500, lists);
		const struct code *code = emit_as(arena, list, false, TREE_ALL_VECTORS);

		CHECK(code != NULL);
		if (code) {
			printf("# %u instructions\n", code->instruction_count);
			CHECK(code->tree->deciding[0].form == TREE_VECTORS);
			CHECK(code->tree->deciding[0].vectors->block_count > 2);
			CHECK(code->instruction_count < 1500); /* however many rules */
			CHECK(is_well_formed(arena, code));
			CHECK_NUMBER(count_differences_of(arena, code, &random, 1500, overlapping_flow), 0);
		}
		arena_free(arena);
	}
}

/* A flow that meets exact rule I, or with CHANGE one that does not. */
static struct weir_flow exact_flow(uint32_t i, bool change)
{
	return (struct weir_flow){ .network = WEIR_NETWORK_IPV4,
				   .transport = WEIR_TRANSPORT_TCP,
				   .saddr4 = (i + 1) * 2654435761u,
				   .dport = 1 + i % 60000 + change };
}

static void check_exact(uint32_t count, bool long_jump, enum tree_wish wish)
{
	struct arena *arena = arena_new();
	const struct rule_list *list = exact_rules(arena, count);
	const struct code *code = emit_as(arena, list, long_jump, wish);
	struct interpreter interpreter = interpreter_new(arena, code);
	uint32_t wrong = 0, most = 0;

	CHECK(is_well_formed(arena, code));
	for (uint32_t i = 0; i < 2 * count; i++) {
		struct weir_flow flow = exact_flow(i / 2, i & 1);

		interpreter.steps = 0;
		wrong += interpret(&interpreter, 0, (uint64_t[INTERPRETER_ARGUMENTS]){ 0, (uint64_t)&flow }) !=
			 WEIR_OUTCOME(WEIR_SLOT_FIRST_RULE + (i & 1 ? count + 1 : i / 2),
				      i & 1 ? WEIR_VERDICT_ACCEPT : WEIR_VERDICT_DROP, 0);
		most = most > interpreter.steps ? most : interpreter.steps;
	}
	printf("# %u rules: %u instructions, at most %u of them for a packet\n", count, code->instruction_count, most);
	CHECK_NUMBER(wrong, 0);
	CHECK(code->instruction_count < (wish == TREE_ALL_CODE ? 7 * count + 50 : 200));
	CHECK(most < (wish == TREE_ALL_CODE ? 45 : wish == TREE_ALL_DATA ? 900 : 500));
	arena_free(arena);
}

TEST(a_thousand_exact_rules_are_six_thousand_instructions)
{
	check_exact(1000, false, TREE_ALL_CODE);
}

TEST(ten_thousand_exact_rules_work_with_and_without_long_jumps_and_in_each_form)
{
	check_exact(10000, true, TREE_ALL_CODE);
	check_exact(10000, false, TREE_ALL_CODE);
	check_exact(10000, false, TREE_ALL_DATA);
	check_exact(10000, false, TREE_AS_FITS);
}

TEST(a_hundred_thousand_exact_rules_work_and_as_instructions_are_an_error)
{
	static const struct tree_options options = { .wish = TREE_ALL_CODE };
	struct arena *arena = arena_new();
	struct diagnostics diagnostics;

	diagnostics_init(&diagnostics, arena);
	CHECK(tree_build(arena, exact_rules(arena, 60000), &options, &diagnostics) == NULL);
	CHECK_NUMBER(diagnostics.errors, 1);
	CHECK(diagnostics.list.count == 1 && strstr(diagnostics.list.items[0].message, "'random'") &&
	      diagnostics.list.items[0].hint);
	arena_free(arena);
	check_exact(48000, false, TREE_ALL_CODE);
	check_exact(100000, false, TREE_AS_FITS);
}

TEST(without_a_flow_the_packet_is_dropped)
{
	struct arena *arena = arena_new();
	const struct code *code = emit(arena, exact_rules(arena, 3), false);
	struct interpreter interpreter = interpreter_new(arena, code);

	CHECK_NUMBER(interpret(&interpreter, 0, (uint64_t[INTERPRETER_ARGUMENTS]){ 1, 0 }),
		     WEIR_OUTCOME(WEIR_SLOT_MALFORMED, WEIR_VERDICT_DROP, 0));
	arena_free(arena);
}

TEST(lines_and_references_stand_in_order_and_at_what_they_name)
{
	struct arena *arena = arena_new();
	struct random random = { 21 };
	const struct rule_list *list = random_rules(arena, &random, 40, RANDOM_DIMENSIONS, 3);
	const struct code *code = emit(arena, list, true);
	uint32_t end = 0;

	for (uint32_t i = 1; i < code->line_count; i++)
		CHECK(code->lines[i - 1].instruction < code->lines[i].instruction);
	for (uint32_t i = 0; i < code->function_count; i++) {
		CHECK_NUMBER(code->functions[i].first, end);
		CHECK_NUMBER(code->functions[i].kind, i ? FUNCTION_SET_MEMBER : FUNCTION_CLASSIFY);
		end += code->functions[i].count;
	}
	CHECK_NUMBER(end, code->instruction_count);
	for (uint32_t i = 0; i < code->reference_count; i++) {
		const struct code_reference *reference = &code->references[i];
		const struct bpf_insn *insn = &code->instructions[reference->instruction];

		CHECK(i == 0 || code->references[i - 1].instruction < reference->instruction);
		if (reference->kind == REFERENCE_OUTCOME)
			CHECK_NUMBER(insn->imm & WEIR_OUTCOME_SLOT_MASK, list->rules[reference->index].slot);
		else if (reference->kind <= REFERENCE_PASS)
			CHECK(insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL);
		else
			CHECK(insn->code == (BPF_LD | BPF_DW | BPF_IMM) && insn->src_reg == BPF_PSEUDO_MAP_FD);
	}
	arena_free(arena);
}

static char *print_code(const struct code *code)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	code_print(code, out);
	fclose(out);
	return text;
}

TEST(the_same_rules_give_the_same_code)
{
	struct arena *arena = arena_new();
	struct random random = { 77 };
	const struct rule_list *list = random_rules(arena, &random, 40, RANDOM_DIMENSIONS, 2);
	const struct code *one = emit(arena, list, false), *two = emit(arena, list, false);
	char *one_text = print_code(one), *two_text = print_code(two);

	CHECK_NUMBER(two->instruction_count, one->instruction_count);
	CHECK(memcmp(one->instructions, two->instructions, one->instruction_count * sizeof(struct bpf_insn)) == 0);
	CHECK_TEXT(two_text, one_text);
	free(one_text);
	free(two_text);
	arena_free(arena);
}

TEST(one_exact_rule_reads_well)
{
	struct arena *arena = arena_new();
	char *text = print_code(emit(arena, exact_rules(arena, 1), false));

	CHECK_TEXT(text, "classify:\n"
			 "     0  if r2 != 0 goto 3\n"
			 "     1  w0 = 33554433\n"
			 "     2  exit\n"
			 "     3  r7 = r2\n"
			 "     4  r2 = *(u8 *)(r7 +96)\n"
			 "     5  if w2 >= 1 goto 16\n"
			 "     6  r2 = *(u8 *)(r7 +86)\n"
			 "     7  if w2 != 3 goto 18\n"
			 "     8  r2 = *(u8 *)(r7 +87)\n"
			 "     9  if w2 != 2 goto 18\n"
			 "    10  r2 = *(u32 *)(r7 +48)\n"
			 "    11  if w2 != 2654435761 goto 18\n"
			 "    12  r2 = *(u16 *)(r7 +82)\n"
			 "    13  if w2 != 1 goto 18\n"
			 "; line 1: exact\n"
			 "    14  w0 = outcome of rule 0\n"
			 "    15  exit\n"
			 "; malformed packets\n"
			 "    16  w0 = outcome of rule 1\n"
			 "    17  exit\n"
			 "; policy accept\n"
			 "    18  w0 = outcome of rule 2\n"
			 "    19  exit\n");
	free(text);
	arena_free(arena);
}

int main(void)
{
	RUN(code_of_small_random_lists_judges_as_the_evaluator);
	RUN(sets_are_looked_up_in_place_and_by_functions);
	RUN(code_of_five_fields_judges_as_the_evaluator);
	RUN(code_with_many_rules_without_verdict_judges_as_the_evaluator);
	RUN(code_of_several_trees_with_jumps_too_far_judges_as_the_evaluator);
	RUN(code_of_rules_wide_and_narrow_crosswise_judges_as_the_evaluator);
	RUN(a_thousand_exact_rules_are_six_thousand_instructions);
	RUN(ten_thousand_exact_rules_work_with_and_without_long_jumps_and_in_each_form);
	RUN(a_hundred_thousand_exact_rules_work_and_as_instructions_are_an_error);
	RUN(without_a_flow_the_packet_is_dropped);
	RUN(lines_and_references_stand_in_order_and_at_what_they_name);
	RUN(the_same_rules_give_the_same_code);
	RUN(one_exact_rule_reads_well);
	RUN(code_of_bit_vectors_judges_as_the_evaluator);
	return tap_end();
}
