/* SPDX-License-Identifier: GPL-2.0-only */
/* Questions to the kernel over rtnetlink, in the network namespace of the calling thread, and attributes for them. */
#ifndef WEIR_KERNEL_NETLINK_H
#define WEIR_KERNEL_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>

/*
 * Send REQUEST and hand what it is answered with to READ (NULL: to nobody): all up to the end where its flags have NLM_F_DUMP or
 * NLM_F_ACK, else one message. 0, or the kernel's negative errno.
 */
int netlink_ask(const struct nlmsghdr *request, void (*read)(void *context, struct nlmsghdr *message), void *context);

/* An attribute at the end of MESSAGE, which has room for it. */
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
