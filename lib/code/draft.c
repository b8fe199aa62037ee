// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: instructions, jumps between labels. Out: struct code's arrays.
 *
 * Layout: everything stays in the order in which it was written; only islands are put in between, at breaks, places
 * that no instruction falls through to. A jump that would go further than it reaches is led to an island at the furthest
 * break within its reach, and that one, when it is too far still, to a further one (or by a long jump, where the kernel has
 * them). Once led, a jump stays so: each island has somebody who jumps to it, since the kernel refuses what cannot be reached.
 * Islands move what lies behind them; REACH keeps room for that, and the rounds end when no jump is too far.
 *
 * The kernel's translator for x86 guesses the length of each jump anew in every pass, one that goes back by places of two passes; in
 * long functions with many of them that are about as long as its short form reaches it comes to no end, and the kernel refuses the
 * program (ENOTSUPP). So, when that is asked for, short jumps back are led over an island in front, from where it is far enough.
 */
#include "code/draft.h"

#include <stdlib.h>
#include <string.h>

#include "code/instructions.h"

#define JUMP_LIMIT     32767
#define FIRST_REACH    30000 /* of a jump when islands are made, which then push it further */
#define LAST_REACH     3000
#define SHORT_BACK     64 /* a jump back over fewer instructions may have the short form: 127 bytes */
#define NO_ISLAND      UINT32_MAX
#define CODE_JUMP      (BPF_JMP | BPF_JA)
#define CODE_LONG_JUMP (BPF_JMP32 | BPF_JA)

uint32_t draft_label(struct draft *draft)
{
	vector_push(draft->arena, &draft->labels, DRAFT_UNPLACED);
	return draft->labels.count - 1;
}

void draft_place(struct draft *draft, uint32_t label)
{
	uint32_t here = draft->instructions.count;
	const struct draft_jump *last = draft->jumps.count ? &draft->jumps.items[draft->jumps.count - 1] : NULL;

	/* A jump to the next instruction: the kernel would remove it, slowly. Labels behind it move along. */
	if (last && last->label == label && last->instruction == here - 1 &&
	    draft->instructions.items[here - 1].code == CODE_JUMP) {
		here = --draft->instructions.count;
		draft->jumps.count--;
		for (size_t i = 0; i < draft->labels.count; i++)
			if (draft->labels.items[i] == here + 1)
				draft->labels.items[i] = here;
	}
	draft->labels.items[label] = here;
}

bool draft_is_asked(const struct draft *draft, uint32_t label)
{
	for (size_t i = draft->jumps.count; i-- > 0;)
		if (draft->jumps.items[i].label == label)
			return true;
	return false;
}

void draft_emit(struct draft *draft, struct bpf_insn instruction)
{
	vector_push(draft->arena, &draft->instructions, instruction);
}

void draft_branch(struct draft *draft, struct bpf_insn instruction, uint32_t label)
{
	vector_push(draft->arena, &draft->jumps, (struct draft_jump){ draft->instructions.count, label });
	draft_emit(draft, instruction);
}

void draft_jump(struct draft *draft, uint32_t label)
{
	draft_branch(draft, instruction(CODE_JUMP, 0, 0, 0, 0), label);
}

