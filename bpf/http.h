/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The request line and the host of an HTTP/1 request whose head begins with this packet's TCP payload: what `http method`, `http
 * path` and `http host` compare (docs/http.md). What is not spelled as nearly all spell it (http_plain.h) is read byte by byte,
 * WEIR_HTTP_REACH of them at most, by a machine whose places are below; lib/rules/http.c reads the same in another way, and the
 * two are compared.
 *
 * All that the machine remembers begins as a value that the verifier does not know (flow->malformed, which is 0 where there is a
 * payload): kernels below 6.7 verify the body of a loop once, with what they know at its beginning.
 */
#ifndef WEIR_BPF_HTTP_H
#define WEIR_BPF_HTTP_H

#include "context.h"
#include "http_plain.h"

#define HTTP_CHUNK 32

enum http_place {
	HTTP_START,	/* empty lines before the request are no part of it */
	HTTP_METHOD,	/* in it */
	HTTP_BLANKS,	/* behind it */
	HTTP_PATH,	/* in the path, from its slash on */
	HTTP_TARGET,	/* in a target that begins otherwise: a scheme, or host and port of CONNECT */
	HTTP_COLON,	/* behind the colon of such a one */
	HTTP_SLASH,	/* behind the first slash of "//" */
	HTTP_AUTHORITY, /* host of an absolute target */
	HTTP_PORT,	/* behind its colon */
	HTTP_SKIP,	/* to the end of the line */
	HTTP_LINE,	/* at the beginning of a header's line */
	HTTP_NAME,	/* in its name, which has been that of "Host" so far */
	HTTP_VALUE,	/* before the value of Host */
	HTTP_HOST,	/* in it */
	HTTP_KNOWN,	/* what was asked for is known */
	HTTP_ABSENT,	/* it is not there */
};

struct http_reading {
	CONTEXT *ctx;
	struct weir_http_text *text;
	__u32 offset, end; /* of the payload in the packet */
	__u8 place, percent, digit, name;
	__u8 bracket, absolute, padding[2];
	__u8 chunk[HTTP_CHUNK];
};

/* The byte before AT; 0 where none is kept. What is compared is what indexes, or the verifier of 6.1 does not know how far it
 * goes. */
static __always_inline __u8 http_byte_before(const struct weir_http_text *text, __u32 at)
{
	__u32 last = at - 1;

	asm volatile("" : "+r"(last));
	return last < WEIR_HTTP_TEXT ? text->bytes[last] : 0;
}

/* The text ends in '/': back to where its last part began. */
static __always_inline void http_drop_part(struct weir_http_text *text)
{
	__u32 at = text->length;

	if (text->lost > 1) { /* all of that part lies behind what is kept */
		text->lost--;
		return;
	}
	if (text->lost) {
		text->lost = 0;
		at = WEIR_HTTP_TEXT;
	} else if (at > 1) {
		at--; /* the slash behind it */
	}
	for (int i = 0; i < WEIR_HTTP_TEXT; i++) {
		if (at == 0 || at > WEIR_HTTP_TEXT || http_byte_before(text, at) == '/')
			break;
		at--;
	}
	text->length = at;
}

static __always_inline void http_put(struct weir_http_text *text, __u32 byte)
{
	__u32 at = text->length;

	asm volatile("" : "+r"(at)); /* what is compared is what indexes, also where two bytes are put one behind the other */
	if (at < WEIR_HTTP_TEXT) {
		text->bytes[at] = byte;
		text->length = at + 1;
	} else {
		text->length = WEIR_HTTP_TEXT + 1;
	}
}

/*
 * One more byte of a path, decoded: "//" is "/", "." and ".." are gone where a part ends. dots: how many a part begins with, as
 * long as it has nothing else; they are written when something else comes. 3: it has. BYTE above 255: the path ends. Global, so
 * that it is verified once.
 */
__weak __noinline int http_path_byte(struct weir_http_text *text, __u32 byte)
{
	__u32 dots;

	if (!text)
		return 0;
	dots = text->dots;
	if (byte == '/' || byte > 255) {
		if (dots == 2)
			http_drop_part(text);
		text->dots = 0;
		if (dots < 3 || byte > 255)
			return 0;
		if (text->length >= WEIR_HTTP_TEXT) {
			text->length = WEIR_HTTP_TEXT + 1;
			text->lost++;
		} else {
			http_put(text, '/');
		}
		return 0;
	}
	if (byte == '.' && dots < 2) {
		text->dots = dots + 1;
		return 0;
	}
	if (dots == 1 || dots == 2)
		http_put(text, '.');
	if (dots == 2)
		http_put(text, '.');
	text->dots = 3;
	http_put(text, byte);
	return 0;
}

static __always_inline bool http_is_alphanumeric(__u32 byte)
{
	return (byte - '0' < 10) || ((byte | 0x20) - 'a' < 26);
}

static __always_inline bool http_is_hex(__u32 byte)
{
	return (byte - '0' < 10) || ((byte | 0x20) - 'a' < 6);
}

static __always_inline __u32 http_digit(__u32 byte)
{
	return byte - '0' < 10 ? byte - '0' : (byte | 0x20) - 'a' + 10;
}

static __always_inline __u32 http_lower(__u32 byte)
{
	return byte - 'A' < 26 ? byte | 0x20 : byte;
}

/* A byte of the path as it stands in the request; three digits of a broken "%xy" stand for themselves. */
static __always_inline void http_read_path(struct http_reading *reading, __u32 byte, bool ends)
{
	struct weir_http_text *text = reading->text;
	__u32 percent = reading->percent, digit = reading->digit;

	reading->percent = 0;
	if (percent == 1 && http_is_hex(byte)) {
		reading->percent = 2;
		reading->digit = byte;
		return;
	}
	if (percent == 2 && http_is_hex(byte)) {
		http_path_byte(text, http_digit(digit) << 4 | http_digit(byte));
		return;
	}
	if (percent)
		http_path_byte(text, '%');
	if (percent == 2)
		http_path_byte(text, digit);
	if (byte == '%' && !ends)
		reading->percent = 1;
	else
		http_path_byte(text, ends ? 256 : byte);
}

/* A byte of a host, in an absolute target or in the header; false where it ends. */
static __always_inline bool http_read_host(struct http_reading *reading, __u32 byte)
{
	if (byte == '[')
		reading->bracket = 1;
	if (byte == ']')
		reading->bracket = 0;
	if (byte == ':' && !reading->bracket)
		return false;
	http_put(reading->text, http_lower(byte));
	return true;
}

static __always_inline void http_forget_host(struct http_reading *reading)
{
	reading->text->length = 0;
	reading->bracket = 0;
}

/* What comes behind the method: 0 or the place where the target is read. */
static __always_inline __u32 http_begin_target(struct http_reading *reading, __u32 byte)
{
	__u32 asked = reading->text->asked;
	bool slash = byte == '/' || byte == '*';

	if (!slash && !http_is_alphanumeric(byte) && byte != '[')
		return HTTP_ABSENT;
	if (asked == WEIR_HTTP_METHOD)
		return HTTP_KNOWN;
	if (slash && asked == WEIR_HTTP_HOST)
		return HTTP_SKIP;
	if (slash) {
		http_read_path(reading, byte, false);
		return HTTP_PATH;
	}
	http_read_host(reading, byte);
	return HTTP_TARGET;
}

/* The authority of an absolute target ends with BYTE. */
static __always_inline __u32 http_end_authority(struct http_reading *reading, __u32 byte)
{
	if (reading->text->asked == WEIR_HTTP_HOST)
		return HTTP_KNOWN;
	if (!reading->absolute) /* "CONNECT host:443" names no path */
		return HTTP_ABSENT;
	http_forget_host(reading);
	http_path_byte(reading->text, '/');
	return byte == '/' ? HTTP_PATH : HTTP_KNOWN;
}

static __always_inline __u32 http_read_authority(struct http_reading *reading, __u32 byte, __u32 place)
{
	if (byte == '@') { /* what came was a name and a password */
		http_forget_host(reading);
		return HTTP_AUTHORITY;
	}
	if (byte == '/' || byte == '?' || byte == '#' || http_ends_target(byte))
		return http_end_authority(reading, byte);
	if (place == HTTP_PORT)
		return HTTP_PORT;
	return http_read_host(reading, byte) ? place : HTTP_PORT;
}

static __always_inline __u32 http_read_header(struct http_reading *reading, __u32 byte, __u32 place)
{
	__u32 at = place == HTTP_LINE ? 0 : reading->name;

	switch (place) {
	case HTTP_LINE:
	case HTTP_NAME:
		if (place == HTTP_LINE && (byte == '\r' || byte == '\n'))
			return HTTP_ABSENT;
		reading->name = at + 1;
		if ((at == 0 && http_lower(byte) == 'h') || (at == 1 && http_lower(byte) == 'o') ||
		    (at == 2 && http_lower(byte) == 's') || (at == 3 && http_lower(byte) == 't'))
			return HTTP_NAME;
		if (at == 4 && byte == ':') {
			http_forget_host(reading);
			return HTTP_VALUE;
		}
		return byte == '\n' ? HTTP_LINE : HTTP_SKIP;
	case HTTP_VALUE:
		if (byte == ' ' || byte == '\t')
			return HTTP_VALUE;
	}
	if (http_ends_target(byte) || !http_read_host(reading, byte))
		return HTTP_KNOWN;
	return HTTP_HOST;
}

static __always_inline __u32 http_read_target(struct http_reading *reading, __u32 byte, __u32 place)
{
	switch (place) {
	case HTTP_PATH:
		if (http_ends_target(byte) || byte == '?' || byte == '#') {
			http_read_path(reading, byte, true);
			return HTTP_KNOWN;
		}
		http_read_path(reading, byte, false);
		return HTTP_PATH;
	case HTTP_TARGET:
		if (byte == ':' && !reading->bracket)
			return HTTP_COLON;
		return http_read_authority(reading, byte, place);
	case HTTP_COLON:
		return byte == '/' ? HTTP_SLASH : http_read_authority(reading, byte, HTTP_PORT);
	case HTTP_SLASH:
		if (byte != '/')
			return HTTP_ABSENT;
		http_forget_host(reading);
		reading->absolute = 1;
		return HTTP_AUTHORITY;
	}
	return http_read_authority(reading, byte, place);
}

/* Where BYTE leads from PLACE. */
static __always_inline __u32 http_step_to(struct http_reading *reading, __u32 byte, __u32 place)
{
	switch (place) {
	case HTTP_START:
		if (byte == '\r' || byte == '\n')
			return HTTP_START;
		/* fall through */
	case HTTP_METHOD:
		if (http_is_token(byte)) {
			if (reading->text->asked == WEIR_HTTP_METHOD)
				http_put(reading->text, byte);
			return HTTP_METHOD;
		}
		return place == HTTP_METHOD && (byte == ' ' || byte == '\t') ? HTTP_BLANKS : HTTP_ABSENT;
	case HTTP_BLANKS:
		return byte == ' ' || byte == '\t' ? HTTP_BLANKS : http_begin_target(reading, byte);
	case HTTP_SKIP:
		return byte == '\n' ? HTTP_LINE : HTTP_SKIP;
	case HTTP_LINE:
	case HTTP_NAME:
	case HTTP_VALUE:
	case HTTP_HOST:
		return http_read_header(reading, byte, place);
	}
	return http_read_target(reading, byte, place);
}

static long http_step(__u32 index, void *data)
{
	struct http_reading *reading = data;
	__u32 at = reading->offset + index, left = reading->end - at, place;

	if (index % HTTP_CHUNK == 0) {
		if (left > HTTP_CHUNK)
			left = HTTP_CHUNK;
		/*
		 * Of no bytes at all the loop is not begun. The mask says so to the verifier of 6.1, which else sees a read of 0.
		 */
		left = ((left - 1) & (HTTP_CHUNK - 1)) + 1;
		if (context_load(reading->ctx, at, reading->chunk, left)) {
			reading->place = HTTP_ABSENT;
			return 1;
		}
	}
	place = http_step_to(reading, reading->chunk[index % HTTP_CHUNK], reading->place);
	reading->place = place;
	return place >= HTTP_KNOWN;
}

static __always_inline bool http_read_bytes(CONTEXT *ctx, struct weir_flow *flow, struct weir_http_text *text)
{
	struct http_reading reading = { .ctx = ctx, .text = text };
	__u32 length, unknown = flow->malformed;

	reading.place = reading.percent = reading.digit = reading.name = reading.bracket = reading.absolute = unknown;
	text->length = text->lost = unknown;
	text->dots = 3 + unknown;
	reading.offset = flow->payload;
	length = flow->payload_length;
	reading.end = reading.offset + length;
	if (length > WEIR_HTTP_REACH)
		length = WEIR_HTTP_REACH;
	bpf_loop(length, http_step, &reading, 0);
	return reading.place == HTTP_KNOWN;
}

/* Is what text->asked names in this packet? 1, and it is in TEXT, or 0. TEXT is zeroed but for asked. */
__weak __noinline int http_text(CONTEXT *ctx, struct weir_flow *flow, struct weir_http_text *text)
{
	int plainly;

	if (!flow || !text || !flow->payload)
		return 0;
	plainly = http_plain(ctx, flow, text);
	if (plainly == HTTP_IS_NONE || (plainly == HTTP_IS_ODD && !http_read_bytes(ctx, flow, text)))
		return 0;
	if (text->asked == WEIR_HTTP_HOST && http_byte_before(text, text->length) == '.')
		text->length--;
	return 1;
}

#endif
