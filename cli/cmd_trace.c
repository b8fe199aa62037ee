// SPDX-License-Identifier: GPL-2.0-only
/* weir trace connect: prints connections until it has enough, time is up, the reader goes away or a signal comes. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

struct trace {
	struct weir_connections_options options;
	struct weir_connections *connections;
	unsigned long count; /* ULONG_MAX: no end */
	unsigned long seen;
	unsigned long seconds; /* 0: no end */
	long long end_ms;
	long long lost_checked_ms;
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void print_line(void *context, const char *line)
{
	struct trace *trace = context;

	if (trace->seen >= trace->count)
		return;
	trace->seen++;
	puts(line);
	fflush(stdout);
}

static void print_lost(struct trace *trace)
{
	uint64_t lost = 0;

	trace->lost_checked_ms = now_ms();
	if (weir_connections_lost(trace->connections, &lost) != 0 || !lost)
		return;
	if (trace->options.format == WEIR_FORMAT_JSON)
		printf("{\"schema\":1,\"lost\":%llu}\n", (unsigned long long)lost);
	else
		printf("%llu %s lost: they came faster than they were read\n", (unsigned long long)lost,
		       lost == 1 ? "connection was" : "connections were");
	fflush(stdout);
}

/* 1: go on; 0: a signal came; or a negative errno. Once a second it is looked whether something was lost. */
static int read_some(struct trace *trace, int signals)
{
	struct pollfd wait[] = { { .fd = signals, .events = POLLIN },
				 { .fd = weir_connections_fd(trace->connections), .events = POLLIN } };
	int result = weir_connections_read(trace->connections, 0, print_line, trace);
	long long left = trace->end_ms - now_ms();

	if (result < 0 && result != -EINTR)
		return result;
	/* What came meanwhile is read first: its descriptor may not tell of it. */
	if (poll(wait, 2, result > 0 || left <= 0 ? 0 : left < 1000 ? (int)left : 1000) < 0 && errno != EINTR)
		return -errno;
	if (now_ms() - trace->lost_checked_ms >= 1000)
		print_lost(trace);
	return !(wait[0].revents & POLLIN);
}

static int follow(struct trace *trace, int signals)
{
	int result = 1;

	while (result > 0 && trace->seen < trace->count && now_ms() < trace->end_ms && !ferror(stdout))
		result = read_some(trace, signals);
	/* What was told before the end belongs to it. */
	if (result >= 0 && trace->seen < trace->count)
		result = weir_connections_read(trace->connections, 0, print_line, trace);
	if (result >= 0)
		print_lost(trace);
	return result < 0 ? result : 0;
}

/* SIGINT and SIGTERM come as something to be read, so that none is missed and none breaks off a line. */
static int open_signals(void)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	return signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_and_follow(struct cli *cli, struct trace *trace)
{
	int result, signals = open_signals();

	if (signals < 0)
		return -errno;
	trace->options.colour = cli->colour_out;
	result = weir_connections_open(&trace->options, cli->messages, &trace->connections);
	if (!result) {
		puts(weir_connections_probe(trace->connections));
		fflush(stdout);
		if (isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
			fputs("waiting for TCP connections that this host makes; Ctrl-C ends\n", stderr);
		trace->lost_checked_ms = now_ms();
		trace->end_ms = trace->seconds ? now_ms() + 1000LL * (long long)trace->seconds : LLONG_MAX;
		result = follow(trace, signals);
	}
	weir_connections_close(trace->connections);
	close(signals);
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

/* An option's value. Gives an exit code. */
static int take_option(struct cli *cli, struct trace *trace, int option)
{
	unsigned long number;

	switch (option) {
	case 'j':
		trace->options.format = WEIR_FORMAT_JSON;
		return EXIT_FINE;
	case OPTION_ENDS:
		trace->options.ends = true;
		return EXIT_FINE;
	case OPTION_PROBE:
		return choose_probe(cli, optarg, &trace->options.probe);
	}
	if (cli_number(optarg, &number) != 0 || number > INT_MAX)
		return cli_usage(cli, "a whole number from 1 on", "'%s' is no number of %s", optarg,
				 option == 'c' ? "lines" : "seconds");
	if (option == 'c')
		trace->count = number;
	else
		trace->seconds = number;
	return EXIT_FINE;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' },
						 { "count", required_argument, NULL, 'c' },
						 { "seconds", required_argument, NULL, 's' },
						 { "probe", required_argument, NULL, OPTION_PROBE },
						 { "ends", no_argument, NULL, OPTION_ENDS },
						 CLI_OPTIONS,
						 { 0 } };
	struct trace trace = { .options = WEIR_OPTIONS(struct weir_connections_options), .count = ULONG_MAX };
	int option, code;

	while ((option = cli_option(cli, argc, argv, ":hjc:s:", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		code = take_option(cli, &trace, option);
		if (code != EXIT_FINE)
			return code;
	}
	if (optind >= argc)
		return cli_usage(cli, "weir trace connect", "what is to be traced?");
	if (strcmp(argv[optind], "connect") != 0)
		return cli_usage(cli, "weir trace connect", "'%s' cannot be traced", argv[optind]);
	if (optind + 1 < argc)
		return cli_usage(cli, NULL, "'%s' is too much: all connections of the host are traced", argv[optind + 1]);
	return cli_finish(cli, open_and_follow(cli, &trace));
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
