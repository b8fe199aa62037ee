// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <unistd.h>

#include "cli.h"

static bool is_link(const char *word)
{
	return strcmp(word, "EN10MB") == 0 || strcmp(word, "RAW") == 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "asm", required_argument, NULL, 'a' },
						 { "bytecode", required_argument, NULL, 'b' },
						 { "json", no_argument, NULL, 'j' },
						 { "list", no_argument, NULL, 'l' },
						 { "step", required_argument, NULL, 's' },
						 CLI_OPTIONS,
						 { 0 } };
	struct weir_bytecode_options compile_options = WEIR_OPTIONS(struct weir_bytecode_options);
	enum weir_bytecode_form form = WEIR_BYTECODE_FORM_LINE;
	struct weir_bytecode *bytecode = NULL;
	struct weir_step_options step_options = WEIR_OPTIONS(struct weir_step_options);
	const char *text = NULL, *packet = NULL;
	int option, result;

	while ((option = cli_option(cli, argc, argv, ":ha:b:jls:", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		if (option == 'j') {
			form = WEIR_BYTECODE_FORM_JSON;
		} else if (option == 'l') {
			form = WEIR_BYTECODE_FORM_LISTING;
		} else if (option == 's') {
			packet = optarg;
		} else {
			text = optarg;
			compile_options.kind = option == 'a' ? WEIR_BYTECODE_ASSEMBLY : WEIR_BYTECODE_LINE;
			compile_options.file = option == 'a';
		}
	}
	if (optind < argc && is_link(argv[optind]))
		compile_options.link = argv[optind++];
	if (!text && optind == argc)
		return cli_usage(cli, "as in \"weir bytecode 'tcp port 80'\"", "which expression?");
	if (!text)
		text = argv[optind++];
	if (optind < argc && !compile_options.kind && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(text))
		return cli_usage(cli, "EN10MB: packets begin with the Ethernet header; RAW: with the IP header",
				 "no link type '%s'", text);
	if (optind < argc)
		return cli_usage(cli, "an expression is one argument: put it in quotation marks", "what is '%s'?", argv[optind]);
	result = weir_bytecode_compile(text, &compile_options, cli->messages, &bytecode);
	if (!result && !packet)
		weir_bytecode_print(bytecode, form, stdout);
	step_options.prompt = isatty(STDIN_FILENO);
	if (!result && packet)
		result = weir_bytecode_step(bytecode, packet, &step_options, stdout, cli->messages);
	weir_bytecode_free(bytecode);
	return cli_finish(cli, result);
}

const struct command command_bytecode = {
	.name = "bytecode",
	.summary = "tcpdump expressions and BPF assembly as the line that tc takes; needs no root",
	.help = "usage: weir bytecode [-l] [-j] [EN10MB|RAW] EXPRESSION\n"
		"       weir bytecode [-l] [-j] --asm FILE\n"
		"       weir bytecode [-l] [-j] --bytecode LINE\n"
		"       weir bytecode --step PACKET [EN10MB|RAW] EXPRESSION\n\n"
		"Compiles a tcpdump expression to classic BPF and prints the line that tc and\n"
		"a policy's `bytecode` take. EN10MB: packets begin with the Ethernet header, as\n"
		"at xdp and tc (when nothing is said); RAW: with the IP header, as at cgroups.\n\n"
		"  -a, --asm=FILE       the assembly of bpf_asm, from FILE ('-': standard input)\n"
		"  -b, --bytecode=LINE  such a line, to print it in another form\n"
		"  -l, --list           an instruction a line, as tcpdump -d prints them\n"
		"  -s, --step=PACKET    go through it instruction by instruction, with a capture or a\n"
		"                       packet in words, and commands from standard input ('help')\n"
		"  -j, --json           JSON\n"
		"  -h, --help           this\n\n"
		"example:\n"
		"  weir bytecode -l 'tcp[tcpflags] & tcp-syn != 0 and not port 22'\n",
	.run = run,
};
