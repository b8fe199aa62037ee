/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets written as layers, one behind the other:
 *
 *	{ ETH(0x0800), IP4(6), TCP(80) }
 *
 * Lengths and next headers are what one would expect; SET8 and SET16 put another value at an offset of the layer
 * before them, CUT takes bytes off the end, PADDING puts some there, both after the lengths were computed.
 */
#ifndef WEIR_TESTS_FRAME_H
#define WEIR_TESTS_FRAME_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum layer_kind {
	LAYER_END,
	LAYER_ETH,
	LAYER_VLAN,
	LAYER_IP4,
	LAYER_IP6,
	LAYER_EXTENSION,
	LAYER_AH,
	LAYER_FRAGMENT,
	LAYER_ARP,
	LAYER_TCP,
	LAYER_PORTS,
	LAYER_ICMP,
	LAYER_RAW,
	LAYER_SET8,
	LAYER_SET16,
	LAYER_CUT,
	LAYER_PADDING,
};

struct layer {
	enum layer_kind kind;
	unsigned a, b, c;
};

#define ETH(type)                                                                                                                \
	{                                                                                                                        \
		LAYER_ETH, (type), 0, 0                                                                                          \
	}
#define VLAN(tci, type)                                                                                                          \
	{                                                                                                                        \
		LAYER_VLAN, (tci), (type), 0                                                                                     \
	}
#define IP4(protocol)                                                                                                            \
	{                                                                                                                        \
		LAYER_IP4, (protocol), 0, 0                                                                                      \
	}
#define IP4_FRAGMENT(protocol, frag_off)                                                                                         \
	{                                                                                                                        \
		LAYER_IP4, (protocol), (frag_off), 0                                                                             \
	}
#define IP4_OPTIONS(protocol, words)                                                                                             \
	{                                                                                                                        \
		LAYER_IP4, (protocol), 0, (words)                                                                                \
	}
#define IP6(next)                                                                                                                \
	{                                                                                                                        \
		LAYER_IP6, (next), 0, 0                                                                                          \
	}
#define EXTENSION(next, units)                                                                                                   \
	{                                                                                                                        \
		LAYER_EXTENSION, (next), (units), 0                                                                              \
	} /* 8 * (units + 1) bytes */
#define AH(next, words)                                                                                                          \
	{                                                                                                                        \
		LAYER_AH, (next), (words), 0                                                                                     \
	} /* 4 * (words + 2) bytes */
#define FRAGMENT(next, position, more)                                                                                           \
	{                                                                                                                        \
		LAYER_FRAGMENT, (next), (position), (more)                                                                       \
	}
#define ARP(operation)                                                                                                           \
	{                                                                                                                        \
		LAYER_ARP, (operation), 0, 0                                                                                     \
	}
#define TCP(dport)                                                                                                               \
	{                                                                                                                        \
		LAYER_TCP, (dport), 0, 0                                                                                         \
	}
#define TCP_OPTIONS(dport, words)                                                                                                \
	{                                                                                                                        \
		LAYER_TCP, (dport), (words), 0                                                                                   \
	}
#define UDP(dport)                                                                                                               \
	{                                                                                                                        \
		LAYER_PORTS, (dport), 8, 0                                                                                       \
	}
#define SCTP(dport)                                                                                                              \
	{                                                                                                                        \
		LAYER_PORTS, (dport), 12, 0                                                                                      \
	}
#define ICMP(type, code)                                                                                                         \
	{                                                                                                                        \
		LAYER_ICMP, (type), (code), 0                                                                                    \
	}
#define RAW(bytes)                                                                                                               \
	{                                                                                                                        \
		LAYER_RAW, (bytes), 0, 0                                                                                         \
	}
#define SET8(offset, value)                                                                                                      \
	{                                                                                                                        \
		LAYER_SET8, (offset), (value), 0                                                                                 \
	}
#define SET16(offset, value)                                                                                                     \
	{                                                                                                                        \
		LAYER_SET16, (offset), (value), 0                                                                                \
	}
#define CUT(bytes)                                                                                                               \
	{                                                                                                                        \
		LAYER_CUT, (bytes), 0, 0                                                                                         \
	}
#define PADDING(bytes)                                                                                                           \
	{                                                                                                                        \
		LAYER_PADDING, (bytes), 0, 0                                                                                     \
	}

#define FRAME_BYTES 70000

struct frame {
	uint32_t length;
	uint8_t bytes[FRAME_BYTES];
};

