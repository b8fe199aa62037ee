# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A chain as the classifier of a qdisc that is there: the return codes of tc-bpf(8), beside filters of others, replaced and removed.
. "$(dirname "$0")/lib.sh"
playground
modprobe -q sch_htb 2>/dev/null
modprobe -q cls_bpf 2>/dev/null

classes() {
	in_b tc qdisc del dev vb root 2>/dev/null
	in_b tc qdisc add dev vb root handle 1: htb default 30 2>/dev/null || return
	for class in 10 11 1f 20 30; do in_b tc class add dev vb parent 1: classid 1:$class htb rate 1gbit quantum 60000; done
}
# How many packets HTB sent through a class.
sent() { in_b tc -s class show dev vb | awk -v class="1:$1" '$1 == "class" { ours = $3 == class } ours && $1 == "Sent" { print $4 }'; }
udp() { for ((i = 0; i < $2; i++)); do frame_b "ip,src=$B4,dst=$A4" "udp,dport=$1" "zeros,$i"; done; }
filters() { in_b tc filter show dev vb parent 1:; }

classes || skip_all "this kernel has no HTB"
policy cls <<END
chain cls {
	hook tc egress on vb netns $B parent 1: default 1:20
	udp dport 1000 class 1:10
	udp dport 1001 meta mark set 0x1f class 1:mark
	udp dport 1002 class default
	udp dport 1003 accept
	udp dport 1004 meta mark set 0x10000 class 1:mark
	meta malformed class 1:11
}
END
ok "the policy is applied" weir apply "$WORK/cls.weir"
is "list says how it stands there" "$(json '.policies[].chains[].attachments[] | "\(.how) \(.present)"')" "classifier true"
matches "tc shows the filter, without direct-action" "$(filters)" 'bpf .*flowid 1:20.*weir_tc_class'
lacks "it is not direct" "$(filters)" direct-action
udp 1000 3
udp 1001 2
udp 1002 4
udp 1003 1
udp 1004 1
is "a class" "$(sent 10) $(rule_packets cls 'udp dport 1000 class 1:10')" "3 3"
is "a class by mark" "$(sent 1f)" 2
is "-1: the filter's own class" "$(sent 20)" 4
at_least "0: no match, and the qdisc's default" "$(sent 30)" 2
frame_b "ip,src=$B4,dst=$A4,ihl=4" "udp,dport=1000"
is "a malformed packet is no error: it is classified as the rule says" "$(sent 11)" 1

in_b tc filter add dev vb parent 1: protocol ip prio 9 u32 match ip dport 1003 0xffff flowid 1:11
udp 1003 2
is "accept: the next filter is asked" "$(sent 11)" 3

sed -i 's/1000 class 1:10/1000 class 1:11/; s/default 1:20/default 1:1f/' "$WORK/cls.weir"
ok "the policy is replaced" weir apply "$WORK/cls.weir"
is "by one filter in its place" "$(filters | grep -c ' bpf .*weir')" 1
udp 1000 1
udp 1002 1
is "it names the new class" "$(sent 10) $(sent 11)" "3 4"
is "and the new default" "$(sent 20) $(sent 1f)" "4 3"

policy other <<END
chain also { hook tc egress on vb netns $B parent 1:; udp dport 1005 class 1:10; }
END
ok "a second policy classifies at the same qdisc" weir apply "$WORK/other.weir"
udp 1005 1
is "behind the first" "$(sent 10)" 4
ok "the second is removed" weir remove other
ok "the first is removed" weir remove cls
lacks "nothing of weir's is left" "$(filters)" weir
matches "another's filter is" "$(filters)" u32

ok "applied again" weir apply "$WORK/cls.weir"
in_b tc qdisc del dev vb root
is "when the qdisc goes, list says so" "$(json '.policies[].chains[].attachments[].present')" false
exits "and without it a policy is not applied: the error is at the line and says what to do" 3 'cls.weir:2:.*vb has no qdisc 1:' weir apply "$WORK/cls.weir"
weir remove cls >/dev/null 2>&1
classes
policy parent <<END
chain c { hook tc egress on vb netns $B parent 1:99; class 1:10; }
END
exits "a class that is not there as parent" 2 'its parent is no qdisc or class' weir apply "$WORK/parent.weir"
is "and nothing is left in force" "$(json '.policies | length')" 0

# The man page's smallest program: return -1.
sed "s/eth0/vb netns $B/" "$ROOT/examples/default-class.weir" >"$WORK/default-class.weir"
ok "the example is applied" weir apply "$WORK/default-class.weir"
before=$(sent 10)
udp 9 2
is "it puts everything into the filter's class" "$(($(sent 10) - before >= 2))" 1

policy drops <<END
chain c {
	hook tc egress on vb parent 1:
	udp drop
}
END
exits "a drop cannot be done there" 1 "3:.*a qdisc's classifier has no 'drop'" weir check "$WORK/drops.weir"
tests_end
