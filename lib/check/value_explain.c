// SPDX-License-Identifier: GPL-2.0-only
/* What is wrong with a word that could not be read as a value of its type, and what to write instead. */
#include <errno.h>
#include <string.h>

#include "check/names.h"
#include "check/value.h"

#define SHORT_TABLE 8 /* names that are all shown; of a longer table, the first half of so many */

struct explanation {
	const struct value_type_of *wanted;
	const char *text;
	struct place place;
	struct diagnostics *diagnostics;
};

static bool reads_as(enum value_type type, const char *text)
{
	struct value_type_of other = { .type = type, .bits = value_type_bits(type) };
	struct value_range ignored;

	return value_range_read(&other, text, &ignored) <= RANGE_REVERSED;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* What is wrong inside dotted parts: too great, a leading zero, too few. NULL: it is not even of that shape. */
static const char *ipv4_fault(struct arena *arena, const char *text, const char **ret_hint)
{
	const char *part = text, *fault = NULL;
	char *better = arena_strdup(arena, "");
	int parts = 0;

	if (strspn(text, "0123456789./") != strlen(text))
		return NULL;
	while (*part && *part != '/') {
		size_t length = strcspn(part, "./");
		const char *digits = part + strspn(part, "0");
		size_t significant = (size_t)(part + length - digits);

		if (length == 0)
			return "a part between its dots is empty";
		if (significant > 3 || (significant == 3 && strncmp(digits, "255", 3) > 0))
			return arena_printf(arena, "%.*s is more than 255", (int)length, part);
		if (length > 1 && *part == '0')
			fault = "a leading zero is octal to some programs and decimal to others";
		better = arena_printf(arena, "%s%s%.*s", better, parts ? "." : "", significant ? (int)significant : 1,
				      significant ? digits : "0");
		parts++;
		part += length;
		if (*part == '.' && !*++part)
			return "a part between its dots is empty";
	}
	if (parts < 4) {
		for (int i = parts; i < 4; i++)
			better = arena_printf(arena, "%s.0", better);
		if (*part == '/' || parts > 1)
			*ret_hint = arena_printf(arena, "write %s%s", better, *part == '/' ? part : parts == 2 ? "/16" : "/24");
	}
	if (parts != 4)
		return arena_printf(arena, "it has %d part%s, not four", parts, parts == 1 ? "" : "s");
	if (fault)
		*ret_hint = arena_printf(arena, "write %s%s", better, part);
	return fault;
}

/* "255.255.0.0" is a prefix length of 16; -1: it is no netmask. */
static int netmask_length(const char *text)
{
	const struct value_type_of wanted = { .type = TYPE_IPV4_ADDR, .bits = 32 };
	struct value mask;

	if (value_read(&wanted, text, strlen(text), &mask) != 0)
		return -1;
	for (int length = 0; length <= 32; length++)
		if (mask.lo == (0xffffffffULL << (32 - length) & 0xffffffff))
			return length;
	return -1;
}

static struct diagnostic *explain_address(const struct explanation *e)
{
	const enum value_type type = e->wanted->type;
	const char *version = type == TYPE_IPV4_ADDR ? "IPv4" : "IPv6", *other = type == TYPE_IPV4_ADDR ? "IPv6" : "IPv4";
	const char *slash = strchr(e->text, '/'), *hint = NULL, *fault;
	struct diagnostic *d;
	int length;

	if (reads_as(type == TYPE_IPV4_ADDR ? TYPE_IPV6_ADDR : TYPE_IPV4_ADDR, e->text)) {
		d = diagnose(e->diagnostics, SEVERITY_ERROR, e->place, "%s is an %s address, %s takes %s addresses", e->text,
			     other, e->wanted->words, version);
		for (int subject = 0; subject < SUBJECT_COUNT; subject++)
			if (strcmp(e->wanted->words, arena_printf(e->diagnostics->arena, "'%s'", subject_words(subject))) == 0 &&
			    subject_counterpart(subject) != SUBJECT_COUNT)
				diagnostic_hint(e->diagnostics, d, "write '%s' in a rule of its own",
						subject_words(subject_counterpart(subject)));
		return d;
	}
	if (slash && slash[1] && reads_as(type, arena_strndup(e->diagnostics->arena, e->text, (size_t)(slash - e->text)))) {
		d = diagnose(e->diagnostics, SEVERITY_ERROR, e->place, "%s is not a prefix length of an %s address", slash + 1,
			     version);
		length = netmask_length(slash + 1);
		if (type == TYPE_IPV4_ADDR && length >= 0)
			diagnostic_hint(e->diagnostics, d, "write %.*s/%d", (int)(slash - e->text), e->text, length);
		else
			diagnostic_hint(e->diagnostics, d, "a prefix length is a number from 0 to %u", e->wanted->bits);
		return d;
	}
	fault = type == TYPE_IPV4_ADDR ? ipv4_fault(e->diagnostics->arena, e->text, &hint) : NULL;
	d = diagnose(e->diagnostics, SEVERITY_ERROR, e->place, "%s is not an %s address%s%s", e->text, version, fault ? ": " : "",
		     fault ? fault : "");
	if (type == TYPE_IPV6_ADDR && strchr(e->text, '%'))
		hint = "an address in a packet has no zone: leave out '%' and what follows";
	else if (type == TYPE_IPV6_ADDR && e->text[0] == '[')
		hint = "leave out the brackets; a port is a match of its own: tcp dport 80";
	else if (type == TYPE_IPV4_ADDR && !fault && strchr(e->text, ':') && strchr(e->text, '.'))
		hint = "a port is a match of its own: tcp dport 80";
	else if (type == TYPE_IPV6_ADDR && strchr(e->text, ':'))
		hint = "groups of hexadecimal digits with colons between, and '::' at most once: 2001:db8::1";
	if (!fault && !hint && !strpbrk(e->text, ":") && strspn(e->text, "0123456789./-") != strlen(e->text))
		hint = "host names are not looked up: write addresses, or a set '@name'";
	if (hint)
		diagnostic_hint(e->diagnostics, d, "%s", hint);
	return d;
}

static struct diagnostic *explain_interface(const struct explanation *e)
{
	struct value ignored;
	int err = value_read(e->wanted, e->text, strlen(e->text), &ignored);
	struct diagnostic *d;
	const char *near;

	if (err == -ENOENT || err == -EACCES) {
		d = diagnose(e->diagnostics, SEVERITY_ERROR_SURROUNDINGS, e->place,
			     err == -ENOENT ? "no network namespace '%s' in which interface '%s' could be looked for"
					    : "may not enter network namespace '%s' to look for interface '%s'",
			     e->wanted->netns ? e->wanted->netns : "", e->text);
		diagnostic_hint(e->diagnostics, d, "%s",
				err == -ENOENT ? "'ip netns list' shows those with a name" : "run weir as root");
		return d;
	}
	near = near_match(e->text, e->wanted->nearby, e->wanted->nearby_count);
	d = diagnose(e->diagnostics, SEVERITY_ERROR_SURROUNDINGS, e->place, "no interface '%s'%s%s%s", e->text,
		     e->wanted->netns ? " in network namespace '" : "", e->wanted->netns ? e->wanted->netns : "",
		     e->wanted->netns ? "'" : "");
	if (near && strcmp(near, e->text) != 0)
		diagnostic_hint(e->diagnostics, d, "did you mean '%s'?", near);
	else
		diagnostic_hint(e->diagnostics, d,
				"%s compares the interface's number, so it must be there; 'ip link' lists them",
				e->wanted->words);
	return d;
}

static struct diagnostic *explain_service(const struct explanation *e)
{
	static const char *const protocols[] = { "tcp", "udp", "sctp" };
	const struct host *host = e->wanted->host;
	const char *near = service_near(e->text), *colon = strchr(e->text, ':');
	struct diagnostic *d;
	uint16_t port;

	for (size_t i = 0; i < 3 && host && e->wanted->protocol; i++) {
		if (host->service(host->context, e->text, protocols[i], &port))
			continue;
		d = diagnose(e->diagnostics, SEVERITY_ERROR, e->place, "'%s' is a service of %s, not of %s", e->text,
			     protocols[i], e->wanted->protocol);
		diagnostic_hint(e->diagnostics, d, "write its number, %u, if that is meant", port);
		return d;
	}
	d = diagnose(e->diagnostics, SEVERITY_ERROR, e->place, "no service '%s'", e->text);
	if (colon && colon != e->text && colon[1])
		diagnostic_hint(e->diagnostics, d, "a range is written %.*s-%s", (int)(colon - e->text), e->text, colon + 1);
	else if (near)
		diagnostic_hint(e->diagnostics, d, "did you mean '%s'?", near);
	else
		diagnostic_hint(e->diagnostics, d, "write the number of a port, or a name from /etc/services");
	return d;
}

static const char *noun(enum value_type type)
{
	switch (type) {
	case TYPE_ETHER_TYPE:
		return "Ethernet type";
	case TYPE_ARP_OPERATION:
		return "ARP operation";
	case TYPE_PROTOCOL:
		return "protocol";
	case TYPE_DSCP:
		return "DSCP class";
	case TYPE_ICMP_TYPE:
		return "ICMP type";
	case TYPE_ICMP_CODE:
		return "ICMP code";
	case TYPE_ICMPV6_TYPE:
		return "ICMPv6 type";
	case TYPE_ICMPV6_CODE:
		return "ICMPv6 code";
	case TYPE_TCP_FLAGS:
		return "TCP flag";
	case TYPE_MALFORMED:
		return "reason to call a packet malformed";
	default:
		return "number";
	}
}

/* A type whose names stand in a table of weir's: the near ones, or all of a short table. */
static struct diagnostic *explain_name(const struct explanation *e)
{
	struct arena *arena = e->diagnostics->arena;
	const enum value_type type = e->wanted->type;
	const char *near = name_near(type, e->text), *all = NULL;
	struct diagnostic *d;
	size_t count;
	const struct name *names = names_of(type, &count);
	uint64_t number;

	d = diagnose(e->diagnostics, SEVERITY_ERROR, e->place, "no %s '%s'", noun(type), e->text);
	for (size_t i = 0; i < (count <= SHORT_TABLE ? count : SHORT_TABLE / 2); i++)
		all = all ? arena_printf(arena, "%s, %s", all, names[i].word) : names[i].word;
	if (count > SHORT_TABLE)
		all = arena_printf(arena, "%s, ...", all);
	if (near)
		diagnostic_hint(e->diagnostics, d, "did you mean '%s'?", near);
	else if (type == TYPE_ICMP_TYPE && name_number(TYPE_ICMPV6_TYPE, e->text, strlen(e->text), &number) == 0)
		diagnostic_hint(e->diagnostics, d, "it is one of 'icmpv6 type'");
	else if (type == TYPE_ICMPV6_TYPE && name_number(TYPE_ICMP_TYPE, e->text, strlen(e->text), &number) == 0)
		diagnostic_hint(e->diagnostics, d, "it is one of 'icmp type'");
	else if (type == TYPE_PROTOCOL)
		diagnostic_hint(e->diagnostics, d, "write a number up to 255, or a name from /etc/protocols");
	else if (type == TYPE_MALFORMED)
		diagnostic_hint(e->diagnostics, d, "one of %s; or 'meta malformed' alone for any", all);
	else
		diagnostic_hint(e->diagnostics, d, "one of %s, or a number", all);
	return d;
}

static struct diagnostic *explain_ether(const struct explanation *e)
{
	struct diagnostic *d = diagnose(e->diagnostics, SEVERITY_ERROR, e->place, "%s is not an Ethernet address", e->text);

	if (strchr(e->text, '/'))
		diagnostic_hint(e->diagnostics, d, "%s takes no prefix; a range is written 02:00:00:00:00:00-02:00:00:ff:ff:ff",
				e->wanted->words);
	else
		diagnostic_hint(e->diagnostics, d, "six pairs of hexadecimal digits with colons between: 02:00:00:00:00:66");
	return d;
}

struct diagnostic *value_explain(const struct value_type_of *wanted, const char *text, struct place place,
				 struct diagnostics *diagnostics)
{
	struct explanation e = { wanted, text, place, diagnostics };
	const char *dash = strchr(text, '-');
	struct diagnostic *d;
	struct value ignored;
	size_t count;

	/* A range: explain the end that is wrong, if one end can be read or begins like a number. */
	if (dash && dash != text && dash[1] && wanted->type != TYPE_ETHER_ADDR &&
	    value_read(wanted, text, strlen(text), &ignored)) {
		const char *low = arena_strndup(diagnostics->arena, text, (size_t)(dash - text));

		if (value_read(wanted, low, strlen(low), &ignored) == 0)
			return value_explain(wanted, dash + 1, place, diagnostics);
		if (value_read(wanted, dash + 1, strlen(dash + 1), &ignored) == 0 || is_number(low))
			return value_explain(wanted, low, place, diagnostics);
	}
	if (wanted->type == TYPE_IPV4_ADDR || wanted->type == TYPE_IPV6_ADDR)
		return explain_address(&e);
	if (wanted->type == TYPE_ETHER_ADDR)
		return explain_ether(&e);
	if (wanted->type != TYPE_MALFORMED && value_read(wanted, text, strlen(text), &ignored) == -ERANGE) {
		d = diagnose(diagnostics, SEVERITY_ERROR, place, "%s is too great for %s", text, wanted->words);
		diagnostic_hint(diagnostics, d, "at most %llu", (unsigned long long)value_max(wanted->bits).lo);
		return d;
	}
	if (wanted->type == TYPE_INTERFACE)
		return explain_interface(&e);
	if (strchr(text, '/') && names_of(wanted->type, &count) == NULL) {
		d = diagnose(diagnostics, SEVERITY_ERROR, place, "%s takes no prefix", wanted->words);
		diagnostic_hint(diagnostics, d, "write a range, 80-90, or a list, { 80, 443 }");
		return d;
	}
	if (wanted->type == TYPE_INET_SERVICE)
		return explain_service(&e);
	if (names_of(wanted->type, &count))
		return explain_name(&e);
	d = diagnose(diagnostics, SEVERITY_ERROR, place, "'%s' is not a number", text);
	diagnostic_hint(diagnostics, d, "%s takes a number from 0 to %llu, decimal or with 0x", wanted->words,
			(unsigned long long)value_max(wanted->bits).lo);
	return d;
}
