// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: rules. Out: vectors of their boxes. Boxes in order are cut into blocks. In a block, a dimension's values fall into
 * intervals within which all boxes agree; for each of these a row says which boxes hold there. A row is not the bits themselves
 * but the numbers of chunks of them, since neighbours differ in few:
 *
 *	row = the last border that is not behind the value		for each dimension
 *	for each chunk of the block: AND of chunks[row.chunks[i]] over all dimensions; any bit: the lowest is the first box
 *
 * Where all boxes ask the same of a field, that is asked before, once; and so is that a value is one that any of them asks for.
 */
#include "tree/vectors.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "rules/intervals.h"
#include "tree/intern.h"
#include "tree/table.h"

#define MOST_CHUNKS (UINT16_MAX + 1u) /* of a dimension in a block: they have their numbers in rows */
#define NO_RULE	    UINT32_MAX

struct vector_item {
	const struct box *box;
	uint32_t rule;
};

/* From BORDER on, the box of that number in its block holds, or no longer. */
struct event {
	uint64_t border;
	uint32_t item;
	bool on;
};

struct maker {
	struct arena *arena, *scratch;
	const struct rule_list *list;
	VECTOR(struct vector_item) items;
	uint32_t *dimensions, dimension_count;
	VECTOR(struct constraint) shared;
	VECTOR(struct vector_block) blocks;
	VECTOR(struct vector_row) rows;
	VECTOR(struct vector_chunk) chunks;
	VECTOR(struct event) events;
};

/* ---- Which rules, and which dimensions ---- */

static bool is_empty(const struct box *box)
{
	for (uint32_t i = 0; i < box->count; i++)
		if (box->constraints[i].count == 0)
			return true;
	return false;
}

static bool can_match(const struct rule *rule)
{
	for (uint32_t b = 0; b < rule->box_count; b++)
		if (!is_empty(&rule->boxes[b]))
			return true;
	return false;
}

static bool asks_http(const struct rule_list *list, const struct rule *rule)
{
	for (uint32_t b = 0; b < rule->box_count; b++)
		for (uint32_t i = 0; i < rule->boxes[b].count; i++)
			if (dimension_reads_http(&list->dimensions[rule->boxes[b].constraints[i].dimension]))
				return true;
	return false;
}

/* Mark what a rule asks for; how many of that were not marked. */
static uint32_t mark_dimensions(const struct rule *rule, bool *marks, bool value)
{
	uint32_t changed = 0;

	for (uint32_t b = 0; b < rule->box_count; b++)
		for (uint32_t i = 0; i < rule->boxes[b].count; i++) {
			bool *mark = &marks[rule->boxes[b].constraints[i].dimension];

			changed += *mark != value;
			*mark = value;
		}
	return changed;
}

void vectors_choose(const struct rule_list *list, const uint32_t *rules, size_t count, uint32_t *ret_taken, size_t *ret_count)
{
	struct arena *scratch = arena_new();
	bool *marks = arena_new_array(scratch, bool, list->dimension_count), *tried;
	uint32_t *others = arena_new_array(scratch, uint32_t, count), asked = 0;
	size_t taken = 0, other_count = 0;

	tried = arena_new_array(scratch, bool, list->dimension_count);
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &list->rules[rules[i]];
		uint32_t more;

		memcpy(tried, marks, list->dimension_count);
		more = mark_dimensions(rule, tried, true);
		/* The last two, weir's own, match whatever no other does, and would keep that from being told at once. */
		if (asked + more > LIMIT_DATA_FIELDS || rules[i] + 2 >= list->rule_count || asks_http(list, rule) ||
		    !can_match(rule)) {
			others[other_count++] = rules[i];
			continue;
		}
		memcpy(marks, tried, list->dimension_count);
		asked += more;
		ret_taken[taken++] = rules[i];
	}
	memcpy(&ret_taken[taken], others, other_count * sizeof(*others));
	*ret_count = taken;
	arena_free(scratch);
}

static void collect_items(struct maker *maker, const uint32_t *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = &maker->list->rules[rules[i]];

		for (uint32_t b = 0; b < rule->box_count; b++)
			if (!is_empty(&rule->boxes[b]))
				vector_push(maker->scratch, &maker->items, (struct vector_item){ &rule->boxes[b], rules[i] });
	}
}

static const struct constraint *constraint_on(const struct box *box, uint32_t dimension)
{
	for (uint32_t i = 0; i < box->count; i++)
		if (box->constraints[i].dimension == dimension)
			return &box->constraints[i];
	return NULL;
}

