/* SPDX-License-Identifier: GPL-2.0-only */
/* The map of socket owners: storage that the kernel keeps with each socket, clones for an accepted one, and frees with it. */
#ifndef WEIR_BPF_OWNERS_H
#define WEIR_BPF_OWNERS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "weir_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int); /* in user space the descriptor of a socket */
	__type(value, struct weir_socket_owner);
} weir_owners SEC(".maps");

#endif
