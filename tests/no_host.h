/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine that has nothing, for struct host: no files, no services, no protocols. */
#ifndef WEIR_TESTS_NO_HOST_H
#define WEIR_TESTS_NO_HOST_H

#include <errno.h>

#include "host/host.h"

static inline int no_file(void *context, struct arena *arena, const char *name, const struct source **ret_source)
{
	(void)context, (void)arena, (void)name, (void)ret_source;
	return -ENOENT;
}

static inline int no_service(void *context, const char *name, const char *protocol, uint16_t *ret_port)
{
	(void)context, (void)name, (void)protocol, (void)ret_port;
	return -ENOENT;
}

static inline int no_protocol(void *context, const char *name, uint8_t *ret_protocol)
{
	(void)context, (void)name, (void)ret_protocol;
	return -ENOENT;
}

#endif
