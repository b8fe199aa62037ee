/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of connections of a chain that redirects. A connection that is rewritten has two entries, one for each direction, and
 * each can make the other again when the table, being full, has let go of it. An entry is written when it changes or a second has
 * passed, not for every packet.
 */
#ifndef WEIR_BPF_REDIRECT_TABLE_H
#define WEIR_BPF_REDIRECT_TABLE_H

#include "context.h"

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_ACK 16

#define SECOND_NS 1000000000ull

/* Sizes are set before the load; neither is made where no rule redirects. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct weir_redirected_key);
	__type(value, struct weir_redirected);
} weir_connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct weir_port_key);
	__type(value, __u64);
} weir_ports SEC(".maps");

/* Has the packet ports of TCP or UDP? A fragment that is not the first has none. */
static __always_inline bool connection_has(const struct weir_flow *flow)
{
	return flow->transport == WEIR_TRANSPORT_TCP || flow->transport == WEIR_TRANSPORT_UDP;
}

static __always_inline bool connection_is_tcp(const struct weir_flow *flow)
{
	return flow->transport == WEIR_TRANSPORT_TCP;
}

/* Does the packet open a connection? */
static __always_inline bool connection_opens(const struct weir_flow *flow)
{
	return connection_is_tcp(flow) && (flow->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* Does the packet refuse to open one? So does a RST that answers a SYN, and none that ends a connection. */
static __always_inline bool connection_refuses(const struct weir_flow *flow)
{
	return connection_is_tcp(flow) && (flow->tcp_flags & (TCP_SYN | TCP_RST | TCP_ACK)) == (TCP_RST | TCP_ACK);
}

static __always_inline void connection_key(const struct weir_flow *flow, struct weir_redirected_key *key)
{
	bool ipv4 = flow->network == WEIR_NETWORK_IPV4;

	__builtin_memset(key, 0, sizeof(*key));
	key->saddr_hi = ipv4 ? 0 : flow->saddr_hi;
	key->saddr_lo = ipv4 ? flow->saddr4 : flow->saddr_lo;
	key->daddr_hi = ipv4 ? 0 : flow->daddr_hi;
	key->daddr_lo = ipv4 ? flow->daddr4 : flow->daddr_lo;
	key->sport = flow->sport;
	key->dport = flow->dport;
	key->protocol = flow->protocol;
	key->network = flow->network;
}

/*
 * The key of the other direction: of packets in with PORT as their destination's, the replies; of replies, the packets in, which
 * name PORT.
 */
static __always_inline void connection_turn(const struct weir_redirected_key *key, __u16 port, bool back,
					    struct weir_redirected_key *ret_key)
{
	*ret_key = *key;
	ret_key->saddr_hi = key->daddr_hi;
	ret_key->saddr_lo = key->daddr_lo;
	ret_key->daddr_hi = key->saddr_hi;
	ret_key->daddr_lo = key->saddr_lo;
	ret_key->sport = back ? key->dport : port;
	ret_key->dport = back ? port : key->sport;
}

/* Is the connection of this entry one of the past? A TCP connection that is open is, for its silence, only after days. */
static __always_inline bool connection_is_over(const struct weir_redirected *connection, bool tcp, __u64 now)
{
	__u64 limit = WEIR_REDIRECTED_NEW_S;

	if (connection->state == WEIR_REDIRECTED_ENDING)
		return true;
	if (!tcp)
		limit = WEIR_REDIRECTED_OPEN_UDP_S;
	else if (connection->state == WEIR_REDIRECTED_OPEN)
		limit = WEIR_REDIRECTED_OPEN_TCP_S;
	return now > connection->seen_ns && now - connection->seen_ns > limit * SECOND_NS;
}

static __always_inline bool connection_is_back(const struct weir_redirected *connection)
{
	return connection->kind & WEIR_REDIRECTED_BACK;
}

/* Has nobody but the client been heard of yet? */
static __always_inline bool connection_is_unanswered(__u8 state)
{
	return state == WEIR_REDIRECTED_NEW || state == WEIR_REDIRECTED_TRYING;
}

/* What a packet says of its connection. */
static __always_inline __u8 connection_next_state(const struct weir_flow *flow, __u8 state)
{
	if (!connection_is_tcp(flow))
		return state;
	if (flow->tcp_flags & (TCP_FIN | TCP_RST))
		return WEIR_REDIRECTED_ENDING;
	if (connection_is_unanswered(state) && !(flow->tcp_flags & TCP_SYN))
		return WEIR_REDIRECTED_OPEN;
	return state;
}

/*
 * The slow part of connection_note, a function of its own since the stack is small. The entry of the other direction is looked for
 * too: a table that is full lets go of what is looked at least, and there it is made again.
 */
__weak __noinline int connection_write(struct weir_flow *flow, struct weir_redirected *connection, __u32 state)
{
	struct weir_redirected_key key, turned;
	struct weir_redirected *other;
	bool back;

	if (!have_connections || !flow || !connection)
		return 0;
	connection->state = state;
	connection->seen_ns = bpf_ktime_get_coarse_ns();
	if (connection->kind == WEIR_REDIRECTED_GIVEN && connection_is_tcp(flow))
		return 0;
	back = connection_is_back(connection);
	connection_key(flow, &key);
	connection_turn(&key, connection->port, back, &turned);
	other = bpf_map_lookup_elem(&weir_connections, &turned);
	if (other) {
		other->state = state;
		other->seen_ns = connection->seen_ns;
	} else {
		struct weir_redirected made = { .seen_ns = connection->seen_ns,
						.port = back ? flow->sport : flow->dport,
						.kind = connection->kind ^ WEIR_REDIRECTED_BACK,
						.state = state,
						.slot = connection->slot };

		bpf_map_update_elem(&weir_connections, &turned, &made, BPF_NOEXIST);
	}
	return 0;
}

/* A packet of this entry came by. */
static __always_inline void connection_note(struct weir_flow *flow, struct weir_redirected *connection)
{
	__u8 state = connection_next_state(flow, connection->state);

	if (state != connection->state || bpf_ktime_get_coarse_ns() - connection->seen_ns >= SECOND_NS)
		connection_write(flow, connection, state);
}

/* The mark of a port that refuses, by the key of a packet of the way back, whose source it is. */
static __always_inline void connection_dead_key(const struct weir_redirected_key *back, struct weir_redirected_key *ret_key)
{
	*ret_key = *back;
	ret_key->daddr_hi = 0;
	ret_key->daddr_lo = 0;
	ret_key->dport = 0;
}

/* Does PORT at the packet's destination refuse? It did, not long ago. */
__weak __noinline int connection_port_is_dead(struct weir_flow *flow, __u32 port)
{
	struct weir_redirected_key key, back, dead;
	struct weir_redirected *mark;

	if (!have_connections || !flow)
		return 0;
	connection_key(flow, &key);
	connection_turn(&key, port, false, &back);
	connection_dead_key(&back, &dead);
	mark = bpf_map_lookup_elem(&weir_connections, &dead);
	return mark && bpf_ktime_get_coarse_ns() - mark->seen_ns < WEIR_REDIRECTED_DEAD_S * SECOND_NS;
}

/*
 * The port at the source of BACK, which is of the way back, refuses this connection: mark it, and let the connection's next packet
 * begin it anew. The entry itself goes on trying: a SYN that was sent twice is refused twice.
 */
static __always_inline void connection_refused(const struct weir_redirected_key *back, const struct weir_redirected *connection)
{
	struct weir_redirected made = { .port = back->sport, .kind = WEIR_REDIRECTED_DEAD };
	struct weir_redirected_key key;
	struct weir_redirected *other;

	made.seen_ns = bpf_ktime_get_coarse_ns();
	connection_dead_key(back, &key);
	bpf_map_update_elem(&weir_connections, &key, &made, BPF_ANY);
	connection_turn(back, connection->port, true, &key);
	other = bpf_map_lookup_elem(&weir_connections, &key);
	if (other && other->port == back->sport)
		other->state = WEIR_REDIRECTED_ENDING;
}

/* Count a new connection on its port. */
static __always_inline void connection_count(__u32 slot, __u16 port)
{
	struct weir_port_key key = { .slot = slot, .port = port };
	__u64 *count = bpf_map_lookup_elem(&weir_ports, &key), one = 1;

	if (!count && bpf_map_update_elem(&weir_ports, &key, &one, BPF_NOEXIST) == 0)
		return;
	if (!count)
		count = bpf_map_lookup_elem(&weir_ports, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
}

#endif
