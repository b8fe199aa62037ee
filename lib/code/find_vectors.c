// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bit vectors. In: those of a tree part. Out: four maps, the function find() that goes from block to block, and the one that it
 * asks for each, with the number of the block and the answers of what is no field in one number:
 *
 *	int block(ctx, struct weir_flow *flow, u32 block | answers << BLOCK_BITS)	the element of the first box that holds; 0: none
 *
 *	page = pages[block]
 *	for each dimension: row = rows[page.rows + how many of its borders are not behind the value]
 *	for each chunk of the block
 *		r6..r9 = AND of chunks[page.chunks + row.chunks[i]] over the dimensions, until nothing is left
 *		any bit: answer the box of the lowest
 *
 * All blocks have the same code, and the kernel verifies it once: it grows with the dimensions, and not with the rules. A page
 * has a block's borders of all dimensions, for each a power of two of them; the places that are too many stand in front and are 0,
 * as the first border is. So the bisection always ends among the others, and needs neither a branch nor a last border.
 *
 * find():
 *	r6 ctx, r7 flow, r8 answers, r9 the number of the block
 * block():
 *	r0	what a helper gave back
 *	r1-r5	scratch; in the bisection r1 the value (of 32 bits plus one), r2 the offset of the place, r5 the first place
 *	r6	the page, while the rows are looked for; r7 flow, r8 the last argument, r9 the value inverted
 *	r6-r9	then the bits
 *	fp-8	the number of an element, for the look-up;   fp-16	the offset of the chunk in the row;   fp-24	the page
 *	fp-32-8i	the row of dimension i
 */
#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "code/find.h"
#include "code/instructions.h"
#include "tree/vectors.h"

#define BLOCK_BITS 12
_Static_assert(VECTOR_MOST_BLOCKS < 1 << BLOCK_BITS, "the number of a block fits");
_Static_assert(BLOCK_BITS + LIMIT_DATA_FIELDS <= 32, "the answers fit behind it");

#define AT_NUMBER -8
#define AT_CHUNK  -16
#define AT_PAGE	  -24
#define AT_ROWS	  -32

/* A dimension in a page. */
struct page_column {
	const struct dimension *dimension;
	uint32_t places;	   /* a power of two */
	uint32_t offset;	   /* of the first place, in bytes */
	uint8_t size;		   /* of a place, 4 or 8 */
	uint32_t function, answer; /* no field: what computes it, and the bit of its answer */
};

struct vectors {
	const struct tree_vectors *of;
	const struct rule_list *rules;
	uint32_t block_function;
	struct page_column columns[LIMIT_DATA_FIELDS];
	uint32_t page_size, chunk_count; /* chunks: the most of a block */
	uint32_t pages, rows, chunks;	 /* numbers of maps */
};

/* What a page begins with: the number of its first box, then for each dimension these. */
struct page_numbers {
	uint32_t rows, chunks;
};

static uint32_t numbers_offset(uint32_t d)
{
	return (uint32_t)(sizeof(uint64_t) + d * sizeof(struct page_numbers));
}

/* ---- What is in the maps ---- */

static void lay_out(struct vectors *vectors, const struct find_request *request)
{
	const struct tree_vectors *of = vectors->of;
	uint32_t answers = 0;

	vectors->page_size = numbers_offset(of->dimension_count);
	for (uint32_t d = 0; d < of->dimension_count; d++) {
		struct page_column *column = &vectors->columns[d];

		column->dimension = &vectors->rules->dimensions[of->dimensions[d]];
		column->function = request->functions[of->dimensions[d]];
		column->answer = column->dimension->kind == DIMENSION_FIELD ? 0 : answers++;
		column->size = column->dimension->max > UINT32_MAX ? 8 : 4;
		column->offset = vectors->page_size;
		column->places = 1;
		for (uint32_t b = 0; b < of->block_count; b++)
			while (column->places < of->blocks[b].columns[d].border_count)
				column->places *= 2;
		vectors->page_size += (column->places * column->size + 7) / 8 * 8;
	}
	for (uint32_t b = 0; b < of->block_count; b++) {
		uint32_t count = (of->blocks[b].count + VECTOR_CHUNK_BITS - 1) / VECTOR_CHUNK_BITS;

		vectors->chunk_count = count > vectors->chunk_count ? count : vectors->chunk_count;
	}
}

