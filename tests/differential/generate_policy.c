// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random policies as text. Values come from small pools and their neighbourhood, so that rules overlap, nest, shadow and
 * contradict each other as rules of people do, only more often.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../no_host.h"
#include "differential.h"
#include "host/filter.h"

uint64_t random_next(struct random *random)
{
	uint64_t x = random->state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
	return random_next(random) % bound;
}

bool random_chance(struct random *random, unsigned percent)
{
	return random_below(random, 100) < percent;
}

/* What is being written. */
struct writer {
	struct random *random;
	FILE *out;
	enum weir_hook hook;
	bool many; /* rules: values from all over, most rules with a verdict, few that need a map or a function of their own */
	unsigned set_count;
	const char *set_types[8];
};

/* ---- Values ---- */

static void ipv4_address(struct writer *writer, uint32_t *ret_address)
{
	static const uint32_t pool[] = { 0x0a000000, 0x0a000001, 0x0a0000ff, 0x0a000100, 0x0aff0000,
					 0xc0a80101, 0x00000000, 0xffffffff, 0x7fffffff, 0x80000000 };

	*ret_address = random_of(writer->random, pool) ^
		       (uint32_t)random_below(writer->random, writer->many || random_chance(writer->random, 20) ? 65536 : 4);
}

static void write_ipv4(struct writer *writer, uint32_t address)
{
	fprintf(writer->out, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff, address & 0xff);
}

static void value_ipv4(struct writer *writer, bool ranges)
{
	uint32_t address, other, length;

	ipv4_address(writer, &address);
	switch (ranges ? random_below(writer->random, 4) : 0) {
	case 1:
		length = 1 + (uint32_t)random_below(writer->random, 31);
		write_ipv4(writer, address & ~((1ull << (32 - length)) - 1));
		fprintf(writer->out, "/%u", length);
		return;
	case 2:
		other = address + (uint32_t)random_below(writer->random, 300) + 1;
		if (other < address)
			break;
		write_ipv4(writer, address);
		fputc('-', writer->out);
		write_ipv4(writer, other);
		return;
	}
	write_ipv4(writer, address);
}

static void write_ipv6(struct writer *writer, uint64_t hi, uint64_t lo)
{
	fprintf(writer->out, "%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":", hi >> 48, hi >> 32 & 0xffff, hi >> 16 & 0xffff,
		hi & 0xffff);
	fprintf(writer->out, "%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64, lo >> 48, lo >> 32 & 0xffff, lo >> 16 & 0xffff,
		lo & 0xffff);
}

static void value_ipv6(struct writer *writer, bool ranges)
{
	static const uint64_t his[] = { 0x20010db800000000, 0x20010db800000001, 0x20010db800010000, 0xfe80000000000000, 0,
					UINT64_MAX };
	static const uint64_t los[] = { 0, 1, 2, 0xff, 0x8000000000000000, UINT64_MAX };
	uint64_t hi = random_of(writer->random, his), lo = random_of(writer->random, los) ^ random_below(writer->random, 3);
	uint64_t high_hi, high_lo, length;

	switch (ranges ? random_below(writer->random, 4) : 0) {
	case 1:
		length = random_chance(writer->random, 50) ? 60 + random_below(writer->random, 8)
							   : 1 + random_below(writer->random, 127);
		if (length <= 64)
			lo = 0;
		if (length < 64)
			hi &= ~(UINT64_MAX >> length);
		if (length > 64)
			lo &= ~(UINT64_MAX >> (length - 64));
		write_ipv6(writer, hi, lo);
		fprintf(writer->out, "/%" PRIu64, length);
		return;
	case 2:
		high_hi = random_chance(writer->random, 50) || hi > UINT64_MAX - 3 ? hi : hi + random_below(writer->random, 3);
		high_lo = random_of(writer->random, los);
		if (high_hi == hi && high_lo < lo)
			high_lo = UINT64_MAX;
		if (high_hi == hi && high_lo == lo)
			break;
		write_ipv6(writer, hi, lo);
		fputc('-', writer->out);
		write_ipv6(writer, high_hi, high_lo);
		return;
	}
	write_ipv6(writer, hi, lo);
}

