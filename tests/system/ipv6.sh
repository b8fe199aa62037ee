# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# IPv6 extension headers are walked at each hook, up to a stated number, and one more is named.
. "$(dirname "$0")/lib.sh"
playground
watch_arrivals "$A" va
watch_arrivals "$B" vb

try_extensions() {
	local words=$1 send=$2 to=$3 ip6="ip6,src=$4,dst=$5"
	policy walk <<-END
		chain walk {
			hook $words;
			tcp dport 80 drop
			icmpv6 type echo-request drop
			ip6 nexthdr hop-by-hop udp dport 9 drop
			meta l4proto udp ip6 hoplimit 3 drop
		}
	END
	[ -n "${HOP:-}" ] || sed -i 's/nexthdr hop-by-hop/nexthdr 0/' "$WORK/walk.weir"
	ok "$words: applied" weir apply "$WORK/walk.weir"
	arrives "$words: a port without extension headers" no "$to" "$send" "$ip6" tcp,dport=80
	arrives "$words: another port goes on" yes "$to" "$send" "$ip6" tcp,dport=81
	arrives "$words: behind hop-by-hop options" no "$to" "$send" "$ip6" hop tcp,dport=80
	arrives "$words: behind destination options" no "$to" "$send" "$ip6" dstopts tcp,dport=80
	arrives "$words: behind a routing header" no "$to" "$send" "$ip6" routing tcp,dport=80
	arrives "$words: behind an authentication header" no "$to" "$send" "$ip6" ah tcp,dport=80
	arrives "$words: behind five of them" no "$to" "$send" "$ip6" hop dstopts routing fragment ah tcp,dport=80
	arrives "$words: another port behind five goes on" yes "$to" "$send" "$ip6" hop dstopts routing fragment ah tcp,dport=81
	arrives "$words: ICMPv6 behind two" no "$to" "$send" "$ip6" hop dstopts icmpv6
	arrives "$words: nexthdr is the first one" no "$to" "$send" "$ip6" hop udp,dport=9
	arrives "$words: l4proto the last" no "$to" "$send" "$ip6,hops=3" hop dstopts udp,dport=9
	arrives "$words: a port behind eight is seen" no "$to" "$send" "$ip6" hop dstopts dstopts dstopts dstopts dstopts dstopts dstopts tcp,dport=80
	arrives "$words: behind eight another goes on" yes "$to" "$send" "$ip6" hop dstopts dstopts dstopts dstopts dstopts dstopts dstopts tcp,dport=81
	arrives "$words: nine are dropped" no "$to" "$send" "$ip6" hop dstopts dstopts dstopts dstopts dstopts dstopts dstopts dstopts tcp,dport=81
	is "$words: and counted by name" "$(malformed_packets walk extension-limit)" 1
	arrives "$words: a header that ends inside is malformed" no "$to" "$send" "$ip6,next=60" hex,0603000000000000
	arrives "$words: a payload length past the end is malformed" no "$to" "$send" "$ip6,len=100" tcp,dport=81
	is "$words: and counted" "$(malformed_packets walk bad-length)" 1
	ok "$words: removed" weir remove walk
}

try_extensions "xdp ingress on vb netns $B" frame_a "$B" $A6 $B6
try_extensions "tc ingress on vb netns $B" frame_a "$B" $A6 $B6
try_extensions "tc egress on vb netns $B" frame_b "$A" $B6 $A6

web_server 80
enforce real "real programs by IPv6" <<END
chain real {
	hook tc ingress on vb netns $B;
	ip6 saddr fd00::/64 tcp dport 80 drop
}
END
fails "curl by IPv6 is stopped" fetch6 80
ok "curl by IPv4 is not" fetch 80
ok "ping by IPv6 is answered" pings $B6
ok "removed" weir remove real
ok "curl by IPv6 goes on" fetch6 80
if [ -n "$(cgroup_mount)" ]; then
	cgroup six
	enforce group "extension headers at a cgroup" <<-END
		chain six { hook cgroup egress on "$CGROUP_NAME"; udp dport 53 drop }
	END
	raw6() { in_cgroup "$CGROUP" nsenter --net="/run/netns/$A" "$SEND_FRAME" -6 va "ip6,src=$A6,dst=$B6" "$@"; }
	arrives "cgroup egress: a port behind two headers is seen" no "$B" raw6 hop dstopts udp,dport=53
	arrives "cgroup egress: another goes on" yes "$B" raw6 hop dstopts udp,dport=54
	arrives "cgroup egress: nine headers are dropped" no "$B" raw6 hop dstopts dstopts dstopts dstopts dstopts dstopts dstopts dstopts udp,dport=54
	is "cgroup egress: and counted" "$(malformed_packets group extension-limit)" 1
	ok "removed" weir remove group
fi
tests_end
