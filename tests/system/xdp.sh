# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# XDP ingress: what is dropped at the driver, what is not, native and generic, beside what others attached.
. "$(dirname "$0")/lib.sh"
playground
web_server 80 8080
watch_arrivals "$B" vb

ok "before any policy ping is answered" pings
ok "before any policy port 80 answers" fetch 80

enforce edge "an XDP policy is applied to an interface of another namespace" <<END
set blocked { type ipv4_addr; size 16; }
chain edge {
	hook xdp ingress on vb netns $B;
	policy accept;
	arp drop
	ip saddr @blocked drop
	icmp type echo-request drop
	tcp dport 80 drop
	udp dport { 53, 1000-1999 } drop
	ether saddr 02:00:00:00:00:66 drop
}
END
fails "ARP is dropped" arpings
fails "ping is dropped" pings
fails "TCP port 80 is dropped" fetch 80
ok "TCP port 8080 goes on" fetch 8080
fails "a port is a port by IPv6, too" fetch6 80
ok "another goes on by IPv6" fetch6 8080
arrives "UDP port 53 does not arrive" no "$B" frame_a ip,src=$A4,dst=$B4 udp,dport=53
arrives "UDP port 1500, within a range, does not arrive" no "$B" frame_a ip,src=$A4,dst=$B4 udp,dport=1500
arrives "UDP port 2000, past the range, arrives" yes "$B" frame_a ip,src=$A4,dst=$B4 udp,dport=2000
arrives "a source Ethernet address is dropped" no "$B" in_a "$SEND_FRAME" va eth,src=02:00:00:00:00:66,dst=$BMAC ip,src=$A4,dst=$B4 udp,dport=2000
is "it is attached natively, since veth can" "$(json '.policies[].chains[].attachments[].how')" native
ok "the rule of port 80 counted" test "$(rule_packets edge 'tcp dport 80 drop')" -ge 1

in_b timeout 5 tcpdump -n -l --immediate-mode -i vb "src host $A4 and icmp" >"$WORK/seen" 2>"$WORK/seen.err" &
STARTED+=($!)
until_true 3 grep -q 'listening on' "$WORK/seen.err"
fails "ping is dropped while tcpdump listens" pings
is "tcpdump sees nothing of what XDP drops" "$(grep -c . "$WORK/seen")" 0

ok "the policy is removed" weir remove edge
ok "ping is answered again" pings
ok "port 80 answers again" fetch 80

sed -i "s/netns $B;/netns $B mode generic;/" "$WORK/edge.weir"
ok "mode generic can be forced" weir apply "$WORK/edge.weir"
is "and is what list says" "$(json '.policies[].chains[].attachments[].how')" generic
fails "ping is dropped in generic mode too" pings
ok "TCP port 8080 goes on in generic mode" fetch 8080
sed -i "s/mode generic;/mode native;/" "$WORK/edge.weir"
exits "a mode that cannot be changed without a gap is refused, saying what to do" 3 "weir remove edge" weir apply "$WORK/edge.weir"
is "and nothing is changed" "$(json '.policies[].chains[].attachments[].how')" generic
fails "ping is still dropped" pings

policy second <<END
chain other { hook xdp ingress on vb netns $B; icmp drop }
END
exits "a second policy on the same XDP hook is refused, and the first is named" '1|3' "edge" weir apply "$WORK/second.weir"
fails "the first policy is still in force" pings
is "and is the only one" "$(json '[.policies[].name] | join(",")')" edge
ok "the policy is removed again" weir remove edge
tests_end
