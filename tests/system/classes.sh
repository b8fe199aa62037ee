# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Marks and classes: what a policy sets steers packets into the classes of a real HTB qdisc, by tcx and by clsact, from tc and
# from a cgroup, and weir and tc count the same.
. "$(dirname "$0")/lib.sh"
playground
modprobe -q sch_htb 2>/dev/null

# An HTB qdisc with its counters at zero.
classes() {
	in_b tc qdisc del dev vb root 2>/dev/null
	in_b tc qdisc add dev vb root handle 1: htb default 30 2>/dev/null || return
	for class in 10 11 1f 30; do in_b tc class add dev vb parent 1: classid 1:$class htb rate 1gbit quantum 60000; done
}
# "PACKETS BYTES" that HTB sent through a class.
class_sent() { in_b tc -s class show dev vb | awk -v class="1:$1" '$1 == "class" { ours = $3 == class } ours && $1 == "Sent" { print $4, $2 }'; }
# Those of a rule, or of the policy.
rule_sent() { json --arg text "$1" '.policies[].chains[].rules[] | select(.text == $text) | "\(.packets) \(.bytes)"'; }
# udp PORT COUNT: from B to A, each longer than the one before.
udp() { for ((i = 1; i <= $2; i++)); do frame_b "ip,src=$B4,dst=$A4" "udp,dport=$1" "zeros,$((i * 10))"; done; }

classes || skip_all "this kernel has no HTB"
watch_arrivals "$A" va

policy shape <<END
chain out {
	hook tc egress on vb netns $B
	icmpv6 drop             # what the kernel itself says to its neighbours
	udp dport 1000 meta mark set 0x11
	udp dport 1000 meta priority set 1:mark
	udp dport 1001 meta priority set 1:10 accept
	udp dport 1002 meta mark set 0x1f meta priority set 1:mark accept
	udp dport 1003 meta mark set 0x50000 meta priority set 1:mark
	udp dport 1004 meta priority set 1:10 drop
}
END

try_classes() {
	local how=$1
	ok "$how: the policy is applied" weir apply "$WORK/shape.weir"
	classes
	is "$how: list names the way of attaching" "$(json '.policies[].chains[].attachments[].how')" "$how"
	arrives "$how: a classified packet arrives" yes "$A" udp 1001 1
	udp 1000 3
	udp 1001 4
	udp 1002 5
	udp 1003 2
	udp 1004 2
	udp 9 2
	is "$how: a class by number" "$(class_sent 10)" "$(rule_sent 'udp dport 1001 meta priority set 1:10 accept')"
	is "$how: five packets in it" "$(class_sent 10 | cut -d' ' -f1)" 5
	is "$how: a class by the mark that an earlier rule set" "$(class_sent 11)" "$(rule_sent 'udp dport 1000 meta priority set 1:mark')"
	is "$how: three packets in it" "$(class_sent 11 | cut -d' ' -f1)" 3
	is "$how: a class by the mark that the rule itself sets" "$(class_sent 1f)" \
		"$(rule_sent 'udp dport 1002 meta mark set 0x1f meta priority set 1:mark accept')"
	is "$how: five packets there" "$(class_sent 1f | cut -d' ' -f1)" 5
	is "$how: the default class has the rest, also what a mark of more than 16 bits would name" "$(class_sent 30 | cut -d' ' -f1)" 4
	ok "$how: removed" weir remove shape
	udp 1001 1
	is "$how: without it the class gets no more" "$(class_sent 10 | cut -d' ' -f1)" 5
	at_least "$how: and the default class what went there" "$(class_sent 30 | cut -d' ' -f1)" 5
}

tcx=$(weir apply "$WORK/shape.weir" >/dev/null 2>&1 && json '.policies[].chains[].attachments[].how')
weir remove shape >/dev/null 2>&1
if [ "$tcx" = tcx ]; then try_classes tcx; else skip "tcx" "this kernel has no tcx (6.6)"; fi
WEIR_NO_TCX=1 try_classes clsact

# The class of an action changes with the policy, in one step with the program: packets in between are in the one or the other.
classes
sed 's/1:10 accept/1:11 accept/' "$WORK/shape.weir" >"$WORK/other.weir"
weir apply --name shape "$WORK/shape.weir" >/dev/null 2>&1
udp 1001 1
(for _ in 1 2 3; do weir apply --name shape "$WORK/other.weir" && weir apply --name shape "$WORK/shape.weir"; done >/dev/null 2>&1) &
STARTED+=($!)
udp 1001 120
wait $!
is "while the policy changes, every packet is in the one class or the other" \
	"$(($(class_sent 10 | cut -d' ' -f1) + $(class_sent 11 | cut -d' ' -f1))) $(class_sent 30 | cut -d' ' -f1)" "121 0"
weir remove shape >/dev/null 2>&1

# ---- How much by mark ----

# "PACKETS BYTES" of a mark.
mark_sent() { json --argjson mark "$1" '.policies[].chains[].rules[].marks[] | select(.mark == $mark) | "\(.packets) \(.bytes)"'; }
in_b tc class add dev vb parent 1: classid 1:7 htb rate 1gbit quantum 60000
if ip netns exec "$B" nft -f - <<<'table ip m { chain o { type filter hook output priority 0; udp dport 3000 meta mark set 7; udp dport 3001 meta mark set 256; }; }' 2>/dev/null; then
	sed "s/eth0/vb netns $B/" "$ROOT/examples/marks.weir" >"$WORK/marks.weir"
	ok "marks: the example is applied" weir apply "$WORK/marks.weir"
	for port in 3000 3000 3000 3001; do in_b bash -c "echo \$RANDOM >/dev/udp/$A4/$port"; done
	is "marks: what netfilter marked is counted by it, as its class does" "$(mark_sent 7)" "$(class_sent 7)"
	is "marks: three packets" "$(mark_sent 7 | cut -d' ' -f1)" 3
	is "marks: a mark above those that are looked for is not counted" "$(mark_sent 256)" ""
