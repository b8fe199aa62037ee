// SPDX-License-Identifier: GPL-2.0-only
/* weir guard: of nice values, until it ends; of weir itself, until it is turned off. */
#include <string.h>

#include "follow.h"

#define MAX_PROCESSES 1024

static int read_attempts(void *object, void (*handle)(void *context, const char *line), void *context)
{
	return weir_guard_read(object, 0, handle, context);
}

static int lost_attempts(void *object, uint64_t *ret_lost)
{
	return weir_guard_lost(object, ret_lost);
}

static int guard_processes(struct cli *cli, struct follow *follow, const uint32_t *pids, size_t count)
{
	struct weir_guard_options options = WEIR_OPTIONS(struct weir_guard_options);
	struct weir_guard *guard = NULL;
	int result = follow_open(follow);

	options.format = follow->format;
	if (!result)
		result = weir_guard_nice(pids, count, &options, cli->messages, &guard);
	if (!result) {
		if (follow->format == WEIR_FORMAT_TEXT)
			printf("%zu process%s cannot be given a negative nice value, until this ends\n", count,
			       count == 1 ? "" : "es");
		else
			printf("{\"schema\":1,\"guarded\":%zu}\n", count);
		fflush(stdout);
		follow_announce("who tries");
		result = follow_run(follow, &(struct follow_source){ .object = guard,
								     .fd = weir_guard_fd(guard),
								     .read = read_attempts,
								     .lost = lost_attempts });
	}
	weir_guard_close(guard);
	follow_close(follow);
	return result;
}

/* Gives an exit code. */
static int guard_nice(struct cli *cli, struct follow *follow, char **words)
{
	uint32_t pids[MAX_PROCESSES];
	size_t count = 0;
	unsigned long number;

	for (; *words; words++) {
		if (cli_number(*words, &number) != 0)
			return cli_usage(cli, "weir guard nice 4711", "'%s' is no number of a process", *words);
		if (count == MAX_PROCESSES)
			return cli_usage(cli, NULL, "these are more than %d processes", MAX_PROCESSES);
		pids[count++] = (uint32_t)number;
	}
	if (!count)
		return cli_usage(cli, "weir guard nice 4711", "which processes?");
	return cli_finish(cli, guard_processes(cli, follow, pids, count));
}

static int guard_self(struct cli *cli, bool on)
{
	struct weir_kernel *kernel;
	int result;

	kernel = cli_open_kernel(cli, true, &result);
	if (kernel)
		result = weir_kernel_guard(kernel, on, cli->messages);
	if (kernel && !result)
		puts(on ? "weir guards itself" : "weir does not guard itself");
	weir_kernel_close(kernel);
	return cli_finish(cli, result);
}

static int guard_list(struct cli *cli, enum weir_format format)
{
	struct weir_kernel *kernel;
	int result;

	kernel = cli_open_kernel(cli, false, &result);
	if (kernel)
		result = weir_kernel_guard_list(kernel, format, stdout, cli->messages);
	weir_kernel_close(kernel);
	return cli_finish(cli, result);
}

enum { OPTION_OFF = CLI_OPTION_OWN };

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { FOLLOW_OPTIONS, { "off", no_argument, NULL, OPTION_OFF }, CLI_OPTIONS, { 0 } };
	struct follow follow = FOLLOW("attempt");
	const char *what;
	bool off = false;
	int option, code;

	while ((option = cli_option(cli, argc, argv, ":h" FOLLOW_LETTERS, options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		if (option == OPTION_OFF) {
			off = true;
			continue;
		}
		code = follow_option(cli, &follow, option);
		if (code != EXIT_FINE)
			return code;
	}
	what = optind < argc ? argv[optind++] : "";
	if (strcmp(what, "nice") == 0 && !off)
		return guard_nice(cli, &follow, argv + optind);
	if (optind < argc)
		return cli_usage(cli, NULL, "'%s' is too much", argv[optind]);
	if (strcmp(what, "self") == 0)
		return guard_self(cli, !off);
	if (strcmp(what, "list") == 0 && !off)
		return guard_list(cli, follow.format);
	if (off)
		return cli_usage(cli, "weir guard self --off", "what is to be turned off?");
	return *what ? cli_usage(cli, "weir guard nice, weir guard self or weir guard list", "'%s' cannot be guarded", what)
		     : cli_usage(cli, "weir guard nice, weir guard self or weir guard list", "what is to be guarded?");
}

const struct command command_guard = {
	.name = "guard",
	.summary = "processes against negative nice values; weir itself against other programs",
	.help = "usage: weir guard nice PID... [-j] [--count=N] [--seconds=N]\n"
		"       weir guard self [--off]\n"
		"       weir guard list [-j]\n\n"
		"nice: none of these processes can be given a negative nice value (a higher priority), by nobody; prints\n"
		"a line for each change that is tried: who, whom, to what. Ends on Ctrl-C, and the guard with it.\n"
		"self: no other program may detach, replace, change or unpin what weir has in the kernel, until this weir\n"
		"turns it off or the machine stops. list: what is guarded so, and what was refused.\n"
		"Needs root and a kernel with BPF among its security modules (lsm=...,bpf).\n\n"
		"      --off        turn it off\n"
		"  -j, --json       JSON\n"
		"  -c, --count=N    end after N lines\n"
		"  -s, --seconds=N  end after N seconds\n"
		"      --pins=DIR   weir's directory in bpffs\n"
		"  -h, --help       this\n\n"
		"example:\n"
		"  weir guard self && weir guard list\n",
	.run = run,
};
