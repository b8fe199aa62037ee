// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends made-up packets from one network namespace to another and prints which of them were handed to the host there: behind tc
 * and netfilter's INPUT, where raw sockets listen. The packets follow from SEED alone, so two runs under two firewalls can be
 * compared.
 *
 *	exchange NAMESPACE_A NAMESPACE_B SEED COUNT 4|6
 *	exchange NAMESPACE_A NAMESPACE_B - COUNT 4|6	packets as standard input has them: "SADDR DADDR PROTOCOL SPORT DPORT"
 *
 * A line each: "N passed|dropped WHAT". Each packet carries its number in its last four bytes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 40
#define WORDS 200

static const uint8_t protocols4[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE, IPPROTO_SCTP };
static const uint8_t protocols6[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6, IPPROTO_GRE, IPPROTO_SCTP };
#define PROTOCOL_COUNT (sizeof(protocols4) / sizeof(protocols4[0]))

struct packet {
	uint8_t bytes[512];
	size_t length;
	char words[WORDS];
};

static uint64_t state;

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "exchange: %s: %s\n", what, strerror(errno));
	exit(3);
}

static uint32_t below(uint32_t limit)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % limit;
}

#define PICK(list) ((list)[below(sizeof(list) / sizeof((list)[0]))])

static void put16(uint8_t *at, unsigned int number)
{
	at[0] = (uint8_t)(number >> 8);
	at[1] = (uint8_t)number;
}

static unsigned int port(void)
{
	static const unsigned int ports[] = { 1,  2,   3,   4,	 21,   22,   23,   25,	 53,   79,  80,
					      81, 123, 443, 999, 1000, 1001, 1999, 2000, 2001, 8080 };

	return below(8) ? PICK(ports) : 1 + below(65535);
}

static size_t transport(uint8_t *at, uint8_t protocol, unsigned int source, unsigned int destination, char *words)
{
	static const uint8_t flags[] = { 0x02, 0x12, 0x10, 0x18, 0x01, 0x11, 0x04, 0x14, 0x00, 0x29, 0x3f, 0x03, 0x20 };
	static const uint8_t types4[] = { 0, 3, 5, 8, 11, 12, 13 }, types6[] = { 1, 2, 3, 4, 128, 129, 133 };

	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP) {
		put16(at, source);
		put16(at + 2, destination);
	}
	switch (protocol) {
	case IPPROTO_TCP:
		at[12] = 0x50;
		at[13] = PICK(flags);
		snprintf(words, WORDS, "tcp %u > %u flags 0x%02x", source, destination, at[13]);
		return 20;
	case IPPROTO_UDP:
		snprintf(words, WORDS, "udp %u > %u", source, destination);
		return 8;
	case IPPROTO_SCTP:
		snprintf(words, WORDS, "sctp %u > %u", source, destination);
		return 12;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		at[0] = protocol == IPPROTO_ICMP ? PICK(types4) : PICK(types6);
		at[1] = (uint8_t)(below(2) * below(4));
		snprintf(words, WORDS, "icmp %u/%u", at[0], at[1]);
		return 8;
	default:
		snprintf(words, WORDS, "protocol %u", protocol);
		return 8;
	}
}

static void finish4(uint8_t *ip, size_t length)
{
	uint32_t sum = 0;

	put16(ip + 2, (unsigned int)length);
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~sum & 0xffff);
}

/* What a packet is made of: by chance, or as it was asked for. */
struct wanted {
	char source[64], target[64];
	uint8_t protocol;
	unsigned int sport, dport;
};

static void wish(struct wanted *wanted, bool ipv6)
{
	static const char *const sources4[] = { "10.0.0.1",    "10.0.0.77",  "10.1.2.3",   "192.168.1.5",
						"192.168.2.5", "192.0.2.66", "203.0.113.9" };
	static const char *const targets4[] = { "10.0.0.2", "10.9.9.9", "10.9.9.10", "192.168.7.7" };
	static const char *const sources6[] = { "fd00::1", "fd00::77", "2001:db8::5", "2001:db8:66::9", "2001:db8:1::1" };
	static const char *const targets6[] = { "fd00::2", "fd00:9::9", "fd00:9::10" };

	strcpy(wanted->source, ipv6 ? PICK(sources6) : PICK(sources4));
	strcpy(wanted->target, ipv6 ? PICK(targets6) : PICK(targets4));
	wanted->protocol = ipv6 ? PICK(protocols6) : PICK(protocols4);
	wanted->sport = port();
	wanted->dport = port();
}

static bool read_wish(struct wanted *wanted)
{
	unsigned int protocol;

	if (scanf("%63s %63s %u %u %u", wanted->source, wanted->target, &protocol, &wanted->sport, &wanted->dport) != 5)
		return false;
	wanted->protocol = (uint8_t)protocol;
	return true;
}

