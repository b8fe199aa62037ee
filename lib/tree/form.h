/* SPDX-License-Identifier: GPL-2.0-only */
/* Which trees become instructions, and which become data. */
#ifndef WEIR_TREE_FORM_H
#define WEIR_TREE_FORM_H

#include "tree/tree.h"

/* Fill in form, node_count and depth of PARTS, whose roots are set; a part with a table keeps to it. */
void form_survey(const struct tree_node *nodes, uint32_t node_count, struct tree_part *parts, uint32_t count);
/* Give TREE, otherwise complete, its forms and say why. False with a diagnostic when something is too large for any form. */
bool form_choose(struct arena *arena, struct tree *tree, const struct tree_options *options, struct diagnostics *diagnostics);
/* Say that a chain needs NODES, more than LIMIT_DATA_NODES. */
void form_report_too_many(const struct policy_chain *chain, uint64_t nodes, struct diagnostics *diagnostics);

#endif
