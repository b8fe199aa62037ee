/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps of a policy in force as descriptors, for programs that are not weir's, and their way over a Unix socket: the datagrams
 * that tc's `exp` sends and `tc exec bpf import` takes, so that weir's maps go to what was written for tc, and tc's come to what
 * is begun by weir.
 */
#ifndef WEIR_KERNEL_MAPS_H
#define WEIR_KERNEL_MAPS_H

#include "kernel/kernel.h"

struct kernel_map {
	const char *name;	 /* "counters", "actions", "set"; of maps from a socket what the kernel calls them */
	const char *chain, *set; /* of which one it is; NULL: of none */
	const char *type;	 /* "percpu_array" */
	uint32_t id;		 /* what an agent knows it by: BPF_MAP<id> */
	uint32_t kernel_id, kernel_type, key_size, value_size, max_entries, flags;
	int fd;
};

struct kernel_maps {
	const char *policy;
	uint32_t count;
	struct kernel_map *items;
};

/*
 * Maps of chains first, in the policy's order, then those of its sets. The descriptors are the caller's until kernel_maps_close;
 * they stay those of this generation when the policy is applied again.
 */
int kernel_maps_open(struct kernel *kernel, struct arena *arena, const char *policy, struct kernel_maps *ret_maps,
		     struct diagnostics *diagnostics);
void kernel_maps_close(struct kernel_maps *maps);

/* Send them to who listens at the socket PATH. */
int kernel_maps_send(const struct kernel_maps *maps, const char *path, struct diagnostics *diagnostics);

/* Make the socket PATH, wait for maps, remove it. -EINTR when a signal came. */
int kernel_maps_receive(struct arena *arena, const char *path, struct kernel_maps *ret_maps, struct diagnostics *diagnostics);

/* Names do not travel: give those that are of a policy in force here theirs back, found by the kernel's numbers. */
void kernel_maps_name(struct kernel *kernel, struct arena *arena, struct kernel_maps *maps);

/* What the kernel says of map->fd, into MAP. -EINVAL: it is no map. */
int kernel_map_describe(struct arena *arena, struct kernel_map *map);

#endif
