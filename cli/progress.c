// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define FIRST_MS 500
#define EACH_MS	 100

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now); /* that of condition variables */
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* With the lock held. */
static void write_line(struct progress *progress, long long now)
{
	fprintf(stderr, "\r\033[K%s", progress->what);
	if (progress->total)
		fprintf(stderr, ": %" PRIu64 " of %" PRIu64, progress->done, progress->total);
	fprintf(stderr, ", %lld s", (now - progress->begun_ms) / 1000);
	fflush(stderr);
	progress->shown = true;
}

static void *write_lines(void *context)
{
	struct progress *progress = context;
	long long next = progress->begun_ms + FIRST_MS;

	pthread_mutex_lock(&progress->lock);
	while (!progress->stop) {
		struct timespec until = { .tv_sec = next / 1000, .tv_nsec = next % 1000 * 1000000 };

		pthread_cond_timedwait(&progress->stopped, &progress->lock, &until);
		if (progress->stop || now_ms() < next)
			continue;
		write_line(progress, now_ms());
		next += EACH_MS;
	}
	pthread_mutex_unlock(&progress->lock);
	return NULL;
}

void progress_begin(struct progress *progress, const char *what)
{
	sigset_t all, before;

	*progress = (struct progress){ .what = what };
	if (!isatty(STDERR_FILENO))
		return;
	progress->begun_ms = now_ms();
	pthread_mutex_init(&progress->lock, NULL);
	pthread_cond_init(&progress->stopped, NULL);
	/* Signals are for the thread that works. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	progress->running = pthread_create(&progress->thread, NULL, write_lines, progress) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void progress_show(void *context, const char *what, uint64_t done, uint64_t total)
{
	struct progress *progress = context;

	if (!progress->running)
		return;
	pthread_mutex_lock(&progress->lock);
	progress->what = what;
	progress->done = done;
	progress->total = total;
	pthread_mutex_unlock(&progress->lock);
}

void progress_end(struct progress *progress)
{
	if (!progress->running)
		return;
	pthread_mutex_lock(&progress->lock);
	progress->stop = true;
	pthread_cond_signal(&progress->stopped);
	pthread_mutex_unlock(&progress->lock);
	pthread_join(progress->thread, NULL);
	progress->running = false;
	if (progress->shown)
		fputs("\r\033[K", stderr);
}
