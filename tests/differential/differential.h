/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of the differential test: random numbers, policies, packets, and the kernel's answer. The same
 * seed gives the same policies and packets.
 */
#ifndef WEIR_TESTS_DIFFERENTIAL_H
#define WEIR_TESTS_DIFFERENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compile.h"
#include "rules/packet.h"

/* ---- Random numbers ---- */

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);
/* 0 .. BOUND - 1 */
uint64_t random_below(struct random *random, uint64_t bound);
bool random_chance(struct random *random, unsigned percent);
#define random_of(random, array) ((array)[random_below((random), sizeof(array) / sizeof(*(array)))])

/* ---- Policies ---- */

/*
 * The text of a policy of one chain at HOOK, valid by construction, of COUNT rules, or of a few (0). Where it asks for interfaces:
 * eth0, eth1, eth7.
 */
const char *generate_policy(struct random *random, struct arena *arena, enum weir_hook hook, unsigned count);

/* A machine that has these interfaces (1, 2 and 7) and nothing else. */
const struct host *differential_host(void);

/* ---- Packets ---- */

#define GREATEST_PACKET 2048

struct test_packet {
	uint8_t frame[GREATEST_PACKET]; /* with an Ethernet header, also for cgroups, which see it from byte 14 on */
	size_t length;
	struct packet_context context;
};

/* A packet likely to meet or nearly meet one of the rules. */
/* Something like an HTTP request, of at most SPACE bytes; its length. */
size_t generate_request(struct random *random, uint8_t *to, size_t space);
void generate_packet(struct random *random, const struct rule_list *rules, struct test_packet *ret_packet);

/* ---- The kernel ---- */

struct kernel_side;

/* Load the chain and fill its sets. NULL with diagnostics. */
struct kernel_side *kernel_side_open(const struct compiled_chain *chain, struct diagnostics *diagnostics);
void kernel_side_close(struct kernel_side *side);

/*
 * Run the program over the packet: what it returned as a verdict, and from the counters who decided and who was passed.
 * 0; -EINVAL when the kernel refuses to run such a packet (too short for it); -EBADMSG with RET_WHY when counters make no sense.
 */
int kernel_side_judge(struct kernel_side *side, const struct test_packet *packet, const struct weir_flow *flow,
		      struct judgement *judgement, enum weir_verdict *ret_verdict, const char **ret_why);

#endif
