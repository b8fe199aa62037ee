# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# weir apply, killed at random moments while a client sends: the old policy or the new one stands, and the next command cleans up.
. "$(dirname "$0")/lib.sh"
playground
web_server 8080
RANDOM=1

# generation N: each drops ping at three hooks, and each is another text.
generation() {
	policy kill <<END
set s { type ipv4_addr; size 4096; elements = { 10.0.0.1, 10.99.0.$(($1 % 200 + 1)) } }
chain door { hook xdp ingress on vb netns $B; tcp dport $((1000 + $1)) drop
	ip saddr @s icmp type echo-request drop }
chain in { hook tc ingress on vb netns $B; tcp dport $((1000 + $1)) drop
	icmp type echo-request log drop }
chain out { hook tc egress on vb netns $B; icmp type echo-reply drop }
END
}
generation_of() { json '.policies[] | select(.name == "kill") | .generation'; }
whole() { json '[.policies[].chains[].attachments[].present] | map(select(. == true)) | length'; }

run() { # run WORD: with or without tcx
	local killed=0 lost=0 broken=0 before status i
	generation 0
	ok "$1: the first generation is applied" weir apply "$WORK/kill.weir"
	nsenter --net="/run/netns/$A" ping -n -q -i 0.01 -w 60 "$B4" >"$WORK/ping" 2>&1 & # not in_a: the signal is for ping
	local ping=$!
	STARTED+=("$ping")
	for i in $(seq 1 25); do
		generation "$i"
		before=$(generation_of)
		"$WEIR" apply "$WORK/kill.weir" >/dev/null 2>&1 &
		local apply=$!
		sleep "0.0$((RANDOM % 90 + 10))"
		kill -KILL $apply 2>/dev/null
		wait $apply 2>/dev/null
		status=$?
		[ $status = 137 ] && killed=$((killed + 1))
		[ "$(generation_of)" -ge "$before" ] || lost=$((lost + 1))
		[ "$(whole)" = 3 ] || broken=$((broken + 1))
	done
	at_least "$1: some applies were killed on their way" $killed 3
	is "$1: after each kill a policy is in force" $lost 0
	is "$1: and it is whole" $broken 0
	ok "$1: what the policy lets through goes on" fetch 8080
	kill -INT $ping
	wait $ping
	matches "$1: not one ping came through meanwhile" "$(cat "$WORK/ping")" " 0 received"
	is "$1: one generation is pinned" "$(find /sys/fs/bpf -path '*/policies/kill/g*' -prune -print | wc -l)" 1
	is "$1: three links, or none with filters" "$(find /sys/fs/bpf -path '*/policies/kill/links/*' | wc -l)" "$2"
	ok "$1: weir remove" weir remove kill
	ok "$1: ping is answered again" pings
	is "$1: nothing is pinned" "$(find /sys/fs/bpf -mindepth 1 ! -name '*.debug' | wc -l)" 0
	is "$1: nothing is left at tc" "$(in_b tc qdisc show dev vb clsact)" ""
	lacks "$1: nothing is left at XDP" "$(in_b ip -d link show vb)" "prog/xdp"
}
run "links" 3
export WEIR_NO_TCX=1
run "filters" 1
tests_end
