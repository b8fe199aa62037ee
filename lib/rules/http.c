// SPDX-License-Identifier: GPL-2.0-only
/* The request is cut into its parts first, then each part is made what servers take it for. */
#include "rules/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A stretch of bytes. */
struct part {
	const unsigned char *begin, *end;
};

struct request {
	struct part method, target, rest; /* rest: from the end of the target */
	bool ended;			  /* the target's end is in the packet */
};

static bool is_line_end(int byte)
{
	return byte == '\r' || byte == '\n';
}

static bool is_blank(int byte)
{
	return byte == ' ' || byte == '\t';
}

static bool ends_target(int byte)
{
	return is_line_end(byte) || is_blank(byte);
}

/* RFC 9110's tchar, and bytes that some servers take beside them. */
static bool is_token(int byte)
{
	return byte > ' ' && byte < 0x7f && !strchr("/:@\"(),;<=>?[\\]{}", byte);
}

static bool cut_request(const struct judged_packet *packet, struct request *request)
{
	const unsigned char *at = packet->data + packet->flow->payload, *end = at + packet->flow->payload_length;

	if (!packet->data || !packet->flow->payload)
		return false;
	if (end - at > WEIR_HTTP_REACH)
		end = at + WEIR_HTTP_REACH;
	while (at < end && is_line_end(*at))
		at++;
	request->method.begin = at;
	while (at < end && is_token(*at))
		at++;
	request->method.end = at;
	if (at == request->method.begin || at == end || !is_blank(*at))
		return false;
	while (at < end && is_blank(*at))
		at++;
	if (at == end || !(isalnum(*at) || strchr("/*[", *at)) || !*at)
		return false;
	request->target.begin = at;
	while (at < end && !ends_target(*at))
		at++;
	request->target.end = at;
	request->rest = (struct part){ at, end };
	request->ended = at < end;
	return true;
}

static bool keep(struct part part, struct http_value *value)
{
	value->length = (uint32_t)(part.end - part.begin);
	memcpy(value->bytes, part.begin, value->length);
	value->bytes[value->length] = '\0';
	return true;
}

/* ---- Hosts ---- */

/* Without its port, in small letters, without a dot behind it. */
static bool keep_host(struct part host, struct http_value *value)
{
	bool bracket = false;

	value->length = 0;
	for (const unsigned char *at = host.begin; at < host.end; at++) {
		if (*at == '[')
			bracket = true;
		if (*at == ']')
			bracket = false;
		if (*at == ':' && !bracket)
			break;
		value->bytes[value->length++] = (char)(*at >= 'A' && *at <= 'Z' ? *at + 'a' - 'A' : *at);
	}
	if (value->length && value->length <= WEIR_HTTP_TEXT && value->bytes[value->length - 1] == '.')
		value->length--;
	value->bytes[value->length] = '\0';
	return true;
}

/* A target that does not begin with '/' or '*': "http://host/path", or "host:443". */
struct absolute {
	bool scheme;
	struct part authority;	     /* without name and password */
	const unsigned char *behind; /* what ends it */
};

static bool cut_absolute(const struct request *request, struct absolute *absolute)
{
	const unsigned char *at = request->target.begin, *end = request->rest.end;
	bool bracket = false;

	while (at < request->target.end && (*at != ':' || bracket) && !(*at && strchr("/?#@", *at))) {
		bracket = *at == '[' || (bracket && *at != ']');
		at++;
	}
	absolute->scheme = at < request->target.end && *at == ':' && at + 1 < end && at[1] == '/';
	if (absolute->scheme && (at + 2 >= end || at[2] != '/'))
		return false;
	at = absolute->scheme ? at + 3 : request->target.begin;
	absolute->authority.begin = at;
	while (at < request->target.end && !(*at && strchr("/?#", *at)))
		if (*at++ == '@')
			absolute->authority.begin = at;
	absolute->authority.end = absolute->behind = at;
	return at < end; /* else it may go on in the next packet */
}

static const unsigned char *line_behind(const unsigned char *at, const unsigned char *end)
{
	while (at < end && *at != '\n')
		at++;
	return at < end ? at + 1 : end;
}

