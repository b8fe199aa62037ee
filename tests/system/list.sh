# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# weir list: what is enforced where, with counters that are exact, as text and as JSON.
. "$(dirname "$0")/lib.sh"
playground
watch_arrivals "$B" vb
is "with nothing enforced the list of policies is empty" "$(json '.policies | length')" 0
ok "and the text says something" sh -c "'$WEIR' list | grep -q ."

cat >"$WORK/shop.weir" <<END
# a comment
set refused { type ipv4_addr; size 128; elements = { 10.0.0.66 }; }

chain edge {
	hook xdp ingress on vb netns $B;
	policy accept;
	udp dport 7 drop comment "echo"
	udp dport 8-9 log prefix "odd: " drop
	ip saddr @refused drop
}
chain late {
	hook tc egress on vb netns $B;
	udp dport 1 drop
}
END
ok "applied" weir apply "$WORK/shop.weir"
for _ in 1 2 3; do frame_a "ip,src=$A4,dst=$B4" udp,dport=7 zeros,58; done # 100 bytes each
frame_a "ip,src=$A4,dst=$B4" udp,dport=9 zeros,158
frame_a "ip,src=10.0.0.66,dst=$B4" udp,dport=100 zeros,18
frame_a "ip,src=$A4,dst=$B4" udp,dport=100 zeros,8
frame_a "ip,src=$A4,dst=$B4,proto=6" zeros,10
rule() { json --arg text "$1" ".policies[].chains[].rules[] | select(.text == \$text) | $2"; }
is "packets of the first rule" "$(rule 'udp dport 7 drop comment "echo"' .packets)" 3
is "its bytes, with the Ethernet header" "$(rule 'udp dport 7 drop comment "echo"' .bytes)" 300
is "its line" "$(rule 'udp dport 7 drop comment "echo"' .line)" 7
is "the second rule" "$(rule 'udp dport 8-9 log prefix "odd: " drop' '"\(.packets) \(.bytes) \(.line)"')" "1 200 8"
is "the third" "$(rule 'ip saddr @refused drop' '"\(.packets) \(.bytes) \(.line)"')" "1 60 9"
is "a packet that was cut" "$(malformed_packets shop short edge)" 1
matches "JSON names its version" "$(json '.schema')" '^[0-9]+$'
is "the policy's name" "$(json '.policies[0].name')" shop
matches "and its file" "$(json '.policies[0].file')" 'shop\.weir$'
is "the chains, in the order of the file" "$(json '[.policies[0].chains[].name] | join(" ")')" "edge late"
is "their hooks" "$(json '[.policies[0].chains[].hook] | join(", ")')" "xdp ingress, tc egress"
is "the set and its elements" "$(json '.policies[0].sets[] | "\(.name) \(.elements)"')" "refused 1"
text=$(weir list)
matches "text: the policy" "$text" 'shop'
matches "text: the rule with its line" "$text" '7.*udp dport 7 drop'
matches "text: the interface and its namespace" "$text" "vb.*$B|$B.*vb"
matches "text: the mode" "$text" native
verbose=$(weir list -v)
matches "verbose: instructions" "$verbose" '[Ii]nstructions'
tag=$(json '.policies[0].chains[0].program.tag')
is "JSON: the tag is the kernel's" "$(bpftool -j prog show id "$(json '.policies[0].chains[0].program.id')" | jq -r .tag)" "$tag"
matches "verbose: the tag" "$verbose" "tag $tag"
lacks "text to a pipe has no colours" "$text" $'\033'

# Somebody else at the same hook is reported.
in_b tc qdisc add dev vb clsact
printf '#include <linux/bpf.h>\n__attribute__((section("classifier"), used)) int stranger(struct __sk_buff *c) { return c ? -1 : 1; }\nchar l[] __attribute__((section("license"), used)) = "GPL";\n' |
	clang -target bpf -O2 -g -idirafter "/usr/include/$(cc -print-multiarch)" -x c -c - -o "$WORK/foreign.o"
in_b tc filter add dev vb egress bpf direct-action obj "$WORK/foreign.o" sec classifier
matches "another program at the hook is reported" "$(weir list)" 'stranger|foreign'
tests_end
