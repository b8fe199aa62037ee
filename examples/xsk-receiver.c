/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes the packets that a policy hands over with `to xsk`, and prints a line for each: an AF_XDP socket in copy mode, which
 * works with every driver. See examples/xsk.weir.
 *
 *	cc -O2 -o xsk-receiver xsk-receiver.c -lxdp -lbpf
 *	xsk-receiver INTERFACE QUEUE MAP [COUNT]
 *
 * MAP is the id of the chain's map weir_xsks (`weir list -j`). It ends after COUNT packets, or by a signal; then the socket
 * leaves the map by itself, and what the policy hands over is dropped until another receiver comes.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xdp/xsk.h>

#define FRAMES	   1024 /* of 4096 bytes: as many packets may wait */
#define FRAME_SIZE XSK_UMEM__DEFAULT_FRAME_SIZE

struct receiver {
	struct xsk_ring_prod fill, send; /* frames for the kernel; sending is not used */
	struct xsk_ring_cons complete, receive;
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	void *memory;
};

static int fail(const char *what, int error)
{
	fprintf(stderr, "xsk-receiver: %s: %s\n", what, strerror(error < 0 ? -error : error));
	return 1;
}

/* Give the kernel frames to fill: those at the ADDRESSES. */
static void offer(struct receiver *receiver, const __u64 *addresses, __u32 count)
{
	__u32 at;

	while (xsk_ring_prod__reserve(&receiver->fill, count, &at) != count)
		; /* there are as many places as frames */
	for (__u32 i = 0; i < count; i++)
		*xsk_ring_prod__fill_addr(&receiver->fill, at + i) = addresses[i];
	xsk_ring_prod__submit(&receiver->fill, count);
}

static int receiver_open(struct receiver *receiver, const char *interface, __u32 queue)
{
	struct xsk_umem_config memory = { .fill_size = FRAMES, .comp_size = FRAMES, .frame_size = FRAME_SIZE };
	struct xsk_socket_config config = {
		.rx_size = FRAMES,
		.tx_size = FRAMES,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD, /* weir's program is there */
		.bind_flags = XDP_COPY,
	};
	__u64 addresses[FRAMES];
	int error;

	receiver->memory = mmap(NULL, (size_t)FRAMES * FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (receiver->memory == MAP_FAILED)
		return -errno;
	error = xsk_umem__create(&receiver->umem, receiver->memory, (__u64)FRAMES * FRAME_SIZE, &receiver->fill,
				 &receiver->complete, &memory);
	if (error)
		return error;
	for (__u32 i = 0; i < FRAMES; i++)
		addresses[i] = (__u64)i * FRAME_SIZE;
	offer(receiver, addresses, FRAMES);
	return xsk_socket__create(&receiver->socket, interface, queue, receiver->umem, &receiver->receive, &receiver->send,
				  &config);
}

static void print_packet(const unsigned char *packet, __u32 length)
{
	printf("%u bytes", length);
	if (length >= 14)
		printf(", ether %02x:%02x:%02x:%02x:%02x:%02x > %02x:%02x:%02x:%02x:%02x:%02x, type %02x%02x", packet[6],
		       packet[7], packet[8], packet[9], packet[10], packet[11], packet[0], packet[1], packet[2], packet[3],
		       packet[4], packet[5], packet[12], packet[13]);
	putchar('\n');
	fflush(stdout);
}

/* What has come, at most MOST packets; their frames go back to the kernel. */
static __u32 receive(struct receiver *receiver, __u32 most)
{
	__u64 addresses[FRAMES];
	__u32 at, count = xsk_ring_cons__peek(&receiver->receive, most < FRAMES ? most : FRAMES, &at);

	for (__u32 i = 0; i < count; i++) {
		const struct xdp_desc *packet = xsk_ring_cons__rx_desc(&receiver->receive, at + i);

		addresses[i] = xsk_umem__extract_addr(packet->addr);
		print_packet(xsk_umem__get_data(receiver->memory, packet->addr), packet->len);
	}
	xsk_ring_cons__release(&receiver->receive, count);
	if (count)
		offer(receiver, addresses, count);
	return count;
}

int main(int argc, char **argv)
{
	struct receiver receiver = { 0 };
	unsigned long left = argc > 4 ? strtoul(argv[4], NULL, 0) : (unsigned long)-1;
	__u32 queue;
	int error, map, fd;

	if (argc < 4) {
		fprintf(stderr, "usage: xsk-receiver INTERFACE QUEUE MAP [COUNT]\n");
		return 1;
	}
	queue = (__u32)strtoul(argv[2], NULL, 0);
	map = bpf_map_get_fd_by_id((__u32)strtoul(argv[3], NULL, 0));
	if (map < 0)
		return fail("the map", errno);
	error = receiver_open(&receiver, argv[1], queue);
	if (error)
		return fail("the socket", error);
	fd = xsk_socket__fd(receiver.socket);
	if (bpf_map_update_elem(map, &queue, &fd, BPF_ANY))
		return fail("to put the socket into the map", errno);
	puts("ready");
	fflush(stdout);
	while (left) {
		struct pollfd waiting = { .fd = fd, .events = POLLIN };

		if (poll(&waiting, 1, -1) < 0 && errno != EINTR)
			return fail("to wait", errno);
		left -= receive(&receiver, left > FRAMES ? FRAMES : (__u32)left);
	}
	return 0;
}