static void fill_page(const struct vectors *vectors, const struct vector_block *block, uint8_t *page)
{
	memcpy(page, &block->first, sizeof(block->first));
	for (uint32_t d = 0; d < vectors->of->dimension_count; d++) {
		const struct page_column *column = &vectors->columns[d];
		const struct vector_column *from = &block->columns[d];
		uint32_t before = column->places - from->border_count;
		struct page_numbers numbers = { from->first_row - before, from->first_chunk };

		memcpy(page + numbers_offset(d), &numbers, sizeof(numbers));
		for (uint32_t i = 0; i < from->border_count; i++) {
			uint8_t *place = page + column->offset + (size_t)(before + i) * column->size;
			uint32_t narrow = (uint32_t)from->borders[i];

			memcpy(place, column->size == 8 ? (const void *)&from->borders[i] : &narrow, column->size);
		}
	}
}

static uint32_t make_pages(const struct vectors *vectors, struct draft *draft, const struct find_request *request)
{
	uint8_t *pages = arena_alloc(request->arena, (size_t)vectors->page_size * vectors->of->block_count);

	for (uint32_t b = 0; b < vectors->of->block_count; b++)
		fill_page(vectors, &vectors->of->blocks[b], pages + (size_t)b * vectors->page_size);
	return draft_data(draft, (struct code_data){ .name = arena_printf(request->arena, "pages_%u", request->number + 1),
						     .value_size = vectors->page_size,
						     .count = vectors->of->block_count,
						     .bytes = pages });
}

/* Element 0 stands for none, box b is element b + 1. */
static uint32_t make_outcomes(const struct vectors *vectors, struct draft *draft, const struct find_request *request)
{
	uint32_t count = vectors->of->box_count + 1;
	struct code_outcome *outcomes = arena_new_array(request->arena, struct code_outcome, count);
	uint32_t *rules = arena_new_array(request->arena, uint32_t, count);

	rules[0] = CODE_NO_RULE;
	for (uint32_t i = 1; i < count; i++) {
		rules[i] = vectors->of->rules[i - 1];
		outcomes[i] = (struct code_outcome){ .rule = rules[i], .next = request->tree->next[rules[i]], .used = 1 };
	}
	return draft_data(draft, (struct code_data){ .name = arena_printf(request->arena, "boxes_%u", request->number + 1),
						     .value_size = sizeof(*outcomes),
						     .count = count,
						     .bytes = outcomes,
						     .rules = rules });
}

struct find vectors_new(struct draft *draft, const struct find_request *request)
{
	struct vectors *vectors = arena_new_object(draft->arena, struct vectors);
	const struct tree_vectors *of = request->part->vectors;

	vectors->of = of;
	vectors->rules = request->tree->rules;
	vectors->block_function = request->function + 1;
	lay_out(vectors, request);
	vectors->pages = make_pages(vectors, draft, request);
	vectors->rows =
		draft_data(draft, (struct code_data){ .name = arena_printf(request->arena, "rows_%u", request->number + 1),
						      .value_size = sizeof(struct vector_row),
						      .count = of->row_count,
						      .bytes = of->rows });
	vectors->chunks =
		draft_data(draft, (struct code_data){ .name = arena_printf(request->arena, "chunks_%u", request->number + 1),
						      .value_size = sizeof(struct vector_chunk),
						      .count = of->chunk_count,
						      .bytes = of->chunks });
	return (struct find){ .outcomes = make_outcomes(vectors, draft, request), .vectors = vectors };
}

/* ---- From block to block ---- */

static void emit_answers(struct draft *draft, const struct vectors *vectors)
{
	draft_emit(draft, move_constant(BPF_REG_8, 0));
	for (uint32_t d = 0; d < vectors->of->dimension_count; d++) {
		const struct page_column *column = &vectors->columns[d];

		if (column->dimension->kind == DIMENSION_FIELD)
			continue;
		emit_computed(draft, column->dimension, column->function);
		draft_emit(draft, calculate_constant_32(BPF_LSH, BPF_REG_0, BLOCK_BITS + column->answer));
		draft_emit(draft, calculate_register(BPF_OR, BPF_REG_8, BPF_REG_0));
	}
}

