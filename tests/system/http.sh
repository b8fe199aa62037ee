# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# http method, path and host, with a real client and a real server, at every hook: private paths closed, public ones open.
. "$(dirname "$0")/lib.sh"
playground
mkdir -p "$WORK/www/private" "$WORK/www/public"
echo welcome | tee "$WORK/www/index.html" "$WORK/www/private/index.html" "$WORK/www/public/index.html" >/dev/null
[ -n "$(cgroup_mount)" ] && cgroup server && SERVER=$CGROUP SERVER_NAME=$CGROUP_NAME
[ -n "$(cgroup_mount)" ] && cgroup client && CLIENT=$CGROUP CLIENT_NAME=$CGROUP_NAME
background in_cgroup "$SERVER" nsenter --net="/run/netns/$B" busybox httpd -f -p "[::]:80" -h "$WORK/www"
until_true 5 listens 80

# gets TARGET [curl's arguments]: the server's page comes. asks: any answer at all does.
asks() {
	local target=$1
	shift
	in_cgroup "$CLIENT" nsenter --net="/run/netns/$A" curl -sS -g --path-as-is --max-time 1 --noproxy '*' "$@" "http://$B4$target"
}
gets() { asks "$@" | grep -q welcome; }
gets6() { in_a curl -sS -g --max-time 1 --noproxy '*' "http://[$B6]$1" | grep -q welcome; }

ok "before any policy the private page comes" gets /private/
ok "also by another spelling" gets /public/%2e%2e/%70rivate/
ok "DELETE is answered" asks / -X DELETE

try_hook() { # HOOK TARGET
	enforce web "$1: a policy about requests" <<-END
		chain web {
			hook $1 on $2
			tcp dport 80 http path { "/private*", "/secret" } drop
			tcp dport 80 http method { DELETE, PUT } drop
			tcp dport 80 http host { "closed.example.com", "shut.*" } drop
		}
	END
	ok "$1: a public page comes" gets /public/
	ok "$1: so does the first" gets /
	fails "$1: a private one does not" asks /private/
	at_least "$1: by the rule" "$(rule_packets web 'tcp dport 80 http path { "/private*", "/secret" } drop')" 1
	fails "$1: nor one with a query" asks '/private/index.html?x=/public'
	fails "$1: nor by another spelling" asks /public/%2e%2e//%70rivate/
	fails "$1: DELETE gets no answer" asks / -X DELETE
	ok "$1: POST gets one" asks / -X POST -d x=1
	fails "$1: a closed host does not answer" asks / -H 'Host: Closed.Example.com:80'
	fails "$1: nor one that begins like one" asks / -H 'Host: shut.example.com'
	ok "$1: another host does" gets / -H 'Host: open.example.com'
	fails "$1: nor does an absolute target reach it" asks /public/ --request-target http://closed.example.com/public/
	ok "$1: the policy is removed" weir remove web
}

try_hook "xdp ingress" "vb netns $B"
try_hook "tc ingress" "vb netns $B"
try_hook "tc egress" "va netns $A"
WEIR_NO_TCX=1 try_hook "tc ingress" "vb netns $B"
if [ -n "$(cgroup_mount)" ]; then
	try_hook "cgroup ingress" "\"$SERVER_NAME\""
	try_hook "cgroup egress" "\"$CLIENT_NAME\""
else
	skip "cgroup ingress: a policy about requests" "no cgroup2 is mounted"
fi

# ---- IPv6, several requests on a connection, what is no request, what is split ----

# What was dropped before may still be sent again: none of it is what is counted here.
enforce more "closed paths on a server" <<END
chain web {
	hook xdp ingress on vb netns $B
	http path "/private*" drop
	http path != { "/public*", "/" } tcp dport 80 log prefix "not public: "
}
END
ok "a public page comes by IPv6" gets6 /public/
fails "a private one does not" gets6 /private/
is "!= counts requests alone: no SYN, no ACK, nothing but the two" "$(rule_packets more 'http path != { "/public*", "/" } tcp dport 80 log prefix "not public: "')" 0
ok "a page that is neither comes" gets /index.html
is "and is counted" "$(rule_packets more 'http path != { "/public*", "/" } tcp dport 80 log prefix "not public: "')" 1
# The head in two packets is not seen, as docs/http.md says.
split() {
	in_a bash -c "exec 3<>/dev/tcp/$B4/80; printf 'GET /pri' >&3; sleep 0.2; printf 'vate/ HTTP/1.0\r\n\r\n' >&3; timeout 2 cat <&3"
}
matches "a head that is split is not seen" "$(split)" welcome
ok "the policy is removed" weir remove more

# ---- The example, and a policy that names what may come ----

sed "s/on eth0/on vb netns $B/; s|ip saddr 10.0.0.0/8|ip saddr 10.0.0.99|" "$ROOT/examples/http.weir" >"$WORK/http.weir"
ok "the example is applied" weir apply "$WORK/http.weir"
ok "its public pages come" gets /public/
fails "its private ones do not" asks /private/
fails "nor its old site" asks / -H 'Host: old.example.com'
ok "it is removed" weir remove http
enforce only "a server that shows one path" <<END
chain web {
	hook tc ingress on vb netns $B
	policy drop
	arp accept
	icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
	tcp dport 80 tcp flags & psh == 0 accept
	tcp dport 80 http method { GET, HEAD } http path "/public/*" accept
}
END
ok "that path comes" gets /public/
fails "another does not" asks /
fails "nor a traversal" asks /public/../private/
fails "nor another method" asks /public/ -X DELETE
tests_end
