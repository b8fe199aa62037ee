/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs in the kernel and the library in user space both know, written once: the parsed
 * packet, the way a verdict is written in one number, where counters lie, the record of an event, the
 * layout of a set's keys.
 *
 * All numbers are in host byte order unless the name ends in _be. A change to anything that lies in a
 * pinned map or in an event raises WEIR_ABI_VERSION (docs/abi.md).
 */
#ifndef WEIR_ABI_H
#define WEIR_ABI_H

#include <linux/types.h>

#include "redirect_abi.h"

#define WEIR_ABI_VERSION 5

/* The places where a chain can stand: id, word for the layer, word for the direction. */
#define WEIR_HOOKS(X)                                                                                                            \
	X(XDP_INGRESS, "xdp", "ingress")                                                                                         \
	X(TC_INGRESS, "tc", "ingress")                                                                                           \
	X(TC_EGRESS, "tc", "egress")                                                                                             \
	X(CGROUP_INGRESS, "cgroup", "ingress")                                                                                   \
	X(CGROUP_EGRESS, "cgroup", "egress")                                                                                     \
	X(TC_ACTION, "tc", "action")

enum weir_hook {
#define X(id, layer, direction) WEIR_HOOK_##id,
	WEIR_HOOKS(X)
#undef X
		WEIR_HOOK_COUNT
};

/*
 * What a rule, or a chain's policy, says of a packet; at most 16 (the bits of an outcome). CONTINUE: the rule has no verdict and
 * the next is asked. FINAL: accepted, and whoever stands behind this chain at the same hook is not asked. FORWARD: out by another
 * interface. BOUNCE: out by the interface it came in by. XSK: to an AF_XDP socket. CLASS: of a qdisc whose
 * classifier the chain is. REDIRECT, DNAT: accepted, and the connection gets another port (redirect_abi.h). RECLASSIFY and
 * DEFAULT: of an action, classify again, or what the action itself names. docs/verdicts.md says what each does where.
 */
#define WEIR_VERDICTS(X)                                                                                                         \
	X(CONTINUE, "continue")                                                                                                  \
	X(ACCEPT, "accept")                                                                                                      \
	X(DROP, "drop")                                                                                                          \
	X(FINAL, "accept final")                                                                                                 \
	X(FORWARD, "fwd")                                                                                                        \
	X(BOUNCE, "bounce")                                                                                                      \
	X(XSK, "to xsk")                                                                                                         \
	X(CLASS, "class")                                                                                                        \
	X(REDIRECT, "redirect")                                                                                                  \
	X(DNAT, "dnat")                                                                                                          \
	X(RECLASSIFY, "reclassify")                                                                                              \
	X(DEFAULT, "default")

enum weir_verdict {
#define X(id, name) WEIR_VERDICT_##id,
	WEIR_VERDICTS(X)
#undef X
		WEIR_VERDICT_COUNT
};

/* Why a packet could not be parsed: id, name in the language, text for people. NONE is a whole packet. */
#define WEIR_MALFORMED(X)                                                                                                        \
	X(NONE, "none", "well formed")                                                                                           \
	X(SHORT, "short", "ends inside a header")                                                                                \
	X(BAD_HEADER, "bad-header", "a header contradicts itself (version or header length)")                                    \
	X(BAD_LENGTH, "bad-length", "a header names more bytes than the packet has")                                             \
	X(TINY_FRAGMENT, "tiny-fragment", "a fragment that cuts or overlaps the transport header")                               \
	X(EXTENSION_LIMIT, "extension-limit", "more IPv6 extension headers than weir walks")                                     \
	X(VLAN_LIMIT, "vlan-limit", "more VLAN tags than weir walks")

enum weir_malformed {
#define X(id, name, text) WEIR_MALFORMED_##id,
	WEIR_MALFORMED(X)
#undef X
		WEIR_MALFORMED_COUNT
};

/* Limits of the packet parser; a packet past one of them is malformed with the reason of that name. */
#define WEIR_MAX_VLAN_TAGS	   2 /* tags in the frame and in the offload together */
#define WEIR_MAX_EXTENSION_HEADERS 8 /* IPv6 extension headers of all kinds before the transport header */

