// SPDX-License-Identifier: GPL-2.0-only
#include "base/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Bytes of the well-formed UTF-8 sequence at TEXT that may be shown as it is; 0: there is none. */
static size_t showable(const unsigned char *text, size_t length)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t size = text[0] < 0x80 ? 1 : text[0] >> 5 == 6 ? 2 : text[0] >> 4 == 14 ? 3 : text[0] >> 3 == 30 ? 4 : 0;
	uint32_t code;

	if (size == 0 || size > length)
		return 0;
	if (size == 1)
		return text[0] >= 0x20 && text[0] != 0x7f;
	code = text[0] & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	/* Not the control characters of Latin-1, halves of UTF-16 pairs, marks that turn the direction of writing. */
	if (code < least[size] || code < 0xa0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
	    (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
		return 0;
	return size;
}

const char *escape_text(struct arena *arena, const char *text, size_t length)
{
	char *escaped, *out;
	size_t size;

	length = strnlen(text, length);
	out = escaped = arena_alloc(arena, 4 * length + 1);
	for (size_t i = 0; i < length; i += size) {
		size = showable((const unsigned char *)text + i, length - i);
		if (size) {
			memcpy(out, text + i, size);
			out += size;
		} else {
			out += sprintf(out, "\\x%02x", (unsigned char)text[i]);
			size = 1;
		}
	}
	return escaped;
}
