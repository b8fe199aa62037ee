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
/*
 * The same, of the namespace that has INODE, or where that is 0 the COOKIE: NETNS if it is that, else whichever has a name or a process
 * that can be seen from here. What was applied within a namespace without naming it is so found from outside. -ENOENT: none has.
 */
int netns_enter_that(const char *netns, uint64_t inode, uint64_t cookie, int *ret_home);
void netns_leave(int *home);

/* Inode of a namespace, which tells it from all others that live; NULL: of this thread's. 0 or -errno. */
int netns_inode(const char *netns, uint64_t *ret_inode);

/* A number that no other network namespace ever has or had, of the one that the thread is in. */
int netns_cookie(uint64_t *ret_cookie);

#endif
