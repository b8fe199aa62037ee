// SPDX-License-Identifier: GPL-2.0-only
#include "observe/selftest.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/attach.h"
#include "kernel/load.h"
#include "kernel/lsm.h"
#include "kernel/netns.h"
#include "selftest_packet.h"

#include "selftest.skel.h"

#define LOOPBACK 1 /* its index in a new network namespace */

static const struct place nowhere;

/* One check: PROGRAM is loaded alone, then TRY makes an answer of it; NULL: it is run with the packet. */
struct check {
	const char *name, *program;
	uint32_t expected;
	bool needed;
	const char *without;
	int (*try)(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer);
};

static int run_with_packet(struct bpf_program *program, uint32_t *ret_answer)
{
	static const uint8_t packet[] = SELFTEST_PACKET;
	struct bpf_test_run_opts options;
	int error;

	memset(&options, 0, sizeof(options));
	options.sz = sizeof(options);
	options.data_in = packet;
	options.data_size_in = sizeof(packet);
	options.repeat = 1;
	error = bpf_prog_test_run_opts(bpf_program__fd(program), &options);
	if (!error)
		*ret_answer = options.retval;
	return error;
}

/* ---- Maps that this side fills or reads ---- */

static int try_prefixes(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	struct {
		uint32_t length;
		uint8_t address[4];
	} wide = { 16, { 192, 0, 0, 0 } }, narrow = { 24, { 192, 0, 2, 0 } };
	uint32_t wrong = 3, right = SELFTEST_ANSWER;
	int fd = bpf_map__fd(programs->maps.prefixes);

	if (bpf_map_update_elem(fd, &wide, &wrong, BPF_ANY) || bpf_map_update_elem(fd, &narrow, &right, BPF_ANY))
		return -errno;
	return run_with_packet(program, ret_answer);
}

static int keep_record(void *context, void *data, size_t size)
{
	if (size == sizeof(uint32_t))
		*(uint32_t *)context += *(uint32_t *)data;
	return 0;
}

static int try_ring(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	uint32_t read = 0, answer = 0;
	struct ring_buffer *ring = ring_buffer__new(bpf_map__fd(programs->maps.ring), keep_record, &read, NULL);
	int error = ring ? run_with_packet(program, &answer) : -errno;

	if (!error)
		ring_buffer__consume(ring);
	ring_buffer__free(ring);
	if (!error)
		*ret_answer = read == SELFTEST_LENGTH ? answer : read;
	return error;
}

/* ---- Attached: at the loopback of a network namespace of its own, at a cgroup of its own ---- */

/* The thread goes into a new namespace, which goes when it comes home: netns_leave. */
static int enter_new_netns(int *ret_home)
{
	_cleanup_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || unshare(CLONE_NEWNET))
		return -errno;
	*ret_home = TAKE_FD(home);
	return 0;
}

static int try_xdp_link(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	_cleanup_(netns_leave) int home = -1;
	struct manifest_attachment at = { .hook = WEIR_HOOK_XDP_INGRESS, .ifindex = LOOPBACK };
	int error = enter_new_netns(&home), link;

	(void)programs;
	if (error)
		return error;
	link = xdp_create(&at, MODE_GENERIC, bpf_program__fd(program));
	if (link < 0)
		return link;
	/* A policy is swapped so. */
	error = bpf_link_update(link, bpf_program__fd(program), NULL);
	close(link);
	*ret_answer = SELFTEST_ANSWER;
	return error;
}

static int try_tcx_link(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	_cleanup_(netns_leave) int home = -1;
	struct manifest_attachment at = { .hook = WEIR_HOOK_TC_EGRESS, .ifindex = LOOPBACK };
	int error = enter_new_netns(&home), link;

	(void)programs;
	if (error)
		return error;
	link = tcx_create(&at, bpf_program__fd(program));
	if (link < 0)
		return link;
	close(link);
	*ret_answer = SELFTEST_ANSWER;
	return 0;
}

static int try_clsact(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	_cleanup_(netns_leave) int home = -1;
	struct bpf_tc_hook hook;
	struct bpf_tc_opts options;
	int error = enter_new_netns(&home);

	(void)programs;
	memset(&hook, 0, sizeof(hook));
	memset(&options, 0, sizeof(options));
	hook.sz = sizeof(hook);
	hook.ifindex = LOOPBACK;
	hook.attach_point = BPF_TC_INGRESS;
	options.sz = sizeof(options);
	options.prog_fd = bpf_program__fd(program);
	if (!error)
		error = bpf_tc_hook_create(&hook);
	if (!error)
		error = bpf_tc_attach(&hook, &options);
	*ret_answer = SELFTEST_ANSWER;
	return error;
}