/* weir_flow.network: which network header was found. */
enum weir_network {
	WEIR_NETWORK_OTHER,    /* none that weir knows; ether_type says which */
	WEIR_NETWORK_ARP,      /* ARP, but not of Ethernet and IPv4: only the operation is known */
	WEIR_NETWORK_ARP_IPV4, /* ARP of Ethernet and IPv4: addresses known, saddr4 the sender's, daddr4 the target's */
	WEIR_NETWORK_IPV4,
	WEIR_NETWORK_IPV6,
};

/* weir_flow.transport: which transport header lies in this packet. */
enum weir_transport {
	WEIR_TRANSPORT_NONE,  /* none: not IP, or a fragment that is not the first, or malformed before it */
	WEIR_TRANSPORT_OTHER, /* a protocol weir does not look into; weir_flow.protocol says which */
	WEIR_TRANSPORT_TCP,
	WEIR_TRANSPORT_UDP,
	WEIR_TRANSPORT_SCTP,
	WEIR_TRANSPORT_ICMP,
	WEIR_TRANSPORT_ICMPV6,
};

/*
 * The parsed packet: what parse fills and classify reads. A field that the packet does not have is 0;
 * whether it has one is told by network, transport and vlan_tags. A malformed packet has the fields that
 * came before the fault: the network header's when that was whole, never the transport's.
 */
struct weir_flow {
	__u64 saddr_hi, saddr_lo; /* IPv6 source address, its upper and lower 64 bits */
	__u64 daddr_hi, daddr_lo;
	__u64 ether_saddr, ether_daddr; /* 48 bits; 0 at hooks without a link layer */
	__u32 saddr4, daddr4;		/* IPv4 addresses, of the IPv4 header or of the ARP body */
	__u32 length;			/* bytes of the packet as the hook counts: with the Ethernet header at xdp and tc */
	__u32 mark;			/* skb->mark; 0 at xdp */
	__u32 iif;			/* index of the interface it came in by; 0 when it was made here */
	__u32 oif;			/* index of the interface it goes out by; 0 where that is not known yet */
	__u16 ether_type;		/* of the payload, behind all VLAN tags; 0x0800 or 0x86dd at cgroup hooks */
	__u16 vlan_id;			/* of the outermost tag */
	__u16 ip_length;		/* IPv4 total length, or IPv6 payload length */
	__u16 frag_off;			/* the IPv4 field whole: flags and offset */
	__u16 sport, dport;		/* of TCP, UDP or SCTP */
	__u16 arp_operation;
	__u8 network;	  /* enum weir_network */
	__u8 transport;	  /* enum weir_transport */
	__u8 protocol;	  /* of the transport layer: the IPv4 protocol, or the last IPv6 next header */
	__u8 next_header; /* of the IPv6 header itself */
	__u8 dscp;
	__u8 hop_limit; /* or IPv4 TTL */
	__u8 tcp_flags; /* fin 1, syn 2, rst 4, psh 8, ack 16, urg 32, ecn 64, cwr 128 */
	__u8 icmp_type; /* of ICMP or ICMPv6 */
	__u8 icmp_code;
	__u8 vlan_tags;		/* how many */
	__u8 malformed;		/* enum weir_malformed */
	__u8 fragment;		/* 1: a fragment, of any position, IPv4 or IPv6 */
	__u16 transport_offset; /* where the transport header begins, in bytes of the packet as the hook has it; 0: there is none
				 */
	/* Where the payload of TCP begins, from the beginning of the packet as the hook has it, and its length, as far as 16 bits say
	 * it: 0, 0 where there is none. Filled only for chains with rules about it. */
	__u16 payload, payload_length;
};
_Static_assert(sizeof(struct weir_flow) == 104, "struct weir_flow has holes or has grown");

