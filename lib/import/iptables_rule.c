// SPDX-License-Identifier: GPL-2.0-only
/*
 * The options of one rule of iptables-save. Each is either put into weir's words exactly or makes the rule be left out; an option
 * that is not known is of the second kind.
 */
#include "import/iptables.h"

#include <stdlib.h>
#include <string.h>

#include "check/names.h"

/* Options in pairs have one reader; which of them it is stands in iptables_rule.which. */
enum { ALONE, SOURCE, DESTINATION, IN, OUT, EQUAL, LESS, MORE, JUMP, GO };

static struct arena *arena_of(const struct iptables_rule *reader)
{
	return reader->ruleset->arena;
}

static void refuse(struct iptables_rule *reader, const char *hint, const char *why)
{
	rule_refuse(reader->rule, hint, why);
}

static void match(struct iptables_rule *reader, enum subject subject, const char *value)
{
	rule_match(reader->ruleset, reader->rule, subject, reader->negated, value);
}

/* The option's value; without one the rule cannot be understood. */
static const char *value_of(struct iptables_rule *reader)
{
	if (reader->at < reader->words->list.count)
		return reader->words->list.items[reader->at++].text;
	refuse(reader, NULL, "an option has no value");
	return "";
}

/* The option's ports, as words of weir's. */
static const char *ports(struct iptables_rule *reader)
{
	const char *list = iptables_ports(reader->ruleset, value_of(reader));

	if (!list)
		refuse(reader, NULL, "its ports cannot be understood");
	return list ? list : "0";
}

/* The subject for a port of the rule's protocol, or SUBJECT_COUNT and a refusal. */
static enum subject port_subject(struct iptables_rule *reader, bool destination)
{
	const char *protocol = reader->protocol ? reader->protocol : "";

	reader->looked = true;
	if (strcmp(protocol, "tcp") == 0)
		return destination ? SUBJECT_TCP_DPORT : SUBJECT_TCP_SPORT;
	if (strcmp(protocol, "udp") == 0)
		return destination ? SUBJECT_UDP_DPORT : SUBJECT_UDP_SPORT;
	if (strcmp(protocol, "sctp") == 0)
		return destination ? SUBJECT_SCTP_DPORT : SUBJECT_SCTP_SPORT;
	refuse(reader, NULL, "weir knows ports of TCP, UDP and SCTP alone");
	return SUBJECT_COUNT;
}

static void option_port(struct iptables_rule *reader)
{
	const char *list = ports(reader);
	enum subject subject = port_subject(reader, reader->which == DESTINATION);

	if (subject != SUBJECT_COUNT)
		match(reader, subject, list);
}

/* One of the two ports: two rules, the second for what the first has not; negated, neither: two matches. */
static void option_either_port(struct iptables_rule *reader)
{
	const char *list = ports(reader);
	enum subject source = port_subject(reader, false), destination = port_subject(reader, true);

	if (source == SUBJECT_COUNT || destination == SUBJECT_COUNT)
		return;
	if (reader->negated) {
		match(reader, source, list);
		match(reader, destination, list);
	} else if (reader->either) {
		refuse(reader, NULL, "it asks for --ports twice");
	} else {
		reader->either = list;
	}
}

static void option_protocol(struct iptables_rule *reader)
{
	const char *name = value_of(reader), *protocol;

	if (strcmp(name, "all") == 0 || strcmp(name, "0") == 0) {
		if (reader->negated)
			refuse(reader, NULL, "it is for no protocol at all, and can never match");
		return;
	}
	protocol = import_protocol(reader->ruleset, name);
	if (!protocol) {
		refuse(reader, "give its number", "no such protocol is known here");
		return;
	}
	if (!reader->negated)
		reader->protocol = protocol;
	match(reader, SUBJECT_META_L4PROTO, protocol);
}

static enum subject address_subject(const struct iptables_rule *reader, bool destination)
{
	if (reader->ipv6)
		return destination ? SUBJECT_IP6_DADDR : SUBJECT_IP6_SADDR;
	return destination ? SUBJECT_IP_DADDR : SUBJECT_IP_SADDR;
}

static void option_address(struct iptables_rule *reader)
{
	const char *text = value_of(reader), *address;
	bool any;

	address = import_address(reader->ruleset, text, reader->ipv6, &any);
	if (!address) {
		refuse(reader, "ip6tables-save is read with --from ip6tables-save",
		       "its address cannot be understood, or has a mask that is not a prefix");
		return;
	}
	if (any && reader->negated)
		refuse(reader, NULL, "no address is outside of all addresses: it can never match");
	if (any)
		return;
	match(reader, address_subject(reader, reader->which == DESTINATION), address);
}

