/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet that `weir log packets` shows, as log_xdp.bpf.c and log_socket.bpf.c tell it and lib/observe/ reads it: written once
 * for both sides. Numbers are in host byte order; nothing of this is pinned.
 */
#ifndef WEIR_BPF_SEEN_PACKET_H
#define WEIR_BPF_SEEN_PACKET_H

#include <linux/types.h>

#include "weir_abi.h"

/* One record of the ring buffer. */
struct weir_seen_packet {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 source;  /* which of the interfaces */
	__u32 padding;
	struct weir_flow flow;
};
_Static_assert(sizeof(struct weir_seen_packet) == 16 + 104, "struct weir_seen_packet has holes or has grown");

/* Of each processor. */
struct weir_seen_counts {
	__u64 suppressed; /* past the rate */
	__u64 lost;	  /* found the ring buffer full */
};

#endif
