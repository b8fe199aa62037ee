# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# dnat with `alive`, to another namespace: a port that refuses is passed over, no connection is refused, and a server that comes again is found.
export TEST_TIMEOUT=${TEST_TIMEOUT:-400}
. "$(dirname "$0")/lib.sh"
PEER=$ROOT/tests/tools/echo_ports.py
playground
behind_playground
ip netns exec "$C" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
listens_in_c() { in_c ss -Hln "sport = :$1" | grep -q .; }

httpd() { # NAMESPACE PORT: a server whose page is its port
	mkdir -p "$WORK/www/$2" && echo "$2" >"$WORK/www/$2/index.html"
	nsenter --net="/run/netns/$1" busybox httpd -f -p "[::]:$2" -h "$WORK/www/$2" >/dev/null 2>&1 </dev/null &
	STARTED+=($!)
}
# Of eight ports three are dead: 8081, 8085 (a RST) and 8086 (an ICMP error).
for port in 8080 8082 8083 8084 8087; do httpd "$C" "$port"; done
for port in 8080 8082 8083 8084 8087; do until_true 5 listens_in_c "$port"; done
background in_c python3 "$PEER" serve udp 5300 5302
until_true 5 listens_in_c 5302
in_c nft -f - 2>/dev/null <<END || skip "a port refuses by ICMP" "this kernel has no reject for it"
table inet refuse {
	chain in {
		type filter hook input priority 0
		tcp dport 8086 reject with icmpx type port-unreachable
	}
}
END

get() { # HOST PORT COUNT: the answers, sorted and counted
	in_a curl -sS --noproxy "*" --max-time 20 --connect-timeout 10 -Z --parallel-max 8 -H 'Connection: close' \
		"http://$1:$2/?[1-$3]" 2>"$WORK/curl.err" | sort | uniq -c | awk '{ printf "%s%s:%s", (NR > 1 ? " " : ""), $2, $1 }'
}
count_of() { tr ' ' '\n' <<<"$1" | awk -F: '{ n += $2 } END { print n + 0 }'; }
servers_of() { tr ' ' '\n' <<<"$1" | cut -d: -f1 | sort -n | tr '\n' ' '; }
# Connections that were begun at dead ports by the first rule.
dead_tried() { json '[.policies[].chains[0].rules[] | select(.text | startswith("tcp dport 80 ")) | .ports[] | select(.port == (8081, 8086)) | .connections] | add // 0'; }
passed_over() {
	json --arg host "$C4" '.policies[].chains[0].passed_over[]?
		| select(.protocol == "tcp" and .address == $host and .port >= 8080 and .seconds >= 1 and .seconds <= 10) | .port' | tr '\n' ' '
}

policy alive <<END
chain web {
	hook tc ingress on vb netns $B
	tcp dport 80 dnat to :8080-8087 alive
	tcp dport 81 dnat to :8080-8087 by round-robin alive
	tcp dport 82 dnat to :8080-8085
	tcp dport 83 dnat to :7001-7002 alive
	tcp dport 84 dnat to :7003-7004 by round-robin alive
	udp dport 53 dnat to :5300-5303 by round-robin alive
}
END

try_all() { # HOW, WHO LIVES
	local how=$1 living=$2 host got before
	ok "$how: the policy is applied" weir apply "$WORK/alive.weir"
	for host in "$C4" "[$C6]"; do
		got=$(get "$host" 80 300)
		is "$how: $host by hash: no connection is lost" "$(count_of "$got")" 300
		is "$how: $host by hash: those that live answer ($got)" "$(servers_of "$got")" "$living"
		at_least "$how: $host the dead ones' share is spread ($got)" "$(tr ' ' '\n' <<<"$got" | cut -d: -f2 | sort -n | head -n 1)" 25
		# The dead ones are marked by now: each is tried again in ten seconds' time, and not by all.
		before=$(dead_tried)
		get "$host" 80 100 >/dev/null
		at_least "$how: $host dead ones are not tried by all" 20 "$(($(dead_tried) - before))"
		got=$(get "$host" 81 200)
		is "$how: $host by round-robin: no connection is lost" "$(count_of "$got")" 200
		is "$how: $host by round-robin: those that live answer" "$(servers_of "$got")" "$living"
		got=$(get "$host" 82 200)
		at_least "$how: $host without alive the dead ones' are refused" $((200 - $(count_of "$got"))) 30
		is "$how: $host where none lives, the client hears it" "$(in_a curl -s -g --noproxy '*' -m 20 -o /dev/null "http://$host:83/"; echo $?)" 7
	done
	in_a curl -s --noproxy '*' -m 20 "http://$C4:80/?[1-100]" >/dev/null
	is "$how: weir list -j tells which ports are passed over" "$(passed_over)" "$(comm -23 <(seq 8080 8087) <(tr ' ' '\n' <<<"${living% }") | tr '\n' ' ')"
	matches "$how: so does weir list" "$(weir list alive)" "passed over, since they refused: tcp $C4:.*8081 \([0-9]+ s\)"
	for host in "$C4" "$C6"; do
		in_a python3 "$PEER" ask "$host" 53 8 >/dev/null # these find the dead ones
		got=$(in_a python3 "$PEER" ask "$host" 53 40)
		is "$how: $host udp: no datagram is lost ($got)" "$(count_of "$got")" 40
		is "$how: $host udp: those that live answer" "$(servers_of "$got")" "5300 5302 "
	done
	matches "$how: weir why says what may be" "$(weir why "$WORK/alive.weir" "tcp 10.0.0.1:1 > $C4:80 syn")" "or another where it refused not long ago"
}
try_all tcx "8080 8082 8083 8084 8087 "

