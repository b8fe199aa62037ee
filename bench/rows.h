/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a benchmark found, one line a figure on standard output, tab-separated, for bench/run:
 *
 *	bench	subject	variant	figure	value	floor
 */
#ifndef WEIR_BENCH_ROWS_H
#define WEIR_BENCH_ROWS_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* FLOOR: the same figure of a program that only drops, from the same run; 0 where there is none. */
static inline void row(const char *bench, const char *subject, const char *variant, double value, double floor)
{
	printf("%s\t%s\t%s\t%.1f\t%.1f\n", bench, subject, variant, value, floor);
	fflush(stdout);
}

#endif
