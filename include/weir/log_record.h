/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A log line on its way from a program in the kernel (weir/bpf_log.h) to user space: a record in the ring buffer weir_logs, and
 * the global variable weir_log_control by which a reader says what it wants. Numbers are in host byte order.
 */
#ifndef WEIR_LOG_RECORD_H
#define WEIR_LOG_RECORD_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

enum weir_log_value_kind {
	WEIR_LOG_VALUE_UNSIGNED, /* words[0] */
	WEIR_LOG_VALUE_SIGNED,
	WEIR_LOG_VALUE_IP6,  /* 16 bytes as on the wire */
	WEIR_LOG_VALUE_MAC,  /* 6 */
	WEIR_LOG_VALUE_TEXT, /* 16, with NUL */
};

struct weir_log_value {
	__u64 words[2];
	__u8 kind; /* enum weir_log_value_kind */
	__u8 padding[7];
};

/* Behind it: count values, the format and the name of the source file, both with NUL. */
struct weir_log_record {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 line;    /* of the source file */
	__u8 level;    /* 1 error to 5 trace */
	__u8 count;    /* of values */
	__u16 format_length;
};

struct weir_log_control {
	__u32 level;	 /* lines of levels up to this are written; 0: none */
	__u32 rate;	 /* lines a second at most; 0: no limit */
	__u64 second_ns; /* when the second began in which in_second lines were written */
	__u64 in_second;
	__u64 lost;	 /* lines that found the ring buffer full */
	__u64 over_rate; /* lines past the rate */
};

#endif
