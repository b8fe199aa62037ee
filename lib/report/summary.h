/* SPDX-License-Identifier: GPL-2.0-only */
/* What a compiled policy means, in a few lines: what `weir check` says when all is well. */
#ifndef WEIR_REPORT_SUMMARY_H
#define WEIR_REPORT_SUMMARY_H

#include <stdio.h>

#include "compile.h"

void summary_print(const struct compiled *compiled, FILE *out);

#endif
