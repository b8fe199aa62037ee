// SPDX-License-Identifier: GPL-2.0-only
/*
 * A look-up in a set, in a function, int set_member(struct weir_flow *flow), or in classify() where few nodes ask. It looks
 * for what the packet has in the set's table (weir_abi.h): of a direct one in a line, and where that or the type of the set sends
 * it, in two buckets; where the set may have prefixes in the tree. An element that has expired is none.
 *
 * A table never changes under a reader in a way that it could see: a slot is one number, written at once; entries and pages of
 * the tree are whole before the first number leads to them, and are not used again as long as the table is. So nothing is looked
 * at twice.
 *
 *	r0	what a helper gave back: a page; the answer, 1 or 0
 *	r1-r5	scratch, arguments
 *	r6	the table: the map that the set's map holds now
 *	r7	flow
 *	r8	where in its page a thing lies, the mask of the buckets; behind them an expiry over the call for the time, the
 *		page on the way through the tree
 *	r9	the tag, or the key, that slots are compared with; how many pages are left on the way; where elements count the
 *		entry
 */
#include "code/set_member.h"

#include <assert.h>
#include <stddef.h>

#include "check/policy.h"
#include "code/answers.h"
#include "code/instructions.h"
#include "code/set_shape.h"

/* On the stack, 32 bits where nothing is said. */
#define AT_PAGE	  (-4)	/* the number of a page, as the key of a look-up */
#define AT_BUCKET (-8)	/* the second bucket */
#define AT_HEADER (-16) /* 64 bits: where the header is */
#define AT_HASH	  (-24) /* 64 bits */
static_assert(-AT_HASH <= FOUND_STACK, "in classify() the rest is of others");
/* Where elements count: what is counted. */
#define AT_PACKETS (-32) /* 64 bits */
#define AT_BYTES   (-40) /* 64 bits */

struct search {
	struct draft *draft;
	const struct dimension *asked;
	const struct rule_set *set;
	struct set_shape shape;
	enum weir_field words[WEIR_MAX_SET_WORDS]; /* where the numbers of the key stand */
	uint32_t next;				   /* label: not among the single values */
	uint32_t none, member;			   /* labels: the answers */
	bool counts;				   /* the packet is counted at its element */
};

struct field_place field_place(enum weir_field field)
{
	static const struct field_place places[WEIR_FIELD_COUNT] = {
#define X(id, member, bits) { offsetof(struct weir_flow, member), sizeof(((struct weir_flow *)0)->member) },
		WEIR_FIELDS(X)
#undef X
	};

	return places[field];
}

uint8_t load_size(uint8_t bytes)
{
	return bytes == 1 ? BPF_B : bytes == 2 ? BPF_H : bytes == 4 ? BPF_W : BPF_DW;
}

static void emit(struct search *search, struct bpf_insn instruction)
{
	draft_emit(search->draft, instruction);
}

/* One number of the packet's key. */
static void emit_word(struct search *search, uint8_t reg, uint32_t word)
{
	struct field_place place = field_place(search->words[word]);

	emit(search, load(load_size(place.bytes), reg, BPF_REG_7, place.offset));
}

/* r0 = the page whose number lies at AT_PAGE of the map in r1; NONE where there is none, which cannot be. */
static void emit_look_up(struct search *search, uint32_t none)
{
	emit(search, move_register(BPF_REG_2, BPF_REG_10));
	emit(search, calculate_constant(BPF_ADD, BPF_REG_2, AT_PAGE));
	emit(search, call_helper(HELPER_MAP_LOOKUP_ELEM));
	draft_branch(search->draft, branch_constant(BPF_JEQ, BPF_REG_0, 0), none);
}

static void emit_page(struct search *search, uint8_t number, uint32_t none)
{
	emit(search, store(BPF_W, BPF_REG_10, AT_PAGE, number));
	emit(search, move_register(BPF_REG_1, BPF_REG_6));
	emit_look_up(search, none);
}

