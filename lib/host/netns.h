/* SPDX-License-Identifier: GPL-2.0-only */
/* Network namespaces as the policy names them. */
#ifndef WEIR_HOST_NETNS_H
#define WEIR_HOST_NETNS_H

/*
 * A descriptor of the network namespace that NETNS means: a name below /run/netns, a path, "pid 123", or "container web". Else
 * -ENOENT: there is none; -EACCES: it may not be looked at.
 */
int netns_open(const char *netns);

#endif
