/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the compiler may ask of the machine it runs on, handed in as functions, so that the stages
 * themselves make no system call and a test can give them a machine of its own.
 */
#ifndef WEIR_HOST_H
#define WEIR_HOST_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diagnostic.h"

struct host {
	void *context; /* handed to each function */

	/*
	 * Read a whole file. 0 and a source that lives in ARENA and bears NAME; or a negative errno, -EFBIG when
	 * it passes LIMIT_SOURCE_BYTES, and *ret_source is untouched.
	 */
	int (*read_file)(void *context, struct arena *arena, const char *name, const struct source **ret_source);

	/* Port in host byte order of a service, by /etc/services; PROTOCOL "tcp", "udp", "sctp" or NULL for any. -ENOENT. */
	int (*service)(void *context, const char *name, const char *protocol, uint16_t *ret_port);

	/* Number of a protocol, by /etc/protocols; 0 or -ENOENT. */
	int (*protocol)(void *context, const char *name, uint8_t *ret_protocol);

	/*
	 * Index of an interface in a network namespace (NULL: this process's; else a name under /run/netns or a path).
	 * 0; -ENODEV no such interface; -ENOENT no such namespace; -EACCES may not enter it.
	 */
	int (*interface)(void *context, const char *name, const char *netns, uint32_t *ret_index);
};

/* The machine itself. */
const struct host *host_system(void);

#endif
