// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets in words. The grammar, blanks between the words:
 *
 *	packet	= kind option*
 *	kind	= ("tcp" | "udp" | "sctp") ENDPOINT ">" ENDPOINT flag*
 *		| ("icmp" | "icmpv6") ADDRESS ">" ADDRESS [TYPE]
 *		| ("ip" | "ip6") ADDRESS ">" ADDRESS
 *		| "arp" ("who-has" ADDRESS "tell" ADDRESS | ["reply" | "operation" NUMBER] [ADDRESS ">" ADDRESS])
 *		| "ether" MAC ">" MAC
 *	option	= "ether" MAC ">" MAC | "vlan" NUMBER | "type" NUMBER | "code" NUMBER | "protocol" NUMBER | "flags" NUMBER
 *		| "ttl" NUMBER | "dscp" NUMBER | "length" NUMBER | "mark" NUMBER | "iif" NUMBER | "oif" NUMBER
 *		| "frag" NUMBER["+"] | "first-fragment" | "later-fragment" | "http" METHOD TARGET [HOST]
 *
 * An endpoint is 10.0.0.1:80 or [2001:db8::1]:80. `length` is of the whole frame, `frag` counts units of eight bytes as
 * `ip frag-off` does. A TCP packet without flags is a SYN, a source port left out is 40000.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "check/names.h"
#include "check/value.h"
#include "rules/packet.h"
#include "rules/packet_build.h"

#define DEFAULT_SOURCE_PORT 40000
#define LATER_FRAGMENT	    100
#define GREATEST_FRAME	    (14 + 4 * WEIR_MAX_VLAN_TAGS + UINT16_MAX)

/* The words that have not been read, and where the reading stands. */
struct words {
	struct arena *arena;
	struct diagnostics *diagnostics;
	const struct source *source;
	const char *next; /* unread text */
	const char *word; /* the last word read, NUL-terminated; NULL at the end */
	size_t word_at;	  /* where it stands in the text */
	bool failed;
};

static const char *advance(struct words *words)
{
	size_t length;

	words->next += strspn(words->next, " \t\n");
	length = strcspn(words->next, " \t\n");
	words->word_at = (size_t)(words->next - words->source->text);
	words->word = length ? arena_strndup(words->arena, words->next, length) : NULL;
	words->next += length;
	return words->word;
}

static bool is_word(const struct words *words, const char *word)
{
	return words->word && strcmp(words->word, word) == 0;
}

static struct diagnostic *fail(struct words *words, const char *wanted)
{
	struct place place = { words->source, 1, (uint32_t)words->word_at + 1, words->word ? (uint32_t)strlen(words->word) : 1 };

	words->failed = true;
	if (!words->word)
		return diagnose(words->diagnostics, SEVERITY_ERROR, place, "the packet ends where %s is expected", wanted);
	return diagnose(words->diagnostics, SEVERITY_ERROR, place, "'%s' is not %s", words->word, wanted);
}

static bool expect(struct words *words, const char *word)
{
	if (!words->failed && !is_word(words, word))
		diagnostic_hint(words->diagnostics, fail(words, arena_printf(words->arena, "'%s'", word)),
				"a packet is written like this: tcp 10.0.0.1:1234 > 10.0.0.2:80 syn");
	advance(words);
	return !words->failed;
}

static bool read_typed(const char *text, size_t length, enum value_type type, uint32_t bits, struct value *ret_value)
{
	const struct value_type_of wanted = { .type = type, .bits = bits };

	return value_read(&wanted, text, length, ret_value) == 0;
}

/* A number of at most so many bits; moves on. */
static uint64_t number(struct words *words, const char *what, uint32_t bits)
{
	struct value value = { 0, 0 };

	if (!words->failed && (!words->word || !read_typed(words->word, strlen(words->word), TYPE_NUMBER, bits, &value)))
		diagnostic_hint(words->diagnostics, fail(words, what), "a number from 0 to %llu",
				bits < 64 ? (1ULL << bits) - 1 : ~0ULL);
	advance(words);
	return value.lo;
}

static void ether_address(struct words *words, uint8_t ret_bytes[6])
{
	struct value value = { 0, 0 };

	if (!words->failed && (!words->word || !read_typed(words->word, strlen(words->word), TYPE_ETHER_ADDR, 48, &value)))
		fail(words, "an Ethernet address");
	for (unsigned i = 0; i < 6; i++)
		ret_bytes[i] = (uint8_t)(value.lo >> (40 - 8 * i));
	advance(words);
}

