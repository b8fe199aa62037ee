#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The static binary on another kernel, with nothing of this machine but busybox: tests/vm/static.sh [KERNEL], 6.1 without.
# KERNEL as tests/vm/run takes it. The initramfs has busybox, weir and a policy; the guest has no disk.
set -u
cd "$(dirname "$0")/../.." || exit 1
kernel=${1:-6.1}
skip() {
	echo "1..0 # SKIP $1"
	exit 0
}
command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86_64 is not installed"
ldd "$(command -v busybox)" 2>/dev/null | grep -q '=>' && skip "busybox is not static here"
make -s static >/dev/null 2>&1 || skip "the static binary does not build: a static library is missing"
if [ -d "$kernel" ]; then unpacked=$kernel; else unpacked=$(tests/vm/kernel "$kernel") || skip "the kernel $kernel cannot be had"; fi
image=$(ls "$unpacked"/boot/vmlinuz-* "$unpacked"/lib/modules/*/vmlinuz "$unpacked"/usr/lib/modules/*/vmlinuz 2>/dev/null | head -n 1)
[ -n "$image" ] || skip "no kernel image in $unpacked"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/root/{bin,proc,sys,dev,tmp}
cp "$(command -v busybox)" "$work/root/bin/busybox"
cp build/static/weir "$work/root/weir"
cat >"$work/root/lo.weir" <<'POLICY'
chain lo {
    hook xdp ingress on lo
    icmp type echo-request log drop
}
POLICY
cat >"$work/root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec </dev/null >/dev/ttyS1 2>&1
ip link set lo up
test() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1 (got $2, wanted $3)"; fi; }
/weir check /lo.weir >/dev/null; test "it checks a policy on Linux $(uname -r)" $? 0
ping -c 1 -W 1 127.0.0.1 >/dev/null; test "ping is answered" $? 0
/weir selftest >/selftest; code=$?; grep -E "^(missing|wrong)" /selftest | sed "s/^/# /"; test "it tries the kernel, and finds what the kernel lacks" $code $(case $(uname -r) in 5.*) echo 2 ;; *) echo 0 ;; esac)
case $(uname -r) in
5.*) # too old for policies
	/weir apply /lo.weir; test "it names what is missing, and applies nothing" $? 2
	/weir log packets on lo -c 1 -s 20 2>&1 | grep -q 'needs Linux 5.18'; test "the same of packets" $? 0
	ping -c 1 -W 1 127.0.0.1 >/dev/null; test "ping is answered still" $? 0
	echo "=== end"
	poweroff -f
	;;
esac
(sleep 2; ping -c 1 127.0.0.1 >/dev/null) & /weir log packets on lo -c 1 -s 20 | grep -q 'icmp 127.0.0.1'; test "it tells of a packet" $? 0
/weir apply /lo.weir; test "it applies the policy" $? 0
ping -c 1 -W 1 127.0.0.1 >/dev/null; test "ping is not answered" $? 1
/weir list | grep -q 'icmp type echo-request'; test "it lists the policy" $? 0
/weir events -c 1 -s 5 | grep -q 'icmp'; test "it tells who was stopped" $? 0
/weir remove lo; test "it removes the policy" $? 0
ping -c 1 -W 1 127.0.0.1 >/dev/null; test "ping is answered again" $? 0
echo "=== end"
poweroff -f
INIT
chmod 755 "$work/root/init"
(cd "$work/root" && find . | cpio -o -H newc --quiet) >"$work/initrd"
timeout -k 5 "${VM_TIMEOUT:-120}" qemu-system-x86_64 -M pc -accel tcg,thread=single -cpu max,-cx16 -m 1G -smp 1 -nodefaults \
	-display none -no-reboot -kernel "$image" -initrd "$work/initrd" -serial file:"$work/console" -serial file:"$work/out" \
	-append "console=ttyS0 panic=-1 oops=panic rdinit=/init mitigations=off random.trust_cpu=on nowatchdog no_timer_check quiet" </dev/null 2>"$work/qemu.log"
tr -d '\r' <"$work/out" | grep -v '^===' | awk '/^(not )?ok - /{ n++; sub(/ok -/, "ok " n " -") } { print }'
echo "1..$(grep -c '^\(not \)\{0,1\}ok - ' "$work/out")"
grep -q '=== end' "$work/out" || { tail -n 20 "$work/console" "$work/qemu.log" >&2; exit 1; }
! grep -q '^not ok' "$work/out"
