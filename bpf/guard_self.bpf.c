/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * weir guard self: no program but weir takes away, replaces or changes what weir pinned and attached. Each hook first asks
 * whether the matter is weir's at all, then who asks. Weir is known by the path of its program file and the device it lies on.
 *
 * A descriptor is looked up here once and by the kernel once more: a process whose threads exchange it in between is not caught.
 */
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include <stdbool.h>
#include "guarded.h"

/* The kernel's own types, as far as they are looked at; their layout comes from the running kernel's BTF. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct qstr {
	__u32 len;
	const unsigned char *name;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
};

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct path {
	struct dentry *dentry;
};

struct vfsmount {
	struct super_block *mnt_sb;
};

struct file {
	void *private_data;
	struct path f_path;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct mm_struct {
	struct file *exe_file;
};

struct task_struct {
	struct files_struct *files;
	struct mm_struct *mm;
};

struct bpf_link {
	__u32 id;
};

struct bpf_map {
	__u32 id;
};

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	possible_net_t skc_net;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
};

struct sk_buff {
	unsigned int len;
	unsigned char *data;
};
#pragma clang attribute pop

#define ERROR_PERM	 1
#define PROTECTION_WRITE 2
#define MAP_IS_SHARED	 1
#define ANONYMOUS	 0x09041934 /* the file system of files without a path */
#define DEPTH		 24	    /* folders that a path may have */
#define MESSAGES	 32	    /* of netlink in one call */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct weir_guard_state);
} guard_state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct weir_guard_key);
	__type(value, __u8);
} guarded SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_GUARD_ATTEMPTS);
	__type(key, __u32);
	__type(value, struct weir_guard_attempt);
} attempts SEC(".maps");

/* ---- Who asks ---- */

/* The path of the running program's file in its file system, and the device, as one number; 0: it has none (a kernel thread). */
static __always_inline __u64 identity(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct dentry *dentry = BPF_CORE_READ(task, mm, exe_file, f_path.dentry);
	__u64 hash = 14695981039346656037ull;

	if (!dentry)
		return 0;
	hash ^= BPF_CORE_READ(dentry, d_sb, s_dev);
	for (int i = 0; i < DEPTH; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
		char name[64] = {};

		if (parent == dentry)
			return hash ? hash : 1;
		bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(dentry, d_name.name));
		for (int c = 0; c < 64; c++)
			hash = (hash ^ (__u8)name[c]) * 1099511628211ull;
		dentry = parent;
	}
	return 0;
}

static __always_inline struct weir_guard_state *find_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&guard_state, &zero);
}

/* What is weir's is at stake: 0 where weir asks, else -EPERM, and it is written down. */
static __noinline int judge(__u32 action, __u32 number, struct dentry *dentry)
{
	struct weir_guard_state *state = find_state();
	struct weir_guard_attempt *attempt;
	__u32 slot;

	if (!state || !state->identity || identity() == state->identity)
		return 0;
	slot = __sync_fetch_and_add(&state->attempts, 1) % WEIR_GUARD_ATTEMPTS;
	attempt = bpf_map_lookup_elem(&attempts, &slot);
	if (!attempt)
		return -ERROR_PERM;
	attempt->time_ns = bpf_ktime_get_ns();
	attempt->action = action;
	attempt->number = number;
	attempt->by.pid = bpf_get_current_pid_tgid() >> 32;
	attempt->by.uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(attempt->by.command, sizeof(attempt->by.command));
	attempt->name[0] = 0;
	if (dentry)
		bpf_probe_read_kernel_str(attempt->name, sizeof(attempt->name), BPF_CORE_READ(dentry, d_name.name));
	return -ERROR_PERM;
}

static __always_inline bool is_guarded(__u32 kind, __u32 number, __u32 netns)
{
	struct weir_guard_key key = { .kind = kind, .number = number, .netns = netns };

	return bpf_map_lookup_elem(&guarded, &key);
}

/* ---- bpf(2) ---- */

