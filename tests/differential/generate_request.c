// SPDX-License-Identifier: GPL-2.0-only
/* Payloads that are nearly HTTP requests: parts that mean something to who reads one, put together anyhow, changed and cut. */
#include <string.h>

#include "differential.h"

struct text {
	struct random *random;
	char *to;
	size_t length, space;
};

static void put(struct text *text, const char *part)
{
	size_t length = strlen(part);

	if (length > text->space - text->length)
		length = text->space - text->length;
	memcpy(text->to + text->length, part, length);
	text->length += length;
}

/* One of these, the first of them more often. */
#define put_one(text, ...)                                                                                                       \
	do {                                                                                                                     \
		static const char *const parts[] = { __VA_ARGS__ };                                                              \
		put(text, random_chance((text)->random, 50) ? parts[0] : random_of((text)->random, parts));                      \
	} while (0)

/* Of any length about what is read at once and what is kept. */
static void put_run(struct text *text, char byte, unsigned most)
{
	char run[100] = "";

	memset(run, byte, random_below(text->random, most));
	put(text, run);
}

static void put_path(struct text *text)
{
	static const char *const parts[] = {
		"/",	    "/",	  "private",
		"public",   "private/x",  "a",
		"b",	    ".",	  "..",
		"/./",	    "/../",	  "//",
		"%2e",	    "%2E%2e",	  "%2f",
		"%70",	    "%",	  "%4",
		"%zz",	    "%%41",	  "%00",
		"...",	    "?",	  "#",
		"*",	    "@",	  ":",
		"\x80\xff", "index.html", "/very-long-part-that-goes-on-and-on-and-fills-what-is-kept-of-a-text-before",
		"%2",
	};
	unsigned count = (unsigned)random_below(text->random, 9);

	if (random_chance(text->random, 30)) {
		put_run(text, 'p', 85);
		count = (unsigned)random_below(text->random, 2);
	}
	for (unsigned i = 0; i < count; i++)
		put(text, random_of(text->random, parts));
}

static void put_authority(struct text *text)
{
	unsigned count = 1 + (unsigned)random_below(text->random, 3);

	if (random_chance(text->random, 20)) {
		put_run(text, random_chance(text->random, 50) ? 'h' : 'H', 85);
		count = (unsigned)random_below(text->random, 2);
	}
	for (unsigned i = 0; i < count; i++)
		put_one(text, "www.example.com", "Secret.Example.COM", "secret.example.com.", ":80", ":", "user@", "u:p@",
			"[::1]", "[", "]", "a", ".", "%41", "@", "//",
			"a-host-of-a-name-so-long-that-it-takes-up-all-of-the-bytes-that-are-kept-of");
}

static void put_target(struct text *text)
{
	switch (random_below(text->random, 8)) {
	case 0:
		put_one(text, "http://", "https://", "HTTP://", "x:/", "a:", "http:");
		put_authority(text);
		break;
	case 1:
		put_authority(text);
		break;
	case 2:
		put_one(text, "*", "[", "\"", "\x01", "");
		break;
	default:
		put_one(text, "/private", "/", "/public", "//private", "/%70rivate", "/public/../private");
	}
	put_path(text);
}

static void put_header(struct text *text)
{
	put_one(text, "Host:", "host:", "HOST:", "Hos:", "Host :", "X-Host:", " Host:", "Hostt:", "Accept:", "Cookie:", "Ho", "");
	put_one(text, " ", "", "\t", "  ");
	if (random_chance(text->random, 30))
		put_run(text, random_chance(text->random, 90) ? 'v' : '\n', 100);
	else
		put_authority(text);
	put_one(text, "\r\n", "\n", "\r", " \r\n", "");
}

size_t generate_request(struct random *random, uint8_t *to, size_t space)
{
	struct text text = { .random = random, .to = (char *)to, .space = space };
	unsigned headers = (unsigned)random_below(random, 4);

	put_one(&text, "", "", "", "\r\n", "\n", "\r\n\r\n", " ");
	put_one(&text, "GET", "POST", "DELETE", "get", "G", "", "VERSION-CONTROL", "GE/T", "(", "\x16\x03\x01");
	put_one(&text, " ", " ", " ", "  ", "\t", "", "\r\n");
	put_target(&text);
	put_one(&text, " HTTP/1.1\r\n", "\r\n", " ", "", "\n", "\tHTTP/1.0\r\n");
	for (unsigned i = 0; i < headers; i++)
		put_header(&text);
	put_one(&text, "\r\n", "", "\n");
	if (random_chance(random, 30)) /* what stands behind the head is none of it */
		put_header(&text);
	if (text.length && random_chance(random, 15))
		to[random_below(random, text.length)] = (uint8_t)random_next(random);
	return text.length && random_chance(random, 20) ? random_below(random, text.length) : text.length;
}