static void make(struct packet *packet, const struct wanted *wanted, uint32_t number, bool ipv6)
{
	static const uint8_t macs[] = { 0x02, 0, 0, 0, 0, 0x0b, 0x02, 0, 0, 0, 0, 0x0a };
	static const uint8_t hops[] = { 2, 4, 5, 6, 64, 255 }, dscp[] = { 0, 0, 10, 46 };
	uint8_t *ip = packet->bytes + 14, hop = PICK(hops), class = PICK(dscp);
	size_t header = ipv6 ? 40 : 20, length;
	char words[WORDS];

	memset(packet, 0, sizeof(*packet));
	memcpy(packet->bytes, macs, sizeof(macs));
	if (below(5) == 0)
		packet->bytes[11] = 0x0c; /* another sender */
	put16(packet->bytes + 12, ipv6 ? 0x86dd : 0x0800);
	length = header + transport(ip + header, wanted->protocol, wanted->sport, wanted->dport, words) + 4 +
		 (below(3) == 0 ? below(300) : 0);
	if (wanted->protocol == IPPROTO_UDP)
		put16(ip + header + 4, (unsigned int)(length - header));
	if (ipv6) {
		ip[0] = (uint8_t)(0x60 | class >> 2);
		ip[1] = (uint8_t)(class << 6);
		put16(ip + 4, (unsigned int)(length - 40));
		ip[6] = wanted->protocol;
		ip[7] = hop;
		inet_pton(AF_INET6, wanted->source, ip + 8);
		inet_pton(AF_INET6, wanted->target, ip + 24);
	} else {
		ip[0] = 0x45;
		ip[1] = (uint8_t)(class << 2);
		ip[8] = hop;
		ip[9] = wanted->protocol;
		inet_pton(AF_INET, wanted->source, ip + 12);
		inet_pton(AF_INET, wanted->target, ip + 16);
		finish4(ip, length);
	}
	number = htonl(number);
	memcpy(ip + length - 4, &number, 4);
	packet->length = 14 + length;
	snprintf(packet->words, WORDS, "%.40s > %.40s %.60s, ttl %u dscp %u length %zu mac %02x", wanted->source, wanted->target, words,
		 hop, class, length, packet->bytes[11]);
}

static void enter(const char *name)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		fail(path);
	close(fd);
}

static void receive(struct pollfd *sockets, uint8_t *passed, uint32_t count)
{
	uint8_t bytes[1024];
	uint32_t number;

	while (poll(sockets, PROTOCOL_COUNT, 12) > 0)
		for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
			ssize_t got = recv(sockets[i].fd, bytes, sizeof(bytes), MSG_DONTWAIT);

			if (got < 4)
				continue;
			memcpy(&number, bytes + got - 4, 4);
			number = ntohl(number);
			if (number < count)
				passed[number] = 1;
		}
}

int main(int argc, char **argv)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET };
	struct pollfd sockets[PROTOCOL_COUNT];
	struct packet packet;
	struct wanted wanted;
	uint32_t count;
	uint8_t *passed;
	char(*words)[WORDS];
	bool ipv6, by_chance;
	int out;

	if (argc != 6)
		return fputs("usage: exchange NAMESPACE_A NAMESPACE_B SEED|- COUNT 4|6\n", stderr), 2;
	by_chance = strcmp(argv[3], "-") != 0;
	state = strtoull(argv[3], NULL, 10);
	count = (uint32_t)strtoul(argv[4], NULL, 10);
	ipv6 = argv[5][0] == '6';
	passed = calloc(count + 1, 1);
	words = calloc(count + 1, WORDS);
	enter(argv[2]);
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		int room = 1 << 20;

		sockets[i].fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, ipv6 ? protocols6[i] : protocols4[i]);
		sockets[i].events = POLLIN;
		if (sockets[i].fd < 0)
			fail("a raw socket");
		setsockopt(sockets[i].fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	}
	enter(argv[1]);
	out = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	address.sll_ifindex = (int)if_nametoindex("va");
	if (out < 0 || !address.sll_ifindex)
		fail("va");
	for (uint32_t i = 0; i < count; i++) {
		if (by_chance)
			wish(&wanted, ipv6);
		else if (!read_wish(&wanted))
			return fputs("exchange: standard input has fewer packets\n", stderr), 2;
		make(&packet, &wanted, i, ipv6);
		memcpy(words[i], packet.words, WORDS);
		if (sendto(out, packet.bytes, packet.length, 0, (struct sockaddr *)&address, sizeof(address)) < 0)
			fail("a packet cannot be sent");
		if (i % BATCH == BATCH - 1)
			receive(sockets, passed, count);
	}
	receive(sockets, passed, count);
	for (uint32_t i = 0; i < count; i++)
		printf("%u %s %s\n", i, passed[i] ? "passed" : "dropped", words[i]);
	free(words);
	free(passed);
	return 0;
}