static void option_address_range(struct iptables_rule *reader)
{
	const char *text = value_of(reader), *dash = strchr(text, '-'), *first, *last;
	bool any;

	first = import_address(reader->ruleset, dash ? arena_strndup(arena_of(reader), text, (size_t)(dash - text)) : text,
			       reader->ipv6, &any);
	last = import_address(reader->ruleset, dash ? dash + 1 : text, reader->ipv6, &any);
	if (!first || !last || strchr(text, '/')) {
		refuse(reader, NULL, "its range of addresses cannot be understood");
		return;
	}
	text = arena_printf(arena_of(reader), "%s-%s", first, last);
	match(reader, address_subject(reader, reader->which == DESTINATION), text);
}

static void option_interface(struct iptables_rule *reader)
{
	const char *name = value_of(reader);

	if (strcmp(name, "+") == 0 && !reader->negated)
		return;
	if (strchr(name, '+')) {
		refuse(reader, "write a rule for each interface, or name them behind 'on' of the hook",
		       "weir compares interfaces whole, without wildcards");
		return;
	}
	match(reader, reader->which == OUT ? SUBJECT_META_OIF : SUBJECT_META_IIF, name);
}

static void match_flags(struct iptables_rule *reader, const char *mask, const char *value)
{
	const char *in_words = iptables_flags(reader->ruleset, mask), *wanted = iptables_flags(reader->ruleset, value);

	reader->looked = true;
	if (!in_words || !wanted || !reader->protocol || strcmp(reader->protocol, "tcp") != 0) {
		refuse(reader, NULL, "its TCP flags cannot be understood");
		return;
	}
	rule_match_masked(reader->ruleset, reader->rule, SUBJECT_TCP_FLAGS,
			  strchr(in_words, '|') ? arena_printf(arena_of(reader), "(%s)", in_words) : in_words, reader->negated,
			  wanted);
}

static void option_tcp_flags(struct iptables_rule *reader)
{
	const char *mask = value_of(reader);

	match_flags(reader, mask, value_of(reader));
}

/* 8, 3/4, any, or a name; a type 255 is iptables' way to say any. */
static void option_icmp_type(struct iptables_rule *reader)
{
	enum subject type = reader->ipv6 ? SUBJECT_ICMPV6_TYPE : SUBJECT_ICMP_TYPE;
	const char *text = value_of(reader), *slash = strchr(text, '/');
	const char *first = slash ? arena_strndup(arena_of(reader), text, (size_t)(slash - text)) : text;
	uint64_t number;
	char *end;

	reader->looked = true;
	if (!reader->protocol || strcmp(reader->protocol, reader->ipv6 ? "icmpv6" : "icmp") != 0) {
		refuse(reader, "'-p icmp' goes with --icmp-type, '-p ipv6-icmp' with --icmpv6-type",
		       "an ICMP type without its protocol");
		return;
	}
	number = strtoul(first, &end, 10);
	if (strcmp(text, "any") == 0 || (!reader->ipv6 && number == 255)) {
		if (reader->negated)
			refuse(reader, NULL, "it is for no ICMP type at all, and can never match");
		else
			match(reader, type, "0-255");
		return;
	}
	if ((end == first || *end) && name_number(subject_type(type), first, strlen(first), &number) != 0) {
		refuse(reader, "give its number", "weir has no such name of an ICMP type");
		return;
	}
	if (slash && reader->negated) {
		refuse(reader, NULL, "one match cannot say that type and code are not these two together");
		return;
	}
	first = name_word(subject_type(type), number);
	match(reader, type, first ? first : arena_printf(arena_of(reader), "%lu", (unsigned long)number));
	if (slash && !(text = iptables_range(reader->ruleset, slash + 1, 255)))
		refuse(reader, NULL, "its ICMP code cannot be understood");
	else if (slash)
		match(reader, reader->ipv6 ? SUBJECT_ICMPV6_CODE : SUBJECT_ICMP_CODE, text);
}