/* r6 = the table, r0 = its header. */
static void emit_open(struct search *search)
{
	emit(search, store_constant(BPF_W, BPF_REG_10, AT_PAGE, 0));
	draft_refer(search->draft, REFERENCE_SET, search->asked->set);
	draft_wide(search->draft, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0);
	emit_look_up(search, search->none);
	emit(search, move_register(BPF_REG_6, BPF_REG_0));
	emit(search, move_register(BPF_REG_1, BPF_REG_6));
	emit_look_up(search, search->none);
	emit(search, store(BPF_DW, BPF_REG_10, AT_HEADER, BPF_REG_0));
}

/* REG = a number of the header. */
static void emit_header_number(struct search *search, uint8_t reg, size_t offset)
{
	emit(search, load(BPF_DW, reg, BPF_REG_10, AT_HEADER));
	emit(search, load(BPF_W, reg, reg, (int16_t)offset));
}

/* Header in r0. r9 = what slots are compared with, r1 = the hash. */
static void emit_hash(struct search *search)
{
	emit(search, load(BPF_DW, BPF_REG_1, BPF_REG_0, offsetof(struct weir_set_header, seed)));
	draft_wide(search->draft, BPF_REG_3, 0, SET_HASH);
	for (uint32_t i = 0; i < search->shape.words; i++) {
		emit_word(search, BPF_REG_2, i);
		emit(search, calculate_register(BPF_XOR, BPF_REG_1, BPF_REG_2));
		emit(search, calculate_register(BPF_MUL, BPF_REG_1, BPF_REG_3));
		emit(search, move_register(BPF_REG_9, BPF_REG_1));
		emit(search, calculate_constant(BPF_RSH, BPF_REG_9, 32));
		emit(search, calculate_register(BPF_XOR, BPF_REG_1, BPF_REG_9));
	}
	if (search->shape.direct)
		emit(search, move_register(BPF_REG_9, BPF_REG_2));
	else
		emit(search, calculate_constant(BPF_OR, BPF_REG_9, 1));
}

/* r1 from the hash to the first bucket, AT_BUCKET the second. */
static void emit_choose_buckets(struct search *search)
{
	emit_header_number(search, BPF_REG_8, offsetof(struct weir_set_header, bucket_mask));
	emit(search, calculate_register(BPF_AND, BPF_REG_1, BPF_REG_8));
	emit(search, move_register(BPF_REG_2, BPF_REG_9));
	emit(search, calculate_constant(BPF_MUL, BPF_REG_2, SET_SPREAD));
	emit(search, calculate_constant(BPF_RSH, BPF_REG_2, 16));
	emit(search, calculate_register(BPF_AND, BPF_REG_2, BPF_REG_8));
	emit(search, calculate_register(BPF_XOR, BPF_REG_2, BPF_REG_1));
	emit(search, store(BPF_W, BPF_REG_10, AT_BUCKET, BPF_REG_2));
}

/* Number INDEX in r1 of things of 1 << SIZE_SHIFT bytes, 1 << SHIFT of them in a page: r0 = the thing. r8 is lost. */
static void emit_thing(struct search *search, uint32_t shift, uint32_t size_shift, uint32_t none)
{
	if (shift) {
		emit(search, move_register(BPF_REG_8, BPF_REG_1));
		emit(search, calculate_constant(BPF_AND, BPF_REG_8, (1 << shift) - 1));
		emit(search, calculate_constant(BPF_LSH, BPF_REG_8, (int32_t)size_shift));
		emit(search, calculate_constant(BPF_RSH, BPF_REG_1, (int32_t)shift));
	}
	emit(search, calculate_register(BPF_ADD, BPF_REG_1, BPF_REG_2));
	emit_page(search, BPF_REG_1, none);
	if (shift)
		emit(search, calculate_register(BPF_ADD, BPF_REG_0, BPF_REG_8));
}

/* The bucket whose number is in r1; to FOUND with the slot in r1. */
static void emit_bucket(struct search *search, uint32_t found)
{
	emit(search, move_constant(BPF_REG_2, 1)); /* buckets begin at page 1 */
	emit_thing(search, search->shape.bucket_shift, 6, search->next);
	for (int i = 0; i < WEIR_SET_SLOTS; i++) {
		emit(search, load(BPF_DW, BPF_REG_1, BPF_REG_0,
				  (int16_t)(offsetof(struct weir_set_bucket, slots) + (size_t)i * sizeof(uint64_t))));
		draft_branch(search->draft, branch_register_32(BPF_JEQ, BPF_REG_1, BPF_REG_9), found);
	}
}

