#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# weir log packets: what comes in is told as it was sent, passes, and is never more than the rate; nothing of others is touched.
. "$(dirname "$0")/lib.sh"
playground
web_server 80
LOG=$WORK/log

# logged SECONDS [ARGUMENT...]: begin to log the packets into vb; until_logged waits until it looks.
begin() {
	: >"$LOG"
	"$WEIR" log packets on "$@" >"$LOG" 2>"$WORK/errors" </dev/null &
	LOGGER=$!
	STARTED+=("$LOGGER")
	until_true 10 grep -q . "$LOG"
}
# The end, as Ctrl-C makes it.
end() {
	sleep 0.3
	kill -INT "$LOGGER" 2>/dev/null
	wait "$LOGGER"
	ENDED=$?
}
udp_a() { frame_a "ip,src=$A4,dst=$B4" "udp,sport=1111,dport=${1:-2222}"; }
xdp_of_vb() { ip -n "$B" -d link show vb | grep -Eo 'prog/xdp id [0-9]+' || echo none; }

begin vb --netns="$B"
matches "it says where it looks" "$(head -n 1 "$LOG")" "^packets into vb netns $B: at XDP \(native\), all pass; 1000 a second at most$"
ok "what is looked at passes: the web server answers" fetch 80
ok "by IPv6, too" fetch6 80
ok "ping is answered" pings
udp_a
frame_a "ip6,src=$A6,dst=$B6" "udp,sport=53,dport=5353"
frame_a vlan,id=7 "ip,src=$A4,dst=$B4" "udp,sport=4,dport=5"
end
is "it ends at Ctrl-C" "$ENDED" 0
is "and leaves nothing attached" "$(xdp_of_vb)" none
all=$(cat "$LOG")
matches "TCP: addresses, ports, flags" "$all" "^[0-9:.]{15}  vb netns $B  tcp $A4:[0-9]+ > $B4:80 syn, 74 bytes$"
matches "TCP over IPv6" "$all" "tcp \[$A6\]:[0-9]+ > \[$B6\]:80 syn, 94 bytes$"
matches "ICMP" "$all" "icmp $A4 > $B4 echo-request, "
matches "UDP" "$all" "udp $A4:1111 > $B4:2222, [0-9]+ bytes$"
matches "UDP over IPv6" "$all" "udp \[$A6\]:53 > \[$B6\]:5353, "
matches "a VLAN's" "$all" "udp $A4:4 > $B4:5 vlan 7, "
lacks "what goes out is not told" "$all" "$B4:80 > $A4"

begin vb --netns="$B" -j
frame_a "ip,src=$A4,dst=$B4,ttl=9" "udp,sport=7,dport=8"
end
is "JSON names the place" "$(head -n 1 "$LOG" | jq -r '[.schema, .interface, .mode, .rate, .xdp_error] | @csv')" '1,"vb","native",1000,'
is "and the packet's fields" "$(jq -r 'select(.sport == 7) | [.interface, .network, .saddr, .daddr, .protocol, .sport, .dport, .ttl] | @csv' "$LOG")" \
	"\"vb\",\"ipv4\",\"$A4\",\"$B4\",\"udp\",7,8,9"

# ---- A filter ----
# Each expression is met by the first port and not by the second, at each place.
filter_chooses() { # EXPRESSION MODE
	begin vb --netns="$B" --filter="$1" --mode="$2"
	udp_a 2001
	udp_a 2002
	frame_a "ip,src=$A4,dst=$B4" udp,sport=1111,dport=2003 zeros,200
	frame_a vlan,id=7 "ip,src=$A4,dst=$B4" udp,sport=1111,dport=2004
	frame_a "ip6,src=$A6,dst=$B6" udp,sport=1111,dport=2005
	end
	sed -n 's/.* udp .*:\(200[0-9]\)[, ].*/\1/p' "$LOG" | sort | tr '\n' ' '
}
for mode in native generic socket; do
	is "$mode: a port" "$(filter_chooses "udp dst port 2002" $mode)" "2002 "
	is "$mode: a length" "$(filter_chooses "udp and greater 200" $mode)" "2003 "
	is "$mode: IPv6, and bytes at a place that the packet names" "$(filter_chooses "ip6 or udp[2:2] = 2001" $mode)" "2001 2005 "
