/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verdicts redirect and dnat, and the way back, which is the other direction of tc (docs/redirect.md).
 *
 * redirect gives a new connection to the socket that listens on the chosen port of this host, and changes nothing in the packet:
 * TCP makes the connection's own socket with the port that the client named, and the kernel finds that one by itself from then on.
 * UDP sockets stay what they are, so each datagram is given to its socket, and the reply's source port is put right on the way out.
 * A first fragment cannot be given to a socket; its port is rewritten.
 *
 * dnat rewrites the destination port and, on the way back, the source port. Nobody can be asked who listens there: with `alive` a port
 * that refuses a connection is marked, and a refusal of TCP goes no further, so that the client's next SYN is sent to another port.
 */
#ifndef WEIR_BPF_REDIRECT_H
#define WEIR_BPF_REDIRECT_H

#include <linux/pkt_cls.h>

#include "effects.h"
#include "redirect_rewrite.h"
#include "verdicts.h"

#ifndef AF_INET
#define AF_INET	 2
#define AF_INET6 10
#endif

/* Has a packet's connection a socket of its own on this host, on the port that the packet names? */
enum own { OWN_NONE, OWN_WAITING /* in TIME_WAIT */, OWN_THERE };

static __always_inline __u32 redirect_tuple(const struct weir_flow *flow, __u16 port, struct bpf_sock_tuple *tuple)
{
	if (flow->network == WEIR_NETWORK_IPV4) {
		tuple->ipv4.saddr = bpf_htonl(flow->saddr4);
		tuple->ipv4.daddr = bpf_htonl(flow->daddr4);
		tuple->ipv4.sport = bpf_htons(flow->sport);
		tuple->ipv4.dport = bpf_htons(port);
		return sizeof(tuple->ipv4);
	}
	*(__be64 *)&tuple->ipv6.saddr[0] = bpf_cpu_to_be64(flow->saddr_hi);
	*(__be64 *)&tuple->ipv6.saddr[2] = bpf_cpu_to_be64(flow->saddr_lo);
	*(__be64 *)&tuple->ipv6.daddr[0] = bpf_cpu_to_be64(flow->daddr_hi);
	*(__be64 *)&tuple->ipv6.daddr[2] = bpf_cpu_to_be64(flow->daddr_lo);
	tuple->ipv6.sport = bpf_htons(flow->sport);
	tuple->ipv6.dport = bpf_htons(port);
	return sizeof(tuple->ipv6);
}

__weak __noinline int redirect_find_own(CONTEXT *ctx, struct weir_flow *flow)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket;
	int found = OWN_NONE;
	__u32 size;

	if (!redirects || !flow)
		return OWN_NONE;
	size = redirect_tuple(flow, flow->dport, &tuple);
	if (connection_is_tcp(flow)) {
		socket = bpf_skc_lookup_tcp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
		if (!socket)
			return OWN_NONE;
		if (socket->state == BPF_TCP_TIME_WAIT)
			found = OWN_WAITING;
		else if (socket->state != BPF_TCP_LISTEN)
			found = OWN_THERE;
		bpf_sk_release(socket);
		return found;
	}
	socket = bpf_sk_lookup_udp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return OWN_NONE;
	if (socket->dst_port)
		found = OWN_THERE;
	bpf_sk_release(socket);
	return found;
}

/* What becomes of a connection: its packets are given to a socket, or rewritten, to a socket of this host or to wherever they go. */
enum way { WAY_GIVE, WAY_REWRITE_HERE, WAY_REWRITE, WAY_TRY /* rewritten; another port if this one refuses */ };

static __always_inline __u8 redirect_first_state(const struct weir_flow *flow, __u32 way)
{
	return connection_next_state(flow, way == WAY_TRY ? WEIR_REDIRECTED_TRYING : WEIR_REDIRECTED_NEW);
}

