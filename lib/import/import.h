/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Other firewalls' rule sets to policies of weir. In: what iptables-save, `nft list ruleset` or ClassBench wrote. Out: the
 * text of a policy, and a diagnostic for each rule that is not in it or is not quite what it was.
 */
#ifndef WEIR_IMPORT_IMPORT_H
#define WEIR_IMPORT_IMPORT_H

#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/diagnostic.h"
#include "host/host.h"

enum import_format { IMPORT_DETECT, IMPORT_IPTABLES, IMPORT_IP6TABLES, IMPORT_NFT, IMPORT_CLASSBENCH };

struct import_options {
	enum import_format format;
	const char *hook;	    /* "tc ingress on eth0"; NULL: one that suits the chain */
	const char *chain;	    /* import this base chain alone; NULL: all that can stand together */
	const struct source *ipset; /* what `ipset save` wrote; NULL: none */
	const char *verdict;	    /* of ClassBench's filters, which have none: "accept" or "drop"; NULL: drop */
};

/* 0, *ret_left_out the number of rules that are not in the policy, or not whole; or -EINVAL, and OUT has nothing. */
int import_run(struct arena *arena, const struct host *host, const struct source *source, const struct import_options *options,
	       FILE *out, struct diagnostics *diagnostics, size_t *ret_left_out);

#endif
