/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_CODE_PREDICATE_H
#define WEIR_CODE_PREDICATE_H

#include "code/draft.h"

/* Write the function predicate(ctx, flow) for a dimension that is a predicate. */
void emit_predicate(struct draft *draft, const struct rule_list *list, uint32_t dimension);

/* A checked program of classic BPF to be the body of such a function, or part of it; ctx and flow are in r1 and r2. */
struct classic_request {
	enum weir_hook hook;
	enum classic_link link; /* how packets begin here */
	const struct classic_program *program;
	bool behind_link; /* the program sees them from their IP header on */
	bool tagged;	  /* and these with the VLAN tag in its place that the card took off */
	bool socket;	  /* it becomes a socket filter, which may not read a packet where it lies */
};

/* The labels where the body of such a function goes. */
struct predicate_exits {
	uint32_t yes, no;
};

void emit_classic(struct draft *draft, const struct classic_request *request, const struct predicate_exits *exits);
/* What a request is compared with. */
void emit_http(struct draft *draft, const struct http_match *match, const struct predicate_exits *exits);

#endif
