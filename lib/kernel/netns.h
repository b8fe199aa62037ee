/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A visit to another network namespace: the thread is there until the variable leaves its scope.
 *
 *	_cleanup_(netns_leave) int home = -1;
 *	r = netns_enter("ctn2", &home);
 */
#ifndef WEIR_KERNEL_NETNS_H
#define WEIR_KERNEL_NETNS_H

#include <stdint.h>

/* NETNS: as host/netns.h has it; NULL: stay. 0; -ENOENT no such namespace; -EACCES or -EPERM may not enter it. */
int netns_enter(const char *netns, int *ret_home);
void netns_leave(int *home);

/* Inode of a namespace, which tells it from all others that live; NULL: of this thread's. 0 or -errno. */
int netns_inode(const char *netns, uint64_t *ret_inode);

/* A number that no other network namespace ever has or had, of the one that the thread is in. */
int netns_cookie(uint64_t *ret_cookie);

#endif
