# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# VLAN and QinQ tags, in the frame and in the offload, are seen through at each hook, and one too many is named.
. "$(dirname "$0")/lib.sh"
playground
watch_arrivals "$A" va
watch_arrivals "$B" vb
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

# Offloaded tags. The kernel takes the tag of a received frame into the packet's metadata before tc. A packet that is
# then passed on to a second veth pair, vc in B and vd in A, leaves by vc and arrives at vd with the tag still there.
in_b ip link add vc type veth peer name vd netns "$A"
in_b ip link set vc up
in_a ip link set vd up
in_b tc qdisc add dev vb ingress
passes_on() { in_b tc filter add dev vb ingress protocol all u32 match u32 0 0 action mirred egress redirect dev vc; }
if passes_on 2>"$WORK/tc.err"; then
	ip netns exec "$A" nft 'delete chain netdev watch in'
	watch_arrivals "$A" vd far
	for words in "tc egress on vc netns $B" "tc ingress on vd netns $A"; do
		policy offload <<-END
			chain offload {
				hook $words;
				vlan id 7 udp dport 53 drop
				vlan id 8 drop
				ip udp dport 9 drop
			}
		END
		ok "offloaded: $words: applied" weir apply "$WORK/offload.weir"
		# shellcheck disable=SC2086
		{
			arrives "offloaded: $words: without a tag the port goes on" yes "$A" frame_a $UDP
			arrives "offloaded: $words: a tag in the metadata is seen" no "$A" frame_a vlan,id=7 $UDP
			arrives "offloaded: $words: another VLAN goes on" yes "$A" frame_a vlan,id=9 $UDP
			arrives "offloaded: $words: one in the metadata and one in the frame: the outer one counts" no "$A" frame_a qinq,id=7 vlan,id=9 $UDP
			arrives "offloaded: $words: the inner one does not" yes "$A" frame_a qinq,id=9 vlan,id=7 $UDP
			arrives "offloaded: $words: a port is seen behind both" no "$A" frame_a qinq,id=1 vlan,id=2 "ip,src=$A4,dst=$B4" udp,dport=9
			arrives "offloaded: $words: one and two in the frame are one too many" no "$A" frame_a qinq,id=1 vlan,id=2 vlan,id=3 $UDP
		}
		is "offloaded: $words: which is counted by its name" "$(malformed_packets offload vlan-limit)" 1
		is "offloaded: $words: the rule counted" "$(rule_packets offload 'vlan id 7 udp dport 53 drop')" 2
		ok "offloaded: $words: removed" weir remove offload
	done
else
	skip "offloaded tags" "this kernel cannot redirect packets with tc: $(head -n 1 "$WORK/tc.err")"
fi

# XDP sees a tag only in the frame.
policy offload <<END
chain offload { hook xdp ingress on vb netns $B; vlan id 7 icmp type echo-request drop }
END
output=$(weir apply "$WORK/offload.weir" 2>&1)
if in_b ethtool -k vb | grep -q '^rx-vlan-offload: on'; then
	matches "xdp: where the card takes tags off before XDP, apply says so and how to stop it" "$output" 'ethtool -K vb (rxvlan|rx-vlan-offload) off'
	in_b ethtool -K vb rx-vlan-offload off
	lacks "xdp: and does not where that is switched off" "$(weir apply "$WORK/offload.weir" 2>&1)" ethtool
else
	skip "xdp: a card that takes tags off before XDP is named" "this veth does not"
fi
tests_end
