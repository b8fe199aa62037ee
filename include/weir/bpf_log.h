/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log lines from programs that run in the kernel. The program hands out numbers and addresses as they are; they become text in
 * user space (weir_reader_add_log in weir/weir.h, or `weir load`).
 *
 *	weir_log(ctx, "src {ip4}, port {u16}, action {}", ip->saddr, bpf_ntohs(tcp->sport), action);
 *
 * A {} stands for the next argument, at most eight; {{ and }} are braces. Without a word in it: as the argument's type has it.
 *
 *	word			argument
 *	u8 u16 u32 u64		an integer, cut to that many bits, without a sign
 *	i8 i16 i32 i64		with one
 *	x			an integer, hexadecimal
 *	be16 be32		an integer in network byte order
 *	ip4			an IPv4 address, __be32 in network byte order
 *	ip6			a pointer to struct in6_addr or struct weir_address6
 *	mac			a pointer to six bytes (__u8 *)
 *	s			a pointer to text (char *) that ends in NUL; 15 bytes of it are shown
 *
 * weir_log is of the level info; weir_log_error, _warn, _debug and _trace are of the others. While nobody listens, or not to that
 * level, a call reads one number and goes on. Lines past the rate that the reader asks for are counted, and so are
 * those that find the ring buffer full. Of the files that are linked to one object, one includes this.
 */
#ifndef WEIR_BPF_LOG_H
#define WEIR_BPF_LOG_H

#include <weir/bpf.h>

#ifndef WEIR_LOG_BYTES
#define WEIR_LOG_BYTES (256 * 1024) /* of the ring buffer; a power of two, and of pages */
#endif

/* ---- What both sides share ---- */

#include <weir/log_record.h>

/* ---- The program's side ---- */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, WEIR_LOG_BYTES);
} weir_logs SEC(".maps");

/* Written by who listens: its level is 0 while nobody does. */
volatile struct weir_log_control weir_log_control = { 0 };

struct in6_addr;

static __always_inline void weir_log_put_number_(struct weir_log_value *value, __u8 kind, __u64 number)
{
	value->kind = kind;
	value->words[0] = number;
}

/*
 * BYTES may have any alignment. Where they are a constant structure, clang 14 forgets what was written before them: it is not to
 * know.
 */
static __always_inline void weir_log_put_address6_(struct weir_log_value *value, __u8 kind, const void *bytes)
{
	(void)kind;
	__asm__ volatile("" : "+r"(bytes) : : "memory");
	value->kind = WEIR_LOG_VALUE_IP6;
	__builtin_memcpy(value->words, bytes, 16);
}

static __always_inline void weir_log_put_mac_(struct weir_log_value *value, __u8 kind, const void *bytes)
{
	(void)kind;
	value->kind = WEIR_LOG_VALUE_MAC;
	__builtin_memcpy(value->words, bytes, 6);
}

static __always_inline void weir_log_put_text_(struct weir_log_value *value, __u8 kind, const void *text)
{
	(void)kind;
	value->kind = WEIR_LOG_VALUE_TEXT;
	bpf_probe_read_kernel_str(value->words, sizeof(value->words), text);
}

#define WEIR_LOG_KIND_(argument)                                                                                                 \
	_Generic((argument), char                                                                                                \
		 : WEIR_LOG_VALUE_SIGNED, signed char                                                                            \
		 : WEIR_LOG_VALUE_SIGNED, short                                                                                  \
		 : WEIR_LOG_VALUE_SIGNED, int                                                                                    \
		 : WEIR_LOG_VALUE_SIGNED, long                                                                                   \
		 : WEIR_LOG_VALUE_SIGNED, long long                                                                              \
		 : WEIR_LOG_VALUE_SIGNED, default                                                                                \
		 : WEIR_LOG_VALUE_UNSIGNED)

#define WEIR_LOG_PUT_(index, argument)                                                                                           \
	_Generic((argument),                                                                                                     \
		struct in6_addr *: weir_log_put_address6_,                                                                       \
		const struct in6_addr *: weir_log_put_address6_,                                                                 \
		struct weir_address6 *: weir_log_put_address6_,                                                                  \
		const struct weir_address6 *: weir_log_put_address6_,                                                            \
		__u8 *: weir_log_put_mac_,                                                                                       \
		const __u8 *: weir_log_put_mac_,                                                                                 \
		char *: weir_log_put_text_,                                                                                      \
		const char *: weir_log_put_text_,                                                                                \
		default: weir_log_put_number_)(&weir_line_->values[index], WEIR_LOG_KIND_(argument), (argument));

