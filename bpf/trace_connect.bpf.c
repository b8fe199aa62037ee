/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every TCP connection that this host makes, and how it went. A connection is written down while the process that makes it is
 * running: by the best of three probes, which user space chooses and loads alone.
 *
 *	fentry      tcp_connect                                 connect() that fails at once: fexit tcp_v4_connect, tcp_v6_connect
 *	kprobe      tcp_connect                                                               kretprobe of the same
 *	tracepoint  sock:inet_sock_set_state, to SYN_SENT                                     tracepoint sys_exit
 *
 * In each case sock:inet_sock_set_state tells what became of it. That comes in whatever context the answer is handled in, so
 * the process is looked up by the socket, never asked for then. A socket's address is its key: each one that was
 * written down comes to the state CLOSE before its memory is used again, and is forgotten there.
 *
 * The kernel passes over a program that runs on that processor already: one that an interrupt, or on a kernel with preemption
 * another process, came in between. So what must not be missed is there twice, weir_NAME and weir_NAME_again, one behind the other;
 * what the first has done the second finds done. To wake the reader is the second one's: that is where another process most often
 * comes in between.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <stdbool.h>
#include "connection.h"

/* The kernel's own types, as far as they are looked at; their layout comes from the running kernel's BTF. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	__u8 bytes[16];
};

typedef struct {
	__s64 counter;
} atomic64_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	unsigned short skc_family;
	possible_net_t skc_net;
	atomic64_t skc_cookie;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

typedef enum {
	SS_FREE,
	SS_UNCONNECTED,
	SS_CONNECTING,
} socket_state;

struct sk_buff {
	char cb[48];
};

struct sk_buff_head {
	struct sk_buff *prev;
	__u32 qlen;
};

struct sock_extended_err {
	__u32 ee_errno;
	__u8 ee_origin;
};

struct sock_exterr_skb {
	struct sock_extended_err ee;
};

struct sock;

struct socket {
	socket_state state;
	struct sock *sk;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	__u16 sk_type;
	int sk_err;
	int sk_err_soft;
	struct sk_buff_head sk_error_queue;
	struct socket *sk_socket;
};

struct inet_sock {
	__be16 inet_sport;
};

struct file {
	void *private_data;
};

struct fdtable {
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct task_struct {
	struct files_struct *files;
};

struct pt_regs___x86 {
	unsigned long di, si, ax, orig_ax;
};

struct pt_regs___arm64 {
	__u64 regs[31];
	__u64 orig_x0;
	int syscallno;
};
#pragma clang attribute pop

#define FAMILY_INET  2
#define FAMILY_INET6 10
#define PROTOCOL_TCP 6
#define TYPE_STREAM  1

/* Who told of an error. */
#define ORIGIN_ICMP  2
#define ORIGIN_ICMP6 3

/* Of a socket. */
enum { STATE_ESTABLISHED = 1, STATE_SYN_SENT, STATE_SYN_RECV, STATE_FIN_WAIT1, STATE_CLOSE = 7, STATE_CLOSE_WAIT };

#define ERROR_NETDOWN	   100
#define ERROR_NETUNREACH   101
#define ERROR_ADDRNOTAVAIL 99
#define ERROR_HOSTUNREACH  113

const volatile bool begin_at_state; /* the probe is the tracepoint */
const volatile bool tell_ends;
const volatile long connect_number; /* of the system call */
const volatile __u64 opened_ns;	    /* connections that are established much later than that have begun later, too */
#define BEGUN_BEFORE_NS 3000000000ull

/* What could not be told: the ring buffer or one of the maps was full, or what came before or after shows that it was missed. */
__u64 lost;

/* Something was told, and the reader not yet woken for it. */
volatile bool unheard;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} changes SEC(".maps");

