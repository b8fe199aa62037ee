/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting what XDP verdicts beside accept and drop could not do: two programs at the kernel's tracepoints, shared by all
 * policies, and a map with a row for each program of weir's that may have such verdicts (bpf/faults.bpf.c).
 */
#ifndef WEIR_KERNEL_FAULTS_H
#define WEIR_KERNEL_FAULTS_H

#include "kernel/manifest.h"
#include "kernel/pins.h"

/* The map, its programs attached; the caller's to close. -ENOTSUP, with a warning, where the kernel does not allow it. */
int faults_prepare(const struct kernel *kernel, struct diagnostics *diagnostics);

/* A row for a program that is about to be attached, going on from that of OLD_ID (0: none). */
int faults_begin(int faults_fd, uint32_t program_id, uint32_t old_id);

/* What a program failed at; false: nobody counts. */
bool faults_read(const struct kernel *kernel, struct arena *arena, uint32_t program_id, struct weir_faults *ret_faults);

/* Take away rows of programs that no manifest names, and all of it when no policy needs it. */
void faults_tidy(const struct kernel *kernel, struct arena *arena, const struct manifests *manifests);

#endif
