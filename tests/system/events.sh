# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# weir events: for each packet of a rule with log, what the packet was, which line met it, and who sent it.
. "$(dirname "$0")/lib.sh"
playground
web_server 80

events_begin() {
	"$WEIR" events "$@" >"$WORK/events" 2>"$WORK/events.err" &
	EVENTS=$!
	STARTED+=("$EVENTS")
	sleep 0.4
}
events_end() {
	sleep 0.4
	kill -TERM "$EVENTS" 2>/dev/null
	wait "$EVENTS" 2>/dev/null
}
event() { jq -r "$1" "$WORK/events" | head -n 1; }

enforce seen "a policy with log" <<END
chain edge {
	hook xdp ingress on vb netns $B;
	udp dport 5 log prefix "five: "
	udp dport 5 log drop
	ip6 nexthdr icmpv6 icmpv6 type echo-request log drop
	tcp dport 99 drop
}
END
events_begin -j
frame_a "ip,src=$A4,dst=$B4" udp,sport=1234,dport=5 zeros,58
frame_a "ip,src=$A4,dst=$B4" tcp,dport=99
pings $B6
events_end
ok "every line is JSON" sh -c "test -s '$WORK/events' && jq -es 'length > 0' '$WORK/events'"
is "one event for each rule with log, none for the others" "$(jq -s length "$WORK/events")" 3
is "the rule that goes on" "$(event '"\(.verdict) \(.line) \(.prefix)"')" "continue 3 five: "
is "the rule that decides" "$(jq -r '"\(.verdict) \(.line)"' "$WORK/events" | sed -n 2p)" "drop 4"
is "the policy and chain" "$(event '"\(.policy) \(.chain)"')" "seen edge"
is "the hook" "$(event .hook)" "xdp ingress"
is "the interface" "$(event .interface)" vb
is "the addresses" "$(event '"\(.saddr) \(.daddr)"')" "$A4 $B4"
is "the ports" "$(event '"\(.sport) \(.dport)"')" "1234 5"
is "the protocol" "$(event .protocol)" udp
is "the length" "$(event .length)" 100
matches "the rule's text" "$(event '.rule')" 'udp dport 5 log'
matches "the time" "$(event .time)" '20[0-9][0-9]-|^[0-9.]+$'
is "IPv6 addresses" "$(jq -r 'select(.line == 5) | "\(.saddr) \(.daddr)"' "$WORK/events")" "$A6 $B6"

events_begin
frame_a "ip,src=$A4,dst=$B4" udp,sport=1234,dport=5
events_end
matches "as text: verdict, addresses, ports" "$(cat "$WORK/events")" "drop.*10\.0\.0\.1.*1234.*10\.0\.0\.2.*5"
matches "as text: file and line" "$(cat "$WORK/events")" 'seen\.weir:4'
ok "the policy is removed" weir remove seen

# Who sent it: at tc egress and at a cgroup the process of the socket.
enforce sender "a policy on what goes out" <<END
chain out { hook tc egress on va netns $A; tcp dport 81 log drop; udp dport 82 log drop }
END
events_begin -j
in_a bash -c "exec -a knocker timeout 1 bash -c 'echo >/dev/tcp/$B4/81'" 2>/dev/null
in_a bash -c "echo hello >/dev/udp/$B4/82" 2>/dev/null
frame_a "ip,src=$A4,dst=$B4" tcp,dport=81,sport=7777
events_end
is "the command that connected" "$(jq -r 'select((.dport) == 81 and (.sport) != 7777) | .process.command' "$WORK/events" | sort -u)" bash
matches "its pid" "$(jq -r 'select((.dport) == 82) | .process.pid' "$WORK/events")" '^[0-9]+$'
is "a packet from a raw socket that belongs to no connection is not laid at a bystander's door" \
	"$(jq -r 'select((.sport) == 7777) | (.process.command // "unknown")' "$WORK/events" | grep -cvx 'unknown\|send_frame')" 0
ok "the policy is removed" weir remove sender

if [ -n "$(cgroup_mount)" ]; then
	cgroup talker
	enforce group "a policy on a cgroup" <<-END
		chain group { hook cgroup egress on "$CGROUP_NAME"; tcp dport 83 log prefix "group " drop }
	END
	events_begin -j
	in_cgroup "$CGROUP" nsenter --net="/run/netns/$A" curl -s -m 1 --noproxy '*' "http://$B4:83/"
	in_a curl -s -m 1 --noproxy '*' "http://$B4:83/"
	events_end
	is "the command of the cgroup" "$(jq -r '.process.command' "$WORK/events" | sort -u)" curl
	matches "and the cgroup" "$(event '.cgroup')" "$CGROUP_NAME"
	is "only of the cgroup's" "$(jq -r '.process.pid' "$WORK/events" | sort -u | wc -l)" 1
	ok "the policy is removed" weir remove group
fi

# A second reader is told who reads.
enforce two "a policy" <<END
chain edge { hook xdp ingress on vb netns $B; udp dport 5 log drop }
END
events_begin -j
exits "a second reader is refused, and told who reads" '2|3' "$EVENTS" timeout 3 "$WEIR" events
# More than fit: counted, and said.
frame_a_many() { in_a "$SEND_FRAME" -n 50000 va "eth,src=$AMAC,dst=$BMAC" "ip,src=$A4,dst=$B4" udp,dport=5; }
kill -STOP "$EVENTS"
frame_a_many
kill -CONT "$EVENTS"
sleep 1
events_end
lost=$(json '[.policies[].chains[].events_lost] | add')
got=$(jq -s 'map(select(.verdict == "drop")) | length' "$WORK/events")
is "what was read and what was lost is all there was" "$((lost + got))" 50000
at_least "some were lost" "$lost" 1
matches "and the reader says so" "$(cat "$WORK/events" "$WORK/events.err")" 'lost'
tests_end
