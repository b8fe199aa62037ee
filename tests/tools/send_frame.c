// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends one frame, layer by layer as it is told, for what no standard tool sends: cut headers, wrong lengths,
 * odd fragments, extension headers, tags upon tags.
 *
 *	send_frame [-n TIMES] [-4|-6|-p] INTERFACE LAYER...
 *
 * A layer is a word and its settings: `eth,src=02:00:00:00:00:01,dst=02:00:00:00:00:02` `vlan,id=7` `qinq,id=7`
 * `arp,op=1,src=10.0.0.1,dst=10.0.0.2` `ip,src=,dst=,proto=,ttl=,frag=,ihl=,len=,version=` `ip6,src=,dst=,next=,len=`
 * `hop` `dstopts` `routing` `ah` `fragment,off=,more=` `tcp,sport=,dport=,flags=,off=` `udp,sport=,dport=`
 * `icmp,type=,code=` `icmpv6,type=,code=` `hex,DEADBEEF` `zeros,100`, and last `cut,20`: that many bytes of all.
 * Types, lengths and next headers that are not given follow from the layers behind. TCP and UDP get right checksums.
 *
 * It goes out by AF_PACKET; with -4 and -6 by a raw IP socket (begin with ip or ip6), so that cgroup hooks see it.
 * -p prints the frame in hex and sends nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_LAYERS     40
#define MAX_FRAME      70000
#define OWN_ETHER_TYPE 0x88b5 /* kept for experiments */

struct layer {
	const char *name, *settings;
	size_t at, length; /* in the frame */
};

static uint8_t frame[MAX_FRAME];
static size_t frame_length;
static struct layer layers[MAX_LAYERS];
static size_t layer_count;

__attribute__((noreturn)) static void fail(const char *what, const char *why)
{
	fprintf(stderr, "send_frame: %s: %s\n", what, why);
	exit(2);
}

/* The text of setting KEY of a layer, or NULL. */
static const char *setting(const struct layer *layer, const char *key)
{
	static char found[256];
	size_t length = strlen(key);

	for (const char *at = layer->settings; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		if (strncmp(at, key, length) != 0 || at[length] != '=')
			continue;
		snprintf(found, sizeof(found), "%.*s", (int)strcspn(at + length + 1, ","), at + length + 1);
		return found;
	}
	return NULL;
}

static unsigned long number(const struct layer *layer, const char *key, unsigned long otherwise)
{
	const char *text = setting(layer, key);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static void put8(size_t at, unsigned value)
{
	frame[at] = (uint8_t)value;
}

static void put16(size_t at, unsigned value)
{
	put8(at, value >> 8);
	put8(at + 1, value & 0xff);
}

static void put_address(int family, size_t at, const struct layer *layer, const char *key)
{
	const char *text = setting(layer, key);

	if (text && inet_pton(family, text, frame + at) != 1)
		fail(text, "is no address");
}

static void put_mac(size_t at, const struct layer *layer, const char *key, const char *otherwise)
{
	const char *text = setting(layer, key);
	unsigned byte[6];

	text = text ? text : otherwise;
	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4], &byte[5]) != 6)
		fail(text, "is no Ethernet address");
	for (size_t i = 0; i < 6; i++)
		put8(at + i, byte[i]);
}

static bool is(const struct layer *layer, const char *name)
{
	return strcmp(layer->name, name) == 0;
}

/* What the layer in front calls this one: an ethertype. */
static unsigned ether_type_of(const struct layer *layer)
{
	static const struct {
		const char *name;
		unsigned type;
	} known[] = { { "vlan", 0x8100 }, { "qinq", 0x88a8 }, { "arp", 0x0806 }, { "ip", 0x0800 }, { "ip6", 0x86dd } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is(layer, known[i].name))
			return known[i].type;
	return OWN_ETHER_TYPE;
}

