# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# redirect and dnat with eight real servers: connections are spread and kept, none is lost, also over an apply and a restart.
export TEST_TIMEOUT=${TEST_TIMEOUT:-400}
. "$(dirname "$0")/lib.sh"
PEER=$ROOT/tests/tools/echo_ports.py
LOAD=${REDIRECT_LOAD:-2000} # connections under load; fewer where the machine is slow
playground
behind_playground

# httpd NAMESPACE PORT: a server whose page is its port.
httpd() {
	mkdir -p "$WORK/www/$2" && echo "$2" >"$WORK/www/$2/index.html"
	nsenter --net="/run/netns/$1" busybox httpd -f -p "[::]:$2" -h "$WORK/www/$2" >/dev/null 2>&1 </dev/null &
	STARTED+=($!)
	HTTPD=$!
}
PORTS="8080 8081 8082 8083 8084 8085 8086 8087"
for port in $PORTS; do
	httpd "$B" "$port"
	[ "$port" = 8083 ] && RESTARTED=$HTTPD
	httpd "$C" "$port"
done
for port in $PORTS; do until_true 5 listens "$port"; done
background in_b python3 "$PEER" serve udp 5300 5301 5302 5303
background in_b python3 "$PEER" serve udp-connected 5310 5311
background in_b python3 "$PEER" serve tcp 9000 9001
background in_c python3 "$PEER" serve udp 5300 5301 5302 5303
background in_c python3 "$PEER" serve tcp 9000 9001
udp_listens() { in_b ss -Hlun "sport = :$1" | grep -q .; }
for port in 5303 5311; do until_true 5 udp_listens $port; done
until_true 5 listens 9001

# get HOST PORT COUNT: that many connections, one request each; the answers, sorted and counted, "port:count ...".
get() {
	in_a curl -sS --noproxy "*" --max-time 60 --connect-timeout 10 -Z --parallel-max 8 -H 'Connection: close' \
		"http://$1:$2/?[1-$3]" 2>"$WORK/curl.err" | sort | uniq -c | awk '{ printf "%s%s:%s", (NR > 1 ? " " : ""), $2, $1 }'
}
count_of() { tr ' ' '\n' <<<"$1" | awk -F: '{ n += $2 } END { print n + 0 }'; }
servers_of() { tr ' ' '\n' <<<"$1" | grep -c :; }
least_of() { tr ' ' '\n' <<<"$1" | cut -d: -f2 | sort -n | head -n 1; }
ask() { in_a python3 "$PEER" ask "$@"; }

# spread NAME ANSWERS CONNECTIONS SERVERS LEAST
spread() {
	is "$1: no connection is lost" "$(count_of "$2")" "$3"
	is "$1: $4 servers answer" "$(servers_of "$2")" "$4"
	at_least "$1: each gets its part ($2)" "$(least_of "$2")" "$5"
	lacks "$1: no datagram is lost" "$2" lost
}

policy web <<END
chain web {
	hook tc ingress on vb netns $B
	tcp dport 80 ip daddr $B4 redirect to :8080-8087
	tcp dport 80 ip6 daddr $B6 redirect to :8080-8087
	tcp dport 81 redirect to :8080-8087 by round-robin
	tcp dport 82 redirect to :8080-8087 by queue
	tcp dport 83 redirect to :8080-8087 alive
	tcp dport 84 redirect to :8080-8090 by round-robin alive
	tcp dport 85 redirect to :9000-9001
	tcp dport 90 dnat to :8080-8087
	tcp dport 91 dnat to :8080-8087 by round-robin
	tcp dport 95 dnat to :9000-9001
	udp dport 53 redirect to :5300-5303
	udp dport 54 dnat to :5300-5303
	udp dport 55 redirect to :5310-5311
	udp dport 56 redirect to :5300-5309 alive
	udp dport 57 redirect to :5300-5303
}
END