/*
 * The line for the hash in r1, header in r0: to `member`, to `next`, or on behind, where the buckets are to be asked, with the
 * hash in r1. All keys are compared without a branch: the processor would guess wrong at each key that is found, and
 * not go on to the next packet's line while it waits for this one. A key that is the same becomes -1, others stay above.
 *
 * A key that goes from the line to a bucket is in the bucket first. A processor that reads out of order must not see the bucket,
 * or the word that leads there, older than the line: so the address of each is calculated with what was read before, which adds
 * 0.
 */
static void emit_line(struct search *search)
{
	emit(search, store(BPF_DW, BPF_REG_10, AT_HASH, BPF_REG_1));
	emit(search, move_register_32(BPF_REG_1, BPF_REG_1));
	emit(search, load(BPF_W, BPF_REG_2, BPF_REG_0, offsetof(struct weir_set_header, lines)));
	emit(search, calculate_register(BPF_MUL, BPF_REG_1, BPF_REG_2));
	emit(search, calculate_constant(BPF_RSH, BPF_REG_1, 32));
	emit(search, load(BPF_W, BPF_REG_2, BPF_REG_0, offsetof(struct weir_set_header, lines_page)));
	emit_thing(search, search->shape.bucket_shift, 6, search->next);
	emit(search, move_constant(BPF_REG_2, 0));
	emit(search, move_constant(BPF_REG_3, 0));
	for (uint8_t i = 0; i < WEIR_SET_LINE_KEYS; i++) {
		uint8_t key = BPF_REG_4 + i % 2, all = BPF_REG_2 + i % 2;

		emit(search, load(BPF_W, key, BPF_REG_0, (int16_t)(i * sizeof(uint32_t))));
		emit(search, calculate_register(BPF_XOR, key, BPF_REG_9));
		emit(search, calculate_constant(BPF_ADD, key, -1));
		emit(search, calculate_register(BPF_OR, all, key));
	}
	emit(search, calculate_register(BPF_OR, BPF_REG_2, BPF_REG_3));
	emit(search, calculate_constant(BPF_RSH, BPF_REG_2, 63));
	draft_branch(search->draft, branch_constant(BPF_JNE, BPF_REG_2, 0), search->member);
	emit(search, calculate_register(BPF_ADD, BPF_REG_0, BPF_REG_2));
	emit(search, load(BPF_W, BPF_REG_3, BPF_REG_0, offsetof(struct weir_set_line, elsewhere)));
	draft_branch(search->draft, branch_constant(BPF_JEQ, BPF_REG_3, 0), search->next);
	emit(search, load(BPF_DW, BPF_REG_1, BPF_REG_10, AT_HASH));
	emit(search, move_register(BPF_REG_2, BPF_REG_1));
	emit(search, calculate_constant(BPF_RSH, BPF_REG_2, 32));
	emit(search, calculate_constant(BPF_AND, BPF_REG_2, SET_ELSEWHERE_MASK));
	emit(search, calculate_register(BPF_RSH, BPF_REG_3, BPF_REG_2));
	emit(search, calculate_constant(BPF_AND, BPF_REG_3, 1));
	draft_branch(search->draft, branch_constant(BPF_JEQ, BPF_REG_3, 0), search->next);
	emit(search, calculate_register(BPF_ADD, BPF_REG_1, BPF_REG_3));
	emit(search, calculate_constant(BPF_ADD, BPF_REG_1, -1));
}

/* r0 = the entry whose number is in r1. */
static void emit_entry(struct search *search, uint32_t none)
{
	emit_header_number(search, BPF_REG_2, offsetof(struct weir_set_header, entries_page));
	emit_thing(search, search->shape.entry_shift, search->shape.entry_size_shift, none);
}

/* The expiry is in r1: to `member`, or on behind. */
static void emit_expiry(struct search *search)
{
	draft_branch(search->draft, branch_constant_32(BPF_JEQ, BPF_REG_1, WEIR_SET_NEVER), search->member);
	emit(search, move_register(BPF_REG_8, BPF_REG_1));
	emit(search, call_helper(HELPER_KTIME_GET_COARSE_NS));
	emit(search, calculate_constant(BPF_RSH, BPF_REG_0, WEIR_SET_CLOCK_SHIFT));
	draft_branch(search->draft, branch_register(BPF_JLT, BPF_REG_0, BPF_REG_8), search->member);
}

