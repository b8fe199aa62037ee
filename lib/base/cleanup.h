/* SPDX-License-Identifier: GPL-2.0-only */
/* Ownership that can be seen: a variable marked _cleanup_ is released when it leaves its scope, TAKE_ hands it on. */
#ifndef WEIR_BASE_CLEANUP_H
#define WEIR_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_	    _cleanup_(freep)
#define _cleanup_close_	    _cleanup_(closep)
#define _cleanup_fclose_    _cleanup_(fclosep)

#define TAKE_PTR(pointer)                                                                                                        \
	({                                                                                                                       \
		__typeof__(pointer) taken_ = (pointer);                                                                          \
		(pointer) = NULL;                                                                                                \
		taken_;                                                                                                          \
	})

/* A closed descriptor is -1. */
#define TAKE_FD(fd)                                                                                                              \
	({                                                                                                                       \
		int taken_ = (fd);                                                                                               \
		(fd) = -1;                                                                                                       \
		taken_;                                                                                                          \
	})

static inline void freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
	*file = NULL;
}

#endif
