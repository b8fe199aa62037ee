// SPDX-License-Identifier: GPL-2.0-only
/* The folders that an object's pins lie in: made where they are missing, and taken away where what was to lie in them failed. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/pins.h"
#include "object/object.h"

int pin_folders_make(struct weir_object *object, const char *path)
{
	char *copy = arena_strdup(object->arena, path);

	if (!pins_can_lie_at(object->arena, path))
		return -EXDEV;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0700) == 0)
			vector_push(object->arena, &object->folders, arena_strdup(object->arena, copy));
		else if (errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

void pin_folders_remove(struct weir_object *object)
{
	for (size_t i = object->folders.count; i-- > 0;)
		rmdir(object->folders.items[i]); /* stays where somebody else has something in it */
	object->folders.count = 0;
}
