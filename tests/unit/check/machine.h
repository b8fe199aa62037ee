/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine for tests: three services, two protocols, two interfaces, and files that stand in the test itself. */
#ifndef WEIR_TESTS_MACHINE_H
#define WEIR_TESTS_MACHINE_H

#include <errno.h>
#include <string.h>

#include "check/policy.h"

struct machine_file {
	const char *name, *text;
};

/* The files of the test; ended by one without a name. */
static const struct machine_file *machine_files;

static inline int machine_read_file(void *context, struct arena *arena, const char *name, const struct source **ret_source)
{
	struct source *source;

	(void)context;
	for (const struct machine_file *file = machine_files; file && file->name; file++) {
		if (strcmp(file->name, name) != 0)
			continue;
		source = arena_new_object(arena, struct source);
		*source = (struct source){ file->name, file->text, strlen(file->text) };
		*ret_source = source;
		return 0;
	}
	return -ENOENT;
}

static inline int machine_service(void *context, const char *name, const char *protocol, uint16_t *ret_port)
{
	static const struct {
		const char *name, *protocol;
		uint16_t port;
	} services[] = { { "ssh", "tcp", 22 }, { "http", "tcp", 80 }, { "http-alt", "tcp", 8080 }, { "tftp", "udp", 69 } };

	(void)context;
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(services[i].name, name) == 0 && (!protocol || strcmp(services[i].protocol, protocol) == 0)) {
			*ret_port = services[i].port;
			return 0;
		}
	return -ENOENT;
}

static inline int machine_protocol(void *context, const char *name, uint8_t *ret_protocol)
{
	(void)context;
	if (strcmp(name, "isis") != 0 && strcmp(name, "ax.25") != 0)
		return -ENOENT;
	*ret_protocol = name[0] == 'i' ? 124 : 93;
	return 0;
}

static inline int machine_interface(void *context, const char *name, const char *netns, uint32_t *ret_index)
{
	(void)context;
	if (netns && strcmp(netns, "closed") == 0)
		return -EACCES;
	if (netns && strcmp(netns, "ctn2") != 0)
		return -ENOENT;
	if (strcmp(name, netns ? "vb" : "eth0") != 0)
		return -ENODEV;
	*ret_index = netns ? 7 : 2;
	return 0;
}

static const struct host machine = {
	.read_file = machine_read_file,
	.service = machine_service,
	.protocol = machine_protocol,
	.interface = machine_interface,
};

#endif
