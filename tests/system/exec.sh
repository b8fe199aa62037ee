# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Maps for programs that are not weir's: in the environment, over a Unix socket, between weir and the real tc, and the example agent.
. "$(dirname "$0")/lib.sh"
playground

sed "s/on eth0/on vb netns $B/" "$ROOT/examples/agent/agent.weir" >"$WORK/agent.weir"
ok "the example's policy is applied" weir apply "$WORK/agent.weir"
ok "the agent is compiled" cc -Wall -Wextra -Werror -std=gnu11 -I"$ROOT/include" -o "$WORK/agent" "$ROOT/examples/agent/agent.c" "$ROOT/$BUILD/libweir.a" \
	-lbpf -lpcap -ljansson -lelf -lz

# ---- The environment ----

# shellcheck disable=SC2016
weir exec agent -- sh -c 'echo "$BPF_NUM_MAPS"; echo "$WEIR_MAPS" >"$0/maps"; env | grep -c "^BPF_MAP[0-9]"; for map in $(env | sed -n "s/^BPF_MAP[0-9]*=//p"); do readlink "/proc/self/fd/$map"; done | sort -u' "$WORK" >"$WORK/env"
is "BPF_NUM_MAPS counts the variables, and each is a map" "$(sed -n '2,$p' "$WORK/env" | tr '\n' ' ')" "$(sed -n 1p "$WORK/env") anon_inode:bpf-map "
is "the names are beside them" "$(jq -c '[.policy, .maps[0].name, .maps[0].chain, .maps[0].type, .maps[0].id]' "$WORK/maps")" '["agent","counters","door","percpu_array",0]'
is "what is weir's own is not among them" "$(jq -c '[.maps[].name] - ["counters", "set"]' "$WORK/maps")" '[]'
at_least "the set's tables are there" "$(jq '[.maps[] | select(.set == "closed")] | length' "$WORK/maps")" 1
is "ids run from 0" "$(jq -c '[.maps[].id] == [range(.maps | length)]' "$WORK/maps")" true
is "they are the kernel's maps of that policy" "$(jq '.maps[0].map_id' "$WORK/maps")" "$(weir list -j | jq '[.policies[].chains[].maps[] | select(.name == "weir_counters")][0].id')"
pings >/dev/null
# What BPF_MAP0 holds, read by somebody else's program.
packets() { bpftool -j map lookup id "$(jq '.maps[0].map_id' "$WORK/maps")" key 16 0 0 0 | jq '[.values[].value | .[0:8] | map(ltrimstr("0x") | explode | map(if . > 96 then . - 87 else . - 48 end) | .[0] * 16 + .[1]) | to_entries | map(.value * pow(256; .key)) | add] | add'; }
is "what the rule counted stands in it" "$(packets)" 1
is "the command's exit code is weir's" "$(weir exec agent -- sh -c 'exit 7'; echo $?)" 7
is "without a command it is a shell" "$(echo 'echo shell $BPF_NUM_MAPS' | weir exec agent)" "shell $(sed -n 1p "$WORK/env")"
exits "a policy that is not in force" 1 "did you mean 'agent'" weir exec agnet -- true
exits "a command that is not there" 3 "cannot begin /nowhere/x: No such file" weir exec agent -- /nowhere/x
exits "no policy" 1 "the maps of which policy" weir exec -- true
exits "a command behind --export" 1 "begins no command" weir exec --export "$WORK/s" agent -- true
exits "nobody listens" 3 "nobody listens there" weir exec --export "$WORK/s" agent
touch "$WORK/there"
exits "a socket over a file" 3 "cannot make the socket" weir exec --import "$WORK/there" -- true
ok "the file stays" test -f "$WORK/there"

# ---- Over a socket ----

