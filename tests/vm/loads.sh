#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What is hard on a verifier, or asks something of a kernel, is applied at each hook that has it: on an old kernel this is what breaks first.
# What packets meet there, the tests in tests/system see.
. "$(dirname "$0")/../system/lib.sh"
playground
ip -n "$B" link add out type veth peer name out-peer
ip -n "$B" link set out up
in_b tc qdisc add dev vb root handle 1: htb

write() { # HOOK RULES...
	printf 'set hosts { type ipv4_addr; size 1K; counter; elements = { 192.0.2.0/24, 198.51.100.1 }; }\nset pairs { type ipv6_addr . inet_service; size 64; }\n'
	printf 'chain c {\n\thook %s\n' "$1"
	printf '\t%s\n' "${@:2}"
	echo '}'
}
applies() { # HOOK RULES...: all of them at once; where they are refused, each by itself
	local hook=$1 rule
	shift
	write "$hook" "$@" >"$WORK/loads.weir"
	if weir apply "$WORK/loads.weir" >"$WORK/out" 2>&1; then
		result "$hook: $# rules of all kinds" 0
	else
		result "$hook: $# rules of all kinds" 1 "$(cat "$WORK/out")"
		for rule in "$@"; do
			write "$hook" "$rule" >"$WORK/loads.weir"
			ok "$hook: $rule" weir apply "$WORK/loads.weir"
		done
	fi
	weir remove loads >/dev/null 2>&1
}
everywhere=('tcp dport { 22, 80-90 } ip saddr 10.0.0.0/8 log prefix "x" drop' 'ip saddr @hosts drop' 'ip6 daddr . tcp dport @pairs drop'
	'http path { "/private*", "/admin" } drop' 'http host != "www.example.com" drop' 'http method DELETE log drop'
	'pcap "tcp[tcpflags] & tcp-syn != 0 and not port 22" drop' 'bytecode asm "ld poff ldx len div x ret a" drop'
	'bytecode asm "ldi 14 ldx #8 ld nla ret a" drop' 'meta malformed log drop')
marks=('counter by meta mark' 'meta mark set meta mark and 0xff00 or 0x12 meta priority set 1:mark')

applies "xdp ingress on vb netns $B" "${everywhere[@]}" 'tcp dport 80 fwd to out' 'tcp dport 80 bounce' 'udp dport 9 to xsk'
applies "tc ingress on vb netns $B" "${everywhere[@]}" "${marks[@]}" 'tcp dport 80 fwd to out' 'tcp dport 80 bounce' 'udp dport 1 accept final' \
	'meta l4proto { tcp, udp } th dport 80 redirect to :8080-8087 alive' 'meta l4proto { tcp, udp } th dport 80 dnat to :8080-8087 by round-robin alive'
applies "tc egress on vb netns $B" "${everywhere[@]}" "${marks[@]}" 'udp dport 53 dnat to :5353'
applies "tc egress on vb netns $B parent 1: default 1:30" "${everywhere[@]//drop/class 1:10}" 'udp class 1:mark'
if [ -n "$(cgroup_mount)" ]; then
	cgroup loads
	applies "cgroup ingress on \"$CGROUP_NAME\"" "${everywhere[@]}" "${marks[@]}"
	applies "cgroup egress on \"$CGROUP_NAME\"" "${everywhere[@]}" "${marks[@]}"
fi
tests_end
