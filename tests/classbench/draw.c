// SPDX-License-Identifier: GPL-2.0-only
#include "draw.h"

#include <netinet/in.h>
#include <string.h>

uint64_t next_number(uint64_t *state)
{
	uint64_t number = (*state += 0x9e3779b97f4a7c15);

	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return number ^ number >> 31;
}

/* ---- The rules, packed ---- */

static unsigned bound_of(enum weir_field field)
{
	switch (field) {
	case WEIR_FIELD_SADDR4:
	case WEIR_FIELD_SADDR_HI:
		return BOUND_SADDR;
	case WEIR_FIELD_DADDR4:
	case WEIR_FIELD_DADDR_HI:
		return BOUND_DADDR;
	case WEIR_FIELD_SADDR_LO:
		return BOUND_SADDR_LOW;
	case WEIR_FIELD_DADDR_LO:
		return BOUND_DADDR_LOW;
	case WEIR_FIELD_SPORT:
		return BOUND_SPORT;
	case WEIR_FIELD_DPORT:
		return BOUND_DPORT;
	default:
		return BOUND_COUNT;
	}
}

struct bounds pack_rule(const struct rule_list *list, const struct box *box, bool ipv6)
{
	static const uint8_t protocols[] = { 0, 0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_ICMPV6 };
	struct bounds bounds = { .ipv6 = ipv6 };

	for (uint32_t i = 0; i < box->count; i++)
		if (list->dimensions[box->constraints[i].dimension].field == WEIR_FIELD_NETWORK)
			bounds.ipv6 = ipv6 = box->constraints[i].intervals[0].low == WEIR_NETWORK_IPV6;
	for (unsigned i = 0; i < BOUND_COUNT; i++)
		bounds.of[i].high = i >= BOUND_SPORT ? 0xffff : !ipv6 && i <= BOUND_DADDR ? UINT32_MAX : UINT64_MAX;
	for (uint32_t i = 0; i < box->count; i++) {
		const struct constraint *constraint = &box->constraints[i];
		enum weir_field field = list->dimensions[constraint->dimension].field;

		if (bound_of(field) < BOUND_COUNT)
			bounds.of[bound_of(field)] = (struct interval){ constraint->intervals[0].low,
									constraint->intervals[constraint->count - 1].high };
		if (field == WEIR_FIELD_PROTOCOL)
			bounds.protocol = (uint8_t)constraint->intervals[0].low;
		if (field == WEIR_FIELD_TRANSPORT)
			bounds.protocol = protocols[constraint->intervals[0].low];
	}
	return bounds;
}

bool speaks_of_ipv6(const struct rule_list *list)
{
	for (uint32_t i = 0; i < list->dimension_count; i++)
		if (list->dimensions[i].field == WEIR_FIELD_SADDR_HI || list->dimensions[i].field == WEIR_FIELD_DADDR_HI)
			return true;
	return false;
}

uint64_t pick_value(const struct interval *interval, bool outside, uint64_t *state)
{
	uint64_t width = interval->high - interval->low;

	switch (next_number(state) % 4) {
	case 0:
		return outside ? interval->low - 1 : interval->low;
	case 1:
		return outside ? interval->high + 1 : interval->high;
	default:
		if (outside)
			return next_number(state) % 2 ? interval->low - 1 : interval->high + 1;
		return width == UINT64_MAX ? next_number(state) : interval->low + next_number(state) % (width + 1);
	}
}

void put(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

void build_frame(const uint64_t *values, bool ipv6, uint8_t protocol, uint8_t frame[FRAME_BYTES])
{
	size_t transport = ETHER_BYTES + (ipv6 ? 40 : 20);
	uint8_t *header = frame + ETHER_BYTES;

	memset(frame, 0, FRAME_BYTES);
	put(frame + 12, ipv6 ? 0x86dd : 0x0800, 2);
	if (ipv6) {
		header[0] = 0x60;
		put(header + 4, FRAME_BYTES - transport, 2);
		header[6] = protocol;
		put(header + 8, values[BOUND_SADDR], 8);
		put(header + 16, values[BOUND_SADDR_LOW], 8);
		put(header + 24, values[BOUND_DADDR], 8);
		put(header + 32, values[BOUND_DADDR_LOW], 8);
	} else {
		header[0] = 0x45;
		put(header + 2, FRAME_BYTES - ETHER_BYTES, 2);
		header[9] = protocol;
		put(header + 12, values[BOUND_SADDR], 4);
		put(header + 16, values[BOUND_DADDR], 4);
	}
	put(frame + transport, values[BOUND_SPORT], 2);
	put(frame + transport + 2, values[BOUND_DPORT], 2);
	frame[transport + 12] = 0x50;
}

void draw_within(const struct bounds *bounds, uint64_t *state, uint8_t frame[FRAME_BYTES])
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	uint8_t protocol = bounds->protocol ? bounds->protocol : protocols[next_number(state) % 2];
	uint64_t values[BOUND_COUNT];

	for (unsigned i = 0; i < BOUND_COUNT; i++)
		values[i] = pick_value(&bounds->of[i], false, state);
	build_frame(values, bounds->ipv6, protocol, frame);
}
