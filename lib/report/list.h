/* SPDX-License-Identifier: GPL-2.0-only */
/* What is enforced where, for people and as JSON. In: the state as lib/kernel reads it. Nothing here asks the kernel. */
#ifndef WEIR_REPORT_LIST_H
#define WEIR_REPORT_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kernel/kernel.h"

struct list_style {
	bool verbose; /* programs, maps, load times */
	bool colour;
	uint64_t now_s; /* seconds since 1970: "since" also says how long ago */
};

void list_print(const struct state *state, const struct list_style *style, FILE *out);

/* The whole state, as docs/abi.md says; the caller's reference. */
json_t *list_json(const struct state *state);

/* The members of a set as one document. POLICY: its name. */
json_t *set_json(const char *policy, const struct policy_set *set, size_t count, const struct set_element *elements);

#endif