/* By the socket's address. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, struct weir_connection);
} connections SEC(".maps");

/* kprobe: by thread, what it called tcp_v4_connect() with; at the return the arguments are gone. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, struct weir_connection);
} calls SEC(".maps");

/* tracepoint: by cookie, sockets of which a failure was told that connect() has yet to return. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u64);
	__type(value, __u8);
} told SEC(".maps");

/* Puts it into the ring buffer. The reader sleeps on until wake(). */
static __always_inline void tell(const struct weir_connection *connection, __u32 change, __u32 error)
{
	struct weir_connection_event *event = bpf_ringbuf_reserve(&changes, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return;
	}
	__builtin_memcpy(&event->connection, connection, sizeof(*connection));
	event->time_ns = bpf_ktime_get_ns();
	event->change = change;
	event->error = error;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	unheard = true;
}

/*
 * Wakes the reader. It may run at once, and others after it that tell something and are passed over where they would wake: so
 * there is a second look.
 */
static __always_inline void wake(void)
{
	for (int i = 0; i < 2 && unheard; i++) {
		void *nothing = bpf_ringbuf_reserve(&changes, 8, 0);

		if (!nothing)
			return; /* full: it has been woken */
		unheard = false;
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
	}
}

/* ---- Reading sockets and addresses ---- */

