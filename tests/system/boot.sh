# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The units, under a real systemd: this machine's own root, with memory laid over it, booted as a container in namespace B. Policies are in
# force before the network is up; reload and restart leave no gap; what is wrong is a failed unit with the line, and the old policy stays.
# WEIR_TEST_LSM=1: weir-guard must work here (tests/vm).
. "$(dirname "$0")/lib.sh"
if ! command -v systemd-nspawn >/dev/null || [ ! -x /lib/systemd/systemd ]; then skip_all "no systemd, or no systemd-nspawn"; fi
if [ "$(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')" -ge 256 ] && [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
	skip_all "systemd 256 and later do not boot where cgroups are those of version 1"
fi
playground
# Not below $WORK: what is removed there at the end is not to be looked for in a machine's root. Only this mount namespace has it.
MACHINE_ROOT=/mnt/root
mount -t tmpfs layers /mnt
mkdir /mnt/upper /mnt/work "$MACHINE_ROOT"
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay "$MACHINE_ROOT" 2>/dev/null || skip_all "no overlay file system"
ok "weir is installed into the machine" env -u MAKEFLAGS make -s --no-print-directory -C "$ROOT" install DESTDIR="$MACHINE_ROOT" PREFIX=/usr
lacks "installing turns nothing on" "$(find "$MACHINE_ROOT/etc/systemd" -name '*weir*')" .

write() { mkdir -p "$(dirname "$MACHINE_ROOT$1")" && cat >"$MACHINE_ROOT$1"; } # PATH: what comes on standard input
unit() { write "/etc/systemd/system/$1"; }
# It stops a ping, and names its text by what changes: a rule with that comment.
gate() { write /etc/weir/gate.weir <<<"chain gate { hook tc ingress on vb; icmp type echo-request drop comment \"$1\"; }"; }

# What a machine has beside: a driver that takes its time, and a network manager, which brings interfaces up.
unit driver.service <<-END
	[Unit]
	DefaultDependencies=no
	[Service]
	Type=oneshot
	ExecStart=/bin/sleep 2
	ExecStart=/usr/bin/env PATH=$PATH ip link add late0 type veth peer name late1
END
unit manager.service <<-END
	[Unit]
	After=network-pre.target
	[Service]
	Type=oneshot
	RemainAfterExit=yes
	ExecStart=/usr/bin/env PATH=$PATH ip link set vb up
END
unit machine.target <<-END
	[Unit]
	Wants=sysinit.target driver.service manager.service
	After=sysinit.target manager.service
END
# A service that is held to what its own policy says, from its first packet on.
unit client.service <<-END
	[Service]
	Type=oneshot
	ExecStartPre=+/usr/bin/weir apply /etc/weir/client.weir
	ExecStart=/usr/bin/env PATH=$PATH sh -c '! ping -c 1 -W 1 $A4'
END
write /etc/weir/client.weir <<<'chain client { hook cgroup egress on "/system.slice/client.service"; icmp type echo-request drop; }'

MACHINE=
INIT=
boot() { # a machine, until it is up
	SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes systemd-nspawn -q -b -D "$MACHINE_ROOT" --register=no --keep-unit --network-namespace-path="/run/netns/$B" --capability=all \
		--system-call-filter="bpf perf_event_open" --machine="weir-test-$$" --console=pipe systemd.unit=machine.target </dev/null >"$WORK/console" 2>&1 &
	MACHINE=$!
	STARTED+=("$MACHINE")
	until_true 20 has_init
	local end=$((SECONDS + 60))
	until is_up || is_gone || [ $SECONDS -ge $end ]; do sleep 0.1; done
}
has_init() { INIT=$(pgrep -P "$MACHINE" | head -n 1) && [ -n "$INIT" ]; }
inside() { nsenter --target "$INIT" --all --root --wd "$@"; }
is_up() { [ "$(inside systemctl is-active machine.target)" = active ]; }
shut_down() {
	inside systemctl --no-block poweroff
	until_true 30 is_gone
}
is_gone() { ! kill -0 "$MACHINE" 2>/dev/null; }
log_of() { inside systemctl status --no-pager --full --lines=30 "$1" 2>&1; }
since() { inside systemctl show --property="$2" --value "$1"; }
start() { inside systemctl start "$1" || { log_of "$1" && false; }; }
in_force() { inside weir list -j | jq -r --arg policy "$1" '.policies[] | select(.name == $policy) | .chains[].rules[].text'; }
flood() { in_a ping -q -i 0.002 -W 1 -w "$1" "$B4" >/dev/null 2>&1; }

# ---- A machine that boots ----

gate first
write /etc/weir/late.weir <<<'chain late { hook tc ingress on late0; tcp dport 23 drop; }'
ok "policies are turned on" systemctl --quiet --root="$MACHINE_ROOT" enable weir@gate weir@late
in_b nft -f - <<-END
	table netdev watch {
		chain in {
			type filter hook ingress device "vb" priority 0;
			icmp type echo-request counter
		}
	}
END
in_b ip link set vb down
in_a ping -q -i 0.005 -w 100 "$B4" >/dev/null 2>&1 &
PINGING=$!
STARTED+=("$PINGING")
boot
ok "the machine boots" is_up
is "its policies are in force" "$(inside systemctl is-active weir@gate weir@late | xargs)" "active active"
kill $PINGING
is "of what was sent all the while nothing came in" "$(arrivals "$B")" 0
at_least "though it arrived at the interface" "$(inside weir list -j | jq '[.policies[] | select(.name == "gate") | .chains[].rules[].packets] | add')" 1
at_least "the interface of the slow driver was waited for, and the network came up after" \
	"$(($(since manager.service ExecMainStartTimestampMonotonic) - $(since weir@late ActiveEnterTimestampMonotonic)))" 0

# ---- Reload, restart, stop ----

flood 6 &
PINGING=$!
for word in second third fourth; do
	gate $word
	ok "reload: $word" inside systemctl reload weir@gate
	matches "it is in force" "$(in_force gate)" $word
	gate "$word again"
	ok "restart: $word again" inside systemctl restart weir@gate
	matches "it is in force" "$(in_force gate)" "$word again"
done
wait $PINGING
is "nothing came in between" "$(arrivals "$B")" 0
write /etc/weir/gate.weir <<<$'chain gate {\n\thook tc ingress on vb\n\ticmp typ echo-request drop\n}'
fails "a policy with a mistake is not loaded again" inside systemctl reload weir@gate
matches "status shows where it is" "$(log_of weir@gate)" "gate.weir:3:[0-9]+: error"
matches "the old one stays" "$(in_force gate)" "fourth again"
is "the unit is active" "$(inside systemctl is-active weir@gate)" active
fails "a restart with it fails" inside systemctl restart weir@gate
is "and the unit with it" "$(inside systemctl is-failed weir@gate)" failed
matches "the old one stays all the same" "$(in_force gate)" "fourth again"
gate fifth
ok "mended, it starts" start weir@gate
ok "stop" inside systemctl stop weir@gate
is "takes it away" "$(in_force gate)" ""
matches "and no other" "$(in_force late)" "tcp dport 23 drop"
arrives "then what it stopped comes in" yes "$B" flood 1

# ---- A service's cgroup ----

ok "a service has its policy before its first packet" inside systemctl start client.service

# ---- The guard ----

if inside systemctl start weir-guard 2>/dev/null; then
	fails "with the guard another program takes nothing away" inside rm -r /sys/fs/bpf/weir
	ok "the unit goes on reloading" inside systemctl reload weir@late
	ok "and the guard is turned off" inside systemctl stop weir-guard
	ok "which it is" inside rm -r /sys/fs/bpf/weir
else
	matches "without BPF among the security modules, the guard's unit says so" "$(log_of weir-guard)" "error: .*security"
	is "that is so here" "${WEIR_TEST_LSM:-0}" 0
fi
ok "the machine shuts down" shut_down

# ---- One that boots with a mistake, and whose network manager requires the policy ----

in_b ip link set vb down
write /etc/weir/gate.weir <<<$'chain gate {\n\thook tc ingress on vb\n\ticmp typ echo-request drop\n}'
unit manager.service.d/weir.conf <<-END
	[Unit]
	Requires=weir@gate.service
	After=weir@gate.service
END
boot
ok "it boots" is_up
is "its unit has failed" "$(inside systemctl is-failed weir@gate)" failed
matches "and shows the line" "$(log_of weir@gate)" "gate.weir:3:[0-9]+: error"
is "the network stays down" "$(inside systemctl is-active manager)" inactive
is "the other policy is in force" "$(inside systemctl is-active weir@late)" active
gate sixth
ok "mended, the network comes up behind it" start manager
matches "with the policy" "$(in_force gate)" sixth
ok "it shuts down" shut_down
tests_end
