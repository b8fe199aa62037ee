// SPDX-License-Identifier: GPL-2.0-only
/* Loads task-alloc.bpf.c, which is embedded, attaches it where a process begins and prints what it logs, until Ctrl-C. */
#include <weir/weir.h>

WEIR_EMBED(program, "task-alloc/task-alloc.bpf.o");

static int begin(struct weir_object *object, struct weir_reader *reader, struct weir_messages *messages)
{
	int error = weir_object_load(object, messages);

	error = error ? error : weir_reader_add_log(reader, object, NULL, NULL, stdout, messages);
	return error ? error : weir_program_attach(weir_object_program(object, "task_alloc"), NULL, NULL, messages);
}

int main(int argc, char **argv)
{
	struct weir_main_options options = WEIR_OPTIONS(struct weir_main_options);

	options.name = "task_alloc";
	options.begin = begin;
	return weir_main(argc, argv, program, program_end - program, &options);
}
