// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: trees. Out: the form of each. Instructions are the fastest form, but the kernel verifies a million of them at most, each
 * at load; so the largest trees become data until what is left is few enough.
 *
 * A tree that is data is walked by a small loop that has the values of all its fields at hand, so it has few fields; and what
 * is no field (sets) is asked for each packet, before it is known whether it matters. So trees that ask such things are the
 * last to become data.
 */
#include "tree/form.h"

#include <string.h>

#include "base/limits.h"
#include "tree/vectors.h"

struct survey {
	uint32_t fields, computed; /* dimensions it asks for; those of them that are no fields */
	uint32_t most_rules;	   /* at one leaf */
	bool http;		   /* one of them is about HTTP: what a look into data takes of the stack is not left over */
};

const char *tree_form_name(enum tree_form form)
{
	static const char *const names[] = {
		[TREE_CODE] = "instructions", [TREE_DATA] = "data", [TREE_TABLE] = "a table", [TREE_VECTORS] = "bit vectors"
	};

	return names[form];
}

/* Children have lower numbers than their parents: one pass downwards marks what a root leads to. */
static void mark_tree(const struct tree_node *nodes, uint32_t root, bool *marks, uint32_t *ret_least)
{
	uint32_t least = root;

	marks[root] = true;
	for (uint32_t i = root + 1; i-- > 0;) {
		if (!marks[i])
			continue;
		least = i;
		if (nodes[i].leaf)
			continue;
		marks[nodes[i].low] = true;
		marks[nodes[i].high] = true;
	}
	*ret_least = least;
}

void form_survey(const struct tree_node *nodes, uint32_t node_count, struct tree_part *parts, uint32_t count)
{
	struct arena *arena = arena_new();
	bool *marks = arena_new_array(arena, bool, node_count);
	uint32_t *depths = arena_new_array(arena, uint32_t, node_count);

	for (uint32_t p = 0; p < count; p++) {
		struct tree_part *part = &parts[p];
		uint32_t least;

		part->form = part->table ? TREE_TABLE : part->vectors ? TREE_VECTORS : TREE_CODE;
		if (part->form != TREE_CODE)
			continue;
		mark_tree(nodes, part->root, marks, &least);
		for (uint32_t i = least; i <= part->root; i++) {
			if (!marks[i])
				continue;
			marks[i] = false;
			part->node_count++;
			depths[i] = 0;
			if (!nodes[i].leaf)
				depths[i] = 1 + (depths[nodes[i].low] > depths[nodes[i].high] ? depths[nodes[i].low]
											      : depths[nodes[i].high]);
		}
		part->depth = depths[part->root];
	}
	arena_free(arena);
}

/* MARKS are clear before and after. */
static struct survey survey_part(const struct tree *tree, const struct tree_part *part, bool *marks)
{
	struct arena *arena = arena_new();
	bool *asked = arena_new_array(arena, bool, tree->rules->dimension_count);
	struct survey survey = { 0 };
	uint32_t least;

	mark_tree(tree->nodes, part->root, marks, &least);
	for (uint32_t i = least; i <= part->root; i++) {
		const struct tree_node *node = &tree->nodes[i];

		if (!marks[i])
			continue;
		marks[i] = false;
		if (node->leaf) {
			survey.most_rules = node->rule_count > survey.most_rules ? node->rule_count : survey.most_rules;
			continue;
		}
		if (asked[node->dimension])
			continue;
		asked[node->dimension] = true;
		survey.fields++;
		survey.computed += tree->rules->dimensions[node->dimension].kind != DIMENSION_FIELD;
		survey.http |= dimension_reads_http(&tree->rules->dimensions[node->dimension]);
	}
	arena_free(arena);
	return survey;
}

static bool can_be_data(const struct tree_part *part, const struct survey *survey)
{
	return part->depth > 0 && part->depth <= LIMIT_DATA_DEPTH && !survey->http && survey->fields <= LIMIT_DATA_FIELDS &&
	       survey->most_rules <= LIMIT_DATA_PASSED;
}

