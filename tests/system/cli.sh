# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The command itself: help, usage errors, exit codes, where output goes, and how it ends.
. "$(dirname "$0")/lib.sh"
playground

COMMANDS=$(weir --help | sed -n 's/^  \([a-z]*\) .*/\1/p')

# ---- Help, versions, usage ----

exits "help lists the commands" 0 "^  events +[a-z]" weir --help
exits "the version is named" 0 "^weir [0-9]+\.[0-9]+\.[0-9]+$" weir --version
at_least "which are all there" "$(wc -w <<<"$COMMANDS")" 18
for command in $COMMANDS; do
	exits "$command --help shows how it is used" 0 "^usage: weir $command" weir "$command" --help
	is "help $command says the same" "$(weir help "$command")" "$(weir "$command" --help)"
	matches "and has an example" "$(weir "$command" --help)" "^example:"
	exits "$command refuses an option it does not have: 1" 1 "no such option '--nonsense'" weir "$command" --nonsense
	exits "$command refuses a letter it does not have: 1" 1 "no such option '-Z'" weir "$command" -Z
done
exits "a mistyped command gets a near match" 1 "did you mean 'weir check'" weir chekc
exits "help of a mistyped command gets one, too" 1 "did you mean 'weir check'" weir help chekc
exits "a mistyped option gets a near match" 1 "did you mean '--emit'" weir check --emti=ast x
exits "a mistyped stage gets a near match" 1 "did you mean 'tree'" weir check --emit=tere x
exits "an option without its value: 1" 1 "'--name' needs a value" weir check --name
exits "a value that the option does not take: 1" 1 "'--json' takes no value" weir list --json=3
exits "check without a file: 1" 1 "which policy file" weir check
exits "check of two files: 1" 1 "one policy file at a time" weir check a b
exits "why without a packet: 1" 1 "which packet" weir why x.weir
exits "set without a verb: 1" 1 "weir set --help" weir set
exits "set with a mistyped verb: 1" 1 "did you mean 'weir set flush'" weir set flsh p s
exits "set without a set: 1" 1 "name the policy and the set" weir set add p
exits "set list with an element: 1" 1 "takes no elements" weir set list p s 10.0.0.1
exits "events of something: 1" 1 "too much" weir events edge
exits "events of no count: 1" 1 "no number of events" weir events --count 0
exits "events of a nonsensical time: 1" 1 "no number of seconds" weir events --seconds 1x
exits "remove of all and one: 1" 1 "all policies, or 'x'" weir remove --all x

# ---- What needs no kernel ----

policy small <<END
chain small { hook xdp ingress on vb netns $B; policy accept; tcp dport 80 log drop }
END
exits "check says what the policy means" 0 "chain small .*xdp ingress on vb" weir check "$WORK/small.weir"
exits "check takes a name" 0 "^policy other " weir check --name other "$WORK/small.weir"
for stage in ast rules tree code; do
	ok "check shows the stage $stage" weir check --emit=$stage "$WORK/small.weir"
done
is "the same input gives the same code" "$(weir check -e code "$WORK/small.weir" | md5sum)" "$(weir check -e code "$WORK/small.weir" | md5sum)"
exits "why of a chain that is not there: 1" 1 "did you mean 'small'" weir why -c smal "$WORK/small.weir" "udp 10.0.0.1:1 > 10.0.0.2:2"
is "why answers as JSON" "$(weir why -j "$WORK/small.weir" "tcp 10.0.0.1:1 > 10.0.0.2:80 syn" | jq -r '"\(.schema) \(.verdict) \(.decided.line)"')" "1 drop 1"
mkdir "$WORK"/$'\xff' && cp "$WORK/small.weir" "$WORK"/$'\xff'
is "also of a file whose name is no UTF-8" "$(weir why -j "$WORK"/$'\xff'/small.weir "tcp 10.0.0.1:1 > 10.0.0.2:80 syn" | jq -r '"\(.verdict) \(.decided.rule)"')" "drop $WORK/\\xff/small.weir:1"
lacks "no colours where the output is no terminal" "$(weir check nothere 2>&1)" $'\033'
if command -v script >/dev/null; then
	matches "colours on a terminal" "$(TERM=xterm script -qec "$WEIR check nothere" /dev/null)" $'\033'
	lacks "none with NO_COLOR" "$(TERM=xterm NO_COLOR=1 script -qec "$WEIR check nothere" /dev/null)" $'\033'
fi
exits "a full disk is an error: 3" 3 "not all of the output could be written" sh -c "'$WEIR' check --emit=code '$WORK/small.weir' >/dev/full"
ok "a reader that goes away is none" bash -c "set -o pipefail; '$WEIR' check --emit=code '$WORK/small.weir' | head -n 1"
is "errors do not go to standard output" "$(weir check nothere 2>/dev/null)" ""

# ---- In force ----

