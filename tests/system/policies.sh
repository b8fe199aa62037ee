# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Several policies and chains side by side: any drop wins, each is applied, replaced and removed on its own.
. "$(dirname "$0")/lib.sh"
playground
web_server 80 8080 9090
watch_arrivals "$B" vb

policy one <<END
chain door { hook xdp ingress on vb netns $B; icmp type echo-request drop }
chain late { hook tc ingress on vb netns $B; tcp dport 80 drop }
chain out { hook tc egress on vb netns $B; udp sport 5 drop }
END
policy two <<END
chain late { hook tc ingress on vb netns $B; tcp dport 80 accept tcp dport 8080 drop }
END
sed -i 's/accept tcp/accept; tcp/' "$WORK/two.weir"
ok "one policy with three chains is applied" weir apply "$WORK/one.weir"
ok "another on the same tc hook too" weir apply "$WORK/two.weir"
is "both are listed, by name" "$(json '[.policies[].name] | join(" ")')" "one two"
fails "what the first drops at XDP is dropped" pings
fails "what the first drops at tc is dropped, though the second accepts it" fetch 80
fails "what the second drops is dropped, though the first's policy accepts it" fetch 8080
ok "the rest goes on" fetch 9090
at_least "a packet that the first one dropped is counted there" "$(rule_packets one 'tcp dport 80 drop')" 1

# Applying a name again replaces that policy whole: what it no longer names is detached.
policy one <<END
chain late { hook tc ingress on vb netns $B; tcp dport 9090 drop }
END
ok "the first is applied again with one chain only" weir apply "$WORK/one.weir"
is "it has one chain now" "$(json '[.policies[] | select(.name == "one") | .chains[]] | length')" 1
ok "what its XDP chain dropped goes on" pings
ok "what its tc chain dropped before goes on" fetch 80
fails "what it drops now is dropped" fetch 9090
fails "the other policy was left alone" fetch 8080

# Two chains on one hook of one policy.
policy pair <<END
chain first { hook tc ingress on vb netns $B; tcp dport 80 log accept }
chain second { hook tc ingress on vb netns $B; tcp dport 80 drop }
END
ok "two chains of one policy on one tc hook" weir apply "$WORK/pair.weir"
fails "any drop wins" fetch 80
at_least "both saw the packet" "$(rule_packets pair 'tcp dport 80 log accept')" 1
policy clash <<END
chain first { hook xdp ingress on vb netns $B; tcp dport 80 drop }
chain second { hook xdp ingress on vb netns $B; tcp dport 81 drop }
END
exits "two XDP chains on one interface in one policy are an error" 1 "clash.weir:2" weir check "$WORK/clash.weir"
is "nothing of it is there" "$(json '[.policies[].name] | index("clash")')" null

# The name: of the file, or given.
ok "a policy may be given a name" weir apply --name renamed "$WORK/pair.weir"
is "and is listed by it" "$(json '[.policies[].name] | sort | join(" ")')" "one pair renamed two"
ok "it is removed by that name" weir remove renamed
exits "and is not there a second time" 1 "renamed" weir remove renamed

# Several interfaces in one chain.
in_b ip link add vc address 02:00:00:00:00:0c type veth peer name vd netns "$A"
in_b ip link set vc up
in_a ip link set vd up
watch_c() { watch_arrivals "$B" vc two; }
watch_c
ok "all is removed for what follows" weir remove --all
enforce many "one chain on two interfaces" <<END
chain many { hook xdp ingress on { vb, vc } netns $B; udp dport 7 drop }
END
arrives "holds on the first" no "$B" frame_a "ip,src=$A4,dst=$B4" udp,dport=7
arrives "and on the second" no "$B" in_a "$SEND_FRAME" vd eth,dst=02:00:00:00:00:0c "ip,src=$A4,dst=$B4" udp,dport=7
arrives "where another port goes on" yes "$B" in_a "$SEND_FRAME" vd eth,dst=02:00:00:00:00:0c "ip,src=$A4,dst=$B4" udp,dport=8
is "both count for one rule" "$(rule_packets many 'udp dport 7 drop')" 2
sed -i 's/{ vb, vc }/vc/' "$WORK/many.weir"
ok "applied again for one of them" weir apply "$WORK/many.weir"
arrives "the one left out is free" yes "$B" frame_a "ip,src=$A4,dst=$B4" udp,dport=7
arrives "the other is not" no "$B" in_a "$SEND_FRAME" vd eth,dst=02:00:00:00:00:0c "ip,src=$A4,dst=$B4" udp,dport=7

# Applying the same file again keeps the counters of rules that did not change.
is "its rule counts on" "$(rule_packets many 'udp dport 7 drop')" 3
ok "the same file again" weir apply "$WORK/many.weir"
is "counters are kept" "$(rule_packets many 'udp dport 7 drop')" 3
sed -i 's/udp dport 7 drop/tcp dport 99 drop; udp dport 7 drop/' "$WORK/many.weir"
ok "with a rule before it" weir apply "$WORK/many.weir"
is "the rule that did not change keeps its count" "$(rule_packets many 'udp dport 7 drop')" 3
is "the new one begins at 0" "$(rule_packets many 'tcp dport 99 drop')" 0
ok "with --reset" weir apply --reset "$WORK/many.weir"
is "it begins at 0 too" "$(rule_packets many 'udp dport 7 drop')" 0
tests_end
