/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Types of a kernel as a C header for eBPF programs. In: names, and BTF, the kernel's own description of its types. Out: the
 * named types and all that they hold, in an order that compiles, each access relocatable (CO-RE). What they only point at is
 * declared by name.
 */
#ifndef WEIR_OBSERVE_KERNEL_TYPES_H
#define WEIR_OBSERVE_KERNEL_TYPES_H

#include <stddef.h>
#include <stdio.h>

#include "base/diagnostic.h"

struct kernel_types_request {
	const char *const *names; /* "task_struct", "struct task_struct", "enum tcp_state", "u32" */
	size_t count;
	const char *btf; /* a file of BTF or an object with it, perhaps that of a module; NULL: the running kernel's */
};

/* 0 and the whole header in OUT, or a negative errno with diagnostics, and nothing in OUT. */
int kernel_types_print(const struct kernel_types_request *request, FILE *out, struct diagnostics *diagnostics);

/* What libbpf writes, to OUT, with members that have a type and no name written out. 0 or -errno. */
int kernel_types_expand(const char *text, FILE *out);

#endif
