// SPDX-License-Identifier: GPL-2.0-only
/*
 * In: which probe is wanted. Out: programs in the kernel that tell of connections, and the reader of what they tell.
 * Whether a probe works is found by loading and attaching it, all of it, and closing all of it again when one part fails.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/clock.h"
#include "kernel/load.h"
#include "kernel/refusal.h"
#include "observe/trace_connect.h"

#include "trace_connect.skel.h"

/* What one read hands out at most: who reads slower than events come must get to see a signal or the end of its time. */
#define READ_MOST 512

/* As many programs as one probe has at most. */
#define MAX_LINKS 7

static const struct place nowhere;

struct trace_connect {
	struct trace_choice choice;
	struct trace_connect_bpf *programs;
	struct bpf_link *links[MAX_LINKS];
	struct ring_buffer *ring;
	uint64_t lost_told;
	/* For the read that is going on. */
	void (*handle)(void *context, const struct weir_connection_event *event);
	void *context;
	int handed;
};

/* The programs of each probe. FUNCTION: not there in a kernel without IPv6, and then not needed. */
static const struct {
	unsigned int probes; /* bits */
	const char *name;
	const char *function;
} parts[] = {
	{ 1u << TRACE_PROBE_FENTRY | 1u << TRACE_PROBE_KPROBE | 1u << TRACE_PROBE_TRACEPOINT, "weir_state", NULL },
	{ 1u << TRACE_PROBE_FENTRY | 1u << TRACE_PROBE_KPROBE | 1u << TRACE_PROBE_TRACEPOINT, "weir_state_again", NULL },
	{ 1u << TRACE_PROBE_FENTRY, "weir_fentry", NULL },
	{ 1u << TRACE_PROBE_FENTRY, "weir_fentry_again", NULL },
	{ 1u << TRACE_PROBE_FENTRY, "weir_fexit_v4", NULL },
	{ 1u << TRACE_PROBE_FENTRY, "weir_fexit_v6", "tcp_v6_connect" },
	{ 1u << TRACE_PROBE_KPROBE, "weir_kprobe", NULL },
	{ 1u << TRACE_PROBE_KPROBE, "weir_enter_v4", NULL },
	{ 1u << TRACE_PROBE_KPROBE, "weir_leave_v4", NULL },
	{ 1u << TRACE_PROBE_KPROBE, "weir_enter_v6", "tcp_v6_connect" },
	{ 1u << TRACE_PROBE_KPROBE, "weir_leave_v6", "tcp_v6_connect" },
	{ 1u << TRACE_PROBE_TRACEPOINT, "weir_sys_exit", NULL },
};
#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

static void detach(struct trace_connect *trace)
{
	for (int i = 0; i < MAX_LINKS; i++) {
		bpf_link__destroy(trace->links[i]);
		trace->links[i] = NULL;
	}
	trace_connect_bpf__destroy(trace->programs);
	trace->programs = NULL;
}

static bool is_part(size_t part, enum trace_probe probe)
{
	return (parts[part].probes & 1u << probe) &&
	       (!parts[part].function || libbpf_find_vmlinux_btf_id(parts[part].function, BPF_TRACE_FENTRY) > 0);
}

static int load(struct trace_connect *trace, enum trace_probe probe, bool ends)
{
	struct trace_connect_bpf *programs = trace->programs = trace_connect_bpf__open();

	if (!programs)
		return -errno;
	programs->rodata->begin_at_state = probe == TRACE_PROBE_TRACEPOINT;
	programs->rodata->tell_ends = ends;
	programs->rodata->connect_number = SYS_connect;
	programs->rodata->opened_ns = clock_ns(CLOCK_MONOTONIC);
	for (size_t i = 0; i < PART_COUNT; i++)
		bpf_program__set_autoload(bpf_object__find_program_by_name(programs->obj, parts[i].name), is_part(i, probe));
	return trace_connect_bpf__load(programs);
}

/* What tells how it went comes first: no connection may begin before it. */
static int attach(struct trace_connect *trace)
{
	int count = 0;

	for (size_t i = 0; i < PART_COUNT; i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(trace->programs->obj, parts[i].name);

		if (!bpf_program__autoload(program))
			continue;
		trace->links[count] = bpf_program__attach(program);
		if (!trace->links[count])
			return -errno;
		count++;
	}
	return 0;
}

