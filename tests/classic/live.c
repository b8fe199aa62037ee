// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux's extensions of classic BPF beside the kernel's own: real frames come in over a veth; packet sockets with the program as
 * their filter judge them, and weir's chain at tc ingress of the same interface. Of each value sixteen bits are asked for one
 * by one, each by a program of its own.
 *
 * The namespace is this process's alone, and nothing but the frames of this test is on its wire.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../tap.h"
#include "classic/classic.h"
#include "compile.h"
#include "host/filter.h"
#include "kernel/load.h"

#define BITS	    16
#define TCX_INGRESS 46

/* What leaves the value in A that is asked about. */
static const char *const values[] = {
	"ld proto",
	"ld type",
	"ld ifidx",
	"ld mark",
	"ld queue",
	"ld hatype",
	"ld rxhash",
	"ld vlan_tci",
	"ld vlan_avail",
	"ld vlan_tpid",
	"ld poff",
	"ldb [-1048567]",				/* SKF_NET_OFF + 9 */
	"ldh [-1048574]",				/* SKF_NET_OFF + 2 */
	"ldh [-2097140]",				/* SKF_LL_OFF + 12 */
	"ldx 4*([-1048576]&0xf) ldh [x + -1048576]",	/* the transport header's first two bytes */
	"ldx #6 ldh [x + -2097152]",
	"ldi 0x1234 ldx #0xff0f ld xor_x",
	"ldi 14 ldx #5 ld nla",
	"ldi 14 ldx #2 ld nlan",
	"ld len",
};

/* Frames: bytes in hexadecimal, blanks between headers; Ethernet addresses come first. */
static const char *const frames[] = {
	"020000000001 020000000002 0800 45000028000040004006000 00a000001 0a000002 1234 0050 00000001 00000000 5002 1000 0000 0000",
	"020000000001 020000000002 0800 4500002c0000400040060000 0a000001 0a000002 1234 0050 00000001 00000000 6002 1000 0000 0000 020405b4",
	"020000000001 020000000002 0800 460000200000400040110000 0a000001 0a000002 01010101 1234 0035 0008 0000",
	"ffffffffffff 020000000002 0800 4500001c0000400040010000 0a000001 0a000002 0800 0000 0001 0001",
	"020000000001 020000000002 0800 4500001c0000200040110000 0a000001 0a000002 1234 0035 0008 0000",
	"020000000001 020000000002 0800 4500001c0000000440110000 0a000001 0a000002 1234 0035 0008 0000",
	"01005e000001 020000000002 0800 4500001c0000400001020000 0a000001 e0000001 1100 0000 0000 0000",
	"020000000001 020000000002 0800 450000200000400040840000 0a000001 0a000002 1234 0050 00000001 00000000",
	"020000000001 020000000002 0800 4500001c00004000402f0000 0a000001 0a000002 0001 88b5 0000 0000",
	"020000000001 020000000002 86dd 60000000 0014 06 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
	"1234 0050 00000001 00000000 5002 1000 0000 0000",
	"020000000001 020000000002 86dd 60000000 0018 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
	"3c00010400000000 1100010400000000 1234 0035 0008 0000",
	"020000000001 020000000002 86dd 60000000 0010 2c 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
	"1100000100000001 1234 0035 0008 0000",
	"020000000001 020000000002 86dd 60000000 0010 2c 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
	"1100000900000001 1234 0035 0008 0000",
	"020000000001 020000000002 86dd 60000000 0008 3a 40 20010db8000000000000000000000001 20010db8000000000000000000000002 "
	"8000 0000 0001 0001",
	"ffffffffffff 020000000002 0806 0001 0800 06 04 0001 020000000002 0a000001 000000000000 0a000002",
	"020000000001 020000000002 8100 2007 0800 450000280000400040060000 0a000001 0a000002 1234 0050 00000001 00000000 5002 1000 0000 0000",
	"020000000001 020000000002 88b5 0800 0100 00000000 1400 0500 0800 0100 00000000 0800 0200 00000000 0400 0700",
	"020000000001 020000000002 88b5 1400 0500 0800 0100 00000000 0800 0200 00000000",
};

struct judges {
	struct arena *arena;
	struct loaded_chain loaded;
	int link, sockets[BITS], control;
	uint32_t slots;
};

static struct classic_program assemble(struct arena *arena, const char *text)
{
	struct classic_program program = { 0 };
	struct classic_fault fault;
	uint32_t at;

	if (!classic_from_assembly(arena, text, &program, &fault))
		printf("# %s: %s\n", text, fault.message);
	CHECK(program.count && !classic_check(&program, &at));
	return program;
}

static const char *question(struct arena *arena, const char *value, unsigned bit)
{
	return arena_printf(arena, "%s jset #%u, yes, no yes: ret #65535 no: ret #0", value, 1u << bit);
}

