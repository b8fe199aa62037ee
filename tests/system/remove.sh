# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Enforcement outlives every process of weir's; remove leaves nothing, and takes nothing that is not weir's.
. "$(dirname "$0")/lib.sh"
playground
web_server 80
pins=$(find /sys/fs/bpf "$WORK/bpf" -mindepth 1 ! -name '*.debug' 2>/dev/null | wc -l)
is "at first there is nothing pinned" "$pins" 0
links() { in_b ip -d link show vb | grep -c 'xdp'; }

[ -n "$(cgroup_mount)" ] && cgroup kept
policy all <<END
set s { type ipv4_addr; elements = { 10.0.0.66 }; }
chain door { hook xdp ingress on vb netns $B; icmp log drop }
chain in { hook tc ingress on vb netns $B; ip saddr @s drop }
chain out { hook tc egress on vb netns $B; ip daddr @s drop }
$([ -n "$(cgroup_mount)" ] && echo "chain group { hook cgroup egress on \"$CGROUP_NAME\"; ip daddr @s log drop }")
END
ok "a policy at every kind of hook is applied" weir apply "$WORK/all.weir"
fails "it is in force when weir has ended" pings
is "no process of weir's runs" "$(pgrep -x weir -c --nslist mnt --ns $$)" 0
at_least "its state is pinned" "$(find /sys/fs/bpf -mindepth 1 ! -name '*.debug' | wc -l)" 3
is "the directory is for root alone" "$(find /sys/fs/bpf -maxdepth 1 -name 'weir*' -printf '%m')" 700
ok "weir remove takes it away" weir remove all
ok "ping is answered" pings
ok "the web too" fetch 80
is "no policy is listed" "$(json '.policies | length')" 0
ok "applied again, all is removed at once" weir apply "$WORK/all.weir"
fails "in force" pings
ok "weir remove --all" weir remove --all
ok "ping is answered again" pings
is "no XDP program is left on the interface" "$(links)" 0
is "nothing is left at tc" "$(in_b tc qdisc show dev vb clsact; in_b tc filter show dev vb ingress)" ""
is "nothing of weir's is pinned" "$(find /sys/fs/bpf -mindepth 1 ! -type d ! -name '*.debug' | wc -l)" 0
[ -n "$(cgroup_mount)" ] && is "nothing is left at the cgroup" "$(bpftool cgroup show "$CGROUP" | wc -l)" 0
ok "removing once more is no error" weir remove --all
exits "removing a policy that is not there is one" 1 "nothere" weir remove nothere

# Others at the same hooks are not touched.
in_b tc qdisc add dev vb clsact
in_b tc filter add dev vb ingress protocol ip pref 9 u32 match ip dport 9999 0xffff flowid 1:1
ok "applied beside another's filter" weir apply "$WORK/all.weir"
ok "removed from beside it" weir remove --all
matches "the other's filter is left" "$(in_b tc filter show dev vb ingress)" u32

# An interface or namespace that goes away takes its attachment with it; weir is not confused by that.
ok "applied" weir apply "$WORK/all.weir"
in_b ip link del vb
is "list says that the interface is gone" "$(json '[.policies[].chains[] | select(.hook | startswith("xdp")) | .attachments[].present] | unique | join(",")')" false
ok "remove works nonetheless" weir remove all
tests_end
