#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# weir types: headers of kernel types compile, and programs that are built with them find the members where the running kernel has them.
. "$(dirname "$0")/lib.sh"

playground
cd "$WORK" || exit 1
[ -r /sys/kernel/btf/vmlinux ] || skip_all "this kernel does not describe its types"

compiles() { # FILE
	clang -target bpf -O2 -g -mcpu=v3 -Wall -Werror -I"$WORK" -idirafter "/usr/include/$(gcc -print-multiarch)" -c "$1" -o "${1%.c}.o"
}

# The header alone, then with libbpf's helpers; a member of each type is asked for.
header_compiles() { # NAME...
	weir types "$@" >types.h || return
	{
		echo '#include "types.h"'
		echo '#include <bpf/bpf_helpers.h>'
		echo 'char _license[] SEC("license") = "GPL";'
	} >header.c
	compiles header.c
}

for names in "task_struct iphdr" "sk_buff" "net_device net" "tcp_sock inet_sock sock" "file inode super_block dentry" "bpf_prog bpf_map bpf_link" \
	"cgroup css_set" "mm_struct vm_area_struct page" "ethhdr ipv6hdr tcphdr udphdr icmphdr" "enum bpf_prog_type" "u32" "union bpf_attr" \
	"struct task_struct struct cred" "xdp_md __sk_buff xdp_buff" "request_queue bio" "perf_event trace_event_call" "rq cfs_rq"; do
	# shellcheck disable=SC2086
	case $names in
	enum* | union*) ok "the header of '$names' compiles" header_compiles "$names" ;;
	"struct "*) ok "the header of '$names' compiles" header_compiles "struct task_struct" "struct cred" ;;
	*) ok "the header of $names compiles" header_compiles $names ;;
	esac
done

# With weir's own headers, and what a program at each kind of hook asks for.
header_serves_weir() { # NAME...
	weir types "$@" >types.h || return
	cat >serves.c <<-'END'
		#include "types.h"
		#include <weir/bpf_log.h>
		#include <bpf/bpf_core_read.h>
		#include <bpf/bpf_tracing.h>

		WEIR_RING(ring, 4096);

		SEC("xdp")
		int at_xdp(struct xdp_md *ctx)
		{
			struct weir_cursor at = weir_cursor_of(ctx);
			__u64 *record = weir_reserve(ring, __u64);
			__be16 type;

			if (record)
				bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
			weir_log(ctx, "{x}", BPF_F_CURRENT_CPU);
			return weir_take_ethernet(&at, &type) ? XDP_PASS : XDP_DROP;
		}

		SEC("tc/egress")
		int at_tc(struct __sk_buff *skb)
		{
			weir_log(skb, "{}", skb->mark);
			return TC_ACT_PIPE;
		}

		SEC("kprobe/tcp_connect")
		int BPF_KPROBE(at_kprobe, struct sock *sock)
		{
			weir_log(ctx, "{ip4}", BPF_CORE_READ(sock, __sk_common.skc_daddr));
			return 0;
		}

		SEC("tp_btf/task_newtask")
		int BPF_PROG(at_task, struct task_struct *task)
		{
			weir_log(ctx, "{} {s}", task->pid, (char *)task->comm);
			return 0;
		}

		char _license[] SEC("license") = "GPL";
	END
	clang -target bpf -O2 -g -Wall -Werror -D__TARGET_ARCH_x86 -I"$ROOT/include" -idirafter "/usr/include/$(gcc -print-multiarch)" -c serves.c -o serves.o
}
ok "the header of sock and task_struct serves programs on weir/bpf_log.h" header_serves_weir sock task_struct
for program in at_xdp at_tc at_task; do
	target=vb
	[ $program != at_task ] || target=
	ok "$program is loaded and attached" nsenter --net="/run/netns/$B" "$WEIR" load serves.o --program $program ${target:+--on $target} -s 1
done