static void ether_addresses(struct words *words, struct described_packet *packet)
{
	ether_address(words, packet->ether_saddr);
	expect(words, ">");
	ether_address(words, packet->ether_daddr);
}

/* ADDRESS, with PORT also ADDRESS:PORT and [ADDRESS]:PORT; *port is left when none is written. The network is what the first
 * address is of. */
static void endpoint(struct words *words, struct described_packet *packet, struct value *address, uint16_t *port, bool *has_port)
{
	const char *text = words->word ? words->word : "", *colon = strrchr(text, ':');
	size_t length = strlen(text);
	bool bracket = text[0] == '[', ipv6 = bracket || (colon && strchr(text, ':') != colon);
	enum described_network network = ipv6 ? DESCRIBED_IPV6 : DESCRIBED_IPV4;
	struct value value = { 0, 0 };

	if (words->failed)
		return;
	if (colon && (!ipv6 || (bracket && colon > text && colon[-1] == ']'))) {
		length = (size_t)(colon - text);
		if (!port || !read_typed(colon + 1, strlen(colon + 1), TYPE_NUMBER, 16, &value)) {
			diagnostic_hint(words->diagnostics,
					fail(words, port ? "an address with a port" : "an address without a port"), "%s",
					port ? "a port is a number from 0 to 65535" : "such a packet has no ports");
			return;
		}
		*port = (uint16_t)value.lo;
		*has_port = true;
	}
	if (bracket && (length < 2 || text[length - 1] != ']')) {
		fail(words, "an address");
		return;
	}
	text += bracket;
	length -= 2 * bracket;
	if (!read_typed(text, length, ipv6 ? TYPE_IPV6_ADDR : TYPE_IPV4_ADDR, ipv6 ? 128 : 32, address)) {
		fail(words, port ? "an address and port" : "an address");
		return;
	}
	if (packet->network != DESCRIBED_OTHER && packet->network != network && packet->network != DESCRIBED_ARP) {
		fail(words, packet->network == DESCRIBED_IPV4 ? "an IPv4 address" : "an IPv6 address");
		return;
	}
	if (packet->network == DESCRIBED_ARP && ipv6)
		fail(words, "an IPv4 address");
	else if (packet->network != DESCRIBED_ARP)
		packet->network = network;
	advance(words);
}

static void addresses(struct words *words, struct described_packet *packet)
{
	endpoint(words, packet, &packet->source, NULL, NULL);
	expect(words, ">");
	endpoint(words, packet, &packet->destination, NULL, NULL);
}

static bool tcp_flag(struct words *words, struct described_packet *packet)
{
	uint64_t flag;
	uint8_t flags = 0;

	for (const char *part = words->word; part; part = strpbrk(part, "|,") ? strpbrk(part, "|,") + 1 : NULL) {
		if (name_number(TYPE_TCP_FLAGS, part, strcspn(part, "|,"), &flag))
			return false;
		flags |= (uint8_t)flag;
	}
	packet->tcp_flags |= flags;
	advance(words);
	return true;
}

static void with_ports(struct words *words, struct described_packet *packet, bool *ret_destination)
{
	bool has_source = false;
	bool tcp = packet->protocol == IPPROTO_TCP, flags = false;

	packet->source_port = DEFAULT_SOURCE_PORT;
	endpoint(words, packet, &packet->source, &packet->source_port, &has_source);
	expect(words, ">");
	endpoint(words, packet, &packet->destination, &packet->destination_port, ret_destination);
	while (tcp && !words->failed && words->word && tcp_flag(words, packet))
		flags = true;
	if (tcp && !flags && !is_word(words, "flags"))
		packet->tcp_flags = 2; /* syn */
}

static void icmp(struct words *words, struct described_packet *packet)
{
	bool six = packet->protocol == IPPROTO_ICMPV6;
	uint64_t type;

	packet->network = six ? DESCRIBED_IPV6 : DESCRIBED_IPV4;
	packet->icmp_type = six ? 128 : 8; /* echo-request */
	addresses(words, packet);
	if (words->failed || !words->word)
		return;
	if (name_number(six ? TYPE_ICMPV6_TYPE : TYPE_ICMP_TYPE, words->word, strlen(words->word), &type) == 0) {
		packet->icmp_type = (uint8_t)type;
		advance(words);
	}
}

