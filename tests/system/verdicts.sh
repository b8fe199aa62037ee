# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The verdicts beside accept and drop, with real interfaces: fwd to (a wire of two veth pairs, and ifb for queueing on the way in), bounce,
# to xsk (with the receiver of examples/), at XDP native and generic, tcx and clsact.
. "$(dirname "$0")/lib.sh"

# A (va) -- r1 R r2 -- vb (B): R forwards frames between its two interfaces and has no addresses.
R=weir-test-$$-r
namespace "$A"
namespace "$B"
namespace "$R"
ip -n "$A" link add va address $AMAC type veth peer name r1 netns "$R"
ip -n "$B" link add vb address $BMAC type veth peer name r2 netns "$R"
for end in "$A va $A4 $A6" "$B vb $B4 $B6"; do
	read -r ns dev four six <<<"$end"
	ip -n "$ns" addr add "$four/24" dev "$dev"
	ip -n "$ns" -6 addr add "$six/64" dev "$dev" nodad
	ip -n "$ns" link set "$dev" up
done
ip -n "$R" link set r1 up
ip -n "$R" link set r2 up
ip -n "$A" neigh replace $B4 lladdr $BMAC nud permanent dev va
ip -n "$B" neigh replace $A4 lladdr $AMAC nud permanent dev vb
in_r() { nsenter --net="/run/netns/$R" "$@"; }
# What native XDP sends into a veth is taken at its other end by NAPI, which a program there or GRO switches on; and a checksum that the
# sender left to its card is lost on that way.
in_a ethtool -K va gro on tx off >/dev/null 2>&1
in_b ethtool -K vb gro on tx off >/dev/null 2>&1
web_server 80
watch_arrivals "$A" va
watch_arrivals "$B" vb

fails "without a policy nothing goes through" pings

try_forward() {
	local hook=$1 how=$2
	enforce wire <<-END
		chain there { hook $hook ingress on r1 netns $R ${3:-}; udp dport 7 drop; tcp dport 81 bounce; fwd to r2; }
		chain back { hook $hook ingress on r2 netns $R ${3:-}; fwd to r1; }
	END
	is "$how: list names the way of attaching" "$(json '[.policies[] | select(.name == "wire") | .chains[].attachments[].how] | unique | join(",")')" "$how"
	ok "$how: ping goes through" pings
	ok "$how: a page is fetched through the wire" fetch 80
	arrives "$how: what is dropped does not arrive" no "$B" frame_a ip,src=$A4,dst=$B4 udp,dport=7
	arrives "$how: IPv6 arrives" yes "$B" frame_a ip6,src=$A6,dst=$B6 udp,dport=8
	at_least "$how: the rules count" "$(rule_packets wire 'fwd to r2')" 5
	is "$how: list says where to" "$(json '[.policies[].chains[].rules[] | select(.verdict == "fwd") | .to] | sort | join(",")')" "r1,r2"
	in_a timeout 120 tcpdump -n -l -e -c 1 --immediate-mode -i va -Q in "tcp port 81" >"$WORK/seen" 2>"$WORK/seen.err" &
	STARTED+=($!)
	until_true 20 grep -q 'listening on' "$WORK/seen.err"
	arrives "$how: what is bounced does not arrive" no "$B" frame_a ip,src=$A4,dst=$B4 tcp,dport=81
	until_true 30 grep -q . "$WORK/seen"
	matches "$how: it comes back, with the Ethernet addresses changed about" "$(cat "$WORK/seen")" "$BMAC > $AMAC.*$A4.* > $B4"
	weir remove wire >/dev/null 2>&1
}
# A bounced frame wakes the other end of a veth only when a program is there.
enforce end <<END
chain end { hook xdp ingress on va netns $A mode native; policy accept; }
END
try_forward xdp native "mode native"
weir remove end >/dev/null 2>&1
try_forward xdp generic "mode generic"
tcx=$(printf 'chain c { hook tc ingress on r1 netns %s; accept; }' "$R" | weir apply --name probe - >/dev/null 2>&1 && json '.policies[].chains[].attachments[].how')
weir remove probe >/dev/null 2>&1
if [ "$tcx" = tcx ]; then try_forward tc tcx; else skip "tcx" "this kernel has no tcx (6.6)"; fi
WEIR_NO_TCX=1 try_forward tc clsact

# ---- An interface that is not there, and one that goes ----

exits "an interface that is not there is an error at its line" 3 "4:.*no such interface 'r3'" weir apply --name gone - <<-END
	chain there {
		hook tc ingress on r1 netns $R

		fwd to r3
	}
END
is "and nothing is in force" "$(json '.policies | length')" 0
ip -n "$R" link add r4 type veth peer name r5
for end in r4 r5; do ip -n "$R" link set "$end" addrgenmode none up; done
enforce gone <<-END
	chain there { hook tc ingress on r1 netns $R; udp dport 9 fwd to r4; fwd to r2; }
	chain back { hook tc ingress on r2 netns $R; fwd to r1; }
END
ip -n "$R" link del r4
ip -n "$R" link add r4 type veth peer name r5
for end in r4 r5; do ip -n "$R" link set "$end" addrgenmode none up; done
arrives "an interface that went takes its packets with it" no "$B" frame_a ip,src=$A4,dst=$B4 udp,dport=9
is "one of the same name that came later gets none" "$(ip -n "$R" -s -j link show r4 | jq '.[].stats64.tx.packets')" 0
ok "the rest goes on" pings
ok "apply finds the new one" weir apply "$WORK/gone.weir"
frame_a ip,src=$A4,dst=$B4 udp,dport=9
at_least "which gets its packets now" "$(ip -n "$R" -s -j link show r4 | jq '.[].stats64.tx.packets')" 1
weir remove gone >/dev/null 2>&1

