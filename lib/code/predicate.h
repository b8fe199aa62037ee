/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_CODE_PREDICATE_H
#define WEIR_CODE_PREDICATE_H

#include "code/draft.h"

/* Write the function predicate(ctx, flow) for a dimension that is a predicate. */
void emit_predicate(struct draft *draft, const struct rule_list *list, uint32_t dimension);

/* The body of such a function goes to one of these labels. */
struct predicate_exits {
	uint32_t yes, no;
};
/* A checked program of classic BPF. HOOK: WEIR_HOOK_COUNT for a socket filter, which may not read a packet where it lies. */
void emit_classic(struct draft *draft, enum weir_hook hook, const struct classic_program *program,
		  const struct predicate_exits *exits);
/* What a request is compared with. */
void emit_http(struct draft *draft, const struct http_match *match, const struct predicate_exits *exits);

#endif
