// SPDX-License-Identifier: GPL-2.0-only
/*
 * A generator of packets without a network card: BPF_PROG_TEST_RUN with live frames, of a program that redirects each
 * into an interface, one end of a veth pair. The receiving side's work is done on the same CPU before the next batch, so the
 * time a packet takes is that of sending and receiving it.
 *
 *	flood ROUNDS MILLISECONDS SADDR DPORT INTERFACE...
 *	flood ROUNDS MILLISECONDS SADDR/COUNT DPORT INTERFACE...	each packet from another one of COUNT addresses, at random
 *	flood --floor INTERFACE		attach a program that only drops, until standard input ends
 *
 * Prints packets a second. The interfaces take turns; the best round of each counts. What arrives is counted by the driver, so
 * packets that found its ring full count as never sent.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "code/instructions.h"
#include "rows.h"

#define BATCH		64
#define FIRST_FRAMES	(16 * BATCH)
#define MOST_FRAMES	(1u << 26)
#define HELPER_REDIRECT 23
#define LIVE_FRAMES	(1u << 1) /* BPF_F_TEST_XDP_LIVE_FRAMES */

struct target {
	const char *name;
	int program;
	uint32_t count;	  /* frames of one run */
	uint64_t call_ns; /* what a run of hardly any frames takes, at best */
	double best;	  /* ns a packet */
};

static uint8_t frame[64] = { 2, 0, 0,  0,  0, 2, 2,  0, 0, 0, 0,  1, 8, 0, 0x45, 0,    0, 50, 0, 1,
			     0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 80, 0, 30 };

static uint32_t first_source, sources; /* 0: all from one */

/* The sum of the IPv4 header without its own checksum, in 17 bits at most. */
static uint32_t header_sum(void)
{
	uint32_t sum = 0;

	for (int i = 14; i < 34; i += 2)
		sum += i == 24 ? 0 : frame[i] << 8 | frame[i + 1];
	return (sum & 0xffff) + (sum >> 16);
}

/* ADDRESS, or ADDRESS/COUNT. */
static void write_frame(const char *address, int port)
{
	char text[32];
	const char *slash = strchr(address, '/');
	uint32_t sum, source;

	snprintf(text, sizeof(text), "%.*s", slash ? (int)(slash - address) : 31, address);
	inet_pton(AF_INET, text, &source);
	first_source = ntohl(source);
	sources = slash ? (uint32_t)atoi(slash + 1) : 0;
	if (sources)
		source = 0; /* the program writes it */
	memcpy(&frame[26], &source, sizeof(source));
	frame[36] = port >> 8;
	frame[37] = port & 255;
	sum = header_sum();
	sum = ~((sum & 0xffff) + (sum >> 16));
	frame[24] = sum >> 8;
	frame[25] = sum & 255;
}

static int load_redirect(unsigned ifindex)
{
	struct bpf_insn one[] = { move_constant(BPF_REG_1, ifindex), move_constant(BPF_REG_2, 0), call_helper(HELPER_REDIRECT),
				  instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0) };
	/* r7: the packet, r0 the address, r1 what is left of the sum over the header. */
	struct bpf_insn many[] = {
		load(BPF_W, BPF_REG_7, BPF_REG_1, offsetof(struct xdp_md, data)),
		load(BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct xdp_md, data_end)),
		move_register(BPF_REG_3, BPF_REG_7),
		calculate_constant(BPF_ADD, BPF_REG_3, 34),
		instruction(BPF_JMP | BPF_JGT | BPF_X, BPF_REG_3, BPF_REG_2, 19, 0),
		call_helper(HELPER_PRANDOM),
		move_register_32(BPF_REG_0, BPF_REG_0),
		calculate_constant(BPF_MUL, BPF_REG_0, (int32_t)sources),
		calculate_constant(BPF_RSH, BPF_REG_0, 32),
		calculate_constant(BPF_ADD, BPF_REG_0, (int32_t)first_source),
		move_register(BPF_REG_1, BPF_REG_0),
		calculate_constant(BPF_RSH, BPF_REG_1, 16),
		move_register(BPF_REG_2, BPF_REG_0),
		calculate_constant(BPF_AND, BPF_REG_2, 0xffff),
		calculate_register(BPF_ADD, BPF_REG_1, BPF_REG_2),
		calculate_constant(BPF_ADD, BPF_REG_1, (int32_t)header_sum()),
		move_register(BPF_REG_2, BPF_REG_1),
		calculate_constant(BPF_RSH, BPF_REG_2, 16),
		calculate_register(BPF_ADD, BPF_REG_1, BPF_REG_2), /* below 4 * 65536: never a carry again but at 65535 + 1 */
		calculate_constant(BPF_XOR, BPF_REG_1, -1),
		to_network_order(BPF_REG_1, 16),
		store(BPF_H, BPF_REG_7, 24, BPF_REG_1),
		to_network_order(BPF_REG_0, 32),
		store(BPF_W, BPF_REG_7, 26, BPF_REG_0),
		one[0],
		one[1],
		one[2],
		one[3],
	};

	if (sources)
		return bpf_prog_load(BPF_PROG_TYPE_XDP, "flood", "GPL", many, sizeof(many) / sizeof(many[0]), NULL);
	return bpf_prog_load(BPF_PROG_TYPE_XDP, "flood", "GPL", one, sizeof(one) / sizeof(one[0]), NULL);
}

