// SPDX-License-Identifier: GPL-2.0-only
#include "observe/log_packets.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "classic/classic.h"
#include "code/filter.h"
#include "host/host.h"
#include "kernel/attach.h"
#include "kernel/load.h"
#include "kernel/netns.h"
#include "kernel/refusal.h"

#include "log_socket.skel.h"
#include "log_xdp.skel.h"

/* What one read hands out at most: who reads slower than packets come must get to see a signal or the end of its time. */
#define READ_MOST 512

static const struct place nowhere;

/* One interface. Which of the two objects it has depends on where it is looked at. */
struct looker {
	struct log_source source;
	struct log_xdp_bpf *xdp;
	struct log_socket_bpf *socket;
	const struct classic_program *filter; /* NULL: none */
	int program; /* the one that is attached: the object's, or with a filter before it one of our own */
	bool own_program;
	int fd; /* a link, or a packet socket; -1: none */
};

struct packet_log {
	struct arena *arena;
	struct looker *lookers;
	size_t count;
	uint64_t rate;
	const char *filter;
	int packets_fd, counts_fd; /* of the first looker's object, which the others share */
	struct ring_buffer *ring;
	struct weir_seen_counts told;
	/* For the read that is going on. */
	void (*handle)(void *context, const struct weir_seen_packet *packet);
	void *context;
	int handed;
};

/* An interface as it is found in its namespace. */
struct device {
	uint32_t ifindex;
	bool raw_ip;
};

static int find_device(const char *name, struct device *ret_device)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };

	ret_device->ifindex = if_nametoindex(name);
	if (!ret_device->ifindex)
		return -errno;
	if (fd < 0)
		return -errno;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr))
		return -errno;
	ret_device->raw_ip = ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER && ifr.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK;
	return 0;
}

/* The second object and all that follow write into the maps of the first. */
static int share_maps(struct packet_log *log, struct bpf_map *packets, struct bpf_map *counts)
{
	int error = 0;

	if (log->packets_fd >= 0)
		error = bpf_map__reuse_fd(packets, log->packets_fd);
	if (!error && log->counts_fd >= 0)
		error = bpf_map__reuse_fd(counts, log->counts_fd);
	return error;
}

static void keep_maps(struct packet_log *log, const struct bpf_map *packets, const struct bpf_map *counts)
{
	if (log->packets_fd < 0)
		log->packets_fd = fcntl(bpf_map__fd(packets), F_DUPFD_CLOEXEC, 3);
	if (log->counts_fd < 0)
		log->counts_fd = fcntl(bpf_map__fd(counts), F_DUPFD_CLOEXEC, 3);
}

/* ---- A filter before it ---- */

static int compile_filter(struct packet_log *log, bool raw_ip, const struct classic_program **ret_program,
			  struct diagnostics *diagnostics)
{
	struct host_filter_request request = { .expression = log->filter, .link = raw_ip ? CLASSIC_RAW : CLASSIC_ETHERNET };
	const struct host *host = host_system();
	const char *message = NULL;
	uint32_t at;
	int error = host->filter ? host->filter(host->context, log->arena, &request, ret_program, &message) : -ENOSYS;

	if (error == -EINVAL)
		diagnose(diagnostics, SEVERITY_ERROR, nowhere, "'%s' is no expression of tcpdump's: %s", log->filter, message);
	else if (error)
		diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "'%s' cannot be compiled: %s", log->filter,
			 error == -ENOSYS ? "there is no libpcap" : error_print(diagnostics->arena, error));
	else if (classic_check(*ret_program, &at))
		error = -EINVAL;
	return error;
}

