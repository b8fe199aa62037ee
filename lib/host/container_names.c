// SPDX-License-Identifier: GPL-2.0-only
/*
 * Docker: FOLDER/containers/ID/config.v2.json has "Name": "/web"; FOLDER is data-root of daemon.json, or where it is by default.
 * Podman: DRIVER-containers/containers.json of its storage is a list of {"id": ..., "names": ["web"]}.
 */
#include "host/container_names.h"

#include <glob.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"

#define _cleanup_json_ _cleanup_(json_release)

static void json_release(json_t **json)
{
	json_decref(*json);
}

struct reading {
	struct arena *arena;
	VECTOR(struct container_name) names;
};

static void add(struct reading *reading, const char *runtime, const char *id, const char *name)
{
	if (strlen(id) == 64 && *name)
		vector_push(reading->arena, &reading->names,
			    (struct container_name){ .runtime = runtime,
						     .id = arena_strdup(reading->arena, id),
						     .name = arena_strdup(reading->arena, name) });
}

static void each_file(struct reading *reading, const char *pattern, void (*read)(struct reading *reading, json_t *file))
{
	glob_t files;

	if (glob(pattern, GLOB_NOSORT, NULL, &files))
		return;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		_cleanup_json_ json_t *file = json_load_file(files.gl_pathv[i], 0, NULL);

		if (file)
			read(reading, file);
	}
	globfree(&files);
}

static void read_docker(struct reading *reading, json_t *file)
{
	const char *id = json_string_value(json_object_get(file, "ID")), *name = json_string_value(json_object_get(file, "Name"));

	if (id && name)
		add(reading, "docker", id, name + (*name == '/'));
}

static void read_podman(struct reading *reading, json_t *file)
{
	for (size_t i = 0; i < json_array_size(file); i++) {
		json_t *container = json_array_get(file, i);
		const char *id = json_string_value(json_object_get(container, "id"));
		const char *name = json_string_value(json_array_get(json_object_get(container, "names"), 0));

		if (id && name)
			add(reading, "podman", id, name);
	}
}

struct container_names container_names(struct arena *arena)
{
	static const char *const storages[] = { "/var/lib/containers/storage", "/run/containers/storage",
						"/home/*/.local/share/containers/storage",
						"/root/.local/share/containers/storage" };
	_cleanup_json_ json_t *daemon = json_load_file("/etc/docker/daemon.json", 0, NULL);
	const char *folder = json_string_value(json_object_get(daemon, "data-root"));
	struct reading reading = { .arena = arena };

	each_file(&reading, arena_printf(arena, "%s/containers/*/config.v2.json", folder ? folder : "/var/lib/docker"),
		  read_docker);
	for (size_t i = 0; i < sizeof(storages) / sizeof(storages[0]); i++)
		/* volatile-containers.json: of those that go when they end (--rm) */
		each_file(&reading, arena_printf(arena, "%s/*-containers/*containers.json", storages[i]), read_podman);
	return (struct container_names){ .count = reading.names.count, .items = reading.names.items };
}
