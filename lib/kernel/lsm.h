/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs at the kernel's security hooks (BPF LSM), and why a kernel does not run them. */
#ifndef WEIR_KERNEL_LSM_H
#define WEIR_KERNEL_LSM_H

#include "base/diagnostic.h"

/* The security modules that are on: "lockdown,capability,yama"; NULL: they cannot be asked for. */
const char *lsm_list(struct arena *arena);

/* They load and attach, but BPF is not among the modules and nothing calls them: this errno says so. */
#define LSM_IS_OFF (-ENOTSUP)

/* Say that DOING ("guard nice values") failed by ERROR, and what to do about it. Gives ERROR. */
int lsm_refuse(struct diagnostics *diagnostics, const char *doing, int error);

#endif
