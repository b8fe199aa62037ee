// SPDX-License-Identifier: GPL-2.0-only
#include <unistd.h>

#include "cli.h"

static int apply(struct cli *cli, struct weir_kernel *kernel, const struct weir_policy *policy, bool reset,
		 struct progress *progress)
{
	struct weir_apply_options options = WEIR_OPTIONS(struct weir_apply_options);

	options.reset = reset;
	options.progress = progress_show;
	options.context = progress;
	progress_show(progress, "loading", 0, 0);
	return weir_kernel_apply(kernel, policy, &options, cli->messages);
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "name", required_argument, NULL, 'n' },
						 { "form", required_argument, NULL, CLI_OPTION_FORM },
						 { "reset", no_argument, NULL, 'r' },
						 { "tune", no_argument, NULL, 't' },
						 CLI_OPTIONS,
						 { 0 } };
	struct weir_compile_options compile_options = WEIR_OPTIONS(struct weir_compile_options);
	struct weir_kernel *kernel = NULL;
	struct weir_policy *policy = NULL;
	struct progress progress;
	bool reset = false, tune = false;
	int option, result, code;

	while ((option = cli_option(cli, argc, argv, ":hn:rt", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		if (option == 'n')
			compile_options.name = optarg;
		else if (option == 'r')
			reset = true;
		else if (option == 't')
			tune = true;
		else if (cli_form(cli, optarg, &compile_options.form) != EXIT_FINE)
			return EXIT_USAGE;
	}
	if (argc - optind != 1)
		return cli_usage(cli, NULL, argc == optind ? "which policy file?" : "one policy file at a time");

	compile_options.for_this_kernel = geteuid() == 0; /* others get no further than the messages */
	result = 0;
	if (tune) { /* whose counters are read is not changed by others until it is replaced */
		kernel = cli_open_kernel(cli, true, &result);
		compile_options.tune_by = kernel;
	}
	progress_begin(&progress, "compiling");
	if (!result)
		result = weir_policy_compile(argv[optind], &compile_options, cli->messages, &policy);
	if (!result && !kernel)
		kernel = cli_open_kernel(cli, true, &result);
	if (!result)
		result = apply(cli, kernel, policy, reset, &progress);
	progress_end(&progress);
	code = cli_finish(cli, result);
	if (!result)
		printf("policy %s is in force\n", weir_policy_name(policy));
	weir_policy_free(policy);
	weir_kernel_close(kernel);
	return code;
}

const struct command command_apply = {
	.name = "apply",
	.summary = "put a policy in force, or replace it, without a gap",
	.help = "usage: weir apply [--name NAME] [--reset] [--tune] [--form=FORM] FILE\n\n"
		"Compiles the policy in FILE, loads it and swaps it in: all of it, "
		"or, when anything fails,\n"
		"nothing is changed. A policy of the same name is replaced; others "
		"stay. Counters of rules\n"
		"that did not change go on, and elements added with 'weir set' "
		"stay.\n\n"
		"  -n, --name=NAME  the policy's name; without, that of the file\n"
		"  -r, --reset      counters begin at 0, and elements added with "
		"'weir set' are forgotten\n"
		"  -t, --tune       shorter ways for rules that counted many packets up to now\n"
		"      --form=FORM  fits, code, data or tables: what rules become, for tests\n"
		"      --pins=DIR   weir's directory in bpffs\n"
		"  -h, --help       this\n\n"
		"example:\n"
		"  weir apply edge.weir\n",
	.run = run,
};