static int packet_socket(void)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = htons(0x0003), .sll_ifindex = (int)if_nametoindex("receive") };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		perror("# packet socket");
	return fd;
}

/* The control socket comes first: the kernel asks the last one first, so when it has a packet the others have had it. */
static bool open_sockets(struct judges *judges, const char *value)
{
	judges->control = packet_socket();
	for (unsigned bit = 0; bit < BITS; bit++) {
		struct classic_program program = assemble(judges->arena, question(judges->arena, value, bit));
		const struct sock_fprog filter = { (unsigned short)program.count, (void *)program.instructions };

		judges->sockets[bit] = packet_socket();
		if (setsockopt(judges->sockets[bit], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter))) {
			printf("# the kernel does not take the filter: %s\n", strerror(errno));
			return false;
		}
	}
	return true;
}

/* Each of MATCHES, BITS of them, in a rule for whole packets and in one for malformed ones. */
static bool open_chain(struct judges *judges, const char *const *matches)
{
	struct load_request request = { .counters_fd = -1, .events_fd = -1, .owners_fd = -1 };
	char *rules = arena_strdup(judges->arena, "");
	struct source source = { .name = "case.weir" };
	struct diagnostics diagnostics;
	const struct compiled *compiled;

	for (int malformed = 0; malformed < 2; malformed++)
		for (unsigned bit = 0; bit < BITS; bit++)
			rules = arena_printf(judges->arena, "%s%s%s counter\n", rules, malformed ? "meta malformed " : "", matches[bit]);
	source.text = arena_printf(judges->arena, "chain c {\nhook tc ingress on receive\n%s}\n", rules);
	source.length = strlen(source.text);
	diagnostics_init(&diagnostics, judges->arena);
	compiled = compile(judges->arena, host_system(), &source, "case", &(struct code_options){ 0 }, &diagnostics);
	if (compiled) {
		request.code = compiled->chains[0].code;
		judges->slots = request.counter_slots = WEIR_SLOT_FIRST_RULE + 2 * BITS;
		if (kernel_load(&request, &judges->loaded, &diagnostics) == 0) {
			judges->link = bpf_link_create(judges->loaded.program_fd, (int)if_nametoindex("receive"), TCX_INGRESS, NULL);
			return judges->link >= 0;
		}
	}
	diagnostics_print(&diagnostics, stdout, false);
	return false;
}

static void judges_close(struct judges *judges)
{
	for (unsigned bit = 0; bit < BITS; bit++)
		if (judges->sockets[bit] > 0)
			close(judges->sockets[bit]);
	close(judges->control);
	close(judges->link);
	loaded_chain_close(&judges->loaded);
	arena_free(judges->arena);
}

static uint64_t packets_of(const struct judges *judges, uint32_t slot)
{
	struct weir_counter counters[256];
	uint64_t sum = 0;

	memset(counters, 0, sizeof(counters));
	bpf_map_lookup_elem(judges->loaded.counters_fd, &slot, counters);
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		sum += counters[i].packets;
	return sum;
}

/* How many packets the chain has decided: by its policy, or as malformed. */
static uint64_t decided(const struct judges *judges)
{
	uint64_t sum = 0;

	for (uint32_t slot = 0; slot < WEIR_SLOT_EVENTS_LOST; slot++)
		sum += packets_of(judges, slot);
	return sum;
}

static uint32_t by_weir(const struct judges *judges, uint64_t before[2 * BITS])
{
	uint32_t bits = 0;

	for (unsigned i = 0; i < 2 * BITS; i++) {
		uint64_t now = packets_of(judges, WEIR_SLOT_FIRST_RULE + i);

		if (now != before[i])
			bits |= 1u << i % BITS;
		before[i] = now;
	}
	return bits;
}

static uint32_t by_kernel(const struct judges *judges)
{
	uint8_t trash[1];
	uint32_t bits = 0;

	for (unsigned bit = 0; bit < BITS; bit++)
		if (recv(judges->sockets[bit], trash, sizeof(trash), MSG_TRUNC) >= 0)
			bits |= 1u << bit;
	return bits;
}

static size_t read_hex(const char *text, uint8_t *bytes)
{
	unsigned high = 16;
	size_t length = 0;

	for (; *text; text++) {
		unsigned digit;

		if (*text == ' ')
			continue;
		digit = *text <= '9' ? (unsigned)(*text - '0') : (unsigned)(*text - 'a' + 10);
		if (high == 16) {
			high = digit;
		} else {
			bytes[length++] = (uint8_t)(high << 4 | digit);
			high = 16;
		}
	}
	return length;
}

