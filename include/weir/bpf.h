/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For programs that run in the kernel: packet headers, and a cursor that cannot leave the packet. Needs libbpf's headers alone,
 * and takes the types of the kernel's own headers, or of a vmlinux.h or what `weir types` printed, included before.
 *
 *	struct weir_cursor at = weir_cursor_of(ctx);
 *	__be16 type;
 *	struct weir_ipv4 *ip;
 *
 *	if (!weir_take_ethernet(&at, &type) || type != bpf_htons(WEIR_ETHERTYPE_IPV4))
 *		return XDP_PASS;
 *	ip = weir_take_ipv4(&at);
 *	if (!ip)
 *		return XDP_DROP;
 *
 * Each weir_take_ gives the header and moves the cursor behind it, or gives NULL, where the packet ends before it, or it is not
 * what it should be, and leaves the cursor. Members are as on the wire: numbers in network byte order (__be16, __be32).
 *
 *	clang -O2 -g -target bpf -idirafter /usr/include/$(cc -print-multiarch) -c hello.bpf.c -o hello.bpf.o
 */
#ifndef WEIR_BPF_H
#define WEIR_BPF_H

#ifndef __VMLINUX_H__
#include <linux/bpf.h>
#include <linux/types.h>
#endif
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* What <linux/pkt_cls.h> has and vmlinux.h has not. */
#ifndef TC_ACT_OK
#define TC_ACT_UNSPEC	  (-1)
#define TC_ACT_OK	  0
#define TC_ACT_RECLASSIFY 1
#define TC_ACT_SHOT	  2
#define TC_ACT_PIPE	  3
#endif

#define WEIR_ETHERTYPE_IPV4 0x0800
#define WEIR_ETHERTYPE_ARP  0x0806
#define WEIR_ETHERTYPE_IPV6 0x86dd

#define WEIR_PROTOCOL_ICMP   1
#define WEIR_PROTOCOL_TCP    6
#define WEIR_PROTOCOL_UDP    17
#define WEIR_PROTOCOL_ICMPV6 58

/* Tags, and extension headers, that are seen through. */
#define WEIR_CURSOR_VLAN_TAGS  2
#define WEIR_CURSOR_EXTENSIONS 6

struct weir_ethernet {
	__u8 daddr[6], saddr[6];
	__be16 type;
} __attribute__((packed));

struct weir_vlan {
	__be16 tag; /* priority and id */
	__be16 type;
} __attribute__((packed));

struct weir_arp {
	__be16 hardware, protocol;
	__u8 hardware_length, protocol_length;
	__be16 operation; /* 1 request, 2 reply */
	__u8 sender[6];
	__be32 sender_address;
	__u8 target[6];
	__be32 target_address;
} __attribute__((packed));

struct weir_ipv4 {
	__u8 version_length; /* version << 4 | length of the header in units of 4 bytes */
	__u8 tos;
	__be16 length, id, fragment;
	__u8 ttl, protocol;
	__be16 checksum;
	__be32 saddr, daddr;
} __attribute__((packed));

struct weir_address6 {
	__u8 bytes[16];
};

struct weir_ipv6 {
	__be32 version_class_label;
	__be16 length;
	__u8 next, hop_limit;
	struct weir_address6 saddr, daddr;
} __attribute__((packed));

struct weir_tcp {
	__be16 sport, dport;
	__be32 sequence, acknowledgement;
	__u8 offset, flags; /* FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32 */
	__be16 window, checksum, urgent;
} __attribute__((packed));

struct weir_udp {
	__be16 sport, dport, length, checksum;
} __attribute__((packed));

struct weir_icmp {
	__u8 type, code;
	__be16 checksum, id, sequence;
} __attribute__((packed));

struct weir_cursor {
	void *at, *end;
};

/*
 * A ring buffer of BYTES (a power of two, and of pages) whose losses are counted: weir_reader_lost tells of those of each map
 * NAME that has a variable NAME_lost beside it.
 *
 *	WEIR_RING(events, 65536);
 *	struct event *event = weir_reserve(events, struct event);
 *
 *	if (event) {
 *		event->... = ...;
 *		bpf_ringbuf_submit(event, 0);
 *	}
 */
#define WEIR_RING(name, bytes)                                                                                                   \
	struct {                                                                                                                 \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                                                                              \
		__uint(max_entries, bytes);                                                                                      \
	} name SEC(".maps");                                                                                                     \
	volatile __u64 name##_lost = 0

