// SPDX-License-Identifier: GPL-2.0-only
#include <unistd.h>

#include "cli.h"

#define TRY_EACH_US 100000

struct applying {
	struct cli *cli;
	struct weir_kernel *kernel; /* NULL: to be opened */
	const struct weir_policy *policy;
	struct progress *progress;
	bool reset;
	unsigned long wait_s;
};

static int apply(struct applying *applying)
{
	struct weir_apply_options options = WEIR_OPTIONS(struct weir_apply_options);
	int result = 0;

	options.reset = applying->reset;
	options.progress = progress_show;
	options.context = applying->progress;
	if (!applying->kernel)
		applying->kernel = cli_open_kernel(applying->cli, true, &result);
	if (result)
		return result;
	progress_show(applying->progress, "loading", 0, 0);
	return weir_kernel_apply(applying->kernel, applying->policy, &options, applying->cli->messages);
}

/* The same, again and again while something that the policy names is not there yet. Other commands go on meanwhile. */
static int apply_waiting(struct applying *applying)
{
	long long end_ms = cli_now_ms() + 1000LL * (long long)applying->wait_s;
	struct weir_messages *messages = applying->cli->messages;
	int result;

	if (applying->wait_s) { /* what the compiler had to say is not forgotten with the tries */
		progress_end(applying->progress);
		weir_messages_print(messages, stderr, applying->cli->colour_err);
		weir_messages_clear(messages);
		progress_begin(applying->progress, "loading");
	}
	for (;;) {
		result = apply(applying);
		if (!result || !applying->kernel || weir_messages_exit_code(messages) != EXIT_SURROUNDINGS ||
		    cli_now_ms() >= end_ms)
			return result;
		weir_kernel_close(applying->kernel);
		applying->kernel = NULL;
		weir_messages_clear(messages);
		progress_show(applying->progress, "waiting", 0, 0);
		usleep(TRY_EACH_US);
	}
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "name", required_argument, NULL, 'n' },
						 { "form", required_argument, NULL, CLI_OPTION_FORM },
						 { "reset", no_argument, NULL, 'r' },
						 { "tune", no_argument, NULL, 't' },
						 { "wait", required_argument, NULL, 'w' },
						 CLI_OPTIONS,
						 { 0 } };
	struct weir_compile_options compile_options = WEIR_OPTIONS(struct weir_compile_options);
	struct weir_policy *policy = NULL;
	struct progress progress;
	struct applying applying = { .cli = cli, .progress = &progress };
	bool tune = false;
	int option, result, code;

	while ((option = cli_option(cli, argc, argv, ":hn:rtw:", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		if (option == 'n')
			compile_options.name = optarg;
		else if (option == 'r')
			applying.reset = true;
		else if (option == 't')
			tune = true;
		else if (option == 'w') {
			if (cli_number(optarg, &applying.wait_s))
				return cli_usage(cli, "--wait=30", "'%s' is no number of seconds", optarg);
		} else if (cli_form(cli, optarg, &compile_options.form) != EXIT_FINE)
			return EXIT_USAGE;
	}
	if (argc - optind != 1)
		return cli_usage(cli, NULL, argc == optind ? "which policy file?" : "one policy file at a time");

	compile_options.for_this_kernel = geteuid() == 0; /* others get no further than the messages */
	result = 0;
	if (tune) { /* whose counters are read is not changed by others until it is replaced */
		applying.kernel = cli_open_kernel(cli, true, &result);
		compile_options.tune_by = applying.kernel;
	}
	progress_begin(&progress, "compiling");
	if (!result)
		result = weir_policy_compile(argv[optind], &compile_options, cli->messages, &policy);
	applying.policy = policy;
	if (!result)
		result = apply_waiting(&applying);
	progress_end(&progress);
	code = cli_finish(cli, result);
	if (!result)
		printf("policy %s is in force\n", weir_policy_name(policy));
	weir_policy_free(policy);
	weir_kernel_close(applying.kernel);
	return code;
}

const struct command command_apply = {
	.name = "apply",
	.summary = "put a policy in force, or replace it, without a gap",
	.help = "usage: weir apply [--name NAME] [--reset] [--tune] [--wait=SECONDS] [--form=FORM] FILE\n\n"
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
		"  -w, --wait=SECS  where an interface or a cgroup is not there yet, wait for it, up to so many seconds\n"
		"      --form=FORM  fits, code, data, tables or vectors: what rules become, for tests\n"
		"      --pins=DIR   weir's directory in bpffs\n"
		"  -h, --help       this\n\n"
		"example:\n"
		"  weir apply edge.weir\n",
	.run = run,
};
