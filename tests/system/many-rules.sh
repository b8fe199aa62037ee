# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A hundred thousand rules at each kind of hook: a table, trees that are data, bit vectors; counters, logs and rules without a verdict of
# single rules among them; and a change of such a policy under traffic.
. "$(dirname "$0")/lib.sh"
playground
cgroup service
watch_arrivals "$B" vb

# rules COUNT SHAPE: with a rule of its own kind at 1, 2, 50 and 90 percent; SHAPE exact: a table takes them; range: none does.
rules() {
	awk -v n="$1" -v shape="$2" 'BEGIN {
		for (i = 1; i <= n; i++) {
			address = sprintf("11.%d.%d.%d", i / 65536, i / 256 % 256, i % 256)
			port = shape == "exact" ? i % 60000 + 1 : (i % 60000 + 1) "-" (i % 60000 + 3)
			if (i == n / 100) print "\tip saddr 10.0.0.1 udp dport 1000 log prefix \"first \" drop"
			else if (i == n / 50) print "\tip saddr 10.0.0.0/24 udp sport 7 log prefix \"passed \""
			else if (i == n / 2) print "\tip saddr 10.0.0.1 udp dport 5000 drop"
			else if (i == n * 9 / 10) print "\tip saddr 10.0.0.1 udp dport 1000-9000 drop"
			else print "\tip saddr " address " udp dport " port " drop"
		}
	}'
}
big() { # NAME HOOK TARGET COUNT SHAPE
	printf 'chain %s {\n\thook %s on %s\n\tpolicy accept\n%s\n}\n' "$1" "$2" "$3" "$(rules "$4" "$5")" >"$WORK/$1.weir"
}
send() { frame_a "ip,src=$A4,dst=$B4" "udp,sport=$1,dport=$2" zeros,8; }
send_in_service() { in_cgroup "$CGROUP" nsenter --net="/run/netns/$A" "$SEND_FRAME" -4 va "ip,src=$A4,dst=$B4" "udp,sport=$1,dport=$2" zeros,8; }
# counted NAME LINE...: packets of the rules there.
counted() {
	weir list "$1" | awk -v name="$1.weir:" -v lines="${*:2}" 'BEGIN { n = split(lines, line, " ") }
		{ of[$3] = $1 } END { for (i = 1; i <= n; i++) printf "%s%s", (i > 1 ? " " : ""), of[name line[i]] }'
}
form() { weir list -v "$1" | sed -n 's/^    form  //p'; }

judges() { # NAME SEND COUNT: what each of the kinds of rules must have counted; the first rule is in line 4
	local name=$1 send=$2 count=$3
	weir events -j -c 4 -s 5 >"$WORK/$name.events" 2>/dev/null &
	local events=$!
	sleep 0.3
	for _ in 1 2 3; do $send 9 1000; done # the first of three that match
	$send 7 5000			      # passed by one, dropped by the second
	$send 9 6000			      # by the range, the last
	$send 9 53			      # by none
	wait $events
	is "$name: counted have, of rules that match the first; the one without a verdict; the one behind it; the range" \
		"$(counted "$name" $((count / 100 + 3)) $((count / 50 + 3)) $((count / 2 + 3)) $((count * 9 / 10 + 3)))" "3 1 1 1"
	is "$name: who is logged, in order" "$(jq -r '"\(.line) \(.prefix)"' "$WORK/$name.events" | tr '\n' ';')" \
		"$(printf "$((count / 100 + 3)) first ;%.0s" 1 2 3)$((count / 50 + 3)) passed ;"
}

big xdp "xdp ingress" "vb netns $B" 100000 exact
ok "a hundred thousand rules at XDP" weir apply "$WORK/xdp.weir"
matches "as a table" "$(form xdp)" "table"
judges xdp send 100000
arrives "what no rule matches arrives" yes "$B" send 9 53
arrives "what the last one matches does not" no "$B" send 9 6000

# The change under traffic: nothing that is to be dropped gets through.
before=$(arrivals "$B")
(for _ in $(seq 400); do send 9 5000 || exit; done) >/dev/null 2>&1 &
sender=$!
ok "changed under traffic to trees that are data" weir apply --form=data "$WORK/xdp.weir"
ok "and back" weir apply "$WORK/xdp.weir"
wait $sender
is "nothing got through meanwhile" "$(arrivals "$B")" "$before"
at_least "and the rule counted on, over three generations" "$(counted xdp 50003)" 401
ok "removed" weir remove xdp

big tc "tc ingress" "vb netns $B" 50000 range
ok "fifty thousand ranges at tc" weir apply "$WORK/tc.weir"
matches "as data" "$(form tc)" "as data, since"
judges tc send 50000
ok "removed" weir remove tc

big cgroup "cgroup egress" "\"$CGROUP_NAME\"" 100000 exact
ok "a hundred thousand rules at a cgroup" weir apply "$WORK/cgroup.weir"
judges cgroup send_in_service 100000
big cgroup "cgroup egress" "\"$CGROUP_NAME\"" 1000 exact
ok "a thousand as data" weir apply --reset --form=data "$WORK/cgroup.weir"
matches "which they are" "$(form cgroup)" "as was asked for"
judges cgroup send_in_service 1000
ok "and as bit vectors" weir apply --reset --form=vectors "$WORK/cgroup.weir"
matches "which they are, too" "$(form cgroup)" "as was asked for"
judges cgroup send_in_service 1000
ok "tuned by what it has counted" weir apply --tune --form=code "$WORK/cgroup.weir"
matches "which list says" "$(form cgroup)" "tuned by counters"
before=$(counted cgroup $((1000 / 2 + 3)))
send_in_service 9 5000
is "and the same rule decides, and counts on" "$(counted cgroup $((1000 / 2 + 3)))" $((before + 1))

# Rules that overlap at random, behind one that is met and one that only counts.
"$ROOT/tests/classbench/make-overlapping" 3000 "cgroup egress" "\"$CGROUP_NAME\"" |
	sed -e 's/^\(chain\).*/\1 service {/' -e '3a\	udp dport 6999 log prefix "passed "\n	udp dport 7000 drop' >"$WORK/cgroup.weir"
ok "three thousand rules that overlap" weir apply --reset "$WORK/cgroup.weir"
matches "as bit vectors" "$(form cgroup)" "rules as bit vectors of"
for _ in 1 2 3; do send_in_service 9 7000; done
is "of which the first counts what it drops" "$(counted cgroup 5)" 3
ok "removed" weir remove --all
exits "nothing in force to tune by is a warning" 0 "no counters to tune by" weir apply --tune "$WORK/cgroup.weir"
tests_end
