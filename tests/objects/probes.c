// SPDX-License-Identifier: GPL-2.0-only
/* A program for each way of looking at functions and security hooks of the kernel; what runs says which it is. */
#include <linux/ptrace.h>
#include <weir/bpf_log.h>
#include <bpf/bpf_tracing.h>

SEC("kprobe/tcp_connect")
int at_kprobe(struct pt_regs *ctx)
{
	weir_log(ctx, "kprobe");
	return 0;
}

SEC("kretprobe/tcp_connect")
int at_kretprobe(struct pt_regs *ctx)
{
	weir_log(ctx, "kretprobe {i32}", (int)PT_REGS_RC(ctx));
	return 0;
}

SEC("fentry/tcp_connect")
int at_fentry(__u64 *ctx)
{
	weir_log(ctx, "fentry");
	return 0;
}

SEC("fexit/tcp_connect")
int at_fexit(__u64 *ctx)
{
	weir_log(ctx, "fexit {i32}", (int)ctx[1]);
	return 0;
}

SEC("lsm/task_setnice")
int at_lsm(__u64 *ctx)
{
	int nice = (int)ctx[1];

	weir_log(ctx, "lsm {i32}", nice);
	return nice == 7 ? -1 : 0;
}

SEC("tracepoint/sched/sched_process_exec")
int at_tracepoint(void *ctx)
{
	weir_log(ctx, "tracepoint");
	return 0;
}

SEC("tp_btf/sched_process_exec")
int at_tp_btf(__u64 *ctx)
{
	weir_log(ctx, "tp_btf");
	return 0;
}

SEC("uretprobe")
int at_uretprobe(struct pt_regs *ctx)
{
	weir_log(ctx, "uretprobe {i32}", (int)PT_REGS_RC(ctx));
	return 0;
}

char _license[] SEC("license") = "GPL";
