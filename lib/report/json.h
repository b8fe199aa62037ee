/* SPDX-License-Identifier: GPL-2.0-only */
/* What all JSON of weir's shares. Objects keep the order in which their members were set. */
#ifndef WEIR_REPORT_JSON_H
#define WEIR_REPORT_JSON_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"

/* Of list, events, why and sets together: raised when a member goes or changes its meaning, not when one is added. */
#define REPORT_SCHEMA 1

#define REPORT_JSON_LINE     (JSON_COMPACT | JSON_ENSURE_ASCII)
#define REPORT_JSON_DOCUMENT (JSON_INDENT(2) | JSON_ENSURE_ASCII)

/* A text from anywhere: bytes that are no UTF-8 stand as \xNN. NULL gives null. */
json_t *json_text(const char *text);
/* Figures of the kernel; JSON's integers end at 63 bits. */
json_t *json_number(uint64_t number);
/* The same, null for 0: where 0 stands for unknown or none. */
json_t *json_number_or_null(uint64_t number);

/* Time in seconds and nanoseconds since 1970 as "2026-11-21T10:05:12Z", with microseconds when NS is not negative. */
json_t *json_time(uint64_t seconds, int64_t ns);

/* JSON, which is released, as a line in ARENA, without its end. */
const char *json_line(struct arena *arena, json_t *json);

#endif
