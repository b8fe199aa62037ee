/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A scene for tests of kernel state: a mount namespace with a bpffs of its own at /sys/fs/bpf, a network namespace with the veth
 * pairs v0, v1 and d0, d1, and a cgroup. It goes with the process (the cgroup: scene_end).
 */
#ifndef WEIR_TESTS_SCENE_H
#define WEIR_TESTS_SCENE_H

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "compile.h"
#include "host/host.h"
#include "kernel/attach.h"
#include "kernel/kernel.h"
#include "kernel/load.h"
#include "kernel/pins.h"
#include "kernel/set_table.h"

#include "../../tap.h"

static char scene_cgroup[256];	    /* its path as a policy writes it */
static char scene_cgroup_path[512]; /* its folder */

static inline bool scene_run(const char *command)
{
	int status = system(command);

	return status == 0;
}

static inline bool scene_begin(void)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *mounted = cgroup_mount(arena);

	if (geteuid() != 0 || unshare(CLONE_NEWNS | CLONE_NEWNET) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=0700"))
		return false;
	snprintf(scene_cgroup, sizeof(scene_cgroup), "/weir-test-%d", getpid());
	snprintf(scene_cgroup_path, sizeof(scene_cgroup_path), "%s%s", mounted ? mounted : "", scene_cgroup);
	if (!mounted || mkdir(scene_cgroup_path, 0755))
		return false;
	return scene_run("ip link set lo up && ip link add v0 type veth peer name v1 && ip link add d0 type veth peer name d1 && "
			 "ip link set v0 up && ip link set v1 up && ip link set d0 up");
}

static inline void scene_end(void)
{
	rmdir(scene_cgroup_path);
}

/* ---- Policies ---- */

struct scene_outcome {
	int result;
	struct arena *arena;
	struct diagnostics diagnostics;
};

static inline void scene_outcome_clear(struct scene_outcome *outcome)
{
	arena_free(outcome->arena);
	outcome->arena = NULL;
}

/* Does some diagnostic hold TEXT? */
static inline bool scene_said(const struct scene_outcome *outcome, const char *text)
{
	for (size_t i = 0; i < outcome->diagnostics.list.count; i++)
		if (strstr(outcome->diagnostics.list.items[i].message, text))
			return true;
	for (size_t i = 0; i < outcome->diagnostics.list.count; i++)
		printf("# said: %s\n", outcome->diagnostics.list.items[i].message);
	return false;
}

static inline struct scene_outcome scene_apply_with(const char *name, const char *text, const struct apply_options *options)
{
	struct scene_outcome outcome = { .result = -1, .arena = arena_new() };
	struct source source = { .name = "scene.weir", .text = text, .length = strlen(text) };
	struct code_options code_options = { .long_jump = kernel_features()->long_jump };
	const struct compiled *compiled;
	_cleanup_(kernel_closep) struct kernel *kernel = NULL;

	diagnostics_init(&outcome.diagnostics, outcome.arena);
	compiled = compile(outcome.arena, host_system(), &source, name, &code_options, &outcome.diagnostics);
	if (compiled && kernel_open(outcome.arena, NULL, true, &kernel, &outcome.diagnostics) == 0)
		outcome.result = kernel_apply(kernel, compiled, options, &outcome.diagnostics);
	return outcome;
}

/* Apply; what it says is printed when it fails. */
static inline int scene_apply(const char *name, const char *text)
{
	struct scene_outcome outcome = scene_apply_with(name, text, NULL);

	if (outcome.result)
		diagnostics_print(&outcome.diagnostics, stdout, false);
	arena_free(outcome.arena);
	return outcome.result;
}

static inline int scene_remove(const char *name)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_(kernel_closep) struct kernel *kernel = NULL;
	struct diagnostics diagnostics;
	int r;

	diagnostics_init(&diagnostics, arena);
	r = kernel_open(arena, NULL, true, &kernel, &diagnostics);
	return r ? r : kernel_remove(kernel, name, &diagnostics);
}

static inline const struct state *scene_state(struct arena *arena)
{
	_cleanup_(kernel_closep) struct kernel *kernel = NULL;
	const struct state *state = NULL;
	struct diagnostics diagnostics;

	diagnostics_init(&diagnostics, arena);
	if (kernel_open(arena, NULL, false, &kernel, &diagnostics) || kernel_state(kernel, arena, NULL, &state, &diagnostics) ||
	    diagnostics.list.count)
		diagnostics_print(&diagnostics, stdout, false);
	return state;
}

