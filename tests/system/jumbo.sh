# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# XDP on frames of several buffers: jumbo frames, and a veth that gathers segments (GRO).
. "$(dirname "$0")/lib.sh"
playground
in_a ip link set va mtu 9000
in_b ip link set vb mtu 9000
web_server 80 8080
dd if=/dev/zero of="$WORK/www/large" bs=1M count=20 2>/dev/null
watch_arrivals "$B" vb
download() { in_a curl -sS --max-time 10 --noproxy '*' -o "$WORK/got" "http://$B4:$1/large" && cmp -s "$WORK/got" "$WORK/www/large"; }
upload() {
	in_b timeout 10 ncat -l -p "$1" >"$WORK/uploaded" &
	local pid=$!
	until_true 3 listens "$1"
	in_a timeout 10 ncat --send-only $B4 "$1" <"$WORK/www/large"
	wait $pid
	cmp -s "$WORK/uploaded" "$WORK/www/large"
}

for mode in native generic; do
	enforce jumbo "$mode: applied to an interface with MTU 9000" <<-END
		chain jumbo {
			hook xdp ingress on vb netns $B mode $mode;
			udp dport 53 drop
			meta length > 5000 udp dport 54 drop
			icmp type echo-request meta length > 8000 drop
		}
	END
	is "$mode: as asked" "$(json '.policies[].chains[].attachments[].how')" $mode
	arrives "$mode: a jumbo frame to another port goes on" yes "$B" frame_a "ip,src=$A4,dst=$B4" udp,dport=55 zeros,8900
	arrives "$mode: a jumbo frame to the port is dropped" no "$B" frame_a "ip,src=$A4,dst=$B4" udp,dport=53 zeros,8900
	arrives "$mode: its whole length is what meta length sees" no "$B" frame_a "ip,src=$A4,dst=$B4" udp,dport=54 zeros,8900
	arrives "$mode: a short one is not longer than 5000" yes "$B" frame_a "ip,src=$A4,dst=$B4" udp,dport=54 zeros,100
	arrives "$mode: a length past the end is malformed in a jumbo frame too" no "$B" frame_a "ip,src=$A4,dst=$B4,len=9100" udp,dport=55 zeros,8900
	fails "$mode: a large ping is dropped" in_a ping -n -q -c 1 -W 1 -s 8500 -M "do" $B4
	ok "$mode: a ping of 4000 bytes is answered" in_a ping -n -q -c 1 -W 1 -s 4000 -M "do" $B4
	ok "$mode: 20 MB from the server" download 8080
	ok "$mode: 20 MB to the server, which XDP sees" upload $((9000 + RANDOM % 500))
	is "$mode: nothing was taken for malformed but the one" "$(malformed_packets jumbo bad-length)" 1
	ok "$mode: removed" weir remove jumbo
done

in_b ethtool -K vb gro on >/dev/null 2>&1
enforce gathered "GRO: applied where veth gathers segments" <<END
chain gathered { hook xdp ingress on vb netns $B; tcp dport 80 drop }
END
ok "GRO: 20 MB to the server" upload 9600
ok "GRO: 20 MB from it" download 8080
fails "GRO: a dropped port is dropped" fetch 80
ok "GRO: removed" weir remove gathered
enforce behind "tc behind GRO: headers are seen in large packets" <<END
chain behind { hook tc ingress on vb netns $B; tcp dport 9701 drop; meta length > 100 tcp sport 1 drop }
END
ok "tc: 20 MB to another port" upload 9700
fails "tc: to the port nothing comes through" upload 9701
tests_end
