// SPDX-License-Identifier: GPL-2.0-only
/*
 * An agent: it watches what a rule counts, and when that is more than LIMIT packets, it puts ELEMENT into a set of the same
 * policy.
 *
 *	agent CHAIN SLOT LIMIT SET ELEMENT [SOCKET]
 *
 * Counters are read through the map that it was given as an open descriptor, with bpf(2) and nothing else: by `weir exec POLICY
 * -- agent ...` in its environment, or, when SOCKET is named, from who sends it maps: `weir exec --export SOCKET POLICY`. SLOT is
 * that of the rule, as `weir list -j` shows it. The set is changed through libweir, which knows how sets are kept and that one
 * writer at a time changes them (docs/abi.md).
 *
 *	cc -o agent agent.c $(pkg-config --cflags --libs libweir jansson)
 */
#include <errno.h>
#include <jansson.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <weir/weir.h>

struct counter { /* struct weir_counter of docs/abi.md, once for each CPU */
	uint64_t packets, bytes;
};

/* The descriptor of a chain's counters, by WEIR_MAPS; *ret_policy: whose they are. -1: it has none. */
static int find_counters(const char *maps, const char *chain, char **ret_policy)
{
	json_t *document = json_loads(maps, 0, NULL), *map;
	size_t index;
	int fd = -1;

	json_array_foreach(json_object_get(document, "maps"), index, map)
	{
		const char *name = json_string_value(json_object_get(map, "name"));
		const char *of = json_string_value(json_object_get(map, "chain"));

		if (name && of && strcmp(name, "counters") == 0 && strcmp(of, chain) == 0)
			fd = (int)json_integer_value(json_object_get(map, "fd"));
	}
	*ret_policy = strdup(json_string_value(json_object_get(document, "policy")) ?: "");
	json_decref(document);
	return fd;
}

/* The kernel hands out a value for each CPU that there could be: "0-7" of this file is eight. */
static unsigned int possible_cpus(void)
{
	FILE *file = fopen("/sys/devices/system/cpu/possible", "re");
	unsigned int first = 0, last = 0, cpus = 0;

	while (file && fscanf(file, "%u", &first) == 1) {
		last = fscanf(file, "-%u", &last) == 1 ? last : first;
		cpus = last + 1;
		if (fgetc(file) != ',')
			break;
	}
	if (file)
		fclose(file);
	return cpus;
}

/* Packets of a slot, of all CPUs together. */
static int read_packets(int fd, uint32_t slot, uint64_t *ret_packets)
{
	unsigned int cpus = possible_cpus();
	struct counter *values = calloc(cpus, sizeof(*values));
	union bpf_attr attributes = { .map_fd = (uint32_t)fd, .key = (uintptr_t)&slot, .value = (uintptr_t)values };
	int error = !cpus ? -ENOENT : syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attributes, sizeof(attributes)) ? -errno : 0;

	*ret_packets = 0;
	for (unsigned int i = 0; !error && i < cpus; i++)
		*ret_packets += values[i].packets;
	free(values);
	return error;
}

static struct weir_kernel *open_kernel(bool change, struct weir_messages *messages)
{
	struct weir_kernel_options options = WEIR_OPTIONS(struct weir_kernel_options);
	struct weir_kernel *kernel = NULL;

	options.pins = getenv("WEIR_PINS");
	options.change = change;
	return weir_kernel_open(&options, messages, &kernel) ? NULL : kernel;
}

static int add(const char *policy, const char *name, const char *element, struct weir_messages *messages)
{
	struct weir_kernel *kernel = open_kernel(true, messages);
	struct weir_set *set = NULL;
	int error = kernel ? 0 : -EIO;

	error = error ?: weir_set_open(kernel, policy, name, messages, &set);
	error = error ?: weir_set_add(set, element, NULL, messages, NULL);
	weir_set_close(set);
	weir_kernel_close(kernel);
	return error;
}

static int watch(int fd, char *const *arguments, const char *policy, struct weir_messages *messages)
{
	uint32_t slot = (uint32_t)atoi(arguments[2]);
	uint64_t packets, limit = strtoull(arguments[3], NULL, 10), said = UINT64_MAX;
	int error;

	while ((error = read_packets(fd, slot, &packets)) == 0) {
		if (packets != said)
			printf("%s: %llu packets\n", arguments[1], (unsigned long long)packets);
		said = packets;
		fflush(stdout);
		if (packets > limit) {
			error = add(policy, arguments[4], arguments[5], messages);
			if (!error)
				printf("%s is in %s now\n", arguments[5], arguments[4]);
			return error;
		}
		usleep(100000);
	}
	fprintf(stderr, "agent: slot %u cannot be read: %s\n", slot, strerror(-error));
	return error;
}

int main(int argc, char **argv)
{
	struct weir_messages *messages = weir_messages_new();
	struct weir_maps *received = NULL;
	const char *maps = getenv("WEIR_MAPS");
	char *policy = NULL;
	int fd, error = 0;

	if (argc < 6) {
		fputs("usage: weir exec POLICY -- agent CHAIN SLOT LIMIT SET ELEMENT [SOCKET]\n", stderr);
		return 1;
	}
	if (argc > 6) {
		struct weir_kernel *kernel = open_kernel(false, messages);

		error = weir_maps_receive(kernel, argv[6], messages, &received);
		weir_kernel_close(kernel);
		maps = error ? NULL : weir_maps_json(received);
	}
	fd = maps ? find_counters(maps, argv[1], &policy) : -1;
	if (!error && fd < 0)
		fprintf(stderr, "agent: no counters of a chain '%s' were given to it\n", argv[1]);
	error = error ? error : fd < 0 ? -ENOENT : watch(fd, argv, policy, messages);
	weir_messages_print(messages, stderr, false);
	weir_maps_close(received);
	weir_messages_free(messages);
	free(policy);
	return error ? 3 : 0;
}
