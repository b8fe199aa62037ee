# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The examples for readers of "Firewalling with BPF/XDP" and of tc-bpf(8), as programs, with real packets.
. "$(dirname "$0")/lib.sh"
examples port-redirector
playground

ok "arping is answered before" arpings
begin "drop-arp begins" drop-arp -i vb
fails "drop-arp: arping is not answered" arpings
ok "drop-arp: ping is" pings
end
ok "drop-arp: arping is answered again" arpings

begin "drop-icmp begins" drop-icmp -i vb
fails "drop-icmp: ping is not answered" pings
ok "drop-icmp: arping is" arpings
end
ok "drop-icmp: ping is answered again" pings

web_server 80 8080 8081 8082 8083 8084 8085 8086 8087
begin "drop-tcp-port begins" drop-tcp-port -i vb
fails "drop-tcp-port: port 80 is closed" fetch 80
ok "drop-tcp-port: port 8080 is open" fetch 8080
end
begin "drop-tcp-port begins with a port" drop-tcp-port -i vb --port 8080
ok "drop-tcp-port: then port 80 is open" fetch 80
fails "drop-tcp-port: and port 8080 is closed" fetch 8080
end
exits "drop-tcp-port: a port that is too much" 1 "is too much for" in_b "$EXAMPLES/drop-tcp-port/drop-tcp-port" -i vb -p 65536

# Port 80 has no server of its own in what follows: an answer is a redirected one.
# shellcheck disable=SC2046
kill $(in_b ss -Hltnp 'sport = :80' | grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u)
until_true 5 eval '! listens 80'
fails "nobody answers at port 80 before" fetch 80
begin "port-redirector begins" port-redirector -i vb
ok "port-redirector: a server of 8080 to 8087 answers at port 80" fetch 80
ok "port-redirector: ten times" eval 'for i in 1 2 3 4 5 6 7 8 9 10; do fetch 80 || exit 1; done'
ok "port-redirector: other packets pass" pings
end
fails "port-redirector: nobody answers afterwards" fetch 80

send() { in_b ping -q -c "$1" -i 0.05 -W 1 -m "$2" $A4 >/dev/null; }
begin "classifier-mark-stats begins" classifier-mark-stats -i vb
send 3 5
send 2 255
send 4 256
end
is "classifier-mark-stats counts by mark, up to 255" "$(grep '^mark [1-9]' "$WORK/out")" "$(printf 'mark 5: 3 packets, 294 bytes\nmark 255: 2 packets, 196 bytes')"
if in_b tc qdisc add dev vb root handle 1: htb 2>/dev/null; then
	in_b tc class add dev vb parent 1: classid 1:5 htb rate 1gbit
	in_b tc class add dev vb parent 1: classid 1:7 htb rate 1gbit
	begin "classifier-mark-stats begins at a qdisc" classifier-mark-stats -i vb --parent 1:
	send 3 5
	send 2 7
	end
	class_packets() { in_b tc -s class show dev vb | grep -A 1 "class htb 1:$1 " | grep -o '[0-9]* pkt' | cut -d' ' -f1; }
	is "classifier-mark-stats: the mark is the class" "$(class_packets 5) $(class_packets 7)" "3 2"
	is "classifier-mark-stats: and agrees with tc" "$(grep -Ec '^mark (5: 3|7: 2) packets' "$WORK/out")" 2
else
	skip "classifier-mark-stats at a qdisc" "this kernel has no HTB"
fi
tests_end