static inline void put16(uint8_t *at, unsigned value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* Lay one header down at AT; how many bytes it takes. */
static inline uint32_t layer_write(const struct layer *layer, uint8_t *at)
{
	static const uint8_t macs[] = { 2, 0x11, 0x22, 0x33, 0x44, 0x55, 2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee };
	uint32_t length = 0;

	switch (layer->kind) {
	case LAYER_ETH:
		memcpy(at, macs, sizeof(macs));
		put16(at + 12, layer->a);
		return 14;
	case LAYER_VLAN:
		put16(at, layer->a);
		put16(at + 2, layer->b);
		return 4;
	case LAYER_IP4:
		length = 20 + 4 * layer->c;
		at[0] = 0x40 | length / 4;
		at[1] = 0xb9;
		put16(at + 4, 0x1234);
		put16(at + 6, layer->b);
		at[8] = 63;
		at[9] = layer->a;
		memcpy(at + 12, "\x0a\x01\x02\x03\xc0\xa8\x05\x06", 8);
		memset(at + 20, 1, 4 * layer->c);
		return length;
	case LAYER_IP6:
		memcpy(at, "\x6b\x81\x23\x45", 4);
		at[6] = layer->a;
		at[7] = 61;
		memcpy(at + 8, "\x20\x01\x0d\xb8\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c", 16);
		memcpy(at + 24, "\x20\x01\x0d\xb8\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc", 16);
		return 40;
	case LAYER_EXTENSION:
		length = 8 * (layer->b + 1);
		memset(at, 0, length);
		at[0] = layer->a;
		at[1] = layer->b;
		return length;
	case LAYER_AH:
		length = 4 * (layer->b + 2);
		memset(at, 0, length);
		at[0] = layer->a;
		at[1] = layer->b;
		return length;
	case LAYER_FRAGMENT:
		memset(at, 0, 8);
		at[0] = layer->a;
		put16(at + 2, layer->b << 3 | layer->c);
		return 8;
	case LAYER_ARP:
		memcpy(at, "\x00\x01\x08\x00\x06\x04", 6);
		put16(at + 6, layer->a);
		memcpy(at + 8, macs + 6, 6);
		memcpy(at + 14, "\x0a\x01\x02\x03", 4);
		memset(at + 18, 0, 6);
		memcpy(at + 24, "\xc0\xa8\x05\x06", 4);
		return 28;
	case LAYER_TCP:
		length = 20 + 4 * layer->b;
		memset(at, 1, length);
		put16(at, 0x9c40);
		put16(at + 2, layer->a);
		at[12] = length / 4 << 4;
		at[13] = 0x12;
		return length;
	case LAYER_PORTS:
		memset(at, 0, layer->b);
		put16(at, 0x9c41);
		put16(at + 2, layer->a);
		return layer->b;
	case LAYER_ICMP:
		memset(at, 0, 8);
		at[0] = layer->a;
		at[1] = layer->b;
		return 8;
	case LAYER_RAW:
		memset(at, 0xab, layer->a);
		return layer->a;
	default:
		return 0;
	}
}

/* Patch what SET8 and SET16 behind layer I say. */
static inline void layer_patch(const struct layer *layers, uint32_t i, uint8_t *at)
{
	for (i++; layers[i].kind == LAYER_SET8 || layers[i].kind == LAYER_SET16; i++) {
		if (layers[i].kind == LAYER_SET8)
			at[layers[i].a] = layers[i].b;
		else
			put16(at + layers[i].a, layers[i].b);
	}
}

static inline void frame_build(const struct layer *layers, struct frame *ret_frame)
{
	uint32_t begins[32], count = 0, end, whole;
	uint8_t *bytes = ret_frame->bytes;

	memset(ret_frame, 0, sizeof(*ret_frame));
	for (end = 0; layers[count].kind != LAYER_END; count++) {
		assert(count < 31);
		begins[count] = end;
		end += layer_write(&layers[count], bytes + end);
		assert(end < FRAME_BYTES);
	}
	whole = end;
	for (uint32_t i = 0; i < count; i++) {
		uint8_t *at = bytes + begins[i];

		if (layers[i].kind == LAYER_IP4)
			put16(at + 2, whole - begins[i]);
		else if (layers[i].kind == LAYER_IP6)
			put16(at + 4, whole - begins[i] - 40);
		else if (layers[i].kind == LAYER_CUT)
			end -= layers[i].a;
		else if (layers[i].kind == LAYER_PADDING)
			end += layers[i].a;
		layer_patch(layers, i, at);
	}
	ret_frame->length = end;
}

#endif
