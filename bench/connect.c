// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections a second, and what a packet of an established connection takes.
 *
 *	connect serve FIRST COUNT		listen on those TCP ports, answer each byte by a byte, until standard input ends
 *	connect ask ROUNDS MILLISECONDS PORT ADDRESS...
 *
 * Prints for each address the connections a second (one after another, made and reset) and the nanoseconds of a round trip of one byte
 * on a connection that is there: two packets in and one out at most. Client and servers share one CPU, so that nobody waits for
 * another to wake up. The addresses take turns; the best WINDOW of each counts, since other programs only ever make it longer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_ADDRESSES 16
#define WINDOW	       100 /* connections or round trips */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "connect: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- The server ---- */

static void watch(int epoll, int fd, int listener)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = (uint64_t)(uint32_t)fd << 1 | (uint64_t)listener };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		fail("epoll_ctl");
}

static void listen_on(int epoll, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4096))
		fail("a port to listen on");
	watch(epoll, fd, 1);
}

static void accept_all(int epoll, int listener)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		watch(epoll, fd, 0);
	}
}

static void answer(int fd)
{
	char byte;

	if (read(fd, &byte, 1) == 1 && write(fd, &byte, 1) == 1)
		return;
	close(fd);
}

static int serve(uint16_t first, unsigned count)
{
	int epoll = epoll_create1(0);
	struct epoll_event events[64];

	for (unsigned i = 0; i < count; i++)
		listen_on(epoll, (uint16_t)(first + i));
	watch(epoll, STDIN_FILENO, 0);
	for (;;) {
		int ready = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < ready; i++) {
			int fd = (int)(events[i].data.u64 >> 1);

			if (fd == STDIN_FILENO)
				return 0;
			if (events[i].data.u64 & 1)
				accept_all(epoll, fd);
			else
				answer(fd);
		}
	}
}

/* ---- The client ---- */

struct peer {
	const char *name;
	struct sockaddr_in address;
	double connect_ns, trip_ns; /* at best */
};

static int open_connection(const struct peer *peer)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&peer->address, sizeof(peer->address)))
		fail(peer->name);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* Ended by a reset, so that nothing waits in TIME_WAIT. */
static void reset_connection(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void keep_least(double *least, uint64_t begin)
{
	double each = (double)(now_ns() - begin) / WINDOW;

	if (!*least || each < *least)
		*least = each;
}

static void measure_connections(struct peer *peer, uint64_t end)
{
	do {
		uint64_t begin = now_ns();

		for (int i = 0; i < WINDOW; i++)
			reset_connection(open_connection(peer));
		keep_least(&peer->connect_ns, begin);
	} while (now_ns() < end);
}

static void measure_trips(struct peer *peer, uint64_t end)
{
	int fd = open_connection(peer);
	char byte = 'x';

	do {
		uint64_t begin = now_ns();

		for (int i = 0; i < WINDOW; i++)
			if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1)
				fail(peer->name);
		keep_least(&peer->trip_ns, begin);
	} while (now_ns() < end);
	reset_connection(fd);
}

static void share_a_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus); /* without it the figures are worse, no more */
}

static int ask(int rounds, int milliseconds, uint16_t port, int count, char **names)
{
	uint64_t limit_ns = (uint64_t)milliseconds * 1000000;
	struct peer peers[MOST_ADDRESSES] = { 0 };

	for (int i = 0; i < count; i++) {
		peers[i].name = names[i];
		peers[i].address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		if (inet_pton(AF_INET, names[i], &peers[i].address.sin_addr) != 1)
			fail("an address");
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++) {
			measure_connections(&peers[i], now_ns() + limit_ns);
			measure_trips(&peers[i], now_ns() + limit_ns);
		}
	for (int i = 0; i < count; i++)
		printf("%s %.0f %.0f\n", peers[i].name, 1e9 / peers[i].connect_ns, peers[i].trip_ns);
	return 0;
}

int main(int argc, char **argv)
{
	share_a_cpu();
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return serve((uint16_t)atoi(argv[2]), (unsigned)atoi(argv[3]));
	if (argc > 5 && argc - 5 <= MOST_ADDRESSES && strcmp(argv[1], "ask") == 0)
		return ask(atoi(argv[2]), atoi(argv[3]), (uint16_t)atoi(argv[4]), argc - 5, argv + 5);
	fprintf(stderr, "usage: connect serve FIRST COUNT | connect ask ROUNDS MILLISECONDS PORT ADDRESS...\n");
	return 1;
}
