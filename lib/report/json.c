// SPDX-License-Identifier: GPL-2.0-only
#include "report/json.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/escape.h"

json_t *json_text(const char *text)
{
	struct arena *arena;
	json_t *json;

	if (!text)
		return json_null();
	json = json_string(text);
	if (json)
		return json;
	arena = arena_new();
	json = json_string(escape_text(arena, text, strlen(text)));
	arena_free(arena);
	return json;
}

json_t *json_number(uint64_t number)
{
	return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

json_t *json_number_or_null(uint64_t number)
{
	return number ? json_number(number) : json_null();
}

json_t *json_time(uint64_t seconds, int64_t ns)
{
	time_t time = (time_t)seconds;
	char day[32], text[64];
	struct tm parts;

	if (!gmtime_r(&time, &parts) || !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts))
		return json_null();
	if (ns < 0)
		snprintf(text, sizeof(text), "%sZ", day);
	else
		snprintf(text, sizeof(text), "%s.%06uZ", day, (unsigned int)(ns / 1000) % 1000000);
	return json_string(text);
}

const char *json_line(struct arena *arena, json_t *json)
{
	_cleanup_free_ char *line = json_dumps(json, REPORT_JSON_LINE);

	json_decref(json);
	return arena_strdup(arena, line ? line : "{}");
}