static void value_ether(struct writer *writer)
{
	static const unsigned lasts[] = { 0, 1, 2, 0x66, 0xff };

	fprintf(writer->out, "02:00:00:00:%02x:%02x", random_chance(writer->random, 90) ? 0 : 0xff,
		random_of(writer->random, lasts));
}

/* A number of at most MAX from near POOL's members, or a range. */
static void value_number(struct writer *writer, const uint64_t *pool, size_t count, uint64_t max, bool ranges)
{
	uint64_t value = pool[random_below(writer->random, count)], other;

	if (random_chance(writer->random, writer->many ? 80 : 20))
		value = random_below(writer->random, max + 1);
	if (value > max)
		value = max;
	if (ranges && random_chance(writer->random, 30)) {
		other = value + random_below(writer->random, random_chance(writer->random, 50) ? 4 : max / 2 + 1);
		if (other > value && other <= max) {
			fprintf(writer->out, "%" PRIu64 "-%" PRIu64, value, other);
			return;
		}
	}
	fprintf(writer->out, "%" PRIu64, value);
}

#define NUMBER(max, ...)                                                                                                         \
	value_number(writer, (const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t),    \
		     max, ranges)

static uint64_t number_max(enum subject subject)
{
	switch (subject) {
	case SUBJECT_VLAN_ID:
		return 4095;
	case SUBJECT_IP_TTL:
	case SUBJECT_IP6_HOPLIMIT:
		return 255;
	case SUBJECT_META_LENGTH:
	case SUBJECT_META_MARK:
		return UINT32_MAX;
	default:
		return 65535;
	}
}

static void value_of_number(struct writer *writer, enum subject subject, bool ranges)
{
	uint64_t max = number_max(subject);

	switch (subject) {
	case SUBJECT_IP_FRAG_OFF:
		NUMBER(max, 0, 1, 2, 100, 0x1fff, 0x2000, 0x2001, 0x4000);
		break;
	case SUBJECT_IP_LENGTH:
	case SUBJECT_IP6_LENGTH:
	case SUBJECT_META_LENGTH:
		NUMBER(max, 0, 8, 20, 28, 40, 54, 60, 64, 100, 1500, 65535);
		break;
	case SUBJECT_META_MARK:
		NUMBER(max, 0, 1, 2, 7, 255, UINT32_MAX);
		break;
	default:
		NUMBER(max, 0, 1, 2, 7, 63, 64, 100, 255, 4095);
	}
}

static void value_icmp_type(struct writer *writer, bool ranges, bool six)
{
	static const char *const names4[] = { "echo-request", "echo-reply", "destination-unreachable", "time-exceeded" };
	static const char *const names6[] = { "echo-request", "echo-reply", "nd-neighbor-solicit", "packet-too-big" };

	if (random_chance(writer->random, 60))
		fputs(six ? random_of(writer->random, names6) : random_of(writer->random, names4), writer->out);
	else
		NUMBER(255, 0, 1, 3, 8, 11, 128, 129, 135, 255);
}

static void value_http(struct writer *writer, enum subject subject)
{
	static const char *const methods[] = { "GET", "POST", "DELETE", "G*", "*", "GE" };
	static const char *const paths[] = {
		"/private*",
		"/private",
		"/",
		"/public*",
		"/private/x",
		"/a*",
		"*",
		"/public/private",
		"/*",
		"/private/",
		"/very-long-part-that-goes-on-and-on-and-fills-what-is-kept-of-a-text-before*",
	};
	static const char *const hosts[] = { "www.example.com",
					     "www*",
					     "secret.example.com",
					     "[::1]",
					     "a",
					     "*",
					     "a-host-of-a-name-so-long-that-it-takes-up-all-of-the-bytes-that-are-kept-of*" };

	if (subject != SUBJECT_HTTP_METHOD && random_chance(writer->random, 25)) { /* as many as put_run() puts there */
		fprintf(writer->out, subject == SUBJECT_HTTP_PATH ? "\"/p" : "\"h");
		for (unsigned left = (unsigned)random_below(writer->random, 79); left > 0; left--)
			fputc(subject == SUBJECT_HTTP_PATH ? 'p' : 'h', writer->out);
		fputs(random_chance(writer->random, 50) ? "\"" : "*\"", writer->out);
		return;
	}
	fprintf(writer->out, "\"%s\"",
		subject == SUBJECT_HTTP_METHOD ? random_of(writer->random, methods)
		: subject == SUBJECT_HTTP_PATH ? random_of(writer->random, paths)
					       : random_of(writer->random, hosts));
}

