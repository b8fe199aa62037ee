// SPDX-License-Identifier: GPL-2.0-only
/*
 * The answer of a predicate in user space. What is beside a packet's bytes in the kernel and not in struct packet_context (the
 * receive queue, a random number) counts as 0 here.
 */
#include <string.h>

#include "rules/http.h"
#include "rules/rules.h"

#define ETHER_BYTES    14
#define ETHER_TYPE_AT  12
#define TAG_BYTES      4
#define LEAST_TYPE     0x600 /* a smaller number is a length, of a frame of 802.2 or 802.3 */

static bool is_offloaded(enum weir_hook hook, const struct judged_packet *packet)
{
	return hook_is_tc(hook) && packet->context->has_offload_vlan;
}

/* skb->protocol as tc sees it: the frame's own type. Elsewhere, and without an Ethernet header, weir's: the one behind all tags. */
static uint32_t protocol_of(enum weir_hook hook, enum classic_link link, const struct judged_packet *packet)
{
	const uint8_t *type = packet->data + ETHER_TYPE_AT;
	uint32_t number;

	if (!hook_is_tc(hook) || link == CLASSIC_RAW || packet->length < ETHER_BYTES)
		return packet->flow->ether_type;
	number = (uint32_t)type[0] << 8 | type[1];
	if (number >= LEAST_TYPE)
		return number;
	return packet->length >= ETHER_BYTES + 2 && type[2] == 0xff && type[3] == 0xff ? 1 : 4; /* ETH_P_802_3, ETH_P_802_2 */
}

/* At XDP a packet begins with an Ethernet header, whatever was said. */
static enum classic_link link_of(enum weir_hook hook, const struct judged_packet *packet)
{
	if (hook == WEIR_HOOK_XDP_INGRESS)
		return CLASSIC_ETHERNET;
	return hook_is_cgroup(hook) || packet->context->raw_ip ? CLASSIC_RAW : CLASSIC_ETHERNET;
}

struct classic_packet predicate_packet(enum weir_hook hook, const struct judged_packet *packet)
{
	enum classic_link link = link_of(hook, packet);
	bool egress = hook == WEIR_HOOK_TC_EGRESS || hook == WEIR_HOOK_CGROUP_EGRESS, tag = is_offloaded(hook, packet);
	struct classic_packet classic = { .data = packet->data, .length = packet->length, .has_link = link == CLASSIC_ETHERNET };

	if (link == CLASSIC_ETHERNET)
		classic.network = ETHER_BYTES + TAG_BYTES * ((uint32_t)packet->flow->vlan_tags - tag);
	classic.extensions[CLASSIC_PROTOCOL] = protocol_of(hook, link, packet);
	classic.extensions[CLASSIC_INTERFACE] = egress ? packet->flow->oif : packet->flow->iif;
	classic.extensions[CLASSIC_MARK] = packet->flow->mark;
	classic.extensions[CLASSIC_VLAN_PRESENT] = tag;
	classic.extensions[CLASSIC_VLAN_TCI] = tag ? packet->context->offload_vlan_tci : 0;
	classic.extensions[CLASSIC_VLAN_TYPE] = tag ? 0x8100 : 0;
	classic.extensions[CLASSIC_HARDWARE_TYPE] = link == CLASSIC_ETHERNET; /* ARPHRD_ETHER */
	classic.extensions[CLASSIC_PAYLOAD] = classic_payload_offset(&classic, packet->flow->ether_type);
	return classic;
}

/* The packet from its IP header on; false where it has none. */
static bool strip_link(const struct judged_packet *packet, struct classic_packet *classic)
{
	if (packet->flow->network < WEIR_NETWORK_IPV4 || classic->network > classic->length)
		return false;
	classic->data += classic->network;
	classic->length -= classic->network;
	if (classic->extensions[CLASSIC_PAYLOAD])
		classic->extensions[CLASSIC_PAYLOAD] -= classic->network;
	classic->network = 0;
	classic->has_link = false;
	return true;
}

/* With the tag that the card took off in its place again. */
static uint32_t run_with_tag(const struct classic_program *program, const struct judged_packet *packet,
			     struct classic_packet *classic)
{
	struct arena *arena = arena_new();
	uint8_t *frame = arena_alloc(arena, classic->length + TAG_BYTES);
	uint16_t tci = packet->context->offload_vlan_tci;
	uint32_t result;

	memcpy(frame, classic->data, ETHER_TYPE_AT);
	memcpy(frame + ETHER_TYPE_AT, (const uint8_t[]){ 0x81, 0x00, (uint8_t)(tci >> 8), (uint8_t)tci }, TAG_BYTES);
	memcpy(frame + ETHER_TYPE_AT + TAG_BYTES, classic->data + ETHER_TYPE_AT, classic->length - ETHER_TYPE_AT);
	classic->data = frame;
	classic->length += TAG_BYTES;
	result = classic_run(program, classic);
	arena_free(arena);
	return result;
}

bool predicate_holds(const struct predicate *predicate, enum weir_hook hook, const struct judged_packet *packet)
{
	enum classic_link link = link_of(hook, packet);
	const struct classic_program *program = predicate->programs[link];
	struct classic_packet classic = predicate_packet(hook, packet);

	if (predicate->kind == PREDICATE_HTTP)
		return http_holds(predicate, packet);
	if (!program)
		return false;
	if (link == CLASSIC_ETHERNET && predicate->behind_link && !strip_link(packet, &classic))
		return false;
	if (link == CLASSIC_ETHERNET && predicate->whole_frame && is_offloaded(hook, packet) && classic.length >= ETHER_TYPE_AT)
		return run_with_tag(program, packet, &classic);
	return classic_run(program, &classic);
}
