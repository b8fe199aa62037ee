#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# weir guard: where the kernel runs programs at its security hooks, nobody gives a guarded process a negative nice value, and nobody but
# weir takes away what is weir's. Elsewhere weir says why not. WEIR_TEST_LSM=1: it must work here (tests/vm).
. "$(dirname "$0")/lib.sh"
playground
BPFTOOL=${BPFTOOL:-bpftool}
PINS=/sys/fs/bpf/weir
LOG=$WORK/log

# ---- Mistakes ----
exits "nothing to guard" 1 "what is to be guarded" weir guard
exits "something else" 1 "'tea' cannot be guarded" weir guard tea
exits "no process" 1 "which processes" weir guard nice
exits "what is no number" 1 "'init' is no number of a process" weir guard nice init
exits "off without what" 1 "what is to be turned off" weir guard --off
is "nothing is guarded at first" "$(weir guard list)" "weir does not guard itself"
is "in JSON, too" "$(weir guard list -j | jq -c '[.schema, .on, .links, .last]')" '[1,false,0,[]]'

sleep 1000 &
VICTIM=$!
STARTED+=("$VICTIM")

if ! output=$(weir guard nice "$VICTIM" --seconds=1 2>&1); then
	is "the guard of nice values works here" "${WEIR_TEST_LSM:-0}" 0
	exits "a kernel that does not run such programs is an error" 2 "cannot guard nice values: " weir guard nice "$VICTIM" --seconds=1
	exits "that says what could help" 2 "hint: .*(lsm=|security modules are|CONFIG_)" weir guard self
	matches "it was the same at first" "$output" "cannot guard nice values"
	ok "and leaves nothing behind" bash -c "[ ! -e $PINS ]"
	ok "renice is free" renice -n -1 -p "$VICTIM"
	tests_end
fi

# ---- Nice values ----
nice_of() { awk '{ sub(/.*\) /, ""); print $17 }' "/proc/$1/stat"; }
sleep 1000 &
OTHER=$!
STARTED+=("$OTHER")
begin() {
	"$WEIR" guard nice "$@" >"$LOG" 2>&1 </dev/null &
	GUARD=$!
	STARTED+=("$GUARD")
	until_true 10 grep -q . "$LOG"
}
end() {
	sleep 0.3
	kill -INT "$GUARD"
	wait "$GUARD"
	ENDED=$?
}
begin "$VICTIM"
exits "renice to -10 is not permitted" 1 "failed to set priority for $VICTIM .*: Operation not permitted" renice -n -10 -p "$VICTIM"
is "and the value is as it was" "$(nice_of "$VICTIM")" 0
ok "renice to 10 is" renice -n 10 -p "$VICTIM"
is "and the value is that" "$(nice_of "$VICTIM")" 10
fails "nor is -1 relative to another's" renice -n -1 -p "$VICTIM"
ok "another process can have what it wants" renice -n -5 -p "$OTHER"
end
is "the guard ends at Ctrl-C" "$ENDED" 0
matches "it names who, whom, and to what" "$(cat "$LOG")" "^[0-9:.]{15}  renice\[[0-9]+\] root  sets sleep\[$VICTIM\] to nice -10: refused$"
matches "and what was allowed" "$(cat "$LOG")" "sets sleep\[$VICTIM\] to nice 10: allowed$"
lacks "but not other processes" "$(cat "$LOG")" "sleep\[$OTHER\]"
ok "then renice is free again" renice -n -10 -p "$VICTIM"
begin "$VICTIM" "$OTHER" -j --count=2
renice -n -3 -p "$OTHER" >/dev/null 2>&1
renice -n 3 -p "$VICTIM" >/dev/null
ok "it ends after --count lines" until_true 10 bash -c "! kill -0 $GUARD 2>/dev/null"
is "JSON tells the same" "$(jq -c '[.schema, .by.command, .by.user, .process.pid, .nice, .result]' "$LOG" | tail -n 1)" "[1,\"renice\",\"root\",$VICTIM,3,\"allowed\"]"
exits "a process that is not there" 3 "there is no process 4194000" weir guard nice 4194000 --seconds=1
exits "without root" 3 "needs root" setpriv --reuid 65534 --clear-groups "$WEIR" guard nice "$VICTIM" --seconds=1

# ---- weir itself ----
cgroup guarded
enforce guarded <<-END
	set bad { type ipv4_addr; size 100; }
	chain edge {
	    hook xdp ingress on vb netns $B
	    ip saddr @bad log drop
	    icmp type echo-request drop
	}
	chain wire {
	    hook tc ingress on vb netns $B
	    udp dport 7 drop
	}
	chain group {
	    hook cgroup egress on "$CGROUP_NAME"
	    udp dport 8 drop
	}
END
fails "the policy stops ping" pings
ok "weir guards itself" weir guard self
matches "and says so" "$(weir guard list)" "^weir guards itself since .*: [0-9]+ links, [0-9]+ maps"
is "once more changes nothing" "$(weir guard self 2>&1 | grep -c 'already')" 1
link_of() { json ".policies[].chains[] | select(.name == \"$1\") | .attachments[0].link_id"; }
for chain in edge wire group; do
	id=$(link_of $chain)
	[ "$id" != 0 ] && [ "$id" != null ] || continue
	exits "no other program detaches the link of chain $chain" "[1-9][0-9]*" "Operation not permitted" "$BPFTOOL" link detach id "$id"