/* What libbpf has loaded, with its maps and constants filled in, is loaded once more behind the filter. */
static int put_filter_before(struct packet_log *log, struct looker *looker, const struct bpf_program *program,
			     const struct classic_program *filter)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	bool xdp = bpf_program__type(program) == BPF_PROG_TYPE_XDP;
	struct filter_request request = { .program = filter, .xdp = xdp, .otherwise = xdp ? XDP_PASS : 0 };
	uint32_t head = 0, count = (uint32_t)bpf_program__insn_cnt(program);
	const struct bpf_insn *first = code_filter(arena, &request, &head);
	struct bpf_prog_load_opts options;
	struct bpf_insn *all;

	(void)log;
	if (!first)
		return -EINVAL;
	all = arena_new_array(arena, struct bpf_insn, head + count);
	memcpy(all, first, head * sizeof(*all));
	memcpy(all + head, bpf_program__insns(program), count * sizeof(*all));
	memset(&options, 0, sizeof(options));
	options.sz = sizeof(options);
	options.prog_flags = bpf_program__flags(program);
	options.expected_attach_type = bpf_program__expected_attach_type(program);
	looker->program =
		bpf_prog_load(bpf_program__type(program), bpf_program__name(program), "GPL", all, head + count, &options);
	if (looker->program < 0)
		return looker->program;
	looker->own_program = true;
	return 0;
}

static int choose_program(struct packet_log *log, struct looker *looker, const struct bpf_program *program)
{
	if (looker->filter)
		return put_filter_before(log, looker, program, looker->filter);
	looker->program = bpf_program__fd(program);
	return 0;
}

/* ---- At XDP ---- */

static int load_xdp(struct packet_log *log, struct looker *looker)
{
	struct log_xdp_bpf *object = looker->xdp = log_xdp_bpf__open();
	int error = object ? 0 : -errno;

	if (error)
		return error;
	object->rodata->hook = WEIR_HOOK_XDP_INGRESS;
	object->rodata->source = (uint32_t)(looker - log->lookers);
	object->rodata->rate = log->rate;
	object->rodata->want_ether = object->rodata->want_addresses = true;
	if (kernel_features()->xdp_frags)
		bpf_program__set_flags(object->progs.weir_log_xdp, BPF_F_XDP_HAS_FRAGS);
	error = share_maps(log, object->maps.packets, object->maps.counts);
	if (!error)
		error = log_xdp_bpf__load(object);
	return error ? error : choose_program(log, looker, object->progs.weir_log_xdp);
}

static int attach_xdp(struct looker *looker, const struct device *device, enum log_place place)
{
	static const enum attach_mode modes[] = {
		[LOG_NATIVE] = MODE_NATIVE, [LOG_GENERIC] = MODE_GENERIC, [LOG_AUTO] = MODE_AUTO
	};
	struct manifest_attachment at = { .hook = WEIR_HOOK_XDP_INGRESS, .ifindex = device->ifindex };
	int link = xdp_create(&at, modes[place], looker->program);

	if (link < 0)
		return link;
	looker->fd = link;
	looker->source.place = at.how == HOW_NATIVE ? LOG_NATIVE : LOG_GENERIC;
	return 0;
}

/* Looks first: a program that is not held by a link would be refused only by the driver, after the load. */
static int look_at_xdp(struct packet_log *log, struct looker *looker, const struct device *device, enum log_place place)
{
	uint32_t other = 0;
	bool native;
	int error;

	if (device->raw_ip)
		return -EOPNOTSUPP;
	if (xdp_program(device->ifindex, &other, &native) == 0 && other) {
		looker->source.other_program = other;
		looker->source.other_name = program_name(log->arena, other);
		return -EBUSY;
	}
	error = load_xdp(log, looker);
	if (!error)
		error = attach_xdp(looker, device, place);
	if (!error)
		keep_maps(log, looker->xdp->maps.packets, looker->xdp->maps.counts);
	return error;
}

/* ---- By a packet socket ---- */

