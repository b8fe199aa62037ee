/* SPDX-License-Identifier: GPL-2.0-only */
/* Which trees become instructions, and which become data. */
#ifndef WEIR_TREE_FORM_H
#define WEIR_TREE_FORM_H

#include "tree/tree.h"

/* Fill in form, node_count and depth of PARTS, whose roots are set; a part with a table or vectors keeps to them. */
void form_survey(const struct tree_node *nodes, uint32_t node_count, struct tree_part *parts, uint32_t count);
/* Give TREE, otherwise complete, its forms and say why. False with a diagnostic when something is too large for any form. */
bool form_choose(struct arena *arena, struct tree *tree, const struct tree_options *options, struct diagnostics *diagnostics);
/* Say that a chain needs NODES, more than LIMIT_DATA_NODES. */
void form_report_too_many(const struct policy_chain *chain, uint64_t nodes, struct diagnostics *diagnostics);
/* The same of bit vectors, that would be more than LIMIT_VECTOR_BYTES. */
void form_report_too_many_bits(const struct policy_chain *chain, struct diagnostics *diagnostics);

#endif
