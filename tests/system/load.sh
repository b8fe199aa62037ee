# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# weir load: objects that are not weir's, as tc, libbpf and Aya have them, loaded, attached, told about, taken away.
. "$(dirname "$0")/lib.sh"
OBJECTS=$ROOT/$BUILD/tests/objects
[ -f "$OBJECTS/aya-perf.o" ] || make -s -C "$ROOT" test-objects >/dev/null || { echo "Bail out! the objects do not build"; exit 1; }
BPFFS=/sys/fs/bpf
mountpoint -q $BPFFS || skip_all "no bpffs can be mounted at $BPFFS"
playground

# load SENTENCE ARGUMENT...: weir load in B, until end.
load() { begin_command "$1" attached "$WEIR" load "${@:2}"; }
# What should be refused, and is not, ends by itself.
refused() { in_b "$WEIR" load "$@" -s 2; }
quick() { in_b "$WEIR" load "$@" -s 1; }
lines() { grep -Ecx -- "$1" "$WORK/out"; }
stamped() { lines "\[[0-9TZ:-]* $1"; }
element() { bpftool -j map lookup pinned "$1" key "${@:2}" 2>/dev/null; }

# ---- Objects for tc ----
load "an object without BTF, licence and known section names is loaded" "$OBJECTS/drop.o" --on vb --section ingress
fails "the program of its section 'ingress' drops" pings
end
is "it ends without an error" "$STATUS" 0
ok "and is detached then" pings
load "another section, by name and type" "$OBJECTS/drop.o" --on vb --section mycls --type tc/ingress
fails "its program drops" pings
end
exits "a section whose hook nobody knows is an error" 1 "no hook is known for the section 'mycls'" refused "$OBJECTS/drop.o" --on vb
load "egress is the other direction" "$OBJECTS/drop.o" --on vb --section ingress --type tc/egress
fails "its program drops there" pings
matches "the attachment is told" "$(cat "$WORK/out")" "^attached drop \(tc/egress\) to vb, (tcx|clsact) egress$"
end

for btf in "" -g; do
	load "tc's maps${btf:+, with BTF}" "$OBJECTS/tc-maps$btf.o" --on vb
	matches "tc's maps$btf: PIN_GLOBAL_NS is tc/globals" "$(cat "$WORK/out")" "map map_marks is pinned at $BPFFS/tc/globals/map_marks"
	matches "tc's maps$btf: PIN_OBJECT_NS is a folder of the object's" "$(cat "$WORK/out")" "map map_own is pinned at $BPFFS/tc/[0-9a-f]{16}/map_own"
	in_a ping -q -c 3 -i 0.05 $B4 >/dev/null
	is "tc's maps$btf: the program counts in the map" "$(element $BPFFS/tc/globals/map_marks 0 0 0 0 | jq -r .formatted.value.packets? 2>/dev/null || true; element $BPFFS/tc/globals/map_marks 0 0 0 0 | jq -r '.value[0]')" "$(printf '%s\n' null 0x03)"
	inner=$(bpftool -j map | jq -r '[.[] | select(.name == "map_inner")] | last | .id')
	is "tc's maps$btf: the inner map is element 3 of the map of maps" "$(bpftool -j map lookup id "$inner" key 0 0 0 0 | jq -r '.value[0]')" 0x03
	end
	rm -rf "$BPFFS/tc"
done
load "a pinned map that is there is used" -j "$OBJECTS/tc-maps.o" --on vb
is "-j tells the map's id and pin" "$(jq -r '.maps[] | select(.name == "map_marks") | "\(.id) \(.pin)"' "$WORK/out")" "1 $BPFFS/tc/globals/map_marks"
end
before=$(bpftool -j map show pinned $BPFFS/tc/globals/map_marks | jq .id)
quick "$OBJECTS/tc-maps.o" --on vb >/dev/null
is "it is the same map the next time" "$(bpftool -j map show pinned $BPFFS/tc/globals/map_marks | jq .id)" "$before"
rm -f $BPFFS/tc/globals/map_marks
bpftool map create $BPFFS/tc/globals/map_marks type array key 4 value 8 entries 1 name other
exits "a pinned map of another shape is an error" 2 "map_marks" refused "$OBJECTS/tc-maps.o" --on vb
rm -rf $BPFFS/tc

in_b tc qdisc add dev vb root handle 1: htb default 2 2>/dev/null
if in_b tc qdisc show dev vb | grep -q htb; then
	load "a classifier of a qdisc that is there" "$OBJECTS/tc-maps.o" --on vb --type tc/egress --parent 1: --classid 1:7
	matches "it is a filter with a class, and not of direct action" "$(in_b tc filter show dev vb parent 1:)" "flowid 1:7 count_marks not_in_hw"
	end
	lacks "it goes with the command" "$(in_b tc filter show dev vb parent 1:)" count_marks
