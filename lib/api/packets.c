// SPDX-License-Identifier: GPL-2.0-only
/* Packets that come in, for the public: each a line. */
#include <errno.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "kernel/clock.h"
#include "observe/log_packets.h"
#include "report/json.h"

struct weir_packets {
	struct arena *arena;
	struct packet_log *log;
	enum weir_format format;
	uint64_t rate;
	const char **places;
	struct weir_seen_counts counts;			 /* not yet asked for */
	void (*handle)(void *context, const char *line); /* during a call of weir_packets_read */
	void *context;
};

static enum log_place inner_place(enum weir_packets_mode mode)
{
	switch (mode) {
	case WEIR_PACKETS_NATIVE:
		return LOG_NATIVE;
	case WEIR_PACKETS_GENERIC:
		return LOG_GENERIC;
	case WEIR_PACKETS_SOCKET:
		return LOG_SOCKET;
	default:
		return LOG_AUTO;
	}
}

int weir_packets_open(const char *const *interfaces, size_t count, const struct weir_packets_options *options,
		      struct weir_messages *messages, struct weir_packets **ret_packets)
{
	struct log_request request = {
		.interfaces = interfaces,
		.count = count,
		.netns = OPTION(options, netns, NULL),
		.place = inner_place(OPTION(options, mode, WEIR_PACKETS_AUTO)),
		.rate = OPTION(options, rate, 0),
		.filter = OPTION(options, filter, NULL),
	};
	size_t errors = messages->diagnostics.errors;
	struct weir_packets *packets;
	struct packet_log *log;
	struct arena *arena;
	int error;

	if (!request.rate)
		request.rate = WEIR_PACKETS_RATE;
	error = count ? packet_log_open(&request, &log, &messages->diagnostics) : -EINVAL;
	if (error)
		return messages_explain(messages, errors, error, "cannot log packets");
	arena = arena_new();
	packets = arena_new_object(arena, struct weir_packets);
	*packets = (struct weir_packets){ .arena = arena, .log = log, .rate = request.rate };
	packets->format = OPTION(options, format, WEIR_FORMAT_TEXT);
	packets->places = arena_new_array(arena, const char *, count);
	for (size_t i = 0; i < count; i++) {
		const struct log_source *source = packet_log_source(log, i);

		packets->places[i] = packets->format == WEIR_FORMAT_JSON
					     ? json_line(arena, log_source_json(source, packets->rate))
					     : log_source_text(arena, source, packets->rate);
	}
	*ret_packets = packets;
	return 0;
}

void weir_packets_close(struct weir_packets *packets)
{
	if (!packets)
		return;
	packet_log_close(packets->log);
	arena_free(packets->arena);
}

const char *weir_packets_place(const struct weir_packets *packets, size_t index)
{
	return index < packet_log_count(packets->log) ? packets->places[index] : NULL;
}

int weir_packets_fd(const struct weir_packets *packets)
{
	return packet_log_fd(packets->log);
}

static void handle_packet(void *context, const struct weir_seen_packet *packet)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct weir_packets *packets = context;
	const struct log_source *source = packet_log_source(packets->log, packet->source);
	uint64_t time_ns = packet->time_ns + clock_offset_ns();

	packets->handle(packets->context, packets->format == WEIR_FORMAT_JSON
						  ? json_line(arena, seen_packet_json(source, packet, time_ns))
						  : seen_packet_text(arena, source, packet, time_ns));
}

int weir_packets_read(struct weir_packets *packets, int timeout_ms, void (*handle)(void *context, const char *line),
		      void *context)
{
	packets->handle = handle;
	packets->context = context;
	return packet_log_read(packets->log, timeout_ms, handle_packet, packets);
}

/* Both come with one look at the kernel; what is not asked for now is kept. */
static int look_at_counts(struct weir_packets *packets)
{
	struct weir_seen_counts since;
	int error = packet_log_counts(packets->log, &since);

	if (error)
		return error;
	packets->counts.lost += since.lost;
	packets->counts.suppressed += since.suppressed;
	return 0;
}

int weir_packets_lost(struct weir_packets *packets, uint64_t *ret_lost)
{
	int error = look_at_counts(packets);

	if (error)
		return error;
	*ret_lost = packets->counts.lost;
	packets->counts.lost = 0;
	return 0;
}

int weir_packets_suppressed(struct weir_packets *packets, uint64_t *ret_suppressed)
{
	int error = look_at_counts(packets);

	if (error)
		return error;
	*ret_suppressed = packets->counts.suppressed;
	packets->counts.suppressed = 0;
	return 0;
}
