// SPDX-License-Identifier: GPL-2.0-only
/* weir types: a header of kernel types for eBPF programs. */
#include "cli.h"

enum { OPTION_BTF = CLI_OPTION_OWN };

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "btf", required_argument, NULL, OPTION_BTF }, CLI_OPTIONS, { 0 } };
	struct weir_types_options types = WEIR_OPTIONS(struct weir_types_options);
	int option;

	while ((option = cli_option(cli, argc, argv, ":h", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		types.btf = optarg;
	}
	if (optind >= argc)
		return cli_usage(cli, "weir types task_struct iphdr", "which types?");
	return cli_finish(cli, weir_types_print((const char *const *)argv + optind, (size_t)(argc - optind), &types, stdout,
						cli->messages));
}

const struct command command_types = {
	.name = "types",
	.summary = "a C header of kernel types, for eBPF programs that fit any kernel",
	.help = "usage: weir types [--btf=FILE] NAME...\n\n"
		"Prints the kernel's structures, unions, enumerations and typedefs of these names, and what they\n"
		"hold, as a header for eBPF programs: clang makes each access to them fit the kernel that the\n"
		"program is loaded into (CO-RE). The types come from BTF, the kernel's own description; needs no root.\n\n"
		"      --btf=FILE  BTF, or an object with BTF, of another kernel or of a module\n"
		"  -h, --help      this\n\n"
		"example:\n"
		"  weir types task_struct iphdr > kernel_types.h\n",
	.run = run,
};
