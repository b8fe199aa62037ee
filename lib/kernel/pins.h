/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * weir's directory in bpffs, where all state lies:
 *
 *	PINS/v5/				mode 0700; flock on it is the lock of all that change something
 *		events				ring buffer of all chains with `log`
 *		events_reader/			flock on it: who reads the events
 *		owners, owners_links/NAME	socket owners: the map, and the links of the programs that fill it
 *		guard/				the programs that guard all this (guard.h): links, and maps state, guarded, attempts
 *		qdiscs/COOKIE_IFINDEX_NETNS/	weir made the clsact qdisc of that interface
 *		policies/NAME/
 *			manifest		what is in force (manifest.h)
 *			manifest_plan, _next, _old	only during a change
 *			links/l_G_N		link N that generation G made
 *			gG/program_C, counters_C	of chain C of generation G
 *			gG/rules_C	its rules (manifest.h)
 *			gG/connections_C, ports_C	where it redirects
 *			gG/set_S	of the policy's set S
 *
 * bpffs takes no dot in a name; a character of a name that is not a letter, a digit, '_' or '-' stands as %xx.
 */
#ifndef WEIR_KERNEL_PINS_H
#define WEIR_KERNEL_PINS_H

#include "kernel/kernel.h"

struct kernel {
	struct arena *arena;
	const char *base;     /* PINS */
	const char *path;     /* PINS/v5 */
	const char *policies; /* PINS/v5/policies */
	int directory_fd;     /* of path; -1: there is nothing of weir's */
	bool locked;
};

struct names {
	size_t count;
	const char *const *items; /* sorted */
};

/* Any name as one that bpffs takes, and back. */
const char *pins_escape(struct arena *arena, const char *name);
const char *pins_unescape(struct arena *arena, const char *folder);
/* The folder of a policy. */
const char *pins_policy_path(struct arena *arena, const struct kernel *kernel, const char *policy);

/* 0 also when it is there already. */
int pins_make_directory(const char *path);
/* What lies in a directory; a directory that is not there is empty. */
int pins_list(struct arena *arena, const char *path, struct names *ret_names);
/* Remove a directory with all that lies in it; 0 when there is none. */
int pins_remove_tree(const char *path);
bool pins_exists(const char *path);
/* Whether PATH, which need not be there, lies in a bpffs. */
bool pins_can_lie_at(struct arena *arena, const char *path);

/* The pid that holds the flock on a directory's descriptor, by /proc/locks; 0: not known. */
int pins_lock_holder(int fd);

#endif