done
is "a VLAN's, whose tag is in the frame" "$(filter_chooses "vlan 7" native)" "2004 "
begin vb --netns="$B" --filter="udp port 9998" --rate=5
in_a "$SEND_FRAME" -n 300 va "eth,src=$AMAC,dst=$BMAC" "ip,src=$A4,dst=$B4" "udp,sport=1111,dport=9999"
udp_a 9998
end
is "a flood that does not meet it takes nothing from the rate" "$(grep -c ':9998,' "$LOG")" 1
lacks "and is not counted" "$(cat "$LOG")" suppressed
exits "an expression that is none" 1 "'tcp prot 80' is no expression of tcpdump's: syntax error" weir log packets on vb --netns="$B" --filter="tcp prot 80"

# ---- The rate ----
begin vb --netns="$B" --rate=20 --mode=generic
matches "another rate and mode are told" "$(head -n 1 "$LOG")" "at XDP \(generic\), all pass; 20 a second at most"
in_a "$SEND_FRAME" -n 500 va "eth,src=$AMAC,dst=$BMAC" "ip,src=$A4,dst=$B4" "udp,sport=1111,dport=9999"
end
lines=$(grep -c ':9999,' "$LOG")
suppressed=$(sed -n 's/^\([0-9]*\) packets\{0,1\} wa*e*[rs]*e* suppressed: .*/\1/p' "$LOG" | awk '{ n += $1 } END { print n + 0 }')
at_least "of a flood the first are told" "$lines" 20
is "at most as many a second" "$((lines <= 60))" 1
is "the others are counted, each once" "$((lines + suppressed))" 500

# A reader that stands still: what finds no room is counted as lost, and no packet waits for it.
begin vb --netns="$B" --rate=1000000
kill -STOP "$LOGGER"
in_a "$SEND_FRAME" -n 20000 va "eth,src=$AMAC,dst=$BMAC" "ip,src=$A4,dst=$B4" "udp,sport=1111,dport=9999"
ok "while nobody reads, packets pass" fetch 80
kill -CONT "$LOGGER"
lost() { sed -n 's/^\([0-9]*\) packets* w[a-z]* lost: .*/\1/p' "$LOG" | awk '{ n += $1 } END { print n + 0 }'; }
told() { [ $(($(grep -cE '^[0-9:.]{15}  vb' "$LOG") + $(lost))) -ge 20000 ]; }
until_true 10 told
end
lost=$(lost)
at_least "what was not read in time is told as lost" "$lost" 1000
others=$(grep -cE '^[0-9:.]{15}  vb' "$LOG")
at_least "nothing is missing from lines and losses" "$((others + lost))" 20000

# ---- Several interfaces, counts, ends ----
ip -n "$A" link add va2 type veth peer name vb2 netns "$B"
ip -n "$A" link set va2 up
ip -n "$B" link set vb2 up
begin vb vb2 --netns="$B"
is "each interface is named at first" "$(head -n 2 "$LOG" | grep -c 'at XDP')" 2
udp_a 3001
in_a "$SEND_FRAME" va2 "eth,src=$AMAC,dst=$BMAC" "ip,src=$A4,dst=$B4" "udp,sport=1111,dport=3002"
end
matches "the first's packet" "$(cat "$LOG")" "  vb netns $B  udp .*:3001,"
matches "the second's packet" "$(cat "$LOG")" "  vb2 netns $B  udp .*:3002,"
begin vb --netns="$B" --count=2
for port in 1 2 3 4; do udp_a $port; done
ok "it ends after --count packets" until_true 5 bash -c "! kill -0 $LOGGER 2>/dev/null"
is "and prints no more" "$(grep -cE '^[0-9:.]{15}  ' "$LOG")" 2
ok "it ends after --seconds" timeout 5 "$WEIR" log packets on vb --netns="$B" --seconds=1
ok "in its own network namespace no name is needed" in_b timeout 5 "$WEIR" log packets on vb --seconds=1

# ---- Who else is there ----
policy edge <<-END
	chain edge {
	    hook xdp ingress on vb netns $B
	    udp dport 666 drop
	}
END
ok "a policy of weir's at XDP" weir apply "$WORK/edge.weir"
held=$(xdp_of_vb)
begin vb --netns="$B"
matches "is left alone: a packet socket looks, and says so" "$(head -n 1 "$LOG")" \
	"^packets into vb netns $B: by a packet socket, behind XDP, since program [0-9]+ \(weir_xdp\) is at XDP: what that drops is not seen; 1000"