/* The fields a rule may look at: id, member of struct weir_flow, how many of its bits are used. */
#define WEIR_FIELDS(X)                                                                                                           \
	X(MALFORMED, malformed, 8)                                                                                               \
	X(NETWORK, network, 8)                                                                                                   \
	X(TRANSPORT, transport, 8)                                                                                               \
	X(ETHER_SADDR, ether_saddr, 48)                                                                                          \
	X(ETHER_DADDR, ether_daddr, 48)                                                                                          \
	X(ETHER_TYPE, ether_type, 16)                                                                                            \
	X(VLAN_TAGS, vlan_tags, 8)                                                                                               \
	X(VLAN_ID, vlan_id, 12)                                                                                                  \
	X(ARP_OPERATION, arp_operation, 16)                                                                                      \
	X(SADDR4, saddr4, 32)                                                                                                    \
	X(DADDR4, daddr4, 32)                                                                                                    \
	X(SADDR_HI, saddr_hi, 64)                                                                                                \
	X(SADDR_LO, saddr_lo, 64)                                                                                                \
	X(DADDR_HI, daddr_hi, 64)                                                                                                \
	X(DADDR_LO, daddr_lo, 64)                                                                                                \
	X(PROTOCOL, protocol, 8)                                                                                                 \
	X(NEXT_HEADER, next_header, 8)                                                                                           \
	X(DSCP, dscp, 6)                                                                                                         \
	X(HOP_LIMIT, hop_limit, 8)                                                                                               \
	X(FRAG_OFF, frag_off, 16)                                                                                                \
	X(IP_LENGTH, ip_length, 16)                                                                                              \
	X(SPORT, sport, 16)                                                                                                      \
	X(DPORT, dport, 16)                                                                                                      \
	X(TCP_FLAGS, tcp_flags, 8)                                                                                               \
	X(ICMP_TYPE, icmp_type, 8)                                                                                               \
	X(ICMP_CODE, icmp_code, 8)                                                                                               \
	X(LENGTH, length, 32)                                                                                                    \
	X(MARK, mark, 32)                                                                                                        \
	X(IIF, iif, 32)                                                                                                          \
	X(OIF, oif, 32)

enum weir_field {
#define X(id, member, bits) WEIR_FIELD_##id,
	WEIR_FIELDS(X)
#undef X
		WEIR_FIELD_COUNT
};

/*
 * An outcome in one number, as classify returns it: the counter slot of what decided (bits 0 to 23), the
 * verdict (bits 24 to 27), whether it is to be logged (bit 28), and whether the slot has a row in weir_actions (bit 29).
 */
#define WEIR_OUTCOME_SLOT_MASK	   0x00ffffffu
#define WEIR_OUTCOME_VERDICT_SHIFT 24
#define WEIR_OUTCOME_VERDICT_MASK  0x0f000000u
#define WEIR_OUTCOME_LOG	   0x10000000u
#define WEIR_OUTCOME_ACTION	   0x20000000u
#define WEIR_OUTCOME(slot, verdict, log)                                                                                         \
	((__u32)(slot) | (__u32)(verdict) << WEIR_OUTCOME_VERDICT_SHIFT | ((log) ? WEIR_OUTCOME_LOG : 0))

/*
 * The slots of a chain's counters: one for the chain's policy, one for each reason to call a packet
 * malformed when no rule decided it (slot 1 + enum weir_malformed; classify returns WEIR_SLOT_MALFORMED
 * and the program adds the reason), one for the events that found the ring buffer full, then the rules'.
 */
#define WEIR_SLOT_POLICY      0
#define WEIR_SLOT_MALFORMED   1
#define WEIR_SLOT_EVENTS_LOST 15
#define WEIR_SLOT_FIRST_RULE  16

struct weir_counter {
	__u64 packets;
	__u64 bytes;
};

/*
 * What a rule does to a packet beside judging, counting and logging it: the row of weir_actions (an array by counter slot, made
 * anew with each program) that is looked up when the outcome has WEIR_OUTCOME_ACTION. Done in the order of the flags.
 */
#define WEIR_ACTION_MARK	  1u /* skb->mark becomes (skb->mark & mark_kept) ^ mark */
#define WEIR_ACTION_PRIORITY	  2u /* skb->priority becomes priority: a qdisc's class, major << 16 | minor */
#define WEIR_ACTION_PRIORITY_MARK 4u /* the same, with the packet's mark as the minor number, where it is below 65536 */
#define WEIR_ACTION_TARGET                                                                                                       \
	8u /* the verdict names something: of FORWARD the interface, of XSK the row of weir_xsks, of CLASS the class */
#define WEIR_ACTION_TARGET_MARK 32u /* of CLASS: the packet's mark is the minor number, where it is below 65536 */
#define WEIR_ACTION_COUNT_MARK	16u /* count in weir_marks by the packet's mark */