static void option_mark(struct iptables_rule *reader)
{
	const char *text = value_of(reader), *slash = strchr(text, '/');
	char *end;
	unsigned long value = strtoul(text, &end, 0), mask = slash ? strtoul(slash + 1, &end, 0) : 0xffffffff;

	if (*end || value > 0xffffffff || mask > 0xffffffff)
		refuse(reader, NULL, "its mark cannot be understood");
	else if (mask == 0xffffffff)
		match(reader, SUBJECT_META_MARK, arena_printf(arena_of(reader), "0x%lx", value));
	else
		rule_match_masked(reader->ruleset, reader->rule, SUBJECT_META_MARK, arena_printf(arena_of(reader), "0x%lx", mask),
				  reader->negated, arena_printf(arena_of(reader), "0x%lx", value));
}

/* iptables counts the whole packet of IP; the field of IPv6 leaves its 40 bytes of header out. */
static void option_length(struct iptables_rule *reader)
{
	const char *text = iptables_range(reader->ruleset, value_of(reader), 65535), *dash;
	unsigned long first, last;

	if (!text) {
		refuse(reader, NULL, "its length cannot be understood");
		return;
	}
	if (!reader->ipv6) {
		match(reader, SUBJECT_IP_LENGTH, text);
		return;
	}
	dash = strchr(text, '-');
	first = strtoul(text, NULL, 10);
	last = dash ? strtoul(dash + 1, NULL, 10) : first;
	if (last < 40)
		refuse(reader, NULL, "no packet of IPv6 is that short: it can never match, or always");
	else
		match(reader, SUBJECT_IP6_LENGTH,
		      import_number_range(reader->ruleset, first > 40 ? first - 40 : 0, last == 65535 ? 65535 : last - 40));
}

static void match_number(struct iptables_rule *reader, enum subject subject, unsigned long limit)
{
	const char *text = value_of(reader);
	char *end;
	unsigned long number = strtoul(text, &end, 0), first = number, last = number;

	if (end == text || *end || number > limit || (reader->which == LESS && number == 0) ||
	    (reader->which == MORE && number == limit)) {
		refuse(reader, NULL, "its number cannot be understood, or no packet has one like it");
		return;
	}
	if (reader->which == LESS) {
		first = 0;
		last = number - 1;
	} else if (reader->which == MORE) {
		first = number + 1;
		last = limit;
	}
	match(reader, subject, import_number_range(reader->ruleset, first, last));
}

static void option_dscp(struct iptables_rule *reader)
{
	match_number(reader, reader->ipv6 ? SUBJECT_IP6_DSCP : SUBJECT_IP_DSCP, 63);
}

static void option_ttl(struct iptables_rule *reader)
{
	match_number(reader, reader->ipv6 ? SUBJECT_IP6_HOPLIMIT : SUBJECT_IP_TTL, 255);
}

static void option_fragment(struct iptables_rule *reader)
{
	rule_match_masked(reader->ruleset, reader->rule, SUBJECT_IP_FRAG_OFF, "0x1fff", !reader->negated, "0");
}

/* A set of one dimension as the type that it has; without a file of ipset nothing is known of it but its name. */
static void option_set(struct iptables_rule *reader)
{
	const char *name = value_of(reader), *direction = value_of(reader);
	struct import_set *set = ruleset_set(reader->ruleset, "", name);
	bool destination = strcmp(direction, "dst") == 0;
	enum subject subject;

	if (!destination && strcmp(direction, "src") != 0) {
		refuse(reader, NULL, "weir's sets are taken over where they have one dimension: src or dst");
		return;
	}
	if (!set && reader->have_sets) {
		refuse(reader, "give the output of 'ipset save' whole", "the file of --ipset has no such set");
		return;
	}
	if (!set) {
		set = ruleset_add_set(reader->ruleset, "", name);
		set->type = reader->ipv6 ? "ipv6_addr" : "ipv4_addr";
		set->note = arena_printf(
			arena_of(reader),
			"the set is to be filled, and is taken to be one of addresses: 'ipset save >FILE' and --ipset FILE bring its elements, "
			"'weir set add POLICY %s' adds them later",
			set->words);
	}
	if (set->refusal) {
		refuse(reader, NULL, set->refusal);
		return;
	}
	if (strcmp(set->type, reader->ipv6 ? "ipv6_addr" : "ipv4_addr") == 0) {
		subject = address_subject(reader, destination);
	} else if (strcmp(set->type, "inet_service") == 0) {
		subject = port_subject(reader, destination);
	} else if (strcmp(set->type, "ether_addr") == 0 && !destination) {
		subject = SUBJECT_ETHER_SADDR;
	} else {
		refuse(reader, NULL, "the set is of another type than this rule can ask about");
		return;
	}
	set->used = true;
	if (subject != SUBJECT_COUNT)
		match(reader, subject, arena_printf(arena_of(reader), "@%s", set->words));
}

