# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Sets, changed in place while they are enforced: each type, prefixes and ranges, timeouts, standard input, many, too many.
. "$(dirname "$0")/lib.sh"
playground
watch_arrivals "$B" vb
slow=$((${TEST_TIMEOUT:-170} / 170)) # where all takes its time, the watchdog has been told, and timeouts are as much longer
from() { frame_a "ip,src=$1,dst=$B4" "udp,dport=${2:-7}"; }
from6() { frame_a "ip6,src=$1,dst=$B6" udp,dport=7; }

printf '# refused for good\n10.1.0.0/16   # a whole net\n\n10.2.0.1\n10.3.0.5-10.3.0.9\n' >"$WORK/refused.txt"
policy sets <<END
set refused { type ipv4_addr; size 150000; file "refused.txt"; }
set refused6 { type ipv6_addr; elements = { fd00:1::/64, fd00:2::1 }; }
set macs { type ether_addr; size 8; }
set ports { type inet_service; elements = { 1000-1010, 53 }; size 64; }
set pairs { type ipv4_addr . inet_service; size 4; elements = { 10.9.0.1 . 80 }; }
set short { type ipv4_addr; size 100; timeout $((9 * slow))s; }
chain sets {
	hook xdp ingress on vb netns $B;
	ip saddr @refused drop
	ip6 saddr @refused6 drop
	ether saddr @macs drop
	udp dport @ports drop
	ip saddr . udp dport @pairs drop
	ip saddr @short drop
	ip daddr != @refused ip saddr 10.200.0.1 drop
}
END
ok "a policy with six sets is applied" weir apply "$WORK/sets.weir"
arrives "a prefix of the file" no "$B" from 10.1.77.1
arrives "an address of the file" no "$B" from 10.2.0.1
arrives "the first of a range" no "$B" from 10.3.0.5
arrives "the last of a range" no "$B" from 10.3.0.9
arrives "one past the range" yes "$B" from 10.3.0.10
arrives "one before the range" yes "$B" from 10.3.0.4
arrives "an IPv6 prefix" no "$B" from6 fd00:1::5
arrives "an IPv6 address" no "$B" from6 fd00:2::1
arrives "another IPv6 address" yes "$B" from6 fd00:2::2
arrives "a range of ports" no "$B" from 10.0.0.1 1005
arrives "a port past it" yes "$B" from 10.0.0.1 1011
arrives "a pair of address and port" no "$B" from 10.9.0.1 80
arrives "the address with another port" yes "$B" from 10.9.0.1 81
arrives "the port with another address" yes "$B" from 10.9.0.2 80
arrives "a set denied: the address is no member" no "$B" from 10.200.0.1

arrives "not a member yet" yes "$B" from 10.5.0.1
ok "an address is added" weir set add sets refused 10.5.0.1
arrives "and stopped at once" no "$B" from 10.5.0.1
ok "it is deleted" weir set del sets refused 10.5.0.1
arrives "and free at once" yes "$B" from 10.5.0.1
ok "a prefix and a range in one command" weir set add sets refused 10.6.0.0/24 10.7.0.1-10.7.0.3
arrives "the prefix is stopped" no "$B" from 10.6.0.255
arrives "the range too" no "$B" from 10.7.0.2
ok "a smaller prefix inside the file's is added and deleted" weir set add sets refused 10.1.5.0/24
ok "deleted" weir set del sets refused 10.1.5.0/24
arrives "the larger one is in force there still" no "$B" from 10.1.5.1
ok "an Ethernet address" weir set add sets macs $AMAC
arrives "stops all from it" no "$B" from 10.0.0.1
ok "flush empties a set" weir set flush sets macs
arrives "and lets all go on" yes "$B" from 10.0.0.1
ok "a pair" weir set add sets pairs '10.9.0.2 . 80'
arrives "is stopped" no "$B" from 10.9.0.2 80
ok "an IPv6 address" weir set add sets refused6 fd00:3::3
arrives "is stopped" no "$B" from6 fd00:3::3
matches "list shows what is in it" "$(weir set list sets refused)" '^10\.1\.0\.0/16'
matches "a range as it was added" "$(weir set list sets refused | tr '\n' ' ')" '10\.7\.0\.1'
is "list gives what add takes" "$(weir set list sets pairs | sort | tr '\n' ',')" "10.9.0.1 . 80,10.9.0.2 . 80,"
ok "list as JSON is JSON" sh -c "'$WEIR' set list -j sets refused | jq -e ."

ok "an element with a timeout" weir set add sets refused "10.8.0.1 timeout $((3 * slow))s"
arrives "is stopped at first" no "$B" from 10.8.0.1
ok "a set's own timeout holds for elements that name none" weir set add sets short 10.8.0.2
arrives "it is stopped at first" no "$B" from 10.8.0.2
sleep $((3 * slow)).2
arrives "the first timeout is over" yes "$B" from 10.8.0.1
lacks "and list does not show it" "$(weir set list sets refused)" '^10\.8\.0\.1'
arrives "the other is not yet" no "$B" from 10.8.0.2
sleep $((6 * slow))
arrives "now it is" yes "$B" from 10.8.0.2

# Errors: nothing is changed.
exits "an address that is none" 1 "10.0.0.300" weir set add sets refused 10.0.0.1 10.0.0.300
arrives "and the right one before it was not added" yes "$B" from 10.0.0.1
exits "an element of another type" 1 "" weir set add sets refused 02:00:00:00:00:01
exits "a set that is not there, with a near match" 1 "refused" weir set add sets refuesd 10.0.0.1
exits "a policy that is not there" 1 "no such policy|no policy" weir set add stes refused 10.0.0.1
exits "a full set is an error that says so" '1|2|3' "full" weir set add sets pairs '10.9.0.3 . 80' '10.9.0.4 . 80' '10.9.0.5 . 80'
is "and what fitted is in it" "$(weir set list sets pairs | wc -l)" 4

# A hundred thousand from standard input.
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "172.%d.%d.%d\n", 16 + int(i / 65536), int(i / 256) % 256, i % 256 }' >"$WORK/many.txt"
start=$(date +%s%N)
ok "100,000 elements from standard input" sh -c "'$WEIR' set add sets refused <'$WORK/many.txt'"
took=$((($(date +%s%N) - start) / 1000000))
result "in less than five seconds ($took ms)" $((took > 5000 * slow))
arrives "the first is stopped" no "$B" from 172.16.0.0
arrives "the last too" no "$B" from 172.17.134.159
arrives "the one after it is not" yes "$B" from 172.17.134.160
at_least "list has them all" "$(weir set list sets refused | grep -c '^172')" 100000
ok "they are deleted from standard input" sh -c "'$WEIR' set del sets refused <'$WORK/many.txt'"
is "and gone" "$(weir set list sets refused | grep -c '^172')" 0

# Apply again: live elements stay, the file's are the file's.
printf '10.2.0.2\n' >"$WORK/refused.txt"
ok "the policy again, with another file" weir apply "$WORK/sets.weir"
arrives "what the file no longer has is free" yes "$B" from 10.2.0.1
arrives "what it has now is stopped" no "$B" from 10.2.0.2
arrives "what was added live is stopped still" no "$B" from 10.7.0.2
ok "with --reset" weir apply --reset "$WORK/sets.weir"
arrives "what was added live is forgotten" yes "$B" from 10.7.0.2
arrives "the file's is stopped" no "$B" from 10.2.0.2
tests_end
