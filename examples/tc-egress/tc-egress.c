// SPDX-License-Identifier: GPL-2.0-only
/* Loads tc-egress.bpf.c, which is embedded, attaches it to what an interface sends, puts 1.1.1.1 on its blocklist and prints what
 * it logs, until Ctrl-C. */
#include <arpa/inet.h>
#include <getopt.h>
#include <weir/weir.h>

WEIR_EMBED(program, "tc-egress/tc-egress.bpf.o");

static void print_line(void *context, const struct weir_log_line *line)
{
	(void)context;
	puts(line->text);
	fflush(stdout);
}

static int run(const char *iface, struct weir_object **object, struct weir_reader **reader, struct weir_messages *messages)
{
	struct weir_object_options options = WEIR_OPTIONS(struct weir_object_options);
	uint32_t address = ntohl(inet_addr("1.1.1.1")), nothing = 0;
	int error;

	options.name = "tc_egress";
	error = weir_object_open_memory(program, program_end - program, &options, messages, object);
	error = error ? error : weir_object_load(*object, messages);
	error = error ? error : weir_reader_open(messages, reader);
	error = error ? error : weir_reader_add_log(*reader, *object, NULL, print_line, NULL, messages);
	error = error ? error : weir_program_attach(weir_object_program(*object, "tc_egress"), iface, NULL, messages);
	error = error ? error : WEIR_MAP_PUT(weir_object_map(*object, "BLOCKLIST"), &address, &nothing);
	if (error)
		return error;
	weir_log_say(stdout, "tc_egress", WEIR_LOG_INFO, "Waiting for Ctrl-C...");
	error = weir_reader_run(*reader);
	weir_log_say(stdout, "tc_egress", WEIR_LOG_INFO, "Exiting...");
	return error;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "iface", required_argument, NULL, 'i' },
						 { "help", no_argument, NULL, 'h' },
						 { 0 } };
	struct weir_messages *messages = weir_messages_new();
	struct weir_object *object = NULL;
	struct weir_reader *reader = NULL;
	const char *iface = "eth0";
	int option, error;

	while ((option = getopt_long(argc, argv, "hi:", options, NULL)) != -1) {
		if (option != 'i') {
			puts("tc-egress\n\nUSAGE:\n    tc-egress [OPTIONS]\n\nOPTIONS:\n"
			     "    -h, --help             Print help information\n    -i, --iface <IFACE>    [default: eth0]");
			return option != 'h';
		}
		iface = optarg;
	}
	error = run(iface, &object, &reader, messages);
	weir_messages_print(messages, stderr, false);
	weir_reader_close(reader);
	weir_object_close(object);
	weir_messages_free(messages);
	return error != 0;
}