static int try_cgroup_link(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *mount = cgroup_mount(arena), *path;
	_cleanup_close_ int cgroup = -1, link = -1;
	int error = 0;

	(void)programs;
	if (!mount)
		return -ENOENT;
	path = arena_printf(arena, "%s/weir-selftest-%d", mount, getpid());
	if (mkdir(path, 0700))
		return -errno;
	cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	link = cgroup < 0 ? -1
			  : bpf_link_create(bpf_program__fd(program), cgroup, bpf_program__expected_attach_type(program), NULL);
	if (link < 0)
		error = -errno;
	closep(&link);
	rmdir(path);
	*ret_answer = SELFTEST_ANSWER;
	return error;
}

static int try_attach(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	struct bpf_link *link = bpf_program__attach(program);

	(void)programs;
	if (!link)
		return -errno;
	bpf_link__destroy(link);
	*ret_answer = SELFTEST_ANSWER;
	return 0;
}

/* Attached, and called: CALL makes the kernel come by. */
static int try_called(struct selftest_bpf *programs, struct bpf_program *program, int (*call)(struct bpf_program *program),
		      int not_called)
{
	struct bpf_link *link = bpf_program__attach(program);
	int error;

	if (!link)
		return -errno;
	error = call(program);
	if (!error && !__atomic_load_n(&programs->bss->called, __ATOMIC_RELAXED))
		error = not_called;
	bpf_link__destroy(link);
	return error;
}

static int call_setnice(struct bpf_program *program)
{
	(void)program;
	return setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0)) ? -errno : 0;
}

static int try_lsm(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	*ret_answer = SELFTEST_ANSWER;
	return try_called(programs, program, call_setnice, LSM_IS_OFF);
}

static int try_fentry(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	*ret_answer = SELFTEST_ANSWER;
	return try_called(programs, program, call_setnice, -ENODATA);
}

/* ---- What the library finds by itself ---- */

static int try_frags(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	(void)programs, (void)program;
	*ret_answer = SELFTEST_ANSWER;
	return kernel_features()->xdp_frags ? 0 : -EINVAL;
}

static int try_long_jump(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	(void)programs, (void)program;
	*ret_answer = SELFTEST_ANSWER;
	return kernel_features()->long_jump ? 0 : -EINVAL;
}

static int try_context(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	(void)programs, (void)program;
	*ret_answer = SELFTEST_ANSWER;
	return kernel_context()->cast ? 0 : -ENOENT;
}

static int try_types(struct selftest_bpf *programs, struct bpf_program *program, uint32_t *ret_answer)
{
	(void)programs, (void)program;
	*ret_answer = SELFTEST_ANSWER;
	return access("/sys/kernel/btf/vmlinux", R_OK) ? -errno : 0;
}

#define ANY_POLICY "no policy can be applied"
#define AT_XDP	   "no policy at XDP"
#define AT_TC	   "no policy at tc"
#define AT_CGROUP  "no policy at a cgroup"
#define CONNECT	   "weir trace connect takes the next best probe"