static void arp(struct words *words, struct described_packet *packet)
{
	packet->network = DESCRIBED_ARP;
	packet->arp_of_ipv4 = true;
	packet->arp_operation = 1;
	if (is_word(words, "who-has")) {
		memset(packet->ether_daddr, 0xff, sizeof(packet->ether_daddr));
		advance(words);
		endpoint(words, packet, &packet->destination, NULL, NULL);
		expect(words, "tell");
		endpoint(words, packet, &packet->source, NULL, NULL);
		return;
	}
	if (is_word(words, "reply")) {
		packet->arp_operation = 2;
		advance(words);
	} else if (is_word(words, "operation")) {
		advance(words);
		packet->arp_operation = (uint16_t)number(words, "an ARP operation", 16);
	}
	/* Without addresses: ARP of something else than IPv4. */
	packet->arp_of_ipv4 = words->word && words->word[0] >= '0' && words->word[0] <= '9';
	if (packet->arp_of_ipv4)
		addresses(words, packet);
}

static void fragment(struct words *words, struct described_packet *packet)
{
	size_t length = words->word ? strlen(words->word) : 0;
	bool more = length && words->word[length - 1] == '+';
	struct value value;

	if (words->failed)
		return;
	if (!length || !read_typed(words->word, length - more, TYPE_NUMBER, 13, &value)) {
		diagnostic_hint(words->diagnostics, fail(words, "the offset of a fragment"),
				"in units of eight bytes, with a + behind when more fragments follow: 'frag 0+', 'frag 100'");
		return;
	}
	packet->fragment = value.lo || more;
	packet->fragment_offset = (uint16_t)value.lo;
	packet->more_fragments = more;
	advance(words);
}

static void vlan(struct words *words, struct described_packet *packet)
{
	uint16_t id = (uint16_t)number(words, "a VLAN id", 12);

	if (!words->failed && packet->vlan_count < sizeof(packet->vlans) / sizeof(*packet->vlans))
		packet->vlans[packet->vlan_count++] = id;
}

static void unknown_option(struct words *words)
{
	static const char *const known[] = { "ether",	       "vlan",	    "type", "code", "protocol", "flags", "ttl",
					     "dscp",	       "length",    "mark", "iif",  "oif",	"frag",	 "first-fragment",
					     "later-fragment", "syn",	    "ack",  "fin",  "rst",	"psh",	 "urg",
					     "echo-request",   "echo-reply" };
	const char *near = near_match(words->word, known, sizeof(known) / sizeof(*known));
	struct diagnostic *error = fail(words, "a word that belongs here");

	if (near)
		diagnostic_hint(words->diagnostics, error, "did you mean '%s'?", near);
	else
		diagnostic_hint(
			words->diagnostics, error,
			"known are ether A > B, frag N[+], and N behind vlan, type, code, protocol, flags, ttl, dscp, length, mark, iif, oif, and 'http METHOD TARGET [HOST]' at the end");
}

/* The request line, perhaps with a host, as a client sends it. */
static void http(struct words *words, struct described_packet *packet)
{
	const char *method = words->word, *target = method ? advance(words) : NULL, *host = target ? advance(words) : NULL;

	if (packet->protocol != IPPROTO_TCP || !target) {
		diagnostic_hint(words->diagnostics, fail(words, "a request of TCP"),
				"it is written like this: tcp 10.0.0.1:1234 > 10.0.0.2:80 ack http GET /index.html www.example.com");
		return;
	}
	packet->payload = arena_printf(words->arena, "%s %s HTTP/1.1\r\n%s%s%s\r\n", method, target, host ? "Host: " : "",
				       host ? host : "", host ? "\r\n" : "");
	if (host)
		advance(words);
}