else
	skip "a classifier of a qdisc that is there" "this kernel has no HTB"
fi
exits "a parent that is not there is an error" 2 "is there a qdisc of that handle" refused "$OBJECTS/tc-maps.o" --on vb --parent 9:
exits "what is no handle is an error" 1 "no handle of a qdisc" refused "$OBJECTS/tc-maps.o" --on vb --parent one
rm -rf $BPFFS/tc

# ---- Objects with globals, and what they log ----
load "globals are set" "$OBJECTS/globals-g.o" --program choose --on vb --set drop_from=$A4 --set threshold=-7 --set word=hello --set numbers=9,8,7,6 --set chatty=true
fails "the address that was set is dropped" pings
end
is "what it logs has the globals' values" "$(stamped 'INFO globals-g\] word hello threshold -7 numbers 6 0xff \{\} -1')" 1
is "levels are told apart" "$(stamped "WARN globals-g\] from $A4")" 1
is "a level that was not asked for is not there" "$(grep -c debug "$WORK/out")" 0
load "with --level" "$OBJECTS/globals-g.o" --program choose --on vb --level debug
pings >/dev/null 2>&1
end
at_least "a lower level is there when asked for" "$(stamped "DEBUG globals-g\] debug $AMAC")" 1
exits "a global that is not there" 1 "no global variable 'nothing'" refused "$OBJECTS/globals-g.o" --program choose --on vb --set nothing=1
exits "a value that does not fit" 1 "is too much for" refused "$OBJECTS/globals-g.o" --program choose --on vb --set numbers=256
exits "a value that is none" 1 "is no value for" refused "$OBJECTS/globals-g.o" --program choose --on vb --set threshold=x
exits "what globals there are is told" 1 "it has .*drop_from, threshold, word, numbers, chatty" refused "$OBJECTS/globals-g.o" --program choose --on vb --set nothing=1
load "globals of each type are set" "$OBJECTS/records-g.o" --on vb --set port=65535 --set wide=-9223372036854775808 --set yes=true --set colour=GREEN --set list=1,2,3 --set mac=02:00:00:00:00:aB --set address6=fd00::1
pings >/dev/null 2>&1
end
at_least "numbers, a truth value, a name of an enum's, a list, the rest of which is 0" "$(stamped 'INFO records-g\] port 65535 wide -9223372036854775808 yes 1 colour 7 list 1 2 0')" 1
at_least "addresses of six and sixteen bytes" "$(stamped 'INFO records-g\] mac 0x2:0xab address 0xfd:0x1 point 0 constant fe80::1')" 1
while read -r set pattern; do
	exits "a value that is none: $set" 1 "$pattern" refused "$OBJECTS/records-g.o" --on vb --set "$set"
done <<-'END'
	port=65536 it takes a number from 0 to 65535
	port=-1 too much for
	wide=9223372036854775808 it takes a number from -9223372036854775808 to 9223372036854775807
	wide=-9223372036854775809 too much for
	yes=2 it takes true or false
	colour=BLUE it takes one of RED, GREEN, or a number
	mac=02:00:00:00:00:0 or an Ethernet address
	mac=02:00:00:00:00:00:00 or an Ethernet address
	list=1,2,3,4,5 it takes up to 4 numbers from 0 to 65535
	point=1,2 is no number and no list
END
is "what readers could not be told is counted, by each way of telling" "$("$ROOT/$BUILD/tests/tools/read_records" "$OBJECTS/records-g.o" 20000 | sed 's/at most [1-9][0-9]\{0,2\} at once/at most hundreds at once/')" "events: read and lost 20000, lost some, then 0, at most hundreds at once, for a second reader: Device or resource busy
ring: read and lost 20000, lost some, then 0, at most hundreds at once, for a second reader: Device or resource busy
log: read and lost 40000, lost some, then 0, at most hundreds at once, for a second reader: Device or resource busy"
exits "--set without a value" 1 "has no '='" refused "$OBJECTS/globals-g.o" --on vb --set threshold
load "JSON" -j "$OBJECTS/globals-g.o" --program choose --on vb --set drop_from=$A4
pings >/dev/null 2>&1
end
is "a log line is an object" "$(jq -r 'select(.level == "warn") | "\(.object) \(.text) \(.file) \(.line > 40)"' "$WORK/out")" "globals-g from $A4 globals.c true"
is "-c ends after as many lines" "$(: >"$WORK/out"; timeout 20 nsenter --net="/run/netns/$B" "$WEIR" load "$OBJECTS/globals-g.o" --program choose --on vb --set chatty=1 -c 2 >"$WORK/out" & until_true 5 grep -q attached "$WORK/out"; in_a ping -q -c 4 -i 0.1 $B4 >/dev/null; wait $!; grep -c 'word' "$WORK/out")" 2
load "a rate" "$OBJECTS/globals-g.o" --program choose --on vb --set chatty=1 --rate 5
in_a ping -q -f -c 300 $B4 >/dev/null 2>&1
end
lines_seen=$(grep -c 'word nothing' "$WORK/out")
at_least "lines past the rate are left out and counted" "$([ "$lines_seen" -le 50 ] && grep -Ec '^[0-9]+ lines? .*rate' "$WORK/out")" 1

