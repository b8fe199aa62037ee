/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the debugger needs of a program, generated or classic: to stand at its beginning with a packet, to go on, and to show
 * where it is and what it has.
 */
#ifndef WEIR_STEP_PROGRAM_H
#define WEIR_STEP_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "report/why_capture.h"

struct step_program {
	const char *title; /* "chain edge (xdp ingress)" */
	uint32_t count;	   /* instructions */
	void *context;
	/* Begin with a packet, whose bytes stay. NULL, or why the program never sees it. */
	const char *(*begin)(void *context, const struct why_packet *packet);
	bool (*step)(void *context); /* false: that was the last */
	uint32_t (*at)(void *context);
	/* One instruction without a newline; it may be in the second half of the one before: false, nothing printed. */
	bool (*print_instruction)(void *context, uint32_t at, FILE *out);
	void (*print_registers)(void *context, FILE *out);
	void (*print_changes)(void *context, FILE *out); /* by the last step: ", r2 = 0x50" or nothing */
	void (*print_result)(void *context, FILE *out);	 /* a line, after the last step */
	bool (*matched)(void *context);			 /* classic: anything but 0; a chain: accept */
};

struct step_session {
	const struct step_program *program;
	uint32_t packet_count;
	const struct why_packet *packets;
	FILE *in, *out;
	bool prompt; /* IN is a terminal */
};

/* Read commands until `quit` or the end of the input. 0, or -EINVAL where one was wrong and nobody is there to read it. */
int step_run(const struct step_session *session);

#endif
