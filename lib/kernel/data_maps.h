/* SPDX-License-Identifier: GPL-2.0-only */
/* The array maps of a program whose trees are data (code.h): made, filled and frozen before it is loaded, and never changed. */
#ifndef WEIR_KERNEL_DATA_MAPS_H
#define WEIR_KERNEL_DATA_MAPS_H

#include "kernel/load.h"

/*
 * Their descriptors, in the order of code->data, malloc'ed; the caller's to close, or none are left open on failure. 0 or -errno.
 */
int data_maps_create(const struct load_request *request, int **ret_fds);
/* NULL is fine. The program holds the maps. */
void data_maps_close(int *fds, uint32_t count);

/* The outcome of a rule with the slot that this load gives it. */
uint32_t load_outcome(const struct load_request *request, uint32_t rule);

#endif