/* Room for a record of that type; NULL, and counted: the buffer is full. */
#define weir_reserve(ring, type)                                                                                                 \
	({                                                                                                                       \
		type *record_ = bpf_ringbuf_reserve(&(ring), sizeof(type), 0);                                                   \
		if (!record_)                                                                                                    \
			__sync_fetch_and_add(&ring##_lost, 1);                                                                   \
		record_;                                                                                                         \
	})

/* At the first byte: an Ethernet header at XDP and tc, an IP header at cgroups. CTX: struct xdp_md * or struct __sk_buff *. */
#define weir_cursor_of(ctx) ((struct weir_cursor){ .at = (void *)(long)(ctx)->data, .end = (void *)(long)(ctx)->data_end })

/* The same where headers may lie outside of what a __sk_buff has in one piece (tc): LENGTH bytes, if there are as many, are
 * pulled in. */
static __always_inline struct weir_cursor weir_cursor_pull(struct __sk_buff *skb, __u32 length)
{
	if (skb->data + length > skb->data_end)
		bpf_skb_pull_data(skb, length < skb->len ? length : skb->len);
	return weir_cursor_of(skb);
}

static __always_inline void *weir_take_bytes(struct weir_cursor *cursor, __u32 length)
{
	void *found = cursor->at;

	if (found + length > cursor->end)
		return NULL;
	cursor->at = found + length;
	return found;
}

/* weir_take(&cursor, struct weir_tcp): any header of a fixed size. */
#define weir_take(cursor, type) ((type *)weir_take_bytes((cursor), sizeof(type)))

/* The Ethernet header and its VLAN tags; *RET_TYPE is the type of what follows, in network byte order. */
static __always_inline struct weir_ethernet *weir_take_ethernet(struct weir_cursor *cursor, __be16 *ret_type)
{
	struct weir_cursor inner = *cursor;
	struct weir_ethernet *ethernet = weir_take(&inner, struct weir_ethernet);
	__be16 type;

	/* Set in any case: the compiler may look at it before it has looked at what this gives, and the verifier sees that. */
	*ret_type = 0;
	if (!ethernet)
		return NULL;
	type = ethernet->type;
#pragma unroll
	for (int i = 0; i < WEIR_CURSOR_VLAN_TAGS; i++) {
		struct weir_vlan *vlan;

		if (type != bpf_htons(0x8100) && type != bpf_htons(0x88a8))
			break;
		vlan = weir_take(&inner, struct weir_vlan);
		if (!vlan)
			return NULL;
		type = vlan->type;
	}
	*cursor = inner;
	*ret_type = type;
	return ethernet;
}

/* The IPv4 header with its options. Only a fragment at offset 0 has ports behind it: see weir_ipv4_is_first. */
static __always_inline struct weir_ipv4 *weir_take_ipv4(struct weir_cursor *cursor)
{
	struct weir_cursor inner = *cursor;
	struct weir_ipv4 *ip = weir_take(&inner, struct weir_ipv4);
	__u32 length;

	if (!ip || ip->version_length >> 4 != 4)
		return NULL;
	length = (ip->version_length & 15) * 4;
	if (length < sizeof(*ip) || (void *)ip + length > cursor->end)
		return NULL;
	cursor->at = (void *)ip + length;
	return ip;
}

static __always_inline int weir_ipv4_is_first(const struct weir_ipv4 *ip)
{
	return !(ip->fragment & bpf_htons(0x1fff));
}

/*
 * The IPv6 header with the extension headers behind it; *RET_PROTOCOL is what follows, or 59 (nothing) where that lies in another
 * fragment. NULL also behind more extension headers than WEIR_CURSOR_EXTENSIONS.
 */
static __always_inline struct weir_ipv6 *weir_take_ipv6(struct weir_cursor *cursor, __u8 *ret_protocol)
{
	struct weir_cursor inner = *cursor;
	struct weir_ipv6 *ip = weir_take(&inner, struct weir_ipv6);
	__u8 next;

	*ret_protocol = 59;
	if (!ip || (ip->version_class_label & bpf_htonl(0xf0000000)) != bpf_htonl(0x60000000))
		return NULL;
	next = ip->next;
#pragma unroll
	for (int i = 0; i <= WEIR_CURSOR_EXTENSIONS; i++) {
		__u8 *extension;
		__u32 length;

		if (next != 0 && next != 43 && next != 44 && next != 51 && next != 60) {
			*cursor = inner;
			*ret_protocol = next;
			return ip;
		}
		extension = weir_take_bytes(&inner, 8);
		if (!extension || i == WEIR_CURSOR_EXTENSIONS)
			return NULL;
		/* A later fragment: nothing of the transport header is here. */
		if (next == 44 && (extension[2] | (extension[3] & 0xf8))) {
			*cursor = inner;
			*ret_protocol = 59;
			return ip;
		}
		length = next == 44 ? 8 : next == 51 ? (extension[1] + 2u) * 4 : (extension[1] + 1u) * 8;
		next = extension[0];
		if ((void *)extension + length > inner.end)
			return NULL;
		inner.at = (void *)extension + length;
	}
	return NULL;
}

#endif
