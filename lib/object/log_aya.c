// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records of aya-log, as programs built with Aya put them into the map AYA_LOGS: fields, each a kind (one byte), a length (two,
 * host byte order) and that many bytes. First the six that say where the line comes from, then the pieces of its text one behind
 * the other: literal text, hints how the next value is to be shown, values.
 *
 *	0.3.0 and later		a ring buffer; a record begins with its size, of two bytes; fields are counted from 0
 *	0.2.1			a perf event array; fields are counted from 1
 *
 * A record comes from a program, and is not trusted.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "object/object.h"

enum { FIELD_TARGET, FIELD_LEVEL, FIELD_MODULE, FIELD_FILE, FIELD_LINE, FIELD_COUNT, FIELDS };

enum {
	VALUE_HINT,
	VALUE_I8,
	VALUE_I16,
	VALUE_I32,
	VALUE_I64,
	VALUE_ISIZE,
	VALUE_U8,
	VALUE_U16,
	VALUE_U32,
	VALUE_U64,
	VALUE_USIZE,
	VALUE_F32,
	VALUE_F64,
	VALUE_IPV4,
	VALUE_IPV6,
	VALUE_BYTES4,
	VALUE_BYTES6,
	VALUE_BYTES16,
	VALUE_WORDS8,
	VALUE_BYTES,
	VALUE_TEXT,
	VALUE_POINTER,
};

enum { HINT_DEFAULT = 1, HINT_HEX, HINT_UPPER_HEX, HINT_IP, HINT_MAC, HINT_UPPER_MAC, HINT_POINTER };

struct piece {
	uint8_t kind;
	uint16_t length;
	const uint8_t *bytes;
};

struct record {
	const uint8_t *at;
	size_t left;
};

static bool take(struct record *record, struct piece *ret_piece)
{
	struct piece piece = { 0 };

	if (record->left < 3)
		return false;
	piece.kind = record->at[0];
	memcpy(&piece.length, record->at + 1, 2);
	piece.bytes = record->at + 3;
	if (record->left - 3 < piece.length)
		return false;
	record->at += 3 + piece.length;
	record->left -= 3u + piece.length;
	*ret_piece = piece;
	return true;
}

static const char *hex_print(struct arena *arena, const struct piece *piece, bool upper)
{
	char *result = arena_alloc(arena, piece->length * 2u + 1), *to = result;

	for (uint16_t i = 0; i < piece->length; i++)
		to += sprintf(to, upper ? "%02X" : "%02x", piece->bytes[i]);
	return result;
}

/* An integer's number, its sign spread. */
static uint64_t number_of(const struct piece *piece)
{
	uint64_t number = 0;
	int unused;

	memcpy(&number, piece->bytes, piece->length < 8 ? piece->length : 8);
#if __BYTE_ORDER == __BIG_ENDIAN
	number >>= 64 - piece->length * 8;
#endif
	unused = 64 - piece->length * 8;
	if (piece->kind <= VALUE_ISIZE && unused > 0)
		number = (uint64_t)((int64_t)(number << unused) >> unused);
	return number;
}

static const char *integer_print(struct arena *arena, const struct piece *piece, int hint)
{
	uint64_t number = number_of(piece);
	uint8_t bytes[4];

	switch (hint) {
	case HINT_HEX:
	case HINT_UPPER_HEX:
		if (piece->length < 8)
			number &= (1ull << piece->length * 8) - 1;
		return arena_printf(arena, hint == HINT_HEX ? "%" PRIx64 : "%" PRIX64, number);
	case HINT_IP: /* as a number: in host byte order */
		for (int i = 0; i < 4; i++)
			bytes[i] = (uint8_t)(number >> (24 - 8 * i));
		return address4_print(arena, bytes);
	default:
		return arena_printf(arena, piece->kind <= VALUE_ISIZE ? "%" PRIi64 : "%" PRIu64, number);
	}
}

static const char *float_print(struct arena *arena, const struct piece *piece)
{
	double number = 0;
	float small;

	if (piece->length == sizeof(small)) {
		memcpy(&small, piece->bytes, sizeof(small));
		return arena_printf(arena, "%.9g", (double)small);
	}
	memcpy(&number, piece->bytes, sizeof(number));
	return arena_printf(arena, "%.17g", number);
}

