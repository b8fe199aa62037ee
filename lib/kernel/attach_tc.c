// SPDX-License-Identifier: GPL-2.0-only
/*
 * tc: tcx links, or on kernels below 6.6 filters of the clsact qdisc. A filter has the handle 1 and a priority of its own;
 * replacing it is atomic. What filters there are is read by rtnetlink, since libbpf can only ask for one that it knows.
 * A folder in qdiscs/ remembers that weir made an interface's qdisc.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "kernel/attach.h"
#include "kernel/netlink.h"
#include "kernel/netns.h"

#define FILTER_HANDLE 1
#define QUERY_MAX     256

static enum bpf_attach_type tcx_type(enum weir_hook hook)
{
	return hook == WEIR_HOOK_TC_INGRESS ? ATTACH_TCX_INGRESS : ATTACH_TCX_EGRESS;
}

int tcx_create(const struct manifest_attachment *at, int program_fd)
{
	return bpf_link_create(program_fd, (int)at->ifindex, tcx_type(at->hook), NULL);
}

/* ---- Which filters there are ---- */

struct filter {
	uint32_t priority, program_id; /* 0: not an eBPF filter */
	uint32_t handle;	       /* of a qdisc: major << 16 */
	const char *kind, *name;
};

struct filters {
	struct arena *arena;
	uint32_t ifindex;
	VECTOR(struct filter) list;
};

static uint32_t clsact_parent(enum weir_hook hook)
{
	return TC_H_MAKE(TC_H_CLSACT, hook == WEIR_HOOK_TC_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

static void read_filter(void *context, struct nlmsghdr *message)
{
	struct filters *filters = context;
	struct tcmsg *tc = NLMSG_DATA(message);
	struct rtattr *options = NULL, *attribute = TCA_RTA(tc);
	struct filter filter = { .handle = tc->tcm_handle, .priority = TC_H_MAJ(tc->tcm_info) >> 16, .name = "?", .kind = "?" };
	int left = (int)TCA_PAYLOAD(message);

	if (tc->tcm_ifindex != (int)filters->ifindex)
		return;
	for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
		if ((attribute->rta_type & NLA_TYPE_MASK) == TCA_OPTIONS)
			options = attribute;
		if (attribute->rta_type == TCA_KIND)
			filter.kind = arena_strndup(filters->arena, RTA_DATA(attribute), RTA_PAYLOAD(attribute));
	}
	if (options) {
		left = (int)RTA_PAYLOAD(options);
		for (attribute = RTA_DATA(options); RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
			if (attribute->rta_type == TCA_BPF_ID)
				filter.program_id = *(uint32_t *)RTA_DATA(attribute);
			if (attribute->rta_type == TCA_BPF_NAME)
				filter.name = arena_strndup(filters->arena, RTA_DATA(attribute), RTA_PAYLOAD(attribute));
		}
	}
	vector_push(filters->arena, &filters->list, filter);
}

/* Filters or qdiscs; a dump may be of all interfaces. */
static int dump(uint16_t type, uint32_t ifindex, uint32_t parent, struct filters *filters)
{
	struct {
		struct nlmsghdr header;
		struct tcmsg tc;
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.tc = { .tcm_family = AF_UNSPEC, .tcm_ifindex = (int)ifindex, .tcm_parent = parent },
	};

	filters->ifindex = ifindex;
	return netlink_ask(&request.header, read_filter, filters);
}

/* All filters of a parent; none when there is no such qdisc. */
static int list_filters(uint32_t ifindex, uint32_t parent, struct filters *filters)
{
	int r = dump(RTM_GETTFILTER, ifindex, parent, filters);

	return r == -EINVAL || r == -ENOENT ? 0 : r;
}

/* Where a filter of ours stands: at a direction of the interface's clsact qdisc, or at a qdisc or class of somebody's. */
static uint32_t filter_parent(const struct manifest_attachment *at)
{
	return at->parent ? at->parent : clsact_parent(at->hook);
}

/* The kinds of an interface's qdiscs. */
static int list_qdiscs(uint32_t ifindex, struct filters *qdiscs)
{
	return dump(RTM_GETQDISC, ifindex, 0, qdiscs);
}

/* Has the interface a qdisc with the major number of PARENT? */
int classifier_qdisc_exists(uint32_t ifindex, uint32_t parent, bool *ret_exists)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct filters qdiscs = { .arena = arena };
	int r = list_qdiscs(ifindex, &qdiscs);

	*ret_exists = false;
	for (size_t i = 0; i < qdiscs.list.count; i++)
		*ret_exists |= qdiscs.list.items[i].handle >> 16 == parent >> 16;
	return r;
}

/* ---- One filter of ours ---- */

/* libbpf refuses structs whose padding is not zero, and an initializer does not promise that. */
static void set_hook(struct bpf_tc_hook *hook, uint32_t ifindex, enum bpf_tc_attach_point point)
{
	memset(hook, 0, sizeof(*hook));
	hook->sz = sizeof(*hook);
	hook->ifindex = (int)ifindex;
	hook->attach_point = point;
}

