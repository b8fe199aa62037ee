// SPDX-License-Identifier: GPL-2.0-only
#include "cli.h"

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' },
						 { "jit", no_argument, NULL, 'm' },
						 { "opcodes", no_argument, NULL, 'o' },
						 CLI_OPTIONS,
						 { 0 } };
	struct weir_disasm_options disasm_options = WEIR_OPTIONS(struct weir_disasm_options);
	struct weir_kernel *kernel;
	int option, result;

	while ((option = cli_option(cli, argc, argv, ":hjo", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		if (option == 'j')
			disasm_options.format = WEIR_FORMAT_JSON;
		else if (option == 'm')
			disasm_options.machine = true;
		else
			disasm_options.opcodes = true;
	}
	if (argc - optind > 2)
		return cli_usage(cli, NULL, "one policy, and one chain of it at most");
	disasm_options.policy = optind < argc ? argv[optind++] : NULL;
	disasm_options.chain = optind < argc ? argv[optind] : NULL;
	kernel = cli_open_kernel(cli, false, &result);
	if (kernel)
		result = weir_kernel_disasm(kernel, &disasm_options, stdout, cli->messages);
	weir_kernel_close(kernel);
	return cli_finish(cli, result);
}

const struct command command_disasm = {
	.name = "disasm",
	.summary = "the eBPF, or machine code, of what is in force, with the policy's lines",
	.help = "usage: weir disasm [-o] [-j] [--jit] [POLICY [CHAIN]]\n\n"
		"Prints the program of each chain that is in force as the kernel runs it, after\n"
		"the verifier has rewritten it, in the words of bpftool; the lines of the policy\n"
		"(and of weir's C) stand above what was made of them.\n\n"
		"      --jit       the machine code in place of instructions, in hexadecimal,\n"
		"                  under the same lines\n"
		"  -o, --opcodes   the bytes of each instruction, too\n"
		"  -j, --json      JSON, one object a chain and line\n"
		"      --pins=DIR  weir's directory in bpffs\n"
		"  -h, --help      this\n\n"
		"example:\n"
		"  weir disasm edge\n",
	.run = run,
};
