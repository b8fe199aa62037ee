// SPDX-License-Identifier: GPL-2.0-only
/* weir, the command: finds the command that is meant and runs it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

/* In the order of the help; ABOVE is the line above a group. */
static const struct {
	const struct command *command;
	const char *above;
} commands[] = {
	{ &command_check, "A policy:" }, { &command_why, NULL },
	{ &command_apply, NULL },	 { &command_list, NULL },
	{ &command_set, NULL },		 { &command_events, NULL },
	{ &command_remove, NULL },	 { &command_import, NULL },
	{ &command_exec, NULL },	 { &command_disasm, NULL },
	{ &command_bytecode, NULL },	 { &command_log, "Without a policy:" },
	{ &command_trace, NULL },	 { &command_guard, NULL },
	{ &command_selftest, NULL },	 { &command_load, "eBPF programs of your own:" },
	{ &command_new, NULL },		 { &command_types, NULL },
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	fputs("weir: a packet firewall. A policy file is compiled to eBPF and enforced at XDP, tc and cgroups.\n\n"
	      "usage: weir [--pins=DIR] COMMAND [ARGUMENT...]\n",
	      stdout);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (commands[i].above)
			printf("\n%s\n", commands[i].above);
		printf("  %-8s %s\n", commands[i].command->name, commands[i].command->summary);
	}
	fputs("\n"
	      "  --pins=DIR  weir's directory in bpffs; also WEIR_PINS (default /sys/fs/bpf/weir)\n"
	      "  --version   which weir this is\n"
	      "  --help      this; 'weir COMMAND --help' for one command\n\n"
	      "Exit codes: 0 fine, 1 the policy or the usage is wrong, 2 the kernel refused,\n"
	      "3 the surroundings are not right (not root, no such interface, a missing file).\n",
	      stdout);
}

static bool colour_wanted(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fd) && (!no_color || !*no_color) && term && strcmp(term, "dumb") != 0;
}

/* Options before the command. -1: go on with argv[optind]; else an exit code. */
static int global_options(struct cli *cli, int argc, char **argv)
{
	static const struct command nameless = { .name = "" };
	static const struct option options[] = { { "version", no_argument, NULL, 'V' }, CLI_OPTIONS, { 0 } };
	int option;

	cli->command = &nameless;
	for (;;) {
		/* The help of no command is the whole table. */
		const char *next = argv[optind ? optind : 1];

		if (next && (strcmp(next, "--help") == 0 || strcmp(next, "-h") == 0)) {
			print_help();
			return EXIT_FINE;
		}
		option = cli_option(cli, argc, argv, "+:hV", options);
		if (option == -1)
			return -1;
		if (option == CLI_STOP)
			return cli->exit_code;
		printf("weir %s\n", weir_version());
		return EXIT_FINE;
	}
}

static int unknown_command(const struct cli *cli, const char *word)
{
	const char *names[COMMAND_COUNT], *meant;
	char hint[64];

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].command->name;
	meant = nearest(word, names, COMMAND_COUNT);
	snprintf(hint, sizeof(hint), "did you mean 'weir %s'?", meant ? meant : "");
	return cli_usage(cli, meant ? hint : "'weir --help' lists the commands", "no such command '%s'", word);
}

static const struct command *find_command(const char *word)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(word, commands[i].command->name) == 0)
			return commands[i].command;
	return NULL;
}

/* `weir help COMMAND` is what `weir COMMAND --help` says. WORD: NULL where none stands there. */
static int help(const struct cli *cli, const char *word)
{
	const struct command *command = word ? find_command(word) : NULL;

	if (word && *word != '-' && !command)
		return unknown_command(cli, word);
	if (command)
		fputs(command->help, stdout);
	else
		print_help();
	return EXIT_FINE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	int code = global_options(cli, argc, argv), first = optind;
	const struct command *command;

	if (code >= 0)
		return code;
	if (first >= argc)
		return cli_usage(cli, "'weir --help' lists the commands", "which command?");
	if (strcmp(argv[first], "help") == 0)
		return help(cli, argv[first + 1]);
	command = find_command(argv[first]);
	if (!command)
		return unknown_command(cli, argv[first]);
	cli->command = command;
	optind = 0; /* getopt begins anew */
	return command->run(cli, argc - first, argv + first);
}

/* A reader that has gone away (weir list | head) is no error; a full disk is. */
static int close_output(int code)
{
	bool failed = fflush(stdout) != 0 || ferror(stdout);
	struct stat status;

	if (!failed || (fstat(STDOUT_FILENO, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode))))
		return code;
	fputs("weir: error: not all of the output could be written\n  hint: is there room where it goes?\n", stderr);
	return code == EXIT_FINE ? EXIT_SURROUNDINGS : code;
}

int main(int argc, char **argv)
{
	const char *pins = getenv("WEIR_PINS");
	struct cli cli = {
		.pins = pins && *pins ? pins : NULL,
		.colour_out = colour_wanted(STDOUT_FILENO),
		.colour_err = colour_wanted(STDERR_FILENO),
		.messages = weir_messages_new(),
	};
	int code;

	signal(SIGPIPE, SIG_IGN);
	code = run(&cli, argc, argv);
	weir_messages_free(cli.messages);
	return close_output(code);
}
