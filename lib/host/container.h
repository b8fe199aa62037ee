/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Containers as procfs shows them: each runtime gives a container a cgroup whose path bears its name or id. Names that belong to
 * ids are read from the files that Docker and Podman keep. No daemon is asked, and nothing is written.
 */
#ifndef WEIR_HOST_CONTAINER_H
#define WEIR_HOST_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct container {
	/* "docker", "podman", "containerd", "cri-o", "lxc", "nspawn"; "oci": an id that nobody's word stands by */
	const char *runtime;
	const char *id;	    /* 64 hexadecimal digits; NULL: the runtime has only names */
	const char *name;   /* NULL: not known */
	const char *cgroup; /* its path below the root of cgroup2, '/' first; NULL: it has none of its own there */
	const char *owner;  /* who made its cgroup, if not the system: "user-1000.slice", or the container around it; else "" */
	int pid;	    /* the process that it began with; 0: it does not run */
};

struct container_list {
	size_t count;
	const struct container *items;
};

/* All that are there, those that do not run last. Processes that may not be looked at are left out. */
struct container_list container_list(struct arena *arena);

/*
 * Those that NAME means, of the system's; only where it has none, of those that users and containers run, who name theirs as they
 * like: the name, or else the id or its beginning, of four digits at least; "docker:web" and the like mean one runtime's. None,
 * or several, is for the caller to tell.
 */
struct container_list container_find(struct arena *arena, const struct container_list *all, const char *name);

/* "web (docker 0123456789ab)" */
const char *container_describe(struct arena *arena, const struct container *container);

/* The innermost container that the path of a cgroup speaks of; ret_container->cgroup is the path up to there. False: none. */
bool container_of_cgroup(struct arena *arena, const char *path, struct container *ret_container);

/* 0 and the pid of the one that NAME means; -ENOENT: none runs, or several are meant. */
int container_pid(const char *name, int *ret_pid);

#endif