void draft_exit(struct draft *draft)
{
	draft_emit(draft, instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
}

void draft_wide(struct draft *draft, uint8_t destination, uint8_t source, uint64_t value)
{
	draft_emit(draft, instruction(BPF_LD | BPF_DW | BPF_IMM, destination, source, 0, (int32_t)value));
	draft_emit(draft, instruction(0, 0, 0, 0, (int32_t)(value >> 32)));
}

void draft_refer(struct draft *draft, enum code_reference_kind kind, uint32_t index)
{
	struct code_reference reference = { .kind = kind, .instruction = draft->instructions.count, .index = index };

	vector_push(draft->arena, &draft->references, reference);
}

void draft_line(struct draft *draft, uint32_t rule)
{
	struct code_line line = { .instruction = draft->instructions.count, .rule = rule };

	vector_push(draft->arena, &draft->lines, line);
}

void draft_look_up(struct draft *draft, uint32_t dimension, uint32_t member, uint32_t none)
{
	struct draft_look_up look_up = { draft->instructions.count, dimension, member, none };

	vector_push(draft->arena, &draft->look_ups, look_up);
}

void draft_function(struct draft *draft, enum code_function_kind kind, uint32_t about)
{
	struct code_function function = { .kind = kind, .first = draft->instructions.count };

	*(kind == FUNCTION_FIND || kind == FUNCTION_BLOCK ? &function.part : &function.dimension) = about;
	vector_push(draft->arena, &draft->functions, function);
}

uint32_t draft_data(struct draft *draft, struct code_data data)
{
	vector_push(draft->arena, &draft->data, data);
	return draft->data.count - 1;
}

/* ---- Layout ---- */

/* A jump by itself before instruction AT of the draft, to LABEL or to another island on the way there. */
struct island {
	uint32_t at, label, hop, order; /* order: among all islands, from the front */
};

struct layout {
	const struct draft *draft;
	struct arena *arena;
	bool long_jump, no_short_back;
	int64_t reach;
	VECTOR(struct island) islands;
	uint32_t *hops;		 /* for each jump of the draft its island, or NO_ISLAND */
	uint32_t *before;	 /* for each instruction of the draft (and the end): how many islands stand before it */
	uint32_t *next;		 /* room for counting them */
	VECTOR(uint32_t) breaks; /* instructions of the draft that nothing falls through to, ascending */
};

static void find_breaks(struct layout *layout)
{
	const struct draft *draft = layout->draft;

	for (uint32_t i = 1; i < draft->instructions.count; i++) {
		uint8_t code = draft->instructions.items[i - 1].code;

		if (code == CODE_JUMP || code == (BPF_JMP | BPF_EXIT))
			vector_push(layout->arena, &layout->breaks, i);
	}
}

/* Where an instruction, and an island, of the draft will stand. */
static int64_t final_place(const struct layout *layout, uint32_t instruction)
{
	return (int64_t)instruction + layout->before[instruction];
}

static int64_t island_place(const struct layout *layout, uint32_t island)
{
	return (int64_t)layout->islands.items[island].at + layout->islands.items[island].order;
}

/* Count the islands anew: those at the same place stand in the order in which they were made. */
static void count_islands(struct layout *layout)
{
	uint32_t instruction_count = layout->draft->instructions.count, sum = 0;
	uint32_t *next = layout->next;

	memset(next, 0, (instruction_count + 1) * sizeof(*next));
	for (size_t i = 0; i < layout->islands.count; i++)
		next[layout->islands.items[i].at]++;
	for (uint32_t i = 0; i <= instruction_count; i++) {
		uint32_t here = next[i];

		next[i] = sum;
		sum += here;
		layout->before[i] = sum;
	}
	for (size_t i = 0; i < layout->islands.count; i++)
		layout->islands.items[i].order = next[layout->islands.items[i].at]++;
}

/* An island for LABEL that can be reached from FROM and is nearer to it: one that is there, or a new one. */
static uint32_t find_island(struct layout *layout, int64_t from, uint32_t label)
{
	int64_t target = final_place(layout, layout->draft->labels.items[label]);
	struct island island = { .label = label, .hop = NO_ISLAND };
	bool found = false;
	size_t low = 0, high = layout->breaks.count;

	for (uint32_t i = 0; i < layout->islands.count; i++) {
		int64_t place = island_place(layout, i);

		if (layout->islands.items[i].label == label && llabs(place - from) <= layout->reach &&
		    llabs(place - from) > layout->reach / 2 && (target > from) == (place > from))
			return i;
	}
	/* The breaks lie in order: the last one up to from + layout->reach, or the first one from from - layout->reach on. */
	while (low < high) {
		size_t middle = (low + high) / 2;
		int64_t place = final_place(layout, layout->breaks.items[middle]);

		if (target > from ? place <= from + layout->reach : place < from - layout->reach)
			low = middle + 1;
		else
			high = middle;
	}
	if (target > from && low > 0) {
		island.at = layout->breaks.items[low - 1];
		found = final_place(layout, island.at) > from;
	} else if (target < from && low < layout->breaks.count) {
		island.at = layout->breaks.items[low];
		found = final_place(layout, island.at) < from;
	}
	if (!found)
		return NO_ISLAND;
	island.order = layout->before[island.at]; /* about: they are counted after each round */
	vector_push(layout->arena, &layout->islands, island);
	return layout->islands.count - 1;
}

/* Lead what is too far over islands. False when one of them has nowhere to stand; *RET_CHANGED when there are new ones. */
static bool lead_jumps(struct layout *layout, bool *ret_changed)
{
	const struct draft *draft = layout->draft;
	bool changed = false;

	for (size_t i = 0; i < draft->jumps.count; i++) {
		uint32_t label = draft->jumps.items[i].label;
		int64_t from = final_place(layout, draft->jumps.items[i].instruction);

		if (layout->hops[i] != NO_ISLAND ||
		    llabs(final_place(layout, draft->labels.items[label]) - from) <= layout->reach)
			continue;
		layout->hops[i] = find_island(layout, from, label);
		if (layout->hops[i] == NO_ISLAND)
			return false;
		changed = true;
	}
	for (uint32_t i = 0; i < layout->islands.count && !layout->long_jump; i++) {
		uint32_t label = layout->islands.items[i].label, hop;
		int64_t from = island_place(layout, i);

		if (layout->islands.items[i].hop != NO_ISLAND ||
		    llabs(final_place(layout, draft->labels.items[label]) - from) <= layout->reach)
			continue;
		hop = find_island(layout, from, label); /* moves the islands */
		if (hop == NO_ISLAND)
			return false;
		layout->islands.items[i].hop = hop;
		changed = true;
	}
	if (changed)
		count_islands(layout);
	*ret_changed = changed;
	return true;
}

static int64_t jump_target(const struct layout *layout, uint32_t label, uint32_t hop)
{
	return hop == NO_ISLAND ? final_place(layout, layout->draft->labels.items[label]) : island_place(layout, hop);
}

/* Did the islands push none too far from where it is led? */
static bool all_reach(const struct layout *layout)
{
	const struct draft *draft = layout->draft;

	for (size_t i = 0; i < draft->jumps.count; i++)
		if (llabs(jump_target(layout, draft->jumps.items[i].label, layout->hops[i]) -
			  final_place(layout, draft->jumps.items[i].instruction) - 1) > JUMP_LIMIT)
			return false;
	for (uint32_t i = 0; i < layout->islands.count && !layout->long_jump; i++)
		if (llabs(jump_target(layout, layout->islands.items[i].label, layout->islands.items[i].hop) -
			  island_place(layout, i) - 1) > JUMP_LIMIT)
			return false;
	return true;
}

/* The first break from instruction FROM on, or the draft's end. */
static uint32_t next_break(const struct layout *layout, uint32_t from)
{
	size_t low = 0, high = layout->breaks.count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (layout->breaks.items[middle] < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low < layout->breaks.count ? layout->breaks.items[low] : layout->draft->instructions.count;
}

static uint32_t function_end(const struct draft *draft, uint32_t function)
{
	return function + 1 < draft->functions.count ? draft->functions.items[function + 1].first : draft->instructions.count;
}

/* Lead short jumps back over islands behind them in the same function; where there is no place for one, they stay. */
static void lead_short_back(struct layout *layout)
{
	const struct draft *draft = layout->draft;
	uint32_t *last = arena_new_array(layout->arena, uint32_t, draft->labels.count); /* island of a label, plus one */
	uint32_t function = 0;

	for (size_t i = 0; i < draft->jumps.count; i++) {
		struct draft_jump jump = draft->jumps.items[i];
		uint32_t target = draft->labels.items[jump.label];
		struct island island = { .label = jump.label, .hop = NO_ISLAND };

		while (function_end(draft, function) <= jump.instruction)
			function++;
		if (target > jump.instruction || jump.instruction - target >= SHORT_BACK)
			continue;
		island.at = next_break(layout, target + SHORT_BACK);
		if (last[jump.label] && layout->islands.items[last[jump.label] - 1].at > jump.instruction) {
			layout->hops[i] = last[jump.label] - 1;
		} else if (island.at < function_end(draft, function) && island.at > jump.instruction) {
			vector_push(layout->arena, &layout->islands, island);
			layout->hops[i] = layout->islands.count - 1;
			last[jump.label] = layout->islands.count;
		}
	}
	count_islands(layout);
}

static bool place_islands(struct layout *layout, int64_t reach)
{
	uint32_t instruction_count = layout->draft->instructions.count;
	bool changed;

	layout->reach = reach;
	layout->islands.count = 0;
	memset(layout->hops, 0xff, layout->draft->jumps.count * sizeof(*layout->hops));
	memset(layout->before, 0, (instruction_count + 1) * sizeof(*layout->before));
	if (layout->no_short_back)
		lead_short_back(layout);
	do {
		if (!lead_jumps(layout, &changed))
			return false;
	} while (changed);
	return all_reach(layout);
}

static void copy_jumps(const struct layout *layout, struct bpf_insn *instructions)
{
	const struct draft *draft = layout->draft;

	for (uint32_t i = 0; i < draft->instructions.count; i++)
		instructions[final_place(layout, i)] = draft->instructions.items[i];
	for (size_t i = 0; i < draft->jumps.count; i++) {
		int64_t from = final_place(layout, draft->jumps.items[i].instruction);

		instructions[from].off = (int16_t)(jump_target(layout, draft->jumps.items[i].label, layout->hops[i]) - from - 1);
	}
	for (uint32_t i = 0; i < layout->islands.count; i++) {
		int64_t from = island_place(layout, i);
		int64_t offset = jump_target(layout, layout->islands.items[i].label, layout->islands.items[i].hop) - from - 1;

		instructions[from] = layout->long_jump ? instruction(CODE_LONG_JUMP, 0, 0, 0, (int32_t)offset)
						       : instruction(CODE_JUMP, 0, 0, (int16_t)offset, 0);
	}
}

static struct code_look_up *copy_look_ups(const struct layout *layout, struct arena *arena)
{
	const struct draft *draft = layout->draft;
	struct code_look_up *look_ups = arena_new_array(arena, struct code_look_up, draft->look_ups.count);

	for (size_t i = 0; i < draft->look_ups.count; i++) {
		const struct draft_look_up *from = &draft->look_ups.items[i];

		look_ups[i] = (struct code_look_up){
			.instruction = final_place(layout, from->instruction),
			.dimension = from->dimension,
			.member = final_place(layout, draft->labels.items[from->member]),
			.none = final_place(layout, draft->labels.items[from->none]),
		};
	}
	return look_ups;
}

static void copy_tables(const struct layout *layout, struct arena *arena, struct bpf_insn *instructions, struct code *code)
{
	const struct draft *draft = layout->draft;
	struct code_function *functions = arena_copy(arena, draft->functions.items, draft->functions.count * sizeof(*functions));
	struct code_reference *references =
		arena_copy(arena, draft->references.items, draft->references.count * sizeof(*references));
	struct code_line *lines = arena_copy(arena, draft->lines.items, draft->lines.count * sizeof(*lines));

	for (size_t i = 0; i < draft->functions.count; i++) {
		uint32_t end = i + 1 < draft->functions.count ? draft->functions.items[i + 1].first : draft->instructions.count;

		functions[i].first = final_place(layout, functions[i].first);
		functions[i].count = final_place(layout, end) - functions[i].first;
	}
	for (size_t i = 0; i < draft->references.count; i++)
		references[i].instruction = final_place(layout, references[i].instruction);
	for (size_t i = 0; i < draft->lines.count; i++)
		lines[i].instruction = final_place(layout, lines[i].instruction);
	for (size_t i = 0; i < draft->references.count; i++)
		if (references[i].kind == REFERENCE_FUNCTION)
			instructions[references[i].instruction].imm =
				(int32_t)(functions[references[i].index].first - references[i].instruction - 1);
	code->functions = functions;
	code->function_count = draft->functions.count;
	code->references = references;
	code->reference_count = draft->references.count;
	code->lines = lines;
	code->line_count = draft->lines.count;
	code->look_ups = copy_look_ups(layout, arena);
	code->look_up_count = draft->look_ups.count;
	code->data = arena_copy(arena, draft->data.items, draft->data.count * sizeof(*draft->data.items));
	code->data_count = draft->data.count;
}

bool draft_finish(struct draft *draft, struct arena *arena, const struct code_options *options, struct code *ret_code)
{
	struct layout layout = { .draft = draft,
				 .arena = draft->arena,
				 .long_jump = options->long_jump,
				 .no_short_back = options->no_short_back };
	uint32_t count = draft->instructions.count;
	struct bpf_insn *instructions;
	int64_t reach = FIRST_REACH;

	layout.hops = arena_new_array(draft->arena, uint32_t, draft->jumps.count);
	layout.before = arena_new_array(draft->arena, uint32_t, count + 1);
	layout.next = arena_new_array(draft->arena, uint32_t, count + 1);
	find_breaks(&layout);
	while (!place_islands(&layout, reach)) {
		reach /= 2;
		if (reach < LAST_REACH)
			return false;
	}
	instructions = arena_new_array(arena, struct bpf_insn, count + layout.islands.count);
	copy_jumps(&layout, instructions);
	copy_tables(&layout, arena, instructions, ret_code);
	ret_code->instructions = instructions;
	ret_code->instruction_count = count + layout.islands.count;
	return true;
}
