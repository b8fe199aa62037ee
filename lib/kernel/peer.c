// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/peer.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "kernel/netlink.h"
#include "kernel/netns.h"

struct reading {
	struct arena *arena;
	int32_t home; /* what the namespace calls the one we came from; -1: it does not know it */
	VECTOR(struct peer) peers;
};

static const char *read_kind(struct arena *arena, struct rtattr *info)
{
	struct rtattr *attribute = RTA_DATA(info);
	int left = (int)RTA_PAYLOAD(info);

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == IFLA_INFO_KIND)
			return arena_strndup(arena, RTA_DATA(attribute), RTA_PAYLOAD(attribute));
	return "";
}

static void read_link(void *context, struct nlmsghdr *message)
{
	struct reading *reading = context;
	struct ifinfomsg *link = NLMSG_DATA(message);
	struct rtattr *attribute = IFLA_RTA(link);
	struct peer peer = { .inside = "?", .kind = "" };
	int left = (int)IFLA_PAYLOAD(message);
	int32_t where = -1;

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		switch (attribute->rta_type & NLA_TYPE_MASK) {
		case IFLA_IFNAME:
			peer.inside = arena_strndup(reading->arena, RTA_DATA(attribute), RTA_PAYLOAD(attribute));
			break;
		case IFLA_LINK:
			peer.ifindex = *(uint32_t *)RTA_DATA(attribute);
			break;
		case IFLA_LINK_NETNSID:
			where = *(int32_t *)RTA_DATA(attribute);
			break;
		case IFLA_LINKINFO:
			peer.kind = read_kind(reading->arena, attribute);
			break;
		}
	}
	/* A macvlan names the interface it sits on in the same way; only a veth has an end of its own there. */
	if (where < 0 || where != reading->home || strcmp(peer.kind, "veth") != 0)
		peer.ifindex = 0;
	if (link->ifi_type != ARPHRD_LOOPBACK)
		vector_push(reading->arena, &reading->peers, peer);
}

static void read_home(void *context, struct nlmsghdr *message)
{
	struct reading *reading = context;
	struct rtattr *attribute = (struct rtattr *)((char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct rtgenmsg)));
	int left = (int)NLMSG_PAYLOAD(message, NLMSG_ALIGN(sizeof(struct rtgenmsg)));

	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
		if (attribute->rta_type == NETNSA_NSID)
			reading->home = *(int32_t *)RTA_DATA(attribute);
}

static int ask_home(struct reading *reading, int home)
{
	struct {
		struct nlmsghdr header;
		struct rtgenmsg message;
		char padding[3];
		struct rtattr attribute;
		int fd;
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETNSID, .nlmsg_flags = NLM_F_REQUEST },
		.attribute = { .rta_len = RTA_LENGTH(sizeof(int)), .rta_type = NETNSA_FD },
		.fd = home,
	};

	return netlink_ask(&request.header, read_home, reading);
}

static int ask_links(struct reading *reading)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
	};

	return netlink_ask(&request.header, read_link, reading);
}

int peers_list(struct arena *arena, const char *netns, struct peers *ret_peers)
{
	struct reading reading = { .arena = arena, .home = -1 };
	_cleanup_(netns_leave) int home = -1;
	uint64_t here, there;
	int r = netns_inode(NULL, &here);

	r = r ?: netns_enter(netns, &home);
	r = r ?: netns_inode(NULL, &there);
	if (r == 0 && here == there)
		r = -EEXIST;
	/* Telling a peer's namespace gives it its number, where it had none. */
	r = r ?: ask_links(&reading);
	reading.peers.count = 0;
	r = r ?: ask_home(&reading, home);
	r = r ?: ask_links(&reading);
	if (r == 0)
		*ret_peers = (struct peers){ .count = (uint32_t)reading.peers.count, .items = reading.peers.items };
	return r;
}
