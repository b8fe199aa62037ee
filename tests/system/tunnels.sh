# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Packets within packets: at the interface where a tunnel's packets come in a chain sees the outer ones, at the tunnel's own interface and
# at a cgroup those within (docs/language.md). As far as the kernel has such tunnels; that of the virtual machines has more.
. "$(dirname "$0")/lib.sh"
playground
INNER=10.77.0.1
gets() { in_a curl -s -o /dev/null --noproxy '*' -m 2 "http://$1:8000/"; }
mkdir "$WORK/www" && echo welcome >"$WORK/www/index.html"
cgroup tunnels
background in_cgroup "$CGROUP" nsenter --net="/run/netns/$B" busybox httpd -f -p 8000 -h "$WORK/www"
until_true 5 gets "$B4"

# sees WHAT ADDRESS HOOK yes|no: does a chain there drop what goes to port 8000 at ADDRESS?
sees() {
	enforce within "$1: a chain is put to $3" <<END
chain within { hook $3; tcp dport 8000 drop; }
END
	if [ "$4" = yes ]; then fails "$1: it sees what is within" gets "$2"; else ok "$1: it does not see what is within" gets "$2"; fi
	weir remove within >/dev/null
}

tunnel() { # WHAT NAME, the arguments of ip link add behind "type", with LOCAL and REMOTE in them
	local what=$1 here there
	shift
	here=("${@/LOCAL/$A4}") there=("${@/LOCAL/$B4}")
	if ! ip -n "$A" link add tun0 type "${here[@]/REMOTE/$B4}" 2>"$WORK/tunnel" ||
		! ip -n "$B" link add tun0 type "${there[@]/REMOTE/$A4}" 2>"$WORK/tunnel"; then
		skip "$what: a chain at the interface where it comes in does not see what is within" "this kernel has none: $(tail -n 1 "$WORK/tunnel")"
		return
	fi
	ip -n "$A" addr add 10.77.0.2/24 dev tun0 && ip -n "$A" link set tun0 up
	ip -n "$B" addr add $INNER/24 dev tun0 && ip -n "$B" link set tun0 up
	until_true 5 gets $INNER
	ok "$what: it leads there" gets $INNER
	sees "$what" $INNER "xdp ingress on vb netns $B" no
	sees "$what" $INNER "tc ingress on vb netns $B" no
	sees "$what" $INNER "tc ingress on tun0 netns $B" yes
	sees "$what" $INNER "cgroup ingress on \"$CGROUP_NAME\"" yes
	ip -n "$A" link del tun0
	ip -n "$B" link del tun0
}
tunnel "IP in IP" ipip local LOCAL remote REMOTE
tunnel "VXLAN" vxlan id 7 local LOCAL remote REMOTE dstport 4789

esp() { # MODE
	local space key=0x0123456789abcdef0123456789abcdef
	for space in "$A" "$B"; do
		ip -n "$space" xfrm state add src "$A4" dst "$B4" proto esp spi 0x100 mode "$1" enc 'cbc(aes)' $key auth 'hmac(sha256)' "$key${key#0x}" || return
		ip -n "$space" xfrm state add src "$B4" dst "$A4" proto esp spi 0x101 mode "$1" enc 'cbc(aes)' $key auth 'hmac(sha256)' "$key${key#0x}" || return
	done
	ip -n "$A" xfrm policy add src "$A4" dst "$B4" dir out tmpl src "$A4" dst "$B4" proto esp mode "$1" &&
		ip -n "$B" xfrm policy add src "$B4" dst "$A4" dir out tmpl src "$B4" dst "$A4" proto esp mode "$1" &&
		ip -n "$A" xfrm policy add src "$B4" dst "$A4" dir in tmpl src "$B4" dst "$A4" proto esp mode "$1" &&
		ip -n "$B" xfrm policy add src "$A4" dst "$B4" dir in tmpl src "$A4" dst "$B4" proto esp mode "$1"
}
for mode in transport tunnel; do
	if ! esp $mode 2>"$WORK/esp"; then
		skip "ESP, mode $mode: a chain at the interface does not see what is within" "this kernel has none: $(tail -n 1 "$WORK/esp")"
		continue
	fi
	ok "ESP, mode $mode: it leads there" gets "$B4"
	sees "ESP, mode $mode" "$B4" "xdp ingress on vb netns $B" no
	# What was a packet within one comes in once more; what was within a packet of its own goes on to its socket.
	sees "ESP, mode $mode" "$B4" "tc ingress on vb netns $B" "$([ $mode = tunnel ] && echo yes || echo no)"
	sees "ESP, mode $mode" "$B4" "cgroup ingress on \"$CGROUP_NAME\"" yes
	for space in "$A" "$B"; do ip -n "$space" xfrm state flush && ip -n "$space" xfrm policy flush; done
done
tests_end