/* A fragment cannot be given to a socket, which would be forgotten when the packet is put together. Its port is rewritten. */
static __always_inline bool redirect_gives(const struct weir_flow *flow, __u32 way)
{
	return way == WAY_GIVE && !flow->fragment;
}

static __always_inline bool redirect_give(CONTEXT *ctx, const struct weir_flow *flow, struct bpf_sock *socket, __u32 way)
{
	return !redirect_gives(flow, way) || bpf_sk_assign(ctx, socket, 0) == 0;
}

/*
 * Find the socket that listens on PORT, and if that is the way, give it the packet: 1, or 0 when there is none that would take it.
 */
__weak __noinline int redirect_assign(CONTEXT *ctx, struct weir_flow *flow, __u32 port, __u32 way)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *socket;
	bool given = false;
	__u32 size;

	if (!redirects || !flow)
		return 0;
	size = redirect_tuple(flow, port, &tuple);
	if (!connection_is_tcp(flow)) {
		socket = bpf_sk_lookup_udp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
		if (!socket)
			return 0;
		given = redirect_give(ctx, flow, socket, way);
		bpf_sk_release(socket);
		return given;
	}
	/* Source port 0 is nobody's: a connection that the client has with PORT itself is not found in the listener's place. */
	if (flow->network == WEIR_NETWORK_IPV4)
		tuple.ipv4.sport = 0;
	else
		tuple.ipv6.sport = 0;
	socket = bpf_skc_lookup_tcp(ctx, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return 0;
	if (socket->state == BPF_TCP_LISTEN)
		given = redirect_give(ctx, flow, socket, way);
	bpf_sk_release(socket);
	return given;
}

/* Does nobody take a connection at PORT? If packets are given to sockets, and it is to be so, the packet is given. */
static __always_inline bool redirect_is_dead(CONTEXT *ctx, struct weir_flow *flow, __u32 port, __u32 way)
{
	if (way == WAY_TRY)
		return connection_port_is_dead(flow, port);
	return way != WAY_REWRITE && !redirect_assign(ctx, flow, port, way);
}

/* Is the packet for this host? One that goes on to another is not for sockets here. */
__weak __noinline int redirect_is_local(CONTEXT *ctx, struct weir_flow *flow)
{
	struct bpf_fib_lookup route = { .ifindex = ctx->ifindex };
	long found;

	if (!redirects || !flow)
		return 0;
	if (flow->network == WEIR_NETWORK_IPV4) {
		route.family = AF_INET;
		route.ipv4_src = bpf_htonl(flow->saddr4);
		route.ipv4_dst = bpf_htonl(flow->daddr4);
	} else {
		route.family = AF_INET6;
		*(__be64 *)&route.ipv6_src[0] = bpf_cpu_to_be64(flow->saddr_hi);
		*(__be64 *)&route.ipv6_src[2] = bpf_cpu_to_be64(flow->saddr_lo);
		*(__be64 *)&route.ipv6_dst[0] = bpf_cpu_to_be64(flow->daddr_hi);
		*(__be64 *)&route.ipv6_dst[2] = bpf_cpu_to_be64(flow->daddr_lo);
	}
	found = bpf_fib_lookup(ctx, &route, sizeof(route), 0);
	/* A host that forwards nothing has no other packets. */
	return found == BPF_FIB_LKUP_RET_NOT_FWDED || found == BPF_FIB_LKUP_RET_FWD_DISABLED;
}

/* How often another port is drawn when one is dead, before they are gone through in order: so the dead ones' share is spread. */
#define REDIRECT_DRAWS 8

