# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What no program of instructions holds is enforced in another form, by itself; what no form holds is told with the limit it passes.
. "$(dirname "$0")/lib.sh"
playground
watch_arrivals "$B" vb
mkdir "$WORK/hard"
tests/verifier/make-policies "$WORK/hard"

on_vb() { # POLICY: at the interface of this test
	sed "s/hook xdp ingress on lo/hook xdp ingress on vb netns $B/" "$WORK/hard/$1.weir" >"$WORK/$1.weir"
}
on_vb refused
ok "rules that the verifier refuses as instructions are applied" weir apply "$WORK/refused.weir"
matches "and list -v says that some of them are data, and why" "$(weir list -v)" \
	'[0-9]+ of [0-9]+ nodes as data, since the kernel does not verify as many as instructions'
for port in 100 15000 24000; do
	frame_a "ip,src=$A4,dst=$B4" "tcp,sport=1000,dport=$port,flags=A"
	wanted=$(weir why "$WORK/refused.weir" "tcp $A4:1000 > $B4:$port ack" | sed -n 's/.*decided by [^:]*:\([0-9]*\):.*/\1/p')
	is "a packet to port $port is decided by the rule that 'weir why' names (line ${wanted:?})" \
		"$(json ".policies[0].chains[0].rules[] | select(.line == $wanted).packets")" 1
done
ok "away with it" weir remove refused

on_vb exact-100000
if command -v script >/dev/null; then
	text=$(TERM=xterm script -qec "$WEIR apply $WORK/exact-100000.weir" /dev/null)
	matches "a hundred thousand rules are applied" "$text" 'in force'
	matches "and on a terminal one sees how far it is" "$text" '(compiling|chains: 0 of 1), [0-9]+ s'
else
	ok "a hundred thousand rules are applied" weir apply "$WORK/exact-100000.weir"
fi
matches "as a table" "$(weir list -v)" 'what a table holds in one look'
ok "away with it" weir remove exact-100000

# Limits of the kernel's: each is named, with what would help.
{
	for i in $(seq 70); do echo "set s$i { type ipv4_addr; size 10; elements = { 10.$i.0.0/16 } }"; done
	printf 'chain many {\n\thook xdp ingress on vb netns %s\n' "$B"
	for i in $(seq 70); do printf '\tip saddr @s%d drop\n' "$i"; done
	echo "}"
} >"$WORK/maps.weir"
exits "more sets in a chain than a program can have" 2 'at most 64 maps.*part the chain in two' weir apply "$WORK/maps.weir"
is "and nothing is in force" "$(json '.policies | length')" 0
tests_end
