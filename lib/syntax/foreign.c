// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words that people bring along from nftables and that weir does not have, or has in another place. They get a
 * reason and a way out instead of "unknown".
 */
#include "syntax/parser.h"

#include <string.h>

#define NOT_LOOKED_AT "it is not one of the fields that weir looks at"
#define LEAVE_OUT     "leave it out"
#define NO_CHANGE     "it lets packets pass or drops them, and changes none"
#define TO_NFTABLES   "leave it to nftables, which sees what weir lets pass"
#define NO_TRACKING   "it keeps no record of connections"
#define WALKED	      "IPv6 extension headers are walked to what is behind them, not matched"
#define BEHIND_THEM   "match what they carry ('tcp dport', 'meta l4proto'); a fragment that is not the first has no ports"
#define NO_LOOK	      "it does not look into that protocol"
#define BY_NUMBER     "interfaces are compared by number"
#define NO_RATE	      "it counts packets, but holds none against a rate"
#define PORTS	      "ports are in the transport header"
#define BY_PROGRAM    "a packet's task is not known where it is judged"
#define BY_CGROUP     "give the program a cgroup, and a chain of its own: hook cgroup egress on \"/path/of/cgroup\""

static const struct foreign rule_words[] = {
	{ "reject", NULL, "no packet is answered at its hooks", "write 'drop'" },
	{ "jump", NULL, "no chain calls another yet", "write the rules of that chain here" },
	{ "goto", NULL, "no chain calls another yet", "write the rules of that chain here" },
	{ "return", NULL, "no chain is called by another", "'accept' and 'drop' end a chain" },
	{ "continue", NULL, "a rule without a verdict goes on by itself", LEAVE_OUT },
	{ "queue", NULL, "packets do not go through user space", "'log' shows them in 'weir events'" },
	{ "ct", NULL, NO_TRACKING, "let replies in by what they look like: 'tcp flags ack accept', 'udp sport 53 accept'" },
	{ "notrack", NULL, NO_TRACKING, LEAVE_OUT },
	{ "limit", NULL, NO_RATE, "leave the limit to nftables or tc" },
	{ "quota", NULL, NO_RATE, "leave the quota to nftables" },
	{ "meter", NULL, NO_RATE, "leave the limit to nftables or tc" },
	{ "iifname", NULL, BY_NUMBER, "write 'meta iif eth0', or 'on eth0' behind the chain's hook" },
	{ "oifname", NULL, BY_NUMBER, "write 'meta oif eth0', or 'on eth0' behind the chain's hook" },
	{ "meta", "iifname", BY_NUMBER, "write 'meta iif eth0', or 'on eth0' behind the chain's hook" },
	{ "meta", "oifname", BY_NUMBER, "write 'meta oif eth0', or 'on eth0' behind the chain's hook" },
	{ "iif", NULL, "a field of the packet's surroundings begins with 'meta'", "write 'meta iif'" },
	{ "oif", NULL, "a field of the packet's surroundings begins with 'meta'", "write 'meta oif'" },
	{ "mark", NULL, "a field of the packet's surroundings begins with 'meta'", "write 'meta mark'" },
	{ "l4proto", NULL, "a field of the packet's surroundings begins with 'meta'", "write 'meta l4proto'" },
	{ "meta", "protocol", "the network protocol is a match of its own", "write 'ip', 'ip6', 'arp' or 'ether type'" },
	{ "meta", "nfproto", "the network protocol is a match of its own", "write 'ip' or 'ip6'" },
	{ "meta", "skuid", BY_PROGRAM, BY_CGROUP },
	{ "meta", "skgid", BY_PROGRAM, BY_CGROUP },
	{ "meta", "cgroup", BY_PROGRAM, BY_CGROUP },
	{ "skuid", NULL, BY_PROGRAM, BY_CGROUP },
	{ "skgid", NULL, BY_PROGRAM, BY_CGROUP },
	{ "cgroup", NULL, BY_PROGRAM, BY_CGROUP },
	{ "socket", NULL, BY_PROGRAM, BY_CGROUP },
	{ "pkttype", NULL, NOT_LOOKED_AT, "match 'ether daddr' or 'ip daddr'" },
	{ "meta", "pkttype", NOT_LOOKED_AT, "match 'ether daddr' or 'ip daddr'" },
	{ "nftrace", NULL, "it has no tracing", "'weir why' says which rule decides a packet" },
	{ "snat", NULL, NO_CHANGE, TO_NFTABLES },
	{ "masquerade", NULL, NO_CHANGE, TO_NFTABLES },
	{ "tproxy", NULL, NO_CHANGE, TO_NFTABLES },
	{ "synproxy", NULL, NO_CHANGE, TO_NFTABLES },
	{ "dup", NULL, NO_CHANGE, TO_NFTABLES },
	{ "flow", NULL, NO_CHANGE, TO_NFTABLES },
	{ "add", NULL, "no packet changes a set", "change sets with 'weir set add'" },
	{ "update", NULL, "no packet changes a set", "change sets with 'weir set add'" },
	{ "delete", NULL, "no packet changes a set", "change sets with 'weir set del'" },
	{ "fib", NULL, "it does not look into routing tables", "name the addresses in a set" },
	{ "rt", NULL, WALKED, BEHIND_THEM },
	{ "frag", NULL, WALKED, BEHIND_THEM },
	{ "hbh", NULL, WALKED, BEHIND_THEM },
	{ "dst", NULL, WALKED, BEHIND_THEM },
	{ "mh", NULL, WALKED, BEHIND_THEM },
	{ "exthdr", NULL, WALKED, BEHIND_THEM },
	{ "ah", NULL, NO_LOOK, "'ip protocol ah' and 'ip6 nexthdr ah' match the protocol" },
	{ "esp", NULL, NO_LOOK, "'meta l4proto esp' matches the protocol" },
	{ "comp", NULL, NO_LOOK, "'meta l4proto comp' matches the protocol" },
	{ "igmp", NULL, NO_LOOK, "'meta l4proto igmp' matches the protocol" },
	{ "dccp", NULL, NO_LOOK, "'meta l4proto dccp' matches the protocol" },
	{ "udplite", NULL, NO_LOOK, "'meta l4proto udplite' matches the protocol" },
	{ "osf", NULL, NO_LOOK, LEAVE_OUT },
	{ "ipsec", NULL, NO_LOOK, LEAVE_OUT },
	{ "numgen", NULL, "its verdicts follow from the packet alone", LEAVE_OUT },
	{ "jhash", NULL, "its verdicts follow from the packet's fields alone", LEAVE_OUT },
	{ "symhash", NULL, "its verdicts follow from the packet's fields alone", LEAVE_OUT },
	{ "ip", "sport", PORTS, "write 'tcp sport' or 'udp sport', or 'th sport' for any of them" },
	{ "ip", "dport", PORTS, "write 'tcp dport' or 'udp dport', or 'th dport' for any of them" },
	{ "ip6", "sport", PORTS, "write 'tcp sport' or 'udp sport', or 'th sport' for any of them" },
	{ "ip6", "dport", PORTS, "write 'tcp dport' or 'udp dport', or 'th dport' for any of them" },
	{ "ip", "version", "a protocol's name alone is the match", "write 'ip'" },
	{ "ip6", "version", "a protocol's name alone is the match", "write 'ip6'" },
	{ "ip", "hdrlength", "a header whose length is wrong makes a packet malformed", "write 'meta malformed bad-header'" },
	{ "tcp", "doff", "a header whose length is wrong makes a packet malformed", "write 'meta malformed bad-header'" },
	{ "vlan", "type", "'ether type' is the one behind all tags", "write 'ether type'" },
	{ "vlan", "pcp", NOT_LOOKED_AT, LEAVE_OUT },
	{ "vlan", "dei", NOT_LOOKED_AT, LEAVE_OUT },
	{ "vlan", "cfi", NOT_LOOKED_AT, LEAVE_OUT },
	{ "arp", "htype", "its addresses are matched only when they are of Ethernet and IPv4", LEAVE_OUT },
	{ "arp", "ptype", "its addresses are matched only when they are of Ethernet and IPv4", LEAVE_OUT },
	{ "arp", "hlen", "its addresses are matched only when they are of Ethernet and IPv4", LEAVE_OUT },
	{ "arp", "plen", "its addresses are matched only when they are of Ethernet and IPv4", LEAVE_OUT },
	{ "tcp", "option", NOT_LOOKED_AT, LEAVE_OUT },
	{ "ip", "option", NOT_LOOKED_AT, LEAVE_OUT },
};