/* Which port of its rule a new connection gets (TRY 0), and which others it may get when that one is dead. */
__weak __noinline int redirect_choose(CONTEXT *ctx, struct weir_flow *flow, __u32 slot, __u32 try)
{
	struct weir_port_key turn_key = { .slot = slot };
	const struct weir_redirect *redirect;
	struct weir_redirected_key key;
	struct weir_action *action;
	__u64 *turn, none = 0;
	__u32 count;

	if (!redirects || !flow)
		return 0;
	action = bpf_map_lookup_elem(&weir_actions, &slot);
	if (!action)
		return 0;
	redirect = &action->redirect;
	count = redirect->count;
	if (redirect->choice == WEIR_CHOICE_QUEUE && !try) /* most drivers record one more than the queue's number, a veth the number */
		return ctx->queue_mapping % count;
	if (redirect->choice == WEIR_CHOICE_ROUND_ROBIN && (!connection_is_tcp(flow) || connection_opens(flow))) {
		turn = bpf_map_lookup_elem(&weir_ports, &turn_key);
		if (!turn) {
			bpf_map_update_elem(&weir_ports, &turn_key, &none, BPF_NOEXIST);
			turn = bpf_map_lookup_elem(&weir_ports, &turn_key);
		}
		return turn ? __sync_fetch_and_add(turn, 1) % count : 0;
	}
	connection_key(flow, &key);
	return weir_redirected_hash(&key, count, try);
}

enum take { TAKE_DONE, TAKE_DEAD, TAKE_OCCUPIED };

/* Take the way back for this connection: the same client may have another one with the same port behind another rule. */
__weak __noinline int redirect_reserve(struct weir_flow *flow, __u32 port, __u32 slot, __u32 way)
{
	struct weir_redirected made = { .slot = slot };
	struct weir_redirected_key key, back;
	struct weir_redirected *there;

	if (!redirects || !flow)
		return TAKE_OCCUPIED;
	made.seen_ns = bpf_ktime_get_coarse_ns();
	made.port = flow->dport;
	made.state = redirect_first_state(flow, way);
	made.kind = WEIR_REDIRECTED_BACK | (way == WAY_GIVE ? WEIR_REDIRECTED_GIVEN : WEIR_REDIRECTED_REWRITTEN);
	connection_key(flow, &key);
	connection_turn(&key, port, false, &back);
	if (bpf_map_update_elem(&weir_connections, &back, &made, BPF_NOEXIST) == 0)
		return TAKE_DONE;
	there = bpf_map_lookup_elem(&weir_connections, &back);
	if (!there)
		return TAKE_OCCUPIED;
	if (there->port != flow->dport && !connection_is_over(there, connection_is_tcp(flow), made.seen_ns))
		return TAKE_OCCUPIED;
	*there = made;
	return TAKE_DONE;
}

/* Write down a connection that was given PORT. SKIPPED ports were dead, and have had their turn. */
__weak __noinline int redirect_remember(struct weir_flow *flow, __u32 port, __u32 slot, __u32 skipped, __u32 way)
{
	struct weir_port_key turn_key = { .slot = slot };
	struct weir_redirected made = { .slot = slot };
	struct weir_redirected_key key;

	if (!redirects || !flow)
		return 0;
	connection_key(flow, &key);
	made.seen_ns = bpf_ktime_get_coarse_ns();
	made.port = port;
	made.kind = way == WAY_GIVE ? WEIR_REDIRECTED_GIVEN : WEIR_REDIRECTED_REWRITTEN;
	made.state = redirect_first_state(flow, way);
	bpf_map_update_elem(&weir_connections, &key, &made, BPF_ANY);
	connection_count(slot, port);
	if (skipped) {
		__u64 *turn = bpf_map_lookup_elem(&weir_ports, &turn_key);

		if (turn)
			__sync_fetch_and_add(turn, skipped);
	}
	return 0;
}

/* The packet's port, where it is not given to a socket. */
static __always_inline int redirect_deliver(CONTEXT *ctx, const struct weir_flow *flow, __u16 port, __u32 way)
{
	if (redirect_gives(flow, way))
		return CODE_ACCEPT;
	return rewrite_port(ctx, flow, PORT_DESTINATION, port) ? CODE_DROP : CODE_ACCEPT;
}

/*
 * A packet of a connection that is not in the table. What it does is done by global functions: each is verified once, not for each
 * port, and the stack, which is small, holds only the one that runs.
 */
