/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interfaces of a network namespace, and where their other ends are. Asked of rtnetlink from inside: an interface names its
 * peer by the index that it has in the peer's namespace, and that namespace by a number of its own, which is compared with ours.
 */
#ifndef WEIR_KERNEL_PEER_H
#define WEIR_KERNEL_PEER_H

#include <stdint.h>

#include "base/arena.h"

struct peer {
	const char *inside; /* name of the interface inside */
	const char *kind;   /* "veth", "macvlan", ...; "": a device */
	uint32_t ifindex;   /* of its other end in the namespace that the thread is in; 0: it has none there */
};

struct peers {
	uint32_t count;
	const struct peer *items;
};

/* All of NETNS (host/netns.h) but loopback. -EEXIST: that is the namespace that the thread is in; others as netns_enter. */
int peers_list(struct arena *arena, const char *netns, struct peers *ret_peers);

#endif