static void emit_found(struct search *search)
{
	emit(search, calculate_constant(BPF_RSH, BPF_REG_1, 32));
	if (search->shape.direct)
		return;
	emit_entry(search, search->next);
	for (uint32_t i = 0; i < search->shape.words; i++) {
		emit_word(search, BPF_REG_2, i);
		emit(search, load(BPF_DW, BPF_REG_3, BPF_REG_0, (int16_t)(sizeof(struct weir_set_entry) + i * sizeof(uint64_t))));
		draft_branch(search->draft, branch_register(BPF_JNE, BPF_REG_2, BPF_REG_3), search->next);
	}
	if (search->counts)
		emit(search, move_register(BPF_REG_9, BPF_REG_0));
	emit(search, load(BPF_W, BPF_REG_1, BPF_REG_0, offsetof(struct weir_set_entry, expires)));
}

/* A single value; goes on at `next` when it is none. */
static void emit_single(struct search *search)
{
	uint32_t found = draft_label(search->draft), expiry = draft_label(search->draft), zero = draft_label(search->draft);

	emit_open(search);
	emit_hash(search);
	if (search->shape.direct) {
		draft_branch(search->draft, branch_constant(BPF_JEQ, BPF_REG_9, 0), zero);
		emit_line(search);
	}
	emit_choose_buckets(search);
	emit_bucket(search, found);
	emit(search, load(BPF_W, BPF_REG_1, BPF_REG_10, AT_BUCKET));
	emit_bucket(search, found);
	draft_jump(search->draft, search->next);
	if (search->shape.direct) { /* an empty slot is 0, so the key 0 has another place */
		draft_place(search->draft, zero);
		emit(search, load(BPF_W, BPF_REG_1, BPF_REG_0, offsetof(struct weir_set_header, zero)));
		draft_jump(search->draft, expiry);
	}
	draft_place(search->draft, found);
	emit_found(search);
	draft_place(search->draft, expiry);
	emit_expiry(search);
}

/*
 * r4 = 1 where the place OFFSET bytes behind BASE is not behind the key, else 0: without a branch, which the verifier would
 * follow both ways, and the processor would guess wrong. Only the sign of a difference counts, and it is shifted as an unsigned
 * number, since the verifier follows both ways behind s>>, too. r8 is lost.
 */
static void emit_compare(struct search *search, const struct set_form *form, uint8_t base, uint32_t offset)
{
	if (form->place_size == sizeof(uint32_t)) { /* r1: the key plus one */
		emit(search, load(BPF_W, BPF_REG_4, base, (int16_t)offset));
		emit(search, calculate_register(BPF_SUB, BPF_REG_4, BPF_REG_1));
	} else if (!form->lower) { /* 64 bits have no sign to spare: both go without the last, which of an even key rounds up
				      first */
		emit(search, load(BPF_DW, BPF_REG_4, base, (int16_t)offset));
		emit(search, calculate_register(BPF_ADD, BPF_REG_4, BPF_REG_5));
		emit(search, calculate_constant(BPF_RSH, BPF_REG_4, 1));
		emit(search, calculate_register(BPF_SUB, BPF_REG_4, BPF_REG_1));
	} else { /* r1: the upper part; r5: the lower one plus one, from which is borrowed where it is not greater */
		emit(search, load(BPF_DW, BPF_REG_8, base, (int16_t)(form->lower + offset)));
		emit(search, calculate_register(BPF_SUB, BPF_REG_8, BPF_REG_5));
		emit(search, calculate_constant(BPF_RSH, BPF_REG_8, 63));
		emit(search, load(BPF_DW, BPF_REG_4, base, (int16_t)offset));
		emit(search, calculate_register(BPF_SUB, BPF_REG_4, BPF_REG_1));
		emit(search, calculate_register(BPF_SUB, BPF_REG_4, BPF_REG_8));
	}
	emit(search, calculate_constant(BPF_RSH, BPF_REG_4, 63));
}

