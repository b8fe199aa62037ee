// SPDX-License-Identifier: GPL-2.0-only
/* Loads xdp-drop.bpf.c, which is embedded, puts 1.1.1.1 on its blocklist, attaches it to an interface and prints what it logs,
 * until Ctrl-C. */
#include <arpa/inet.h>
#include <weir/weir.h>

WEIR_EMBED(program, "xdp-drop/xdp-drop.bpf.o");

static const char *iface = "eth0";

static int begin(struct weir_object *object, struct weir_reader *reader, struct weir_messages *messages)
{
	uint32_t address = ntohl(inet_addr("1.1.1.1")), nothing = 0;
	int error = weir_object_load(object, messages);

	error = error ? error : WEIR_MAP_PUT(weir_object_map(object, "BLOCKLIST"), &address, &nothing);
	error = error ? error : weir_reader_add_log(reader, object, NULL, NULL, stdout, messages);
	return error ? error : weir_program_attach(weir_object_program(object, "xdp_firewall"), iface, NULL, messages);
}

int main(int argc, char **argv)
{
	const struct weir_argument arguments[] = { { 'i', "iface", &iface, NULL }, { 0 } };
	struct weir_main_options options = WEIR_OPTIONS(struct weir_main_options);

	options.name = "xdp_drop";
	options.arguments = arguments;
	options.begin = begin;
	return weir_main(argc, argv, program, program_end - program, &options);
}