/* Add an interval to sorted ones that do not touch; false when there is no room. */
static bool add_interval(struct interval *intervals, uint32_t *count, struct interval added)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < *count; i++) {
		const struct interval *old = &intervals[i];
		bool before = old->high < added.low && added.low - old->high > 1;
		bool behind = added.high < old->low && old->low - added.high > 1;

		if (before || behind) {
			intervals[kept++] = *old;
			continue;
		}
		added.low = old->low < added.low ? old->low : added.low;
		added.high = old->high > added.high ? old->high : added.high;
	}
	*count = kept;
	if (kept == TABLE_MOST_INTERVALS)
		return false;
	for (; kept > 0 && intervals[kept - 1].low > added.low; kept--)
		intervals[kept] = intervals[kept - 1];
	intervals[kept] = added;
	++*count;
	return true;
}

static bool is_same(const struct constraint *constraint, const struct interval *intervals, uint32_t count)
{
	if (constraint->count != count)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (constraint->intervals[i].low != intervals[i].low || constraint->intervals[i].high != intervals[i].high)
			return false;
	return true;
}

/* Worth a question before the look: no more than a part of all values. */
static bool is_narrow(const struct interval *intervals, uint32_t count, uint64_t max)
{
	uint64_t width = 0;

	for (uint32_t i = 0; i < count; i++)
		width += intervals[i].high - intervals[i].low;
	return width <= max / 4;
}

/*
 * What all items ask of a field, taken together, becomes a question before the look where few values are left. True when that is
 * all that any of them asks of it.
 */
static bool share(struct maker *maker, uint32_t dimension)
{
	struct interval all[TABLE_MOST_INTERVALS];
	struct constraint shared = { .dimension = dimension };
	bool same = true;

	if (maker->list->dimensions[dimension].kind != DIMENSION_FIELD)
		return false;
	for (size_t i = 0; i < maker->items.count; i++) {
		const struct constraint *constraint = constraint_on(maker->items.items[i].box, dimension);

		if (!constraint)
			return false;
		for (uint32_t k = 0; k < constraint->count; k++)
			if (!add_interval(all, &shared.count, constraint->intervals[k]))
				return false;
	}
	for (size_t i = 0; i < maker->items.count && same; i++)
		same = is_same(constraint_on(maker->items.items[i].box, dimension), all, shared.count);
	if (!same && !is_narrow(all, shared.count, maker->list->dimensions[dimension].max))
		return false;
	shared.intervals = arena_copy(maker->arena, all, shared.count * sizeof(*all));
	vector_push(maker->arena, &maker->shared, shared);
	return same;
}

static void collect_dimensions(struct maker *maker)
{
	bool *marks = arena_new_array(maker->scratch, bool, maker->list->dimension_count);

	for (size_t i = 0; i < maker->items.count; i++)
		for (uint32_t c = 0; c < maker->items.items[i].box->count; c++)
			marks[maker->items.items[i].box->constraints[c].dimension] = true;
	maker->dimensions = arena_new_array(maker->arena, uint32_t, maker->list->dimension_count + 1);
	for (uint32_t d = 0; d < maker->list->dimension_count; d++)
		if (marks[d] && !share(maker, d))
			maker->dimensions[maker->dimension_count++] = d;
	for (uint32_t d = 0; maker->dimension_count == 0; d++) /* some one is needed, to have a row at all */
		if (maker->list->dimensions[d].kind == DIMENSION_FIELD)
			maker->dimensions[maker->dimension_count++] = d;
}

/* ---- A dimension of a block ---- */

static int compare_events(const void *left, const void *right)
{
	const struct event *a = left, *b = right;

	if (a->border != b->border)
		return a->border < b->border ? -1 : 1;
	return a->item < b->item ? -1 : a->item > b->item;
}

static void collect_events(struct maker *maker, uint32_t dimension, uint32_t first, uint32_t count)
{
	uint64_t max = maker->list->dimensions[dimension].max;
	const struct interval whole = { 0, max };

	maker->events.count = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct constraint *constraint = constraint_on(maker->items.items[first + i].box, dimension);
		const struct interval *intervals = constraint ? constraint->intervals : &whole;

		for (uint32_t k = 0; k < (constraint ? constraint->count : 1); k++) {
			vector_push(maker->scratch, &maker->events, (struct event){ intervals[k].low, i, true });
			if (intervals[k].high < max)
				vector_push(maker->scratch, &maker->events, (struct event){ intervals[k].high + 1, i, false });
		}
	}
	qsort(maker->events.items, maker->events.count, sizeof(struct event), compare_events);
}

/* Take in what changes at BORDER, from event AT on; which chunks it changes, a bit for each. */
static uint32_t turn_bits(const struct maker *maker, size_t *at, uint64_t border, struct vector_chunk *bits)
{
	uint32_t changed = 0;

	for (; *at < maker->events.count && maker->events.items[*at].border == border; ++*at) {
		uint32_t item = maker->events.items[*at].item;

		bits[item / VECTOR_CHUNK_BITS].words[item % VECTOR_CHUNK_BITS / 64] ^= 1ull << item % 64;
		changed |= 1u << item / VECTOR_CHUNK_BITS;
	}
	return changed;
}

