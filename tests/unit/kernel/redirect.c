// SPDX-License-Identifier: GPL-2.0-only
/*
 * dnat and its way back, packet by packet with BPF_PROG_TEST_RUN: which bytes change, and that each checksum is right (or as wrong)
 * as before. Sockets are for the system test.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "compile.h"
#include "host/host.h"
#include "kernel/load.h"
#include "../../tap.h"

#define TCP 6
#define UDP 17
#define CLIENT_PORT 40000

static struct diagnostics diagnostics;
static struct loaded_chain in = { .program_fd = -1, .counters_fd = -1 }, out = { .program_fd = -1, .counters_fd = -1 };
static struct kernel_connections connections;

/* ---- Packets ---- */

struct frame {
	uint8_t bytes[256];
	uint32_t length;
};

static uint32_t sum_bytes(const uint8_t *bytes, uint32_t length, uint32_t sum)
{
	for (uint32_t i = 0; i + 1 < length; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (length & 1)
		sum += (uint32_t)bytes[length - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t header_at(const struct frame *frame)
{
	return frame->bytes[14] >> 4 == 4 ? 34 : 54;
}

/* 0xffff where the checksum over pseudo header and payload is right. ICMP of IPv4 has no pseudo header. */
static uint16_t transport_sum(const struct frame *frame, unsigned protocol)
{
	uint32_t at = header_at(frame), length = frame->length - at, sum = 0;

	if (protocol != 1) {
		sum = sum_bytes(frame->bytes + (at == 34 ? 26 : 22), at == 34 ? 8 : 32, 0) + length + protocol;
	}
	return fold(sum_bytes(frame->bytes + at, length, sum));
}

static uint32_t check_at(const struct frame *frame, unsigned protocol)
{
	return header_at(frame) + (protocol == TCP ? 16 : protocol == UDP ? 6 : 2);
}

static void put_check(struct frame *frame, unsigned protocol)
{
	uint8_t *check = frame->bytes + check_at(frame, protocol);

	put16(check, 0);
	put16(check, (uint16_t)~transport_sum(frame, protocol));
}

/* An IP header at AT with PAYLOAD bytes behind it; from the client to the server, or back. */
static uint32_t put_ip(uint8_t *at, bool ipv6, unsigned protocol, uint32_t payload, bool back)
{
	memset(at, 0, ipv6 ? 40 : 20);
	if (ipv6) {
		at[0] = 0x60;
		put16(at + 4, payload);
		at[6] = (uint8_t)protocol;
		at[7] = 64;
		memcpy(at + (back ? 24 : 8), "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09", 16);
		memcpy(at + (back ? 8 : 24), "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
		return 40;
	}
	at[0] = 0x45;
	put16(at + 2, 20 + payload);
	at[8] = 64;
	at[9] = (uint8_t)protocol;
	memcpy(at + (back ? 16 : 12), "\xc0\x00\x02\x09", 4);
	memcpy(at + (back ? 12 : 16), "\xc6\x33\x64\x02", 4);
	put16(at + 10, (uint16_t)~fold(sum_bytes(at, 20, 0)));
	return 20;
}

static uint32_t put_transport(uint8_t *at, unsigned protocol, uint16_t sport, uint16_t dport, uint8_t flags, uint32_t data)
{
	uint32_t header = protocol == TCP ? 20 : 8;

	memset(at, 0, header);
	put16(at, sport);
	put16(at + 2, dport);
	if (protocol == TCP) {
		at[12] = 0x50;
		at[13] = flags;
	} else {
		put16(at + 4, 8 + data);
	}
	for (uint32_t i = 0; i < data; i++)
		at[header + i] = (uint8_t)(i * 7 + 1);
	return header + data;
}

/* A packet with 33 bytes of data and right checksums. */
static struct frame packet(bool ipv6, unsigned protocol, uint16_t sport, uint16_t dport, uint8_t flags, bool back)
{
	struct frame frame = { 0 };
	uint32_t at = 14;

	put16(frame.bytes + 12, ipv6 ? 0x86dd : 0x0800);
	at += put_ip(frame.bytes + at, ipv6, protocol, (protocol == TCP ? 20 : 8) + 33, back);
	at += put_transport(frame.bytes + at, protocol, sport, dport, flags, 33);
	frame.length = at;
	put_check(&frame, protocol);
	return frame;
}

/* "Port unreachable" about a packet with these ports; the quotation goes QUOTES_BACK, the error the other way. */
static struct frame icmp_error(bool ipv6, unsigned protocol, uint16_t sport, uint16_t dport, bool quotes_back)
{
	struct frame frame = { 0 };
	uint32_t at = 14, inner = ipv6 ? 40 : 20;

	put16(frame.bytes + 12, ipv6 ? 0x86dd : 0x0800);
	at += put_ip(frame.bytes + at, ipv6, ipv6 ? 58 : 1, 8 + inner + 8, !quotes_back);
	frame.bytes[at] = ipv6 ? 1 : 3;
	frame.bytes[at + 1] = ipv6 ? 4 : 3;
	at += 8;
	at += put_ip(frame.bytes + at, ipv6, protocol, 41, quotes_back);
	put16(frame.bytes + at, sport);
	put16(frame.bytes + at + 2, dport);
	frame.length = at + 8;
	put_check(&frame, ipv6 ? 58 : 1);
	return frame;
}

static struct frame run(const struct loaded_chain *chain, const struct frame *frame, int wanted)
{
	struct frame after = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes, .data_size_in = frame->length, .data_out = after.bytes,
		    .data_size_out = sizeof(after.bytes), .repeat = 1);
	int error = bpf_prog_test_run_opts(chain->program_fd, &options);

	CHECK_NUMBER(error, 0);
	CHECK_NUMBER((int)options.retval, wanted);
	after.length = options.data_size_out;
	return after;
}

#define GOES_ON (-1)
#define DROPPED 2

/* How many bytes differ outside of the four of the ports and the two of the checksum. */
static unsigned others_changed(const struct frame *a, const struct frame *b, unsigned protocol)
{
	uint32_t ports = header_at(a), check = check_at(a, protocol);
	unsigned changed = a->length != b->length;

	for (uint32_t i = 0; i < a->length; i++)
		if (a->bytes[i] != b->bytes[i] && !(i >= ports && i < ports + 4) && i != check && i != check + 1)
			changed++;
	return changed;
}

/* ---- Programs ---- */

static bool load_policy(const char *rules)
{
	static struct arena *arena;
	const struct compiled *compiled;
	struct source *source;

	arena_free(arena);
	arena = arena_new();
	diagnostics_init(&diagnostics, arena);
	source = arena_new_object(arena, struct source);
	source->name = "redirect.weir";
	source->text = arena_printf(arena, "chain web {\nhook tc ingress on lo\n%s\n}\n", rules);
	source->length = strlen(source->text);
	compiled = compile(arena, host_system(), source, "redirect", &(struct code_options){ 0 }, &diagnostics);
	loaded_chain_close(&in);
	loaded_chain_close(&out);
	if (connections.table_fd > 0)
		close(connections.table_fd), close(connections.ports_fd);
	connections = (struct kernel_connections){ 0 };
	if (compiled && kernel_connections_create(4096, kernel_ports_needed(compiled->chains[0].rules), &connections) == 0) {
		struct load_request request = {
			.code = compiled->chains[0].code, .counters_fd = -1, .events_fd = -1, .owners_fd = -1,
			.connections = &connections
		};

		connections.first_reply = compiled->policy->chains[0].first_reply;
		connections.last_reply = compiled->policy->chains[0].last_reply;
		if (kernel_load(&request, &in, &diagnostics) == 0) {
			request.code = compiled->chains[1].code;
			if (kernel_load(&request, &out, &diagnostics) == 0)
				return true;
		}
	}
	diagnostics_print(&diagnostics, stdout, false);
	return false;
}

static const bool families[] = { false, true };
static const unsigned protocols[] = { TCP, UDP };

TEST(a_packet_in_gets_a_port_of_the_range_and_its_reply_the_old_one_back)
{
	CHECK(load_policy("tcp dport 80 dnat to :8080-8087\nudp dport 80 dnat to :8080-8087"));
	for (int f = 0; f < 2; f++)
		for (int p = 0; p < 2; p++) {
			struct frame sent = packet(families[f], protocols[p], CLIENT_PORT, 80, 2, false), got, reply;
			uint16_t port;

			got = run(&in, &sent, GOES_ON);
			port = get16(got.bytes + header_at(&got) + 2);
			CHECK(port >= 8080 && port <= 8087);
			CHECK_NUMBER(get16(got.bytes + header_at(&got)), CLIENT_PORT);
			CHECK_NUMBER(transport_sum(&got, protocols[p]), 0xffff);
			CHECK_NUMBER(others_changed(&sent, &got, protocols[p]), 0);

			sent = packet(families[f], protocols[p], CLIENT_PORT, 80, 16, false);
			got = run(&in, &sent, GOES_ON);
			CHECK_NUMBER(get16(got.bytes + header_at(&got) + 2), port);

			reply = packet(families[f], protocols[p], port, CLIENT_PORT, 18, true);
			got = run(&out, &reply, GOES_ON);
			CHECK_NUMBER(get16(got.bytes + header_at(&got)), 80);
			CHECK_NUMBER(get16(got.bytes + header_at(&got) + 2), CLIENT_PORT);
			CHECK_NUMBER(transport_sum(&got, protocols[p]), 0xffff);
			CHECK_NUMBER(others_changed(&reply, &got, protocols[p]), 0);
		}
}

TEST(the_port_is_the_one_that_the_hash_names)
{
	CHECK(load_policy("tcp dport 80 dnat to :8080-8087"));
	for (uint16_t sport = 1024; sport < 1224; sport++) {
		struct frame sent = packet(true, TCP, sport, 80, 2, false), got = run(&in, &sent, GOES_ON);
		struct weir_redirected_key key = { .saddr_hi = 0x20010db800000000, .saddr_lo = 9,
						   .daddr_hi = 0x20010db800000000, .daddr_lo = 2,
						   .sport = sport, .dport = 80, .protocol = TCP, .network = WEIR_NETWORK_IPV6 };

		CHECK_NUMBER(get16(got.bytes + header_at(&got) + 2), 8080 + weir_redirected_hash(&key, 8, 0));
	}
}

TEST(a_wrong_checksum_stays_wrong_and_none_stays_none)
{
	struct frame sent = packet(false, TCP, CLIENT_PORT, 80, 2, false), got;

	CHECK(load_policy("tcp dport 80 dnat to :8080\nudp dport 80 dnat to :8080"));
	sent.bytes[check_at(&sent, TCP)] ^= 0x55;
	got = run(&in, &sent, GOES_ON);
	CHECK_NUMBER(get16(got.bytes + header_at(&got) + 2), 8080);
	CHECK(transport_sum(&got, TCP) != 0xffff);

	sent = packet(false, UDP, CLIENT_PORT, 80, 0, false);
	put16(sent.bytes + check_at(&sent, UDP), 0);
	got = run(&in, &sent, GOES_ON);
	CHECK_NUMBER(get16(got.bytes + header_at(&got) + 2), 8080);
	CHECK_NUMBER(get16(got.bytes + check_at(&got, UDP)), 0);
}

TEST(of_fragments_only_the_first_is_changed)
{
	struct frame sent = packet(false, UDP, CLIENT_PORT, 80, 0, false), got;

	CHECK(load_policy("udp dport 80 dnat to :8080\nudp dnat to :9"));
	put16(sent.bytes + 20, 0x2000);
	got = run(&in, &sent, GOES_ON);
	CHECK_NUMBER(get16(got.bytes + header_at(&got) + 2), 8080);
	put16(sent.bytes + 20, 100);
	got = run(&in, &sent, GOES_ON);
	CHECK(memcmp(got.bytes, sent.bytes, sent.length) == 0);
}

TEST(an_icmp_error_names_the_port_that_its_reader_knows)
{
	CHECK(load_policy("meta l4proto { tcp, udp } th dport 80 dnat to :8080"));
	for (int f = 0; f < 2; f++)
		for (int p = 0; p < 2; p++) {
			unsigned icmp = families[f] ? 58 : 1;
			struct frame sent = packet(families[f], protocols[p], CLIENT_PORT, 80, 2, false), got;
			uint32_t inner;

			run(&in, &sent, GOES_ON);
			/* about the packet in, going out to the client */
			sent = icmp_error(families[f], protocols[p], CLIENT_PORT, 8080, false);
			got = run(&out, &sent, GOES_ON);
			inner = sent.length - 8;
			CHECK_NUMBER(get16(got.bytes + inner), CLIENT_PORT);
			CHECK_NUMBER(get16(got.bytes + inner + 2), 80);
			CHECK_NUMBER(transport_sum(&got, icmp), 0xffff);
			/* about the reply, coming in to the server */
			sent = icmp_error(families[f], protocols[p], 80, CLIENT_PORT, true);
			got = run(&in, &sent, GOES_ON);
			CHECK_NUMBER(get16(got.bytes + inner), 8080);
			CHECK_NUMBER(get16(got.bytes + inner + 2), CLIENT_PORT);
			CHECK_NUMBER(transport_sum(&got, icmp), 0xffff);
			/* about somebody else's */
			sent = icmp_error(families[f], protocols[p], 81, CLIENT_PORT, true);
			got = run(&in, &sent, GOES_ON);
			CHECK(memcmp(got.bytes, sent.bytes, sent.length) == 0);
		}
}

TEST(what_is_not_of_a_connection_goes_out_as_it_is)
{
	struct frame sent = packet(false, TCP, 8080, CLIENT_PORT, 18, true), got;

	CHECK(load_policy("tcp dport 80 dnat to :8080"));
	got = run(&out, &sent, GOES_ON);
	CHECK(memcmp(got.bytes, sent.bytes, sent.length) == 0);
	sent.length = 40; /* malformed: it only looks on */
	got = run(&out, &sent, GOES_ON);
	CHECK(memcmp(got.bytes, sent.bytes, sent.length) == 0);
}

TEST(two_connections_of_one_client_port_to_one_server_port_are_told_apart_or_refused)
{
	struct frame one = packet(false, TCP, CLIENT_PORT, 80, 2, false), two = packet(false, TCP, CLIENT_PORT, 81, 2, false), got;
	uint16_t first, second;

	CHECK(load_policy("tcp dport 80 dnat to :8080-8081\ntcp dport 81 dnat to :8080-8081\ntcp dport 82 dnat to :8080-8081"));
	got = run(&in, &one, GOES_ON);
	first = get16(got.bytes + header_at(&got) + 2);
	got = run(&in, &two, GOES_ON);
	second = get16(got.bytes + header_at(&got) + 2);
	CHECK(first != second);
	one = packet(false, TCP, first, CLIENT_PORT, 18, true);
	got = run(&out, &one, GOES_ON);
	CHECK_NUMBER(get16(got.bytes + header_at(&got)), 80);
	two = packet(false, TCP, second, CLIENT_PORT, 18, true);
	got = run(&out, &two, GOES_ON);
	CHECK_NUMBER(get16(got.bytes + header_at(&got)), 81);
	one = packet(false, TCP, CLIENT_PORT, 82, 2, false);
	run(&in, &one, DROPPED);
}

TEST(a_connection_that_the_table_lost_gets_the_same_port_by_hash)
{
	struct frame sent = packet(false, TCP, CLIENT_PORT, 80, 2, false), got;
	struct weir_redirected_key key;
	uint16_t port;

	CHECK(load_policy("tcp dport 80 dnat to :8080-8087\ntcp dport 81 dnat to :8080-8087 by round-robin"));
	got = run(&in, &sent, GOES_ON);
	port = get16(got.bytes + header_at(&got) + 2);
	while (bpf_map_get_next_key(connections.table_fd, NULL, &key) == 0)
		bpf_map_delete_elem(connections.table_fd, &key);
	sent = packet(false, TCP, CLIENT_PORT, 80, 16, false);
	got = run(&in, &sent, GOES_ON);
	CHECK_NUMBER(get16(got.bytes + header_at(&got) + 2), port);
	/* in turn, it cannot be known: it goes on as it is; and so does a RST */
	sent = packet(false, TCP, CLIENT_PORT, 81, 16, false);
	got = run(&in, &sent, GOES_ON);
	CHECK(memcmp(got.bytes, sent.bytes, sent.length) == 0);
	sent = packet(false, TCP, CLIENT_PORT + 1, 80, 4, false);
	got = run(&in, &sent, GOES_ON);
	CHECK(memcmp(got.bytes, sent.bytes, sent.length) == 0);
}

TEST(a_connection_that_ended_leaves_its_place_in_turn_to_the_next_of_its_name)
{
	struct frame sent = packet(false, TCP, CLIENT_PORT, 80, 2, false), got;

	CHECK(load_policy("tcp dport 80 dnat to :8080-8087 by round-robin"));
	for (int i = 0; i < 3; i++) { /* a SYN that is sent again is the same connection */
		got = run(&in, &sent, GOES_ON);
		CHECK_NUMBER(get16(got.bytes + header_at(&got) + 2), 8080);
	}
	sent = packet(false, TCP, CLIENT_PORT, 80, 17, false);
	got = run(&in, &sent, GOES_ON);
	CHECK_NUMBER(get16(got.bytes + header_at(&got) + 2), 8080);
	sent = packet(false, TCP, CLIENT_PORT, 80, 2, false);
	got = run(&in, &sent, GOES_ON);
	CHECK_NUMBER(get16(got.bytes + header_at(&got) + 2), 8081);
}

TEST(a_full_table_lets_go_of_others_and_never_refuses)
{
	CHECK(load_policy("tcp dport 80 dnat to :8080-8087"));
	for (uint16_t sport = 1024; sport < 20000; sport++) {
		struct frame sent = packet(false, TCP, sport, 80, 2, false), got = run(&in, &sent, GOES_ON);
		uint16_t port = get16(got.bytes + header_at(&got) + 2);

		sent = packet(false, TCP, port, sport, 18, true);
		got = run(&out, &sent, GOES_ON);
		if (port < 8080 || port > 8087 || get16(got.bytes + header_at(&got)) != 80) {
			CHECK_NUMBER(sport, 0);
			return;
		}
	}
}

int main(void)
{
	if (geteuid() != 0) {
		SKIP(redirecting, "needs root");
		return tap_end();
	}
	kernel_raise_memlock();
	RUN(a_packet_in_gets_a_port_of_the_range_and_its_reply_the_old_one_back);
	RUN(the_port_is_the_one_that_the_hash_names);
	RUN(a_wrong_checksum_stays_wrong_and_none_stays_none);
	RUN(of_fragments_only_the_first_is_changed);
	RUN(an_icmp_error_names_the_port_that_its_reader_knows);
	RUN(what_is_not_of_a_connection_goes_out_as_it_is);
	RUN(two_connections_of_one_client_port_to_one_server_port_are_told_apart_or_refused);
	RUN(a_connection_that_the_table_lost_gets_the_same_port_by_hash);
	RUN(a_connection_that_ended_leaves_its_place_in_turn_to_the_next_of_its_name);
	RUN(a_full_table_lets_go_of_others_and_never_refuses);
	return tap_end();
}
