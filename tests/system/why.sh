# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# weir why gives the answer that the kernel gave: packets are captured, sent through a policy, and asked about.
. "$(dirname "$0")/lib.sh"
playground

policy why <<END
set blocked { type ipv4_addr; elements = { 10.0.0.66, 10.4.0.0/16 }; }
chain edge {
	hook xdp ingress on vb netns $B;
	policy accept;
	udp dport 1-99 counter
	arp drop
	ether saddr 02:00:00:00:00:66 drop
	ip saddr @blocked drop
	icmp type echo-request drop
	tcp dport { 23, 80 } ip saddr 10.0.0.0/8 drop
	tcp flags & (syn|ack) == syn tcp dport 8000-8999 drop
	ip6 saddr fd00::/16 udp dport 53 drop
	vlan id 7 drop
	ip ttl < 5 drop
	udp dport != 53 meta length > 200 drop
}
END
ok "the policy is applied" weir apply "$WORK/why.weir"

# Each of these frames goes out once, and the capture is taken where it leaves.
in_a tcpdump -Z root --immediate-mode -U -n -i va -Q out -w "$WORK/sent.pcap" "not ether multicast" 2>"$WORK/tcpdump.err" &
STARTED+=($!)
until_true 5 grep -q 'listening on' "$WORK/tcpdump.err"
four="ip,src=$A4,dst=$B4" six="ip6,src=$A6,dst=$B6"
send_all() {
	while read -r layers; do
		# shellcheck disable=SC2086
		frame_a $layers
	done <<-END
		arp,src=$A4,dst=$B4
		$four tcp,dport=80
		$four tcp,dport=81
		ip,src=192.0.2.1,dst=$B4 tcp,dport=80
		ip,src=10.0.0.66,dst=$B4 udp,dport=9
		ip,src=10.4.3.2,dst=$B4 udp,dport=900
		$four icmp
		$four icmp,type=0
		$four tcp,dport=8080,flags=S
		$four tcp,dport=8080,flags=SA
		$four tcp,dport=8080,flags=A
		$six udp,dport=53
		$six hop dstopts udp,dport=53
		$six udp,dport=54
		vlan,id=7 $four udp,dport=500
		qinq,id=7 vlan,id=9 $four udp,dport=500
		vlan,id=9 $four tcp,dport=23
		$four,ttl=4 udp,dport=500
		$four,ttl=5 udp,dport=500
		$four udp,dport=53 zeros,300
		$four udp,dport=54 zeros,300
		$four,frag=0x2000 udp,dport=54 zeros,304
		$four,frag=0x0040,proto=17 zeros,304
		$four,proto=6 zeros,12
		$four,len=400 udp,dport=9
		$four,ihl=4 udp,dport=9
		$six hop dstopts dstopts dstopts dstopts dstopts dstopts dstopts dstopts udp,dport=53
		hex,01020304
	END
}
send_all
sleep 0.3
kill -TERM "${STARTED[-1]}" && wait "${STARTED[-1]}" 2>/dev/null
is "all were captured" "$(tcpdump -n -tt -r "$WORK/sent.pcap" 2>/dev/null | grep -c '^[0-9]')" 28

weir why -j "$WORK/why.weir" "$WORK/sent.pcap" >"$WORK/answers.json" 2>"$WORK/answers.err"
is "why answers for each" "$(wc -l <"$WORK/answers.json")" 28
matches "why says it in words too" "$(weir why "$WORK/why.weir" "$WORK/sent.pcap")" 'why\.weir:9'
# The kernel's count of a rule is how often why named it, deciding or passed.
for line in 5 6 7 8 9 10 11 12 13 14 15; do
	text=$(sed -n "${line}p" "$WORK/why.weir" | sed 's/^\t//')
	asked=$(jq -r --argjson line "$line" 'select([.decided, .passed[]?] | map(select(.line == $line)) | length > 0) | 1' "$WORK/answers.json" | wc -l)
	is "line $line, '$text': the kernel counted what why names" "$(rule_packets why "$text")" "$asked"
done
asked=$(jq -r 'select(.decided.rule == "malformed") | 1' "$WORK/answers.json" | wc -l)
at_least "why calls some malformed" "$asked" 4
is "malformed: the kernel counted as many" "$(($(malformed_packets why short) + $(malformed_packets why bad-length) + $(malformed_packets why bad-header) + $(malformed_packets why extension-limit)))" "$asked"
at_least "a rule that decided more than once did so in the kernel" "$(rule_packets why 'ip saddr @blocked drop')" 2

matches "a packet in words" "$(weir why "$WORK/why.weir" "tcp 10.0.0.1:1234 > 10.0.0.2:80 syn")" 'why\.weir:10.*'
matches "and another" "$(weir why "$WORK/why.weir" "icmp 10.0.0.1 > 10.0.0.2 echo-request")" 'drop'
matches "one that goes on" "$(weir why "$WORK/why.weir" "tcp 10.0.0.1:1234 > 10.0.0.2:443 syn")" 'accept'
exits "words that are no packet" 1 "." weir why "$WORK/why.weir" "tpc 10.0.0.1:1234 > 10.0.0.2:80"
exits "a capture that is missing" 3 "nothere.pcap" weir why "$WORK/why.weir" "$WORK/nothere.pcap"
tests_end
