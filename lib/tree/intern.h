/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interning: the same bytes always get the same number. Numbers are dense, from 0, in order of first use, so what
 * is built with them is the same from run to run. Entries are compared whole, never by their hash alone.
 */
#ifndef WEIR_TREE_INTERN_H
#define WEIR_TREE_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct intern_table;

/* An empty table in ARENA. */
struct intern_table *intern_new(struct arena *arena);
/* The number of SIZE bytes at DATA, which must have no unset padding. */
uint32_t intern(struct intern_table *table, const void *data, size_t size);
/* What has that number; it stays where it is. */
const void *intern_data(const struct intern_table *table, uint32_t number, size_t *ret_size);

#endif
