// SPDX-License-Identifier: GPL-2.0-only
#include "cli.h"

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "verbose", no_argument, NULL, 'v' }, CLI_OPTIONS, { 0 }
	};
	struct weir_list_options list_options = WEIR_OPTIONS(struct weir_list_options);
	struct weir_kernel *kernel;
	int option, result;

	while ((option = cli_option(cli, argc, argv, ":hjv", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		if (option == 'j')
			list_options.format = WEIR_FORMAT_JSON;
		else
			list_options.verbose = true;
	}
	if (argc - optind > 1)
		return cli_usage(cli, NULL, "one policy at a time");

	list_options.policy = argv[optind];
	list_options.colour = cli->colour_out;
	kernel = cli_open_kernel(cli, false, &result);
	if (kernel)
		result = weir_kernel_list(kernel, &list_options, stdout, cli->messages);
	weir_kernel_close(kernel);
	return cli_finish(cli, result);
}

const struct command command_list = {
	.name = "list",
	.summary = "what is enforced where, with packets and bytes of each rule",
	.help = "usage: weir list [-v] [-j] [POLICY]\n\n"
		"Shows what is in force: each policy, its sets, its chains, where they "
		"are attached and in\n"
		"which way, and what each rule has counted.\n\n"
		"  -v, --verbose   programs, instructions, load times, the form of the rules and why, and maps, too\n"
		"  -j, --json      all of it as JSON\n"
		"      --pins=DIR  weir's directory in bpffs\n"
		"  -h, --help      this\n\n"
		"example:\n"
		"  weir list edge\n",
	.run = run,
};
