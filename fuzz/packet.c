// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes what reads packets in user space. In: any bytes; behind a 'w' a packet in words, else a frame, whose first byte says
 *where it is seen. Beside crashes and leaks it holds that
 *
 *	what a packet is printed as is a packet in words, and is printed the same when it is read again;
 *	what is read of a request is a text of the length that it says.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/http.h"
#include "rules/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const char *text, const char *again)
{
	fprintf(stderr, "does not hold: %s\n%s\n%s\n", what, text, again);
	abort();
}

/* The packet in words, as tc egress sees it; NULL: the words are none. */
static const char *read_words(struct arena *arena, const char *words)
{
	struct packet_context context;
	struct diagnostics diagnostics;
	struct weir_flow flow;
	const uint8_t *data;
	size_t length;

	diagnostics_init(&diagnostics, arena);
	if (packet_from_words(arena, words, &data, &length, &context, &diagnostics)) {
		if (!diagnostics.errors)
			fail("who is refused is told why", words, "");
		return NULL;
	}
	packet_parse(WEIR_HOOK_TC_EGRESS, &context, data, length, &flow);
	return packet_print(arena, &flow);
}

/* What stands in parentheses, and a second tag, is for people alone. */
static void check_print(struct arena *arena, const char *text)
{
	const char *again = strchr(text, '(') ? text : read_words(arena, text);

	if (!again || strcmp(text, again) != 0)
		fail("what is printed is read as the same packet", text, again ? again : "is refused");
}

static void run_words(struct arena *arena, const uint8_t *data, size_t size)
{
	const char *text = read_words(arena, arena_strndup(arena, (const char *)data, size));

	if (text)
		check_print(arena, text);
}

static void check_request(const struct judged_packet *packet)
{
	static struct http_value value;

	for (int asked = 0; asked < 3; asked++)
		if (http_read(packet, (enum weir_http_asked)asked, &value) &&
		    value.bytes[value.length < WEIR_HTTP_REACH ? value.length : WEIR_HTTP_REACH])
			fail("a text ends where it says", "", "");
}

static void run_frame(struct arena *arena, uint8_t where, const uint8_t *data, size_t size)
{
	struct packet_context context = { .raw_ip = where & 1, .mark = where & 2 ? 7 : 0, .has_offload_vlan = where & 4 };
	enum weir_hook hook = (enum weir_hook)((where >> 3) % WEIR_HOOK_COUNT);
	struct judged_packet packet = { .context = &context, .length = size };
	struct weir_flow flow;
	uint8_t *copy = malloc(size ? size : 1); /* of its very size */

	memcpy(copy, data, size);
	packet_parse(hook, &context, copy, size, &flow);
	packet.flow = &flow;
	packet.data = copy;
	check_print(arena, packet_print(arena, &flow));
	check_request(&packet);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();

	if (size && data[0] == 'w')
		run_words(arena, data + 1, size - 1);
	else if (size)
		run_frame(arena, data[0], data + 1, size - 1);
	arena_free(arena);
	return 0;
}

#ifdef FUZZ_STANDALONE
#include "standalone.h"
#endif
