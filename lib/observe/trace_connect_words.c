// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel told of a connection, in words that text and JSON share. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "observe/trace_connect.h"

static const struct {
	const char *name, *place;
} probes[TRACE_PROBE_COUNT] = {
	[TRACE_PROBE_FENTRY] = { "fentry", "tcp_connect" },
	[TRACE_PROBE_KPROBE] = { "kprobe", "tcp_connect" },
	[TRACE_PROBE_TRACEPOINT] = { "tracepoint", "sock:inet_sock_set_state" },
};

const char *trace_probe_name(enum trace_probe probe)
{
	return probes[probe].name;
}

const char *trace_probe_place(enum trace_probe probe)
{
	return probes[probe].place;
}

/* The errors of ICMP, of a route, of a neighbour that does not answer. */
static bool is_unreachable(uint32_t error)
{
	return error == EHOSTUNREACH || error == ENETUNREACH || error == EHOSTDOWN || error == ENETDOWN || error == ENONET ||
	       error == EACCES || error == ENOPROTOOPT;
}

static const char *failure(uint32_t error)
{
	switch (error) {
	case 0:
	case ECONNABORTED: /* by who administers this host */
		return "interrupted";
	case ECONNREFUSED:
		return "refused";
	case ETIMEDOUT:
		return "timed out";
	case ECONNRESET:
		return "reset";
	default:
		return is_unreachable(error) ? "unreachable" : "failed";
	}
}

static const char *end(const struct weir_connection_event *event)
{
	switch (event->error) {
	case 0:
		if (event->connection.closed_by == WEIR_CLOSED_BY_NOBODY)
			return "aborted";
		return event->connection.closed_by == WEIR_CLOSED_HERE ? "closed" : "closed by peer";
	case ECONNRESET:
	case EPIPE: /* it had closed its side before */
		return "reset by peer";
	case ECONNABORTED:
		return "aborted";
	default:
		return failure(event->error);
	}
}

const char *connection_result(const struct weir_connection_event *event)
{
	switch (event->change) {
	case WEIR_CONNECTION_MADE:
		return "connected";
	case WEIR_CONNECTION_ENDED:
		return end(event);
	default:
		return failure(event->error);
	}
}

uint64_t connection_took_ns(const struct weir_connection_event *event)
{
	const struct weir_connection *connection = &event->connection;

	switch (event->change) {
	case WEIR_CONNECTION_MADE:
		return connection->connected_ns - connection->begun_ns;
	case WEIR_CONNECTION_ENDED:
		return event->time_ns - connection->connected_ns;
	case WEIR_CONNECTION_FAILED:
		return event->time_ns - connection->begun_ns;
	default:
		return 0;
	}
}

const char *connection_address(struct arena *arena, const struct weir_connection *connection, const uint8_t *address,
			       uint16_t port)
{
	static const uint8_t none[16];
	char text[INET6_ADDRSTRLEN];
	bool six = connection->version == 6;

	if (memcmp(address, none, sizeof(none)) == 0 || !inet_ntop(six ? AF_INET6 : AF_INET, address, text, sizeof(text)))
		return NULL;
	if (!port)
		return arena_strdup(arena, text);
	return arena_printf(arena, six ? "[%s]:%u" : "%s:%u", text, port);
}
