/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packets that come in by interfaces. In: what the programs of bpf/log_xdp.bpf.c and bpf/log_socket.bpf.c write into a ring
 * buffer, for which they are loaded and attached here. Out: a line for each packet. At XDP where nobody is, else by a packet
 * socket, which stands behind XDP and beside nobody. Nothing is pinned: what was attached goes with the log, or with the process.
 */
#ifndef WEIR_OBSERVE_LOG_PACKETS_H
#define WEIR_OBSERVE_LOG_PACKETS_H

#include <jansson.h>
#include <stdint.h>

#include "base/diagnostic.h"
#include "seen_packet.h"

/* AUTO: the first of these that can be had. */
enum log_place { LOG_NATIVE, LOG_GENERIC, LOG_SOCKET, LOG_AUTO };

struct log_request {
	const char *const *interfaces;
	size_t count;
	const char *netns; /* where they are; NULL: here */
	enum log_place place;
	const char *filter; /* an expression of tcpdump's: only what meets it; NULL: all */
	uint64_t rate;	    /* packets a second and interface at most */
};

/* One of the interfaces. */
struct log_source {
	const char *interface, *netns;
	enum log_place place;	/* never AUTO */
	int error;		/* why it is not at XDP, negative errno; 0: it is, or was not tried */
	uint32_t other_program; /* id of the program that has the XDP hook; 0: none */
	const char *other_name; /* of that program */
};

struct packet_log;

int packet_log_open(const struct log_request *request, struct packet_log **ret_log, struct diagnostics *diagnostics);
void packet_log_close(struct packet_log *log); /* NULL is fine */

size_t packet_log_count(const struct packet_log *log);
const struct log_source *packet_log_source(const struct packet_log *log, size_t index);

/* Readable when there are packets. */
int packet_log_fd(const struct packet_log *log);

/* Hand out what is there within TIMEOUT_MS (-1: for ever), a few hundred at most. How many, or a negative errno. */
int packet_log_read(struct packet_log *log, int timeout_ms, void (*handle)(void *context, const struct weir_seen_packet *packet),
		    void *context);

/* Since the last call: what was past the rate, and what found the ring buffer full. */
int packet_log_counts(struct packet_log *log, struct weir_seen_counts *ret_counts);

/* ---- Words ---- */

/* The line that says where an interface is looked at. */
const char *log_source_text(struct arena *arena, const struct log_source *source, uint64_t rate);
json_t *log_source_json(const struct log_source *source, uint64_t rate);

/* A line, without its end. TIME_NS: since 1970. */
const char *seen_packet_text(struct arena *arena, const struct log_source *source, const struct weir_seen_packet *packet,
			     uint64_t time_ns);
json_t *seen_packet_json(const struct log_source *source, const struct weir_seen_packet *packet, uint64_t time_ns);

#endif
