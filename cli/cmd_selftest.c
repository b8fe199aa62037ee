// SPDX-License-Identifier: GPL-2.0-only
/* weir selftest: what weir asks of a kernel, tried. */
#include "cli.h"

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, CLI_OPTIONS, { 0 } };
	struct weir_selftest_options selftest = WEIR_OPTIONS(struct weir_selftest_options);
	int option;

	selftest.colour = cli->colour_out;
	while ((option = cli_option(cli, argc, argv, ":hj", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		selftest.format = WEIR_FORMAT_JSON;
	}
	if (optind < argc)
		return cli_usage(cli, NULL, "'%s' is too much: all is tried", argv[optind]);
	return cli_finish(cli, weir_selftest(&selftest, stdout, cli->messages));
}

const struct command command_selftest = {
	.name = "selftest",
	.summary = "what weir asks of a kernel, tried with programs whose answers are known",
	.help = "usage: weir selftest [-j]\n\n"
		"Loads small programs, runs them with a known packet and compares their answers; attaches some in a\n"
		"network namespace and a cgroup of their own. Says what is missing, and what weir cannot do then.\n"
		"Needs root; touches nothing, leaves nothing behind. Exit code 2: something that policies need is missing.\n\n"
		"  -j, --json  JSON\n"
		"  -h, --help  this\n\n"
		"example:\n"
		"  weir selftest -j | jq -r '.checks[] | select(.result != \"fine\") | .name'\n",
	.run = run,
};