else
	skip "marks by netfilter" "no nft"
fi
classes
sed "s/eth0/vb netns $B/; /meta mark <=/i udp dport 2000 meta mark set 0x10\nudp dport 2001 meta mark set 0x11\nudp dport 2002 meta mark set 0x1f" \
	"$ROOT/examples/marks.weir" >"$WORK/marks.weir"
sed -i 's/meta mark <= 255 //' "$WORK/marks.weir"
ok "marks: the example is applied, with rules that mark before it" weir apply "$WORK/marks.weir"
classes
udp 2000 3
udp 2001 2
udp 2002 4
udp 2003 1
for mark in 16 17 31; do
	is "marks: $mark counts as its class does" "$(mark_sent $mark)" "$(class_sent "$(printf %x $mark)")"
done
is "marks: four packets of the last" "$(mark_sent 31 | cut -d' ' -f1)" 4
at_least "marks: those without a mark count as 0" "$(mark_sent 0 | cut -d' ' -f1)" 1
matches "marks: list shows them below the rule" "$(weir list)" '^ +3 +[0-9]+ +mark 0x10$'
ok "marks: the policy is applied again" weir apply "$WORK/marks.weir"
is "marks: they count on" "$(mark_sent 31 | cut -d' ' -f1)" 4
sed -i 's/counter by meta mark accept/counter by meta mark comment "another" accept/' "$WORK/marks.weir"
ok "marks: the rule is another" weir apply "$WORK/marks.weir"
is "marks: and begins at nothing" "$(mark_sent 31)" ""
udp 2002 1
is "marks: and counts" "$(mark_sent 31 | cut -d' ' -f1)" 1
weir apply --reset "$WORK/marks.weir" >/dev/null 2>&1
is "marks: --reset forgets them" "$(mark_sent 31)" ""
weir remove marks >/dev/null 2>&1

# ---- What is cut into segments behind weir (GSO) counts as its class counts it: as all of them, with their headers ----

head -c 3000000 /dev/zero >"$WORK/zeros"
for host in $A4 $A6; do
	[ "$host" = "$A4" ] && family=ip type=ipv4_addr || family=ip6 type=ipv6_addr
	classes
	in_b tc class add dev vb parent 1: classid 1:7 htb rate 1gbit quantum 60000
	weir apply --reset --name marks - >/dev/null 2>&1 <<-END
		set hosts { type $type; counter; elements = { $host } }
		chain cls { hook tc egress on vb netns $B; $family daddr @hosts tcp dport 4000 meta mark set 7 meta priority set 1:mark counter by meta mark accept; }
	END
	background in_a sh -c "ncat -l $host 4000 >'$WORK/zeros.$host'"
	until_true 5 sh -c "nsenter --net=/run/netns/$A ss -Hltn 'sport = :4000' | grep -q ."
	in_b ncat --send-only $host 4000 <"$WORK/zeros"
	until_true 5 cmp -s "$WORK/zeros" "$WORK/zeros.$host"
	at_least "large packets to $host: so many segments" "$(class_sent 7 | cut -d' ' -f1)" 2000
	is "large packets to $host: the mark counts as its class does" "$(mark_sent 7)" "$(class_sent 7)"
	is "large packets to $host: and the element of a set" "$(weir set list -j marks hosts | jq -r '.elements[0] | "\(.packets) \(.bytes)"')" "$(class_sent 7)"
	is "large packets to $host: and so does the rule" "$(json '.policies[].chains[].rules[] | "\(.packets) \(.bytes)"')" "$(class_sent 7)"
	weir remove marks >/dev/null 2>&1
done

# A cgroup: what it sets is there when the packet comes to the qdisc.
cgroup marker
enforce cg <<-END
	chain service {
		hook cgroup egress on "$CGROUP_NAME"
		udp dport 1005 meta mark set 0x11 meta priority set 1:mark accept
	}
END
classes
in_cgroup "$CGROUP" nsenter --net="/run/netns/$B" bash -c "for i in 1 2 3; do echo \$i >/dev/udp/$A4/1005; done"
is "cgroup: packets of the service are in their class" "$(class_sent 11 | cut -d' ' -f1)" 3
is "cgroup: and counted" "$(rule_packets cg 'udp dport 1005 meta mark set 0x11 meta priority set 1:mark accept')" 3
is "cgroup: list names what the rule does" "$(json '.policies[].chains[].rules[].effects')" "meta mark set 0x11, meta priority set 1:mark"
weir remove cg >/dev/null 2>&1

# accept final: who stands behind weir at the same hook is not asked.
enforce first <<-END
	chain out {
		hook tc egress on vb netns $B
		udp dport 1006 accept final
		udp dport 1007 accept
	}
END
enforce second <<-END
	chain out {
		hook tc egress on vb netns $B
		udp dport { 1006, 1007 } drop
	}
END
arrives "accept final: a later chain that drops is not asked" yes "$A" udp 1006 1
arrives "accept: a later chain that drops is asked" no "$A" udp 1007 1
is "events name the verdict" "$(json '.policies[] | select(.name == "first") | .chains[].rules[0].verdict')" "accept final"

exits "xdp has no mark: the error names the hooks that have it" 1 'hooks that have it: tc ingress' weir check - <<-END
	chain edge { hook xdp ingress on vb; meta mark set 1; }
END
tests_end
