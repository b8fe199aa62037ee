/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Classic BPF: the programs that tcpdump makes of an expression and that tc takes as bytecode. Here they are checked and run in
 * user space; lib/code translates them for the kernel, apart from this, so that the two can be compared.
 *
 * A program looks at one packet and returns a number; anything but 0 is a match. It has an accumulator A, an index X and 16 words
 * of memory, all 0 at first. A load that reaches past the packet's end, and a division by an X of 0, end it with 0: no match.
 * A shift by 32 or more gives 0. An offset X + k does not wrap around.
 */
#ifndef WEIR_CLASSIC_H
#define WEIR_CLASSIC_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define CLASSIC_LIMIT 4096 /* instructions, as in the kernel */

/* Where a packet begins. */
enum classic_link {
	CLASSIC_ETHERNET, /* at the Ethernet header: EN10MB */
	CLASSIC_RAW,	  /* at the IP header: RAW */
};

struct classic_program {
	uint32_t count;
	const struct sock_filter *instructions;
};

struct classic_packet {
	const uint8_t *data;
	size_t length;
};

/* Whether weir can run it: NULL, or what is wrong, in words, with the instruction at *RET_AT. */
const char *classic_check(const struct classic_program *program, uint32_t *ret_at);

/* Run a program that was checked. */
uint32_t classic_run(const struct classic_program *program, const struct classic_packet *packet);

bool classic_equal(const struct classic_program *a, const struct classic_program *b); /* NULL is equal to NULL only */

/* "EN10MB", "RAW" */
const char *classic_link_name(enum classic_link link);

#endif