# ---- Other hooks ----
load "XDP, generic" "$OBJECTS/globals-g.o" --program choose --on vb --mode generic
matches "the mode is told" "$(cat "$WORK/out")" "to vb, generic"
exits "where another XDP program is" 3 "another XDP program is at that interface" refused "$OBJECTS/globals-g.o" --program choose --on vb
end
exits "offload, which no veth has" 2 "cannot attach" refused "$OBJECTS/globals-g.o" --program choose --on vb --mode offload
is "a socket filter sees packets" "$(: >"$WORK/out"; in_b "$WEIR" load "$OBJECTS/globals-g.o" --program sees --on lo -c 1 -s 20 >"$WORK/out" & until_true 20 grep -q attached "$WORK/out"; in_b ping -q -c 1 127.0.0.1 >/dev/null; wait $!; grep -c 'socket [0-9]* bytes' "$WORK/out")" 1
[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
if [ -d /sys/kernel/tracing/events/sched ]; then
	ok "a tracepoint" quick "$OBJECTS/globals-g.o" --program tracepoint --on sched:sched_switch
	exits "a tracepoint that is not there" 3 "available_events" refused "$OBJECTS/globals-g.o" --program tracepoint --on sched:nosuch
else
	skip "a tracepoint" "no tracefs can be mounted"
fi
ok "a raw tracepoint" quick "$OBJECTS/globals-g.o" --program switches
if [ -d /sys/bus/event_source/devices/uprobe ] && quick "$OBJECTS/globals-g.o" --program called --on "$BASH:readline" >"$WORK/out" 2>&1; then
	result "a uprobe" 0
	exits "a uprobe of a function that is not there" 3 "symbol of that name" refused "$OBJECTS/globals-g.o" --program called --on "$BASH:nosuchfunction"
else
	skip "a uprobe" "$(tail -n 1 "$WORK/out")"
fi
if [ -n "$(cgroup_mount)" ]; then
	cgroup load
	for mode in multi single override; do
		load "a cgroup, $mode" "$OBJECTS/globals-g.o" --program leaves --on "$CGROUP" --cgroup-mode $mode
		in_cgroup "$CGROUP" nsenter --net="/run/netns/$B" ping -q -c 1 $A4 >/dev/null
		matches "cgroup $mode: bpftool says so" "$(bpftool cgroup show "$CGROUP")" "leaves|egress"
		end
		matches "cgroup $mode: direction and mode are told" "$(cat "$WORK/out")" "^attached leaves .*, egress, $mode$"
		at_least "cgroup $mode: it logs what leaves" "$(stamped 'INFO globals-g\] cgroup 84 bytes')" 1
		is "cgroup $mode: nothing stays" "$(bpftool cgroup show "$CGROUP" | grep -c leaves)" 0
	done
	load "single is there" "$OBJECTS/globals-g.o" --program leaves --on "$CGROUP" --cgroup-mode single
	exits "another beside a single one is refused" 3 "another program at this cgroup" refused "$OBJECTS/globals-g.o" --program leaves --on "$CGROUP"
	end
	load "several programs of one object share its maps" "$OBJECTS/globals-g.o" --program choose --program leaves --on vb --on "leaves=$CGROUP"
	is "both are attached" "$(lines 'attached .*')" 2
	end
else
	skip "cgroups" "no cgroup2 is mounted"
fi

# ---- Aya ----
for kind in aya aya-g aya-perf; do
	load "an object of Aya's form: $kind" "$OBJECTS/$kind.o" --on vb
	pings >/dev/null 2>&1
	end
	is "$kind: what aya-log wrote is printed" "$(stamped "INFO xdp_log\] SRC IP: $A4, SRC PORT: 443 mac 02:00:00:00:00:0a i -2")" 1
done

