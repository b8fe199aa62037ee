// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes what reads the bytes of eBPF objects and of what their programs log. In: any bytes; the first says what they are to be:
 *an object of ELF (as it is), a record of weir_log ('W') or of aya-log ('A': with its size before it; 'a': without). Beside
 *crashes and leaks it holds that
 *
 *	an object that is refused stays as it is, and it is said why;
 *	nothing that is printed can steer a terminal.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what)
{
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

static void run_elf(struct arena *arena, const uint8_t *data, size_t size)
{
	void *image = malloc(size + 1), *before;
	struct legacy_maps maps;
	const char *why = NULL;

	memcpy(image, data, size);
	before = image;
	if (modern_elf(arena, &image, &size, &maps, &why)) {
		if (!why || image != before)
			fail("an object that is refused stays as it is, and it is said why");
	} else if (image != before) {
		modern_elf(arena, &image, &size, &maps, &why); /* what was written can be read */
	}
	free(image);
}

static void check_text(const char *text)
{
	for (; text && *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			fail("what is printed has no control characters");
}

/* At the end of memory of its own, so that a byte too far is found; aligned as a ring buffer has it. */
static void run_record(struct arena *arena, char kind, const uint8_t *data, size_t size)
{
	struct weir_log_line line = { 0 };
	void *record = malloc(size ? size : 1);
	bool good;

	memcpy(record, data, size);
	good = kind == 'W' ? log_record_read(arena, record, size, &line)
			   : aya_record_read(arena, record, size, kind == 'A', &line);
	if (good) {
		check_text(line.text);
		check_text(line.file);
		if (line.level < WEIR_LOG_ERROR || line.level > WEIR_LOG_TRACE)
			fail("a line has a level");
	}
	free(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();

	if (size && strchr("WAa", data[0]))
		run_record(arena, (char)data[0], data + 1, size - 1);
	else
		run_elf(arena, data, size);
	arena_free(arena);
	return 0;
}

#ifdef FUZZ_STANDALONE
#include "standalone.h"
#endif
