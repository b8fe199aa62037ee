// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program as a filter of a qdisc of tc, by rtnetlink, since libbpf knows neither filters without direct action nor actions:
 *what tc filter add dev IFACE parent 1: bpf obj ... flowid 1:1 action bpf obj ... action bpf obj ... ok does.
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
#include "object/object.h"

struct message {
	struct nlmsghdr header;
	struct tcmsg tc;
	uint8_t attributes[4096];
};

static void add(struct message *message, uint16_t type, const void *data, size_t length)
{
	size_t at = NLMSG_ALIGN(message->header.nlmsg_len);
	struct rtattr *attribute = (struct rtattr *)((uint8_t *)message + at);

	/* The longest that weir makes: eight actions, each some 100 bytes. */
	if (at + RTA_SPACE(length) > sizeof(*message))
		return;
	attribute->rta_type = type;
	attribute->rta_len = (uint16_t)RTA_LENGTH(length);
	if (length)
		memcpy(RTA_DATA(attribute), data, length);
	message->header.nlmsg_len = (uint32_t)(at + RTA_SPACE(length));
}

static void add_u32(struct message *message, uint16_t type, uint32_t number)
{
	add(message, type, &number, sizeof(number));
}

static size_t begin_nest(struct message *message, uint16_t type)
{
	size_t at = NLMSG_ALIGN(message->header.nlmsg_len);

	add(message, type | NLA_F_NESTED, NULL, 0);
	return at;
}

static void end_nest(struct message *message, size_t at)
{
	((struct rtattr *)((uint8_t *)message + at))->rta_len = (uint16_t)(message->header.nlmsg_len - at);
}

/* Send, and wait for the answer. ECHO: the message that the kernel made of it comes first, and is written over ours. */
static int ask(struct message *message, bool echo)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char buffer[8192] __attribute__((aligned(8)));

	message->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK | (echo ? NLM_F_ECHO : 0);
	if (fd < 0 || send(fd, message, message->header.nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t length = recv(fd, buffer, sizeof(buffer), 0);
		struct nlmsghdr *answer = (struct nlmsghdr *)buffer;

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		for (; NLMSG_OK(answer, length); answer = NLMSG_NEXT(answer, length)) {
			if (answer->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(answer))->error;
			if (echo && answer->nlmsg_type == RTM_NEWTFILTER)
				message->tc = *(struct tcmsg *)NLMSG_DATA(answer);
		}
	}
}

static void begin(struct message *message, uint16_t type, uint16_t flags, uint32_t ifindex)
{
	memset(message, 0, sizeof(*message));
	message->header.nlmsg_len = NLMSG_LENGTH(sizeof(message->tc));
	message->header.nlmsg_type = type;
	message->header.nlmsg_flags = flags;
	message->tc.tcm_family = AF_UNSPEC;
	message->tc.tcm_ifindex = (int)ifindex;
}

static int make_clsact(struct filter_request *request)
{
	struct message message;
	int r;

	begin(&message, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, request->ifindex);
	message.tc.tcm_parent = TC_H_CLSACT;
	message.tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	add(&message, TCA_KIND, "clsact", sizeof("clsact"));
	r = ask(&message, false);
	request->made_qdisc = r == 0;
	request->parent = TC_H_MAKE(TC_H_CLSACT, request->egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
	return r == -EEXIST ? 0 : r;
}

/* The last action ends the list, unless it says otherwise itself; each before it goes on to the next. */
static void add_actions(struct message *message, const struct filter_request *request)
{
	size_t all = begin_nest(message, TCA_BPF_ACT);

	for (size_t i = 0; i < request->action_count; i++) {
		struct tc_act_bpf parameters = { .action = i + 1 < request->action_count ? TC_ACT_PIPE : TC_ACT_OK };
		size_t one = begin_nest(message, (uint16_t)(i + 1)), options;

		add(message, TCA_ACT_KIND, "bpf", sizeof("bpf"));
		options = begin_nest(message, TCA_ACT_OPTIONS);
		add(message, TCA_ACT_BPF_PARMS, &parameters, sizeof(parameters));
		add_u32(message, TCA_ACT_BPF_FD, (uint32_t)request->action_fds[i]);
		add(message, TCA_ACT_BPF_NAME, request->action_names[i], strlen(request->action_names[i]) + 1);
		end_nest(message, options);
		end_nest(message, one);
	}
	end_nest(message, all);
}

int filter_create(struct filter_request *request, uint32_t *ret_parent, uint32_t *ret_priority)
{
	struct message message;
	size_t options;
	int r = request->parent ? 0 : make_clsact(request);

	if (r)
		return r;
	/* Priority 0: the kernel chooses one, and its echo says which. */
	begin(&message, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, request->ifindex);
	message.tc.tcm_parent = request->parent;
	message.tc.tcm_handle = 1;
	message.tc.tcm_info = TC_H_MAKE(0, htons(ETH_P_ALL));
	add(&message, TCA_KIND, "bpf", sizeof("bpf"));
	options = begin_nest(&message, TCA_OPTIONS);
	add_u32(&message, TCA_BPF_FD, (uint32_t)request->program_fd);
	add(&message, TCA_BPF_NAME, request->name, strlen(request->name) + 1);
	if (request->direct)
		add_u32(&message, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	if (request->classid)
		add_u32(&message, TCA_BPF_CLASSID, request->classid);
	if (request->action_count)
		add_actions(&message, request);
	end_nest(&message, options);
	r = ask(&message, true);
	if (r)
		return r;
	*ret_parent = request->parent;
	*ret_priority = TC_H_MAJ(message.tc.tcm_info) >> 16;
	return 0;
}

int filter_remove(uint32_t ifindex, uint32_t parent, uint32_t priority)
{
	struct message message;

	begin(&message, RTM_DELTFILTER, 0, ifindex);
	message.tc.tcm_parent = parent;
	message.tc.tcm_handle = 1;
	message.tc.tcm_info = TC_H_MAKE(priority << 16, htons(ETH_P_ALL));
	add(&message, TCA_KIND, "bpf", sizeof("bpf"));
	return ask(&message, false);
}

int clsact_remove_unused(uint32_t ifindex)
{
	static const enum weir_hook hooks[] = { WEIR_HOOK_TC_INGRESS, WEIR_HOOK_TC_EGRESS };
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct message message;

	for (int i = 0; i < 2; i++) {
		struct manifest_attachment at = { .hook = hooks[i], .ifindex = ifindex };
		struct foreign_programs others = { 0 };
		int r = tc_foreign(arena, &at, &(struct program_ids){ 0 }, &others);

		if (r || others.count)
			return r;
	}
	begin(&message, RTM_DELQDISC, 0, ifindex);
	message.tc.tcm_parent = TC_H_CLSACT;
	message.tc.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	return ask(&message, false);
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