# ---- A server that ends while connections come, and one that begins ----
kill -TERM "${STARTED[0]}" # 8080
(
	sleep 0.5
	httpd "$C" 8085
	wait
) &
STARTED+=($!)
got=$(get "$C4" 80 1500)
is "one server ends and one begins: no connection is lost" "$(count_of "$got")" 1500
lacks "the one that ended has none" "$got" 8080:
sleep 10 # WEIR_REDIRECTED_DEAD_S
is "none is passed over any more" "$(passed_over)" ""
got=$(get "$C4" 80 300)
is "none is lost where dead ones are tried again" "$(count_of "$got")" 300
is "the one that began is found, without weir" "$(servers_of "$got")" "8082 8083 8084 8085 8087 "

ok "the policy is removed" weir remove alive
export WEIR_NO_TCX=1
try_all clsact "8082 8083 8084 8085 8087 "
unset WEIR_NO_TCX

# ---- What refuses a connection that is open is no dead port ----
in_c python3 -c '
import socket, struct
s = socket.create_server(("10.0.1.2", 7003))
print("listens", flush=True)
while True:
    c, _ = s.accept()
    c.recv(10)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()' >"$WORK/resets" &
STARTED+=($!)
until_true 5 grep -q listens "$WORK/resets"
resets() { in_a python3 -c '
import socket, sys
for _ in range(6):
    s = socket.create_connection(("10.0.1.2", 84), timeout=20)
    s.send(b"x")
    try:
        s.recv(1)
    except ConnectionResetError:
        continue
    sys.exit(1)'; }
in_a curl -s -m 20 "http://$C4:84/?[1-2]" >/dev/null # finds that 7004 is dead
ok "a server that resets what it took: the client sees each" resets
ok "and is not marked for it" resets
weir remove alive >/dev/null

# ---- A SYN that was sent again before its refusal came is refused twice: the client hears neither ----
httpd "$C" 7006
until_true 5 listens_in_c 7006
policy twice <<END
chain web { hook tc ingress on vb netns $B; tcp dport 85 dnat to :7005-7006 by round-robin alive; }
END
ok "two ports of which the first is dead" weir apply "$WORK/twice.weir"
# What C sends waits until it knows who 10.0.1.1 is.
ip netns exec "$B" sysctl -qw net.ipv4.conf.vx.arp_ignore=8
ip -n "$B" neigh replace $C4 lladdr "$(ip -n "$C" -j link show vc | jq -r '.[0].address')" nud permanent dev vx
ip -n "$C" neigh flush dev vc
in_a curl -s --noproxy '*' -m 30 "http://$C4:85/" >"$WORK/twice" &
sleep 1.5
ip netns exec "$B" sysctl -qw net.ipv4.conf.vx.arp_ignore=0
wait $!
is "refused twice, it comes to the second" "$(cat "$WORK/twice")" 7006
weir remove twice >/dev/null

# ---- Where packets leave: what this host opens ----
policy leaving <<END
chain opens { hook tc egress on va netns $A; tcp dport 80 dnat to :8080-8087 alive; udp dport 53 dnat to :5300-5303 alive }
END
ok "alive at tc egress is applied" weir apply "$WORK/leaving.weir"
for host in "$C4" "[$C6]"; do
	got=$(get "$host" 80 300)
	is "$host what this host opens: no connection is lost" "$(count_of "$got")" 300
	lacks "$host what this host opens: no dead one answers" "$got" 808[016]:
done
weir remove leaving >/dev/null
tests_end
