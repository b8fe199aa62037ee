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
/* The same, with a hash of the caller's own; one table has hashes of one kind. */
uint32_t intern_hashed(struct intern_table *table, const void *data, size_t size, uint32_t hash);
/* That hash will be asked for soon. */
void intern_foresee(const struct intern_table *table, uint32_t hash);
/* What has that number; it stays where it is. */
const void *intern_data(const struct intern_table *table, uint32_t number, size_t *ret_size);

#endif
