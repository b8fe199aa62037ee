// SPDX-License-Identifier: GPL-2.0-only
/* weir log packets: each packet that comes in by some interfaces. */
#include <limits.h>
#include <string.h>

#include "follow.h"

struct log {
	struct weir_packets_options options;
	struct follow follow;
	const char *const *interfaces;
	size_t count;
};

static int read_packets(void *object, void (*handle)(void *context, const char *line), void *context)
{
	return weir_packets_read(object, 0, handle, context);
}

static int lost_packets(void *object, uint64_t *ret_lost)
{
	return weir_packets_lost(object, ret_lost);
}

static int suppressed_packets(void *object, uint64_t *ret_suppressed)
{
	return weir_packets_suppressed(object, ret_suppressed);
}

static int open_and_follow(struct cli *cli, struct log *log)
{
	struct weir_packets *packets = NULL;
	int result = follow_open(&log->follow);

	log->options.format = log->follow.format;
	if (!result)
		result = weir_packets_open(log->interfaces, log->count, &log->options, cli->messages, &packets);
	if (!result) {
		for (size_t i = 0; i < log->count; i++)
			puts(weir_packets_place(packets, i));
		fflush(stdout);
		follow_announce("packets");
		result = follow_run(&log->follow, &(struct follow_source){ .object = packets,
									   .fd = weir_packets_fd(packets),
									   .read = read_packets,
									   .lost = lost_packets,
									   .suppressed = suppressed_packets });
	}
	weir_packets_close(packets);
	follow_close(&log->follow);
	return result;
}

enum { OPTION_NETNS = CLI_OPTION_OWN, OPTION_MODE, OPTION_RATE, OPTION_FILTER };

static int choose_mode(const struct cli *cli, const char *word, enum weir_packets_mode *ret_mode)
{
	static const char *const names[] = { "auto", "native", "generic", "socket" };
	static const enum weir_packets_mode modes[] = { WEIR_PACKETS_AUTO, WEIR_PACKETS_NATIVE, WEIR_PACKETS_GENERIC,
							WEIR_PACKETS_SOCKET };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) != 0)
			continue;
		*ret_mode = modes[i];
		return EXIT_FINE;
	}
	return cli_usage(cli, "auto, native, generic or socket", "no such mode '%s'", word);
}

static int take_option(struct cli *cli, struct log *log, int option)
{
	unsigned long number;

	switch (option) {
	case OPTION_NETNS:
		log->options.netns = optarg;
		return EXIT_FINE;
	case OPTION_FILTER:
		log->options.filter = optarg;
		return EXIT_FINE;
	case OPTION_MODE:
		return choose_mode(cli, optarg, &log->options.mode);
	case OPTION_RATE:
		if (cli_number(optarg, &number) != 0)
			return cli_usage(cli, "a whole number from 1 on", "'%s' is no number of packets a second", optarg);
		log->options.rate = number;
		return EXIT_FINE;
	default:
		return follow_option(cli, &log->follow, option);
	}
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option words[] = { FOLLOW_OPTIONS,
					       { "netns", required_argument, NULL, OPTION_NETNS },
					       { "mode", required_argument, NULL, OPTION_MODE },
					       { "rate", required_argument, NULL, OPTION_RATE },
					       { "filter", required_argument, NULL, OPTION_FILTER },
					       CLI_OPTIONS,
					       { 0 } };
	struct log log = { .options = WEIR_OPTIONS(struct weir_packets_options), .follow = FOLLOW("packet") };
	int option, code;

	while ((option = cli_option(cli, argc, argv, ":h" FOLLOW_LETTERS, words)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		code = take_option(cli, &log, option);
		if (code != EXIT_FINE)
			return code;
	}
	if (optind >= argc)
		return cli_usage(cli, "weir log packets on eth0", "what is to be logged?");
	if (strcmp(argv[optind], "packets") != 0)
		return cli_usage(cli, "weir log packets on eth0", "'%s' cannot be logged", argv[optind]);
	if (optind + 2 >= argc || strcmp(argv[optind + 1], "on") != 0)
		return cli_usage(cli, "weir log packets on eth0", "on which interface?");
	log.interfaces = (const char *const *)argv + optind + 2;
	log.count = (size_t)(argc - optind - 2);
	return cli_finish(cli, open_and_follow(cli, &log));
}

const struct command command_log = {
	.name = "log",
	.summary = "each packet that comes in by an interface, from the start, without a policy",
	.help = "usage: weir log packets on INTERFACE... [-j] [--filter=EXPRESSION] [--rate=N] [--mode=MODE]\n"
		"                        [--netns=NAME] [--count=N] [--seconds=N]\n\n"
		"Prints a line for each packet that comes in: when, by which interface, its protocol, addresses and\n"
		"ports, its length. It is seen at XDP, before the kernel does anything with it, and passes; where\n"
		"XDP is taken or not to be had, by a packet socket behind it. The first lines say which. Needs root;\n"
		"ends on Ctrl-C, and leaves nothing attached.\n\n"
		"  -j, --json               JSON, one object a line\n"
		"      --filter=EXPRESSION  only what meets an expression of tcpdump's: 'tcp port 80 and net 10.0.0.0/8'\n"
		"      --rate=N             at most N packets a second of each interface (1000); the others are counted\n"
		"      --mode=MODE          native or generic (both at XDP) or socket, and no other\n"
		"      --netns=NAME         the interfaces are in that network namespace: a name or a path\n"
		"  -c, --count=N            end after N packets\n"
		"  -s, --seconds=N          end after N seconds\n"
		"  -h, --help               this\n\n"
		"example:\n"
		"  weir log packets on eth0 --filter=udp -j | jq -r 'select(.dport == 53) | .saddr'\n",
	.run = run,
};