static void value(struct writer *writer, enum subject subject, bool ranges)
{
	static const char *const protocols[] = { "tcp", "udp", "icmp", "sctp", "icmpv6", "47", "0", "44", "59", "255" };
	static const char *const faults[] = { "short",	       "bad-header",	  "bad-length",
					      "tiny-fragment", "extension-limit", "vlan-limit" };
	static const char *const interfaces[] = { "\"eth0\"", "\"eth1\"", "\"eth7\"" };
	static const char *const ether_types[] = { "ip", "arp", "ip6", "0x88cc", "0x0026" };

	switch (subject_type(subject)) {
	case TYPE_IPV4_ADDR:
		value_ipv4(writer, ranges);
		return;
	case TYPE_IPV6_ADDR:
		value_ipv6(writer, ranges);
		return;
	case TYPE_ETHER_ADDR:
		value_ether(writer);
		return;
	case TYPE_ETHER_TYPE:
		fputs(random_of(writer->random, ether_types), writer->out);
		return;
	case TYPE_ARP_OPERATION:
		NUMBER(65535, 1, 2, 8);
		return;
	case TYPE_PROTOCOL:
		fputs(random_of(writer->random, protocols), writer->out);
		return;
	case TYPE_DSCP:
		NUMBER(63, 0, 8, 46, 63);
		return;
	case TYPE_ICMP_TYPE:
		value_icmp_type(writer, ranges, false);
		return;
	case TYPE_ICMPV6_TYPE:
		value_icmp_type(writer, ranges, true);
		return;
	case TYPE_ICMP_CODE:
	case TYPE_ICMPV6_CODE:
		NUMBER(255, 0, 1, 3, 13, 255);
		return;
	case TYPE_INET_SERVICE:
		NUMBER(65535, 0, 22, 53, 80, 443, 1024, 8080, 65535);
		return;
	case TYPE_INTERFACE:
		fputs(random_of(writer->random, interfaces), writer->out);
		return;
	case TYPE_MALFORMED:
		fputs(random_of(writer->random, faults), writer->out);
		return;
	case TYPE_HTTP:
		value_http(writer, subject);
		return;
	default:
		value_of_number(writer, subject, ranges);
	}
}

/* ---- Matches ---- */

static void tcp_flags(struct writer *writer)
{
	static const char *const forms[] = {
		"tcp flags syn",
		"tcp flags & (syn|ack) == syn",
		"tcp flags & (syn|ack) != syn",
		"tcp flags & (fin|syn|rst|ack) == syn",
		"tcp flags & (fin|syn) == (fin|syn)",
		"tcp flags & rst == rst",
		"tcp flags & (fin|syn|rst|psh|ack|urg) == 0",
		"tcp flags (syn|rst)",
		"tcp flags == (syn|ack)",
		"tcp flags != syn",
		"tcp flags { syn, ack, rst }",
		"tcp flags & (ecn|cwr) != 0",
	};

	fputs(random_of(writer->random, forms), writer->out);
}

static void write_list(struct writer *writer, enum subject subject)
{
	unsigned count = 1 + (unsigned)random_below(writer->random, 5);
	enum value_type type = subject_type(subject);

	/* Now and then one that is too long for the tree. */
	if (type == TYPE_IPV6_ADDR && random_chance(writer->random, 15))
		count = 24;
	if (type == TYPE_IPV4_ADDR && random_chance(writer->random, writer->many ? 0 : 2)) {
		fputs("{ ", writer->out);
		for (unsigned i = 0; i < 520; i++)
			fprintf(writer->out, "%s10.%u.%u.%u", i ? ", " : "", (unsigned)random_below(writer->random, 2), i & 255,
				i >> 8);
		fputs(" }", writer->out);
		return;
	}
	fputs("{ ", writer->out);
	for (unsigned i = 0; i < count; i++) {
		if (i)
			fputs(", ", writer->out);
		value(writer, subject, true);
	}
	fputs(" }", writer->out);
}

