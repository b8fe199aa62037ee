// SPDX-License-Identifier: GPL-2.0-only
/* Loads task-alloc.bpf.c, which is embedded, attaches it where a process begins and prints what it logs, until Ctrl-C. */
#include <weir/weir.h>

WEIR_EMBED(program, "task-alloc/task-alloc.bpf.o");

int main(int argc, char **argv)
{
	struct weir_main_options options = WEIR_OPTIONS(struct weir_main_options);

	options.name = "task_alloc";
	return weir_main(argc, argv, program, program_end - program, &options);
}
