// SPDX-License-Identifier: GPL-2.0-only
/*
 * A loaded program at its hook: by a link wherever the kernel has one for it, so that the attachment goes with the descriptor,
 * whatever becomes of the process; else by the way that the hook has, undone when the object is closed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "kernel/attach.h"
#include "kernel/load.h"
#include "kernel/netns.h"
#include "kernel/refusal.h"
#include "object/object.h"

static const struct place nowhere;

struct request {
	struct weir_program *program;
	const char *target;
	const struct weir_attach_options *options;
	struct attached *attached; /* to be filled in */
	struct arena *arena;	   /* the object's */
	const char *why;	   /* what is wrong, in words; NULL: what errno says */
	const char *hint;
};

static int wrong(struct request *request, int error, const char *why)
{
	request->why = why;
	return error;
}

/* ---- Interfaces ---- */

static int find_interface(struct request *request, uint32_t *ret_ifindex)
{
	if (!request->target)
		return wrong(request, -EINVAL, "it needs an interface");
	*ret_ifindex = if_nametoindex(request->target);
	return *ret_ifindex ? 0 : wrong(request, -ENODEV, "there is no such interface");
}

static int create_link(int program_fd, uint32_t ifindex, enum bpf_attach_type type, uint32_t flags)
{
	struct bpf_link_create_opts options;

	memset(&options, 0, sizeof(options));
	options.sz = sizeof(options);
	options.flags = flags;
	return bpf_link_create(program_fd, (int)ifindex, type, &options);
}

static const char *xdp_how(uint32_t ifindex, enum weir_xdp_mode mode)
{
	uint32_t id = 0;
	bool native;

	if (mode == WEIR_XDP_OFFLOAD)
		return "offload";
	return xdp_program(ifindex, &id, &native) ? NULL : native ? "native" : "generic";
}

static int attach_xdp(struct request *request)
{
	static const uint32_t flags[] = {
		[WEIR_XDP_NATIVE] = XDP_FLAGS_DRV_MODE,
		[WEIR_XDP_GENERIC] = XDP_FLAGS_SKB_MODE,
		[WEIR_XDP_OFFLOAD] = XDP_FLAGS_HW_MODE,
	};
	enum weir_xdp_mode mode = request->options->xdp_mode;
	int fd = weir_program_fd(request->program), link;
	uint32_t ifindex;
	int r = find_interface(request, &ifindex);

	if (r)
		return r;
	link = create_link(fd, ifindex, BPF_XDP, mode == WEIR_XDP_BEST ? XDP_FLAGS_DRV_MODE : flags[mode]);
	/* For any reason that the driver may have, but not where another program is. */
	if (mode == WEIR_XDP_BEST && link < 0 && link != -EBUSY && link != -EEXIST && link != -EPERM)
		link = create_link(fd, ifindex, BPF_XDP, XDP_FLAGS_SKB_MODE);
	if (link == -EBUSY || link == -EEXIST)
		return wrong(request, -EBUSY, "another XDP program is at that interface");
	if (link < 0 && mode == WEIR_XDP_NATIVE)
		request->hint = "the driver may not have XDP: generic mode works with all";
	if (link < 0 && mode == WEIR_XDP_OFFLOAD)
		request->hint = "few network cards run eBPF themselves: native mode runs it in the driver";
	request->attached->link_fd = link;
	request->attached->how = link < 0 ? NULL : xdp_how(ifindex, mode);
	return link < 0 ? link : 0;
}

static int parse_handles(struct request *request, struct filter_request *filter)
{
	const struct weir_attach_options *options = request->options;

	if (options->parent && tc_handle_parse(options->parent, &filter->parent))
		return wrong(request, -EINVAL, "the parent is no handle of a qdisc, such as 1: or ffff:");
	if (options->classid && tc_handle_parse(options->classid, &filter->classid))
		return wrong(request, -EINVAL, "the class is no class id, such as 1:10");
	return 0;
}