/* r1 and r5 as emit_compare needs them. */
static void emit_key(struct search *search, const struct set_form *form)
{
	emit_word(search, BPF_REG_1, 0);
	if (form->place_size == sizeof(uint32_t)) {
		emit(search, calculate_constant(BPF_ADD, BPF_REG_1, 1));
		return;
	}
	emit(search, move_register(BPF_REG_5, BPF_REG_1));
	emit(search, calculate_constant(BPF_AND, BPF_REG_5, 1));
	emit(search, calculate_constant(BPF_RSH, BPF_REG_1, 1));
	if (!form->lower) {
		emit(search, calculate_constant(BPF_XOR, BPF_REG_5, 1));
		emit(search, calculate_constant(BPF_ADD, BPF_REG_1, 1));
		return;
	}
	emit_word(search, BPF_REG_3, 1);
	emit(search, calculate_constant(BPF_LSH, BPF_REG_5, 62));
	emit(search, calculate_constant(BPF_RSH, BPF_REG_3, 2));
	emit(search, calculate_register(BPF_OR, BPF_REG_5, BPF_REG_3));
	emit(search, calculate_constant(BPF_ADD, BPF_REG_5, 1));
}

/* All lines of the page that hold something are asked for at once, and do not come one after another as they are needed. */
static void emit_touch(struct search *search, const struct set_form *form)
{
	uint32_t end = form->number_offset + form->fanout * (uint32_t)sizeof(uint32_t);

	for (uint32_t line = 0; line < end; line += 64)
		emit(search, load(BPF_W, BPF_REG_3, BPF_REG_0, (int16_t)line));
}

/* r0 is a page of short places: r0 goes to the one that counts, half of what is left at a step. */
static void emit_bisection(struct search *search, const struct set_form *form)
{
	for (uint32_t half = form->fanout / 2; half > 0; half /= 2) {
		emit_compare(search, form, BPF_REG_0, half * form->place_size);
		emit(search, calculate_constant(BPF_LSH, BPF_REG_4, __builtin_ctz(half * form->place_size)));
		emit(search, calculate_register(BPF_ADD, BPF_REG_0, BPF_REG_4));
	}
}

/* r2 = how many of the places from the second to the last, STEP apart, are not behind the key. */
static void emit_count(struct search *search, const struct set_form *form, uint8_t base, uint32_t places, uint32_t step)
{
	emit(search, move_constant(BPF_REG_2, 0));
	for (uint32_t i = 1; i < places; i++) {
		emit_compare(search, form, base, i * step);
		emit(search, calculate_register(BPF_ADD, BPF_REG_2, BPF_REG_4));
	}
}

/*
 * r0 is a page of long places: r0 goes ahead by a number for each place up to the one that counts. There are two steps, the
 * comparisons of each do not wait for each other: first those of groups, then of places in the last group that is not behind the
 * key.
 */
static void emit_groups(struct search *search, const struct set_form *form)
{
	uint32_t group = SET_GROUP * form->place_size, numbers = SET_GROUP * (uint32_t)sizeof(uint32_t);

	emit_count(search, form, BPF_REG_0, form->fanout / SET_GROUP, group);
	emit(search, move_register(BPF_REG_4, BPF_REG_2));
	emit(search, calculate_constant(BPF_LSH, BPF_REG_4, __builtin_ctz(group)));
	emit(search, move_register(BPF_REG_3, BPF_REG_0));
	emit(search, calculate_register(BPF_ADD, BPF_REG_3, BPF_REG_4));
	emit(search, calculate_constant(BPF_LSH, BPF_REG_2, __builtin_ctz(numbers)));
	emit(search, calculate_register(BPF_ADD, BPF_REG_0, BPF_REG_2));
	emit_count(search, form, BPF_REG_3, SET_GROUP, form->place_size);
	emit(search, calculate_constant(BPF_LSH, BPF_REG_2, __builtin_ctz(sizeof(uint32_t))));
	emit(search, calculate_register(BPF_ADD, BPF_REG_0, BPF_REG_2));
}

/* r0 is a page: r8 = its number for the key. */
static void emit_search(struct search *search, enum set_form_kind kind)
{
	const struct set_form *form = &search->shape.forms[kind];

	emit_touch(search, form);
	emit_key(search, form);
	if (form->place_size == sizeof(uint32_t)) /* as long as a number */
		emit_bisection(search, form);
	else
		emit_groups(search, form);
	emit(search, load(BPF_W, BPF_REG_8, BPF_REG_0, (int16_t)form->number_offset));
}

