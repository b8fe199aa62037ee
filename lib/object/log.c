// SPDX-License-Identifier: GPL-2.0-only
/* Log lines: a record of weir_log becomes text here, in user space. A record comes from a program, and is not trusted. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "kernel/clock.h"
#include "object/object.h"
#include "weir/log_record.h"

/* ---- What both kinds of lines print ---- */

const char *address4_print(struct arena *arena, const void *bytes)
{
	char text[INET_ADDRSTRLEN];

	return arena_strdup(arena, inet_ntop(AF_INET, bytes, text, sizeof(text)));
}

const char *address6_print(struct arena *arena, const void *bytes)
{
	char text[INET6_ADDRSTRLEN];

	return arena_strdup(arena, inet_ntop(AF_INET6, bytes, text, sizeof(text)));
}

const char *mac_print(struct arena *arena, const void *bytes, bool upper)
{
	const uint8_t *at = bytes;

	return arena_printf(arena, upper ? "%02X:%02X:%02X:%02X:%02X:%02X" : "%02x:%02x:%02x:%02x:%02x:%02x", at[0], at[1], at[2],
			    at[3], at[4], at[5]);
}

/* ---- weir_log ---- */

static const char *number_print(struct arena *arena, const struct weir_log_value *value, const char *word)
{
	bool sized = (word[0] == 'u' || word[0] == 'i') && word[1] >= '0' && word[1] <= '9';
	bool is_signed = sized ? word[0] == 'i' : value->kind == WEIR_LOG_VALUE_SIGNED;
	unsigned long bits = sized ? strtoul(word + 1, NULL, 10) : 64;
	uint64_t number = value->words[0];

	if (strcmp(word, "x") == 0)
		return arena_printf(arena, "%#llx", (unsigned long long)number);
	if (strcmp(word, "be16") == 0)
		return arena_printf(arena, "%u", ntohs((uint16_t)number));
	if (strcmp(word, "be32") == 0)
		return arena_printf(arena, "%u", ntohl((uint32_t)number));
	if (strcmp(word, "ip4") == 0) {
		uint32_t address = (uint32_t)number;

		return address4_print(arena, &address);
	}
	if (bits && bits < 64)
		number &= (1ull << bits) - 1;
	if (is_signed) {
		if (bits && bits < 64)
			number = (uint64_t)((int64_t)(number << (64 - bits)) >> (64 - bits));
		return arena_printf(arena, "%lld", (long long)number);
	}
	return arena_printf(arena, "%llu", (unsigned long long)number);
}

/* The value decides where word and value do not go together: nothing is read as what it is not. */
static const char *value_print(struct arena *arena, const struct weir_log_value *value, const char *word)
{
	switch (value->kind) {
	case WEIR_LOG_VALUE_UNSIGNED:
	case WEIR_LOG_VALUE_SIGNED:
		return number_print(arena, value, word);
	case WEIR_LOG_VALUE_IP6:
		return address6_print(arena, value->words);
	case WEIR_LOG_VALUE_MAC:
		return mac_print(arena, value->words, false);
	case WEIR_LOG_VALUE_TEXT:
		return escape_text(arena, (const char *)value->words, sizeof(value->words));
	default:
		return "?";
	}
}

static const char *format_print(struct arena *arena, const char *format, const struct weir_log_value *values, size_t count)
{
	const char *result = "";
	size_t next = 0;

	while (*format) {
		size_t plain = strcspn(format, "{}"), word;

		result = arena_printf(arena, "%s%s", result, escape_text(arena, format, plain));
		format += plain;
		if (!*format)
			break;
		word = strcspn(format + 1, "}");
		if (format[0] == '}' || format[1] == '{' || !format[1 + word]) {
			result = arena_printf(arena, "%s%c", result, *format);
			format += format[1] == format[0] ? 2 : 1;
			continue;
		}
		result = arena_printf(arena, "%s%s", result,
				      next < count ? value_print(arena, &values[next], arena_strndup(arena, format + 1, word))
						   : "?");
		next++;
		format += word + 2;
	}
	return result;
}

bool log_record_read(struct arena *arena, const void *data, size_t length, struct weir_log_line *ret_line)
{
	const struct weir_log_record *record = data;
	const struct weir_log_value *values = (const struct weir_log_value *)(record + 1);
	size_t values_length, file_at;
	const char *format;

	if (length < sizeof(*record) || record->level < WEIR_LOG_ERROR || record->level > WEIR_LOG_TRACE ||
	    !record->format_length)
		return false;
	values_length = record->count * sizeof(*values);
	file_at = sizeof(*record) + values_length + record->format_length;
	if (file_at >= length)
		return false;
	format = (const char *)values + values_length;
	if (!memchr(format, '\0', record->format_length) || !memchr((const char *)data + file_at, '\0', length - file_at))
		return false;
	*ret_line = (struct weir_log_line){
		.time_ns = clock_offset_ns() + record->time_ns,
		.level = record->level,
		.text = format_print(arena, format, values, record->count),
		.file = escape_text(arena, (const char *)data + file_at, length - file_at),
		.line = record->line,
	};
	return true;
}

/* ---- For people ---- */

void weir_log_print(FILE *out, const struct weir_log_line *line)
{
	static const char *const levels[] = { "OFF", "ERROR", "WARN", "INFO", "DEBUG", "TRACE" };
	time_t second = (time_t)(line->time_ns / 1000000000ull);
	struct tm when;
	char stamp[32];

	gmtime_r(&second, &when);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &when);
	fprintf(out, "[%s %s %s] %s\n", stamp, levels[line->level], line->object, line->text);
	fflush(out);
}

void weir_log_say(FILE *out, const char *name, enum weir_log_level level, const char *format, ...)
{
	struct weir_log_line line = { .time_ns = clock_ns(CLOCK_REALTIME), .level = level, .object = name };
	va_list arguments;
	char text[1024];

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	line.text = text;
	weir_log_print(out, &line);
}
