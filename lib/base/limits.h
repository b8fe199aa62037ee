/* SPDX-License-Identifier: GPL-2.0-only */
/* Every limit that a policy can reach. Each is checked where it is named, with a diagnostic, and stands in docs/language.md. */
#ifndef WEIR_BASE_LIMITS_H
#define WEIR_BASE_LIMITS_H

#define LIMIT_DIAGNOSTICS	100	     /* shown of one run; the rest are counted */
#define LIMIT_SOURCE_BYTES	(256u << 20) /* one policy or element file */
#define LIMIT_INCLUDE_DEPTH	16	     /* files that include files */
#define LIMIT_INCLUDES		1024	     /* files that a policy includes in all */
#define LIMIT_NAME_BYTES	48	     /* name of a policy, chain, set, define */
#define LIMIT_NESTING		64	     /* braces and parentheses inside each other */
#define LIMIT_CHAINS		64	     /* in a policy */
#define LIMIT_DEFINES		4096	     /* in a policy */
#define LIMIT_RULES		100000	     /* in a chain */
#define LIMIT_SETS		256	     /* in a policy, anonymous ones that became tables counted */
#define LIMIT_SET_RESERVED	(16u << 20)  /* bytes of a set's table from the start, by the size it names; more if half is used */
#define LIMIT_SET_SIZE		(16u << 20)  /* elements of a set; what one that names no size may grow to */
#define LIMIT_LIST_ELEMENTS	(1u << 20)   /* of a list in a policy, variables laid open; more go into a file */
#define LIMIT_LIST_IN_TREE	512	     /* elements of an anonymous set that stay in the tree; longer ones become a table */
#define LIMIT_IPV6_LIST_IN_TREE 8	     /* the same for IPv6 addresses, each of which is two fields */
#define LIMIT_MANY_LISTS_IN_TREE 4096	     /* and where a chain has more such lists than tables: of IPv6 addresses 64 */
#define LIMIT_HTTP_PATTERNS	256 /* that an http match compares with */
#define LIMIT_LOG_PREFIX_BYTES	64
#define LIMIT_COMMENT_BYTES	128
#define LIMIT_INTERFACES	256	   /* targets of a chain, after globs */
#define LIMIT_INSTRUCTIONS	400000	   /* emitted for a chain; the kernel verifies at most a million */
#define LIMIT_TREE_NODES	200000	   /* of a chain that become instructions; more become data */
#define LIMIT_DATA_NODES	(8u << 20) /* of a chain in all */
#define LIMIT_DATA_FIELDS	20	   /* that one tree tells apart when it is data */
#define LIMIT_DATA_DEPTH	1500	   /* cuts on one way through a tree that is data */
#define LIMIT_DATA_PASSED	4096	   /* rules without a verdict that meet at one leaf of a tree that is data */
#define LIMIT_VECTOR_BYTES	(256u << 20) /* of a chain's rules that are bit vectors */
#define LIMIT_CONNECTIONS	(16u << 20) /* that a chain keeps */
#define LIMIT_CONNECTIONS_LEAST 1024	    /* what the kernel's table needs to let go of the oldest only */
#define LIMIT_CONNECTIONS_DEFAULT 65536

#endif