void emit_vectors(struct draft *draft, const struct vectors *vectors)
{
	uint32_t loop = draft_label(draft), none = draft_label(draft), found = draft_label(draft);

	emit_shared(draft, vectors->rules, vectors->of->shared, vectors->of->shared_count, none);
	emit_answers(draft, vectors);
	draft_emit(draft, move_constant(BPF_REG_9, 0));
	draft_place(draft, loop);
	draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6));
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_7));
	draft_emit(draft, move_register(BPF_REG_3, BPF_REG_8));
	draft_emit(draft, calculate_register(BPF_OR, BPF_REG_3, BPF_REG_9));
	draft_refer(draft, REFERENCE_FUNCTION, vectors->block_function);
	draft_emit(draft, call_function());
	draft_branch(draft, branch_constant_32(BPF_JNE, BPF_REG_0, 0), found);
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_9, 1));
	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_9, (int32_t)vectors->of->block_count), loop);
	draft_place(draft, none);
	draft_emit(draft, move_constant(BPF_REG_0, 0));
	draft_place(draft, found);
	draft_exit(draft);
}

/* ---- In a block ---- */

/* r0 = the element of map DATA whose number is at AT_NUMBER, to NONE when there is none, which never is. */
static void emit_look_up(struct draft *draft, uint32_t data, uint32_t none)
{
	draft_refer(draft, REFERENCE_DATA, data);
	draft_wide(draft, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0);
	draft_emit(draft, move_register(BPF_REG_2, BPF_REG_10));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_2, AT_NUMBER));
	draft_emit(draft, call_helper(HELPER_MAP_LOOKUP_ELEM));
	draft_branch(draft, branch_constant(BPF_JEQ, BPF_REG_0, 0), none);
}

static int32_t log2_of(uint32_t power)
{
	return 31 - __builtin_clz(power);
}

/* A step without a branch: r2 moves half of what is left when that place is not behind the value in r1, less one. */
static void emit_step_narrow(struct draft *draft, uint32_t half)
{
	int32_t bit = log2_of(half * 4);

	draft_emit(draft, move_register(BPF_REG_3, BPF_REG_5));
	draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_3, BPF_REG_2));
	draft_emit(draft, load(BPF_W, BPF_REG_4, BPF_REG_3, (int16_t)(half * 4)));
	draft_emit(draft, calculate_register(BPF_SUB, BPF_REG_4, BPF_REG_1));
	draft_emit(draft, calculate_constant(BPF_RSH, BPF_REG_4, 63 - bit));
	draft_emit(draft, calculate_constant(BPF_AND, BPF_REG_4, 1 << bit));
	draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_2, BPF_REG_4));
}

/*
 * The same of 64 bits: the place is behind the value when value - place borrows, which is the sign of
 * (~value & place) | (~(value ^ place) & (value - place)). Offsets go up to 32768, so r5 is half of that further on.
 */
#define WIDE_BASE 16384

static void emit_step_wide(struct draft *draft, uint32_t half)
{
	int32_t bit = log2_of(half * 8);

	draft_emit(draft, move_register(BPF_REG_3, BPF_REG_5));
	draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_3, BPF_REG_2));
	draft_emit(draft, load(BPF_DW, BPF_REG_4, BPF_REG_3, (int16_t)((int32_t)half * 8 - WIDE_BASE)));
	draft_emit(draft, move_register(BPF_REG_3, BPF_REG_1));
	draft_emit(draft, calculate_register(BPF_SUB, BPF_REG_3, BPF_REG_4));
	draft_emit(draft, move_register(BPF_REG_0, BPF_REG_4));
	draft_emit(draft, calculate_register(BPF_XOR, BPF_REG_0, BPF_REG_9));
	draft_emit(draft, calculate_register(BPF_AND, BPF_REG_3, BPF_REG_0));
	draft_emit(draft, calculate_register(BPF_AND, BPF_REG_4, BPF_REG_9));
	draft_emit(draft, calculate_register(BPF_OR, BPF_REG_3, BPF_REG_4));
	draft_emit(draft, calculate_constant(BPF_XOR, BPF_REG_3, -1));
	draft_emit(draft, calculate_constant(BPF_RSH, BPF_REG_3, 63 - bit));
	draft_emit(draft, calculate_constant(BPF_AND, BPF_REG_3, 1 << bit));
	draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_2, BPF_REG_3));
}