struct chooser {
	struct tree *tree;
	struct tree_part *parts[2]; /* deciding, passing: the tree's own, not const here */
	struct survey *surveys[2];  /* made when they are asked for */
	bool *marks;		    /* by node */
	uint32_t counts[2];
	uint64_t code_nodes;
};

static void begin_choosing(struct chooser *chooser, struct tree *tree, struct arena *arena, struct arena *scratch)
{
	*chooser = (struct chooser){ .tree = tree, .counts = { tree->deciding_count, tree->passing_count } };
	chooser->marks = arena_new_array(scratch, bool, tree->node_count);
	chooser->parts[0] = arena_copy(arena, tree->deciding, tree->deciding_count * sizeof(struct tree_part));
	chooser->parts[1] = arena_copy(arena, tree->passing, tree->passing_count * sizeof(struct tree_part));
	for (int kind = 0; kind < 2; kind++) {
		chooser->surveys[kind] = arena_new_array(scratch, struct survey, chooser->counts[kind]);
		for (uint32_t i = 0; i < chooser->counts[kind]; i++) {
			if (chooser->parts[kind][i].form == TREE_CODE)
				chooser->code_nodes += chooser->parts[kind][i].node_count;
		}
	}
	tree->deciding = chooser->parts[0];
	tree->passing = chooser->parts[1];
}

/* The tree that is to become data next: the largest, but those that ask for what is no field last. NULL: none can. */
static struct tree_part *next_for_data(struct chooser *chooser)
{
	struct tree_part *best = NULL;
	bool best_computes = false;

	for (int kind = 0; kind < 2; kind++)
		for (uint32_t i = 0; i < chooser->counts[kind]; i++) {
			struct tree_part *part = &chooser->parts[kind][i];
			struct survey *survey = &chooser->surveys[kind][i];

			if (part->form != TREE_CODE)
				continue;
			if (!survey->most_rules && !survey->fields)
				*survey = survey_part(chooser->tree, part, chooser->marks);
			if (!can_be_data(part, survey))
				continue;
			if (best && (survey->computed ? !best_computes || part->node_count <= best->node_count
						      : !best_computes && part->node_count <= best->node_count))
				continue;
			best = part;
			best_computes = survey->computed > 0;
		}
	return best;
}

/* Trees become data until at most NODES are left to become instructions. */
static bool make_data(struct chooser *chooser, uint64_t nodes)
{
	struct tree_part *part;

	while (chooser->code_nodes > nodes) {
		part = next_for_data(chooser);
		if (!part)
			return false;
		part->form = TREE_DATA;
		chooser->code_nodes -= part->node_count;
	}
	return true;
}

/* REASON: why not all are instructions; NULL: no more than LIMIT may be. */
static const char *explain(struct arena *arena, const struct tree *tree, const struct tree_options *options, uint32_t limit,
			   const char *reason)
{
	const char *tables = "", *vectors = "", *tuned = tree->tuned ? "; tuned by counters" : "";
	uint64_t whole = 0, data = 0, boxes = 0, bytes = 0;

	for (uint32_t i = 0; i < tree->deciding_count + tree->passing_count; i++) {
		const struct tree_part *part =
			i < tree->deciding_count ? &tree->deciding[i] : &tree->passing[i - tree->deciding_count];

		if (part->form == TREE_TABLE)
			tables = "what a table holds in one look; ";
		boxes += part->form == TREE_VECTORS ? part->vectors->box_count : 0;
		bytes += part->form == TREE_VECTORS ? vectors_bytes(part->vectors) : 0;
		whole += part->node_count;
		data += part->form == TREE_DATA ? part->node_count : 0;
	}
	if (options->wish != TREE_AS_FITS && (data || *tables || boxes))
		return arena_printf(arena, "as was asked for%s", tuned);
	if (boxes)
		vectors = arena_printf(arena, "%llu rules as bit vectors of %llu KB, since they overlap too much for trees; ",
				       (unsigned long long)boxes, (unsigned long long)bytes / 1024);
	if (data && !reason)
		reason = arena_printf(arena, "at most %u become instructions", limit);
	if (data)
		return arena_printf(arena, "%s%s%llu of %llu nodes as data, since %s%s", tables, vectors,
				    (unsigned long long)data, (unsigned long long)whole, reason, tuned);
	return arena_printf(arena, "%s%s%llu nodes as instructions, at most %u may%s", tables, vectors, (unsigned long long)whole,
			    limit, tuned);
}