try_all() {
	local how=$1 got host
	ok "$how: the policy is applied" weir apply "$WORK/web.weir"
	is "$how: the way back has a chain of its own" "$(json '[.policies[].chains[] | .name + " " + .hook] | join(", ")')" \
		"web tc ingress, web/replies tc egress"
	for host in "$B4" "[$B6]"; do
		got=$(get "$host" 80 $MANY)
		spread "$how: $host redirect by hash" "$got" $MANY 8 $((MANY / 16 - 6))
		got=$(get "$host" 81 80)
		spread "$how: $host by round-robin, each has its turn" "$got" 80 8 9
		got=$(get "$host" 82 20)
		is "$how: $host by queue, one queue has one port" "$got" "8080:20"
		got=$(get "$host" 84 80)
		spread "$how: $host by round-robin, dead ports left out" "$got" 80 8 9
		got=$(get "$host" 90 $MANY)
		spread "$how: $host dnat to this host" "$got" $MANY 8 $((MANY / 16 - 6))
	done
	for host in "$C4" "[$C6]"; do
		got=$(get "$host" 90 $MANY)
		spread "$how: $host dnat to another host" "$got" $MANY 8 $((MANY / 16 - 6))
		got=$(get "$host" 91 80)
		spread "$how: $host dnat by round-robin" "$got" 80 8 9
	done
	for host in "$B4" "$B6"; do
		spread "$how: $host udp redirect" "$(ask "$host" 53 60)" 60 4 3
		spread "$how: $host udp dnat" "$(ask "$host" 54 60)" 60 4 3
		spread "$how: $host udp to connected sockets" "$(ask "$host" 55 30)" 30 2 3
		spread "$how: $host udp, dead ports left out" "$(ask "$host" 56 60)" 60 4 3
		spread "$how: $host udp in fragments, redirect" "$(ask "$host" 53 60 5000)" 60 4 1
		spread "$how: $host udp in fragments, dnat" "$(ask "$host" 54 60 5000)" 60 4 1
	done
	for host in "$C4" "$C6"; do
		spread "$how: $host udp dnat to another host" "$(ask "$host" 54 60)" 60 4 3
		spread "$how: $host udp in fragments to another host" "$(ask "$host" 54 60 5000)" 60 4 1
		matches "$how: $host 20 MB through dnat, in packets of 64 KB" "$(in_a python3 "$PEER" upload "$host" 95 20000000)" "^900[01] 20000000$"
		is "$how: $host redirect leaves alone what is for another host" "$(in_a curl -s -g --noproxy '*' -m 2 -o /dev/null -w '%{http_code}' \
			"http://$([[ $host == *:* ]] && echo "[$host]" || echo "$host"):81/")" 000
	done
	matches "$how: 20 MB through redirect" "$(in_a python3 "$PEER" upload "$B4" 85 20000000)" "^900[01] 20000000$"
	at_least "$how: list counts the connections of each port" \
		"$(json '.policies[].chains[0].rules[] | select(.text | startswith("tcp dport 91")) | [.ports[].connections] | min')" 20
	matches "$how: and shows them" "$(weir list)" "connections: :8080 [0-9]+, :8081 [0-9]+"
}

MANY=$((LOAD / 2 + 100))
try_all tcx

# ---- One connection keeps its port, whatever its packets look like ----
in_a python3 "$PEER" keep "$B4" 85 50 "$WORK/go" >"$WORK/kept-redirect" &
in_a python3 "$PEER" keep "$C4" 95 50 "$WORK/go" >"$WORK/kept-dnat" &
until_true 10 grep -q held "$WORK/kept-redirect"
until_true 10 grep -q held "$WORK/kept-dnat"

# ---- Applied again and again while connections come; the counts go on ----
before=$(json '[.policies[].chains[0].rules[].ports // [] | .[].connections] | add')
(
	for _ in 1 2 3 4 5 6 7 8; do
		weir apply "$WORK/web.weir" >/dev/null 2>&1 || echo failed
		sleep 0.2
	done
) >"$WORK/applies" &
applying=$!
got="$(get "$B4" 80 "$LOAD") $(get "[$C6]" 90 "$LOAD")"
wait $applying
is "the policy was applied under load" "$(cat "$WORK/applies")" ""
is "no connection is lost while it is applied again" "$(count_of "$got")" $((2 * LOAD))
at_least "the counts go on" "$(($(json '[.policies[].chains[0].rules[].ports // [] | .[].connections] | add') - before))" $((2 * LOAD))

# ---- A table of another size, and a range that shrank: who has a port keeps it ----
sed -i 's/^\thook tc.*/&\n\tconnections 128K/; s/:9000-9001/:9000/' "$WORK/web.weir"
ok "a table of another size is applied" weir apply "$WORK/web.weir"
is "list names its size" "$(json '.policies[].chains[0].connections')" 131072
touch "$WORK/go"
until_true 10 grep -q fine "$WORK/kept-redirect"
until_true 10 grep -q fine "$WORK/kept-dnat"
is "connections to sockets lived through every apply" "$(tail -n 1 "$WORK/kept-redirect")" "fine 50"
is "rewritten connections lived through every apply" "$(tail -n 1 "$WORK/kept-dnat")" "fine 50"

