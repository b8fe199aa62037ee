// SPDX-License-Identifier: GPL-2.0-only
/* Packets that were seen, as lines for people and as JSON; docs/observe.md lists the members. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "observe/log_packets.h"
#include "report/events.h"
#include "report/json.h"
#include "rules/packet.h"

static const char *place_name(enum log_place place)
{
	static const char *const names[] = { [LOG_NATIVE] = "native", [LOG_GENERIC] = "generic", [LOG_SOCKET] = "socket" };

	return names[place];
}

static const char *interface_words(struct arena *arena, const struct log_source *source)
{
	return source->netns ? arena_printf(arena, "%s netns %s", source->interface, source->netns) : source->interface;
}

/* Why it is not at XDP; "" where it is, or was not asked for. */
static const char *why_words(struct arena *arena, const struct log_source *source)
{
	if (source->other_program)
		return arena_printf(arena, ", since program %u (%s) is at XDP: what that drops is not seen",
				    source->other_program, escape_text(arena, source->other_name, strlen(source->other_name)));
	if (source->error == -EOPNOTSUPP)
		return ", since the interface cannot do XDP";
	return source->error ? arena_printf(arena, ", since XDP was refused: %s", strerror(-source->error)) : "";
}

const char *log_source_text(struct arena *arena, const struct log_source *source, uint64_t rate)
{
	const char *where = interface_words(arena, source);

	if (source->place == LOG_SOCKET)
		return arena_printf(arena, "packets into %s: by a packet socket, behind XDP%s; %llu a second at most", where,
				    why_words(arena, source), (unsigned long long)rate);
	return arena_printf(arena, "packets into %s: at XDP (%s), all pass; %llu a second at most", where,
			    place_name(source->place), (unsigned long long)rate);
}

json_t *log_source_json(const struct log_source *source, uint64_t rate)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o}", "schema", REPORT_SCHEMA, "interface",
			 json_text(source->interface), "netns", json_text(source->netns), "mode",
			 json_text(place_name(source->place)), "rate", json_number(rate), "xdp_error",
			 json_text(source->error ? strerrorname_np(-source->error) : NULL), "xdp_program",
			 source->other_program ? json_pack("{s:o, s:o}", "id", json_number(source->other_program), "name",
							   json_text(source->other_name))
					       : json_null());
}

const char *seen_packet_text(struct arena *arena, const struct log_source *source, const struct weir_seen_packet *packet,
			     uint64_t time_ns)
{
	return arena_printf(arena, "%s  %s  %s, %u bytes", event_clock(arena, time_ns), interface_words(arena, source),
			    packet_print(arena, &packet->flow), packet->flow.length);
}

json_t *seen_packet_json(const struct log_source *source, const struct weir_seen_packet *packet, uint64_t time_ns)
{
	json_t *object = json_pack("{s:i, s:o, s:o, s:o}", "schema", REPORT_SCHEMA, "time",
				   json_time(time_ns / 1000000000ull, (int64_t)(time_ns % 1000000000ull)), "interface",
				   json_text(source->interface), "netns", json_text(source->netns));

	event_set_packet(object, &packet->flow);
	return object;
}