# ---- What the kernel cannot redirect is counted, at XDP ----

ip -n "$R" link add r6 type veth peer name r7
enforce lost <<-END
	chain there { hook xdp ingress on r1 netns $R mode native; udp dport 9 fwd to r6; }
END
ip -n "$R" link del r6
arrives "a packet for an interface that went does not arrive" no "$B" frame_a ip,src=$A4,dst=$B4 udp,dport=9
is "list counts it, as the kernel's tracepoint has it" "$(json '.policies[].chains[].redirects_failed')" 1
matches "and says so" "$(weir list)" '1 dropped because the kernel could not redirect'
weir remove lost >/dev/null 2>&1
is "a policy that cannot fail has no count" "$(printf 'chain c { hook xdp ingress on r1 netns %s; udp drop; }' "$R" | weir apply --name plain - >/dev/null 2>&1 && json '.policies[].chains[].aborted')" null
weir remove plain >/dev/null 2>&1
is "and nothing of it is left" "$(find /sys/fs/bpf/weir -name 'faults*' 2>/dev/null)" ""

# ---- ifb: a queue for what comes in ----

wire() { printf 'chain there { hook tc ingress on r1 netns %s; fwd to r2; }\nchain back { hook tc ingress on r2 netns %s; fwd to r1; }\n' "$R" "$R"; }
wire | weir apply --name wire - >/dev/null 2>&1
modprobe -q ifb numifbs=0 2>/dev/null
if ip -n "$B" link add ifb0 type ifb 2>/dev/null && in_b tc qdisc add dev ifb0 root handle 1: htb default 30 2>/dev/null; then
	ip -n "$B" link set ifb0 up
	in_b tc class add dev ifb0 parent 1: classid 1:10 htb rate 1gbit quantum 60000
	in_b tc class add dev ifb0 parent 1: classid 1:30 htb rate 1gbit quantum 60000
	enforce queue <<-END
		chain in {
			hook tc ingress on vb netns $B
			icmp meta priority set 1:10 fwd to ifb0
			tcp fwd to ifb0
		}
	END
	class_packets() { in_b tc -s class show dev ifb0 | awk -v class="1:$1" '$1 == "class" { ours = $3 == class } ours && $1 == "Sent" { print $4 }'; }
	if pings; then
		at_least "ifb: what comes in goes through its class" "$(class_packets 10)" 1
		ok "ifb: a page is fetched through the queue" fetch 80
		at_least "ifb: what names no class is in the default one" "$(class_packets 30)" 3
	else
		skip "ifb" "below 6.2 what a program sends to an ifb is dropped there"
	fi
	weir remove queue >/dev/null 2>&1
else
	skip "ifb" "this kernel has no ifb"
fi

# ---- AF_XDP ----

receiver=$WORK/xsk-receiver
if ${CC:-cc} -O2 -o "$receiver" "$ROOT/examples/xsk-receiver.c" -lxdp -lbpf 2>"$WORK/cc"; then
	policy catch <<-END
		chain edge {
			hook xdp ingress on vb netns $B
			udp dport 9000 to xsk
			udp dport 9001 to xsk 5
		}
	END
	ok "xsk: the policy is applied" weir apply "$WORK/catch.weir"
	map() { json '.policies[] | select(.name == "catch") | .chains[].maps[] | select(.name == "weir_xsks") | .id'; }
	arrives "xsk: while nobody is there, packets are dropped" no "$B" frame_a ip,src=$A4,dst=$B4 udp,dport=9000
	is "xsk: and list says how many, as the kernel's tracepoint has it" \
		"$(json '.policies[] | select(.name == "catch") | .chains[].aborted')" "$(rule_packets catch 'udp dport 9000 to xsk')"
	id=$(map)
	in_b timeout 60 "$receiver" vb 0 "$id" 3 >"$WORK/caught" 2>&1 &
	STARTED+=($!)
	catcher=$!
	ok "xsk: the receiver is ready" until_true 5 grep -q ready "$WORK/caught"
	arrives "xsk: its packets do not come to the stack" no "$B" frame_a ip,src=$A4,dst=$B4 udp,dport=9000 zeros,100
	ok "xsk: they come to the receiver" until_true 3 grep -q '^142 bytes, ether 02:00:00:00:00:0a > 02:00:00:00:00:0b, type 0800' "$WORK/caught"
	ok "xsk: the policy is applied again" weir apply "$WORK/catch.weir"
	is "xsk: the map is the same" "$(map)" "$id"
	frame_a ip,src=$A4,dst=$B4 udp,dport=9000 zeros,200
	ok "xsk: the receiver goes on over a change of policy" until_true 3 grep -q '^242 bytes' "$WORK/caught"
	frame_a ip,src=$A4,dst=$B4 udp,dport=9001 zeros,300
	frame_a ip,src=$A4,dst=$B4 udp,dport=9000 zeros,400
	wait "$catcher"
	is "xsk: a row in which no socket is gets nothing" "$(grep -c '^342' "$WORK/caught")" 0
	is "xsk: three packets were caught" "$(grep -c bytes "$WORK/caught")" 3
	arrives "xsk: when the receiver has gone, packets are dropped again" no "$B" frame_a ip,src=$A4,dst=$B4 udp,dport=9000
	weir apply "$WORK/catch.weir" >/dev/null 2>&1
	at_least "xsk: the failures count on over a change of policy" "$(json '.policies[] | select(.name == "catch") | .chains[].aborted')" 3
	arrives "xsk: others pass all the time" yes "$B" frame_a ip,src=$A4,dst=$B4 udp,dport=9002
	weir remove catch >/dev/null 2>&1
else
	skip "xsk" "the receiver cannot be built here (libxdp-dev): $(head -n 1 "$WORK/cc")"
fi
tests_end