udp_a 667
udp_a 666
frame_a vlan,id=7 "ip,src=$A4,dst=$B4" "udp,sport=4,dport=668"
ok "the web server answers" fetch 80
end
matches "it tells the packet" "$(cat "$LOG")" "udp $A4:1111 > $B4:667, "
matches "and that of a VLAN" "$(cat "$LOG")" "udp $A4:4 > $B4:668 vlan 7, "
lacks "but not what the policy dropped" "$(cat "$LOG")" ":666"
lacks "nor what goes out" "$(cat "$LOG")" "$B4:80 > $A4"
is "the policy's program is the same" "$(xdp_of_vb)" "$held"
is "and counted what it dropped" "$(rule_packets edge 'udp dport 666 drop')" 1
exits "where XDP is asked for, it is an error" 2 "cannot log the packets of 'vb' at XDP: .*EBUSY" weir log packets on vb --netns="$B" --mode=native --seconds=1
ok "the policy goes" weir remove edge

cat >"$WORK/other.c" <<-'END'
	#include <linux/bpf.h>
	__attribute__((section("xdp"))) int other(struct xdp_md *ctx) { return XDP_PASS; }
	char _license[] __attribute__((section("license"))) = "GPL";
END
clang -target bpf -O2 -g -idirafter "/usr/include/$(gcc -print-multiarch)" -c "$WORK/other.c" -o "$WORK/other.o"
ip -n "$B" link set vb xdpgeneric obj "$WORK/other.o" sec xdp 2>/dev/null || ip -n "$B" link set vb xdp obj "$WORK/other.o" sec xdp
held=$(xdp_of_vb)
begin vb --netns="$B"
matches "somebody else's program is left alone, and named" "$(head -n 1 "$LOG")" "since program [0-9]+ \(other\) is at XDP"
udp_a 669
end
matches "the packet is told" "$(cat "$LOG")" ":669, "
is "his program is the same" "$(xdp_of_vb)" "$held"
lacks "there is a program to be the same" "$held" none
ip -n "$B" link set vb xdpgeneric off
ip -n "$B" link set vb xdp off

# An interface without Ethernet headers: a tunnel, of which this is the other end.
packet=$("$SEND_FRAME" -p va "ip,src=10.9.0.1,dst=10.9.0.2" udp,sport=9,dport=10)
mkfifo "$WORK/tunnel"
in_b perl -e 'open($t, "+<", "/dev/net/tun") or die; my $r = pack("a16sx22", "tn", 0x1001); ioctl($t, 0x400454ca, $r) or die;
	open($f, "<", $ARGV[1]); while (<$f>) { syswrite($t, pack("H*", $ARGV[0])) } sleep 60' "$packet" "$WORK/tunnel" 2>/dev/null &
STARTED+=($!)
exec 7<>"$WORK/tunnel" # waits for nobody
if until_true 5 ip -n "$B" link set tn up; then
	begin tn --netns="$B"
	matches "an interface without Ethernet headers is looked at by a packet socket" "$(head -n 1 "$LOG")" "by a packet socket, behind XDP, since the interface cannot do XDP"
	echo >&7
	end
	matches "and what comes through it is told" "$(cat "$LOG")" "tn netns $B  udp 10.9.0.1:9 > 10.9.0.2:10, 28 bytes"
else
	skip "an interface without Ethernet headers" "no tunnels here"
fi
exec 7>&-

# ---- Mistakes ----
exits "an interface that is not there" 3 "no interface 'vx' in the network namespace $B" weir log packets on vb vx --netns="$B"
is "then none is looked at" "$(xdp_of_vb)" none
exits "a namespace that is not there" 3 "cannot enter the network namespace 'nowhere'" weir log packets on vb --netns=nowhere
exits "no interface" 1 "on which interface" weir log packets on
exits "nothing to log" 1 "what is to be logged" weir log
exits "something else" 1 "'frames' cannot be logged" weir log frames on vb
exits "a rate of none" 1 "'0' is no number of packets" weir log packets on vb --rate=0
exits "a mode that is not there" 1 "no such mode 'fast'" weir log packets on vb --mode=fast
exits "without root" 3 "needs root" setpriv --reuid 65534 --clear-groups "$WEIR" log packets on lo --seconds=1
tests_end