/* One row for each border, in order, and the chunks they name; false when they become too many. */
static bool make_rows(struct maker *maker, struct intern_table *numbers, uint64_t *borders, struct vector_column *column)
{
	struct vector_chunk bits[VECTOR_CHUNKS] = { 0 };
	struct vector_row row = { 0 };
	uint64_t border = 0;

	for (size_t at = 0;;) {
		uint32_t changed = turn_bits(maker, &at, border, bits);

		for (uint32_t c = 0; c < VECTOR_CHUNKS; c++) {
			uint32_t number;

			if (border > 0 && !(changed >> c & 1))
				continue;
			number = intern(numbers, &bits[c], sizeof(bits[c]));
			if (number == maker->chunks.count - column->first_chunk)
				vector_push(maker->scratch, &maker->chunks, bits[c]);
			row.chunks[c] = (uint16_t)number;
		}
		if (column->border_count == VECTOR_MOST_BORDERS || maker->chunks.count - column->first_chunk > MOST_CHUNKS)
			return false;
		borders[column->border_count++] = border;
		vector_push(maker->scratch, &maker->rows, row);
		if (at == maker->events.count)
			return true;
		border = maker->events.items[at].border;
	}
}

static bool make_column(struct maker *maker, uint32_t dimension, uint32_t first, uint32_t count, struct vector_column *column)
{
	struct arena *arena = arena_new();
	uint64_t *borders = arena_new_array(arena, uint64_t, VECTOR_MOST_BORDERS);
	bool fits;

	*column = (struct vector_column){ .first_row = maker->rows.count, .first_chunk = maker->chunks.count };
	collect_events(maker, dimension, first, count);
	fits = make_rows(maker, intern_new(arena), borders, column);
	column->borders = arena_copy(maker->arena, borders, column->border_count * sizeof(*borders));
	arena_free(arena);
	return fits;
}

/* ---- Blocks ---- */

static bool make_block(struct maker *maker, uint32_t first, uint32_t count)
{
	struct vector_column *columns = arena_new_array(maker->arena, struct vector_column, maker->dimension_count);
	size_t rows = maker->rows.count, chunks = maker->chunks.count;

	for (uint32_t d = 0; d < maker->dimension_count; d++) {
		if (make_column(maker, maker->dimensions[d], first, count, &columns[d]))
			continue;
		maker->rows.count = rows;
		maker->chunks.count = chunks;
		return false;
	}
	vector_push(maker->scratch, &maker->blocks, (struct vector_block){ first, count, columns });
	return true;
}

/*
 * As many boxes as a block holds, or half as many where they have too many borders. Behind a small block the next one begins no
 * larger than twice that, or each would try all.
 */
static bool make_blocks(struct maker *maker)
{
	uint32_t most = VECTOR_BLOCK;

	for (uint32_t first = 0, count; first < maker->items.count; first += count) {
		count = maker->items.count - first < most ? maker->items.count - first : most;
		while (!make_block(maker, first, count))
			count /= 2; /* one alone has few: a list in a tree is short */
		most = count * 2 < VECTOR_BLOCK ? count * 2 : VECTOR_BLOCK;
		if (maker->blocks.count > VECTOR_MOST_BLOCKS ||
		    maker->rows.count * sizeof(struct vector_row) + maker->chunks.count * sizeof(struct vector_chunk) >
			    LIMIT_VECTOR_BYTES)
			return false;
	}
	return true;
}

/* How many bits stand in the rows of a dimension of the first block, of 256 that could. */
static uint64_t density(const struct maker *maker, uint32_t d)
{
	const struct vector_block *block = &maker->blocks.items[0];
	const struct vector_column *column = &block->columns[d];
	const struct vector_chunk *chunks = &maker->chunks.items[column->first_chunk];
	uint64_t set = 0;

	for (uint32_t r = 0; r < column->border_count; r++)
		for (uint32_t c = 0; c * VECTOR_CHUNK_BITS < block->count; c++)
			for (uint32_t w = 0; w < VECTOR_WORDS; w++)
				set += (uint64_t)__builtin_popcountll(
					chunks[maker->rows.items[column->first_row + r].chunks[c]].words[w]);
	return set * 256 / ((uint64_t)block->count * column->border_count);
}

