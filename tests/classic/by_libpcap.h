/* SPDX-License-Identifier: GPL-2.0-only */
/* libpcap's interpreter, in a file of its own: its headers and the kernel's both have a struct bpf_insn. */
#ifndef WEIR_TESTS_BY_LIBPCAP_H
#define WEIR_TESTS_BY_LIBPCAP_H

#include "classic/classic.h"

uint32_t by_libpcap(const struct classic_program *program, const uint8_t *data, uint32_t length);

#endif