listening() { grep -q " $1\$" /proc/net/unix; }
# shellcheck disable=SC2016
background weir exec --import "$WORK/own" -- sh -c 'echo "$BPF_NUM_MAPS $WEIR_MAPS" >"$0/imported"; readlink "/proc/self/fd/$BPF_MAP0" >>"$0/imported"' "$WORK"
until_true 5 listening "$WORK/own"
is "only its owner may write to the socket" "$(stat -c %a "$WORK/own")" 600
ok "weir sends to weir" weir exec --export "$WORK/own" agent
until_true 5 grep -q bpf-map "$WORK/imported"
is "all arrive" "$(cut -d' ' -f1 "$WORK/imported" | head -n 1)" "$(sed -n 1p "$WORK/env")"
is "and are the same maps" "$(head -n 1 "$WORK/imported" | cut -d' ' -f2- | jq -c '[.maps[].map_id]')" "$(jq -c '[.maps[].map_id]' "$WORK/maps")"
is "with their names" "$(head -n 1 "$WORK/imported" | cut -d' ' -f2- | jq -c '[.maps[0].name, .maps[0].chain]')" '["counters","door"]'
fails "the socket is gone" test -e "$WORK/own"
if tc exec bpf help 2>&1 | grep -q import; then
	# shellcheck disable=SC2016
	background tc exec bpf import "$WORK/tc" run sh -c 'echo "$BPF_NUM_MAPS" >"$0/tc.env"; readlink "/proc/self/fd/$BPF_MAP0" >>"$0/tc.env"; env | grep -c "^BPF_MAP[0-9]" >>"$0/tc.env"' "$WORK"
	until_true 5 listening "$WORK/tc"
	ok "weir sends to tc exec bpf import" weir exec --export "$WORK/tc" agent
	until_true 5 test -s "$WORK/tc.env"
	until_true 5 grep -q bpf-map "$WORK/tc.env"
	sleep 0.2
	is "tc hands the same to its command" "$(tr '\n' ' ' <"$WORK/tc.env")" "$(sed -n 1p "$WORK/env") anon_inode:bpf-map $(sed -n 1p "$WORK/env") "
else
	skip "weir sends to tc exec bpf import" "this tc has no exec bpf import"
fi
# The other way: tc loads an object with maps as the man page has them, and hands them to weir. A tc that was built with libbpf, as
# Debian's is, takes `exp` and sends nothing. WEIR_OLD_TC: one that was built without (LIBBPF_FORCE=off ./configure in iproute2).
OLD_TC=${WEIR_OLD_TC:-tc}
if ! "$OLD_TC" -V | grep -q libbpf && "$OLD_TC" exec bpf help 2>&1 | grep -q import; then
	in_b tc qdisc add dev vb root handle 1: htb
	# shellcheck disable=SC2016
	background weir exec --import "$WORK/tc-own" -- sh -c 'env | grep "^BPF_" | sort >"$0/tc-own.env"; echo "$WEIR_MAPS" >"$0/tc-own.maps"; bpftool -j map lookup id "$(jq ".maps[] | select(.id == 1) | .map_id" "$0/tc-own.maps")" key 5 0 0 0 >"$0/tc-own.value"' "$WORK"
	until_true 5 listening "$WORK/tc-own"
	ok "tc's exp sends to weir exec --import" in_b "$OLD_TC" filter add dev vb parent 1: bpf obj "$ROOT/$BUILD/tests/objects/tc-exports.o" sec cls exp "$WORK/tc-own" flowid 1:1
	until_true 5 test -s "$WORK/tc-own.value"
	is "the maps have the ids that the object gives them" "$(sed 's/=.*//' "$WORK/tc-own.env" | tr '\n' ' ')" "BPF_MAP1 BPF_MAP7 BPF_NUM_MAPS "
	is "weir says what they are" "$(jq -c '[(.policy | split("/") | last), (.maps | sort_by(.id)[] | [.id, .type, .value_size, .max_entries])]' "$WORK/tc-own.maps")" \
		'["tc-exports.o",[1,"array",16,256],[7,"hash",8,32]]'
	matches "and they are open" "$(cat "$WORK/tc-own.value")" '"value":'
	# shellcheck disable=SC2016
	background "$OLD_TC" exec bpf import "$WORK/tc-old" run sh -c 'echo "$BPF_NUM_MAPS" >"$0/tc-old.env"; readlink "/proc/self/fd/$BPF_MAP0" >>"$0/tc-old.env"' "$WORK"
	until_true 5 listening "$WORK/tc-old"
	ok "weir sends to that tc, too" weir exec --export "$WORK/tc-old" agent
	until_true 5 grep -q bpf-map "$WORK/tc-old.env"
	is "and it hands on the same" "$(tr '\n' ' ' <"$WORK/tc-old.env")" "$(sed -n 1p "$WORK/env") anon_inode:bpf-map "
	in_b tc qdisc del dev vb root
