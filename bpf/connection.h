/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A TCP connection that this host makes, as trace_connect.bpf.c follows it and lib/observe/ reads it: written once for both
 * sides. Numbers are in host byte order; nothing of this is pinned.
 */
#ifndef WEIR_BPF_CONNECTION_H
#define WEIR_BPF_CONNECTION_H

#include <linux/types.h>

/* Who closed first. */
enum weir_closed_by { WEIR_CLOSED_BY_NOBODY, WEIR_CLOSED_HERE, WEIR_CLOSED_THERE };

struct weir_connection {
	__u64 begun_ns;	    /* CLOCK_MONOTONIC, as all times here */
	__u64 connected_ns; /* 0: it never was */
	__u32 pid;	    /* of the process (tgid) that connects; 0: the kernel itself */
	__u32 uid;
	__u32 netns; /* inode of the network namespace; 0: unknown */
	__u16 sport; /* 0: it got none */
	__u16 dport;
	__u8 saddr[16], daddr[16]; /* IPv4: the first four bytes. All 0: it got none */
	char command[16];
	__u8 version;	/* 4 or 6: of IP, as it goes over the wire */
	__u8 closed_by; /* enum weir_closed_by */
	__u8 padding[6];
};
_Static_assert(sizeof(struct weir_connection) == 88, "struct weir_connection has holes or has grown");

enum weir_connection_change {
	WEIR_CONNECTION_MADE,
	WEIR_CONNECTION_FAILED,	      /* error says why; 0: it was given up on this side */
	WEIR_CONNECTION_REFUSED_HERE, /* connect() failed at once, before anything was sent: error */
	WEIR_CONNECTION_ENDED,	      /* error 0: closed_by says who closed first; nobody: aborted on this side */
};

/* One record of the ring buffer. */
struct weir_connection_event {
	struct weir_connection connection;
	__u64 time_ns;
	__u32 change; /* enum weir_connection_change */
	__u32 error;  /* errno, positive */
};
_Static_assert(sizeof(struct weir_connection_event) == 104, "struct weir_connection_event has holes or has grown");

#endif
