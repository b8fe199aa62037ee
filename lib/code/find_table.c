// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table. In: rows of numbers. Out: a hash table of them, open, probed in order, and the look into it, which stands in
 * classify():
 *
 *	fields for which all rows have the same number: not that one, no rule
 *	lists and ranges that all rows ask for: not in there, no rule
 *	key = the other fields, side by side in words of 64 bits
 *	for slot = hash(key), the next, ...: empty, no rule; key is there, that one
 *
 * The table is made once and never changes, so how many slots must be looked at is known: the longest way any row took. A
 * multiplier of the hash for which that is short is searched when the table is made.
 *
 *	r0	what a helper gave back; the element
 *	r1-r5	scratch; r4 the multiplier of the hash, r5 the hash, then the number of the slot, or element, that is looked at
 *	r7	flow
 *	fp-8	the number of the element, for the look-up; fp-16 how many more elements
 *
 * The words of the key are put together anew for the comparison: the stack is short, since all calls share it.
 */
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "code/answers.h"
#include "code/find.h"
#include "code/instructions.h"
#include "tree/table.h"

#define FEW_ROWS	 1024 /* have four slots each, more have two */
#define MOST_PROBES	 16   /* to be content with at once */
#define MULTIPLIERS	 8    /* to be tried */
#define FIRST_MULTIPLIER 0x9e3779b97f4a7c15u

/* Where a field stands in the key. */
struct key_field {
	uint32_t column; /* of the table */
	uint8_t word, shift;
};

struct slots {
	const struct tree_table *table;
	const struct rule_list *rules;
	uint32_t constant_count, field_count, word_count;
	uint32_t constants[TABLE_MOST_FIELDS]; /* columns */
	struct key_field fields[TABLE_MOST_FIELDS];
	uint32_t slot_bits, probes;
	uint64_t multiplier;
	uint32_t data; /* the number of its map */
};

static const struct dimension *column_dimension(const struct slots *slots, uint32_t column)
{
	return &slots->rules->dimensions[slots->table->dimensions[column]];
}

static uint64_t number_at(const struct tree_table *table, uint32_t row, uint32_t column)
{
	return table->keys[(size_t)row * table->dimension_count + column];
}

static bool is_constant(const struct tree_table *table, uint32_t column)
{
	for (uint32_t row = 1; row < table->count; row++)
		if (number_at(table, row, column) != number_at(table, 0, column))
			return false;
	return true;
}

static unsigned bits_of(uint64_t max)
{
	return 64 - __builtin_clzll(max | 1);
}

/* The widest fields first, each into the first word that has room. */
static void lay_out(struct slots *slots)
{
	uint8_t used[TABLE_MOST_FIELDS] = { 0 };
	bool varies[TABLE_MOST_FIELDS];

	for (uint32_t column = 0; column < slots->table->dimension_count; column++) {
		varies[column] = !is_constant(slots->table, column);
		if (!varies[column])
			slots->constants[slots->constant_count++] = column;
	}
	for (unsigned bits = 64; bits > 0; bits--)
		for (uint32_t column = 0; column < slots->table->dimension_count; column++) {
			uint8_t word = 0;

			if (!varies[column] || bits_of(column_dimension(slots, column)->max) != bits)
				continue;
			while (used[word] + bits > 64)
				word++;
			slots->fields[slots->field_count++] = (struct key_field){ column, word, used[word] };
			used[word] += bits;
			slots->word_count = word + 1u > slots->word_count ? word + 1u : slots->word_count;
		}
}

static void key_of(const struct slots *slots, uint32_t row, uint64_t *key)
{
	memset(key, 0, slots->word_count * sizeof(*key));
	for (uint32_t i = 0; i < slots->field_count; i++) {
		const struct key_field *field = &slots->fields[i];

		key[field->word] |= number_at(slots->table, row, field->column) << field->shift;
	}
}

/* As emit_hash does it. */
static uint32_t hash_of(const struct slots *slots, const uint64_t *key)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < slots->word_count; i++) {
		hash = (hash ^ key[i]) * slots->multiplier;
		hash ^= hash >> 32;
	}
	return hash * slots->multiplier >> (64 - slots->slot_bits);
}