/* How long a value of that kind is; 0: of any length. */
static size_t length_of(uint8_t kind)
{
	static const uint8_t lengths[] = {
		[VALUE_HINT] = 1,   [VALUE_I8] = 1,	 [VALUE_I16] = 2,      [VALUE_I32] = 4,	    [VALUE_I64] = 8,
		[VALUE_ISIZE] = 8,  [VALUE_U8] = 1,	 [VALUE_U16] = 2,      [VALUE_U32] = 4,	    [VALUE_U64] = 8,
		[VALUE_USIZE] = 8,  [VALUE_F32] = 4,	 [VALUE_F64] = 8,      [VALUE_IPV4] = 4,    [VALUE_IPV6] = 16,
		[VALUE_BYTES4] = 4, [VALUE_BYTES6] = 6,	 [VALUE_BYTES16] = 16, [VALUE_WORDS8] = 16, [VALUE_BYTES] = 0,
		[VALUE_TEXT] = 0,   [VALUE_POINTER] = 8,
	};

	return kind < sizeof(lengths) ? lengths[kind] : 0;
}

/* NULL: it is no value. */
static const char *piece_print(struct arena *arena, const struct piece *piece, int hint)
{
	uint8_t swapped[16];

	if (length_of(piece->kind) && piece->length != length_of(piece->kind))
		return NULL;
	switch (piece->kind) {
	case VALUE_I8 ... VALUE_USIZE:
		return integer_print(arena, piece, hint);
	case VALUE_F32:
	case VALUE_F64:
		return float_print(arena, piece);
	case VALUE_IPV4:
	case VALUE_BYTES4:
		return address4_print(arena, piece->bytes);
	case VALUE_IPV6:
	case VALUE_BYTES16:
		return address6_print(arena, piece->bytes);
	case VALUE_BYTES6:
		return mac_print(arena, piece->bytes, hint == HINT_UPPER_MAC);
	case VALUE_WORDS8: /* eight numbers in host byte order */
		for (int i = 0; i < 8; i++) {
			uint16_t word;

			memcpy(&word, piece->bytes + 2 * i, 2);
			swapped[2 * i] = (uint8_t)(word >> 8);
			swapped[2 * i + 1] = (uint8_t)word;
		}
		return address6_print(arena, swapped);
	case VALUE_BYTES:
		return hex_print(arena, piece, hint == HINT_UPPER_HEX);
	case VALUE_TEXT:
		return escape_text(arena, (const char *)piece->bytes, piece->length);
	case VALUE_POINTER:
		return arena_printf(arena, "%#" PRIx64, number_of(piece));
	default:
		return NULL;
	}
}

/* The six fields, in any order. */
static bool read_head(struct arena *arena, struct record *record, uint8_t first, struct weir_log_line *line, uint32_t *ret_count)
{
	unsigned int seen = 0;

	for (int i = 0; i < FIELDS; i++) {
		struct piece piece;
		int field;

		if (!take(record, &piece) || piece.kind < first || piece.kind - first >= FIELDS)
			return false;
		field = piece.kind - first;
		seen |= 1u << field;
		if (field == FIELD_TARGET)
			line->object = escape_text(arena, (const char *)piece.bytes, piece.length);
		else if (field == FIELD_FILE)
			line->file = escape_text(arena, (const char *)piece.bytes, piece.length);
		else if (field == FIELD_LEVEL && piece.length >= 1)
			line->level = piece.bytes[0];
		else if (field == FIELD_LINE && piece.length == 4)
			memcpy(&line->line, piece.bytes, 4);
		else if (field == FIELD_COUNT && (piece.length == 4 || piece.length == 8))
			memcpy(ret_count, piece.bytes, 4);
		else if (field != FIELD_MODULE)
			return false;
	}
	return seen == (1u << FIELDS) - 1 && line->level >= WEIR_LOG_ERROR && line->level <= WEIR_LOG_TRACE;
}

bool aya_record_read(struct arena *arena, const void *data, size_t length, bool sized, struct weir_log_line *ret_line)
{
	struct record record = { .at = data, .left = length };
	struct weir_log_line line = { .text = "" };
	struct timespec now;
	uint32_t count = 0;
	uint16_t size;
	int hint = HINT_DEFAULT;

	if (sized) {
		if (length < sizeof(size))
			return false;
		memcpy(&size, data, sizeof(size));
		if (size < sizeof(size) || size > length)
			return false;
		record = (struct record){ record.at + sizeof(size), size - sizeof(size) };
	}
	if (!read_head(arena, &record, sized ? 0 : 1, &line, &count))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const char *text;
		struct piece piece;

		if (!take(&record, &piece))
			return false;
		if (piece.kind == VALUE_HINT && piece.length == 1) {
			hint = piece.bytes[0];
			continue;
		}
		text = piece_print(arena, &piece, hint);
		if (!text)
			return false;
		line.text = arena_printf(arena, "%s%s", line.text, text);
		/* A hint is for the value behind it. */
		hint = HINT_DEFAULT;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	line.time_ns = (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
	*ret_line = line;
	return true;
}
