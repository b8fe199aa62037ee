// SPDX-License-Identifier: GPL-2.0-only
/* Writes down, and logs, the number of each process that begins. */
#include <weir/bpf_log.h>
#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, int);
	__type(value, int);
} PROCESSES SEC(".maps");

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

SEC("tp_btf/task_newtask")
int BPF_PROG(task_alloc, struct task_struct *task, unsigned long clone_flags)
{
	int pid = task->pid;

	(void)clone_flags;
	bpf_map_update_elem(&PROCESSES, &pid, &pid, BPF_ANY);
	weir_log(ctx, "new process: {}", pid);
	return 0;
}

char _license[] SEC("license") = "GPL";