static void option(struct words *words, struct described_packet *packet, struct packet_context *context)
{
	const char *word = words->word, *begin = words->source->text + words->word_at;

	if (strcmp(word, "first-fragment") == 0 || strcmp(word, "later-fragment") == 0) {
		packet->fragment = true;
		packet->more_fragments = word[0] == 'f';
		packet->fragment_offset = word[0] == 'f' ? 0 : LATER_FRAGMENT;
		advance(words);
		return;
	}
	advance(words);
	if (strcmp(word, "ether") == 0)
		ether_addresses(words, packet);
	else if (strcmp(word, "vlan") == 0)
		vlan(words, packet);
	else if (strcmp(word, "type") == 0 && packet->network == DESCRIBED_OTHER)
		packet->ether_type = (uint16_t)number(words, "an Ethernet type", 16);
	else if (strcmp(word, "type") == 0)
		packet->icmp_type = (uint8_t)number(words, "an ICMP type", 8);
	else if (strcmp(word, "code") == 0)
		packet->icmp_code = (uint8_t)number(words, "an ICMP code", 8);
	else if (strcmp(word, "protocol") == 0)
		packet->protocol = (uint8_t)number(words, "a protocol number", 8);
	else if (strcmp(word, "flags") == 0)
		packet->tcp_flags = (uint8_t)number(words, "TCP flags as a number", 8);
	else if (strcmp(word, "ttl") == 0 || strcmp(word, "hoplimit") == 0)
		packet->hop_limit = (uint8_t)number(words, "a TTL", 8);
	else if (strcmp(word, "dscp") == 0)
		packet->dscp = (uint8_t)number(words, "a DSCP", 6);
	else if (strcmp(word, "length") == 0)
		packet->length = number(words, "a length in bytes", 32);
	else if (strcmp(word, "mark") == 0)
		context->mark = (uint32_t)number(words, "a mark", 32);
	else if (strcmp(word, "iif") == 0)
		context->iif = (uint32_t)number(words, "the number of an interface", 32);
	else if (strcmp(word, "oif") == 0)
		context->oif = (uint32_t)number(words, "the number of an interface", 32);
	else if (strcmp(word, "http") == 0)
		http(words, packet);
	else if (strcmp(word, "frag") == 0)
		fragment(words, packet);
	else {
		words->next = begin; /* back to the word, so that the caret stands under it */
		advance(words);
		unknown_option(words);
	}
}

static void kind(struct words *words, struct described_packet *packet, bool *ret_needs_port)
{
	static const char *const kinds[] = { "tcp", "udp", "sctp", "icmp", "icmpv6", "ip", "ip6", "arp", "ether" };
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6, 255, 255 };
	const size_t count = sizeof(kinds) / sizeof(*kinds);
	bool has_port = false;
	struct diagnostic *error;
	size_t which = 0;

	while (which < count && !is_word(words, kinds[which]))
		which++;
	if (which == count) {
		const char *near = words->word ? near_match(words->word, kinds, count) : NULL;

		error = fail(words, "a kind of packet");
		if (near)
			diagnostic_hint(words->diagnostics, error, "did you mean '%s'?", near);
		else
			diagnostic_hint(
				words->diagnostics, error,
				"a packet begins with tcp, udp, sctp, icmp, icmpv6, ip, ip6, arp or ether; a file must exist");
		return;
	}
	advance(words);
	packet->protocol = which < sizeof(protocols) ? protocols[which] : 0;
	if (which < 3) {
		with_ports(words, packet, &has_port);
		*ret_needs_port = !has_port;
	} else if (which < 5) {
		icmp(words, packet);
	} else if (which < 7) {
		packet->network = which == 5 ? DESCRIBED_IPV4 : DESCRIBED_IPV6;
		addresses(words, packet);
	} else if (which == 7) {
		arp(words, packet);
	} else {
		ether_addresses(words, packet);
	}
}

int packet_from_words(struct arena *arena, const char *text, const uint8_t **ret_data, size_t *ret_length,
		      struct packet_context *ret_context, struct diagnostics *diagnostics)
{
	struct source *source = arena_new_object(arena, struct source);
	struct words words = { .arena = arena, .diagnostics = diagnostics, .source = source };
	struct described_packet packet = { .ether_saddr = { 2, 0, 0, 0, 0, 1 },
					   .ether_daddr = { 2, 0, 0, 0, 0, 2 },
					   .ether_type = 0x88b5, /* for experiments; nothing weir knows */
					   .hop_limit = 64 };
	struct packet_context context = { 0 };
	bool needs_port = false;
	const uint8_t *data;
	size_t length;

	*source = (struct source){ "packet", arena_strdup(arena, text), strlen(text) };
	words.next = source->text;
	advance(&words);
	kind(&words, &packet, &needs_port);
	while (!words.failed && words.word)
		option(&words, &packet, &context);
	if (!words.failed && needs_port && !(packet.fragment && packet.fragment_offset))
		diagnostic_hint(diagnostics, fail(&words, "a destination port"),
				"write it behind the address: 10.0.0.2:80 or [2001:db8::2]:80");
	if (words.failed)
		return -EINVAL;
	length = packet.length > GREATEST_FRAME ? 0 : packet_build(arena, &packet, &data);
	if (!length) {
		diagnose(diagnostics, SEVERITY_ERROR, (struct place){ source, 1, 1, 1 }, "no such packet is %zu bytes long",
			 packet.length);
		return -EINVAL;
	}
	*ret_data = data;
	*ret_length = length;
	*ret_context = context;
	return 0;
}
