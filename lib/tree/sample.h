/* SPDX-License-Identifier: GPL-2.0-only */
/* Packets drawn from the rules. */
#ifndef WEIR_TREE_SAMPLE_H
#define WEIR_TREE_SAMPLE_H

#include "tree/grow.h"

struct sample {
	struct weir_flow flow;
	const struct box *box; /* what it is drawn from: says what sets it is in and what predicates it meets */
};

/* A packet that the rule matches, as far as that goes (sample_holds). The same STATE gives the same; it goes on with each. */
struct sample sample_draw(struct grower *grower, const struct rule_list *list, uint32_t rule, uint64_t *state);
/* What it has of a dimension. */
uint64_t sample_dimension(const struct sample *sample, const struct rule_list *list, uint32_t dimension);
/* Does it lie in its box? Not always where masks or facts speak of one field twice. */
bool sample_holds(const struct sample *sample, const struct rule_list *list);

#endif
