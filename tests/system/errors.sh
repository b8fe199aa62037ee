# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What is not right is one clear sentence and an exit code, and changes nothing.
. "$(dirname "$0")/lib.sh"
playground
web_server 80
enforce base "a policy is in force" <<END
chain base { hook tc ingress on vb netns $B; icmp type echo-request drop }
END
before=$(json '[.policies[] | {name, generation}]')

policy interface <<END
chain x { hook xdp ingress on nothere7 netns $B; drop }
END
exits "an interface that is not there: 3, and its name" 3 "nothere7" weir apply "$WORK/interface.weir"
policy netns <<END
chain x { hook xdp ingress on vb netns nothere8; drop }
END
exits "a network namespace that is not there: 3, and its name" 3 "nothere8" weir apply "$WORK/netns.weir"
policy file <<END
set s { type ipv4_addr; file "nothere9.txt"; }
chain x { hook xdp ingress on vb netns $B; ip saddr @s drop }
END
exits "a set file that is missing: 3, its name and the line that names it" 3 "file.weir:1.*nothere9" weir apply "$WORK/file.weir"
exits "a policy file that is missing: 3" 3 "nothere10" weir apply "$WORK/nothere10.weir"
policy include <<END
include "nothere11.weir"
chain x { hook xdp ingress on vb netns $B; drop }
END
exits "an include that is missing: 3" 3 "include.weir:1.*nothere11" weir apply "$WORK/include.weir"
policy wrong <<END
chain x {
	hook xdp ingress on vb netns $B;
	ip sadr 10.0.0.1 drop
	tcp dport 99999 drop
}
END
exits "mistakes in a policy: 1, with file, line and column" 1 "wrong.weir:3:[0-9]+: error" weir apply "$WORK/wrong.weir"
exits "all of them in one run" 1 "wrong.weir:4:[0-9]+: error" weir apply "$WORK/wrong.weir"
exits "with a near match" 1 "ip saddr" weir apply "$WORK/wrong.weir"
matches "and a caret below the line" "$(weir check "$WORK/wrong.weir" 2>&1)" '^[[:space:]]*\^'
policy egress <<END
chain x { hook cgroup egress on "/"; ether saddr 02:00:00:00:00:01 drop }
END
exits "a match that the hook cannot serve: 1" 1 "ether saddr" weir check "$WORK/egress.weir"
exits "no command: 1" 1 "." weir
exits "an unknown command: 1, with a near match" 1 "apply" weir aply "$WORK/base.weir"
exits "an unknown option: 1" 1 "frobnicate" weir apply --frobnicate "$WORK/base.weir"
exits "no file: 1" 1 "." weir apply
exits "an empty policy is warned of" 0 "no chain" weir check /dev/null
exits "a directory is no policy" '1|3' "." weir apply "$WORK"

# Without privileges.
if command -v setpriv >/dev/null; then
	chmod 755 "$WORK"
	chmod 644 "$WORK"/*.weir
	cp "$WEIR" "$WORK/weir-copy" && chmod 755 "$WORK/weir-copy"
	nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$WORK/weir-copy" "$@"; }
	exits "not root, apply: 3, and says so" 3 "root|privileges|permission" nobody apply "$WORK/base.weir"
	exits "not root, list: 3, and says so" 3 "root|privileges|permission" nobody list
	exits "not root, remove: 3" 3 "root|privileges|permission" nobody remove base
	exits "not root, set add: 3" 3 "root|privileges|permission" nobody set add base x 10.0.0.1
	exits "not root, events: 3" 3 "root|privileges|permission" nobody events
	exits "not root, check works" 0 "." nobody check "$WORK/base.weir"
	exits "not root, why works" 0 "drop" nobody why "$WORK/base.weir" "icmp 10.0.0.1 > 10.0.0.2 echo-request"
	exits "root without capabilities is told so" 3 "root|privileges|permission|CAP_" \
		setpriv --bounding-set=-all --inh-caps=-all "$WORK/weir-copy" apply "$WORK/base.weir"

	# Where anybody may write to the bpffs, somebody makes weir's directory before weir does, in which there is something to clear
	# away: a link to what is another's.
	mkdir "$WORK/bpffs" && mount -t bpf bpf "$WORK/bpffs" && mkdir -p "$WORK/bpffs/others/pins"
	version=$(basename "$(dirname "$(find "${WEIR_PINS:-/sys/fs/bpf/weir}" -maxdepth 2 -name policies)")")
	eve() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
	eve mkdir -p "$WORK/bpffs/weir/$version/policies/x"
	eve ln -s "$WORK/bpffs/others" "$WORK/bpffs/weir/$version/policies/x/g1"
	for command in list "set list x s" "apply $WORK/base.weir" "events --seconds=1"; do
		# shellcheck disable=SC2086
		exits "a directory of somebody else's, $command: 3, and says so" 3 "belongs to user 65534" weir --pins "$WORK/bpffs/weir" $command
	done
	ok "what a link in it points to is left" test -d "$WORK/bpffs/others/pins"
	eve ln -s "$WORK/bpffs/others" "$WORK/bpffs/link"
	exits "a link of somebody else's: 3" '3' "belongs to user 65534|Permission denied" weir --pins "$WORK/bpffs/link" apply "$WORK/base.weir"
	umount "$WORK/bpffs"
fi
exits "pins that are not in a bpffs: 3" 3 "bpffs|bpf filesystem|$WORK/nopins" weir --pins "$WORK/nopins/weir" apply "$WORK/base.weir"
is "nothing has changed by any of these" "$(json '[.policies[] | {name, generation}]')" "$before"
fails "the policy is in force still" pings

# Without bpffs weir mounts it, where that mount lasts as long as the system does: the first process of a system has no
# ancestor in another mount namespace (netns-exec.sh has the other case).
# shellcheck disable=SC2317
without_bpffs() { unshare --mount --pid --fork --mount-proc --propagation private sh -c "umount -a -t bpf 2>/dev/null; '$WEIR' apply '$WORK/base.weir' && grep -q ' bpf ' /proc/mounts"; }
ok "where no bpffs is mounted weir mounts it" without_bpffs

# XDP taken by another program: named, and nothing changed.
if command -v xdp-loader >/dev/null || command -v bpftool >/dev/null; then
	printf '#include <linux/bpf.h>\n__attribute__((section("xdp"), used)) int stranger(struct xdp_md *c) { return c ? XDP_PASS : 1; }\nchar l[] __attribute__((section("license"), used)) = "GPL";\n' |
		clang -target bpf -O2 -g -idirafter "/usr/include/$(cc -print-multiarch)" -x c -c - -o "$WORK/foreign.o"
	in_b ip link set dev vb xdpdrv obj "$WORK/foreign.o" sec xdp 2>"$WORK/foreign.err" || sed 's/^/# /' "$WORK/foreign.err"
	policy taken <<-END
		chain x { hook xdp ingress on vb netns $B; tcp dport 80 drop }
	END
	exits "XDP taken by another program is refused, naming it" '2|3' "stranger" weir apply "$WORK/taken.weir"
	ok "the other program is left" sh -c "nsenter --net=/run/netns/$B ip -d link show vb | grep -q 'xdp/id\\|prog/xdp'"
	ok "what it lets pass goes on" fetch 80
	in_b ip link set dev vb xdpdrv off
	ok "when it is gone the policy is applied" weir apply "$WORK/taken.weir"
fi
tests_end
