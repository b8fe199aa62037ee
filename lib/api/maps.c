// SPDX-License-Identifier: GPL-2.0-only
/* Maps for programs that are not weir's. */
#include <errno.h>
#include <stdlib.h>

#include "api/api.h"
#include "kernel/maps.h"
#include "report/json.h"

struct weir_maps {
	struct arena *arena;
	struct kernel_maps maps;
	char *json;
};

static json_t *map_json(const struct kernel_map *map)
{
	return json_pack("{s:I, s:i, s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:I}", "id", (json_int_t)map->id, "fd", map->fd, "name",
			 json_text(map->name), "chain", json_text(map->chain), "set", json_text(map->set), "type", map->type,
			 "key_size", (json_int_t)map->key_size, "value_size", (json_int_t)map->value_size, "max_entries",
			 (json_int_t)map->max_entries, "map_id", (json_int_t)map->kernel_id);
}

static char *maps_json(const struct kernel_maps *maps)
{
	json_t *list = json_array(), *document;
	char *text;

	for (uint32_t i = 0; i < maps->count; i++)
		json_array_append_new(list, map_json(&maps->items[i]));
	document = json_pack("{s:i, s:o, s:o}", "schema", REPORT_SCHEMA, "policy", json_text(maps->policy), "maps", list);
	text = document ? json_dumps(document, REPORT_JSON_LINE) : NULL;
	json_decref(document);
	return text;
}

/* Takes ARENA and what is in MAPS. */
static int hand_out(struct arena *arena, const struct kernel_maps *maps, struct weir_maps **ret_maps)
{
	struct weir_maps *out = arena_new_object(arena, struct weir_maps);

	*out = (struct weir_maps){ .arena = arena, .maps = *maps, .json = maps_json(maps) };
	if (!out->json) {
		weir_maps_close(out);
		return -ENOMEM;
	}
	*ret_maps = out;
	return 0;
}

int weir_maps_open(struct weir_kernel *kernel, const char *policy, struct weir_messages *messages, struct weir_maps **ret_maps)
{
	struct arena *arena = arena_new();
	size_t errors = messages->diagnostics.errors;
	struct kernel_maps maps;
	int error = kernel_maps_open(kernel->kernel, arena, arena_strdup(arena, policy), &maps, &messages->diagnostics);

	if (error) {
		arena_free(arena);
		return messages_explain(messages, errors, error, "cannot open the policy's maps");
	}
	return hand_out(arena, &maps, ret_maps);
}

int weir_maps_receive(struct weir_kernel *kernel, const char *socket, struct weir_messages *messages, struct weir_maps **ret_maps)
{
	struct arena *arena = arena_new();
	size_t errors = messages->diagnostics.errors;
	struct kernel_maps maps;
	int error = kernel_maps_receive(arena, socket, &maps, &messages->diagnostics);

	if (error) {
		arena_free(arena);
		return error == -EINTR ? error : messages_explain(messages, errors, error, "cannot receive maps");
	}
	if (kernel)
		kernel_maps_name(kernel->kernel, arena, &maps);
	return hand_out(arena, &maps, ret_maps);
}

int weir_maps_send(const struct weir_maps *maps, const char *socket, struct weir_messages *messages)
{
	size_t errors = messages->diagnostics.errors;
	int error = kernel_maps_send(&maps->maps, socket, &messages->diagnostics);

	return error ? messages_explain(messages, errors, error, "cannot send the maps") : 0;
}

void weir_maps_close(struct weir_maps *maps)
{
	if (!maps)
		return;
	kernel_maps_close(&maps->maps);
	free(maps->json);
	arena_free(maps->arena);
}

size_t weir_maps_count(const struct weir_maps *maps)
{
	return maps->maps.count;
}

uint32_t weir_maps_id(const struct weir_maps *maps, size_t index)
{
	return maps->maps.items[index].id;
}

int weir_maps_fd(const struct weir_maps *maps, size_t index)
{
	return maps->maps.items[index].fd;
}

const char *weir_maps_json(const struct weir_maps *maps)
{
	return maps->json;
}
