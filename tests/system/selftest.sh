#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# weir selftest: what policies need is here, what is missing is named, and nothing is left behind.
. "$(dirname "$0")/lib.sh"

programs() { "${BPFTOOL:-bpftool}" prog show | grep -cE 'name (arithmetic|jumps|calls|at_[a-z]+|map_[a-z]+|xdp_[a-z]+|tc_load|socket_owner|clock|atomics)\b'; }

output=$(weir selftest 2>&1)
status=$?
is "this kernel has what policies need" "$status" 0
matches "the sum says so" "$output" "^[0-9]+ of [0-9]+ are fine; 0 of those that policies need are not$"
for name in arithmetic "functions with pointers to memory" "map: prefixes" "map: ring buffer" "xdp: a packet" "xdp: attached by a link, and swapped" \
	"tc: a packet" "cgroup: a packet" "cgroup: attached by a link"; do
	matches "$name is fine" "$output" "^fine     $name$"
done
lacks "no answer is wrong" "$output" "^wrong"
lacks "what is missing says what follows" "$(printf '%s\n' "$output" | grep -A 1 '^missing' | grep -v '^--')" "^missing[^:]*$"
is "each missing thing names what weir cannot do" "$(printf '%s\n' "$output" | grep -c '^missing')" "$(printf '%s\n' "$output" | grep -c '^         without it: ')"
is "JSON has the same" "$(weir selftest -j | jq '[.checks[] | select(.result == "fine")] | length')" "$(printf '%s\n' "$output" | grep -c '^fine')"
is "and the kernel's name" "$(weir selftest -j | jq -r '.kernel')" "$(uname -r)"
is "no program is left" "$(programs)" 0
is "no cgroup" "$(find "$(cgroup_mount)" -maxdepth 1 -name 'weir-selftest-*' | wc -l)" 0
fails "no directory in bpffs" test -e /sys/fs/bpf/weir

# Without a right that policies need it says so, with the code for what the kernel refuses.
exits "without the capabilities for networks XDP is missing" 2 "lacks [0-9]+ things? that policies need" setpriv --inh-caps=-net_admin,-sys_admin --bounding-set=-net_admin,-sys_admin "$WEIR" selftest
matches "and named" "$(setpriv --inh-caps=-net_admin,-sys_admin --bounding-set=-net_admin,-sys_admin "$WEIR" selftest 2>/dev/null)" "^missing  xdp: a packet: Operation not permitted \(EPERM\)$"
exits "without root nothing can be tried" 3 "programs are loaded by root alone" setpriv --reuid 65534 --clear-groups "$WEIR" selftest
exits "there is nothing to choose" 1 "all is tried" weir selftest xdp
tests_end
