/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who made or connected a socket, written down by the socket's cookie while the process itself is running; an
 * event finds it there later, in whatever context its packet is sent. Attached at the root of cgroup2. These
 * programs let everything pass.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "weir_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u64); /* socket cookie */
	__type(value, struct weir_socket_owner);
} weir_owners SEC(".maps");

#define PASS 1

static __always_inline int record(__u64 cookie)
{
	struct weir_socket_owner owner = {};

	if (!cookie)
		return PASS;
	owner.cgroup_id = bpf_get_current_cgroup_id();
	owner.pid = bpf_get_current_pid_tgid() >> 32;
	owner.uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(owner.command, sizeof(owner.command));
	bpf_map_update_elem(&weir_owners, &cookie, &owner, BPF_ANY);
	return PASS;
}

SEC("cgroup/sock_create")
int weir_own_create(struct bpf_sock *ctx)
{
	return record(bpf_get_socket_cookie(ctx));
}

/* Connecting and sending: the socket may have been handed to another process since it was made. */
SEC("cgroup/connect4")
int weir_own_conn4(struct bpf_sock_addr *ctx)
{
	return record(bpf_get_socket_cookie(ctx));
}

SEC("cgroup/connect6")
int weir_own_conn6(struct bpf_sock_addr *ctx)
{
	return record(bpf_get_socket_cookie(ctx));
}

SEC("cgroup/sendmsg4")
int weir_own_send4(struct bpf_sock_addr *ctx)
{
	return record(bpf_get_socket_cookie(ctx));
}

SEC("cgroup/sendmsg6")
int weir_own_send6(struct bpf_sock_addr *ctx)
{
	return record(bpf_get_socket_cookie(ctx));
}

SEC("cgroup/bind4")
int weir_own_bind4(struct bpf_sock_addr *ctx)
{
	return record(bpf_get_socket_cookie(ctx));
}

SEC("cgroup/bind6")
int weir_own_bind6(struct bpf_sock_addr *ctx)
{
	return record(bpf_get_socket_cookie(ctx));
}

char _license[] SEC("license") = "GPL";
