# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Fragments, at each hook on an interface: the first has ports, the others none, and none slips past a default drop.
. "$(dirname "$0")/lib.sh"
playground
watch_arrivals "$A" va
watch_arrivals "$B" vb

try_fragments() {
	local words=$1 send=$2 to=$3 from4=$4 to4=$5 from6=$6 to6=$7
	policy ports <<-END
		chain ports {
			hook $words;
			udp dport 53 drop
			udp dport != 9 ip length 77 drop
			ip frag-off & 0x1fff != 0 ip ttl 33 drop
		}
	END
	ok "$words: applied" weir apply "$WORK/ports.weir"
	arrives "$words: a whole datagram to the port is dropped" no "$to" $send ip,src=$from4,dst=$to4 udp,dport=53 zeros,16
	arrives "$words: the first fragment of one is dropped" no "$to" $send ip,src=$from4,dst=$to4,frag=0x2000 udp,dport=53 zeros,16
	arrives "$words: a later fragment has no port that matches" yes "$to" $send ip,src=$from4,dst=$to4,frag=0x0003,proto=17 hex,04d2003500100000 zeros,16
	arrives "$words: nor one that differs" yes "$to" $send ip,src=$from4,dst=$to4,frag=0x0003,proto=17 zeros,57
	arrives "$words: it can be matched by its offset" no "$to" $send ip,src=$from4,dst=$to4,frag=0x0003,proto=17,ttl=33 zeros,24
	arrives "$words: a fragment that overlaps the TCP flags is malformed" no "$to" $send ip,src=$from4,dst=$to4,frag=0x0001,proto=6 zeros,24
	arrives "$words: a first fragment with a cut TCP header is malformed" no "$to" $send ip,src=$from4,dst=$to4,frag=0x2000,proto=6 zeros,16
	is "$words: both are counted as tiny fragments" "$(malformed_packets ports tiny-fragment)" 2
	arrives "$words: IPv6: the first fragment is dropped" no "$to" $send ip6,src=$from6,dst=$to6 fragment,off=0,more=1 udp,dport=53 zeros,16
	arrives "$words: IPv6: a later one goes on" yes "$to" $send ip6,src=$from6,dst=$to6 fragment,off=3,next=17 hex,04d2003500100000
	arrives "$words: IPv6: an atomic fragment is walked through" no "$to" $send ip6,src=$from6,dst=$to6 fragment,off=0,more=0 udp,dport=53
	arrives "$words: IPv6: a first fragment with a cut TCP header is malformed" no "$to" $send ip6,src=$from6,dst=$to6 fragment,off=0,more=1,next=6 zeros,16
	arrives "$words: IPv6: so is one that overlaps the TCP flags" no "$to" $send ip6,src=$from6,dst=$to6 fragment,off=1,next=6 zeros,24
	is "$words: IPv6: both are counted" "$(malformed_packets ports tiny-fragment)" 4
	policy ports <<-END
		chain ports {
			hook $words;
			policy drop;
			udp dport 7 accept
			ip6 nexthdr icmpv6 accept
		}
	END
	ok "$words: the same with a default drop" weir apply "$WORK/ports.weir"
	arrives "$words: an accepted port goes on" yes "$to" $send ip,src=$from4,dst=$to4 udp,dport=7
	arrives "$words: a later fragment that looks like it does not" no "$to" $send ip,src=$from4,dst=$to4,frag=0x0003,proto=17 hex,04d2000700100000 zeros,16
	arrives "$words: IPv6: nor there" no "$to" $send ip6,src=$from6,dst=$to6 fragment,off=3,next=17 hex,04d2000700100000
	ok "$words: removed" weir remove ports
}

try_fragments "xdp ingress on vb netns $B" frame_a "$B" $A4 $B4 $A6 $B6
try_fragments "tc ingress on vb netns $B" frame_a "$B" $A4 $B4 $A6 $B6
try_fragments "tc egress on vb netns $B" frame_b "$A" $B4 $A4 $B6 $A6

# Real ones: a datagram that does not fit, through the kernel's own fragmentation.
enforce real "fragments made by the kernel" <<END
chain real { hook xdp ingress on vb netns $B; icmp type echo-request meta length > 1000 drop }
END
ok "a small ping is answered" pings
fails "the first fragment of a large one is dropped, so it is never whole" in_a ping -n -q -c 1 -W 1 -s 4000 $B4
is "one fragment of three has an ICMP header" "$(rule_packets real 'icmp type echo-request meta length > 1000 drop')" 1
ok "removed" weir remove real
tests_end
