# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The walks of docs/from-*.md: what stands behind "$ " in their ```session blocks is run, in order, on the playground, and what comes out is
# compared with what the document shows. What differs from run to run (times, numbers of five digits and more, counters beside nought) is left out of the comparison.
#
#	tests/system/walks.sh [--update]
#
# WALKS_FENCE: another word than "session" behind the fences: "guest" are those that tests/vm runs, on a kernel with kprobes and BPF LSM.
if [ -z "${WALKS_INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP needs root: network namespaces and bpf(2)"; exit 0; }
	WALKS_INSIDE=1 exec timeout --kill-after=10 "${TEST_TIMEOUT:-170}" unshare --net --mount --propagation private bash "$0" "$@"
fi
set -u
cd "$(dirname "$0")/../.." || exit 1
weir=${WEIR:-$PWD/${BUILD:-build}/weir}
# shellcheck source=tests/render
. tests/render
fence=${WALKS_FENCE:-session}
bin=$(mktemp -d)
cgroup=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/weir-walks-$$
# shellcheck disable=SC2317
clean_up() {
	examples/playground/playground down >/dev/null 2>&1
	rm -rf "$bin"
	umount -l /sys/fs/cgroup # it lies below what that hides
	rmdir "$cgroup"/* "$cgroup" 2>/dev/null
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
# A cgroup2 of the walks' own, the library as make install leaves it, and the programs that are shown.
mkdir "$cgroup" && mount --bind "$cgroup" /sys/fs/cgroup
if [ "$fence" = session ]; then
	make -s examples static >/dev/null 2>&1
	make -s install DESTDIR="$bin/installed" PREFIX=/usr >/dev/null 2>&1
	sed -i "s|^prefix=.*|prefix=$bin/installed/usr|; s|=/usr/|=$bin/installed/usr/|" "$bin/installed/usr/lib/pkgconfig/libweir.pc"
	export PKG_CONFIG_PATH=$bin/installed/usr/lib/pkgconfig LD_LIBRARY_PATH=$bin/installed/usr/lib
fi

plain() {
	sed -E 's/^ +[0-9]+ +[0-9]+  policy/ N N  policy/; s/^ +[1-9][0-9]* +[1-9][0-9]*  / N N  /; s/[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?/TIME/g; s/[0-9]{4}-[0-9]{2}-[0-9]{2}/DATE/g; s/\([0-9]+ s\)/(SECONDS)/g; s/[0-9.]+ ?(ms|usec|msec)/N \1/g
		s/(PID: |program is: |process: )[0-9]+/\1N/g; s/[0-9]+ \(process ID\)/N (process ID)/g
		s/\[[0-9]+\]/[PID]/g; s/\b[0-9]{5,}\b/N/g; s/(tag|id) [0-9a-f]+/\1 N/g; s/0x[0-9a-f]{5,}/N/g; s/(:[0-9]{4}) [0-9]+\b/\1 N/g'
}

count=0 failed=0
for document in docs/from-*.md; do
	grep -q "^\`\`\`$fence\$" "$document" || continue
	[ -z "${WALKS_ONLY:-}" ] || [[ $document = *$WALKS_ONLY* ]] || continue
	render "$document" "$fence" >"$bin/rendered"
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