#define WEIR_LOG_COUNT_(...)					WEIR_LOG_COUNT__(0, ##__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define WEIR_LOG_COUNT__(_, a, b, c, d, e, f, g, h, count, ...) count
#define WEIR_LOG_PASTE_(a, b)					WEIR_LOG_PASTE__(a, b)
#define WEIR_LOG_PASTE__(a, b)					a##b

#define WEIR_LOG_PUTS_0_()
#define WEIR_LOG_PUTS_1_(a)			 WEIR_LOG_PUT_(0, a)
#define WEIR_LOG_PUTS_2_(a, b)			 WEIR_LOG_PUTS_1_(a) WEIR_LOG_PUT_(1, b)
#define WEIR_LOG_PUTS_3_(a, b, c)		 WEIR_LOG_PUTS_2_(a, b) WEIR_LOG_PUT_(2, c)
#define WEIR_LOG_PUTS_4_(a, b, c, d)		 WEIR_LOG_PUTS_3_(a, b, c) WEIR_LOG_PUT_(3, d)
#define WEIR_LOG_PUTS_5_(a, b, c, d, e)		 WEIR_LOG_PUTS_4_(a, b, c, d) WEIR_LOG_PUT_(4, e)
#define WEIR_LOG_PUTS_6_(a, b, c, d, e, f)	 WEIR_LOG_PUTS_5_(a, b, c, d, e) WEIR_LOG_PUT_(5, f)
#define WEIR_LOG_PUTS_7_(a, b, c, d, e, f, g)	 WEIR_LOG_PUTS_6_(a, b, c, d, e, f) WEIR_LOG_PUT_(6, g)
#define WEIR_LOG_PUTS_8_(a, b, c, d, e, f, g, h) WEIR_LOG_PUTS_7_(a, b, c, d, e, f, g) WEIR_LOG_PUT_(7, h)

/* Two processors may both open a second: then a few lines more pass. */
static __always_inline int weir_log_admits_(__u64 now)
{
	__u32 rate = weir_log_control.rate;

	if (!rate)
		return 1;
	if (now - weir_log_control.second_ns >= 1000000000ull) {
		weir_log_control.second_ns = now;
		weir_log_control.in_second = 0;
	}
	if (weir_log_control.in_second >= rate) {
		__sync_fetch_and_add(&weir_log_control.over_rate, 1);
		return 0;
	}
	__sync_fetch_and_add(&weir_log_control.in_second, 1);
	return 1;
}

#define weir_log_at(ctx, log_level, format_text, ...)                                                                            \
	do {                                                                                                                     \
		(void)(ctx);                                                                                                     \
		if ((log_level) <= weir_log_control.level) {                                                                     \
			struct {                                                                                                 \
				struct weir_log_record head;                                                                     \
				struct weir_log_value values[WEIR_LOG_COUNT_(__VA_ARGS__)];                                      \
				char format[sizeof(format_text)], file[sizeof(__FILE_NAME__)];                                   \
			} * weir_line_;                                                                                          \
			__u64 weir_now_ = bpf_ktime_get_ns();                                                                    \
                                                                                                                                 \
			if (weir_log_admits_(weir_now_)) {                                                                       \
				weir_line_ = bpf_ringbuf_reserve(&weir_logs, sizeof(*weir_line_), 0);                            \
				if (weir_line_) {                                                                                \
					weir_line_->head.time_ns = weir_now_;                                                    \
					weir_line_->head.line = __LINE__;                                                        \
					weir_line_->head.level = (log_level);                                                    \
					weir_line_->head.count = WEIR_LOG_COUNT_(__VA_ARGS__);                                   \
					weir_line_->head.format_length = sizeof(format_text);                                    \
					WEIR_LOG_PASTE_(WEIR_LOG_PASTE_(WEIR_LOG_PUTS_, WEIR_LOG_COUNT_(__VA_ARGS__)), _)        \
					(__VA_ARGS__) __builtin_memcpy(weir_line_->format, format_text, sizeof(format_text));    \
					__builtin_memcpy(weir_line_->file, __FILE_NAME__, sizeof(__FILE_NAME__));                \
					bpf_ringbuf_submit(weir_line_, 0);                                                       \
				} else {                                                                                         \
					__sync_fetch_and_add(&weir_log_control.lost, 1);                                         \
				}                                                                                                \
			}                                                                                                        \
		}                                                                                                                \
	} while (0)

#define weir_log_error(ctx, ...) weir_log_at(ctx, 1, __VA_ARGS__)
#define weir_log_warn(ctx, ...)	 weir_log_at(ctx, 2, __VA_ARGS__)
#define weir_log(ctx, ...)	 weir_log_at(ctx, 3, __VA_ARGS__)
#define weir_log_debug(ctx, ...) weir_log_at(ctx, 4, __VA_ARGS__)
#define weir_log_trace(ctx, ...) weir_log_at(ctx, 5, __VA_ARGS__)

#endif
