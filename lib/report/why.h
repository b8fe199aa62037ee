/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a packet fares as it does. In: a compiled policy and a packet (written out, or from a capture). Out: which
 * rule decides, which were passed, and for each match what the packet had. Needs no root and no kernel: the plain
 * first-match evaluator of lib/rules answers, which the tests hold to be the kernel's answer.
 *
 * The way of `weir why`: for each packet, why_ask() once for each chain, then why_print() or why_json().
 */
#ifndef WEIR_REPORT_WHY_H
#define WEIR_REPORT_WHY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "compile.h"
#include "report/why_capture.h"

/* One match of a rule, and what became of it. */
struct why_match {
	const char *text;   /* as written: "tcp dport 80" */
	const char *answer; /* "the packet has 80", "the packet has no TCP header" */
	bool holds;
	struct place place;
};

struct why_rule {
	uint32_t index; /* in the chain's rule_list */
	const struct rule *rule;
	const char *name;    /* "edge.weir:14"; "policy" or "malformed" for weir's own two */
	const char *verdict; /* with what it names: "fwd to eth1" */
	const char *effects; /* what it does beside judging, in the words of the language; NULL: nothing */
	const char *port; /* redirect, dnat: which port this packet's connection would get; NULL: no such verdict */
	/* The matches in order. Of a rule that did not match: up to the first that failed, which is the last here. */
	uint32_t match_count;
	const struct why_match *matches;
};

struct why_answer {
	const struct compiled *compiled;
	uint32_t chain;
	const char *packet_name; /* as in why_packet */
	const char *packet;	 /* in words, by packet_print */
	size_t missing;
	/* NULL: the hook sees this packet. Else why it never does ("a cgroup sees IP packets only"), and nothing below is set. */
	const char *unseen;
	struct weir_flow flow;
	enum weir_verdict verdict;
	struct why_rule decided;
	uint32_t passed_count; /* rules without verdict that it met before */
	const struct why_rule *passed;
	uint32_t failed_count; /* with VERBOSE: the rules before the deciding one that did not match; else 0 */
	const struct why_rule *failed;
};

/* The packet as the hook has it: at a cgroup without its link layer. NULL, or why this one never comes there. */
const char *why_packet_at_hook(enum weir_hook hook, struct packet_context *context, const uint8_t **data, size_t *length);

/* Judge PACKET by chain CHAIN of COMPILED. At cgroup hooks an Ethernet header (and VLAN tags) is taken off first. */
const struct why_answer *why_ask(struct arena *arena, const struct compiled *compiled, uint32_t chain,
				 const struct why_packet *packet, bool verbose);

/* Text for people, several lines, ending in a newline:
 *
 *	tcp 10.0.0.1:1234 > 10.0.0.2:80 syn
 *	  chain edge (xdp ingress): drop, decided by edge.weir:14: tcp dport { 23, 80 } ip saddr 10.0.0.0/8 drop
 *	    tcp dport { 23, 80 }: the packet has 80
 *	    ip saddr 10.0.0.0/8: the packet has 10.0.0.1
 *
 * The packet's own line is printed when WITH_PACKET: once before the first chain.
 */
void why_print(const struct why_answer *answer, bool with_packet, FILE *out);

/* The same as an object for JSON lines; the caller's reference. NULL only without memory. */
json_t *why_json(const struct why_answer *answer);

/* What a verdict that redirects would do with this packet, in words; NULL: RULE has no such verdict. */
const char *why_port(struct arena *arena, const struct rule *rule, const struct weir_flow *flow);

/* A packet written out ("tcp 10.0.0.1:1234 > 10.0.0.2:80 syn"): 0, or -EINVAL with a diagnostic. */
int why_packet_from_words(struct arena *arena, const char *words, struct why_packet *ret_packet, struct diagnostics *diagnostics);

#endif
