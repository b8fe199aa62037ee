# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# weir trace connect: each connection that is made, by whom, and how it went; the same lines by each probe.
# TRACE_PROBES: those that must work here, all of which are compared with the same expected lines (tests/vm/suite).
. "$(dirname "$0")/lib.sh"
command -v perl >/dev/null || skip_all "perl is not installed"
playground
NETNS=$(stat -Lc %i "/run/netns/$A")
PROBES=${TRACE_PROBES:-tracepoint}

# A server that does what the port says: 90 waits for the other side to close, 91 closes first, 92 resets.
cat >"$WORK/server.pl" <<'PERL'
use Socket qw(:DEFAULT inet_pton IPPROTO_IPV6 IPV6_V6ONLY);
my ($port) = @ARGV;
socket(my $server, AF_INET6, SOCK_STREAM, 0) or die;
setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
setsockopt($server, IPPROTO_IPV6, IPV6_V6ONLY, pack("i", 0));
bind($server, pack_sockaddr_in6($port, inet_pton(AF_INET6, "::"))) or die "bind: $!";
listen($server, 20) or die;
while (accept(my $client, $server)) {
	1 while $port == 90 && sysread($client, my $data, 100);
	setsockopt($client, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)) if $port == 92;
	close($client);
}
PERL
# connect.pl ADDRESS PORT HOW: connects, blocking or not, waits for the other side if told to, closes. Says which process it is.
cat >"$WORK/connect.pl" <<'PERL'
use Socket qw(:DEFAULT inet_pton);
use Fcntl;
my ($address, $port, $how) = @ARGV;
my $six = $address =~ /:/;
$| = 1;
print "$$\n";
socket(my $socket, $six ? AF_INET6 : AF_INET, SOCK_STREAM, 0) or die;
my $to = $six ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $address)) : pack_sockaddr_in($port, inet_aton($address));
fcntl($socket, F_SETFL, O_NONBLOCK) if $how =~ /nonblocking/;
my $good = connect($socket, $to);
if ($how =~ /nonblocking/) {
	my $wait = "";
	vec($wait, fileno($socket), 1) = 1;
	select(undef, $wait, undef, $how =~ /impatient/ ? 0.3 : 20);
	exit 0 if $how =~ /impatient/;
	$good = connect($socket, $to); # gives the error that the socket keeps, and begins nothing
}
exit 1 unless $good;
sysread($socket, my $data, 1) if $how =~ /wait/;
setsockopt($socket, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0)) if $how =~ /linger/;
sleep 30 if $how =~ /hold/;
PERL

web_server 80
for port in 90 91 92; do
	background in_b perl "$WORK/server.pl" $port
	until_true 5 listens $port
done
in_a sysctl -qw net.ipv4.tcp_syn_retries=1
# What goes to 10.0.0.66 arrives and is not answered; 10.9.0.0/16 and fd09::/16 are said to be unreachable by B.
ip -n "$A" neigh replace 10.0.0.66 lladdr $BMAC nud permanent dev va
ip -n "$A" neigh replace fd00::66 lladdr $BMAC nud permanent dev va
in_b sysctl -qw net.ipv4.ip_forward=1
ip -n "$B" route add blackhole 10.0.0.66 # or B forwards it, and says in the end that nobody is there
ip -n "$B" route add unreachable 10.9.0.0/16
ip -n "$A" route add 10.9.0.0/16 via $B4

trace_begin() {
	"$WEIR" trace connect "$@" >"$WORK/trace" 2>"$WORK/trace.err" &
	TRACE=$!
	STARTED+=("$TRACE")
	until_true 60 grep -q probe "$WORK/trace"
}
trace_end() {
	sleep 0.3
	kill -"${1:-TERM}" "$TRACE" 2>/dev/null
	wait "$TRACE"
}
connects() { in_a perl "$WORK/connect.pl" "$@" >>"$WORK/pids"; }
shell_connects() { in_a bash -c "echo \$\$ >>$WORK/pids; exec 3<>/dev/tcp/$1/$2" 2>/dev/null; }
# Of A alone: others use this machine as well.
lines() { jq -r "select(.netns == $NETNS) | $1" "$WORK/trace"; }
traced() { lines "$1" | grep -q .; }

