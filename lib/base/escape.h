/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts that others chose (names of processes, cgroups, programs) on a terminal: nothing in them may steer it. */
#ifndef WEIR_BASE_ESCAPE_H
#define WEIR_BASE_ESCAPE_H

#include <stddef.h>

#include "base/arena.h"

/* The text up to LENGTH bytes or its first NUL; control characters and bytes that are no UTF-8 stand as \xNN. */
const char *escape_text(struct arena *arena, const char *text, size_t length);

#endif
