# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Containers by name: the host's end of their veth, their own network namespace, their cgroup. The containers are real (runc with
# cgroups named as Docker and Podman name them, LXC, Podman's own storage where it is installed), on a bridge as Docker makes it.
. "$(dirname "$0")/lib.sh"
command -v runc >/dev/null || skip_all "runc is not installed"
[ -x /bin/busybox ] || skip_all "busybox is not installed"

# Of this mount namespace: cgroup2 where the runtimes look for it, and their storage without what the machine keeps there.
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
	umount -l /sys/fs/cgroup
	mount -t cgroup2 none /sys/fs/cgroup || skip_all "no cgroup2 can be mounted"
fi
mount -t tmpfs tmpfs /var/lib
HAD_PIVOT=$([ -d /sys/fs/cgroup/lxc.pivot ] && echo yes)
HOST=weir-test-$$-h # the host: bridge br0, 10.0.0.254
PLAIN=weir-test-$$-p # a network namespace without a container
SLICE=weirtest$$.slice
LXC=l$$
CONTAINERS=()

# shellcheck disable=SC2317
end_containers() {
	local container
	for container in "${CONTAINERS[@]}"; do runc --root "$WORK/runc" delete -f "$container" >/dev/null 2>&1; done
	[ -d "$WORK/lxc" ] && nsenter --net="/run/netns/$HOST" lxc-stop -k -P "$WORK/lxc" -n "$LXC" >/dev/null 2>&1
	# LXC's monitor clears away behind the back of who stopped it, and not all.
	for container in "lxc.payload.$LXC" "lxc.monitor.$LXC"; do
		[ -d "/sys/fs/cgroup/$container" ] && until_true 3 rmdir "/sys/fs/cgroup/$container"
	done
	[ -n "$HAD_PIVOT" ] || rmdir /sys/fs/cgroup/lxc.pivot 2>/dev/null
}
# shellcheck disable=SC2317
finish() {
	local status=$?
	end_containers
	(exit "$status")
	clean_up
}
trap finish EXIT

namespace "$HOST"
weir() { nsenter --net="/run/netns/$HOST" "$WEIR" "$@"; }
ip -n "$HOST" link add br0 type bridge
ip -n "$HOST" addr add 10.0.0.254/24 dev br0
ip -n "$HOST" link set br0 up

mkdir -p "$WORK/bundle/rootfs/bin" "$WORK/bundle/rootfs/proc" "$WORK/bundle/rootfs/dev" "$WORK/bundle/rootfs/sys" "$WORK/bundle/rootfs/etc" "$WORK/bundle/rootfs/tmp"
cp /bin/busybox "$WORK/bundle/rootfs/bin/"
for library in $(ldd /bin/busybox 2>/dev/null | grep -o '/[^ ]*'); do install -D "$library" "$WORK/bundle/rootfs$library"; done
ln -s busybox "$WORK/bundle/rootfs/bin/sleep"
mkdir -p "$WORK/bundle/rootfs/www" && echo welcome >"$WORK/bundle/rootfs/www/index.html"
SERVE='busybox httpd -p 80 -h /www; busybox httpd -p 8080 -h /www; exec sleep 300'
(cd "$WORK/bundle" && runc spec && mv config.json template.json)

