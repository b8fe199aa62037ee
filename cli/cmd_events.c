// SPDX-License-Identifier: GPL-2.0-only
/* Prints events until it has enough, time is up, the reader goes away or a
 * signal comes. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

struct watch {
	struct weir_events *events;
	enum weir_format format;
	unsigned long count; /* ULONG_MAX: no end */
	unsigned long seen;
	long long end_ms; /* LLONG_MAX: no end */
	long long lost_checked_ms;
	bool lost_unchecked; /* events came since the last look at what was lost */
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void print_event(void *context, const char *line)
{
	struct watch *watch = context;

	watch->lost_unchecked = true;
	if (watch->seen >= watch->count)
		return;
	watch->seen++;
	puts(line);
	fflush(stdout);
}

static void print_lost(struct watch *watch)
{
	uint64_t lost = 0;

	watch->lost_unchecked = false;
	watch->lost_checked_ms = now_ms();
	if (weir_events_lost(watch->events, &lost) != 0 || !lost)
		return;
	if (watch->format == WEIR_FORMAT_JSON)
		printf("{\"schema\":1,\"lost\":%llu}\n", (unsigned long long)lost);
	else
		printf("%llu event%s lost: they came faster than they were read\n", (unsigned long long)lost,
		       lost == 1 ? " was" : "s were");
	fflush(stdout);
}

/* How long to wait for the next event: to the end, or to the next look at what was lost; -1: for ever. */
static int wait_ms(const struct watch *watch, long long now)
{
	long long until = watch->end_ms;

	if (watch->lost_unchecked && watch->lost_checked_ms + 1000 < until)
		until = watch->lost_checked_ms + 1000;
	if (until == LLONG_MAX)
		return -1;
	return until <= now ? 0 : until - now > INT_MAX ? INT_MAX : (int)(until - now);
}

/* 1: go on; 0: a signal came; or a negative errno. */
static int read_some(struct watch *watch, int signals)
{
	struct pollfd wait[] = { { .fd = signals, .events = POLLIN }, { .fd = weir_events_fd(watch->events), .events = POLLIN } };
	int result = weir_events_read(watch->events, 0, print_event, watch);

	if (result < 0 && result != -EINTR)
		return result;
	/* What came meanwhile is read first: its descriptor may not tell of it. */
	if (poll(wait, 2, result > 0 ? 0 : wait_ms(watch, now_ms())) < 0 && errno != EINTR)
		return -errno;
	if (watch->lost_unchecked && now_ms() - watch->lost_checked_ms >= 1000)
		print_lost(watch);
	return !(wait[0].revents & POLLIN);
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

static int follow(struct watch *watch, int signals)
{
	int result = 1;

	while (result > 0 && watch->seen < watch->count && now_ms() < watch->end_ms && !ferror(stdout))
		result = read_some(watch, signals);
	if (result >= 0)
		print_lost(watch);
	return result < 0 ? result : 0;
}

static int open_and_follow(struct cli *cli, struct watch *watch)
{
	struct weir_events_options options = WEIR_OPTIONS(struct weir_events_options);
	struct weir_kernel *kernel;
	int result, signals = open_signals();

	if (signals < 0)
		return -errno;
	kernel = cli_open_kernel(cli, false, &result);
	options.format = watch->format;
	options.colour = cli->colour_out;
	if (kernel)
		result = weir_events_open(kernel, &options, cli->messages, &watch->events);
	if (!result) {
		if (isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
			fputs("waiting for packets that meet a rule with 'log'; Ctrl-C ends\n", stderr);
		watch->lost_checked_ms = now_ms();
		result = follow(watch, signals);
	}
	weir_events_close(watch->events);
	weir_kernel_close(kernel);
	close(signals);
	return result;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' },
						 { "count", required_argument, NULL, 'c' },
						 { "seconds", required_argument, NULL, 's' },
						 CLI_OPTIONS,
						 { 0 } };
	struct watch watch = { .count = ULONG_MAX, .end_ms = LLONG_MAX };
	unsigned long number;
	int option;

	while ((option = cli_option(cli, argc, argv, ":hjc:s:", options)) != -1) {
		if (option == CLI_STOP)
			return cli->exit_code;
		if (option == 'j') {
			watch.format = WEIR_FORMAT_JSON;
			continue;
		}
		if (cli_number(optarg, &number) != 0 || number > INT_MAX)
			return cli_usage(cli, "a whole number from 1 on", "'%s' is no number of %s", optarg,
					 option == 'c' ? "events" : "seconds");
		if (option == 'c')
			watch.count = number;
		else
			watch.end_ms = now_ms() + 1000LL * (long long)number;
	}
	if (optind < argc)
		return cli_usage(cli, NULL, "'%s' is too much: events are those of all policies", argv[optind]);
	return cli_finish(cli, open_and_follow(cli, &watch));
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
