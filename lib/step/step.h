/* SPDX-License-Identifier: GPL-2.0-only */
/* The two kinds of programs that can be gone through. */
#ifndef WEIR_STEP_STEP_H
#define WEIR_STEP_STEP_H

#include "compile.h"
#include "step/program.h"

/* A program of classic BPF, on packets that begin with LINK. */
struct step_program step_classic(struct arena *arena, const struct classic_program *program, enum classic_link link);
/* The generated code of a chain. */
struct step_program step_chain(struct arena *arena, const struct compiled *compiled, uint32_t chain);

#endif
