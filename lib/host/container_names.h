/* SPDX-License-Identifier: GPL-2.0-only */
/* What containers with ids are called, by the files of Docker and Podman; those that do not run are among them. */
#ifndef WEIR_HOST_CONTAINER_NAMES_H
#define WEIR_HOST_CONTAINER_NAMES_H

#include <stddef.h>

#include "base/arena.h"

struct container_name {
	const char *runtime, *id, *name;
	const char *owner; /* as in struct container: a user's file says nothing of others' containers */
};

struct container_names {
	size_t count;
	const struct container_name *items;
};

/* Files that are not there, may not be read or cannot be understood say nothing. Those in /home are written by whoever likes. */
struct container_names container_names(struct arena *arena);

#endif