static bool is_number(enum subject subject)
{
	enum value_type type = subject_type(subject);

	return type == TYPE_NUMBER || type == TYPE_INET_SERVICE;
}

static const char *set_type_word(enum subject subject)
{
	switch (subject_type(subject)) {
	case TYPE_IPV4_ADDR:
		return "ipv4_addr";
	case TYPE_IPV6_ADDR:
		return "ipv6_addr";
	case TYPE_ETHER_ADDR:
		return "ether_addr";
	case TYPE_INET_SERVICE:
		return "inet_service";
	default:
		return "none";
	}
}

/* A set of this type, or -1. */
static int find_set(struct writer *writer, const char *type)
{
	unsigned first = writer->set_count ? (unsigned)random_below(writer->random, writer->set_count) : 0;

	for (unsigned i = 0; i < writer->set_count; i++)
		if (strcmp(writer->set_types[(first + i) % writer->set_count], type) == 0)
			return (int)((first + i) % writer->set_count);
	return -1;
}

static void write_masked(struct writer *writer, enum subject subject)
{
	uint64_t mask = random_below(writer->random, number_max(subject)) + 1;
	uint64_t wanted = random_chance(writer->random, 90) ? random_next(writer->random) & mask : 0;

	fprintf(writer->out, "%s & 0x%" PRIx64 " %s 0x%" PRIx64, subject_words(subject), mask,
		random_chance(writer->random, 60) ? "==" : "!=", wanted & mask);
}

static void write_expression(struct writer *writer)
{
	static const char *const expressions[] = {
		"tcp port 80",
		"tcp[tcpflags] & tcp-syn != 0 and not port 22",
		"udp[4:2] > 30 or ip[8] < 64",
		"ip6 and ip6[6] != 58",
		"not (icmp or icmp6) and len > 60",
		"ip[0] & 0xf != 5 or ip[6:2] & 0x1fff = 0",
		"tcp[((tcp[12] & 0xf0) >> 2):1] % 3 = 1",
		"host 10.0.0.1 or net 192.168.0.0/16",
		"portrange 50-90",
		"greater 70",
	};

	static const char *const programs[] = {
		"bytecode \"4,48 0 0 23,21 0 1 6,6 0 0 4294967295,6 0 0 0\"",
		"bytecode RAW \"4,48 0 0 9,21 0 1 6,6 0 0 4294967295,6 0 0 0\"",
		"bytecode asm \"ld poff jgt #50, yes, no yes: ret #1 no: ret #0\"",
		"bytecode RAW asm \"ld poff sub #40 ret a\"",
		"bytecode asm \"ldx 4*([-1048576]&0xf) ldh [x + -1048574] sub #80 ret a\"",
		"bytecode RAW asm \"ldx len ldb [8] mod x and #3 ret a\"",
		"bytecode asm \"ld ifidx sub #2 ret a\"",
		"bytecode asm \"ldi 14 ldx #8 ld nla ret a\"",
	};

	if (random_chance(writer->random, 50))
		fputs(random_of(writer->random, programs), writer->out);
	else
		fprintf(writer->out, "pcap \"%s\"", random_of(writer->random, expressions));
}

static void write_match(struct writer *writer, enum subject subject)
{
	static const char *const orders[] = { "<", "<=", ">", ">=" };
	int set = find_set(writer, set_type_word(subject));

	if (subject == SUBJECT_TCP_FLAGS) {
		tcp_flags(writer);
		return;
	}
	if (subject_type(subject) == TYPE_PREDICATE) {
		write_expression(writer);
		return;
	}
	if ((subject == SUBJECT_IP_FRAG_OFF || subject == SUBJECT_META_MARK) && random_chance(writer->random, 30)) {
		write_masked(writer, subject);
		return;
	}
	fputs(subject_words(subject), writer->out);
	if (subject_type(subject) == TYPE_PRESENCE || (subject == SUBJECT_META_MALFORMED && random_chance(writer->random, 50)))
		return;
	if (set >= 0 && random_chance(writer->random, 40)) {
		fprintf(writer->out, " %s@s%d", random_chance(writer->random, 25) ? "!= " : "", set);
		return;
	}
	if (is_number(subject) && random_chance(writer->random, 15)) {
		/* 50 is neither the least nor the greatest: every order leaves something. */
		fprintf(writer->out, " %s %u", random_of(writer->random, orders),
			50 + (unsigned)random_below(writer->random, 50));
		return;
	}
	fputs(random_chance(writer->random, 25) ? " != " : random_chance(writer->random, 20) ? " == " : " ", writer->out);
	if (random_chance(writer->random, 30))
		write_list(writer, subject);
	else
		value(writer, subject, true);
}

