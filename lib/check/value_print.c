// SPDX-License-Identifier: GPL-2.0-only
/* Values back to the words of the language, so that what is printed can be written in a policy. */
#include <inttypes.h>
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "check/names.h"
#include "check/value.h"

static const struct {
	const char *name;
	uint32_t bits;
} types[] = {
	[TYPE_PRESENCE] = { "presence", 0 },
	[TYPE_NUMBER] = { "mark", 32 },
	[TYPE_ETHER_ADDR] = { "ether_addr", 48 },
	[TYPE_ETHER_TYPE] = { "ether_type", 16 },
	[TYPE_ARP_OPERATION] = { "arp_op", 16 },
	[TYPE_IPV4_ADDR] = { "ipv4_addr", 32 },
	[TYPE_IPV6_ADDR] = { "ipv6_addr", 128 },
	[TYPE_PROTOCOL] = { "inet_proto", 8 },
	[TYPE_DSCP] = { "dscp", 6 },
	[TYPE_ICMP_TYPE] = { "icmp_type", 8 },
	[TYPE_ICMP_CODE] = { "icmp_code", 8 },
	[TYPE_ICMPV6_TYPE] = { "icmpv6_type", 8 },
	[TYPE_ICMPV6_CODE] = { "icmpv6_code", 8 },
	[TYPE_INET_SERVICE] = { "inet_service", 16 },
	[TYPE_TCP_FLAGS] = { "tcp_flag", 8 },
	[TYPE_INTERFACE] = { "iface_index", 32 },
	[TYPE_MALFORMED] = { "malformed", 8 },
};

const char *value_type_name(enum value_type type)
{
	return types[type].name;
}

uint32_t value_type_bits(enum value_type type)
{
	return types[type].bits;
}

int value_type_by_name(const char *word, enum value_type *ret_type)
{
	for (size_t i = 1; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i].name, word) == 0) {
			*ret_type = (enum value_type)i;
			return 0;
		}
	return -ENOENT;
}

static const char *print_ipv6(struct arena *arena, struct value value)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[16];

	for (int i = 0; i < 8; i++) {
		bytes[i] = (uint8_t)(value.hi >> (56 - 8 * i));
		bytes[i + 8] = (uint8_t)(value.lo >> (56 - 8 * i));
	}
	return arena_strdup(arena, inet_ntop(AF_INET6, bytes, text, sizeof(text)));
}

/* "syn", "(syn|ack)", "0" */
static const char *print_flags(struct arena *arena, uint64_t flags)
{
	const char *text = NULL;
	bool several = flags & (flags - 1);

	for (uint32_t bit = 0; bit < 8; bit++) {
		if (flags >> bit & 1)
			text = arena_printf(arena, "%s%s%s",
					    text      ? text
					    : several ? "("
						      : "",
					    text ? "|" : "", name_word(TYPE_TCP_FLAGS, 1ull << bit));
	}
	return text ? arena_printf(arena, "%s%s", text, several ? ")" : "") : "0";
}

const char *value_print(struct arena *arena, enum value_type type, struct value value)
{
	unsigned int bytes[6];
	const char *word = NULL;

	switch (type) {
	case TYPE_IPV6_ADDR:
		return print_ipv6(arena, value);
	case TYPE_IPV4_ADDR:
	case TYPE_ETHER_ADDR:
		for (int i = 0; i < 6; i++)
			bytes[i] = (unsigned int)(value.lo >> (40 - 8 * i)) & 0xff;
		if (type == TYPE_IPV4_ADDR)
			return arena_printf(arena, "%u.%u.%u.%u", bytes[2], bytes[3], bytes[4], bytes[5]);
		return arena_printf(arena, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
				    bytes[5]);
	case TYPE_TCP_FLAGS:
		return print_flags(arena, value.lo);
	default:
		word = name_word(type, value.lo);
	}
	if (word)
		return word;
	if (type == TYPE_ETHER_TYPE)
		return arena_printf(arena, "0x%04llx", (unsigned long long)value.lo);
	return arena_printf(arena, "%llu", (unsigned long long)value.lo);
}

const char *value_range_print(struct arena *arena, enum value_type type, struct value_range range)
{
	uint32_t bits = value_type_bits(type), length = bits;
	struct value mask, ones = value_max(bits);

	if (value_compare(range.low, range.high) == 0)
		return value_print(arena, type, range.low);
	if (type == TYPE_IPV4_ADDR || type == TYPE_IPV6_ADDR)
		for (length = 0; length < bits; length++) {
			mask = value_prefix_mask(bits, length);
			if ((range.low.hi & ~mask.hi) == 0 && (range.low.lo & ~mask.lo) == 0 &&
			    range.high.hi == (range.low.hi | (ones.hi & ~mask.hi)) &&
			    range.high.lo == (range.low.lo | (ones.lo & ~mask.lo)))
				return arena_printf(arena, "%s/%u", value_print(arena, type, range.low), length);
		}
	return arena_printf(arena, "%s-%s", value_print(arena, type, range.low), value_print(arena, type, range.high));
}

/* 90 seconds are "1m30s". */
static const char *print_timeout(struct arena *arena, uint64_t seconds)
{
	static const struct {
		uint64_t seconds;
		char letter;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	const char *text = "";

	for (size_t i = 0; i < 4; i++) {
		if (seconds >= units[i].seconds)
			text = arena_printf(arena, "%s%llu%c", text, (unsigned long long)(seconds / units[i].seconds),
					    units[i].letter);
		seconds %= units[i].seconds;
	}
	return text;
}

static const char *print_keys(struct arena *arena, const struct policy_set *set, const struct set_element *element)
{
	const char *text = value_range_print(arena, set->types[0], element->keys[0]);

	for (uint32_t i = 1; i < set->components; i++)
		text = arena_printf(arena, "%s . %s", text, value_range_print(arena, set->types[i], element->keys[i]));
	return text;
}

static const char *add_timeout(struct arena *arena, const char *text, const struct set_element *element)
{
	return element->timeout_s ? arena_printf(arena, "%s timeout %s", text, print_timeout(arena, element->timeout_s)) : text;
}

const char *element_print(struct arena *arena, const struct policy_set *set, const struct set_element *element)
{
	return add_timeout(arena, print_keys(arena, set, element), element);
}

const char *element_print_counted(struct arena *arena, const struct policy_set *set, const struct set_element *element)
{
	const char *text = print_keys(arena, set, element);

	if (set->counted)
		text = arena_printf(arena, "%s counter packets %" PRIu64 " bytes %" PRIu64, text, element->packets,
				    element->bytes);
	return add_timeout(arena, text, element);
}