static int attach_filter(struct request *request, uint32_t ifindex)
{
	const struct weir_attach_options *options = request->options;
	size_t count = options->action_count;
	struct filter_request filter = {
		.ifindex = ifindex,
		.egress = request->program->hook->way == WAY_TC_EGRESS,
		.direct = !options->parent && !options->classid && !count,
		.program_fd = weir_program_fd(request->program),
		.name = weir_program_name(request->program),
		.action_count = count,
	};
	int *fds = arena_new_array(request->arena, int, count + 1), r = parse_handles(request, &filter);
	const char **names = arena_new_array(request->arena, const char *, count + 1);
	struct attached *attached = request->attached;

	if (count > FILTER_ACTIONS_MOST)
		return wrong(request, -E2BIG, "a filter has 32 actions at most");
	for (size_t i = 0; i < count; i++) {
		fds[i] = weir_program_fd(options->actions[i]);
		names[i] = weir_program_name(options->actions[i]);
	}
	filter.action_fds = fds;
	filter.action_names = names;
	r = r ? r : filter_create(&filter, &attached->filter_parent, &attached->filter_priority);
	if (r == -ENOENT || r == -EINVAL)
		request->hint = options->parent ? "is there a qdisc of that handle? 'tc qdisc show' says"
						: "does the kernel have the modules sch_ingress, cls_bpf and act_bpf?";
	if (r)
		return r;
	attached->filter_ifindex = ifindex;
	attached->netns = options->netns ? arena_strdup(request->arena, options->netns) : NULL;
	attached->made_qdisc = filter.made_qdisc;
	attached->how = options->parent ? arena_printf(request->arena, "filter of %s", options->parent)
			: filter.egress ? "clsact egress"
					: "clsact ingress";
	return 0;
}

static int attach_tc(struct request *request)
{
	const struct weir_attach_options *options = request->options;
	bool egress = request->program->hook->way == WAY_TC_EGRESS;
	uint32_t ifindex;
	int r = find_interface(request, &ifindex);

	if (r)
		return r;
	if (options->parent || options->classid || options->action_count || !kernel_features()->tcx || getenv("WEIR_NO_TCX"))
		return attach_filter(request, ifindex);
	r = create_link(weir_program_fd(request->program), ifindex, egress ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS, 0);
	request->attached->link_fd = r;
	request->attached->how = egress ? "tcx egress" : "tcx ingress";
	return r < 0 ? r : 0;
}

/* An action alone: behind a classifier that takes every packet. */
static int attach_action(struct request *request)
{
	static const struct bpf_insn all[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "weir_all", "GPL", all, 2, NULL);
	const char *name = weir_program_name(request->program);
	int action = weir_program_fd(request->program);
	struct filter_request filter = { .program_fd = fd,
					 .name = "weir_all",
					 .classid = 1,
					 .action_fds = &action,
					 .action_names = &name,
					 .action_count = 1 };
	struct attached *attached = request->attached;
	int r = fd < 0 ? fd : find_interface(request, &filter.ifindex);

	r = r ? r : parse_handles(request, &filter);
	r = r ? r : filter_create(&filter, &attached->filter_parent, &attached->filter_priority);
	if (r) {
		request->hint = "does the kernel have the modules cls_bpf and act_bpf?";
		return r;
	}
	attached->filter_ifindex = filter.ifindex;
	attached->netns = request->options->netns ? arena_strdup(request->arena, request->options->netns) : NULL;
	attached->made_qdisc = filter.made_qdisc;
	return 0;
}

