/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For sockets that were there before the programs in owners.bpf.c: run once, over every file that every process has
 * open. A socket without an owner gets the first process met that holds it: that with the lowest number, as a rule the one
 * that made it. An accepted one is held by the process that accepted it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <stdbool.h>
#include "owners.h"

/* The kernel's own types, as far as they are looked at; their layout comes from the running kernel's BTF. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct sock_common {
	unsigned short skc_family;
};

struct sock {
	struct sock_common __sk_common;
};

struct socket {
	struct sock *sk;
};

typedef struct {
	__u32 val;
} kuid_t;

struct cred {
	kuid_t uid;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct task_struct {
	__u32 tgid;
	char comm[16];
	const struct cred *cred;
	struct css_set *cgroups;
};

struct file;

struct bpf_iter__task_file {
	struct task_struct *task;
	struct file *file;
};
#pragma clang attribute pop

#define FAMILY_INET   2
#define FAMILY_INET6  10
#define FAMILY_PACKET 17

static __always_inline bool sends_packets(const struct sock *sk)
{
	unsigned short family = sk->__sk_common.skc_family;

	return family == FAMILY_INET || family == FAMILY_INET6 || family == FAMILY_PACKET;
}

SEC("iter/task_file")
int weir_own_seed(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct weir_socket_owner *owner;
	struct socket *socket;
	struct sock *sk;

	if (!task || !file)
		return 0;
	socket = bpf_sock_from_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || !sends_packets(sk) || bpf_sk_storage_get(&weir_owners, sk, 0, 0))
		return 0;
	owner = bpf_sk_storage_get(&weir_owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!owner)
		return 0;
	owner->cgroup_id = task->cgroups->dfl_cgrp->kn->id;
	owner->pid = task->tgid;
	owner->uid = task->cred->uid.val;
	bpf_probe_read_kernel_str(owner->command, sizeof(owner->command), task->comm);
	return 0;
}

char _license[] SEC("license") = "GPL";
