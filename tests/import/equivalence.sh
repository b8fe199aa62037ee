# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The same packets arrive under a rule set in netfilter and under the policy that `weir import` makes of it.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
EXCHANGE=$ROOT/$BUILD/tests/import/exchange
RULES=$ROOT/tests/import/rules
PACKETS=${IMPORT_PACKETS:-600}
SEED=${SEED:-$RANDOM}
[ -x "$EXCHANGE" ] || { echo "Bail out! $EXCHANGE is not there: run make test-tools"; exit 1; }
playground
echo "# SEED=$SEED"
# Whatever is sent to these addresses is for B itself, and no source is refused.
in_b ip route add local 10.9.9.0/24 dev lo
in_b ip route add local 192.168.7.0/24 dev lo
in_b ip -6 route add local fd00:9::/64 dev lo
in_b ip -6 route add 2001:db8::/32 dev vb
in_b ip route add default dev vb
in_b sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.vb.rp_filter=0

exchange() { "$EXCHANGE" "$A" "$B" "$SEED" "$PACKETS" "$1"; }

# compare NAME FAMILY FILE LOAD...: packets under LOAD, which puts FILE in force, and under the policy made of FILE.
compare() {
	local name=$1 family=$2 file=$3
	shift 3
	ok "$name: netfilter takes the rules" in_b "$@"
	exchange "$family" >"$WORK/theirs"
	in_b nft flush ruleset
	for table in iptables-legacy ip6tables-legacy; do
		command -v $table >/dev/null || continue
		in_b $table -F 2>/dev/null
		in_b $table -X 2>/dev/null
		in_b $table -P INPUT ACCEPT 2>/dev/null
	done
	ok "$name: all of it is taken over" in_b "$WEIR" import --hook "tc ingress on vb" "$file"
	in_b "$WEIR" import --partial --hook "tc ingress on vb" "$file" >"$WORK/imported.weir" 2>/dev/null
	ok "$name: the policy is applied" in_b "$WEIR" apply "$WORK/imported.weir"
	exchange "$family" >"$WORK/ours"
	ok "$name: weir is removed" in_b "$WEIR" remove imported
	ok "$name: $PACKETS packets of IPv$family: the same arrive" diff "$WORK/theirs" "$WORK/ours"
	# A comparison in which all or none arrive says little.
	ok "$name: of IPv$family some arrive and some do not" awk '{ n[$2]++ } END { exit !(n["passed"] > 20 && n["dropped"] > 20) }' "$WORK/theirs"
}

for file in plain jumps; do
	compare "$file" 4 "$RULES/$file.iptables" iptables-restore "$RULES/$file.iptables"
done
compare six 6 "$RULES/six.ip6tables" ip6tables-restore "$RULES/six.ip6tables"
in_b nft -f "$RULES/sets.nft"
in_b nft -j list ruleset >"$WORK/sets.json"
in_b nft flush ruleset
compare sets 4 "$WORK/sets.json" nft -f "$RULES/sets.nft"
compare sets 6 "$WORK/sets.json" nft -f "$RULES/sets.nft"

# What iptables-save itself writes is read as what it was given.
in_b iptables-restore "$RULES/jumps.iptables"
in_b iptables-save >"$WORK/saved"
in_b nft flush ruleset
compare "jumps, saved" 4 "$WORK/saved" iptables-restore "$WORK/saved"
tests_end
