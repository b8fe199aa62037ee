/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for tests and fuzzers: four services, two protocols, two interfaces, and files that stand in the test itself. It has
 * no libpcap; machine_filter stands for one that asks nobody, and no name server, what a word means.
 */
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

/* "wrong" is; all else is met by packets whose first byte is 0x45. */
static inline int machine_filter(void *context, struct arena *arena, const struct host_filter_request *request,
				 const struct classic_program **ret_program, const char **ret_message)
{
	static const struct sock_filter instructions[] = {
		{ BPF_LD | BPF_B | BPF_ABS, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x45 },
		{ BPF_RET | BPF_K, 0, 0, 1 },
		{ BPF_RET | BPF_K, 0, 0, 0 },
	};
	static const struct classic_program program = { sizeof(instructions) / sizeof(instructions[0]), instructions };

	(void)context, (void)arena;
	if (strcmp(request->expression, "wrong") == 0) {
		*ret_message = "it is wrong";
		return -EINVAL;
	}
	*ret_program = &program;
	return 0;
}

static const struct host machine = {
	.read_file = machine_read_file,
	.service = machine_service,
	.protocol = machine_protocol,
	.interface = machine_interface,
};

#endif