/* Which row each slot has, or CODE_NO_RULE; slots->probes is the most slots that a row needs to be looked for. */
static void fill_slots(struct slots *slots, uint32_t *rows)
{
	uint32_t mask = (1u << slots->slot_bits) - 1;

	slots->probes = 1;
	memset(rows, 0xff, sizeof(*rows) << slots->slot_bits);
	for (uint32_t row = 0; row < slots->table->count; row++) {
		uint64_t key[TABLE_MOST_FIELDS];
		uint32_t slot, probes = 1;

		key_of(slots, row, key);
		for (slot = hash_of(slots, key); rows[slot] != CODE_NO_RULE; slot = (slot + 1) & mask)
			probes++;
		rows[slot] = row;
		slots->probes = probes > slots->probes ? probes : slots->probes;
	}
}

/* Try multipliers; the rows by slot, with the best one, come back. */
static uint32_t *choose_multiplier(struct slots *slots, struct arena *arena)
{
	uint32_t *rows = arena_new_array(arena, uint32_t, (size_t)1 << slots->slot_bits), best_probes = UINT32_MAX;
	uint64_t best = FIRST_MULTIPLIER;

	slots->multiplier = FIRST_MULTIPLIER;
	for (unsigned i = 0; i < MULTIPLIERS && best_probes > MOST_PROBES; i++) {
		fill_slots(slots, rows);
		if (slots->probes < best_probes) {
			best_probes = slots->probes;
			best = slots->multiplier;
		}
		slots->multiplier = (slots->multiplier * 0xd1342543de82ef95 + FIRST_MULTIPLIER) | 1;
	}
	slots->multiplier = best;
	fill_slots(slots, rows);
	return rows;
}

/* The elements: 0 stands for none, slot s is element s + 1. */
static struct code_data fill_elements(const struct slots *slots, const struct find_request *request, const uint32_t *rows)
{
	uint32_t count = (1u << slots->slot_bits) + 1;
	uint32_t value_size = sizeof(struct code_outcome) + slots->word_count * sizeof(uint64_t);
	uint8_t *bytes = arena_alloc(request->arena, (size_t)count * value_size);
	uint32_t *rules = arena_new_array(request->arena, uint32_t, count);

	memset(rules, 0xff, count * sizeof(*rules));
	for (uint32_t slot = 0; slot + 1 < count; slot++) {
		uint8_t *element = bytes + (size_t)(slot + 1) * value_size;
		struct code_outcome outcome = { .used = 1 };
		uint64_t key[TABLE_MOST_FIELDS];

		if (rows[slot] == CODE_NO_RULE)
			continue;
		rules[slot + 1] = outcome.rule = slots->table->rules[rows[slot]];
		outcome.next = request->tree->next[outcome.rule];
		key_of(slots, rows[slot], key);
		memcpy(element, &outcome, sizeof(outcome));
		memcpy(element + sizeof(outcome), key, slots->word_count * sizeof(*key));
	}
	return (struct code_data){ arena_printf(request->arena, "table_%u", request->number + 1), value_size, count, bytes,
				   rules };
}

struct find slots_new(struct draft *draft, const struct find_request *request)
{
	struct slots *slots = arena_new_object(draft->arena, struct slots);
	const uint32_t *rows;

	slots->table = request->part->table;
	slots->rules = request->tree->rules;
	lay_out(slots);
	for (slots->slot_bits = 1; 1u << slots->slot_bits < (slots->table->count <= FEW_ROWS ? 4 : 2) * slots->table->count;)
		slots->slot_bits++;
	rows = choose_multiplier(slots, draft->arena);
	slots->data = draft_data(draft, fill_elements(slots, request, rows));
	return (struct find){ .outcomes = slots->data, .slots = slots };
}

/* ---- The look ---- */

#define AT_NUMBER (-8)
#define AT_MORE	  (-16)
static_assert(-AT_MORE <= FOUND_STACK, "answers.h keeps that free");

static void emit_constants(struct draft *draft, const struct slots *slots, uint32_t none)
{
	for (uint32_t i = 0; i < slots->constant_count; i++) {
		uint64_t number = number_at(slots->table, 0, slots->constants[i]);

		emit_field(draft, column_dimension(slots, slots->constants[i]), BPF_REG_1);
		emit_branch(draft, BPF_JNE, number, none);
	}
}

