// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "cli.h"

/* As in enum weir_import_format, from WEIR_IMPORT_IPTABLES on. */
static const char *const formats[] = { "iptables-save", "ip6tables-save", "nft", "classbench" };
#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

#define OPTION_PARTIAL CLI_OPTION_OWN
#define OPTION_IPSET   (CLI_OPTION_OWN + 1)
#define OPTION_VERDICT (CLI_OPTION_OWN + 2)

static int find_format(const struct cli *cli, const char *word, enum weir_import_format *ret_format)
{
	const char *meant = nearest(word, formats, FORMAT_COUNT);
	char hint[64];

	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (strcmp(word, formats[i]) == 0) {
			*ret_format = (enum weir_import_format)(i + 1);
			return EXIT_FINE;
		}
	snprintf(hint, sizeof(hint), "did you mean '%s'?", meant ? meant : "");
	return cli_usage(cli, meant ? hint : "it is one of iptables-save, ip6tables-save, nft, classbench", "no such format '%s'",
			 word);
}

static int read_options(struct cli *cli, int argc, char **argv, struct weir_import_options *import, bool *partial)
{
	static const struct option options[] = { { "from", required_argument, NULL, 'f' },
						 { "hook", required_argument, NULL, 'k' },
						 { "chain", required_argument, NULL, 'c' },
						 { "ipset", required_argument, NULL, OPTION_IPSET },
						 { "verdict", required_argument, NULL, OPTION_VERDICT },
						 { "partial", no_argument, NULL, OPTION_PARTIAL },
						 CLI_OPTIONS,
						 { 0 } };
	int option;

	while ((option = cli_option(cli, argc, argv, ":hf:k:c:", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		if (option == 'f' && find_format(cli, optarg, &import->format) != EXIT_FINE)
			return EXIT_USAGE;
		if (option == 'k')
			import->hook = optarg;
		else if (option == 'c')
			import->chain = optarg;
		else if (option == OPTION_IPSET)
			import->ipset = optarg;
		else if (option == OPTION_VERDICT)
			import->verdict = optarg;
		else if (option == OPTION_PARTIAL)
			*partial = true;
	}
	if (import->verdict && strcmp(import->verdict, "accept") != 0 && strcmp(import->verdict, "drop") != 0)
		return cli_usage(cli, "it is accept or drop", "no such verdict '%s'", import->verdict);
	return -1;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct weir_import_options import = WEIR_OPTIONS(struct weir_import_options);
	bool partial = false;
	size_t left_out = 0;
	int code = read_options(cli, argc, argv, &import, &partial), result;

	if (code >= 0)
		return code;
	if (argc - optind > 1)
		return cli_usage(cli, NULL, "one file at a time");
	result = weir_import(argc > optind ? argv[optind] : "-", &import, stdout, cli->messages, &left_out);
	code = cli_finish(cli, result);
	return code == EXIT_FINE && left_out && !partial ? EXIT_USAGE : code;
}

const struct command command_import = {
	.name = "import",
	.summary = "make a policy of other firewalls' rules; needs no root",
	.help = "usage: weir import [--from=FORMAT] [--hook=HOOK] [--chain=CHAIN] [--ipset=FILE]\n"
		"                   [--verdict=V] [--partial] [FILE]\n\n"
		"Prints the rules in FILE, or on standard input, as a policy. What cannot be taken over\n"
		"is left out whole and named on standard error, with what that makes of the policy.\n\n"
		"  -f, --from=FORMAT  iptables-save, ip6tables-save, nft (what 'nft list ruleset' writes,\n"
		"                     or with -j) or classbench; without, by what FILE begins with\n"
		"  -k, --hook=HOOK    where the chains stand: \"tc ingress on eth0\"; the direction\n"
		"                     follows from the chain\n"
		"  -c, --chain=CHAIN  that chain alone: FORWARD\n"
		"      --ipset=FILE   the sets that the rules name, as 'ipset save' writes them\n"
		"      --verdict=V    accept or drop, for the filters of ClassBench, which have none\n"
		"      --partial      exit with 0 though something was left out\n"
		"  -h, --help         this\n\n"
		"Exit codes: 0 all was taken over, 1 something was left out, or FILE is wrong.\n\n"
		"example:\n"
		"  iptables-save | weir import --hook \"tc ingress on eth0\" >edge.weir\n",
	.run = run,
};