static const struct check checks[] = {
	{ "arithmetic", "arithmetic", 0, true, ANY_POLICY, NULL },
	{ "jumps", "jumps", SELFTEST_ANSWER, true, ANY_POLICY, NULL },
	{ "functions", "calls", SELFTEST_ANSWER, true, ANY_POLICY, NULL },
	{ "functions with pointers to memory", "calls_memory", SELFTEST_ANSWER, true, ANY_POLICY, NULL },
	{ "clock", "clock", SELFTEST_ANSWER, true, ANY_POLICY, NULL },
	{ "clock of the last tick", "clock_coarse", SELFTEST_ANSWER, true, "no set with timeouts", NULL },
	{ "map: hash", "map_hash", SELFTEST_ANSWER, true, ANY_POLICY, NULL },
	{ "map: counters of each processor", "map_counters", SELFTEST_ANSWER, true, ANY_POLICY, NULL },
	{ "map: prefixes", "map_prefixes", SELFTEST_ANSWER, true, "no set with prefixes", try_prefixes },
	{ "map: ring buffer", "map_ring", SELFTEST_ANSWER, true, "no log, no events", try_ring },
	{ "xdp: a packet", "at_xdp", SELFTEST_ANSWER, true, AT_XDP, NULL },
	{ "xdp: bytes from anywhere", "xdp_load", SELFTEST_ANSWER, true, AT_XDP, NULL },
	{ "xdp: the length of a packet", "xdp_length", SELFTEST_ANSWER, true, AT_XDP, NULL },
	{ "xdp: attached by a link, and swapped", "at_xdp", SELFTEST_ANSWER, true, AT_XDP, try_xdp_link },
	{ "xdp: bytes are changed", "xdp_store", SELFTEST_ANSWER, false, "no verdict that changes packets at XDP", NULL },
	{ "xdp: to another interface", "xdp_redirect", SELFTEST_ANSWER, false, "no verdict that sends packets elsewhere at XDP",
	  NULL },
	{ "tc: a packet", "at_tc", SELFTEST_ANSWER, true, AT_TC, NULL },
	{ "tc: bytes from anywhere", "tc_load", SELFTEST_ANSWER, true, AT_TC, NULL },
	{ "tc: bytes are changed", "tc_store", SELFTEST_ANSWER, false, "no verdict that changes packets at tc", NULL },
	{ "tc: to another interface", "tc_redirect", SELFTEST_ANSWER, false, "no verdict that sends packets elsewhere at tc",
	  NULL },
	{ "tc: clsact", "at_tc", SELFTEST_ANSWER, false, "where there is no tcx either, " AT_TC, try_clsact },
	{ "tc: tcx", "at_tc", SELFTEST_ANSWER, false, "clsact is used, whose filters anybody can delete", try_tcx_link },
	{ "cgroup: a packet", "at_cgroup", 1, true, AT_CGROUP, NULL },
	{ "cgroup: attached by a link", "at_cgroup", SELFTEST_ANSWER, true, AT_CGROUP, try_cgroup_link },
	{ "socket storage", "socket_owner", SELFTEST_ANSWER, false, "events do not name processes", try_cgroup_link },
	{ "xdp: frames of several buffers", NULL, SELFTEST_ANSWER, false, "no XDP on interfaces with such frames", try_frags },
	{ "xdp: a look at the kernel's own context", NULL, SELFTEST_ANSWER, false, "packets at XDP cost a little more",
	  try_context },
	{ "jumps of any distance", NULL, SELFTEST_ANSWER, false, "large policies are compiled in a longer form", try_long_jump },
	{ "atomic exchange", "atomics", SELFTEST_ANSWER, false, "no weir log packets", NULL },
	{ "the kernel's types (BTF)", NULL, SELFTEST_ANSWER, false, "no weir trace, weir guard, weir types", try_types },
	{ "tracepoint with types", "at_tracepoint", SELFTEST_ANSWER, false, "no weir trace connect", try_attach },
	{ "kprobe", "at_kprobe", SELFTEST_ANSWER, false, CONNECT, try_attach },
	{ "fentry", "at_fentry", SELFTEST_ANSWER, false, CONNECT, try_fentry },
	{ "security hooks (LSM)", "at_lsm", SELFTEST_ANSWER, false, "no weir guard", try_lsm },
};
#define CHECK_COUNT (sizeof(checks) / sizeof(checks[0]))

/* PROGRAM alone, so that what the kernel refuses is told of nothing else; maps that no other needs are made all the same. */
static int load_alone(struct selftest_bpf *programs, const char *name, struct bpf_program **ret_program)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, programs->obj)
	{
		bpf_program__set_autoload(program, strcmp(bpf_program__name(program), name) == 0);
		if (bpf_program__autoload(program))
			*ret_program = program;
	}
	bpf_map__set_autocreate(programs->maps.storage, strcmp(name, "socket_owner") == 0);
	bpf_map__set_autocreate(programs->maps.ring, strcmp(name, "map_ring") == 0);
	bpf_map__set_autocreate(programs->maps.prefixes, strcmp(name, "map_prefixes") == 0);
	return selftest_bpf__load(programs);
}

static int try_check(const struct check *check, uint32_t *ret_answer)
{
	struct selftest_bpf *programs = NULL;
	struct bpf_program *program = NULL;
	int error = 0;

	if (check->program) {
		programs = selftest_bpf__open();
		error = programs ? load_alone(programs, check->program, &program) : -errno;
	}
	if (!error)
		error = check->try ? check->try(programs, program, ret_answer) : run_with_packet(program, ret_answer);
	selftest_bpf__destroy(programs);
	return error;
}

static struct selftest_finding find(const struct check *check)
{
	struct selftest_finding finding = { .name = check->name, .without = check->without, .needed = check->needed };

	finding.expected = check->expected ? check->expected : selftest_arithmetic(SELFTEST_LENGTH);
	finding.error = try_check(check, &finding.answer);
	if (finding.error)
		finding.result = SELFTEST_MISSING;
	else if (finding.answer != finding.expected)
		finding.result = SELFTEST_WRONG;
	return finding;
}

int selftest_run(struct arena *arena, struct selftest *ret_selftest, struct diagnostics *diagnostics)
{
	struct selftest_finding *findings = arena_new_array(arena, struct selftest_finding, CHECK_COUNT);
	struct selftest selftest = { .count = CHECK_COUNT, .findings = findings };
	libbpf_print_fn_t print;

	if (geteuid() != 0) {
		diagnostic_hint(diagnostics,
				diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere,
					 "cannot try what this kernel can do: programs are loaded by root alone"),
				"run it as root (sudo weir selftest)");
		return -EPERM;
	}
	print = libbpf_set_print(NULL);
	kernel_raise_memlock();
	for (size_t i = 0; i < CHECK_COUNT; i++) {
		findings[i] = find(&checks[i]);
		selftest.lacking += findings[i].needed && findings[i].result != SELFTEST_FINE;
	}
	libbpf_set_print(print);
	*ret_selftest = selftest;
	return 0;
}