/* What the running process' descriptor FD stands for. */
static __always_inline void *object_of(__u32 fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

	if (fd >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return NULL;
	return BPF_CORE_READ(file, private_data);
}

static __always_inline int judge_link(__u32 fd)
{
	struct bpf_link *link = object_of(fd);
	__u32 id = link ? BPF_CORE_READ(link, id) : 0;

	return id && is_guarded(WEIR_GUARDED_LINK, id, 0) ? judge(WEIR_GUARD_LINK, id, NULL) : 0;
}

static __always_inline int judge_map(__u32 fd)
{
	struct bpf_map *map = object_of(fd);
	__u32 id = map ? BPF_CORE_READ(map, id) : 0;

	return id && is_guarded(WEIR_GUARDED_MAP, id, 0) ? judge(WEIR_GUARD_MAP, id, NULL) : 0;
}

/* weir asks for the next map's id when it turns the guard on: then its program file is learnt. */
static __always_inline void learn(void)
{
	struct weir_guard_state *state = find_state();

	if (!state || !state->learn_from || state->learn_from != bpf_get_current_pid_tgid() >> 32)
		return;
	state->learn_from = 0;
	state->identity = identity();
}

SEC("lsm/bpf")
int weir_guard_bpf(unsigned long long *ctx)
{
	/* The kernel's copy: nobody else can change it. */
	union bpf_attr *attr = (union bpf_attr *)ctx[1];
	__u32 command = ctx[0], fd = 0;

	switch (command) {
	case BPF_MAP_GET_NEXT_ID:
		learn();
		return 0;
	case BPF_LINK_UPDATE:
	case BPF_LINK_DETACH:
		bpf_probe_read_kernel(&fd, sizeof(fd), (void *)attr);
		return judge_link(fd);
	case BPF_MAP_UPDATE_ELEM:
	case BPF_MAP_DELETE_ELEM:
	case BPF_MAP_LOOKUP_AND_DELETE_ELEM:
	case BPF_MAP_FREEZE:
		bpf_probe_read_kernel(&fd, sizeof(fd), (void *)attr);
		return judge_map(fd);
	case BPF_MAP_UPDATE_BATCH:
	case BPF_MAP_DELETE_BATCH:
	case BPF_MAP_LOOKUP_AND_DELETE_BATCH:
		bpf_probe_read_kernel(&fd, sizeof(fd), (void *)attr + __builtin_offsetof(union bpf_attr, batch.map_fd));
		return judge_map(fd);
	}
	return 0;
}

/* Memory of a map, shared and to be written. What FILE is, its name tells: only the kernel gives names in that file system. */
SEC("lsm/mmap_file")
int weir_guard_mmap(unsigned long long *ctx)
{
	struct file *file = (struct file *)ctx[0];
	unsigned long protection = ctx[2], flags = ctx[3];
	static const char wanted[8] = "bpf-map";
	struct bpf_map *map;
	char name[8] = {};
	__u32 id;

	if (!file || !(protection & PROTECTION_WRITE) || !(flags & MAP_IS_SHARED) ||
	    BPF_CORE_READ(file, f_path.dentry, d_sb, s_magic) != ANONYMOUS)
		return 0;
	bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	for (int i = 0; i < 8; i++)
		if (name[i] != wanted[i])
			return 0;
	map = BPF_CORE_READ(file, private_data);
	id = BPF_CORE_READ(map, id);
	return is_guarded(WEIR_GUARDED_MAP, id, 0) ? judge(WEIR_GUARD_MAP, id, NULL) : 0;
}

/* ---- Pins ---- */

/* Is it weir's directory, or in it? */
static __always_inline bool is_inside(struct dentry *dentry)
{
	struct weir_guard_state *state = find_state();

	if (!state || BPF_CORE_READ(dentry, d_sb, s_dev) != state->directory_device)
		return false;
	for (int i = 0; i < DEPTH; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);

		if (BPF_CORE_READ(dentry, d_inode, i_ino) == state->directory)
			return true;
		if (parent == dentry)
			return false;
		dentry = parent;
	}
	return false;
}

SEC("lsm/inode_unlink")
int weir_guard_unlink(unsigned long long *ctx)
{
	struct dentry *dentry = (struct dentry *)ctx[1];

	return is_inside(dentry) ? judge(WEIR_GUARD_UNLINK, 0, dentry) : 0;
}

SEC("lsm/inode_rmdir")
int weir_guard_rmdir(unsigned long long *ctx)
{
	struct dentry *dentry = (struct dentry *)ctx[1];

	return is_inside(dentry) ? judge(WEIR_GUARD_UNLINK, 0, dentry) : 0;
}

/* Out of weir's directory, or onto something in it. */
SEC("lsm/inode_rename")
int weir_guard_rename(unsigned long long *ctx)
{
	struct dentry *from = (struct dentry *)ctx[1], *to = (struct dentry *)ctx[3];

	return is_inside(from) || is_inside(to) ? judge(WEIR_GUARD_RENAME, 0, from) : 0;
}

SEC("lsm/sb_umount")
int weir_guard_umount(unsigned long long *ctx)
{
	struct vfsmount *mount = (struct vfsmount *)ctx[0];
	struct weir_guard_state *state = find_state();

	if (!state || BPF_CORE_READ(mount, mnt_sb, s_dev) != state->directory_device)
		return 0;
	return judge(WEIR_GUARD_UMOUNT, 0, NULL);
}

/* ---- tc below 6.6: filters that any netlink message can take away ---- */

static __always_inline bool changes_filters(__u16 type, __u16 flags)
{
	return type == RTM_DELQDISC || type == RTM_DELTFILTER || type == RTM_DELCHAIN ||
	       ((type == RTM_NEWTFILTER || type == RTM_NEWQDISC) && (flags & (NLM_F_REPLACE | NLM_F_EXCL)) == NLM_F_REPLACE);
}

SEC("lsm/netlink_send")
int weir_guard_netlink(unsigned long long *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct sk_buff *skb = (struct sk_buff *)ctx[1];
	struct {
		struct nlmsghdr header;
		struct tcmsg tc;
	} message;
	__u32 length, offset = 0, netns;
	unsigned char *data;

	if (BPF_CORE_READ(sk, sk_protocol) != NETLINK_ROUTE)
		return 0;
	length = BPF_CORE_READ(skb, len);
	data = BPF_CORE_READ(skb, data);
	netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	for (int i = 0; i < MESSAGES && offset + sizeof(message) <= length; i++) {
		if (bpf_probe_read_kernel(&message, sizeof(message), data + offset))
			return 0;
		if (changes_filters(message.header.nlmsg_type, message.header.nlmsg_flags) &&
		    is_guarded(WEIR_GUARDED_INTERFACE, message.tc.tcm_ifindex, netns))
			return judge(WEIR_GUARD_TC, message.tc.tcm_ifindex, NULL);
		if (message.header.nlmsg_len < sizeof(message.header) || message.header.nlmsg_len > length)
			return 0;
		offset += NLMSG_ALIGN(message.header.nlmsg_len);
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
