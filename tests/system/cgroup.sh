# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# cgroup ingress and egress: a group's processes are held to the policy, those beside it are not.
. "$(dirname "$0")/lib.sh"
[ -n "$(cgroup_mount)" ] || skip_all "no cgroup2 is mounted"
playground
web_server 80 8080
cgroup service
SERVICE=$CGROUP SERVICE_NAME=$CGROUP_NAME
cgroup other
OTHER=$CGROUP
in_service() { in_cgroup "$SERVICE" "$@"; }
# curl in a cgroup, from A.
fetch_in() {
	local folder=$1 port=$2
	in_cgroup "$folder" nsenter --net="/run/netns/$A" curl -sS --max-time 1 --noproxy '*' "http://$B4:$port/" | grep -q welcome
}

ok "before any policy port 80 answers a process of the cgroup" fetch_in "$SERVICE" 80
enforce egress "egress of a cgroup" <<END
chain egress {
	hook cgroup egress on "$SERVICE_NAME";
	policy drop;
	ip daddr $B4 tcp dport 8080 accept
}
END
ok "an accepted port answers" fetch_in "$SERVICE" 8080
fails "the default drop stops the rest" fetch_in "$SERVICE" 80
ok "another cgroup is not held to it" fetch_in "$OTHER" 80
ok "nor a process in none" fetch 80
at_least "the accepting rule counted" "$(rule_packets egress "ip daddr $B4 tcp dport 8080 accept")" 3
is "list names the cgroup" "$(json '.policies[].chains[].attachments[].target')" "$SERVICE_NAME"
in_service nsenter --net="/run/netns/$A" "$SEND_FRAME" -4 va ip,src=$A4,dst=$B4 tcp,dport=80,off=4 2>/dev/null
is "a malformed TCP header from a raw socket is dropped and counted" "$(malformed_packets egress bad-header)" 1
in_service nsenter --net="/run/netns/$A" "$SEND_FRAME" -4 va ip,src=$A4,dst=$B4,frag=0x2000,proto=6 zeros,8 2>/dev/null
is "a tiny first fragment is dropped and counted" "$(malformed_packets egress tiny-fragment)" 1
in_service nsenter --net="/run/netns/$A" "$SEND_FRAME" -4 va ip,src=$A4,dst=$B4,frag=0x0040,proto=6 hex,04d21f9000000000 zeros,64 2>/dev/null
is "a later fragment has no ports, and the default drop stops it" "$(rule_packets egress "ip daddr $B4 tcp dport 8080 accept")" \
	"$(rule_packets egress "ip daddr $B4 tcp dport 8080 accept")"
ok "the policy is removed" weir remove egress
ok "port 80 answers the cgroup again" fetch_in "$SERVICE" 80

# Ingress: a server in the cgroup.
web_in_service() { in_cgroup "$SERVICE" nsenter --net="/run/netns/$B" busybox httpd -f -p 8081 -h "$WORK/www"; }
background web_in_service
until_true 5 listens 8081
ok "before, a server in the cgroup answers" fetch 8081
enforce ingress "ingress of a cgroup" <<END
chain ingress {
	hook cgroup ingress on "$SERVICE_NAME";
	ip saddr $A4 tcp dport 8081 drop
}
END
fails "the server in the cgroup is not reached" fetch 8081
ok "the server outside is" fetch 8080
ok "by IPv6, which no rule names, the one inside is too" fetch6 8081
at_least "the rule counted" "$(rule_packets ingress "ip saddr $A4 tcp dport 8081 drop")" 1

policy second <<END
chain more { hook cgroup ingress on "$SERVICE_NAME"; ip6 saddr $A6 drop }
END
ok "a second policy stands on the same cgroup" weir apply "$WORK/second.weir"
fails "it drops what it names" fetch6 8081
fails "and the first does still" fetch 8081
ok "one is removed" weir remove ingress
ok "what only it dropped goes on" fetch 8081
fails "what the other drops does not" fetch6 8081
ok "the other is removed" weir remove second

# A child of the cgroup is held to the policy of its parent; a glob takes every match.
mkdir -p "$SERVICE/child" && CGROUPS=("$SERVICE/child" "${CGROUPS[@]}")
enforce child "a policy on the parent" <<END
chain egress { hook cgroup egress on "$SERVICE_NAME"; ip daddr $B4 tcp dport 80 drop }
END
fails "holds for a cgroup inside it" fetch_in "$SERVICE/child" 80
ok "it is removed" weir remove child
output=$(printf 'chain egress { hook cgroup egress on "%s"; ip daddr %s tcp dport 80 drop }\n' "/weir-test-$$-*" $B4 >"$WORK/glob.weir"
	weir apply "$WORK/glob.weir" 2>&1)
result "a glob is applied" $? "$output"
fails "to the one cgroup" fetch_in "$SERVICE" 80
fails "and to the other" fetch_in "$OTHER" 80
is "list names both" "$(json '[.policies[].chains[].attachments[].target] | length')" 2
matches "apply said what the glob stood for" "$output" "$SERVICE_NAME"
ok "all is removed" weir remove glob
policy nowhere <<END
chain egress { hook cgroup egress on "/weir-test-$$-not-there"; drop }
END
exits "a cgroup that is not there is an error of the surroundings" 3 "weir-test-$$-not-there" weir apply "$WORK/nowhere.weir"
tests_end