/* Two subjects that may be looked up as a pair. */
static const struct pair {
	enum subject subjects[2];
	const char *type;
} pairs[] = {
	{ { SUBJECT_IP_SADDR, SUBJECT_TCP_DPORT }, "ipv4_addr . inet_service" },
	{ { SUBJECT_IP_DADDR, SUBJECT_UDP_DPORT }, "ipv4_addr . inet_service" },
	{ { SUBJECT_IP6_SADDR, SUBJECT_TH_DPORT }, "ipv6_addr . inet_service" },
	{ { SUBJECT_IP_SADDR, SUBJECT_IP_DADDR }, "ipv4_addr . ipv4_addr" },
	{ { SUBJECT_ETHER_SADDR, SUBJECT_IP_SADDR }, "ether_addr . ipv4_addr" },
};

static void write_pair(struct writer *writer)
{
	const struct pair *pair = &random_of(writer->random, pairs);
	int set = find_set(writer, pair->type);
	const char *why;

	if (!hook_serves(writer->hook, pair->subjects[0], &why))
		pair = &pairs[0];
	fprintf(writer->out, "%s . %s ", subject_words(pair->subjects[0]), subject_words(pair->subjects[1]));
	set = find_set(writer, pair->type);
	if (random_chance(writer->random, 25))
		fputs("!= ", writer->out);
	if (set >= 0 && (writer->many || random_chance(writer->random, 70))) {
		fprintf(writer->out, "@s%d", set);
		return;
	}
	fputs("{ ", writer->out);
	for (unsigned i = 0, count = 1 + (unsigned)random_below(writer->random, 4); i < count; i++) {
		fputs(i ? ", " : "", writer->out);
		value(writer, pair->subjects[0], false);
		fputs(" . ", writer->out);
		value(writer, pair->subjects[1], false);
	}
	fputs(" }", writer->out);
}

/* Matches of one rule mostly speak of one kind of packet. */
static enum subject choose_subject(struct writer *writer, unsigned theme)
{
	static const enum subject v4[] = { SUBJECT_IP,		SUBJECT_IP_SADDR, SUBJECT_IP_DADDR, SUBJECT_IP_SADDR,
					   SUBJECT_IP_PROTOCOL, SUBJECT_IP_DSCP,  SUBJECT_IP_TTL,   SUBJECT_IP_FRAG_OFF,
					   SUBJECT_IP_LENGTH,	SUBJECT_ICMP_TYPE };
	static const enum subject v6[] = { SUBJECT_IP6,		 SUBJECT_IP6_SADDR,   SUBJECT_IP6_DADDR,
					   SUBJECT_IP6_SADDR,	 SUBJECT_IP6_NEXTHDR, SUBJECT_IP6_DSCP,
					   SUBJECT_IP6_HOPLIMIT, SUBJECT_IP6_LENGTH,  SUBJECT_ICMPV6_TYPE };
	static const enum subject transport[] = { SUBJECT_TCP,		SUBJECT_TCP_SPORT, SUBJECT_TCP_DPORT, SUBJECT_TCP_FLAGS,
						  SUBJECT_UDP,		SUBJECT_UDP_DPORT, SUBJECT_TH_SPORT,  SUBJECT_TH_DPORT,
						  SUBJECT_META_L4PROTO, SUBJECT_SCTP_DPORT };
	uint64_t any = random_below(writer->random, SUBJECT_COUNT);

