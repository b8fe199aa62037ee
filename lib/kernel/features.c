// SPDX-License-Identifier: GPL-2.0-only
/* What the running kernel can do, found by trying the smallest thing that needs it. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/load.h"

/* Younger than the headers that weir may be built with. */
#define TCX_INGRESS 46

/* Does the kernel take this program? */
static bool loads(enum bpf_prog_type type, uint32_t flags, const struct bpf_insn *instructions, size_t count)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = flags);
	int fd = bpf_prog_load(type, "weir_probe", "GPL", instructions, count, &options);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Below 6.6 a distance in imm is refused. What is jumped over is reached in another way, or no kernel would take it. */
static bool has_long_jump(void)
{
	static const struct bpf_insn instructions[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_1, .off = 1 },
		{ .code = BPF_JMP32 | BPF_JA, .imm = 1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return loads(BPF_PROG_TYPE_SOCKET_FILTER, 0, instructions, 5);
}

static bool has_xdp_frags(void)
{
	static const struct bpf_insn instructions[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return loads(BPF_PROG_TYPE_XDP, BPF_F_XDP_HAS_FRAGS, instructions, 2);
}

/* A kernel that knows tcx can be asked what stands there, were it only to say that there is no such interface. */
static bool has_tcx(void)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.query.target_fd = 1; /* an interface's index here: the loopback's */
	attributes.query.attach_type = TCX_INGRESS;
	return syscall(SYS_bpf, BPF_PROG_QUERY, &attributes, sizeof(attributes)) == 0 || errno == ENODEV || errno == ENOENT;
}

static struct kernel_features found;

static void find_features(void)
{
	kernel_raise_memlock();
	found.tcx = has_tcx();
	found.long_jump = has_long_jump();
	found.xdp_frags = has_xdp_frags();
}

const struct kernel_features *kernel_features(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_features);
	return &found;
}

static struct kernel_context context_found;

/* Where the SIZE bytes called NAME lie in structure ID, perhaps in one without a name within it; -1: nowhere. */
static int find_member(const struct btf *btf, int id, const char *name, int64_t size)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (uint32_t i = 0; type && btf_is_composite(type) && i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		int offset = btf_member_bit_offset(type, i) / 8, within;

		if (strcmp(btf__name_by_offset(btf, member->name_off), name) == 0)
			return btf__resolve_size(btf, member->type) == size ? offset : -1;
		within = member->name_off ? -1 : find_member(btf, member->type, name, size);
		if (within >= 0)
			return offset + within;
	}
	return -1;
}

static void find_kernel_context(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int cast = btf ? btf__find_by_name_kind(btf, "bpf_cast_to_kern_ctx", BTF_KIND_FUNC) : -1;
	int buffer = cast > 0 ? btf__find_by_name_kind(btf, "xdp_buff", BTF_KIND_STRUCT) : -1;
	int offset = buffer > 0 ? find_member(btf, buffer, "flags", sizeof(uint32_t)) : -1;
	int device, type;

	if (offset >= 0)
		context_found = (struct kernel_context){ .cast = cast, .flags_offset = offset };
	if (cast > 0) {
		device = find_member(btf, btf__find_by_name_kind(btf, "sk_buff", BTF_KIND_STRUCT), "dev", sizeof(void *));
		type = find_member(btf, btf__find_by_name_kind(btf, "net_device", BTF_KIND_STRUCT), "type", sizeof(uint16_t));
		context_found.knows_device = context_found.cast && device >= 0 && type >= 0;
		context_found.device_offset = device;
		context_found.type_offset = type;
	}
	btf__free(btf);
}

const struct kernel_context *kernel_context(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_kernel_context); /* takes a while: the kernel's BTF is long */
	return &context_found;
}

void kernel_raise_memlock(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_MEMLOCK, &all); /* from 5.11 on nothing depends on it */
}
