/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What both sides know of redirecting: which ports a rule names and how one of them is chosen, and the table of connections. Part
 * of weir_abi.h, which includes it. All numbers are in host byte order.
 */
#ifndef WEIR_REDIRECT_ABI_H
#define WEIR_REDIRECT_ABI_H

#include <linux/types.h>

#define WEIR_MAX_REDIRECT_PORTS 256

/* How the port of a new connection is chosen: id, word in the language. */
#define WEIR_CHOICES(X) \
	X(HASH, "hash") \
	X(QUEUE, "queue") \
	X(ROUND_ROBIN, "round-robin")

enum weir_choice {
#define X(id, name) WEIR_CHOICE_##id,
	WEIR_CHOICES(X)
#undef X
	WEIR_CHOICE_COUNT
};

/* Of a rule whose verdict is redirect or dnat. */
struct weir_redirect {
	__u16 first, count; /* ports; count 0: the rule has none */
	__u8 choice;	    /* enum weir_choice */
	__u8 alive;	    /* 1: ports on which nobody listens, or that refused, are passed over */
	__u16 padding;
};
_Static_assert(sizeof(struct weir_redirect) == 8, "struct weir_redirect has holes or has grown");

/* A connection in one direction: source and destination as they stand in its packets where the chain sees them. */
struct weir_redirected_key {
	__u64 saddr_hi, saddr_lo; /* IPv4: hi 0, lo the address */
	__u64 daddr_hi, daddr_lo;
	__u16 sport, dport;
	__u8 protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	__u8 network;  /* enum weir_network: IPV4 or IPV6 */
	__u16 padding;
};
_Static_assert(sizeof(struct weir_redirected_key) == 40, "struct weir_redirected_key has holes or has grown");

/*
 * Its entry. On the way in: port is the one that was chosen. On the way back: the one that the client named, which the
 * reply's source port becomes. TCP that was given to a socket of this host has no entry for the way back.
 */
struct weir_redirected {
	__u64 seen_ns; /* CLOCK_MONOTONIC, to the second */
	__u16 port;
	__u8 kind;  /* enum weir_redirected_kind */
	__u8 state; /* enum weir_redirected_state */
	__u32 slot; /* of the rule that took it */
};
_Static_assert(sizeof(struct weir_redirected) == 16, "struct weir_redirected has holes or has grown");

enum weir_redirected_kind {
	WEIR_REDIRECTED_GIVEN,	   /* to a socket of this host, packets in are not changed */
	WEIR_REDIRECTED_REWRITTEN, /* packets in get another destination port */
	WEIR_REDIRECTED_BACK,	   /* added to one of these: the entry is of the way back */
	/* No connection: this port refused one. From the port (source) to nobody, all zeros, as a way back. */
	WEIR_REDIRECTED_DEAD = 4 | WEIR_REDIRECTED_BACK,
};

enum weir_redirected_state {
	WEIR_REDIRECTED_NEW,	/* TCP: only SYNs were seen; UDP: only one direction */
	WEIR_REDIRECTED_OPEN,
	WEIR_REDIRECTED_ENDING, /* TCP: a FIN or RST was seen; UDP: its port refused it */
	WEIR_REDIRECTED_TRYING, /* as NEW, and a port that refuses it is to be passed over */
};

/* Seconds for which an entry is believed; past them its next packet (TCP: its next SYN) begins a new connection. */
#define WEIR_REDIRECTED_NEW_S 60
#define WEIR_REDIRECTED_OPEN_TCP_S 432000 /* five days */
#define WEIR_REDIRECTED_OPEN_UDP_S 180
#define WEIR_REDIRECTED_DEAD_S	   10 /* a port that refused is not tried for so long */

/* Connections begun, by rule and port; port 0: of the rule, whose turn it is (round-robin). Values are __u64. */
struct weir_port_key {
	__u32 slot;
	__u32 port;
};

static inline __u32 weir_hash_mix(__u32 hash, __u32 word)
{
	word *= 0xcc9e2d51u;
	word = word << 15 | word >> 17;
	hash ^= word * 0x1b873593u;
	hash = hash << 13 | hash >> 19;
	return hash * 5 + 0xe6546b64u;
}

/*
 * `by hash`: which of COUNT ports. The same for the same connection everywhere and always, so that `weir why` can tell it. TRY is 0;
 * more where the port of the try before is dead, so that its connections do not all come to the next one.
 */
static inline __u32 weir_redirected_hash(const struct weir_redirected_key *key, __u32 count, __u32 try)
{
	__u32 hash = try << 16 | (__u32)key->protocol << 8 | key->network;

	hash = weir_hash_mix(hash, key->saddr_hi >> 32);
	hash = weir_hash_mix(hash, key->saddr_hi);
	hash = weir_hash_mix(hash, key->saddr_lo >> 32);
	hash = weir_hash_mix(hash, key->saddr_lo);
	hash = weir_hash_mix(hash, key->daddr_hi >> 32);
	hash = weir_hash_mix(hash, key->daddr_hi);
	hash = weir_hash_mix(hash, key->daddr_lo >> 32);
	hash = weir_hash_mix(hash, key->daddr_lo);
	hash = weir_hash_mix(hash, (__u32)key->sport << 16 | key->dport);
	hash ^= hash >> 16;
	hash *= 0x85ebca6bu;
	hash ^= hash >> 13;
	hash *= 0xc2b2ae35u;
	hash ^= hash >> 16;
	return (__u64)hash * count >> 32;
}

#endif
