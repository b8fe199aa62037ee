// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: trees. Out: text, one node a line, roots above what they lead to:
 *
 *	deciding tree 1: 7
 *	     7  malformed < 1 ? 6 : 0
 *	     0  => drop, of itself: malformed packets
 *
 * Of several deciding trees each says what its rules have in common, and a leaf which tree is still asked. Where not all of them
 * become instructions, the first line says why, and each tree that is data says so. A table is printed as
 *
 *	deciding table 1 (...): 3 rows of transport, dport, network, saddr4
 *	     2, 80, 3, 10.0.0.1  => line 7: ...
 *
 * and bit vectors, without their bits, as the first box of each rule
 *
 *	deciding vectors 1 (...): 3 boxes of saddr4, dport; 1 block, 9 rows, 7 chunks
 *	     0  => line 7: ...
 */
#include "tree/tree.h"

#include <inttypes.h>

/* A bound in the manner of its field: addresses as such, the rest as numbers. */
static void print_bound(const struct dimension *dimension, uint64_t bound, FILE *out)
{
	if (dimension->kind != DIMENSION_FIELD) {
		fprintf(out, "%" PRIu64, bound);
		return;
	}
	switch (dimension->field) {
	case WEIR_FIELD_SADDR4:
	case WEIR_FIELD_DADDR4:
		fprintf(out, "%u.%u.%u.%u", (unsigned int)(bound >> 24 & 255), (unsigned int)(bound >> 16 & 255),
			(unsigned int)(bound >> 8 & 255), (unsigned int)(bound & 255));
		break;
	case WEIR_FIELD_SADDR_HI:
	case WEIR_FIELD_SADDR_LO:
	case WEIR_FIELD_DADDR_HI:
	case WEIR_FIELD_DADDR_LO:
		fprintf(out, "%04x:%04x:%04x:%04x", (unsigned int)(bound >> 48), (unsigned int)(bound >> 32 & 0xffff),
			(unsigned int)(bound >> 16 & 0xffff), (unsigned int)(bound & 0xffff));
		break;
	case WEIR_FIELD_ETHER_SADDR:
	case WEIR_FIELD_ETHER_DADDR:
		for (int shift = 40; shift >= 0; shift -= 8)
			fprintf(out, "%02x%s", (unsigned int)(bound >> shift & 255), shift ? ":" : "");
		break;
	case WEIR_FIELD_ETHER_TYPE:
		fprintf(out, "0x%04" PRIx64, bound);
		break;
	default:
		fprintf(out, "%" PRIu64, bound);
	}
}

/* Which tree is asked after this rule, where that is another one. */
static void print_next(const struct tree *tree, uint32_t rule, FILE *out)
{
	if (tree->rules->rules[rule].verdict != WEIR_VERDICT_CONTINUE && tree->next[rule] < tree->deciding_count)
		fprintf(out, ", unless tree %u has one before", tree->next[rule] + 1);
}

static void print_rule(const struct rule *rule, FILE *out)
{
	if (rule->place.line)
		fprintf(out, "line %u: ", rule->place.line);
	fputs(rule->text, out);
}

static void print_leaf(const struct tree *tree, const struct tree_node *leaf, FILE *out)
{
	if (leaf->rule_count == 0)
		fputs("=> none", out);
	for (uint32_t i = 0; i < leaf->rule_count; i++) {
		fputs(i ? "; " : "=> ", out);
		print_rule(&tree->rules->rules[leaf->rules[i]], out);
	}
	if (leaf->rule_count)
		print_next(tree, leaf->rules[0], out);
}

static void print_node(const struct tree *tree, uint32_t number, struct arena *arena, FILE *out)
{
	const struct tree_node *node = &tree->nodes[number];

	fprintf(out, "%6u  ", number);
	if (node->leaf) {
		print_leaf(tree, node, out);
	} else {
		fprintf(out, "%s < ", dimension_print(arena, tree->rules, node->dimension));
		print_bound(&tree->rules->dimensions[node->dimension], node->bound, out);
		fprintf(out, " ? %u : %u", node->low, node->high);
	}
	fputc('\n', out);
}

/* The nodes that a root leads to, those nearer to it first. */
static void print_tree(const struct tree *tree, uint32_t root, FILE *out)
{
	struct arena *arena = arena_new();
	bool *marks = arena_new_array(arena, bool, tree->node_count);

	marks[root] = true;
	for (uint32_t i = root + 1; i-- > 0;) {
		if (!marks[i])
			continue;
		print_node(tree, i, arena, out);
		if (tree->nodes[i].leaf)
			continue;
		marks[tree->nodes[i].low] = true;
		marks[tree->nodes[i].high] = true;
	}
	arena_free(arena);
}

