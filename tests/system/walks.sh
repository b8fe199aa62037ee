# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The walks of docs/from-*.md: what stands behind "$ " in their ```session blocks is run, in order, on the playground, and what comes out is
# compared with what the document shows. What differs from run to run (times, numbers of five digits and more, counters beside nought) is left out of the comparison.
#
#	tests/system/walks.sh [--update]
if [ -z "${WALKS_INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root: network namespaces and bpf(2)"; exit 0; }
	WALKS_INSIDE=1 exec timeout --kill-after=10 "${TEST_TIMEOUT:-170}" unshare --net --mount --propagation private bash "$0" "$@"
fi
set -u
cd "$(dirname "$0")/../.." || exit 1
weir=${WEIR:-$PWD/${BUILD:-build}/weir}
# shellcheck source=tests/render
. tests/render
bin=$(mktemp -d)
# shellcheck disable=SC2317
clean_up() {
	examples/playground/playground down >/dev/null 2>&1
	rm -rf "$bin"
}
trap clean_up EXIT
ln -s "$(realpath "$weir")" "$bin/weir"
export PATH=$bin:$PATH TMPDIR=$bin
unset WEIR_PINS WEIR_NO_TCX http_proxy
mount -t tmpfs tmpfs /run
mkdir /run/netns
mount -t bpf bpf /sys/fs/bpf || exit 1
# A place of the same name everywhere, since weir names files whole.
mount -t tmpfs tmpfs /srv && mkdir /srv/weir && mount --bind "$PWD" /srv/weir && cd /srv/weir || exit 1
ip link set lo up

plain() {
	sed -E 's/^ +[0-9]+ +[0-9]+  policy/ N N  policy/; s/^ +[1-9][0-9]* +[1-9][0-9]*  / N N  /; s/[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?/TIME/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2}/DATE/g; s/\([0-9]+ s\)/(SECONDS)/g; s/[0-9.]+ ?(ms|usec|msec)/N \1/g
		s/\[[0-9]+\]/[PID]/g; s/\b[0-9]{5,}\b/N/g; s/(tag|id) [0-9a-f]+/\1 N/g; s/0x[0-9a-f]{5,}/N/g; s/(:[0-9]{4}) [0-9]+\b/\1 N/g'
}

count=0 failed=0
for document in docs/from-*.md; do
	grep -q '^```session$' "$document" || continue
	render "$document" session >"$bin/rendered"
	if [ "${1:-}" = --update ]; then
		cat "$bin/rendered" >"$document"
		continue
	fi
	count=$((count + 1))
	if difference=$(diff -u <(plain <"$document") <(plain <"$bin/rendered")); then
		echo "ok $count - the commands in $document give what it shows"
	else
		echo "not ok $count - the commands in $document give what it shows"
		printf '%s\n' "$difference" | sed 's/^/# /'
		failed=1
	fi
done
[ "${1:-}" = --update ] && exit 0
echo "1..$count"
exit $failed