/* Returns what weir says of the frame, which the kernel's sockets have then had. */
static uint32_t run_frame(const struct judges *judges, int sender, const char *hex, uint64_t before[2 * BITS])
{
	struct pollfd wait = { .fd = judges->control, .events = POLLIN };
	uint64_t judged = decided(judges);
	uint8_t bytes[256];
	size_t length = read_hex(hex, bytes);

	CHECK(send(sender, bytes, length, 0) == (ssize_t)length);
	CHECK(poll(&wait, 1, 2000) == 1);
	recv(judges->control, bytes, sizeof(bytes), 0);
	for (int i = 0; i < 2000 && decided(judges) == judged; i++)
		usleep(1000);
	return by_weir(judges, before);
}

static void compare(const char *who, uint32_t wanted, uint32_t got, const char *hex)
{
	if (wanted == got)
		return;
	tap_ok = false;
	printf("# %s has 0x%04x, weir 0x%04x for %s\n", who, wanted, got, hex);
}

static int open_sender(void)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("send") };
	int sender = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	CHECK(!bind(sender, (struct sockaddr *)&address, sizeof(address)));
	return sender;
}

#define NO_JUDGES                                                                                                                \
	{                                                                                                                        \
		.arena = arena_new(), .link = -1, .control = -1, .loaded = {.program_fd = -1, .counters_fd = -1 }                \
	}

static void run_value(const char *value)
{
	struct judges judges = NO_JUDGES;
	int sender = open_sender();
	uint64_t before[2 * BITS] = { 0 };
	const char *matches[BITS];

	tap_ok = true;
	for (unsigned bit = 0; bit < BITS; bit++)
		matches[bit] = arena_printf(judges.arena, "bytecode asm \"%s\"", question(judges.arena, value, bit));
	CHECK(open_chain(&judges, matches) && open_sockets(&judges, value));
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames) && tap_ok; i++) {
		uint32_t got = run_frame(&judges, sender, frames[i], before);

		compare("the kernel", by_kernel(&judges), got, frames[i]);
	}
	close(sender);
	judges_close(&judges);
	tap_result(value);
}

/* Expressions see a frame as it was on the wire, with the tag that the kernel took off before tc. */
static const char *const expressions[BITS] = {
	"vlan", "vlan 7 and tcp port 80", "vlan 7 and ip[8] = 64", "vlan and tcp[tcpflags] = tcp-syn", "tcp", "udp", "len = 58",
	"ether[12:4] = 0x81002007", "ether[13:2] = 0x20", "ether[15:4] = 0x07080045", "ether[10:4] = 0x00028100", "arp",
	"vlan and ether[ether[0] + 13] = 7", "ip6 proto 44", "not vlan and ip", "ether proto 0x88b5",
};

static uint32_t by_interpreter(struct arena *arena, const char *hex)
{
	uint8_t bytes[256];
	struct classic_packet packet = { .data = bytes, .length = read_hex(hex, bytes) };
	uint32_t bits = 0;

	for (unsigned bit = 0; bit < BITS; bit++) {
		const struct host_filter_request request = { expressions[bit], CLASSIC_ETHERNET };
		const struct classic_program *program = NULL;
		const char *message;

		CHECK(!host_filter(NULL, arena, &request, &program, &message));
		if (program && classic_run(program, &packet))
			bits |= 1u << bit;
	}
	return bits;
}

static void run_expressions(void)
{
	struct judges judges = NO_JUDGES;
	int sender = open_sender();
	uint64_t before[2 * BITS] = { 0 };
	const char *matches[BITS];
	uint32_t any = 0;

	tap_ok = true;
	for (unsigned bit = 0; bit < BITS; bit++)
		matches[bit] = arena_printf(judges.arena, "pcap \"%s\"", expressions[bit]);
	judges.control = packet_socket();
	CHECK(open_chain(&judges, matches));
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames) && tap_ok; i++) {
		uint32_t got = run_frame(&judges, sender, frames[i], before);

		compare("the wire", by_interpreter(judges.arena, frames[i]), got, frames[i]);
		any |= got;
	}
	CHECK_NUMBER(any, (1u << BITS) - 1);
	close(sender);
	judges_close(&judges);
	tap_result("an expression sees a tagged frame as it was on the wire");
}

int main(void)
{
	if (geteuid() != 0 || !kernel_features()->tcx) {
		SKIP(extensions, "needs root and tcx");
		return tap_end();
	}
	kernel_raise_memlock();
	if (unshare(CLONE_NEWNET) ||
	    system("echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6;"
		   "ip link add send type veth peer name receive && ip link set send up arp off && ip link set receive up arp off && sleep 0.2")) {
		puts("Bail out! no network namespace");
		return 1;
	}
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		run_value(values[i]);
	run_expressions();
	return tap_end();
}
