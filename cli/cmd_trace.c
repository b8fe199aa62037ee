// SPDX-License-Identifier: GPL-2.0-only
/* weir trace connect: prints each TCP connection of this host. */
#include <string.h>

#include "follow.h"

static int read_connections(void *connections, void (*handle)(void *context, const char *line), void *context)
{
	return weir_connections_read(connections, 0, handle, context);
}

static int lost_connections(void *connections, uint64_t *ret_lost)
{
	return weir_connections_lost(connections, ret_lost);
}

static int open_and_follow(struct cli *cli, struct follow *follow, struct weir_connections_options *options)
{
	struct weir_connections *connections = NULL;
	int result = follow_open(follow);

	options->format = follow->format;
	options->colour = cli->colour_out;
	if (!result)
		result = weir_connections_open(options, cli->messages, &connections);
	if (!result) {
		puts(weir_connections_probe(connections));
		fflush(stdout);
		follow_announce("TCP connections that this host makes");
		result = follow_run(follow, &(struct follow_source){ .object = connections,
								     .fd = weir_connections_fd(connections),
								     .read = read_connections,
								     .lost = lost_connections });
	}
	weir_connections_close(connections);
	follow_close(follow);
	return result;
}

static int choose_probe(const struct cli *cli, const char *word, enum weir_probe *ret_probe)
{
	static const char *const names[] = { "fentry", "kprobe", "tracepoint" };
	static const enum weir_probe probes[] = { WEIR_PROBE_FENTRY, WEIR_PROBE_KPROBE, WEIR_PROBE_TRACEPOINT };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) != 0)
			continue;
		*ret_probe = probes[i];
		return EXIT_FINE;
	}
	return cli_usage(cli, "fentry, kprobe or tracepoint", "no such probe '%s'", word);
}

enum { OPTION_PROBE = CLI_OPTION_OWN, OPTION_ENDS };

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option words[] = { FOLLOW_OPTIONS,
					       { "probe", required_argument, NULL, OPTION_PROBE },
					       { "ends", no_argument, NULL, OPTION_ENDS },
					       CLI_OPTIONS,
					       { 0 } };
	struct weir_connections_options options = WEIR_OPTIONS(struct weir_connections_options);
	struct follow follow = FOLLOW("connection");
	int option, code;

	while ((option = cli_option(cli, argc, argv, ":h" FOLLOW_LETTERS, words)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		code = EXIT_FINE;
		if (option == OPTION_ENDS)
			options.ends = true;
		else if (option == OPTION_PROBE)
			code = choose_probe(cli, optarg, &options.probe);
		else
			code = follow_option(cli, &follow, option);
		if (code != EXIT_FINE)
			return code;
	}
	if (optind >= argc)
		return cli_usage(cli, "weir trace connect", "what is to be traced?");
	if (strcmp(argv[optind], "connect") != 0)
		return cli_usage(cli, "weir trace connect", "'%s' cannot be traced", argv[optind]);
	if (optind + 1 < argc)
		return cli_usage(cli, NULL, "'%s' is too much: all connections of the host are traced", argv[optind + 1]);
	return cli_finish(cli, open_and_follow(cli, &follow, &options));
}

const struct command command_trace = {
	.name = "trace",
	.summary = "each TCP connection that this host makes, by whom, and how it went",
	.help = "usage: weir trace connect [-j] [--ends] [--count=N] [--seconds=N] [--probe=PROBE]\n\n"
		"Prints a line for each TCP connection that this host makes, as soon as it is known how it went:\n"
		"when, the process and its user, from where to where, the result and how long it took. The first\n"
		"line names the probe. Needs root; ends on Ctrl-C, and leaves nothing attached.\n\n"
		"  -j, --json         JSON, one object a line\n"
		"      --ends         a second line when a connection ends: by whom or what, how long it lasted\n"
		"  -c, --count=N      end after N lines, the first not counted\n"
		"  -s, --seconds=N    end after N seconds\n"
		"      --probe=PROBE  fentry, kprobe or tracepoint; without, the first of these that works\n"
		"  -h, --help         this\n\n"
		"example:\n"
		"  weir trace connect -j | jq -r 'select(.result == \"refused\") | .process.command'\n",
	.run = run,
};