# Each offset, as the compiler lays the header out, is that of BTF itself: those that a kernel's own tools print.
offset_of() { # STRUCT MEMBER, in bytes, by bpftool
	"${BPFTOOL:-bpftool}" btf dump file /sys/kernel/btf/vmlinux | awk -v name="'$1'" -v member="'$2'" '
		/^\[/ { inside = $2 == "STRUCT" && $3 == name; next }
		inside && $1 == member { sub(".*bits_offset=", ""); print $1 / 8; exit }'
}
offsets_agree() {
	local member structure
	weir types task_struct sk_buff iphdr net_device >types.h || return
	{
		echo '#define BPF_NO_PRESERVE_ACCESS_INDEX'
		echo '#include "types.h"'
		for member in task_struct.tgid task_struct.comm task_struct.real_parent sk_buff.len sk_buff.sk iphdr.ttl iphdr.protocol net_device.ifindex net_device.mtu; do
			structure=${member%.*} member=${member#*.}
			echo "_Static_assert(__builtin_offsetof(struct $structure, $member) == $(offset_of "$structure" "$member"), \"$structure.$member\");"
		done
	} >offsets.c
	cat offsets.c
	compiles offsets.c
}
ok "the members lie in the header where the kernel has them" offsets_agree

# A program that asks for its own process in two ways, by CO-RE and by helper; and one in whose header a member lies elsewhere.
weir types task_struct >types.h
cat >core.c <<-'END'
	#include "types.h"
	#include <bpf/bpf_helpers.h>
	#include <bpf/bpf_core_read.h>

	SEC("raw_tracepoint/sched_process_exec")
	int agrees(void *ctx)
	{
		struct task_struct *task = (void *)bpf_get_current_task();
		char own[16], comm[16];

		bpf_get_current_comm(own, sizeof(own));
		BPF_CORE_READ_INTO(&comm, task, comm);
		if (BPF_CORE_READ(task, tgid) != (int)(bpf_get_current_pid_tgid() >> 32))
			return 2;
		if (BPF_CORE_READ(task, group_leader, pid) != BPF_CORE_READ(task, tgid))
			return 3;
		for (int i = 0; i < 16 && own[i]; i++)
			if (own[i] != comm[i])
				return 4;
		return 77;
	}

	char _license[] SEC("license") = "GPL";
END
answer() { "$ROOT/$BUILD/tests/tools/run_object" "$1"; }
ok "a program with the header compiles" compiles core.c
is "it is loaded, and reads its own process as the helpers tell it" "$(answer core.o 2>&1)" 77
# What stands first in the structure moves the rest: only CO-RE finds the members then.
sed 's/^struct task_struct {$/struct task_struct {\n\tlong moved[8];/' types.h >moved.h
sed 's/types\.h/moved.h/' core.c >moved.c
ok "with members moved in the header it compiles" compiles moved.c
is "and finds them all the same" "$(answer moved.o 2>&1)" 77
sed '1i #define BPF_NO_PRESERVE_ACCESS_INDEX' moved.c | sed 's/BPF_CORE_READ_INTO(&comm, task, comm)/bpf_probe_read_kernel(comm, 16, task->comm)/; s/BPF_CORE_READ(task, tgid)/({ int v; bpf_probe_read_kernel(\&v, 4, \&task->tgid); v; })/; s/BPF_CORE_READ(task, group_leader, pid)/0/' >blind.c
compiles blind.c
lacks "which a program without CO-RE does not" "$(answer blind.o 2>&1)" '^77$'

# Kernels from 6.19 on have structures that hold others by their type alone.
cat >held.c <<-'END'
	struct inner { long far; int near; } __attribute__((packed));
	union either { int one; long two; };
	struct head { int a; struct inner; };
	struct whole { char first; struct head; union either; int last; };
	struct whole global;
END
clang -target bpf -O2 -g -fms-extensions -Wno-microsoft-anon-tag -c held.c -o held.o
cat >use.c <<-'END'
	#define BPF_NO_PRESERVE_ACCESS_INDEX
	#include "types.h"
	_Static_assert(__builtin_offsetof(struct whole, a) == 4 && __builtin_offsetof(struct whole, near) == 16, "held");
	_Static_assert(__builtin_offsetof(struct whole, two) == 24 && __builtin_offsetof(struct whole, last) == 32, "held");
END
weir types --btf held.o whole >types.h
ok "members of a structure that is held without a name are members" compiles use.c

matches "two types of one name are both printed, or the kernel has no such" "$(weir types bpf_map | grep -c 'preserve_access_index')" 1
exits "a name that is nearly right gets a hint" 1 "no type 'task_strukt'" weir types task_strukt
exits "which names the right one" 1 "did you mean 'task_struct'" weir types iphdr task_strukt
is "and nothing is printed" "$(weir types iphdr task_strukt 2>/dev/null)" ""
exits "a name of another kind is told apart" 1 "of another kind" weir types "union task_struct"
exits "no name at all is a mistake" 1 "which types" weir types
exits "a file that is not there is named" 3 "cannot read types from /none: No such file" weir types --btf=/none iphdr
exits "a file without BTF is told" 3 "holds no BTF" weir types --btf=/bin/true iphdr
ok "types come from a compiled program, too" bash -c "'$WEIR' types --btf core.o task_struct | grep -q tgid"
ok "without root the same is printed" bash -c "[ \"\$(setpriv --reuid 65534 --clear-groups '$WEIR' types iphdr)\" = \"\$('$WEIR' types iphdr)\" ]"
tests_end
