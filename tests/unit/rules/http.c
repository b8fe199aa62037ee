// SPDX-License-Identifier: GPL-2.0-only
/* What is compared of a request. That the kernel reads the same is the differential test's to say. */
#include "rules/http.h"

#include "../../tap.h"

static struct http_value value;

/* The method, path or host of a payload; "-": it is not seen. */
static const char *part(enum weir_http_asked asked, const char *payload)
{
	const struct weir_flow flow = { .payload = 1, .payload_length = (uint16_t)strlen(payload) };
	static uint8_t data[8192];
	struct judged_packet packet = { .flow = &flow, .data = data };

	memcpy(data + 1, payload, strlen(payload));
	return http_read(&packet, asked, &value) ? value.bytes : "-";
}

static const char *path_of(const char *target)
{
	char payload[4096];

	snprintf(payload, sizeof(payload), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
	return part(WEIR_HTTP_PATH, payload);
}

TEST(a_path_is_compared_decoded_and_resolved)
{
	static const char *const cases[][2] = {
		{ "/", "/" },
		{ "/private/x", "/private/x" },
		{ "/%70rivate", "/private" },
		{ "/p%72%69vate%2Fx", "/private/x" },
		{ "//private", "/private" },
		{ "/./private/.", "/private/" },
		{ "/public/../private", "/private" },
		{ "/public/%2e%2E/private", "/private" },
		{ "/../../private", "/private" },
		{ "/a/b/..", "/a/" },
		{ "/a/...", "/a/..." },
		{ "/.a/..b", "/.a/..b" },
		{ "/private?x=/public", "/private" },
		{ "/private#x", "/private" },
		{ "/%", "/%" },
		{ "/%7", "/%7" },
		{ "/%zz", "/%zz" },
		{ "/%%41", "/%A" },
		{ "/%2541", "/%41" },
		{ "*", "*" },
		{ "http://example.com/private", "/private" },
		{ "HTTPS://user:secret@example.com:8/private/../x", "/x" },
		{ "http://example.com", "/" },
		{ "http://example.com?x", "/" },
		{ "http://[::1]:80//x", "/x" },
		{ "example.com:443", "-" },
		{ "http:/x", "-" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_TEXT(path_of(cases[i][0]), cases[i][1]);
}

TEST(a_host_is_compared_in_small_letters_and_without_its_port)
{
	static const char *const cases[][2] = {
		{ "GET / HTTP/1.1\r\nHost: Example.COM\r\n\r\n", "example.com" },
		{ "GET / HTTP/1.1\r\nAccept: */*\r\nhOsT:\t example.com:8080 \r\n", "example.com" },
		{ "GET / HTTP/1.1\nHost:example.com.\n", "example.com" },
		{ "GET / HTTP/1.1\r\nHost: [::1]:80\r\n", "[::1]" },
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", "a" },
		{ "GET / HTTP/1.1\r\nX-Host: a\r\nHosts: b\r\n\r\nHost: c\r\n", "-" },
		{ "GET / HTTP/1.1\r\nHost: example.com", "-" },
		{ "GET / HTTP/1.1\r\n", "-" },
		{ "GET http://Absolute.example/x HTTP/1.1\r\nHost: other\r\n", "absolute.example" },
		{ "GET http://name@absolute.example:8/x HTTP/1.1\r\n", "absolute.example" },
		{ "CONNECT example.com:443 HTTP/1.1\r\n", "example.com" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_TEXT(part(WEIR_HTTP_HOST, cases[i][0]), cases[i][1]);
}

TEST(a_method_is_compared_as_it_is_where_a_target_follows)
{
	static const char *const cases[][2] = {
		{ "POST / HTTP/1.1\r\n", "POST" },
		{ "\r\n\r\nget  /", "get" },
		{ "GET\t*", "GET" },
		{ "VERSION-CONTROL /", "VERSION-CONTROL" },
		{ "GET ", "-" },
		{ "GET", "-" },
		{ "GET \"x\"", "-" },
		{ "\x16\x03\x01\x02 /", "-" },
		{ " GET /", "-" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_TEXT(part(WEIR_HTTP_METHOD, cases[i][0]), cases[i][1]);
}

TEST(what_is_cut_off_is_not_seen)
{
	char payload[4096] = "GET /";

	CHECK_TEXT(part(WEIR_HTTP_PATH, "GET /private"), "-");
	CHECK_TEXT(part(WEIR_HTTP_PATH, "GET /private "), "/private");
	CHECK_TEXT(part(WEIR_HTTP_PATH, "GET /private?"), "/private");
	CHECK_TEXT(part(WEIR_HTTP_PATH, "GET /private\n"), "/private");
	CHECK_TEXT(part(WEIR_HTTP_PATH, ""), "-");
	memset(payload + 5, 'a', WEIR_HTTP_REACH - 5);
	strcpy(payload + WEIR_HTTP_REACH, " HTTP/1.1\r\n");
	CHECK_TEXT(part(WEIR_HTTP_PATH, payload), "-");
	strcpy(payload + WEIR_HTTP_REACH - 1, " HTTP/1.1\r\n");
	CHECK(strlen(part(WEIR_HTTP_PATH, payload)) == WEIR_HTTP_REACH - 5);
}

TEST(a_path_that_is_longer_than_what_is_kept_is_resolved_all_the_same)
{
	char target[1024] = "/", *end = target + 1;

	memset(end, 'a', 300);
	strcpy(end + 300, "/b/c/../../../private");
	CHECK_TEXT(path_of(target), "/private");
}

int main(void)
{
	RUN(a_path_is_compared_decoded_and_resolved);
	RUN(a_host_is_compared_in_small_letters_and_without_its_port);
	RUN(a_method_is_compared_as_it_is_where_a_target_follows);
	RUN(what_is_cut_off_is_not_seen);
	RUN(a_path_that_is_longer_than_what_is_kept_is_resolved_all_the_same);
	return tap_end();
}