__weak __noinline int redirect_begin(CONTEXT *ctx, struct weir_flow *flow, __u32 slot, __u32 way)
{
	const struct weir_redirect *redirect;
	__u32 start, port = 0, skipped = 0;
	struct weir_action *action;
	int taken = TAKE_DEAD;
	bool in_order;

	if (!redirects || !flow)
		return CODE_DROP;
	action = bpf_map_lookup_elem(&weir_actions, &slot);
	if (!action)
		return CODE_DROP;
	redirect = &action->redirect;
	start = redirect_choose(ctx, flow, slot, 0);
	in_order = redirect->choice == WEIR_CHOICE_ROUND_ROBIN;
	for (__u32 i = 0; i < WEIR_MAX_REDIRECT_PORTS + REDIRECT_DRAWS && i < redirect->count + REDIRECT_DRAWS; i++) {
		if (i && i < REDIRECT_DRAWS && !in_order)
			start = redirect_choose(ctx, flow, slot, i);
		skipped = i;
		port = redirect->first + (in_order || i >= REDIRECT_DRAWS ? start + i : start) % redirect->count;
		taken = TAKE_DONE;
		if (redirect_is_dead(ctx, flow, port, way))
			taken = TAKE_DEAD;
		else if (way != WAY_GIVE || !connection_is_tcp(flow))
			taken = redirect_reserve(flow, port, slot, way);
		if (taken == TAKE_DONE || (taken == TAKE_DEAD && !redirect->alive))
			break;
	}
	if (taken == TAKE_OCCUPIED)
		return CODE_DROP;
	if (taken == TAKE_DEAD) /* nobody there: the host answers, as for any port on which nobody listens */
		return CODE_ACCEPT;
	redirect_remember(flow, port, slot, skipped, way);
	return redirect_deliver(ctx, flow, port, way);
}

/* A packet in the middle of a TCP connection that the table does not know: is it one that may have been ours? */
static __always_inline bool redirect_is_strange(const struct weir_flow *flow, const struct weir_redirect *redirect)
{
	if (!connection_is_tcp(flow) || connection_opens(flow))
		return false;
	return flow->tcp_flags & TCP_RST || redirect->choice != WEIR_CHOICE_HASH;
}

/* The port of the entry is this packet's. */
static __always_inline int redirect_go_on(CONTEXT *ctx, struct weir_flow *flow, struct weir_redirected *connection, __u32 way)
{
	connection_note(flow, connection);
	return redirect_deliver(ctx, flow, connection->port, way);
}

/* Does this packet begin another connection than the entry's? */
static __always_inline bool redirect_is_new(const struct weir_flow *flow, const struct weir_redirected *connection)
{
	bool tcp = connection_is_tcp(flow);

	return (!tcp || connection_opens(flow)) && connection_is_over(connection, tcp, bpf_ktime_get_coarse_ns());
}

/* The entry of the packet's connection, if it has one. */
static __always_inline struct weir_redirected *redirect_entry(const struct weir_flow *flow)
{
	struct weir_redirected *connection;
	struct weir_redirected_key key;

	connection_key(flow, &key);
	connection = bpf_map_lookup_elem(&weir_connections, &key);
	return connection && !connection_is_back(connection) && !redirect_is_new(flow, connection) ? connection : NULL;
}

/*
 * redirect. TCP that has its own socket is none of our business. A SYN whose like still waits in TIME_WAIT cannot be given away: the
 * kernel takes it as one for the socket that waits, and finds no listener on that port. So that connection is rewritten.
 */
