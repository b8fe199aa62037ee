// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables of names, as nftables has them. Protocols and services are the system's files' (host.h); the
 * protocols here are those that must have a name on a machine without such files.
 */
#include "check/names.h"

#include <errno.h>
#include <string.h>

#include "weir_abi.h"

static const struct name ether_types[] = {
	{ "ip", 0x0800 }, { "arp", 0x0806 }, { "ip6", 0x86dd }, { "8021q", 0x8100 }, { "8021ad", 0x88a8 }, { "vlan", 0x8100 },
};

static const struct name arp_operations[] = {
	{ "request", 1 }, { "reply", 2 }, { "rrequest", 3 }, { "rreply", 4 }, { "inrequest", 8 }, { "inreply", 9 }, { "nak", 10 },
};

static const struct name dscp_classes[] = {
	{ "cs0", 0 },	{ "cs1", 8 },	{ "cs2", 16 },	{ "cs3", 24 },	{ "cs4", 32 },	{ "cs5", 40 },	{ "cs6", 48 },
	{ "cs7", 56 },	{ "df", 0 },	{ "be", 0 },	{ "lephb", 1 }, { "af11", 10 }, { "af12", 12 }, { "af13", 14 },
	{ "af21", 18 }, { "af22", 20 }, { "af23", 22 }, { "af31", 26 }, { "af32", 28 }, { "af33", 30 }, { "af41", 34 },
	{ "af42", 36 }, { "af43", 38 }, { "va", 44 },	{ "ef", 46 },
};

static const struct name icmp_types[] = {
	{ "echo-reply", 0 },	     { "destination-unreachable", 3 }, { "source-quench", 4 },	      { "redirect", 5 },
	{ "echo-request", 8 },	     { "router-advertisement", 9 },    { "router-solicitation", 10 }, { "time-exceeded", 11 },
	{ "parameter-problem", 12 }, { "timestamp-request", 13 },      { "timestamp-reply", 14 },     { "info-request", 15 },
	{ "info-reply", 16 },	     { "address-mask-request", 17 },   { "address-mask-reply", 18 },
};

static const struct name icmp_codes[] = {
	{ "net-unreachable", 0 }, { "host-unreachable", 1 }, { "prot-unreachable", 2 }, { "port-unreachable", 3 },
	{ "frag-needed", 4 },	  { "net-prohibited", 9 },   { "host-prohibited", 10 }, { "admin-prohibited", 13 },
};

static const struct name icmpv6_types[] = {
	{ "destination-unreachable", 1 },  { "packet-too-big", 2 },	    { "time-exceeded", 3 },
	{ "parameter-problem", 4 },	   { "echo-request", 128 },	    { "echo-reply", 129 },
	{ "mld-listener-query", 130 },	   { "mld-listener-report", 131 },  { "mld-listener-done", 132 },
	{ "mld-listener-reduction", 132 }, { "nd-router-solicit", 133 },    { "nd-router-advert", 134 },
	{ "nd-neighbor-solicit", 135 },	   { "nd-neighbor-advert", 136 },   { "nd-redirect", 137 },
	{ "router-renumbering", 138 },	   { "ind-neighbor-solicit", 141 }, { "ind-neighbor-advert", 142 },
	{ "mld2-listener-report", 143 },
};

static const struct name icmpv6_codes[] = {
	{ "no-route", 0 },	   { "admin-prohibited", 1 }, { "addr-unreachable", 3 },
	{ "port-unreachable", 4 }, { "policy-fail", 5 },      { "reject-route", 6 },
};

static const struct name tcp_flags[] = {
	{ "fin", 1 }, { "syn", 2 }, { "rst", 4 }, { "psh", 8 }, { "ack", 16 }, { "urg", 32 }, { "ecn", 64 }, { "cwr", 128 },
};

static const struct name protocols[] = {
	{ "icmp", 1 },	 { "igmp", 2 },	  { "tcp", 6 },	    { "udp", 17 },   { "dccp", 33 },	 { "gre", 47 },
	{ "esp", 50 },	 { "ah", 51 },	  { "icmpv6", 58 }, { "ospf", 89 },  { "ipip", 94 },	 { "pim", 103 },
	{ "comp", 108 }, { "vrrp", 112 }, { "l2tp", 115 },  { "sctp", 132 }, { "udplite", 136 },
};

/* NONE is left out: a well-formed packet has no reason. */
static const struct name malformed_reasons[] = {
#define X(id, name, text) { name, WEIR_MALFORMED_##id },
	WEIR_MALFORMED(X)
#undef X
};

const struct name *names_of(enum value_type type, size_t *ret_count)
{
#define TABLE(table) (*ret_count = sizeof(table) / sizeof((table)[0]), (table))
	switch (type) {
	case TYPE_ETHER_TYPE:
		return TABLE(ether_types);
	case TYPE_ARP_OPERATION:
		return TABLE(arp_operations);
	case TYPE_DSCP:
		return TABLE(dscp_classes);
	case TYPE_ICMP_TYPE:
		return TABLE(icmp_types);
	case TYPE_ICMP_CODE:
		return TABLE(icmp_codes);
	case TYPE_ICMPV6_TYPE:
		return TABLE(icmpv6_types);
	case TYPE_ICMPV6_CODE:
		return TABLE(icmpv6_codes);
	case TYPE_TCP_FLAGS:
		return TABLE(tcp_flags);
	case TYPE_PROTOCOL:
		return TABLE(protocols);
	case TYPE_MALFORMED:
		TABLE(malformed_reasons);
		(*ret_count)--;
		return malformed_reasons + 1;
	default:
		*ret_count = 0;
		return NULL;
	}
#undef TABLE
}

int name_number(enum value_type type, const char *word, size_t length, uint64_t *ret_number)
{
	size_t count;
	const struct name *names = names_of(type, &count);

	for (size_t i = 0; i < count; i++)
		if (strncmp(names[i].word, word, length) == 0 && !names[i].word[length]) {
			*ret_number = names[i].number;
			return 0;
		}
	return -ENOENT;
}

const char *name_word(enum value_type type, uint64_t number)
{
	size_t count;
	const struct name *names = names_of(type, &count);

	for (size_t i = 0; i < count; i++)
		if (names[i].number == number)
			return names[i].word;
	return NULL;
}

/* The names are in small letters; "HTTP" is meant to be one of them. */
static const char *near_small(const char *word, const char *const *words, size_t count)
{
	char small[64];
	size_t length = strlen(word);

	if (length >= sizeof(small))
		return NULL;
	for (size_t i = 0; i <= length; i++)
		small[i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] - 'A' + 'a') : word[i];
	return near_match(small, words, count);
}

const char *name_near(enum value_type type, const char *word)
{
	const char *words[32];
	size_t count;
	const struct name *names = names_of(type, &count);

	for (size_t i = 0; i < count && i < sizeof(words) / sizeof(words[0]); i++)
		words[i] = names[i].word;
	return near_small(word, words, count);
}

const char *service_near(const char *word)
{
	static const char *const services[] = {
		"ssh",	  "http",  "https",  "domain", "telnet",     "smtp",	 "ntp",		 "imap2",
		"imaps",  "pop3",  "pop3s",  "ftp",    "tftp",	     "snmp",	 "syslog",	 "bootps",
		"bootpc", "ldap",  "ldaps",  "mysql",  "postgresql", "http-alt", "submission",	 "kerberos",
		"nfs",	  "rsync", "sunrpc", "bgp",    "sip",	     "openvpn",	 "microsoft-ds",
	};

	return near_small(word, services, sizeof(services) / sizeof(services[0]));
}
