/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_REPORT_BYTECODE_H
#define WEIR_REPORT_BYTECODE_H

#include <jansson.h>

#include "classic/classic.h"

/* A program as JSON; the caller's reference. LINK: what packets begin with. NULL only without memory. */
json_t *bytecode_json(const struct classic_program *program, enum classic_link link);

#endif
