// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words to values. Addresses are read strictly: four decimal parts without leading zeros, six pairs of
 * hexadecimal digits, IPv6 as inet_pton takes it without a zone. Nothing is ever looked up in the network.
 */
#include "check/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "check/names.h"

#define WORD_BYTES 64

struct value value_max(uint32_t bits)
{
	return value_prefix_mask(bits, bits);
}

struct value value_next(struct value value)
{
	if (++value.lo == 0)
		value.hi++;
	return value;
}

struct value value_previous(struct value value)
{
	if (value.lo-- == 0)
		value.hi--;
	return value;
}

/* LENGTH ones at the top of BITS bits. */
struct value value_prefix_mask(uint32_t bits, uint32_t length)
{
	struct value mask = { 0 };

	for (uint32_t bit = bits - length; bit < bits; bit++) {
		if (bit < 64)
			mask.lo |= 1ull << bit;
		else
			mask.hi |= 1ull << (bit - 64);
	}
	return mask;
}

uint32_t subject_bits(enum subject subject)
{
	switch (subject) {
	case SUBJECT_VLAN_ID:
		return 12;
	case SUBJECT_IP_TTL:
	case SUBJECT_IP6_HOPLIMIT:
		return 8;
	case SUBJECT_IP_FRAG_OFF:
	case SUBJECT_IP_LENGTH:
	case SUBJECT_IP6_LENGTH:
		return 16;
	default:
		return value_type_bits(subject_type(subject));
	}
}

const char *subject_service_protocol(enum subject subject)
{
	switch (subject) {
	case SUBJECT_TCP_SPORT:
	case SUBJECT_TCP_DPORT:
		return "tcp";
	case SUBJECT_UDP_SPORT:
	case SUBJECT_UDP_DPORT:
		return "udp";
	case SUBJECT_SCTP_SPORT:
	case SUBJECT_SCTP_DPORT:
		return "sctp";
	default:
		return NULL;
	}
}

