// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program as a filter of a qdisc of tc, by rtnetlink, since libbpf knows neither filters without direct action nor actions:
 * what tc filter add dev IFACE parent 1: bpf obj ... flowid 1:1 action bpf obj ... action bpf obj ... ok does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "kernel/attach.h"
#include "kernel/netlink.h"
#include "object/object.h"

struct message {
	struct nlmsghdr header;
	struct tcmsg tc;
	uint8_t attributes[8192];
};

/* Names are for people: the first of it is enough, and a message has room for the actions that there may be. */
#define NAME_BYTES 64

static void add_u32(struct nlmsghdr *message, uint16_t type, uint32_t number)
{
	netlink_add(message, type, &number, sizeof(number));
}

static void add_name(struct nlmsghdr *message, uint16_t type, const char *name)
{
	char text[NAME_BYTES];

	snprintf(text, sizeof(text), "%s", name);
	netlink_add(message, type, text, strlen(text) + 1);
}

static void read_priority(void *context, struct nlmsghdr *answer)
{
	uint32_t *priority = context;

	if (answer->nlmsg_type == RTM_NEWTFILTER)
		*priority = TC_H_MAJ(((struct tcmsg *)NLMSG_DATA(answer))->tcm_info) >> 16;
}

/* The message as netlink_add takes it, with the attributes behind. */
static struct nlmsghdr *begin(struct message *message, uint16_t type, uint16_t flags, uint32_t ifindex)
{
	memset(message, 0, sizeof(*message));
	message->header.nlmsg_len = NLMSG_LENGTH(sizeof(message->tc));
	message->header.nlmsg_type = type;
	message->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	message->tc.tcm_family = AF_UNSPEC;
	message->tc.tcm_ifindex = (int)ifindex;
	return (struct nlmsghdr *)(void *)message;
}

static int make_clsact(struct filter_request *request)
{
	struct message message;
	struct nlmsghdr *header;
	int r;

	header = begin(&message, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, request->ifindex);
	message.tc.tcm_parent = TC_H_CLSACT;
	message.tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	netlink_add(header, TCA_KIND, "clsact", sizeof("clsact"));
	r = netlink_ask(header, NULL, NULL);
	request->made_qdisc = r == 0;
	request->parent = TC_H_MAKE(TC_H_CLSACT, request->egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
	return r == -EEXIST ? 0 : r;
}

/* The last action ends the list, unless it says otherwise itself; each before it goes on to the next. */
static void add_actions(struct nlmsghdr *message, const struct filter_request *request)
{
	struct rtattr *all = netlink_begin(message, TCA_BPF_ACT);

	for (size_t i = 0; i < request->action_count; i++) {
		struct tc_act_bpf parameters = { .action = i + 1 < request->action_count ? TC_ACT_PIPE : TC_ACT_OK };
		struct rtattr *one = netlink_begin(message, (uint16_t)(i + 1)), *options;

		netlink_add(message, TCA_ACT_KIND, "bpf", sizeof("bpf"));
		options = netlink_begin(message, TCA_ACT_OPTIONS);
		netlink_add(message, TCA_ACT_BPF_PARMS, &parameters, sizeof(parameters));
		add_u32(message, TCA_ACT_BPF_FD, (uint32_t)request->action_fds[i]);
		add_name(message, TCA_ACT_BPF_NAME, request->action_names[i]);
		netlink_end(message, options);
		netlink_end(message, one);
	}
	netlink_end(message, all);
}

int filter_create(struct filter_request *request, uint32_t *ret_parent, uint32_t *ret_priority)
{
	struct message message;
	struct nlmsghdr *header;
	struct rtattr *options;
	uint32_t priority = 0;
	int r = request->parent ? 0 : make_clsact(request);

	if (r)
		return r;
	/* Priority 0: the kernel chooses one, and its echo says which. */
	header = begin(&message, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO, request->ifindex);
	message.tc.tcm_parent = request->parent;
	message.tc.tcm_handle = 1;
	message.tc.tcm_info = TC_H_MAKE(0, htons(ETH_P_ALL));
	netlink_add(header, TCA_KIND, "bpf", sizeof("bpf"));
	options = netlink_begin(header, TCA_OPTIONS);
	add_u32(header, TCA_BPF_FD, (uint32_t)request->program_fd);
	add_name(header, TCA_BPF_NAME, request->name);
	if (request->direct)
		add_u32(header, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	if (request->classid)
		add_u32(header, TCA_BPF_CLASSID, request->classid);
	if (request->action_count)
		add_actions(header, request);
	netlink_end(header, options);
	r = netlink_ask(header, read_priority, &priority);
	if (r)
		return r;
	*ret_parent = request->parent;
	*ret_priority = priority;
	return 0;
}

int filter_remove(uint32_t ifindex, uint32_t parent, uint32_t priority)
{
	struct message message;
	struct nlmsghdr *header;

	header = begin(&message, RTM_DELTFILTER, 0, ifindex);
	message.tc.tcm_parent = parent;
	message.tc.tcm_handle = 1;
	message.tc.tcm_info = TC_H_MAKE(priority << 16, htons(ETH_P_ALL));
	netlink_add(header, TCA_KIND, "bpf", sizeof("bpf"));
	return netlink_ask(header, NULL, NULL);
}

int clsact_remove_unused(uint32_t ifindex)
{
	static const enum weir_hook hooks[] = { WEIR_HOOK_TC_INGRESS, WEIR_HOOK_TC_EGRESS };
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct message message;
	struct nlmsghdr *header;

	for (int i = 0; i < 2; i++) {
		struct manifest_attachment at = { .hook = hooks[i], .ifindex = ifindex };
		struct foreign_programs others = { 0 };
		int r = tc_foreign(arena, &at, &(struct program_ids){ 0 }, &others);

		if (r || others.count)
			return r;
	}
	header = begin(&message, RTM_DELQDISC, 0, ifindex);
	message.tc.tcm_parent = TC_H_CLSACT;
	message.tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	return netlink_ask(header, NULL, NULL);
}

int tc_handle_parse(const char *text, uint32_t *ret_handle)
{
	unsigned long major, minor = 0;
	char *end;

	if (strcmp(text, "root") == 0) {
		*ret_handle = TC_H_ROOT;
		return 0;
	}
	major = strtoul(text, &end, 16);
	if (end == text || *end != ':' || major > 0xffff)
		return -EINVAL;
	if (end[1]) {
		const char *second = end + 1;

		minor = strtoul(second, &end, 16);
		if (end == second || *end || minor > 0xffff)
			return -EINVAL;
	}
	*ret_handle = (uint32_t)(major << 16 | minor);
	return 0;
}
