// SPDX-License-Identifier: GPL-2.0-only
/* Attaches cgroup-skb-egress.bpf.c, which is embedded, to a cgroup, alone; puts 1.1.1.1 on its blocklist; prints each packet. */
#include <arpa/inet.h>
#include <weir/weir.h>

#include "cgroup-skb-egress.h"

WEIR_EMBED(program, "cgroup-skb-egress/cgroup-skb-egress.bpf.o");

static const char *cgroup = "/sys/fs/cgroup/unified";

static void print_packet(void *context, const void *data, size_t length)
{
	const struct packet_log *entry = data;
	struct in_addr address = { htonl(entry->ipv4_address) };

	(void)context;
	if (length >= sizeof(*entry))
		printf("LOG: DST %s, ACTION %d\n", inet_ntoa(address), entry->action);
	fflush(stdout);
}

static int begin(struct weir_object *object, struct weir_reader *reader, struct weir_messages *messages)
{
	struct weir_attach_options alone = WEIR_OPTIONS(struct weir_attach_options);
	uint32_t address = ntohl(inet_addr("1.1.1.1")), nothing = 0;
	int error = weir_object_load(object, messages);

	error = error ? error : WEIR_MAP_PUT(weir_object_map(object, "BLOCKLIST"), &address, &nothing);
	error = error ? error : weir_reader_add_map(reader, weir_object_map(object, "EVENTS"), print_packet, NULL, messages);
	alone.cgroup_mode = WEIR_CGROUP_SINGLE;
	return error ? error : weir_program_attach(weir_object_program(object, "cgroup_skb_egress"), cgroup, &alone, messages);
}

int main(int argc, char **argv)
{
	const struct weir_argument arguments[] = { { 'c', "cgroup-path", &cgroup, NULL }, { 0 } };
	struct weir_main_options options = WEIR_OPTIONS(struct weir_main_options);

	options.name = "cgroup_skb_egress";
	options.arguments = arguments;
	options.begin = begin;
	return weir_main(argc, argv, program, program_end - program, &options);
}
