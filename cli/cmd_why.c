// SPDX-License-Identifier: GPL-2.0-only
#include <unistd.h>

#include "cli.h"

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "chain", required_argument, NULL, 'c' },
						 { "json", no_argument, NULL, 'j' },
						 { "name", required_argument, NULL, 'n' },
						 { "step", no_argument, NULL, 's' },
						 { "verbose", no_argument, NULL, 'v' },
						 CLI_OPTIONS,
						 { 0 } };
	struct weir_compile_options compile_options = WEIR_OPTIONS(struct weir_compile_options);
	struct weir_why_options why_options = WEIR_OPTIONS(struct weir_why_options);
	struct weir_step_options step_options = WEIR_OPTIONS(struct weir_step_options);
	struct weir_policy *policy = NULL;
	bool step = false;
	int option, result;

	while ((option = cli_option(cli, argc, argv, ":hc:jn:sv", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		if (option == 'c')
			step_options.chain = why_options.chain = optarg;
		else if (option == 's')
			step = true;
		else if (option == 'n')
			compile_options.name = optarg;
		else if (option == 'j')
			why_options.format = WEIR_FORMAT_JSON;
		else
			why_options.verbose = true;
	}
	if (optind == argc)
		return cli_usage(cli, NULL, "which policy file?");
	if (optind + 1 == argc)
		return cli_usage(cli, "as in 'weir why edge.weir \"tcp 10.0.0.1:1234 > 10.0.0.2:80 syn\"'",
				 "which packet? Name a capture, or write one out");

	if (step && optind + 2 < argc)
		return cli_usage(cli, "a capture has as many packets as you like", "--step goes through one PACKET");

	result = weir_policy_compile(argv[optind++], &compile_options, cli->messages, &policy);
	if (!result && step) {
		step_options.prompt = isatty(STDIN_FILENO);
		result = weir_policy_step(policy, argv[optind++], &step_options, stdout, cli->messages);
	}
	while (!result && optind < argc)
		result = weir_policy_why(policy, argv[optind++], &why_options, stdout, cli->messages);
	weir_policy_free(policy);
	return cli_finish(cli, result);
}

const struct command command_why = {
	.name = "why",
	.summary = "which rule decides a packet, and why; needs no root",
	.help = "usage: weir why [-v] [-j] [--chain CHAIN] [--name NAME] FILE PACKET...\n"
		"       weir why --step [--chain CHAIN] FILE PACKET\n\n"
		"Says which rule of the policy in FILE decides a packet, and which "
		"matches led there. PACKET is\n"
		"a capture (pcap or pcapng; '-' is standard input), or a packet "
		"written out:\n"
		"  \"tcp 10.0.0.1:1234 > 10.0.0.2:80 syn\"      \"udp [2001:db8::1]:53 "
		"> [2001:db8::2]:53\"\n"
		"  \"icmp 10.0.0.1 > 10.0.0.2 echo-request\"    \"arp who-has 10.0.0.2 "
		"tell 10.0.0.1\"\n"
		"Sets have the elements of the policy and its files, not those added "
		"live.\n\n"
		"  -c, --chain=CHAIN  ask that chain only\n"
		"  -n, --name=NAME    the policy's name; without, that of the file\n"
		"  -s, --step         go through the chain's code instruction by instruction, with\n"
		"                     commands from standard input ('help' lists them)\n"
		"  -v, --verbose      say of each rule before it why it did not match\n"
		"  -j, --json         JSON, one object a line\n"
		"  -h, --help         this\n\n"
		"example:\n"
		"  weir why edge.weir \"tcp 10.0.0.1:1234 > 10.0.0.2:80 syn\"\n",
	.run = run,
};
