# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A set that grows and gets no memory for it: the error says so, nothing has changed, and it grows when there is memory again.
. "$(dirname "$0")/lib.sh"

# A cgroup that limits memory: version 1 or 2, as this machine has it.
MEMORY=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)
LIMIT=memory.limit_in_bytes PEAK=memory.max_usage_in_bytes UNLIMITED=-1
if [ -z "$MEMORY" ]; then
	MEMORY=$(cgroup_mount) LIMIT=memory.max PEAK=memory.peak UNLIMITED=max
	grep -qw memory "$MEMORY/cgroup.controllers" 2>/dev/null && echo +memory >"$MEMORY/cgroup.subtree_control"
fi
folder=$MEMORY/weir-test-$$
if ! mkdir "$folder" 2>/dev/null || ! CGROUPS+=("$folder") || [ ! -e "$folder/$LIMIT" ] || [ ! -e "$folder/$PEAK" ]; then
	echo "1..0 # SKIP no cgroup here limits memory and tells the peak"
	exit 0
fi
limited() { in_cgroup "$folder" "$@"; }
# What the table of the set named $1 takes, in bytes.
table() { weir list -j | jq -r --arg set "$1" '.policies[0].sets[] | select(.name == $set) | .bytes'; }

playground
watch_arrivals "$B" vb
from6() { frame_a "ip6,src=$1,dst=$B6" udp,dport=7; }
awk 'BEGIN { for (i = 0; i < 50000; i++) printf "fd01:%x:%x::/48\n", i / 256, i % 256 }' >"$WORK/first.txt"
awk 'BEGIN { for (i = 0; i < 50000; i++) printf "fd02:%x:%x::/48\n", i / 256, i % 256 }' >"$WORK/more.txt"
policy memory <<END
set trial { type ipv6_addr; file "first.txt"; }
set grows { type ipv6_addr; file "first.txt"; }
chain memory {
	hook xdp ingress on vb netns $B;
	ip6 saddr @grows drop
	ip6 saddr @trial drop
}
END
ok "a policy with two sets that grow is applied" weir apply "$WORK/memory.weir"
before=$(table trial)

# What it takes to add so many to one of them; of that the larger table is a part.
ok "one grows, with memory enough" limited sh -c "'$WEIR' set add memory trial <'$WORK/more.txt'"
peak=$(cat "$folder/$PEAK") after=$(table trial)
at_least "its table is larger" "$after" $((before + 1000000))
ok "and is flushed" weir set flush memory trial

echo $((peak - after / 2)) >"$folder/$LIMIT"
exits "the other finds too little" 2 "no memory for a larger table of set 'grows' of policy 'memory': 0 of 50000 elements went in" \
	limited sh -c "'$WEIR' set add memory grows <'$WORK/more.txt'"
is "it has what it had" "$(weir set list memory grows | wc -l)" 50000
arrives "what is in it is stopped" no "$B" from6 fd01:1:1::1
arrives "what did not go in is not" yes "$B" from6 fd02:1:1::1
ok "one element has room where the table is" limited "$WEIR" set add memory grows fd03::/48
arrives "and is stopped" no "$B" from6 fd03::1
ok "one is deleted" limited "$WEIR" set del memory grows fd01:1:1::/48
arrives "and goes on" yes "$B" from6 fd01:1:1::1

echo "$UNLIMITED" >"$folder/$LIMIT"
ok "with memory again it grows" limited sh -c "'$WEIR' set add memory grows <'$WORK/more.txt'"
is "and has all" "$(weir set list memory grows | wc -l)" 100000
arrives "the first of them is stopped" no "$B" from6 fd02::1
arrives "the last, too" no "$B" from6 fd02:c3:4f::1
tests_end