# start NAME CGROUP ADDRESS: a container with that cgroup and eth0; its pid goes to PID.
start() {
	jq --arg cgroup "$2" --arg serve "$SERVE" '.process.terminal = false | .process.args = ["/bin/busybox", "sh", "-c", $serve] | del(.process.rlimits) | .linux.cgroupsPath = $cgroup' \
		"$WORK/bundle/template.json" >"$WORK/bundle/config.json"
	CONTAINERS+=("$1")
	runc --root "$WORK/runc" run -d -b "$WORK/bundle" "$1" >"$WORK/runc.log" 2>&1 </dev/null || return 1
	PID=$(runc --root "$WORK/runc" state "$1" | jq .pid)
	CGROUPS=("/sys/fs/cgroup$2" "${CGROUPS[@]}")
	join_bridge "$1" "$PID" "$3"
}
# join_bridge NAME PID-OR-NAMESPACE ADDRESS [INTERFACE]
join_bridge() {
	local device=${4:-eth0} inside=/proc/$2/ns/net
	[ -e "$inside" ] || inside=/run/netns/$2
	ip -n "$HOST" link add "v$1" type veth peer name "$device" netns "$2" &&
		ip -n "$HOST" link set "v$1" master br0 up &&
		nsenter --net="$inside" ip addr add "$3/24" dev "$device" &&
		nsenter --net="$inside" ip link set "$device" up &&
		nsenter --net="$inside" ip link set lo up
}
random_id() { head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

# ---- The playground ----

DOCKER=$(random_id)
mkdir -p "/var/lib/docker/containers/$DOCKER" "/sys/fs/cgroup/$SLICE"
CGROUPS+=("/sys/fs/cgroup/$SLICE")
echo "{\"ID\":\"$DOCKER\",\"Name\":\"/web\",\"State\":{\"Running\":true}}" >"/var/lib/docker/containers/$DOCKER/config.v2.json"
# A user has an older process in a cgroup of the same name, and says in a file that the container is called otherwise.
EVE=$SLICE/user.slice/user-1000.slice
mkdir -p "/sys/fs/cgroup/$EVE/docker-$DOCKER.scope"
CGROUPS=("/sys/fs/cgroup/$EVE/docker-$DOCKER.scope" "/sys/fs/cgroup/$EVE" "/sys/fs/cgroup/$SLICE/user.slice" "${CGROUPS[@]}")
sleep 300 &
STARTED+=($!)
echo $! >"/sys/fs/cgroup/$EVE/docker-$DOCKER.scope/cgroup.procs"
sleep 0.05
mount -t tmpfs tmpfs /home
mkdir -p /home/eve/.local/share/containers/storage/overlay-containers
echo "[{\"id\":\"$DOCKER\",\"names\":[\"mail\"]}, {\"id\":\"$(random_id)\",\"names\":[\"web\"]}]" >/home/eve/.local/share/containers/storage/overlay-containers/containers.json
mkfifo /home/eve/.local/share/containers/storage/overlay-containers/volatile-containers.json
chown -R 1000 /home/eve
if ! start web "/$SLICE/docker-$DOCKER.scope" 10.0.0.2; then
	cat "$WORK/runc.log" >&2
	skip_all "runc cannot start a container here: $(tail -n 1 "$WORK/runc.log" | cut -c1-120)"
fi
WEB=$PID

# Podman writes down the name of a container that it creates; the container itself is runc's again.
mkdir -p /var/lib/containers/storage/overlay-containers
if command -v podman >/dev/null && podman --root /var/lib/containers/storage --runroot "$WORK/podman" --storage-driver vfs --cgroup-manager cgroupfs --runtime runc \
	create --name db --network none --rootfs "$WORK/bundle/rootfs" /bin/sleep 300 >"$WORK/podman.out" 2>&1; then
	PODMAN=$(tail -n 1 "$WORK/podman.out")
	is "Podman wrote the name itself" "$(jq -r '.[].names[0]' /var/lib/containers/storage/vfs-containers/containers.json)" db
else
	PODMAN=$(random_id)
	echo "[{\"id\":\"$PODMAN\",\"names\":[\"db\"]}]" >/var/lib/containers/storage/overlay-containers/containers.json
	skip "Podman wrote the name itself" "podman is not installed, or cannot create a container here"
fi
start db "/$SLICE/libpod-$PODMAN.scope" 10.0.0.3
DB=$PID

in_web() { nsenter -t "$WEB" -n "$@"; }
in_db() { nsenter -t "$DB" -n "$@"; }
web_gets() { in_db curl -sS --max-time 1 --noproxy '*' "http://10.0.0.2:$1/" | grep -q welcome; }
db_gets() { in_web curl -sS --max-time 1 --noproxy '*' "http://10.0.0.3:$1/" | grep -q welcome; }
until_true 5 web_gets 80
until_true 5 web_gets 8080
ok "before any policy the containers reach each other" db_gets 80

# ---- What a user may write says nothing of the system's containers ----

policy names <<END
chain web { hook cgroup egress on container web; }
END
ok "what waits in a user's home stops nobody" timeout 20 "$WEIR" apply "$WORK/names.weir"
is "the system's container is meant" "$(json '.policies[].chains[].attachments[].target')" "/$SLICE/docker-$DOCKER.scope"
weir remove names >/dev/null

# ---- The host's end of a veth: what the article does inside, from outside ----

enforce article "a policy on the veth of a container of Docker is applied" <<END
chain into-web {
	hook tc ingress on veth of container web
	icmp type echo-request drop
	tcp dport 80 ip saddr 10.0.0.0/29 drop
}
END
is "it stands at the host's end" "$(json '.policies[].chains[].attachments[] | .target + " " + .of')" "vweb container web"
is "what goes in there leaves the host's end" "$(json '.policies[].chains[].hook')" "tc egress"
matches "list says whose end it is" "$(weir list)" "on vweb \((tcx|clsact)\)  the other end of container web, whose ingress this is"
fails "ping into the container is dropped" in_db ping -n -q -c 1 -W 1 10.0.0.2
fails "TCP port 80 into it is dropped" web_gets 80
ok "TCP port 8080 is not" web_gets 8080
ok "out of the container everything goes" in_web ping -n -q -c 1 -W 1 10.0.0.3
ok "also to port 80" db_gets 80
is "the rule counted" "$(rule_packets article "icmp type echo-request drop")" 1

enforce article "the same for what leaves it" <<END
chain out-of-web {
	hook tc egress on veth of container $DOCKER
	icmp type echo-request drop
	ip daddr 10.0.0.3 tcp dport 80 drop
}
END
is "it stands at the host's ingress" "$(json '.policies[].chains[].hook')" "tc ingress"
ok "ping into the container is answered" in_db ping -n -q -c 1 -W 1 10.0.0.2
fails "ping out of it is dropped" in_web ping -n -q -c 1 -W 1 10.0.0.3
fails "so is its way to port 80" db_gets 80

enforce article "ARP and MAC addresses, by the beginning of the id" <<END
chain into-web { hook tc ingress on veth of container ${DOCKER:0:12}; arp operation request drop; }
END
in_db ip neigh flush dev eth0
fails "ARP does not reach the container" in_db arping -c 1 -w 1 -I eth0 10.0.0.2
ok "its own goes out" in_web arping -c 1 -w 1 -I eth0 10.0.0.3
MAC=$(in_db ip -j link show eth0 | jq -r '.[0].address')
enforce article "a MAC address" <<END
chain into-web { hook tc ingress on veth of pid $WEB; ether saddr $MAC drop; }
END
is "the process is named" "$(json '.policies[].chains[].attachments[].of')" "pid $WEB"
fails "nothing comes from that address" in_db ping -n -q -c 1 -W 1 10.0.0.2

enforce article "XDP at the host's end, for what leaves" <<END
chain out-of-web { hook xdp egress on veth of container web; icmp type echo-request drop; }
END
is "it is the driver's way in" "$(json '.policies[].chains[].hook')" "xdp ingress"
ok "ping into the container is answered" in_db ping -n -q -c 1 -W 1 10.0.0.2
fails "ping out of it is dropped" in_web ping -n -q -c 1 -W 1 10.0.0.3
WEIR_NO_TCX=1 enforce article "clsact at the host's end" <<END
chain into-web { hook tc ingress on veth of container web; icmp type echo-request drop; }
END
is "it is clsact" "$(json '.policies[].chains[].attachments[].how')" clsact
fails "ping into the container is dropped there, too" in_db ping -n -q -c 1 -W 1 10.0.0.2
ok "and comes out" in_web ping -n -q -c 1 -W 1 10.0.0.3
ok "it is taken away" weir remove article

ok "the example stands at both directions" weir apply "$ROOT/examples/container-veth.weir"
is "each at its hook" "$(json '[.policies[].chains[] | .hook + " " + .attachments[].target] | join(", ")')" "tc egress vweb, tc ingress vweb"
fails "it stops ping into the container" in_db ping -n -q -c 1 -W 1 10.0.0.2
ok "and lets its neighbours see the page" web_gets 80
ok "it is removed" weir remove container-veth

# ---- Several at once, a second interface, inside, cgroups ----

enforce both "two containers in a list" <<END
define which = { web, db }
chain into { hook tc ingress on veth of container \$which; icmp type echo-request drop; }
END
is "both ends are found" "$(json '[.policies[].chains[].attachments[].target] | sort | join(" ")')" "vdb vweb"
fails "one is closed" in_web ping -n -q -c 1 -W 1 10.0.0.3
fails "the other, too" in_db ping -n -q -c 1 -W 1 10.0.0.2
weir remove both >/dev/null
join_bridge web2 "$WEB" 10.0.0.12 eth1
enforce both "a container with two interfaces" <<END
chain into { hook tc ingress on veth of container web; icmp type echo-request drop; }
END
is "both ends are found" "$(json '[.policies[].chains[].attachments[].target] | sort | join(" ")')" "vweb vweb2"
weir remove both >/dev/null
ip -n "$HOST" link del vweb2

enforce inside "inside a container, by its name" <<END
chain in { hook tc ingress on eth0 netns container web; icmp type echo-request drop; }
END
is "list says where" "$(json '.policies[].chains[].attachments[] | .target + " " + .netns')" "eth0 container web"
fails "ping into the container is dropped" in_db ping -n -q -c 1 -W 1 10.0.0.2
ok "out of it goes" in_web ping -n -q -c 1 -W 1 10.0.0.3
enforce inside "XDP inside, by a process, with an interface by name" <<END
chain in { hook xdp ingress on eth0 netns pid $WEB; meta iif eth0 icmp type echo-request drop; }
END
fails "ping into the container is dropped by XDP" in_db ping -n -q -c 1 -W 1 10.0.0.2
weir remove inside >/dev/null

enforce service "the cgroup of a container" <<END
chain out { hook cgroup egress on container web; ip daddr 10.0.0.3 tcp dport 80 drop; }
END
is "it is found" "$(json '.policies[].chains[].attachments[] | .target + " " + .of')" "/$SLICE/docker-$DOCKER.scope container web"
in_web_cgroup() { in_cgroup "/sys/fs/cgroup/$SLICE/docker-$DOCKER.scope" nsenter -t "$WEB" -n curl -sS --max-time 1 --noproxy '*' "http://10.0.0.3:80/"; }
exits "a process of the container may not send" '7|28' '[Cc]onnect' in_web_cgroup
ok "one beside it may" db_gets 80
weir remove service >/dev/null

# ---- Plain namespaces ----

namespace "$PLAIN"
join_bridge plain "$PLAIN" 10.0.0.5
enforce plain "a plain network namespace" <<END
chain into { hook tc ingress on veth of netns $PLAIN; icmp type echo-request drop; }
END
is "its end is found" "$(json '.policies[].chains[].attachments[].target')" vplain
fails "ping into it is dropped" in_db ping -n -q -c 1 -W 1 10.0.0.5
weir remove plain >/dev/null

# ---- LXC ----

if command -v lxc-start >/dev/null; then
	mkdir -p "$WORK/lxc/$LXC"
	cat >"$WORK/lxc/$LXC/config" <<-END
		lxc.rootfs.path = dir:$WORK/bundle/rootfs
		lxc.net.0.type = veth
		lxc.net.0.veth.pair = v$LXC
		lxc.net.0.flags = up
		lxc.net.0.ipv4.address = 10.0.0.4/24
		lxc.init.cmd = /bin/sleep 300
		lxc.apparmor.profile = unconfined
	END
	start_lxc() { nsenter --net="/run/netns/$HOST" timeout 20 lxc-start -P "$WORK/lxc" -n "$LXC" -o "$WORK/lxc.log" -l INFO || { tail -n 20 "$WORK/lxc.log" && false; }; }
	ok "LXC starts a container" start_lxc
	ip -n "$HOST" link set "v$LXC" master br0 up
	enforce lxc "a policy on the veth of a container of LXC" <<-END
		chain into { hook tc ingress on veth of container $LXC; icmp type echo-request drop; }
		chain group { hook cgroup egress on container $LXC; }
	END
	is "its end and its cgroup are found" "$(json '[.policies[].chains[].attachments[].target] | join(" ")')" "v$LXC /lxc.payload.$LXC"
	fails "ping into it is dropped" in_db ping -n -q -c 1 -W 1 10.0.0.4
	at_least "by the rule" "$(rule_packets lxc "icmp type echo-request drop")" 1
	weir remove lxc >/dev/null
	ok "without the policy it answers" in_db ping -n -q -c 1 -W 1 10.0.0.4
	# A machine of the same name, whose manager stands outside in a cgroup beside it.
	[ -d /sys/fs/cgroup/machine.slice ] || CGROUPS=(/sys/fs/cgroup/machine.slice "${CGROUPS[@]}")
	mkdir -p "/sys/fs/cgroup/machine.slice/machine-$LXC.scope/payload" "/sys/fs/cgroup/machine.slice/machine-$LXC.scope/supervisor"
	CGROUPS=("/sys/fs/cgroup/machine.slice/machine-$LXC.scope/payload" "/sys/fs/cgroup/machine.slice/machine-$LXC.scope/supervisor" "/sys/fs/cgroup/machine.slice/machine-$LXC.scope" "${CGROUPS[@]}")
	background in_cgroup "/sys/fs/cgroup/machine.slice/machine-$LXC.scope/supervisor" sleep 100
	background in_cgroup "/sys/fs/cgroup/machine.slice/machine-$LXC.scope/payload" nsenter --net="/run/netns/$PLAIN" sleep 100
	until_true 2 grep -q . "/sys/fs/cgroup/machine.slice/machine-$LXC.scope/payload/cgroup.procs"
	policy ambiguous <<<"chain c { hook tc ingress on veth of container $LXC; }"
	exits "a name of two is refused, and both are named" 3 "means several containers: $LXC \(lxc\), $LXC \(nspawn\)" weir apply "$WORK/ambiguous.weir"
	policy ambiguous <<<"chain c { hook tc ingress on veth of container nspawn:$LXC; }"
	ok "with its runtime before it, it is one" weir apply "$WORK/ambiguous.weir"
	is "that of the machine, not of its manager" "$(json '.policies[].chains[].attachments[].target')" vplain
	weir remove ambiguous >/dev/null
else
	skip "a policy on the veth of a container of LXC" "lxc is not installed"
fi

# ---- What cannot be found ----

try() { policy wrong && weir apply "$WORK/wrong.weir"; }
exits "an unknown name is an error that lists what there is" 3 "those that run: .*web \(docker ${DOCKER:0:12}\)" try <<<"chain c { hook tc ingress on veth of container zzz; }"
exits "a near name is guessed" 3 "did you mean 'web'" try <<<"chain c { hook tc ingress on veth of container wev; }"
exits "the same behind netns" 3 "no such container 'zzz'" try <<<"chain c { hook tc ingress on eth0 netns container zzz; }"
exits "and for a cgroup" 3 "no such container 'zzz'" try <<<"chain c { hook cgroup egress on container zzz; }"
exits "a process that is not there" 3 "there is no process 999999999" try <<<"chain c { hook tc ingress on veth of pid 999999999; }"
exits "a namespace that is not there to stand in" 3 "1:41: error: cannot enter network namespace 'nowhere'" try <<<"chain c { hook tc ingress on eth0 netns nowhere; }"
exits "a namespace that is not there" 3 "no such namespace" try <<<"chain c { hook tc ingress on veth of netns nowhere; }"
exits "a process without a network of its own" 3 "no network of its own" try <<<"chain c { hook tc ingress on veth of netns $HOST; }"
ip -n "$HOST" link add mv0 link br0 type macvlan mode bridge
ip netns add "$PLAIN-m" && NAMESPACES+=("$PLAIN-m")
ip -n "$HOST" link set mv0 netns "$PLAIN-m"
exits "a macvlan has no end here" 3 "inside there are: mv0 \(macvlan\)" try <<<"chain c { hook tc ingress on veth of netns $PLAIN-m; }"
policy third <<<"chain c { hook tc ingress on veth of container web; }"
exits "from a third namespace the end is not here" 3 "name it behind 'netns'" "$WEIR" apply "$WORK/third.weir"
policy third <<<"chain c { hook tc ingress on veth of container web netns $HOST; icmp drop; }"
ok "until it is said where it is" "$WEIR" apply "$WORK/third.weir"
fails "and then it is enforced" in_db ping -n -q -c 1 -W 1 10.0.0.2
weir remove third >/dev/null
echo "{\"ID\":\"$(random_id)\",\"Name\":\"/cold\"}" >"/var/lib/docker/containers/$DOCKER/../cold.json"
COLD=$(random_id)
mkdir "/var/lib/docker/containers/$COLD" && echo "{\"ID\":\"$COLD\",\"Name\":\"/cold\"}" >"/var/lib/docker/containers/$COLD/config.v2.json"
exits "a container that does not run" 3 "container 'cold' does not run" try <<<"chain c { hook tc ingress on veth of container cold; }"

# ---- A restart ----

enforce again "a policy before a restart" <<END
chain into { hook tc ingress on veth of container web; icmp type echo-request drop; }
chain in { hook tc ingress on eth0 netns container web; udp drop; }
END
runc --root "$WORK/runc" delete -f web
until_true 5 sh -c "! ip -n $HOST link show vweb"
is "the interfaces are gone with the container, and list says so" "$(json '[.policies[].chains[].attachments[].present] | join(" ")')" "false false"
start web "/$SLICE/docker-$DOCKER.scope" 10.0.0.2
WEB=$PID
in_db ip neigh flush dev eth0
ok "what is new is not enforced" in_db ping -n -q -c 1 -W 1 10.0.0.2
is "and list does not take it for what it was" "$(json '[.policies[].chains[].attachments[].present] | join(" ")')" "false false"
ok "the policy is applied again" weir apply "$WORK/again.weir"
is "and stands" "$(json '[.policies[].chains[].attachments[].present] | join(" ")')" "true true"
fails "the new container is closed" in_db ping -n -q -c 1 -W 1 10.0.0.2
ok "all is removed" weir remove --all
ok "ping is answered" in_db ping -n -q -c 1 -W 1 10.0.0.2
tests_end