/* r2 = the offset, from the column's first place, of the last one that is not behind its value. */
static void emit_bisection(struct draft *draft, const struct page_column *column)
{
	bool wide = column->size == 8;

	if (column->dimension->kind == DIMENSION_FIELD) {
		emit_field(draft, column->dimension, BPF_REG_1);
	} else {
		draft_emit(draft, move_register_32(BPF_REG_1, BPF_REG_8));
		draft_emit(draft, calculate_constant_32(BPF_RSH, BPF_REG_1, BLOCK_BITS + column->answer));
		draft_emit(draft, calculate_constant_32(BPF_AND, BPF_REG_1, 1));
	}
	if (wide) {
		draft_emit(draft, move_register(BPF_REG_9, BPF_REG_1));
		draft_emit(draft, calculate_constant(BPF_XOR, BPF_REG_9, -1));
	} else {
		draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_1, 1));
	}
	draft_emit(draft, move_register(BPF_REG_5, BPF_REG_6));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_5, (int32_t)column->offset + (wide ? WIDE_BASE : 0)));
	draft_emit(draft, move_constant(BPF_REG_2, 0));
	for (uint32_t half = column->places / 2; half > 0; half /= 2) {
		if (wide)
			emit_step_wide(draft, half);
		else
			emit_step_narrow(draft, half);
	}
}

static void emit_rows(struct draft *draft, const struct vectors *vectors, uint32_t none)
{
	for (uint32_t d = 0; d < vectors->of->dimension_count; d++) {
		const struct page_column *column = &vectors->columns[d];

		emit_bisection(draft, column);
		draft_emit(draft, calculate_constant(BPF_RSH, BPF_REG_2, log2_of(column->size)));
		draft_emit(draft,
			   load(BPF_W, BPF_REG_1, BPF_REG_6, (int16_t)(numbers_offset(d) + offsetof(struct page_numbers, rows))));
		draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_2, BPF_REG_1));
		draft_emit(draft, store(BPF_W, BPF_REG_10, AT_NUMBER, BPF_REG_2));
		emit_look_up(draft, vectors->rows, none);
		draft_emit(draft, store(BPF_DW, BPF_REG_10, (int16_t)(AT_ROWS - 8 * (int)d), BPF_REG_0));
	}
}

/* Dimension D's chunk: the bits, or what both have. */
static void emit_chunk(struct draft *draft, const struct vectors *vectors, uint32_t d, bool first, uint32_t none)
{
	draft_emit(draft, load(BPF_DW, BPF_REG_1, BPF_REG_10, (int16_t)(AT_ROWS - 8 * (int)d)));
	draft_emit(draft, load(BPF_DW, BPF_REG_2, BPF_REG_10, AT_CHUNK));
	draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_1, BPF_REG_2));
	draft_emit(draft, load(BPF_H, BPF_REG_1, BPF_REG_1, 0));
	draft_emit(draft, load(BPF_DW, BPF_REG_2, BPF_REG_10, AT_PAGE));
	draft_emit(draft,
		   load(BPF_W, BPF_REG_2, BPF_REG_2, (int16_t)(numbers_offset(d) + offsetof(struct page_numbers, chunks))));
	draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_1, BPF_REG_2));
	draft_emit(draft, store(BPF_W, BPF_REG_10, AT_NUMBER, BPF_REG_1));
	emit_look_up(draft, vectors->chunks, none);
	for (uint8_t word = 0; word < VECTOR_WORDS; word++) {
		uint8_t bits = BPF_REG_6 + word;

		draft_emit(draft, load(BPF_DW, first ? bits : BPF_REG_1, BPF_REG_0, (int16_t)(word * sizeof(uint64_t))));
		if (!first)
			draft_emit(draft, calculate_register(BPF_AND, bits, BPF_REG_1));
	}
}

/* Nothing left: on with the next chunk. */
static void emit_any_left(struct draft *draft, uint32_t next)
{
	draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6));
	for (uint8_t word = 1; word < VECTOR_WORDS; word++)
		draft_emit(draft, calculate_register(BPF_OR, BPF_REG_1, BPF_REG_6 + word));
	draft_branch(draft, branch_constant(BPF_JEQ, BPF_REG_1, 0), next);
}