/* r2 = a word of the key; r1 is lost. */
static void emit_word(struct draft *draft, const struct slots *slots, uint32_t word)
{
	uint8_t reg = BPF_REG_2; /* of the first field */

	for (uint32_t i = 0; i < slots->field_count; i++) {
		const struct key_field *field = &slots->fields[i];

		if (field->word != word)
			continue;
		emit_field(draft, column_dimension(slots, field->column), reg);
		if (field->shift)
			draft_emit(draft, calculate_constant(BPF_LSH, reg, field->shift));
		if (reg != BPF_REG_2)
			draft_emit(draft, calculate_register(BPF_OR, BPF_REG_2, reg));
		reg = BPF_REG_1;
	}
}

/* r5 = the hash of the key. */
static void emit_hash(struct draft *draft, const struct slots *slots)
{
	draft_wide(draft, BPF_REG_4, 0, slots->multiplier);
	if (!slots->word_count)
		draft_emit(draft, move_constant(BPF_REG_5, 0));
	for (uint32_t word = 0; word < slots->word_count; word++) {
		emit_word(draft, slots, word);
		draft_emit(draft, word ? calculate_register(BPF_XOR, BPF_REG_5, BPF_REG_2) : move_register(BPF_REG_5, BPF_REG_2));
		draft_emit(draft, calculate_register(BPF_MUL, BPF_REG_5, BPF_REG_4));
		draft_emit(draft, move_register(BPF_REG_1, BPF_REG_5));
		draft_emit(draft, calculate_constant(BPF_RSH, BPF_REG_1, 32));
		draft_emit(draft, calculate_register(BPF_XOR, BPF_REG_5, BPF_REG_1));
	}
	draft_emit(draft, calculate_register(BPF_MUL, BPF_REG_5, BPF_REG_4));
	draft_emit(draft, calculate_constant(BPF_RSH, BPF_REG_5, (int32_t)(64 - slots->slot_bits)));
}

static void emit_probes(struct draft *draft, const struct slots *slots, uint32_t none)
{
	uint32_t loop = draft_label(draft), other = draft_label(draft), found = draft_label(draft);

	draft_emit(draft, move_constant(BPF_REG_1, slots->probes));
	draft_emit(draft, store(BPF_DW, BPF_REG_10, AT_MORE, BPF_REG_1));
	draft_place(draft, loop);
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_5, 1));
	draft_emit(draft, store(BPF_W, BPF_REG_10, AT_NUMBER, BPF_REG_5));
	draft_refer(draft, REFERENCE_DATA, slots->data);
	draft_wide(draft, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0);
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_10));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_2, AT_NUMBER));
	draft_emit(draft, call_helper(HELPER_MAP_LOOKUP_ELEM));
	draft_branch(draft, branch_constant(BPF_JEQ, BPF_REG_0, 0), none);
	draft_emit(draft, load(BPF_W, BPF_REG_1, BPF_REG_0, offsetof(struct code_outcome, used)));
	draft_branch(draft, branch_constant(BPF_JEQ, BPF_REG_1, 0), none);
	for (uint32_t word = 0; word < slots->word_count; word++) {
		emit_word(draft, slots, word);
		draft_emit(draft, load(BPF_DW, BPF_REG_1, BPF_REG_0, (int16_t)(sizeof(struct code_outcome) + 8 * word)));
		if (word + 1 < slots->word_count)
			draft_branch(draft, branch_register(BPF_JNE, BPF_REG_1, BPF_REG_2), other);
		else
			draft_branch(draft, branch_register(BPF_JEQ, BPF_REG_1, BPF_REG_2), found);
	}
	if (!slots->word_count)
		return;
	draft_place(draft, other);
	draft_emit(draft, load(BPF_DW, BPF_REG_1, BPF_REG_10, AT_MORE));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_1, -1));
	draft_emit(draft, store(BPF_DW, BPF_REG_10, AT_MORE, BPF_REG_1));
	draft_emit(draft, load(BPF_W, BPF_REG_5, BPF_REG_10, AT_NUMBER));
	draft_emit(draft, calculate_constant_32(BPF_AND, BPF_REG_5, (1u << slots->slot_bits) - 1));
	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_1, 0), loop);
	draft_jump(draft, none);
	draft_place(draft, found);
}

void emit_slots(struct draft *draft, const struct slots *slots, uint32_t none)
{
	emit_constants(draft, slots, none);
	emit_shared(draft, slots->rules, slots->table->shared, slots->table->shared_count, none);
	emit_hash(draft, slots);
	emit_probes(draft, slots, none);
}
