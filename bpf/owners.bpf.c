/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who made, bound or connected a socket, written into the socket's own storage while the process itself is running;
 * an event finds it there later, in whatever context its packet is sent. What is written lives as long as the
 * socket. A socket that a listener accepts is born with a copy of the listener's. Attached at the root of cgroup2.
 * These programs let everything pass.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "owners.h"

#define PASS 1

/* CTX_OR_SOCKET: what bpf_sk_storage_get takes as the socket at that hook. */
static __always_inline int record(void *ctx_or_socket)
{
	struct weir_socket_owner *owner;

	if (!ctx_or_socket)
		return PASS;
	owner = bpf_sk_storage_get(&weir_owners, ctx_or_socket, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!owner)
		return PASS;
	owner->cgroup_id = bpf_get_current_cgroup_id();
	owner->pid = bpf_get_current_pid_tgid() >> 32;
	owner->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(owner->command, sizeof(owner->command));
	return PASS;
}

SEC("cgroup/sock_create")
int weir_own_create(struct bpf_sock *ctx)
{
	return record(ctx);
}

/* Binding, connecting and sending: the socket may have been handed to another process since it was made. */
SEC("cgroup/bind4")
int weir_own_bind4(struct bpf_sock_addr *ctx)
{
	return record(ctx->sk);
}

SEC("cgroup/bind6")
int weir_own_bind6(struct bpf_sock_addr *ctx)
{
	return record(ctx->sk);
}

SEC("cgroup/connect4")
int weir_own_conn4(struct bpf_sock_addr *ctx)
{
	return record(ctx->sk);
}

SEC("cgroup/connect6")
int weir_own_conn6(struct bpf_sock_addr *ctx)
{
	return record(ctx->sk);
}

SEC("cgroup/sendmsg4")
int weir_own_send4(struct bpf_sock_addr *ctx)
{
	return record(ctx->sk);
}

SEC("cgroup/sendmsg6")
int weir_own_send6(struct bpf_sock_addr *ctx)
{
	return record(ctx->sk);
}

char _license[] SEC("license") = "GPL";