done
first=$(find $PINS -type f -path '*links/l_*' | head -n 1)
exits "none removes a pin" 1 "Operation not permitted" rm "$first"
exits "nor all of them" 1 "Operation not permitted" rm -rf $PINS
exits "none renames one" 1 "Operation not permitted" mv "$first" "$first"x
exits "nor the directory" 1 "Operation not permitted" mv $PINS /sys/fs/bpf/gone
exits "none unmounts bpffs" "[1-9][0-9]*" "permitted|denied|must be superuser" umount /sys/fs/bpf
exits "not lazily either" "[1-9][0-9]*" "permitted|denied|must be superuser" umount -l /sys/fs/bpf
fails "none takes XDP off the interface" ip -n "$B" link set vb xdp off
map=$(find $PINS -type f -name 'counters_0' | head -n 1)
exits "none writes to a map" "[1-9][0-9]*" "Operation not permitted" "$BPFTOOL" map update pinned "$map" key 0 0 0 0 value hex 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
MAP_MEMORY=$ROOT/$BUILD/tests/tools/map_memory
exits "none maps the memory of a map to write to it" 1 "Operation not permitted" "$MAP_MEMORY" $PINS/v*/events write
ok "to read it is free" "$MAP_MEMORY" $PINS/v*/events read
ok "looking is free: links" "$BPFTOOL" link show
ok "maps" "$BPFTOOL" map show
ok "and what is in them" "$BPFTOOL" map dump pinned "$map"
if [ "$(json '.policies[].chains[] | select(.name == "wire") | .attachments[0].how')" = clsact ]; then
	fails "none deletes the filters of tc" ip netns exec "$B" tc filter del dev vb ingress
	fails "nor the qdisc that they hang on" ip netns exec "$B" tc qdisc del dev vb clsact
else
	skip "none deletes the filters of tc" "this kernel has links for them"
fi
fails "what the policy stops, it stops" pings
is "every attachment is there" "$(json '[.policies[].chains[].attachments[].present] | all')" true

# What is not weir's is nobody's business here.
ok "others map their maps" bash -c "$BPFTOOL map create /sys/fs/bpf/r type ringbuf entries 4096 name r && '$MAP_MEMORY' /sys/fs/bpf/r write && rm /sys/fs/bpf/r"
cat >"$WORK/other.c" <<-'END'
	#include <linux/bpf.h>
	__attribute__((section("xdp"))) int other(struct xdp_md *ctx) { return XDP_PASS; }
	char _license[] __attribute__((section("license"))) = "GPL";
END
clang -target bpf -O2 -g -idirafter "/usr/include/$(gcc -print-multiarch)" -c "$WORK/other.c" -o "$WORK/other.o"
ok "others pin their own" "$BPFTOOL" prog load "$WORK/other.o" /sys/fs/bpf/other
ok "and remove it" rm /sys/fs/bpf/other
ok "others use interfaces" ip -n "$A" link set va xdpgeneric obj "$WORK/other.o" sec xdp
ok "and leave them" ip -n "$A" link set va xdpgeneric off
ok "other maps are changed" bash -c "$BPFTOOL map create /sys/fs/bpf/m type hash key 4 value 4 entries 4 name m && $BPFTOOL map update pinned /sys/fs/bpf/m key 1 0 0 0 value 1 0 0 0 && rm /sys/fs/bpf/m"
ok "tc is free elsewhere" bash -c "ip netns exec $A tc qdisc add dev va clsact && ip netns exec $A tc qdisc del dev va clsact"

# weir itself goes on.
ok "weir changes sets" weir set add guarded bad 10.0.0.66
sed -i 's/echo-request drop/echo-request accept/' "$WORK/guarded.weir"
ok "weir applies another version" weir apply "$WORK/guarded.weir"
ok "which is in force" pings
id=$(link_of edge)
exits "and guarded at once" "[1-9][0-9]*" "Operation not permitted" "$BPFTOOL" link detach id "$id"
ok "another policy" bash -c "printf 'chain more {\n hook cgroup ingress on \"$CGROUP_NAME\"\n udp dport 9 drop\n}\n' >$WORK/more.weir && '$WEIR' apply $WORK/more.weir"
id=$(link_of more)
exits "is guarded, too" "[1-9][0-9]*" "Operation not permitted" "$BPFTOOL" link detach id "$id"
ok "and removed by weir" weir remove more
cp "$WEIR" "$WORK/weir"
exits "a copy of weir is another program, and says whom to ask" 3 "weir guards itself: .*/weir turned the guard on" "$WORK/weir" remove guarded
exits "nor may it turn the guard off" 3 "guard self --off" "$WORK/weir" guard self --off
is "each was written down" "$(weir guard list -j | jq '.refused >= 12 and (.last | length) >= 12')" true
matches "by whom" "$(weir guard list)" "^  [0-9:.]{15}  bpftool\[[0-9]+\] root  detach or replace a link \(id [0-9]+\)$"
matches "and what" "$(weir guard list)" "  rm\[[0-9]+\] root  remove a pin: l_"

ok "weir turns it off" weir guard self --off
is "and says so" "$(weir guard list)" "weir does not guard itself"
ok "then others may" "$BPFTOOL" link detach id "$(link_of edge)"
ok "without a policy it guards as well" bash -c "'$WEIR' remove --all && '$WEIR' guard self"
exits "itself" 1 "Operation not permitted" rm -r $PINS
ok "until it is turned off" weir guard self --off
fails "and nothing is left" test -e $PINS
tests_end
