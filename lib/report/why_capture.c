// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures, through libpcap. In: a pcap or pcapng file. Out: packet by packet, as an Ethernet frame or from the IP header
 * on. What "tcpdump -i any" writes (Linux cooked) has no Ethernet header: its packets are taken from the IP header on.
 */
#include "report/why_capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct why_capture {
	const char *path;
	char *name; /* of the packet that was read last: PATH, a colon, and its number */
	pcap_t *pcap;
	int link_type;
	uint64_t count;	 /* packets read */
	uint8_t *padded; /* a packet whose end was not captured, filled up */
	size_t padded_size;
};

#define NUMBER_ROOM 22 /* for a colon, a number of 64 bits, and NUL */

static const struct place nowhere;

static int refuse_link_type(struct why_capture *capture, struct diagnostics *diagnostics)
{
	const char *name = pcap_datalink_val_to_name(capture->link_type);
	struct diagnostic *error =
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "'%s' has link type %s (%d), which weir does not read",
			 capture->path, name ? name : "unknown", capture->link_type);

	diagnostic_hint(diagnostics, error, "capture on an Ethernet interface, or with 'tcpdump -i any' (Linux cooked)");
	return -EINVAL;
}

static bool known_link_type(int type)
{
	switch (type) {
	case DLT_EN10MB:
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
	case DLT_LINUX_SLL:
	case DLT_LINUX_SLL2:
		return true;
	}
	return false;
}

int why_capture_open(struct arena *arena, const char *path, struct why_capture **ret_capture, struct diagnostics *diagnostics)
{
	char message[PCAP_ERRBUF_SIZE] = "";
	struct why_capture *capture;
	bool standard_input = strcmp(path, "-") == 0;

	if (!standard_input && access(path, R_OK) != 0) {
		int error = errno;

		diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot read '%s': %s", path, strerror(error));
		return -error;
	}
	capture = arena_new_object(arena, struct why_capture);
	capture->path = arena_strdup(arena, standard_input ? "standard input" : path);
	capture->name = arena_alloc(arena, strlen(capture->path) + NUMBER_ROOM);
	capture->pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, message);
	if (!capture->pcap) {
		struct diagnostic *error =
			diagnose(diagnostics, SEVERITY_ERROR, nowhere, "'%s' is no capture: %s", capture->path, message);

		diagnostic_hint(diagnostics, error, "a pcap or pcapng file is wanted, as 'tcpdump -w FILE' writes it");
		return -EINVAL;
	}
	capture->link_type = pcap_datalink(capture->pcap);
	if (!known_link_type(capture->link_type)) {
		refuse_link_type(capture, diagnostics);
		why_capture_close(capture);
		return -EINVAL;
	}
	*ret_capture = capture;
	return 0;
}

void why_capture_close(struct why_capture *capture)
{
	if (!capture)
		return;
	if (capture->pcap)
		pcap_close(capture->pcap);
	capture->pcap = NULL;
	free(capture->padded);
	capture->padded = NULL;
}

void why_capture_closep(struct why_capture **capture)
{
	why_capture_close(*capture);
	*capture = NULL;
}

/*
 * Take a cooked header off. What is behind it is IP for most packets; anything else (ARP) gets an Ethernet header with
 * addresses of zeros by the room that the cooked one leaves. False: the header is cut.
 */
static bool take_cooked(uint8_t *data, size_t length, size_t header, size_t type_at, struct why_packet *packet)
{
	uint8_t type[2];

	if (length < header)
		return false;
	memcpy(type, data + type_at, 2);
	if ((type[0] == 0x08 && type[1] == 0x00) || (type[0] == 0x86 && type[1] == 0xdd)) {
		packet->context.raw_ip = true;
		packet->data = data + header;
		packet->length = length - header;
		return true;
	}
	memset(data + header - 14, 0, 12);
	memcpy(data + header - 2, type, 2);
	packet->data = data + header - 14;
	packet->length = length - header + 14;
	return true;
}

static bool take_link(struct why_capture *capture, uint8_t *data, size_t length, struct why_packet *packet)
{
	switch (capture->link_type) {
	case DLT_LINUX_SLL:
		return take_cooked(data, length, 16, 14, packet);
	case DLT_LINUX_SLL2:
		return take_cooked(data, length, 20, 0, packet);
	}
	packet->context.raw_ip = capture->link_type != DLT_EN10MB;
	packet->data = data;
	packet->length = length;
	return true;
}

/* The packet in memory of our own, its end filled up with zeros where the capture cut it. */
static int copy_packet(struct why_capture *capture, const struct pcap_pkthdr *header, const uint8_t *data)
{
	size_t wanted = header->len > header->caplen ? header->len : header->caplen;
	uint8_t *grown;

	if (wanted > capture->padded_size) {
		grown = realloc(capture->padded, wanted);
		if (!grown)
			return -ENOMEM;
		capture->padded = grown;
		capture->padded_size = wanted;
	}
	if (header->caplen)
		memcpy(capture->padded, data, header->caplen);
	if (wanted > header->caplen)
		memset(capture->padded + header->caplen, 0, wanted - header->caplen);
	return 0;
}

#define GREATEST_PACKET (1u << 20) /* a header that names more is damaged */

int why_capture_next(struct why_capture *capture, struct why_packet *ret_packet, struct diagnostics *diagnostics)
{
	struct pcap_pkthdr *header;
	struct why_packet packet = { 0 };
	const uint8_t *data;
	int got = pcap_next_ex(capture->pcap, &header, &data);

	if (got == PCAP_ERROR_BREAK)
		return 0;
	if (got != 1) {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "'%s' breaks off after packet %llu: %s", capture->path,
			 (unsigned long long)capture->count, pcap_geterr(capture->pcap));
		return -EINVAL;
	}
	capture->count++;
	if (header->len > GREATEST_PACKET || header->caplen > GREATEST_PACKET || copy_packet(capture, header, data)) {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "packet %llu of '%s' says that it is %u bytes long",
			 (unsigned long long)capture->count, capture->path, header->len);
		return -EINVAL;
	}
	sprintf(capture->name, "%s:%llu", capture->path, (unsigned long long)capture->count);
	packet.name = capture->name;
	packet.time_ns = (uint64_t)header->ts.tv_sec * 1000000000 + (uint64_t)header->ts.tv_usec;
	packet.missing = header->len > header->caplen ? header->len - header->caplen : 0;
	if (!take_link(capture, capture->padded, header->caplen + packet.missing, &packet)) {
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "packet %llu of '%s' ends inside its capture header",
			 (unsigned long long)capture->count, capture->path);
		return -EINVAL;
	}
	*ret_packet = packet;
	return 1;
}

bool why_is_capture(const char *argument)
{
	static const char *const endings[] = { ".pcap", ".pcapng", ".cap" };
	size_t length = strlen(argument);

	if (strcmp(argument, "-") == 0 || access(argument, F_OK) == 0)
		return true;
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		if (length > strlen(endings[i]) && strcmp(argument + length - strlen(endings[i]), endings[i]) == 0)
			return true;
	return false;
}
