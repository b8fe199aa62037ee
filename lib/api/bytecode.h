/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_API_BYTECODE_H
#define WEIR_API_BYTECODE_H

#include "api/api.h"
#include "classic/classic.h"

struct weir_bytecode {
	struct shared_arena *shared;
	struct classic_program program;
	enum classic_link link;
};

#endif
