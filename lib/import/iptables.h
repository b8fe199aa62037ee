/* SPDX-License-Identifier: GPL-2.0-only */
/* The reader of iptables-save: lines and chains (iptables.c), the options of a rule (iptables_rule.c), their values
 * (iptables_value.c). */
#ifndef WEIR_IMPORT_IPTABLES_H
#define WEIR_IMPORT_IPTABLES_H

#include "import/ruleset.h"

struct word {
	const char *text; /* quotes and escapes undone */
	uint32_t column;
};

struct words {
	VECTOR(struct word) list;
};

/* A rule being read: its words, and where in them the reader is. */
struct iptables_rule {
	struct ruleset *ruleset;
	struct import_chain *chain;
	struct import_rule *rule;
	const struct words *words;
	size_t at;
	bool ipv6, have_sets; /* have_sets: a file of ipset was given */
	bool negated;	      /* a '!' before the option */
	int which;	      /* of options that have one reader (iptables_rule.c) */
	const char *protocol; /* of -p; NULL: none, or negated */
	const char *either;   /* --ports: the list, which is for one of the two ports */
	bool module_only;     /* -m tcp and the like: there must be a transport header */
	bool looked;	      /* and an option that asks for it came */
};

/* From the words behind "-A CHAIN". What cannot be taken over is the rule's refusal. */
void iptables_read_rule(struct iptables_rule *reader);

/* Values in weir's words, or NULL where they are not that. N, N:M, :M or N:, up to LIMIT. */
const char *iptables_range(const struct ruleset *ruleset, const char *text, unsigned long limit);
/* Ports with commas between, as a list; names of services are weir's, too. */
const char *iptables_ports(const struct ruleset *ruleset, const char *text);
/* "FIN,SYN" as "fin|syn"; "NONE" as "0". */
const char *iptables_flags(const struct ruleset *ruleset, const char *text);

#endif
