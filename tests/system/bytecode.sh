# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# tcpdump expressions and bytecode as matches on real traffic at each hook, and weir bytecode beside tcpdump and tc.
. "$(dirname "$0")/lib.sh"
playground
web_server 80 8080

# The command, beside tcpdump's own.
same=0
for link in EN10MB RAW; do
	while read -r expression; do
		for form in "-l -d" "-b -ddd"; do
			# shellcheck disable=SC2086
			set -- $form
			if [ "$1" = -l ]; then
				got=$(weir bytecode -l $link "$expression" | sed 's/ *$//')
				wanted=$(tcpdump -d -y $link "$expression" 2>/dev/null | sed 's/ *$//')
			else
				got=$(weir bytecode $link "$expression")
				wanted=$(tcpdump -ddd -y $link "$expression" 2>/dev/null | paste -sd,)
			fi
			if [ "$got" = "$wanted" ]; then same=$((same + 1)); else is "$link $expression" "$got" "$wanted"; fi
		done
	done <<-'END'
		tcp[tcpflags] & tcp-syn != 0 and not port 22
		ip[2:2] / 3 % 7 << 2 = 8 or -ip[3] = 4 and len > 5
		tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420
		ip6 or host 192.0.2.1
		ip protochain 6
		portrange 1000-2000 or icmp[icmptype] = icmp-echo
	END
done
is "weir bytecode prints what tcpdump -d and -ddd print" "$same" 24
printf 'ldh [12]\njne #0x806, no ; not ARP\nret #-1\nno: ret #0\n' >"$WORK/arp.asm"
is "weir bytecode --asm prints the line of an assembly" "$(weir bytecode --asm "$WORK/arp.asm")" "4,40 0 0 12,21 0 1 2054,6 0 0 4294967295,6 0 0 0"
is "from standard input, too" "$(weir bytecode --asm - <"$WORK/arp.asm")" "4,40 0 0 12,21 0 1 2054,6 0 0 4294967295,6 0 0 0"
is "JSON has the line, the link type and the instructions" \
	"$(weir bytecode -j RAW ip | jq -c '[.link, .bytecode, (.instructions | length), .instructions[0].text]')" \
	'["RAW","5,48 0 0 0,84 0 0 240,21 0 1 64,6 0 0 262144,6 0 0 0",5,"ldb [0]"]'
exits "a bad expression is an error that quotes libpcap" 1 "syntax error" weir bytecode "tcp prt 80"
exits "and so is bad assembly, with its place" 1 "arp.asm:1:1: error: no instruction 'foo'" \
	bash -c "echo foo >'$WORK/arp.asm' && '$WEIR' bytecode --asm '$WORK/arp.asm'"
exits "a missing file is the surroundings' fault" 3 "cannot read" weir bytecode --asm /nonexistent
exits "an expression in several arguments is told" 1 "quotation marks" weir bytecode tcp port 80
tc_line=$(weir bytecode 'icmp')
if ip netns exec "$B" tc qdisc add dev vb clsact 2>/dev/null &&
	ip netns exec "$B" tc filter add dev vb ingress bpf bytecode "1,6 0 0 0" 2>/dev/null; then
	ok "tc takes the line" ip netns exec "$B" tc filter add dev vb ingress bpf bytecode "$tc_line"
	ip netns exec "$B" tc qdisc del dev vb clsact
else
	skip "tc takes the line" "no cls_bpf"
fi

# Going through a program: what it says of a whole capture is what tcpdump and the evaluator say.
in_a tcpdump -Z root --immediate-mode -U -n -i va -w "$WORK/wire.pcap" "not ether multicast" 2>"$WORK/tcpdump.err" &
STARTED+=($!)
until_true 5 grep -q 'listening on' "$WORK/tcpdump.err"
fetch 80 >/dev/null 2>&1
pings >/dev/null 2>&1
pings $B6 >/dev/null 2>&1
sleep 0.3
packets=$(tcpdump -n -r "$WORK/wire.pcap" 2>/dev/null | wc -l)
at_least "there is something to go through" "$packets" 10
for expression in "tcp[tcpflags] & tcp-syn != 0" "icmp or icmp6" "len > 70"; do
	passes=$(tcpdump -n -r "$WORK/wire.pcap" "$expression" 2>/dev/null | wc -l)
	is "step: '$expression' passes what tcpdump shows" \
		"$(echo all | weir bytecode --step "$WORK/wire.pcap" "$expression" | grep passes)" "passes: $passes, fails: $((packets - passes))"
done
policy step <<-END
	set few { type ipv4_addr; elements = { $A4 } }
	chain step {
		hook xdp ingress on vb netns $B
		ip saddr @few counter
		pcap "tcp[tcpflags] & tcp-syn != 0" drop
		icmp type echo-request drop
	}
END
passes=$(weir why -j "$WORK/step.weir" "$WORK/wire.pcap" | jq -r 'select(.verdict == "accept").verdict' | wc -l)
is "step: generated code passes what the evaluator passes" \
	"$(echo all | weir why --step "$WORK/step.weir" "$WORK/wire.pcap" | grep passes)" "passes: $passes, fails: $((packets - passes))"
