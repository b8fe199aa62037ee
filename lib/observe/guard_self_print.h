/* SPDX-License-Identifier: GPL-2.0-only */
/* What weir's guard of itself guards and has refused, for people and as JSON (docs/guard.md). */
#ifndef WEIR_OBSERVE_GUARD_SELF_PRINT_H
#define WEIR_OBSERVE_GUARD_SELF_PRINT_H

#include <jansson.h>
#include <stdio.h>

#include "kernel/guard.h"
#include "observe/user_names.h"

/* OFFSET_NS: from CLOCK_MONOTONIC to the time since 1970. */
void guard_status_print(const struct guard_status *status, struct user_names *users, uint64_t offset_ns, FILE *out);
json_t *guard_status_json(const struct guard_status *status, struct user_names *users, uint64_t offset_ns);

#endif