scenario() {
	: >"$WORK/pids"
	shell_connects $B4 90
	shell_connects $B6 90
	fetch 80
	connects $B4 91 wait
	connects $B4 92 wait
	connects $B6 92 wait
	connects $B4 90 linger
	connects ::ffff:$B4 90
	connects $B4 90 nonblocking
	shell_connects $B4 99
	shell_connects $B6 99
	connects $B4 99 nonblocking
	in_a setpriv --reuid 65534 --clear-groups perl - $B4 99 <"$WORK/connect.pl" >>"$WORK/pids"
	shell_connects 10.9.0.1 80
	in_a curl -s --max-time 10 --noproxy '*' http://10.9.0.1/
	connects 203.0.113.1 80
	connects 2001:db8::1 80
	connects ::ffff:203.0.113.1 80
	connects 10.0.0.66 80 nonblocking-impatient
	connects 10.0.0.66 80 &
	connects fd00::66 80 nonblocking
	wait $!
	# There is one port, and it is taken.
	in_a sysctl -qw net.ipv4.ip_local_port_range="40000 40000"
	connects $B4 90 hold &
	until_true 20 traced 'select(.sport == 40000)'
	connects $B4 90
	kill "$(tail -n 2 "$WORK/pids" | head -n 1)"
	wait $! 2>/dev/null
	in_a sysctl -qw net.ipv4.ip_local_port_range="32768 60999"
}

cat >"$WORK/expected" <<END
bash root $A4 > $B4 90 connected null
bash root $A6 > $B6 90 connected null
curl root $A4 > $B4 80 connected null
perl root $A4 > $B4 91 connected null
perl root $A4 > $B4 92 connected null
perl root $A6 > $B6 92 connected null
perl root $A4 > $B4 90 connected null
perl root $A4 > $B4 90 connected null
perl root $A4 > $B4 90 connected null
bash root $A4 > $B4 99 refused ECONNREFUSED
bash root $A6 > $B6 99 refused ECONNREFUSED
perl root $A4 > $B4 99 refused ECONNREFUSED
perl nobody $A4 > $B4 99 refused ECONNREFUSED
bash root $A4 > 10.9.0.1 80 unreachable EHOSTUNREACH
curl root $A4 > 10.9.0.1 80 unreachable EHOSTUNREACH
perl root null > 203.0.113.1 80 unreachable ENETUNREACH
perl root null > 2001:db8::1 80 unreachable ENETUNREACH
perl root null > 203.0.113.1 80 unreachable ENETUNREACH
perl root $A4 > 10.0.0.66 80 interrupted null
perl root $A4 > 10.0.0.66 80 timed out ETIMEDOUT
perl root $A6 > fd00::66 80 timed out ETIMEDOUT
perl root $A4 > $B4 90 connected null
perl root null > $B4 90 failed EADDRNOTAVAIL
END
cat >"$WORK/expected-ends" <<END
bash $B4 90 closed null
bash $B6 90 closed null
perl $B4 91 closed by peer null
perl $B4 92 reset by peer ECONNRESET
perl $B6 92 reset by peer ECONNRESET
perl $B4 90 aborted null
perl $B4 90 closed null
perl $B4 90 closed null
perl $B4 90 closed null
END
sort "$WORK/expected" >"$WORK/expected-sorted"

for probe in $PROBES; do
	trace_begin -j --ends --probe "$probe"
	scenario
	trace_end
	is "$probe: the first line names the probe" "$(jq -r '.probe // empty' "$WORK/trace")" "$probe"
	ok "$probe: every line is JSON" jq -e . "$WORK/trace"
	# Two are made at once, and end in either order.
	lines 'select(.event == "connect") | "\(.process.command) \(.process.user) \(.saddr) > \(.daddr) \(.dport) \(.result) \(.error)"' |
		sort >"$WORK/got"
	ok "$probe: a line for each connection: process, user, addresses, result" diff "$WORK/got" "$WORK/expected-sorted"
	lines 'select(.event == "end" and .dport != 80) | "\(.process.command) \(.daddr) \(.dport) \(.result) \(.error)"' >"$WORK/got-ends"
	ok "$probe: a line for each end, by whom or what" diff "$WORK/got-ends" "$WORK/expected-ends"
	lines 'select(.event == "connect" and .process.command != "curl") | .process.pid' | sort >"$WORK/got-pids"
	sort -o "$WORK/pids" "$WORK/pids"
	ok "$probe: the process is the one that connected" diff "$WORK/got-pids" "$WORK/pids"
	is "$probe: who had an address had a port" "$(lines 'select((.saddr == null) != (.sport == null)) | .result')" ""
	is "$probe: what was given up after 0.3 s took 0.3 s" \
		"$(lines 'select(.result == "interrupted") | .took_us >= 250000 and .took_us < 1500000')" true
	is "$probe: what timed out took the time of its tries" "$(lines 'select(.result == "timed out") | .took_us > 1500000' | sort -u)" true
	is "$probe: what was answered did not" "$(lines 'select(.result == "connected") | .took_us < 1000000' | sort -u)" true
	is "$probe: nothing was lost" "$(jq -r '.lost // empty' "$WORK/trace")" ""

	# Three at once: on a kernel with preemption each is stopped now and then while it is in weir's program, and the others go on.
	trace_begin -j --probe "$probe"
	connectors=
	for _ in 1 2 3; do
		in_a perl -MSocket -e 'my $to = pack_sockaddr_in(91, inet_aton($ARGV[0]));
			for (1 .. 100) { socket(my $s, AF_INET, SOCK_STREAM, 0); connect($s, $to) or warn; sysread($s, my $d, 1); }' $B4 &
		connectors+=" $!"
	done
	# shellcheck disable=SC2086
	wait $connectors
	trace_end
	told=$(lines 'select(.result == "connected") | .result' | wc -l)
	lost=$(jq -s 'map(.lost // 0) | add' "$WORK/trace")
	at_least "$probe: of 300 connections by three at once, hardly one is missed (told $told, lost $lost)" "$told" 297
	is "$probe: nothing is counted as lost that was not" "$((told + lost <= 303))" 1
