# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Packets that cannot be parsed are dropped and counted by reason at each hook, unless a rule about them says otherwise.
. "$(dirname "$0")/lib.sh"
playground
watch_arrivals "$A" va
watch_arrivals "$B" vb

try_malformed() {
	local words=$1 send=$2 to=$3 ip="ip,src=$4,dst=$5" ip6="ip6,src=$6,dst=$7"
	policy odd <<-END
		chain odd { hook $words; ip ttl 99 drop }
	END
	ok "$words: a policy that accepts" weir apply "$WORK/odd.weir"
	arrives "$words: a whole packet goes on" yes "$to" "$send" "$ip" tcp,dport=80
	arrives "$words: an IPv4 header cut short" no "$to" "$send" "$ip" cut,30
	arrives "$words: a TCP header cut short" no "$to" "$send" "$ip,proto=6" zeros,12
	arrives "$words: a UDP header cut short" no "$to" "$send" "$ip,proto=17" zeros,7
	arrives "$words: an ICMP header cut short" no "$to" "$send" "$ip,proto=1" zeros,7
	arrives "$words: an IPv6 header cut short" no "$to" "$send" "$ip6" cut,50
	arrives "$words: an ARP cut short" no "$to" "$send" arp,src=10.0.0.1,dst=10.0.0.2 cut,38
	is "$words: six are counted as short" "$(malformed_packets odd short)" 6
	arrives "$words: version 5 behind an IPv4 type" no "$to" "$send" "$ip,version=5" tcp,dport=80
	arrives "$words: a header length of four words" no "$to" "$send" "$ip,ihl=4" tcp,dport=80
	arrives "$words: a TCP data offset of four words" no "$to" "$send" "$ip" tcp,dport=80,off=4
	is "$words: three are counted as contradicting themselves" "$(malformed_packets odd bad-header)" 3
	arrives "$words: a total length past the end" no "$to" "$send" "$ip,len=200" tcp,dport=80
	arrives "$words: a total length within the header" no "$to" "$send" "$ip,len=10" tcp,dport=80
	is "$words: two are counted as of wrong length" "$(malformed_packets odd bad-length)" 2
	arrives "$words: padding behind the total length is none of these" yes "$to" "$send" "$ip,len=40" tcp,dport=80 zeros,20
	arrives "$words: padding is no header either" no "$to" "$send" "$ip,len=28,proto=6" zeros,40
	is "$words: it is short" "$(malformed_packets odd short)" 7
	arrives "$words: an unknown type of frame is well formed" yes "$to" "$send" hex,deadbeef
	policy odd <<-END
		chain odd {
			hook $words;
			meta malformed short log prefix "cut: " accept
			meta malformed != bad-length accept
		}
	END
	ok "$words: a policy that speaks of malformed packets" weir apply "$WORK/odd.weir"
	arrives "$words: lets through the reason it names" yes "$to" "$send" "$ip,proto=6" zeros,12
	arrives "$words: and those that differ from another" yes "$to" "$send" "$ip" tcp,dport=80,off=4
	arrives "$words: but not that one" no "$to" "$send" "$ip,len=200" tcp,dport=80
	is "$words: the rule counted" "$(rule_packets odd 'meta malformed short log prefix "cut: " accept')" 1
	ok "$words: removed" weir remove odd
}

try_malformed "xdp ingress on vb netns $B" frame_a "$B" $A4 $B4 $A6 $B6
try_malformed "xdp ingress on vb netns $B mode generic" frame_a "$B" $A4 $B4 $A6 $B6
try_malformed "tc ingress on vb netns $B" frame_a "$B" $A4 $B4 $A6 $B6
try_malformed "tc egress on vb netns $B" frame_b "$A" $B4 $A4 $B6 $A6
tests_end
