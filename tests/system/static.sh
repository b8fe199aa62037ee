# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# make static: one file that needs nothing of the machine that it was built on. tests/vm/static.sh shows it on another kernel.
. "$(dirname "$0")/lib.sh"
make -s -C "$ROOT" static >"$WORK/make" 2>&1 || {
	if grep -q 'cannot find -l' "$WORK/make"; then skip_all "a static library is missing: $(grep -o 'cannot find -l.*' "$WORK/make" | head -n 1)"; fi
	cat "$WORK/make"
	echo "Bail out! the static binary does not build"
	exit 1
}
playground
STATIC=$ROOT/$BUILD/static/weir
matches "ldd says that it is not dynamic" "$(ldd "$STATIC" 2>&1)" "not a dynamic executable"
mkdir "$WORK/empty"
cp "$STATIC" "$WORK/empty/weir"
cat >"$WORK/empty/edge.weir" <<-END
	chain edge {
	    hook xdp ingress on vb
	    tcp dport 23 drop
	    icmp type echo-request drop
	}
END
alone() { nsenter --net="/run/netns/$B" chroot "$WORK/empty" /weir "$@"; }
is "in an empty folder as its root it says which it is" "$(alone --version)" "$("$WEIR" --version)"
ok "it checks a policy there" alone check /edge.weir
matches "it says which rule decides" "$(alone why /edge.weir "tcp 10.0.0.1:1 > 10.0.0.2:23 syn")" "drop"
fails "a mistake is an error" alone check /nosuch.weir

mkdir -p "$WORK/empty/sys" "$WORK/empty/proc"
mount --rbind /sys "$WORK/empty/sys"
mount -t proc proc "$WORK/empty/proc"
ok "it applies a policy there" alone apply /edge.weir
fails "which is in force" pings
ok "it lists it" alone list
ok "it removes it" alone remove edge
ok "which is not in force then" pings
umount -l "$WORK/empty/proc" "$WORK/empty/sys"
tests_end