/* Those dimensions first that leave the fewest boxes over, so that the others need not be looked at. */
static const uint32_t *order_columns(const struct maker *maker)
{
	uint32_t *order = arena_new_array(maker->arena, uint32_t, maker->dimension_count);
	uint64_t *densities = arena_new_array(maker->scratch, uint64_t, maker->dimension_count);

	for (uint32_t d = 0; d < maker->dimension_count; d++) {
		uint32_t at = d;

		densities[d] = density(maker, d);
		for (; at > 0 && densities[order[at - 1]] > densities[d]; at--)
			order[at] = order[at - 1];
		order[at] = d;
	}
	return order;
}

static const struct tree_vectors *keep(const struct maker *maker)
{
	struct tree_vectors *vectors = arena_new_object(maker->arena, struct tree_vectors);
	uint32_t *rules = arena_new_array(maker->arena, uint32_t, maker->items.count);

	for (size_t i = 0; i < maker->items.count; i++)
		rules[i] = maker->items.items[i].rule;
	*vectors = (struct tree_vectors){
		.dimension_count = maker->dimension_count,
		.box_count = maker->items.count,
		.block_count = maker->blocks.count,
		.row_count = maker->rows.count,
		.chunk_count = maker->chunks.count,
		.shared_count = maker->shared.count,
		.dimensions = maker->dimensions,
		.order = order_columns(maker),
		.rules = rules,
		.blocks = arena_copy(maker->arena, maker->blocks.items, maker->blocks.count * sizeof(struct vector_block)),
		.rows = arena_copy(maker->arena, maker->rows.items, maker->rows.count * sizeof(struct vector_row)),
		.chunks = arena_copy(maker->arena, maker->chunks.items, maker->chunks.count * sizeof(struct vector_chunk)),
		.shared = arena_copy(maker->arena, maker->shared.items, maker->shared.count * sizeof(struct constraint)),
	};
	return vectors;
}

const struct tree_vectors *vectors_build(struct arena *arena, const struct rule_list *list, const uint32_t *rules, size_t count)
{
	struct maker maker = { .arena = arena, .scratch = arena_new(), .list = list };
	const struct tree_vectors *vectors;

	collect_items(&maker, rules, count);
	collect_dimensions(&maker);
	vectors = make_blocks(&maker) ? keep(&maker) : NULL;
	arena_free(maker.scratch);
	return vectors;
}

uint64_t vectors_bytes(const struct tree_vectors *vectors)
{
	uint64_t bytes = (uint64_t)vectors->row_count * sizeof(struct vector_row) +
			 (uint64_t)vectors->chunk_count * sizeof(struct vector_chunk);

	for (uint32_t b = 0; b < vectors->block_count; b++)
		for (uint32_t d = 0; d < vectors->dimension_count; d++)
			bytes += (uint64_t)vectors->blocks[b].columns[d].border_count * sizeof(uint64_t);
	return bytes;
}

/* ---- The look ---- */

/* The last of the borders that is not behind the value; the first is 0. */
static uint32_t border_of(const struct vector_column *column, uint64_t value)
{
	uint32_t low = 0, high = column->border_count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (column->borders[middle] <= value)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static uint32_t first_box(const struct tree_vectors *vectors, const struct vector_block *block, const uint64_t *values)
{
	const struct vector_row *rows[LIMIT_DATA_FIELDS];

	for (uint32_t d = 0; d < vectors->dimension_count; d++)
		rows[d] = &vectors->rows[block->columns[d].first_row + border_of(&block->columns[d], values[d])];
	for (uint32_t bit = 0; bit < block->count; bit += 64) {
		uint64_t all = UINT64_MAX;

		for (uint32_t d = 0; d < vectors->dimension_count; d++) {
			uint32_t chunk = block->columns[d].first_chunk + rows[d]->chunks[bit / VECTOR_CHUNK_BITS];

			all &= vectors->chunks[chunk].words[bit % VECTOR_CHUNK_BITS / 64];
		}
		if (all)
			return bit + (uint32_t)__builtin_ctzll(all);
	}
	return block->count;
}

uint32_t vectors_find(const struct tree_vectors *vectors, const struct rule_list *list, const struct judged_packet *packet,
		      dimension_lookup lookup, void *context)
{
	uint64_t values[LIMIT_DATA_FIELDS];

	for (uint32_t i = 0; i < vectors->shared_count; i++)
		if (!intervals_contain(vectors->shared[i].intervals, vectors->shared[i].count,
				       packet_dimension(packet, list, vectors->shared[i].dimension, lookup, context)))
			return NO_RULE;
	for (uint32_t d = 0; d < vectors->dimension_count; d++)
		values[d] = packet_dimension(packet, list, vectors->dimensions[d], lookup, context);
	for (uint32_t b = 0; b < vectors->block_count; b++) {
		uint32_t box = first_box(vectors, &vectors->blocks[b], values);

		if (box < vectors->blocks[b].count)
			return vectors->rules[vectors->blocks[b].first + box];
	}
	return NO_RULE;
}
