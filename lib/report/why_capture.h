/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet to be asked about, and captures to take them from. A header of its own, since libpcap and the kernel's headers
 * both have a struct bpf_insn: what includes pcap.h must not include the compiler.
 */
#ifndef WEIR_REPORT_WHY_CAPTURE_H
#define WEIR_REPORT_WHY_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "rules/packet.h"

struct why_packet {
	const uint8_t *data; /* an Ethernet frame, or with context.raw_ip from the IP header on */
	size_t length;
	struct packet_context context;
	const char *name; /* "capture.pcap:3" (third packet), or the words it was written in */
	uint64_t time_ns; /* since 1970; 0: none */
	size_t missing;	  /* bytes at the end that the capture left out; they are 0 in DATA */
};

/* A capture, pcap or pcapng, packet by packet. PATH "-" is standard input. */
struct why_capture;

int why_capture_open(struct arena *arena, const char *path, struct why_capture **ret_capture, struct diagnostics *diagnostics);
/* 1 and a packet whose bytes and name are good until the next call; 0 at the end; a negative errno with a diagnostic. */
int why_capture_next(struct why_capture *capture, struct why_packet *ret_packet, struct diagnostics *diagnostics);
void why_capture_close(struct why_capture *capture); /* NULL is fine */
void why_capture_closep(struct why_capture **capture);

/*
 * Whether an argument of `weir why` is a capture (a file of that name is there, or it ends in .pcap, .pcapng, .cap, or is "-").
 */
bool why_is_capture(const char *argument);

#endif
