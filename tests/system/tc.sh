# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# tc ingress and egress, by tcx and by clsact below it: the same policy, the same outcome, and others are left alone.
. "$(dirname "$0")/lib.sh"
playground
web_server 80 8080
watch_arrivals_a() { watch_arrivals "$A" va; }

policy gate <<END
set refused { type ipv4_addr; elements = { 10.0.0.99, 10.0.9.0/24 }; }
chain in {
	hook tc ingress on vb netns $B;
	arp drop
	icmp type echo-request drop
	tcp dport 80 drop
	ip saddr @refused drop
}
chain out {
	hook tc egress on vb netns $B;
	ip daddr 10.0.0.77 drop
	udp sport 53 drop
	ip6 daddr fd00::77 drop
}
END

try_tc() {
	local how=$1
	ok "$how: both chains are applied" weir apply "$WORK/gate.weir"
	is "$how: list names the way of attaching" "$(json '[.policies[].chains[].attachments[].how] | unique | join(",")')" "$how"
	fails "$how: ARP is dropped" arpings
	fails "$how: ping is dropped" pings
	fails "$how: TCP port 80 is dropped" fetch 80
	ok "$how: TCP port 8080 goes on" fetch 8080
	arrives "$how: a refused source does not arrive" no "$B" frame_a ip,src=10.0.0.99,dst=$B4 udp,dport=7
	arrives "$how: a source within a refused prefix does not arrive" no "$B" frame_a ip,src=10.0.9.200,dst=$B4 udp,dport=7
	arrives "$how: the address after the prefix arrives" yes "$B" frame_a ip,src=10.0.10.0,dst=$B4 udp,dport=7
	arrives "$how: going out to a refused address is stopped" no "$A" frame_b ip,src=$B4,dst=10.0.0.77 udp,dport=7
	arrives "$how: going out from a refused port is stopped" no "$A" frame_b ip,src=$B4,dst=$A4 udp,sport=53,dport=7
	arrives "$how: going out by IPv6 to a refused address is stopped" no "$A" frame_b ip6,src=$B6,dst=fd00::77 udp,dport=7
	arrives "$how: going out elsewhere goes on" yes "$A" frame_b ip,src=$B4,dst=$A4 udp,sport=54,dport=7
	is "$how: the egress rule counted once" "$(rule_packets gate 'ip daddr 10.0.0.77 drop')" 1

	in_b timeout 5 tcpdump -n -l --immediate-mode -i vb "src host $A4 and icmp" >"$WORK/seen" 2>"$WORK/seen.err" &
	STARTED+=($!)
	until_true 3 grep -q 'listening on' "$WORK/seen.err"
	fails "$how: ping is dropped while tcpdump listens" pings
	until_true 2 grep -q . "$WORK/seen"
	at_least "$how: tcpdump sees what tc drops behind it" "$(grep -c . "$WORK/seen")" 1

	policy other <<-END
		chain also { hook tc ingress on vb netns $B; tcp dport 8080 drop }
	END
	ok "$how: a second policy stands on the same hook" weir apply "$WORK/other.weir"
	fails "$how: what the second drops is dropped" fetch 8080
	fails "$how: what the first drops is dropped still" pings
	ok "$how: the second is removed" weir remove other
	ok "$how: its port answers again" fetch 8080
	fails "$how: the first is in force still" pings
	ok "$how: the first is removed" weir remove gate
	ok "$how: ping is answered" pings
	ok "$how: port 80 answers" fetch 80
}

watch_arrivals "$B" vb
watch_arrivals_a
tcx=$(weir apply "$WORK/gate.weir" >/dev/null 2>&1 && json '[.policies[].chains[].attachments[].how] | unique | join(",")')
weir remove gate >/dev/null 2>&1
if [ "$tcx" = tcx ]; then try_tc tcx; else skip "tcx" "this kernel has no tcx (6.6)"; fi

export WEIR_NO_TCX=1
try_tc clsact
is "clsact: the qdisc that weir made is gone" "$(in_b tc qdisc show dev vb clsact)" ""

in_b tc qdisc add dev vb clsact
in_b tc filter add dev vb ingress protocol ip pref 7 u32 match ip dport 9999 0xffff flowid 1:1
ok "clsact: beside another's filter" weir apply "$WORK/gate.weir"
fails "clsact: ping is dropped beside it" pings
matches "clsact: list reports the other or it stays" "$(in_b tc filter show dev vb ingress)" 'u32'
ok "clsact: removed from beside it" weir remove gate
matches "clsact: the other's filter is left" "$(in_b tc filter show dev vb ingress)" 'u32'
matches "clsact: and its qdisc" "$(in_b tc qdisc show dev vb clsact)" 'clsact'
lacks "clsact: and nothing of weir's" "$(in_b tc filter show dev vb ingress)" 'bpf'
in_b tc qdisc del dev vb clsact

# ---- Applied within a namespace that the policy does not name ----
policy within <<<"chain c { hook tc ingress on vb; icmp drop; }"
ok "within: it is applied there" in_b "$WEIR" apply "$WORK/within.weir"
fails "within: ping is dropped" pings
is "within: list finds it from outside" "$(json '.policies[].chains[].attachments[].present')" true
ok "within: it is removed from outside" weir remove within
ok "within: ping is answered" pings
is "within: nothing of it is left, nor its qdisc" "$(in_b tc filter show dev vb ingress)$(in_b tc qdisc show dev vb clsact)" ""
tests_end