static int load_socket(struct packet_log *log, struct looker *looker, const struct device *device)
{
	struct log_socket_bpf *object = looker->socket = log_socket_bpf__open();
	int error = object ? 0 : -errno;

	if (error)
		return error;
	object->rodata->hook = WEIR_HOOK_TC_INGRESS;
	object->rodata->source = (uint32_t)(looker - log->lookers);
	object->rodata->rate = log->rate;
	object->rodata->raw_ip = device->raw_ip;
	object->rodata->want_ether = object->rodata->want_addresses = true;
	error = share_maps(log, object->maps.packets, object->maps.counts);
	if (!error)
		error = log_socket_bpf__load(object);
	return error ? error : choose_program(log, looker, object->progs.weir_log_socket);
}

/* The filter stands before the socket hears anything, and lets nothing in. */
static int look_by_socket(struct packet_log *log, struct looker *looker, const struct device *device)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = (int)device->ifindex };
	int error = load_socket(log, looker, device);

	if (error)
		return error;
	looker->source.place = LOG_SOCKET;
	looker->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (looker->fd < 0 || setsockopt(looker->fd, SOL_SOCKET, SO_ATTACH_BPF, &looker->program, sizeof(looker->program)) ||
	    bind(looker->fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	keep_maps(log, looker->socket->maps.packets, looker->socket->maps.counts);
	return 0;
}

/* ---- An interface ---- */

static void release(struct looker *looker)
{
	closep(&looker->fd);
	if (looker->own_program)
		closep(&looker->program);
	looker->own_program = false;
	log_xdp_bpf__destroy(looker->xdp);
	log_socket_bpf__destroy(looker->socket);
	looker->xdp = NULL;
	looker->socket = NULL;
}

static int refuse(const struct looker *looker, enum log_place place, int error, struct diagnostics *diagnostics)
{
	bool unprivileged = (error == -EPERM || error == -EACCES) && geteuid() != 0;
	struct diagnostic *said =
		diagnose(diagnostics, unprivileged ? SEVERITY_ERROR_SURROUNDINGS : SEVERITY_ERROR_KERNEL, nowhere,
			 "cannot log the packets of '%s'%s: %s", looker->source.interface,
			 place == LOG_AUTO || place == LOG_SOCKET ? "" : " at XDP", error_print(diagnostics->arena, error));

	if (unprivileged)
		diagnostic_hint(diagnostics, said, "it needs root: CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW");
	else if (error == -EBUSY)
		diagnostic_hint(diagnostics, said, "program %u (%s) is there; 'mode=socket' looks behind it",
				looker->source.other_program, looker->source.other_name);
	else if (!kernel_features()->xdp_frags)
		diagnostic_hint(diagnostics, said, "it needs Linux 5.18 or later");
	else if (place != LOG_AUTO)
		diagnostic_hint(diagnostics, said, "without --mode what the interface allows is taken");
	return error;
}

static int look(struct packet_log *log, struct looker *looker, enum log_place place, struct diagnostics *diagnostics)
{
	struct device device = { 0 };
	int error = find_device(looker->source.interface, &device);

	if (error) {
		diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "no interface '%s'%s%s", looker->source.interface,
			 looker->source.netns ? " in the network namespace " : "",
			 looker->source.netns ? looker->source.netns : "");
		return error;
	}
	if (log->filter) {
		error = compile_filter(log, device.raw_ip, &looker->filter, diagnostics);
		if (error)
			return error;
	}
	if (place != LOG_SOCKET) {
		error = look_at_xdp(log, looker, &device, place);
		if (!error)
			return 0;
		release(looker);
		looker->source.error = error;
		if (place != LOG_AUTO)
			return refuse(looker, place, error, diagnostics);
	}
	error = look_by_socket(log, looker, &device);
	return error ? refuse(looker, place, error, diagnostics) : 0;
}

static int look_at_all(struct packet_log *log, const struct log_request *request, struct diagnostics *diagnostics)
{
	_cleanup_(netns_leave) int home = -1;
	int error = netns_enter(request->netns, &home), result = 0;

	if (error) {
		diagnose(diagnostics, SEVERITY_ERROR_SURROUNDINGS, nowhere, "cannot enter the network namespace '%s': %s",
			 request->netns, error_print(diagnostics->arena, error));
		return error;
	}
	for (size_t i = 0; i < log->count; i++) {
		error = look(log, &log->lookers[i], request->place, diagnostics);
		if (error && !result)
			result = error;
	}
	return result;
}

