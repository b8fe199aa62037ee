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
#include "classic/classic.h"

struct host_filter_request {
	const char *expression;
	enum classic_link link;
};

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
	 * Index of an interface in a network namespace (NULL: this process's; else as netns.h has it).
	 * 0; -ENODEV no such interface; -ENOENT no such namespace; -EACCES may not enter it.
	 */
	int (*interface)(void *context, const char *name, const char *netns, uint32_t *ret_index);

	/*
	 * A tcpdump expression as a program that lives in ARENA. 0; -EINVAL with what is wrong with it, in libpcap's words; another
	 * negative errno without a message. A NULL in place of this function: there is no libpcap.
	 */
	int (*filter)(void *context, struct arena *arena, const struct host_filter_request *request,
		      const struct classic_program **ret_program, const char **ret_message);
};

/* The machine itself. */
const struct host *host_system(void);

#endif
