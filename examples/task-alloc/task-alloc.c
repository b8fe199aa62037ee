// SPDX-License-Identifier: GPL-2.0-only
/* Loads task-alloc.bpf.c, which is embedded, attaches it where a process begins and prints what it logs, until Ctrl-C. */
#include <getopt.h>
#include <weir/weir.h>

WEIR_EMBED(program, "task-alloc/task-alloc.bpf.o");

static void print_line(void *context, const struct weir_log_line *line)
{
	(void)context;
	weir_log_print(stdout, line);
}

static int run(struct weir_object **object, struct weir_reader **reader, struct weir_messages *messages)
{
	struct weir_object_options options = WEIR_OPTIONS(struct weir_object_options);
	int error;

	options.name = "task_alloc";
	error = weir_object_open_memory(program, program_end - program, &options, messages, object);
	error = error ? error : weir_object_load(*object, messages);
	error = error ? error : weir_reader_open(messages, reader);
	error = error ? error : weir_reader_add_log(*reader, *object, NULL, print_line, NULL, messages);
	error = error ? error : weir_program_attach(weir_object_program(*object, "task_alloc"), NULL, NULL, messages);
	if (error)
		return error;
	weir_log_say(stdout, "task_alloc", WEIR_LOG_INFO, "Waiting for Ctrl-C...");
	error = weir_reader_run(*reader);
	weir_log_say(stdout, "task_alloc", WEIR_LOG_INFO, "Exiting...");
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
	int option, error;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		puts("task-alloc\n\nUSAGE:\n    task-alloc\n\nOPTIONS:\n    -h, --help    Print help information");
		return option != 'h';
	}
	error = run(&object, &reader, messages);
	weir_messages_print(messages, stderr, false);
	weir_reader_close(reader);
	weir_object_close(object);
	weir_messages_free(messages);
	return error != 0;
}