/* ADDRESS: ::ffff:a.b.c.d, IPv4 through a socket of IPv6? */
static __always_inline bool is_mapped(const __u8 *address)
{
	const __u32 *words = (const void *)address;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

static __always_inline void unmap(__u8 *address)
{
	__u32 *words = (void *)address;

	words[0] = words[3];
	words[2] = words[3] = 0;
}

static __always_inline void read_process(struct weir_connection *connection, struct sock *sk)
{
	connection->begun_ns = bpf_ktime_get_ns();
	connection->pid = bpf_get_current_pid_tgid() >> 32;
	connection->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(connection->command, sizeof(connection->command));
	connection->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

static __always_inline void read_addresses(struct weir_connection *connection, struct sock *sk)
{
	connection->version = 4;
	connection->sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	connection->dport = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == FAMILY_INET6) {
		bpf_core_read(connection->daddr, 16, &sk->__sk_common.skc_v6_daddr);
		bpf_core_read(connection->saddr, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		if (!is_mapped(connection->daddr)) {
			connection->version = 6;
			return;
		}
		unmap(connection->daddr);
		__builtin_memset(connection->saddr, 0, 16);
	}
	bpf_core_read(connection->daddr, 4, &sk->__sk_common.skc_daddr);
	bpf_core_read(connection->saddr, 4, &sk->__sk_common.skc_rcv_saddr);
}

/* Where connect() was asked to go: a sockaddr_in or sockaddr_in6, copied whole. False: neither. */
struct socket_address {
	__u16 family;
	__be16 port;
	__u8 four[4]; /* of IPv6 the flow label */
	__u8 six[20];
};

static __always_inline bool read_destination(struct weir_connection *connection, const struct socket_address *address)
{
	connection->dport = bpf_ntohs(address->port);
	if (address->family == FAMILY_INET6) {
		connection->version = 6;
		__builtin_memcpy(connection->daddr, address->six, 16);
		if (!is_mapped(connection->daddr))
			return true;
		unmap(connection->daddr);
	} else {
		__builtin_memcpy(connection->daddr, address->four, 4);
	}
	connection->version = 4;
	return address->family == FAMILY_INET || address->family == FAMILY_INET6;
}

static __always_inline bool read_kernel_destination(struct weir_connection *connection, const void *pointer)
{
	struct socket_address address = {};

	/* The kernel has room for the longest kind of address. */
	if (bpf_probe_read_kernel(&address, sizeof(address), pointer))
		return false;
	return read_destination(connection, &address);
}

static __always_inline bool read_user_destination(struct weir_connection *connection, const void *pointer)
{
	struct socket_address address = {};

	if (bpf_probe_read_user(&address, 16, pointer))
		return false;
	if (address.family == FAMILY_INET6 && bpf_probe_read_user(&address, sizeof(address), pointer))
		return false;
	return read_destination(connection, &address);
}

/* Registers, of the processors that weir runs on. */
static __always_inline __u64 first_argument(void *registers)
{
	struct pt_regs___x86 *x86 = registers;
	struct pt_regs___arm64 *arm64 = registers;

	return bpf_core_field_exists(x86->di) ? BPF_CORE_READ(x86, di) : BPF_CORE_READ(arm64, regs[0]);
}

static __always_inline __u64 second_argument(void *registers)
{
	struct pt_regs___x86 *x86 = registers;
	struct pt_regs___arm64 *arm64 = registers;

	return bpf_core_field_exists(x86->si) ? BPF_CORE_READ(x86, si) : BPF_CORE_READ(arm64, regs[1]);
}

static __always_inline int result(void *registers)
{
	struct pt_regs___x86 *x86 = registers;
	struct pt_regs___arm64 *arm64 = registers;

	return bpf_core_field_exists(x86->ax) ? BPF_CORE_READ(x86, ax) : BPF_CORE_READ(arm64, regs[0]);
}

/* ---- A connection begins ---- */

/* What is there already is the same, written down by the other program, or has ended unseen. */
static __always_inline void begin(struct sock *sk)
{
	struct weir_connection connection = {}, *old;
	__u64 key = (__u64)sk;

	if (BPF_CORE_READ(sk, sk_protocol) != PROTOCOL_TCP)
		return;
	read_process(&connection, sk);
	read_addresses(&connection, sk);
	old = bpf_map_lookup_elem(&connections, &key);
	if (old && (old->pid != connection.pid || old->sport != connection.sport || old->connected_ns))
		__sync_fetch_and_add(&lost, 1);
	if (bpf_map_update_elem(&connections, &key, &connection, BPF_ANY))
		__sync_fetch_and_add(&lost, 1);
}

SEC("fentry/tcp_connect")
int weir_fentry(unsigned long long *ctx)
{
	begin((struct sock *)ctx[0]);
	return 0;
}

SEC("fentry/tcp_connect")
int weir_fentry_again(unsigned long long *ctx)
{
	begin((struct sock *)ctx[0]);
	return 0;
}

/* Runs without preemption: once is enough. */
SEC("kprobe/tcp_connect")
int weir_kprobe(void *ctx)
{
	begin((struct sock *)first_argument(ctx));
	return 0;
}

/* ---- A connection that fails at once: there is no route, or no port left ---- */

/* Others are mistakes of the program (EINVAL), or no failures (EINPROGRESS). */
static __always_inline bool fails_at_once(long result)
{
	return result == -ERROR_NETUNREACH || result == -ERROR_HOSTUNREACH || result == -ERROR_NETDOWN ||
	       result == -ERROR_ADDRNOTAVAIL;
}

static __always_inline void tell_failed_call(struct sock *sk, const void *destination, int error)
{
	struct weir_connection connection = {};

	if (!fails_at_once(error))
		return;
	read_process(&connection, sk);
	if (read_kernel_destination(&connection, destination))
		tell(&connection, WEIR_CONNECTION_REFUSED_HERE, -error);
	wake();
}

SEC("fexit/tcp_v4_connect")
int weir_fexit_v4(unsigned long long *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];

	/* For IPv4 through a socket of IPv6 it is tcp_v6_connect that calls. */
	if (BPF_CORE_READ(sk, __sk_common.skc_family) != FAMILY_INET6)
		tell_failed_call(sk, (const void *)ctx[1], ctx[3]);
	return 0;
}

SEC("fexit/tcp_v6_connect")
int weir_fexit_v6(unsigned long long *ctx)
{
	tell_failed_call((struct sock *)ctx[0], (const void *)ctx[1], ctx[3]);
	return 0;
}

static __always_inline void enter_call(void *ctx)
{
	struct weir_connection connection = {};
	struct sock *sk = (struct sock *)first_argument(ctx);
	__u64 thread = bpf_get_current_pid_tgid();

	read_process(&connection, sk);
	if (read_kernel_destination(&connection, (const void *)second_argument(ctx)))
		bpf_map_update_elem(&calls, &thread, &connection, BPF_ANY);
}

static __always_inline void leave_call(void *ctx)
{
	__u64 thread = bpf_get_current_pid_tgid();
	struct weir_connection *connection = bpf_map_lookup_elem(&calls, &thread);
	int error = result(ctx);

	if (!connection)
		return;
	connection->begun_ns = bpf_ktime_get_ns();
	if (fails_at_once(error))
		tell(connection, WEIR_CONNECTION_REFUSED_HERE, -error);
	bpf_map_delete_elem(&calls, &thread);
	wake();
}

SEC("kprobe/tcp_v4_connect")
int weir_enter_v4(void *ctx)
{
	struct sock *sk = (struct sock *)first_argument(ctx);

	if (BPF_CORE_READ(sk, __sk_common.skc_family) != FAMILY_INET6)
		enter_call(ctx);
	return 0;
}

/* Called by tcp_v6_connect it leaves the call as well, and what that returns is the same. */
SEC("kretprobe/tcp_v4_connect")
int weir_leave_v4(void *ctx)
{
	leave_call(ctx);
	return 0;
}

SEC("kprobe/tcp_v6_connect")
int weir_enter_v6(void *ctx)
{
	enter_call(ctx);
	return 0;
}

SEC("kretprobe/tcp_v6_connect")
int weir_leave_v6(void *ctx)
{
	leave_call(ctx);
	return 0;
}

/* The socket that is file FD of the running process. What connect() answered tells that it is one. */
static __always_inline struct sock *socket_of(int fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct file **files = BPF_CORE_READ(task, files, fdt, fd);
	struct file *file = NULL;
	struct socket *socket;

	if (bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return NULL;
	socket = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(socket, sk);
}

/* Comes at the end of each system call of the host, so whatever is of no interest must leave at once. */
SEC("tp_btf/sys_exit")
int weir_sys_exit(unsigned long long *ctx)
{
	struct pt_regs___x86 *x86 = (void *)ctx[0];
	struct pt_regs___arm64 *arm64 = (void *)ctx[0];
	struct weir_connection connection = {};
	long error = ctx[1], number;
	struct sock *sk;
	__u64 cookie;
	int fd;

	if (!fails_at_once(error))
		return 0;
	number = bpf_core_field_exists(x86->orig_ax) ? BPF_CORE_READ(x86, orig_ax) : BPF_CORE_READ(arm64, syscallno);
	if (number != connect_number)
		return 0;
	fd = bpf_core_field_exists(x86->di) ? BPF_CORE_READ(x86, di) : BPF_CORE_READ(arm64, orig_x0);
	sk = socket_of(fd);
	if (!sk || BPF_CORE_READ(sk, sk_protocol) != PROTOCOL_TCP || BPF_CORE_READ(sk, sk_type) != TYPE_STREAM)
		return 0;
	cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (cookie && bpf_map_delete_elem(&told, &cookie) == 0)
		return 0;
	read_process(&connection, sk);
	if (read_user_destination(&connection, (const void *)second_argument((void *)ctx[0])))
		tell(&connection, WEIR_CONNECTION_REFUSED_HERE, -error);
	wake();
	return 0;
}

/* ---- What becomes of it ---- */

/* Is the process still in the connect() that began it? What that returns tells more than the socket knows. */
static __always_inline bool in_first_call(struct sock *sk)
{
	struct socket *socket = BPF_CORE_READ(sk, sk_socket);

	return socket && BPF_CORE_READ(socket, state) == SS_UNCONNECTED;
}

/*
 * What ICMP said of it. While the process holds the socket's lock an answer of ICMP does not end the connection; the process is
 * told in other ways, and closes.
 */
static __always_inline int error_of_icmp(struct sock *sk)
{
	int error = BPF_CORE_READ(sk, sk_err_soft);
	struct sock_exterr_skb *said = NULL;
	__u8 origin;

	if (error || !BPF_CORE_READ(sk, sk_error_queue.qlen) || !bpf_core_field_exists(said->ee))
		return error;
	said = (struct sock_exterr_skb *)&BPF_CORE_READ(sk, sk_error_queue.prev)->cb;
	origin = BPF_CORE_READ(said, ee.ee_origin);
	return origin == ORIGIN_ICMP || origin == ORIGIN_ICMP6 ? BPF_CORE_READ(said, ee.ee_errno) : 0;
}

static __always_inline void fail(struct sock *sk, struct weir_connection *connection)
{
	int error = BPF_CORE_READ(sk, sk_err);
	__u64 cookie;
	__u8 yes = 1;

	if (!error && in_first_call(sk))
		return;
	if (!error)
		error = error_of_icmp(sk);
	tell(connection, WEIR_CONNECTION_FAILED, error);
	if (!begin_at_state || !fails_at_once(-error))
		return;
	cookie = bpf_get_socket_cookie(sk);
	bpf_map_update_elem(&told, &cookie, &yes, BPF_ANY);
}

/* Was it established BEFORE it came to STATE? */
static __always_inline bool was_made(int before, int state)
{
	return state == STATE_FIN_WAIT1 || state == STATE_CLOSE_WAIT ||
	       (state == STATE_CLOSE && before != STATE_SYN_SENT && before != STATE_SYN_RECV);
}

/* FIRST: not behind the other program, which may have been done with the connection. */
static __always_inline void change(struct sock *sk, int before, int state, bool first)
{
	struct weir_connection *connection;
	__u64 key = (__u64)sk, now = bpf_ktime_get_ns();

	if (state == STATE_SYN_SENT) {
		if (begin_at_state)
			begin(sk);
		return;
	}
	connection = bpf_map_lookup_elem(&connections, &key);
	if (!connection) {
		if (first && before == STATE_SYN_SENT && state == STATE_ESTABLISHED && now > opened_ns + BEGUN_BEFORE_NS)
			__sync_fetch_and_add(&lost, 1);
		return;
	}
	if (!connection->connected_ns && was_made(before, state)) {
		__sync_fetch_and_add(&lost, 1);
		connection->connected_ns = now;
	}
	if (!connection->sport) /* at SYN_SENT it has none yet */
		connection->sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	if (state == STATE_ESTABLISHED && !connection->connected_ns) {
		connection->connected_ns = now;
		tell(connection, WEIR_CONNECTION_MADE, 0);
		if (!tell_ends)
			bpf_map_delete_elem(&connections, &key);
	} else if (state == STATE_FIN_WAIT1 || state == STATE_CLOSE_WAIT) {
		connection->closed_by = state == STATE_FIN_WAIT1 ? WEIR_CLOSED_HERE : WEIR_CLOSED_THERE;
	} else if (state == STATE_CLOSE) {
		if (!connection->connected_ns)
			fail(sk, connection);
		else if (tell_ends)
			tell(connection, WEIR_CONNECTION_ENDED, BPF_CORE_READ(sk, sk_err));
		bpf_map_delete_elem(&connections, &key);
	}
}

SEC("tp_btf/inet_sock_set_state")
int weir_state(unsigned long long *ctx)
{
	change((struct sock *)ctx[0], ctx[1], ctx[2], true);
	return 0;
}

SEC("tp_btf/inet_sock_set_state")
int weir_state_again(unsigned long long *ctx)
{
	change((struct sock *)ctx[0], ctx[1], ctx[2], false);
	wake();
	return 0;
}

char _license[] SEC("license") = "GPL";
