// SPDX-License-Identifier: GPL-2.0-only
/* What became of an object, and what it logs, for people and as JSON. */
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "object/object.h"
#include "report/json.h"

static uint32_t program_number(const struct weir_program *program)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(weir_program_fd(program), &info, &size) ? 0 : info.id;
}

static uint32_t map_number(const struct weir_map *map)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(weir_map_fd(map), &info, &size) ? 0 : info.id;
}

static void print_line(json_t *json, FILE *out)
{
	_cleanup_free_ char *line = json_dumps(json, REPORT_JSON_LINE);

	json_decref(json);
	if (line)
		fprintf(out, "%s\n", line);
}

static void print_json(const struct weir_object *object, FILE *out)
{
	json_t *programs = json_array(), *maps = json_array();

	for (size_t i = 0; i < object->attached.count; i++) {
		const struct attached *attached = &object->attached.items[i];

		json_array_append_new(programs,
				      json_pack("{s:o, s:o, s:o, s:o, s:o, s:I}", "name",
						json_text(weir_program_name(attached->program)), "hook",
						json_text(attached->program->section), "target", json_text(attached->target),
						"how", json_text(attached->how), "pin", json_text(attached->pin), "program_id",
						(json_int_t)program_number(attached->program)));
	}
	for (size_t i = 0; i < object->map_count; i++) {
		const struct weir_map *map = &object->maps[i];

		if (bpf_map__is_internal(map->bpf) || weir_map_fd(map) < 0)
			continue;
		json_array_append_new(maps, json_pack("{s:o, s:o, s:o, s:I}", "name", json_text(weir_map_name(map)), "id",
						      map->id < 0 ? json_null() : json_integer(map->id), "pin",
						      json_text(map->pin), "map_id", (json_int_t)map_number(map)));
	}
	print_line(json_pack("{s:i, s:o, s:o, s:o}", "schema", 1, "object", json_text(object->name), "attached", programs, "maps",
			     maps),
		   out);
}

void weir_object_print(const struct weir_object *object, enum weir_format format, FILE *out)
{
	if (format == WEIR_FORMAT_JSON) {
		print_json(object, out);
		return;
	}
	for (size_t i = 0; i < object->attached.count; i++) {
		const struct attached *attached = &object->attached.items[i];

		fprintf(out, "attached %s (%s)", weir_program_name(attached->program), attached->program->section);
		if (attached->target && attached->target != attached->program->target)
			fprintf(out, " to %s", attached->target);
		if (attached->how)
			fprintf(out, ", %s", attached->how);
		if (attached->pin)
			fprintf(out, ", pinned at %s", attached->pin);
		fputc('\n', out);
	}
	for (size_t i = 0; i < object->map_count; i++) {
		const struct weir_map *map = &object->maps[i];

		if (map->pin && weir_map_fd(map) >= 0)
			fprintf(out, "map %s is %s %s\n", weir_map_name(map), map->pin_was_there ? "the one at" : "pinned at",
				map->pin);
	}
}

void weir_log_print_json(FILE *out, const struct weir_log_line *line)
{
	static const char *const levels[] = { "off", "error", "warn", "info", "debug", "trace" };
	time_t second = (time_t)(line->time_ns / 1000000000ull);
	struct tm when;
	char stamp[48];
	size_t length;

	gmtime_r(&second, &when);
	length = strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &when);
	snprintf(stamp + length, sizeof(stamp) - length, ".%06uZ", (unsigned int)(line->time_ns % 1000000000ull / 1000));
	print_line(json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:I}", "schema", 1, "time", stamp, "level", levels[line->level],
			     "object", json_text(line->object), "text", json_text(line->text), "file", json_text(line->file),
			     "line", (json_int_t)line->line),
		   out);
}