/* A packet socket sees every frame of its interface; what it queues nobody reads, so there is to be little room. */
static int attach_socket(struct request *request)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int program = weir_program_fd(request->program), small = 1, fd = request->options->socket, r = 0;
	_cleanup_close_ int own = -1;
	uint32_t ifindex;

	if (!fd) {
		r = find_interface(request, &ifindex);
		if (r)
			return r;
		address.sll_ifindex = (int)ifindex;
		fd = own = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	}
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)))
		return -errno;
	if (own >= 0 && bind(own, (struct sockaddr *)&address, sizeof(address)))
		r = -errno;
	request->attached->socket_fd = r ? -1 : TAKE_FD(own);
	return r;
}

/* ---- Cgroups ---- */

static int attach_cgroup(struct request *request)
{
	static const uint32_t flags[] = { [WEIR_CGROUP_SINGLE] = 0, [WEIR_CGROUP_OVERRIDE] = BPF_F_ALLOW_OVERRIDE };
	enum weir_cgroup_mode mode = request->options->cgroup_mode;
	enum bpf_attach_type type = request->program->hook->attach_type;
	static const char *const names[] = { "multi", "single", "override" };
	_cleanup_close_ int fd = -1;
	uint32_t count = 0;
	int r;

	if (!request->target)
		return wrong(request, -EINVAL, "it needs the folder of a cgroup");
	request->attached->how = names[mode];
	if (type == BPF_CGROUP_INET_INGRESS || type == BPF_CGROUP_INET_EGRESS)
		request->attached->how = arena_printf(request->arena, "%s, %s", type == BPF_CGROUP_INET_EGRESS ? "egress" : "ingress",
						      names[mode]);
	fd = open(request->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (mode == WEIR_CGROUP_MULTI) {
		request->attached->link_fd = r = bpf_link_create(weir_program_fd(request->program), fd, type, NULL);
		if (r == -EPERM && bpf_prog_query(fd, type, 0, NULL, NULL, &count) == 0 && count)
			return wrong(request, -EBUSY,
				     "another program at this cgroup allows no other: 'bpftool cgroup show' says which");
		if (r == -EPERM)
			request->hint = "a program at a cgroup above may allow no other: 'bpftool cgroup tree' says";
		if (r == -EBADF || r == -EINVAL)
			request->hint = "is it a folder of cgroup2? 'mount -t cgroup2' lists where that is";
		return r < 0 ? r : 0;
	}
	/* The kernel would put ours in the place of one that is there. */
	if (bpf_prog_query(fd, type, 0, NULL, NULL, &count) == 0 && count)
		return wrong(request, -EBUSY, "another program is at this cgroup: 'bpftool cgroup show' says which");
	r = bpf_prog_attach(weir_program_fd(request->program), fd, type, flags[mode]);
	if (r == -EPERM)
		request->hint = "another program at this cgroup, or above it, stands in its way: 'bpftool cgroup tree' says";
	if (r)
		return r;
	request->attached->cgroup_type = type;
	request->attached->program_fd = weir_program_fd(request->program);
	request->attached->cgroup_fd = TAKE_FD(fd);
	return 0;
}

/* ---- Functions and tracepoints ---- */

static int take_link(struct request *request, struct bpf_link *link)
{
	int r = link ? 0 : -errno;

	request->attached->link = link;
	return r;
}

static int attach_kprobe(struct request *request)
{
	bool at_return = request->program->hook->way == WAY_KRETPROBE;
	int r;

	if (!request->target)
		return wrong(request, -EINVAL, "it needs a function of the kernel");
	r = take_link(request, bpf_program__attach_kprobe(request->program->bpf, at_return, request->target));
	if (r == -ENOENT && access("/sys/bus/event_source/devices/kprobe", F_OK) != 0 &&
	    access("/sys/kernel/tracing/kprobe_events", F_OK) != 0)
		request->hint = "this kernel has no kprobes";
	else if (r == -ENOENT || r == -EINVAL)
		request->hint = "has the kernel a function of that name? /proc/kallsyms lists them";
	return r;
}

static int attach_tracepoint(struct request *request)
{
	const char *target = request->target;
	size_t category = target ? strcspn(target, ":/") : 0;
	int r;

	if (!target || !target[category])
		return wrong(request, -EINVAL, "it needs a tracepoint, category:name");
	r = take_link(request,
		      bpf_program__attach_tracepoint(request->program->bpf, arena_strndup(request->arena, target, category),
						     target + category + 1));
	if (r == -ENOENT)
		request->hint =
			access("/sys/kernel/tracing/events", F_OK) == 0 || access("/sys/kernel/debug/tracing/events", F_OK) == 0
				? "/sys/kernel/tracing/available_events lists what there is"
				: "tracefs is not mounted: 'mount -t tracefs tracefs /sys/kernel/tracing'";
	return r;
}

static int attach_raw_tracepoint(struct request *request)
{
	if (!request->target)
		return wrong(request, -EINVAL, "it needs the name of a tracepoint");
	return take_link(request, bpf_program__attach_raw_tracepoint(request->program->bpf, request->target));
}

/* "FILE:FUNCTION", "FILE:0xOFFSET" */
static int attach_uprobe(struct request *request)
{
	struct bpf_uprobe_opts options;
	const char *colon = request->target ? strrchr(request->target, ':') : NULL;
	unsigned long offset = 0;
	char *end;
	int r;

	if (!colon || !colon[1])
		return wrong(request, -EINVAL, "it needs FILE:FUNCTION, or FILE:0xOFFSET");
	memset(&options, 0, sizeof(options));
	options.sz = sizeof(options);
	options.retprobe = request->program->hook->way == WAY_URETPROBE;
	options.func_name = colon + 1;
	if (colon[1] >= '0' && colon[1] <= '9') {
		offset = strtoul(colon + 1, &end, 0);
		if (*end)
			return wrong(request, -EINVAL, "what stands behind the colon is neither a function nor an offset");
		options.func_name = NULL;
	}
	r = take_link(request, bpf_program__attach_uprobe_opts(
				       request->program->bpf, request->options->pid ? request->options->pid : -1,
				       arena_strndup(request->arena, request->target, (size_t)(colon - request->target)), offset,
				       &options));
	if (r == -ENOENT)
		request->hint = "is the file there, and has it a symbol of that name?";
	return r;
}

/* ---- All ---- */

static int attach_by_way(struct request *request)
{
	switch (request->program->hook->way) {
	case WAY_XDP:
		return attach_xdp(request);
	case WAY_TC_INGRESS:
	case WAY_TC_EGRESS:
		return attach_tc(request);
	case WAY_TC_ACTION:
		return attach_action(request);
	case WAY_SOCKET:
		return attach_socket(request);
	case WAY_CGROUP:
		return attach_cgroup(request);
	case WAY_KPROBE:
	case WAY_KRETPROBE:
		return attach_kprobe(request);
	case WAY_TRACEPOINT:
		return attach_tracepoint(request);
	case WAY_RAW_TRACEPOINT:
		return attach_raw_tracepoint(request);
	case WAY_UPROBE:
	case WAY_URETPROBE:
		return attach_uprobe(request);
	case WAY_BTF:
		return take_link(request, bpf_program__attach_trace(request->program->bpf));
	case WAY_LSM:
		return take_link(request, bpf_program__attach_lsm(request->program->bpf));
	default:
		return take_link(request, bpf_program__attach(request->program->bpf));
	}
}

static int pin_attached(struct request *request, const char *path)
{
	struct attached *attached = request->attached;
	int fd = attached->link ? bpf_link__fd(attached->link) : attached->link_fd, r;

	if (attached->socket_fd >= 0)
		return wrong(request, -EOPNOTSUPP, "a socket filter goes with its socket, and cannot be pinned");
	/* Where there is no link the program stays at its hook of itself; its pin is for who wants to find it. */
	if (fd < 0)
		fd = weir_program_fd(request->program);
	r = pin_folders_make(request->program->object, path);
	if (r == -EXDEV) {
		request->hint = "the path must lie in a bpffs";
		return wrong(request, r, "it cannot be pinned there");
	}
	if (r)
		return wrong(request, r, "the folder of its pin cannot be made");
	if (bpf_obj_pin(fd, path)) {
		request->hint = errno == EEXIST ? "something is pinned there already" : NULL;
		return wrong(request, -errno, "it cannot be pinned there");
	}
	attached->lasting = true;
	attached->pin = arena_strdup(request->arena, path);
	return 0;
}

static int refuse(const struct request *request, int error, const char *words, struct diagnostics *diagnostics)
{
	bool unprivileged = (error == -EPERM || error == -EACCES) && geteuid() != 0;
	bool surroundings = unprivileged || error == -ENODEV || error == -ENOENT || error == -EBUSY || error == -EEXIST || error == -EXDEV;
	enum severity severity = error == -EINVAL && request->why ? SEVERITY_ERROR
				 : surroundings			  ? SEVERITY_ERROR_SURROUNDINGS
								  : SEVERITY_ERROR_KERNEL;
	const char *why = request->why ? request->why : error_print(diagnostics->arena, error);
	struct diagnostic *said = diagnose(diagnostics, severity, nowhere, "cannot attach program %s (%s)%s%s: %s%s%s",
					   weir_program_name(request->program), request->program->section,
					   request->target ? " to " : "", request->target ? request->target : "", why,
					   !request->why && *words ? ": " : "", !request->why ? words : "");

	if (unprivileged)
		diagnostic_hint(diagnostics, said, "attaching programs needs root");
	else if (request->hint)
		diagnostic_hint(diagnostics, said, "%s", request->hint);
	return error;
}

int program_attach(struct weir_program *program, const char *target, const struct weir_attach_options *options,
		   struct diagnostics *diagnostics)
{
	struct attached attached = { .link_fd = -1, .socket_fd = -1, .cgroup_fd = -1 };
	struct request request = { .program = program,
				   .target = target ? target : program->target,
				   .options = options,
				   .attached = &attached,
				   .arena = program->object->arena };
	_cleanup_(netns_leave) int home = -1;
	struct libbpf_words words;
	const char *said;
	int r;

	if (!program->hook || weir_program_fd(program) < 0)
		return refuse(&request, wrong(&request, -EINVAL, "it is not loaded"), "", diagnostics);
	r = netns_enter(options->netns, &home);
	if (r)
		return refuse(&request, wrong(&request, r, "there is no such network namespace, or it cannot be entered"), "",
			      diagnostics);
	libbpf_words_begin(&words);
	r = attach_by_way(&request);
	if (!r && options->pin)
		r = pin_attached(&request, options->pin);
	said = libbpf_words_end(&words, request.arena);
	if (r) {
		attached_release(&attached);
		return refuse(&request, r, said, diagnostics);
	}
	attached.program = program;
	attached.target = request.target ? arena_strdup(request.arena, request.target) : NULL;
	vector_push(request.arena, &program->object->attached, attached);
	return 0;
}

/* A link that is pinned stays when its descriptor is closed. */
void attached_release(struct attached *attached)
{
	_cleanup_(netns_leave) int home = -1;

	if (attached->link)
		bpf_link__destroy(attached->link);
	closep(&attached->link_fd);
	closep(&attached->socket_fd);
	if (attached->filter_ifindex && !attached->lasting && netns_enter(attached->netns, &home) == 0) {
		filter_remove(attached->filter_ifindex, attached->filter_parent, attached->filter_priority);
		if (attached->made_qdisc)
			clsact_remove_unused(attached->filter_ifindex);
	}
	if (attached->cgroup_fd >= 0 && !attached->lasting)
		bpf_prog_detach2(attached->program_fd, attached->cgroup_fd, attached->cgroup_type);
	closep(&attached->cgroup_fd);
}
