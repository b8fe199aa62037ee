// SPDX-License-Identifier: GPL-2.0-only
/* Loads drop-arp.bpf.c, which is embedded, attaches it to an interface until Ctrl-C. */
#include <getopt.h>
#include <weir/weir.h>

WEIR_EMBED(program, "drop-arp/drop-arp.bpf.o");

static int run(const char *iface, struct weir_object **object, struct weir_reader **reader, struct weir_messages *messages)
{
	struct weir_object_options options = WEIR_OPTIONS(struct weir_object_options);
	int error;

	options.name = "drop_arp";
	error = weir_object_open_memory(program, program_end - program, &options, messages, object);
	error = error ? error : weir_object_load(*object, messages);
	error = error ? error : weir_reader_open(messages, reader);
	error = error ? error : weir_program_attach(weir_object_program(*object, "drop"), iface, NULL, messages);
	if (error)
		return error;
	weir_log_say(stdout, "drop_arp", WEIR_LOG_INFO, "Waiting for Ctrl-C...");
	error = weir_reader_run(*reader);
	weir_log_say(stdout, "drop_arp", WEIR_LOG_INFO, "Exiting...");
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
			puts("drop-arp\n\nUSAGE:\n    drop-arp [OPTIONS]\n\nOPTIONS:\n"
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
