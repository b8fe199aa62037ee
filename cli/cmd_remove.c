// SPDX-License-Identifier: GPL-2.0-only
#include "cli.h"

/* Each of NAMES, or everything where there is none. One that is not there does
 * not keep the others. */
static int remove_policies(struct cli *cli, struct weir_kernel *kernel, char **names)
{
	int result = 0, error;

	if (!*names) {
		error = weir_kernel_remove(kernel, NULL, cli->messages);
		if (!error)
			puts("no policy is in force");
		return error;
	}
	for (; *names; names++) {
		error = weir_kernel_remove(kernel, *names, cli->messages);
		if (!error)
			printf("policy %s is removed\n", *names);
		result = result ? result : error;
	}
	return result;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "all", no_argument, NULL, 'a' }, CLI_OPTIONS, { 0 } };
	struct weir_kernel *kernel;
	bool all = false;
	int option, result;

	while ((option = cli_option(cli, argc, argv, ":ha", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		all = true;
	}
	if (all && optind < argc)
		return cli_usage(cli, NULL, "all policies, or '%s'?", argv[optind]);

	kernel = cli_open_kernel(cli, true, &result);
	if (kernel)
		result = remove_policies(cli, kernel, argv + optind);
	weir_kernel_close(kernel);
	return cli_finish(cli, result);
}

const struct command command_remove = {
	.name = "remove",
	.summary = "take policies away: those named, or all that is weir's",
	.help = "usage: weir remove [--all | POLICY...]\n\n"
		"Detaches the policies named. Without a name everything of weir's "
		"goes: programs, sets, pins.\n"
		"What others attached is not touched.\n\n"
		"  -a, --all       the same as no name\n"
		"      --pins=DIR  weir's directory in bpffs\n"
		"  -h, --help      this\n\n"
		"example:\n"
		"  weir remove edge\n",
	.run = run,
};
