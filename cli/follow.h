/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands that print lines as things happen, until they have enough, time is up, the reader goes away or a signal comes:
 * weir events, trace, load. Their options -j, --count and --seconds, and the loop.
 *
 *	follow_open(&follow)			before anything is attached: from here no signal is missed
 *	follow_run(&follow, &source)		prints; what comes after --count lines is not read any more
 *	follow_close(&follow)
 */
#ifndef WEIR_FOLLOW_H
#define WEIR_FOLLOW_H

#include "cli.h"

struct follow {
	const char *noun; /* of a line, for people: "event"; plural with s */
	enum weir_format format;
	unsigned long count;   /* end after so many lines; 0: no end */
	unsigned long seconds; /* 0: no end */
	/* follow.c's own. */
	int signals;
	unsigned long seen;
	long long end_ms;
	long long lost_checked_ms;
	bool lost_unchecked; /* lines came since the last look at what was lost */
};

#define FOLLOW(name) ((struct follow){ .noun = (name), .signals = -1 })

/* What the lines come from. OBJECT is handed to each function. */
struct follow_source {
	void *object;
	int fd; /* readable when there are lines; -1: none ever come */
	/* Hand out what is there, without waiting: how many lines, or a negative errno. Called until it gives 0. */
	int (*read)(void *object, void (*handle)(void *context, const char *line), void *context);
	/* How many were lost since the last call; how many were left out because they were past a rate. NULL: there is no such thing. */
	int (*lost)(void *object, uint64_t *ret_lost);
	int (*suppressed)(void *object, uint64_t *ret_suppressed);
};

#define FOLLOW_LETTERS "jc:s:"
#define FOLLOW_OPTIONS                                                                                                           \
	{ "json", no_argument, NULL, 'j' }, { "count", required_argument, NULL, 'c' },                                           \
	{                                                                                                                        \
		"seconds", required_argument, NULL, 's'                                                                          \
	}

/* Take the value of one of FOLLOW_OPTIONS: -1 where OPTION is none of them, else an exit code. */
int follow_option(struct cli *cli, struct follow *follow, int option);

int follow_open(struct follow *follow);
void follow_close(struct follow *follow);

/* Tell who waits at a terminal what is waited for: "packets that meet a rule with 'log'". */
void follow_announce(const char *what);

/* 0 at the end, or a negative errno. */
int follow_run(struct follow *follow, const struct follow_source *source);

#endif
