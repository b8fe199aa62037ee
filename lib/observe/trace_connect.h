/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The TCP connections that this host makes. In: what the programs of bpf/trace_connect.bpf.c write into a ring buffer, for which
 * they are loaded and attached here, with the best probe that the kernel takes. Out: a line for each connection, and one for
 * its end. Nothing is pinned: what was attached goes with the trace, or with the process.
 */
#ifndef WEIR_OBSERVE_TRACE_CONNECT_H
#define WEIR_OBSERVE_TRACE_CONNECT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/diagnostic.h"
#include "connection.h"
#include "observe/user_names.h"

/* The best first. */
enum trace_probe { TRACE_PROBE_FENTRY, TRACE_PROBE_KPROBE, TRACE_PROBE_TRACEPOINT, TRACE_PROBE_COUNT };

/* Which probe a trace has, and why those before it were refused. */
struct trace_choice {
	enum trace_probe probe;
	int errors[TRACE_PROBE_COUNT]; /* negative errno; 0: not tried */
};

struct trace_connect;

/* PROBE: TRACE_PROBE_COUNT for the best. ENDS: tell how connections end, too. */
int trace_connect_open(enum trace_probe probe, bool ends, struct trace_connect **ret_trace, struct diagnostics *diagnostics);
void trace_connect_close(struct trace_connect *trace); /* NULL is fine */
const struct trace_choice *trace_connect_choice(const struct trace_connect *trace);

/* Readable when something was told. */
int trace_connect_fd(const struct trace_connect *trace);

/* Hand out what is told within TIMEOUT_MS (-1: for ever), a few hundred at most. How many, or a negative errno. */
int trace_connect_read(struct trace_connect *trace, int timeout_ms,
		       void (*handle)(void *context, const struct weir_connection_event *event), void *context);

/* How many could not be told since the last call. */
uint64_t trace_connect_lost(struct trace_connect *trace);

/* ---- Words ---- */

/* "fentry", "tcp_connect" */
const char *trace_probe_name(enum trace_probe probe);
const char *trace_probe_place(enum trace_probe probe);

/* The first line: which probe, and why none that is better. */
const char *trace_choice_text(struct arena *arena, const struct trace_choice *choice);
json_t *trace_choice_json(const struct trace_choice *choice);

/*
 * "connected", "refused", "timed out", "reset", "unreachable", "interrupted", "failed"; of an end "closed", "closed by peer", ...
 */
const char *connection_result(const struct weir_connection_event *event);

/* Since the connection was begun; of an end, since it was made. */
uint64_t connection_took_ns(const struct weir_connection_event *event);

/* An address of the connection's version of IP, or NULL where it has none. PORT 0: without. */
const char *connection_address(struct arena *arena, const struct weir_connection *connection, const uint8_t *address,
			       uint16_t port);

/* A line, without its end. OFFSET_NS: from CLOCK_MONOTONIC to the time since 1970. USER: NULL where the uid has no name. */
struct connection_style {
	uint64_t offset_ns;
	const char *user;
	bool colour;
};
const char *connection_text(struct arena *arena, const struct weir_connection_event *event, const struct connection_style *style);
json_t *connection_json(const struct weir_connection_event *event, const struct connection_style *style);

#endif
