// SPDX-License-Identifier: GPL-2.0-only
/*
 * libbpf explains itself by printing, through a function without a context. The last warning is kept, a thread at a time, so that
 * a message can quote it.
 */
#include <stdio.h>
#include <string.h>

#include "object/object.h"

static _Thread_local char last[512];

static int keep(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char line[sizeof(last)];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = '\0';
	/* The first one is nearest to the cause; what follows says that it failed. The verifier's log has a place of its own. */
	if (!*last && !strstr(line, "BEGIN PROG LOAD LOG") && !strstr(line, "BPF program load failed") && !strstr(line, "ulimit"))
		snprintf(last, sizeof(last), "%s", strncmp(line, "libbpf: ", 8) == 0 ? line + 8 : line);
	return 0;
}

void libbpf_words_begin(struct libbpf_words *words)
{
	*last = '\0';
	words->before = libbpf_set_print(keep);
}

const char *libbpf_words_end(struct libbpf_words *words, struct arena *arena)
{
	libbpf_set_print(words->before);
	return arena_strdup(arena, last);
}
