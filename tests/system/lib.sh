# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the system tests share: TAP, a playground of two network namespaces, a bpffs of their own, and cleaning up.
#
#	. "$(dirname "$0")/lib.sh"
#	playground
#	policy drop-icmp <<-END ... END		writes $WORK/drop-icmp.weir
#	ok "the policy is applied" weir apply "$WORK/drop-icmp.weir"
#	fails "ping gets no answer" reaches_ping
#	tests_end
#
# A test runs in a mount namespace of its own, where /sys/fs/bpf is a bpffs of its own: what else is enforced on this
# machine is neither seen nor touched, and the kernel lets go of everything when the test ends, however it ends.

set -u

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-build}
WEIR=${WEIR:-$ROOT/$BUILD/weir}
SEND_FRAME=$ROOT/$BUILD/tests/tools/send_frame
# The bpftool that works here, by its name, too: Ubuntu's serves only the kernels of Ubuntu's that it finds packages of.
case ${BPFTOOL:=$("$ROOT/packaging/dependencies" bpftool 2>/dev/null || echo bpftool)} in */*) PATH=${BPFTOOL%/*}:$PATH ;; esac
TAP_COUNT=0
TAP_FAILED=0

if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP needs root: network namespaces and bpf(2)"
	exit 0
fi
if [ ! -x "$WEIR" ]; then
	echo "Bail out! $WEIR is not there: run make first"
	exit 1
fi
if [ -z "${WEIR_TEST_INSIDE:-}" ]; then
	# The watchdog is outside, so that no test can hang: ten seconds after the polite end comes the other one.
	WEIR_TEST_INSIDE=1 exec timeout --kill-after=10 "${TEST_TIMEOUT:-170}" unshare --mount --propagation private bash "$0" "$@"
fi

WORK=$(mktemp -d /tmp/weir-test.XXXXXX)
A=weir-test-$$-a # the client's namespace: va, 10.0.0.1, fd00::1
B=weir-test-$$-b # the server's namespace: vb, 10.0.0.2, fd00::2
A4=10.0.0.1 B4=10.0.0.2 A6=fd00::1 B6=fd00::2
AMAC=02:00:00:00:00:0a BMAC=02:00:00:00:00:0b
STARTED=() # processes to end
NAMESPACES=()
CGROUPS=()

mount -t bpf bpf /sys/fs/bpf 2>/dev/null || { mkdir -p "$WORK/bpf" && mount -t bpf bpf "$WORK/bpf"; }
unset WEIR_PINS
unset WEIR_NO_TCX

# shellcheck disable=SC2317
clean_up() {
	local status=$?
	trap - EXIT INT TERM
	"$WEIR" remove --all >/dev/null 2>&1
	for pid in "${STARTED[@]}"; do kill -TERM "$pid" 2>/dev/null; done
	for namespace in "${NAMESPACES[@]}"; do
		# shellcheck disable=SC2046
		kill -KILL $(ip netns pids "$namespace" 2>/dev/null) 2>/dev/null
		ip netns del "$namespace" 2>/dev/null
		# The mount of the name lay in this mount namespace; the empty file is all that others see of it.
		rm -f "/run/netns/$namespace"
	done
	for cgroup in "${CGROUPS[@]}"; do
		# shellcheck disable=SC2046
		kill -KILL $(cat "$cgroup/cgroup.procs" 2>/dev/null) 2>/dev/null
		for _ in 1 2 3 4 5; do rmdir "$cgroup" 2>/dev/null && break || sleep 0.1; done
	done
	rm -rf "${WORK:?}" 2>/dev/null
	exit "$status"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# ---- TAP ----

# result SENTENCE STATUS [OUTPUT]
result() {
	TAP_COUNT=$((TAP_COUNT + 1))
	if [ "$2" = 0 ]; then
		echo "ok $TAP_COUNT - $1"
	else
		echo "not ok $TAP_COUNT - $1"
		TAP_FAILED=$((TAP_FAILED + 1))
		[ -n "${3:-}" ] && printf '%s\n' "$3" | tail -n 40 | sed 's/^/# /'
	fi
	return 0
}

# ok SENTENCE COMMAND...: it succeeds.
ok() {
	local sentence=$1 output status
	shift
	output=$("$@" 2>&1)
	status=$?
	result "$sentence" "$status" "exit $status of: $*
$output"
}

# fails SENTENCE COMMAND...: it does not.
fails() {
	local sentence=$1 output status
	shift
	output=$("$@" 2>&1)
	status=$?
	result "$sentence" "$((status == 0))" "exit 0 of: $*
$output"
}

# exits SENTENCE CODE PATTERN COMMAND...: with that code (1, or 1|2), and its errors match PATTERN (an extended regular expression).
exits() {
	local sentence=$1 code=$2 pattern=$3 output status
	shift 3
	output=$("$@" 2>&1)
	status=$?
	if printf '%s' "$status" | grep -Eqx -- "$code" && printf '%s\n' "$output" | grep -Eq -- "$pattern"; then
		result "$sentence" 0
	else
		result "$sentence" 1 "exit $status, wanted $code and /$pattern/, of: $*
$output"
	fi
}

# is SENTENCE GOT WANTED
is() {
	if [ "$2" = "$3" ]; then result "$1" 0; else result "$1" 1 "got    $2
wanted $3"; fi
}

# at_least SENTENCE GOT WANTED
at_least() {
	if [ "${2:-0}" -ge "$3" ] 2>/dev/null; then result "$1" 0; else result "$1" 1 "got $2, wanted at least $3"; fi
}

# matches SENTENCE TEXT PATTERN
matches() {
	if printf '%s\n' "$2" | grep -Eq -- "$3"; then result "$1" 0; else result "$1" 1 "no match of /$3/ in:
$2"; fi
}

# lacks SENTENCE TEXT PATTERN
lacks() {
	if printf '%s\n' "$2" | grep -Eq -- "$3"; then result "$1" 1 "a match of /$3/ in:
$2"; else result "$1" 0; fi
}

skip() {
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

tests_end() {
	echo "1..$TAP_COUNT"
	exit "$((TAP_FAILED > 0))"
}

# ---- The playground ----

namespace() {
	ip netns add "$1" && NAMESPACES+=("$1")
	ip -n "$1" link set lo up
	# Quiet: only what a test sends is to be on the wire.
	ip netns exec "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.default.router_solicitations=0 net.ipv6.conf.default.accept_ra=0 net.ipv4.ping_group_range="0 2147483647" 2>/dev/null
}

# Two namespaces joined by a veth pair, va in A and vb in B; neighbours are static, so that only tests about ARP send ARP.
playground() {
	namespace "$A"
	namespace "$B"
	ip -n "$A" link add va address $AMAC type veth peer name vb address $BMAC netns "$B"
	ip -n "$A" addr add $A4/24 dev va
	ip -n "$B" addr add $B4/24 dev vb
	ip -n "$A" -6 addr add $A6/64 dev va nodad
	ip -n "$B" -6 addr add $B6/64 dev vb nodad
	ip -n "$A" link set va up
	ip -n "$B" link set vb up
	ip -n "$A" neigh replace $B4 lladdr $BMAC nud permanent dev va
	ip -n "$B" neigh replace $A4 lladdr $AMAC nud permanent dev vb
	ip -n "$A" neigh replace $B6 lladdr $BMAC nud permanent dev va
	ip -n "$B" neigh replace $A6 lladdr $AMAC nud permanent dev vb
}

# Behind B, which forwards: namespace C with vc, 10.0.1.2, fd01::2, whose next hop is vx.
behind_playground() {
	C=weir-test-$$-c C4=10.0.1.2 C6=fd01::2
	namespace "$C"
	ip -n "$B" link add vx type veth peer name vc netns "$C"
	ip -n "$B" addr add 10.0.1.1/24 dev vx
	ip -n "$C" addr add $C4/24 dev vc
	ip -n "$B" -6 addr add fd01::1/64 dev vx nodad
	ip -n "$C" -6 addr add $C6/64 dev vc nodad
	ip -n "$B" link set vx up
	ip -n "$C" link set vc up
	ip -n "$A" route add 10.0.1.0/24 via $B4
	ip -n "$C" route add default via 10.0.1.1
	ip -n "$A" -6 route add fd01::/64 via $B6
	ip -n "$C" -6 route add default via fd01::1
	ip netns exec "$B" sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}
in_c() { nsenter --net="/run/netns/$C" "$@"; }

# in_a COMMAND..., in_b COMMAND...: in the network namespace only, with this mount namespace's bpffs and cgroups.
in_a() { nsenter --net="/run/netns/$A" "$@"; }
in_b() { nsenter --net="/run/netns/$B" "$@"; }

# background COMMAND...: until the test ends.
background() {
	"$@" >/dev/null 2>&1 </dev/null &
	STARTED+=($!)
}

# until_true SECONDS COMMAND...: wait for it.
until_true() {
	local tries=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

listens() { in_b ss -Hltn "sport = :$1" | grep -q .; }

# A web server in B on these ports; every page is "welcome".
web_server() {
	mkdir -p "$WORK/www" && echo welcome >"$WORK/www/index.html"
	local port
	for port in "$@"; do
		background in_b busybox httpd -f -p "[::]:$port" -h "$WORK/www"
		until_true 5 listens "$port"
	done
}

# fetch PORT [curl arguments]: from A, by IPv4. fetch6: by IPv6.
fetch() {
	local port=$1
	shift
	in_a curl -sS --max-time 1 --noproxy '*' "$@" "http://$B4:$port/" | grep -q welcome
}
fetch6() { in_a curl -sS -g --max-time 1 --noproxy '*' "http://[$B6]:$1/" | grep -q welcome; }
pings() { in_a ping -n -q -c 1 -W 1 "${1:-$B4}"; }
arpings() { in_a arping -c 1 -w 1 -I va "${1:-$B4}"; }

# Frames from A to B (and the other way round), built by tests/tools/send_frame.c.
frame_a() { in_a "$SEND_FRAME" va "eth,src=$AMAC,dst=$BMAC" "$@"; }
frame_b() { in_b "$SEND_FRAME" vb "eth,src=$BMAC,dst=$AMAC" "$@"; }

# An observer that is not weir: nftables counts all frames that reach namespace $1 by device $2, behind XDP and tc.
watch_arrivals() {
	ip netns exec "$1" nft -f - <<-END
		table netdev watch {
			chain ${3:-in} {
				type filter hook ingress device "$2" priority 0;
				icmpv6 type { 130-137, 143 } return comment "what the kernel itself says to its neighbours"
				counter
			}
		}
	END
}
arrivals() { ip netns exec "$1" nft -j list table netdev watch 2>/dev/null | jq -r '[.nftables[].rule? | select(.) | .expr[].counter? | select(.) | .packets] | add // 0'; }

have_arrived() { [ "$(arrivals "$1")" -gt "$2" ]; } # NAMESPACE MORE-THAN

# arrives SENTENCE yes|no NAMESPACE COMMAND...: does what COMMAND sends reach NAMESPACE past the firewall? What is to arrive may take
# its time on a busy machine.
arrives() {
	local sentence=$1 wanted=$2 namespace=$3 before got=no
	shift 3
	before=$(arrivals "$namespace")
	"$@" >/dev/null 2>&1
	if [ "$wanted" = yes ]; then
		until_true 10 have_arrived "$namespace" "$before" && got=yes
	else
		sleep 0.05
		have_arrived "$namespace" "$before" && got=yes
	fi
	is "$sentence" "$got" "$wanted"
}

# ---- cgroups ----

cgroup_mount() { awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts; }

# A cgroup of that name below the cgroup2 mount; its path, as policies write it, goes to CGROUP_NAME, its folder to CGROUP.
cgroup() {
	CGROUP_NAME=/weir-test-$$-$1
	CGROUP=$(cgroup_mount)$CGROUP_NAME
	mkdir -p "$CGROUP" && CGROUPS+=("$CGROUP")
}

# in_cgroup FOLDER COMMAND...
in_cgroup() {
	local folder=$1
	shift
	bash -c 'echo $BASHPID >"$0/cgroup.procs" && exec "$@"' "$folder" "$@"
}

# ---- The programs of examples/ ----

# examples NAME: built, as NAME shows.
examples() {
	EXAMPLES=$ROOT/$BUILD/examples
	[ -x "$EXAMPLES/$1/$1" ] || make -s -C "$ROOT" examples >/dev/null || { echo "Bail out! the examples do not build"; exit 1; }
}

# begin SENTENCE NAME [ARGUMENT...]: in B, until end; its number is $BEGUN.
begin() { begin_command "$1" 'Waiting for Ctrl-C' "$EXAMPLES/$2/$2" "${@:3}"; }

# ---- A program that tells what it sees, until it is ended ----

# begin_command SENTENCE WORDS COMMAND...: in B, until end; it has begun when it says so. Its output is $WORK/out.
begin_command() {
	local sentence=$1 words=$2
	shift 2
	: >"$WORK/out"
	nsenter --net="/run/netns/$B" "$@" >"$WORK/out" 2>"$WORK/err" &
	BEGUN=$!
	STARTED+=("$BEGUN")
	until_true 20 grep -q "$words" "$WORK/out"
	result "$sentence" $? "$(cat "$WORK/err")"
}
# With what its programs told by then.
end() {
	sleep 0.3
	kill -TERM "$BEGUN" 2>/dev/null
	wait "$BEGUN"
	# shellcheck disable=SC2034
	STATUS=$?
}

# ---- weir ----

weir() { "$WEIR" "$@"; }
policy() { cat >"$WORK/$1.weir"; }
# Write and apply at once.
enforce() {
	cat >"$WORK/$1.weir"
	ok "${2:-policy $1 is applied}" weir apply "$WORK/$1.weir"
}

# json FILTER: of `weir list -j`.
json() { weir list -j | jq -r "$@"; }

# rule_packets POLICY TEXT [CHAIN]: how many packets the rule with that text counted.
rule_packets() {
	weir list -j | jq -r --arg policy "$1" --arg text "$2" --arg chain "${3:-}" \
		'[.policies[] | select(.name == $policy) | .chains[] | select($chain == "" or .name == $chain) | .rules[] | select(.text == $text) | .packets] | add // 0'
}
# malformed_packets POLICY REASON [CHAIN]: how many packets were dropped as malformed for that reason.
malformed_packets() {
	weir list -j | jq -r --arg policy "$1" --arg reason "$2" --arg chain "${3:-}" \
		'[.policies[] | select(.name == $policy) | .chains[] | select($chain == "" or .name == $chain) | .malformed[$reason].packets] | add // 0'
}