static void set_filter(const struct manifest_attachment *at, struct bpf_tc_hook *hook, struct bpf_tc_opts *options)
{
	set_hook(hook, at->ifindex,
		 at->parent			    ? BPF_TC_CUSTOM
		 : at->hook == WEIR_HOOK_TC_INGRESS ? BPF_TC_INGRESS
						    : BPF_TC_EGRESS);
	hook->parent = at->parent;
	memset(options, 0, sizeof(*options));
	options->sz = sizeof(*options);
	options->handle = FILTER_HANDLE;
	options->priority = at->priority;
}

/* The lowest that is free: a filter before ours that says "ok" would let packets pass unseen. */
int clsact_free_priority(const struct manifest_attachment *at, const struct program_ids *taken, uint32_t *ret_priority)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct filters filters = { .arena = arena };
	int r = list_filters(at->ifindex, filter_parent(at), &filters);

	for (uint32_t priority = 1; r == 0 && priority < 65535; priority++) {
		bool used = program_ids_contain(taken, priority);

		for (size_t i = 0; i < filters.list.count; i++)
			used |= filters.list.items[i].priority == priority;
		if (!used) {
			*ret_priority = priority;
			return 0;
		}
	}
	return r ? r : -EBUSY;
}

/*
 * A qdisc that was there: for the way in any will do, but the older "ingress" takes filters for the way out and never asks them.
 */
static int check_qdisc(const struct manifest_attachment *at)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct filters qdiscs = { .arena = arena };
	int r = at->hook == WEIR_HOOK_TC_INGRESS ? 0 : list_qdiscs(at->ifindex, &qdiscs);

	for (size_t i = 0; i < qdiscs.list.count; i++)
		if (strcmp(qdiscs.list.items[i].kind, "ingress") == 0)
			return -EOPNOTSUPP;
	return r;
}

/* The thread is in the interface's namespace. */
static const char *qdisc_folder(struct arena *arena, const struct kernel *kernel, const struct manifest_attachment *at)
{
	uint64_t cookie = 0;

	netns_cookie(&cookie);
	return arena_printf(arena, "%s/qdiscs/%llu_%u_%s", kernel->path, (unsigned long long)cookie, at->ifindex,
			    at->netns ? pins_escape(arena, at->netns) : "");
}

/* The folder comes first: killed in between, an apply leaves a folder without a qdisc, not a qdisc that nobody removes. */
static int ensure_qdisc(const struct kernel *kernel, const struct manifest_attachment *at)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *folder = qdisc_folder(arena, kernel, at);
	bool was_ours = pins_exists(folder);
	struct bpf_tc_hook hook;
	int r = pins_make_directory(arena_printf(arena, "%s/qdiscs", kernel->path));

	r = r ? r : pins_make_directory(folder);
	if (r)
		return r;
	set_hook(&hook, at->ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	r = bpf_tc_hook_create(&hook);
	if (r && !was_ours)
		rmdir(folder);
	return r == -EEXIST ? check_qdisc(at) : r;
}

/* libbpf attaches with direct-action only. */
static int classifier_attach(const struct manifest_attachment *at, int program_fd, uint16_t flags)
{
	struct {
		struct nlmsghdr header;
		struct tcmsg tc;
		char attributes[256];
	} request = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct tcmsg)),
			    .nlmsg_type = RTM_NEWTFILTER,
			    .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | flags) },
		.tc = { .tcm_family = AF_UNSPEC,
			.tcm_ifindex = (int)at->ifindex,
			.tcm_parent = at->parent,
			.tcm_handle = FILTER_HANDLE,
			.tcm_info = TC_H_MAKE(at->priority << 16, htons(ETH_P_ALL)) },
	};
	struct nlmsghdr *message = (struct nlmsghdr *)(void *)&request;
	struct rtattr *options;

	netlink_add(message, TCA_KIND, "bpf", sizeof("bpf"));
	options = netlink_begin(message, TCA_OPTIONS);
	if (at->fallback)
		netlink_add(message, TCA_BPF_CLASSID, &at->fallback, sizeof(at->fallback));
	netlink_add(message, TCA_BPF_FD, &program_fd, sizeof(program_fd));
	netlink_add(message, TCA_BPF_NAME, "weir_tc_class", sizeof("weir_tc_class"));
	netlink_end(message, options);
	return netlink_ask(message, NULL, NULL);
}

int clsact_create(const struct kernel *kernel, const struct manifest_attachment *at, int program_fd)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts options;
	int r = at->parent ? classifier_attach(at, program_fd, NLM_F_EXCL) : ensure_qdisc(kernel, at);

	if (r || at->parent)
		return r;

	set_filter(at, &hook, &options);
	options.prog_fd = program_fd;
	return bpf_tc_attach(&hook, &options);
}

