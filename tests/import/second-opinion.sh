# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# nftables as a second opinion: the same rules, word for word, in a netdev chain and in weir, at XDP and at tc; packets drawn from the
# rules, and from one below and one above each end of theirs, through a veth pair. The same packets arrive.
TEST_TIMEOUT=${TEST_TIMEOUT:-280}
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
EXCHANGE=$ROOT/$BUILD/tests/import/exchange
SETS=$ROOT/tests/classbench
PACKETS=${IMPORT_PACKETS:-1200}
SEED=${SEED:-$RANDOM}
[ -x "$EXCHANGE" ] || { echo "Bail out! $EXCHANGE is not there: run make test-tools"; exit 1; }
command -v nft >/dev/null || { echo "1..0 # SKIP nft is not installed"; exit 0; }
playground
echo "# SEED=$SEED"
# Whoever is sent to, it is B itself, and no source is refused.
in_b ip route add local 0.0.0.0/1 dev lo
in_b ip route add local 128.0.0.0/1 dev lo
in_b ip -6 route add local 2001:db8::/32 dev lo
in_b sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.vb.rp_filter=0 net.ipv4.conf.all.accept_local=1 net.ipv4.conf.vb.accept_local=1

# packets SET COUNT SIX: a line each, for exchange. What the kernel itself refuses (loopback, multicast, 0.0.0.0/8) is not drawn.
packets() {
	awk -v count="$2" -v six="$3" -v seed="$SEED" '
	function number(hex,   i, n) {
		n = 0
		for (i = 3; i <= length(hex); i++) n = n * 16 + index("0123456789abcdef", tolower(substr(hex, i, 1))) - 1
		return n
	}
	function below(n) { return int(rand() * n) }
	function draw(low, high, most,   r, v) { # an end, one beyond it, between, or anything
		r = below(8)
		v = r == 0 ? low - 1 : r == 1 ? high + 1 : r == 2 ? low : r == 3 ? high : r == 4 ? below(most + 1) : low + below(high - low + 1)
		return v < 0 ? 0 : v > most ? most : v
	}
	function address(prefix,   part, a, size, low, v, text) {
		split(prefix, part, "/")
		split(part[1], a, ".")
		low = ((a[1] * 256 + a[2]) * 256 + a[3]) * 256 + a[4]
		size = 2 ^ (32 - part[2])
		low -= low % size
		do v = draw(low, low + size - 1, 2 ^ 32 - 1); while (tries++ < 20 && (v < 2 ^ 24 || v >= 224 * 2 ^ 24 || int(v / 2 ^ 24) == 127))
		tries = 0
		if (v < 2 ^ 24 || v >= 224 * 2 ^ 24 || int(v / 2 ^ 24) == 127) v = 10 * 2 ^ 24 + 5
		a[1] = int(v / 2 ^ 24); a[2] = int(v / 65536) % 256; a[3] = int(v / 256) % 256; a[4] = v % 256
		if (!six) return a[1] "." a[2] "." a[3] "." a[4]
		return sprintf("2001:db8:%x:%x::%x", a[1] * 256 + a[2], a[3] * 256 + a[4], a[4] + 1)
	}
	{ sub(/^@/, ""); lines[++n] = $0 }
	END {
		srand(seed)
		split("6 17 132 47", kinds, " ")
		for (i = 0; i < count; i++) {
			split(lines[1 + below(n)], f, /[ \t]+/)
			split(f[9], p, "/")
			kind = number(p[2]) ? number(p[1]) : kinds[1 + below(3)]
			if ((kind != 6 && kind != 17 && kind != 132 && kind != 47) || below(12) == 0) kind = kinds[1 + below(4)]
			print address(f[1]), address(f[2]), kind, draw(f[3], f[5], 65535), draw(f[6], f[8], 65535)
		}
	}' "$SETS/$1"
}

# In the words of nftables: it says `meta protocol ip` where weir says `ip`, and looks for ports in any protocol.
nft_rules() { # POLICY
	printf 'table netdev second {\n\tchain opinion {\n\t\ttype filter hook ingress device vb priority 0; policy accept;\n'
	sed -n -E '/^\t.*(drop|accept)$/ { /^\tpolicy/d
		s/^\t(ip6?) (saddr|daddr)/\t\1_\2/; s/^\t(ip6?) /\tmeta protocol \1 /; s/_/ /
		s/ th (sport|dport)/ meta l4proto { tcp, udp, sctp } th \1/
		p; }' "$1"
	printf '\t}\n}\n'
}

exchange() { "$EXCHANGE" "$A" "$B" - "$PACKETS" "$1" <"$WORK/packets"; }

# compare SET SIX
compare() {
	local set=$1 six=$2 family=4 option='' name=$1 hook
	[ "$six" = 1 ] && family=6 option=--ipv6 name="$1 in IPv6"
	# shellcheck disable=SC2086
	"$SETS/make-policy" $option "$SETS/$set" "tc ingress" vb >"$WORK/tc.weir"
	# shellcheck disable=SC2086
	"$SETS/make-policy" $option "$SETS/$set" "xdp ingress" vb >"$WORK/xdp.weir"
	packets "$set" "$PACKETS" "$six" >"$WORK/packets"
	nft_rules "$WORK/tc.weir" >"$WORK/rules.nft"
	ok "$name: nftables takes the same rules" in_b nft -f "$WORK/rules.nft"
	is "$name: all of them" "$(in_b nft list ruleset | grep -Ec '(drop|accept)$')" "$(grep -Ec '^	.*[^y] (drop|accept)$' "$WORK/tc.weir")"
	exchange $family >"$WORK/theirs"
	in_b nft flush ruleset
	for hook in tc xdp; do
		ok "$name: the policy is applied at $hook" in_b "$WEIR" apply "$WORK/$hook.weir"
		exchange $family >"$WORK/ours"
		in_b "$WEIR" remove $hook >/dev/null
		ok "$name: at $hook, of $PACKETS packets the same arrive" diff "$WORK/theirs" "$WORK/ours"
	done
	# A comparison in which all or none arrive says little.
	ok "$name: some arrive and some do not" awk '{ n[$2]++ } END { exit !(n["passed"] > 50 && n["dropped"] > 50) }' "$WORK/theirs"
}

for set in ${SECOND_OPINION_SETS:-acl1_1k fw1_1k ipc1_1k acl1_10k fw1_10k ipc1_10k}; do
	compare "$set" 0
	compare "$set" 1
done
tests_end
