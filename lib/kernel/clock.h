/* SPDX-License-Identifier: GPL-2.0-only */
/* Clocks in nanoseconds. What comes from the kernel has the time of CLOCK_MONOTONIC. */
#ifndef WEIR_KERNEL_CLOCK_H
#define WEIR_KERNEL_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* From CLOCK_MONOTONIC to the time since 1970. */
static inline uint64_t clock_offset_ns(void)
{
	return clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
}

#endif