static void report_too_large(const struct tree *tree, uint64_t nodes, uint32_t limit, struct diagnostics *diagnostics)
{
	const struct policy_chain *chain = tree->rules->chain;
	struct diagnostic *diagnostic;

	diagnostic = diagnose(diagnostics, SEVERITY_ERROR, chain->place,
			      "chain '%s' needs %llu nodes of decision trees as instructions, %u is the limit", chain->name,
			      (unsigned long long)nodes, limit);
	diagnostic_hint(
		diagnostics, diagnostic,
		"they cannot become data: a tree there tells at most %u fields apart, with %u rules at a leaf that go on; part the chain in two",
		LIMIT_DATA_FIELDS, LIMIT_DATA_PASSED);
}

void form_report_too_many(const struct policy_chain *chain, uint64_t nodes, struct diagnostics *diagnostics)
{
	struct diagnostic *diagnostic;

	diagnostic = diagnose(diagnostics, SEVERITY_ERROR, chain->place,
			      "chain '%s' needs decision trees of %llu nodes or more, %u is the limit", chain->name,
			      (unsigned long long)nodes, LIMIT_DATA_NODES);
	diagnostic_hint(
		diagnostics, diagnostic,
		"write rules that differ only in an address or a port as one rule with a named set, or part the chain in two");
}

void form_report_too_many_bits(const struct policy_chain *chain, struct diagnostics *diagnostics)
{
	struct diagnostic *diagnostic;

	diagnostic =
		diagnose(diagnostics, SEVERITY_ERROR, chain->place,
			 "the rules of chain '%s' overlap too much for trees, and need bit vectors of more than %u MB, the limit",
			 chain->name, LIMIT_VECTOR_BYTES >> 20);
	diagnostic_hint(diagnostics, diagnostic,
			"put long lists of addresses or ports into named sets, or part the chain in two");
}

bool form_choose(struct arena *arena, struct tree *tree, const struct tree_options *options, struct diagnostics *diagnostics)
{
	struct arena *scratch = arena_new();
	struct chooser chooser;
	bool fits = tree->node_count <= LIMIT_DATA_NODES;

	if (!fits) {
		form_report_too_many(tree->rules->chain, tree->node_count, diagnostics);
	} else {
		begin_choosing(&chooser, tree, arena, scratch);
		if (options->wish != TREE_ALL_CODE)
			make_data(&chooser, options->wish == TREE_ALL_DATA ? 0 : LIMIT_TREE_NODES);
		fits = chooser.code_nodes <= LIMIT_TREE_NODES;
		if (!fits)
			report_too_large(tree, chooser.code_nodes, LIMIT_TREE_NODES, diagnostics);
		tree->why = explain(arena, tree, options, LIMIT_TREE_NODES, NULL);
	}
	arena_free(scratch);
	return fits;
}

uint32_t tree_code_nodes(const struct tree *tree)
{
	uint32_t nodes = 0;

	for (uint32_t i = 0; i < tree->deciding_count; i++)
		nodes += tree->deciding[i].form == TREE_CODE ? tree->deciding[i].node_count : 0;
	for (uint32_t i = 0; i < tree->passing_count; i++)
		nodes += tree->passing[i].form == TREE_CODE ? tree->passing[i].node_count : 0;
	return nodes;
}

const struct tree *tree_with_less_code(struct arena *arena, const struct tree *tree, uint32_t nodes, const char *reason)
{
	static const struct tree_options options = { .wish = TREE_AS_FITS };
	struct arena *scratch = arena_new();
	struct tree *changed = arena_copy(arena, tree, sizeof(*tree));
	struct chooser chooser;
	bool done;

	begin_choosing(&chooser, changed, arena, scratch);
	done = make_data(&chooser, nodes);
	changed->why = explain(arena, changed, &options, nodes, reason);
	arena_free(scratch);
	return done ? changed : NULL;
}
