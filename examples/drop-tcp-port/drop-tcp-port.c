// SPDX-License-Identifier: GPL-2.0-only
/* Loads drop-tcp-port.bpf.c, which is embedded, attaches it to an interface until Ctrl-C. */
#include <getopt.h>
#include <weir/weir.h>

WEIR_EMBED(program, "drop-tcp-port/drop-tcp-port.bpf.o");

static int run(const char *iface, const char *port, struct weir_object **object, struct weir_reader **reader,
	       struct weir_messages *messages)
{
	struct weir_object_options options = WEIR_OPTIONS(struct weir_object_options);
	int error;

	options.name = "drop_tcp_port";
	error = weir_object_open_memory(program, program_end - program, &options, messages, object);
	error = error ? error : weir_object_set_global_text(*object, "port", port, messages);
	error = error ? error : weir_object_load(*object, messages);
	error = error ? error : weir_reader_open(messages, reader);
	error = error ? error : weir_program_attach(weir_object_program(*object, "drop"), iface, NULL, messages);
	if (error)
		return error;
	weir_log_say(stdout, "drop_tcp_port", WEIR_LOG_INFO, "Waiting for Ctrl-C...");
	error = weir_reader_run(*reader);
	weir_log_say(stdout, "drop_tcp_port", WEIR_LOG_INFO, "Exiting...");
	return error;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "iface", required_argument, NULL, 'i' },
						 { "port", required_argument, NULL, 'p' },
						 { "help", no_argument, NULL, 'h' },
						 { 0 } };
	struct weir_messages *messages = weir_messages_new();
	struct weir_object *object = NULL;
	struct weir_reader *reader = NULL;
	const char *iface = "eth0", *port = "80";
	int option, error;

	while ((option = getopt_long(argc, argv, "hi:p:", options, NULL)) != -1) {
		if (option != 'i' && option != 'p') {
			puts("drop-tcp-port\n\nUSAGE:\n    drop-tcp-port [OPTIONS]\n\nOPTIONS:\n"
			     "    -h, --help             Print help information\n    -i, --iface <IFACE>    [default: eth0]\n"
			     "    -p, --port <PORT>      [default: 80]");
			return option != 'h';
		}
		*(option == 'i' ? &iface : &port) = optarg;
	}
	error = run(iface, port, &object, &reader, messages);
	weir_messages_print(messages, stderr, false);
	weir_reader_close(reader);
	weir_object_close(object);
	weir_messages_free(messages);
	return error != 0;
}