int clsact_look(const struct manifest_attachment *at, const struct program_ids *ids, struct attachment_status *ret_status)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts options;
	int r;

	set_filter(at, &hook, &options);
	r = bpf_tc_query(&hook, &options);
	if (r && r != -ENOENT && r != -EINVAL && r != -ENODEV)
		return r;
	*ret_status = (struct attachment_status){ 0 };
	if (r == 0 && program_ids_contain(ids, options.prog_id))
		*ret_status = (struct attachment_status){ .present = true, .program_id = options.prog_id };
	return 0;
}

int clsact_set_program(const struct manifest_attachment *at, int program_fd, const struct program_ids *ids)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts options;
	struct attachment_status status;
	int r = clsact_look(at, ids, &status);

	if (r || !status.present || status.program_id == program_id(program_fd))
		return r;
	if (at->parent)
		return classifier_attach(at, program_fd, NLM_F_REPLACE);
	set_filter(at, &hook, &options);
	options.prog_fd = program_fd;
	options.flags = BPF_TC_F_REPLACE;
	return bpf_tc_attach(&hook, &options);
}

int clsact_remove(const struct manifest_attachment *at, const struct program_ids *ids)
{
	struct bpf_tc_hook hook;
	struct bpf_tc_opts options;
	struct attachment_status status;
	int r = clsact_look(at, ids, &status);

	if (r || !status.present)
		return r;
	set_filter(at, &hook, &options);
	r = bpf_tc_detach(&hook, &options);
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

/* ---- Who else is there ---- */

int tc_foreign(struct arena *arena, const struct manifest_attachment *at, const struct program_ids *ids,
	       struct foreign_programs *ret_programs)
{
	VECTOR(struct state_foreign) found = { 0 };
	uint32_t programs[QUERY_MAX], count = QUERY_MAX, flags;
	struct filters filters = { .arena = arena };
	int r;

	if (!at->parent && bpf_prog_query((int)at->ifindex, tcx_type(at->hook), 0, &flags, programs, &count) == 0)
		for (uint32_t i = 0; i < count; i++)
			if (!program_ids_contain(ids, programs[i]))
				vector_push(arena, &found,
					    (struct state_foreign){ .program_id = programs[i],
								    .program_name = program_name(arena, programs[i]) });
	r = list_filters(at->ifindex, filter_parent(at), &filters);
	for (size_t i = 0; r == 0 && i < filters.list.count; i++) {
		const struct filter *filter = &filters.list.items[i];

		if (filter->program_id && !program_ids_contain(ids, filter->program_id))
			vector_push(arena, &found,
				    (struct state_foreign){ .program_id = filter->program_id, .program_name = filter->name });
		/* Others come one by one for each priority: what they hold is not told apart. */
		if (!filter->program_id && strcmp(filter->kind, "bpf") && (i == 0 || filter[-1].priority != filter->priority))
			vector_push(arena, &found,
				    (struct state_foreign){ .program_name = arena_printf(arena, "%s filter of priority %u",
											 filter->kind, filter->priority) });
	}
	if (r == 0)
		*ret_programs = (struct foreign_programs){ .count = (uint32_t)found.count, .items = found.items };
	return r;
}

/* ---- Qdiscs that weir made ---- */

static bool qdisc_in_use(uint32_t ifindex)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct filters filters = { .arena = arena };

	return list_filters(ifindex, clsact_parent(WEIR_HOOK_TC_INGRESS), &filters) ||
	       list_filters(ifindex, clsact_parent(WEIR_HOOK_TC_EGRESS), &filters) || filters.list.count > 0;
}

/*
 * A namespace that can no longer be found took its interfaces and their qdiscs with it, or is out of our reach. When the last
 * policy went, a qdisc that others use is theirs from now on.
 */
void clsact_tidy(const struct kernel *kernel, struct arena *arena)
{
	const char *folder = arena_printf(arena, "%s/qdiscs", kernel->path);
	struct names names, policies;

	if (pins_list(arena, folder, &names) || pins_list(arena, kernel->policies, &policies))
		return;
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_(netns_leave) int home = -1;
		unsigned long long cookie;
		unsigned int ifindex;
		struct bpf_tc_hook hook;
		const char *netns;
		int name_at = 0;

		if (sscanf(names.items[i], "%llu_%u_%n", &cookie, &ifindex, &name_at) != 2)
			continue;
		netns = names.items[i][name_at] ? pins_unescape(arena, names.items[i] + name_at) : NULL;
		if (netns_enter_that(netns, 0, cookie, &home) == 0) {
			bool used = qdisc_in_use(ifindex);

			if (used && policies.count)
				continue;
			set_hook(&hook, ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
			if (!used)
				bpf_tc_hook_destroy(&hook);
		}
		rmdir(arena_printf(arena, "%s/%s", folder, names.items[i]));
	}
	rmdir(folder);
}
