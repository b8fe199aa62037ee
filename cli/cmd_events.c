// SPDX-License-Identifier: GPL-2.0-only
/* weir events: prints each packet that met a rule with `log`. */
#include "follow.h"

static int read_events(void *events, void (*handle)(void *context, const char *line), void *context)
{
	return weir_events_read(events, 0, handle, context);
}

static int lost_events(void *events, uint64_t *ret_lost)
{
	return weir_events_lost(events, ret_lost);
}

static int open_and_follow(struct cli *cli, struct follow *follow)
{
	struct weir_events_options options = WEIR_OPTIONS(struct weir_events_options);
	struct weir_kernel *kernel = NULL;
	struct weir_events *events = NULL;
	int result = follow_open(follow);

	if (!result)
		kernel = cli_open_kernel(cli, false, &result);
	options.format = follow->format;
	options.colour = cli->colour_out;
	if (kernel)
		result = weir_events_open(kernel, &options, cli->messages, &events);
	if (!result) {
		follow_announce("packets that meet a rule with 'log'");
		result = follow_run(follow, &(struct follow_source){ .object = events,
								     .fd = weir_events_fd(events),
								     .read = read_events,
								     .lost = lost_events });
	}
	weir_events_close(events);
	weir_kernel_close(kernel);
	follow_close(follow);
	return result;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { FOLLOW_OPTIONS, CLI_OPTIONS, { 0 } };
	struct follow follow = FOLLOW("event");
	int option, code;

	while ((option = cli_option(cli, argc, argv, ":h" FOLLOW_LETTERS, options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		code = follow_option(cli, &follow, option);
		if (code != EXIT_FINE)
			return code;
	}
	if (optind < argc)
		return cli_usage(cli, NULL, "'%s' is too much: events are those of all policies", argv[optind]);
	return cli_finish(cli, open_and_follow(cli, &follow));
}

const struct command command_events = {
	.name = "events",
	.summary = "who met a rule with 'log', as it happens",
	.help = "usage: weir events [-j] [--count=N] [--seconds=N]\n\n"
		"Prints a line for each packet that meets a rule with 'log': when, "
		"what became of it, where,\n"
		"the packet, the line of the policy, and, where it is sent from here, "
		"by whom. One reader at\n"
		"a time. Ends on Ctrl-C.\n\n"
		"  -j, --json       JSON, one object a line\n"
		"  -c, --count=N    end after N events\n"
		"  -s, --seconds=N  end after N seconds\n"
		"      --pins=DIR   weir's directory in bpffs\n"
		"  -h, --help       this\n\n"
		"example:\n"
		"  weir events -j | jq -r 'select(.verdict == \"drop\") | .saddr'\n",
	.run = run,
};