/* ---- The log ---- */

/* A negative answer makes libbpf stop behind this record. */
static int on_packet(void *context, void *data, size_t size)
{
	struct packet_log *log = context;
	const struct weir_seen_packet *packet = data;

	if (size >= sizeof(*packet) && packet->source < log->count)
		log->handle(log->context, packet);
	return ++log->handed < READ_MOST ? 0 : -EAGAIN;
}

static struct packet_log *log_new(const struct log_request *request)
{
	struct arena *arena = arena_new();
	struct packet_log *log = arena_new_object(arena, struct packet_log);

	*log = (struct packet_log){ .arena = arena,
				    .count = request->count,
				    .rate = request->rate,
				    .filter = request->filter ? arena_strdup(arena, request->filter) : NULL,
				    .packets_fd = -1,
				    .counts_fd = -1 };
	log->lookers = arena_new_array(arena, struct looker, request->count);
	for (size_t i = 0; i < request->count; i++) {
		log->lookers[i].fd = -1;
		log->lookers[i].source.interface = arena_strdup(arena, request->interfaces[i]);
		log->lookers[i].source.netns = request->netns ? arena_strdup(arena, request->netns) : NULL;
	}
	return log;
}

int packet_log_open(const struct log_request *request, struct packet_log **ret_log, struct diagnostics *diagnostics)
{
	struct packet_log *log = log_new(request);
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	int error;

	kernel_raise_memlock();
	error = look_at_all(log, request, diagnostics);
	libbpf_set_print(print);
	if (!error) {
		log->ring = ring_buffer__new(log->packets_fd, on_packet, log, NULL);
		error = log->ring ? 0 : -errno;
	}
	if (error) {
		packet_log_close(log);
		return error;
	}
	*ret_log = log;
	return 0;
}

void packet_log_close(struct packet_log *log)
{
	if (!log)
		return;
	ring_buffer__free(log->ring);
	for (size_t i = 0; i < log->count; i++)
		release(&log->lookers[i]);
	closep(&log->packets_fd);
	closep(&log->counts_fd);
	arena_free(log->arena);
}

size_t packet_log_count(const struct packet_log *log)
{
	return log->count;
}

const struct log_source *packet_log_source(const struct packet_log *log, size_t index)
{
	return &log->lookers[index].source;
}

int packet_log_fd(const struct packet_log *log)
{
	return ring_buffer__epoll_fd(log->ring);
}

int packet_log_read(struct packet_log *log, int timeout_ms, void (*handle)(void *context, const struct weir_seen_packet *packet),
		    void *context)
{
	int result;

	log->handle = handle;
	log->context = context;
	log->handed = 0;
	/* What is there is handed out without asking the descriptor, which only tells of what comes new. */
	result = ring_buffer__consume(log->ring);
	if (result == 0 && timeout_ms != 0)
		result = ring_buffer__poll(log->ring, timeout_ms);
	return result == -EAGAIN ? log->handed : result;
}

int packet_log_counts(struct packet_log *log, struct weir_seen_counts *ret_counts)
{
	int processors = libbpf_num_possible_cpus();
	_cleanup_free_ struct weir_seen_counts *each = processors > 0 ? calloc((size_t)processors, sizeof(*each)) : NULL;
	struct weir_seen_counts all = { 0 };
	uint32_t zero = 0;

	if (!each)
		return -ENOMEM;
	if (bpf_map_lookup_elem(log->counts_fd, &zero, each))
		return -errno;
	for (int i = 0; i < processors; i++) {
		all.suppressed += each[i].suppressed;
		all.lost += each[i].lost;
	}
	*ret_counts = (struct weir_seen_counts){ .suppressed = all.suppressed - log->told.suppressed,
						 .lost = all.lost - log->told.lost };
	log->told = all;
	return 0;
}