/* XDP packets of a program whose verdict was not carried out: the map faults, by the program's id. */
#define WEIR_FAULT_ROWS 1024

struct weir_faults {
	__u64 aborted;		/* xdp:xdp_exception */
	__u64 redirects_failed; /* xdp:xdp_redirect_err */
};

/* weir_marks: per-CPU hash of struct weir_counter. What finds no room is in the rule's own counter alone. */
#define WEIR_MARK_ROWS 4096

struct weir_mark_key {
	__u32 slot;
	__u32 mark;
};

#define WEIR_XSK_ROWS 256 /* of weir_xsks: sockets of one chain; one that names no row takes that of the packet's queue */

struct weir_action {
	__u32 flags; /* WEIR_ACTION_* */
	__u32 mark, mark_kept;
	__u32 priority;
	__u32 target;
	struct weir_redirect redirect; /* of the verdicts redirect and dnat */
};
_Static_assert(sizeof(struct weir_action) == 28, "struct weir_action has holes or has grown");

/*
 * What a rule compares of an HTTP request, in the form in which it is compared (docs/http.md): between bpf/http.h, which reads it, and
 * the generated code, which compares it. A text that is longer than is kept has length WEIR_HTTP_TEXT + 1.
 */
#define WEIR_HTTP_REACH 2048 /* bytes of the payload that are looked at */
#define WEIR_HTTP_TEXT	80   /* bytes of a text that are kept */

enum weir_http_asked { WEIR_HTTP_METHOD, WEIR_HTTP_PATH, WEIR_HTTP_HOST };

struct weir_http_text {
	__u32 length;
	__u32 asked; /* enum weir_http_asked */
	union {
		struct {
			__u32 dots, lost; /* of a path that is read byte by byte */
		};
		__u32 at; /* in the packet, while lines are read */
	};
	union {
		__u8 bytes[WEIR_HTTP_TEXT];
		__u64 words[WEIR_HTTP_TEXT / 8];
	};
};
_Static_assert(sizeof(struct weir_http_text) == 96, "struct weir_http_text has holes or has grown");

/*
 * A set is a table of weir's own: an array map of pages, held by an array of maps with one element (docs/abi.md, and
 * docs/decisions/set-tables.md for the why). A key is one to four 64-bit numbers: each component is one, an IPv6 address two, the
 * upper half first. Page 0 begins with the header; buckets, then lines and their flags, the index, entries, then the pages of the
 * tree lie behind it.
 *
 * A single value lies in one of its two buckets. Where the key is one number of at most 32 bits and nothing is counted (a direct
 * table), a slot is the number and, in its upper half, the expiry; the number 0 stands in the header; and what never expires lies
 * in the line that its hash says, if there is room. Else a slot is a tag and, in its upper half, the number of an entry. Prefixes
 * are entries, too: the tree says for each stretch of addresses which entry is the longest prefix that covers it.
 */
#define WEIR_MAX_SET_WORDS 4
#define WEIR_SET_SLOTS	   7

/* When an element ends, in units of 2^27 ns (0.134 s) of CLOCK_MONOTONIC, rounded up. 0: there is none. */
#define WEIR_SET_CLOCK_SHIFT 27
#define WEIR_SET_NEVER	     0xffffffffu

struct weir_set_header {
	__u64 seed;
	__u32 bucket_mask;  /* number of buckets, a power of two, less one */
	__u32 entries_page; /* the first page of entries */
	__u32 tree; /* bits 28 to 30 how many pages lie on the way through the tree, below the number of its root; 0: none */
	__u32 zero; /* of a direct table: when the element 0 ends */
	__u32 lines_page; /* of a direct table: the first page of lines */
	__u32 lines;	  /* how many */
	__u32 padding[2];
	/* For user space alone. */
	__u32 zero_flags; /* WEIR_SET_* of that element */
	__u32 tree_page;  /* the first page of the tree */
	__u32 rows;	  /* elements in it, never too few */
	__u32 next_entry; /* all from here on are fresh; what was in use once is not used again in this table */
	__u32 next_page;  /* the same of the tree's pages */
	__u32 changing;	  /* 1: who changed the prefixes did not come to an end; the entries are right, the tree may not be */
};
_Static_assert(sizeof(struct weir_set_header) == 64, "struct weir_set_header has holes or has grown");

