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

# Whose packet it is, on connections that go through: a client's, a server's replies, and what no socket sent.
# who FILTER: pid and command of each event that FILTER selects, each once.
who() { jq -r "select($1) | \"\(.process.pid // \"unknown\") \(.process.command // \"\")\"" "$WORK/events" | sort -u; }
count() { jq -s "map(select($1)) | length" "$WORK/events"; }
listener() { in_b ss -Hltnp "sport = :$1" | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\),.*/\2 \1/p'; }
run_as() { # FILE COMMAND...: its pid goes to FILE
	bash -c 'echo $$ >"$0" && exec "$@"' "$@"
}
C=weir-test-$$-c # behind B, which forwards
namespace "$C"
ip -n "$B" link add vc type veth peer name vd netns "$C"
ip -n "$B" addr add 10.0.9.1/24 dev vc
ip -n "$C" addr add 10.0.9.2/24 dev vd
ip -n "$B" link set vc up
ip -n "$C" link set vd up
in_b sysctl -qw net.ipv4.ip_forward=1
ip -n "$A" route add 10.0.9.0/24 via "$B4"

enforce whose "a policy that logs what is sent" <<END
chain client { hook tc egress on va netns $A; tcp dport { 80, 8080 } log; udp dport 82 log }
chain server { hook tc egress on vb netns $B; meta l4proto { tcp, icmp } log }
chain router { hook tc egress on vc netns $B; ip saddr $A4 log }
END
web_server 8080
events_begin -j
ok "a page from a server that was there before the policy" run_as "$WORK/pid" nsenter --net="/run/netns/$A" curl -s -m 2 --noproxy '*' "http://$B4/"
ok "and from one that came after it" fetch 8080
# shellcheck disable=SC2016
in_a bash -c 'echo $$ >"$0"; exec 3<>"/dev/tcp/$1/80"; busybox printf "GET / HTTP/1.0\r\n\r\n" >&3; busybox cat <&3 >"$0.page"' "$WORK/parent" "$B4"
in_a curl -s -m 1 --noproxy '*' "http://$B4:9999/"
pings
in_a bash -c "echo hello >/dev/udp/10.0.9.2/82"
events_end
is "every packet of the client is its process's" "$(who ".chain == \"client\" and .dport == 80 and .process.command == \"curl\"")" "$(cat "$WORK/pid") curl"
is "on a connection inherited over fork, the process that made it" \
	"$(who ".chain == \"client\" and .dport == 80 and .process.command != \"curl\"")" "$(cat "$WORK/parent") bash"
matches "which sent by its child" "$(cat "$WORK/parent.page")" welcome
# Not the bare ACK, which a connection in TIME_WAIT sends without a process.
said='(.tcp_flags // "" | test("syn|psh|fin"))'
is "replies of a server that was there before are the server's" "$(who ".chain == \"server\" and .sport == 80 and $said")" "$(listener 80)"
is "replies of one that came after are the server's, whichever child answers" "$(who ".chain == \"server\" and .sport == 8080 and $said")" "$(listener 8080)"
at_least "the SYN-ACK is one of them" "$(count '.chain == "server" and .sport == 8080 and (.tcp_flags // "" | test("syn"))')" 1
is "the reset from a port where nobody listens is nobody's" "$(who '.chain == "server" and .sport == 9999')" "unknown "
is "nor is the kernel's answer to ping" "$(who '.chain == "server" and .protocol == "icmp"')" "unknown "
is "a packet is its sender's where it leaves" "$(who '.chain == "client" and .dport == 82' | cut -d' ' -f2)" bash
is "and nobody's where it is forwarded" "$(who '.chain == "router"')" "unknown "
ok "the policy is removed" weir remove whose

if [ -n "$(cgroup_mount)" ]; then
	cgroup talker
	enforce group "a policy on a cgroup" <<-END
		chain group { hook cgroup egress on "$CGROUP_NAME"; tcp dport 83 log prefix "group " drop; tcp sport 8081 log }
	END
	events_begin -j
	# shellcheck disable=SC2016
	run_as "$WORK/pid" bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$CGROUP" nsenter --net="/run/netns/$A" \
		curl -s -m 1 --noproxy '*' "http://$B4:83/"
	in_a curl -s -m 1 --noproxy '*' "http://$B4:83/"
	background in_cgroup "$CGROUP" nsenter --net="/run/netns/$B" busybox httpd -f -p "[::]:8081" -h "$WORK/www"
	until_true 5 listens 8081
	fetch 8081
	events_end
	is "the process of the cgroup, and no other" "$(who '.dport == 83')" "$(cat "$WORK/pid") curl"
	matches "and the cgroup" "$(event '.cgroup')" "$CGROUP_NAME"
	is "a server's replies are the server's" "$(who ".sport == 8081 and $said")" "$(listener 8081)"
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
lost=$(json '[.policies[].chains[].events_lost] | add')
all_read() { [ $(($(grep -c '"drop"' "$WORK/events") + lost)) -ge 50000 ]; }
until_true 20 all_read
events_end
got=$(jq -s 'map(select(.verdict == "drop")) | length' "$WORK/events")
is "what was read and what was lost is all there was" "$((lost + got))" "$(rule_packets two 'udp dport 5 log drop')"
at_least "some were lost" "$lost" 1
matches "and the reader says so" "$(cat "$WORK/events" "$WORK/events.err")" 'lost'
tests_end