# ---- Several receive queues, and SYN cookies ----
ip -n "$A" link add wa numtxqueues 4 numrxqueues 4 type veth peer name wb numtxqueues 4 numrxqueues 4 netns "$B"
ip -n "$A" addr add 10.0.9.1/24 dev wa
ip -n "$B" addr add 10.0.9.2/24 dev wb
ip -n "$A" link set wa up
ip -n "$B" link set wb up
policy queues <<END
chain queues {
	hook tc ingress on wb netns $B
	tcp dport 80 redirect to :8080-8083 by queue
	tcp dport 90 dnat to :8080-8083 by queue
	tcp dport 81 redirect to :8080-8083 by round-robin
}
END
ok "a policy for an interface with four queues is applied" weir apply "$WORK/queues.weir"
spread "by queue, redirect" "$(get 10.0.9.2 80 200)" 200 4 10
spread "by queue, dnat" "$(get 10.0.9.2 90 200)" 200 4 10
ip netns exec "$B" sysctl -qw net.ipv4.tcp_syncookies=2
spread "with SYN cookies, by round-robin" "$(get 10.0.9.2 81 200)" 200 4 49
spread "with SYN cookies, by hash" "$(get "$B4" 80 200)" 200 8 5
at_least "cookies were sent and taken" "$(in_b nstat -asz TcpExtSyncookiesRecv | awk '/Recv/ { print $2 }')" 300
ip netns exec "$B" sysctl -qw net.ipv4.tcp_syncookies=1
ok "and is removed" weir remove queues

# ---- A client that comes again from the same ports, while the server's side still waits in TIME_WAIT ----
# (Or the client's, where the server closes late: it may have those ports back after a second.)
ip netns exec "$A" sysctl -qw net.ipv4.ip_local_port_range="40000 40499" net.ipv4.tcp_tw_reuse=1
for host in "$B4" "[$B6]"; do
	got="$(get "$host" 80 400) $(get "$host" 80 400) $(get "$host" 80 400)"
	is "$host: no connection is lost where ports are used again" "$(count_of "$got")" 1200
done
ip netns exec "$A" sysctl -qw net.ipv4.ip_local_port_range="32768 60999" net.ipv4.tcp_tw_reuse=2

# ---- A server goes, and comes again ----
kill -TERM "$RESTARTED"
until_true 5 bash -c "! nsenter --net=/run/netns/$B ss -Hltn 'sport = :8083' | grep -q ."
got=$(get "$B4" 83 "$LOAD")
is "with one server dead: alive loses none" "$(count_of "$got")" "$LOAD"
is "seven servers answer" "$(servers_of "$got")" 7
at_least "what was the dead one's is spread over the others ($got)" "$(least_of "$got")" $((LOAD / 16 - 5))
got=$(get "$B4" 80 400)
at_least "without alive the dead one's are refused" $((400 - $(count_of "$got"))) 20
at_least "and curl says so" "$(grep -ci "connect to .* port 80" "$WORK/curl.err")" 20
get "$B4" 83 $((LOAD + 400)) >"$WORK/while" &
getting=$!
sleep 0.5
httpd "$B" 8083
wait $getting
is "a server that comes again while connections come: none is lost" "$(count_of "$(cat "$WORK/while")")" $((LOAD + 400))
got=$(get "$B4" 83 400)
is "it is found without weir: eight servers answer" "$(servers_of "$got")" 8