# ---- Probes ----
web_server 80
LIBC=$(ldd "$(command -v bash)" | grep -o '/[^ ]*libc\.so[^ ]*')
PROBE=
# probe KIND LINE [ARGUMENT...]: the program at_KIND is loaded, and what runs then logs LINE. Where this kernel refuses, it is skipped: tests/vm has kernels
# that do not.
probe() {
	local kind=$1 line=$2
	shift 2
	: >"$WORK/out"
	nsenter --net="/run/netns/$B" "$WEIR" load "$OBJECTS/probes-g.o" --program "at_$kind" "$@" >"$WORK/out" 2>"$WORK/err" &
	BEGUN=$!
	STARTED+=("$BEGUN")
	told() { grep -q attached "$WORK/out" || ! kill -0 "$BEGUN" 2>/dev/null; }
	until_true 20 told
	PROBE=$(cat "$WORK/out")
	# Tracepoints are in every kernel that weir runs on.
	if [ -z "$PROBE" ] && [[ $kind != tracepoint && $kind != tp_btf ]] && grep -Eq 'EPERM|ENOENT|ENOTSUPP|EINVAL|EOPNOTSUPP|not among|has no' "$WORK/err" && [ -z "${LOAD_PROBES:-}" ]; then
		skip "$kind" "$(head -n 1 "$WORK/err")"
		return 1
	fi
	in_b curl -s "http://$B4/" >/dev/null
	perl -e 'use POSIX; POSIX::getpid()'
	renice 3 -p $BASHPID >/dev/null 2>&1
	REFUSED=$(renice 7 -p $BASHPID 2>&1)
	end
	at_least "$kind: it is loaded, and logs" "$(stamped "INFO probes-g\] $line")" 1
}
probe kprobe kprobe
probe kretprobe "kretprobe 0"
probe fentry fentry
probe fexit "fexit 0"
probe tracepoint tracepoint
probe tp_btf tp_btf
probe uretprobe 'uretprobe [0-9]+' --on "$LIBC:getpid"
if probe lsm "lsm 3"; then
	# The kernel calls no such program where 'bpf' is not among its security modules.
	matches "lsm: what it forbids is not permitted" "$REFUSED" "Operation not permitted"
fi

# ---- Pins, refusals ----
ok "with --pin it returns" in_b "$WEIR" load "$OBJECTS/globals-g.o" --program choose --on vb --set drop_from=$A4 --pin $BPFFS/mine
fails "and the program stays" pings
ok "maps are pinned, too" test -e $BPFFS/mine/shared
exits "a pin that is there is an error" 3 "another XDP program|pinned there already" refused "$OBJECTS/globals-g.o" --program choose --on vb --pin $BPFFS/mine
fails "nothing changed by that" pings
rm $BPFFS/mine/choose
ok "rm of the link's pin detaches it" until_true 5 pings
rm -r $BPFFS/mine
exits "one that cannot be attached leaves no pins" 3 "no such interface" refused "$OBJECTS/globals-g.o" --program choose --on nosuch --pin $BPFFS/mine
fails "indeed none, and no folder" test -e $BPFFS/mine
exits "what is no place for pins" 3 "that is not in a bpffs" refused "$OBJECTS/globals-g.o" --program choose --on vb --pin "$WORK/pins/deep"
fails "no folder is made there" test -e "$WORK/pins"
exits "what the verifier refuses is told with its log's end" 2 "invalid access to packet|R[0-9] invalid|invalid mem access" refused "$OBJECTS/refused.o" --on vb
matches "--verifier-log prints all of it" "$(in_b "$WEIR" load "$OBJECTS/drop.o" --section ingress --on vb --verifier-log -s 1 2>&1 >/dev/null)" "^0: "
printf 'no object' >"$WORK/text.o"
exits "maps in .maps without BTF" 1 "compile it with -g" refused "$OBJECTS/records.o" --on vb
exits "a file that is no object" 1 "it is no ELF file" refused "$WORK/text.o" --on vb
exits "a program for a processor" 1 "it is not compiled for eBPF" refused "$WEIR" --on vb
exits "no such file" 3 "cannot read" refused "$WORK/nosuch.o" --on vb
exits "no such program" 1 "has no program 'x'" refused "$OBJECTS/drop.o" --program x --on vb
exits "no such hook" 1 "there is no hook 'xpd'" refused "$OBJECTS/drop.o" --section ingress --type xpd --on vb
exits "no target" 1 "it needs an interface" refused "$OBJECTS/drop.o" --section ingress
exits "no object" 1 "which object" "$WEIR" load
head -c 700 "$OBJECTS/tc-maps.o" >"$WORK/cut.o"
exits "a cut object" 1 "cannot open object" refused "$WORK/cut.o" --on vb
tests_end
