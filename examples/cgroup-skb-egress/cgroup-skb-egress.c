// SPDX-License-Identifier: GPL-2.0-only
/* Attaches cgroup-skb-egress.bpf.c, which is embedded, to a cgroup, alone; puts 1.1.1.1 on its blocklist; prints each packet. */
#include <arpa/inet.h>
#include <getopt.h>
#include <weir/weir.h>

#include "cgroup-skb-egress.h"

WEIR_EMBED(program, "cgroup-skb-egress/cgroup-skb-egress.bpf.o");

static void print_packet(void *context, const void *data, size_t length)
{
	const struct packet_log *entry = data;
	struct in_addr address = { htonl(entry->ipv4_address) };

	(void)context;
	if (length >= sizeof(*entry))
		printf("LOG: DST %s, ACTION %d\n", inet_ntoa(address), entry->action);
	fflush(stdout);
}

static int run(const char *cgroup, struct weir_object **object, struct weir_reader **reader, struct weir_messages *messages)
{
	struct weir_attach_options options = WEIR_OPTIONS(struct weir_attach_options);
	uint32_t address = ntohl(inet_addr("1.1.1.1")), nothing = 0;
	int error = weir_object_open_memory(program, program_end - program, NULL, messages, object);

	options.cgroup_mode = WEIR_CGROUP_SINGLE;
	error = error ? error : weir_object_load(*object, messages);
	error = error ? error : weir_reader_open(messages, reader);
	error = error ? error : weir_reader_add_map(*reader, weir_object_map(*object, "EVENTS"), print_packet, NULL, messages);
	error = error ? error : WEIR_MAP_PUT(weir_object_map(*object, "BLOCKLIST"), &address, &nothing);
	error = error ? error
		      : weir_program_attach(weir_object_program(*object, "cgroup_skb_egress"), cgroup, &options, messages);
	if (error)
		return error;
	weir_log_say(stdout, "cgroup_skb_egress", WEIR_LOG_INFO, "Waiting for Ctrl-C...");
	error = weir_reader_run(*reader);
	weir_log_say(stdout, "cgroup_skb_egress", WEIR_LOG_INFO, "Exiting...");
	return error;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "cgroup-path", required_argument, NULL, 'c' },
						 { "help", no_argument, NULL, 'h' },
						 { 0 } };
	struct weir_messages *messages = weir_messages_new();
	const char *cgroup = "/sys/fs/cgroup/unified";
	struct weir_object *object = NULL;
	struct weir_reader *reader = NULL;
	int option, error;

	while ((option = getopt_long(argc, argv, "hc:", options, NULL)) != -1) {
		if (option != 'c') {
			puts("cgroup-skb-egress\n\nUSAGE:\n    cgroup-skb-egress [OPTIONS]\n\nOPTIONS:\n"
			     "    -c, --cgroup-path <CGROUP_PATH>    [default: /sys/fs/cgroup/unified]\n"
			     "    -h, --help                         Print help information");
			return option != 'h';
		}
		cgroup = optarg;
	}
	error = run(cgroup, &object, &reader, messages);
	weir_messages_print(messages, stderr, false);
	weir_reader_close(reader);
	weir_object_close(object);
	weir_messages_free(messages);
	return error != 0;
}