static const struct foreign chain_words[] = {
	{ "type", NULL, "its chains have no type and no priority", "write the hook alone: 'hook xdp ingress on eth0;'" },
	{ "priority", NULL, "its chains have no type and no priority",
	  "chains of one hook stand in the order of the policy, and any drop wins" },
	{ "device", NULL, "the interface stands behind the hook", "write 'hook xdp ingress on eth0;'" },
	{ "devices", NULL, "the interfaces stand behind the hook", "write 'hook xdp ingress on { eth0, eth1 };'" },
	{ "flags", NULL, "its chains have no flags", LEAVE_OUT },
};

static const struct foreign set_words[] = {
	{ "typeof", NULL, "a set names the types of its elements", "write 'type ipv4_addr', 'type inet_service' or the like" },
	{ "auto-merge", NULL, "elements that overlap are fine without it", LEAVE_OUT },
	{ "gc-interval", NULL, "an element past its timeout is no member at once", LEAVE_OUT },
	{ "policy", NULL, "its sets are made for speed", LEAVE_OUT },
};

static const struct foreign policy_words[] = {
	{ "table", NULL, "sets and chains stand in the policy itself", "leave out 'table ... {' and its '}'" },
	{ "flush", NULL, "applying a policy replaces the one of its name whole", LEAVE_OUT },
	{ "add", NULL, "a policy says what is, not what to change", "write 'set name { ... }' or 'chain name { ... }'" },
	{ "create", NULL, "a policy says what is, not what to change", "write 'set name { ... }' or 'chain name { ... }'" },
	{ "insert", NULL, "a policy says what is, not what to change", "write the rule inside its chain" },
	{ "replace", NULL, "a policy says what is, not what to change", "write the rule inside its chain" },
	{ "delete", NULL, "applying a policy replaces the one of its name whole", LEAVE_OUT },
	{ "destroy", NULL, "applying a policy replaces the one of its name whole", LEAVE_OUT },
	{ "reset", NULL, "a policy says what is, not what to change", "'weir apply --reset' begins all counters at 0" },
	{ "list", NULL, "a policy says what is, not what to show", "that is a command: 'weir list'" },
	{ "rename", NULL, "a policy says what is, not what to change", LEAVE_OUT },
	{ "element", NULL, "elements stand in their set", "write 'set name { ...; elements = { ... } }', or use 'weir set add'" },
	{ "rule", NULL, "rules stand in their chain", "write it inside 'chain name { ... }', without the word" },
	{ "map", NULL, "it has sets, but no maps", "write a rule for each value of the map" },
	{ "flowtable", NULL, NO_CHANGE, TO_NFTABLES },
	{ "counter", NULL, "every rule counts by itself", LEAVE_OUT },
	{ "quota", NULL, NO_RATE, LEAVE_OUT },
	{ "limit", NULL, NO_RATE, LEAVE_OUT },
	{ "ct", NULL, NO_TRACKING, LEAVE_OUT },
	{ "undefine", NULL, "a define holds for the whole policy", "give the second one another name" },
	{ "redefine", NULL, "a define holds for the whole policy", "give the second one another name" },
};

static const struct foreign *find(const struct foreign *words, size_t count, const struct token *first,
				  const struct token *second)
{
	for (size_t i = 0; i < count; i++)
		if (token_is(first, words[i].first) && (!words[i].second || (second && token_is(second, words[i].second))))
			return &words[i];
	return NULL;
}

#define FIND(words, first, second) find((words), sizeof(words) / sizeof((words)[0]), (first), (second))

const struct foreign *foreign_in_rule(const struct token *first, const struct token *second)
{
	return FIND(rule_words, first, second);
}

const struct foreign *foreign_in_chain(const struct token *word)
{
	return FIND(chain_words, word, NULL);
}

const struct foreign *foreign_in_set(const struct token *word)
{
	return FIND(set_words, word, NULL);
}

const struct foreign *foreign_in_policy(const struct token *word)
{
	return FIND(policy_words, word, NULL);
}

void foreign_report(struct parser *parser, struct place place, const struct foreign *foreign)
{
	struct diagnostic *d = parser_error(parser, place, "weir does not have '%s%s%s': %s", foreign->first,
					    foreign->second ? " " : "", foreign->second ? foreign->second : "", foreign->why);

	parser_hint(parser, d, "%s", foreign->instead);
}