done

# In a virtual machine that is all.
[ -z "${TRACE_PROBES:-}" ] || tests_end

# As text, and without the ends; by the best probe.
trace_begin
connects $B4 91 wait
connects $B6 99
connects 203.0.113.1 80
trace_end INT
is "SIGINT ends it cleanly" $? 0
matches "as text: the probe" "$(head -n 1 "$WORK/trace")" '^probe: (fentry tcp_connect|kprobe tcp_connect|tracepoint sock:inet_sock_set_state)'
matches "as text: a connection" "$(cat "$WORK/trace")" "^[0-9:.]{15}  perl\[[0-9]+\] root  $A4:[0-9]+ > $B4:91  connected in [0-9.]+ m?s$"
matches "as text: one that was refused, of IPv6" "$(cat "$WORK/trace")" "  \[$A6\]:[0-9]+ > \[$B6\]:99  refused after [0-9.]+ m?s$"
matches "as text: one without a route" "$(cat "$WORK/trace")" '  - > 203\.0\.113\.1:80  unreachable at once$'
lacks "without --ends no end is told" "$(cat "$WORK/trace")" '  end: '

# More than fit: counted, and said.
trace_begin -j
kill -STOP "$TRACE"
in_a perl -MSocket -e 'my $to = pack_sockaddr_in(99, inet_aton($ARGV[0]));
	for (1 .. 12000) { socket(my $s, AF_INET, SOCK_STREAM, 0); connect($s, $to); }' $B4
kill -CONT "$TRACE"
counted() { awk '/"refused"/ { n++ } /"lost"/ { gsub(/[^0-9]/, " "); n += $2 } END { exit n < 12000 }' "$WORK/trace"; }
until_true 60 counted
trace_end
told=$(lines 'select(.result == "refused") | .result' | wc -l)
lost=$(jq -s 'map(.lost // 0) | add' "$WORK/trace")
at_least "some were lost, and the reader says so" "$lost" 1
at_least "what was told and what was lost is all there was" "$((told + lost))" 12000

# On a busy machine others connect as well.
trace_begin -j --count 2
for _ in 1 2 3; do connects $B4 99; done
ended() { ! kill -0 "$TRACE"; }
ok "--count ends it" until_true 20 ended
is "after so many lines" "$(jq -r 'select(.event) | 1' "$WORK/trace" | wc -l)" 2
ok "--seconds ends it" timeout 20 "$WEIR" trace connect --seconds 1
gone() { ! bpftool prog show 2>/dev/null | grep -qE 'name weir_(state|fentry|kprobe|sys_exit|enter_v4)'; }
if [ "$(pgrep -fc 'weir trace connect')" = 0 ]; then
	ok "nothing of it is left in the kernel" until_true 5 gone
else
	skip "nothing of it is left in the kernel" "another one runs on this machine"
fi

exits "without root it says what it needs" 3 'needs root' setpriv --reuid 65534 --clear-groups "$WEIR" trace connect --seconds 1
exits "a probe that is not known is refused" 1 'fentry, kprobe or tracepoint' weir trace connect --probe uprobe
exits "what cannot be traced is refused" 1 'weir trace connect' weir trace accept
exits "a word too many is refused" 1 'too much' weir trace connect 80
tests_end
