// SPDX-License-Identifier: GPL-2.0-only
/* Loads lsm-nice.bpf.c, which is embedded, guards this very process by it and prints what it logs, until Ctrl-C. */
#include <getopt.h>
#include <time.h>
#include <unistd.h>
#include <weir/weir.h>

WEIR_EMBED(program, "lsm-nice/lsm-nice.bpf.o");

/* "16:32:30 [INFO] lsm_nice: [lsm-nice.c:22] PID: 573354" */
static void print(const char *file, unsigned int line, const char *text)
{
	time_t now = time(NULL);
	char clock[16];

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	printf("%s [INFO] lsm_nice: [%s:%u] %s\n", clock, file, line, text);
	fflush(stdout);
}

static void print_line(void *context, const struct weir_log_line *line)
{
	(void)context;
	print(line->file, line->line, line->text);
}

static int run(struct weir_object **object, struct weir_reader **reader, struct weir_messages *messages)
{
	struct weir_object_options options = WEIR_OPTIONS(struct weir_object_options);
	int error, pid = getpid();
	char text[32];

	snprintf(text, sizeof(text), "PID: %d", pid);
	print("lsm-nice.c", __LINE__, text);
	options.name = "lsm_nice";
	error = weir_object_open_memory(program, program_end - program, &options, messages, object);
	error = error ? error : WEIR_SET_GLOBAL(*object, "PID", &pid, messages);
	error = error ? error : weir_object_load(*object, messages);
	error = error ? error : weir_reader_open(messages, reader);
	error = error ? error : weir_reader_add_log(*reader, *object, NULL, print_line, NULL, messages);
	error = error ? error : weir_program_attach(weir_object_program(*object, "task_setnice"), NULL, NULL, messages);
	if (error)
		return error;
	print("lsm-nice.c", __LINE__, "Waiting for Ctrl-C...");
	error = weir_reader_run(*reader);
	print("lsm-nice.c", __LINE__, "Exiting...");
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
		puts("lsm-nice\n\nUSAGE:\n    lsm-nice\n\nOPTIONS:\n    -h, --help    Print help information");
		return option != 'h';
	}
	error = run(&object, &reader, messages);
	weir_messages_print(messages, stderr, false);
	weir_reader_close(reader);
	weir_object_close(object);
	weir_messages_free(messages);
	return error != 0;
}