/* r8 = where to begin for the key, in place of the root that is in it. */
static void emit_index(struct search *search)
{
	const int16_t index = sizeof(struct weir_set_header);
	uint32_t shift = 0, behind = draft_label(search->draft);

	while (sizeof(uint32_t) << shift < search->shape.page_size)
		shift++;
	draft_branch(search->draft, branch_constant(BPF_JEQ, BPF_REG_8, 0), search->none);
	emit(search, load(BPF_DW, BPF_REG_9, BPF_REG_10, AT_HEADER));
	emit(search, load(BPF_W, BPF_REG_2, BPF_REG_9, index + (int16_t)offsetof(struct weir_set_index, page)));
	emit(search, load(BPF_W, BPF_REG_3, BPF_REG_9, index + (int16_t)offsetof(struct weir_set_index, shift)));
	emit_word(search, BPF_REG_1, 0);
	if (search->shape.key_bits > 32) {
		emit(search, load(BPF_DW, BPF_REG_4, BPF_REG_9, index + (int16_t)offsetof(struct weir_set_index, base)));
		emit(search, load(BPF_W, BPF_REG_5, BPF_REG_9, index + (int16_t)offsetof(struct weir_set_index, slots)));
		emit(search, calculate_register(BPF_SUB, BPF_REG_1, BPF_REG_4));
		emit(search, calculate_register(BPF_RSH, BPF_REG_1, BPF_REG_3));
		draft_branch(search->draft, branch_register(BPF_JGE, BPF_REG_1, BPF_REG_5), behind);
	} else {
		emit(search, calculate_register(BPF_RSH, BPF_REG_1, BPF_REG_3));
	}
	emit_thing(search, shift, 2, search->none);
	emit(search, load(BPF_W, BPF_REG_8, BPF_REG_0, 0));
	draft_place(search->draft, behind);
}

/* The page whose number is in r8: r8 = its number for the key. */
static void emit_level(struct search *search)
{
	uint32_t wide = draft_label(search->draft), behind = draft_label(search->draft);

	if (search->shape.key_bits <= 32) {
		emit_page(search, BPF_REG_8, search->none);
		emit_search(search, FORM_NARROW);
		return;
	}
	emit(search, move_register(BPF_REG_1, BPF_REG_8));
	emit(search, calculate_constant(BPF_AND, BPF_REG_1, (int32_t)~WEIR_SET_WIDE));
	emit_page(search, BPF_REG_1, search->none);
	draft_branch(search->draft, branch_constant(BPF_JGE, BPF_REG_8, WEIR_SET_WIDE),
		     wide); /* all below 1 << WEIR_SET_TREE_SHIFT */
	emit_search(search, FORM_NARROW);
	draft_jump(search->draft, behind);
	draft_place(search->draft, wide);
	emit_search(search, FORM_WIDE);
	draft_place(search->draft, behind);
}

/* A prefix: down the tree, and to the entry where that has a say. */
static void emit_prefix(struct search *search)
{
	uint32_t loop = draft_label(search->draft);

	emit_header_number(search, BPF_REG_8, offsetof(struct weir_set_header, tree));
	emit_index(search);
	emit(search, move_register(BPF_REG_9, BPF_REG_8));
	emit(search, calculate_constant(BPF_RSH, BPF_REG_9, WEIR_SET_TREE_SHIFT));
	emit(search, calculate_constant(BPF_AND, BPF_REG_9, WEIR_SET_MOST_LEVELS)); /* so often the verifier goes round */
	/*
	 * "Below 1", since a kernel before 6.8 learns nothing of the other numbers from "not 0", and takes the loop for endless.
	 */
	draft_branch(search->draft, branch_constant(BPF_JLT, BPF_REG_9, 1), search->none);
	emit(search, calculate_constant(BPF_AND, BPF_REG_8, (1 << WEIR_SET_TREE_SHIFT) - 1));
	draft_place(search->draft, loop);
	emit_level(search);
	emit(search, calculate_constant(BPF_ADD, BPF_REG_9, -1));
	draft_branch(search->draft, branch_constant(BPF_JGT, BPF_REG_9, 0), loop);
	draft_branch(search->draft, branch_constant(BPF_JEQ, BPF_REG_8, 0), search->none);
	emit(search, move_register(BPF_REG_1, BPF_REG_8));
	if (!search->counts) {						  /* else it always has the bit */
		emit(search, calculate_constant(BPF_RSH, BPF_REG_8, 31)); /* WEIR_SET_LOOK */
		draft_branch(search->draft, branch_constant(BPF_JEQ, BPF_REG_8, 0), search->member);
	}
	emit(search, calculate_constant(BPF_AND, BPF_REG_1, (int32_t)~WEIR_SET_LOOK));
	emit_entry(search, search->none);
	if (search->counts)
		emit(search, move_register(BPF_REG_9, BPF_REG_0));
	emit(search, load(BPF_W, BPF_REG_1, BPF_REG_0, offsetof(struct weir_set_entry, expires)));
	emit_expiry(search);
}

