// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program built with Aya and aya-log leaves in its map AYA_LOGS, without Rust: legacy maps in Aya's form, records field by field.
 * There is no licence: Aya's loader says GPL then, which bpf_perf_event_output asks for. With AYA_PERF as aya-log 0.2.1 writes them, into a perf event array; else as 0.3 does.
 */
#include "legacy.h"

#ifdef AYA_PERF
struct aya_map_def SECTION("maps") AYA_LOGS = { BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 0, 0, 0, 0 };
#define FIRST 1
#else
struct aya_map_def SECTION("maps") AYA_LOGS = { BPF_MAP_TYPE_RINGBUF, 0, 0, 131072, 0, 0, 0 };
#define FIRST 0
#endif

#define PUT(kind, text, length)                                                                                                  \
	do {                                                                                                                     \
		const char *from_ = (text);                                                                                      \
		to[at++] = (kind);                                                                                               \
		to[at++] = (length)&255;                                                                                         \
		to[at++] = (length) >> 8;                                                                                        \
		_Pragma("unroll") for (int i_ = 0; i_ < (length); i_++) to[at++] = from_[i_];                                    \
	} while (0)

/* 8: U32 and U16 are 8 and 7; 0 is a display hint, 20 is text, 16 six bytes. */
#define RECORD()                                                                                                                 \
	do {                                                                                                                     \
		PUT(FIRST + 0, "xdp_log", 7);                                                                                    \
		PUT(FIRST + 1, "\3", 1);                                                                                         \
		PUT(FIRST + 2, "xdp_log::m", 10);                                                                                \
		PUT(FIRST + 3, "src/main.rs", 11);                                                                               \
		PUT(FIRST + 4, "\52\0\0\0", 4);                                                                                  \
		PUT(FIRST + 5, "\13\0\0\0", 4);                                                                                  \
		PUT(20, "SRC IP: ", 8);                                                                                          \
		PUT(0, "\4", 1);                                                                                                 \
		PUT(8, (const char *)&address, 4);                                                                               \
		PUT(20, ", SRC PORT: ", 12);                                                                                     \
		PUT(0, "\1", 1);                                                                                                 \
		PUT(7, "\273\1", 2);                                                                                             \
		PUT(20, " mac ", 5);                                                                                             \
		PUT(0, "\5", 1);                                                                                                 \
		PUT(16, "\2\0\0\0\0\12", 6);                                                                                     \
		PUT(20, " i ", 3);                                                                                               \
		PUT(3, "\376\377\377\377", 4);                                                                                   \
	} while (0)

SECTION("xdp")
int logs(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 address;
	int at = 0;

	if (data + 34 > end || data[12] != 8 || data[13] != 0)
		return XDP_PASS;
	address = (__u32)data[26] << 24 | (__u32)data[27] << 16 | (__u32)data[28] << 8 | data[29];
#ifdef AYA_PERF
	char to[160] = {};

	RECORD();
	perf_output(ctx, &AYA_LOGS, BPF_F_CURRENT_CPU, to, sizeof(to));
#else
	char *to = reserve(&AYA_LOGS, 256, 0);

	if (!to)
		return XDP_PASS;
	at = 2;
	RECORD();
	to[0] = at & 255;
	to[1] = at >> 8;
	submit(to, 0);
#endif
	return XDP_PASS;
}