static inline const struct state_policy *scene_policy(const struct state *state, const char *name)
{
	for (uint32_t i = 0; state && i < state->policy_count; i++)
		if (strcmp(state->policies[i].name, name) == 0)
			return &state->policies[i];
	return NULL;
}

/* ---- Sets ---- */

static inline struct set_element scene_address(uint32_t low, uint32_t high, uint64_t timeout_s)
{
	return (struct set_element){ .keys = { { .low = { .lo = low }, .high = { .lo = high } } }, .timeout_s = timeout_s };
}

struct scene_set {
	struct arena *arena;
	struct kernel *kernel;
	struct kernel_set *set;
};

static inline void scene_set_close(struct scene_set *set)
{
	kernel_set_close(set->set);
	kernel_close(set->kernel);
	arena_free(set->arena);
}

static inline struct scene_set scene_set_open(const char *policy, const char *name)
{
	struct scene_set set = { .arena = arena_new() };
	struct diagnostics diagnostics;

	diagnostics_init(&diagnostics, set.arena);
	if (kernel_open(set.arena, NULL, true, &set.kernel, &diagnostics) ||
	    kernel_set_open(set.kernel, set.arena, policy, name, &set.set, &diagnostics))
		diagnostics_print(&diagnostics, stdout, false);
	return set;
}

/* ---- What the kernel has ---- */

/* A TCP frame from 10.0.0.SOURCE to port DPORT, through the program of that id; its answer, or -1. */
static inline int scene_packet(uint32_t program, uint8_t source_address, uint16_t dport)
{
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(program);
	unsigned char frame[64] = { 2,
				    0,
				    0,
				    0,
				    0,
				    1,
				    2,
				    0,
				    0,
				    0,
				    0,
				    2,
				    0x08,
				    0x00,
				    0x45,
				    0,
				    0,
				    50,
				    0,
				    0,
				    0,
				    0,
				    64,
				    6,
				    0,
				    0,
				    10,
				    0,
				    0,
				    source_address,
				    10,
				    0,
				    0,
				    200,
				    4,
				    210,
				    (unsigned char)(dport >> 8),
				    (unsigned char)dport,
				    0,
				    0,
				    0,
				    0,
				    0,
				    0,
				    0,
				    0,
				    0x50,
				    2 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);

	return fd < 0 || bpf_prog_test_run_opts(fd, &options) ? -1 : (int)options.retval;
}

/* What a policy holds in the kernel, to be looked for when it should be gone: others use this machine as well. */
struct scene_objects {
	uint32_t programs[64], links[64], maps[256];
	size_t program_count, link_count, map_count;
};

static inline struct scene_objects scene_objects(const struct state_policy *policy)
{
	struct scene_objects objects = { 0 };

	for (uint32_t c = 0; policy && c < policy->chain_count; c++) {
		objects.programs[objects.program_count++] = policy->chains[c].program_id;
		for (uint32_t a = 0; a < policy->chains[c].attachment_count; a++)
			if (policy->chains[c].attachments[a].link_id)
				objects.links[objects.link_count++] = policy->chains[c].attachments[a].link_id;
		for (uint32_t m = 0; m < policy->chains[c].map_count; m++)
			objects.maps[objects.map_count++] = policy->chains[c].maps[m].id;
	}
	return objects;
}

static inline size_t scene_count_alive(const uint32_t *ids, size_t count, int (*open_id)(uint32_t id))
{
	size_t alive = 0;

	for (size_t i = 0; i < count; i++) {
		_cleanup_close_ int fd = open_id(ids[i]);

		alive += fd >= 0;
	}
	return alive;
}

/* How many of them are still there, after a while: the kernel frees behind a grace period. */
static inline size_t scene_alive(const struct scene_objects *objects)
{
	size_t alive = 1;

	for (int i = 0; i < 60 && alive; i++) {
		if (i)
			usleep(50000);
		alive = scene_count_alive(objects->programs, objects->program_count, bpf_prog_get_fd_by_id) +
			scene_count_alive(objects->links, objects->link_count, bpf_link_get_fd_by_id) +
			scene_count_alive(objects->maps, objects->map_count, bpf_map_get_fd_by_id);
	}
	return alive;
}

/* A program that does nothing, as another tool may have it. */
static inline int scene_foreign_program(enum bpf_prog_type type, int32_t answer)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = type == BPF_PROG_TYPE_CGROUP_SKB ? BPF_CGROUP_INET_EGRESS : 0);
	struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = answer },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(type, "stranger", "GPL", code, 2, &options);
}

#endif
