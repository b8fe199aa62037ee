/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests as nearly all clients write them, read eight bytes at a step: a method of at most six letters and one space; a path
 * that stands there in the form in which it is compared (no '%', no "//", no part that begins with a dot); a Host header without
 * brackets. Whatever is spelled otherwise is left to http.h, which reads byte by byte and knows all of it. Of what is read here
 * both read the same.
 *
 * In a word the byte that comes first is the lowest. A mask has the highest bit of each byte that it says yes of.
 */
#ifndef WEIR_BPF_HTTP_PLAIN_H
#define WEIR_BPF_HTTP_PLAIN_H

#include "context.h"

#define HTTP_EACH(byte) (0x0101010101010101ULL * (byte))
#define HTTP_WINDOW	64
#define HTTP_SHORTEST	16 /* bytes of a payload that is looked at here; a request has 18, but for HTTP/0.9 */

enum http_plainly {
	HTTP_IS_NONE, /* no request, or not with what was asked for */
	HTTP_IS_READ, /* it is in the text */
	HTTP_IS_ODD,  /* it has to be read byte by byte */
};

static __always_inline __u64 http_first_lowest(__u64 word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(word);
#else
	return word;
#endif
}

static __always_inline __u64 http_equal(__u64 word, __u8 byte)
{
	word ^= HTTP_EACH(byte);
	return ~(((word & HTTP_EACH(0x7f)) + HTTP_EACH(0x7f)) | word) & HTTP_EACH(0x80);
}

/* LIMIT is at most 0x80. */
static __always_inline __u64 http_below(__u64 word, __u8 limit)
{
	return ~((word | HTTP_EACH(0x80)) - HTTP_EACH(limit)) & ~word & HTTP_EACH(0x80);
}

static __always_inline __u64 http_between(__u64 word, __u8 first, __u8 last)
{
	return http_below(word, last + 1) & ~http_below(word, first);
}

/* The place of the first byte that MASK, which is not 0, says yes of. */
static __always_inline __u32 http_first(__u64 mask)
{
	mask >>= 7;
	return (((mask & -mask) - 1) & HTTP_EACH(1)) * HTTP_EACH(1) >> 56 & 7;
}

static __always_inline __u32 http_byte(__u64 word, __u32 at)
{
	return word >> at * 8 & 0xff;
}

static __always_inline bool http_is_token(__u32 byte)
{
	return byte > ' ' && byte < 0x7f && byte != '/' && byte != ':' && byte != '@' && byte != '"' && byte != '(' &&
	       byte != ')' && byte != ',' && byte != ';' && byte != '<' && byte != '=' && byte != '>' && byte != '?' &&
	       byte != '[' && byte != '\\' && byte != ']' && byte != '{' && byte != '}';
}