static void option_state(struct iptables_rule *reader)
{
	value_of(reader);
	refuse(reader, import_state_hint, "weir has no connection tracking");
}

static void option_mac(struct iptables_rule *reader)
{
	match(reader, SUBJECT_ETHER_SADDR, value_of(reader));
}

static void option_prefix(struct iptables_rule *reader)
{
	reader->rule->prefix = value_of(reader);
}

static void option_ignored(struct iptables_rule *reader)
{
	value_of(reader);
}

static void option_comment(struct iptables_rule *reader)
{
	reader->rule->comment = value_of(reader);
}

static void option_module(struct iptables_rule *reader)
{
	static const char *const looking[] = { "tcp", "udp", "sctp", "icmp", "icmp6", "multiport" };
	static const char *const known[] = { "comment", "mark", "mac", "iprange",  "length",	"ttl",
					     "hl",	"dscp", "set", "standard", "conntrack", "state" };
	const char *name = value_of(reader);

	for (size_t i = 0; i < sizeof(looking) / sizeof(looking[0]); i++)
		if (strcmp(name, looking[i]) == 0) {
			reader->module_only = true;
			return;
		}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(name, known[i]) == 0)
			return;
	refuse(reader, NULL, arena_printf(arena_of(reader), "weir has nothing like '-m %s'", name));
}

static void option_target(struct iptables_rule *reader)
{
	const char *name = value_of(reader);
	struct import_rule *rule = reader->rule;

	rule->target = name;
	if (strcmp(name, "ACCEPT") == 0) {
		rule->verdict = IMPORT_ACCEPT;
	} else if (strcmp(name, "DROP") == 0) {
		rule->verdict = IMPORT_DROP;
	} else if (strcmp(name, "RETURN") == 0) {
		rule->verdict = IMPORT_RETURN;
	} else if (strcmp(name, "REJECT") == 0) {
		rule->verdict = IMPORT_DROP;
		rule->note = "REJECT has become drop: the sender gets no answer and waits";
	} else if (strcmp(name, "LOG") == 0 || strcmp(name, "NFLOG") == 0) {
		rule->log = true;
		rule->target = NULL;
	} else if (ruleset_chain(reader->ruleset, reader->chain->table, name)) {
		rule->verdict = reader->which == GO ? IMPORT_GOTO : IMPORT_JUMP;
	} else {
		refuse(reader, NULL, arena_printf(arena_of(reader), "weir has nothing like the target '%s'", name));
	}
}

static void option_syn(struct iptables_rule *reader)
{
	match_flags(reader, "FIN,SYN,RST,ACK", "SYN");
}

static void option_nothing(struct iptables_rule *reader)
{
	(void)reader;
}

