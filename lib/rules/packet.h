/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets in user space, for `weir why` and the tests: bytes to struct weir_flow by a parser written apart
 * from the one in bpf/ (the two are compared), and packets written out in words to bytes.
 */
#ifndef WEIR_RULES_PACKET_H
#define WEIR_RULES_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "weir_abi.h"

/* What a hook knows beside the bytes. Zeroed: nothing. */
struct packet_context {
	bool raw_ip; /* the bytes begin with the IP header (always so at cgroup hooks) */
	uint32_t mark, iif, oif;
	uint16_t offload_vlan_tci; /* the tag that the card took off (tc only) */
	bool has_offload_vlan;
};

/* Parse as the hook would. Fills all of *ret_flow; never fails: what cannot be parsed is malformed. */
void packet_parse(enum weir_hook hook, const struct packet_context *context, const uint8_t *data, size_t length,
		  struct weir_flow *ret_flow);

/*
 * Build an Ethernet frame from words: "tcp 10.0.0.1:1234 > 10.0.0.2:80 syn", "icmp 10.0.0.1 > 10.0.0.2 echo-request",
 * "udp [2001:db8::1]:53 > [2001:db8::2]:53", "arp who-has 10.0.0.2 tell 10.0.0.1", with "vlan 7", "ether A > B",
 * "ttl 3", "dscp 46", "length 900", "frag 100+", "mark 7", "iif 3" behind, "http GET /index.html example.com" last. 0 and bytes in
 * ARENA, or -EINVAL with a diagnostic.
 */
int packet_from_words(struct arena *arena, const char *words, const uint8_t **ret_data, size_t *ret_length,
		      struct packet_context *ret_context, struct diagnostics *diagnostics);

/* One line in the same words, for people: "tcp 10.0.0.1:1234 > 10.0.0.2:80 syn". */
const char *packet_print(struct arena *arena, const struct weir_flow *flow);

#endif