/* What all rows, or boxes, ask for beside their numbers. */
static void print_shared(const struct tree *tree, const struct constraint *all, uint32_t count, struct arena *arena, FILE *out)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct constraint *shared = &all[i];
		const struct dimension *dimension = &tree->rules->dimensions[shared->dimension];

		fprintf(out, "%s%s in {", i ? ", " : "; all of them ", dimension_print(arena, tree->rules, shared->dimension));
		for (uint32_t k = 0; k < shared->count; k++) {
			fputs(k ? ", " : " ", out);
			print_bound(dimension, shared->intervals[k].low, out);
			if (shared->intervals[k].high == shared->intervals[k].low)
				continue;
			fputc('-', out);
			print_bound(dimension, shared->intervals[k].high, out);
		}
		fputs(" }", out);
	}
}

static void print_table(const struct tree *tree, const struct tree_table *table, FILE *out)
{
	struct arena *arena = arena_new();

	fprintf(out, "%u row%s of ", table->count, table->count == 1 ? "" : "s");
	for (uint32_t i = 0; i < table->dimension_count; i++)
		fprintf(out, "%s%s", i ? ", " : "", dimension_print(arena, tree->rules, table->dimensions[i]));
	print_shared(tree, table->shared, table->shared_count, arena, out);
	fputc('\n', out);
	for (uint32_t row = 0; row < table->count; row++) {
		fputs("     ", out);
		for (uint32_t i = 0; i < table->dimension_count; i++) {
			fputs(i ? ", " : "", out);
			print_bound(&tree->rules->dimensions[table->dimensions[i]], table->keys[row * table->dimension_count + i],
				    out);
		}
		fputs("  => ", out);
		print_rule(&tree->rules->rules[table->rules[row]], out);
		print_next(tree, table->rules[row], out);
		fputc('\n', out);
	}
	arena_free(arena);
}

static bool all_instructions(const struct tree *tree)
{
	bool all = true;

	for (uint32_t i = 0; i < tree->deciding_count; i++)
		all &= tree->deciding[i].form == TREE_CODE;
	for (uint32_t i = 0; i < tree->passing_count; i++)
		all &= tree->passing[i].form == TREE_CODE;
	return all;
}

/* How many boxes, and of what; not the bits, which nobody could read. */
static void print_vectors(const struct tree *tree, const struct tree_vectors *vectors, FILE *out)
{
	struct arena *arena = arena_new();

	fprintf(out, "%u box%s of ", vectors->box_count, vectors->box_count == 1 ? "" : "es");
	for (uint32_t d = 0; d < vectors->dimension_count; d++)
		fprintf(out, "%s%s", d ? ", " : "", dimension_print(arena, tree->rules, vectors->dimensions[vectors->order[d]]));
	print_shared(tree, vectors->shared, vectors->shared_count, arena, out);
	fprintf(out, "; %u block%s, %u rows, %u chunks\n", vectors->block_count, vectors->block_count == 1 ? "" : "s",
		vectors->row_count, vectors->chunk_count);
	for (uint32_t box = 0; box < vectors->box_count; box++) {
		if (box && vectors->rules[box] == vectors->rules[box - 1])
			continue;
		fprintf(out, "%6u  => ", box);
		print_rule(&tree->rules->rules[vectors->rules[box]], out);
		print_next(tree, vectors->rules[box], out);
		fputc('\n', out);
	}
	arena_free(arena);
}

static void print_part(const struct tree *tree, const struct tree_part *part, FILE *out)
{
	fprintf(out, "%s: ", part->form == TREE_DATA ? " as data" : "");
	if (part->form == TREE_TABLE) {
		print_table(tree, part->table, out);
	} else if (part->form == TREE_VECTORS) {
		print_vectors(tree, part->vectors, out);
	} else {
		fprintf(out, "%u\n", part->root);
		print_tree(tree, part->root, out);
	}
}

void tree_print(const struct tree *tree, FILE *out)
{
	if (!all_instructions(tree))
		fprintf(out, "form: %s\n", tree->why);
	for (uint32_t i = 0; i < tree->deciding_count; i++) {
		const struct tree_part *part = &tree->deciding[i];

		fprintf(out, "deciding %s %u",
			part->form == TREE_TABLE     ? "table"
			: part->form == TREE_VECTORS ? "vectors"
						     : "tree",
			i + 1);
		if (tree->deciding_count > 1)
			fprintf(out, " of %u (%s)", tree->deciding_count, part->kinds);
		print_part(tree, part, out);
	}
	for (uint32_t i = 0; i < tree->passing_count; i++) {
		fprintf(out, "passing tree %u", i + 1);
		print_part(tree, &tree->passing[i], out);
	}
}
