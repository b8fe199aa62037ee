// SPDX-License-Identifier: GPL-2.0-only
/*
 * Docker: FOLDER/containers/ID/config.v2.json has "Name": "/web"; FOLDER is data-root of daemon.json, or where it is by default.
 * Podman: DRIVER-containers/containers.json of its storage is a list of {"id": ..., "names": ["web"]}.
 */
#include "host/container_names.h"

#include <fcntl.h>
#include <glob.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define FILE_BYTES (64 << 20) /* at most; a storage of ten thousand containers has less */

#define _cleanup_json_ _cleanup_(json_release)

static void json_release(json_t **json)
{
	json_decref(*json);
}

struct reading {
	struct arena *arena;
	const char *owner; /* of what is read just now */
	VECTOR(struct container_name) names;
};

static void add(struct reading *reading, const char *runtime, const char *id, const char *name)
{
	if (strlen(id) == 64 && *name)
		vector_push(reading->arena, &reading->names,
			    (struct container_name){ .runtime = runtime,
						     .id = arena_strdup(reading->arena, id),
						     .name = arena_strdup(reading->arena, name),
						     .owner = reading->owner });
}

/* Of a user's home there may be anything: a link, a pipe that nobody writes to. NULL: it is no file that can be understood. */
static json_t *read_file(const char *path, uid_t *ret_owner)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) || status.st_size > FILE_BYTES)
		return NULL;
	*ret_owner = status.st_uid;
	return json_loadfd(fd, 0, NULL);
}

/* IN_HOME: the files say something only of the containers of the user who owns them. */
static void each_file(struct reading *reading, const char *pattern, bool in_home,
		      void (*read)(struct reading *reading, json_t *file))
{
	glob_t files;

	if (glob(pattern, GLOB_NOSORT, NULL, &files))
		return;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		uid_t uid = 0;
		_cleanup_json_ json_t *file = read_file(files.gl_pathv[i], &uid);

		if (!file || in_home != (uid != 0))
			continue;
		reading->owner = in_home ? arena_printf(reading->arena, "user-%u.slice", uid) : "";
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
	static const struct {
		const char *folder;
		bool in_home;
	} storages[] = { { "/var/lib/containers/storage", false },
			 { "/run/containers/storage", false },
			 { "/root/.local/share/containers/storage", false },
			 { "/home/*/.local/share/containers/storage", true } };
	_cleanup_json_ json_t *daemon = json_load_file("/etc/docker/daemon.json", 0, NULL);
	const char *folder = json_string_value(json_object_get(daemon, "data-root"));
	struct reading reading = { .arena = arena };

	each_file(&reading, arena_printf(arena, "%s/containers/*/config.v2.json", folder ? folder : "/var/lib/docker"), false,
		  read_docker);
	for (size_t i = 0; i < sizeof(storages) / sizeof(storages[0]); i++)
		/* volatile-containers.json: of those that go when they end (--rm) */
		each_file(&reading, arena_printf(arena, "%s/*-containers/*containers.json", storages[i].folder),
			  storages[i].in_home, read_podman);
	return (struct container_names){ .count = reading.names.count, .items = reading.names.items };
}