/*
 * Behind the header where there may be prefixes: `slots` 32-bit numbers from `page` on, as `tree` is one, for the page to begin at. The
 * slot of a key (of IPv6 the upper 64 bits) is that less `base`, shifted to the right by `shift`; one that is not below `slots` begins
 * at `tree`.
 */
struct weir_set_index {
	__u64 base; /* 0 where keys have at most 32 bits; then each has a slot */
	__u32 page, shift, slots;
	__u32 padding;
};
_Static_assert(sizeof(struct weir_set_index) == 24, "struct weir_set_index has holes or has grown");

struct weir_set_bucket {
	__u8 flags[8]; /* WEIR_SET_* of each slot, for user space alone */
	__u64 slots[WEIR_SET_SLOTS];
};
_Static_assert(sizeof(struct weir_set_bucket) == 64, "struct weir_set_bucket has holes or has grown");

#define WEIR_SET_LINE_KEYS 15

/* Keys that never expire. Where more belong here than there is room for, some lie in buckets, as all do that expire. */
struct weir_set_line {
	__u32 keys[WEIR_SET_LINE_KEYS]; /* 0: none */
	__u32 elsewhere; /* a bit, which the hash says, for each key that belongs here and was put into a bucket */
};
_Static_assert(sizeof(struct weir_set_line) == 64, "struct weir_set_line has holes or has grown");

/* WEIR_SET_* of the keys of a line, for user space alone. */
struct weir_set_line_flags {
	__u8 flags[WEIR_SET_LINE_KEYS + 1];
};

/* The key stands behind it, at the end of the entry a struct weir_counter where elements are counted; 32 or 64 bytes in all. */
struct weir_set_entry {
	__u32 expires; /* of a prefix the latest of its own and of those that cover it */
	/* For user space alone. */
	__u32 own_expires;
	__u32 parent; /* of a prefix: the entry of the longest that covers it; 0: none */
	__u8 length;  /* of a prefix, in bits */
	__u8 flags;   /* WEIR_SET_* */
	__u8 prefix;  /* 1: a prefix that is in the set */
	__u8 padding;
};
_Static_assert(sizeof(struct weir_set_entry) == 16, "struct weir_set_entry has holes or has grown");

#define WEIR_SET_TREE_SHIFT  28
#define WEIR_SET_MOST_LEVELS 7		 /* pages on the way through the tree; a mask */
#define WEIR_SET_WIDE	     0x08000000u /* in the number of a page: its places have 126 bits */
#define WEIR_SET_LOOK	     0x80000000u /* in a leaf of the tree: the entry says whether it still counts */

#define WEIR_SET_FROM_POLICY 1 /* stands in the policy or its element file; goes when it no longer does */
#define WEIR_SET_LIVE	     2 /* was added to the set in force; stays when the policy is applied again */

/*
 * Who last made, bound or connected a socket, or sent to an address through it: the value of the socket's storage. A socket that
 * was accepted has that of the one that listened.
 */
struct weir_socket_owner {
	__u64 cgroup_id;
	__u32 pid; /* of the process (tgid) */
	__u32 uid;
	char command[16];
};

/* One record of the ring buffer: a packet that met a rule with `log`. */
struct weir_event {
	__u64 time_ns;	     /* CLOCK_MONOTONIC */
	__u64 socket_cookie; /* 0: the hook has none */
	__u64 cgroup_id;     /* of the sending socket; 0: unknown */
	__u32 chain_id;	     /* of the loaded chain; the manifest of its policy names it */
	__u32 outcome;	     /* WEIR_OUTCOME of the rule; verdict CONTINUE for one that does not decide */
	__u32 ifindex;	     /* where the packet was seen; 0: none */
	__u32 has_owner;     /* 1: owner is known */
	struct weir_socket_owner owner;
	struct weir_flow flow; /* every field filled */
};
_Static_assert(sizeof(struct weir_event) == 40 + 32 + 104, "struct weir_event has holes or has grown");

/* Stands in the template of XDP for the call of bpf_cast_to_kern_ctx, whose number is the running kernel's. */
#define WEIR_CALL_KERNEL_CONTEXT 0x77656972
/* The same in tc's and the cgroups', where it leads on to the packet's device. */
#define WEIR_CALL_KERNEL_SKB 0x77656973

#endif