exits "an empty list says so" 0 "no policy is in force" weir list
is "and is JSON" "$(weir list -j | jq -c '[.schema, .policies]')" "[1,[]]"
exits "apply names what it did" 0 "policy small is in force" weir apply "$WORK/small.weir"
exits "a list of one policy" 0 "^policy small " weir list small
exits "a list of one that is not there: 1, with a near match" 1 "did you mean 'small'" weir list smal
matches "verbose names the program" "$(weir list -v)" "program [0-9]+  tag [0-9a-f]{16}"
exits "remove of one that is not there: 1, with a near match" 1 "did you mean 'small'" weir remove smal

# ---- Sets ----

enforce sets "a policy with sets" <<END
set hosts { type ipv4_addr; size 1000; }
set pairs { type ipv4_addr . inet_service; size 1000; }
chain sets { hook tc ingress on vb netns $B; ip saddr @hosts drop; ip saddr . tcp dport @pairs drop; }
END
exits "elements are added" 0 "^3 elements added" weir set add sets hosts 10.9.0.1 10.9.1.0/24 10.9.0.7 timeout 1h
is "and listed, sorted, as they are written" "$(weir set list sets hosts)" "10.9.0.1
10.9.0.7 timeout 1h
10.9.1.0/24"
exits "pairs may be taken apart by the shell" 0 "^2 elements added" weir set add sets pairs 10.9.0.1 . 80 "10.9.0.2 . 81"
is "and come whole" "$(weir set list sets pairs)" "10.9.0.1 . 80
10.9.0.2 . 81"
weir set list sets hosts >"$WORK/saved"
ok "a set is emptied" weir set flush sets hosts
is "and is empty" "$(weir set list sets hosts)" ""
ok "what list printed can be fed back" sh -c "'$WEIR' set add sets hosts - <'$WORK/saved'"
is "and is the same" "$(weir set list sets hosts)" "$(cat "$WORK/saved")"
exits "standard input has comments and blank lines" 0 "^1 element added" sh -c "printf '# one\n\n10.9.0.9 # two\n' | '$WEIR' set add sets hosts"
exits "one wrong element: 1, its line is shown" 1 "standard input:2:1: error" sh -c "printf '10.9.0.10\nx.y\n' | '$WEIR' set add sets hosts"
lacks "and none of them went in" "$(weir set list sets hosts)" "10\.9\.0\.10"
exits "what was not there is not counted as deleted" 0 "^1 element deleted" weir set del sets hosts 10.9.0.9 10.9.0.99
is "a set is JSON" "$(weir set list -j sets hosts | jq -c '[.schema, .set, .size, (.elements | length)]')" '[1,"hosts",1000,3]'
exits "a set that is not there: 1, with a near match" 1 "did you mean 'hosts'" weir set add sets host 10.0.0.1
ok "nothing on standard input adds nothing" sh -c "'$WEIR' set add sets hosts </dev/null"

# ---- Events ----

knock() { frame_a "ip,src=$A4,dst=$B4" tcp,sport=1234,dport=80; }
knock
knock
knock
is "events end after so many, those from before are there" "$(timeout 5 "$WEIR" events --count 2 | wc -l)" 2
ok "or after so many seconds" timeout 5 "$WEIR" events --seconds 1
for signal in INT TERM; do
	"$WEIR" events -j >"$WORK/events" &
	EVENTS=$!
	STARTED+=("$EVENTS")
	sleep 0.3
	knock
	sleep 0.3
	is "each line is written at once (SIG$signal)" "$(jq -r .dport "$WORK/events" | tail -n 1)" 80
	kill -"$signal" "$EVENTS"
	wait "$EVENTS"
	is "events end on SIG$signal, with 0" $? 0
done
flood() { for _ in 1 2 3 4 5 6 7 8; do in_a "$SEND_FRAME" -n 200000 va "eth,src=$AMAC,dst=$BMAC" "ip,src=$A4,dst=$B4" tcp,dport=80; done; }
flood >/dev/null 2>&1 &
STARTED+=($!)
sleep 0.2
is "they end after so many while ever more come" "$(timeout 3 "$WEIR" events --count 10 | grep -c drop)" 10
ok "and in time" timeout 3 sh -c "'$WEIR' events --seconds 1 >/dev/null"
"$WEIR" events >/dev/null &
EVENTS=$!
STARTED+=("$EVENTS")
sleep 0.3
kill -TERM "$EVENTS"
ok "and on a signal" until_true 2 sh -c "! kill -0 $EVENTS"
ok "and when nobody reads any more" timeout 3 sh -c "'$WEIR' events | head -n 1"

# ---- The end ----

exits "remove names what it took" 0 "policy sets is removed" weir remove sets
ok "remove alone takes the rest" weir remove
exits "then nothing is in force" 0 "no policy is in force" weir list
is "and nothing is left in bpffs" "$(find "$(awk '$3 == "bpf" { print $2 }' /proc/mounts | tail -n 1)" -mindepth 1 -not -name '*.debug')" ""
tests_end
