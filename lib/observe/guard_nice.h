/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that cannot be given a negative nice value. In: their numbers. Out: a program at the kernel's security hooks that
 * refuses, and a line for each change that was tried. It goes with the guard, or with the process that holds it.
 */
#ifndef WEIR_OBSERVE_GUARD_NICE_H
#define WEIR_OBSERVE_GUARD_NICE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diagnostic.h"
#include "guarded.h"

struct nice_guard;

/* A process that is not there is an error, and none is guarded. */
int nice_guard_open(const uint32_t *pids, size_t count, struct nice_guard **ret_guard, struct diagnostics *diagnostics);
void nice_guard_close(struct nice_guard *guard); /* NULL is fine */

/* Readable when something was tried. */
int nice_guard_fd(const struct nice_guard *guard);

/* Hand out what is there within TIMEOUT_MS (-1: for ever). How many, or a negative errno. */
int nice_guard_read(struct nice_guard *guard, int timeout_ms, void (*handle)(void *context, const struct weir_nice_event *event),
		    void *context);

/* How many could not be told since the last call. */
uint64_t nice_guard_lost(struct nice_guard *guard);

/* A line, without its end. TIME_NS: since 1970. USER: of who tried; NULL where the uid has no name. */
const char *nice_event_text(struct arena *arena, const struct weir_nice_event *event, uint64_t time_ns, const char *user);
json_t *nice_event_json(const struct weir_nice_event *event, uint64_t time_ns, const char *user);

#endif