static void name_words(struct search *search)
{
	uint32_t word = 0;

	for (uint32_t i = 0; i < search->asked->key_count; i++)
		for (uint32_t w = 0; w < set_type_words(search->set->set->types[i]); w++)
			search->words[word++] =
				search->asked->keys[i] + w; /* the lower half of an IPv6 address is the next field */
}

/* At the end of the entry in r9. */
static void emit_counter(struct search *search)
{
	int16_t at = (int16_t)((1u << search->shape.entry_size_shift) - sizeof(struct weir_counter));

	emit(search, load(BPF_DW, BPF_REG_1, BPF_REG_10, AT_PACKETS));
	emit(search, add_atomically(BPF_REG_9, (int16_t)(at + (int16_t)offsetof(struct weir_counter, packets)), BPF_REG_1));
	emit(search, load(BPF_DW, BPF_REG_1, BPF_REG_10, AT_BYTES));
	emit(search, add_atomically(BPF_REG_9, (int16_t)(at + (int16_t)offsetof(struct weir_counter, bytes)), BPF_REG_1));
}

static struct search search_new(struct draft *draft, const struct rule_list *list, uint32_t dimension)
{
	struct search search = { .draft = draft, .asked = &list->dimensions[dimension] };

	search.set = &list->sets[search.asked->set];
	search.shape = set_shape(search.set->set, search.set->prefixes);
	name_words(&search);
	return search;
}

/* To `member` or to `none`. */
static void emit_search_whole(struct search *search)
{
	search->next = search->shape.prefixes ? draft_label(search->draft) : search->none;
	emit_single(search);
	if (search->shape.prefixes) {
		draft_place(search->draft, search->next);
		emit_prefix(search);
	}
	draft_jump(search->draft, search->none);
}

void emit_set_look_up(struct draft *draft, const struct rule_list *list, uint32_t dimension, uint32_t member, uint32_t none)
{
	struct search search = search_new(draft, list, dimension);

	search.member = member;
	search.none = none;
	draft_look_up(draft, dimension, member, none);
	emit_search_whole(&search);
}

void emit_set_member(struct draft *draft, const struct rule_list *list, uint32_t dimension, bool counts)
{
	struct search search = search_new(draft, list, dimension);
	uint32_t body = draft_label(draft);

	search.counts = counts;
	search.none = draft_label(draft);
	search.member = draft_label(draft);
	draft_function(draft, counts ? FUNCTION_COUNT_MEMBER : FUNCTION_SET_MEMBER, dimension);
	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_1, 0), body);
	draft_place(draft, search.none);
	draft_emit(draft, move_constant(BPF_REG_0, 0));
	draft_exit(draft);
	draft_place(draft, search.member);
	if (counts)
		emit_counter(&search);
	draft_emit(draft, move_constant(BPF_REG_0, 1));
	draft_exit(draft);
	draft_place(draft, body);
	draft_emit(draft, move_register(BPF_REG_7, BPF_REG_1));
	if (counts) { /* the arguments of set_count() */
		draft_emit(draft, store(BPF_DW, BPF_REG_10, AT_PACKETS, BPF_REG_3));
		draft_emit(draft, store(BPF_DW, BPF_REG_10, AT_BYTES, BPF_REG_4));
	}
	emit_search_whole(&search);
}