	if (random_chance(writer->random, 5))
		return SUBJECT_PCAP;
	if (theme == 0 && random_chance(writer->random, 50))
		return random_of(writer->random, v4);
	if (theme == 1 && random_chance(writer->random, 50))
		return random_of(writer->random, v6);
	if (theme < 3 && random_chance(writer->random, 70))
		return random_of(writer->random, transport);
	return (enum subject)any;
}

/* What a rule does beside judging, where the hook has it. */
static void write_effects(struct writer *writer)
{
	static const char *const marks[] = { "0", "1", "7", "0xffff", "0x10000", "0xffffffff",
					     "meta mark and 0xff or 0x100", "meta mark xor 7", "meta mark | 0x30 | 1" };
	static const char *const classes[] = { "1:10", "1:mark", "0:6", "ffff:ffff", "2:mark" };

	if (!hook_has_effect(writer->hook, WEIR_ACTION_MARK, NULL))
		return;
	if (random_chance(writer->random, 8))
		fprintf(writer->out, "meta mark set %s ", random_of(writer->random, marks));
	if (random_chance(writer->random, 8))
		fprintf(writer->out, "meta priority set %s ", random_of(writer->random, classes));
}

static void write_verdict(struct writer *writer)
{
	static const struct {
		enum weir_verdict verdict;
		const char *words;
	} others[] = { { WEIR_VERDICT_FINAL, "accept final" }, { WEIR_VERDICT_FORWARD, "fwd to eth9" },
		       { WEIR_VERDICT_BOUNCE, "bounce" },      { WEIR_VERDICT_XSK, "to xsk" },
		       { WEIR_VERDICT_XSK, "to xsk 7" },       { WEIR_VERDICT_RECLASSIFY, "reclassify" },
		       { WEIR_VERDICT_DEFAULT, "default" } };
	size_t other = random_below(writer->random, sizeof(others) / sizeof(others[0]));

	if (random_chance(writer->random, 15) && hook_has_verdict(writer->hook, others[other].verdict, NULL))
		fprintf(writer->out, "%s\n", others[other].words);
	else
		fputs(random_chance(writer->random, 50) ? "accept\n" : "drop\n", writer->out);
}

/* What gives connections other ports must speak of TCP and UDP alone. The range is wide, so that no port is ever taken. */
static bool write_redirect(struct writer *writer, bool verdict)
{
	static const char *const choices[] = { "", " by hash", " by queue", " by round-robin" };
	bool here = hook_has_verdict(writer->hook, WEIR_VERDICT_REDIRECT, NULL) && random_chance(writer->random, 50);

	if (!hook_has_verdict(writer->hook, WEIR_VERDICT_DNAT, NULL))
		return false;
	if (!verdict)
		fputs(random_chance(writer->random, 50) ? "meta l4proto { tcp, udp } " : "udp ", writer->out);
	else
		fprintf(writer->out, "%s to :1000-1199%s%s\n", here ? "redirect" : "dnat", random_of(writer->random, choices),
			random_chance(writer->random, 50) ? " alive" : "");
	return true;
}

static void write_rule(struct writer *writer)
{
	bool redirects = false;
	unsigned theme = (unsigned)random_below(writer->random, 4), matches = (unsigned)random_below(writer->random, 4);
	const char *why;

	fputs("\t", writer->out);
	if (matches == 0 && random_chance(writer->random, 90))
		matches = 1;
	if (writer->many) /* else the first few decide all */
		matches += 2;
	if (random_chance(writer->random, 8))
		redirects = write_redirect(writer, false);
	if (redirects && random_chance(writer->random, 50))
		matches = 0;
	for (unsigned i = 0; i < matches; i++) {
		enum subject subject = choose_subject(writer, theme);

		if (!hook_serves(writer->hook, subject, &why))
			continue;
		if (random_chance(writer->random, writer->many ? 0 : 8))
			write_pair(writer);
		else
			write_match(writer, subject);
		fputc(' ', writer->out);
	}
	if (random_chance(writer->random, 20))
		fputs(random_chance(writer->random, 50) ? "log " : "log prefix \"p\" ", writer->out);
	write_effects(writer);
	if (redirects)
		write_redirect(writer, true);
	else if (random_chance(writer->random, writer->many ? 3 : 30))
		fputs(hook_has_effect(writer->hook, WEIR_ACTION_COUNT_MARK, NULL) && random_chance(writer->random, 10)
			      ? "counter by meta mark\n"
			      : "counter\n",
		      writer->out);
	else
		write_verdict(writer);
}

