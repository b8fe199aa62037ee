#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What there is of weir on a kernel that is older than it promises (5.10), inside a virtual machine: what is missing is named, nothing is half done.
. "$(dirname "$0")/../system/lib.sh"
playground
release=$(uname -r)
case $release in
5.* | 6.0.*) ;;
*) skip_all "$release is not that old" ;;
esac

output=$(weir selftest 2>/dev/null)
status=$?
is "weir selftest says that something is missing which policies need" "$status" 2
for name in "functions with pointers to memory" "xdp: bytes from anywhere" "xdp: the length of a packet"; do
	matches "$name is named as missing" "$output" "^missing  $name: "
done
for name in arithmetic "map: hash" "map: prefixes" "map: ring buffer" "tc: a packet" "tc: clsact" "cgroup: attached by a link" "fentry" "kprobe"; do
	matches "$name is fine" "$output" "^fine     $name$"
done
matches "what is missing says what follows" "$output" "without it: no policy at XDP"

policy edge <<-END
	chain edge {
	    hook xdp ingress on vb netns $B
	    icmp type echo-request drop
	}
END
exits "a policy is refused, and the kernel's version is named" 2 "5\.(12|18)|newer|older" weir apply "$WORK/edge.weir"
is "and nothing is attached" "$(ip -n "$B" -d link show vb | grep -c 'prog/xdp')" 0
ok "packets pass" pings
ok "weir check works as everywhere" weir check "$WORK/edge.weir"
ok "weir why, too" weir why "$WORK/edge.weir" "icmp 10.0.0.1 > 10.0.0.2 echo-request"
ok "weir types prints this kernel's types" bash -c "'$WEIR' types task_struct | grep -q 'struct task_struct {'"
exits "BPF is not among the security modules, and weir says how to turn it on" 2 "lsm=[a-z,]+,bpf" weir guard self
exits "the same for nice values" 2 "lsm=[a-z,]+,bpf" weir guard nice $$

# weir trace connect is whole.
weir trace connect --count=1 >"$WORK/trace" 2>&1 &
STARTED+=($!)
until_true 20 grep -q probe "$WORK/trace"
in_a timeout 5 curl -s "http://$B4:81/" >/dev/null 2>&1
until_true 10 grep -q refused "$WORK/trace"
matches "weir trace connect takes the best probe" "$(head -n 1 "$WORK/trace")" "^probe: fentry tcp_connect"
matches "and tells of a connection" "$(tail -n 1 "$WORK/trace")" "curl\[[0-9]+\] root  $A4:[0-9]+ > $B4:81  refused"
tests_end