static int try_probe(struct trace_connect *trace, enum trace_probe probe, bool ends)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int error = load(trace, probe, ends);

	if (!error)
		error = attach(trace);
	if (error)
		detach(trace);
	libbpf_set_print(print);
	return error;
}

/* Only the last refusal of a kernel that refuses all is told: the tracepoint needs least. */
static int refuse(struct diagnostics *diagnostics, const struct trace_choice *choice, enum trace_probe probe, bool all)
{
	int error = choice->errors[probe];
	bool unprivileged = (error == -EPERM || error == -EACCES) && geteuid() != 0;
	struct diagnostic *said;

	said = diagnose(diagnostics, unprivileged ? SEVERITY_ERROR_SURROUNDINGS : SEVERITY_ERROR_KERNEL, nowhere,
			"cannot trace connections by %s on %s: %s", trace_probe_name(probe), trace_probe_place(probe),
			error_print(diagnostics->arena, error));
	if (unprivileged)
		diagnostic_hint(diagnostics, said, "it needs root: CAP_BPF and CAP_PERFMON");
	else if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
		diagnostic_hint(diagnostics, said, "it needs a kernel that describes its types (CONFIG_DEBUG_INFO_BTF)");
	else if (!all)
		diagnostic_hint(diagnostics, said, "without --probe the best one that this kernel allows is taken");
	return error;
}

static int choose_probe(struct trace_connect *trace, enum trace_probe wanted, bool ends, struct diagnostics *diagnostics)
{
	bool all = wanted == TRACE_PROBE_COUNT;
	enum trace_probe first = all ? TRACE_PROBE_FENTRY : wanted, last = all ? TRACE_PROBE_TRACEPOINT : wanted;

	for (enum trace_probe probe = first; probe <= last; probe++) {
		trace->choice.probe = probe;
		trace->choice.errors[probe] = try_probe(trace, probe, ends);
		if (!trace->choice.errors[probe])
			return 0;
	}
	return refuse(diagnostics, &trace->choice, last, all);
}

/* A negative answer makes libbpf stop behind this record. */
static int on_event(void *context, void *data, size_t size)
{
	struct trace_connect *trace = context;

	if (size >= sizeof(struct weir_connection_event))
		trace->handle(trace->context, data);
	return ++trace->handed < READ_MOST ? 0 : -EAGAIN;
}

static void trace_closep(struct trace_connect **trace)
{
	trace_connect_close(*trace);
}

int trace_connect_open(enum trace_probe probe, bool ends, struct trace_connect **ret_trace, struct diagnostics *diagnostics)
{
	_cleanup_(trace_closep) struct trace_connect *trace = calloc(1, sizeof(*trace));
	int error;

	if (!trace)
		return -ENOMEM;
	kernel_raise_memlock();
	error = choose_probe(trace, probe, ends, diagnostics);
	if (error)
		return error;
	trace->ring = ring_buffer__new(bpf_map__fd(trace->programs->maps.changes), on_event, trace, NULL);
	if (!trace->ring) {
		error = -errno;
		diagnose(diagnostics, SEVERITY_ERROR_KERNEL, nowhere, "cannot read the ring buffer of connections: %s",
			 error_print(diagnostics->arena, error));
		return error;
	}
	*ret_trace = TAKE_PTR(trace);
	return 0;
}

void trace_connect_close(struct trace_connect *trace)
{
	if (!trace)
		return;
	ring_buffer__free(trace->ring);
	detach(trace);
	free(trace);
}

const struct trace_choice *trace_connect_choice(const struct trace_connect *trace)
{
	return &trace->choice;
}

int trace_connect_fd(const struct trace_connect *trace)
{
	return ring_buffer__epoll_fd(trace->ring);
}

int trace_connect_read(struct trace_connect *trace, int timeout_ms,
		       void (*handle)(void *context, const struct weir_connection_event *event), void *context)
{
	int result;

	trace->handle = handle;
	trace->context = context;
	trace->handed = 0;
	/* What is there is handed out without asking the descriptor, which only tells of what comes new. */
	result = ring_buffer__consume(trace->ring);
	if (result == 0 && timeout_ms != 0)
		result = ring_buffer__poll(trace->ring, timeout_ms);
	return result == -EAGAIN ? trace->handed : result;
}

uint64_t trace_connect_lost(struct trace_connect *trace)
{
	uint64_t all = __atomic_load_n(&trace->programs->bss->lost, __ATOMIC_RELAXED), since;

	since = all - trace->lost_told;
	trace->lost_told = all;
	return since;
}