# ---- ICMP errors about rewritten packets ----
ip -n "$B" link set vx mtu 1300
ip -n "$A" route flush cache
ask "$C6" 54 1 5000 >/dev/null # its first datagram is lost to the discovery
lacks "the path MTU is found by fragments of IPv6, about which errors quote their header" "$(ask "$C6" 54 4 5000)" lost
is "the path MTU is found through a rewritten connection" "$(in_a python3 "$PEER" upload "$C4" 95 300000)" "9000 300000"
is "and of IPv6" "$(in_a python3 "$PEER" upload "$C6" 95 300000)" "9000 300000"
policy web2 <<END
chain errors { hook tc ingress on vb netns $B; udp dport 58 dnat to :5999; udp dport 59 redirect to :5999 }
END
ok "a second policy redirects to a port where nobody is" weir apply "$WORK/web2.weir"
refused() {
	in_a python3 -c '
import socket, sys
host = sys.argv[1]
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((host, int(sys.argv[2])))
s.send(b"x")
try:
    s.recv(10)
except ConnectionRefusedError:
    sys.exit(0)
sys.exit(1)' "$@"
}
ip -n "$B" link set vx mtu 1500
ok "the client hears that nobody is there, through dnat" refused "$C4" 58
ok "and by IPv6" refused "$C6" 58
ok "and through redirect" refused "$B4" 59
ok "the second policy is removed" weir remove web2

ok "the policy is removed" weir remove web
is "nothing stays behind" "$(weir list)" "no policy is in force"
lacks "nothing answers on port 80 then" "$(get "$B4" 80 1)" :

export WEIR_NO_TCX=1
sed -i 's/^\tconnections.*//; s/:9000$/:9000-9001/' "$WORK/web.weir"
MANY=$((LOAD / 6 + 150))
try_all clsact
ok "clsact: the policy is removed" weir remove web
unset WEIR_NO_TCX

# ---- dnat where packets leave: what this host opens, and what goes into a container's veth ----
policy leaving <<END
chain opens { hook tc egress on va netns $A; tcp dport 96 dnat to :8080-8087; udp dport 58 dnat to :5300-5303 }
chain inside { hook tc ingress on veth of netns $C netns $B; tcp dport 97 dnat to :8080-8087; udp dport 59 dnat to :5300-5303 }
END
ok "dnat at tc egress, and on the veth of a namespace, is applied" weir apply "$WORK/leaving.weir"
for host in "$B4" "[$B6]"; do
	spread "$host dnat of what this host opens" "$(get "$host" 96 200)" 200 8 5
	spread "$host udp dnat of what this host opens" "$(ask "${host//[][]/}" 58 60)" 60 4 3
done
for host in "$C4" "[$C6]"; do
	spread "$host dnat into the veth" "$(get "$host" 97 200)" 200 8 5
	spread "$host udp dnat into the veth" "$(ask "${host//[][]/}" 59 60)" 60 4 3
done
ok "and is removed" weir remove leaving

# ---- redirect becomes dnat, and the client has the same source port again: what was kept of a socket is nothing to rewrite by ----
policy turns <<END
chain web { hook tc ingress on vb netns $B; tcp dport 98 redirect to :8080-8087 }
END
ok "redirect is applied" weir apply "$WORK/turns.weir"
matches "a connection from a port" "$(in_a python3 "$PEER" from "$B4" 98 20404)" "^80"
sed -i 's/redirect to/dnat to/' "$WORK/turns.weir"
ok "dnat takes its place" weir apply "$WORK/turns.weir"
matches "one from the same port is not lost" "$(in_a python3 "$PEER" from "$B4" 98 20404)" "^80"
ok "that is removed" weir remove turns

# ---- The examples, as they stand but for the interface ----
example() {
	sed "s/on eth0/on vb netns $B/" "$ROOT/examples/$1.weir" >"$WORK/$1.weir"
	ok "example $1 is applied" weir apply "$WORK/$1.weir"
}
background in_b python3 "$PEER" serve udp 5304 5305 5306 5307
background in_c python3 "$PEER" serve udp 5304 5305 5306 5307
until_true 5 udp_listens 5307
example port-redirector
for host in "$B4" "[$B6]"; do
	spread "example port-redirector: $host" "$(get "$host" 80 300)" 300 8 10
	spread "example port-redirector: $host udp" "$(ask "${host//[][]/}" 53 80)" 80 8 1
done
weir remove port-redirector >/dev/null
example port-redirector-dnat
for host in "$C4" "[$C6]"; do
	spread "example port-redirector-dnat: $host" "$(get "$host" 80 300)" 300 8 10
	spread "example port-redirector-dnat: $host udp" "$(ask "${host//[][]/}" 53 80)" 80 8 8
done
weir remove port-redirector-dnat >/dev/null
example port-redirector-queue
is "example port-redirector-queue: all of one queue go to one port" "$(get "$C4" 80 20)" "8080:20"
weir remove port-redirector-queue >/dev/null
tests_end