__weak __noinline int redirect_to_socket(CONTEXT *ctx, struct weir_flow *flow, __u32 slot)
{
	struct weir_redirected *connection;
	struct weir_action *action;
	int own = OWN_NONE;

	if (!redirects || !flow)
		return CODE_DROP;
	if (!connection_has(flow) || (connection_is_tcp(flow) && flow->fragment))
		return CODE_ACCEPT;
	if (connection_is_tcp(flow))
		own = redirect_find_own(ctx, flow);
	if (own == OWN_THERE)
		return CODE_ACCEPT;
	action = bpf_map_lookup_elem(&weir_actions, &slot);
	if (!action)
		return CODE_DROP;
	connection = redirect_entry(flow);
	if (connection && connection->kind == WEIR_REDIRECTED_REWRITTEN)
		return redirect_go_on(ctx, flow, connection, WAY_REWRITE);
	if (own == OWN_WAITING)
		return connection_opens(flow) ? redirect_begin(ctx, flow, slot, WAY_REWRITE_HERE) : CODE_ACCEPT;
	if (connection) {
		if (redirect_assign(ctx, flow, connection->port, WAY_GIVE))
			return redirect_go_on(ctx, flow, connection, WAY_GIVE);
		/* Its server is gone: it may be back soon, unless the rule wants one that lives. */
		if (!action->redirect.alive)
			return CODE_ACCEPT;
	} else if (!connection_is_tcp(flow) && redirect_find_own(ctx, flow) == OWN_THERE) {
		return CODE_ACCEPT;
	}
	if (redirect_is_strange(flow, &action->redirect) || !redirect_is_local(ctx, flow))
		return CODE_ACCEPT;
	return redirect_begin(ctx, flow, slot, WAY_GIVE);
}

/* dnat */
__weak __noinline int redirect_by_rewriting(CONTEXT *ctx, struct weir_flow *flow, __u32 slot)
{
	struct weir_redirected *connection;
	struct weir_action *action;

	if (!redirects || !flow)
		return CODE_DROP;
	if (!connection_has(flow))
		return CODE_ACCEPT;
	connection = redirect_entry(flow);
	/* One of TCP that was given to a socket, when this rule said redirect, has no entry for its way back. */
	if (connection && !(connection_is_tcp(flow) && connection->kind == WEIR_REDIRECTED_GIVEN))
		return redirect_go_on(ctx, flow, connection, WAY_REWRITE);
	action = bpf_map_lookup_elem(&weir_actions, &slot);
	if (!action)
		return CODE_DROP;
	if (redirect_is_strange(flow, &action->redirect) || redirect_find_own(ctx, flow) == OWN_THERE)
		return CODE_ACCEPT;
	return redirect_begin(ctx, flow, slot, action->redirect.alive ? WAY_TRY : WAY_REWRITE);
}

/* On the way back: a reply gets the source port back that its client named. */
__weak __noinline int redirect_back(CONTEXT *ctx, struct weir_flow *flow)
{
	struct weir_redirected *connection;
	struct weir_redirected_key key;

	if (!have_connections || !flow)
		return CODE_DROP;
	if (rewrite_is_error(flow))
		return rewrite_error(ctx, flow, true) ? CODE_DROP : CODE_ACCEPT;
	if (!connection_has(flow) || flow->sport < first_reply || flow->sport > last_reply)
		return CODE_ACCEPT;
	connection_key(flow, &key);
	connection = bpf_map_lookup_elem(&weir_connections, &key);
	if (!connection || !connection_is_back(connection))
		return CODE_ACCEPT;
	if (connection->state == WEIR_REDIRECTED_TRYING && connection_refuses(flow)) {
		connection_refused(&key, connection);
		return CODE_DROP; /* the client sends its SYN again, and another port gets it */
	}
	connection_note(flow, connection);
	return rewrite_port(ctx, flow, PORT_SOURCE, connection->port) ? CODE_DROP : CODE_ACCEPT;
}

/* What a chain that keeps connections does beside its verdicts, with a packet that it accepts. */
static __always_inline int redirect_accepted(CONTEXT *ctx, struct weir_flow *flow)
{
	if (!redirects)
		return redirect_back(ctx, flow);
	if (rewrite_is_error(flow) && rewrite_error(ctx, flow, false))
		return CODE_DROP;
	return CODE_ACCEPT;
}

#endif
