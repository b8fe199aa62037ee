# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The examples of the Aya book that look at the kernel's functions. What this kernel refuses is skipped; tests/vm/examples.sh runs it all.
. "$(dirname "$0")/lib.sh"
examples task-alloc
STAMP='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'
playground

begin "task-alloc begins" task-alloc
bash -c 'echo $BASHPID >"$0"; true' "$WORK/pid"
end
is "task-alloc logs the process that began" "$(grep -Ecx "\[$STAMP INFO task_alloc\] new process: $(cat "$WORK/pid")" "$WORK/out")" 1

if [ -d /sys/bus/event_source/devices/kprobe ]; then
	web_server 80
	begin "kprobe-tcp-connect begins" kprobe-tcp-connect
	fetch 80
	fetch6 80
	end
	is "kprobe-tcp-connect logs a connection by IPv4" "$(grep -Ecx "\[$STAMP INFO kprobetcp\] AF_INET src address: $A4, dest address: $B4" "$WORK/out")" 1
	is "kprobe-tcp-connect logs one by IPv6" "$(grep -Ecx "\[$STAMP INFO kprobetcp\] AF_INET6 src addr: $A6, dest addr: $B6" "$WORK/out")" 1
else
	skip "kprobe-tcp-connect" "this kernel has no kprobes"
fi

if grep -qw bpf /sys/kernel/security/lsm 2>/dev/null; then
	begin "lsm-nice begins" lsm-nice
	is "lsm-nice prints its PID first" "$(head -n 1 "$WORK/out" | grep -Ecx "[0-9]{2}:[0-9]{2}:[0-9]{2} \[INFO\] lsm_nice: \[lsm-nice.c:[0-9]+\] PID: $BEGUN")" 1
	is "lsm-nice: a positive value is allowed" "$(renice 10 -p "$BEGUN" 2>&1)" "$BEGUN (process ID) old priority 0, new priority 10"
	is "lsm-nice: a negative one is not permitted" "$(renice -10 -p "$BEGUN" 2>&1)" "renice: failed to set priority for $BEGUN (process ID): Operation not permitted"
	sleep 30 &
	OTHER=$!
	STARTED+=("$OTHER")
	ok "lsm-nice: for another process it is" renice -10 -p "$OTHER"
	end
	is "lsm-nice logs what was tried" "$(grep -Ec "The PID supplied to this program is: $BEGUN, with nice value -10 and return value 0. Monitoring for changes in PID: $BEGUN$" "$WORK/out")" 1
else
	skip "lsm-nice" "BPF LSM is off: 'bpf' is not in /sys/kernel/security/lsm"
fi
tests_end
