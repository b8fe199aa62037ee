// SPDX-License-Identifier: GPL-2.0-only
/* A process cannot be given a negative nice value. */
#include <weir/bpf_log.h>
#include <bpf/bpf_tracing.h>

const volatile int PID = 0; /* which */

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

SEC("lsm/task_setnice")
int BPF_PROG(task_setnice, struct task_struct *task, int nice, int ret)
{
	weir_log(
		ctx,
		"The PID supplied to this program is: {}, with nice value {} and return value {}. Monitoring for changes in PID: {}",
		task->pid, nice, ret, PID);
	/* What a program before this one said stands. */
	if (ret != 0)
		return ret;
	return task->pid == PID && nice < 0 ? -1 : 0;
}

char _license[] SEC("license") = "GPL";