enum subject subject_counterpart(enum subject subject)
{
	switch (subject) {
	case SUBJECT_IP_SADDR:
		return SUBJECT_IP6_SADDR;
	case SUBJECT_IP_DADDR:
		return SUBJECT_IP6_DADDR;
	case SUBJECT_IP6_SADDR:
		return SUBJECT_IP_SADDR;
	case SUBJECT_IP6_DADDR:
		return SUBJECT_IP_DADDR;
	default:
		return SUBJECT_COUNT;
	}
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* number = [0-9]+ | "0x" [0-9a-fA-F]+ */
static int read_number(uint32_t bits, const char *text, size_t length, uint64_t *ret_number)
{
	bool hexadecimal = length > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
	uint64_t base = hexadecimal ? 16 : 10, max = bits >= 64 ? UINT64_MAX : (1ull << bits) - 1, number = 0;
	bool great = false;

	if (length == 0)
		return -EINVAL;
	for (size_t i = hexadecimal ? 2 : 0; i < length; i++) {
		uint64_t digit = (uint64_t)digit_value(text[i]);

		if (digit >= base)
			return -EINVAL;
		great |= number > (UINT64_MAX - digit) / base;
		number = number * base + digit;
	}
	if (great || number > max)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

static int read_ipv4(const char *text, size_t length, uint64_t *ret_address)
{
	uint64_t address = 0;
	size_t at = 0;

	for (int part = 0; part < 4; part++) {
		uint32_t number = 0;
		size_t start = at;

		while (at < length && text[at] >= '0' && text[at] <= '9' && at - start < 3)
			number = number * 10 + (uint32_t)(text[at++] - '0');
		if (at == start || number > 255 || (at - start > 1 && text[start] == '0'))
			return -EINVAL;
		address = address << 8 | number;
		if (part < 3 && (at == length || text[at++] != '.'))
			return -EINVAL;
	}
	if (at != length)
		return -EINVAL;
	*ret_address = address;
	return 0;
}

static int read_ipv6(const char *text, size_t length, struct value *ret_value)
{
	struct value value = { 0 };
	char word[WORD_BYTES];
	uint8_t bytes[16];

	if (length >= sizeof(word))
		return -EINVAL;
	memcpy(word, text, length);
	word[length] = 0;
	if (inet_pton(AF_INET6, word, bytes) != 1)
		return -EINVAL;
	for (int i = 0; i < 8; i++) {
		value.hi = value.hi << 8 | bytes[i];
		value.lo = value.lo << 8 | bytes[i + 8];
	}
	*ret_value = value;
	return 0;
}

static int read_ether(const char *text, size_t length, uint64_t *ret_address)
{
	uint64_t address = 0;
	size_t at = 0;

	for (int part = 0; part < 6; part++) {
		uint64_t number = 0;
		size_t start = at;

		while (at < length && digit_value(text[at]) < 16 && at - start < 2)
			number = number << 4 | (uint64_t)digit_value(text[at++]);
		if (at == start)
			return -EINVAL;
		address = address << 8 | number;
		if (part < 5 && (at == length || text[at++] != ':'))
			return -EINVAL;
	}
	if (at != length)
		return -EINVAL;
	*ret_address = address;
	return 0;
}

/*
 * Each service's name has a letter (RFC 6335). To find out that "1024-65535" is none, which is asked before it is read as a range, a
 * file need not be read.
 */
static bool can_be_service(const char *word)
{
	for (; *word; word++)
		if ((*word | 0x20) >= 'a' && (*word | 0x20) <= 'z')
			return true;
	return false;
}

/* What only the host knows: services, protocols, interfaces. */
static int look_up(const struct value_type_of *wanted, const char *text, size_t length, uint64_t *ret_number)
{
	const struct host *host = wanted->host;
	char word[WORD_BYTES];
	uint8_t protocol = 0;
	uint16_t port = 0;
	uint32_t index = 0;
	int err;

	if (!host || length == 0 || length >= sizeof(word))
		return -EINVAL;
	memcpy(word, text, length);
	word[length] = 0;
	switch (wanted->type) {
	case TYPE_INET_SERVICE:
		err = can_be_service(word) ? host->service(host->context, word, wanted->protocol, &port) : -ENOENT;
		*ret_number = err ? *ret_number : port;
		return err ? -EINVAL : 0;
	case TYPE_PROTOCOL:
		err = host->protocol(host->context, word, &protocol);
		*ret_number = err ? *ret_number : protocol;
		return err ? -EINVAL : 0;
	case TYPE_INTERFACE:
		err = host->interface(host->context, word, wanted->netns, &index);
		*ret_number = err ? *ret_number : index;
		return err;
	default:
		return -EINVAL;
	}
}

int value_read(const struct value_type_of *wanted, const char *text, size_t length, struct value *ret_value)
{
	uint64_t number = 0;
	int err;

	switch (wanted->type) {
	case TYPE_IPV6_ADDR:
		return read_ipv6(text, length, ret_value);
	case TYPE_IPV4_ADDR:
		err = read_ipv4(text, length, &number);
		break;
	case TYPE_ETHER_ADDR:
		err = read_ether(text, length, &number);
		break;
	case TYPE_PRESENCE:
		return -EINVAL;
	default:
		err = name_number(wanted->type, text, length, &number);
		if (err && wanted->type != TYPE_MALFORMED)
			err = read_number(wanted->bits, text, length, &number);
		/* "8021q" begins with a digit and is a name; a name of the host never is a number. */
		if (err == -EINVAL || err == -ENOENT)
			err = look_up(wanted, text, length, &number);
	}
	if (err)
		return err;
	*ret_value = (struct value){ .lo = number };
	return 0;
}

static bool type_has_prefixes(enum value_type type)
{
	return type == TYPE_IPV4_ADDR || type == TYPE_IPV6_ADDR;
}

/* prefix = address "/" length */
static enum range_fault read_prefix(const struct value_type_of *wanted, const char *text, const char *slash,
				    struct value_range *ret_range)
{
	struct value_range range;
	struct value mask;
	uint64_t length;

	if (value_read(wanted, text, (size_t)(slash - text), &range.low))
		return RANGE_UNREADABLE;
	if (!type_has_prefixes(wanted->type) || read_number(8, slash + 1, strlen(slash + 1), &length) || length > wanted->bits)
		return RANGE_PREFIX;
	mask = value_prefix_mask(wanted->bits, (uint32_t)length);
	range.high = value_max(wanted->bits);
	range.high.hi = range.low.hi | (range.high.hi & ~mask.hi);
	range.high.lo = range.low.lo | (range.high.lo & ~mask.lo);
	ret_range->high = range.high;
	ret_range->low = (struct value){ range.low.hi & mask.hi, range.low.lo & mask.lo };
	return value_compare(ret_range->low, range.low) ? RANGE_HOST_BITS : RANGE_FINE;
}

/*
 * word = value | prefix | value "-" value
 * Names may have a dash (http-alt), so the whole word is tried first, and each dash.
 */
enum range_fault value_range_read(const struct value_type_of *wanted, const char *text, struct value_range *ret_range)
{
	const char *slash = strchr(text, '/');
	struct value_range range;

	if (value_read(wanted, text, strlen(text), &range.low) == 0) {
		*ret_range = (struct value_range){ range.low, range.low };
		return RANGE_FINE;
	}
	if (slash && type_has_prefixes(wanted->type))
		return read_prefix(wanted, text, slash, ret_range);
	for (const char *dash = strchr(text, '-'); dash; dash = strchr(dash + 1, '-')) {
		if (value_read(wanted, text, (size_t)(dash - text), &range.low) ||
		    value_read(wanted, dash + 1, strlen(dash + 1), &range.high))
			continue;
		*ret_range = range;
		return value_compare(range.low, range.high) > 0 ? RANGE_REVERSED : RANGE_FINE;
	}
	return RANGE_UNREADABLE;
}

/* COUNT ones at the lower end. */
static struct value low_bits(uint32_t count)
{
	return (struct value){
		.hi = count <= 64    ? 0
		      : count >= 128 ? UINT64_MAX
				     : (1ULL << (count - 64)) - 1,
		.lo = count >= 64 ? UINT64_MAX : (1ULL << count) - 1,
	};
}

struct value_range value_range_first_prefix(struct value_range range, uint32_t bits)
{
	struct value_range prefix = { range.low, range.low };

	for (uint32_t host = 1; host <= bits; host++) {
		struct value mask = low_bits(host);
		struct value end = { range.low.hi | mask.hi, range.low.lo | mask.lo };

		if ((range.low.hi & mask.hi) || (range.low.lo & mask.lo) || value_compare(end, range.high) > 0)
			break;
		prefix.high = end;
	}
	return prefix;
}
