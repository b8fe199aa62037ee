# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Counters of set elements: of single values, prefixes, pairs and IPv6; by rules with and without a verdict; kept and listed.
. "$(dirname "$0")/lib.sh"
playground
from() { frame_a "ip,src=$1,dst=$B4" "udp,dport=${2:-7}"; }
from6() { frame_a "ip6,src=$1,dst=$B6" udp,dport=7; }
# counted SET ELEMENT: its packets.
counted() { weir set list -j counters "$1" | jq -r --arg element "$2" '[.elements[] | select(.element == $element) | .packets] | first // "none"'; }

policy counters <<END
set bad { type ipv4_addr; counter; elements = { 10.1.0.1, 10.2.0.0/16, 10.2.3.0/24 } }
set bad6 { type ipv6_addr; counter; elements = { fd00:1::1, fd00:2::/64 } }
set pairs { type ipv4_addr . inet_service; counter; elements = { 10.3.0.1 . 80 } }
set seen { type ipv4_addr; counter; elements = { 10.4.0.1 } }
set plain { type ipv4_addr; elements = { 10.1.0.1 } }
chain counters {
	hook xdp ingress on vb netns $B;
	ip saddr @seen udp dport 9
	udp dport 53 ip saddr @bad accept
	ip saddr @bad drop
	ip6 saddr @bad6 drop
	ip saddr . udp dport @pairs drop
	ip saddr @plain drop
	ip saddr != @seen ip saddr 10.9.0.1 drop
}
END
ok "a policy with counting sets is applied" weir apply "$WORK/counters.weir"
for _ in 1 2 3; do from 10.1.0.1; done
from 10.1.0.1 53
from 10.2.0.1
from 10.2.3.1
from 10.2.3.2
from6 fd00:1::1
from6 fd00:2::5
from6 fd00:2::6
from6 fd00:3::1
from 10.3.0.1 80
from 10.3.0.1 81
from 10.4.0.1 9
from 10.4.0.1 8
from 10.9.0.1
is "an address counts its packets, by whichever rule" "$(counted bad 10.1.0.1)" 4
is "a prefix counts what no longer one covers" "$(counted bad 10.2.0.0/16)" 1
is "the longest counts" "$(counted bad 10.2.3.0/24)" 2
is "an IPv6 address" "$(counted bad6 fd00:1::1)" 1
is "an IPv6 prefix" "$(counted bad6 fd00:2::/64)" 2
is "a pair" "$(counted pairs '10.3.0.1 . 80')" 1
is "a rule without a verdict counts, when all of it matches" "$(counted seen 10.4.0.1)" 1
is "a set that does not count shows none" "$(weir set list -j counters plain | jq -r '.elements[0] | has("packets")')" false
matches "text has them as nftables writes them" "$(weir set list counters pairs)" '^10\.3\.0\.1 \. 80 counter packets 1 bytes [1-9][0-9]*$'
bytes=$(weir set list -j counters bad | jq -r '[.elements[] | select(.element == "10.1.0.1") | .bytes] | first')
at_least "bytes are counted, too" "$bytes" $((4 * 40))

ok "the policy again" weir apply "$WORK/counters.weir"
is "counters are kept" "$(counted bad 10.1.0.1)" 4
sed -i 's/10.2.3.0\/24/10.2.3.0\/24, 10.5.0.1/' "$WORK/counters.weir"
ok "with one element more, which makes a new table" weir apply "$WORK/counters.weir"
is "counters are kept still" "$(counted bad 10.2.3.0/24)" 2
is "the new one begins at 0" "$(counted bad 10.5.0.1)" 0
ok "an element is added live" weir set add counters bad 10.6.0.1
from 10.6.0.1
is "and counts" "$(counted bad 10.6.0.1)" 1
seq 1 10000 | awk '{ printf "10.%d.%d.%d\n", 100 + int($1 / 65536), int($1 / 256) % 256, $1 % 256 }' >"$WORK/many"
ok "so many that the table is made anew" sh -c "'$WEIR' set add counters bad <'$WORK/many'"
is "counters are kept over that" "$(counted bad 10.6.0.1)" 1
from 10.100.0.7
is "and go on" "$(counted bad 10.100.0.7)" 1
weir set list counters pairs >"$WORK/listed"
ok "what list says is taken by add" sh -c "'$WEIR' set flush counters pairs && '$WEIR' set add counters pairs <'$WORK/listed'"
is "with its counters" "$(counted pairs '10.3.0.1 . 80')" 1
exits "a counter where the set has none is an error" 1 "do not count" weir set add counters plain '10.7.0.1 counter'
exits "deleting what a prefix covers says which" 0 "10\.2\.0\.0/16 covers it" weir set del counters bad 10.2.9.9
exits "and how to delete that" 0 "weir set del counters bad 10\.2\.0\.0/16" weir set del counters bad 10.2.9.9
tests_end