/* The same, a protocol or next header. */
static unsigned protocol_of(const struct layer *layer)
{
	static const struct {
		const char *name;
		unsigned protocol;
	} known[] = {
		{ "tcp", 6 },	   { "udp", 17 },     { "icmp", 1 },	  { "icmpv6", 58 }, { "hop", 0 },
		{ "dstopts", 60 }, { "routing", 43 }, { "fragment", 44 }, { "ah", 51 },	    { "ip", 4 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is(layer, known[i].name))
			return known[i].protocol;
	return 59;
}

static size_t layer_length(const struct layer *layer)
{
	if (is(layer, "hex"))
		return strlen(layer->settings) / 2;
	if (is(layer, "zeros"))
		return strtoul(layer->settings, NULL, 0);
	if (is(layer, "ip"))
		return 4 * (number(layer, "ihl", 5) < 5 ? 5 : number(layer, "ihl", 5));
	static const struct {
		const char *name;
		size_t length;
	} known[] = {
		{ "eth", 14 }, { "vlan", 4 },	 { "qinq", 4 },	   { "arp", 28 },     { "ip6", 40 },
		{ "hop", 8 },  { "dstopts", 8 }, { "routing", 8 }, { "fragment", 8 }, { "ah", 12 },
		{ "tcp", 20 }, { "udp", 8 },	 { "icmp", 8 },	   { "icmpv6", 8 },   { "cut", 0 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is(layer, known[i].name))
			return known[i].length;
	fail(layer->name, "is no layer");
}

static uint16_t checksum(const uint8_t *data, size_t length, uint32_t sum)
{
	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void fill_link(const struct layer *layer, const struct layer *next)
{
	if (is(layer, "eth")) {
		put_mac(layer->at, layer, "dst", "ff:ff:ff:ff:ff:ff");
		put_mac(layer->at + 6, layer, "src", "02:00:00:00:00:01");
		put16(layer->at + 12, number(layer, "type", next ? ether_type_of(next) : OWN_ETHER_TYPE));
	} else if (is(layer, "arp")) {
		put16(layer->at, 1);
		put16(layer->at + 2, 0x0800);
		put8(layer->at + 4, 6);
		put8(layer->at + 5, 4);
		put16(layer->at + 6, number(layer, "op", 1));
		put_mac(layer->at + 8, layer, "mac", "02:00:00:00:00:01");
		put_address(AF_INET, layer->at + 14, layer, "src");
		put_address(AF_INET, layer->at + 24, layer, "dst");
	} else {
		put16(layer->at, number(layer, "id", 1));
		put16(layer->at + 2, number(layer, "type", next ? ether_type_of(next) : OWN_ETHER_TYPE));
	}
}

static void fill_ip(const struct layer *layer, const struct layer *next)
{
	size_t at = layer->at;

	if (is(layer, "ip6")) {
		put8(at, number(layer, "version", 6) << 4);
		put16(at + 4, number(layer, "len", frame_length - at - 40));
		put8(at + 6, number(layer, "next", next ? protocol_of(next) : 59));
		put8(at + 7, number(layer, "hops", 64));
		put_address(AF_INET6, at + 8, layer, "src");
		put_address(AF_INET6, at + 24, layer, "dst");
		return;
	}
	put8(at, number(layer, "version", 4) << 4 | number(layer, "ihl", 5));
	put16(at + 2, number(layer, "len", frame_length - at));
	put16(at + 4, number(layer, "ident", 1));
	put16(at + 6, number(layer, "frag", 0));
	put8(at + 8, number(layer, "ttl", 64));
	put8(at + 9, number(layer, "proto", next ? protocol_of(next) : 253));
	put_address(AF_INET, at + 12, layer, "src");
	put_address(AF_INET, at + 16, layer, "dst");
	put16(at + 10, checksum(frame + at, layer->length, 0));
}

static void fill_extension(const struct layer *layer, const struct layer *next)
{
	size_t at = layer->at;

	put8(at, number(layer, "next", next ? protocol_of(next) : 59));
	if (is(layer, "ah"))
		put8(at + 1, 1);
	else if (is(layer, "fragment"))
		put16(at + 2, number(layer, "off", 0) << 3 | number(layer, "more", 0));
	else
		put8(at + 1, number(layer, "len", 0));
	if (is(layer, "hop") || is(layer, "dstopts")) /* one option: PadN over the four bytes that are left */
		put16(at + 2, 0x0104);
	if (is(layer, "fragment"))
		put16(at + 6, number(layer, "ident", 1));
}

/* The checksum over the pseudo header of the network layer that stands before LAYER. */
static void fill_checksum(const struct layer *layer, size_t offset, unsigned protocol)
{
	const struct layer *network = layer;
	size_t length = frame_length - layer->at;
	uint32_t sum = (uint32_t)length + protocol;

	while (network > layers && !is(network, "ip") && !is(network, "ip6"))
		network--;
	size_t first = is(network, "ip6") ? 8 : 12, bytes = is(network, "ip6") ? 32 : 8;
	for (size_t i = 0; i < bytes; i++)
		sum += i % 2 ? frame[network->at + first + i] : (uint32_t)frame[network->at + first + i] << 8;
	put16(layer->at + offset, checksum(frame + layer->at, length, protocol == IPPROTO_ICMP ? 0 : sum));
}

static unsigned tcp_flags(const struct layer *layer)
{
	const char *text = setting(layer, "flags");
	unsigned flags = 0;

	if (!text)
		return 2;
	for (const char *c = text; *c; c++)
		flags |= *c == 'F' ? 1 : *c == 'S' ? 2 : *c == 'R' ? 4 : *c == 'P' ? 8 : *c == 'A' ? 16 : *c == 'U' ? 32 : 0;
	return flags;
}

static void fill_transport(const struct layer *layer)
{
	size_t at = layer->at;

	if (is(layer, "tcp")) {
		put16(at, number(layer, "sport", 1234));
		put16(at + 2, number(layer, "dport", 80));
		put8(at + 12, number(layer, "off", 5) << 4);
		put8(at + 13, tcp_flags(layer));
		put16(at + 14, 1024);
		fill_checksum(layer, 16, IPPROTO_TCP);
	} else if (is(layer, "udp")) {
		put16(at, number(layer, "sport", 1234));
		put16(at + 2, number(layer, "dport", 53));
		put16(at + 4, number(layer, "len", frame_length - at));
		fill_checksum(layer, 6, IPPROTO_UDP);
	} else {
		put8(at, number(layer, "type", is(layer, "icmp") ? 8 : 128));
		put8(at + 1, number(layer, "code", 0));
		fill_checksum(layer, 2, is(layer, "icmp") ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	}
}

static void fill(const struct layer *layer, const struct layer *next)
{
	if (is(layer, "hex"))
		for (size_t i = 0; i < layer->length; i++)
			sscanf(layer->settings + 2 * i, "%2hhx", &frame[layer->at + i]);
	else if (is(layer, "eth") || is(layer, "vlan") || is(layer, "qinq") || is(layer, "arp"))
		fill_link(layer, next);
	else if (is(layer, "ip") || is(layer, "ip6"))
		fill_ip(layer, next);
	else if (is(layer, "tcp") || is(layer, "udp") || is(layer, "icmp") || is(layer, "icmpv6"))
		fill_transport(layer);
	else if (!is(layer, "zeros") && !is(layer, "cut"))
		fill_extension(layer, next);
}

/* Lay out all layers, then fill them from the last to the first, since a checksum is over what stands behind. */
static void build(char **words, int count)
{
	if (count > MAX_LAYERS)
		fail("layers", "too many");
	for (int i = 0; i < count; i++) {
		struct layer *layer = &layers[layer_count++];

		layer->name = strtok(words[i], ",");
		layer->settings = strtok(NULL, "");
		if (!layer->settings)
			layer->settings = "";
		layer->at = frame_length;
		layer->length = layer_length(layer);
		frame_length += layer->length;
		if (frame_length > MAX_FRAME)
			fail("frame", "too long");
	}
	for (size_t i = layer_count; i-- > 0;)
		fill(&layers[i], i + 1 < layer_count && !is(&layers[i + 1], "cut") ? &layers[i + 1] : NULL);
	/* Checksums again: the network layer, filled after the transport, is part of them. */
	for (size_t i = 0; i < layer_count; i++)
		if (is(&layers[i], "tcp") || is(&layers[i], "udp") || is(&layers[i], "icmpv6")) {
			put16(layers[i].at + (is(&layers[i], "tcp") ? 16 : is(&layers[i], "udp") ? 6 : 2), 0);
			fill_transport(&layers[i]);
		}
	for (size_t i = 0; i < layer_count; i++)
		if (is(&layers[i], "cut"))
			frame_length = strtoul(layers[i].settings, NULL, 0);
}

/* Where to send to, and by which socket. Opened once: closing a packet socket waits for a grace period of the kernel. */
struct way {
	int fd;
	struct sockaddr_storage to;
	socklen_t to_length;
};

static struct way open_packet(const char *interface)
{
	struct way way = { .fd = socket(AF_PACKET, SOCK_RAW, 0), .to_length = sizeof(struct sockaddr_ll) };
	struct sockaddr_ll *to = (struct sockaddr_ll *)&way.to;

	*to = (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(interface), .sll_halen = 6 };
	if (!to->sll_ifindex || way.fd < 0)
		fail(interface, strerror(errno));
	memcpy(to->sll_addr, frame, 6);
	to->sll_protocol = frame_length >= 14 ? (uint16_t)(frame[12] | frame[13] << 8) : 0;
	return way;
}

static struct way open_raw(int family)
{
	struct way way = { .fd = socket(family, SOCK_RAW, IPPROTO_RAW) };
	struct sockaddr_in *to4 = (struct sockaddr_in *)&way.to;
	struct sockaddr_in6 *to6 = (struct sockaddr_in6 *)&way.to;
	int one = 1;

	if (way.fd < 0)
		fail("raw socket", strerror(errno));
	way.to.ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		memcpy(&to4->sin_addr, frame + 16, 4);
		way.to_length = sizeof(*to4);
	} else {
		memcpy(&to6->sin6_addr, frame + 24, 16);
		way.to_length = sizeof(*to6);
		setsockopt(way.fd, IPPROTO_IPV6, IPV6_HDRINCL, &one, sizeof(one));
	}
	return way;
}

int main(int argc, char **argv)
{
	int option, family = 0;
	long times = 1;
	bool print = false, stopped = false;
	struct way way;

	while ((option = getopt(argc, argv, "+n:46p")) != -1) {
		if (option == 'n')
			times = strtol(optarg, NULL, 0);
		else if (option == 'p')
			print = true;
		else if (option == '4' || option == '6')
			family = option == '4' ? AF_INET : AF_INET6;
		else
			return 2;
	}
	if (argc - optind < 2)
		fail("usage", "send_frame [-n TIMES] [-4|-6|-p] INTERFACE LAYER...");
	build(argv + optind + 1, argc - optind - 1);
	for (size_t i = 0; print && i < frame_length; i++)
		printf("%02x%s", frame[i], i + 1 == frame_length ? "\n" : "");
	if (print)
		return 0;
	way = family ? open_raw(family) : open_packet(argv[optind]);
	for (long i = 0; i < times; i++) {
		if (sendto(way.fd, frame, frame_length, 0, (struct sockaddr *)&way.to, way.to_length) >= 0)
			continue;
		/* Stopped by a program at a cgroup (EPERM) or at tc (ENOBUFS): a finding, not a fault. */
		if (errno != EPERM && errno != ENOBUFS)
			fail("sending", strerror(errno));
		stopped = true;
	}
	return stopped;
}
