// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: trees. Out: text, one node a line, roots above what they lead to:
 *
 *	deciding tree 1: 7
 *	     7  malformed < 1 ? 6 : 0
 *	     0  => drop, of itself: malformed packets
 *
 * Of several deciding trees each says what its rules have in common, and a leaf which tree is still asked.
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

/* Which tree is asked after this leaf, where that is another one. */
static void print_next(const struct tree *tree, const struct tree_node *leaf, FILE *out)
{
	uint32_t rule = leaf->rule_count ? leaf->rules[0] : 0;

	if (leaf->rule_count && tree->rules->rules[rule].verdict != WEIR_VERDICT_CONTINUE &&
	    tree->next[rule] < tree->deciding_count)
		fprintf(out, ", unless tree %u has one before", tree->next[rule] + 1);
}

static void print_leaf(const struct tree *tree, const struct tree_node *leaf, FILE *out)
{
	if (leaf->rule_count == 0)
		fputs("=> none", out);
	for (uint32_t i = 0; i < leaf->rule_count; i++) {
		const struct rule *rule = &tree->rules->rules[leaf->rules[i]];

		fputs(i ? "; " : "=> ", out);
		if (rule->place.line)
			fprintf(out, "line %u: ", rule->place.line);
		fputs(rule->text, out);
	}
}

static void print_node(const struct tree *tree, uint32_t number, struct arena *arena, FILE *out)
{
	const struct tree_node *node = &tree->nodes[number];

	fprintf(out, "%6u  ", number);
	if (node->leaf) {
		print_leaf(tree, node, out);
		print_next(tree, node, out);
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

void tree_print(const struct tree *tree, FILE *out)
{
	for (uint32_t i = 0; i < tree->deciding_count; i++) {
		if (tree->deciding_count == 1)
			fprintf(out, "deciding tree 1: %u\n", tree->deciding[i]);
		else
			fprintf(out, "deciding tree %u of %u (%s): %u\n", i + 1, tree->deciding_count, tree->deciding_kinds[i],
				tree->deciding[i]);
		print_tree(tree, tree->deciding[i], out);
	}
	for (uint32_t i = 0; i < tree->passing_count; i++) {
		fprintf(out, "passing tree %u: %u\n", i + 1, tree->passing[i]);
		print_tree(tree, tree->passing[i], out);
	}
}
