# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The examples of the Aya book, with real packets: each prints the lines that its chapter shows. Those that need kprobes or LSM run in
# tests/vm/examples.sh.
. "$(dirname "$0")/lib.sh"
examples xdp-hello
STAMP='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z'
playground
# 1.1.1.1 is in the other namespace, and so is an address that nobody blocks.
for address in 1.1.1.1 192.168.1.21; do
	ip -n "$A" addr add $address/32 dev va
	ip -n "$B" addr add $address/32 dev vb
	ip -n "$B" addr del $address/32 dev vb
	ip -n "$B" route add $address/32 dev vb
	ip -n "$B" neigh replace $address lladdr $AMAC nud permanent dev vb
done

# lines PATTERN: how many lines of the output are wholly that.
lines() { grep -Ecx -- "$1" "$WORK/out"; }
attached() { nsenter --net="/run/netns/$B" bpftool net show 2>/dev/null | grep -q vb; }

begin "xdp-hello begins" xdp-hello --iface vb
is "xdp-hello says that it waits" "$(lines "\[$STAMP INFO xdp_hello\] Waiting for Ctrl-C...")" 1
in_a ping -q -c 4 -i 0.05 -W 1 $B4 >/dev/null
ok "xdp-hello: the program is attached while it runs" attached
end
at_least "xdp-hello logs each packet" "$(lines "\[$STAMP INFO xdp_hello\] received a packet")" 4
is "xdp-hello says that it ends" "$(tail -n 1 "$WORK/out" | grep -Ecx "\[$STAMP INFO xdp_hello\] Exiting...")" 1
is "xdp-hello prints nothing else" "$(grep -Evc 'received a packet|Waiting for|Exiting' "$WORK/out")" 0
is "xdp-hello ends without an error" "$STATUS" 0
fails "xdp-hello: nothing stays attached" attached
exits "xdp-hello: no such interface" 3 "no such interface" in_b "$EXAMPLES/xdp-hello/xdp-hello" -i nosuch
exits "xdp-hello: an option that it does not have" 1 "invalid option -- 'x'" "$EXAMPLES/xdp-hello/xdp-hello" -x
exits "xdp-hello: a word too much" 1 "xdp-hello: 'vb' is too much" "$EXAMPLES/xdp-hello/xdp-hello" vb
matches "xdp-hello tells its options" "$("$EXAMPLES/xdp-hello/xdp-hello" -h)" '-i, --iface <IFACE>    \[default: eth0\]'

begin "xdp-log begins" xdp-log -i vb
web_server 80
in_a ncat -u -p 4433 -w 1 $B4 9 2>/dev/null <<<x
in_a curl -sS --max-time 2 --noproxy '*' --local-port 50443 "http://$B4:80/" >/dev/null
ok "xdp-log lets all pass, which its chapter's program does not" pings
end
at_least "xdp-log logs address and port of TCP" "$(lines "\[$STAMP INFO xdp_log\] SRC IP: $A4, SRC PORT: 50443")" 3
at_least "xdp-log logs address and port of UDP" "$(lines "\[$STAMP INFO xdp_log\] SRC IP: $A4, SRC PORT: 4433")" 1
is "xdp-log logs nothing else" "$(grep -Evc 'SRC IP: 10.0.0.1, SRC PORT: (50443|4433)|Waiting for|Exiting' "$WORK/out")" 0

begin "xdp-drop begins" xdp-drop -i vb
fails "xdp-drop: nothing from 1.1.1.1 arrives" in_a ping -q -c 2 -i 0.1 -W 1 -I 1.1.1.1 $B4
ok "xdp-drop: what comes from elsewhere does" in_a ping -q -c 2 -i 0.1 -W 1 -I 192.168.1.21 $B4
end
is "xdp-drop logs what it drops" "$(lines "\[$STAMP INFO xdp_drop\] SRC: 1.1.1.1, ACTION: 1")" 2
is "xdp-drop logs what it lets pass" "$(lines "\[$STAMP INFO xdp_drop\] SRC: 192.168.1.21, ACTION: 2")" 2

begin "tc-egress begins" tc-egress -i vb
fails "tc-egress: nothing is sent to 1.1.1.1" in_b ping -q -c 2 -i 0.1 -W 1 1.1.1.1
ok "tc-egress: what goes elsewhere is" in_b ping -q -c 2 -i 0.1 -W 1 192.168.1.21
end
at_least "tc-egress logs what it drops" "$(lines "LOG: SRC 1.1.1.1, ACTION 2")" 2
is "tc-egress logs what it lets pass" "$(lines "LOG: SRC 192.168.1.21, ACTION 3")" 2
ok "tc-egress: nothing stays" in_b ping -q -c 1 -W 1 1.1.1.1
export WEIR_NO_TCX=1
begin "tc-egress begins on a kernel without tcx" tc-egress -i vb
matches "tc-egress: it is a filter of clsact then" "$(ip netns exec "$B" tc filter show dev vb egress)" 'tc_egress.*direct-action'
fails "tc-egress without tcx: nothing is sent to 1.1.1.1" in_b ping -q -c 1 -W 1 1.1.1.1
end
at_least "tc-egress without tcx logs what it drops" "$(lines "LOG: SRC 1.1.1.1, ACTION 2")" 1
lacks "tc-egress takes the qdisc that it made with it" "$(ip netns exec "$B" tc qdisc show dev vb)" clsact
unset WEIR_NO_TCX

if [ -z "$(cgroup_mount)" ]; then
	skip "cgroup-skb-egress" "no cgroup2 is mounted"
else
	cgroup foo
	begin "cgroup-skb-egress begins" cgroup-skb-egress -c "$CGROUP"
	in_foo() { in_cgroup "$CGROUP" nsenter --net="/run/netns/$B" "$@"; }
	fails "cgroup-skb-egress: the cgroup does not reach 1.1.1.1" in_foo curl -sS --max-time 1 --noproxy '*' http://1.1.1.1/
	ok "cgroup-skb-egress: others do" in_b ping -q -c 1 -W 1 1.1.1.1
	ok "cgroup-skb-egress: the cgroup reaches others" in_foo ping -q -c 4 -i 0.1 -W 1 192.168.1.21
	exits "cgroup-skb-egress is alone at its cgroup" 3 "another program is at this cgroup" in_b "$EXAMPLES/cgroup-skb-egress/cgroup-skb-egress" -c "$CGROUP"
	end
	at_least "cgroup-skb-egress logs what it drops" "$(lines "LOG: DST 1.1.1.1, ACTION 0")" 1
	is "cgroup-skb-egress logs what it lets pass" "$(lines "LOG: DST 192.168.1.21, ACTION 1")" 4
	ok "cgroup-skb-egress: nothing stays" in_foo ping -q -c 1 -W 1 1.1.1.1
fi
tests_end
