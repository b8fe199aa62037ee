// SPDX-License-Identifier: GPL-2.0-only
/* Which sections are for which hook, and what each wants as its target. */
#include <string.h>

#include "object/object.h"

/* tc took any section name, and its readers use these; Aya and libbpf have classifier and tc. */
static const struct hook hooks[] = {
	{ "xdp", WAY_XDP, BPF_PROG_TYPE_XDP, BPF_XDP },
	{ "xdp.frags", WAY_XDP, BPF_PROG_TYPE_XDP, BPF_XDP },
	{ "tc/ingress", WAY_TC_INGRESS, BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "tc/egress", WAY_TC_EGRESS, BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "tcx/ingress", WAY_TC_INGRESS, BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "tcx/egress", WAY_TC_EGRESS, BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "tc", WAY_TC_INGRESS, BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "classifier", WAY_TC_INGRESS, BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "ingress", WAY_TC_INGRESS, BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "egress", WAY_TC_EGRESS, BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "cls", WAY_TC_INGRESS, BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "lb", WAY_TC_INGRESS, BPF_PROG_TYPE_SCHED_CLS, 0 },
	{ "action", WAY_TC_ACTION, BPF_PROG_TYPE_SCHED_ACT, 0 },
	{ "cgroup_skb/ingress", WAY_CGROUP, BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS },
	{ "cgroup_skb/egress", WAY_CGROUP, BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS },
	{ "cgroup_skb", WAY_CGROUP, BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS },
	{ "cgroup/skb", WAY_CGROUP, BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS },
	{ "kprobe", WAY_KPROBE, BPF_PROG_TYPE_KPROBE, 0 },
	{ "kretprobe", WAY_KRETPROBE, BPF_PROG_TYPE_KPROBE, 0 },
	{ "tracepoint", WAY_TRACEPOINT, BPF_PROG_TYPE_TRACEPOINT, 0 },
	{ "tp", WAY_TRACEPOINT, BPF_PROG_TYPE_TRACEPOINT, 0 },
	{ "raw_tracepoint", WAY_RAW_TRACEPOINT, BPF_PROG_TYPE_RAW_TRACEPOINT, 0 },
	{ "raw_tp", WAY_RAW_TRACEPOINT, BPF_PROG_TYPE_RAW_TRACEPOINT, 0 },
	{ "tp_btf", WAY_BTF, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP },
	{ "fentry", WAY_BTF, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY },
	{ "fexit", WAY_BTF, BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT },
	{ "fmod_ret", WAY_BTF, BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN },
	{ "lsm", WAY_LSM, BPF_PROG_TYPE_LSM, BPF_LSM_MAC },
	{ "uprobe", WAY_UPROBE, BPF_PROG_TYPE_KPROBE, 0 },
	{ "uretprobe", WAY_URETPROBE, BPF_PROG_TYPE_KPROBE, 0 },
	{ "socket", WAY_SOCKET, BPF_PROG_TYPE_SOCKET_FILTER, 0 },
	{ "socket_filter", WAY_SOCKET, BPF_PROG_TYPE_SOCKET_FILTER, 0 },
};
#define HOOK_COUNT (sizeof(hooks) / sizeof(hooks[0]))

static const struct hook *exactly(const char *section)
{
	for (size_t i = 0; i < HOOK_COUNT; i++)
		if (strcmp(hooks[i].section, section) == 0)
			return &hooks[i];
	return NULL;
}

const struct hook *hook_find(const char *section, const char **ret_target)
{
	static const struct hook action = { "action", WAY_TC_ACTION, BPF_PROG_TYPE_SCHED_ACT, 0 };
	const struct hook *hook = exactly(section);

	*ret_target = NULL;
	if (hook)
		return hook;
	if (strncmp(section, "action-", 7) == 0)
		return &action;
	for (size_t i = 0; i < HOOK_COUNT; i++) {
		size_t length = strlen(hooks[i].section);

		if (strncmp(section, hooks[i].section, length) != 0 || section[length] != '/' || !section[length + 1])
			continue;
		/* What old versions of Aya and bcc wrote behind these is the program's name. */
		if (hooks[i].way > WAY_CGROUP && hooks[i].way != WAY_SOCKET)
			*ret_target = section + length + 1;
		return &hooks[i];
	}
	return NULL;
}

const char *hook_target_words(enum hook_way way)
{
	switch (way) {
	case WAY_XDP:
	case WAY_TC_INGRESS:
	case WAY_TC_EGRESS:
	case WAY_TC_ACTION:
	case WAY_SOCKET:
		return "an interface";
	case WAY_CGROUP:
		return "the folder of a cgroup";
	case WAY_KPROBE:
	case WAY_KRETPROBE:
		return "a function of the kernel";
	case WAY_TRACEPOINT:
		return "a tracepoint, category:name";
	case WAY_RAW_TRACEPOINT:
		return "the name of a tracepoint";
	case WAY_UPROBE:
	case WAY_URETPROBE:
		return "FILE:FUNCTION";
	default:
		return NULL;
	}
}
