// SPDX-License-Identifier: GPL-2.0-only
/* The loop of commands that print lines as things happen. */
#include "follow.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int follow_option(struct cli *cli, struct follow *follow, int option)
{
	unsigned long number;

	if (option == 'j') {
		follow->format = WEIR_FORMAT_JSON;
		return EXIT_FINE;
	}
	if (option != 'c' && option != 's')
		return -1;
	if (cli_number(optarg, &number) != 0)
		return cli_usage(cli, "a whole number from 1 on", "'%s' is no number of %ss", optarg,
				 option == 'c' ? follow->noun : "second");
	if (option == 'c')
		follow->count = number;
	else
		follow->seconds = number;
	return EXIT_FINE;
}

/* SIGINT and SIGTERM come as something to be read, so that none is missed and none breaks off a line. */
int follow_open(struct follow *follow)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	follow->signals = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
	return follow->signals < 0 ? -errno : 0;
}

void follow_close(struct follow *follow)
{
	if (follow->signals >= 0)
		close(follow->signals);
	follow->signals = -1;
}

void follow_announce(const char *what)
{
	if (isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
		fprintf(stderr, "waiting for %s; Ctrl-C ends\n", what);
}

static bool enough(const struct follow *follow)
{
	return follow->count && follow->seen >= follow->count;
}

static void print_line(void *context, const char *line)
{
	struct follow *follow = context;

	follow->lost_unchecked = true;
	if (enough(follow))
		return;
	follow->seen++;
	puts(line);
	fflush(stdout);
}

/* "7 packets were lost: they came faster than they were read" */
static void print_missing(const struct follow *follow, uint64_t number, const char *what, const char *why)
{
	if (!number)
		return;
	if (follow->format == WEIR_FORMAT_JSON)
		printf("{\"schema\":1,\"%s\":%llu}\n", what, (unsigned long long)number);
	else
		printf("%llu %s%s %s: %s\n", (unsigned long long)number, follow->noun, number == 1 ? " was" : "s were", what,
		       why);
	fflush(stdout);
}

static void print_lost(struct follow *follow, const struct follow_source *source)
{
	uint64_t number = 0;

	follow->lost_unchecked = false;
	follow->lost_checked_ms = cli_now_ms();
	if (source->lost && source->lost(source->object, &number) == 0)
		print_missing(follow, number, "lost", "they came faster than they were read");
	number = 0;
	if (source->suppressed && source->suppressed(source->object, &number) == 0)
		print_missing(follow, number, "suppressed", "more came in a second than --rate allows");
}

/* How long to wait for the next line: to the end, or to the next look at what was lost; -1: for ever. */
static int wait_ms(const struct follow *follow, long long now)
{
	long long until = follow->end_ms;

	if (follow->lost_unchecked && follow->lost_checked_ms + 1000 < until)
		until = follow->lost_checked_ms + 1000;
	if (until == LLONG_MAX)
		return -1;
	return until <= now ? 0 : until - now > INT_MAX ? INT_MAX : (int)(until - now);
}

/* 1: go on; 0: a signal came; or a negative errno. */
static int read_some(struct follow *follow, const struct follow_source *source)
{
	struct pollfd wait[] = { { .fd = follow->signals, .events = POLLIN }, { .fd = source->fd, .events = POLLIN } };
	int result = source->read ? source->read(source->object, print_line, follow) : 0;

	if (result < 0 && result != -EINTR)
		return result;
	/* What came meanwhile is read first: its descriptor may not tell of it. */
	if (poll(wait, 2, result > 0 ? 0 : wait_ms(follow, cli_now_ms())) < 0 && errno != EINTR)
		return -errno;
	if (follow->lost_unchecked && cli_now_ms() - follow->lost_checked_ms >= 1000)
		print_lost(follow, source);
	return !(wait[0].revents & POLLIN);
}

int follow_run(struct follow *follow, const struct follow_source *source)
{
	int result = 1;

	follow->lost_checked_ms = cli_now_ms();
	follow->end_ms = follow->seconds ? cli_now_ms() + 1000LL * (long long)follow->seconds : LLONG_MAX;
	while (result > 0 && !enough(follow) && cli_now_ms() < follow->end_ms && !ferror(stdout))
		result = read_some(follow, source);
	/* What was told before the end belongs to it. */
	if (result >= 0 && !enough(follow) && source->read)
		result = source->read(source->object, print_line, follow);
	if (result >= 0)
		print_lost(follow, source);
	return result < 0 ? result : 0;
}