static void write_set(struct writer *writer)
{
	static const enum subject singles[] = { SUBJECT_IP_SADDR, SUBJECT_IP_SADDR, SUBJECT_IP6_SADDR, SUBJECT_ETHER_SADDR,
						SUBJECT_TCP_DPORT };
	unsigned count = 1 + (unsigned)random_below(writer->random, random_chance(writer->random, 20) ? 60 : 8);
	bool is_pair = random_chance(writer->random, 30);
	const struct pair *pair = &random_of(writer->random, pairs);
	enum subject single = random_of(writer->random, singles);
	const char *type = is_pair ? pair->type : set_type_word(single);

	fprintf(writer->out, "set s%u {\n\ttype %s\n", writer->set_count, type);
	if (random_chance(writer->random, 30))
		fputs("\tcounter\n", writer->out);
	if (random_chance(writer->random, 50))
		fprintf(writer->out, "\tsize %u\n", count * 256);
	fputs("\telements = { ", writer->out);
	for (unsigned i = 0; i < count; i++) {
		fputs(i ? ", " : "", writer->out);
		value(writer, is_pair ? pair->subjects[0] : single, !is_pair);
		if (is_pair) {
			fputs(" . ", writer->out);
			value(writer, pair->subjects[1], false);
		}
		if (random_chance(writer->random, 5))
			fputs(" timeout 1h", writer->out);
	}
	fputs(" }\n}\n", writer->out);
	writer->set_types[writer->set_count++] = type;
}

const char *generate_policy(struct random *random, struct arena *arena, enum weir_hook hook, unsigned count)
{
	static const char *const heads[] = {
#define X(id, layer, direction) layer " " direction,
		WEIR_HOOKS(X)
#undef X
	};
	bool cgroup = hook == WEIR_HOOK_CGROUP_INGRESS || hook == WEIR_HOOK_CGROUP_EGRESS;
	struct writer writer = { .random = random, .hook = hook, .many = count > 0 };
	unsigned rules = count ? count : 1 + (unsigned)random_below(random, random_chance(random, 10) ? 80 : 12);
	char *text = NULL;
	const char *kept;
	size_t size;

	writer.out = open_memstream(&text, &size);
	if (!writer.out)
		return NULL;
	for (unsigned sets = (unsigned)random_below(random, 4); sets; sets--)
		write_set(&writer);
	fprintf(writer.out, "chain c {\n\thook %s on %s\n\tpolicy %s\n", heads[hook],
		cgroup			      ? "\"/a\""
		: hook == WEIR_HOOK_TC_ACTION ? "7"
					      : "eth0",
		random_chance(random, 50) ? "accept" : "drop");
	/* An event bears the whole parsed packet: here the parser in the kernel is compared field by field. */
	if (random_chance(random, 30))
		fputs("\tlog counter\n\tmeta malformed log counter\n", writer.out);
	for (unsigned i = 0; i < rules; i++)
		write_rule(&writer);
	fputs("}\n", writer.out);
	fclose(writer.out);
	kept = text ? arena_strdup(arena, text) : NULL;
	free(text);
	return kept;
}

/* ---- The machine ---- */

static int three_interfaces(void *context, const char *name, const char *netns, uint32_t *ret_index)
{
	(void)context, (void)netns;
	if (strcmp(name, "eth0") == 0)
		*ret_index = 1;
	else if (strcmp(name, "eth1") == 0)
		*ret_index = 2;
	else if (strcmp(name, "eth7") == 0)
		*ret_index = 7;
	else
		return -ENODEV;
	return 0;
}

const struct host *differential_host(void)
{
	static const struct host host = {
		.read_file = no_file,
		.service = no_service,
		.protocol = no_protocol,
		.interface = three_interfaces,
		.filter = host_filter,
	};

	return &host;
}
