// SPDX-License-Identifier: GPL-2.0-only
/*
 * Actions of tc (act_bpf), by rtnetlink: an object with an index, to which filters of others point. Replacing its program is
 * atomic; it can only be removed when no filter uses it.
 */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_bpf.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/attach.h"
#include "kernel/netlink.h"

struct action_message {
	struct nlmsghdr header;
	struct tcamsg action;
	char attributes[256];
};

/* PROGRAM_FD: -1 where only the index is named. */
static void describe(struct action_message *request, const struct manifest_attachment *at, int program_fd)
{
	struct tc_act_bpf parameters = { .index = at->parent, .action = (int)at->fallback };
	struct nlmsghdr *message = (struct nlmsghdr *)(void *)request;
	struct rtattr *table, *entry, *options;

	message->nlmsg_len = NLMSG_LENGTH(sizeof(struct tcamsg));
	table = netlink_begin(message, TCA_ACT_TAB);
	entry = netlink_begin(message, 1);
	netlink_add(message, TCA_ACT_KIND, "bpf", sizeof("bpf"));
	netlink_add(message, TCA_ACT_INDEX, &at->parent, sizeof(at->parent));
	if (program_fd >= 0) {
		options = netlink_begin(message, TCA_ACT_OPTIONS);
		netlink_add(message, TCA_ACT_BPF_PARMS, &parameters, sizeof(parameters));
		netlink_add(message, TCA_ACT_BPF_FD, &program_fd, sizeof(program_fd));
		netlink_add(message, TCA_ACT_BPF_NAME, "weir_tc_action", sizeof("weir_tc_action"));
		netlink_end(message, options);
	}
	netlink_end(message, entry);
	netlink_end(message, table);
}

static const struct rtattr *attribute_in(const void *attributes, int left, uint16_t type)
{
	for (const struct rtattr *at = attributes; RTA_OK(at, left); at = RTA_NEXT(at, left))
		if ((at->rta_type & NLA_TYPE_MASK) == type)
			return at;
	return NULL;
}

/* The id of the program in an answer of the kernel's; 0: it names none. */
static void read_program(void *context, struct nlmsghdr *message)
{
	const struct rtattr *at = attribute_in((const char *)NLMSG_DATA(message) + NLMSG_ALIGN(sizeof(struct tcamsg)),
					       (int)NLMSG_PAYLOAD(message, sizeof(struct tcamsg)), TCA_ACT_TAB);
	uint32_t *id = context;

	if (at)
		at = attribute_in(RTA_DATA(at), (int)RTA_PAYLOAD(at), 1);
	if (at)
		at = attribute_in(RTA_DATA(at), (int)RTA_PAYLOAD(at), TCA_ACT_OPTIONS);
	if (at)
		at = attribute_in(RTA_DATA(at), (int)RTA_PAYLOAD(at), TCA_ACT_BPF_ID);
	*id = at ? *(const uint32_t *)RTA_DATA(at) : 0;
}

/* RET_PROGRAM_ID (NULL: not asked) from the answer. */
static int ask(struct action_message *request, uint16_t type, uint16_t flags, uint32_t *ret_program_id)
{
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	return netlink_ask(&request->header, ret_program_id ? read_program : NULL, ret_program_id);
}

int action_program(const struct manifest_attachment *at, uint32_t *ret_program_id)
{
	struct action_message request = { 0 };
	uint32_t id = 0;
	int r;

	describe(&request, at, -1);
	r = ask(&request, RTM_GETACTION, 0, &id);
	if (r == 0)
		*ret_program_id = id;
	return r == -EINVAL ? -ENOENT : r; /* the kernel has no such kind of action, or none of that index */
}

int action_create(const struct manifest_attachment *at, int program_fd)
{
	struct action_message request = { 0 };

	describe(&request, at, program_fd);
	return ask(&request, RTM_NEWACTION, NLM_F_CREATE | NLM_F_EXCL, NULL);
}

int action_look(const struct manifest_attachment *at, const struct program_ids *ids, struct attachment_status *ret_status)
{
	uint32_t id;
	int r = action_program(at, &id);

	if (r && r != -ENOENT)
		return r;
	*ret_status = (struct attachment_status){ 0 };
	if (r == 0 && program_ids_contain(ids, id))
		*ret_status = (struct attachment_status){ .present = true, .program_id = id };
	return 0;
}

int action_set_program(const struct manifest_attachment *at, int program_fd, const struct program_ids *ids)
{
	struct action_message request = { 0 };
	struct attachment_status status;
	int r = action_look(at, ids, &status);

	if (r || !status.present || status.program_id == program_id(program_fd))
		return r;
	describe(&request, at, program_fd);
	return ask(&request, RTM_NEWACTION, NLM_F_CREATE | NLM_F_REPLACE, NULL);
}

int action_remove(const struct manifest_attachment *at, const struct program_ids *ids)
{
	struct action_message request = { 0 };
	struct attachment_status status;
	int r = action_look(at, ids, &status);

	if (r || !status.present)
		return r;
	describe(&request, at, -1);
	r = ask(&request, RTM_DELACTION, 0, NULL);
	return r == -ENOENT ? 0 : r;
}
