# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# VLAN and QinQ tags, in the frame and in the offload, are seen through at each hook, and one too many is named.
. "$(dirname "$0")/lib.sh"
playground
watch_arrivals "$A" va
watch_arrivals "$B" vb
# A tag that a VLAN device adds goes to the other end in the packet's metadata (the offload), unless that is switched off.
in_a ip link add link va name va.7 type vlan id 7
in_a ip link set va.7 address $AMAC up
in_a ip addr add 10.7.0.1/24 dev va.7
in_a ip neigh replace 10.7.0.2 lladdr $BMAC nud permanent dev va.7
in_b ip link add link vb name vb.7 type vlan id 7
in_b ip link set vb.7 address $BMAC up
in_b ip addr add 10.7.0.2/24 dev vb.7
in_b ip neigh replace 10.7.0.1 lladdr $AMAC nud permanent dev vb.7

UDP="ip,src=$A4,dst=$B4 udp,dport=53"
BACK="ip,src=$B4,dst=$A4 udp,dport=53"


# try_vlan HOOK-WORDS SENDER RECEIVER: the same frames at that hook.
try_vlan() {
	local words=$1 send=$2 to=$3 udp=$4
	cat >"$WORK/tags.weir" <<-END
		chain tags {
			hook $words;
			vlan id 7 udp dport 53 drop
			vlan id 8 drop
			vlan ether type arp drop
			vlan udp dport 54 drop
		}
	END
	ok "$words: applied" weir apply "$WORK/tags.weir"
	# shellcheck disable=SC2086
	{
		arrives "$words: without a tag the port goes on" yes "$to" $send $udp
		arrives "$words: behind a tag the port is seen" no "$to" $send vlan,id=7 $udp
		arrives "$words: behind two tags the outer one counts" no "$to" $send qinq,id=7 vlan,id=9 $udp
		arrives "$words: the inner one does not" yes "$to" $send qinq,id=9 vlan,id=7 $udp
		arrives "$words: another VLAN goes on" yes "$to" $send vlan,id=9 $udp
		arrives "$words: a whole VLAN is dropped" no "$to" $send vlan,id=8 hex,0000
		arrives "$words: the type behind a tag is what 'ether type' sees" no "$to" $send vlan,id=9 arp,src=10.0.0.1,dst=10.0.0.2
		arrives "$words: a port is seen behind two tags" no "$to" $send qinq,id=3 vlan,id=4 ${udp/53/54}
		arrives "$words: priority bits are no part of the id" no "$to" $send vlan,id=0xe007 $udp
		arrives "$words: three tags are one too many" no "$to" $send qinq,id=1 vlan,id=2 vlan,id=3 $udp
		is "$words: which is counted by its name" "$(malformed_packets tags vlan-limit)" 1
		arrives "$words: a tag that is cut off is malformed" no "$to" $send vlan,id=9 vlan,id=9 cut,20
		is "$words: which is counted" "$(malformed_packets tags short)" 1
	}
	is "$words: the rule of VLAN 7 counted" "$(rule_packets tags 'vlan id 7 udp dport 53 drop')" 3
	ok "$words: removed" weir remove tags
}

try_vlan "xdp ingress on vb netns $B" frame_a "$B" "$UDP"
try_vlan "xdp ingress on vb netns $B mode generic" frame_a "$B" "$UDP"
try_vlan "tc ingress on vb netns $B" frame_a "$B" "$UDP"
try_vlan "tc egress on vb netns $B" frame_b "$A" "$BACK"
export WEIR_NO_TCX=1
try_vlan "tc ingress on vb netns $B" frame_a "$B" "$UDP"
try_vlan "tc egress on vb netns $B" frame_b "$A" "$BACK"
unset WEIR_NO_TCX

# Offloaded tags: what a VLAN device sends and receives.
for words in "tc ingress on vb netns $B" "tc egress on va netns $A"; do
	policy offload <<-END
		chain offload { hook $words; vlan id 7 icmp type echo-request drop }
	END
	ok "offloaded: ping through the VLAN devices is answered before" pings 10.7.0.2
	ok "offloaded: $words: applied" weir apply "$WORK/offload.weir"
	fails "offloaded: $words: the tag in the metadata is seen" pings 10.7.0.2
	at_least "offloaded: $words: and counted" "$(rule_packets offload 'vlan id 7 icmp type echo-request drop')" 1
	ok "offloaded: $words: ping without a tag goes on" pings
	ok "offloaded: $words: removed" weir remove offload
done

# XDP sees a tag only in the frame: with the sender's offload off it is there.
in_a ethtool -K va txvlan off >/dev/null 2>&1
policy offload <<END
chain offload { hook xdp ingress on vb netns $B; vlan id 7 icmp type echo-request drop }
END
ok "xdp: applied" weir apply "$WORK/offload.weir"
fails "xdp: a tag in the frame of a VLAN device is seen" pings 10.7.0.2
ok "xdp: removed" weir remove offload
in_b ethtool -K vb rxvlan on txvlan on >/dev/null 2>&1
output=$(weir apply "$WORK/offload.weir" 2>&1)
if in_b ethtool -k vb | grep -q '^rx-vlan-offload: on'; then
	matches "xdp: where the card takes tags off before XDP, apply says so and how to stop it" "$output" 'ethtool -K vb rxvlan off'
else
	skip "xdp: a card that takes tags off before XDP is named" "veth has no such card"
fi
tests_end
