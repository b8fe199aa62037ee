/* SPDX-License-Identifier: GPL-2.0-only */
/* Attributes at the end of an rtnetlink message that has room for them. */
#ifndef WEIR_KERNEL_NETLINK_H
#define WEIR_KERNEL_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

static inline struct rtattr *netlink_add(struct nlmsghdr *message, uint16_t type, const void *data, size_t length)
{
	struct rtattr *attribute = (struct rtattr *)((char *)message + NLMSG_ALIGN(message->nlmsg_len));

	attribute->rta_type = type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(length);
	if (length)
		memcpy(RTA_DATA(attribute), data, length);
	message->nlmsg_len = NLMSG_ALIGN(message->nlmsg_len) + (uint32_t)RTA_ALIGN(attribute->rta_len);
	return attribute;
}

/* Attributes within an attribute: begin, add them, end. */
static inline struct rtattr *netlink_begin(struct nlmsghdr *message, uint16_t type)
{
	return netlink_add(message, type | NLA_F_NESTED, NULL, 0);
}

static inline void netlink_end(struct nlmsghdr *message, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((char *)message + message->nlmsg_len - (char *)nest);
}

#endif
