/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * weir guard nice: no negative nice value for the processes that were learnt. A process is known by its number and the time when it
 * began, so a later one of the same number is another. weir has it learnt by setting its nice value to what it is.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "guarded.h"

/* The kernel's own types, as far as they are looked at; their layout comes from the running kernel's BTF. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
typedef struct {
	__u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
};

struct task_struct {
	int tgid;
	__u64 start_boottime;
	char comm[16];
	struct task_struct *group_leader;
	const struct cred *cred;
};
#pragma clang attribute pop

#define ERROR_PERM 1

struct process {
	__u64 began;
	__u64 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct process);
	__type(value, __u8);
} guarded SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} changes SEC(".maps");

__u32 learn_from; /* whose calls name the processes; 0: nobody's */
__u32 learnt;
__u64 lost;

static __always_inline void describe(struct weir_guard_process *process, struct task_struct *task)
{
	process->pid = BPF_CORE_READ(task, tgid);
	process->uid = BPF_CORE_READ(task, cred, uid.val);
	BPF_CORE_READ_STR_INTO(&process->command, task, group_leader, comm);
}

SEC("lsm/task_setnice")
int weir_guard_nice(unsigned long long *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	int nice = ctx[1], before = ctx[2];
	struct process process = { .began = BPF_CORE_READ(task, group_leader, start_boottime), .pid = BPF_CORE_READ(task, tgid) };
	struct weir_nice_event *event;
	__u8 yes = 1;

	if (before)
		return before; /* another program refused it already */
	if (learn_from && learn_from == bpf_get_current_pid_tgid() >> 32) {
		if (bpf_map_update_elem(&guarded, &process, &yes, BPF_ANY) == 0)
			learnt++;
		return 0;
	}
	if (!bpf_map_lookup_elem(&guarded, &process))
		return 0;
	event = bpf_ringbuf_reserve(&changes, sizeof(*event), 0);
	if (event) {
		event->time_ns = bpf_ktime_get_ns();
		event->nice = nice;
		event->refused = nice < 0;
		describe(&event->by, (struct task_struct *)bpf_get_current_task());
		describe(&event->of, task);
		bpf_ringbuf_submit(event, 0);
	} else {
		__sync_fetch_and_add(&lost, 1);
	}
	return nice < 0 ? -ERROR_PERM : 0;
}

char _license[] SEC("license") = "GPL";