static const struct {
	const char *name;
	void (*read)(struct iptables_rule *reader);
	int which;
	bool positive; /* a '!' before it makes no sense */
} options[] = {
	{ "-p", option_protocol, ALONE, false },
	{ "--protocol", option_protocol, ALONE, false },
	{ "-s", option_address, SOURCE, false },
	{ "--source", option_address, SOURCE, false },
	{ "-d", option_address, DESTINATION, false },
	{ "--destination", option_address, DESTINATION, false },
	{ "-i", option_interface, IN, false },
	{ "--in-interface", option_interface, IN, false },
	{ "-o", option_interface, OUT, false },
	{ "--out-interface", option_interface, OUT, false },
	{ "-f", option_fragment, ALONE, false },
	{ "--fragment", option_fragment, ALONE, false },
	{ "-m", option_module, ALONE, true },
	{ "--match", option_module, ALONE, true },
	{ "-j", option_target, JUMP, true },
	{ "--jump", option_target, JUMP, true },
	{ "-g", option_target, GO, true },
	{ "--goto", option_target, GO, true },
	{ "--sport", option_port, SOURCE, false },
	{ "--sports", option_port, SOURCE, false },
	{ "--source-port", option_port, SOURCE, false },
	{ "--source-ports", option_port, SOURCE, false },
	{ "--dport", option_port, DESTINATION, false },
	{ "--dports", option_port, DESTINATION, false },
	{ "--destination-port", option_port, DESTINATION, false },
	{ "--destination-ports", option_port, DESTINATION, false },
	{ "--ports", option_either_port, ALONE, false },
	{ "--tcp-flags", option_tcp_flags, ALONE, false },
	{ "--syn", option_syn, ALONE, false },
	{ "--icmp-type", option_icmp_type, ALONE, false },
	{ "--icmpv6-type", option_icmp_type, ALONE, false },
	{ "--mark", option_mark, ALONE, false },
	{ "--mac-source", option_mac, ALONE, false },
	{ "--src-range", option_address_range, SOURCE, false },
	{ "--dst-range", option_address_range, DESTINATION, false },
	{ "--length", option_length, ALONE, false },
	{ "--ttl-eq", option_ttl, EQUAL, false },
	{ "--ttl-lt", option_ttl, LESS, true },
	{ "--ttl-gt", option_ttl, MORE, true },
	{ "--hl-eq", option_ttl, EQUAL, false },
	{ "--hl-lt", option_ttl, LESS, true },
	{ "--hl-gt", option_ttl, MORE, true },
	{ "--dscp", option_dscp, EQUAL, false },
	{ "--match-set", option_set, ALONE, false },
	{ "--ctstate", option_state, ALONE, false },
	{ "--state", option_state, ALONE, false },
	{ "--comment", option_comment, ALONE, true },
	{ "--log-prefix", option_prefix, ALONE, true },
	{ "--nflog-prefix", option_prefix, ALONE, true },
	{ "--log-level", option_ignored, ALONE, true },
	{ "--nflog-group", option_ignored, ALONE, true },
	{ "--nflog-threshold", option_ignored, ALONE, true },
	{ "--nflog-size", option_ignored, ALONE, true },
	{ "--nflog-range", option_ignored, ALONE, true },
	{ "--log-tcp-sequence", option_nothing, ALONE, true },
	{ "--log-tcp-options", option_nothing, ALONE, true },
	{ "--log-ip-options", option_nothing, ALONE, true },
	{ "--log-uid", option_nothing, ALONE, true },
	{ "--log-macdecode", option_nothing, ALONE, true },
	{ "--reject-with", option_ignored, ALONE, true },
};

static void read_option(struct iptables_rule *reader)
{
	const char *name = reader->words->list.items[reader->at++].text;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(name, options[i].name) != 0)
			continue;
		if (options[i].positive && reader->negated)
			refuse(reader, NULL, "a '!' stands where it has no meaning");
		reader->which = options[i].which;
		options[i].read(reader);
		return;
	}
	/* Its values, if it has any, come by as further options that are not known: the first refusal stands. */
	refuse(reader, NULL, arena_printf(arena_of(reader), "weir has nothing like '%s'", name));
}

/* -m tcp without an option still asks for a whole TCP header, which a later fragment has not. */
static void ask_for_header(struct iptables_rule *reader)
{
	const char *protocol = reader->protocol ? reader->protocol : "";
	enum subject subject = SUBJECT_COUNT;

	reader->negated = false;
	if (strcmp(protocol, "icmp") == 0)
		subject = SUBJECT_ICMP_TYPE;
	else if (strcmp(protocol, "icmpv6") == 0)
		subject = SUBJECT_ICMPV6_TYPE;
	if (subject != SUBJECT_COUNT) {
		match(reader, subject, "0-255");
		return;
	}
	subject = port_subject(reader, true);
	if (subject != SUBJECT_COUNT)
		match(reader, subject, "0-65535");
}

void iptables_read_rule(struct iptables_rule *reader)
{
	struct import_rule *rule = reader->rule, *other;

	if (reader->chain->foreign)
		refuse(reader, NULL, arena_printf(arena_of(reader), "weir has nothing like the table %s", reader->chain->table));
	while (reader->at < reader->words->list.count) {
		reader->negated = strcmp(reader->words->list.items[reader->at].text, "!") == 0;
		if (reader->negated && ++reader->at == reader->words->list.count)
			refuse(reader, NULL, "a '!' stands before nothing");
		else
			read_option(reader);
	}
	if (reader->module_only && !reader->looked)
		ask_for_header(reader);
	if (!reader->either || rule->refusal)
		return;
	reader->negated = false;
	other = ruleset_split_rule(reader->ruleset, reader->chain, rule);
	match(reader, port_subject(reader, false), reader->either);
	rule_match(reader->ruleset, other, port_subject(reader, false), true, reader->either);
	rule_match(reader->ruleset, other, port_subject(reader, true), false, reader->either);
}
