# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Commands that change something at the same time wait for each other, and none of them is lost.
. "$(dirname "$0")/lib.sh"
playground

for i in 1 2 3 4 5 6; do
	policy "p$i" <<END
set s { type ipv4_addr; size 64; }
chain c { hook tc ingress on vb netns $B; ip saddr @s drop
	tcp dport $i drop }
END
done
pids=()
for i in 1 2 3 4 5 6; do
	"$WEIR" apply "$WORK/p$i.weir" >"$WORK/out$i" 2>&1 &
	pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
is "six applies at once all succeed" "$failed" 0
is "all six policies are there" "$(json '[.policies[].name] | join(" ")')" "p1 p2 p3 p4 p5 p6"
is "their chains have numbers of their own" "$(json '[.policies[].chains[].id] | unique | length')" 6

pids=()
for i in 1 2 3 4 5 6 7 8; do
	"$WEIR" set add p1 s "10.1.0.$i" >/dev/null 2>&1 &
	pids+=($!)
	[ "$i" = 4 ] && { "$WEIR" apply "$WORK/p1.weir" >/dev/null 2>&1 & pids+=($!); }
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
is "elements added beside an apply all go in" "$failed" 0
is "and are all there" "$(json '.policies[] | select(.name == "p1") | .sets[].elements')" 8
ok "removing while another applies" bash -c "'$WEIR' remove p1 & '$WEIR' apply '$WORK/p2.weir' >/dev/null 2>&1; wait"
is "five are left" "$(json '.policies | length')" 5
ok "all are removed" weir remove --all
is "nothing is pinned" "$(find /sys/fs/bpf -mindepth 1 ! -name '*.debug' | wc -l)" 0
tests_end