/* How many packets the other end has taken in. */
static uint64_t arrived(const char *name)
{
	FILE *in = fopen("/proc/self/net/dev", "r");
	uint64_t packets = 0;
	char line[512];

	while (in && fgets(line, sizeof(line), in)) {
		char *at = strchr(line, ':');

		if (!at || strcmp(line + strspn(line, " "), name) == 0)
			continue;
		*at++ = '\0';
		if (strcmp(line + strspn(line, " "), name) == 0)
			sscanf(at, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %lu", &packets);
	}
	if (in)
		fclose(in);
	return packets;
}

static bool send_frames(const struct target *target, uint32_t count)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame), .repeat = (int)count,
		    .flags = LIVE_FRAMES, .batch_size = BATCH);

	if (bpf_prog_test_run_opts(target->program, &options) == 0)
		return true;
	fprintf(stderr, "flood: %s: %s\n", target->name, strerror(errno));
	return false;
}

/* One run: how long it took, and how many frames got through. */
static bool time_run(const struct target *target, uint32_t count, uint64_t *ret_ns, uint64_t *ret_arrived)
{
	uint64_t before = arrived(target->name), start = now_ns();

	if (!send_frames(target, count))
		return false;
	*ret_ns = now_ns() - start;
	*ret_arrived = arrived(target->name) - before;
	return true;
}

/*
 * A call takes tens of milliseconds beside its frames, while the kernel waits for their pages to come back. That is measured
 * apart, with a single batch, and taken off a run that is much longer.
 */
static bool measure(struct target *target, uint64_t wanted_ns)
{
	uint64_t spent, packets;
	double each;

	for (int i = 0; i < 3; i++) {
		if (!time_run(target, BATCH, &spent, &packets))
			return false;
		if (!target->call_ns || spent < target->call_ns)
			target->call_ns = spent;
	}
	/* The better of two runs, until that is long enough; later rounds begin with what was found. */
	for (;; target->count *= 2) {
		uint64_t again, again_packets;

		if (!time_run(target, target->count, &spent, &packets) ||
		    !time_run(target, target->count, &again, &again_packets))
			return false;
		if (again < spent) {
			spent = again;
			packets = again_packets;
		}
		if (spent >= target->call_ns + wanted_ns || target->count >= MOST_FRAMES)
			break;
	}
	if (packets <= BATCH || spent <= target->call_ns) {
		fprintf(stderr, "flood: %s: of %u frames %lu got through\n", target->name, target->count, (unsigned long)packets);
		return false;
	}
	each = (double)(spent - target->call_ns) / (double)(packets - BATCH);
	if (!target->best || each < target->best)
		target->best = each;
	return true;
}

static int hold_floor(const char *name)
{
	struct bpf_insn instructions[] = { move_constant(BPF_REG_0, XDP_DROP), instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0) };
	LIBBPF_OPTS(bpf_prog_load_opts, load_options, .prog_flags = BPF_F_XDP_HAS_FRAGS);
	int program = bpf_prog_load(BPF_PROG_TYPE_XDP, "floor", "GPL", instructions, 2, &load_options);
	int link = program < 0 ? -1 : bpf_link_create(program, (int)if_nametoindex(name), BPF_XDP, NULL);
	char byte;

	if (link < 0) {
		fprintf(stderr, "flood: %s: %s\n", name, strerror(errno));
		return 1;
	}
	printf("attached\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	int count = argc - 5, rounds;
	struct target *targets;

	if (argc == 3 && strcmp(argv[1], "--floor") == 0)
		return hold_floor(argv[2]);
	if (argc < 6) {
		fputs("usage: flood ROUNDS MILLISECONDS SADDR[/COUNT] DPORT INTERFACE...\n", stderr);
		return 1;
	}
	rounds = atoi(argv[1]);
	write_frame(argv[3], atoi(argv[4]));
	targets = calloc((size_t)count, sizeof(*targets));
	for (int i = 0; i < count; i++) {
		targets[i].name = argv[i + 5];
		targets[i].count = FIRST_FRAMES;
		targets[i].program = load_redirect(if_nametoindex(targets[i].name));
		if (targets[i].program < 0) {
			fprintf(stderr, "flood: %s: %s\n", targets[i].name, strerror(errno));
			return 1;
		}
	}
	for (int round = 0; round < rounds; round++)
		for (int i = 0; i < count; i++)
			if (!measure(&targets[i], (uint64_t)atoi(argv[2]) * 1000000))
				return 1;
	for (int i = 0; i < count; i++)
		printf("%s %.0f\n", targets[i].name, 1e9 / targets[i].best);
	return 0;
}
