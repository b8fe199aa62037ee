// SPDX-License-Identifier: GPL-2.0-only
/* Loads lsm-nice.bpf.c, which is embedded, guards this very process by it and prints what it logs, until Ctrl-C. */
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

static void say(const char *text)
{
	print("lsm-nice.c", __LINE__, text);
}

static int begin(struct weir_object *object, struct weir_reader *reader, struct weir_messages *messages)
{
	int error, pid = getpid();
	char text[32];

	snprintf(text, sizeof(text), "PID: %d", pid);
	say(text);
	error = WEIR_SET_GLOBAL(object, "PID", &pid, messages);
	error = error ? error : weir_object_load(object, messages);
	error = error ? error : weir_reader_add_log(reader, object, NULL, print_line, NULL, messages);
	return error ? error : weir_program_attach(weir_object_program(object, "task_setnice"), NULL, NULL, messages);
}

int main(int argc, char **argv)
{
	struct weir_main_options options = WEIR_OPTIONS(struct weir_main_options);

	options.name = "lsm_nice";
	options.begin = begin;
	options.say = say;
	return weir_main(argc, argv, program, program_end - program, &options);
}