static __always_inline bool http_ends_target(__u32 byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The bytes from AT on into the text, as many as it keeps and as there are before END; behind them it stays 0. */
static __always_inline bool http_load_text(CONTEXT *ctx, struct weir_http_text *text, __u32 at, __u32 end)
{
	__u32 last = end - at - 1;

	if (last > WEIR_HTTP_TEXT - 1)
		last = WEIR_HTTP_TEXT - 1;
	/* Or clang takes 1 off and adds it again in one, and the verifier sees a read of no bytes. */
	asm volatile("" : "+r"(last));
	return context_load(ctx, at, text->bytes, last + 1) == 0;
}

/* TEXT begins with the path's slash: where does the path end? */
static __always_inline int http_plain_path(struct weir_http_text *text)
{
	__u64 carry = 0;

	for (__u32 i = 0; i < WEIR_HTTP_TEXT / 8; i++) {
		__u64 word = http_first_lowest(text->words[i]);
		__u64 dots = http_equal(word & HTTP_EACH(0xfe), '.'); /* and slashes, the next character */
		__u64 slashes = dots & word << 7;
		/* All that ends a path is below '&' but for '?', and nothing else there is frequent. */
		__u64 odd = http_below(word, '&') | http_equal(word, '?') | (dots & (slashes << 8 | carry));

		if (odd) {
			__u32 at = http_first(odd), byte = http_byte(word, at);

			if (!http_ends_target(byte) && byte != '?' && byte != '#')
				return HTTP_IS_ODD;
			text->length = i * 8 + at;
			return HTTP_IS_READ;
		}
		carry = slashes >> 56;
	}
	return HTTP_IS_ODD;
}

/* TEXT begins with the host: it is made small, up to where it ends. */
static __always_inline int http_plain_host(struct weir_http_text *text)
{
	for (__u32 i = 0; i < WEIR_HTTP_TEXT / 8; i++) {
		__u64 word = http_first_lowest(text->words[i]);
		__u64 odd = http_below(word, '-') | http_equal(word, ':') | http_equal(word, '[');

		text->words[i] = http_first_lowest(word | http_between(word, 'A', 'Z') >> 2);
		if (odd) {
			__u32 at = http_first(odd), byte = http_byte(word, at), length = i * 8 + at;

			if ((!http_ends_target(byte) && byte != ':') || length == 0)
				return HTTP_IS_ODD;
			text->length = length;
			return HTTP_IS_READ;
		}
	}
	return HTTP_IS_ODD;
}

/*
 * What is looked for in the lines of a head. Nothing in it begins as a value that the verifier knows, as in http.h; and how far
 * reading has come is in the text, since what it loads from there has no bounds that would grow with each line.
 */
struct http_lines {
	CONTEXT *ctx;
	struct weir_http_text *text;
	__u32 end;   /* of the payload in the packet */
	__u8 begins; /* a line does at text->at */
	__u8 found;  /* 0: nothing yet; else enum http_plainly + 1, and with HTTP_IS_READ text->at is behind "Host:" */
	__u8 padding[2];
	__u64 window[HTTP_WINDOW / 8];
};

/* To where the next line begins, or to the window's end. */
static long http_line(__u32 index __attribute__((unused)), void *data)
{
	struct http_lines *lines = data;
	__u32 at = lines->text->at, left = lines->end - at;
	__u64 word;

	if (left == 0 || left > WEIR_HTTP_REACH) { /* there is no Host, or not in this packet */
		lines->found = HTTP_IS_NONE + 1;
		return 1;
	}
	if (left > HTTP_WINDOW)
		left = HTTP_WINDOW;
	left = ((left - 1) & (HTTP_WINDOW - 1)) + 1; /* as in http_step */
	if (context_load(lines->ctx, at, lines->window, left)) {
		lines->found = HTTP_IS_NONE + 1;
		return 1;
	}
	word = http_first_lowest(lines->window[0]);
	if (lines->begins) {
		__u32 first = http_byte(word, 0);

		if (first == '\r' || first == '\n' || left < 8) {
			lines->found = (left < 8 ? HTTP_IS_ODD : HTTP_IS_NONE) + 1;
			return 1;
		}
		if ((word & 0xffdfdfdfdfULL) == 0x3a54534f48ULL) { /* "HOST:", small or not */
			lines->text->at = at + 5 + (http_byte(word, 5) == ' ');
			lines->found = HTTP_IS_READ + 1;
			return 1;
		}
	}
	for (__u32 i = 0; i < HTTP_WINDOW / 8; i++) {
		__u64 ends = http_equal(http_first_lowest(lines->window[i]), '\n');

		if (ends) { /* what lies behind LEFT is older: at then comes to lie behind the end */
			lines->text->at = at + i * 8 + http_first(ends) + 1;
			lines->begins = 1;
			return 0;
		}
	}
	lines->text->at = at + HTTP_WINDOW;
	lines->begins = 0;
	return 0;
}

static __always_inline int http_plain_header(CONTEXT *ctx, struct weir_flow *flow, struct weir_http_text *text, __u32 at,
					     __u32 end)
{
	struct http_lines lines = { .ctx = ctx, .text = text, .end = end };

	text->at = at;
	lines.begins = lines.found = flow->malformed;
	bpf_loop(WEIR_HTTP_REACH / 2, http_line, &lines, 0);
	if (lines.found != HTTP_IS_READ + 1)
		return lines.found == HTTP_IS_ODD + 1 ? HTTP_IS_ODD : HTTP_IS_NONE;
	if (!http_load_text(ctx, text, text->at, end))
		return HTTP_IS_ODD;
	return http_plain_host(text);
}

/* As http_text(): enum http_plainly. Global, so that its stack is not that of the other's. */
__weak __noinline int http_plain(CONTEXT *ctx, struct weir_flow *flow, struct weir_http_text *text)
{
	__u32 length, at, end, target;
	__u64 word, spaces, letters, before;

	if (!flow || !text)
		return HTTP_IS_NONE;
	at = flow->payload;
	length = flow->payload_length;
	if (length < HTTP_SHORTEST)
		return HTTP_IS_ODD;
	if (length > WEIR_HTTP_REACH)
		length = WEIR_HTTP_REACH;
	end = at + length;
	if (context_load(ctx, at, &word, sizeof(word)))
		return HTTP_IS_NONE;
	word = http_first_lowest(word);
	spaces = http_equal(word, ' ');
	length = http_first(spaces);
	before = (1ULL << length * 8) - 1;
	letters = http_between(word | HTTP_EACH(0x20), 'a', 'z');
	if (!spaces || length == 0 || length > 6 || (~letters & before & HTTP_EACH(0x80))) {
		target = http_byte(word, 0);
		return http_is_token(target) || target == '\r' || target == '\n' ? HTTP_IS_ODD : HTTP_IS_NONE;
	}
	at += length + 1;
	target = http_byte(word, length + 1);
	if (target != '/')
		return HTTP_IS_ODD;
	if (text->asked == WEIR_HTTP_METHOD) {
		text->words[0] = http_first_lowest(word & before);
		text->length = length;
		return HTTP_IS_READ;
	}
	if (text->asked == WEIR_HTTP_HOST)
		return http_plain_header(ctx, flow, text, at, end);
	if (!http_load_text(ctx, text, at, end))
		return HTTP_IS_ODD;
	return http_plain_path(text);
}

#endif
