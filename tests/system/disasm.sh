# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# weir disasm shows of each chain in force what bpftool shows of its program, byte by byte, with the policy's lines beside.
. "$(dirname "$0")/lib.sh"
BPFTOOL=${BPFTOOL:-bpftool}
playground
enforce edge <<END
set blocked { type ipv4_addr; elements = { 10.9.0.0/16, 10.8.0.1 } }
chain outer {
	hook xdp ingress on vb netns $B
	ip saddr @blocked drop
	pcap "tcp[tcpflags] & tcp-syn != 0 and port 81" drop
	tcp dport 23 log drop
}
chain inner {
	hook tc egress on vb netns $B
	tcp dport { 23, 80-90 } counter
	udp dport 53 drop
	tcp dport 1 ip daddr @blocked drop
	tcp dport 3 ip daddr @blocked drop
	tcp dport 5 ip daddr @blocked drop
	tcp dport 7 ip daddr @blocked drop
	tcp dport 9 ip daddr @blocked drop
}
END
# bpftool names called functions by the kernel's symbols, weir also by the policy's: what stands behind # is not compared. An address of
# this CPU's an older bpftool takes for a plain move.
instructions() { grep -E '^ *[0-9]+: \(' | sed -E 's/^ *//; s/#.*//; s/&\(void __percpu \*\)\((r[0-9])\)/\1/'; }
bytes() { grep -E '^ +([0-9a-f]{2} ){7}' | sed 's/^ *//'; }
for chain in outer inner; do
	id=$(json --arg chain $chain '.policies[].chains[] | select(.name == $chain).program.id')
	weir disasm -o edge $chain >"$WORK/weir" 2>&1
	"$BPFTOOL" prog dump xlated id "$id" opcodes >"$WORK/bpftool" 2>&1
	is "chain $chain: the instructions are bpftool's" "$(instructions <"$WORK/weir" | md5sum)" "$(instructions <"$WORK/bpftool" | md5sum)"
	diff <(instructions <"$WORK/weir") <(instructions <"$WORK/bpftool") | head -n 10 | sed 's/^/# /'
	at_least "chain $chain: there are some" "$(instructions <"$WORK/weir" | wc -l)" 100
	is "chain $chain: the bytes are bpftool's" "$(bytes <"$WORK/weir" | md5sum)" "$(bytes <"$WORK/bpftool" | sed 's/ *$//' | md5sum)"
	at_least "chain $chain: there are some" "$(bytes <"$WORK/weir" | wc -l)" 100
	size=$(json --arg chain $chain '.policies[].chains[] | select(.name == $chain).program.jited_bytes')
	if "$BPFTOOL" prog dump jited id "$id" file "$WORK/jited" 2>/dev/null && [ -s "$WORK/jited" ]; then
		is "chain $chain: the machine code is bpftool's" \
			"$(weir disasm --jit -j edge $chain | jq -r '.functions[].machine' | tr -d '\n' | md5sum)" "$(xxd -p <"$WORK/jited" | tr -d '\n' | md5sum)"
	else
		is "chain $chain: all of the machine code is shown" \
			"$(weir disasm --jit -j edge $chain | jq -r '.functions[].machine' | tr -d '\n' | wc -c)" $((size * 2))
	fi
done
text=$(weir disasm edge outer)
matches "a rule's line stands above its code" "$text" '^; .*edge.weir:6: tcp dport 23 log drop$'
matches "generated functions have their names" "$text" '^predicate_[0-9]+:$'
matches "those of sets the set's" "$(weir disasm edge inner)" '^set_blocked:$'
is "JSON has the places" \
	"$(weir disasm -j edge inner | jq -r '.instructions[] | select(.source == "udp dport 53 drop") | .line' | sort -u)" 11
is "without a name all chains are shown" "$(weir disasm | grep -c '^policy edge, chain')" 2
jit=$(weir disasm --jit edge outer)
matches "machine code is hexadecimal" "$jit" '^ +[1-9a-f][0-9a-f]*: ([0-9a-f]{2} ){3,15}[0-9a-f]{2}$'
is "no byte of it is left out" "$(printf '%s\n' "$jit" | sed -nE 's/^ +[0-9a-f]+: //p' | tr -d ' \n')" \
	"$(weir disasm --jit -j edge outer | jq -r '.functions[].machine' | tr -d '\n')"
if "$BPFTOOL" prog dump xlated id "$id" >/dev/null 2>&1 && [ -n "$(weir disasm --jit -j edge outer | jq '.instructions[].machine_at // empty')" ]; then
	matches "a rule's line stands above its machine code, too" "$jit" '^; .*edge.weir:6: tcp dport 23 log drop$'
	# The verdict of the rule is a constant that the machine's code loads: of its instruction and of its machine code it is the same.
	[ "$(uname -m)" != x86_64 ] || is "and it is its own" "$(printf '%s\n' "$jit" | sed -n '/edge.weir:6: /{n;p}' | grep -oE 'b8 ([0-9a-f]{2} ?){4}' | head -n 1 | awk '{ print $5 $4 $3 $2 }')" \
		"$(printf '%08x' "$(weir disasm edge outer | sed -n '/edge.weir:6: /{n;s/.*w0 = //p}' | head -n 1)")"
else
	skip "a rule's line stands above its machine code, too" "this kernel keeps the addresses to itself"
fi
exits "a policy that is not there is an error" 1 "no policy 'nosuch' is in force" weir disasm nosuch
exits "and a chain" 1 "no chain 'nosuch' is in force" weir disasm edge nosuch
tests_end