else
	skip "tc's exp sends to weir exec --import" "this tc was built with libbpf, and its exp sends nothing"
fi

# One that was killed leaves its socket behind; it is in nobody's way, and one at which somebody listens is nobody's to take.
background "$WEIR" exec --import "$WORK/left" -- true
until_true 5 listening "$WORK/left"
exits "a socket at which somebody listens" 3 "cannot make the socket" weir exec --import "$WORK/left" -- true
kill -KILL "${STARTED[-1]}"
wait "${STARTED[-1]}" 2>/dev/null
ok "a socket is left behind" test -S "$WORK/left"
# shellcheck disable=SC2016
background weir exec --import "$WORK/left" -- sh -c 'echo "$BPF_NUM_MAPS" >"$0/left.env"' "$WORK"
until_true 5 listening "$WORK/left"
until_true 5 weir exec --export "$WORK/left" agent
until_true 5 test -s "$WORK/left.env"
is "and the next one takes its place" "$(cat "$WORK/left.env")" "$(sed -n 1p "$WORK/env")"

# Rubbish at the socket is an error, not maps.
background weir exec --import "$WORK/rubbish" -- touch "$WORK/begun"
RUBBISH=${STARTED[-1]}
until_true 5 listening "$WORK/rubbish"
echo rubbish | ncat -U --udp --send-only "$WORK/rubbish" 2>/dev/null || perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0); send(S, "rubbish", 0, sockaddr_un($ARGV[0]))' "$WORK/rubbish"
wait "$RUBBISH"
is "what are no maps is refused" "$?" 3
fails "and no command is begun" test -e "$WORK/begun"

# ---- More than fit into one datagram ----

{
	for i in $(seq 1 80); do echo "set s$i { type ipv4_addr; elements = { 10.9.0.0/16 } }"; done
	for chain in 0 1 2 3; do
		echo "chain many-$chain { hook tc egress on vb netns $B"
		for i in $(seq 1 20); do echo "ip saddr @s$((chain * 20 + i)) drop"; done
		echo "}"
	done
} >"$WORK/many.weir"
ok "a policy with many sets" weir apply "$WORK/many.weir"
# shellcheck disable=SC2016
MANY=$(weir exec many -- sh -c 'echo $BPF_NUM_MAPS')
# shellcheck disable=SC2016
background weir exec --import "$WORK/own" -- sh -c 'echo "$BPF_NUM_MAPS" >"$0/many.env"' "$WORK"
until_true 5 listening "$WORK/own"
ok "all its maps are sent" weir exec --export "$WORK/own" many
until_true 5 test -s "$WORK/many.env"
is "and arrive" "$(cat "$WORK/many.env")" "$MANY"
weir remove many >/dev/null

# ---- The agent ----

SLOT=$(weir list -j | jq '.policies[].chains[].rules[0].slot')
is "the first rule's slot is the one that the example names" "$SLOT" 16
ok "ping is answered" pings
background sh -c "exec \"\$0\" exec agent -- '$WORK/agent' door $SLOT 5 closed $A4 >'$WORK/agent.out' 2>&1" "$WEIR"
until_true 5 grep -q packets "$WORK/agent.out"
for _ in 1 2 3; do pings >/dev/null; done
sleep 0.3
ok "below its limit the agent only watches" pings
pings >/dev/null
until_true 5 grep -q 'is in closed' "$WORK/agent.out"
fails "above it the address is closed" pings
is "it is an element of the set" "$(weir set list agent closed | cut -d' ' -f1)" "$A4"
matches "the agent has read what was counted" "$(cat "$WORK/agent.out")" '^door: [6-9] packets'
weir set flush agent closed
ok "without it ping is answered" pings
background sh -c "exec '$WORK/agent' door $SLOT 5 closed $A4 '$WORK/agent.socket' >'$WORK/agent.out' 2>&1"
until_true 5 listening "$WORK/agent.socket"
ok "an agent that runs gets the maps by its socket" weir exec --export "$WORK/agent.socket" agent
until_true 5 grep -q 'is in closed' "$WORK/agent.out"
fails "and closes the door" pings
tests_end