session=$(printf 'breakpoint 9\nselect 2\nrun\nregisters\nnext\nstep\npacket\nquit\nstep\n' | weir bytecode --step "$WORK/wire.pcap" "tcp port 80")
matches "step: a breakpoint stops" "$session" "^breakpoint$"
matches "step: the next packet is begun with" "$session" "^packet 3 of $packets: "
matches "step: its bytes are shown" "$session" "^     0: 02 00 00"
exits "step: a wrong command in a script is an error" 1 "no such command" bash -c "echo bogus | '$WEIR' bytecode --step '$WORK/wire.pcap' ip"
exits "step: a breakpoint outside of the program is an error" 1 "no such instruction" \
	bash -c "echo breakpoint 99 | '$WEIR' bytecode --step '$WORK/wire.pcap' ip"

# The matches.
ok "before any policy port 80 answers" fetch 80
for hook in "xdp ingress" "tc ingress"; do
	enforce syn "an expression at $hook" <<-END
		chain syn {
			hook $hook on vb netns $B
			pcap "tcp[tcpflags] & tcp-syn != 0 and not port 8080" drop
		}
	END
	fails "a SYN to port 80 is dropped" fetch 80
	ok "port 8080 is left alone" fetch 8080
	at_least "the rule counted" "$(rule_packets syn 'pcap "tcp[tcpflags] & tcp-syn != 0 and not port 8080" drop')" 1
done
weir bytecode 'icmp or icmp6' >"$WORK/icmp.bytecode"
printf 'ld proto\njeq #0x800, l1, no\nl1: ldb [-1048567]\njeq #1, yes, no\nyes: ret #1\nno: ret #0\n' >"$WORK/icmp.asm"
enforce syn "bytecode of a file at tc" <<END
chain syn {
	hook tc ingress on vb netns $B
	bytecode asm file "icmp.asm" counter
	bytecode file "icmp.bytecode" drop
}
END
fails "ping gets no answer" pings
fails "nor by IPv6" pings $B6
ok "port 80 is left alone" fetch 80
is "the one in assembly saw the IPv4 one only" "$(rule_packets syn 'bytecode asm file "icmp.asm" counter')" 1
is "the other one both" "$(rule_packets syn 'bytecode file "icmp.bytecode" drop')" 2
ok "the policy is removed" weir remove syn

if [ -n "$(cgroup_mount)" ]; then
	cgroup service
	fetch_in() { in_cgroup "$CGROUP" nsenter --net="/run/netns/$A" curl -sS --max-time 1 --noproxy '*' "http://$B4:$1/" | grep -q welcome; }
	enforce service "an expression at a cgroup" <<-END
		chain service {
			hook cgroup egress on "$CGROUP_NAME"
			pcap "tcp dst port 80" drop
			bytecode "$(weir bytecode RAW 'dst port 8080')" counter
		}
	END
	fails "port 80 is closed to its processes" fetch_in 80
	ok "port 8080 is open" fetch_in 8080
	at_least "and was seen by bytecode" "$(json '.policies[].chains[].rules[1].packets')" 4
	ok "others are not held to it" fetch 80
	ok "the policy is removed" weir remove service
fi

# A tag that the kernel takes off before tc: an expression sees it nonetheless; at XDP it is in the frame.
for hook in "xdp ingress" "tc ingress"; do
	enforce tags "an expression about a VLAN tag at $hook" <<-END
		chain tags {
			hook $hook on vb netns $B
			pcap "vlan 7 and icmp" counter
			pcap "vlan 8" drop
			pcap "icmp" drop
		}
	END
	frame_a vlan,id=7 ip,src=$A4,dst=$B4 icmp >/dev/null
	sleep 0.1
	is "the tagged ping met it" "$(rule_packets tags 'pcap "vlan 7 and icmp" counter')" 1
	is "and not the one about untagged frames" "$(rule_packets tags 'pcap "icmp" drop')" 0
	ok "the policy is removed" weir remove tags
done

# The examples, on this wire.
for example in bytecode-all tcp-syn ipv4-tcp payload; do
	sed "s/ on eth0/ on vb netns $B/; s|\"ipv4-tcp.asm\"|\"$ROOT/examples/ipv4-tcp.asm\"|" "$ROOT/examples/$example.weir" >"$WORK/example.weir"
	ok "examples/$example.weir is applied" weir apply "$WORK/example.weir"
	case $example in
	bytecode-all)
		pings >/dev/null 2>&1
		at_least "every packet meets it" "$(json '.policies[].chains[].rules[0].packets')" 1
		;;
	tcp-syn)
		ok "a connection to port 80 is opened" fetch 80
		fails "one to port 8080 is not" fetch 8080
		is "expression and bytecode counted the same" "$(json '.policies[].chains[].rules[0].packets')" "$(json '.policies[].chains[].rules[1].packets')"
		at_least "and something" "$(json '.policies[].chains[].rules[0].packets')" 2
		;;
	ipv4-tcp)
		fails "TCP over IPv4 is dropped" fetch 80
		ok "over IPv6 it passes" fetch6 80
		;;
	payload)
		ok "a connection is made" in_a nc -z -w 1 $B4 80
		fails "and what it carries is dropped" fetch 80
		;;
	esac
	ok "the example is removed" weir remove example
done
tests_end
