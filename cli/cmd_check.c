// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "cli.h"

static const char *const stages[] = { "ast", "rules", "tree", "code" }; /* as in enum weir_stage */
#define STAGE_COUNT (sizeof(stages) / sizeof(stages[0]))

static int find_stage(const struct cli *cli, const char *word, int *ret_stage)
{
	const char *meant = nearest(word, stages, STAGE_COUNT);
	char hint[64];

	for (size_t i = 0; i < STAGE_COUNT; i++)
		if (strcmp(word, stages[i]) == 0) {
			*ret_stage = (int)i;
			return EXIT_FINE;
		}
	snprintf(hint, sizeof(hint), "did you mean '%s'?", meant ? meant : "");
	return cli_usage(cli, meant ? hint : "it is one of ast, rules, tree, code", "no such stage '%s'", word);
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "emit", required_argument, NULL, 'e' },
						 { "form", required_argument, NULL, CLI_OPTION_FORM },
						 { "name", required_argument, NULL, 'n' },
						 CLI_OPTIONS,
						 { 0 } };
	struct weir_compile_options compile_options = WEIR_OPTIONS(struct weir_compile_options);
	struct weir_policy *policy = NULL;
	int option, result, stage = -1;

	while ((option = cli_option(cli, argc, argv, ":he:n:", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		if (option == 'n')
			compile_options.name = optarg;
		else if ((option == CLI_OPTION_FORM ? cli_form(cli, optarg, &compile_options.form)
						    : find_stage(cli, optarg, &stage)) != EXIT_FINE)
			return EXIT_USAGE;
	}
	if (argc - optind != 1)
		return cli_usage(cli, NULL, argc == optind ? "which policy file?" : "one policy file at a time");

	result = weir_policy_compile(argv[optind], &compile_options, cli->messages, &policy);
	if (!result && stage >= 0)
		weir_policy_emit(policy, (enum weir_stage)stage, stdout);
	else if (!result)
		weir_policy_print(policy, stdout);
	weir_policy_free(policy);
	return cli_finish(cli, result);
}

const struct command command_check = {
	.name = "check",
	.summary = "check a policy and say what it means; needs no root",
	.help = "usage: weir check [--emit=STAGE] [--form=FORM] [--name NAME] FILE\n\n"
		"Compiles the policy in FILE and says what it means, or what is wrong with it. Changes\n"
		"nothing and needs no root.\n\n"
		"  -e, --emit=STAGE  print what a stage of the compiler made of it:\n"
		"                    ast    the syntax tree\n"
		"                    rules  each rule as boxes over the fields of a packet\n"
		"                    tree   the decision tree\n"
		"                    code   the eBPF instructions\n"
		"      --form=FORM   fits, code, data, tables or vectors: what rules become, for tests\n"
		"  -n, --name=NAME   the policy's name; without, that of the file\n"
		"  -h, --help        this\n\n"
		"example:\n"
		"  weir check edge.weir\n",
	.run = run,
};