/* The value of the first Host of the head. */
static bool read_host_header(struct part rest, struct http_value *value)
{
	for (const unsigned char *line = line_behind(rest.begin, rest.end); line < rest.end; line = line_behind(line, rest.end)) {
		const unsigned char *at = line + 5;
		struct part host;

		if (is_line_end(*line))
			return false;
		if (rest.end - line < 5 || strncasecmp((const char *)line, "host:", 5) != 0)
			continue;
		while (at < rest.end && is_blank(*at))
			at++;
		host.begin = at;
		for (bool bracket = false; at < rest.end && !ends_target(*at) && (*at != ':' || bracket); at++)
			bracket = *at == '[' || (bracket && *at != ']');
		host.end = at;
		return at < rest.end && keep_host(host, value);
	}
	return false;
}

static bool read_host(const struct request *request, struct http_value *value)
{
	struct absolute absolute;

	if (*request->target.begin == '/' || *request->target.begin == '*')
		return read_host_header(request->rest, value);
	return cut_absolute(request, &absolute) && keep_host(absolute.authority, value);
}

/* ---- Paths ---- */

static int digit(int byte)
{
	return byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10;
}

/* "%41" is "A"; a percent sign without two digits is itself. */
static uint32_t decode(struct part path, char *to)
{
	uint32_t length = 0;

	for (const unsigned char *at = path.begin; at < path.end; at++) {
		bool coded = *at == '%' && path.end - at > 2 && isxdigit(at[1]) && isxdigit(at[2]);

		to[length++] = coded ? (char)(digit(at[1]) << 4 | digit(at[2])) : (char)*at;
		at += coded ? 2 : 0;
	}
	return length;
}

/* Back to where the last part of TEXT began. */
static uint32_t without_last(const char *text, uint32_t length)
{
	if (length > 1)
		length--;
	while (length > 0 && text[length - 1] != '/')
		length--;
	return length;
}

/* "/a//b/./c/../d" is "/a/b/d". */
static void resolve(const char *path, uint32_t length, struct http_value *value)
{
	uint32_t at = 0, kept = 0, end;

	for (; at < length; at = end + 1) {
		uint32_t size;

		for (end = at; end < length && path[end] != '/'; end++)
			;
		size = end - at;
		if (size == 2 && path[at] == '.' && path[at + 1] == '.' && at > 0) {
			kept = without_last(value->bytes, kept);
		} else if (size > 0 && !(size == 1 && path[at] == '.' && at > 0)) {
			memcpy(value->bytes + kept, path + at, size);
			kept += size;
			if (end < length)
				value->bytes[kept++] = '/';
		} else if (at == 0 && end < length) {
			value->bytes[kept++] = '/'; /* the first slash */
		}
	}
	value->length = kept;
	value->bytes[kept] = '\0';
}

static bool read_path(const struct request *request, struct http_value *value)
{
	struct part path = request->target;
	struct absolute absolute;
	char decoded[WEIR_HTTP_REACH];

	if (*path.begin != '/' && *path.begin != '*') {
		if (!cut_absolute(request, &absolute) || !absolute.scheme)
			return false;
		path.begin = absolute.behind;
		if (path.begin == path.end || *path.begin != '/') {
			path.begin = path.end = (const unsigned char *)"/";
			path.end++;
			return keep(path, value);
		}
	}
	for (const unsigned char *at = path.begin; at < path.end; at++)
		if (*at == '?' || *at == '#') {
			path.end = at;
			resolve(decoded, decode(path, decoded), value);
			return true;
		}
	resolve(decoded, decode(path, decoded), value);
	return request->ended;
}

/* ---- The whole ---- */

bool http_read(const struct judged_packet *packet, enum weir_http_asked asked, struct http_value *ret_value)
{
	struct request request = { 0 };

	if (!cut_request(packet, &request))
		return false;
	switch (asked) {
	case WEIR_HTTP_METHOD:
		return keep(request.method, ret_value);
	case WEIR_HTTP_PATH:
		return read_path(&request, ret_value);
	default:
		return read_host(&request, ret_value);
	}
}

static bool pattern_fits(const struct http_pattern *pattern, const struct http_value *value)
{
	if (pattern->prefix ? value->length < pattern->length : value->length != pattern->length)
		return false;
	return memcmp(value->bytes, pattern->text, pattern->length) == 0;
}

bool http_holds(const struct predicate *predicate, const struct judged_packet *packet)
{
	struct http_value value;

	if (!http_read(packet, predicate->http.asked, &value))
		return false;
	for (uint32_t i = 0; i < predicate->http.count; i++)
		if (pattern_fits(&predicate->http.patterns[i], &value))
			return !predicate->http.negated;
	return predicate->http.negated;
}