/* r0 += the number of the lowest bit in r1, some bit is there. Without a branch: nobody could predict it. */
static void emit_lowest_bit(struct draft *draft)
{
	for (int32_t width = 32, shift = 5; width > 0; width /= 2, shift--) {
		if (width == 32) {
			draft_emit(draft, move_register_32(BPF_REG_2, BPF_REG_1));
		} else {
			draft_emit(draft, move_register(BPF_REG_2, BPF_REG_1));
			draft_emit(draft, calculate_constant(BPF_AND, BPF_REG_2, (1 << width) - 1));
		}
		draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_2, -1)); /* below 0: none in the lower half */
		draft_emit(draft, calculate_constant(BPF_RSH, BPF_REG_2, 63));
		draft_emit(draft, calculate_constant(BPF_LSH, BPF_REG_2, shift));
		draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_0, BPF_REG_2));
		draft_emit(draft, calculate_register(BPF_RSH, BPF_REG_1, BPF_REG_2));
	}
}

/* The answer, from the bits in r6 to r9. */
static void emit_box(struct draft *draft)
{
	uint32_t there = draft_label(draft);

	draft_emit(draft, load(BPF_DW, BPF_REG_0, BPF_REG_10, AT_CHUNK));
	draft_emit(draft,
		   calculate_constant(BPF_LSH, BPF_REG_0, log2_of(VECTOR_CHUNK_BITS) - 1)); /* a number in the row is 2 bytes */
	draft_emit(draft, load(BPF_DW, BPF_REG_2, BPF_REG_10, AT_PAGE));
	draft_emit(draft, load(BPF_W, BPF_REG_2, BPF_REG_2, 0));
	draft_emit(draft, calculate_register(BPF_ADD, BPF_REG_0, BPF_REG_2));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_0, 1));
	for (uint8_t word = 0; word < VECTOR_WORDS; word++) {
		draft_emit(draft, move_register(BPF_REG_1, BPF_REG_6 + word));
		if (word + 1 == VECTOR_WORDS)
			break;
		draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_1, 0), there);
		draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_0, 64));
	}
	draft_place(draft, there);
	emit_lowest_bit(draft);
	draft_exit(draft);
}

void emit_vectors_block(struct draft *draft, const struct vectors *vectors)
{
	uint32_t none = draft_label(draft), loop = draft_label(draft), next = draft_label(draft), body = draft_label(draft);
	const struct tree_vectors *of = vectors->of;

	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_2, 0), body);
	draft_place(draft, none);
	draft_emit(draft, move_constant(BPF_REG_0, 0));
	draft_exit(draft);
	draft_place(draft, body);
	draft_emit(draft, move_register(BPF_REG_7, BPF_REG_2));
	draft_emit(draft, move_register(BPF_REG_8, BPF_REG_3));
	draft_emit(draft, calculate_constant_32(BPF_AND, BPF_REG_3, (1u << BLOCK_BITS) - 1));
	draft_emit(draft, store(BPF_W, BPF_REG_10, AT_NUMBER, BPF_REG_3));
	emit_look_up(draft, vectors->pages, none);
	draft_emit(draft, move_register(BPF_REG_6, BPF_REG_0));
	draft_emit(draft, store(BPF_DW, BPF_REG_10, AT_PAGE, BPF_REG_6));
	emit_rows(draft, vectors, none);
	draft_emit(draft, store_constant(BPF_DW, BPF_REG_10, AT_CHUNK, 0));
	draft_place(draft, loop);
	for (uint32_t i = 0; i < of->dimension_count; i++) {
		emit_chunk(draft, vectors, of->order[i], i == 0, none);
		if (i > 0 || of->dimension_count == 1)
			emit_any_left(draft, next);
	}
	emit_box(draft);
	draft_place(draft, next);
	draft_emit(draft, load(BPF_DW, BPF_REG_1, BPF_REG_10, AT_CHUNK));
	draft_emit(draft, calculate_constant(BPF_ADD, BPF_REG_1, sizeof(uint16_t)));
	draft_emit(draft, store(BPF_DW, BPF_REG_10, AT_CHUNK, BPF_REG_1));
	draft_branch(draft, branch_constant(BPF_JNE, BPF_REG_1, (int32_t)(vectors->chunk_count * sizeof(uint16_t))), loop);
	draft_jump(draft, none);
}
