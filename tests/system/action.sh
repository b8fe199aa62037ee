# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A chain as an action of tc's (act_bpf) that a filter of somebody's names: the five codes of tc-bpf(8). Most kernels have it as a
# module; where there is none, the error says so.
. "$(dirname "$0")/lib.sh"
playground
modprobe -q act_bpf 2>/dev/null
policy act <<END
chain act {
	hook tc action on 7 netns $B default ok
	udp dport 1000 accept
	udp dport 1001 accept final
	udp dport 1002 drop
	udp dport 1003 default
	udp dport 1004 meta mark 0 meta mark set 1 reclassify
	udp dport 1004 accept final
	udp dport 1005 reclassify
	accept final
}
END
if ! in_b tc actions add action bpf bytecode '1,6 0 0 0,' index 99 2>/dev/null; then
	exits "without act_bpf the error says what is missing" 2 "no actions of kind bpf" weir apply "$WORK/act.weir"
	is "and nothing is in force" "$(json '.policies | length')" 0
	tests_end
fi
watch_arrivals "$B" vb
arrives_udp() { arrives "$1" "$2" "$B" frame_a ip,src=$A4,dst=$B4 "udp,dport=$3"; }

ok "the policy is applied" weir apply "$WORK/act.weir"
is "list says how it stands there" "$(json '.policies[].chains[].attachments[] | "\(.how) \(.target) \(.present)"')" "action 7 true"
matches "tc shows the action" "$(in_b tc actions list action bpf)" 'weir_tc_action.*(default-action pass| pass)|index 7'
in_b tc qdisc add dev vb clsact
ok "a filter names it, and a drop behind it" in_b tc filter add dev vb ingress protocol all prio 5 u32 match u32 0 0 action bpf index 7 action drop
arrives_udp "accept is TC_ACT_PIPE: the next action drops" no 1000
arrives_udp "accept final is TC_ACT_OK: no further action is asked" yes 1001
arrives_udp "drop is TC_ACT_SHOT" no 1002
arrives_udp "default is TC_ACT_UNSPEC: what the action itself says, which is ok" yes 1003
arrives_udp "reclassify is TC_ACT_RECLASSIFY: the filter is asked again, with the mark that was set" yes 1004
is "once for the first time" "$(rule_packets act 'udp dport 1004 meta mark 0 meta mark set 1 reclassify')" 1
is "once for the second" "$(rule_packets act 'udp dport 1004 accept final')" 1
arrives_udp "reclassify for ever ends, and the packet with it" no 1005
at_least "after some rounds" "$(rule_packets act 'udp dport 1005 reclassify')" 2

sed -i 's/1000 accept/1000 accept final/; s/default ok/default drop/' "$WORK/act.weir"
ok "the policy is replaced while the filter uses it" weir apply "$WORK/act.weir"
arrives_udp "the new rule holds" yes 1000
arrives_udp "and the new default" no 1003

exits "it cannot go while a filter uses it" 2 "" weir remove act
in_b tc filter del dev vb ingress
weir remove act >/dev/null 2>&1 # what was begun is finished by the next command
lacks "and goes when none does" "$(in_b tc actions list action bpf)" 'index 7'
in_b tc actions add action bpf bytecode '1,6 0 0 0,' index 7
exits "an index that is somebody's is an error" 3 "act.weir:2:.*index 7 is there already" weir apply "$WORK/act.weir"
tests_end
