# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# weir new: each type of project is written, builds against what make install installs, and, where this kernel takes it, runs and logs.
# NEW_PROJECTS: a folder where they stay; where they are there already they only run, and each must (tests/vm/suite).
. "$(dirname "$0")/lib.sh"
PROJECTS=${NEW_PROJECTS:-$WORK}
built=
[ ! -e "$PROJECTS/built" ] || built=yes
if [ -z "$built" ]; then
	mkdir -p "$PROJECTS"
	PROJECTS=$(realpath "$PROJECTS")
	make -s -C "$ROOT" install DESTDIR="$PROJECTS/installed" PREFIX=/usr >"$WORK/install" 2>&1 || { cat "$WORK/install"; echo "Bail out! make install fails"; exit 1; }
	sed -i "s|^prefix=.*|prefix=$PROJECTS/installed/usr|; s|=/usr/|=$PROJECTS/installed/usr/|" "$PROJECTS/installed/usr/lib/pkgconfig/libweir.pc"
fi
PROJECTS=$(realpath "$PROJECTS")
export PKG_CONFIG_PATH=$PROJECTS/installed/usr/lib/pkgconfig LD_LIBRARY_PATH=$PROJECTS/installed/usr/lib
[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
playground
web_server 80
cgroup new
cd "$PROJECTS" || exit 1

target_of() {
	case $1 in
	xdp | tc | tc_egress | socket_filter) echo vb ;;
	cgroup_skb) echo "$CGROUP" ;;
	uprobe | uretprobe) echo "$LIBC:getpid" ;;
	esac
}
LIBC=$(ldd "$(command -v bash)" | grep -o '/[^ ]*libc\.so[^ ]*')
# Why this kernel does not run programs of that type; nothing: it does.
refusal_of() {
	case $1 in
	kprobe | kretprobe) [ -d /sys/bus/event_source/devices/kprobe ] || echo "this kernel has no kprobes" ;;
	lsm) grep -qw bpf /sys/kernel/security/lsm 2>/dev/null || echo "BPF LSM is off" ;;
	tracepoint) [ -d /sys/kernel/tracing/events/sched ] || echo "there is no tracefs" ;;
	esac
}
# What makes each of them log.
stir() {
	in_a ping -q -c 2 -i 0.1 $B4
	in_cgroup "$CGROUP" nsenter --net="/run/netns/$B" ping -q -c 1 $A4
	fetch 80
	perl -e 'use POSIX; POSIX::getpid() for 1..3;'
	renice 1 -p "$$"
}

for type in xdp tc tc_egress cgroup_skb socket_filter kprobe kretprobe fentry fexit tracepoint raw_tracepoint tp_btf uprobe uretprobe lsm; do
	[ -n "$built" ] || ok "$type: a project is written" weir new "my-$type" --type "$type"
	[ -n "$built" ] || ok "$type: it builds" make -s -C "my-$type" CFLAGS=-Werror
	[ -x "my-$type/my-$type" ] || continue
	why=$(refusal_of "$type")
	: >out
	target=$(target_of "$type")
	[ -n "$why" ] || nsenter --net="/run/netns/$B" "./my-$type/my-$type" ${target:+--target "$target"} >out 2>err &
	PROJECT=$!
	STARTED+=("$PROJECT")
	[ -n "$why" ] || until_true 10 grep -q 'Waiting' out || why=$(head -n 1 err)
	# fentry and fexit load anywhere and are refused where the kernel does not patch itself; so is a uprobe where there are none.
	if [ -n "$why" ] && [ -z "$built" ] && printf '%s' "$type" | grep -Eqx 'kprobe|kretprobe|fentry|fexit|uprobe|uretprobe|lsm|tracepoint'; then
		skip "$type: it runs" "$why"
		continue
	fi
	stir >/dev/null 2>&1
	sleep 0.2
	kill -TERM "$PROJECT" 2>/dev/null
	wait "$PROJECT"
	at_least "$type: it runs, and logs" "$(grep -c "INFO my_$type\]" out)" 1
done
[ -z "${NEW_PROJECTS:-}" ] || touch built
[ -z "$built" ] || tests_end

exits "a project that is there is left alone" 1 "'my-xdp' is there already" weir new my-xdp --type tc
matches "indeed" "$(cat my-xdp/my-xdp.bpf.c)" 'SEC\("xdp"\)'
touch taken
exits "so is a file" 1 "'taken' is there already" weir new taken --type tc
for name in 9lives ../escape a/b "" "with space" "$(printf 'x%.0s' {1..65})"; do
	exits "no good name: '$name'" 1 "no good name" weir new "$name" --type xdp
done
for name in int main weir-log bpf_printk; do
	exits "a name that cannot be a function's: '$name'" 1 "it is a word of" weir new "$name" --type xdp
done
fails "nothing was written for those" ls ../escape 9lives a int main weir-log bpf_printk
for name in log exit; do
	weir new "$name" --type xdp >/dev/null
	is "one that is a function's of the C library builds without a warning: '$name'" "$(make -s -C "$name" 2>&1)" ""
done
exits "a type that is misspelt" 1 "did you mean 'kprobe'" weir new p --type kprob
exits "no type" 1 "of which type" weir new p
exits "no name" 1 "what is the project called" weir new --type xdp
fails "and nothing is there" ls p
tests_end
