#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# `ip netns exec` makes a mount namespace that ends with its command: nothing of weir's may be pinned in it.
. "$(dirname "$0")/lib.sh"
playground
policy door <<END
chain door { hook tc ingress on vb; icmp drop }
END
exits "apply under 'ip netns exec' is refused and says what to do" 3 "nsenter --net" ip netns exec "$B" "$WEIR" apply "$WORK/door.weir"
ok "nothing was changed" pings
ok "under 'nsenter --net' it is taken" in_b "$WEIR" apply "$WORK/door.weir"
fails "it is in force" pings
exits "list under 'ip netns exec' says that it does not see" 0 "not seen from here" ip netns exec "$B" "$WEIR" list
matches "list outside sees it" "$(weir list)" "policy door"
ip netns exec "$B" sh -c "mount -t bpf bpf /sys/fs/bpf && '$WEIR' apply '$WORK/door.weir'" >/dev/null 2>&1
is "who mounts a BPF file system there himself may" "$?" 0
tests_end
