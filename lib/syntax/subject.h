/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a match can be about: id, the words in the language, the type of its values. One table, from which
 * the parser takes the words, the checker the types, the documents and near matches the names.
 */
#ifndef WEIR_SYNTAX_SUBJECT_H
#define WEIR_SYNTAX_SUBJECT_H

/* PRESENCE: the words alone are the match ("arp drop"): the packet has such a header. */
#define SUBJECTS(X) \
	X(ETHER_SADDR, "ether saddr", ETHER_ADDR) \
	X(ETHER_DADDR, "ether daddr", ETHER_ADDR) \
	X(ETHER_TYPE, "ether type", ETHER_TYPE) \
	X(VLAN, "vlan", PRESENCE) \
	X(VLAN_ID, "vlan id", NUMBER) \
	X(ARP, "arp", PRESENCE) \
	X(ARP_OPERATION, "arp operation", ARP_OPERATION) \
	X(ARP_SADDR_IP, "arp saddr ip", IPV4_ADDR) \
	X(ARP_DADDR_IP, "arp daddr ip", IPV4_ADDR) \
	X(IP, "ip", PRESENCE) \
	X(IP_SADDR, "ip saddr", IPV4_ADDR) \
	X(IP_DADDR, "ip daddr", IPV4_ADDR) \
	X(IP_PROTOCOL, "ip protocol", PROTOCOL) \
	X(IP_DSCP, "ip dscp", DSCP) \
	X(IP_TTL, "ip ttl", NUMBER) \
	X(IP_FRAG_OFF, "ip frag-off", NUMBER) \
	X(IP_LENGTH, "ip length", NUMBER) \
	X(IP6, "ip6", PRESENCE) \
	X(IP6_SADDR, "ip6 saddr", IPV6_ADDR) \
	X(IP6_DADDR, "ip6 daddr", IPV6_ADDR) \
	X(IP6_NEXTHDR, "ip6 nexthdr", PROTOCOL) \
	X(IP6_DSCP, "ip6 dscp", DSCP) \
	X(IP6_HOPLIMIT, "ip6 hoplimit", NUMBER) \
	X(IP6_LENGTH, "ip6 length", NUMBER) \
	X(ICMP, "icmp", PRESENCE) \
	X(ICMP_TYPE, "icmp type", ICMP_TYPE) \
	X(ICMP_CODE, "icmp code", ICMP_CODE) \
	X(ICMPV6, "icmpv6", PRESENCE) \
	X(ICMPV6_TYPE, "icmpv6 type", ICMPV6_TYPE) \
	X(ICMPV6_CODE, "icmpv6 code", ICMPV6_CODE) \
	X(TCP, "tcp", PRESENCE) \
	X(TCP_SPORT, "tcp sport", INET_SERVICE) \
	X(TCP_DPORT, "tcp dport", INET_SERVICE) \
	X(TCP_FLAGS, "tcp flags", TCP_FLAGS) \
	X(UDP, "udp", PRESENCE) \
	X(UDP_SPORT, "udp sport", INET_SERVICE) \
	X(UDP_DPORT, "udp dport", INET_SERVICE) \
	X(SCTP, "sctp", PRESENCE) \
	X(SCTP_SPORT, "sctp sport", INET_SERVICE) \
	X(SCTP_DPORT, "sctp dport", INET_SERVICE) \
	X(TH_SPORT, "th sport", INET_SERVICE) \
	X(TH_DPORT, "th dport", INET_SERVICE) \
	X(META_L4PROTO, "meta l4proto", PROTOCOL) \
	X(META_LENGTH, "meta length", NUMBER) \
	X(META_IIF, "meta iif", INTERFACE) \
	X(META_OIF, "meta oif", INTERFACE) \
	X(META_MARK, "meta mark", NUMBER) \
	X(META_MALFORMED, "meta malformed", MALFORMED) \
	X(PCAP, "pcap", PREDICATE) \
	X(BYTECODE, "bytecode", PREDICATE) \
	X(HTTP_METHOD, "http method", HTTP) \
	X(HTTP_PATH, "http path", HTTP) \
	X(HTTP_HOST, "http host", HTTP)

enum subject {
#define X(id, words, type) SUBJECT_##id,
	SUBJECTS(X)
#undef X
	SUBJECT_COUNT
};

/* The types of values. META_MALFORMED's is MALFORMED, and it may also stand alone: any reason. */
enum value_type {
	TYPE_PRESENCE,
	TYPE_NUMBER,
	TYPE_ETHER_ADDR,
	TYPE_ETHER_TYPE,
	TYPE_ARP_OPERATION,
	TYPE_IPV4_ADDR,
	TYPE_IPV6_ADDR,
	TYPE_PROTOCOL,
	TYPE_DSCP,
	TYPE_ICMP_TYPE,
	TYPE_ICMP_CODE,
	TYPE_ICMPV6_TYPE,
	TYPE_ICMPV6_CODE,
	TYPE_INET_SERVICE,
	TYPE_TCP_FLAGS,
	TYPE_INTERFACE,
	TYPE_MALFORMED,
	TYPE_HTTP,	/* a text, or its beginning and a star; a part of a request */
	TYPE_PREDICATE, /* no value, but a text from which a yes or no is computed */
};

#endif
