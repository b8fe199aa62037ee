// SPDX-License-Identifier: GPL-2.0-only
#include "observe/user_names.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/cleanup.h"

#define LINE_BYTES 4096 /* a longer line ends the reading */

struct entry {
	uint32_t uid;
	const char *name;
};

struct user_names {
	struct arena *arena;
	const char *path;
	struct timespec changed; /* the file, when it was read */
	VECTOR(struct entry) entries;
};

struct user_names *user_names_new(const char *path)
{
	struct arena *arena = arena_new();
	struct user_names *names = arena_new_object(arena, struct user_names);

	names->arena = arena;
	names->path = arena_strdup(arena, path);
	return names;
}

void user_names_free(struct user_names *names)
{
	if (names)
		arena_free(names->arena);
}

/* Names that were handed out stay in the arena. */
static void read_file(struct user_names *names)
{
	_cleanup_fclose_ FILE *file = fopen(names->path, "re");
	char line[LINE_BYTES];
	struct passwd entry, *found;

	names->entries.count = 0;
	while (file && fgetpwent_r(file, &entry, line, sizeof(line), &found) == 0)
		vector_push(names->arena, &names->entries,
			    (struct entry){ entry.pw_uid, arena_strdup(names->arena, entry.pw_name) });
}

const char *user_name(struct user_names *names, uint32_t uid)
{
	struct stat status;

	if (stat(names->path, &status) == 0 &&
	    (status.st_mtim.tv_sec != names->changed.tv_sec || status.st_mtim.tv_nsec != names->changed.tv_nsec)) {
		names->changed = status.st_mtim;
		read_file(names);
	}
	for (size_t i = 0; i < names->entries.count; i++)
		if (names->entries.items[i].uid == uid)
			return names->entries.items[i].name;
	return NULL;
}
