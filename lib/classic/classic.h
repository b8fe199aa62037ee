/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Classic BPF: the programs that tcpdump makes of an expression and that tc takes as bytecode. Here they are read, checked and run
 * in user space; lib/code translates them for the kernel, apart from this, so that the two can be compared.
 *
 * A program looks at one packet and returns a number; anything but 0 is a match. It has an accumulator A, an index X and 16 words
 * of memory, all 0 at first. A load that reaches past the packet's end, and a division by an X of 0, end it with 0: no match.
 * A shift by 32 or more gives 0. An offset X + k does not wrap around.
 *
 * Linux's extensions are loads at negative offsets: from SKF_NET_OFF on they count from the network header, from SKF_LL_OFF on
 * from the link layer's, and from SKF_AD_OFF on they are no bytes of the packet but what is known beside it.
 */
#ifndef WEIR_CLASSIC_H
#define WEIR_CLASSIC_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"

#define CLASSIC_LIMIT	   4096 /* instructions, as in the kernel */
#define CLASSIC_ATTRIBUTES 16	/* netlink attributes that one search goes through */

/* Where a packet begins. */
enum classic_link {
	CLASSIC_ETHERNET, /* at the Ethernet header: EN10MB */
	CLASSIC_RAW,	  /* at the IP header: RAW */
	CLASSIC_LINKS
};

/* What is known beside the bytes: id, its offset behind SKF_AD_OFF, the word in assembly. */
#define CLASSIC_EXTENSIONS(X) \
	X(PROTOCOL, SKF_AD_PROTOCOL, "proto") \
	X(PACKET_TYPE, SKF_AD_PKTTYPE, "type") \
	X(INTERFACE, SKF_AD_IFINDEX, "ifidx") \
	X(ATTRIBUTE, SKF_AD_NLATTR, "nla") \
	X(NESTED_ATTRIBUTE, SKF_AD_NLATTR_NEST, "nlan") \
	X(MARK, SKF_AD_MARK, "mark") \
	X(QUEUE, SKF_AD_QUEUE, "queue") \
	X(HARDWARE_TYPE, SKF_AD_HATYPE, "hatype") \
	X(HASH, SKF_AD_RXHASH, "rxhash") \
	X(CPU, SKF_AD_CPU, "cpu") \
	X(XOR, SKF_AD_ALU_XOR_X, "xor_x") \
	X(VLAN_TCI, SKF_AD_VLAN_TAG, "vlan_tci") \
	X(VLAN_PRESENT, SKF_AD_VLAN_TAG_PRESENT, "vlan_avail") \
	X(PAYLOAD, SKF_AD_PAY_OFFSET, "poff") \
	X(RANDOM, SKF_AD_RANDOM, "rand") \
	X(VLAN_TYPE, SKF_AD_VLAN_TPID, "vlan_tpid")

enum classic_extension {
#define X(id, offset, word) CLASSIC_##id,
	CLASSIC_EXTENSIONS(X)
#undef X
	CLASSIC_EXTENSION_COUNT,
	CLASSIC_LINK_HEADER = CLASSIC_EXTENSION_COUNT, /* a load from SKF_LL_OFF on */
	CLASSIC_NO_EXTENSION
};

struct classic_program {
	uint32_t count;
	const struct sock_filter *instructions;
};

struct classic_packet {
	const uint8_t *data;
	size_t length;
	uint32_t network; /* offset of the network header */
	bool has_link;	  /* DATA begins with the link layer's header; without one, loads from there are past the end */
	/* Of the extensions, what is a plain number; those that are computed from the packet, from A and X are not looked at. */
	uint32_t extensions[CLASSIC_EXTENSION_COUNT];
};

/* Where a text is wrong. */
struct classic_fault {
	const char *message;
	size_t at, length; /* bytes of the text */
};

/* Whether weir can run it: NULL, or what is wrong, in words, with the instruction at *RET_AT. */
const char *classic_check(const struct classic_program *program, uint32_t *ret_at);

/* Run a program that was checked. */
uint32_t classic_run(const struct classic_program *program, const struct classic_packet *packet);

/* The same, instruction by instruction. */
struct classic_machine {
	const struct classic_program *program;
	const struct classic_packet *packet;
	uint32_t at; /* the next instruction */
	uint32_t a, x, memory[BPF_MEMWORDS];
	bool ended; /* by a return, a load past the end, a division by zero */
	uint32_t result;
};
void classic_begin(struct classic_machine *machine, const struct classic_program *program, const struct classic_packet *packet);
bool classic_step(struct classic_machine *machine); /* false: that was the last */

/* Offset of the netlink attribute of type X from A on, or among those in the one at A (NESTED); 0: there is none. */
uint32_t classic_attribute(const struct classic_packet *packet, uint32_t a, uint32_t x, bool nested);

/*
 * Where the payload of a packet begins, as the flow dissector says: behind the transport header, or behind the IP header of a
 * protocol that is not known and of a later fragment; 0 where there is none. Tunnels are not entered. NETWORK_TYPE: 0x0800, 0x86dd, ...
 */
uint32_t classic_payload_offset(const struct classic_packet *packet, uint16_t network_type);

/* The bytecode that tc takes: "2,6 0 0 0,6 0 0 1", or lines in place of commas. False with a fault. What comes back is not checked. */
bool classic_from_bytecode(struct arena *arena, const char *text, struct classic_program *ret_program, struct classic_fault *ret_fault);
/* The assembly that bpf_asm takes. False with a fault. */
bool classic_from_assembly(struct arena *arena, const char *text, struct classic_program *ret_program, struct classic_fault *ret_fault);

/* As tc takes it, without a newline. */
void classic_print_bytecode(const struct classic_program *program, FILE *out);
/* An instruction a line, as tcpdump -d prints them. */
void classic_print_listing(const struct classic_program *program, FILE *out);
/* One instruction in the words of bpf_asm: "jeq #0x800, l2, l5", jumps naming instructions. */
const char *classic_print_instruction(struct arena *arena, const struct classic_program *program, uint32_t at);

/* The extension that an instruction loads; CLASSIC_NO_EXTENSION: none. */
enum classic_extension classic_extension_of(const struct sock_filter *instruction);
/* "rxhash" */
const char *classic_extension_name(enum classic_extension extension);
/* Does the same packet always give the same? */
bool classic_is_steady(const struct classic_program *program);

bool classic_equal(const struct classic_program *a, const struct classic_program *b); /* NULL is equal to NULL only */

/* "EN10MB", "RAW", and back: false for another name. */
const char *classic_link_name(enum classic_link link);
bool classic_link_by_name(const char *name, enum classic_link *ret_link);

#endif
